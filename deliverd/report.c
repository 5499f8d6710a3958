/* report.c - the contract is in report.h: the message, and its part for machines. */
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "deliverd/report_inside.h"
#include "mime/header.h"

enum { LINE_COLUMNS = 76, VALUE_MAX = 900, SUBJECT_MAX = 400, ENCODED_BYTES = 45 };

/* --- who is told ----------------------------------------------------------- */

bool report_wanted(const struct store_remote *to, struct span sender, unsigned flags, enum report_kind kind)
{
	static const unsigned bits[] = { [REPORT_FAILURE] = STORE_NOTIFY_FAILURE,
					 [REPORT_DELAY] = STORE_NOTIFY_DELAY,
					 [REPORT_SUCCESS] = STORE_NOTIFY_SUCCESS };

	if (sender.n == 0 || (flags & STORE_MAIL_REPORT) != 0)
		return false;	/* RFC 5321 6.1: never to <>, so that reports end */
	if (to->notify == 0)
		return kind != REPORT_SUCCESS;
	return (to->notify & STORE_NOTIFY_NEVER) == 0 && (to->notify & bits[kind]) != 0;
}

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] > 126)
			return false;
	return true;
}

bool report_is_global(const struct report *r)
{
	bool ascii = (r->about->flags & STORE_MAIL_UTF8) == 0 && is_ascii(r->to);

	for (size_t i = 0; i < r->count; i++)
		ascii = ascii && is_ascii(r->recipients[i].address) && is_ascii(r->recipients[i].original);
	return !ascii;
}

enum report_kind report_main_kind(const struct report *r)
{
	enum report_kind kind = REPORT_SUCCESS;

	for (size_t i = 0; i < r->count; i++)
		if (r->recipients[i].kind < kind)
			kind = r->recipients[i].kind;
	return kind;
}

/* --- fields ---------------------------------------------------------------- */

static void put_clean(struct buf *out, struct span word, bool keep)
{
	for (size_t i = 0; i < word.n; i++) {
		uint8_t c = word.p[i];

		buf_put_byte(out, ascii_control(c) || (c > 126 && !keep) ? '?' : c);
	}
}

/* Takes what stands before the next SP or HTAB, and that. */
static struct span take_word(struct span *in)
{
	size_t n = 0;
	struct span word;

	while (n < in->n && in->p[n] != ' ' && in->p[n] != '\t')
		n++;
	word = span_take(in, n);
	span_take(in, 1);
	return word;
}

void report_put_field(struct buf *out, const char *name, struct span value, bool global)
{
	size_t column = strlen(name) + 1;
	bool keep;

	if (value.n > VALUE_MAX)
		value.n = VALUE_MAX;
	keep = global && utf8_valid(value);
	buf_printf(out, "%s:", name);
	while (value.n > 0) {
		struct span word = take_word(&value);

		if (word.n == 0)
			continue;
		if (column + 1 + word.n > LINE_COLUMNS && column > strlen(name) + 1) {
			buf_put_text(out, "\r\n");
			column = 0;
		}
		buf_put_byte(out, ' ');
		put_clean(out, word, keep);
		column += 1 + word.n;
	}
	buf_put_text(out, "\r\n");
}

static void put_text_field(struct buf *out, const char *name, const char *value)
{
	report_put_field(out, name, span_of(value), false);
}

static void put_time(struct buf *out, const char *name, int64_t at_s)
{
	char text[CLOCK_TEXT];

	clock_mail_text(text, at_s);
	put_text_field(out, name, text);
}

/* RFC 3461 4: xtext, undone. */
static void put_xtext(struct buf *out, struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		int high = -1, low = -1;

		if (in.p[i] == '+' && i + 2 < in.n) {
			high = ascii_hex(in.p[i + 1]);
			low = ascii_hex(in.p[i + 2]);
		}
		if (high < 0 || low < 0) {
			buf_put_byte(out, in.p[i]);
			continue;
		}
		buf_put_byte(out, (uint8_t)(high * 16 + low));
		i += 2;
	}
}

/* --- the header ------------------------------------------------------------ */

/* What the original's field says, on one line; empty if it has none. */
static void original_field(struct span header, const char *name, struct buf *out)
{
	struct mime_header_field field;

	buf_init(out, 64 << 10);
	if (mime_header_find(header, name, &field))
		mime_header_unfold(field.value, out);
}

/* RFC 2047 5: words of 45 bytes at most, none cut inside of a character. */
static void put_encoded(struct buf *out, struct span text)
{
	while (text.n > 0) {
		size_t n = text.n < ENCODED_BYTES ? text.n : ENCODED_BYTES;

		while (n < text.n && n > 1 && (text.p[n] & 0xc0) == 0x80)
			n--;
		buf_put_text(out, "=?utf-8?B?");
		base64_encode(out, span_take(&text, n));
		buf_put_text(out, text.n > 0 ? "?= " : "?=");
	}
}

/* Raw UTF-8 would need SMTPUTF8 on the way back: it is for senders whose own address needs that. */
static void put_original_subject(const struct report *r, struct span original, struct buf *out)
{
	if (original.n == 0)
		buf_put_text(out, "your message");
	else if (is_ascii(original) || !is_ascii(r->to) || !utf8_valid(original))
		buf_put(out, original);
	else
		put_encoded(out, original);
}

/* The original's behind ours; a long one is cut at a space, so that no encoded word is. */
static void put_subject(const struct report *r, struct span header, struct buf *out)
{
	static const char *const kinds[] = { [REPORT_FAILURE] = "Not delivered: ",
					     [REPORT_DELAY] = "Delayed, still trying: ",
					     [REPORT_SUCCESS] = "Delivered: " };
	struct buf original, all;

	original_field(header, "Subject", &original);
	buf_init(&all, 3 * SUBJECT_MAX);
	buf_put_text(&all, kinds[report_main_kind(r)]);
	if (original.n > SUBJECT_MAX) {
		original.n = SUBJECT_MAX;
		while (original.n > 0 && original.p[original.n - 1] != ' ')
			original.n--;
	}
	put_original_subject(r, buf_span(&original), &all);
	report_put_field(out, "Subject", buf_span(&all), !is_ascii(r->to));
	buf_clear(&original);
	buf_clear(&all);
}

static void put_thread(struct span header, struct buf *out)
{
	struct buf id;

	original_field(header, "Message-ID", &id);
	if (id.n > 2 && id.n < 500 && id.p[0] == '<' && id.p[id.n - 1] == '>' && is_ascii(buf_span(&id))) {
		report_put_field(out, "In-Reply-To", buf_span(&id), false);
		report_put_field(out, "References", buf_span(&id), false);
	}
	buf_clear(&id);
}

static void put_header(const struct report *r, struct span header, struct buf *out)
{
	struct buf to;

	buf_init(&to, 1024);
	buf_printf(&to, "<%.*s>", (int)r->to.n, (const char *)r->to.p);
	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", r->hostname);
	report_put_field(out, "To", buf_span(&to), report_is_global(r));
	put_subject(r, header, out);
	put_time(out, "Date", r->now_s);
	buf_printf(out, "Message-ID: <%s@%s>\r\n", r->id, r->hostname);
	put_thread(header, out);
	buf_printf(out, "Auto-Submitted: auto-replied\r\n"	/* RFC 3834 5 */
			"MIME-Version: 1.0\r\n"
			"Content-Type: multipart/report; report-type=%s;\r\n"
			"\tboundary=\"=_%s.report\"\r\n\r\n", /* RFC 6522 3 */
		   report_is_global(r) ? "global-delivery-status" : "delivery-status", r->id);
	buf_clear(&to);
}

/* --- for machines ---------------------------------------------------------- */

/* RFC 3464 2.2 */
static void put_message(const struct report *r, struct buf *out)
{
	struct buf id;

	buf_init(&id, 1024);
	put_xtext(&id, r->about->envid);
	buf_printf(out, "Reporting-MTA: dns; %s\r\n", r->hostname);
	if (id.n > 0)
		report_put_field(out, "Original-Envelope-Id", buf_span(&id), false);
	put_time(out, "Arrival-Date", r->arrived_s);
	buf_printf(out, "X-Yubin-Queue-Id: %s\r\n", r->about->id);
	buf_clear(&id);
}

/* RFC 6533 3: an address that needs UTF-8 says so. */
static void put_address(const struct report *r, const char *name, struct span address, struct buf *out)
{
	struct buf value;

	buf_init(&value, VALUE_MAX);
	buf_put_text(&value, is_ascii(address) ? "rfc822; " : "utf-8; ");
	buf_put(&value, address);
	report_put_field(out, name, buf_span(&value), report_is_global(r));
	buf_clear(&value);
}

/* RFC 3464 2.3.1: as the sender gave it, else the address of ours that led here. */
static void put_original(const struct report *r, const struct report_recipient *to, struct buf *out)
{
	struct span left = to->orcpt, type = span_take_until(&left, ';');
	struct buf value;

	if (to->orcpt.n == 0) {
		if (to->original.n > 0)
			put_address(r, "Original-Recipient", to->original, out);
		return;
	}
	buf_init(&value, 2 * VALUE_MAX);
	buf_put(&value, type);
	buf_put_text(&value, "; ");
	put_xtext(&value, left);
	report_put_field(out, "Original-Recipient", buf_span(&value), report_is_global(r));
	buf_clear(&value);
}

static const char *action_of(const struct report_recipient *to)
{
	static const char *const actions[] = { [REPORT_FAILURE] = "failed",
					       [REPORT_DELAY] = "delayed",
					       [REPORT_SUCCESS] = "delivered" };

	return to->kind == REPORT_SUCCESS && to->relayed ? "relayed" : actions[to->kind];
}

/* A reply begins with its code; all else we have said ourselves. */
static void put_diagnostic(const struct report_recipient *to, struct buf *out)
{
	bool reply = to->words.n > 3 && ascii_digit(to->words.p[0]) && ascii_digit(to->words.p[1]) &&
		     ascii_digit(to->words.p[2]) && (to->words.p[3] == ' ' || to->words.p[3] == '-');
	struct buf value;

	if (to->words.n == 0)
		return;
	buf_init(&value, 4096);
	buf_put_text(&value, reply ? "smtp; " : "x-yubin; ");
	buf_put(&value, to->words);
	report_put_field(out, "Diagnostic-Code", buf_span(&value), false);
	buf_clear(&value);
}

/* "mx.example.org[192.0.2.7]:25" without what is behind the name. */
static void put_remote(const struct report_recipient *to, struct buf *out)
{
	struct span host = to->host;
	struct buf value;

	if (host.n == 0)
		return;
	if (host.p[0] != '[')
		host = span_take_until(&host, '[');
	buf_init(&value, VALUE_MAX);
	buf_put_text(&value, "dns; ");
	buf_put(&value, host);
	report_put_field(out, "Remote-MTA", buf_span(&value), false);
	buf_clear(&value);
}

/* RFC 3464 2.3 */
static void put_recipient(const struct report *r, const struct report_recipient *to, struct buf *out)
{
	static const char *const classes[] = { [REPORT_FAILURE] = "5.0.0", [REPORT_DELAY] = "4.0.0", [REPORT_SUCCESS] = "2.0.0" };

	buf_put_text(out, "\r\n");
	put_original(r, to, out);
	put_address(r, "Final-Recipient", to->address, out);
	put_text_field(out, "Action", action_of(to));
	report_put_field(out, "Status", to->status.n > 0 ? to->status : span_of(classes[to->kind]), false);
	put_remote(to, out);
	put_diagnostic(to, out);
	if (to->last_try_s > 0)
		put_time(out, "Last-Attempt-Date", to->last_try_s);
	if (to->kind == REPORT_DELAY && to->retry_until_s > 0)
		put_time(out, "Will-Retry-Until", to->retry_until_s);
}

/* --- the original ---------------------------------------------------------- */

/* RFC 6533 4 has types of its own for what may hold UTF-8. */
static void put_original_head(const struct report *r, struct buf *out)
{
	static const char *const types[2][2] = { { "text/rfc822-headers", "message/rfc822" },
						 { "message/global-headers", "message/global" } };
	bool eight = (r->about->flags & (STORE_MAIL_8BIT | STORE_MAIL_UTF8)) != 0;

	buf_printf(out, "\r\n--=_%s.report\r\n"
			"Content-Description: %s\r\n"
			"Content-Type: %s\r\n",
		   r->id, r->whole ? "Your message" : "The header of your message", types[report_is_global(r)][r->whole]);
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n\r\n", eight ? "8bit" : "7bit");
}

/* --- all of it ------------------------------------------------------------- */

void report_begin(const struct report *r, struct span header, struct buf *out)
{
	bool global = report_is_global(r);

	put_header(r, header, out);
	buf_printf(out, "This message tells what became of a message of yours.\r\n"
			"\r\n--=_%s.report\r\n"
			"Content-Description: What happened\r\n"
			"Content-Type: text/plain; charset=%s\r\n"
			"Content-Transfer-Encoding: %s\r\n\r\n",
		   r->id, global ? "utf-8" : "us-ascii", global ? "8bit" : "7bit");
	report_put_text(r, out);
	buf_printf(out, "\r\n--=_%s.report\r\n"
			"Content-Description: The same for machines\r\n"
			"Content-Type: message/%s\r\n"
			"Content-Transfer-Encoding: %s\r\n\r\n",
		   r->id, global ? "global-delivery-status" : "delivery-status", global ? "8bit" : "7bit");
	put_message(r, out);
	for (size_t i = 0; i < r->count; i++)
		put_recipient(r, &r->recipients[i], out);
	put_original_head(r, out);
}

void report_end(const struct report *r, struct buf *out)
{
	buf_printf(out, "\r\n--=_%s.report--\r\n", r->id);
}
