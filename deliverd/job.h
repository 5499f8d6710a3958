/*
 * job.h - a leased job, held until its report is on disk: its recipients, and what came of each.
 *
 * Memory  All of it in one arena; 2 kB for an ordinary one.
 */
#ifndef DELIVERD_JOB_H
#define DELIVERD_JOB_H

#include "common/base/arena.h"
#include "deliverd/list.h"
#include "storage/queue.h"

struct deliverd;
struct destination;
struct tell;

enum { JOB_KEY = STORE_ID_MAX + 12 };

struct job_rcpt {
	struct queue_recipient to;
	bool busy;		/* a transaction has it */
	bool settled;		/* what follows is set */
	enum queue_fate fate;
	bool relayed;		/* delivered, to a server that tells nothing more (RFC 3461 5.2.2) */
	struct span status, words, host;
};

struct job {
	struct link link;	/* in a list of its destination, or of the schedule */
	struct deliverd *d;
	struct arena *memory;
	struct queue_job q;	/* copied; its recipients are below */
	char key[JOB_KEY];	/* "ID:JOB" */
	int fd;			/* -1: given away */
	struct destination *destination;	/* that it waits for */
	struct job_rcpt *rcpts;
	size_t count, open;	/* open: not settled yet */
	int64_t retry_s;	/* when what was deferred is due again */
	bool again;		/* it was in hand when a connection ended, and went to another */
	bool reporting;		/* all is settled */
	struct tell *tell;	/* what the sender is told is being written */
	const char *notice;	/* "id=... kind=failure": it is being reported, and goes into the log then */
	struct store_txid txid;
};

/* A copy of q, and q->fd with it. NULL without memory: fd is closed. */
struct job *job_new(struct deliverd *d, const struct queue_job *q);
/* NULL is allowed. */
void job_free(struct job *j);

/* The key of a job in the table of all that are held; out has JOB_KEY bytes. */
struct span job_key(const char *id, uint32_t number, char *out);

/* What became of the i-th recipient, which must not be settled; texts are copied. */
void job_settle(struct job *j, size_t i, enum queue_fate fate, struct span status, struct span words,
		struct span host);

/* The first recipient, from the i-th on, that is neither settled nor in a transaction; j->count: none. */
size_t job_open(const struct job *j, size_t i);

#endif
