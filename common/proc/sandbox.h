/*
 * sandbox.h - what a daemon may still do once it serves.
 *
 * In this order (DESIGN 1): no new privileges; no dump; the user dropped; an empty
 * chroot where we are root, Landlock with the running kernel's ABI; seccomp on all
 * threads, last, before the first pool job.
 * open* and its like answer EPERM, clone3 ENOSYS; what no daemon ever needs kills.
 */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include "common/base/error.h"

enum sandbox_kind {
	SANDBOX_NET,		/* sockets that were handed in, no files, no connect */
	SANDBOX_FILES,		/* files below the folders given, no sockets but those handed in */
};

struct sandbox {
	enum sandbox_kind kind;
	const int *folders;	/* SANDBOX_FILES: descriptors of the folders that stay open */
	unsigned folder_count;
	unsigned uid, gid;	/* UINT_MAX: keep */
};

/* Enters it. text (size bytes) says in words what is in force, for `yubin status`:
 * "user=yubin-net landlock=7 seccomp=on chroot=on". Returns 0, or the error that
 * leaves the process unfit to serve. A kernel without Landlock is no error. */
int sandbox_enter(const struct sandbox *s, char *text, unsigned size, struct error *err);

#endif
