/*
 * trace_text.c - the story of a message, for a person.
 *
 *     message 1m80prjc60g00  <1@example.org>
 *         2026-11-22 04:03:23  accepted from mika@example.org, 296 bytes, ...
 *         2026-11-22 04:03:24  b@far.example: deferred by mx.far.example[192.0.2.7]:25, ...
 *       now
 *         b@far.example: waits, next try in 3m
 *
 * What is in the book was escaped when it was logged.
 */
#include "admin/trace_parts.h"

#include <inttypes.h>
#include <string.h>

/* "2026-11-22 04:03:23" of what the log has. */
static void put_time(struct buf *out, struct span time)
{
	buf_put(out, span_take(&time, 10));
	buf_put_byte(out, ' ');
	span_take(&time, 1);
	buf_put(out, span_take(&time, 8));
}

static void put_part(struct buf *out, const char *before, struct span text, const char *behind)
{
	if (text.n == 0)
		return;
	buf_put_text(out, before);
	buf_put(out, text);
	buf_put_text(out, behind);
}

static void begin_event(struct buf *out, const struct trace_event *e)
{
	buf_put_text(out, "    ");
	put_time(out, e->time);
	buf_put_text(out, "  ");
}

/* --- events ----------------------------------------------------------------------- */

static void put_peer(struct buf *out, const struct trace_peer *p)
{
	buf_printf(out, "%25sby %.*s", "", (int)p->name.n, (const char *)p->name.p);
	put_part(out, span_starts(p->name, "DCID") ? " to " : " from ", p->address, "");
	put_part(out, ", user ", p->user, "");
	put_part(out, ", ", p->tls, "");
	buf_put_byte(out, '\n');
}

static void put_accepted(struct buf *out, const struct trace_message *m)
{
	put_part(out, "accepted from ", m->from.n > 0 ? m->from : (struct span){ (const uint8_t *)"<>", 2 },
		 "");
	for (const struct trace_address *a = m->to; a != NULL; a = a->next)
		put_part(out, a == m->to ? " for " : ", ", a->text, "");
	if (m->more_to > 0)
		buf_printf(out, " and %" PRIu64 " more", m->more_to);
	put_part(out, ", ", m->size, " bytes");
	if (m->accounts > 0)
		buf_printf(out, ", into %" PRIu64 " mailbox%s here", m->accounts,
			   m->accounts == 1 ? "" : "es");
	if (m->remotes > 0)
		buf_printf(out, ", for %" PRIu64 " recipient%s elsewhere", m->remotes,
			   m->remotes == 1 ? "" : "s");
	buf_put_byte(out, '\n');
	if (m->accepted->peer != NULL)
		put_peer(out, m->accepted->peer);
}

/* "b@x: deferred by mx.x[192.0.2.7]:25, TLSv1.3: 4.7.1 "451 later"; next try 2026-..." */
static void put_attempt(struct buf *out, const struct trace_event *e)
{
	bool tried = e->host.n > 0 && !span_is(e->host, "none");

	buf_put(out, e->to);
	put_part(out, ": ", e->phrase, "");
	if (tried) {
		put_part(out, e->kind == TRACE_DELIVERED ? " to " : " by ", e->host, "");
		buf_put_text(out, span_is(e->tls, "none") ? ", in clear" : "");
		put_part(out, ", ", span_is(e->tls, "none") ? (struct span){ NULL, 0 } : e->tls, "");
	}
	put_part(out, ": ", e->status, "");
	put_part(out, " \"", e->words, "\"");
	if (e->next_try.n > 0) {
		buf_put_text(out, "; next try ");
		put_time(out, e->next_try);
	}
	buf_put_byte(out, '\n');
}

/* Once for each connection: what TLS it had, and so why. */
static void put_attempt_peer(struct buf *out, const struct trace_event *e, const struct trace_event *before)
{
	if (e->peer != NULL && e->peer->tls.n > 0 && (before == NULL || before->peer != e->peer))
		put_peer(out, e->peer);
}

static void put_event(struct buf *out, const struct trace_message *m, const struct trace_event *e,
		      const struct trace_event *before)
{
	begin_event(out, e);
	switch (e->kind) {
	case TRACE_ACCEPTED:
		put_accepted(out, m);
		return;
	case TRACE_DELIVERED:
	case TRACE_DEFERRED:
	case TRACE_FAILED:
		put_attempt(out, e);
		put_attempt_peer(out, e, before);
		return;
	case TRACE_REPORT:
		put_part(out, "report of ", e->report_kind, " sent");
		put_part(out, " to ", e->to, "");
		put_part(out, " as ", e->report, "\n");
		return;
	case TRACE_QUEUE:
	case TRACE_OTHER:
		buf_put(out, e->phrase);
		put_part(out, ": ", e->words, "");
		buf_put_byte(out, '\n');
		return;
	}
}

/* --- where it stands ------------------------------------------------------------------ */

static void put_state(struct buf *out, const struct trace_state *s, enum trace_queue queue)
{
	buf_put_text(out, "    ");
	buf_put(out, s->to);
	buf_put_text(out, ": ");
	if (s->waits) {
		put_part(out, "waits, ", s->waits_words, "");
	} else if (s->last == NULL || s->last->kind == TRACE_DEFERRED) {
		buf_put_text(out, queue == TRACE_QUEUE_AWAY
				      ? "not known: the server does not run"
				      : "gone from the queue (deleted, or its lines are not in this log)");
	} else {
		buf_put(out, s->last->phrase);
		buf_put_byte(out, ' ');
		put_time(out, s->last->time);
		put_part(out, ", ", s->last->status, "");
	}
	buf_put_byte(out, '\n');
}

static void put_now(struct buf *out, const struct trace_message *m, enum trace_queue queue)
{
	if (m->accounts == 0 && m->states == NULL && m->remotes == 0)
		return;
	buf_put_text(out, "  now\n");
	if (m->accounts > 0)
		buf_printf(out, "    %" PRIu64 " mailbox%s here: delivered\n", m->accounts,
			   m->accounts == 1 ? "" : "es");
	for (const struct trace_state *s = m->states; s != NULL; s = s->next)
		put_state(out, s, queue);
	if (m->states == NULL && m->remotes > 0)
		buf_printf(out, "    %" PRIu64 " elsewhere: %s\n", m->remotes,
			   queue == TRACE_QUEUE_AWAY ? "not known: the server does not run"
						     : "gone from the queue, untried");
}

/* --- all ------------------------------------------------------------------------------ */

static void put_message(struct buf *out, const struct trace_message *m, enum trace_queue queue)
{
	const struct trace_event *before = NULL;

	buf_printf(out, "message %s", m->id);
	put_part(out, "  <", m->message_id, ">");
	buf_put_byte(out, '\n');
	for (const struct trace_event *e = m->first; e != NULL; before = e, e = e->next)
		put_event(out, m, e, before);
	put_now(out, m, queue);
}

static void put_strays(struct buf *out, const struct trace_event *e)
{
	if (e != NULL)
		buf_put_text(out, "refused, with the address in it\n");
	for (; e != NULL; e = e->next) {
		begin_event(out, e);
		buf_put(out, e->phrase);
		put_part(out, " to ", e->to, "");
		put_part(out, ": ", e->words, "");
		buf_put_byte(out, '\n');
		if (e->peer != NULL)
			put_peer(out, e->peer);
	}
}

void trace_text_write(struct buf *out, struct trace_book *b, enum trace_queue queue)
{
	for (size_t i = 0; i < trace_book_count(b); i++) {
		if (i > 0)
			buf_put_byte(out, '\n');
		put_message(out, trace_book_at(b, i), queue);
	}
	if (trace_book_count(b) > 0 && trace_book_strays(b) != NULL)
		buf_put_byte(out, '\n');
	put_strays(out, trace_book_strays(b));
}
