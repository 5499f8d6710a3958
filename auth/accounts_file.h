/*
 * accounts_file.h - files and folders below accounts/: opened without following a link,
 * renamed into place, synced with their folder.
 *
 * Whoever owns the folder may be somebody else than root, who runs the yubin command:
 * so nothing here follows a symbolic link, and only a regular file is read.
 */
#ifndef AUTH_ACCOUNTS_FILE_H
#define AUTH_ACCOUNTS_FILE_H

#include <sys/types.h>

#include "auth/accounts.h"
#include "common/base/buf.h"

/* Opens the folder name in the folder at. A descriptor, or a negative errno. */
int accounts_folder_open(int at, const char *name);

/* Appends the whole file to b, which bounds it. 0, -EFBIG, or another negative errno. */
int accounts_file_read(int at, const char *name, struct buf *b);

/* Durable when it returns. The caller holds the lock of accounts/. */
int accounts_file_put(int at, const char *name, struct span text, const struct accounts_owner *o,
		      struct error *err);
int accounts_file_remove(int at, const char *name, struct error *err);

/* Makes the folder, if it is not there. Durable when it returns. */
int accounts_folder_make(int at, const char *name, const struct accounts_owner *o, struct error *err);

/* What is in the folder at, but names that begin with a dot. next lends the name: 1,
 * 0 at the end, or a negative errno. */
struct accounts_walk;		/* opaque */
int accounts_walk_open(struct accounts_walk **out, int at);
int accounts_walk_next(struct accounts_walk *w, const char **name);
void accounts_walk_close(struct accounts_walk *w);

#endif
