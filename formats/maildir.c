/* maildir.c - the contract is in maildir.h. */
#include "formats/maildir.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/base/utf7.h"
#include "common/base/utf8.h"

/* --- files ------------------------------------------------------------------ */

static const char letters[] = "DFPRST"; /* in the order of enum maildir_flag */

/* Flags behind ":2,"; unknown letters are somebody else's. */
static void flags_read(struct span in, struct maildir_name *out)
{
	for (size_t i = 0; i < in.n; i++) {
		const char *at = in.p[i] != '\0' ? strchr(letters, in.p[i]) : NULL;

		if (at != NULL)
			out->flags |= 1u << (at - letters);
		else if (in.p[i] >= 'a' && in.p[i] <= 'z')
			out->keywords |= 1u << (in.p[i] - 'a');
	}
}

/* "1795261278.M20P3.host": when, by whom, where. */
static int64_t time_read(struct span unique)
{
	uint64_t time_s;

	return span_number(span_take_until(&unique, '.'), UINT32_MAX, &time_s) ? (int64_t)time_s : 0;
}

bool maildir_name_read(struct span file, struct maildir_name *out)
{
	struct span rest = file, words;

	*out = (struct maildir_name){ .unique = span_take_until(&rest, ':') };
	if (out->unique.n == 0 || out->unique.p[0] == '.')
		return false;
	out->time_s = time_read(out->unique);
	words = out->unique;
	span_take_until(&words, ',');
	while (words.n > 0) {
		struct span word = span_take_until(&words, ',');

		if (span_starts(word, "S=") && !span_number((struct span){ word.p + 2, word.n - 2 }, INT64_MAX, &out->size))
			out->size = 0;
	}
	if (span_starts(rest, "2,"))
		flags_read((struct span){ rest.p + 2, rest.n - 2 }, out);
	return true;
}

void maildir_flags_write(struct buf *out, unsigned flags, uint32_t keywords)
{
	buf_put_text(out, ":2,");
	for (size_t i = 0; letters[i] != '\0'; i++)
		if (flags & 1u << i)
			buf_put_byte(out, (uint8_t)letters[i]);
	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++)
		if (keywords & (uint32_t)1 << i)
			buf_put_byte(out, (uint8_t)('a' + i));
}

void maildir_keywords_read(struct span text, struct span words[MAILDIR_KEYWORDS])
{
	for (size_t i = 0; i < MAILDIR_KEYWORDS; i++)
		words[i] = (struct span){ NULL, 0 };
	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n');
		uint64_t number;

		if (span_number(span_take_until(&line, ' '), MAILDIR_KEYWORDS - 1, &number))
			words[number] = span_trim(line);
	}
}

void maildir_keywords_write(struct buf *out, const struct span *words, size_t count)
{
	for (size_t i = 0; i < count && i < MAILDIR_KEYWORDS; i++) {
		buf_printf(out, "%zu ", i);
		buf_put(out, words[i]);
		buf_put_byte(out, '\n');
	}
}

/* --- names of mailboxes ------------------------------------------------------ */

enum { NAME_BYTES = 4096 };

/* "\2e" and its like: what can't stand in a level as it is. */
static bool escape_read(struct span *in, struct buf *out)
{
	int high = in->n > 2 ? ascii_hex(in->p[1]) : -1, low = in->n > 2 ? ascii_hex(in->p[2]) : -1;
	uint8_t c = high < 0 || low < 0 ? 0 : (uint8_t)(high * 16 + low);

	if (c != '.' && c != '\\')
		return false;
	buf_put_byte(out, c);
	span_take(in, 3);
	return true;
}

/* One level: decoded where it is modified UTF-7, else as it stands, if that is UTF-8. */
static bool level_read(struct span level, struct buf *out)
{
	struct buf plain, name;
	struct span in;
	bool good;

	buf_init(&plain, NAME_BYTES);
	buf_init(&name, NAME_BYTES);
	good = utf7_decode(level, &name);
	if (!good) {
		buf_reset(&name);
		buf_put(&name, level);
		good = utf8_valid(level) && !name.failed;
	}
	in = buf_span(&name);
	while (in.n > 0 && good)
		if (in.p[0] != '\\' || !escape_read(&in, &plain)) {
			good = !ascii_control(in.p[0]) && in.p[0] != '/';
			buf_put(&plain, span_take(&in, 1));
		}
	good = good && level.n > 0 && !plain.failed && !span_is(buf_span(&plain), ".") && !span_is(buf_span(&plain), "..");
	if (good)
		buf_put(out, buf_span(&plain));
	buf_clear(&plain);
	buf_clear(&name);
	return good && !out->failed;
}

/* Levels with a separator between them. */
static bool levels_read(struct span name, uint8_t separator, struct buf *out)
{
	size_t start = out->n;

	if (name.n == 0 || name.p[name.n - 1] == separator)
		return false;
	while (name.n > 0) {
		if (out->n > start)
			buf_put_byte(out, '/');
		if (!level_read(span_take_until(&name, separator), out)) {
			out->n = start;
			return false;
		}
	}
	return true;
}

bool maildir_folder_read(struct span folder, struct buf *mailbox)
{
	if (folder.n < 2 || folder.p[0] != '.' || folder.p[1] == '.')
		return false;
	span_take(&folder, 1);
	return levels_read(folder, '.', mailbox);
}

bool maildir_level_read(struct span folder, struct buf *mailbox)
{
	if (mailbox->n > 0)
		buf_put_byte(mailbox, '/');
	return level_read(folder, mailbox);
}

static void level_write(struct buf *out, struct span level)
{
	struct buf name;

	buf_init(&name, NAME_BYTES);
	for (size_t i = 0; i < level.n; i++) {
		if (level.p[i] == '.' || level.p[i] == '\\')
			buf_printf(&name, "\\%02x", level.p[i]);
		else
			buf_put_byte(&name, level.p[i]);
	}
	if (name.failed)
		out->failed = true;
	utf7_encode(buf_span(&name), out);
	buf_clear(&name);
}

void maildir_folder_write(struct buf *out, struct span mailbox)
{
	while (mailbox.n > 0) {
		buf_put_byte(out, '.');
		level_write(out, span_take_until(&mailbox, '/'));
	}
}

/* --- subscriptions ------------------------------------------------------------- */

static const char subscribed_title[] = "V\t2\n\n";

bool maildir_subscribed_next(struct span *text, unsigned *version, struct buf *mailbox)
{
	if (*version == 0) {
		*version = span_starts(*text, subscribed_title) ? 2 : 1;
		if (*version == 2)
			span_take(text, sizeof(subscribed_title) - 1);
	}
	while (text->n > 0) {
		struct span line = span_take_until(text, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (levels_read(line, *version == 2 ? '\t' : span_find(line, '/') >= 0 ? '/' : '.', mailbox))
			return true;
	}
	return false;
}

void maildir_subscribed_begin(struct buf *out)
{
	buf_put_text(out, subscribed_title);
}

void maildir_subscribed_write(struct buf *out, struct span mailbox)
{
	for (bool first = true; mailbox.n > 0; first = false) {
		if (!first)
			buf_put_byte(out, '\t');
		level_write(out, span_take_until(&mailbox, '/'));
	}
	buf_put_byte(out, '\n');
}
