/* queue_reader.c - the contract is in queue_reader.h. */
#include "admin/queue_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 32 << 20 };

struct queue_reader {
	queue_show show;
	void *arg;
	struct arena *memory; /* of the entry at hand */
	struct queue_shown entry;
	bool open; /* there is an entry at hand */
	struct queue_shown_recipient recipients[STORE_RECIPIENTS];
};

int queue_reader_new(struct queue_reader **out, queue_show show, void *arg, struct error *err)
{
	struct queue_reader *r = calloc(1, sizeof(*r));

	*out = r;
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory for the queue");
	r->show = show;
	r->arg = arg;
	if (arena_new(&r->memory, MEMORY, ARENA_PLAIN, err) == 0)
		return 0;
	free(r);
	*out = NULL;
	return -ENOMEM;
}

void queue_reader_free(struct queue_reader *r)
{
	if (r == NULL)
		return;
	arena_free(r->memory);
	free(r);
}

static void give(struct queue_reader *r)
{
	if (r->open && r->show != NULL) {
		r->entry.recipients = r->recipients;
		r->show(r->arg, &r->entry);
	}
	r->open = false;
	arena_reset(r->memory);
}

/* The same entry again: its page was full. */
static bool goes_on(struct queue_reader *r, struct span line)
{
	struct span name, value;

	while (r->open && queue_field_next(&line, &name, &value))
		if (span_is(name, "id"))
			return span_is(value, r->entry.envelope.id);
	return false;
}

static bool take_entry(struct queue_reader *r, struct span line)
{
	if (goes_on(r, line))
		return true;
	give(r);
	r->open = queue_order_get_entry(line, &r->entry, r->memory);
	return r->open;
}

static bool take_recipient(struct queue_reader *r, struct span line)
{
	if (!r->open || r->entry.count == STORE_RECIPIENTS)
		return false;
	return queue_order_get_recipient(line, &r->recipients[r->entry.count++], r->memory);
}

static bool take_next(struct span line, struct queue_order *o)
{
	struct span name, value;

	o->from = 0;
	memset(o->after, 0, sizeof(o->after));
	while (queue_field_next(&line, &name, &value))
		if (span_is(name, "after") && value.n < sizeof(o->after))
			memcpy(o->after, value.p, value.n);
		else if (span_is(name, "from"))
			o->from = (uint32_t)queue_field_value(value);
	return o->after[0] != '\0' || o->from > 0;
}

static void take_done(struct span line, struct queue_acted *done)
{
	struct span name, value;

	while (done != NULL && queue_field_next(&line, &name, &value))
		if (span_is(name, "entries"))
			done->entries += (size_t)queue_field_value(value);
		else if (span_is(name, "recipients"))
			done->recipients += (size_t)queue_field_value(value);
}

static int fault(struct queue_reader *r, struct span line, struct error *err)
{
	struct span name, value;
	char *words = NULL;

	if (queue_field_next(&line, &name, &value) && span_is(name, "words"))
		words = arena_text(r->memory, queue_field_decode(value, r->memory));
	return error_set(err, -EIO, "%s", words != NULL ? words : "storaged can't do it");
}

static int malformed(struct error *err)
{
	return error_set(err, -EPROTO, "storaged's answer makes no sense; is it of another version?");
}

int queue_reader_take(struct queue_reader *r, struct span answer, struct queue_order *o,
		      struct queue_acted *done, struct error *err)
{
	while (answer.n > 0) {
		struct span line = span_take_until(&answer, '\n');
		struct span word = span_take_until(&line, '\t');
		bool good = true;

		if (span_is(word, "end")) {
			give(r);
			return 0;
		}
		if (span_is(word, "next"))
			return take_next(line, o) ? 1 : malformed(err);
		if (span_is(word, "error"))
			return fault(r, line, err);
		if (span_is(word, "entry"))
			good = take_entry(r, line);
		else if (span_is(word, "recipient"))
			good = take_recipient(r, line);
		else if (span_is(word, "done"))
			take_done(line, done);
		if (!good)
			return malformed(err);
	}
	return malformed(err); /* neither an end nor a next page */
}
