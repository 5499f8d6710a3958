/*
 * store_restore.h - the two halves of `yubin store restore`: a whole site, and one account.
 *
 * Both copy beside what is there, then rename. One that broke off is gone on with by the same command: a file
 * that is there already is compared with the manifest and copied again if it is not what was saved.
 */
#ifndef ADMIN_STORE_RESTORE_H
#define ADMIN_STORE_RESTORE_H

#include "admin/store_manifest.h"
#include "admin/store_parts.h"
#include "admin/store_progress.h"

struct restore {
	const char *path; /* of the backup */
	int from;         /* its folder */
	const char *account, *mailbox; /* NULL: all */
	char sum[MANIFEST_SUM_TEXT];   /* of its manifest */
	struct store_progress progress;
	struct store_progress_at at;
};

/* --- store_restore_parts.c ---------------------------------------------------- */

/* Walks the manifest. fn: 0, or what ends it. */
int restore_each(struct restore *r, int (*fn)(void *arg, const struct manifest_entry *e, struct error *err),
		 void *arg, struct error *err);
/* One entry into at/to. */
int restore_entry(struct restore *r, const struct manifest_entry *e, int at, const char *to, struct error *err);
/* A state file's bytes change: UIDs and mod-sequences given since the backup are not given again. name: the
 * mailbox's new one, which makes it another mailbox; or NULL. */
int restore_state(int at, const char *folder, const char *name, struct error *err);

/* How far a restore is, so that the same command can go on with it. */
enum restore_phase { RESTORE_NONE, RESTORE_COPIES, RESTORE_PLACES };
/* Writes it as FOLDER/plan, durably. about: a line that says what is restored. */
int restore_plan_put(const struct restore *r, const char *folder, enum restore_phase phase, const char *about,
		     struct error *err);
/* RESTORE_NONE: there is none. -EEXIST with words: it is of another backup, or about something else. */
int restore_plan_get(const struct restore *r, const char *folder, enum restore_phase *phase, const char *about,
		     struct error *err);
int restore_plan_end(const char *folder, struct error *err);

/* --- store_restore_whole.c ------------------------------------------------------ */

int restore_whole(struct restore *r, const struct site *s, struct error *err);
/* -EBUSY: one broke off where a part of the site is the new one, and a part the old one. */
int restore_must_end(const struct site *s, struct error *err);

/* --- store_restore_one.c: the account, or its mailboxes beside what is there --- */

int restore_account(struct restore *r, const struct site *s, struct error *err);

#endif
