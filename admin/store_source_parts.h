/* store_source_parts.h - what a source is made of; for store_source*.c. */
#ifndef ADMIN_STORE_SOURCE_PARTS_H
#define ADMIN_STORE_SOURCE_PARTS_H

#include "admin/store_source.h"
#include "formats/maildir.h"
#include "formats/mbox.h"

enum { SOURCE_LIST_MAX = 256 << 20, SOURCE_BOXES = 100000 };

/* A file of a Maildir, on its way to being sorted by UID. */
struct source_file {
	char *name;	/* "cur/..." */
	uint32_t uid;
	int64_t time_s;
};

struct source {
	enum source_format format;	/* never SOURCE_AUTO */
	struct source_box *boxes;
	char **paths;			/* of the mailboxes */
	size_t count, skipped;
	uint64_t whole, behind; /* units of all mailboxes, and of those that were begun before this */
	uint64_t units;         /* of this one */
	size_t begun;           /* its number, from 1 */
	char what[512];
	struct span keyword_list[STORE_KEYWORDS + 1];

	/* a Maildir's mailbox */
	int fd;
	struct source_file *files;
	size_t file_count, file_at;
	struct buf keywords;		/* dovecot-keywords */
	struct span words[MAILDIR_KEYWORDS];

	/* an mbox */
	uint8_t *map;
	size_t map_size;
	struct span rest;
	size_t item;
	uint32_t last_uid;
	int64_t file_s;
	enum mbox_quoting quoting;
	struct buf plain;		/* the message before its lines were ended anew */
};

/* name: as source_name gives it. */
int source_add(struct source *s, const char *path, const char *name, bool subscribed, struct error *err);
/* Leaves it out, and says so: nothing can have its name; or error, an errno, keeps us from reading it. */
void source_skip_name(struct source *s, const char *path);
void source_skip_barred(struct source *s, const char *path, int error);
/* store_source_maildir.c */
int maildir_find(struct source *s, const char *path, struct error *err);
int maildir_begin(struct source *s, size_t i, struct error *err);
void maildir_end(struct source *s);
enum source_status maildir_next(struct source *s, struct source_message *m, struct buf *body, struct error *err);
/* store_source_mbox.c */
int mbox_find(struct source *s, const char *path, const char *single, struct error *err);
int mbox_begin(struct source *s, size_t i, struct error *err);
void mbox_end(struct source *s);
enum source_status mbox_next_message(struct source *s, struct source_message *m, struct buf *body, struct error *err);

#endif
