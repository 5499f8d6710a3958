/* store_ask_change.c - commits and deliveries, as a message's body. */
#include "storage/ipc/store_ask_parts.h"
#include "storage/ipc/store_mail.h"

/* --- writing --------------------------------------------------------------- */

void store_ask_put_body(struct buf *b, const struct store_ask_body *body)
{
	wire_put_u8(b, (uint8_t)body->where);
	if (body->where == STORE_ASK_INLINE)
		wire_put_span(b, body->bytes);
	else if (body->where == STORE_ASK_STAGED)
		wire_put_varint(b, body->stage);
}

static bool set_valid(const struct store_set *set)
{
	uint32_t last = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (set->ranges[i].first <= last || set->ranges[i].last < set->ranges[i].first)
			return false;
		last = set->ranges[i].last;
	}
	return true;
}

static enum store_status mutation_check(const struct store_mutation *m, const struct store_ask_body *body)
{
	if (m->uids.count > STORE_SET_RANGES || m->keyword_count > STORE_KEYWORDS ||
	    m->meta.n > STORE_META_MAX)
		return STORE_LIMIT;
	for (size_t i = 0; i < m->keyword_count; i++)
		if (m->keywords[i].n > STORE_KEYWORD_MAX)
			return STORE_INVALID;
	if ((unsigned)m->change > STORE_ANNOTATE || (unsigned)m->role > STORE_ROLE_ARCHIVE ||
	    (unsigned)m->how > STORE_FLAGS_REMOVE || (m->flags & ~(unsigned)STORE_FLAGS_ALL) != 0 ||
	    m->name.n > STORE_NAME_MAX || !set_valid(&m->uids) ||
	    (m->change == STORE_APPEND) != (body->where != STORE_ASK_NONE))
		return STORE_INVALID;
	return STORE_OK;
}

static void put_mutation(struct buf *b, const struct store_mutation *m, const struct store_ask_body *body)
{
	wire_put_u8(b, (uint8_t)m->change);
	wire_put_varint(b, m->mailbox);
	wire_put_varint(b, m->target);
	wire_put_span(b, m->name);
	wire_put_u8(b, (uint8_t)m->role);
	store_wire_put_set(b, m->uids.ranges, m->uids.count);
	wire_put_u8(b, m->only_deleted);
	wire_put_u8(b, (uint8_t)m->how);
	wire_put_varint(b, m->flags);
	wire_put_varint(b, m->keyword_count);
	for (size_t i = 0; i < m->keyword_count; i++)
		wire_put_span(b, m->keywords[i]);
	wire_put_varint(b, m->unchanged_since);
	wire_put_span(b, m->meta);
	store_wire_put_signed(b, m->internal_s);
	wire_put_varint(b, m->uid);
	wire_put_varint(b, m->uidvalidity);
	wire_put_u8(b, m->no_value);
	store_ask_put_body(b, body);
}

void store_ask_put_txid(struct buf *b, const struct store_txid *txid)
{
	buf_put(b, (struct span){ txid->bytes, sizeof(txid->bytes) });
}

enum store_status store_ask_put_commit(struct buf *b, const struct store_ask *ask)
{
	if (ask->count == 0)
		return STORE_INVALID;
	if (ask->count > STORE_MUTATIONS)
		return STORE_LIMIT;
	store_ask_put_txid(b, &ask->txid);
	wire_put_varint(b, ask->count);
	for (size_t i = 0; i < ask->count; i++) {
		enum store_status status = mutation_check(&ask->mutations[i], &ask->bodies[i]);

		if (status != STORE_OK)
			return status;
		put_mutation(b, &ask->mutations[i], &ask->bodies[i]);
	}
	return STORE_OK;
}

enum store_status store_ask_put_deliver(struct buf *b, const struct store_ask *ask)
{
	enum store_status status = store_mail_check(&ask->delivery);

	if (ask->bodies[0].where == STORE_ASK_NONE)
		return STORE_INVALID;
	if (status != STORE_OK)
		return status;
	store_ask_put_txid(b, &ask->txid);
	store_ask_put_body(b, &ask->bodies[0]);
	store_mail_put_delivery(b, &ask->delivery);
	return STORE_OK;
}

/* --- reading --------------------------------------------------------------- */

struct store_ask_body store_ask_get_body(struct wire *w)
{
	struct store_ask_body body = { .where = store_wire_enum(w, STORE_ASK_STAGED) };

	if (body.where == STORE_ASK_INLINE)
		body.bytes = wire_span(w);
	else if (body.where == STORE_ASK_STAGED)
		body.stage = wire_varint(w);
	return body;
}

static void get_keywords(struct wire *w, struct store_mutation *m, struct arena *memory)
{
	size_t count = (size_t)store_wire_upto(w, STORE_KEYWORDS);
	struct span *keywords = store_wire_array(w, memory, count, sizeof(*keywords));

	for (size_t i = 0; i < count && !w->failed; i++)
		keywords[i] = store_wire_bytes(w, STORE_KEYWORD_MAX);
	m->keywords = keywords;
	m->keyword_count = w->failed ? 0 : count;
}

static void get_mutation(struct wire *w, struct store_mutation *m, struct store_ask_body *body,
			 struct arena *memory)
{
	m->change = store_wire_enum(w, STORE_ANNOTATE);
	m->mailbox = wire_varint(w);
	m->target = wire_varint(w);
	m->name = store_wire_bytes(w, STORE_NAME_MAX);
	m->role = store_wire_enum(w, STORE_ROLE_ARCHIVE);
	m->uids = store_wire_set(w, STORE_SET_RANGES, memory);
	m->only_deleted = store_wire_bool(w);
	m->how = store_wire_enum(w, STORE_FLAGS_REMOVE);
	m->flags = (uint32_t)store_wire_upto(w, STORE_FLAGS_ALL);
	get_keywords(w, m, memory);
	m->unchanged_since = wire_varint(w);
	m->meta = store_wire_bytes(w, STORE_META_MAX);
	m->internal_s = store_wire_signed(w);
	m->uid = (uint32_t)store_wire_upto(w, UINT32_MAX);
	m->uidvalidity = (uint32_t)store_wire_upto(w, UINT32_MAX);
	m->no_value = store_wire_bool(w);
	*body = store_ask_get_body(w);
	if ((m->change == STORE_APPEND) != (body->where != STORE_ASK_NONE))
		store_wire_fail(w);
}

void store_ask_get_txid(struct wire *w, struct store_txid *txid)
{
	for (size_t i = 0; i < sizeof(txid->bytes); i++)
		txid->bytes[i] = wire_u8(w);
}

void store_ask_get_commit(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct store_mutation *mutations;
	struct store_ask_body *bodies;

	store_ask_get_txid(w, &ask->txid);
	ask->count = (size_t)store_wire_upto(w, STORE_MUTATIONS);
	mutations = store_wire_array(w, memory, ask->count, sizeof(*mutations));
	bodies = store_wire_array(w, memory, ask->count, sizeof(*bodies));
	if (ask->count == 0)
		store_wire_fail(w);
	for (size_t i = 0; i < ask->count && !w->failed; i++)
		get_mutation(w, &mutations[i], &bodies[i], memory);
	ask->mutations = mutations;
	ask->bodies = bodies;
}

void store_ask_get_deliver(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct store_ask_body *body = store_wire_array(w, memory, 1, sizeof(*body));

	if (body == NULL)
		return;
	store_ask_get_txid(w, &ask->txid);
	*body = store_ask_get_body(w);
	ask->bodies = body;
	if (body->where == STORE_ASK_NONE)
		store_wire_fail(w);
	store_mail_delivery(w, &ask->delivery, memory);
}
