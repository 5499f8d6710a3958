/*
 * folders.h - a local store in temporary folders, for tests.
 */
#ifndef TESTS_CONFORMANCE_FOLDERS_H
#define TESTS_CONFORMANCE_FOLDERS_H

#include <uv.h>

#include "storage/local/local.h"

struct folders {
	char path[128]; /* of the folder that holds mail, queue and db */
	struct local_options options;
};

/* Makes them, empty, under TMPDIR or /tmp. Ends the test if it can't. */
void folders_init(struct folders *f);
/* The same under this folder. */
void folders_init_in(struct folders *f, const char *parent);
/* Empties them: all three, or the index alone. */
void folders_wipe(struct folders *f);
void folders_wipe_index(struct folders *f);
void folders_remove(struct folders *f);

struct store *folders_open(struct folders *f, uv_loop_t *loop);
/* local_close, run to its end, and local_free. */
void folders_close(uv_loop_t *loop, struct store *s);

#endif
