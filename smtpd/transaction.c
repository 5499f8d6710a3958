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
	free(t->quotas);
	free(t->seats);
	free(t->remotes);
	arena_free(t->texts);
	store_stage_free(t->stage);
	mime_parser_free(t->parser);
	*t = (struct transaction){ 0 };
}

static int transaction_grow(struct transaction *t, size_t room)
{
	void *accounts = realloc(t->accounts, room * sizeof(*t->accounts)), *addresses, *quotas;

	if (accounts == NULL)
		return -ENOMEM;
	t->accounts = accounts;
	addresses = realloc(t->addresses, room * sizeof(*t->addresses));
	if (addresses == NULL)
		return -ENOMEM;
	t->addresses = addresses;
	quotas = realloc(t->quotas, room * sizeof(*t->quotas));
	if (quotas == NULL)
		return -ENOMEM;
	t->quotas = quotas;
	t->room = room;
	return 0;
}

/* Where it stands; t->count: nowhere. */
static size_t account_place(const struct transaction *t, const char *account)
{
	size_t i = 0;

	while (i < t->count && strcmp(t->accounts[i], account) != 0)
		i++;
	return i;
}

/* Who gets it because of this recipient. */
static int take_seat(struct transaction *t, const struct transaction_recipient *to, bool remote, size_t place)
{
	void *grown = t->seats;

	if (!to->seated)
		return 0;
	if (t->seat_count == TRANSACTION_SEATS || to->number > UINT16_MAX)
		return -ENOSPC;
	if (t->seat_count == t->seat_room) {
		size_t room = t->seat_room > 0 ? t->seat_room * 2 : 8;

		grown = realloc(t->seats, room * sizeof(*t->seats));
		if (grown == NULL)
			return -ENOMEM;
		t->seats = grown;
		t->seat_room = room;
	}
	t->seats[t->seat_count++] =
		(struct transaction_seat){ .recipient = (uint16_t)to->number, .remote = remote, .place = (uint32_t)place };
	return 0;
}

static int transaction_add_one(struct transaction *t, const struct transaction_recipient *to,
			       const struct auth_target *target)
{
	size_t place = account_place(t, target->account);

	if (place < t->count)
		return take_seat(t, to, false, place);
	if (transaction_count(t) >= STORE_RECIPIENTS)
		return -ENOSPC;
	if (t->count == t->room && transaction_grow(t, t->room > 0 ? t->room * 2 : 1) < 0)
		return -ENOMEM;
	memset(t->accounts[t->count], 0, sizeof(*t->accounts));
	memset(t->addresses[t->count], 0, sizeof(*t->addresses));
	memcpy(t->accounts[t->count], target->account, strnlen(target->account, STORE_ACCOUNT_MAX - 1));
	memcpy(t->addresses[t->count], to->address, strnlen(to->address, AUTH_ADDRESS_MAX - 1));
	t->quotas[t->count++] = target->quota;
	return take_seat(t, to, false, place);
}

/* The local part as it is, the domain without regard to case: path.h has made that lower case. */
static size_t remote_place(const struct transaction *t, const char *address)
{
	size_t i = 0;

	while (i < t->remote_count && !span_is(t->remotes[i].address, address))
		i++;
	return i;
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
	return out->p != NULL || *text == '\0';
}

static int add_remote(struct transaction *t, const struct transaction_recipient *to, const struct auth_remote *r)
{
	struct store_remote one = { .notify = to->notify };
	size_t place = remote_place(t, r->address);

	if (place < t->remote_count)
		return take_seat(t, to, true, place);
	if (transaction_count(t) >= STORE_RECIPIENTS)
		return -ENOSPC;
	if (grow_remotes(t) < 0 || (t->texts == NULL && arena_new(&t->texts, TEXTS, ARENA_PLAIN, NULL) < 0) ||
	    !copy(t, &one.address, r->address) || !copy(t, &one.sender, r->sender) ||
	    !copy(t, &one.original, r->original) || !copy(t, &one.orcpt, to->orcpt))
		return -ENOMEM;
	t->remotes[t->remote_count++] = one;
	return take_seat(t, to, true, place);
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

struct transaction_mark transaction_mark(const struct transaction *t)
{
	return (struct transaction_mark){ t->count, t->remote_count, t->here_count, t->seat_count };
}

void transaction_cut(struct transaction *t, const struct transaction_mark *m)
{
	t->count = m->count;
	t->remote_count = m->remote_count;
	t->here_count = m->here_count;
	t->seat_count = m->seat_count;
}

int transaction_add(struct transaction *t, const struct transaction_recipient *to, const char *sender,
		    const struct auth_resolved *r)
{
	bool told = r->count > 0 && (to->notify & STORE_NOTIFY_SUCCESS) != 0;
	struct transaction_mark before = transaction_mark(t);
	struct transaction_recipient on = *to;
	int code = 0;

	if (told)	/* once is enough */
		on.notify &= ~(unsigned)STORE_NOTIFY_SUCCESS;
	if (told && on.notify == 0)
		on.notify = STORE_NOTIFY_NEVER;

	for (size_t i = 0; code == 0 && i < r->count; i++)
		code = transaction_add_one(t, to, &r->targets[i]);
	for (size_t i = 0; code == 0 && i < r->remote_count; i++)
		code = add_remote(t, &on, &r->remotes[i]);
	if (code == 0 && told && *sender != '\0')
		code = add_here(t, to, sender);
	if (code < 0)
		transaction_cut(t, &before);
	return code;
}

struct store_recipient *transaction_recipients(const struct transaction *t, size_t from)
{
	struct store_recipient *to = calloc(t->count - from + 1, sizeof(*to));

	for (size_t i = from; to != NULL && i < t->count; i++)
		to[i - from] =
			(struct store_recipient){ span_of(t->accounts[i]), span_of(t->addresses[i]), t->quotas[i] };
	return to;
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
	struct store_recipient *to = transaction_recipients(t, 0);
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
