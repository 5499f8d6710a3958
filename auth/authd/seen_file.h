/*
 * seen_file.h - accounts/seen.log kept: read once, written at most once a minute, on the pool.
 *
 * What is new goes to its end; where it has grown to SEEN_FILE_TIMES what it holds it is written anew and renamed into
 * place. What came in the last minute before a crash is not known afterwards: a place costs its owner
 * nothing but the precedence that it gives.
 */
#ifndef AUTHD_SEEN_FILE_H
#define AUTHD_SEEN_FILE_H

#include <uv.h>

#include "auth/seen.h"

enum { SEEN_FILE_EVERY_MS = 60000, SEEN_FILE_TIMES = 4, SEEN_FILE_MIN = 1 << 20, SEEN_FILE_MAX = 256 << 20 };

struct seen_file;		/* opaque */

/* Reads it from the folder, of which it keeps a descriptor of its own. A file that can't be read is as one that is not there,
 * and is left alone: told to the log. */
int seen_file_new(struct seen_file **out, uv_loop_t *loop, int folder, struct error *err);
struct seen *seen_file_data(struct seen_file *f);
/* Something was noted: it will be written. */
void seen_file_changed(struct seen_file *f);
/* Writes what is left, at once. NULL is allowed. */
void seen_file_free(struct seen_file *f);

#endif
