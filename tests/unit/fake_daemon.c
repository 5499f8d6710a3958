/* fake_daemon.c - the contract is in fake_daemon.h. */
#include "tests/unit/fake_daemon.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/ipc/wire.h"
#include "common/proc/bundle.h"
#include "common/proc/control.h"

enum { LONG_ANSWER = 200 << 10 };

struct fake {
	const char *name;
	struct control_hello hello;
	unsigned listens, peers, ids, tickets;
	unsigned settings, certificate, holders; /* how often; sums of what came in the last */
	char wrong[200]; /* what it should not have been given */
};

static void send_text(enum control_type type, uint64_t number, const char *text)
{
	struct buf body;

	buf_init(&body, 2 * LONG_ANSWER);
	wire_put_text(&body, text);
	ipc_send_now(CONTROL_FD, (uint16_t)type, number, buf_span(&body), NULL, 0, NULL);
	buf_clear(&body);
}

/* It has neighbours. */
static bool is_joined(const struct fake *f)
{
	return strcmp(f->name, "authd") != 0 && strcmp(f->name, "storaged") != 0;
}

/* "die.imapd": the part before the dot is what the daemon of that name is to do. */
static bool is_told(const struct fake *f, const char *what)
{
	const char *dot = strchr(f->hello.hostname, '.');

	return dot != NULL && strcmp(dot + 1, f->name) == 0 &&
	       strncmp(f->hello.hostname, what, strlen(what)) == 0 && f->hello.hostname[strlen(what)] == '.';
}

static void take_hello(struct fake *f, const struct ipc_message *m)
{
	static const uint8_t none[32];
	size_t want = strcmp(f->name, "storaged") == 0 ? 4 : strcmp(f->name, "authd") == 0 ? 2 : 1;

	if (control_hello_read(m->body, &f->hello, NULL) != 0 || strcmp(f->hello.daemon, f->name) != 0)
		snprintf(f->wrong, sizeof(f->wrong), "hello");
	if (m->fd_count != want)
		snprintf(f->wrong, sizeof(f->wrong), "%zu descriptors", m->fd_count);
	if ((memcmp(f->hello.key, none, sizeof(none)) == 0) != is_joined(f))
		snprintf(f->wrong, sizeof(f->wrong), "the key of the tokens");
	log_open(f->name, f->hello.worker);
	log_to_socket(dup(m->fds[0]));
}

unsigned fake_daemon_sum(struct span text)
{
	unsigned sum = 1;

	for (size_t i = 0; i < text.n; i++)
		sum = sum * 31 + text.p[i];
	return sum >> 1; /* fits an int */
}

static void take_settings(struct fake *f, const struct ipc_message *m)
{
	static const char *const confs[] = { "smtpd", "pop3d", "imapd", "authd", "storaged", "deliverd" };
	struct bundle *b;
	struct span text;
	char name[32];

	if (m->fd_count != 1 || bundle_read(&b, m->fds[0], NULL) != 0) {
		snprintf(f->wrong, sizeof(f->wrong), "settings");
		return;
	}
	for (unsigned i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%s.conf", confs[i]);
		if (bundle_get(b, name, &text) != (strcmp(confs[i], f->name) == 0))
			snprintf(f->wrong, sizeof(f->wrong), "its bundle and %s", name);
	}
	if (bundle_get(b, "tls/server.key", &text) != (is_joined(f) && strcmp(f->name, "deliverd") != 0))
		snprintf(f->wrong, sizeof(f->wrong), "its bundle and the key");
	f->settings++;
	f->certificate = bundle_get(b, "tls/server.pem", &text) ? fake_daemon_sum(text) : 0;
	f->holders = bundle_get(b, "fingerprints", &text) ? fake_daemon_sum(text) : 0;
	bundle_free(b);
}

/* Longer than yubind waits for one that says nothing. */
static void linger(void)
{
	for (unsigned i = 0; i < 3; i++) {
		send_text(CONTROL_BUSY, 0, "it counts sheep");
		sleep(4);
	}
}

static void answer_status(const struct fake *f, uint64_t number)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "listens %u\npeers %u\nids %u\ntickets %u\nsettings %u\ncertificate %u\nholders %u\n", f->listens,
		 f->peers, f->ids, f->tickets, f->settings, f->certificate, f->holders);
	send_text(CONTROL_ANSWER, number, text);
}

static void answer_tls(const struct fake *f, uint64_t number)
{
	struct buf text;

	buf_init(&text, 4 * LONG_ANSWER);
	buf_printf(&text, "served %s\ndaemon smtpd 9\n", f->name);
	while (is_told(f, "talk") && text.n < LONG_ANSWER)
		buf_printf(&text, "line %zu\n", text.n);
	buf_put_byte(&text, '\0');
	send_text(CONTROL_ANSWER, number, (const char *)text.p);
	buf_clear(&text);
}

static void answer(const struct fake *f, const struct ipc_message *m)
{
	struct wire w = { .in = m->body };
	char what[4096], text[4200];

	wire_text(&w, what, sizeof(what));
	if (is_told(f, "tell"))
		send_text(CONTROL_REVOKED, 0, "a@test.example");
	snprintf(text, sizeof(text), "%s was asked: %s", f->name, what);
	if (is_told(f, "babble"))
		ipc_send_now(CONTROL_FD, 99, 0, span_of("?"), NULL, 0, NULL);
	else if (strcmp(what, "tls") == 0)
		answer_tls(f, m->number);
	else if (strncmp(what, "queue ", 6) == 0)
		send_text(CONTROL_ANSWER, m->number, text);
	else
		answer_status(f, m->number);
}

/* False: the process is to end. */
static bool take_message(struct fake *f, struct ipc_message *m)
{
	switch (m->type) {
	case CONTROL_HELLO:
		take_hello(f, m);
		break;
	case CONTROL_LISTEN:
		f->listens++;
		break;
	case CONTROL_PEER:
		f->peers++;
		break;
	case CONTROL_IDS:
		f->ids++;
		break;
	case CONTROL_TICKETS:
		f->tickets++;
		break;
	case CONTROL_ASK:
		answer(f, m);
		break;
	case CONTROL_DRAIN:
		return false;
	case CONTROL_STOP:
		return is_told(f, "stay");
	case CONTROL_SETTINGS:
		take_settings(f, m);
		if (m->number == 2 && is_told(f, "faint"))
			abort();
		if (m->number != 0)
			send_text(CONTROL_APPLIED, m->number, is_told(f, "refuse") ? "not these" : "");
		break;
	case CONTROL_GO:
		if (is_told(f, "die"))
			abort();
		if (is_told(f, "linger"))
			linger();
		if (is_told(f, "fail"))
			send_text(CONTROL_FAILED, 0, "no room at the inn");
		if (is_told(f, "fail"))
			return false;
		if (*f->wrong != '\0')
			send_text(CONTROL_FAILED, 0, f->wrong);
		else
			send_text(CONTROL_READY, 0, "sandbox=none");
		log_info("here");
		break;
	default:
		break;
	}
	return true;
}

int fake_daemon(const char *name)
{
	struct fake f = { .name = name };
	struct rlimit no_core = { 0, 0 };
	bool go_on = true;

	setrlimit(RLIMIT_CORE, &no_core);
	while (go_on) {
		int fds[IPC_FDS_MAX];
		struct ipc_message m;
		uint8_t *body;

		if (ipc_receive_now(CONTROL_FD, 60000, &m, &body, fds, NULL) != 0)
			return 0; /* yubind is gone */
		go_on = take_message(&f, &m);
		for (size_t i = 0; i < m.fd_count; i++)
			close(fds[i]);
		free(body);
	}
	return 0;
}
