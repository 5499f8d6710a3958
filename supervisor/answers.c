/* answers.c - what the network daemons say of their TLS and their sessions, put together. */
#include "supervisor/lines.h"
#include "supervisor/orders.h"

enum { HEAD_MAX = 64 }; /* of a daemon's first line, and of `cut` */

static bool is_listed(const struct child *c)
{
	return daemon_rows[c->daemon].net && (c->state == CHILD_READY || c->state == CHILD_DRAINING);
}

/* A daemon that was broken into must not speak for another. */
static bool is_its_own(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] < ' ' || line.p[i] == 0x7f)
			return false;
	return !span_starts(line, "daemon");
}

static void put_child(const struct child *c, enum child_question what, size_t room, struct buf *out)
{
	struct span text = buf_span(&c->answers[what].text), some;

	buf_printf(out, "daemon %s %u\n", daemon_rows[c->daemon].name, c->worker);
	some = lines_fit(text, room > HEAD_MAX ? room - HEAD_MAX : 0);
	if (some.n < text.n)
		buf_printf(out, "cut %zu\n", text.n - some.n);
	while (some.n > 0) {
		struct span line = span_take_until(&some, '\n');

		if (line.n == 0 || !is_its_own(line))
			continue;
		buf_put(out, line);
		buf_put_byte(out, '\n');
	}
}

/* What the first leave over is for the others. */
static void put_all(const struct supervisor *s, enum child_question what, struct buf *out)
{
	size_t left = 0;

	for (const struct child *c = s->children; c != NULL; c = c->next)
		left += is_listed(c);
	for (const struct child *c = s->children; c != NULL && left > 0; c = c->next)
		if (is_listed(c))
			put_child(c, what, (out->max - out->n - 1) / left--, out);
}

void answers_write_tls(const struct supervisor *s, struct buf *out)
{
	put_all(s, CHILD_TLS, out);
}

void answers_write_sessions(const struct supervisor *s, struct buf *out)
{
	put_all(s, CHILD_SESSIONS, out);
}

void answers_write_kicked(const struct supervisor *s, struct buf *out)
{
	put_all(s, CHILD_KICK, out);
}
