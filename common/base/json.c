/* json.c - the contract is in json.h. */
#include "common/base/json.h"

#include <inttypes.h>

#include "common/base/escape.h"

static void begin(struct buf *b, const char *name)
{
	if (b->n > 0 && b->p[b->n - 1] != '{' && b->p[b->n - 1] != '[')
		buf_put_byte(b, ',');
	if (name != NULL)
		buf_printf(b, "\"%s\":", name);
}

void json_open(struct buf *b, const char *name, char bracket)
{
	begin(b, name);
	buf_put_byte(b, (uint8_t)bracket);
}

void json_close(struct buf *b, char bracket)
{
	buf_put_byte(b, (uint8_t)bracket);
}

void json_span(struct buf *b, const char *name, struct span value)
{
	begin(b, name);
	buf_put_byte(b, '"');
	escape_json(b, value);
	buf_put_byte(b, '"');
}

void json_text(struct buf *b, const char *name, const char *value)
{
	json_span(b, name, span_of(value));
}

void json_number(struct buf *b, const char *name, int64_t value)
{
	begin(b, name);
	buf_printf(b, "%" PRId64, value);
}

void json_bool(struct buf *b, const char *name, bool value)
{
	begin(b, name);
	buf_put_text(b, value ? "true" : "false");
}

void json_null(struct buf *b, const char *name)
{
	begin(b, name);
	buf_put_text(b, "null");
}

void json_words(struct buf *b, const char *name, struct span words)
{
	json_open(b, name, '[');
	while (words.n > 0) {
		struct span word = span_take_until(&words, ' ');

		if (word.n > 0)
			json_span(b, NULL, word);
	}
	json_close(b, ']');
}
