/* fake_annotate.c - annotations of mailboxes and of the account. */
#include <string.h>

#include "tests/fake/fake_inner.h"

/* The place of the entry, or where it would stand. */
static size_t place_of(const struct fake_boxes *b, uint64_t mailbox, struct span entry, bool *there)
{
	size_t i = 0;
	int order = 1;

	for (; i < b->note_count; i++) {
		const struct fake_note *n = &b->notes[i];
		size_t least = strlen(n->entry) < entry.n ? strlen(n->entry) : entry.n;

		order = n->mailbox != mailbox ? (n->mailbox > mailbox ? 1 : -1) : memcmp(n->entry, entry.p, least);
		if (order == 0)
			order = strlen(n->entry) < entry.n ? -1 : strlen(n->entry) > entry.n;
		if (order >= 0)
			break;
	}
	*there = i < b->note_count && order == 0;
	return i;
}

static bool has_room(const struct fake_boxes *b, const struct store_mutation *m, size_t except)
{
	size_t count = 0, bytes = m->name.n + m->meta.n;

	for (size_t i = 0; i < b->note_count; i++) {
		if (b->notes[i].mailbox != m->mailbox || i == except)
			continue;
		count++;
		bytes += strlen(b->notes[i].entry) + b->notes[i].n;
	}
	return count < STORE_ANNOTATIONS && bytes <= STORE_ANNOTATION_BYTES;
}

enum store_status fake_annotate(struct fake_user *u, const struct store_mutation *m)
{
	struct fake_boxes *b = &u->boxes;
	struct fake_note *n;
	bool there;
	size_t at;

	if (!store_entry_valid(m->name) || m->meta.n > STORE_VALUE_MAX)
		return STORE_INVALID;
	if (m->mailbox != 0 && fake_box_by_id(b, m->mailbox) == NULL)
		return STORE_NOT_FOUND;
	at = place_of(b, m->mailbox, m->name, &there);
	fake_touch(u, m->mailbox);
	*(m->mailbox != 0 ? &fake_box_by_id(b, m->mailbox)->notes : &b->account_notes) = ++u->last_notes;
	if (m->no_value) {
		if (there)
			memmove(&b->notes[at], &b->notes[at + 1], (--b->note_count - at) * sizeof(b->notes[0]));
		return STORE_OK;
	}
	if (!has_room(b, m, there ? at : SIZE_MAX))
		return STORE_LIMIT;
	if (!there) {
		b->notes = fake_grow(b->notes, b->note_count, &b->note_cap, sizeof(b->notes[0]));
		memmove(&b->notes[at + 1], &b->notes[at], (b->note_count++ - at) * sizeof(b->notes[0]));
	}
	n = &b->notes[at];
	*n = (struct fake_note){ .mailbox = m->mailbox, .n = m->meta.n };
	memcpy(n->entry, m->name.p, m->name.n);
	if (m->meta.n > 0)
		memcpy(n->value, m->meta.p, m->meta.n);
	return STORE_OK;
}

void fake_annotations_copy(struct fake_user *u, const struct fake_mailbox *from, struct fake_mailbox *to)
{
	struct fake_boxes *b = &u->boxes;

	for (size_t i = 0, count = b->note_count; i < count; i++) {
		if (b->notes[i].mailbox != from->id)
			continue;
		b->notes = fake_grow(b->notes, b->note_count, &b->note_cap, sizeof(b->notes[0]));
		b->notes[b->note_count] = b->notes[i];
		b->notes[b->note_count++].mailbox = to->id;
		to->notes = ++u->last_notes;
	}
}

void fake_run_annotations(struct fake_op *op)
{
	const struct fake_boxes *b = &op->user->boxes;
	struct store_annotation all[STORE_ANNOTATIONS];
	size_t count = 0;

	if ((op->rights & STORE_RIGHT_READ) == 0) {
		fake_give_nothing(op, STORE_REFUSED, "");
		return;
	}
	if (op->mailbox != 0 && fake_box_by_id(b, op->mailbox) == NULL) {
		fake_give_nothing(op, STORE_NOT_FOUND, "");
		return;
	}
	for (size_t i = 0; i < b->note_count && count < STORE_ANNOTATIONS; i++)
		if (b->notes[i].mailbox == op->mailbox)
			all[count++] = (struct store_annotation){ span_of(b->notes[i].entry),
								  { b->notes[i].value, b->notes[i].n } };
	if (op->done.annotations != NULL)
		op->done.annotations(op->arg, STORE_OK, all, count);
}
