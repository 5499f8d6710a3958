/*
 * queue_admin.h - what waits in the queue, for administrators: looked at and changed.
 *
 * Shape   A filter says which; a cursor, all zero at first, says where to go on. A call looks at
 *         QUEUE_ADMIN_LOOK records about, so it is short and may find none: it is called until the
 *         cursor is at its end. Entries come in the order of their ids: as they were accepted.
 * Jobs    Recipients of an entry with the same domain and sender are one job. Filters by
 *         recipient, domain or state choose jobs, and an action changes a job as a whole; but
 *         QUEUE_DELETE by recipient takes away that recipient alone.
 * Durable What an action has changed is on disk with the next flush, which it begins.
 * Threads The loop's, as all of store.h; nothing here waits.
 */
#ifndef STORAGE_LOCAL_QUEUE_ADMIN_H
#define STORAGE_LOCAL_QUEUE_ADMIN_H

#include "storage/queue.h"

enum { QUEUE_ADMIN_LOOK = 256 };

/* Bits. */
enum queue_state {
	QUEUE_WAITING = 1,
	QUEUE_LEASED = 2, /* being tried now */
	QUEUE_HELD = 4,   /* by an administrator; expires all the same */
	QUEUE_ASIDE = 8   /* can't be read */
};

/* All that are set must fit; addresses without regard to case. */
struct queue_filter {
	struct span id;
	struct span sender;    /* "user@domain", "@domain", "<>" */
	struct span recipient; /* "user@domain", "@domain" */
	struct span domain;    /* of recipients */
	struct span account;   /* who submitted it */
	unsigned states;       /* bits of enum queue_state; 0: any */
	int64_t older_s;       /* accepted so many seconds ago, or more */
};

struct queue_cursor {
	char id[STORE_ID_MAX]; /* the last one looked at */
	bool end;
};

struct queue_shown_recipient {
	struct store_remote to;
	uint32_t number, job;
	enum queue_state state;
	bool bounce, noticed;            /* is to fail, untried; the sender was told of the delay */
	uint32_t attempts;               /* of its job, that were deferred */
	int64_t next_s;                  /* when it is due, since 1970 */
	struct span domain;              /* lower case */
	int64_t domain_until_s;          /* the domain is held off until then; 0: it is not */
	struct span domain_words;        /* why; may be empty */
	struct span route;               /* "HOST:PORT", mostly empty */
	int64_t tried_s;                 /* the last attempt; 0: none */
	struct span status, words, host; /* what came of it (struct queue_outcome) */
};

struct queue_shown {
	struct store_envelope envelope; /* of one set aside often the id alone */
	int64_t created_s;
	uint64_t size;
	const char *aside;                              /* why it was set aside, or NULL */
	const struct queue_shown_recipient *recipients; /* those that wait, and fit the filter */
	size_t count;
};

/* Lent until it returns. */
typedef void (*queue_show)(void *arg, const struct queue_shown *entry);
/* Shows up to max entries that fit and moves the cursor behind the last one looked at. STORE_OK;
 * STORE_TRY_LATER if the index can't be read. */
enum store_status queue_admin_list(struct store *s, const struct queue_filter *f, struct queue_cursor *at,
				   size_t max, queue_show show, void *arg);

enum queue_action {
	QUEUE_ACT_FLUSH, /* due now, but for those leased; the hold-off of their domains is forgotten */
	QUEUE_ACT_HOLD,
	QUEUE_ACT_RELEASE,
	QUEUE_ACT_DELETE, /* gone, and nobody is told; those set aside too */
	QUEUE_ACT_BOUNCE, /* leased with QUEUE_BOUNCE */
	QUEUE_ACT_ROUTE   /* to `route`; empty: where the domain says */
};

struct queue_acted {
	size_t entries, recipients; /* that were changed; added to */
};

/* route: for QUEUE_ACT_ROUTE, at most QUEUE_DOMAIN_MAX bytes, else STORE_INVALID. */
enum store_status queue_admin_act(struct store *s, const struct queue_filter *f, enum queue_action action,
				  struct span route, struct queue_cursor *at, struct queue_acted *done);

#endif
