/* store_ask_queue.c - the requests of storage/queue.h, as a message's body. */
#include "storage/ipc/store_ask_parts.h"
#include "storage/ipc/store_mail.h"

/* --- leases ------------------------------------------------------------------ */

enum store_status store_ask_put_lease(struct buf *b, const struct store_ask *ask)
{
	if (ask->want.max == 0 || ask->want.max > QUEUE_JOBS ||
	    !store_wire_is_line(ask->want.domain, QUEUE_DOMAIN_MAX - 1))
		return STORE_INVALID;
	wire_put_span(b, ask->want.domain);
	wire_put_varint(b, ask->want.max);
	return STORE_OK;
}

void store_ask_get_lease(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->want.domain = store_wire_line(w, QUEUE_DOMAIN_MAX - 1);
	ask->want.max = (size_t)store_wire_upto(w, QUEUE_JOBS);
	if (ask->want.max == 0)
		store_wire_fail(w);
}

static bool is_job(const struct queue_report *r)
{
	return r->id != NULL && store_mail_is_id(span_of(r->id));
}

static void put_job(struct buf *b, const struct queue_report *r)
{
	wire_put_text(b, r->id);
	wire_put_varint(b, r->job);
}

static void get_job(struct wire *w, struct queue_report *r, struct arena *memory)
{
	struct span id = store_wire_line(w, STORE_ID_MAX - 1);

	if (!store_mail_is_id(id))
		store_wire_fail(w);
	r->job = (uint32_t)store_wire_upto(w, UINT32_MAX);
	r->id = w->failed ? NULL : arena_text(memory, id);
	if (r->id == NULL)
		store_wire_fail(w);
}

enum store_status store_ask_put_release(struct buf *b, const struct store_ask *ask)
{
	if (!is_job(&ask->report))
		return STORE_INVALID;
	put_job(b, &ask->report);
	return STORE_OK;
}

void store_ask_get_release(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	get_job(w, &ask->report, memory);
}

/* --- reports ------------------------------------------------------------------- */

static bool outcome_valid(const struct queue_outcome *o)
{
	return (unsigned)o->fate <= QUEUE_UNTRIED && store_wire_is_line(o->status, SIZE_MAX) &&
	       store_wire_is_line(o->words, SIZE_MAX) && store_wire_is_line(o->host, SIZE_MAX);
}

/* Words are for people: what is too long is cut, and the outcome counts. */
static void put_cut(struct buf *b, struct span words, size_t max)
{
	wire_put_span(b, span_take(&words, max));
}

static void put_outcome(struct buf *b, const struct queue_outcome *o)
{
	wire_put_varint(b, o->recipient);
	wire_put_u8(b, (uint8_t)o->fate);
	put_cut(b, o->status, QUEUE_STATUS_MAX - 1);
	put_cut(b, o->words, QUEUE_WORDS_MAX - 1);
	put_cut(b, o->host, STORE_WIRE_HOST_MAX);
}

enum store_status store_ask_put_report(struct buf *b, const struct store_ask *ask)
{
	const struct queue_report *r = &ask->report;
	bool told = ask->bodies[0].where != STORE_ASK_NONE;
	enum store_status status = told ? store_mail_check(&ask->delivery) : STORE_OK;

	if (!is_job(r))
		return STORE_INVALID;
	if (r->count > STORE_RECIPIENTS)
		return STORE_LIMIT;
	store_ask_put_txid(b, &ask->txid);
	put_job(b, r);
	wire_put_varint(b, r->lease);
	wire_put_varint(b, r->count);
	for (size_t i = 0; i < r->count; i++) {
		if (!outcome_valid(&r->outcomes[i]))
			return STORE_INVALID;
		put_outcome(b, &r->outcomes[i]);
	}
	store_wire_put_signed(b, r->retry_s);
	wire_put_u8(b, r->noticed);
	store_ask_put_body(b, &ask->bodies[0]);
	if (told && status == STORE_OK)
		store_mail_put_delivery(b, &ask->delivery);
	return status;
}

static void get_outcome(struct wire *w, struct queue_outcome *o)
{
	o->recipient = (uint32_t)store_wire_upto(w, UINT32_MAX);
	o->fate = store_wire_enum(w, QUEUE_UNTRIED);
	o->status = store_wire_line(w, QUEUE_STATUS_MAX - 1);
	o->words = store_wire_line(w, QUEUE_WORDS_MAX - 1);
	o->host = store_wire_line(w, STORE_WIRE_HOST_MAX);
}

void store_ask_get_report(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct store_ask_body *body = store_wire_array(w, memory, 1, sizeof(*body));
	struct queue_report *r = &ask->report;
	struct queue_outcome *outcomes;

	if (body == NULL)
		return;
	store_ask_get_txid(w, &ask->txid);
	get_job(w, r, memory);
	r->lease = wire_varint(w);
	r->count = (size_t)store_wire_upto(w, STORE_RECIPIENTS);
	outcomes = store_wire_array(w, memory, r->count, sizeof(*outcomes));
	for (size_t i = 0; i < r->count && !w->failed; i++)
		get_outcome(w, &outcomes[i]);
	r->outcomes = outcomes;
	r->retry_s = store_wire_signed(w);
	r->noticed = store_wire_bool(w);
	*body = store_ask_get_body(w);
	ask->bodies = body;
	if (body->where != STORE_ASK_NONE)
		store_mail_delivery(w, &ask->delivery, memory);
}

/* --- domains and times ------------------------------------------------------------ */

enum store_status store_ask_put_domain(struct buf *b, const struct store_ask *ask)
{
	const struct queue_domain *d = &ask->domain;

	if (d->domain.n == 0 || !store_wire_is_line(d->domain, QUEUE_DOMAIN_MAX - 1) ||
	    !store_wire_is_line(d->words, SIZE_MAX))
		return STORE_INVALID;
	wire_put_span(b, d->domain);
	wire_put_varint(b, d->allowed);
	store_wire_put_signed(b, d->not_before_s);
	put_cut(b, d->words, QUEUE_WORDS_MAX - 1);
	return STORE_OK;
}

void store_ask_get_domain(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct queue_domain *d = &ask->domain;

	(void)memory;
	d->domain = store_wire_line(w, QUEUE_DOMAIN_MAX - 1);
	d->allowed = (uint32_t)store_wire_upto(w, UINT32_MAX);
	d->not_before_s = store_wire_signed(w);
	d->words = store_wire_line(w, QUEUE_WORDS_MAX - 1);
	if (d->domain.n == 0)
		store_wire_fail(w);
}

enum store_status store_ask_put_times(struct buf *b, const struct store_ask *ask)
{
	store_wire_put_signed(b, ask->times.notice_s);
	store_wire_put_signed(b, ask->times.lifetime_s);
	return STORE_OK;
}

void store_ask_get_times(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->times.notice_s = store_wire_signed(w);
	ask->times.lifetime_s = store_wire_signed(w);
}

/* --- notes -------------------------------------------------------------------------- */

static struct span get_name(struct wire *w)
{
	struct span name = store_wire_bytes(w, QUEUE_NOTE_KEY);

	if (name.n == 0)
		store_wire_fail(w);
	return name;
}

enum store_status store_ask_put_note_get(struct buf *b, const struct store_ask *ask)
{
	if (ask->name.n == 0 || ask->name.n > QUEUE_NOTE_KEY)
		return STORE_INVALID;
	wire_put_span(b, ask->name);
	return STORE_OK;
}

void store_ask_get_note_get(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->name = get_name(w);
}

enum store_status store_ask_put_note_put(struct buf *b, const struct store_ask *ask)
{
	if (ask->name.n == 0 || ask->name.n > QUEUE_NOTE_KEY)
		return STORE_INVALID;
	if (ask->bytes.n > QUEUE_NOTE_MAX)
		return STORE_LIMIT;
	wire_put_span(b, ask->name);
	wire_put_span(b, ask->bytes);
	store_wire_put_signed(b, ask->expires_s);
	return STORE_OK;
}

void store_ask_get_note_put(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->name = get_name(w);
	ask->bytes = store_wire_bytes(w, QUEUE_NOTE_MAX);
	ask->expires_s = store_wire_signed(w);
}

enum store_status store_ask_put_notes(struct buf *b, const struct store_ask *ask)
{
	if (ask->name.n > QUEUE_NOTE_KEY || ask->bytes.n > QUEUE_NOTE_KEY)
		return STORE_INVALID;
	wire_put_span(b, ask->name);
	wire_put_span(b, ask->bytes);
	return STORE_OK;
}

void store_ask_get_notes(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->name = store_wire_bytes(w, QUEUE_NOTE_KEY);
	ask->bytes = store_wire_bytes(w, QUEUE_NOTE_KEY);
}
