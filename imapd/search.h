/*
 * search.h - what SEARCH asks (RFC 3501 6.4.4), and whether a message answers it.
 *
 * Keys are a tree. Each is YES, NO or OPEN: open until the metadata, or the text of the
 * message, are there. So a message is opened only if everything cheaper left it open.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include "imapd/session.h"
#include "imapd/walk.h"
#include "mime/search.h"
#include "mime/text.h"

enum {
	SEARCH_DEPTH = 50,		/* parentheses, NOT and OR inside each other */
	SEARCH_KEYS = 2000,		/* in one command */
	SEARCH_TEXTS = 32,		/* of them that look for text */
	SEARCH_HEADER_MAX = 256 << 10,	/* bytes of a header that is looked at, ... */
	SEARCH_HEADER_TURN = 4096	/* ... and of them in one turn, rounded up to a field */
};

enum search_op {
	SEARCH_ALL,
	SEARCH_AND,
	SEARCH_OR,
	SEARCH_NOT,
	SEARCH_NUMBERS,			/* a set of sequence numbers */
	SEARCH_UIDS,
	SEARCH_EMAILID,
	SEARCH_NEVER,
	SEARCH_FLAG,			/* all of flags are set */
	SEARCH_UNFLAG,			/* none is */
	SEARCH_KEYWORD,
	SEARCH_UNKEYWORD,
	SEARCH_RECENT,
	SEARCH_BEFORE,
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_SAVEDBEFORE,		/* RFC 8514 4.3 */
	SEARCH_SAVEDON,
	SEARCH_SAVEDSINCE,
	SEARCH_OLDER,			/* RFC 5032 3 */
	SEARCH_YOUNGER,
	SEARCH_MODSEQ,			/* RFC 7162 3.1.5 */
	SEARCH_SENTBEFORE,
	SEARCH_SENTON,
	SEARCH_SENTSINCE,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_FIELD,			/* a header field that the metadata keep */
	SEARCH_HEADER,			/* any other */
	SEARCH_BODY,
	SEARCH_TEXT
};

enum search_answer { SEARCH_NO, SEARCH_YES, SEARCH_OPEN };

struct search_key {
	enum search_op op;
	struct search_key *first;	/* AND, OR, NOT: the keys inside, ... */
	struct search_key *next;	/* ... and the one beside it */
	struct search_key *listed;	/* all keys of the command */
	struct imap_set numbers;
	struct store_set uids;		/* what numbers come to */
	uint32_t flags;
	uint64_t keyword;		/* bit in the page at hand, 0: the mailbox has it not */
	struct span name;		/* keyword or header field */
	uint8_t guid[STORE_GUID];
	enum mime_field field;
	int64_t day;
	uint64_t size;			/* or seconds, or a mod-sequence */
	struct mime_search *needle;
	bool empty;			/* HEADER x "": is the field there? */
	bool found;			/* BODY, TEXT, HEADER: in the text that was read */
};

enum search_want {
	SEARCH_WANT_MIN = 1,
	SEARCH_WANT_MAX = 2,
	SEARCH_WANT_ALL = 4,
	SEARCH_WANT_COUNT = 8,
	SEARCH_WANT_SAVE = 16,
	SEARCH_WANT_PARTIAL = 32
};

/* RETURN (...) */
struct search_return {
	bool extended;			/* ESEARCH answers */
	unsigned want;			/* enum search_want */
	bool from_end;
	struct store_range written;	/* PARTIAL, as it was asked */
};

/* What ESEARCH is made of. */
struct search_found {
	struct imap_ranges uids;
	uint32_t count;
	uint64_t first_modseq, last_modseq, highest;
	struct buf modseqs;		/* of each, where PARTIAL asks for some */
};

/* One message. */
struct search_message {
	const struct store_record *record;
	const struct imap_view *view;
	const struct mime_meta *meta;	/* NULL: not yet */
	int64_t now_s;
	bool read;			/* keys' found is final */
	struct buf *scratch;
};

struct search {
	struct search_key *root, *all;
	size_t keys, texts;
	struct span charset;
	bool unknown_charset, long_text;
	bool modseq;			/* a key asks for mod-sequences: the answer has one */
	bool numbers;			/* a key has sequence numbers */
	bool wants_meta;		/* take needs m.meta */
	/* SORT, THREAD: take notes the message at hand (false: no memory), finish answers once all are */
	bool (*take)(struct imap_server *e);
	imap_step finish;
	bool enough;			/* nothing behind this can change the answer */
	bool lost;			/* no memory for what was found */
	bool saving;			/* a failure empties what was saved */
	struct search_return give;
	struct search_found found;
	struct store_set told;		/* UIDs of ALL or PARTIAL, ... */
	size_t told_at;			/* ... the next to tell */
	struct store_set uids;
	struct imap_walk walk;
	struct imap_page page;
	size_t at;
	struct search_message m;
	struct buf scratch;
	/* the text of the message at hand */
	size_t part_at;
	uint64_t offset, left;
	struct buf header;
	size_t header_at;		/* fields before it were shown */
	struct mime_text *text;
	bool any, missing;
};

/* search_parse.c */
bool search_parse(struct imap_parse *p, struct search *s);
/* charset SP keys, as SORT and THREAD have it. */
bool search_parse_program(struct imap_parse *p, struct search *s);

/* search_return.c */
bool search_parse_return(struct imap_parse *p, struct search_return *r);
/* Notes a message that answers. False: no memory. */
bool search_take(struct search *s, const struct store_record *r);
/* Keeps and tells what was found, as RETURN asked; then search_over. */
enum imap_run search_tell(struct imap_server *e);

/* search_match.c */
enum search_answer search_answer(const struct search_key *k, const struct search_message *m);
/* Looks keywords up for a page. */
void search_page(struct search *s);
/* Shows a text to all keys of these kinds that still look; value may have encoded words. */
bool search_wants(const struct search *s, enum search_op op);
/* Takes the next field off *header. False at the end. */
bool search_show_field(struct search *s, struct span *header);
void search_show_part(struct search *s, const struct mime_part *part);
void search_show_text(struct search *s, struct span utf8);
void search_text_begins(struct search *s);
void search_forget(struct search *s);

/* search_scan.c: reads the message at hand; then `after`. */
enum imap_run search_scan(struct imap_server *e);
/* cmd_search.c; e->data begins with a struct search */
enum imap_run search_start(struct imap_server *e);
void search_clear(struct imap_server *e);
/* The numbers are out already. */
enum imap_run search_classic_end(struct imap_server *e);
enum imap_run search_scanned(struct imap_server *e);
enum imap_run search_over(struct imap_server *e);

#endif
