/*
 * transaction.h - one message on its way into the store: who gets it, here and elsewhere, its
 * body, its id.
 *
 * Shape   Made when a recipient or a body first needs it; transaction_clear voids it.
 *         A stage belongs to it until store_deliver takes it.
 * Seats   Who sits where because of which recipient, so that a recipient can be taken out again: only where
 *         each is answered for itself (LMTP).
 * Limits  STORE_RECIPIENTS accounts and remotes together, each once. TRANSACTION_SEATS seats.
 */
#ifndef SMTPD_TRANSACTION_H
#define SMTPD_TRANSACTION_H

#include "auth/auth.h"
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "mime/parse.h"
#include "storage/store.h"

enum { TRANSACTION_SEATS = 8192 };

struct transaction_seat {
	uint16_t recipient;	/* the how many-eth of those that were accepted, from 0 on */
	uint16_t remote;	/* 1: among the remotes; 0: among the accounts, */
	uint32_t place;		/* there */
};

struct transaction {
	char (*accounts)[STORE_ACCOUNT_MAX];	/* each once */
	char (*addresses)[AUTH_ADDRESS_MAX];	/* the envelope recipient that led there */
	uint64_t *quotas;			/* of the accounts */
	size_t count, room;
	struct store_remote *remotes;		/* their bytes are in texts */
	size_t remote_count, remote_room;
	size_t here_count;			/* of them: store_remote_is_here */
	struct transaction_seat *seats;
	size_t seat_count, seat_room;
	struct arena *texts;
	struct store_stage *stage;
	struct mime_parser *parser;
	char id[24];
};

/* A recipient of the envelope, as RCPT gave it. */
struct transaction_recipient {
	const char *address;
	unsigned notify;	/* enum store_notify */
	const char *orcpt;	/* or "" */
	bool seated;		/* it is noted who gets it because of this one, which is the */
	unsigned number;	/* how many-eth, from 0 on */
};

/* How full it was. */
struct transaction_mark {
	size_t count, remote_count, here_count, seat_count;
};

/* Everything is freed; t is as at first (all zeros). */
void transaction_clear(struct transaction *t);

/* Adds the accounts behind a recipient and the remotes that its mail goes on to; -ENOSPC over
 * STORE_RECIPIENTS, -ENOMEM: nothing added. Where success is to be told (NOTIFY=SUCCESS, and
 * sender is not "") and a mailbox here gets it, that is noted as a remote that is here. */
int transaction_add(struct transaction *t, const struct transaction_recipient *to, const char *sender,
		    const struct auth_resolved *r);

/* Adds a recipient that is on another server itself. As transaction_add. */
int transaction_add_remote(struct transaction *t, const struct transaction_recipient *to, const char *sender);

struct transaction_mark transaction_mark(const struct transaction *t);
/* Those that came behind the mark go. */
void transaction_cut(struct transaction *t, const struct transaction_mark *m);

/* The accounts from the i-th on, for store_room; spans lent. The caller frees it. NULL: no memory. */
struct store_recipient *transaction_recipients(const struct transaction *t, size_t from);

/* The accounts at the places `over`, from 1 on, have no room: the recipients that led to one get nothing, neither
 * there nor elsewhere, unless another one leads to it. Sets refused[] of each. */
void transaction_refuse(struct transaction *t, struct store_set over, bool *refused, size_t recipients);

/* All that the store is handed, and those of them who are elsewhere. */
size_t transaction_count(const struct transaction *t);
size_t transaction_away(const struct transaction *t);

/* Whom the i-th of transaction_count was for, as RCPT had it. Lent. */
struct span transaction_to(const struct transaction *t, size_t i);

/* Does it go on from one of ours? */
bool transaction_forwards(const struct transaction *t);

/* Would it go on from one of ours that has had it before? delivered: what its Delivered-To lines
 * say, one a line. */
bool transaction_loops(const struct transaction *t, struct span delivered);

/* A new id: time and a number that is unique in the site, in base 32. */
void transaction_name(struct transaction *t, int64_t now_ms, unsigned worker, unsigned serial);

/* Writes to the stage and to the parser. As store_stage_write. */
int transaction_write(struct transaction *t, struct span in);

/* Hands the message to the store; the stage is gone from t. envelope: but for its id, which
 * is t's. Returns the op. done as store_deliver's. */
uint64_t transaction_deliver(struct transaction *t, struct store *s, const struct store_envelope *envelope,
			     store_done done, void *arg);

#endif
