/* keys.c - the contract is in keys.h. */
#include "dkim/keys.h"

#include <errno.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/escape.h"

enum { DAY_S = 86400, TIME_TEXT = 20 };	/* "2026-11-22T10:00:00Z" */

static const char *const algorithms[] = { [DKIM_RSA_SHA256] = "rsa", [DKIM_ED25519_SHA256] = "ed25519" };
static const char *const states[] = { [DKIM_ACTIVE] = "active", [DKIM_NEXT] = "next", [DKIM_OLD] = "old" };

/* --- times ----------------------------------------------------------------- */

/* A number of n digits off the front of *in, and the byte behind it. */
static bool take_number(struct span *in, size_t n, uint8_t behind, uint64_t *out)
{
	struct span digits = span_take(in, n), end = span_take(in, 1);

	return digits.n == n && end.n == 1 && *end.p == behind && span_number(digits, 9999, out);
}

static bool read_time(struct span in, int64_t *out)
{
	uint64_t year, month, day, hour, minute, second;

	if (in.n != TIME_TEXT || !take_number(&in, 4, '-', &year) || !take_number(&in, 2, '-', &month) ||
	    !take_number(&in, 2, 'T', &day) || !take_number(&in, 2, ':', &hour) ||
	    !take_number(&in, 2, ':', &minute) || !take_number(&in, 2, 'Z', &second))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return false;
	*out = clock_days((int64_t)year, (unsigned)month, (unsigned)day) * DAY_S + (int64_t)(hour * 3600 + minute * 60 + second);
	return true;
}

/* The inverse of clock_days, by looking: a file has a few lines. */
static void write_time(int64_t at_s, struct buf *out)
{
	int64_t days = at_s > 0 ? at_s / DAY_S : 0, second = at_s > 0 ? at_s % DAY_S : 0, year = 1970 + days / 366;
	unsigned month = 12;

	while (clock_days(year + 1, 1, 1) <= days)
		year++;
	while (clock_days(year, month, 1) > days)
		month--;
	buf_printf(out, "%04lld-%02u-%02lldT%02lld:%02lld:%02lldZ", (long long)year, month,
		   (long long)(days - clock_days(year, month, 1) + 1), (long long)(second / 3600),
		   (long long)(second / 60 % 60), (long long)(second % 60));
}

/* --- lines ----------------------------------------------------------------- */

bool dkim_selector_is_good(struct span name)
{
	if (name.n == 0 || name.n >= DKIM_SELECTOR_MAX || !ascii_alnum(name.p[0]) || !ascii_alnum(name.p[name.n - 1]))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_alnum(name.p[i]) && name.p[i] != '-' && name.p[i] != '_' &&
		    (name.p[i] != '.' || name.p[i + 1] == '.'))
			return false;
	return true;
}

static bool find_word(const char *const *words, unsigned count, struct span word, unsigned *out)
{
	for (*out = 0; *out < count; (*out)++)
		if (span_is(word, words[*out]))
			return true;
	return false;
}

/* The next word of a line, spaces around it dropped. */
static struct span take_word(struct span *line)
{
	*line = span_trim(*line);
	return span_take_until(line, ' ');
}

static const char *read_entry(struct span line, struct dkim_entry *e)
{
	struct span selector = take_word(&line), algorithm = take_word(&line), state = take_word(&line);
	unsigned which;

	*e = (struct dkim_entry){ .created_s = 0 };
	if (!dkim_selector_is_good(selector))
		return "a selector has letters, digits, - and .";
	memcpy(e->selector, selector.p, selector.n);
	if (!find_word(algorithms, sizeof(algorithms) / sizeof(algorithms[0]), algorithm, &which))
		return "behind the selector stands rsa or ed25519";
	e->algorithm = which;
	if (!find_word(states, sizeof(states) / sizeof(states[0]), state, &which))
		return "behind the algorithm stands active, next or old";
	e->state = which;
	if (!read_time(span_trim(line), &e->created_s))
		return "a line ends with a time like 2026-11-22T10:00:00Z";
	return NULL;
}

static bool is_known(const struct dkim_entry *entries, size_t count, const char *selector)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(entries[i].selector, selector) == 0)
			return true;
	return false;
}

int dkim_keys_read(struct span text, struct dkim_entry entries[DKIM_KEYS], size_t *count, struct error *err)
{
	const char *wrong = NULL;

	*count = 0;
	for (unsigned number = 1; text.n > 0; number++) {
		struct span line = span_trim(span_take_until(&text, '\n'));
		struct dkim_entry e;
		char shown[80];

		if (line.n == 0 || line.p[0] == '#')
			continue;
		wrong = read_entry(line, &e);
		if (wrong == NULL && is_known(entries, *count, e.selector))
			wrong = "the selector is there twice";
		if (wrong == NULL && *count == DKIM_KEYS)
			wrong = "too many keys";
		if (wrong != NULL)
			return error_set(err, -EINVAL, "line %u: %s: %s", number, escape_text(shown, sizeof(shown), line), wrong);
		entries[(*count)++] = e;
	}
	return 0;
}

void dkim_keys_write(const struct dkim_entry *entries, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "%s %s %s ", entries[i].selector, algorithms[entries[i].algorithm], states[entries[i].state]);
		write_time(entries[i].created_s, out);
		buf_put_byte(out, '\n');
	}
}
