/* value.c - what stands behind a key: checked against its row, made a number or a text. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/config/scope.h"

/* Suffixes of sizes and times; the first has the factor 1. */
struct unit {
	const char *sign;
	int64_t factor;
};
static const struct unit sizes[] = {
	{ "", 1 }, { "k", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { "T", 1LL << 40 }, { NULL, 0 },
};
static const struct unit times[] = {
	{ "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 }, { NULL, 0 },
};

static bool parse_bool(struct span text, int64_t *out)
{
	*out = span_is_nocase(text, "yes") || span_is(text, "1");
	return *out != 0 || span_is_nocase(text, "no") || span_is(text, "0");
}

static bool parse_number(struct span text, int64_t *out)
{
	uint64_t v = 0;

	if (!span_starts_nocase(text, "0x")) {
		bool good = span_number(text, INT64_MAX, &v);

		*out = (int64_t)v;
		return good;
	}
	if (text.n < 3 || text.n > 17)
		return false;
	for (size_t i = 2; i < text.n; i++) {
		int digit = ascii_hex(text.p[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (unsigned)digit;
	}
	*out = (int64_t)v;
	return v <= INT64_MAX;
}

/* A decimal number with one of units' signs behind it. */
static bool parse_with_unit(const struct unit *units, struct span text, int64_t *out)
{
	size_t digits = 0;
	uint64_t v;

	while (digits < text.n && ascii_digit(text.p[digits]))
		digits++;
	*out = 0;
	if (!span_number((struct span){ text.p, digits }, INT64_MAX, &v))
		return false;
	for (const struct unit *u = units; u->sign != NULL; u++)
		if (span_is_nocase((struct span){ text.p + digits, text.n - digits }, u->sign)) {
			*out = (int64_t)v * (v <= (uint64_t)(INT64_MAX / u->factor) ? u->factor : 0);
			return v <= (uint64_t)(INT64_MAX / u->factor);
		}
	return digits == text.n && v == 0;
}

bool config_size(struct span text, uint64_t *bytes)
{
	int64_t v;
	bool good = parse_with_unit(sizes, text, &v);

	*bytes = (uint64_t)v;
	return good;
}

bool config_value_number(enum config_type type, struct span text, int64_t *out)
{
	switch (type) {
	case CONFIG_TYPE_BOOL:
		return parse_bool(text, out);
	case CONFIG_TYPE_NUMBER:
		return parse_number(text, out);
	case CONFIG_TYPE_SIZE:
		return parse_with_unit(sizes, text, out);
	case CONFIG_TYPE_TIME:
		return parse_with_unit(times, text, out);
	default:
		return false;
	}
}

static bool is_number(const struct config_row *row)
{
	return row->type == CONFIG_TYPE_BOOL || row->type == CONFIG_TYPE_NUMBER ||
	       row->type == CONFIG_TYPE_SIZE || row->type == CONFIG_TYPE_TIME;
}

static bool in_range(const struct config_row *row, int64_t v)
{
	int64_t bound;

	if (config_value_number(row->type, span_of(row->least), &bound) && v < bound)
		return false;
	return !config_value_number(row->type, span_of(row->most), &bound) || v <= bound;
}

/* The row's own spelling of a word; it lends from the row. */
static struct span find_word(const struct config_row *row, struct span text)
{
	struct span words = span_of(row->most);

	while (words.n > 0) {
		struct span word = span_take_until(&words, ' ');

		if (span_equal_nocase(word, text))
			return word;
	}
	return (struct span){ NULL, 0 };
}

static void put_words(const struct config_row *row, struct buf *out)
{
	struct span words = span_of(row->most);
	const char *between = "";

	while (words.n > 0) {
		buf_put_text(out, between);
		buf_put(out, span_take_until(&words, ' '));
		between = span_find(words, ' ') < 0 ? " or " : ", ";
	}
}

static void put_range(const struct config_row *row, const char *what, const char *notation, struct buf *out)
{
	buf_printf(out, "%s", what);
	if (*row->least != '\0')
		buf_printf(out, " from %s", row->least);
	if (*row->most != '\0')
		buf_printf(out, " to %s", row->most);
	buf_printf(out, " (%s)", notation);
}

void config_write_allowed(const struct config_row *row, struct buf *out)
{
	switch (row->type) {
	case CONFIG_TYPE_BOOL:
		buf_put_text(out, "yes or no (or 1, 0)");
		break;
	case CONFIG_TYPE_NUMBER:
		put_range(row, "a number", "decimal or 0x", out);
		break;
	case CONFIG_TYPE_SIZE:
		put_range(row, "a size", "bytes, or with k, M, G, T", out);
		break;
	case CONFIG_TYPE_TIME:
		put_range(row, "a time", "with s, m, h or d", out);
		break;
	case CONFIG_TYPE_WORD:
		put_words(row, out);
		break;
	case CONFIG_TYPE_TEXT:
		buf_put_text(out, "a text");
		break;
	case CONFIG_TYPE_FILE:
		buf_put_text(out, "a path, relative to the folder of this file");
		break;
	case CONFIG_TYPE_NETWORKS:
		buf_put_text(out, "ADDRESS or ADDRESS/BITS, several with spaces between");
		break;
	case CONFIG_TYPE_LISTEN:
		buf_put_text(out, "ADDRESS:PORT implicit|explicit|plain [mx|submission|lmtp]");
		break;
	}
}

static int refuse(const struct config_row *row, struct span text, struct error *err)
{
	char shown[80];
	struct buf allowed;

	buf_init(&allowed, 400);
	config_write_allowed(row, &allowed);
	error_set(err, -EINVAL, "%s must be %.*s, not \"%s\"", row->name, (int)allowed.n,
		  (const char *)allowed.p, escape_text(shown, sizeof(shown), text));
	buf_clear(&allowed);
	return -EINVAL;
}

static int keep_text(struct config_value *v, struct arena *a, struct span text, struct error *err)
{
	v->text = arena_text(a, text);
	return v->text != NULL ? 0 : error_set(err, -ENOMEM, "no memory for the configuration");
}

int config_value_parse(struct config_value *v, struct arena *a, const struct config_row *row,
		       struct span text, struct error *err)
{
	if (is_number(row)) {
		if (!config_value_number(row->type, text, &v->number) || !in_range(row, v->number))
			return refuse(row, text, err);
	} else if (row->type == CONFIG_TYPE_WORD) {
		struct span word = find_word(row, text);

		if (word.n == 0)
			return refuse(row, text, err);
		text = word;
	} else if (row->type == CONFIG_TYPE_NETWORKS) {
		int rc = config_networks_parse(v, a, text, err);

		if (rc != 0)
			return rc == -EINVAL ? error_context(err, "%s", row->name) : rc;
	} else if (text.n == 0 && (row->flags & CONFIG_REPEAT) != 0) {
		return refuse(row, text, err);
	}
	return keep_text(v, a, text, err);
}
