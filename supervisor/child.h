/*
 * child.h - one daemon process.
 *
 * Shape   child_start forks and execs and sends everything that the process needs, up to
 *         CONTROL_GO. Its life then is told by state; when the process is gone and its
 *         last log line is written, slots_gone is called and the struct is freed.
 * Faults  Nothing that the process sends can harm yubind: what is malformed ends it.
 */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include "common/base/buf.h"
#include "common/ipc/ipc.h"
#include "common/proc/control.h"
#include "supervisor/supervisor.h"

enum {
	CHILD_READY_MS = 10000,		/* from the start to CONTROL_READY */
	CHILD_LEAVE_MS = 2000,		/* beyond the time that it was given, then SIGKILL */
	CHILD_ANSWER_MAX = 64 << 10	/* bytes of an answer that are kept */
};

/* Those behind CHILD_STATUS are the network daemons'. */
enum child_question { CHILD_STATUS, CHILD_TLS, CHILD_SESSIONS, CHILD_KICK, CHILD_QUESTIONS };

enum child_state {
	CHILD_STARTING,
	CHILD_READY,
	CHILD_DRAINING,			/* serves its old sessions only */
	CHILD_STOPPING
};

struct child {
	struct child *next;		/* of supervisor.children */
	struct supervisor *s;
	enum daemon daemon;
	unsigned worker;
	char label[24];			/* "imapd[2]", as it stands in the log */
	struct setup *setup;
	enum child_state state;
	bool trial;			/* belongs to a job that is not decided; its death is the job's affair */
	bool leaving;			/* its end was asked for, or is its job's */
	bool ended;			/* the process is reaped; pid may be another's by now */
	bool silent;			/* its control socket was read to the end */
	int status;			/* of waitpid, once ended */
	pid_t pid;
	uint64_t started_ms;
	struct ipc *ipc;
	int log_fd;
	uv_poll_t log_poll;
	uv_timer_t timer;		/* until READY; then until it must have left */
	unsigned handles;		/* of the loop, that must close before the struct goes */
	char sandbox[256];		/* what CONTROL_READY said */
	char words[400];		/* its last ones: CONTROL_FAILED, or what it wrote to stderr */
	uint64_t wanted_ms;		/* peers asked for since then */
	unsigned wanted;
	unsigned auth_rights;		/* that authd knows of; 0: they have not met */
	uint64_t applying;		/* number of the CONTROL_SETTINGS that is not answered; 0: none */
	uint64_t refused;		/* number of the last that it did not take */
	struct {
		uint64_t asked;		/* number of the CONTROL_ASK; 0: answered */
		struct buf text;	/* whole lines */
	} answers[CHILD_QUESTIONS];
};

/* Gives the process, held by s->children until it is gone. */
int child_start(struct child **out, struct supervisor *s, enum daemon d, unsigned worker, struct setup *setup,
		struct error *err);

/* The program as it now lies on disk; all 0 if it does not. */
struct program program_now(const struct supervisor *s, enum daemon d);

/* Stop accepting; end idle sessions after idle_ms. */
void child_drain(struct child *c, uint64_t idle_ms);
/* Finish and leave within the time; SIGKILL somewhat later. */
void child_stop(struct child *c, uint64_t within_ms);
void child_kill(struct child *c);
/* It starts, and has said that it needs longer: CHILD_READY_MS begin anew. */
void child_wait_on(struct child *c);

/* It is there and not on its way out. */
bool child_serves(const struct child *c);

/* Looks for processes that have ended (SIGCHLD). */
void children_reap(struct supervisor *s);

/* The living child of a service (storaged, authd) that neighbours talk to, or NULL. */
struct child *child_of(const struct supervisor *s, enum daemon d);

/* talk.c: what is said. Each returns 0 or a negative errno (the child is then killed). */
int talk_begin(struct child *c, int log_fd, struct error *err);
int talk_settings(struct child *c, struct setup *setup, uint64_t number);
void talk_tickets(struct child *c);
void talk_revoke(struct child *c, struct span account);
/* words: of a question that has any more than its name; or "". */
void talk_ask(struct child *c, enum child_question what, const char *words, uint64_t number);
/* A question with arguments, to this process alone; orders_one_answered gets the answer. */
int talk_ask_one(struct child *c, const char *words, uint64_t number);
int talk_send(struct child *c, unsigned type, uint64_t number, struct span body, int *fds, size_t fd_count);
void talk_time(struct child *c, unsigned type, uint64_t ms);	/* CONTROL_DRAIN, CONTROL_STOP */
void talk_receive(void *arg, struct ipc_message *m);

/* peers.c: pairs with all neighbours that are there; a new one with authd where the settings that
 * c has now give it other rights. */
void peers_join(struct child *c);
void peers_renew(struct child *c);
/* c's socket to that neighbour has ended. If the neighbour is alive they get a fresh pair: whatever went over
 * the old one, c is of no use without it. False: c asks too often, or for what it may not have. */
bool peers_want(struct child *c, enum control_role role);

/* slots.c */
void slots_gone(struct child *c, int status);

#endif
