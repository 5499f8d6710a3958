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

/* For a driver (suite.h) whose arg is the folders. */
void folders_driver_wipe(void *folders);
struct store *folders_driver_open(void *folders, uv_loop_t *loop);
void folders_driver_close(void *folders, uv_loop_t *loop, struct store *s);
void folders_driver_token(void *folders, const struct store_grant *g, struct store_token *out);

#endif
