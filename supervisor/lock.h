/*
 * lock.h - run/yubind.pid: at most one yubind in a site.
 *
 * The lock is of the open file (F_OFD_SETLK): it goes when the process ends, however it
 * ends, lives through exec, and can be asked for without being taken.
 */
#ifndef SUPERVISOR_LOCK_H
#define SUPERVISOR_LOCK_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/config/paths.h"

/* Takes the lock and writes our pid. *unclean: the last yubind here was killed.
 * -EBUSY with words if another one runs. */
int lock_take(const struct paths *paths, int *fd, bool *unclean, struct error *err);

/* A clean end: the next one finds an empty file. */
void lock_drop(int fd);

#endif
