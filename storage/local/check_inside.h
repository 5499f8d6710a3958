/*
 * check_inside.h - check.h as its own files see it. Nobody else includes this.
 *
 * Mending is written as: if (check_tell(...)) check_mended(c, what_mends_it(...));
 */
#ifndef STORAGE_LOCAL_CHECK_INSIDE_H
#define STORAGE_LOCAL_CHECK_INSIDE_H

#include <dirent.h>
#include <sys/stat.h>

#include "storage/local/check.h"
#include "storage/local/inner.h"

/* Names that are not ours may be longer than ours. */
enum { CHECK_PATH_MAX = 1024, CHECK_WHERE_MAX = CHECK_PATH_MAX + 32 };

struct check {
	const struct check_options *o;
	struct local *s;   /* CHECK_LIVE: NULL */
	uid_t uid;         /* whom all belongs to: the owner of mail/ */
	struct check_counts counts;
	bool has_mail;     /* an account's folder was seen */
	struct check_found last; /* the finding that is being mended */
	char where[CHECK_WHERE_MAX], words[256];
	struct table *known;    /* accounts and mailboxes of the index, by number */
	struct buf text;        /* a small file */
	uint64_t keys_lost;     /* of the index, in this run */
	int derived;            /* the account's file of derived metadata, or -1 */
};

/* Tells of it. True: it is to be mended, and check_mended is told how that ended. */
bool check_tell(struct check *c, enum check_kind kind, const char *where, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void check_mended(struct check *c, int result);
/* True: this account was asked for, or all were. */
bool check_wanted(const struct check *c, struct span account);
void check_step(struct check *c); /* progress */

/* --- check_folders.c ------------------------------------------------------- */

/* Types, owners, modes and names of all files and folders. 0 or a negative errno. */
int check_folders(struct check *c);
/* Calls fn for each account's folder. */
int check_each_folder(struct check *c, int (*fn)(struct check *c, const char *domain, const char *user));
DIR *check_opendir(int at, const char *path);
/* Owner and mode of a file or folder. */
void check_rights(struct check *c, int at, const char *where, const char *path, const struct stat *st);
const char *check_type(mode_t mode);

/* --- check_lost.c ---------------------------------------------------------- */

/* at: mail/ or queue/. Moves path to .lost/path, or .lost/path.2 and so on. */
int check_lose(int at, const char *path);
/* Begins like a message: a header field and CRLF. */
bool check_is_message(int at, const char *path);

/* --- check_index.c --------------------------------------------------------- */

/* All keys of the index; fills c->known. */
int check_index(struct check *c);

/* --- check_account.c ------------------------------------------------------- */

int check_accounts(struct check *c);

/* --- check_mailbox.c ------------------------------------------------------- */

/* The mailbox's folder is there, m is as the index has it. */
int check_mailbox(struct check *c, struct mailbox *m);

/* --- check_small.c --------------------------------------------------------- */

/* state and flags parse, and are not older than m; m NULL: only whether they parse. */
int check_small_files(struct check *c, const char *path, struct mailbox *m);
/* Writes them from the index, with floors ahead. */
int check_write_state(struct check *c, struct mailbox *m);
int check_write_flags(struct check *c, struct mailbox *m);
/* The annotations parse: of m, or of a as a whole; a NULL: only whether they do. path: their folder. */
int check_notes(struct check *c, const char *path, struct account *a, struct mailbox *m);

/* --- check_queue.c --------------------------------------------------------- */

int check_queue(struct check *c);

#endif
