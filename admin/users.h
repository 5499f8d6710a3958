/*
 * users.h - the system users that the daemons become.
 */
#ifndef ADMIN_USERS_H
#define ADMIN_USERS_H

#include <sys/types.h>

#include "common/base/error.h"

struct users_owner {
	uid_t uid;
	gid_t gid;
};

/* yubin-net, yubin-store and yubin-auth: made with useradd where they are missing, and
 * told on stdout. Needs root. */
int users_make(struct error *err);

int users_find(const char *name, struct users_owner *out, struct error *err);

#endif
