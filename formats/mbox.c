/* mbox.c - the contract is in mbox.h. */
#include "formats/mbox.h"

#include "common/base/ascii.h"
#include "common/base/clock.h"

/* --- "From " lines ------------------------------------------------------------- */

/* "20:41:18" or "20:41"; seconds of the day. */
static bool clock_read(struct span word, int64_t *seconds)
{
	uint64_t h, m, s = 0;
	bool good = span_number(span_take_until(&word, ':'), 23, &h) && span_number(span_take_until(&word, ':'), 59, &m) &&
		    (word.n == 0 || span_number(word, 60, &s));

	*seconds = good ? (int64_t)(h * 3600 + m * 60 + s) : 0;
	return good;
}

/* "+0900"; seconds east. */
static bool zone_read(struct span word, int64_t *seconds)
{
	uint64_t n;

	if (word.n != 5 || (word.p[0] != '+' && word.p[0] != '-') ||
	    !span_number((struct span){ word.p + 1, 4 }, 2359, &n))
		return false;
	*seconds = (int64_t)(n / 100 * 3600 + n % 100 * 60) * (word.p[0] == '-' ? -1 : 1);
	return true;
}

static struct span word_take(struct span *in)
{
	*in = span_trim(*in);
	return span_take_until(in, ' ');
}

/* "Nov 21 20:41:18 2026", a zone before or behind the year. */
static bool date_read(struct span in, int64_t *time_s)
{
	unsigned month = clock_month(word_take(&in));
	uint64_t day, year = 0;
	int64_t clock_s, east_s = 0;

	if (month == 0 || !span_number(word_take(&in), 31, &day) || day == 0 || !clock_read(word_take(&in), &clock_s))
		return false;
	for (int i = 0; i < 3 && in.n > 0; i++) {
		struct span word = word_take(&in);

		if (year == 0 && word.n == 4 && span_number(word, 9999, &year))
			continue;
		if (!zone_read(word, &east_s) && (word.n == 0 || !ascii_alpha(word.p[0])))
			break;
	}
	if (year < 1970)
		return false;
	*time_s = clock_days((int64_t)year, month, (unsigned)day) * 86400 + clock_s - east_s;
	return true;
}

static bool is_weekday(struct span word)
{
	static const char *const names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is(word, names[i]))
			return true;
	return false;
}

/* The sender may hold anything: the date is what stands behind the first day of the week. */
bool mbox_from_read(struct span line, int64_t *time_s)
{
	*time_s = 0;
	if (!span_starts(line, "From "))
		return false;
	span_take(&line, 5);
	while (line.n > 0)
		if (is_weekday(span_take_until(&line, ' ')) && date_read(line, time_s))
			return true;
	*time_s = 0;
	return false;
}

/* --- one behind the other ------------------------------------------------------- */

static struct span line_take(struct span *in)
{
	struct span line = span_take_until(in, '\n');

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

struct span mbox_skip(struct span *in)
{
	struct span skipped = { in->p, 0 };
	bool blank = true;
	int64_t time_s;

	while (in->n > 0) {
		struct span rest = *in, line = line_take(&rest);

		if ((blank && mbox_from_read(line, &time_s)) || (skipped.n == 0 && span_starts(line, "From ")))
			break;
		blank = line.n == 0;
		skipped.n += in->n - rest.n;
		*in = rest;
	}
	return skipped;
}

bool mbox_next(struct span *in, struct mbox_item *item)
{
	size_t blank = 0; /* bytes of the empty line that was just read */
	int64_t time_s;

	if (in->n == 0)
		return false;
	item->from = line_take(in);
	mbox_from_read(item->from, &item->time_s);
	item->bytes = (struct span){ in->p, 0 };
	while (in->n > 0) {
		struct span rest = *in, line = line_take(&rest);
		bool first = item->bytes.n == 0;

		if ((blank > 0 || first) && mbox_from_read(line, &time_s))
			break;
		blank = line.n == 0 ? in->n - rest.n : 0;
		item->bytes.n += in->n - rest.n;
		*in = rest;
	}
	item->bytes.n -= blank;
	return true;
}

/* --- the words about a message ---------------------------------------------------- */

struct letter {
	char letter;
	unsigned flag;
};
static const struct letter status_letters[] = { { 'R', MBOX_SEEN }, { 'O', MBOX_OLD }, { '\0', 0 } };
static const struct letter x_status_letters[] = {
	{ 'A', MBOX_ANSWERED }, { 'F', MBOX_FLAGGED }, { 'T', MBOX_DRAFT }, { 'D', MBOX_DELETED }, { '\0', 0 }
};

static void letters_read(struct span value, const struct letter *letters, struct mbox_words *w)
{
	for (; letters->letter != '\0'; letters++)
		if (span_find(value, (uint8_t)letters->letter) >= 0)
			w->flags |= letters->flag;
}

static void read_status(struct span value, struct mbox_words *w)
{
	letters_read(value, status_letters, w);
}

static void read_x_status(struct span value, struct mbox_words *w)
{
	letters_read(value, x_status_letters, w);
}

static void read_keywords(struct span value, struct mbox_words *w)
{
	w->keywords = value;
}

static void read_uid(struct span value, struct mbox_words *w)
{
	uint64_t uid;

	if (span_number(value, UINT32_MAX - 1, &uid))
		w->uid = (uint32_t)uid;
}

/* "UIDVALIDITY LAST-UID KEYWORD..." */
static void read_base(struct span value, struct mbox_words *w)
{
	uint64_t uidvalidity, last;

	if (!span_number(word_take(&value), UINT32_MAX, &uidvalidity) || !span_number(word_take(&value), UINT32_MAX, &last))
		return;
	w->uidvalidity = (uint32_t)uidvalidity;
	w->uid_last = (uint32_t)last;
}

static const struct {
	const char *name;
	void (*read)(struct span value, struct mbox_words *w);
} fields[] = {
	{ "X-IMAP", read_base },       { "X-IMAPbase", read_base },       { "X-UID", read_uid },
	{ "Status", read_status },     { "X-Status", read_x_status },     { "X-Keywords", read_keywords },
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]), OURS_FIRST = 2 };

/* Which of them a line is, or FIELDS. */
static size_t field_of(struct span line, struct span *value)
{
	struct span name = span_take_until(&line, ':');

	*value = span_trim(line);
	for (size_t i = 0; i < FIELDS; i++)
		if (span_is_nocase(span_trim(name), fields[i].name))
			return i;
	return FIELDS;
}

/* The block that mbox_write makes: X-IMAP perhaps, then the other four. True: it was taken off *in. */
static bool take_ours(struct span *in, struct mbox_words *w)
{
	struct span rest = *in, value, line = line_take(&rest);
	struct mbox_words found = { .flags = 0 };

	if (field_of(line, &value) == 0) {
		read_base(value, &found);
		line = line_take(&rest);
	}
	for (size_t i = OURS_FIRST; i < FIELDS; i++) {
		if (field_of(line, &value) != i)
			return false;
		fields[i].read(value, &found);
		*in = rest;
		line = line_take(&rest);
	}
	*w = found;
	return true;
}

/* --- a message ------------------------------------------------------------------------ */

static bool is_quoted(struct span line, enum mbox_quoting quoting)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return n > 0 && (quoting == MBOX_RD || n == 1) && span_starts((struct span){ line.p + n, line.n - n }, "From ");
}

/* The header but for the mailbox's own fields. */
static void copy_header(struct span *in, enum mbox_quoting quoting, struct mbox_words *w, struct buf *out)
{
	bool dropping = false;

	while (in->n > 0) {
		struct span rest = *in, line = line_take(&rest), value;
		struct span whole = { in->p, in->n - rest.n };
		bool folded = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

		if (line.n == 0)
			return;
		if (!folded) {
			size_t which = field_of(line, &value);

			dropping = which < FIELDS;
			if (dropping)
				fields[which].read(value, w);
		}
		if (!dropping)
			buf_put(out, is_quoted(line, quoting) ? (struct span){ whole.p + 1, whole.n - 1 } : whole);
		*in = rest;
	}
}

bool mbox_read(struct span bytes, enum mbox_quoting quoting, struct mbox_words *words, struct buf *out)
{
	*words = (struct mbox_words){ .flags = 0 };
	if (!take_ours(&bytes, words))
		copy_header(&bytes, quoting, words, out);
	while (bytes.n > 0) {
		struct span rest = bytes, line = line_take(&rest);
		struct span whole = { bytes.p, bytes.n - rest.n };

		buf_put(out, is_quoted(line, quoting) ? (struct span){ whole.p + 1, whole.n - 1 } : whole);
		bytes = rest;
	}
	return !out->failed;
}

static void write_letters(struct buf *out, const char *name, const struct letter *letters, unsigned flags)
{
	buf_printf(out, "%s: ", name);
	for (; letters->letter != '\0'; letters++)
		if (flags & letters->flag)
			buf_put_byte(out, (uint8_t)letters->letter);
	buf_put_byte(out, '\n');
}

static void write_words(struct buf *out, const struct mbox_words *w)
{
	if (w->uidvalidity != 0)
		buf_printf(out, "X-IMAP: %010u %010u\n", w->uidvalidity, w->uid_last);
	buf_printf(out, "X-UID: %u\n", w->uid);
	write_letters(out, "Status", status_letters, w->flags);
	write_letters(out, "X-Status", x_status_letters, w->flags);
	buf_put_text(out, "X-Keywords: ");
	buf_put(out, w->keywords);
	buf_put_byte(out, '\n');
}

/* "From MAILER-DAEMON Sat Nov 21 11:41:18 2026", UTC: the envelope's sender is not kept. */
static void write_from(struct buf *out, int64_t time_s)
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char text[CLOCK_TEXT]; /* "2026-11-21T11:41:18Z" */
	uint64_t month, day;

	if (time_s < 0 || time_s >= clock_days(10000, 1, 1) * 86400)
		time_s = 0;
	clock_utc_text(text, time_s);
	span_number((struct span){ (const uint8_t *)text + 5, 2 }, 12, &month);
	span_number((struct span){ (const uint8_t *)text + 8, 2 }, 31, &day);
	buf_printf(out, "From MAILER-DAEMON %s %s %2u %.8s %.4s\n", days[time_s / 86400 % 7], months[month - 1], (unsigned)day,
		   text + 11, text);
}

void mbox_write(struct buf *out, struct span message, int64_t time_s, const struct mbox_words *words)
{
	write_from(out, time_s);
	write_words(out, words);
	while (message.n > 0) {
		struct span line = line_take(&message);

		if (span_starts(line, "From ") || is_quoted(line, MBOX_RD))
			buf_put_byte(out, '>');
		buf_put(out, line);
		buf_put_byte(out, '\n');
	}
	buf_put_byte(out, '\n');
}
