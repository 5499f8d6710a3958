/* store_ask.c - the contract is in store_ask.h. */
#include "storage/ipc/store_ask.h"

#include <errno.h>
#include <string.h>

#include "common/ipc/ipc.h"
#include "storage/ipc/store_wire.h"

/* --- writing --------------------------------------------------------------- */

static enum store_status put_login(struct buf *b, const struct store_ask *ask)
{
	if (ask->token.n > STORE_TOKEN_MAX)
		return STORE_INVALID;
	wire_put_span(b, ask->token);
	return STORE_OK;
}

static enum store_status put_nothing(struct buf *b, const struct store_ask *ask)
{
	(void)b;
	(void)ask;
	return STORE_OK;
}

static enum store_status put_list(struct buf *b, const struct store_ask *ask)
{
	wire_put_varint(b, ask->from);
	return STORE_OK;
}

static enum store_status put_find(struct buf *b, const struct store_ask *ask)
{
	if (ask->name.n > STORE_NAME_MAX)
		return STORE_INVALID;
	wire_put_span(b, ask->name);
	return STORE_OK;
}

static enum store_status put_sync(struct buf *b, const struct store_ask *ask)
{
	const struct store_look *l = &ask->look;

	if (l->want != STORE_WANT_RANGES && l->want != STORE_WANT_RECORDS)
		return STORE_INVALID;
	wire_put_varint(b, l->mailbox);
	wire_put_u8(b, (uint8_t)l->want);
	wire_put_varint(b, l->since);
	wire_put_varint(b, l->first);
	wire_put_varint(b, l->last);
	wire_put_u8(b, l->claim_recent);
	return STORE_OK;
}

static enum store_status put_watch(struct buf *b, const struct store_ask *ask)
{
	wire_put_u8(b, ask->watch);
	return STORE_OK;
}

static enum store_status put_message(struct buf *b, const struct store_ask *ask)
{
	wire_put_varint(b, ask->mailbox);
	wire_put_varint(b, ask->uid);
	return STORE_OK;
}

static enum store_status put_meta(struct buf *b, struct span meta)
{
	if (meta.n > STORE_META_MAX)
		return STORE_LIMIT;
	wire_put_span(b, meta);
	return STORE_OK;
}

static enum store_status put_meta_put(struct buf *b, const struct store_ask *ask)
{
	put_message(b, ask);
	return put_meta(b, ask->meta);
}

static enum store_status put_stage(struct buf *b, const struct store_ask *ask)
{
	wire_put_varint(b, ask->stage);
	wire_put_varint(b, ask->size);
	return STORE_OK;
}

static enum store_status put_drop(struct buf *b, const struct store_ask *ask)
{
	wire_put_varint(b, ask->stage);
	return STORE_OK;
}

static enum store_status put_room(struct buf *b, const struct store_ask *ask)
{
	wire_put_varint(b, ask->size);
	return STORE_OK;
}

static void put_body(struct buf *b, const struct store_ask_body *body)
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
	if ((unsigned)m->change > STORE_UNSUBSCRIBE || (unsigned)m->role > STORE_ROLE_ARCHIVE ||
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
	put_body(b, body);
}

static void put_txid(struct buf *b, const struct store_txid *txid)
{
	buf_put(b, (struct span){ txid->bytes, sizeof(txid->bytes) });
}

static enum store_status put_commit(struct buf *b, const struct store_ask *ask)
{
	if (ask->count == 0)
		return STORE_INVALID;
	if (ask->count > STORE_MUTATIONS)
		return STORE_LIMIT;
	put_txid(b, &ask->txid);
	wire_put_varint(b, ask->count);
	for (size_t i = 0; i < ask->count; i++) {
		enum store_status status = mutation_check(&ask->mutations[i], &ask->bodies[i]);

		if (status != STORE_OK)
			return status;
		put_mutation(b, &ask->mutations[i], &ask->bodies[i]);
	}
	return STORE_OK;
}

static enum store_status put_deliver(struct buf *b, const struct store_ask *ask)
{
	if (ask->count == 0 || ask->bodies[0].where == STORE_ASK_NONE)
		return STORE_INVALID;
	if (ask->count > STORE_RECIPIENTS)
		return STORE_LIMIT;
	put_txid(b, &ask->txid);
	put_body(b, &ask->bodies[0]);
	wire_put_varint(b, ask->count);
	for (size_t i = 0; i < ask->count; i++) {
		const struct store_recipient *r = &ask->recipients[i];

		if (r->account.n == 0 || r->account.n >= STORE_ACCOUNT_MAX ||
		    r->address.n > STORE_WIRE_ADDRESS_MAX)
			return STORE_INVALID;
		wire_put_span(b, r->account);
		wire_put_span(b, r->address);
	}
	return put_meta(b, ask->meta);
}

/* --- reading --------------------------------------------------------------- */

static void get_login(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->token = store_wire_bytes(w, STORE_TOKEN_MAX);
}

static void get_nothing(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)w;
	(void)ask;
	(void)memory;
}

static void get_list(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->from = wire_varint(w);
}

static void get_find(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->name = store_wire_bytes(w, STORE_NAME_MAX);
}

static bool get_bool(struct wire *w)
{
	uint8_t v = wire_u8(w);

	if (v > 1)
		store_wire_fail(w);
	return v == 1;
}

/* An enumerator of at most max. */
static unsigned get_enum(struct wire *w, unsigned max)
{
	uint8_t v = wire_u8(w);

	if (v <= max)
		return v;
	store_wire_fail(w);
	return 0;
}

static void get_sync(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct store_look *l = &ask->look;

	(void)memory;
	l->mailbox = wire_varint(w);
	l->want = get_enum(w, STORE_WANT_RECORDS);
	l->since = wire_varint(w);
	l->first = (uint32_t)store_wire_upto(w, UINT32_MAX);
	l->last = (uint32_t)store_wire_upto(w, UINT32_MAX);
	l->claim_recent = get_bool(w);
}

static void get_watch(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->watch = get_bool(w);
}

static void get_message(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->mailbox = wire_varint(w);
	ask->uid = (uint32_t)store_wire_upto(w, UINT32_MAX);
}

static void get_meta_put(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	get_message(w, ask, memory);
	ask->meta = store_wire_bytes(w, STORE_META_MAX);
}

static void get_stage(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->stage = wire_varint(w);
	ask->size = wire_varint(w);
}

static void get_drop(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->stage = wire_varint(w);
}

static void get_room(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->size = wire_varint(w);
}

static struct store_ask_body get_body(struct wire *w)
{
	struct store_ask_body body = { .where = get_enum(w, STORE_ASK_STAGED) };

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
	m->change = get_enum(w, STORE_UNSUBSCRIBE);
	m->mailbox = wire_varint(w);
	m->target = wire_varint(w);
	m->name = store_wire_bytes(w, STORE_NAME_MAX);
	m->role = get_enum(w, STORE_ROLE_ARCHIVE);
	m->uids = store_wire_set(w, STORE_SET_RANGES, memory);
	m->only_deleted = get_bool(w);
	m->how = get_enum(w, STORE_FLAGS_REMOVE);
	m->flags = (uint32_t)store_wire_upto(w, STORE_FLAGS_ALL);
	get_keywords(w, m, memory);
	m->unchanged_since = wire_varint(w);
	m->meta = store_wire_bytes(w, STORE_META_MAX);
	m->internal_s = store_wire_signed(w);
	*body = get_body(w);
	if ((m->change == STORE_APPEND) != (body->where != STORE_ASK_NONE))
		store_wire_fail(w);
}

static void get_txid(struct wire *w, struct store_txid *txid)
{
	for (size_t i = 0; i < sizeof(txid->bytes); i++)
		txid->bytes[i] = wire_u8(w);
}

static void get_commit(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct store_mutation *mutations;
	struct store_ask_body *bodies;

	get_txid(w, &ask->txid);
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

static void get_recipient(struct wire *w, struct store_recipient *r)
{
	r->account = store_wire_bytes(w, STORE_ACCOUNT_MAX - 1);
	r->address = store_wire_bytes(w, STORE_WIRE_ADDRESS_MAX);
	if (r->account.n == 0 || span_find(r->account, 0) >= 0)
		store_wire_fail(w);
}

static void get_deliver(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct store_ask_body *body = store_wire_array(w, memory, 1, sizeof(*body));
	struct store_recipient *recipients;

	if (body == NULL)
		return;
	get_txid(w, &ask->txid);
	*body = get_body(w);
	ask->bodies = body;
	ask->count = (size_t)store_wire_upto(w, STORE_RECIPIENTS);
	recipients = store_wire_array(w, memory, ask->count, sizeof(*recipients));
	if (ask->count == 0 || body->where == STORE_ASK_NONE)
		store_wire_fail(w);
	for (size_t i = 0; i < ask->count && !w->failed; i++)
		get_recipient(w, &recipients[i]);
	ask->recipients = recipients;
	ask->meta = store_wire_bytes(w, STORE_META_MAX);
}

/* --- the table ------------------------------------------------------------- */

static const struct {
	bool account; /* the login's number comes first */
	enum store_status (*put)(struct buf *b, const struct store_ask *ask);
	void (*get)(struct wire *w, struct store_ask *ask, struct arena *memory);
} rows[STORE_WIRE_TYPES] = {
	[STORE_WIRE_LOGIN] = { true, put_login, get_login },
	[STORE_WIRE_LOGOUT] = { true, put_nothing, get_nothing },
	[STORE_WIRE_LOCK] = { true, put_nothing, get_nothing },
	[STORE_WIRE_LIST] = { true, put_list, get_list },
	[STORE_WIRE_FIND] = { true, put_find, get_find },
	[STORE_WIRE_SYNC] = { true, put_sync, get_sync },
	[STORE_WIRE_WATCH] = { true, put_watch, get_watch },
	[STORE_WIRE_BODY] = { true, put_message, get_message },
	[STORE_WIRE_META_FILE] = { true, put_nothing, get_nothing },
	[STORE_WIRE_META_PUT] = { true, put_meta_put, get_meta_put },
	[STORE_WIRE_STAGE] = { false, put_stage, get_stage },
	[STORE_WIRE_SEAL] = { false, put_stage, get_stage },
	[STORE_WIRE_DROP] = { false, put_drop, get_drop },
	[STORE_WIRE_COMMIT] = { true, put_commit, get_commit },
	[STORE_WIRE_DELIVER] = { false, put_deliver, get_deliver },
	[STORE_WIRE_ROOM] = { false, put_room, get_room },
};

enum store_status store_ask_write(struct buf *b, const struct store_ask *ask)
{
	size_t start = b->n;
	enum store_status status;

	if (rows[ask->type].account)
		wire_put_varint(b, ask->account);
	status = rows[ask->type].put(b, ask);
	if (status == STORE_OK && b->failed)
		status = STORE_TRY_LATER;
	if (status == STORE_OK && b->n - start > IPC_MESSAGE_MAX)
		status = STORE_LIMIT;
	return status;
}

int store_ask_read(struct store_ask *ask, uint16_t type, struct span body, struct arena *memory,
		   struct error *err)
{
	struct wire w = { .in = body };

	memset(ask, 0, sizeof(*ask));
	if (type == 0 || type >= STORE_WIRE_TYPES)
		return error_set(err, -EPROTO, "a request of type %u, which there is not", type);
	ask->type = type;
	if (rows[type].account)
		ask->account = wire_varint(&w);
	rows[type].get(&w, ask, memory);
	if (!wire_done(&w))
		return error_set(err, -EPROTO, "a request of type %u and %zu bytes is malformed", type,
				 body.n);
	return 0;
}
