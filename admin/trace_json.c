/* trace_json.c - the story of a message, for scripts. */
#include "admin/json.h"
#include "admin/trace_parts.h"

const char *trace_kind_name(enum trace_kind kind)
{
	static const char *const names[] = {
		[TRACE_ACCEPTED] = "accepted", [TRACE_DELIVERED] = "delivered", [TRACE_DEFERRED] = "deferred",
		[TRACE_FAILED] = "failed",     [TRACE_REPORT] = "report",       [TRACE_QUEUE] = "queue",
		[TRACE_OTHER] = "other",
	};

	return names[kind];
}

/* Left out where the log has nothing. */
static void put_span(struct buf *out, const char *name, struct span value)
{
	if (value.n > 0)
		json_span(out, name, value);
}

static void put_event(struct buf *out, const struct trace_event *e)
{
	json_open(out, NULL, '{');
	json_span(out, "time", e->time);
	json_text(out, "event", trace_kind_name(e->kind));
	json_span(out, "phrase", e->phrase);
	put_span(out, "to", e->to);
	put_span(out, "host", e->host);
	put_span(out, "status", e->status);
	put_span(out, "tls", e->tls);
	put_span(out, "words", e->words);
	put_span(out, "next_try", e->next_try);
	put_span(out, "report", e->report);
	put_span(out, "report_kind", e->report_kind);
	if (e->peer != NULL) {
		json_open(out, "connection", '{');
		json_span(out, "id", e->peer->name);
		put_span(out, "peer", e->peer->address);
		put_span(out, "mode", e->peer->mode);
		put_span(out, "user", e->peer->user);
		put_span(out, "tls", e->peer->tls);
		json_close(out, '}');
	}
	json_close(out, '}');
}

static const char *state_name(const struct trace_state *s, enum trace_queue queue)
{
	if (s->waits)
		return "waiting";
	if (s->last == NULL || s->last->kind == TRACE_DEFERRED)
		return queue == TRACE_QUEUE_AWAY ? "unknown" : "gone";
	return trace_kind_name(s->last->kind);
}

static void put_state(struct buf *out, const struct trace_state *s, enum trace_queue queue)
{
	json_open(out, NULL, '{');
	json_span(out, "address", s->to);
	json_text(out, "state", state_name(s, queue));
	put_span(out, "words", s->waits || s->last == NULL ? s->waits_words : s->last->words);
	if (s->last != NULL) {
		json_span(out, "time", s->last->time);
		put_span(out, "status", s->last->status);
		put_span(out, "host", s->last->host);
	}
	json_close(out, '}');
}

/* In <>, as everywhere; the log's reader has taken them off. */
static void put_message_id(struct buf *out, struct span id)
{
	struct buf text;

	buf_init(&text, 4096);
	if (id.n > 0)
		buf_printf(&text, "<%.*s>", (int)id.n, (const char *)id.p);
	json_span(out, "message_id", buf_span(&text));
	buf_clear(&text);
}

static void put_message(struct buf *out, const struct trace_message *m, enum trace_queue queue)
{
	json_open(out, NULL, '{');
	json_text(out, "id", m->id);
	put_message_id(out, m->message_id);
	json_span(out, "from", m->from);
	json_bool(out, "accepted", m->accepted != NULL);
	json_open(out, "to", '[');
	for (const struct trace_address *a = m->to; a != NULL; a = a->next)
		json_span(out, NULL, a->text);
	json_close(out, ']');
	json_number(out, "more_to", (int64_t)m->more_to);
	json_number(out, "mailboxes", (int64_t)m->accounts);
	json_number(out, "elsewhere", (int64_t)m->remotes);
	json_open(out, "events", '[');
	for (const struct trace_event *e = m->first; e != NULL; e = e->next)
		put_event(out, e);
	json_close(out, ']');
	json_open(out, "recipients", '[');
	for (const struct trace_state *s = m->states; s != NULL; s = s->next)
		put_state(out, s, queue);
	json_close(out, ']');
	json_close(out, '}');
}

void trace_json_write(struct buf *out, struct trace_book *b, enum trace_queue queue)
{
	json_open(out, NULL, '{');
	json_bool(out, "server_runs", queue == TRACE_QUEUE_ASKED);
	json_bool(out, "complete", trace_book_left_out(b) == 0 && !trace_book_full(b));
	json_open(out, "messages", '[');
	for (size_t i = 0; i < trace_book_count(b); i++)
		put_message(out, trace_book_at(b, i), queue);
	json_close(out, ']');
	json_open(out, "refused", '[');
	for (const struct trace_event *e = trace_book_strays(b); e != NULL; e = e->next)
		put_event(out, e);
	json_close(out, ']');
	json_close(out, '}');
	buf_put_byte(out, '\n');
}
