/* sessions.c - who is logged in, and to be sent away (server.h). */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/net/inside.h"
#include "common/net/server.h"

enum { SESSIONS_MAX = 60000, LINE_MAX_BYTES = 6000 };	/* bytes of an answer; of one line of it */

/* One word, whatever the name is: its spaces are escaped too. Nothing is "-", and "-" is no word then. */
static void put_word(struct buf *out, const char *text)
{
	char plain[4 * 1000 + 1];	/* of the longest name of a mailbox */

	if (*text == '\0' || strcmp(text, "-") == 0) {
		buf_put_text(out, *text == '\0' ? "-" : "\\x2d");
		return;
	}
	escape_text(plain, sizeof(plain), span_of(text));
	for (const char *c = plain; *c != '\0'; c++)
		buf_put_text(out, *c == ' ' ? "\\x20" : (char[2]){ *c, '\0' });
}

static void put_session(const struct conn *c, struct buf *out)
{
	const struct tls_facts *tls = conn_tls(c);
	int64_t since_s = (clock_real_ms() - (int64_t)(clock_mono_ms() - c->began_ms)) / 1000;

	buf_printf(out, "session %llu %s %s %s %lld ", (unsigned long long)c->id, c->server->protocol->name, conn_peer(c),
		   tls != NULL ? tls->protocol : "none", (long long)since_s);
	put_word(out, c->account);
	buf_put_byte(out, ' ');
	put_word(out, c->server->protocol->mailbox != NULL ? c->server->protocol->mailbox(c->session) : "");
	buf_put_byte(out, '\n');
}

/* Logged in, and nobody has ended it yet. */
static bool is_live(const struct conn *c)
{
	return c->account != NULL && !c->told_end && c->state != CONN_LINGERING && c->state != CONN_GONE;
}

/* The list has the newest connection first, and ids rise. */
void server_sessions(struct server *s, uint64_t before, struct buf *out)
{
	size_t left = 0;

	for (const struct conn *c = s->conns; c != NULL; c = c->next) {
		if (!is_live(c) || c->id >= before)
			continue;
		if (out->n + LINE_MAX_BYTES < SESSIONS_MAX)
			put_session(c, out);
		else
			left++;
	}
	buf_printf(out, "more %zu\n", left);
}

size_t server_kick(struct server *s, const char *account, uint64_t id)
{
	size_t n = 0;

	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		if (!is_live(c) || strcmp(c->account, account) != 0 || (id != 0 && c->id != id))
			continue;
		conn_end(c, CONN_END_KICKED);
		n++;
	}
	return n;
}
