/* imap.c - logins, one command again and again, messages appended, connections that idle. */
#include "tests/bench/load/keys.h"
#include "tests/bench/load/message.h"
#include "tests/bench/load/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 50 };	/* messages of one APPEND (RFC 3502) */

/* A literal at the end of a line (RFC 9051 4.3); -1: none. */
static long long literal(const char *line)
{
	size_t n = strlen(line);
	const char *open = n > 0 && line[n - 1] == '}' ? strrchr(line, '{') : NULL;

	return open != NULL ? strtoll(open + 1, NULL, 10) : -1;
}

int imap_wait(struct worker *w, const char *tag)
{
	size_t n = strlen(tag);
	char *line;

	while ((line = conn_line(&w->c)) != NULL) {
		long long skip = literal(line);

		if (skip > 0 && conn_skip(&w->c, (uint64_t)skip) < 0)
			break;
		if (skip >= 0 || strncmp(line, tag, n) != 0 || line[n] != ' ')
			continue;
		if (strncmp(line + n, " OK", 3) == 0)
			return 0;
		worker_why(w, line);
		return 1;
	}
	worker_why(w, "the connection ended");
	return -1;
}

int imap_wait_more(struct worker *w)
{
	char *line;

	do {
		line = conn_line(&w->c);
	} while (line != NULL && line[0] == '*');
	if (line != NULL && line[0] == '+')
		return 0;
	worker_why(w, line != NULL ? line : "the connection ended");
	return -1;
}

int imap_login(struct worker *w, const char *user)
{
	enum conn_tls tls = conn_tls_of(keys_text("tls", "none"));

	if (conn_open(&w->c, (int)keys_number("port", 143), tls) < 0 || conn_line(&w->c) == NULL)
		return -1;
	if (tls == CONN_STARTTLS && (conn_say(&w->c, "s STARTTLS\r\n") < 0 || imap_wait(w, "s") != 0 || conn_secure(&w->c) < 0))
		return -1;
	return conn_say(&w->c, "a LOGIN %s %s\r\n", user, keys_text("pass", "secret")) < 0 || imap_wait(w, "a") != 0 ? -1 : 0;
}

static int select_mailbox(struct worker *w)
{
	if (!keys_number("select", 1))
		return 0;
	return conn_say(&w->c, "b SELECT %s\r\n", keys_text("mailbox", "INBOX")) < 0 || imap_wait(w, "b") != 0 ? -1 : 0;
}

static void leave(struct worker *w)
{
	if (conn_say(&w->c, "z LOGOUT\r\n") == 0)
		imap_wait(w, "z");
	conn_close(&w->c);
}

static int prepare_login(struct worker *w)
{
	w->c.keep_session = keys_number("resume", 0) != 0;
	return 0;
}

static void run_login(struct worker *w)
{
	char user[64];

	for (long i = 0; i < w->rounds && w->failed < 20; i++) {
		double began = verb_now_s();
		int r = imap_login(w, worker_any_user(w, user, sizeof(user)));

		w->resumed += w->c.resumed;
		if (r == 0)
			leave(w);
		conn_close(&w->c);
		worker_note(w, began, r);
	}
}

static void run_tls(struct worker *w)
{
	for (long i = 0; i < w->rounds && w->failed < 20; i++) {
		double began = verb_now_s();
		int r = conn_open(&w->c, (int)keys_number("port", 993), CONN_TLS);

		if (r == 0 && conn_line(&w->c) == NULL)
			r = -1;
		w->resumed += w->c.resumed;
		conn_close(&w->c);
		worker_note(w, began, r);
	}
}

static int prepare_session(struct worker *w)
{
	char user[64];
	int r = imap_login(w, worker_user(w, user, sizeof(user)));

	return r < 0 ? r : select_mailbox(w);
}

static void run_command(struct worker *w)
{
	const char *pattern = keys_text("cmd", "NOOP");
	long first = keys_number("base", 0) + w->number * w->rounds + 1;
	char command[3000], tag[32];
	int r = 0;

	for (long i = 0; i < w->rounds && r >= 0; i++) {
		double began = verb_now_s();

		worker_expand(w, pattern, first + i, command, sizeof(command));
		snprintf(tag, sizeof(tag), "t%ld", i);
		r = conn_say(&w->c, "%s %s\r\n", tag, command) < 0 ? -1 : imap_wait(w, tag);
		worker_note(w, began, r);
	}
	leave(w);
}

static int prepare_append(struct worker *w)
{
	w->message = malloc((size_t)keys_number("size", 4096) + 1024);
	w->message_n = message_write(w->message, (size_t)keys_number("size", 4096), w->number + 1, NULL);
	memcpy(w->message + w->message_n, "\r\n", 2);
	return prepare_session(w);
}

static void run_append(struct worker *w)
{
	int r = 0;

	for (long i = 0; i < w->rounds && r == 0; i++) {
		double began = verb_now_s();

		if (conn_say(&w->c, "t APPEND %s (\\Seen) {%zu}\r\n", keys_text("mailbox", "INBOX"), w->message_n) < 0 || imap_wait_more(w) < 0 ||
		    conn_write(&w->c, w->message, w->message_n + 2) < 0 || imap_wait(w, "t") != 0)
			r = -1;
		worker_note(w, began, r);
	}
	leave(w);
}

/* One message of an APPEND: `head` is what stands before its flags. Every third is unread. */
static int send_one(struct worker *w, const char *head, long number, size_t size)
{
	char *text = w->message;
	size_t n = message_write(text, size, number, NULL);
	const char *flags = number % 3 == 0 ? "" : "\\Seen";

	if (conn_say(&w->c, "%s (%s) {%zu%s}\r\n", head, flags, n, n <= 4096 ? "+" : "") < 0)	/* RFC 7888 5 */
		return -1;
	if (n > 4096 && imap_wait_more(w) < 0)
		return -1;
	return conn_write(&w->c, text, n);
}

/* Each worker's m messages, in APPENDs of many. */
static void run_fill(struct worker *w)
{
	char head[300];
	int r = 0;

	for (long i = 0; i < w->rounds && r == 0; i += BATCH) {
		double began = verb_now_s();

		snprintf(head, sizeof(head), "t APPEND %s", keys_text("mailbox", "INBOX"));
		for (long k = i; k < i + BATCH && k < w->rounds && r == 0; k++) {
			r = send_one(w, head, w->number * w->rounds + k, (size_t)keys_number("size", 4096));
			head[0] = '\0';
		}
		if (r == 0 && (conn_write(&w->c, "\r\n", 2) < 0 || imap_wait(w, "t") != 0))
			r = -1;
		worker_note(w, began, r);
	}
	leave(w);
}

/* m connections of each worker stand in IDLE; then the first line on stdin ends it (main.c). */
static int prepare_idle(struct worker *w)
{
	char user[64];

	for (long i = 0; i < w->rounds; i++) {
		double began = verb_now_s();
		int r;

		w->c.tls = NULL;	/* the one before stays as it is, until the end of the process */
		r = imap_login(w, worker_user(w, user, sizeof(user)));
		if (r == 0)
			r = select_mailbox(w);
		if (r == 0)
			r = conn_say(&w->c, "c IDLE\r\n") < 0 ? -1 : imap_wait_more(w);
		worker_note(w, began, r);
	}
	return 0;
}

static void run_idle(struct worker *w)
{
	char c;

	if (w->number == 0) {
		printf("{\"idle\": true}\n");
		fflush(stdout);
		if (fread(&c, 1, 1, stdin) != 1)
			return;
	}
}

const struct verb verb_login = { "login", prepare_login, run_login };
const struct verb verb_tls = { "tls", prepare_login, run_tls };
const struct verb verb_imap = { "imap", prepare_session, run_command };
const struct verb verb_append = { "append", prepare_append, run_append };
const struct verb verb_fill = { "fill", prepare_append, run_fill };
const struct verb verb_idle = { "idle", prepare_idle, run_idle };
