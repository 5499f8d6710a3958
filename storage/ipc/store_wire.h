/*
 * store_wire.h - what the messages between a daemon and storaged are made of.
 *
 * Shape   A request has a type of enum store_wire_type and a number; its one answer
 *         carries the same number, as STORE_WIRE_ANSWER, behind any STORE_WIRE_PARTs if it
 *         is longer than a message may be. STORE_WIRE_CHANGED comes by itself; its
 *         number is the login's; STORE_WIRE_READY too, without a number. Bodies are in store_ask.h and store_answer.h.
 * Version Both ends may come from different builds: yubin, or a daemon that was restarted alone. A login is answered
 *         with STORE_WIRE_VERSION, and who finds another one there asks nothing more. So login and logout keep their form for good.
 * Names   Logins and stages have numbers that the daemon chooses and never uses twice
 *         on a socket: so they outlive storaged.
 * Pure    No I/O. What is read lends from the body and from an arena.
 */
#ifndef STORAGE_STORE_WIRE_H
#define STORAGE_STORE_WIRE_H

#include "common/base/arena.h"
#include "common/ipc/wire.h"
#include "storage/queue.h"

/* Goes up by one with each change of what is asked, answered or meant by it, metadata too (tests/unit/test_store_wire.c). */
enum { STORE_WIRE_VERSION = 2 };

enum store_wire_type {
	STORE_WIRE_LOGIN = 1,
	STORE_WIRE_LOGOUT,
	STORE_WIRE_LOCK,
	STORE_WIRE_LIST,
	STORE_WIRE_FIND,
	STORE_WIRE_SYNC,
	STORE_WIRE_WATCH,
	STORE_WIRE_BODY,
	STORE_WIRE_META_FILE,
	STORE_WIRE_META_PUT,
	STORE_WIRE_STAGE, /* a file to write to; answered with a writing and a reading descriptor */
	STORE_WIRE_SEAL,
	STORE_WIRE_DROP,
	STORE_WIRE_COMMIT,
	STORE_WIRE_DELIVER,
	STORE_WIRE_ROOM,
	STORE_WIRE_LEASE, /* answered with a descriptor for each job */
	STORE_WIRE_RELEASE,
	STORE_WIRE_QUEUE_WATCH,
	STORE_WIRE_REPORT,
	STORE_WIRE_QUEUE_DOMAIN,
	STORE_WIRE_QUEUE_TIMES,
	STORE_WIRE_NOTE_GET,
	STORE_WIRE_NOTE_PUT,
	STORE_WIRE_NOTES,
	STORE_WIRE_BODIES, /* answered with a descriptor for each that is whole */
	STORE_WIRE_ANNOTATIONS,
	STORE_WIRE_TYPES, /* one more than the last request */

	STORE_WIRE_ANSWER = 64,
	STORE_WIRE_PART,
	STORE_WIRE_CHANGED,
	STORE_WIRE_READY /* queue_watch: something is ready; empty */
};

enum {
	STORE_WIRE_ADDRESS_MAX = 1000,      /* bytes of an envelope recipient, ORCPT, ENVID */
	STORE_WIRE_HOST_MAX = 400,          /* bytes of queue_outcome.host */
	STORE_WIRE_LEASE_BYTES = 2 << 20,   /* of the jobs of one lease, about */
	STORE_WIRE_NOTE_PAGE = 256,         /* of one page */
	STORE_WIRE_LIST_BYTES = 256 * 1024, /* of one page of mailboxes */
	STORE_WIRE_ANSWER_MAX = 16 << 20,   /* bytes of all parts of an answer */
	STORE_WIRE_MEMORY = 64 << 20        /* of the arena that one body is read into, at most */
};

/* Ranges as gaps and lengths. */
void store_wire_put_set(struct buf *b, const struct store_range *ranges, size_t count);
/* At most max ranges, ascending, disjoint; else w fails. */
struct store_set store_wire_set(struct wire *w, size_t max, struct arena *memory);

/* Signed, small near 0. */
void store_wire_put_signed(struct buf *b, int64_t v);
int64_t store_wire_signed(struct wire *w);

/* A number of at most max; else w fails. */
uint64_t store_wire_upto(struct wire *w, uint64_t max);
/* A string of at most max bytes, lent; else w fails. */
struct span store_wire_bytes(struct wire *w, size_t max);
/* The same, without a control character: an address, words. */
struct span store_wire_line(struct wire *w, size_t max);
bool store_wire_is_line(struct span s, size_t max);
bool store_wire_bool(struct wire *w);
/* An enumerator of at most max; else w fails. */
unsigned store_wire_enum(struct wire *w, unsigned max);
/* Notes that what was read can't be. */
void store_wire_fail(struct wire *w);
/* count things of size bytes; fails w if there is no room, and gives something harmless. */
void *store_wire_array(struct wire *w, struct arena *memory, size_t count, size_t size);

#endif
