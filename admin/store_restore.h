/*
 * store_restore.h - the two halves of `yubin store restore`: a whole site, and one account.
 */
#ifndef ADMIN_STORE_RESTORE_H
#define ADMIN_STORE_RESTORE_H

#include "admin/store_manifest.h"
#include "admin/store_parts.h"

struct restore {
	const char *path; /* of the backup */
	int from;         /* its folder */
	const char *account, *mailbox; /* NULL: all */
};

/* Walks the manifest. fn: 0, or what ends it. */
int restore_each(const struct restore *r, int (*fn)(void *arg, const struct manifest_entry *e, struct error *err),
		 void *arg, struct error *err);
/* One entry into at/to. */
int restore_entry(const struct restore *r, const struct manifest_entry *e, int at, const char *to, struct error *err);
/* A state file's bytes change: UIDs and mod-sequences given since the backup are not given again. name: the
 * mailbox's new one, which makes it another mailbox; or NULL. */
int restore_state(int at, const char *folder, const char *name, struct error *err);

/* store_restore_one.c: the account's mailboxes beside what is there. */
int restore_account(const struct restore *r, const struct site *s, struct error *err);

#endif
