/* store_export_parts.h - one export, its figures, and one mailbox of it; for store_export*.c. */
#ifndef ADMIN_STORE_EXPORT_PARTS_H
#define ADMIN_STORE_EXPORT_PARTS_H

#include "admin/store_client.h"
#include "admin/store_progress.h"

struct export {
	struct store_client *client;
	const char *account;
	int fd;	/* of the folder that all goes into */
	struct store_progress progress;
	uint64_t whole; /* messages that there are */

	/* figures */
	uint64_t done, bytes, there, bad, stray, words_lost;
};

/* A mailbox, all of it known. */
struct export_box {
	struct store_mailbox m; /* but for its name */
	char *name;
	struct store_record *records;
	size_t count;
	struct span keywords[STORE_KEYWORDS]; /* lend from words */
	size_t keyword_count;
	struct buf words;
};

/* Each writes one mailbox. 0, or a negative errno with words: -EINVAL for a name that can't be written, the
 * others can go on. */
int export_maildir(struct export *e, const struct export_box *b, struct error *err);
int export_mbox(struct export *e, const struct export_box *b, struct error *err);

/* The file `subscriptions` of a Maildir. */
int export_subscriptions(struct export *e, struct span text, struct error *err);

/* How far it is, now and then. */
void export_tell(struct export *e, const char *mailbox);
/* A message that is left out, named. */
void export_bad(struct export *e, const struct export_box *b, const struct store_record *r, const struct error *why);

/* store_export_file.c: a file that appears under its name when it is whole. */
struct export_file {
	int folder, fd;
	int error; /* a negative errno of a put or write; all that follows is in vain */
	char part[300];
	struct buf bytes;
};
int export_file_open(struct export_file *f, int folder, const char *part, struct error *err);
/* Gathers small pieces. What does not fit is told by _close, here too. */
void export_file_put(struct export_file *f, struct span bytes);
/* Writes at once, where nothing was gathered. */
void export_file_write(struct export_file *f, struct span bytes);
/* It will be on disk before it has its name: for a file that is never looked into again. */
void export_file_sync(struct export_file *f);
/* time_s: when it was changed last; INT64_MIN: now. */
int export_file_close(struct export_file *f, const char *name, int64_t time_s, struct error *err);
/* Removes what is not whole. */
void export_file_drop(struct export_file *f);

/* Makes it if it is missing, opens it. */
int export_folder(int at, const char *name, int *fd, struct error *err);

#endif
