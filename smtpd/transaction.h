/*
 * transaction.h - one message on its way into the store: who gets it, its body, its id.
 *
 * Shape   Made when a recipient or a body first needs it; transaction_clear voids it.
 *         A stage belongs to it until store_deliver takes it.
 */
#ifndef SMTPD_TRANSACTION_H
#define SMTPD_TRANSACTION_H

#include "auth/auth.h"
#include "common/base/buf.h"
#include "mime/parse.h"
#include "storage/store.h"

struct transaction {
	char (*accounts)[STORE_ACCOUNT_MAX];	/* each once */
	char (*addresses)[AUTH_ADDRESS_MAX];	/* the envelope recipient that led there */
	size_t count, room;
	struct store_stage *stage;
	struct mime_parser *parser;
	char id[24];
};

/* Everything is freed; t is as at first (all zeros). */
void transaction_clear(struct transaction *t);

/* Adds the accounts behind address; -ENOSPC over STORE_RECIPIENTS, -ENOMEM: nothing added. */
int transaction_add(struct transaction *t, const char *address, const struct auth_target *targets, size_t count);

/* A new id: time and a number that is unique in the site, in base 32. */
void transaction_name(struct transaction *t, int64_t now_ms, unsigned worker, unsigned serial);

/* Writes to the stage and to the parser. As store_stage_write. */
int transaction_write(struct transaction *t, struct span in);

/* Hands the message to the store; the stage is gone from t. Returns the op. done as
 * store_deliver's. */
uint64_t transaction_deliver(struct transaction *t, struct store *s, store_done done, void *arg);

#endif
