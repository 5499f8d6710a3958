/* script.c - the contract is in script.h. */
#include "tests/unit/script.h"

#include "tests/unit/unit.h"

/* What the client sends in a row before the next S: line. */
static void send(const struct script_engine *e, struct buf *text, struct buf *said, size_t pieces)
{
	struct span left = buf_span(text);

	while (left.n > 0) {
		struct span piece = { left.p, pieces == 0 || pieces > left.n ? left.n : pieces };
		struct span rest = piece;
		size_t before;

		do {
			before = rest.n;
			e->feed(e->engine, &rest);
			e->pump(e->engine, said);
		} while (rest.n > 0 && rest.n < before);
		span_take(&left, piece.n - rest.n);
		if (rest.n == piece.n)
			break;	/* it takes no more */
	}
	buf_reset(text);
}

static void expect(struct buf *said, struct span want, const char *all)
{
	struct span have = buf_span(said), line = have;
	ptrdiff_t end = span_find(have, '\n');
	bool open = want.n > 0 && want.p[want.n - 1] == '*';

	if (end < 1)
		fail_msg("nothing more was said, wanted: %.*s\nin:\n%s", (int)want.n, (const char *)want.p, all);
	line.n = (size_t)end - 1;
	if (open) {
		want.n--;
		line.n = line.n < want.n ? line.n : want.n;
	}
	if (!span_equal(line, want))
		fail_msg("said:   %.*s\nwanted: %.*s\nin:\n%s", (int)end, (const char *)have.p, (int)want.n,
			 (const char *)want.p, all);
	buf_drop(said, (size_t)end + 1);
}

void script_play(const struct script_engine *e, const char *text, size_t pieces)
{
	struct span left = span_of(text);
	struct buf send_text, said;

	buf_init(&send_text, 1 << 20);
	buf_init(&said, 1 << 20);
	e->pump(e->engine, &said);
	while (left.n > 0) {
		struct span line = span_take_until(&left, '\n');

		if (span_starts(line, "C: ")) {
			span_take(&line, 3);
			buf_put(&send_text, line);
			buf_put_text(&send_text, "\r\n");
		} else if (span_starts(line, "S: ")) {
			span_take(&line, 3);
			send(e, &send_text, &said, pieces);
			expect(&said, line, text);
		}
	}
	send(e, &send_text, &said, pieces);
	if (said.n > 0)
		fail_msg("said too much: %.*s\nin:\n%s", (int)said.n, (const char *)said.p, text);
	buf_clear(&send_text);
	buf_clear(&said);
}
