/* tls_running.c - the contract is in tls_running.h. */
#include "admin/tls_running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES = 1024, PORTS = 1024, OPENSSLS = 8, OPENSSL_MAX = 128 };

struct tls_running {
	char openssl[OPENSSLS][OPENSSL_MAX];
	size_t openssl_count;
	struct {
		struct span name, lines; /* of one process, in text */
	} processes[PROCESSES];
	size_t process_count;
	struct {
		struct span daemon, listen;
	} ports[PORTS]; /* each once */
	size_t port_count;
	uint64_t cut; /* bytes */
	size_t n;
	uint8_t text[];
};

/* --- reading --------------------------------------------------------------- */

static void take_openssl(struct tls_running *r, struct span words)
{
	char text[OPENSSL_MAX];

	snprintf(text, sizeof(text), "%.*s", (int)words.n, (const char *)words.p);
	for (size_t i = 0; i < r->openssl_count; i++)
		if (strcmp(r->openssl[i], text) == 0)
			return;
	if (r->openssl_count < OPENSSLS)
		memcpy(r->openssl[r->openssl_count++], text, sizeof(text));
}

/* "served LISTEN FINGERPRINT"; *listen is taken off *line. */
static bool served_read(struct span *line, struct span *listen)
{
	if (!span_is(span_take_until(line, ' '), "served"))
		return false;
	*listen = span_take_until(line, ' ');
	return listen->n > 0 && line->n > 0;
}

/* The Listen that a line is about; empty: it is about none. */
static struct span port_of(struct span line)
{
	struct census_line census;
	struct tls_rules rules;
	struct span listen;

	if (census_read(&census, line))
		return census.listen;
	if (tls_rules_read(&rules, line))
		return rules.listen;
	return served_read(&line, &listen) ? listen : (struct span){ NULL, 0 };
}

static void take_port(struct tls_running *r, struct span daemon, struct span listen)
{
	for (size_t i = 0; i < r->port_count; i++)
		if (span_equal(r->ports[i].daemon, daemon) && span_equal(r->ports[i].listen, listen))
			return;
	if (listen.n > 0 && r->port_count < PORTS) {
		r->ports[r->port_count].daemon = daemon;
		r->ports[r->port_count++].listen = listen;
	}
}

static void take_line(struct tls_running *r, struct span line)
{
	struct span rest = line, key = span_take_until(&rest, ' ');
	uint64_t bytes;

	if (span_is(key, "openssl"))
		take_openssl(r, rest);
	else if (span_is(key, "cut") && span_number(rest, INT32_MAX, &bytes))
		r->cut += bytes;
	else
		take_port(r, r->processes[r->process_count - 1].name, port_of(line));
}

/* Cuts the text into processes. */
static void take_processes(struct tls_running *r)
{
	struct span rest = { r->text, r->n };

	while (rest.n > 0) {
		struct span line = span_take_until(&rest, '\n'), name = line;

		if (span_is(span_take_until(&name, ' '), "daemon")) {
			if (r->process_count == PROCESSES)
				return;
			r->processes[r->process_count].name = span_take_until(&name, ' ');
			r->processes[r->process_count++].lines = (struct span){ rest.p, 0 };
		} else if (r->process_count > 0) {
			struct span *lines = &r->processes[r->process_count - 1].lines;

			lines->n = (size_t)(rest.p - lines->p);
			take_line(r, line);
		}
	}
}

int tls_running_read(struct tls_running **out, struct span answer, struct error *err)
{
	struct tls_running *r = calloc(1, sizeof(*r) + answer.n + 1);

	*out = r;
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory for what the daemons say");
	r->n = answer.n;
	if (answer.n > 0)
		memcpy(r->text, answer.p, answer.n);
	take_processes(r);
	return 0;
}

void tls_running_free(struct tls_running *r)
{
	free(r);
}

const char *tls_running_openssl(const struct tls_running *r, size_t i)
{
	return i < r->openssl_count ? r->openssl[i] : NULL;
}

uint64_t tls_running_cut(const struct tls_running *r)
{
	return r->cut;
}

bool tls_running_port(const struct tls_running *r, size_t i, struct span *daemon, struct span *listen)
{
	if (i >= r->port_count)
		return false;
	*daemon = r->ports[i].daemon;
	*listen = r->ports[i].listen;
	return true;
}

/* --- adding ---------------------------------------------------------------- */

static void add_version(struct tls_tally *t, const struct census_line *l)
{
	size_t at = 0;

	while (at < t->version_count && !span_equal(t->versions[at].protocol, l->name))
		at++;
	if (at == TLS_TALLY_VERSIONS)
		return;
	if (at == t->version_count)
		t->versions[t->version_count++] = (struct tls_tally_version){ .protocol = l->name };
	t->versions[at].count += l->count;
	t->versions[at].resumed += l->resumed;
}

static void add_cause(struct tls_tally *t, const struct census_line *l)
{
	size_t at = 0;

	while (at < t->cause_count && !span_equal(t->causes[at].name, l->name))
		at++;
	if (at == TLS_TALLY_CAUSES)
		return;
	if (at == t->cause_count)
		t->causes[t->cause_count++] = (struct tls_tally_cause){ .name = l->name };
	t->causes[at].count += l->count;
}

static void add_client(struct tls_tally *t, const struct census_line *l)
{
	struct tls_tally_client new = { l->name, l->who, (int64_t)l->count };
	size_t oldest = 0;

	for (size_t i = 0; i < t->client_count; i++) {
		struct tls_tally_client *c = &t->clients[i];

		if (span_equal(c->protocol, new.protocol) && span_equal(c->who, new.who)) {
			c->when_s = c->when_s > new.when_s ? c->when_s : new.when_s;
			return;
		}
		if (c->when_s < t->clients[oldest].when_s)
			oldest = i;
	}
	if (t->client_count < TLS_TALLY_CLIENTS)
		t->clients[t->client_count++] = new;
	else if (t->clients[oldest].when_s < new.when_s)
		t->clients[oldest] = new;
}

static void add_served(struct tls_tally *t, struct span fingerprint)
{
	for (size_t i = 0; i < t->served_count; i++)
		if (span_equal(t->served[i].fingerprint, fingerprint)) {
			t->served[i].processes++;
			return;
		}
	if (t->served_count < TLS_TALLY_SERVED)
		t->served[t->served_count++] = (struct tls_tally_served){ fingerprint, 1 };
}

static void add_census(struct tls_tally *t, const struct census_line *l)
{
	switch (l->kind) {
	case CENSUS_HANDSHAKES:
		add_version(t, l);
		break;
	case CENSUS_FAILURES:
		add_cause(t, l);
		break;
	case CENSUS_CLIENT:
		add_client(t, l);
		break;
	}
}

static void add_process(struct tls_tally *t, struct span lines, const char *listen)
{
	struct tls_rules rules;
	bool serves = false;

	while (lines.n > 0) {
		struct span line = span_take_until(&lines, '\n'), rest = line, where;
		struct census_line census;

		if (census_read(&census, line)) {
			if (span_is(census.listen, listen))
				add_census(t, &census);
		} else if (tls_rules_read(&rules, line)) {
			if (!t->has_rules && span_is(rules.listen, listen)) {
				t->has_rules = true;
				t->rules = rules;
			}
		} else if (served_read(&rest, &where) && span_is(where, listen)) {
			add_served(t, rest);
			serves = true;
		}
	}
	t->processes += serves;
}

/* --- in order -------------------------------------------------------------- */

static int by_protocol(const void *a, const void *b)
{
	const struct tls_tally_version *x = a, *y = b;
	size_t n = x->protocol.n < y->protocol.n ? x->protocol.n : y->protocol.n;
	int order = memcmp(y->protocol.p, x->protocol.p, n);

	return order != 0 ? order : (y->protocol.n > x->protocol.n) - (y->protocol.n < x->protocol.n);
}

static int by_count(const void *a, const void *b)
{
	const struct tls_tally_cause *x = a, *y = b;

	return (y->count > x->count) - (y->count < x->count);
}

static int by_time(const void *a, const void *b)
{
	const struct tls_tally_client *x = a, *y = b;

	return (y->when_s > x->when_s) - (y->when_s < x->when_s);
}

void tls_running_add(const struct tls_running *r, const char *daemon, const char *listen, struct tls_tally *t)
{
	for (size_t i = 0; i < r->process_count; i++)
		if (span_is(r->processes[i].name, daemon))
			add_process(t, r->processes[i].lines, listen);
	qsort(t->versions, t->version_count, sizeof(t->versions[0]), by_protocol);
	qsort(t->causes, t->cause_count, sizeof(t->causes[0]), by_count);
	qsort(t->clients, t->client_count, sizeof(t->clients[0]), by_time);
}

/* --- questions ------------------------------------------------------------- */

uint64_t tls_tally_handshakes(const struct tls_tally *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->version_count; i++)
		sum += t->versions[i].count;
	return sum;
}

uint64_t tls_tally_failures(const struct tls_tally *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->cause_count; i++)
		sum += t->causes[i].count;
	return sum;
}

enum tls_tally_state tls_tally_serves(const struct tls_tally *t, const char *fingerprint)
{
	for (size_t i = 0; i < t->served_count; i++)
		if (span_is_nocase(t->served[i].fingerprint, fingerprint))
			return t->served[i].processes >= t->processes ? TLS_TALLY_ALL : TLS_TALLY_SOME;
	return TLS_TALLY_NONE;
}
