/* intake.c - the contract is in intake.h. */
#include "dkim/intake.h"

#include <errno.h>

#include "dkim/dkim.h"

void dkim_intake_init(struct dkim_intake *in, const struct dkim_intake_calls *calls, void *arg)
{
	*in = (struct dkim_intake){ .calls = calls, .arg = arg };
	buf_init(&in->header, DKIM_HEADER_MAX);
}

void dkim_intake_clear(struct dkim_intake *in)
{
	buf_clear(&in->header);
}

static int header_failed(const struct dkim_intake *in)
{
	return in->header.n + 1024 > DKIM_HEADER_MAX ? -EMSGSIZE : -ENOMEM;
}

static int take_text(struct dkim_intake *in, struct span text)
{
	in->line += text.n;
	if (in->in_body) {
		in->calls->text(in->arg, text);
		return 0;
	}
	if (text.n > DKIM_HEADER_MAX - in->header.n)
		return -EMSGSIZE;
	buf_put(&in->header, text);
	return in->header.failed ? header_failed(in) : 0;
}

static int end_line(struct dkim_intake *in)
{
	bool blank = in->line == 0;

	in->line = 0;
	if (in->in_body) {
		in->calls->line(in->arg);
		return 0;
	}
	if (blank) {
		in->in_body = true;
		return in->calls->header(in->arg);
	}
	buf_put_text(&in->header, "\r\n");
	return in->header.failed ? header_failed(in) : 0;
}

/* Takes what stands before the next line end. */
static struct span take_run(struct span *piece)
{
	size_t n = 0;

	while (n < piece->n && piece->p[n] != '\r' && piece->p[n] != '\n')
		n++;
	return span_take(piece, n);
}

int dkim_intake_feed(struct dkim_intake *in, struct span piece)
{
	int rc = 0;

	while (piece.n > 0 && rc == 0) {
		struct span run = take_run(&piece);

		if (run.n > 0) {
			in->cr = false;
			rc = take_text(in, run);
			continue;
		}
		uint8_t c = *span_take(&piece, 1).p;

		if (c == '\r' || !in->cr)
			rc = end_line(in);
		in->cr = c == '\r';
	}
	return rc;
}

int dkim_intake_end(struct dkim_intake *in)
{
	int rc = in->line > 0 ? end_line(in) : 0;

	if (rc == 0 && !in->in_body)
		rc = end_line(in);
	return rc;
}
