/*
 * store_backup.h - a backup while it is made; store_backup.c's and store_backup_account.c's own.
 */
#ifndef ADMIN_STORE_BACKUP_H
#define ADMIN_STORE_BACKUP_H

#include "admin/store_manifest.h"

struct backup {
	struct manifest_writer w;
	int to, since; /* folders; since: -1: none */
	bool since_whole;
	int64_t begun_s;
	uint64_t files, bytes, linked;
	uint64_t begun_ms, shown_ms;
	bool terminal;
};

/* Takes at/name as path. 1: it is in the backup, or no plain file; 0: it has gone meanwhile; or an error. */
int backup_file(struct backup *b, int at, const char *name, const char *path, struct error *err);
/* A folder with what is in it; of a mailbox all but its messages. 0 or an error. */
int backup_folder(struct backup *b, int at, const char *name, const char *path, struct error *err);

/* All messages of an account that were there when it began, each under a name that it had since; path:
 * mail/DOMAIN/USER. 0 or an error. */
int backup_account(struct backup *b, int account, const char *path, struct error *err);

#endif
