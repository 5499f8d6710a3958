/*
 * format.h - the words of a reply: numbers, strings, flags, mailbox names (RFC 3501 9).
 */
#ifndef IMAPD_FORMAT_H
#define IMAPD_FORMAT_H

#include "common/base/buf.h"
#include "storage/store.h"

void imap_put_number(struct buf *out, uint64_t n);

/* Quoted where that is possible, else a literal. */
void imap_put_string(struct buf *out, struct span s);
/* As it is where that is possible, else like a string. */
void imap_put_astring(struct buf *out, struct span s);
/* In quotes, whatever it holds: without control characters. */
void imap_put_quoted(struct buf *out, struct span s);
/* A name in UTF-8 as the wire has it without RFC 6855, quoted. */
void imap_put_mailbox(struct buf *out, struct span name);

/* RFC 8474: they stay when the mailbox is renamed, the message copied or moved. */
void imap_put_mailbox_id(struct buf *out, uint64_t id);
void imap_put_email_id(struct buf *out, const uint8_t guid[STORE_GUID]);

/* "(\Seen $Forwarded)": keywords are the mailbox's, in the order of the bits of mask. */
struct imap_flag_words {
	uint32_t flags;
	uint64_t mask;
	const struct span *keywords;
	size_t keyword_count;
	bool recent;
};
void imap_put_flags(struct buf *out, const struct imap_flag_words *w);

#endif
