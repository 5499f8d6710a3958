/* tls_change.c - the contract is in tls_change.h. */
#include "admin/tls_change.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "admin/sheet.h"
#include "common/base/escape.h"

enum { NAMED = 3, LINE = 900, LOST = 300, COUNT = SHEET_NUMBER + 40 };

/* One port, as it is and as it would be. */
struct change {
	const struct tls_ports *ports;
	const struct tls_port *port;
	const struct tls_port *like; /* has its context and view */
	struct tls_tally tally;
	uint64_t handshakes; /* in the last 24 hours */
	struct buf line;     /* what next lends from */
	struct tls_rules next;
	bool has_next;
	struct buf *out;
};

__attribute__((format(printf, 2, 3))) static void say(const struct change *c, const char *format, ...)
{
	char words[LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	buf_printf(c->out, "%s:%u: Listen %s: %s\n", setup_name(c->ports->setup, c->port->daemon),
		   c->port->listen->line, c->port->listen->text, words);
}

/* --- versions -------------------------------------------------------------- */

static uint64_t seen(const struct change *c, const char *protocol)
{
	for (size_t i = 0; i < c->tally.version_count; i++)
		if (span_is(c->tally.versions[i].protocol, protocol))
			return c->tally.versions[i].count;
	return 0;
}

/* ", last by anna@example.org, 192.0.2.7", or nothing. */
static void last_text(const struct change *c, const char *protocol, char *out, size_t size)
{
	size_t used = 0, named = 0;

	*out = '\0';
	for (size_t i = 0; i < c->tally.client_count && named < NAMED && used < size; i++) {
		const struct tls_tally_client *one = &c->tally.clients[i];
		char who[160];

		if (span_is(one->protocol, protocol))
			used += (size_t)snprintf(out + used, size - used, ", %s%s",
						 named++ == 0 ? "last by " : "",
						 escape_text(who, sizeof(who), one->who));
	}
}

static void say_end(const struct change *c, const struct tls_view_version *v)
{
	char count[SHEET_NUMBER] = "none", of[SHEET_NUMBER], last[3 * 164 + 16];
	uint64_t n = seen(c, v->protocol);

	if (c->handshakes == 0) {
		say(c, "%s would end: no handshake in the last 24 h", v->name);
		return;
	}
	last_text(c, v->protocol, last, sizeof(last));
	if (n > 0)
		sheet_number(n, count);
	say(c, "%s would end: %s of %s handshakes in the last 24 h used it%s", v->name, count,
	    sheet_number(c->handshakes, of), last);
}

/* What mask and level say of both sides; where a handshake was tried and failed, that it was seen
 * is enough. True if one ends. */
static bool compare_versions(const struct change *c)
{
	bool ends = false;

	for (size_t i = TLS_VIEW_VERSIONS; i-- > 0;) {
		const struct tls_view_version *v = &c->like->view.versions[i];
		bool used = seen(c, v->protocol) > 0;
		bool now = c->tally.has_rules ? (c->tally.rules.versions & v->bit) != 0 : used;
		bool then = c->has_next && (c->next.versions & v->bit) != 0 && (v->served || !used);

		if (now && !then) {
			say_end(c, v);
			ends = true;
		} else if (!now && then && c->tally.has_rules) {
			say(c, "%s would be taken too", v->name);
		}
	}
	return ends;
}

/* --- ciphers and client certificates --------------------------------------- */

/* "1,300 handshakes in the last 24 h" */
static const char *count_text(uint64_t handshakes, char out[COUNT])
{
	char number[SHEET_NUMBER];

	snprintf(out, COUNT, "%s handshake%s in the last 24 h",
		 handshakes > 0 ? sheet_number(handshakes, number) : "no", handshakes > 1 ? "s" : "");
	return out;
}

static void compare_ciphers(const struct change *c)
{
	char lost[LOST], of[COUNT];

	tls_rules_lost(c->tally.rules.ciphers, c->next.ciphers, lost, sizeof(lost));
	if (lost[0] != '\0')
		say(c, "ciphers would end: %s; %s, by which cipher is not counted", lost,
		    count_text(c->handshakes, of));
}

static void compare_clients(const struct change *c)
{
	enum tls_verify now = c->tally.rules.verify, then = c->next.verify;
	char of[COUNT];

	count_text(c->handshakes, of);
	if (now != then && then == TLS_VERIFY_REQUIRE)
		say(c,
		    "clients without a certificate would be refused (VerifyClient require): %s, with or "
		    "without one",
		    of);
	else if (now != then && then == TLS_VERIFY_NO)
		say(c, "client certificates would no longer be asked for: who logs in with one (AUTH "
		       "EXTERNAL) can't");
	else if (now == TLS_VERIFY_NO && then == TLS_VERIFY_OPTIONAL)
		say(c, "clients would be asked for a certificate (VerifyClient optional); those without one "
		       "get in");
	else if (now != then)
		say(c, "clients without a certificate would get in (VerifyClient optional)");
	else if (then != TLS_VERIFY_NO && !span_equal(c->tally.rules.authorities, c->next.authorities))
		say(c, "client certificates of other authorities would be taken (ClientCA): %s", of);
}

/* --- a port ---------------------------------------------------------------- */

static void compare_tls(struct change *c)
{
	bool ends;

	tls_rules_write(c->like->context, c->port->listen->text, &c->line);
	c->next = (struct tls_rules){ .versions = 0 };
	if (c->line.n > 0)
		c->has_next = tls_rules_read(&c->next, (struct span){ c->line.p, c->line.n - 1 });
	ends = compare_versions(c);
	if (!c->tally.has_rules || !c->has_next)
		return;
	if (!ends)
		compare_ciphers(c); /* else they end with their version */
	compare_clients(c);
}

static void compare(struct change *c)
{
	char of[COUNT];

	c->handshakes = tls_tally_handshakes(&c->tally);
	if (c->port->off[0] != '\0') {
		if (c->tally.has_rules)
			say(c, "TLS would end (%s): %s", c->port->off, count_text(c->handshakes, of));
		return;
	}
	if (c->like->context != NULL && (c->tally.has_rules || c->handshakes > 0))
		compare_tls(c);
}

static bool is_there(const struct tls_ports *ports, struct span daemon, struct span listen)
{
	for (size_t i = 0; i < ports->count; i++)
		if (span_is(daemon, daemon_rows[ports->port[i].daemon].name) &&
		    span_is(listen, ports->port[i].listen->text))
			return true;
	return false;
}

/* Ports that etc/ no longer has. */
static void say_closed(const struct tls_ports *ports, const struct tls_running *running, struct buf *out)
{
	struct span daemon, listen;

	for (size_t i = 0; tls_running_port(running, i, &daemon, &listen); i++) {
		struct tls_tally tally = { 0 };
		char name[32], where[100], of[COUNT];

		if (is_there(ports, daemon, listen))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)daemon.n, (const char *)daemon.p);
		snprintf(where, sizeof(where), "%.*s", (int)listen.n, (const char *)listen.p);
		tls_running_add(running, name, where, &tally);
		if (tally.processes > 0)
			buf_printf(out, "%s.conf: Listen %s: would be closed: %s\n", name, where,
				   count_text(tls_tally_handshakes(&tally), of));
	}
}

void tls_change_write(const struct tls_ports *ports, const struct tls_running *running, struct buf *out)
{
	for (size_t i = 0; i < ports->count; i++) {
		struct change c = { .ports = ports, .port = &ports->port[i], .out = out };

		c.like = &ports->port[c.port->like];
		tls_running_add(running, daemon_rows[c.port->daemon].name, c.port->listen->text, &c.tally);
		buf_init(&c.line, 16384);
		compare(&c);
		buf_clear(&c.line);
	}
	say_closed(ports, running, out);
}
