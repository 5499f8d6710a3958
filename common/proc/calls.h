/*
 * calls.h - the system calls that a daemon may make (seccomp).
 */
#ifndef PROC_CALLS_H
#define PROC_CALLS_H

#include "common/base/error.h"
#include "common/proc/sandbox.h"

/* Puts the list of kind in force, for all threads and for good. */
int calls_enter(enum sandbox_kind kind, struct error *err);

#endif
