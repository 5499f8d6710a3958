/* store_answer.c - the contract is in store_answer.h. */
#include "storage/ipc/store_answer.h"

#include <string.h>

#include "storage/ipc/store_answer_parts.h"

enum {
	LEAST_MAILBOX = 13, /* bytes that one takes at least */
	LEAST_RECORD = 25,
	LEAST_RESULT = 6
};

/* --- writing --------------------------------------------------------------- */

static void put_mailbox(struct buf *b, const struct store_mailbox *m)
{
	wire_put_varint(b, m->id);
	wire_put_span(b, m->name);
	wire_put_u8(b, (uint8_t)m->role);
	wire_put_u8(b, m->subscribed);
	wire_put_varint(b, m->uidvalidity);
	wire_put_varint(b, m->uidnext);
	wire_put_varint(b, m->modseq);
	wire_put_varint(b, m->exists);
	wire_put_varint(b, m->unseen);
	wire_put_varint(b, m->deleted);
	wire_put_varint(b, m->size);
	wire_put_varint(b, m->recent_uid);
	wire_put_varint(b, m->notes);
}

static void put_version(struct buf *b, const struct store_answer *a)
{
	(void)a;
	wire_put_varint(b, STORE_WIRE_VERSION);
}

static void put_quota(struct buf *b, const struct store_quota *q)
{
	wire_put_varint(b, q->bytes);
	wire_put_varint(b, q->bytes_limit);
	wire_put_varint(b, q->messages);
	wire_put_varint(b, q->messages_limit);
	wire_put_varint(b, q->mailboxes);
	wire_put_varint(b, q->mailboxes_limit);
}

/* As many as fit into a page; one always does. */
static void put_list(struct buf *b, const struct store_answer *a)
{
	size_t count = 0, bytes = 0, next = a->list.next;

	while (count < a->list.count) {
		bytes += a->list.mailboxes[count].name.n + 80;
		if (bytes > STORE_WIRE_LIST_BYTES)
			break;
		count++;
	}
	if (count < a->list.count)
		next = (size_t)a->from + count;
	wire_put_varint(b, count);
	for (size_t i = 0; i < count; i++)
		put_mailbox(b, &a->list.mailboxes[i]);
	wire_put_varint(b, next);
	put_quota(b, &a->list.quota);
	wire_put_varint(b, a->list.notes);
}

static void put_find(struct buf *b, const struct store_answer *a)
{
	put_mailbox(b, &a->mailbox);
}

/* last: the UID of the record before it. */
static void put_record(struct buf *b, const struct store_record *r, uint32_t last)
{
	wire_put_varint(b, r->uid - last);
	wire_put_varint(b, r->flags);
	wire_put_varint(b, r->keywords);
	wire_put_varint(b, r->modseq);
	buf_put(b, (struct span){ r->guid, sizeof(r->guid) });
	wire_put_varint(b, r->size);
	store_wire_put_signed(b, r->internal_s);
	store_wire_put_signed(b, r->saved_s);
	wire_put_varint(b, r->meta_offset);
	wire_put_varint(b, r->meta_length);
}

static void put_page(struct buf *b, const struct store_answer *a)
{
	const struct store_page *p = &a->page;
	uint32_t last = 0;

	put_mailbox(b, &p->mailbox);
	wire_put_varint(b, p->keyword_count);
	for (size_t i = 0; i < p->keyword_count; i++)
		wire_put_span(b, p->keywords[i]);
	wire_put_varint(b, p->first_unseen);
	wire_put_varint(b, p->record_count);
	for (size_t i = 0; i < p->record_count; i++) {
		put_record(b, &p->records[i], last);
		last = p->records[i].uid;
	}
	store_wire_put_set(b, p->ranges, p->range_count);
	store_wire_put_set(b, p->vanished, p->vanished_count);
	wire_put_varint(b, p->next_uid);
}

static void put_file(struct buf *b, const struct store_answer *a)
{
	wire_put_varint(b, a->size);
}

static void put_bodies(struct buf *b, const struct store_answer *a)
{
	wire_put_varint(b, a->opened_count);
	for (size_t i = 0; i < a->opened_count; i++) {
		wire_put_varint(b, a->opened[i].uid);
		wire_put_u8(b, (uint8_t)a->opened[i].status);
		wire_put_varint(b, a->opened[i].size);
	}
}

static void put_annotations(struct buf *b, const struct store_answer *a)
{
	wire_put_varint(b, a->annotation_count);
	for (size_t i = 0; i < a->annotation_count; i++) {
		wire_put_span(b, a->annotations[i].entry);
		wire_put_span(b, a->annotations[i].value);
	}
}

static void put_room(struct buf *b, const struct store_answer *a)
{
	store_wire_put_set(b, a->over.ranges, a->over.count);
}

static void put_results(struct buf *b, const struct store_answer *a)
{
	wire_put_varint(b, a->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct store_result *r = &a->results[i];

		wire_put_varint(b, r->mailbox);
		wire_put_varint(b, r->uidvalidity);
		store_wire_put_set(b, r->from.ranges, r->from.count);
		store_wire_put_set(b, r->to.ranges, r->to.count);
		store_wire_put_set(b, r->skipped.ranges, r->skipped.count);
		wire_put_varint(b, r->modseq);
	}
}

/* --- reading --------------------------------------------------------------- */

static uint32_t get_u32(struct wire *w)
{
	return (uint32_t)store_wire_upto(w, UINT32_MAX);
}

/* What a later version puts behind it is passed over: the number is enough. */
static void get_version(struct wire *w, struct store_answer *a, struct arena *memory)
{
	(void)memory;
	a->version = w->in.n > 0 ? wire_varint(w) : 0;
	w->in.n = 0;
}

static void get_mailbox(struct wire *w, struct store_mailbox *m)
{
	m->id = wire_varint(w);
	m->name = store_wire_bytes(w, STORE_NAME_MAX);
	m->role = (enum store_role)store_wire_upto(w, STORE_ROLE_ARCHIVE);
	m->subscribed = store_wire_upto(w, 1) == 1;
	m->uidvalidity = get_u32(w);
	m->uidnext = get_u32(w);
	m->modseq = wire_varint(w);
	m->exists = get_u32(w);
	m->unseen = get_u32(w);
	m->deleted = get_u32(w);
	m->size = wire_varint(w);
	m->recent_uid = get_u32(w);
	m->notes = wire_varint(w);
}

static void get_quota(struct wire *w, struct store_quota *q)
{
	q->bytes = wire_varint(w);
	q->bytes_limit = wire_varint(w);
	q->messages = wire_varint(w);
	q->messages_limit = wire_varint(w);
	q->mailboxes = wire_varint(w);
	q->mailboxes_limit = wire_varint(w);
}

static void get_list(struct wire *w, struct store_answer *a, struct arena *memory)
{
	size_t count = wire_count(w, LEAST_MAILBOX);
	struct store_mailbox *mailboxes = store_wire_array(w, memory, count, sizeof(*mailboxes));

	for (size_t i = 0; i < count && !w->failed; i++)
		get_mailbox(w, &mailboxes[i]);
	a->list = (struct store_list){ .mailboxes = mailboxes, .count = count };
	a->list.next = (size_t)wire_varint(w);
	get_quota(w, &a->list.quota);
	a->list.notes = wire_varint(w);
}

static void get_find(struct wire *w, struct store_answer *a, struct arena *memory)
{
	(void)memory;
	get_mailbox(w, &a->mailbox);
}

static void get_record(struct wire *w, struct store_record *r, uint32_t last)
{
	uint64_t uid = last + wire_varint(w);

	if (uid <= last || uid > UINT32_MAX)
		store_wire_fail(w);
	r->uid = (uint32_t)uid;
	r->flags = (uint32_t)store_wire_upto(w, STORE_FLAGS_ALL);
	r->keywords = wire_varint(w);
	r->modseq = wire_varint(w);
	wire_bytes(w, r->guid, sizeof(r->guid));
	r->size = wire_varint(w);
	r->internal_s = store_wire_signed(w);
	r->saved_s = store_wire_signed(w);
	r->meta_offset = wire_varint(w);
	r->meta_length = get_u32(w);
}

static void get_records(struct wire *w, struct store_page *p, struct arena *memory)
{
	size_t count = wire_count(w, LEAST_RECORD);
	struct store_record *records;
	uint32_t last = 0;

	if (count > STORE_PAGE_RECORDS)
		store_wire_fail(w);
	if (w->failed)
		return;
	records = store_wire_array(w, memory, count, sizeof(*records));
	for (size_t i = 0; i < count && !w->failed; i++) {
		get_record(w, &records[i], last);
		last = records[i].uid;
	}
	p->records = records;
	p->record_count = w->failed ? 0 : count;
}

static void get_page(struct wire *w, struct store_answer *a, struct arena *memory)
{
	struct store_page *p = &a->page;
	struct span *keywords;
	struct store_set set;

	get_mailbox(w, &p->mailbox);
	p->keyword_count = (size_t)store_wire_upto(w, STORE_KEYWORDS);
	keywords = store_wire_array(w, memory, p->keyword_count, sizeof(*keywords));
	for (size_t i = 0; i < p->keyword_count && !w->failed; i++)
		keywords[i] = store_wire_bytes(w, STORE_KEYWORD_MAX);
	p->keywords = keywords;
	p->first_unseen = get_u32(w);
	get_records(w, p, memory);
	set = store_wire_set(w, STORE_PAGE_RANGES, memory);
	p->ranges = set.ranges;
	p->range_count = set.count;
	set = store_wire_set(w, STORE_PAGE_RANGES, memory);
	p->vanished = set.ranges;
	p->vanished_count = set.count;
	p->next_uid = get_u32(w);
}

static void get_file(struct wire *w, struct store_answer *a, struct arena *memory)
{
	(void)memory;
	a->size = wire_varint(w);
}

static void get_bodies(struct wire *w, struct store_answer *a, struct arena *memory)
{
	size_t count = (size_t)store_wire_upto(w, STORE_BODIES);
	uint32_t last = 0;

	a->opened = store_wire_array(w, memory, count, sizeof(*a->opened));
	for (size_t i = 0; i < count && !w->failed; i++) {
		struct store_opened *o = &a->opened[i];

		o->uid = get_u32(w);
		o->status = store_wire_enum(w, STORE_LIMIT);
		o->fd = -1;
		o->size = wire_varint(w);
		if (o->uid <= last)
			store_wire_fail(w);
		last = o->uid;
	}
	a->opened_count = w->failed ? 0 : count;
}

static void get_annotations(struct wire *w, struct store_answer *a, struct arena *memory)
{
	size_t count = (size_t)store_wire_upto(w, STORE_ANNOTATIONS);
	struct store_annotation *all = store_wire_array(w, memory, count, sizeof(*all));

	for (size_t i = 0; i < count && !w->failed; i++) {
		all[i].entry = store_wire_bytes(w, STORE_ENTRY_MAX);
		all[i].value = store_wire_bytes(w, STORE_VALUE_MAX);
	}
	a->annotations = all;
	a->annotation_count = w->failed ? 0 : count;
}

static void get_room(struct wire *w, struct store_answer *a, struct arena *memory)
{
	a->over = store_wire_set(w, STORE_RECIPIENTS, memory);
}

static void get_results(struct wire *w, struct store_answer *a, struct arena *memory)
{
	size_t count = wire_count(w, LEAST_RESULT);
	struct store_result *results;

	if (count > STORE_MUTATIONS)
		store_wire_fail(w);
	if (w->failed)
		return;
	results = store_wire_array(w, memory, count, sizeof(*results));
	for (size_t i = 0; i < count && !w->failed; i++) {
		results[i].mailbox = wire_varint(w);
		results[i].uidvalidity = get_u32(w);
		results[i].from = store_wire_set(w, STORE_WIRE_ANSWER_MAX, memory);
		results[i].to = store_wire_set(w, STORE_WIRE_ANSWER_MAX, memory);
		results[i].skipped = store_wire_set(w, STORE_WIRE_ANSWER_MAX, memory);
		results[i].modseq = wire_varint(w);
	}
	a->results = results;
	a->count = count;
}

/* --- the table ------------------------------------------------------------- */

/* What follows the status; nothing where there is no row. */
static const struct {
	void (*put)(struct buf *b, const struct store_answer *a);
	void (*get)(struct wire *w, struct store_answer *a, struct arena *memory);
} rows[STORE_WIRE_TYPES] = {
	[STORE_WIRE_LOGIN] = { put_version, get_version },
	[STORE_WIRE_LIST] = { put_list, get_list },
	[STORE_WIRE_FIND] = { put_find, get_find },
	[STORE_WIRE_SYNC] = { put_page, get_page },
	[STORE_WIRE_BODY] = { put_file, get_file },
	[STORE_WIRE_BODIES] = { put_bodies, get_bodies },
	[STORE_WIRE_META_FILE] = { put_file, get_file },
	[STORE_WIRE_COMMIT] = { put_results, get_results },
	[STORE_WIRE_ANNOTATIONS] = { put_annotations, get_annotations },
	[STORE_WIRE_ROOM] = { put_room, get_room },
	[STORE_WIRE_LEASE] = { store_answer_put_lease, store_answer_get_lease },
	[STORE_WIRE_NOTE_GET] = { store_answer_put_note, store_answer_get_note },
	[STORE_WIRE_NOTES] = { store_answer_put_notes, store_answer_get_notes },
};

void store_answer_write(struct buf *b, enum store_wire_type type, const struct store_answer *a)
{
	struct span words = span_of(a->words);

	if (words.n >= STORE_ANSWER_WORDS)
		words.n = STORE_ANSWER_WORDS - 1;
	wire_put_u8(b, (uint8_t)a->status);
	wire_put_span(b, words);
	if (a->status == STORE_OK && rows[type].put != NULL)
		rows[type].put(b, a);
}

bool store_answer_read(struct store_answer *a, enum store_wire_type type, struct span body,
		       struct arena *memory)
{
	struct wire w = { .in = body };
	struct span words;

	memset(a, 0, sizeof(*a));
	a->words = "";
	a->status = wire_u8(&w);
	words = store_wire_bytes(&w, STORE_ANSWER_WORDS - 1);
	if (a->status > STORE_LIMIT || span_find(words, 0) >= 0)
		return false;
	if (words.n > 0)
		a->words = arena_text(memory, words);
	if (a->words == NULL)
		return false;
	if (a->status == STORE_OK && rows[type].get != NULL)
		rows[type].get(&w, a, memory);
	return wire_done(&w);
}
