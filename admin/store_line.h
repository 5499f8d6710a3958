/* store_line.h - what stands behind store import and store export: ACCOUNT PATH [--format F] [--mailbox NAME] [--dry-run] */
#ifndef ADMIN_STORE_LINE_H
#define ADMIN_STORE_LINE_H

#include <stdbool.h>

/* What one of them takes. */
struct store_line_kind {
	const char *needs; /* "store export needs an account and a folder" */
	const char *const *formats;
	unsigned format_count;
	bool may_dry;
};

struct store_line {
	const char *account, *path, *mailbox; /* mailbox: NULL for all */
	unsigned format;		      /* its place among the kind's; 0 where none is said */
	bool dry;
};

/* VERB_DONE, or VERB_USAGE with words on stderr. argv as a verb's. */
int store_line_read(struct store_line *l, const struct store_line_kind *kind, char **argv);

#endif
