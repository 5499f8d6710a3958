/*
 * start.h - what a daemon is handed before it has a loop: all messages up to CONTROL_GO.
 */
#ifndef PROC_START_H
#define PROC_START_H

#include "common/ipc/ipc.h"
#include "common/proc/control.h"
#include "common/proc/settings.h"

/* A message that waits until the daemon can take it. */
struct start_message {
	struct start_message *next;
	struct ipc_message m; /* lends from the next two */
	uint8_t *body;
	int fds[IPC_FDS_MAX];
};

struct start {
	struct control_hello hello;
	int log_fd;               /* -1: none came */
	int folders[IPC_FDS_MAX]; /* hello.folders of them */
	struct settings *settings;
	struct start_message *first, **last; /* all that is neither hello nor settings, as it came */
	size_t count;
};

void start_init(struct start *s);

/* Blocks until CONTROL_GO. After it hello and settings are there. */
int start_receive(struct start *s, int control_fd, enum config_file which, struct error *err);

/* Takes the oldest message that waits off the list, or gives NULL. */
struct start_message *start_next(struct start *s);
/* Frees it and closes the descriptors that are still in it. */
void start_message_free(struct start_message *m);

/* Frees what waits; the settings, the folders and the log are the caller's. */
void start_clear(struct start *s);

#endif
