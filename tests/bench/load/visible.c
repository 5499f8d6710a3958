/* visible.c - how long after the 250 another client's IDLE tells of the message. */
#include "tests/bench/load/keys.h"
#include "tests/bench/load/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 65536, MOST = 1000 };

/* The watcher is an IMAP client on key iport, the sender an SMTP client on key port. */
static int begin(struct worker *watcher, struct worker *sender, const char *user)
{
	if (conn_init(&watcher->c, ROOM) < 0 || conn_init(&sender->c, ROOM) < 0)
		return -1;
	if (conn_open(&watcher->c, (int)keys_number("iport", 143), CONN_PLAIN) < 0 || conn_line(&watcher->c) == NULL)
		return -1;
	if (conn_say(&watcher->c, "a LOGIN %s %s\r\n", user, keys_text("pass", "secret")) < 0 || imap_wait(watcher, "a") != 0)
		return -1;
	if (conn_say(&watcher->c, "b SELECT INBOX\r\n") < 0 || imap_wait(watcher, "b") != 0)
		return -1;
	if (conn_say(&watcher->c, "c IDLE\r\n") < 0 || imap_wait_more(watcher) < 0)
		return -1;
	smtp_message(sender);
	return smtp_open(sender, user);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int visible_main(void)
{
	const char *user = keys_text("user", "u1");
	struct worker watcher = { 0 }, sender = { 0 };
	double after_s[MOST];
	char recipient[128];
	long n = 0;

	snprintf(recipient, sizeof(recipient), "%s@%s", user, keys_text("domain", "bench.test"));
	if (begin(&watcher, &sender, user) < 0)
		return 1;
	for (; n < keys_number("m", 20) && n < MOST; n++) {
		char *line = NULL;
		double sent;

		if (smtp_send(&sender, recipient) < 0)
			return 1;
		sent = verb_now_s();
		do {
			line = conn_line(&watcher.c);
		} while (line != NULL && strstr(line, " EXISTS") == NULL);
		if (line == NULL)
			return 1;
		after_s[n] = verb_now_s() - sent;
		usleep(50000);
	}
	qsort(after_s, (size_t)n, sizeof(after_s[0]), by_size);
	printf("{\"ok\": %ld, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n", n, after_s[n / 2] * 1e3, after_s[n * 99 / 100] * 1e3);
	return 0;
}
