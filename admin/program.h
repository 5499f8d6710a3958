/*
 * program.h - where yubind lies, and how it is started.
 *
 * In place (./yubin and build/yubind beside it) or installed; $YUBIN_PROGRAMS names
 * another folder, for builds that lie elsewhere.
 */
#ifndef ADMIN_PROGRAM_H
#define ADMIN_PROGRAM_H

#include "admin/site.h"

/* The path of yubind in out. */
int program_find(char out[PATHS_MAX], struct error *err);

/* Starts yubind with -C as s has it, and what stands in extra (NULL at its end), in place
 * of this process; returns only on an error. */
int program_become(const struct site *s, const char *const *extra, struct error *err);

/* The same in a process of its own, and waits for its end: its exit code, or a negative errno. */
int program_run(const struct site *s, const char *const *extra, struct error *err);

enum { PROGRAM_EXTRA = 64 };	/* words in extra */

#endif
