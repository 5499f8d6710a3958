/* queue_order_lines.c - entries and recipients, as lines of an answer. */
#include <stddef.h>
#include <string.h>

#include "storage/local/queue_order.h"

enum kind { TEXT, NUMBER32, NUMBER, FLAG };

struct field {
	const char *name;
	enum kind kind;
	size_t at;
};

static const struct field entry_fields[] = {
	{ "created", NUMBER, offsetof(struct queue_shown, created_s) },
	{ "size", NUMBER, offsetof(struct queue_shown, size) },
	{ "account", TEXT, offsetof(struct queue_shown, envelope.account) },
	{ "envid", TEXT, offsetof(struct queue_shown, envelope.envid) },
	{ "message", TEXT, offsetof(struct queue_shown, envelope.message_id) },
	{ "flags", NUMBER32, offsetof(struct queue_shown, envelope.flags) },
};

#define AT(member) offsetof(struct queue_shown_recipient, member)
static const struct field recipient_fields[] = {
	{ "number", NUMBER32, AT(number) },
	{ "job", NUMBER32, AT(job) },
	{ "address", TEXT, AT(to.address) },
	{ "sender", TEXT, AT(to.sender) },
	{ "original", TEXT, AT(to.original) },
	{ "orcpt", TEXT, AT(to.orcpt) },
	{ "notify", NUMBER32, AT(to.notify) },
	{ "bounce", FLAG, AT(bounce) },
	{ "noticed", FLAG, AT(noticed) },
	{ "attempts", NUMBER32, AT(attempts) },
	{ "next", NUMBER, AT(next_s) },
	{ "domain", TEXT, AT(domain) },
	{ "until", NUMBER, AT(domain_until_s) },
	{ "why", TEXT, AT(domain_words) },
	{ "route", TEXT, AT(route) },
	{ "tried", NUMBER, AT(tried_s) },
	{ "status", TEXT, AT(status) },
	{ "words", TEXT, AT(words) },
	{ "host", TEXT, AT(host) },
};
#undef AT

enum {
	ENTRY_FIELDS = sizeof(entry_fields) / sizeof(entry_fields[0]),
	RECIPIENT_FIELDS = sizeof(recipient_fields) / sizeof(recipient_fields[0])
};

_Static_assert(sizeof(unsigned) == sizeof(uint32_t) && sizeof(int64_t) == sizeof(uint64_t),
	       "fields are read and written by their size");

/* --- writing --------------------------------------------------------------------- */

static void put_fields(struct buf *b, const struct field *f, size_t count, const void *from)
{
	for (size_t i = 0; i < count; i++, f++) {
		const char *p = (const char *)from + f->at;
		struct span text;
		uint64_t number = 0;
		uint32_t small;
		bool flag;

		switch (f->kind) {
		case TEXT:
			memcpy(&text, p, sizeof(text));
			queue_field_text(b, f->name, text);
			continue;
		case NUMBER:
			memcpy(&number, p, sizeof(number));
			break;
		case NUMBER32:
			memcpy(&small, p, sizeof(small));
			number = small;
			break;
		case FLAG:
			memcpy(&flag, p, sizeof(flag));
			number = flag;
			break;
		}
		queue_field_number(b, f->name, number);
	}
}

void queue_order_put_entry(struct buf *b, const struct queue_shown *e)
{
	buf_put_text(b, "entry");
	queue_field_text(b, "id", span_of(e->envelope.id));
	put_fields(b, entry_fields, ENTRY_FIELDS, e);
	queue_field_text(b, "aside", span_of(e->aside));
	buf_put_byte(b, '\n');
}

void queue_order_put_recipient(struct buf *b, const struct queue_shown_recipient *r)
{
	buf_put_text(b, "recipient");
	queue_field_number(b, "state", r->state);
	put_fields(b, recipient_fields, RECIPIENT_FIELDS, r);
	buf_put_byte(b, '\n');
}

/* --- reading ---------------------------------------------------------------------- */

static bool take_value(const struct field *f, void *into, struct span value, struct arena *memory)
{
	char *p = (char *)into + f->at;
	uint64_t number = queue_field_value(value);
	uint32_t small = (uint32_t)number;
	bool flag = number != 0;
	struct span text;

	switch (f->kind) {
	case TEXT:
		text = queue_field_decode(value, memory);
		memcpy(p, &text, sizeof(text));
		return text.p != NULL || value.n == 0;
	case NUMBER:
		memcpy(p, &number, sizeof(number));
		return true;
	case NUMBER32:
		memcpy(p, &small, sizeof(small));
		return true;
	case FLAG:
		memcpy(p, &flag, sizeof(flag));
		return true;
	}
	return false;
}

static bool get_field(const struct field *f, size_t count, void *into, struct span name, struct span value,
		      struct arena *memory)
{
	for (size_t i = 0; i < count; i++)
		if (span_is(name, f[i].name))
			return take_value(&f[i], into, value, memory);
	return true;
}

/* A text of its own, with a NUL behind it. */
static const char *get_text(struct span value, struct arena *memory)
{
	struct span text = queue_field_decode(value, memory);

	return arena_text(memory, text);
}

bool queue_order_get_entry(struct span line, struct queue_shown *e, struct arena *memory)
{
	struct span name, value;
	bool good = true;

	memset(e, 0, sizeof(*e));
	e->envelope.id = "";
	while (good && queue_field_next(&line, &name, &value)) {
		if (span_is(name, "id"))
			good = (e->envelope.id = get_text(value, memory)) != NULL;
		else if (span_is(name, "aside"))
			good = (e->aside = get_text(value, memory)) != NULL;
		else
			good = get_field(entry_fields, ENTRY_FIELDS, e, name, value, memory);
	}
	return good;
}

bool queue_order_get_recipient(struct span line, struct queue_shown_recipient *r, struct arena *memory)
{
	struct span name, value;
	bool good = true;

	memset(r, 0, sizeof(*r));
	while (good && queue_field_next(&line, &name, &value)) {
		if (span_is(name, "state"))
			r->state = (enum queue_state)queue_field_value(value);
		else
			good = get_field(recipient_fields, RECIPIENT_FIELDS, r, name, value, memory);
	}
	return good;
}
