/* trace_book.c - the contract is in trace_book.h. */
#include "admin/trace_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/escape.h"
#include "common/base/table.h"

enum { ID_MAX = 64, QUERY_MAX = 1000, KEY_MAX = 320 };

struct trace_book {
	char query[QUERY_MAX];
	int64_t since_s;
	struct arena *memory;
	struct table *by_id;    /* of trace_message */
	struct table *by_peer;  /* of trace_peer */
	struct table *by_state; /* "ID RECIPIENT": of trace_state */
	struct trace_message messages[TRACE_MESSAGES];
	size_t count, oldest; /* a ring */
	size_t left_out, stray_count;
	struct trace_event *strays, **last_stray;
	bool full;
};

int trace_book_new(struct trace_book **out, const char *query, int64_t since_s, struct error *err)
{
	struct trace_book *b = calloc(1, sizeof(*b));
	size_t n = strlen(query);

	*out = NULL;
	if (b == NULL)
		return error_set(err, -ENOMEM, "no memory for what the log tells");
	if (n > 2 && query[0] == '<' && query[n - 1] == '>') {
		query++;
		n -= 2;
	}
	escape_text(b->query, sizeof(b->query), (struct span){ (const uint8_t *)query, n });
	b->since_s = since_s;
	b->last_stray = &b->strays;
	if (arena_new(&b->memory, TRACE_MEMORY, ARENA_PLAIN, err) < 0 || table_new(&b->by_id, err) < 0 ||
	    table_new(&b->by_peer, err) < 0 || table_new(&b->by_state, err) < 0) {
		trace_book_free(b);
		return error_set(err, -ENOMEM, "no memory for what the log tells");
	}
	*out = b;
	return 0;
}

void trace_book_free(struct trace_book *b)
{
	if (b == NULL)
		return;
	table_free(b->by_id);
	table_free(b->by_peer);
	table_free(b->by_state);
	if (b->memory != NULL)
		arena_free(b->memory);
	free(b);
}

struct span trace_book_copy(struct trace_book *b, struct span text)
{
	struct span copy = text.n > 0 ? arena_copy(b->memory, text) : (struct span){ NULL, 0 };

	if (copy.p != NULL || text.n == 0)
		return copy;
	b->full = true;
	return (struct span){ NULL, 0 };
}

/* --- which messages ------------------------------------------------------------- */

/* The id of the message that a line is about: a report of ours is told with what it is about,
 * unless it is meant itself. */
static bool line_id(const struct trace_book *b, const struct trace_line *l, struct span *id)
{
	struct span about;

	if (!trace_line_value(l, "id", id))
		return false;
	if (trace_line_value(l, "about", &about) && !span_is(about, "tls") && !span_is(*id, b->query))
		*id = about;
	return id->n > 0 && id->n < ID_MAX;
}

static bool value_is(const struct trace_book *b, const struct trace_line *l, const char *name)
{
	struct span at = l->pairs, value;

	while (trace_line_next(&at, name, &value))
		if (span_is_nocase(value, b->query))
			return true;
	return false;
}

static bool is_meant(const struct trace_book *b, const struct trace_line *l, struct span id)
{
	return span_is(id, b->query) || value_is(b, l, "message-id") || value_is(b, l, "from") ||
	       value_is(b, l, "to");
}

static void find(struct trace_book *b, const struct trace_line *l)
{
	struct trace_message *m;
	struct span id;
	char *copy;

	if (!line_id(b, l, &id) || !is_meant(b, l, id) || table_get(b->by_id, id) != NULL)
		return;
	copy = arena_text(b->memory, id);
	if (copy == NULL) {
		b->full = true;
		return;
	}
	if (b->count == TRACE_MESSAGES) {
		m = &b->messages[b->oldest];
		b->oldest = (b->oldest + 1) % TRACE_MESSAGES;
		table_remove(b->by_id, span_of(m->id));
		b->left_out++;
	} else {
		m = &b->messages[b->count++];
	}
	*m = (struct trace_message){ .id = copy };
	if (table_put(b->by_id, id, m) < 0)
		b->full = true;
}

/* --- events ----------------------------------------------------------------------- */

static struct trace_peer *peer_of(struct trace_book *b, struct span name)
{
	struct trace_peer *p = name.n > 0 ? table_get(b->by_peer, name) : NULL;

	if (p != NULL || name.n == 0)
		return p;
	p = arena_alloc(b->memory, sizeof(*p));
	if (p == NULL || table_put(b->by_peer, name, p) < 0) {
		b->full = true;
		return NULL;
	}
	p->name = trace_book_copy(b, name);
	return p;
}

static enum trace_kind kind_of(const struct trace_line *l)
{
	static const struct {
		const char *phrase;
		enum trace_kind kind;
	} kinds[] = { { "message accepted", TRACE_ACCEPTED },
		      { "delivered", TRACE_DELIVERED },
		      { "deferred", TRACE_DEFERRED },
		      { "failed", TRACE_FAILED },
		      { "report sent", TRACE_REPORT } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(l->phrase, kinds[i].phrase))
			return kinds[i].kind;
	return span_starts(l->phrase, "queue entry") ? TRACE_QUEUE : TRACE_OTHER;
}

static struct span copy_value(struct trace_book *b, const struct trace_line *l, const char *name)
{
	struct span value;

	trace_line_value(l, name, &value);
	return trace_book_copy(b, value);
}

static struct trace_event *event_new(struct trace_book *b, const struct trace_line *l)
{
	struct trace_event *e = arena_alloc(b->memory, sizeof(*e));

	if (e == NULL) {
		b->full = true;
		return NULL;
	}
	e->kind = kind_of(l);
	trace_line_time(l->time, &e->real_s);
	e->time = trace_book_copy(b, l->time);
	e->phrase = trace_book_copy(b, l->phrase);
	if (e->kind != TRACE_ACCEPTED)
		e->to = copy_value(b, l, "to");
	e->host = copy_value(b, l, "host");
	e->status = copy_value(b, l, "status");
	e->tls = copy_value(b, l, "tls");
	e->words = copy_value(b, l, e->kind == TRACE_DELIVERED ? "reply" : "reason");
	e->next_try = copy_value(b, l, "next");
	if (e->kind == TRACE_REPORT) {
		e->report = copy_value(b, l, "id");
		e->report_kind = copy_value(b, l, "kind");
	}
	e->peer = peer_of(b, l->connection);
	return e;
}

struct trace_state *trace_book_state(struct trace_book *b, struct trace_message *m, struct span to)
{
	char key[KEY_MAX];
	int n = snprintf(key, sizeof(key), "%s %.*s", m->id, (int)to.n, (const char *)to.p);
	struct span name = { (const uint8_t *)key, n < KEY_MAX ? (size_t)n : KEY_MAX - 1 };
	struct trace_state *s = table_get(b->by_state, name);

	if (s != NULL)
		return s;
	s = arena_alloc(b->memory, sizeof(*s));
	if (s == NULL || table_put(b->by_state, name, s) < 0) {
		b->full = true;
		return NULL;
	}
	s->to = trace_book_copy(b, to);
	if (m->last_state != NULL)
		m->last_state->next = s;
	else
		m->states = s;
	m->last_state = s;
	return s;
}

static void note_to(struct trace_book *b, struct trace_message *m, struct span to)
{
	struct trace_address *a = arena_alloc(b->memory, sizeof(*a));

	if (a == NULL) {
		b->full = true;
		return;
	}
	*a = (struct trace_address){ .text = trace_book_copy(b, to) };
	if (m->last_to != NULL)
		m->last_to->next = a;
	else
		m->to = a;
	m->last_to = a;
}

static void note_accepted(struct trace_book *b, struct trace_message *m, const struct trace_line *l,
			  const struct trace_event *e)
{
	static const char *const names[] = { "recipients", "accounts", "remotes", "more" };
	uint64_t *const numbers[] = { &m->recipients, &m->accounts, &m->remotes, &m->more_to };
	struct span at = l->pairs, to;

	m->accepted = e;
	m->message_id = copy_value(b, l, "message-id");
	m->size = copy_value(b, l, "size");
	while (trace_line_next(&at, "to", &to))
		note_to(b, m, to);
	for (size_t i = 0; i < 4; i++) {
		struct span value;

		if (trace_line_value(l, names[i], &value))
			span_number(value, UINT32_MAX, numbers[i]);
	}
}

/* In the order of the log; but deliverd may be quicker with its first line than smtpd. */
static void add_event(struct trace_message *m, struct trace_event *e)
{
	if (e->kind == TRACE_ACCEPTED || m->first == NULL) {
		e->next = m->first;
		m->first = e;
		m->last = e->next == NULL ? e : m->last;
		return;
	}
	m->last->next = e;
	m->last = e;
}

static void gather(struct trace_book *b, const struct trace_line *l)
{
	struct trace_message *m;
	struct trace_state *s;
	struct trace_event *e;
	struct span id;

	if (!line_id(b, l, &id) || (m = table_get(b->by_id, id)) == NULL || (e = event_new(b, l)) == NULL)
		return;
	if (m->from.n == 0)
		m->from = copy_value(b, l, "from");
	if (e->kind == TRACE_ACCEPTED)
		note_accepted(b, m, l, e);
	if (e->kind == TRACE_DELIVERED || e->kind == TRACE_DEFERRED || e->kind == TRACE_FAILED) {
		s = trace_book_state(b, m, e->to);
		if (s != NULL)
			s->last = e;
	}
	add_event(m, e);
}

/* What was refused: it has an address and no message. */
static void gather_stray(struct trace_book *b, const struct trace_line *l)
{
	struct trace_event *e;
	struct span id;

	if (line_id(b, l, &id) || (!value_is(b, l, "to") && !value_is(b, l, "from")))
		return;
	if (b->stray_count == TRACE_STRAYS || (e = event_new(b, l)) == NULL) {
		b->full = true;
		return;
	}
	b->stray_count++;
	*b->last_stray = e;
	b->last_stray = &e->next;
}

/* --- connections -------------------------------------------------------------------- */

static void meet(struct trace_book *b, const struct trace_line *l)
{
	struct trace_peer *p = l->connection.n > 0 ? table_get(b->by_peer, l->connection) : NULL;

	if (p == NULL)
		return;
	if (span_is(l->phrase, "connected")) {
		p->address = copy_value(b, l, "peer");
		p->mode = copy_value(b, l, "mode");
	} else if (span_is(l->phrase, "login")) {
		p->user = copy_value(b, l, "user");
	} else if (span_starts(l->phrase, "TLS ")) {
		struct span all = { l->phrase.p, l->phrase.n + (l->pairs.n > 0 ? l->pairs.n + 1 : 0) };

		p->tls = trace_book_copy(b, all);
	}
}

/* --- all of it ------------------------------------------------------------------------ */

void trace_book_take(struct trace_book *b, enum trace_pass pass, struct span line)
{
	struct trace_line l;
	int64_t real_s;

	if (!trace_line_read(&l, line))
		return;
	if (b->since_s > 0 && pass != TRACE_MEET && trace_line_time(l.time, &real_s) && real_s < b->since_s)
		return;
	if (pass == TRACE_FIND) {
		find(b, &l);
	} else if (pass == TRACE_GATHER) {
		gather(b, &l);
		gather_stray(b, &l);
	} else {
		meet(b, &l);
	}
}

size_t trace_book_count(const struct trace_book *b)
{
	return b->count;
}

struct trace_message *trace_book_at(struct trace_book *b, size_t i)
{
	return &b->messages[(b->oldest + i) % TRACE_MESSAGES];
}

const struct trace_event *trace_book_strays(const struct trace_book *b)
{
	return b->strays;
}

size_t trace_book_left_out(const struct trace_book *b)
{
	return b->left_out;
}

bool trace_book_full(const struct trace_book *b)
{
	return b->full;
}
