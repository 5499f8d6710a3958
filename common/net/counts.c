/* counts.c - what a server counts of TLS for each Listen, and how it tells (server.h). */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/net/inside.h"
#include "common/net/server.h"
#include "common/tls/rules.h"

enum { TOLD_MAX = 60000, PART_MAX = 32768 }; /* bytes: of an answer, of what a Listen has in it */

static struct counted *counted_find(const struct server *s, const char *listen)
{
	struct counted *c = s->counted;

	while (c != NULL && strcmp(c->listen, listen) != 0)
		c = c->next;
	return c;
}

static struct counted *counted_new(struct server *s, const char *listen, struct error *err)
{
	struct counted *c = calloc(1, sizeof(*c));

	if (c == NULL || census_new(&c->census, err) < 0) {
		free(c);
		return NULL;
	}
	snprintf(c->listen, sizeof(c->listen), "%s", listen);
	c->next = s->counted;
	s->counted = c;
	return c;
}

int server_count(struct server *s, struct ports *p, struct error *err)
{
	for (size_t i = 0; i < p->count; i++) {
		const char *listen = p->port[i].listen->text;
		struct counted *c = counted_find(s, listen);

		if (c == NULL)
			c = counted_new(s, listen, err);
		if (c == NULL)
			return error_set(err, -ENOMEM, "no memory to count handshakes");
		p->port[i].census = c->census;
	}
	return 0;
}

void server_count_end(struct server *s)
{
	while (s->counted != NULL) {
		struct counted *c = s->counted;

		s->counted = c->next;
		census_free(c->census);
		free(c);
	}
}

/* --- telling ---------------------------------------------------------------- */

typedef void (*tell)(const struct port *p, struct buf *out);

static void tell_served(const struct port *p, struct buf *out)
{
	struct span leafs = tls_context_leafs(p->tls);

	while (leafs.n > 0) {
		struct span one = span_take_until(&leafs, '\n');

		buf_printf(out, "served %s %.*s\n", p->listen->text, (int)one.n, (const char *)one.p);
	}
}

static void tell_rules(const struct port *p, struct buf *out)
{
	if (p->tls != NULL)
		tls_rules_write(p->tls, p->listen->text, out);
}

static void tell_counts(const struct port *p, struct buf *out)
{
	census_write(p->census, p->listen->text, clock_real_ms() / 1000, out);
}

static void tell_clients(const struct port *p, struct buf *out)
{
	census_write_clients(p->census, p->listen->text, clock_real_ms() / 1000, out);
}

/* A Listen whose part would not fit any more is left out. */
static void tell_each(const struct ports *p, tell what, struct buf *out)
{
	struct buf part;

	buf_init(&part, PART_MAX);
	for (size_t i = 0; i < p->count; i++) {
		buf_reset(&part);
		if (p->port[i].tls != NULL || what != tell_served)
			what(&p->port[i], &part);
		if (!part.failed && out->n + part.n <= TOLD_MAX)
			buf_put(out, buf_span(&part));
	}
	buf_clear(&part);
}

void server_tls(struct server *s, struct buf *out)
{
	/* Where room is short the last ones go first: without the rules the counts still tell. */
	static const tell order[] = { tell_served, tell_counts, tell_clients, tell_rules };

	buf_printf(out, "openssl %s\n", OpenSSL_version(OPENSSL_VERSION));
	buf_printf(out, "since %lld\n", (long long)s->began_s);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (s->ports != NULL)
			tell_each(s->ports, order[i], out);
}
