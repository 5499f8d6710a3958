/* transaction.c - the contract is in transaction.h. */
#include "smtpd/transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void transaction_clear(struct transaction *t)
{
	free(t->accounts);
	free(t->addresses);
	store_stage_free(t->stage);
	mime_parser_free(t->parser);
	*t = (struct transaction){ 0 };
}

static int transaction_grow(struct transaction *t, size_t room)
{
	void *accounts = realloc(t->accounts, room * sizeof(*t->accounts)), *addresses;

	if (accounts == NULL)
		return -ENOMEM;
	t->accounts = accounts;
	addresses = realloc(t->addresses, room * sizeof(*t->addresses));
	if (addresses == NULL)
		return -ENOMEM;
	t->addresses = addresses;
	t->room = room;
	return 0;
}

static bool transaction_has(const struct transaction *t, const char *account)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->accounts[i], account) == 0)
			return true;
	return false;
}

static int transaction_add_one(struct transaction *t, const char *address, const char *account)
{
	if (transaction_has(t, account))
		return 0;
	if (t->count >= STORE_RECIPIENTS)
		return -ENOSPC;
	if (t->count == t->room && transaction_grow(t, t->room > 0 ? t->room * 2 : 1) < 0)
		return -ENOMEM;
	memset(t->accounts[t->count], 0, sizeof(*t->accounts));
	memset(t->addresses[t->count], 0, sizeof(*t->addresses));
	memcpy(t->accounts[t->count], account, strnlen(account, STORE_ACCOUNT_MAX - 1));
	memcpy(t->addresses[t->count], address, strnlen(address, AUTH_ADDRESS_MAX - 1));
	t->count++;
	return 0;
}

int transaction_add(struct transaction *t, const char *address, const struct auth_target *targets, size_t count)
{
	size_t before = t->count;

	for (size_t i = 0; i < count; i++) {
		int r = transaction_add_one(t, address, targets[i].account);

		if (r < 0) {
			t->count = before;
			return r;
		}
	}
	return 0;
}

void transaction_name(struct transaction *t, int64_t now_ms, unsigned worker, unsigned serial)
{
	static const char signs[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t bits = (uint64_t)now_ms << 20 | (uint64_t)(worker & 63) << 14 | (serial & 0x3fff);

	for (int i = 12; i >= 0; i--, bits >>= 5)
		t->id[i] = signs[bits & 31];
	t->id[13] = '\0';
}

int transaction_write(struct transaction *t, struct span in)
{
	mime_parser_feed(t->parser, in);
	return store_stage_write(t->stage, in);
}

uint64_t transaction_deliver(struct transaction *t, struct store *s, store_done done, void *arg)
{
	struct store_recipient *to = calloc(t->count > 0 ? t->count : 1, sizeof(*to));
	struct store_delivery d = { .stage = t->stage, .recipients = to, .count = t->count };
	struct store_txid txid;
	struct buf meta;
	uint64_t op;

	if (to == NULL)
		return 0;
	for (size_t i = 0; i < t->count; i++)
		to[i] = (struct store_recipient){ span_of(t->accounts[i]), span_of(t->addresses[i]) };
	store_txid_new(&txid);
	buf_init(&meta, STORE_META_MAX);
	if (mime_parser_finish(t->parser, &meta, NULL) < 0)
		buf_reset(&meta);	/* worked out again by who first needs it */
	d.meta = buf_span(&meta);
	op = store_deliver(s, &d, &txid, done, arg);
	t->stage = NULL;
	buf_clear(&meta);
	free(to);
	return op;
}
