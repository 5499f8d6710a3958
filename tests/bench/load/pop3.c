/* pop3.c - a maildrop read from the first message to the last. */
#include "tests/bench/load/keys.h"
#include "tests/bench/load/verb.h"

#include <stdlib.h>
#include <string.h>

static int expect_ok(struct worker *w)
{
	char *line = conn_line(&w->c);

	if (line != NULL && line[0] == '+')
		return 0;
	worker_why(w, line != NULL ? line : "the connection ended");
	return -1;
}

int pop3_login(struct worker *w, const char *user)
{
	if (conn_open(&w->c, (int)keys_number("port", 110), conn_tls_of(keys_text("tls", "none"))) < 0 || expect_ok(w) < 0)
		return -1;
	if (conn_say(&w->c, "USER %s\r\n", user) < 0 || expect_ok(w) < 0)
		return -1;
	return conn_say(&w->c, "PASS %s\r\n", keys_text("pass", "secret")) < 0 ? -1 : expect_ok(w);
}

static int prepare(struct worker *w)
{
	char user[64];

	return pop3_login(w, worker_user(w, user, sizeof(user)));
}

static void run(struct worker *w)
{
	int r = 0;

	for (long i = 1; i <= w->rounds && r == 0; i++) {
		double began = verb_now_s();

		if (conn_say(&w->c, "RETR %ld\r\n", i) < 0 || expect_ok(w) < 0 || conn_skip_dotted(&w->c) < 0)
			r = -1;
		worker_note(w, began, r);
	}
	if (conn_say(&w->c, "QUIT\r\n") == 0)
		expect_ok(w);
}

const struct verb verb_pop3 = { "pop3", prepare, run };
