/* report_text.c - a report's part for a person: what happened, where, what to do. */
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "deliverd/report_inside.h"

enum { COLUMNS = 76, INDENT = 4 };

/* --- lines ----------------------------------------------------------------- */

/* Words on lines that begin at indent; no line of the result is longer than COLUMNS, but for words that are. */
static void put_wrapped(struct buf *out, struct span text, size_t indent, bool keep)
{
	size_t column = indent;

	while (text.n > 0) {
		struct span word = span_take_until(&text, ' ');

		if (word.n == 0)
			continue;
		if (column > indent && column + 1 + word.n > COLUMNS) {
			buf_printf(out, "\r\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			buf_put_byte(out, ' ');
			column++;
		}
		for (size_t i = 0; i < word.n; i++)
			buf_put_byte(out, ascii_control(word.p[i]) || (word.p[i] > 126 && !keep) ? '?' : word.p[i]);
		column += word.n;
	}
	buf_put_text(out, "\r\n");
}

static void put_paragraph(struct buf *out, const char *text)
{
	put_wrapped(out, span_of(text), 0, false);
	buf_put_text(out, "\r\n");
}

/* "    Where          mx.example.org": the names stand in a column. */
static void put_row(struct buf *out, const char *name, struct span value, bool keep)
{
	buf_printf(out, "%*s%-15s", INDENT, "", name);
	put_wrapped(out, value, INDENT + 15, keep && utf8_valid(value));
}

static void put_time_row(struct buf *out, const char *name, int64_t at_s)
{
	char text[CLOCK_TEXT];

	clock_mail_text(text, at_s);
	put_row(out, name, span_of(text), false);
}

/* --- what happened --------------------------------------------------------- */

static size_t count_kind(const struct report *r, enum report_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < r->count; i++)
		count += r->recipients[i].kind == kind;
	return count;
}

static void span_time(char out[40], int64_t s)
{
	if (s >= 2 * 86400)
		snprintf(out, 40, "%lld days", (long long)(s / 86400));
	else if (s >= 2 * 3600)
		snprintf(out, 40, "%lld hours", (long long)(s / 3600));
	else
		snprintf(out, 40, "%lld minutes", (long long)(s / 60));
}

static void put_failed(const struct report *r, struct buf *out)
{
	char text[300];
	size_t count = count_kind(r, REPORT_FAILURE);

	snprintf(text, sizeof(text), "This is the mail server %s. Your message could not be delivered to %s, and it is not tried "
		 "again.", r->hostname, count == 1 ? "the recipient below" : "the recipients below");
	put_paragraph(out, text);
}

static void put_delayed(const struct report *r, struct buf *out)
{
	char text[400], waited[40], lifetime[40];

	span_time(waited, r->now_s > r->arrived_s ? r->now_s - r->arrived_s : 0);
	span_time(lifetime, r->lifetime_s);
	snprintf(text, sizeof(text), "This is the mail server %s. Your message has been waiting for %s, because it could not be handed "
		 "on yet. You need not do anything: it is tried again and again, for %s in all, and you are told if it "
		 "comes to nothing. Please do not send it again.", r->hostname, waited, lifetime);
	put_paragraph(out, text);
}

static void put_done(const struct report *r, struct buf *out)
{
	char text[300];

	snprintf(text, sizeof(text), "This is the mail server %s. You asked to be told when your message arrives.", r->hostname);
	put_paragraph(out, text);
}

/* --- one recipient --------------------------------------------------------- */

static const char *title_of(const struct report_recipient *to)
{
	static const char *const titles[] = { [REPORT_FAILURE] = "Not delivered",
					      [REPORT_DELAY] = "Still waiting",
					      [REPORT_SUCCESS] = "Delivered" };

	return to->kind == REPORT_SUCCESS && to->relayed ? "Handed on" : titles[to->kind];
}

/* "anna@our.example (goes to anna@elsewhere.example)" */
static void put_who(const struct report_recipient *to, bool global, struct buf *out)
{
	struct buf who;

	buf_init(&who, 2048);
	if (to->original.n > 0 && !span_equal(to->original, to->address)) {
		buf_put(&who, to->original);
		buf_put_text(&who, " (goes to ");
		buf_put(&who, to->address);
		buf_put_byte(&who, ')');
	} else {
		buf_put(&who, to->address);
	}
	put_row(out, title_of(to), buf_span(&who), global);
	buf_clear(&who);
}

static void put_one(const struct report_recipient *to, bool global, struct buf *out)
{
	put_who(to, global, out);
	if (to->kind == REPORT_SUCCESS) {
		if (to->relayed)
			put_row(out, "What it means", span_of("The next server has it, and it does not tell what happens from there on."), false);
	} else {
		put_row(out, "What it means", span_of(report_advice(to->status, to->words)), false);
	}
	if (to->words.n > 0)
		put_row(out, to->kind == REPORT_SUCCESS ? "The reply" : "The reason", to->words, false);
	if (to->host.n > 0)
		put_row(out, "Where", to->host, false);
	if (to->last_try_s > 0)
		put_time_row(out, to->kind == REPORT_SUCCESS ? "When" : "Last tried", to->last_try_s);
	if (to->kind == REPORT_DELAY && to->retry_until_s > 0)
		put_time_row(out, "Tried until", to->retry_until_s);
	buf_put_text(out, "\r\n");
}

static void put_kind(const struct report *r, enum report_kind kind, struct buf *out)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->recipients[i].kind == kind)
			put_one(&r->recipients[i], report_is_global(r), out);
}

void report_put_text(const struct report *r, struct buf *out)
{
	static const struct {
		enum report_kind kind;
		void (*head)(const struct report *r, struct buf *out);
	} parts[] = { { REPORT_FAILURE, put_failed }, { REPORT_DELAY, put_delayed }, { REPORT_SUCCESS, put_done } };
	char text[200];

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (count_kind(r, parts[i].kind) > 0) {
			parts[i].head(r, out);
			put_kind(r, parts[i].kind, out);
		}
	snprintf(text, sizeof(text), "If you ask your administrator for help, name the message %s. %s comes behind this text.",
		 r->about->id, r->whole ? "Your message" : "Its header");
	put_paragraph(out, text);
}
