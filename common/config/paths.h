/*
 * paths.h - where everything of a site lies; yubin and yubind agree here.
 *
 * Source  CONTRACT: Commands, Log. With -C DIR all of it under DIR; without, where the
 *         system keeps such things (configure's --sysconfdir and so on).
 */
#ifndef CONFIG_PATHS_H
#define CONFIG_PATHS_H

#include <stdbool.h>

#include "common/base/error.h"

enum { PATHS_MAX = 1024 };	/* bytes of a path, with its NUL */

enum paths_folder {
	PATHS_ETC,
	PATHS_TLS,
	PATHS_ACCOUNTS,
	PATHS_MAIL,
	PATHS_QUEUE,
	PATHS_DB,
	PATHS_RUN,
	PATHS_LOG,
	PATHS_FOLDERS
};

struct paths {
	bool own;			/* -C was given: nothing outside of root */
	char root[PATHS_MAX];		/* DIR, absolute; "" without -C */
	char folder[PATHS_FOLDERS][PATHS_MAX];
	char ids[PATHS_MAX];		/* the file with the connection ids that are taken */
};

/* Names of files in them. */
#define PATHS_SOCKET   "yubind.sock"	/* in run/: orders for yubind (order.h) */
#define PATHS_PID      "yubind.pid"	/* in run/: locked by the yubind that runs */
#define PATHS_LOG_FILE "yubin.log"	/* in log/, if own */

/* dir: the argument of -C, or NULL. -ENAMETOOLONG, -EINVAL with words. */
int paths_set(struct paths *p, const char *dir, struct error *err);

/* folder/name in out[PATHS_MAX]; returns out. Cut if it does not fit: opening it then
 * fails with the system's words. */
const char *paths_file(const struct paths *p, enum paths_folder folder, const char *name, char out[PATHS_MAX]);

#endif
