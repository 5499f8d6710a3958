/* reply.c - the contract is in reply.h. */
#include "deliverd/reply.h"

#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"

void reply_reader_init(struct reply_reader *r)
{
	r->code = r->lines = 0;
	r->status[0] = '\0';
	r->line_text = (struct span){ NULL, 0 };
	r->ended = r->cut = false;
	r->wrong = NULL;
	r->bytes = r->line_n = r->text_n = 0;
}

/* The number of one to three digits that *in begins with, taken; false if there is none. */
static bool take_number(struct span *in)
{
	size_t n = 0;

	while (n < in->n && ascii_digit(in->p[n]))
		n++;
	span_take(in, n);
	return n >= 1 && n <= 3;
}

/* RFC 2034 4: class "." subject "." detail at the start of the text, which it is cut to. */
static bool find_status(struct span *text)
{
	struct span rest = *text;

	if (rest.n < 5 || strchr("245", rest.p[0]) == NULL || rest.p[0] == '\0' || rest.p[1] != '.')
		return false;
	span_take(&rest, 2);
	if (!take_number(&rest) || rest.n == 0 || span_take(&rest, 1).p[0] != '.' || !take_number(&rest))
		return false;
	if (rest.n > 0 && rest.p[0] != ' ')
		return false;
	text->n -= rest.n;
	return true;
}

/* A class that contradicts the code is wrong: the code decides (RFC 5321 4.2.1). */
static void keep_status(struct reply_reader *r, struct span status)
{
	size_t n = status.n < sizeof(r->status) ? status.n : sizeof(r->status) - 1;

	memcpy(r->status, status.p, n);
	r->status[n] = '\0';
	r->status[0] = (char)('0' + r->code / 100);
}

static void text_put(struct reply_reader *r, struct span s)
{
	size_t room = sizeof(r->text) - r->text_n, n = s.n < room ? s.n : room;

	if (n > 0)
		memcpy(r->text + r->text_n, s.p, n);
	r->text_n += n;
}

/* The lines' texts, one behind the other; a status that is said again is left out. */
static void keep_text(struct reply_reader *r, struct span text)
{
	struct span status = text;
	bool found = r->code >= 200 && r->code / 100 != 3 && find_status(&status);

	if (r->lines > CLIENT_REPLY_LINES)
		return;
	if (found && r->status[0] != '\0') {
		span_take(&text, status.n);
		text = span_trim(text);
	} else if (found) {
		keep_status(r, status);
	}
	if (r->text_n > 0 && text.n > 0)
		text_put(r, span_of(" "));
	text_put(r, text);
}

static enum reply_status bad(struct reply_reader *r, const char *why)
{
	r->wrong = why;
	return REPLY_BAD;
}

/* A whole line: code, then '-' if others follow (RFC 5321 4.2). */
static enum reply_status take_line(struct reply_reader *r)
{
	struct span line = { r->line, r->line_n }, digits = { r->line, 3 };
	uint64_t code;
	uint8_t sign;

	if (!r->cut && line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n < 3 || !span_number(digits, 999, &code))
		return bad(r, "a line without a code");
	if (code < 200 || code > 599)
		return bad(r, "no code of SMTP");
	sign = line.n > 3 ? line.p[3] : ' ';
	if (ascii_digit(sign))
		return bad(r, "a line without a code");
	if (r->lines > 0 && code / 100 != r->code / 100)
		return bad(r, "codes of several kinds in one reply");
	r->code = (unsigned)code;
	r->lines++;
	span_take(&line, sign == ' ' || sign == '-' ? 4 : 3);
	r->line_text = line;
	keep_text(r, line);
	r->ended = sign != '-';
	return r->ended ? REPLY_END : REPLY_LINE;
}

static void line_put(struct reply_reader *r, struct span s)
{
	size_t room = sizeof(r->line) - r->line_n, n = s.n < room ? s.n : room;

	if (n > 0)
		memcpy(r->line + r->line_n, s.p, n);
	r->line_n += n;
	r->cut |= s.n > n;
}

enum reply_status reply_feed(struct reply_reader *r, struct span *in)
{
	const uint8_t *lf = in->n > 0 ? memchr(in->p, '\n', in->n) : NULL;
	struct span piece;

	if (r->wrong != NULL)
		return REPLY_BAD;
	if (r->ended)
		reply_reader_init(r);
	if (r->line_text.p != NULL) {	/* the line that was told is done with */
		r->line_text.p = NULL;
		r->line_n = 0;
		r->cut = false;
	}
	piece = span_take(in, lf != NULL ? (size_t)(lf - in->p) + 1 : in->n);
	r->bytes += piece.n;
	if (r->bytes > CLIENT_REPLY_BYTES)
		return bad(r, "a reply without an end");
	if (lf == NULL) {
		line_put(r, piece);
		return REPLY_MORE;
	}
	piece.n--;
	line_put(r, piece);
	return take_line(r);
}

/* --- what it means ---------------------------------------------------------- */

enum { ANY = -1 };

/* RFC 3463 3: subject and detail for a code that came without. The first row that fits. */
static const struct status_row {
	unsigned code;
	int step;		/* or ANY */
	const char *detail;
} statuses[] = {
	{ 421, ANY, "3.2" },		{ 432, ANY, "7.12" },		{ 450, CLIENT_AT_RCPT, "2.1" },
	{ 452, CLIENT_AT_RCPT, "5.3" }, { 452, ANY, "3.1" },		{ 451, ANY, "3.0" },
	{ 454, ANY, "7.0" },		{ 455, ANY, "5.4" },		{ 500, ANY, "5.2" },
	{ 501, CLIENT_AT_MAIL, "1.7" }, { 501, CLIENT_AT_RCPT, "1.3" }, { 501, ANY, "5.4" },
	{ 502, ANY, "5.1" },		{ 503, ANY, "5.1" },		{ 504, ANY, "5.4" },
	{ 521, ANY, "3.2" },		{ 530, ANY, "7.0" },		{ 534, ANY, "7.9" },
	{ 535, ANY, "7.8" },		{ 538, ANY, "7.11" },		{ 550, CLIENT_AT_RCPT, "1.1" },
	{ 550, ANY, "7.1" },		{ 551, ANY, "1.6" },		{ 552, CLIENT_AT_RCPT, "5.3" },
	{ 552, ANY, "3.4" },		{ 553, CLIENT_AT_MAIL, "1.7" }, { 553, ANY, "1.3" },
	{ 555, ANY, "5.4" },		{ 556, ANY, "1.10" },
};

static const char *status_of(unsigned code, enum client_step step)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].code == code && (statuses[i].step == ANY || statuses[i].step == (int)step))
			return statuses[i].detail;
	return "0.0";
}

static enum client_verdict verdict_of(unsigned code, enum client_step step)
{
	if (code == 552 && step == CLIENT_AT_RCPT)	/* RFC 5321 4.5.3.1.10 */
		return CLIENT_TRY_LATER;
	return code / 100 == 2 ? CLIENT_OK : code / 100 == 5 ? CLIENT_NEVER : CLIENT_TRY_LATER;
}

void reply_fill(const struct reply_reader *r, enum client_step step, struct client_reply *out)
{
	static const char classes[] = { [CLIENT_OK] = '2', [CLIENT_TRY_LATER] = '4', [CLIENT_NEVER] = '5' };
	int n = snprintf(out->words, sizeof(out->words), r->text_n > 0 ? "%u " : "%u", r->code);

	out->verdict = verdict_of(r->code, step);
	out->step = step;
	out->code = r->code;
	if (r->status[0] != '\0')
		snprintf(out->status, sizeof(out->status), "%s", r->status);
	else
		snprintf(out->status, sizeof(out->status), "x.%s", status_of(r->code, step));
	out->status[0] = classes[out->verdict];
	escape_text(out->words + n, sizeof(out->words) - (size_t)n, (struct span){ r->text, r->text_n });
}

void reply_wrong(const struct reply_reader *r, enum client_step step, struct client_reply *out)
{
	char line[256], words[CLIENT_WORDS];

	escape_text(line, sizeof(line), (struct span){ r->line, r->line_n });
	snprintf(words, sizeof(words), "a reply that can't be understood (%s): %s", r->wrong, line);
	reply_made(out, step, "4.5.0", words);
}

void reply_made(struct client_reply *out, enum client_step step, const char *status, const char *words)
{
	out->verdict = CLIENT_TRY_LATER;
	out->step = step;
	out->code = 0;
	snprintf(out->status, sizeof(out->status), "%s", status);
	snprintf(out->words, sizeof(out->words), "%s", words);
}
