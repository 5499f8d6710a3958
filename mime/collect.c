/* collect.c - the contract is in collect.h. */
#include "mime/collect.h"

#include "mime/blob.h"
#include "mime/header.h"

void mime_collect_init(struct mime_collect *c, size_t field_max)
{
	*c = (struct mime_collect){ .field = MIME_FIELD_COUNT, .field_max = field_max };
	for (int i = 0; i < MIME_FIELD_COUNT; i++)
		buf_init(&c->value[i], field_max);
	buf_init(&c->line, field_max);
}

void mime_collect_clear(struct mime_collect *c)
{
	for (int i = 0; i < MIME_FIELD_COUNT; i++)
		buf_clear(&c->value[i]);
	buf_clear(&c->line);
}

void mime_collect_begin(struct mime_collect *c, enum mime_collect_scope scope, size_t room)
{
	c->scope = scope;
	c->part_room = room / 16;
	c->message_room = room / 2;
	c->field = MIME_FIELD_COUNT;
	c->received = 0;
	for (int i = 0; i < MIME_FIELD_COUNT; i++) {
		buf_reset(&c->value[i]);
		c->seen[i] = c->short_of[i] = false;
	}
}

/* Bytes that the field at hand may still have. */
static size_t room_left(const struct mime_collect *c)
{
	size_t used = c->value[c->field].n, most = c->field_max;

	if (mime_field_of_message(c->field))
		return most - used < c->message_room ? most - used : c->message_room;
	most = most < c->part_room ? most : c->part_room;
	return most > used ? most - used : 0;
}

void mime_collect_more(struct mime_collect *c, struct span in)
{
	size_t room;

	if (c->field == MIME_FIELD_COUNT || c->short_of[c->field])
		return;
	room = room_left(c);
	if (in.n > room)
		c->cut = c->short_of[c->field] = true;
	in = span_take(&in, room);
	buf_put(&c->value[c->field], in);
	c->no_memory |= c->value[c->field].failed;
	if (mime_field_of_message(c->field))
		c->message_room -= in.n;
}

/* A new field called name: sets what its value goes to. */
static void begin_field(struct mime_collect *c, struct span name)
{
	enum mime_field field = mime_field_of(name);

	c->field = MIME_FIELD_COUNT;
	c->received += span_is_nocase(name, "Received");
	if (field == MIME_FIELD_COUNT)
		return;
	if (mime_field_of_message(field) && c->scope == MIME_COLLECT_PART)
		return;
	if (c->seen[field] && !mime_field_repeats(field))
		return;		/* RFC 5322 3.6 allows one: the first counts */
	c->field = field;
	if (c->seen[field])
		mime_collect_more(c, span_of(","));	/* RFC 5322 4.5.3 */
	c->seen[field] = true;
}

void mime_collect_line(struct mime_collect *c, struct span start)
{
	ptrdiff_t colon;

	if (span_starts(start, " ") || span_starts(start, "\t")) {
		mime_collect_more(c, start);
		return;
	}
	c->field = MIME_FIELD_COUNT;
	colon = span_find(start, ':');
	if (colon < 0)
		return;
	begin_field(c, span_trim(span_take(&start, (size_t)colon)));
	span_take(&start, 1);
	mime_collect_more(c, start);
}

bool mime_collect_value(const struct mime_collect *c, enum mime_field field, struct span *value)
{
	*value = buf_span(&c->value[field]);
	return c->seen[field];
}

/* A list that was cut ends where its last whole member does. */
static struct span whole_members(struct span list)
{
	size_t n = list.n;

	while (n > 0 && list.p[n - 1] != ',')
		n--;
	return n > 0 ? (struct span){ list.p, n - 1 } : list;
}

void mime_collect_encode(struct mime_collect *c, struct buf *out)
{
	for (int i = 0; i < MIME_FIELD_COUNT; i++) {
		struct span value = buf_span(&c->value[i]);

		if (!c->seen[i])
			continue;
		if (c->short_of[i] && mime_field_of_addresses((enum mime_field)i))
			value = whole_members(value);
		buf_reset(&c->line);
		mime_header_unfold(value, &c->line);
		c->no_memory |= c->line.failed;
		buf_put_byte(out, (uint8_t)i);
		mime_blob_put_bytes(out, buf_span(&c->line));
	}
}
