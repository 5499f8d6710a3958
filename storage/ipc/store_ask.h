/*
 * store_ask.h - a request to storaged, as a struct and as a message's body.
 *
 * Limits  Those of store.h are checked on both sides: writing gives STORE_LIMIT or
 *         STORE_INVALID for what can't be, reading fails.
 * Pure    No I/O.
 */
#ifndef STORAGE_STORE_ASK_H
#define STORAGE_STORE_ASK_H

#include "storage/ipc/store_wire.h"

enum store_ask_where {
	STORE_ASK_NONE,   /* no body: the mutation is no append, the report has no notice */
	STORE_ASK_INLINE, /* in the message */
	STORE_ASK_STAGED  /* in a stage that was sealed; the request takes it */
};

struct store_ask_body {
	enum store_ask_where where;
	struct span bytes; /* INLINE */
	uint64_t stage;    /* STAGED: its number */
};

/* Which fields count, by type. */
struct store_ask {
	enum store_wire_type type;
	uint64_t account;       /* the login's number: what a login does */
	struct span token;      /* LOGIN */
	uint64_t from;          /* LIST */
	struct span name;       /* FIND; NOTE_GET, NOTE_PUT; NOTES: the prefix */
	struct store_look look; /* SYNC */
	bool watch;             /* WATCH, QUEUE_WATCH */
	uint64_t mailbox;       /* ANNOTATIONS, BODY, BODIES, META_PUT */
	uint32_t uid;           /* BODY, META_PUT */
	struct store_set uids;  /* BODIES */
	struct span meta;       /* META_PUT */
	uint64_t stage;         /* STAGE, SEAL, DROP: its number */
	uint64_t size;          /* STAGE: at most; SEAL: exactly; ROOM */
	struct store_txid txid; /* COMMIT, DELIVER, REPORT */
	const struct store_mutation *mutations; /* COMMIT; their stage is left out */
	size_t count;                           /* of them */
	const struct store_ask_body *bodies; /* COMMIT: one for each mutation; DELIVER, REPORT: one */
	struct store_delivery delivery;      /* DELIVER; REPORT: the notice; its stage is left out. ROOM: recipients alone */
	struct queue_want want;              /* LEASE */
	struct queue_report report;          /* REPORT; its notice is left out. RELEASE: id and job */
	struct queue_domain domain;          /* QUEUE_DOMAIN */
	struct queue_times times;            /* QUEUE_TIMES */
	struct span bytes;                   /* NOTE_PUT; NOTES: the name before the first */
	int64_t expires_s;                   /* NOTE_PUT */
};

/* Appends the body. STORE_OK; STORE_INVALID or STORE_LIMIT for what can't be asked;
 * STORE_TRY_LATER without memory. */
enum store_status store_ask_write(struct buf *b, const struct store_ask *ask);

/* Reads a body of that type; what *ask points to is lent from body and memory.
 * 0, -EPROTO, or -ENOMEM. */
int store_ask_read(struct store_ask *ask, uint16_t type, struct span body, struct arena *memory,
		   struct error *err);

#endif
