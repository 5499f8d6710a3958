/* header.c - the contract is in header.h. */
#include "mime/header.h"

#include <string.h>

enum pick {
	PICK_NAMED,
	PICK_OTHERS
};

/* The length of the first line with its line end. */
static size_t line_length(struct span s)
{
	ptrdiff_t at = span_find(s, '\n');

	return at < 0 ? s.n : (size_t)at + 1;
}

/* s without the line end that stands at its end. */
static struct span without_line_end(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n') {
		s.n--;
		if (s.n > 0 && s.p[s.n - 1] == '\r')
			s.n--;
	}
	return s;
}

static bool is_blank_line(struct span s)
{
	return span_starts(s, "\n") || span_starts(s, "\r\n");
}

/* The length of a field: its line, and the lines that continue it. */
static size_t field_length(struct span s)
{
	size_t n = line_length(s);

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n += line_length((struct span){ s.p + n, s.n - n });
	return n;
}

bool mime_header_next(struct span *header, struct mime_header_field *field)
{
	struct span rest, line;
	ptrdiff_t colon;

	*field = (struct mime_header_field){ 0 };
	if (header->n == 0 || is_blank_line(*header))
		return false;
	line = (struct span){ header->p, line_length(*header) };
	field->raw = span_take(header, field_length(*header));
	rest = without_line_end(field->raw);
	colon = span_find(line, ':');
	if (colon >= 0) {
		/* RFC 5322 4.5: obsolete white space before the colon */
		field->name = span_trim(span_take(&rest, (size_t)colon));
		span_take(&rest, 1);
	}
	field->value = rest;
	return true;
}

bool mime_header_find(struct span header, const char *name, struct mime_header_field *field)
{
	while (mime_header_next(&header, field))
		if (span_is_nocase(field->name, name))
			return true;
	return false;
}

size_t mime_header_count(struct span header, const char *name)
{
	struct mime_header_field field;
	size_t n = 0;

	while (mime_header_next(&header, &field))
		n += span_is_nocase(field.name, name);
	return n;
}

void mime_header_unfold(struct span value, struct buf *out)
{
	value = span_trim(without_line_end(value));
	while (value.n > 0) {
		size_t run = 0;

		while (run < value.n && value.p[run] != '\r' && value.p[run] != '\n' && value.p[run] != '\0')
			run++;
		buf_put(out, span_take(&value, run));
		if (value.n == 0)
			break;
		if (span_starts(value, "\r\n"))
			span_take(&value, 2);
		else if (span_take(&value, 1).p[0] != '\n')
			buf_put_byte(out, ' ');
	}
}

static bool is_named(struct span name, const struct span names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (name.n > 0 && span_equal_nocase(name, names[i]))
			return true;
	return false;
}

static void pick_fields(struct span header, const struct span names[], size_t n, enum pick pick,
			struct buf *out)
{
	struct mime_header_field field;

	while (mime_header_next(&header, &field))
		if (is_named(field.name, names, n) == (pick == PICK_NAMED))
			buf_put(out, field.raw);
	buf_put(out, span_take(&header, line_length(header)));	/* the blank line */
}

void mime_header_filter(struct span header, const struct span names[], size_t n, struct buf *out)
{
	pick_fields(header, names, n, PICK_NAMED, out);
}

void mime_header_filter_not(struct span header, const struct span names[], size_t n, struct buf *out)
{
	pick_fields(header, names, n, PICK_OTHERS, out);
}

size_t mime_header_end(struct span bytes)
{
	size_t all = bytes.n;
	struct mime_header_field field;

	while (mime_header_next(&bytes, &field))
		;
	return all - bytes.n + line_length(bytes);
}
