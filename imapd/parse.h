/*
 * parse.h - the words of a command: atoms, strings, sets, flags, dates (RFC 3501 9).
 *
 * Shape   A cursor over a whole command. Each function takes one thing and says true, or
 *         false with words in `wrong` (the first cause stays).
 * Memory  What can't be lent from the command comes from the arena.
 */
#ifndef IMAPD_PARSE_H
#define IMAPD_PARSE_H

#include "common/base/arena.h"
#include "imapd/set.h"

enum {
	IMAP_KEYWORDS = 64,		/* in one flag list */
	IMAP_SET_RANGES = 16384		/* in one set */
};

struct imap_parse {
	struct span in;
	struct arena *arena;
	const char *wrong;
	bool utf8;			/* names and quoted strings are UTF-8: the client has enabled it (RFC 6855 3) */
};

struct imap_flags {
	uint32_t flags;			/* enum store_flag */
	struct span *keywords;
	size_t keyword_count;
	bool recent;			/* \Recent was named */
};

/* False, with the words. */
bool imap_parse_fail(struct imap_parse *p, const char *wrong);

bool imap_parse_end(struct imap_parse *p);
bool imap_parse_space(struct imap_parse *p);
/* c stands here and is taken; no failure if not. */
bool imap_parse_try(struct imap_parse *p, uint8_t c);
bool imap_parse_byte(struct imap_parse *p, uint8_t c);
/* The word stands here, without regard to case, and is taken; no failure if not. */
bool imap_parse_try_word(struct imap_parse *p, const char *word);

bool imap_parse_tag(struct imap_parse *p, struct span *tag);
bool imap_parse_atom(struct imap_parse *p, struct span *atom);
bool imap_parse_string(struct imap_parse *p, struct span *s);	/* quoted or literal */
bool imap_parse_astring(struct imap_parse *p, struct span *s);
bool imap_parse_nstring(struct imap_parse *p, struct span *s);	/* NIL: s->p NULL */
bool imap_parse_value(struct imap_parse *p, struct span *s);	/* nstring, or a literal8, which may hold NULs */
bool imap_parse_number(struct imap_parse *p, uint64_t max, uint64_t *n);
/* nz-number: from 1 on, and without zeros before it (RFC 9051 9). */
bool imap_parse_nz_number(struct imap_parse *p, uint64_t max, uint64_t *n);
bool imap_parse_set(struct imap_parse *p, struct imap_set *set);

/* A name, given as UTF-8, INBOX in capitals (RFC 3501 5.1). */
bool imap_parse_mailbox(struct imap_parse *p, struct span *name);
/* The same with wildcards (list-mailbox). */
bool imap_parse_pattern(struct imap_parse *p, struct span *pattern);

/* "(" ... ")"; _flags_open also without parentheses (STORE). */
bool imap_parse_flags(struct imap_parse *p, struct imap_flags *f);
bool imap_parse_flags_open(struct imap_parse *p, struct imap_flags *f);

/* A date, quoted or not, in days since 1970; a date-time in seconds. */
bool imap_parse_date(struct imap_parse *p, int64_t *day);
bool imap_parse_date_time(struct imap_parse *p, int64_t *real_s);

#endif
