/* shake.c - how TLS comes up on a connection, or why it does not: handshakes, wrong modes
 * (mode.h), and what is counted of both. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/inside.h"
#include "common/net/mode.h"
#include "common/tls/cause.h"

enum { TLS_TEXT = 1200 };

static int64_t now_s(void)
{
	return clock_real_ms() / 1000;
}

static bool is_implicit(const struct conn *c)
{
	return c->port->listen->mode == CONFIG_MODE_IMPLICIT;
}

/* --- failures --------------------------------------------------------------- */

static void failed(struct conn *c, unsigned cause, const char *line)
{
	log_info("ICID %llu %s", (unsigned long long)c->id, line);
	census_failure(c->port->census, cause, now_s());
	c->server->tls_failed++;
}

static void session_failed(struct conn *c, enum tls_cut cut)
{
	const struct tls_session *tls = c->stream.tls;
	char line[TLS_TEXT];

	tls_session_failure_text(tls, cut, config_file_name(c->server->protocol->which), line, sizeof(line));
	failed(c, tls_session_cause(tls, cut), line);
}

void conn_shake_failed(struct conn *c)
{
	session_failed(c, TLS_CUT_NO);
	/* The alert that says why goes out first. */
	if (stream_send(&c->stream) < 0)
		conn_cut(c, "client");
	else
		conn_linger(c);
}

/* First bytes that were held back tell the rest of the story. */
static void first_to_session(struct conn *c)
{
	struct span held = { c->first, c->first_n };

	if (!c->judged && held.n > 0)
		tls_session_feed(c->stream.tls, &held);
	c->judged = true;
}

void conn_shake_cut(struct conn *c, enum tls_cut cut)
{
	first_to_session(c);
	session_failed(c, cut);
	conn_cut(c, cut == TLS_CUT_EOF ? "client" : "HandshakeTime");
}

/* --- the wrong mode --------------------------------------------------------- */

static void wrong_mode(struct conn *c, const char *cause)
{
	size_t number = tls_cause_find(span_of(cause));
	char line[TLS_TEXT];

	c->judged = true;
	tls_cause_failure_text((unsigned)number, (struct span){ c->first, c->first_n },
			       config_file_name(c->server->protocol->which), line, sizeof(line));
	failed(c, (unsigned)number, line);
}

/* One line in the protocol's own words, then the end. */
static void turn_away(struct conn *c, const char *code, const char *words)
{
	char line[TLS_TEXT];

	snprintf(line, sizeof(line), "%s%s\r\n", code, words);
	if (conn_say(c, span_of(line)))
		conn_close_when_flushed(c);
}

static void say_begins_clear(struct conn *c)
{
	char words[200], speaks[64] = "has no TLS";

	if (c->port->start_tls)
		snprintf(speaks, sizeof(speaks), "speaks %s", c->server->protocol->start_tls);
	snprintf(words, sizeof(words), "this port begins in clear and %s; your program is set to SSL/TLS", speaks);
	wrong_mode(c, "tls-on-clear-port");
	turn_away(c, c->server->protocol->wrong_mode, words);
}

/* In clear: whoever can read it needs it, and nothing of a session is on the line yet. */
static void say_begins_tls(struct conn *c, const char *cause)
{
	wrong_mode(c, cause);
	tls_session_free(c->stream.tls);
	c->stream.tls = NULL;
	/* Mail programs call it STARTTLS, whatever the protocol's command. */
	turn_away(c, c->server->protocol->wrong_mode,
		  "this port begins with TLS; set your program to SSL/TLS, or to STARTTLS at another port");
}

/* Nothing that a browser could take for an answer. */
static void say_nothing(struct conn *c)
{
	wrong_mode(c, "http-on-mail-port");
	conn_linger(c);
}

/* Takes what fits from *in to the first bytes. */
static enum mode judge(struct conn *c, struct span *in)
{
	struct span part = span_take(in, sizeof(c->first) - c->first_n);

	memcpy(c->first + c->first_n, part.p, part.n);
	c->first_n = (uint8_t)(c->first_n + part.n);
	return mode_judge((struct span){ c->first, c->first_n });
}

bool conn_first(struct conn *c, struct span *in, struct span *held)
{
	struct span whole = *in;
	bool kept = c->first_n > 0;
	enum mode mode;

	*held = (struct span){ NULL, 0 };
	if (c->judged)
		return true;
	mode = judge(c, in);
	if (mode == MODE_MORE)
		return false;
	if (mode == MODE_HTTP)
		say_nothing(c);
	else if (mode == MODE_TEXT && is_implicit(c))
		say_begins_tls(c, "plain-text-on-tls-port");
	else if (mode == MODE_TLS && !is_implicit(c))
		say_begins_clear(c);
	if (c->judged)
		return false;
	c->judged = true;
	if (kept)
		*held = (struct span){ c->first, c->first_n };
	else
		*in = whole;
	return true;
}

/* --- handshakes ------------------------------------------------------------- */

/* What the port would show a client that comes now: a reload may have been since this one
 * came. NULL: no TLS any more. */
static struct tls_context *newest_tls(const struct conn *c)
{
	const struct ports *now = c->server->ports;
	size_t index = (size_t)(c->port - c->ports->port);

	return index < now->count ? now->port[index].tls : NULL;
}

/* Who was offered STARTTLS gets it, with the certificates and lists of today. */
static struct tls_context *shake_tls(const struct conn *c)
{
	struct tls_context *now = newest_tls(c);

	return c->port->tls != NULL && now != NULL ? now : c->port->tls;
}

void conn_shake(struct conn *c)
{
	struct error err = { .words = "this port has no TLS, or TLS is up already" };
	struct tls_context *tls = shake_tls(c);

	if (tls == NULL || c->stream.tls != NULL || tls_session_new(&c->stream.tls, tls, &err) < 0) {
		log_warn("ICID %llu TLS failed: %s", (unsigned long long)c->id, err.words);
		conn_cut(c, "server");
		return;
	}
	c->state = CONN_SHAKING;
	c->shake_ms = clock_mono_ms() + c->ports->handshake_ms;
	c->shell_ms = c->shake_ms;
	if (is_implicit(c) && c->ports->silence_ms < c->ports->handshake_ms)
		c->shell_ms -= c->ports->handshake_ms - c->ports->silence_ms;
}

void conn_shake_late(struct conn *c)
{
	if (clock_mono_ms() >= c->shake_ms)
		conn_shake_cut(c, TLS_CUT_TIME);
	else if (c->stream.in_bytes == 0)
		say_begins_tls(c, "silent-on-tls-port");
	else
		c->shell_ms = c->shake_ms;
	conn_settle(c);
}

/* ExplainRefusal: TLS is up for this one line. The session never hears of it. */
static void refuse(struct conn *c)
{
	char words[400];

	tls_session_refusal(c->stream.tls, words, sizeof(words));
	session_failed(c, TLS_CUT_NO);
	turn_away(c, c->server->protocol->refusal, words);
}

void conn_shake_up(struct conn *c)
{
	const struct tls_facts *facts = tls_session_facts(c->stream.tls);
	char line[TLS_TEXT];

	if (tls_session_refused(c->stream.tls)) {
		refuse(c);
		return;
	}
	tls_session_success_text(c->stream.tls, line, sizeof(line));
	log_info("ICID %llu %s", (unsigned long long)c->id, line);
	census_success(c->port->census, facts->protocol, facts->resumed, now_s());
	c->server->tls_handshakes++;
	c->server->tls_resumed += facts->resumed;
	c->state = CONN_OPEN;
	c->shell_ms = NEVER;
	c->secured = true;
	if (c->server->protocol->secured != NULL)
		c->server->protocol->secured(c->session);
	if (c->ports != c->server->ports)
		conn_shake_again(c);
}

void conn_shake_again(struct conn *c)
{
	const struct tls_context *now = newest_tls(c);
	const char *why;

	if (*conn_client_fingerprint(c) == '\0' || now == NULL || tls_session_client_holds(c->stream.tls, now, &why))
		return;
	log_info("ICID %llu client certificate no longer good reason=\"%s\"", (unsigned long long)c->id, why);
	conn_end(c, CONN_END_CERTIFICATE);
}

void conn_shake_over(const struct conn *c)
{
	if (c->secured)
		census_client(c->port->census, tls_session_facts(c->stream.tls)->protocol,
			      c->account != NULL ? c->account : c->peer.host, now_s());
}
