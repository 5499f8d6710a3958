/*
 * verb.h - one verb of the yubin command, and how all of them end.
 */
#ifndef ADMIN_VERB_H
#define ADMIN_VERB_H

#include <stdio.h>

#include "admin/site.h"
#include "common/base/buf.h"
#include "common/base/error.h"

enum {
	VERB_DONE = 0,
	VERB_FAILED = 1,	/* words are on stderr */
	VERB_USAGE = 2,
	VERB_STOPPED = 3	/* status: the server does not run */
};

/* argv[0] is the verb ("account"); the rest is behind it, argv[argc] is NULL.
 * Returns the exit code. */
typedef int (*verb_run)(const struct site *s, int argc, char **argv);

struct verb {
	const char *name;
	verb_run run;
	const char *usage;	/* one line or several: "account add ADDRESS ...\naccount list\n" */
};

/* main.c: how the verb of that name is used, each line behind "usage: yubin [-C DIR] ". */
void verb_help(FILE *out, const char *name);

/* Prints "yubin: words" and how the verb is used; returns VERB_USAGE. */
int verb_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints "yubin: words"; returns VERB_FAILED. */
int verb_failed(const struct error *err);

/* "yubin: warning: words" on stderr. */
void verb_warn(const char *words);

/* Writes all of b to stdout and clears it; VERB_DONE, or VERB_FAILED where stdout is full. */
int verb_print(struct buf *b);

#endif
