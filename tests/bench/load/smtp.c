/* smtp.c - messages sent, over one connection or one for each. */
#include "tests/bench/load/keys.h"
#include "tests/bench/load/message.h"
#include "tests/bench/load/verb.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The code of a whole reply; -1: none came. */
static int reply(struct worker *w)
{
	char *line;

	do {
		line = conn_line(&w->c);
	} while (line != NULL && strlen(line) > 3 && line[3] == '-');
	if (line == NULL || line[0] >= '4')
		worker_why(w, line != NULL ? line : "no reply");
	return line != NULL ? (int)strtol(line, NULL, 10) : -1;
}

static int expect(struct worker *w, int code)
{
	return reply(w) == code ? 0 : -1;
}

static int hello(struct worker *w)
{
	return conn_say(&w->c, "EHLO client.bench.test\r\n") < 0 ? -1 : expect(w, 250);
}

static int authenticate(struct worker *w, const char *user)
{
	unsigned char plain[300], text[420];
	int n = snprintf((char *)plain, sizeof(plain), "%c%s%c%s", 0, user, 0, keys_text("pass", "secret"));

	EVP_EncodeBlock(text, plain, n);
	return conn_say(&w->c, "AUTH PLAIN %s\r\n", (char *)text) < 0 ? -1 : expect(w, 235);
}

int smtp_open(struct worker *w, const char *user)
{
	enum conn_tls tls = conn_tls_of(keys_text("tls", "none"));

	if (conn_open(&w->c, (int)keys_number("port", 25), tls) < 0 || expect(w, 220) < 0 || hello(w) < 0)
		return -1;
	if (tls == CONN_STARTTLS)
		if (conn_say(&w->c, "STARTTLS\r\n") < 0 || expect(w, 220) < 0 || conn_secure(&w->c) < 0 || hello(w) < 0)
			return -1;
	return keys_number("auth", 0) ? authenticate(w, user) : 0;
}

int smtp_send(struct worker *w, const char *recipient)
{
	if (conn_say(&w->c, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", keys_text("from", "sender@client.bench.test"), recipient) < 0 ||
	    expect(w, 250) < 0 || expect(w, 250) < 0 || expect(w, 354) < 0)
		return -1;
	return conn_write(&w->c, w->message, w->message_n) < 0 ? -1 : expect(w, 250);
}

void smtp_message(struct worker *w)
{
	size_t size = (size_t)keys_number("size", 4096);

	w->message = malloc(size + 1024);
	w->message_n = message_write(w->message, size - 3, w->number + 1, keys_text("from", NULL));
	memcpy(w->message + w->message_n, ".\r\n", 3);
	w->message_n += 3;
}

static int prepare(struct worker *w)
{
	smtp_message(w);
	w->c.keep_session = keys_number("resume", 0) != 0;
	return 0;
}

static void recipient_of(struct worker *w, long round, char *out, size_t n)
{
	const char *to = keys_text("to", NULL);
	char user[64];

	if (to != NULL)
		worker_expand(w, to, w->number * w->rounds + round + 1, out, n);
	else
		snprintf(out, n, "%s@%s", worker_any_user(w, user, sizeof(user)), keys_text("domain", "bench.test"));
}

static void leave(struct worker *w)
{
	if (conn_say(&w->c, "QUIT\r\n") == 0)
		reply(w);
	conn_close(&w->c);
}

static void run(struct worker *w)
{
	bool one = strcmp(keys_text("mode", "reuse"), "one") == 0;
	char user[64], recipient[256];

	for (long i = 0; i < w->rounds && w->failed < 20; i++) {
		double began = verb_now_s();
		int r = 0;

		if (w->c.fd < 0) {
			r = smtp_open(w, worker_any_user(w, user, sizeof(user)));
			w->resumed += w->c.resumed;
		}
		recipient_of(w, i, recipient, sizeof(recipient));
		if (r == 0)
			r = smtp_send(w, recipient);
		if (r == 0 && one)
			leave(w);
		else if (r < 0)
			conn_close(&w->c);
		worker_note(w, began, r);
	}
	if (w->c.fd >= 0)
		leave(w);
}

const struct verb verb_smtp = { "smtp", prepare, run };
