/* account_session.c - the contract is in account_session.h. */
#include "admin/account_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/session_page.h"

enum { OUTPUT = 256 << 20 };	/* bytes of the longest list */

static void put_text(struct buf *b, const struct session *o)
{
	buf_printf(b, "%.*s  %.*s  %.*s  %.*s  %.*s  since %s  %.*s\n", (int)o->id.n, (const char *)o->id.p, (int)o->account.n,
		   (const char *)o->account.p, (int)o->protocol.n, (const char *)o->protocol.p, (int)o->peer.n, (const char *)o->peer.p,
		   (int)o->tls.n, (const char *)o->tls.p, o->since, (int)o->mailbox.n, (const char *)o->mailbox.p);
}

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that was escaped (common/base/escape.h), taken from behind its backslash. */
static uint8_t unescaped(struct span *s)
{
	uint8_t c = s->n > 0 ? *s->p : '\\';

	if (s->n >= 3 && c == 'x' && digit(s->p[1]) >= 0 && digit(s->p[2]) >= 0) {
		c = (uint8_t)(digit(s->p[1]) << 4 | digit(s->p[2]));
		span_take(s, 3);
		return c;
	}
	span_take(s, s->n > 0 ? 1 : 0);
	return c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
}

/* The name as it is; null where there is none. */
static void json_mailbox(struct buf *b, struct span word)
{
	struct buf name;

	if (span_is(word, "-")) {
		buf_put_text(b, ",\"mailbox\":null");
		return;
	}
	buf_init(&name, word.n + 1);
	while (word.n > 0) {
		uint8_t c = *span_take(&word, 1).p;

		buf_put_byte(&name, c == '\\' ? unescaped(&word) : c);
	}
	buf_put_byte(&name, '\0');
	account_json(b, "mailbox", name.failed ? "" : (const char *)name.p);
	buf_clear(&name);
}

static void json_span(struct buf *b, const char *name, struct span value)
{
	char text[1000];

	snprintf(text, sizeof(text), "%.*s", (int)value.n, (const char *)value.p);
	account_json(b, name, text);
}

static void put_json(struct buf *b, const struct session *o)
{
	buf_put_text(b, b->n > 1 ? ",\n{" : "\n{");
	json_span(b, "id", o->id);
	json_span(b, "address", o->account);
	json_span(b, "protocol", o->protocol);
	json_span(b, "peer", o->peer);
	json_span(b, "tls", o->tls);
	account_json(b, "since", o->since);
	json_span(b, "daemon", o->daemon);
	json_span(b, "worker", o->worker);
	json_mailbox(b, o->mailbox);
	buf_put_byte(b, '}');
}

/* The order's text, to be freed. */
static int ask(const struct site *s, const char *order, char **text, struct error *err)
{
	int code = site_order(s, order, text, err);

	if (code <= 0)
		return code;
	error_set(err, -EIO, "%s", *text != NULL ? *text : "the server does not answer");
	return -EIO;
}

typedef void (*put_session)(struct buf *b, const struct session *o);

/* Page after page, those of `only` (an address; "": all). -ENODATA with words: what is there is not all. */
static int put_sessions(const struct site *s, struct buf *b, const char *only, put_session put, struct error *err)
{
	struct session_page page = { .next = SESSION_PAGE_FIRST };
	int failed = 0;

	while (page.next > 0) {
		char order[40], *text = NULL;
		struct session one;
		int code;

		snprintf(order, sizeof(order), "sessions %llu", (unsigned long long)page.next);
		code = ask(s, order, &text, err);
		if (code < 0)
			return code;
		if (session_page_read(&page, span_of(text), page.next, err) < 0)
			failed = -ENODATA;
		while (session_page_next(&page, &one))
			if (*only == '\0' || span_is(one.account, only))
				put(b, &one);
		free(text);
	}
	return failed;
}

int account_sessions(const struct site *s, const struct account_line *l)
{
	char only[ACCOUNTS_ADDRESS_MAX] = "";
	struct error err;
	struct buf b;
	int code = l->count > 0 ? accounts_address(l->words[0], only, &err) : 0, printed;

	buf_init(&b, OUTPUT);
	buf_put_text(&b, l->json ? "[" : "");
	if (code == 0)
		code = put_sessions(s, &b, only, l->json ? put_json : put_text, &err);
	if (code < 0 && code != -ENODATA) {
		buf_clear(&b);
		return verb_failed(&err);
	}
	buf_put_text(&b, l->json ? "\n]\n" : "");
	printed = verb_print(&b);
	return code < 0 ? verb_failed(&err) : printed;
}

/* silent: the last process that has not answered, as "imapd 2"; empty: none. */
static uint64_t count_kicked(struct span text, struct span *silent)
{
	struct span asked = { NULL, 0 };
	uint64_t all = 0, n;

	*silent = asked;
	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n'), key = span_take_until(&line, ' ');

		if (span_is(key, "daemon")) {
			*silent = asked.n > 0 ? asked : *silent;
			asked = line;
		} else if (span_is(key, "kicked") && span_number(line, UINT32_MAX, &n)) {
			asked.n = 0;
			all += n;
		}
	}
	*silent = asked.n > 0 ? asked : *silent;
	return all;
}

int account_kick(const struct site *s, const struct account_line *l)
{
	char address[ACCOUNTS_ADDRESS_MAX], order[ACCOUNTS_ADDRESS_MAX + 40], *text = NULL;
	struct span silent = { NULL, 0 };
	uint64_t id = 0, n = 0;
	struct error err;
	struct buf b;
	int code = accounts_address(l->words[0], address, &err);

	if (l->session != NULL && (!span_number(span_of(l->session), UINT64_MAX, &id) || id == 0))
		return verb_usage(l->verb, "a session's id is a number: see account sessions");
	if (code == 0) {
		snprintf(order, sizeof(order), "kick %llu %s", (unsigned long long)id, address);
		code = ask(s, order, &text, &err);
	}
	if (code == 0)
		n = count_kicked(span_of(text), &silent);
	if (silent.n > 0)
		code = error_set(&err, -ENODATA, "%.*s has not answered: sessions there may go on; %llu ended", (int)silent.n,
				 (const char *)silent.p, (unsigned long long)n);
	free(text);
	if (code == 0 && n == 0)
		code = error_set(&err, -ENOENT, "%s has no such session", address);
	if (code < 0)
		return verb_failed(&err);
	buf_init(&b, 100);
	buf_printf(&b, "%llu ended\n", (unsigned long long)n);
	return verb_print(&b);
}
