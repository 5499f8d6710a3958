/* fake_note.c - what deliverd tells of domains and times, and its notes. */
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_entry.h"

static struct fake_queue *queue_at(const struct store *s)
{
	return ((const struct fake_store *)s)->queue;
}

/* --- domains and times -------------------------------------------------------- */

void fake_call_queue_domain(struct store *base, const struct queue_domain *d)
{
	struct fake_domain *domain = fake_domain_of(queue_at(base), d->domain);

	free(domain->words);
	domain->words = fake_text(d->words);
	domain->told = *d;
	domain->told.domain = span_of(domain->name);
	domain->told.words = span_of(domain->words);
	domain->is_told = true;
	fake_wake((struct fake_store *)base);
}

void fake_call_queue_times(struct store *base, const struct queue_times *t)
{
	queue_at(base)->times = *t;
	fake_wake((struct fake_store *)base);
}

const struct queue_domain *fake_queue_domain(struct store *s, const char *domain)
{
	const struct fake_domain *d = fake_domain_of(queue_at(s), span_of(domain));

	return d->is_told ? &d->told : NULL;
}

struct queue_times fake_queue_times(const struct store *s)
{
	return queue_at(s)->times;
}

/* --- notes ----------------------------------------------------------------------- */

/* Where the note is, or would be. */
static struct fake_kept_note **note_place(struct fake_queue *q, struct span name)
{
	struct fake_kept_note **at = &q->notes;

	for (; *at != NULL; at = &(*at)->next) {
		size_t n = strlen((*at)->name);
		int order = memcmp((*at)->name, name.p, n < name.n ? n : name.n);

		if (order > 0 || (order == 0 && n >= name.n))
			break;
	}
	return at;
}

static struct fake_kept_note *note_find(const struct fake_store *s, struct span name)
{
	struct fake_kept_note *n = *note_place(s->queue, name);

	return n != NULL && span_is(name, n->name) && n->expires_s > fake_now_s(s) ? n : NULL;
}

static struct span note_bytes(const struct fake_kept_note *n)
{
	return n != NULL ? (struct span){ n->bytes->bytes, n->bytes->n } : (struct span){ NULL, 0 };
}

struct span fake_queue_note(struct store *s, const char *name)
{
	return note_bytes(note_find((const struct fake_store *)s, span_of(name)));
}

uint64_t fake_call_note_get(struct store *s, struct span name, queue_note_done done, void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_NOTE_GET, NULL, arg);

	op->done.note = done;
	op->name = arena_copy(op->memory, name);
	return fake_op_add((struct fake_store *)s, op);
}

uint64_t fake_call_note_put(struct store *s, struct span name, struct span bytes, int64_t expires_s,
			    store_done done, void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_NOTE_PUT, NULL, arg);

	op->done.plain = done;
	op->name = arena_copy(op->memory, name);
	op->bytes = arena_copy(op->memory, bytes);
	op->expires_s = expires_s;
	return fake_op_add((struct fake_store *)s, op);
}

uint64_t fake_call_notes(struct store *s, struct span prefix, struct span after, queue_notes_done done,
			 void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_NOTES, NULL, arg);

	op->done.notes = done;
	op->name = arena_copy(op->memory, prefix);
	op->bytes = arena_copy(op->memory, after);
	return fake_op_add((struct fake_store *)s, op);
}

void fake_run_note_get(struct fake_store *s, struct fake_op *op)
{
	const struct fake_kept_note *n = note_find(s, op->name);

	if (op->done.note != NULL)
		op->done.note(op->arg, n != NULL ? STORE_OK : STORE_NOT_FOUND, note_bytes(n));
}

static void note_drop(struct fake_kept_note **at)
{
	struct fake_kept_note *n = *at;

	*at = n->next;
	fake_body_drop(n->bytes);
	free(n->name);
	free(n);
}

void fake_run_note_put(struct fake_store *s, struct fake_op *op)
{
	struct fake_kept_note **at = note_place(s->queue, op->name), *n;

	if (op->name.n == 0 || op->name.n > QUEUE_NOTE_KEY || op->bytes.n > QUEUE_NOTE_MAX) {
		fake_give_nothing(op, STORE_INVALID, "such a note can't be");
		return;
	}
	if (*at != NULL && span_is(op->name, (*at)->name))
		note_drop(at);
	if (op->bytes.n > 0) {
		n = fake_need(sizeof(*n));
		*n = (struct fake_kept_note){ *at, fake_text(op->name), fake_body_new(op->bytes),
					      op->expires_s };
		*at = n;
	}
	fake_give_nothing(op, STORE_OK, "");
}

void fake_run_notes(struct fake_store *s, struct fake_op *op)
{
	struct queue_note notes[16];
	size_t count = 0;
	bool more = false;

	for (struct fake_kept_note *n = *note_place(s->queue, op->bytes); n != NULL && !more; n = n->next) {
		struct span name = span_of(n->name);

		if (span_is(op->bytes, n->name) || n->expires_s <= fake_now_s(s) || name.n < op->name.n ||
		    (op->name.n > 0 && memcmp(name.p, op->name.p, op->name.n) != 0))
			continue;
		more = count == sizeof(notes) / sizeof(notes[0]);
		if (!more)
			notes[count++] = (struct queue_note){ name, note_bytes(n) };
	}
	if (op->done.notes != NULL)
		op->done.notes(op->arg, STORE_OK, notes, count, more);
}
