/* fake_box.c - the contract is in fake_box.h. */
#include "tests/fake/fake_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/utf8.h"

void *fake_need(size_t n)
{
	void *p = calloc(1, n > 0 ? n : 1);

	if (p == NULL) {
		fputs("the fake store has no memory\n", stderr);
		abort();
	}
	return p;
}

void *fake_grow(void *p, size_t count, size_t *cap, size_t size)
{
	void *grown;

	if (count < *cap)
		return p;
	grown = fake_need((*cap * 2 + 8) * size);
	if (count > 0)
		memcpy(grown, p, count * size);
	free(p);
	*cap = *cap * 2 + 8;
	return grown;
}

char *fake_text(struct span s)
{
	char *text = fake_need(s.n + 1);

	if (s.n > 0)
		memcpy(text, s.p, s.n);
	return text;
}

struct fake_body *fake_body_new(struct span bytes)
{
	struct fake_body *b = fake_need(sizeof(*b) + bytes.n);

	b->refs = 1;
	b->n = bytes.n;
	if (bytes.n > 0)
		memcpy(b->bytes, bytes.p, bytes.n);
	return b;
}

void fake_body_drop(struct fake_body *b)
{
	if (b != NULL && --b->refs == 0)
		free(b);
}

struct fake_user *fake_user_new(struct span name)
{
	static const struct {
		const char *name;
		enum store_role role;
	} first[] = {
		{ "INBOX", STORE_ROLE_INBOX }, { "Sent", STORE_ROLE_SENT }, { "Drafts", STORE_ROLE_DRAFTS },
		{ "Trash", STORE_ROLE_TRASH }, { "Junk", STORE_ROLE_JUNK }, { "Archive", STORE_ROLE_ARCHIVE },
	};
	struct fake_user *u = fake_need(sizeof(*u));

	u->name = fake_text(name);
	u->meta_fd = -1;
	u->last_uidvalidity = 1000;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		fake_box_create(u, span_of(first[i].name), first[i].role)->subscribed = true;
	u->touched = (struct fake_touched){ 0 };
	return u;
}

void fake_user_free(struct fake_user *u)
{
	fake_boxes_clear(&u->boxes);
	if (u->meta_fd >= 0)
		close(u->meta_fd);
	free(u->name);
	free(u);
}

void fake_touch(struct fake_user *u, uint64_t mailbox)
{
	u->touched.mailbox = !u->touched.any || u->touched.mailbox == mailbox ? mailbox : 0;
	u->touched.any = true;
}

struct span fake_name(struct span name)
{
	return span_is_nocase(name, "INBOX") ? span_of("INBOX") : name; /* RFC 9051 5.1 */
}

static bool level_valid(struct span level)
{
	if (level.n == 0 || level.n > 255 || span_is(level, ".") || span_is(level, ".."))
		return false;
	while (level.n > 0) {
		uint32_t c;

		if (!utf8_take(&level, &c) || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

bool fake_name_valid(struct span name)
{
	if (name.n == 0 || name.n > STORE_NAME_MAX || name.p[name.n - 1] == '/')
		return false;
	while (name.n > 0)
		if (!level_valid(span_take_until(&name, '/')))
			return false;
	return true;
}

/* --- mailboxes ------------------------------------------------------------- */

static int compare(struct span a, struct span b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

/* The first place whose name is not below this one. */
static size_t place_of(const struct fake_boxes *b, struct span name)
{
	size_t low = 0, high = b->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare(span_of(b->box[mid]->name), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct fake_mailbox *fake_box_by_name(const struct fake_boxes *b, struct span name)
{
	size_t i = place_of(b, name);

	return i < b->count && span_is(name, b->box[i]->name) ? b->box[i] : NULL;
}

struct fake_mailbox *fake_box_by_id(const struct fake_boxes *b, uint64_t id)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->box[i]->id == id && id != 0)
			return b->box[i];
	return NULL;
}

struct fake_mailbox *fake_box_add(struct fake_user *u, struct span name)
{
	struct fake_boxes *b = &u->boxes;
	size_t i = place_of(b, name);
	struct fake_mailbox *m = fake_need(sizeof(*m));

	m->name = fake_text(name);
	b->box = fake_grow(b->box, b->count, &b->cap, sizeof(b->box[0]));
	memmove(b->box + i + 1, b->box + i, (b->count - i) * sizeof(b->box[0]));
	b->box[i] = m;
	b->count++;
	return m;
}

struct fake_mailbox *fake_box_create(struct fake_user *u, struct span name, enum store_role role)
{
	struct fake_mailbox *m = fake_box_by_name(&u->boxes, name);

	if (m == NULL)
		m = fake_box_add(u, name);
	m->id = ++u->last_id;
	m->role = role;
	m->uidvalidity = ++u->last_uidvalidity;
	m->uidnext = m->recent_uid = 1;
	m->modseq = 1;
	fake_touch(u, 0);
	return m;
}

/* Everything but the name. */
static void box_empty(struct fake_mailbox *m)
{
	for (size_t i = 0; i < m->count; i++) {
		fake_body_drop(m->messages[i].body);
		free(m->messages[i].address);
	}
	for (size_t i = 0; i < m->keyword_count; i++)
		free(m->keywords[i]);
	free(m->messages);
	free(m->tombs);
}

static void box_free(struct fake_mailbox *m)
{
	box_empty(m);
	free(m->name);
	free(m);
}

void fake_box_prune(struct fake_user *u, struct fake_mailbox *m)
{
	struct fake_boxes *b = &u->boxes;
	size_t i = 0;

	if (m->id != 0 || m->subscribed)
		return;
	while (b->box[i] != m) /* by the pointer: a rename may have given its name to another */
		i++;
	memmove(b->box + i, b->box + i + 1, (b->count - i - 1) * sizeof(b->box[0]));
	b->count--;
	box_free(m);
}

void fake_box_delete(struct fake_user *u, struct fake_mailbox *m)
{
	fake_touch(u, 0);
	for (size_t i = 0; i < m->count; i++)
		u->boxes.bytes -= m->messages[i].record.size;
	box_empty(m);
	*m = (struct fake_mailbox){ .name = m->name, .subscribed = m->subscribed };
	fake_box_prune(u, m);
}

static int compare_boxes(const void *a, const void *b)
{
	const struct fake_mailbox *const *left = a, *const *right = b;

	return compare(span_of((*left)->name), span_of((*right)->name));
}

void fake_boxes_sort(struct fake_boxes *b)
{
	qsort(b->box, b->count, sizeof(b->box[0]), compare_boxes);
}

static struct fake_mailbox *box_copy(const struct fake_mailbox *from)
{
	struct fake_mailbox *m = fake_need(sizeof(*m));

	*m = *from;
	m->name = fake_text(span_of(from->name));
	for (size_t i = 0; i < m->keyword_count; i++)
		m->keywords[i] = fake_text(span_of(from->keywords[i]));
	m->cap = m->count;
	m->messages = fake_need(m->count * sizeof(m->messages[0]));
	for (size_t i = 0; i < m->count; i++) {
		m->messages[i] = from->messages[i];
		m->messages[i].body->refs++;
		if (m->messages[i].address != NULL)
			m->messages[i].address = fake_text(span_of(m->messages[i].address));
	}
	m->tomb_cap = m->tomb_count;
	m->tombs = fake_need(m->tomb_count * sizeof(m->tombs[0]));
	for (size_t i = 0; i < m->tomb_count; i++)
		m->tombs[i] = from->tombs[i];
	return m;
}

void fake_boxes_copy(struct fake_boxes *to, const struct fake_boxes *from)
{
	*to = *from;
	to->cap = to->count;
	to->box = fake_need(to->count * sizeof(to->box[0]));
	to->note_cap = to->note_count;
	to->notes = fake_need(to->note_count * sizeof(to->notes[0]));
	if (to->note_count > 0)
		memcpy(to->notes, from->notes, to->note_count * sizeof(to->notes[0]));
	for (size_t i = 0; i < to->count; i++)
		to->box[i] = box_copy(from->box[i]);
}

void fake_boxes_clear(struct fake_boxes *b)
{
	for (size_t i = 0; i < b->count; i++)
		box_free(b->box[i]);
	free(b->box);
	free(b->notes);
	*b = (struct fake_boxes){ 0 };
}

/* --- messages -------------------------------------------------------------- */

struct fake_message *fake_message_add(struct fake_user *u, struct fake_mailbox *m,
				      const struct store_record *r, struct fake_body *body, uint64_t modseq)
{
	struct fake_message *new;

	m->messages = fake_grow(m->messages, m->count, &m->cap, sizeof(m->messages[0]));
	new = &m->messages[m->count++];
	*new = (struct fake_message){ .record = *r, .body = body };
	new->record.uid = m->uidnext++;
	new->record.modseq = modseq;
	m->modseq = modseq;
	body->refs++;
	u->boxes.bytes += r->size;
	fake_touch(u, m->id);
	return new;
}

struct fake_message *fake_message_find(const struct fake_mailbox *m, uint32_t uid)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (m->messages[mid].record.uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->count && m->messages[low].record.uid == uid ? &m->messages[low] : NULL;
}

void fake_message_drop(struct fake_user *u, struct fake_mailbox *m, size_t i, uint64_t modseq)
{
	struct fake_message *old = &m->messages[i];

	m->tombs = fake_grow(m->tombs, m->tomb_count, &m->tomb_cap, sizeof(m->tombs[0]));
	m->tombs[m->tomb_count++] = (struct fake_tomb){ old->record.uid, modseq };
	m->modseq = modseq;
	u->boxes.bytes -= old->record.size;
	fake_body_drop(old->body);
	free(old->address);
	memmove(old, old + 1, (m->count - i - 1) * sizeof(*old));
	m->count--;
	fake_touch(u, m->id);
}

bool fake_keyword_valid(struct span name)
{
	if (name.n == 0 || name.n > STORE_KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || strchr("(){%*\"\\]", name.p[i]) != NULL)
			return false;
	return true;
}

int fake_keyword_bit(struct fake_mailbox *m, struct span name, size_t limit)
{
	for (size_t i = 0; i < m->keyword_count; i++)
		if (span_equal_nocase(span_of(m->keywords[i]), name)) /* RFC 9051 2.3.2 */
			return (int)i;
	if (m->keyword_count >= limit)
		return -1;
	m->keywords[m->keyword_count] = fake_text(name);
	return (int)m->keyword_count++;
}

bool fake_set_has(const struct store_set *set, uint32_t uid)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (set->ranges[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < set->count && set->ranges[low].first <= uid;
}
