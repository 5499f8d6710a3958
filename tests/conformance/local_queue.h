/*
 * local_queue.h - a local store with a queue, under a clock of the test's own, and its queue as text.
 *
 * Defines the clock: who links it must not need common/base/clock.o.
 */
#ifndef TESTS_CONFORMANCE_LOCAL_QUEUE_H
#define TESTS_CONFORMANCE_LOCAL_QUEUE_H

#include "storage/local/queue_admin.h"
#include "tests/conformance/folders.h"
#include "tests/conformance/queued.h"

extern struct folders local_folders;
extern struct conf local_conf;
extern int64_t local_ahead_s; /* of the real time */

int local_queue_setup(void **state);
int local_queue_teardown(void **state);
int64_t local_now_s(void);

/* Closes and opens the store; in between the index is lost, too. */
void local_again(void);
void local_lost(void);
/* Runs the store until its tick has passed. */
void local_tick(void);

/* All that the filter chooses, as text; static memory until the next call:
 * "ID state=.. aside=.. NUMBER/JOB:ADDRESS state attempts due=SECONDS since 1970..." */
const char *local_list(const struct queue_filter *f);
/* The same of all. */
const char *local_all(void);
/* Gives how many recipients it was about. */
size_t local_act(const struct queue_filter *f, enum queue_action action, const char *route);
size_t local_act_id(const char *id, enum queue_action action);

/* A figure of local_status. */
unsigned long local_figure(const char *key);
bool local_file(const char *name); /* is it in queue/? */
/* Writes queue/NAME. */
void local_write(const char *name, const char *text);
void local_remove(const char *name);
/* How many lines that the store has logged hold the text. */
unsigned local_logged(const char *text);

#endif
