/*
 * queue.h - mail that waits for other servers: leased, tried, reported.
 *
 * Shape   An entry is a message and its envelope: store_deliver makes it, in its commit. A job
 *         is those recipients of one entry that have the same domain and the same sender: what goes
 *         down one connection in one transaction. deliverd leases jobs, tries them, and reports
 *         what came of each recipient.
 * Lease   Ends with the report or with the socket of its holder: then the job is due again. After
 *         storaged was restarted a job may be leased to a holder that is still at it: it knows the
 *         job by (id, job) and goes on; its report counts, whichever lease it names.
 * Order   A domain is ready when it has a job that is due, is not held off (`not_before`) and
 *         has fewer jobs leased than `allowed`; ready domains have their turns one after
 *         another, so none can hold up the others. In a domain the job that was due first.
 * Durable A report that completed with STORE_OK is on disk. When a job is due again is
 *         remembered too, but may be lost in a crash: then it is tried early.
 * Files   queue/ID.mail, a link of the body, and queue/ID.envelope, text; the index has both.
 *         An index that is lost is made again from them. One that can't be read is set aside:
 *         it is listed, named in the log, and leased to nobody.
 * Rights  CONTROL_RIGHT_QUEUE. Limits: QUEUE_JOBS in one lease, QUEUE_NOTE_MAX a note.
 */
#ifndef STORAGE_QUEUE_H
#define STORAGE_QUEUE_H

#include "storage/store.h"

enum {
	QUEUE_JOBS = 32,		/* of one lease; as many descriptors come along */
	QUEUE_WORDS_MAX = 512,		/* bytes of what a server said, escaped, and its NUL */
	QUEUE_STATUS_MAX = 16,		/* "5.1.1" and its NUL */
	QUEUE_DOMAIN_MAX = 256,		/* a domain and its NUL */
	QUEUE_NOTE_KEY = 320,		/* bytes of a note's name */
	QUEUE_NOTE_MAX = 48 * 1024	/* bytes of a note */
};

struct queue_recipient {
	uint32_t number;	/* in its entry, from 0; stays the same */
	struct store_remote to;	/* sender is the job's */
};

enum queue_why {		/* why a job was leased: bits. Without QUEUE_DUE nothing is to be sent */
	QUEUE_DUE = 1,		/* to be tried */
	QUEUE_NOTICE = 2,	/* older than notice_s, and the sender has not been told */
	QUEUE_EXPIRED = 4,	/* older than lifetime_s: what can't be delivered now fails */
	QUEUE_BOUNCE = 8	/* an administrator wants it to fail, untried */
};

struct queue_job {
	uint64_t lease;		/* never 0 */
	uint32_t job;		/* in its entry */
	unsigned why;		/* bits of enum queue_why */
	struct store_envelope envelope;
	int64_t created_s;	/* when it was accepted, since 1970 */
	uint64_t size;		/* bytes of the body */
	uint32_t attempts;	/* that were reported as deferred */
	uint64_t flushed_ms;	/* ago, rounded up, an administrator wanted its domain tried; 0: never */
	struct span domain;	/* of all recipients, as it was given but in lower case (ASCII) */
	struct span sender;	/* empty: <> */
	struct span route;	/* "HOST:PORT" where `yubin queue route` sent it; mostly empty */
	const struct queue_recipient *recipients;
	size_t count;
	int fd;			/* the body, read-only; the callback's to keep */
};

struct queue_want {
	struct span domain;	/* only this one's, up to `max`, whatever it is allowed; empty: by turns */
	size_t max;		/* at most QUEUE_JOBS */
};

/* Jobs are lent; the callback keeps each fd. STORE_OK with count 0: nothing is ready now. */
typedef void (*queue_lease_done)(void *arg, enum store_status status, const struct queue_job *jobs, size_t count);
uint64_t queue_lease(struct store *s, const struct queue_want *want, queue_lease_done done, void *arg);

/* A hint that something is ready, or may be. Level-triggered: called at most once until the
 * next queue_lease. NULL ends it. */
typedef void (*queue_ready)(void *arg);
void queue_watch(struct store *s, queue_ready ready, void *arg);

enum queue_fate {
	QUEUE_DELIVERED,	/* the other server has it */
	QUEUE_FAILED,		/* it never will */
	QUEUE_DEFERRED,		/* later */
	QUEUE_UNTRIED		/* given back as it was: no attempt counts */
};

struct queue_outcome {
	uint32_t recipient;	/* queue_recipient.number */
	enum queue_fate fate;
	struct span status;	/* RFC 3463: "4.4.1" */
	struct span words;	/* one line, escaped: what the server said, or what we say */
	struct span host;	/* "mx.example.org[192.0.2.7]:25"; empty: none was reached */
};

struct queue_report {
	const char *id;
	uint32_t job;
	uint64_t lease;
	const struct queue_outcome *outcomes;	/* one for each recipient of the job */
	size_t count;
	int64_t retry_s;	/* what was deferred is due again then */
	bool noticed;		/* `notice` tells of a delay: it is not asked for again */
	/* What the sender is told, in the same commit: so never lost and never twice. Its
	 * stage is NULL where nothing is. */
	struct store_delivery notice;
};
/* STORE_NOT_FOUND: the entry, or the job, is gone already (an administrator deleted it). */
uint64_t queue_report(struct store *s, const struct queue_report *r, const struct store_txid *txid,
		      store_done done, void *arg);

/* How a domain is to be treated from now on. Nothing is kept of a domain for which nothing waits;
 * all is forgotten in a restart, and ten minutes behind a domain's last job and its hold-off. */
struct queue_domain {
	struct span domain;
	uint32_t allowed;	/* jobs leased at a time; 1 until it is told */
	int64_t not_before_s;	/* nothing is leased before; 0: at once. Jobs with QUEUE_NOTICE,
				 * QUEUE_EXPIRED or QUEUE_BOUNCE are, all the same */
	struct span words;	/* why, for `yubin queue list`; may be empty */
};
void queue_domain(struct store *s, const struct queue_domain *d);

/* Settings; deliverd tells them when it starts and when they change. */
struct queue_times {
	int64_t notice_s, lifetime_s;	/* 0: never */
};
void queue_times(struct store *s, const struct queue_times *t);

/* --- notes: what deliverd wants to remember over a restart ------------------ */

/* A name ("sts/example.org") and bytes, until a time. A cache: it may be gone. */
typedef void (*queue_note_done)(void *arg, enum store_status status, struct span bytes);
uint64_t queue_note_get(struct store *s, struct span name, queue_note_done done, void *arg);
/* Empty bytes: forget it. done may be NULL. */
uint64_t queue_note_put(struct store *s, struct span name, struct span bytes, int64_t expires_s, store_done done,
			void *arg);
/* Those whose name begins with prefix, behind `after` (empty: from the first), a page at a time.
 * Lent; more: there are others behind the last. */
struct queue_note {
	struct span name, bytes;
};
typedef void (*queue_notes_done)(void *arg, enum store_status status, const struct queue_note *notes,
				 size_t count, bool more);
uint64_t queue_notes(struct store *s, struct span prefix, struct span after, queue_notes_done done, void *arg);

#endif
