/*
 * store_restore_one.h - one account's restore; store_restore_one.c's and store_restore_place.c's own.
 */
#ifndef ADMIN_STORE_RESTORE_ONE_H
#define ADMIN_STORE_RESTORE_ONE_H

#include "admin/store_restore.h"
#include "storage/local/names.h"

enum { ONE_STAGE_MAX = NAMES_FOLDER_MAX + 16 };

struct one {
	struct restore *r;
	const struct site *s;
	char account[ACCOUNTS_ADDRESS_MAX];
	char folder[NAMES_FOLDER_MAX]; /* DOMAIN/USER */
	char stage[ONE_STAGE_MAX];     /* .restoring/DOMAIN/USER */
	char stage_path[PATHS_MAX + 16]; /* of .restoring */
	int mail;                      /* the site's folder */
	struct stat owner;             /* of it */
	uint32_t mailboxes;            /* that are wanted */
	bool wanted;                   /* the mailbox at hand */
	uint32_t at;                   /* its id in the backup */
};

/* Gives it to the store's user. path: in mail/. */
int one_own(const struct one *o, const char *path, struct error *err);
/* A mailbox's name in the backup, added to name. */
bool one_name(const struct one *o, uint32_t id, struct buf *name);

/* All of it is in the stage: gives it its place, beside what the account has here or as the account itself. */
int one_place(const struct one *o, struct error *err);

#endif
