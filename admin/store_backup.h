/*
 * store_backup.h - a backup while it is made; store_backup*.c's own.
 */
#ifndef ADMIN_STORE_BACKUP_H
#define ADMIN_STORE_BACKUP_H

#include "admin/store_manifest.h"
#include "admin/store_progress.h"
#include "admin/store_settle.h"
#include "common/config/paths.h"

enum { BACKUP_EARLIER = 2 };

struct backup_earlier { /* a backup whose messages need not be copied again */
	int folder;
	bool whole; /* false: it broke off, and may hold what never came to the disk */
};

struct backup {
	struct manifest_writer w;
	int to; /* folder */
	char dir[PATHS_MAX], part[PATHS_MAX], broken[PATHS_MAX];
	struct backup_earlier earlier[BACKUP_EARLIER];
	size_t earlier_count;
	int64_t begun_s;
	uint64_t linked;
	const struct site *site;
	enum store_settle_state settle;
	struct store_progress progress;
	struct store_progress_at at; /* files, bytes */
};

/* Takes at/name as path. 1: it is in the backup, or no plain file; 0: it has gone meanwhile; or an error. */
int backup_file(struct backup *b, int at, const char *name, const char *path, struct error *err);
/* A folder with what is in it; of a mailbox all but its messages. 0 or an error. */
int backup_folder(struct backup *b, int at, const char *name, const char *path, struct error *err);

/* All messages of an account that were there when it began, each under a name that it had since; path:
 * mail/DOMAIN/USER. 0 or an error. */
int backup_account(struct backup *b, int account, const char *path, struct error *err);

/* --- store_backup_part.c ------------------------------------------------------ */

/* Makes DIR.part, and locks it until the process ends. One that broke off becomes DIR.broken and is an earlier
 * backup of this one. 0 or an error. */
int backup_part_begin(struct backup *b, const char *dir, struct error *err);
/* All is in it: gives it its name, durably, and removes DIR.broken. */
int backup_part_end(struct backup *b, struct error *err);

#endif
