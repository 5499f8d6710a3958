/*
 * seen.h - from where accounts were logged in, and when their app passwords were last used: accounts/seen.log as
 * data. No I/O here: auth/authd/seen_file.h.
 *
 * Form    Lines, in order of writing; a later one stands for an earlier one of the same kind, word and account:
 *             2026-11-22T09:00:00Z place 192.0.2.7 alice@example.org
 *             2026-11-22T09:00:00Z app phone alice@example.org
 *             2026-11-22T09:00:00Z forget place alice@example.org       (all of that kind)
 *         What is not understood is passed over: a line that a crash cut costs itself alone.
 * Memory  SEEN_PLACES and SEEN_APPS for each account that has ever been logged in to; where more come the
 *         oldest one goes. A stranger makes none.
 */
#ifndef AUTH_SEEN_H
#define AUTH_SEEN_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/span.h"

enum { SEEN_WORD = 64, SEEN_PLACES = 16, SEEN_APPS = 64 };

#define SEEN_FILE "seen.log"

enum seen_kind { SEEN_PLACE, SEEN_APP, SEEN_KINDS };

struct seen;			/* opaque */

int seen_new(struct seen **out, struct error *err);
/* NULL is allowed. */
void seen_free(struct seen *s);

/* All lines of the file; none of it counts as a change. -ENOMEM. */
int seen_read(struct seen *s, struct span text);

/* When, in seconds since 1970; 0: never, or forgotten. word: without spaces, shorter than SEEN_WORD. */
int64_t seen_when(const struct seen *s, const char *account, enum seen_kind kind, const char *word);
/* It was just now. Where no memory is left it is not noted. */
void seen_note(struct seen *s, const char *account, enum seen_kind kind, const char *word, int64_t now_s);
/* All of that kind. */
void seen_forget(struct seen *s, const char *account, enum seen_kind kind, int64_t now_s);

/* The lines of what has changed since it was last asked, for the end of the file; or of all, for one in its place. */
void seen_put_changes(struct seen *s, struct buf *out);
void seen_put_all(struct seen *s, struct buf *out);

#endif
