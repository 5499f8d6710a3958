/*
 * sandbox.h - what a daemon may still do once it serves.
 *
 * In this order (DESIGN 1): sandbox_drop: no new privileges, an empty chroot where we
 * are root (but for SANDBOX_FILES), the user dropped, no dump; sandbox_lock: Landlock with the
 * running kernel's ABI, then seccomp on all threads, before the first pool job.
 * Between the two a daemon may open files as the user that it has become.
 * A call that is not listed answers EPERM (open* among them), clone3 ENOSYS; exec,
 * ptrace, mount and their like kill the process.
 * A build with AddressSanitizer drops the user and stops there: its leak check needs
 * ptrace and /proc. The text says so.
 */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include "common/base/error.h"

enum sandbox_kind {
	SANDBOX_NET,   /* sockets that were handed in, no files, no connect */
	SANDBOX_OUT,   /* as SANDBOX_NET, and sockets that it makes itself: UDP, TCP outward */
	SANDBOX_FILES, /* files below the folders given, no sockets but those handed in */
};

struct sandbox {
	enum sandbox_kind kind;
	const int *folders; /* SANDBOX_FILES: descriptors of the folders that stay open */
	unsigned folder_count;
	unsigned uid, gid; /* UINT_MAX: keep */
};

/* text (size bytes) says in words what is in force, for `yubin status`:
 * "user=yubin-net chroot=on landlock=7 seccomp=on". Return 0, or the error that
 * leaves the process unfit to serve. A kernel without Landlock is no error. */
int sandbox_drop(const struct sandbox *s, char *text, unsigned size, struct error *err);
/* Adds its words to those of sandbox_drop. One thread must be all there is. */
int sandbox_lock(const struct sandbox *s, char *text, unsigned size, struct error *err);
/* One behind the other. */
int sandbox_enter(const struct sandbox *s, char *text, unsigned size, struct error *err);

#endif
