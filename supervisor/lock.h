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

/* The folder of the index is storaged's alone. The lock is of the open folder, which
 * storaged is given: it goes with that process, also where yubind has gone before it.
 * 0, or -EBUSY with words. A file system without such locks is taken as it is. */
int lock_folder(int fd, const char *path, struct error *err);

/* Waits until no storaged of an earlier yubind has the folder any more, wait_ms at most. */
void lock_wait(const char *path, unsigned wait_ms);

#endif
