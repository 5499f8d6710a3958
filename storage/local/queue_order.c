/* queue_order.c - the contract is in queue_order.h. */
#include "storage/local/queue_order.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"

/* --- fields ------------------------------------------------------------------- */

void queue_field_text(struct buf *b, const char *name, struct span value)
{
	if (value.n == 0)
		return;
	buf_printf(b, "\t%s=", name);
	for (size_t i = 0; i < value.n; i++)
		if (ascii_control(value.p[i]) || value.p[i] == '%')
			buf_printf(b, "%%%02X", value.p[i]);
		else
			buf_put_byte(b, value.p[i]);
}

void queue_field_number(struct buf *b, const char *name, uint64_t value)
{
	if (value != 0)
		buf_printf(b, "\t%s=%" PRIu64, name, value);
}

bool queue_field_next(struct span *line, struct span *name, struct span *value)
{
	if (line->n == 0)
		return false;
	*value = span_take_until(line, '\t');
	*name = span_take_until(value, '=');
	return true;
}

static int hex_of(uint8_t c)
{
	if (ascii_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct span queue_field_decode(struct span value, struct arena *memory)
{
	uint8_t *out = value.n > 0 ? arena_alloc(memory, value.n) : NULL;
	size_t n = 0;

	if (out == NULL)
		return (struct span){ NULL, 0 };
	while (value.n > 0) {
		int high = value.n > 2 ? hex_of(value.p[1]) : -1, low = value.n > 2 ? hex_of(value.p[2]) : -1;

		if (value.p[0] != '%') {
			out[n++] = span_take(&value, 1).p[0];
			continue;
		}
		if (high < 0 || low < 0)
			return (struct span){ NULL, 0 };
		out[n++] = (uint8_t)(high << 4 | low);
		span_take(&value, 3);
	}
	return (struct span){ out, n };
}

uint64_t queue_field_value(struct span value)
{
	uint64_t n = 0;

	return span_number(value, UINT64_MAX, &n) ? n : 0;
}

/* --- questions ------------------------------------------------------------------ */

static const struct {
	const char *name;
	int what;
} verbs[] = {
	{ "list", QUEUE_ORDER_LIST },     { "flush", QUEUE_ACT_FLUSH },   { "hold", QUEUE_ACT_HOLD },
	{ "release", QUEUE_ACT_RELEASE }, { "delete", QUEUE_ACT_DELETE }, { "bounce", QUEUE_ACT_BOUNCE },
	{ "route", QUEUE_ACT_ROUTE },
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

/* The texts of a question. */
static const struct {
	const char *name;
	size_t at; /* in struct queue_order */
} texts[] = {
	{ "id", offsetof(struct queue_order, filter.id) },
	{ "sender", offsetof(struct queue_order, filter.sender) },
	{ "recipient", offsetof(struct queue_order, filter.recipient) },
	{ "domain", offsetof(struct queue_order, filter.domain) },
	{ "account", offsetof(struct queue_order, filter.account) },
	{ "route", offsetof(struct queue_order, route) },
};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static struct span *text_at(struct queue_order *o, size_t i)
{
	return (struct span *)(void *)((char *)o + texts[i].at);
}

void queue_order_write(struct buf *b, const struct queue_order *o)
{
	struct queue_order copy = *o;

	buf_put_text(b, "queue ");
	for (size_t i = 0; i < VERBS; i++)
		if (verbs[i].what == o->what)
			buf_put_text(b, verbs[i].name);
	for (size_t i = 0; i < TEXTS; i++)
		queue_field_text(b, texts[i].name, *text_at(&copy, i));
	queue_field_text(b, "after", span_of(o->after));
	queue_field_number(b, "from", o->from);
	queue_field_number(b, "states", o->filter.states);
	queue_field_number(b, "older", (uint64_t)o->filter.older_s);
}

static bool is_id(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_alnum(value.p[i]))
			return false;
	return value.n > 0 && value.n < STORE_ID_MAX;
}

static bool take_field(struct queue_order *o, struct span name, struct span value, struct arena *memory)
{
	uint64_t number = queue_field_value(value);

	for (size_t i = 0; i < TEXTS; i++)
		if (span_is(name, texts[i].name)) {
			*text_at(o, i) = queue_field_decode(value, memory);
			return text_at(o, i)->n > 0;
		}
	if (span_is(name, "after") && is_id(value))
		memcpy(o->after, value.p, value.n);
	else if (span_is(name, "from") && number <= STORE_RECIPIENTS)
		o->from = (uint32_t)number;
	else if (span_is(name, "states") && number < 2 * QUEUE_ASIDE)
		o->filter.states = (unsigned)number;
	else if (span_is(name, "older") && number <= INT32_MAX)
		o->filter.older_s = (int64_t)number;
	else
		return false;
	return true;
}

bool queue_order_read(struct queue_order *o, struct span question, struct arena *memory)
{
	struct span verb = span_take_until(&question, '\t'), name, value;
	size_t i = 0;

	memset(o, 0, sizeof(*o));
	if (!span_is(span_take_until(&verb, ' '), "queue"))
		return false;
	while (i < VERBS && !span_is(verb, verbs[i].name))
		i++;
	if (i == VERBS)
		return false;
	o->what = verbs[i].what;
	while (queue_field_next(&question, &name, &value))
		if (!take_field(o, name, value, memory))
			return false;
	return true;
}
