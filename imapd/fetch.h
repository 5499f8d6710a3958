/*
 * fetch.h - what FETCH was asked for (RFC 3501 6.4.5), and how one message is told.
 */
#ifndef IMAPD_FETCH_H
#define IMAPD_FETCH_H

#include "imapd/session.h"
#include "imapd/walk.h"
#include "mime/preview.h"
#include "mime/text.h"

enum {
	FETCH_ITEMS = 100,		/* of one command */
	FETCH_PATH = 100,		/* levels of one section */
	FETCH_FIELDS = 100,		/* names in one HEADER.FIELDS */
	FETCH_WORDS_MAX = 4 * MIME_PREVIEW_CHARS,
	FETCH_LAZY = 100,		/* messages of one command that are looked into for PREVIEW (LAZY) */
	FETCH_HEADER_MAX = 1 << 20	/* bytes of a header that HEADER.FIELDS looks at */
};

enum fetch_kind {
	FETCH_FLAGS,
	FETCH_UID,
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_ENVELOPE,
	FETCH_BODYSTRUCTURE,
	FETCH_BODY,
	FETCH_MODSEQ,			/* RFC 7162 3.1.5 */
	FETCH_EMAILID,			/* RFC 8474 5.1 */
	FETCH_THREADID,			/* RFC 8474 5.2: NIL, threads are not kept */
	FETCH_SAVEDATE,			/* RFC 8514 4.2 */
	FETCH_PREVIEW,			/* RFC 8970 3.1 */
	FETCH_SECTION
};

enum fetch_fields { FETCH_ALL_FIELDS, FETCH_THESE_FIELDS, FETCH_OTHER_FIELDS };

enum fetch_decode {
	FETCH_AS_IT_IS,
	FETCH_DECODED,			/* BINARY[...] (RFC 3516 4.2) */
	FETCH_DECODED_SIZE
};

struct fetch_item {
	enum fetch_kind kind;
	struct span label;		/* "BODY[1.2]<0>": how the answer calls it */
	enum mime_section section;
	uint32_t *path;
	size_t path_n;
	enum fetch_fields which;
	struct span *fields;
	size_t field_n;
	enum fetch_decode decode;
	bool partial;
	uint64_t from, most;		/* RFC 3501 6.4.5 <from.most> */
	/* for the message at hand */
	bool there;
	uint64_t offset, length;
	enum mime_encoding encoding;	/* of what is to be decoded */
};

/* A section that is told decoded; one piece at a time. */
struct fetch_binary {
	struct mime_decoder decoder;
	struct buf decoded;
	uint64_t total;			/* bytes of the whole section */
	bool nul;			/* one is among those that were asked for */
	uint64_t skip, unsent;
};

struct fetch_preview {
	bool wanted, lazy;		/* lazy: NIL where it would take long (RFC 8970 4.1) */
	bool done;			/* for the message at hand; else NIL */
	struct mime_preview maker;
	struct mime_text *text;		/* of the part at hand */
	size_t at;			/* of the parts */
	unsigned parts;			/* looked at */
	uint64_t offset, left;		/* of the part at hand */
	struct buf words;
	imap_step after;
};

struct fetch {
	struct imap_set set;
	struct fetch_item *items;
	size_t n;
	bool sees;			/* sets \Seen */
	uint64_t since;			/* CHANGEDSINCE (RFC 7162 3.1.4.1); 0: all */
	bool vanished;			/* VANISHED (RFC 7162 3.2.6) */
	struct store_range part;	/* PARTIAL (RFC 9394 3.3), in any order; first 0: all */
	bool from_end;			/* it counts from the last message down */
	bool knows_condstore;		/* it asks for what only a client with CONDSTORE does */
	bool needs_meta, needs_body;
	bool needs_tree;		/* of the metadata more than the ENVELOPE */
	struct store_set uids;
	struct imap_walk walk;
	struct imap_page page;
	size_t at;			/* record of the page */
	bool seen_changed[STORE_PAGE_RECORDS];
	struct store_range *seen;	/* UIDs that get \Seen */
	struct store_mutation m;
	uint64_t told;
	size_t item;			/* section that is being told */
	uint64_t offset, left;		/* of its bytes */
	struct buf header, picked;	/* HEADER.FIELDS */
	struct fetch_binary binary;
	struct fetch_preview preview;
	bool unknown_encoding;		/* of a section that was left out */
};

/* fetch_parse.c: the items behind the set, and the modifiers behind them. */
bool fetch_parse_items(struct imap_parse *p, struct fetch *f);
bool fetch_parse_modifiers(struct imap_parse *p, struct fetch *f);

/* fetch_body.c: tells the sections of the message at hand, then its ")". */
enum imap_run fetch_sections(struct imap_server *e);
/* The section at hand is told: the next one. */
enum imap_run fetch_section_done(struct imap_server *e);
/* fetch_binary.c: finds the item's encoding; tells its bytes or their number. */
void fetch_binary_place(const struct mime_meta *m, struct fetch_item *i);
enum imap_run fetch_binary(struct imap_server *e, const struct fetch_item *i);
/* fetch_preview.c: makes the preview of the message at hand, whose metadata are there, and goes
 * on with `after`. */
enum imap_run fetch_preview(struct imap_server *e, imap_step after);
bool fetch_preview_due(const struct imap_server *e, const struct store_record *r);
void fetch_preview_put(struct imap_server *e);
void fetch_preview_clear(struct fetch_preview *v);
/* cmd_fetch.c: the next message. */
enum imap_run fetch_next(struct imap_server *e);
bool fetch_is_whole(const struct fetch_item *i);

#endif
