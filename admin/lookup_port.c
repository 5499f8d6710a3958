/* lookup_port.c - who answers at a port of another host, and with what first line. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "admin/lookup_inside.h"
#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/net/remote.h"

enum { ADDRESSES = 8, LEAD_MS = 250, LINE_MAX_BYTES = 512 };

struct trial {
	struct world *world;
	struct lookup_port *out;
	struct remote *remote;
	char line[LINE_MAX_BYTES];
	size_t n;
	uint64_t deadline_ms;
	bool over;
};

static void on_connected(void *session, const char *address)
{
	struct trial *t = session;

	(void)address;
	t->out->open = true;
}

static void on_feed(void *session, struct span *in)
{
	struct trial *t = session;

	while (in->n > 0 && !t->over) {
		uint8_t c = *span_take(in, 1).p;

		t->over = c == '\n' || t->n == sizeof(t->line);
		if (!t->over && c != '\r')
			t->line[t->n++] = (char)c;
	}
	*in = (struct span){ in->p + in->n, 0 };
}

static enum conn_want on_next(void *session, struct span *out)
{
	(void)session;
	*out = (struct span){ NULL, 0 };
	return CONN_WANT_INPUT;
}

static void on_secured(void *session)
{
	(void)session;
}

static void on_ended(void *session, enum remote_end why, const char *words)
{
	struct trial *t = session;
	const char *copy = arena_text(t->world->arena, span_of(words));

	(void)why;
	t->out->words = copy != NULL ? copy : "no memory";
	t->over = true;
}

static void on_tick(void *session, uint64_t now_ms)
{
	struct trial *t = session;

	t->over |= now_ms >= t->deadline_ms;
}

static uint64_t on_deadline(void *session)
{
	return ((struct trial *)session)->deadline_ms;
}

static size_t take_addresses(const struct dns_answer *a, int family, unsigned port, struct address *out, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < a->count && a->status == DNS_OK && count < room; i++, count++) {
		out[count] = (struct address){ .port = port };
		inet_ntop(family, a->records[i].address, out[count].host, sizeof(out[count].host));
	}
	return count;
}

static void run(struct trial *t, const struct address *addresses, size_t count)
{
	static const struct remote_protocol protocol = { on_connected, on_feed, on_next, on_secured, on_ended, on_tick,
							 on_deadline };
	const struct remote_options o = { .addresses = addresses, .count = count, .lead_ms = LEAD_MS,
					  .connect_ms = LOOKUP_PORT_MS, .handshake_ms = LOOKUP_PORT_MS,
					  .write_ms = LOOKUP_PORT_MS };

	t->deadline_ms = clock_mono_ms() + LOOKUP_PORT_MS;
	if (remote_new(&t->remote, &t->world->loop, &o, &protocol, t, NULL) != 0)
		return;
	t->out->words = "it does not answer in time";
	while (!t->over)
		uv_run(&t->world->loop, UV_RUN_ONCE);
	remote_free(t->remote);
	escape_text(t->out->greeting, sizeof(t->out->greeting), (struct span){ (const uint8_t *)t->line, t->n });
}

const struct lookup_port *world_port(struct lookup *l, const char *host, unsigned port)
{
	static const struct lookup_port none = { .words = "no memory" };
	struct world *w = (struct world *)l;
	struct trial t = { .world = w, .out = arena_alloc(w->arena, sizeof(*t.out)) };
	struct address addresses[ADDRESSES];
	size_t count;

	if (t.out == NULL)
		return &none;
	l->soon(l, host, DNS_AAAA);
	t.out->words = "no memory";
	count = take_addresses(l->ask(l, host, DNS_A), AF_INET, port, addresses, ADDRESSES);
	count += take_addresses(l->ask(l, host, DNS_AAAA), AF_INET6, port, addresses + count, ADDRESSES - count);
	if (count == 0)
		t.out->words = "its address is not in the DNS";
	else
		run(&t, addresses, count);
	return t.out;
}
