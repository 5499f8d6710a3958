/* transaction.c - the contract is in transaction.h. */
#include "smtpd/transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 4 << 20 };	/* bytes of all remotes' addresses */

void transaction_clear(struct transaction *t)
{
	free(t->accounts);
	free(t->addresses);
	free(t->remotes);
	arena_free(t->texts);
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
	if (transaction_count(t) >= STORE_RECIPIENTS)
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

/* The local part as it is, the domain without regard to case: path.h has made that lower case. */
static bool has_remote(const struct transaction *t, const char *address)
{
	for (size_t i = 0; i < t->remote_count; i++)
		if (span_is(t->remotes[i].address, address))
			return true;
	return false;
}

static int grow_remotes(struct transaction *t)
{
	size_t room = t->remote_room > 0 ? t->remote_room * 2 : 4;
	void *grown;

	if (t->remote_count < t->remote_room)
		return 0;
	grown = realloc(t->remotes, room * sizeof(*t->remotes));
	if (grown == NULL)
		return -ENOMEM;
	t->remotes = grown;
	t->remote_room = room;
	return 0;
}

/* A copy in t->texts. False: no memory. */
static bool copy(struct transaction *t, struct span *out, const char *text)
{
	*out = arena_copy(t->texts, span_of(text));
	return out->p != NULL || out->n == 0;
}

static int add_remote(struct transaction *t, const struct transaction_recipient *to, const struct auth_remote *r)
{
	struct store_remote one = { .notify = to->notify };

	if (has_remote(t, r->address))
		return 0;
	if (transaction_count(t) >= STORE_RECIPIENTS)
		return -ENOSPC;
	if (grow_remotes(t) < 0 || (t->texts == NULL && arena_new(&t->texts, TEXTS, ARENA_PLAIN, NULL) < 0) ||
	    !copy(t, &one.address, r->address) || !copy(t, &one.sender, r->sender) ||
	    !copy(t, &one.original, r->original) || !copy(t, &one.orcpt, to->orcpt))
		return -ENOMEM;
	t->remotes[t->remote_count++] = one;
	return 0;
}

/* RFC 3461 4.1: the report waits in the queue, in the same commit as the mail that it tells of. */
static int add_here(struct transaction *t, const struct transaction_recipient *to, const char *sender)
{
	struct auth_remote r = { .address = "" };
	size_t n = strlen(to->address), m = strlen(sender);
	size_t before = t->remote_count;
	int code;

	if (n >= sizeof(r.address) || m >= sizeof(r.sender))
		return -ENOSPC;
	memcpy(r.address, to->address, n);
	memcpy(r.original, to->address, n);
	memcpy(r.sender, sender, m);
	code = add_remote(t, to, &r);
	t->here_count += t->remote_count - before;
	return code;
}

int transaction_add(struct transaction *t, const struct transaction_recipient *to, const char *sender,
		    const struct auth_resolved *r)
{
	bool told = r->count > 0 && (to->notify & STORE_NOTIFY_SUCCESS) != 0;
	size_t count = t->count, remote_count = t->remote_count, here_count = t->here_count;
	struct transaction_recipient on = *to;
	int code = 0;

	if (told)	/* once is enough */
		on.notify &= ~(unsigned)STORE_NOTIFY_SUCCESS;
	if (told && on.notify == 0)
		on.notify = STORE_NOTIFY_NEVER;

	for (size_t i = 0; code == 0 && i < r->count; i++)
		code = transaction_add_one(t, to->address, r->targets[i].account);
	for (size_t i = 0; code == 0 && i < r->remote_count; i++)
		code = add_remote(t, &on, &r->remotes[i]);
	if (code == 0 && told && *sender != '\0')
		code = add_here(t, to, sender);
	if (code < 0) {
		t->count = count;
		t->remote_count = remote_count;
		t->here_count = here_count;
	}
	return code;
}

int transaction_add_remote(struct transaction *t, const struct transaction_recipient *to, const char *sender)
{
	struct auth_remote r = { .address = "" };
	size_t n = strlen(to->address), m = strlen(sender);

	if (n >= sizeof(r.address) || m >= sizeof(r.sender))
		return -ENOSPC;
	memcpy(r.address, to->address, n);
	memcpy(r.sender, sender, m);
	return add_remote(t, to, &r);
}

size_t transaction_count(const struct transaction *t)
{
	return t->count + t->remote_count;
}

struct span transaction_to(const struct transaction *t, size_t i)
{
	const struct store_remote *r;

	if (i < t->count)
		return span_of(t->addresses[i]);
	r = &t->remotes[i - t->count];
	return r->original.n > 0 ? r->original : r->address;
}

size_t transaction_away(const struct transaction *t)
{
	return t->remote_count - t->here_count;
}

/* Does it go on from one of ours? */
static bool is_forward(const struct store_remote *r)
{
	return r->original.n > 0 && !store_remote_is_here(r);
}

bool transaction_forwards(const struct transaction *t)
{
	for (size_t i = 0; i < t->remote_count; i++)
		if (is_forward(&t->remotes[i]))
			return true;
	return false;
}

bool transaction_loops(const struct transaction *t, struct span delivered)
{
	while (delivered.n > 0) {
		struct span one = span_take_until(&delivered, '\n');

		for (size_t i = 0; i < t->remote_count; i++)
			if (is_forward(&t->remotes[i]) && span_equal_nocase(one, t->remotes[i].original))
				return true;
	}
	return false;
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

uint64_t transaction_deliver(struct transaction *t, struct store *s, const struct store_envelope *envelope,
			     store_done done, void *arg)
{
	struct store_envelope e = *envelope;
	struct store_recipient *to = calloc(t->count > 0 ? t->count : 1, sizeof(*to));
	struct store_delivery d = { .stage = t->stage,
				    .recipients = to,
				    .count = t->count,
				    .envelope = t->remote_count > 0 ? &e : NULL,
				    .remotes = t->remotes,
				    .remote_count = t->remote_count };
	struct store_txid txid;
	struct buf meta;
	uint64_t op;

	if (to == NULL)
		return 0;
	e.id = t->id;
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
