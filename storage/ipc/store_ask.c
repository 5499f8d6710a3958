/* store_ask.c - the contract is in store_ask.h. */
#include "storage/ipc/store_ask.h"

#include <errno.h>
#include <string.h>

#include "common/ipc/ipc.h"
#include "storage/ipc/store_ask_parts.h"
#include "storage/ipc/store_mail.h"

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

static enum store_status put_annotations(struct buf *b, const struct store_ask *ask)
{
	wire_put_varint(b, ask->mailbox);
	return STORE_OK;
}

static enum store_status put_message(struct buf *b, const struct store_ask *ask)
{
	wire_put_varint(b, ask->mailbox);
	wire_put_varint(b, ask->uid);
	return STORE_OK;
}

static enum store_status put_bodies(struct buf *b, const struct store_ask *ask)
{
	if (!store_bodies_valid(&ask->uids))
		return STORE_INVALID;
	wire_put_varint(b, ask->mailbox);
	store_wire_put_set(b, ask->uids.ranges, ask->uids.count);
	return STORE_OK;
}

static enum store_status put_meta_put(struct buf *b, const struct store_ask *ask)
{
	if (ask->meta.n > STORE_META_MAX)
		return STORE_LIMIT;
	put_message(b, ask);
	wire_put_span(b, ask->meta);
	return STORE_OK;
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
	return store_mail_put_recipients(b, &ask->delivery);
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

static void get_sync(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	struct store_look *l = &ask->look;

	(void)memory;
	l->mailbox = wire_varint(w);
	l->want = store_wire_enum(w, STORE_WANT_RECORDS);
	l->since = wire_varint(w);
	l->first = (uint32_t)store_wire_upto(w, UINT32_MAX);
	l->last = (uint32_t)store_wire_upto(w, UINT32_MAX);
	l->claim_recent = store_wire_bool(w);
}

static void get_watch(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->watch = store_wire_bool(w);
}

static void get_annotations(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->mailbox = wire_varint(w);
}

static void get_message(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	(void)memory;
	ask->mailbox = wire_varint(w);
	ask->uid = (uint32_t)store_wire_upto(w, UINT32_MAX);
}

static void get_bodies(struct wire *w, struct store_ask *ask, struct arena *memory)
{
	ask->mailbox = wire_varint(w);
	ask->uids = store_wire_set(w, STORE_BODIES, memory);
	if (!w->failed && !store_bodies_valid(&ask->uids))
		store_wire_fail(w);
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
	ask->size = wire_varint(w);
	store_mail_recipients(w, &ask->delivery, memory);
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
	[STORE_WIRE_ANNOTATIONS] = { true, put_annotations, get_annotations },
	[STORE_WIRE_BODY] = { true, put_message, get_message },
	[STORE_WIRE_BODIES] = { true, put_bodies, get_bodies },
	[STORE_WIRE_META_FILE] = { true, put_nothing, get_nothing },
	[STORE_WIRE_META_PUT] = { true, put_meta_put, get_meta_put },
	[STORE_WIRE_STAGE] = { false, put_stage, get_stage },
	[STORE_WIRE_SEAL] = { false, put_stage, get_stage },
	[STORE_WIRE_DROP] = { false, put_drop, get_drop },
	[STORE_WIRE_COMMIT] = { true, store_ask_put_commit, store_ask_get_commit },
	[STORE_WIRE_DELIVER] = { false, store_ask_put_deliver, store_ask_get_deliver },
	[STORE_WIRE_ROOM] = { false, put_room, get_room },
	[STORE_WIRE_LEASE] = { false, store_ask_put_lease, store_ask_get_lease },
	[STORE_WIRE_RELEASE] = { false, store_ask_put_release, store_ask_get_release },
	[STORE_WIRE_QUEUE_WATCH] = { false, put_watch, get_watch },
	[STORE_WIRE_REPORT] = { false, store_ask_put_report, store_ask_get_report },
	[STORE_WIRE_QUEUE_DOMAIN] = { false, store_ask_put_domain, store_ask_get_domain },
	[STORE_WIRE_QUEUE_TIMES] = { false, store_ask_put_times, store_ask_get_times },
	[STORE_WIRE_NOTE_GET] = { false, store_ask_put_note_get, store_ask_get_note_get },
	[STORE_WIRE_NOTE_PUT] = { false, store_ask_put_note_put, store_ask_get_note_put },
	[STORE_WIRE_NOTES] = { false, store_ask_put_notes, store_ask_get_notes },
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
