/*
 * search.h - SEARCH, and what SORT and THREAD have of it: page by page the messages that
 * answer a job's keys (search_job.h).
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include "imapd/search_job.h"
#include "imapd/session.h"
#include "imapd/walk.h"

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

/* One message that answers, for who wants more of it. */
struct search_message {
	const struct store_record *record;
	const struct mime_meta *meta;
	struct buf *scratch;
};

struct search {
	struct search_job *job;
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
	bool missing;			/* a message went meanwhile */
	enum store_status failed;	/* messages could not be read */
	struct search_return give;
	struct search_found found;
	struct store_set told;		/* UIDs of ALL or PARTIAL, ... */
	size_t told_at;			/* ... the next to tell */
	struct store_set uids;
	struct imap_walk walk;
	struct imap_page page;
	enum search_answer answers[STORE_PAGE_RECORDS];	/* of the page */
	uint16_t asked[STORE_PAGE_RECORDS];	/* which of the page the job's items are */
	bool bodies;			/* metadata have told what they can */
	imap_step after_page;
	bool both;			/* MIN and MAX: then the last one */
	bool backward;			/* pages, and the messages of each, from the end */
	struct store_look back;		/* of the page in hand then */
	uint32_t below;			/* then: sequence numbers from here on were looked at */
	size_t at;			/* the message of the page that is told next */
	size_t put_at, put_from;	/* of job->made: handed back before */
	struct search_message m;
	struct buf scratch;
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

/* search_page.c: goes on with `after` once all of s->page's answers are known, or those up to
 * the first that is enough. */
enum imap_run search_page_run(struct imap_server *e, imap_step after);

/* cmd_search.c; e->data begins with a struct search */
enum imap_run search_start(struct imap_server *e);
void search_clear(struct imap_server *e);
/* The numbers are out already. */
enum imap_run search_classic_end(struct imap_server *e);
enum imap_run search_over(struct imap_server *e);

#endif
