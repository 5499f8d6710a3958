/* queue_answer.c - the contract is in queue_answer.h. */
#include "storage/storaged/queue_answer.h"

#include <string.h>

#include "storage/local/queue_order.h"

enum {
	MEMORY = 64 * 1024,
	ENTRIES = 64 /* of one page at most */
};

/* A page being written. */
struct page {
	struct buf *out;
	uint32_t from;           /* recipients of the next entry that were shown before */
	char last[STORE_ID_MAX]; /* the last entry that is whole */
	bool full;
};

static void put_fault(struct buf *out, const char *words)
{
	buf_reset(out);
	buf_put_text(out, "error");
	queue_field_text(out, "words", span_of(words));
	buf_put_byte(out, '\n');
}

static void put_end(struct buf *out, const struct queue_cursor *at)
{
	if (at->end) {
		buf_put_text(out, "end\n");
		return;
	}
	buf_put_text(out, "next");
	queue_field_text(out, "after", span_of(at->id));
	buf_put_byte(out, '\n');
}

static void on_entry(void *arg, const struct queue_shown *e)
{
	struct page *p = arg;

	p->full = p->full || p->out->n > QUEUE_ORDER_PAGE;
	if (p->full)
		return;
	queue_order_put_entry(p->out, e);
	for (uint32_t i = p->from; i < e->count; i++) {
		if (p->out->n > QUEUE_ORDER_PAGE) {
			p->full = true;
			p->from = i;
			return;
		}
		queue_order_put_recipient(p->out, &e->recipients[i]);
	}
	p->from = 0;
	memcpy(p->last, e->envelope.id, strlen(e->envelope.id) + 1);
}

static void list(struct store *s, const struct queue_order *o, struct queue_cursor *at, struct buf *out)
{
	struct page p = { .out = out, .from = o->from };

	memcpy(p.last, o->after, sizeof(p.last));
	if (queue_admin_list(s, &o->filter, at, ENTRIES, on_entry, &p) != STORE_OK) {
		put_fault(out, "the index of the queue can't be read; see the log");
		return;
	}
	if (!p.full) {
		put_end(out, at);
		return;
	}
	buf_put_text(out, "next");
	queue_field_text(out, "after", span_of(p.last));
	queue_field_number(out, "from", p.from);
	buf_put_byte(out, '\n');
}

static void act(struct store *s, const struct queue_order *o, struct queue_cursor *at, struct buf *out)
{
	struct queue_acted done = { 0, 0 };
	enum store_status status =
	    queue_admin_act(s, &o->filter, (enum queue_action)o->what, o->route, at, &done);

	if (status != STORE_OK) {
		put_fault(out, status == STORE_INVALID ? "this can't be done with what the order says"
						       : "the queue can't be changed now; see the log");
		return;
	}
	buf_put_text(out, "done");
	queue_field_number(out, "entries", done.entries);
	queue_field_number(out, "recipients", done.recipients);
	buf_put_byte(out, '\n');
	put_end(out, at);
}

void queue_answer(struct store *s, const char *what, struct buf *out)
{
	struct queue_cursor at = { .end = false };
	struct arena *memory;
	struct queue_order o;
	struct error err;

	if (arena_new(&memory, MEMORY, ARENA_PLAIN, &err) < 0) {
		put_fault(out, "no memory");
		return;
	}
	if (!queue_order_read(&o, span_of(what), memory)) {
		put_fault(out, "storaged does not know this order; is it of another version?");
	} else {
		memcpy(at.id, o.after, sizeof(at.id));
		if (o.what == QUEUE_ORDER_LIST)
			list(s, &o, &at, out);
		else
			act(s, &o, &at, out);
	}
	arena_free(memory);
}
