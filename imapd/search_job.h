/*
 * search_job.h - what SEARCH asks (RFC 3501 6.4.4), and whether messages answer it.
 *
 * Keys are a tree. Each is YES, NO or OPEN: open until the metadata, or the text of the
 * message, are there. So a message is opened only if everything cheaper left it open.
 *
 * A job is apart from its session: the engine fills its items, the shell has them worked on
 * by another thread (search_job_step) and gives it back. While it is away nobody else
 * touches it but for search_job_stop; it may outlive the session.
 * Memory  256 kB for a header or metadata at a time, twice as much for metadata that were
 *         worked out, SEARCH_WINDOW, what one header field decodes to (1 MB at most), and
 *         the arguments.
 */
#ifndef IMAPD_SEARCH_JOB_H
#define IMAPD_SEARCH_JOB_H

#include <stdatomic.h>

#include "common/base/arena.h"
#include "imapd/set.h"
#include "mime/meta.h"
#include "mime/parse.h"
#include "mime/search.h"
#include "mime/text.h"

enum {
	SEARCH_DEPTH = 50,		/* parentheses, NOT and OR inside each other */
	SEARCH_KEYS = 2000,		/* in one command */
	SEARCH_TEXTS = 32,		/* of them that look for text */
	SEARCH_ARGUMENTS = 4 << 20,	/* bytes of sets and names */
	SEARCH_HEADER_MAX = 256 << 10,	/* bytes of a header that is looked at, ... */
	SEARCH_HEADER_STEP = 16 << 10,	/* ... and of them in one step, rounded up to a field */
	SEARCH_FIELD_MAX = 1 << 20,	/* bytes of a field, decoded, that are looked at */
	SEARCH_WINDOW = 64 << 10,	/* bytes of a message that are read at once */
	SEARCH_ITEMS = STORE_PAGE_RECORDS,	/* messages of one job */
	SEARCH_BODIES = 64,		/* bodies that are asked for at once; twice as many are open at most */
	SEARCH_BODY_BYTES = 4 << 20,	/* of all of a job, or it is one alone */
	SEARCH_MADE_MAX = 512 << 10	/* bytes of metadata that a job hands back */
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
	struct search_key *reading;	/* those of HEADER, BODY, TEXT */
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
	bool found;			/* HEADER, BODY, TEXT: in the text that was read */
};

struct search_item {
	const struct store_record *record;
	bool recent;
	enum search_answer answer;	/* OPEN: what was there did not tell */
	enum store_status status;	/* of its body, if that was wanted */
};

/* Metadata that a job worked out: their bytes lie in made. */
struct search_made {
	uint32_t uid;
	uint32_t n;
};

/* How a job gets at messages; called on its thread. */
struct search_source {
	void *arg;
	/* The stored metadata, lent until the next call. False: none. */
	bool (*meta)(void *arg, const struct store_record *r, struct span *out);
	/* At most n bytes of the i-th item's message. 0 or below: there are none. */
	ptrdiff_t (*read)(void *arg, size_t i, uint64_t offset, uint8_t *to, size_t n);
};

enum search_stage {
	SEARCH_STAGE_ITEM,		/* the next message */
	SEARCH_STAGE_PARSE,		/* it has no metadata: they are worked out */
	SEARCH_STAGE_HEADER,
	SEARCH_STAGE_FIELDS,
	SEARCH_STAGE_PARTS,		/* the next part of it */
	SEARCH_STAGE_PART,		/* its body, after its header */
	SEARCH_STAGE_TEXT
};

struct search_job {
	unsigned holders;
	atomic_bool stop;
	struct arena *arena;
	struct search_key *root, *all, *reading;
	size_t keys, texts;
	bool asks_meta;			/* a key that the metadata answer */
	bool asks_recent;
	int64_t now_s;
	/* the messages at hand */
	struct search_item items[SEARCH_ITEMS];
	size_t n, at;
	size_t ready;			/* the shell's: those behind have no body yet */
	bool bodies;			/* those are opened */
	bool first;			/* the first that answers is enough */
	struct buf made_bytes;
	struct search_made made[SEARCH_ITEMS];
	size_t made_n;
	/* the one at hand */
	enum search_stage stage;
	struct mime_meta meta;
	bool has_meta, read;		/* read: keys' found is final */
	bool outer;			/* the header that is shown is the message's own */
	struct mime_part part;
	struct buf blob, scratch, header, unfolded;
	struct mime_parser *parser;
	struct mime_text *text;
	size_t part_at, header_at;
	uint64_t offset, left;
	uint8_t *window;
	uint64_t window_at;
	size_t window_n;
};

/* Gives the caller a job without keys. */
int search_job_new(struct search_job **out);
struct search_job *search_job_hold(struct search_job *j);
/* By the last who holds it: frees it. NULL is allowed. */
void search_job_drop(struct search_job *j);

/* No items; bodies: whether those that come will be read. */
void search_job_begin(struct search_job *j, bool bodies);
/* False: it is full. record must stay. */
bool search_job_add(struct search_job *j, const struct store_record *record, bool recent);

/* Works on: one message, or one piece of it. False: all that is ready is done, or it was stopped. */
bool search_job_step(struct search_job *j, const struct search_source *from);
/* From any thread: nobody waits for it any more. */
void search_job_stop(struct search_job *j);

/* --- search_match.c -------------------------------------------------------- */

/* What record alone tells. */
enum search_answer search_answer(struct search_job *j, const struct store_record *r, bool recent);
/* What a key tells of the message at hand. */
enum search_answer search_answer_item(struct search_job *j, const struct search_item *item);
/* Does a key of that kind still look? */
bool search_wants(const struct search_job *j, enum search_op op);
/* Takes the next field off *header and shows it. False at the end. */
bool search_show_field(struct search_job *j, struct span *header);
void search_show_text(struct search_job *j, struct span utf8);
/* No match reaches over this. */
void search_text_begins(struct search_job *j);
/* The next message: nothing was found. */
void search_forget(struct search_job *j);

#endif
