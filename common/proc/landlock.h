/*
 * landlock.h - no path may be used but those beneath given folders.
 *
 * The kernel's own interface: there is no library for it. Every right that the
 * running kernel knows is taken away; TCP bind and connect from ABI 4 on, abstract
 * sockets and signals outside from ABI 6 on.
 */
#ifndef PROC_LANDLOCK_H
#define PROC_LANDLOCK_H

#include "common/base/error.h"

enum landlock_tcp { LANDLOCK_TCP_NEVER, LANDLOCK_TCP_CONNECT };

/* Holds the calling thread, and all that it makes, to the files beneath the folders
 * (none: no file), and away from TCP unless it may connect (then from any address of ours, but no port
 * of its choice). Needs no_new_privs. Returns the ABI in force, 0 where the kernel has no Landlock, or
 * a negative errno. */
int landlock_enter(const int *folders, unsigned folder_count, enum landlock_tcp tcp, struct error *err);

#endif
