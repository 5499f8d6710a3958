/* account.c - accounts and mailboxes in memory; the contract is in account.h. Loading is load.c's. */
#include "storage/local/account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/local/inner.h"

int name_order(struct span a, struct span b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

static bool span_copy(struct span *out, struct span s)
{
	uint8_t *p = malloc(s.n > 0 ? s.n : 1);

	if (p == NULL)
		return false;
	memcpy(p, s.p, s.n);
	*out = (struct span){ p, s.n };
	return true;
}

static void span_free(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

/* --- accounts -------------------------------------------------------------- */

struct account *account_known(struct local *s, struct span name)
{
	return name.n > 0 && name.n < STORE_ACCOUNT_MAX ? table_get(s->accounts, name) : NULL;
}

struct account *account_hold(struct local *s, struct span name)
{
	struct account *a = account_known(s, name);

	if (a != NULL) {
		account_keep(a);
		return a;
	}
	a = calloc(1, sizeof(*a));
	if (a == NULL || !names_folder(a->folder, name) || table_put(s->accounts, name, a) < 0) {
		free(a);
		return NULL;
	}
	memcpy(a->name, name.p, name.n);
	a->s = s;
	a->refs = 1;
	return a;
}

void account_keep(struct account *a)
{
	a->refs++;
}

void account_empty(struct account *a)
{
	for (size_t i = 0; i < a->mailbox_count; i++)
		mailbox_release(a->by_id[i]);
	for (size_t i = 0; i < a->absent_count; i++)
		span_free(a->absent[i]);
	a->mailbox_count = a->absent_count = 0;
}

void account_free(struct account *a)
{
	table_remove(a->s->accounts, span_of(a->name));
	turns_remove(&a->load_turn);
	account_empty(a);
	free(a->by_name);
	free(a->by_id);
	free(a->absent);
	free(a);
}

void account_release(struct account *a)
{
	if (a != NULL && --a->refs == 0)
		account_free(a);
}

int account_put(struct account *a)
{
	struct buf *value = local_value(a->s);
	struct key k;

	key_named(&k, KEY_ACCOUNT, span_of(a->name));
	account_encode(value, &a->record);
	return kv_put(a->s->kv, key_span(&k), buf_span(value));
}

/* --- mailboxes ------------------------------------------------------------- */

struct mailbox *mailbox_new(struct account *a, uint32_t id, struct span name)
{
	struct mailbox *m = calloc(1, sizeof(*m));

	if (m == NULL || !span_copy(&m->name, name)) {
		free(m);
		return NULL;
	}
	m->account = a;
	m->id = id;
	m->refs = 1;
	m->uid_take = 1;
	ranges_init(&m->uids);
	return m;
}

void mailbox_hold(struct mailbox *m)
{
	m->refs++;
}

void mailbox_release(struct mailbox *m)
{
	if (m == NULL || --m->refs > 0)
		return;
	turns_remove(&m->uids_turn);
	ranges_clear(&m->uids);
	mailbox_cut_keywords(m, 0);
	free(m->keywords);
	span_free(m->name);
	free(m);
}

/* The place of the id among by_id, or where it would stand. */
static size_t id_place(const struct account *a, uint64_t id)
{
	size_t low = 0, high = a->mailbox_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->by_id[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t mailbox_place(const struct account *a, struct span name)
{
	size_t low = 0, high = a->mailbox_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (name_order(a->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct mailbox *mailbox_by_id(const struct account *a, uint64_t id)
{
	size_t i = id_place(a, id);

	return i < a->mailbox_count && a->by_id[i]->id == id ? a->by_id[i] : NULL;
}

struct mailbox *mailbox_by_name(const struct account *a, struct span name)
{
	size_t i = mailbox_place(a, name);

	return i < a->mailbox_count && span_equal(a->by_name[i]->name, name) ? a->by_name[i] : NULL;
}

struct mailbox *mailbox_by_role(const struct account *a, enum store_role role)
{
	for (size_t i = 0; i < a->mailbox_count; i++)
		if (a->by_id[i]->head.role == role)
			return a->by_id[i];
	return NULL;
}

static bool mailbox_room(struct account *a)
{
	size_t room = a->mailbox_room > 0 ? a->mailbox_room * 2 : 8;
	struct mailbox **more;

	if (a->mailbox_count < a->mailbox_room)
		return true;
	more = realloc(a->by_name, room * sizeof(struct mailbox *));
	if (more == NULL)
		return false;
	a->by_name = more;
	more = realloc(a->by_id, room * sizeof(struct mailbox *));
	if (more == NULL)
		return false;
	a->by_id = more;
	a->mailbox_room = room;
	return true;
}

static void place_in(struct mailbox **list, size_t count, size_t at, struct mailbox *m)
{
	memmove(&list[at + 1], &list[at], (count - at) * sizeof(struct mailbox *));
	list[at] = m;
}

static void take_out(struct mailbox **list, size_t count, size_t at)
{
	memmove(&list[at], &list[at + 1], (count - at - 1) * sizeof(struct mailbox *));
}

int mailbox_insert(struct mailbox *m)
{
	struct account *a = m->account;

	if (!mailbox_room(a))
		return -ENOMEM;
	place_in(a->by_name, a->mailbox_count, mailbox_place(a, m->name), m);
	place_in(a->by_id, a->mailbox_count, id_place(a, m->id), m);
	a->mailbox_count++;
	mailbox_hold(m);
	return 0;
}

void mailbox_remove(struct mailbox *m)
{
	struct account *a = m->account;

	take_out(a->by_name, a->mailbox_count, mailbox_place(a, m->name));
	take_out(a->by_id, a->mailbox_count, id_place(a, m->id));
	a->mailbox_count--;
	mailbox_release(m);
}

int mailbox_rename(struct mailbox *m, struct span name)
{
	struct account *a = m->account;
	size_t from = mailbox_place(a, m->name), to;
	struct span copy;

	if (!span_copy(&copy, name))
		return -ENOMEM;
	take_out(a->by_name, a->mailbox_count, from);
	a->mailbox_count--;
	span_free(m->name);
	m->name = copy;
	to = mailbox_place(a, copy);
	place_in(a->by_name, a->mailbox_count, to, m);
	a->mailbox_count++;
	return 0;
}

int mailbox_put(const struct mailbox *m)
{
	struct local *s = m->account->s;
	struct buf *value = local_value(s);
	struct key k;

	key_mailbox(&k, KEY_MAILBOX, m->account->record.number, m->id);
	head_encode(value, &m->head, m->name);
	return value->failed ? -ENOMEM : kv_put(s->kv, key_span(&k), buf_span(value));
}

int mailbox_put_keywords(const struct mailbox *m)
{
	struct local *s = m->account->s;
	struct buf *value = local_value(s);
	struct key k;

	key_mailbox(&k, KEY_KEYWORDS, m->account->record.number, m->id);
	for (size_t i = 0; i < m->keyword_count; i++)
		value_put_span(value, m->keywords[i]);
	return value->failed ? -ENOMEM : kv_put(s->kv, key_span(&k), buf_span(value));
}

bool mailbox_is_inbox(const struct mailbox *m)
{
	return span_is(m->name, "INBOX");
}

void mailbox_show(const struct mailbox *m, struct store_mailbox *out)
{
	*out = (struct store_mailbox){
		.id = m->id,
		.name = m->name,
		.role = (enum store_role)m->head.role,
		.subscribed = m->head.subscribed != 0,
		.uidvalidity = m->head.uidvalidity,
		.uidnext = m->head.uidnext,
		.modseq = m->head.modseq,
		.exists = m->head.exists,
		.unseen = m->head.unseen,
		.deleted = m->head.deleted,
		.size = m->head.size,
		.recent_uid = m->head.recent_uid,
		.notes = m->notes,
	};
}

/* RFC 9051 2.3.2: keywords are case-insensitive */
int mailbox_keyword(const struct mailbox *m, struct span word)
{
	for (size_t i = 0; i < m->keyword_count; i++)
		if (span_equal_nocase(m->keywords[i], word))
			return (int)i;
	return -1;
}

int mailbox_add_keyword(struct mailbox *m, struct span word)
{
	if (m->keywords == NULL)
		m->keywords = calloc(STORE_KEYWORDS, sizeof(struct span));
	if (m->keywords == NULL || !span_copy(&m->keywords[m->keyword_count], word))
		return -ENOMEM;
	m->keyword_count++;
	return 0;
}

void mailbox_cut_keywords(struct mailbox *m, size_t count)
{
	while (m->keyword_count > count)
		span_free(m->keywords[--m->keyword_count]);
}

/* --- absent names ---------------------------------------------------------- */

size_t absent_place(const struct account *a, struct span name, bool *there)
{
	size_t low = 0, high = a->absent_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (name_order(a->absent[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there = low < a->absent_count && span_equal(a->absent[low], name);
	return low;
}

int absent_add(struct account *a, struct span name)
{
	bool there;
	size_t at = absent_place(a, name, &there);
	struct span copy;

	if (there)
		return 0;
	if (a->absent_count == a->absent_room) {
		size_t room = a->absent_room > 0 ? a->absent_room * 2 : 4;
		struct span *more = realloc(a->absent, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		a->absent = more;
		a->absent_room = room;
	}
	if (!span_copy(&copy, name))
		return -ENOMEM;
	memmove(&a->absent[at + 1], &a->absent[at], (a->absent_count - at) * sizeof(*a->absent));
	a->absent[at] = copy;
	a->absent_count++;
	return 0;
}

void absent_remove(struct account *a, struct span name)
{
	bool there;
	size_t at = absent_place(a, name, &there);

	if (!there)
		return;
	span_free(a->absent[at]);
	a->absent_count--;
	memmove(&a->absent[at], &a->absent[at + 1], (a->absent_count - at) * sizeof(*a->absent));
}
