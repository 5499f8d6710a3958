/*
 * value.h - what SORT and THREAD compare of a message (RFC 5256 2, RFC 5957 3): folded as
 * i;unicode-casemap has it, so that the order of bytes is the order of texts.
 */
#ifndef IMAPD_VALUE_H
#define IMAPD_VALUE_H

#include "common/base/buf.h"
#include "mime/meta.h"
#include "storage/store.h"

/* RFC 5256 2.2: when it was sent, else INTERNALDATE. */
int64_t imap_value_sent(const struct mime_meta *m, const struct store_record *r);

/* Each appends to out, nothing if the message has no such thing. scratch is used and left filled. */
/* The base subject. True: the message is a reply, or forwarded. */
bool imap_value_subject(const struct mime_meta *m, struct buf *scratch, struct buf *out);
/* addr-mailbox of the field's first address, as ENVELOPE tells it. */
void imap_value_mailbox(const struct mime_meta *m, enum mime_field field, struct buf *out);
/* Its name, else its address (RFC 5957 3). */
void imap_value_display(const struct mime_meta *m, enum mime_field field, struct buf *scratch, struct buf *out);

#endif
