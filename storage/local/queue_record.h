/*
 * queue_record.h - an entry of the queue as data, and as records of the index.
 *
 * Shape   A letter is an entry as a whole: its head, its tries, and its recipients, sorted by the
 *         try they belong to. A try is what storage/queue.h calls a job. The index has one record
 *         for each try with the head in it, so that a report changes only what it is about.
 * Memory  Spans lend, from the caller's bytes or from the value that was decoded.
 */
#ifndef STORAGE_LOCAL_QUEUE_RECORD_H
#define STORAGE_LOCAL_QUEUE_RECORD_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "storage/queue.h"

enum {
	QUEUE_TEXT_MAX = 1024, /* bytes of an address, an ORCPT, an ENVID, a Message-ID */
	QUEUE_HOST_MAX = 400   /* bytes of a host in an outcome */
};

enum queue_bit {
	QUEUE_BIT_HELD = 1,
	QUEUE_BIT_BOUNCE = 2,  /* is to fail, untried */
	QUEUE_BIT_NOTICED = 4, /* the sender was told of the delay */
	QUEUE_BIT_ASIDE = 8    /* its envelope can't be read: a record without recipients */
};

struct queue_head {
	char id[STORE_ID_MAX];
	struct store_envelope envelope; /* its id is not set: the one above counts */
	int64_t created_s;
	uint64_t size;
	uint32_t tries; /* that it had at first; at most STORE_RECIPIENTS */
};

struct queue_try {
	uint32_t number;
	unsigned bits; /* enum queue_bit */
	uint32_t attempts;
	int64_t due_s, tried_s;
	struct span sender, domain, route;
	size_t first, count; /* of the recipients */
};

struct queue_to {
	struct queue_recipient r;        /* sender is the try's */
	struct span status, words, host; /* what came of the last attempt */
};

struct queue_letter {
	struct queue_head head;
	struct queue_try *tries; /* head.tries of them */
	struct queue_to *to;
	size_t count;
};

/* The domain of an address, in lower case (ASCII's letters; what else there is stays as it is).
 * False if it has none, or one that is too long. */
bool queue_domain_of(struct span address, char out[QUEUE_DOMAIN_MAX]);
/* No control character: it can stand in a command. */
bool queue_plain(struct span text);
/* Letters and digits, at least one, STORE_ID_MAX - 1 at most. */
bool queue_id_valid(struct span id);

/* Groups the letter's recipients into tries: sets head.tries, tries, and sorts to. Memory from the
 * arena. 0, -EINVAL for an address without a domain, or -ENOMEM. */
int queue_letter_group(struct queue_letter *l, struct arena *memory);

/* --- records ---------------------------------------------------------------- */

struct queue_record {
	struct queue_head head; /* id: from the key */
	struct queue_try try;
	struct span rest; /* its recipients, for queue_record_next */
};

void queue_record_encode(struct buf *out, const struct queue_head *h, const struct queue_try *t,
			 const struct queue_to *to);
/* False: damage. All recipients were looked at when it gives true. */
bool queue_record_decode(struct span value, struct queue_record *r);
/* The next of r->try.count recipients. */
void queue_record_next(struct queue_record *r, struct queue_to *to);

#endif
