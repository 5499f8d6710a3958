/* store_mail.c - the contract is in store_mail.h. */
#include "storage/ipc/store_mail.h"

#include "common/base/ascii.h"
#include "storage/token.h"

enum {
	NOTIFY_ALL = STORE_NOTIFY_SUCCESS | STORE_NOTIFY_FAILURE | STORE_NOTIFY_DELAY | STORE_NOTIFY_NEVER
};

/* --- the envelope ------------------------------------------------------------ */

bool store_mail_is_id(struct span id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!ascii_alnum(id.p[i]))
			return false;
	return id.n > 0 && id.n < STORE_ID_MAX;
}

bool store_mail_envelope_valid(const struct store_envelope *e)
{
	return e->id != NULL && store_mail_is_id(span_of(e->id)) &&
	       store_wire_is_line(e->account, STORE_ACCOUNT_MAX - 1) &&
	       store_wire_is_line(e->envid, STORE_WIRE_ADDRESS_MAX) && (e->flags & ~(unsigned)STORE_MAIL_FLAGS) == 0;
}

void store_mail_put_envelope(struct buf *b, const struct store_envelope *e)
{
	wire_put_text(b, e->id);
	wire_put_span(b, e->account);
	wire_put_span(b, e->envid);
	if (store_wire_is_line(e->message_id, STORE_WIRE_ADDRESS_MAX))
		wire_put_span(b, e->message_id);
	else /* it is for people who search: no reason to refuse mail */
		wire_put_span(b, (struct span){ NULL, 0 });
	wire_put_varint(b, e->flags);
}

void store_mail_envelope(struct wire *w, struct store_envelope *e, struct arena *memory)
{
	struct span id = store_wire_line(w, STORE_ID_MAX - 1);

	if (!store_mail_is_id(id))
		store_wire_fail(w);
	e->account = store_wire_line(w, STORE_ACCOUNT_MAX - 1);
	e->envid = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
	e->message_id = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
	e->flags = (unsigned)store_wire_upto(w, STORE_MAIL_FLAGS);
	e->id = w->failed ? NULL : arena_text(memory, id);
	if (e->id == NULL)
		store_wire_fail(w);
}

/* --- recipients elsewhere ------------------------------------------------------ */

bool store_mail_remote_valid(const struct store_remote *r)
{
	return r->address.n > 0 && store_wire_is_line(r->address, STORE_WIRE_ADDRESS_MAX) &&
	       store_wire_is_line(r->sender, STORE_WIRE_ADDRESS_MAX) &&
	       store_wire_is_line(r->original, STORE_WIRE_ADDRESS_MAX) &&
	       store_wire_is_line(r->orcpt, STORE_WIRE_ADDRESS_MAX) &&
	       (r->notify & ~(unsigned)NOTIFY_ALL) == 0;
}

void store_mail_put_remote(struct buf *b, const struct store_remote *r, struct span *last)
{
	bool same = span_equal(r->sender, *last);

	wire_put_span(b, r->address);
	wire_put_u8(b, same);
	if (!same)
		wire_put_span(b, r->sender);
	*last = r->sender;
	wire_put_span(b, r->original);
	wire_put_span(b, r->orcpt);
	wire_put_varint(b, r->notify);
}

void store_mail_remote(struct wire *w, struct store_remote *r, struct span *last)
{
	r->address = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
	r->sender = *last;
	if (!store_wire_bool(w)) {
		r->sender = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
		if (span_equal(r->sender, *last)) /* it has one spelling */
			store_wire_fail(w);
	}
	*last = r->sender;
	r->original = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
	r->orcpt = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
	r->notify = (unsigned)store_wire_upto(w, NOTIFY_ALL);
	if (r->address.n == 0)
		store_wire_fail(w);
}

/* --- a delivery ------------------------------------------------------------------ */

static bool recipients_valid(const struct store_delivery *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct store_recipient *r = &d->recipients[i];

		if (r->account.n == 0 || !store_wire_is_line(r->account, STORE_ACCOUNT_MAX - 1) ||
		    !store_wire_is_line(r->address, STORE_WIRE_ADDRESS_MAX))
			return false;
	}
	return true;
}

enum store_status store_mail_check(const struct store_delivery *d)
{
	if (d->count + d->remote_count == 0)
		return STORE_INVALID;
	if (d->count > STORE_RECIPIENTS || d->remote_count > STORE_RECIPIENTS - d->count ||
	    d->meta.n > STORE_META_MAX)
		return STORE_LIMIT;
	if (!recipients_valid(d))
		return STORE_INVALID;
	for (size_t i = 0; i < d->remote_count; i++)
		if (!store_mail_remote_valid(&d->remotes[i]))
			return STORE_INVALID;
	if (d->remote_count > 0 && (d->envelope == NULL || !store_mail_envelope_valid(d->envelope)))
		return STORE_INVALID;
	return STORE_OK;
}

static void put_recipients(struct buf *b, const struct store_delivery *d)
{
	wire_put_varint(b, d->count);
	for (size_t i = 0; i < d->count; i++) {
		wire_put_span(b, d->recipients[i].account);
		wire_put_span(b, d->recipients[i].address);
		wire_put_varint(b, d->recipients[i].quota);
	}
}

enum store_status store_mail_put_recipients(struct buf *b, const struct store_delivery *d)
{
	if (d->count > STORE_RECIPIENTS)
		return STORE_LIMIT;
	if (!recipients_valid(d))
		return STORE_INVALID;
	put_recipients(b, d);
	return STORE_OK;
}

void store_mail_put_delivery(struct buf *b, const struct store_delivery *d)
{
	struct span last = { NULL, 0 };

	put_recipients(b, d);
	wire_put_varint(b, d->remote_count);
	if (d->remote_count > 0)
		store_mail_put_envelope(b, d->envelope);
	for (size_t i = 0; i < d->remote_count; i++)
		store_mail_put_remote(b, &d->remotes[i], &last);
	wire_put_span(b, d->meta);
}

void store_mail_recipients(struct wire *w, struct store_delivery *d, struct arena *memory)
{
	size_t count = (size_t)store_wire_upto(w, STORE_RECIPIENTS);
	struct store_recipient *recipients = store_wire_array(w, memory, count, sizeof(*recipients));

	for (size_t i = 0; i < count && !w->failed; i++) {
		recipients[i].account = store_wire_line(w, STORE_ACCOUNT_MAX - 1);
		recipients[i].address = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
		recipients[i].quota = wire_varint(w);
		if (recipients[i].account.n == 0)
			store_wire_fail(w);
	}
	d->recipients = recipients;
	d->count = w->failed ? 0 : count;
}

static void get_remotes(struct wire *w, struct store_delivery *d, struct arena *memory)
{
	size_t count = (size_t)store_wire_upto(w, STORE_RECIPIENTS - d->count);
	struct store_remote *remotes = store_wire_array(w, memory, count, sizeof(*remotes));
	struct store_envelope *envelope = store_wire_array(w, memory, 1, sizeof(*envelope));
	struct span last = { NULL, 0 };

	if (count > 0 && !w->failed) {
		store_mail_envelope(w, envelope, memory);
		d->envelope = envelope;
	}
	for (size_t i = 0; i < count && !w->failed; i++)
		store_mail_remote(w, &remotes[i], &last);
	d->remotes = remotes;
	d->remote_count = w->failed ? 0 : count;
}

void store_mail_delivery(struct wire *w, struct store_delivery *d, struct arena *memory)
{
	store_mail_recipients(w, d, memory);
	get_remotes(w, d, memory);
	if (d->count + d->remote_count == 0)
		store_wire_fail(w);
	d->meta = store_wire_bytes(w, STORE_META_MAX);
}
