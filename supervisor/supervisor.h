/*
 * supervisor.h - all that a running yubind is.
 *
 * Who does what
 *   child.c     one process: fork, exec, its log lines, its end
 *   talk.c      what is said over its control socket
 *   slots.c     which process serves as which worker; a dead one comes back
 *   peers.c     fresh pairs of sockets between neighbours
 *   job.c       start, reload, restart: one at a time, all or nothing
 *   stop.c      the end of all
 *   watch.c     certificates that were renewed, and those that end soon
 *   orders.c    what the yubin command asks, and its answers; status.c writes one of them,
 *               orders_socket.c has the connections, orders_one.c what one process is asked
 *   main.c      options, the lock, what comes before and behind the loop
 * After each change of a process's state supervisor_changed is called: it looks at all
 * of them and goes on with what waits for it.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <uv.h>

#include "common/config/paths.h"
#include "common/tls/tickets.h"
#include "supervisor/blocks.h"
#include "supervisor/logfile.h"
#include "setup/setup.h"
#include "supervisor/sockets.h"

struct child;
struct job;
struct orders;
struct watch;

/* A worker's place. */
struct slot {
	struct child *child;		/* who serves; NULL: being restarted */
	unsigned restarts;		/* after a death that nobody asked for */
	unsigned deaths;		/* without a long life in between: sets the delay */
	uint64_t due_ms;		/* when it is started again; 0: not waiting */
};

/* Tells a program that was installed anew from the one that its processes run. */
struct program {
	uint64_t inode;
	int64_t changed_s, changed_ns;
};

struct group {
	struct program program;		/* of the newest process */
	struct setup *setup;		/* what its processes are started with */
	unsigned workers;		/* slots in use */
	struct slot slots[DAEMON_WORKERS];
};

enum { SUPERVISOR_SIGNALS = 4 };

enum { SUPERVISOR_FILES = 65536 };	/* descriptors that a busy daemon may need */

enum stop_phase { STOP_NOT, STOP_NET, STOP_SERVICES };

struct supervisor {
	uv_loop_t loop;
	struct paths paths;
	char flags[256];		/* behind `start --` */
	bool root, foreground;
	uint32_t files_max;		/* descriptors of a process */
	int libexec;			/* the folder of the programs */
	uint64_t started_ms;
	int report_fd;			/* ORDER_STARTED goes there; -1: to nobody any more */
	int exit_code;
	char failure[700];		/* why the start failed */
	int again_fd;			/* all is to start anew, and this order is to be told; -1: no */

	struct setup *setup;		/* the newest that is in force */
	struct group groups[DAEMON_COUNT];
	struct child *children;		/* all, of every generation */
	struct sockets *sockets;
	struct blocks *ids;
	struct logfile *log;
	struct tls_tickets tickets;
	uint8_t key[32];		/* of the tokens */

	struct job *job;		/* NULL: none */
	struct orders *orders;
	struct watch *watch;
	enum stop_phase stop;
	uint64_t last_number;		/* of a message that is answered */
	uv_signal_t signals[SUPERVISOR_SIGNALS];
	uv_timer_t restart_timer, log_timer, lines_timer, ticket_timer;
};

/* A child's state has changed. */
void supervisor_changed(struct supervisor *s);

/* Opens what outlives all jobs: the log, the ids, sockets for orders; and the signals. setup
 * is held. */
int supervisor_open(struct supervisor *s, struct setup *setup, struct error *err);
/* Runs until all is over. */
void supervisor_run(struct supervisor *s);
void supervisor_close(struct supervisor *s);

/* Ticket keys are rotated in time from now on, as s->setup has it. */
void supervisor_time_tickets(struct supervisor *s);
/* The next key comes now, to all; the time to the one behind it begins anew. */
void supervisor_rotate_tickets(struct supervisor *s);

/* Says something to who started us and still waits. kind: "note", "warning", "error". */
void supervisor_say(struct supervisor *s, const char *kind, const char *words);
/* Tells who started us how the start went, once. */
void supervisor_report(struct supervisor *s, unsigned code, const char *text);

#endif
