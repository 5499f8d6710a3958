/* queue_text.c - the contract is in queue_text.h. */
#include "storage/local/queue_text.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/ascii.h"

static const char first_line[] = "yubin-queue 1";
static const char digits[] = "0123456789ABCDEF";

/* --- writing ---------------------------------------------------------------- */

static void put_value(struct buf *out, struct span value)
{
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (!ascii_control(c) && c != '%') {
			buf_put_byte(out, c);
			continue;
		}
		buf_put_byte(out, '%');
		buf_put_byte(out, (uint8_t)digits[c >> 4]);
		buf_put_byte(out, (uint8_t)digits[c & 15]);
	}
	buf_put_byte(out, '\n');
}

static void put_line(struct buf *out, const char *key, struct span value)
{
	buf_put_text(out, key);
	buf_put_byte(out, ' ');
	put_value(out, value);
}

static void put_if(struct buf *out, const char *key, struct span value)
{
	if (value.n > 0)
		put_line(out, key, value);
}

static void put_to(struct buf *out, const struct queue_to *to)
{
	buf_printf(out, "to %" PRIu32 " %u ", to->r.number, to->r.to.notify);
	put_value(out, to->r.to.address);
	put_if(out, "original", to->r.to.original);
	put_if(out, "orcpt", to->r.to.orcpt);
}

/* What has become of a try since it was accepted. */
static void put_since(struct buf *out, const struct queue_try *t)
{
	if (t->attempts > 0)
		queue_text_later(out, t->number, t->attempts, t->due_s);
	if (t->bits & QUEUE_BIT_NOTICED)
		queue_text_mark(out, t->number, "noticed");
	if (t->bits & QUEUE_BIT_HELD)
		queue_text_mark(out, t->number, "hold");
	if (t->bits & QUEUE_BIT_BOUNCE)
		queue_text_mark(out, t->number, "bounce");
	if (t->route.n > 0)
		queue_text_route(out, t->number, t->route);
}

void queue_text_write(struct buf *out, const struct queue_letter *l)
{
	const struct queue_head *h = &l->head;

	buf_printf(out, "%s\nid %s\ncreated %" PRId64 "\nsize %" PRIu64 "\nflags %u\n", first_line, h->id,
		   h->created_s, h->size, h->envelope.flags);
	put_if(out, "account", h->envelope.account);
	put_if(out, "envid", h->envelope.envid);
	put_if(out, "message-id", h->envelope.message_id);
	for (uint32_t i = 0; i < h->tries; i++) {
		const struct queue_try *t = &l->tries[i];

		/* A try of which nothing is left keeps its place: the others are found by their numbers. */
		put_line(out, "sender", t->sender);
		for (size_t j = 0; j < t->count; j++)
			put_to(out, &l->to[t->first + j]);
	}
	buf_put_text(out, "end\n");
	for (uint32_t i = 0; i < h->tries; i++)
		put_since(out, &l->tries[i]);
}

void queue_text_done(struct buf *out, uint32_t recipient)
{
	buf_printf(out, "done %" PRIu32 "\n", recipient);
}

void queue_text_later(struct buf *out, uint32_t try, uint32_t attempts, int64_t due_s)
{
	buf_printf(out, "later %" PRIu32 " %" PRIu32 " %" PRId64 "\n", try, attempts, due_s);
}

void queue_text_due(struct buf *out, uint32_t try, int64_t due_s)
{
	buf_printf(out, "due %" PRIu32 " %" PRId64 "\n", try, due_s);
}

void queue_text_mark(struct buf *out, uint32_t try, const char *mark)
{
	buf_printf(out, "%s %" PRIu32 "\n", mark, try);
}

void queue_text_route(struct buf *out, uint32_t try, struct span route)
{
	buf_printf(out, "route %" PRIu32 " ", try);
	put_value(out, route);
}
