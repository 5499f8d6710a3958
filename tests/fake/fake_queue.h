/*
 * fake_queue.h - the fake store's queue, as a test sees and moves it.
 *
 * Shape   storage/queue.h with its meaning, in memory: jobs by domain and sender, leases, turns,
 *         holds, reports with their notice, notes. Entries that are done stay to be looked at.
 * Time    fake_options.now_s, moved by fake_queue_set_now. Who watches the queue is told of what
 *         became due when the store next runs.
 */
#ifndef FAKE_QUEUE_H
#define FAKE_QUEUE_H

#include "storage/queue.h"
#include "tests/fake/fake_store.h"

/* A recipient on another server that a delivery named, and what came of it. Spans are lent
 * while the store lives. */
struct fake_remote {
	struct store_envelope envelope;
	struct store_remote to;
	struct span body;	/* of the message */
	uint32_t number;	/* in its entry */
	uint32_t job;
	bool done;		/* delivered or failed: it waits no more */
	bool reported;		/* what follows is set */
	enum queue_fate fate;	/* of the last report */
	struct span status, words, host;
	int64_t retry_s;	/* deferred: when it is due again */
	unsigned attempts;	/* of its job */
};

/* All that deliveries have named, in order; NULL: there is no i-th. Lent until the next
 * call of this function. */
size_t fake_store_remotes(const struct store *s);
const struct fake_remote *fake_store_remote(struct store *s, size_t i);

/* At once, without a call: a message that waits. recipients: addresses with a space between.
 * envelope may be NULL: only the id counts then. */
void fake_queue_put(struct store *s, const char *id, const char *sender, const char *recipients,
		    const char *text, const struct store_envelope *envelope);
/* At once: as if an administrator had deleted it. False: there is none. */
bool fake_queue_delete(struct store *s, const char *id);
/* At once: the entry's jobs are leased with QUEUE_BOUNCE, or go to route ("HOST:PORT"). */
void fake_queue_bounce(struct store *s, const char *id);
void fake_queue_route(struct store *s, const char *id, const char *route);
/* At once: those that are not leased are due, and their domains not held off. */
void fake_queue_flush(struct store *s, const char *id);

/* From now on it is that time. */
void fake_queue_set_now(struct store *s, int64_t now_s);

size_t fake_queue_leases(const struct store *s);	/* that are held */
/* What a holder that went had is due again. Unknown numbers are passed over. */
void fake_queue_release(struct store *s, uint64_t lease);
/* All leases end, domains are forgotten: as when storaged was killed. Notes and times stay. */
void fake_queue_restart(struct store *s);

/* What deliverd has told; NULL: nothing of that domain. Lent until it is told again. */
const struct queue_domain *fake_queue_domain(struct store *s, const char *domain);
struct queue_times fake_queue_times(const struct store *s);
/* A note's bytes, { NULL, 0 } if there is none. Lent until it is put again. */
struct span fake_queue_note(struct store *s, const char *name);

#endif
