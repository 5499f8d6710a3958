/*
 * yubind_kit.h - a test in yubind's place: starts a daemon in a child process and
 * speaks the control protocol with it.
 */
#ifndef TESTS_YUBIND_KIT_H
#define TESTS_YUBIND_KIT_H

#include <sys/types.h>

#include "common/proc/worker.h"

struct child {
	pid_t pid;
	int control, log;
};

/* Runs d in a child and sends it the hello, as worker 2. */
void child_begin(struct child *c, const struct worker_daemon *d);

void child_send(struct child *c, enum control_type type, struct span body);
void child_send_number(struct child *c, enum control_type type, uint64_t v);
void child_send_text(struct child *c, enum control_type type, uint64_t number, const char *text);
/* Closes fd. */
void child_send_fd(struct child *c, enum control_type type, uint64_t number, struct span body, int fd);
/* A bundle (bundle.h). */
void child_send_settings(struct child *c, uint64_t number, struct span bundle);

/* The next message must be of this type and number. Lends its text until the next call. */
const char *child_expect(struct child *c, enum control_type type, uint64_t number);

/* Waits for its end and gives the exit code, or 128 + the signal. */
int child_end(struct child *c);

#endif
