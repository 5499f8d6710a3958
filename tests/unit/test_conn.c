/* test_conn.c - the one shell, over loopback in one process, with an echo in a protocol's place.
 * link: tests/unit/certificate_kit.o common/net/conn.o common/net/life.o common/net/server.o
 * link: common/net/accept.o common/net/ports.o common/net/stream.o common/net/tally.o
 * link: common/net/address.o common/proc/settings.o common/proc/bundle.o common/ipc/wire.o
 * link: common/tls/bio.o common/tls/choice.o common/tls/context.o common/tls/facts.o
 * link: common/tls/hello.o common/tls/chain.o common/tls/identity.o common/tls/holder.o common/tls/prints.o common/tls/staple.o common/tls/pem.o common/tls/policy.o
 * link: common/tls/protocol.o common/tls/seal.o common/tls/session.o common/tls/tickets.o
 * link: common/tls/client.o common/tls/explain.o common/tls/cause.o common/tls/refusal.o common/tls/policy_read.o common/config/config.o
 * link: common/config/parse.o common/config/rows.o common/config/value.o common/config/port.o
 * link: common/config/network.o common/base/buf.o common/base/span.o common/base/error.o
 * link: common/base/clock.o common/base/log.o common/base/line.o common/base/escape.o
 * link: common/base/utf8.o common/base/arena.o common/base/table.o */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/line.h"
#include "common/base/log.h"
#include "common/net/inside.h"
#include "common/net/server.h"
#include "tests/unit/certificate_kit.h"

/* --- the protocol: lines are echoed, some are commands ----------------------- */

struct echo {
	struct conn *c;
	struct line_reader *lines;
	struct buf out;
	size_t big;          /* bytes of BIG still to be said */
	size_t given;        /* all that next gave */
	bool waiting;        /* WAIT: until the test says so */
	enum conn_want then; /* behind the output */
	uint64_t deadline_ms;
	unsigned fed;
};

static struct echo *newest; /* the session that was opened last */
static unsigned open_sessions;
static uint64_t deadline_after_ms;

static int echo_open(void **session, struct conn *c, struct error *err)
{
	struct echo *e = calloc(1, sizeof(*e));

	if (e == NULL || line_reader_new(&e->lines, 1000, err) < 0)
		return -ENOMEM;
	e->c = c;
	buf_init(&e->out, 1 << 20);
	buf_printf(&e->out, "hello%s\r\n", conn_may_start_tls(c) ? " STARTTLS" : "");
	e->deadline_ms = deadline_after_ms > 0 ? clock_mono_ms() + deadline_after_ms : UINT64_MAX;
	*session = newest = e;
	open_sessions++;
	return 0;
}

static void echo_close(void *session)
{
	struct echo *e = session;

	line_reader_free(e->lines);
	buf_clear(&e->out);
	if (newest == e)
		newest = NULL;
	free(e);
	open_sessions--;
}

static void echo_line(struct echo *e, struct span line)
{
	char name[100];

	if (span_is(line, "QUIT")) {
		buf_put_text(&e->out, "bye\r\n");
		e->then = CONN_WANT_CLOSE;
	} else if (span_is(line, "STARTTLS")) {
		buf_put_text(&e->out, "go\r\n");
		e->then = CONN_WANT_TLS;
	} else if (span_is(line, "WAIT")) {
		e->waiting = true;
	} else if (span_starts(line, "BIG ")) {
		span_take(&line, 4);
		uint64_t n = 0;

		span_number(line, 1 << 30, &n);
		e->big = n;
	} else if (span_is(line, "BEGIN")) {
		conn_login_begin(e->c);
		buf_put_text(&e->out, "begun\r\n");
	} else if (span_starts(line, "LOGIN ")) {
		snprintf(name, sizeof(name), "%.*s", (int)line.n - 6, (const char *)line.p + 6);
		buf_put_text(&e->out, conn_login(e->c, name) ? "in\r\n" : "too many\r\n");
	} else {
		buf_printf(&e->out, "echo %.*s\r\n", (int)line.n, (const char *)line.p);
	}
}

static bool echo_busy(const struct echo *e)
{
	return e->waiting || e->big > 0 || e->then != CONN_WANT_INPUT;
}

static void echo_feed(void *session, struct span *in)
{
	struct echo *e = session;
	struct span line;

	e->fed++;
	while (!echo_busy(e) && line_feed(e->lines, in, &line) == LINE_OK)
		echo_line(e, line);
}

static enum conn_want echo_next(void *session, struct span *out)
{
	static const uint8_t zeros[65536];
	struct echo *e = session;
	enum conn_want then = e->then;

	if (e->out.n > 0) {
		static uint8_t lent[1 << 20];

		memcpy(lent, e->out.p, e->out.n);
		*out = (struct span){ lent, e->out.n };
		buf_reset(&e->out);
	} else if (e->big > 0) {
		*out = (struct span){ zeros, e->big < sizeof(zeros) ? e->big : sizeof(zeros) };
		e->big -= out->n;
	} else {
		e->then = CONN_WANT_INPUT;
		return then;
	}
	e->given += out->n;
	return CONN_WANT_OUTPUT;
}

static void echo_secured(void *session)
{
	struct echo *e = session;

	buf_printf(&e->out, "secure %s\r\n", conn_tls(e->c)->protocol);
}

static void echo_tick(void *session, uint64_t now_ms)
{
	struct echo *e = session;

	if (now_ms < e->deadline_ms)
		return;
	e->deadline_ms = UINT64_MAX;
	buf_put_text(&e->out, "too slow\r\n");
	e->then = CONN_WANT_CLOSE;
}

static uint64_t echo_deadline(void *session)
{
	return ((struct echo *)session)->deadline_ms;
}

static void echo_end(void *session, enum conn_end why)
{
	struct echo *e = session;

	buf_put_text(&e->out, why == CONN_END_STOP ? "stopping\r\n" : "revoked\r\n");
	e->then = CONN_WANT_CLOSE;
	e->waiting = false;
}

static bool echo_idle(void *session)
{
	return !echo_busy(session);
}

static const struct conn_protocol echo = { .name = "imap",
					   .which = CONFIG_IMAPD,
					   .open = echo_open,
					   .close = echo_close,
					   .feed = echo_feed,
					   .next = echo_next,
					   .secured = echo_secured,
					   .tick = echo_tick,
					   .deadline = echo_deadline,
					   .end = echo_end,
					   .idle = echo_idle };

/* --- the place: a loop, settings, listening sockets -------------------------- */

struct place {
	uv_loop_t loop;
	struct settings *settings;
	struct server *server;
	struct sockaddr_in6 at[3]; /* plain, explicit, implicit */
	uint64_t last_id;
	bool left;
};

static char log_text[65536];

static void on_log(void *arg, const char *line)
{
	size_t used = strlen(log_text);

	(void)arg;
	snprintf(log_text + used, sizeof(log_text) - used, "%s\n", line);
}

static struct settings *place_settings(void *arg)
{
	return ((struct place *)arg)->settings;
}

static uint64_t place_id(void *arg)
{
	return ++((struct place *)arg)->last_id;
}

static void place_leave(void *arg)
{
	((struct place *)arg)->left = true;
}

static char certificate[4096], private_key[4096];

static struct settings *make_settings(const char *site, const char *limits)
{
	struct settings *s;
	struct error err;
	struct buf b, own;
	int fd;

	buf_init(&own, 65536);
	buf_printf(&own, "%s\nCertificate server.pem\nPrivateKey server.key\n", limits);
	buf_put_text(&own,
		     "Listen 127.0.0.1:1 plain\nListen 127.0.0.1:2 explicit\nListen 127.0.0.1:3 implicit\n");
	buf_init(&b, 65536);
	bundle_put(&b, "yubin.conf", span_of(site));
	bundle_put(&b, "imapd.conf", buf_span(&own));
	bundle_put(&b, "server.pem", span_of(certificate));
	bundle_put(&b, "server.key", span_of(private_key));
	assert_int_equal(bundle_to_fd(buf_span(&b), &fd, NULL), 0);
	if (settings_read(&s, fd, CONFIG_IMAPD, &err) < 0)
		fail_msg("%s", err.words);
	close(fd);
	buf_clear(&b);
	buf_clear(&own);
	return s;
}

static int make_listener(struct sockaddr_in6 *at)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &size), 0);
	return fd;
}

static void place_open(struct place *p, const char *site, const char *limits)
{
	struct server_host host = { .arg = p,
				    .loop = &p->loop,
				    .hostname = "mail.example.org",
				    .settings = place_settings,
				    .id = place_id,
				    .leave = place_leave };
	struct error err;

	*p = (struct place){ .settings = make_settings(site, limits) };
	log_text[0] = '\0';
	uv_loop_init(&p->loop);
	assert_int_equal(server_new_at(&p->server, &host, &echo, "refused\r\n", p, &err), 0);
	if (server_settings(p->server, &err) < 0)
		fail_msg("%s", err.words);
	for (size_t i = 0; i < 3; i++)
		server_listen(p->server, i, make_listener(&p->at[i]));
}

/* Nothing may be left: no session, no handle. */
static void place_close(struct place *p)
{
	server_free(p->server);
	for (int i = 0; i < 10; i++)
		uv_run(&p->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	assert_int_equal(p->settings->holders, 1);
	settings_drop(p->settings);
	assert_int_equal(open_sessions, 0);
}

static void turn(struct place *p, unsigned times)
{
	while (times-- > 0)
		uv_run(&p->loop, UV_RUN_NOWAIT);
}

/* Turns the loop for so long in real time. */
static void turn_for(struct place *p, uint64_t ms)
{
	uint64_t end_ms = clock_mono_ms() + ms;

	while (clock_mono_ms() < end_ms) {
		uv_run(&p->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
}

/* Turns it until no session is left, five seconds at most, and gives the time it took. */
static uint64_t turn_until_over(struct place *p)
{
	uint64_t start_ms = clock_mono_ms();

	while (open_sessions > 0 && clock_mono_ms() < start_ms + 5000) {
		uv_run(&p->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
	assert_int_equal(open_sessions, 0);
	return clock_mono_ms() - start_ms;
}

/* --- a client ----------------------------------------------------------------- */

struct client {
	struct place *p;
	int fd;
	SSL *ssl;
	bool eof;
	char got[65536];
	size_t n;
};

static SSL_CTX *client_context;

static void client_open(struct client *c, struct place *p, size_t port)
{
	*c = (struct client){ .p = p, .fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_int_equal(connect(c->fd, (struct sockaddr *)&p->at[port], sizeof(p->at[port])), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void client_tls(struct client *c)
{
	c->ssl = SSL_new(client_context);
	SSL_set_fd(c->ssl, c->fd);
	for (int i = 0; i < 1000; i++) {
		int rc = SSL_connect(c->ssl);

		if (rc == 1)
			return;
		assert_int_equal(SSL_get_error(c->ssl, rc), SSL_ERROR_WANT_READ);
		turn(c->p, 2);
	}
	fail_msg("the handshake does not end");
}

static void client_close(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	turn(c->p, 5);
}

static void say_bytes(struct client *c, const char *text, size_t n)
{
	if (c->ssl != NULL)
		assert_int_equal(SSL_write(c->ssl, text, (int)n), n);
	else
		assert_int_equal(send(c->fd, text, n, MSG_NOSIGNAL), n);
}

static void client_say(struct client *c, const char *text)
{
	say_bytes(c, text, strlen(text));
}

static ssize_t client_read(struct client *c, char *to, size_t room)
{
	if (c->ssl == NULL)
		return recv(c->fd, to, room, 0);
	int n = SSL_read(c->ssl, to, (int)room), why = SSL_get_error(c->ssl, n);

	return n > 0 ? n : why == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* Turns the loop until `text` is all that came since the last time. */
static void client_hears(struct client *c, const char *text)
{
	uint64_t end_ms = clock_mono_ms() + 5000;

	while (c->n < strlen(text) && !c->eof && clock_mono_ms() < end_ms) {
		ssize_t n;

		turn(c->p, 3);
		n = client_read(c, c->got + c->n, sizeof(c->got) - c->n);
		c->eof = n == 0;
		if (n > 0)
			c->n += (size_t)n;
	}
	unit_is((const uint8_t *)c->got, c->n, text);
	c->n = 0;
}

static void client_hears_end(struct client *c)
{
	uint64_t end_ms = clock_mono_ms() + 5000;

	while (!c->eof && clock_mono_ms() < end_ms) {
		ssize_t n;

		turn(c->p, 3);
		n = client_read(c, c->got, sizeof(c->got));
		assert_true(n <= 0);
		c->eof = n == 0;
	}
	assert_true(c->eof);
}

/* --- the tests ---------------------------------------------------------------- */

static void test_echo(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	client_hears(&c, "hello\r\n");
	client_say(&c, "one\r\ntwo\r\n");
	client_hears(&c, "echo one\r\necho two\r\n");
	client_say(&c, "QUIT\r\nignored\r\n");
	client_hears(&c, "bye\r\n");
	client_hears_end(&c);
	client_close(&c);
	assert_non_null(strstr(log_text, "ICID 1 connected peer=[::1]:"));
	assert_non_null(strstr(log_text, " mode=plain\n"));
	assert_non_null(strstr(log_text, "ICID 1 closed by=server in=25 out=32 ms="));
	place_close(&p);
}

static void test_cut_singly(void **state)
{
	static const char text[] = "one\r\ntwo\r\nQUIT\r\n";
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	for (size_t i = 0; i < strlen(text); i++) {
		say_bytes(&c, text + i, 1);
		turn(&p, 2);
	}
	client_hears(&c, "hello\r\necho one\r\necho two\r\nbye\r\n");
	client_hears_end(&c);
	client_close(&c);
	place_close(&p);
}

/* A session that waits is not fed; what was pipelined behind it is kept, in order. */
static void test_wait_and_wake(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	client_hears(&c, "hello\r\n");
	client_say(&c, "WAIT\r\none\r\n");
	turn(&p, 20);
	client_say(&c, "two\r\n");
	turn(&p, 20);
	assert_int_equal(client_read(&c, c.got, 1), -1);
	newest->waiting = false;
	for (int i = 0; i < 3; i++)
		conn_wake(newest->c);
	client_hears(&c, "echo one\r\necho two\r\n");
	client_close(&c);
	place_close(&p);
}

static void test_half_close(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	client_say(&c, "one\r\nWAIT\r\nlast\r\n");
	shutdown(c.fd, SHUT_WR);
	client_hears(&c, "hello\r\necho one\r\n");
	turn_for(&p, 30);
	assert_false(c.eof); /* an answer is due */
	newest->waiting = false;
	conn_wake(newest->c);
	client_hears(&c, "echo last\r\n");
	client_hears_end(&c);
	assert_int_equal(open_sessions, 0);
	client_close(&c);
	place_close(&p);
}

static void test_reset(void **state)
{
	struct linger hard = { 1, 0 };
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	client_hears(&c, "hello\r\n");
	client_say(&c, "one\r\n");
	setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	client_close(&c);
	turn_until_over(&p);
	assert_non_null(strstr(log_text, "closed by=client"));
	place_close(&p);
}

static size_t heap_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* 100 MB for a client that does not read: what waits is bounded, and so is what was asked of next. */
static void test_back_pressure(size_t port)
{
	struct client c;
	struct place p;
	size_t before, total = 0;
	uint64_t end_ms;

	place_open(&p, "", "");
	client_open(&c, &p, port);
	if (port == 2)
		client_tls(&c);
	client_hears(&c, port == 2 ? "hello\r\nsecure TLSv1.3\r\n" : "hello\r\n");
	before = heap_in_use();
	client_say(&c, "BIG 100000000\r\nafter\r\n");
	turn_for(&p, 50);
	size_t given = newest->given;

	assert_true(given < 20000000); /* the kernel's buffers, and a little */
	turn_for(&p, 50);
	assert_int_equal(newest->given, given);
	assert_true(heap_in_use() - before < 400000);
	assert_true(stream_waiting(&newest->c->stream) <= 65536 + 65536 + 8192);
	client_say(&c, "behind\r\n"); /* not looked at meanwhile */
	end_ms = clock_mono_ms() + 30000;
	while (total < 100000000 + strlen("echo after\r\necho behind\r\n") && clock_mono_ms() < end_ms) {
		ssize_t n = client_read(&c, c.got, sizeof(c.got));

		total += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			turn(&p, 1);
		assert_true(newest == NULL || stream_waiting(&newest->c->stream) <= 65536 + 65536 + 8192);
	}
	assert_int_equal(total, 100000000 + strlen("echo after\r\necho behind\r\n"));
	client_close(&c);
	place_close(&p);
}

static void test_back_pressure_plain(void **state)
{
	(void)state;
	test_back_pressure(0);
}

static void test_back_pressure_tls(void **state)
{
	(void)state;
	test_back_pressure(2);
}

/* While one takes all it can get, another is served. */
static void test_fair(void **state)
{
	struct client a, b;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&a, &p, 0);
	client_open(&b, &p, 0);
	client_hears(&a, "hello\r\n");
	client_hears(&b, "hello\r\n");
	client_say(&a, "BIG 50000000\r\n");
	client_say(&b, "one\r\n");
	turn(&p, 3);
	assert_int_equal(client_read(&b, b.got, sizeof(b.got)), strlen("echo one\r\n"));
	client_close(&a);
	client_close(&b);
	place_close(&p);
}

static void test_write_deadline(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "WriteTime 10s\n");
	p.server->ports->write_ms = 60; /* less than the configuration allows */
	client_open(&c, &p, 0);
	client_hears(&c, "hello\r\n");
	client_say(&c, "BIG 100000000\r\n");
	assert_true(turn_until_over(&p) >= 60);
	assert_non_null(strstr(log_text, "closed by=WriteTime"));
	client_close(&c);
	place_close(&p);
}

static void test_session_deadline(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	deadline_after_ms = 50;
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	client_hears(&c, "hello\r\n");
	client_hears(&c, "too slow\r\n");
	client_hears_end(&c);
	client_close(&c);
	place_close(&p);
	deadline_after_ms = 0;
}

static void test_handshake_deadline(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	p.server->ports->handshake_ms = 40;
	client_open(&c, &p, 2);
	turn(&p, 5);
	assert_true(turn_until_over(&p) >= 20);
	assert_non_null(strstr(log_text, "ICID 1 TLS failed: "));
	assert_non_null(strstr(log_text, "closed by=HandshakeTime"));
	client_close(&c);
	place_close(&p);
}

static void test_implicit(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 2);
	client_tls(&c);
	client_hears(&c, "hello\r\nsecure TLSv1.3\r\n");
	client_say(&c, "one\r\n");
	client_hears(&c, "echo one\r\n");
	client_say(&c, "QUIT\r\n");
	client_hears(&c, "bye\r\n");
	client_hears_end(&c);
	assert_int_equal(SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	assert_non_null(strstr(log_text, "ICID 1 TLS success protocol TLSv1.3 cipher "));
	client_close(&c);
	place_close(&p);
}

/* The greeting goes out with the session tickets, in the turn in which the handshake ends. */
static void test_greeting_with_tickets(void **state)
{
	struct client c;
	struct place p;
	ssize_t n;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 2);
	client_tls(&c);
	turn(&p, 1);
	n = client_read(&c, c.got, sizeof(c.got));
	assert_true(n > 0);
	unit_is((const uint8_t *)c.got, (size_t)n, "hello\r\nsecure TLSv1.3\r\n");
	client_close(&c);
	place_close(&p);
}

static void test_starttls(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 1);
	client_hears(&c, "hello STARTTLS\r\n");
	client_say(&c, "STARTTLS\r\ninjected\r\n");
	client_hears(&c, "go\r\n");
	client_tls(&c);
	client_hears(&c, "secure TLSv1.3\r\n");
	client_say(&c, "one\r\n");
	client_hears(&c, "echo one\r\n"); /* and no "echo injected" before it */
	client_close(&c);
	place_close(&p);
}

static void test_no_tls_at_all(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 2);
	client_say(&c, "GET / HTTP/1.0\r\n\r\n");
	while (client_read(&c, c.got, sizeof(c.got)) != 0) /* an alert, then the end */
		turn(&p, 1);
	assert_non_null(strstr(log_text, "ICID 1 TLS failed: ("));
	client_close(&c);
	turn_until_over(&p);
	place_close(&p);
}

static void test_enable_tls_no(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "EnableTLS no\n");
	client_open(&c, &p, 1);
	client_hears(&c, "hello\r\n");
	client_close(&c);
	place_close(&p);
	place_open(&p, "EnableIMAP-TLS no\n", "");
	client_open(&c, &p, 1);
	client_hears(&c, "hello\r\n");
	client_close(&c);
	place_close(&p);
}

static void test_limit_by_address(void **state)
{
	struct client a, b, c;
	struct place p;

	(void)state;
	place_open(&p, "", "ConnectionsPerAddress 2\n");
	client_open(&a, &p, 0);
	client_open(&b, &p, 1);
	client_hears(&a, "hello\r\n");
	client_hears(&b, "hello STARTTLS\r\n");
	client_open(&c, &p, 0);
	client_hears(&c, "refused\r\n");
	client_hears_end(&c);
	client_close(&c);
	assert_non_null(strstr(log_text, "limit=ConnectionsPerAddress"));
	client_close(&a);
	client_open(&c, &p, 0);
	client_hears(&c, "hello\r\n");
	client_close(&c);
	client_close(&b);
	place_close(&p);
	place_open(&p, "LimitExempt ::1\n", "ConnectionsPerAddress 1\n");
	client_open(&a, &p, 0);
	client_open(&b, &p, 0);
	client_hears(&b, "hello\r\n");
	assert_true(conn_exempt(newest->c));
	client_close(&a);
	client_close(&b);
	place_close(&p);
}

static void test_limit_by_user(void **state)
{
	struct client a, b;
	struct place p;

	(void)state;
	place_open(&p, "", "ConnectionsPerUser 1\n");
	client_open(&a, &p, 0);
	client_open(&b, &p, 0);
	client_say(&a, "LOGIN u@example.org\r\n");
	client_hears(&a, "hello\r\nin\r\n");
	client_say(&b, "LOGIN u@example.org\r\nLOGIN v@example.org\r\n");
	client_hears(&b, "hello\r\ntoo many\r\nin\r\n");
	client_close(&a);
	client_say(&b, "LOGIN u@example.org\r\n");
	client_hears(&b, "in\r\n");
	client_close(&b);
	place_close(&p);
}

static void test_max_connections(void **state)
{
	struct client a, b;
	struct place p;

	(void)state;
	place_open(&p, "", "MaxConnections 1\n");
	client_open(&a, &p, 0);
	client_hears(&a, "hello\r\n");
	client_open(&b, &p, 1);
	turn_for(&p, 20);
	assert_int_equal(client_read(&b, b.got, 10), -1); /* waits in the kernel's queue */
	client_close(&a);
	client_hears(&b, "hello STARTTLS\r\n");
	client_close(&b);
	place_close(&p);
}

static void test_revoke(void **state)
{
	struct client a, b;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&a, &p, 0);
	client_open(&b, &p, 0);
	client_say(&a, "LOGIN u@example.org\r\nWAIT\r\n");
	client_hears(&a, "hello\r\nin\r\n");
	client_say(&b, "LOGIN other@example.org\r\n");
	client_hears(&b, "hello\r\nin\r\n");
	server_revoke(p.server, "u@example.org");
	client_hears(&a, "revoked\r\n");
	client_hears_end(&a);
	client_say(&b, "one\r\n");
	client_hears(&b, "echo one\r\n");
	client_close(&a);
	client_close(&b);
	place_close(&p);
}

/* A revocation that comes while the password is being checked. */
static void test_revoke_during_login(void **state)
{
	static const struct {
		const char *why, *account;
		unsigned times;
		bool ends;
	} cases[] = {
		{ "of this account", "u@example.org", 1, true },
		{ "of another one", "v@example.org", 1, false },
		{ "more than are remembered", "v@example.org", REVOKED_KEPT + 1, true },
	};
	struct client a;
	struct place p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case(cases[i].why, i);
		place_open(&p, "", "");
		server_revoke(p.server, "u@example.org"); /* before: of no account here */
		client_open(&a, &p, 0);
		client_say(&a, "BEGIN\r\n");
		client_hears(&a, "hello\r\nbegun\r\n");
		for (unsigned n = 0; n < cases[i].times; n++)
			server_revoke(p.server, cases[i].account);
		client_say(&a, "LOGIN u@example.org\r\n");
		client_hears(&a, cases[i].ends ? "revoked\r\nin\r\n" : "in\r\n");
		if (cases[i].ends) {
			client_hears_end(&a);
		} else {
			client_say(&a, "one\r\n");
			client_hears(&a, "echo one\r\n");
		}
		client_close(&a);
		place_close(&p);
	}
}

/* stop: idle sessions end now, one with a command in hand when it has its answer. */
static void test_stop(void **state)
{
	struct client a, b, c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&a, &p, 0);
	client_open(&b, &p, 2); /* never begins its handshake */
	client_hears(&a, "hello\r\n");
	turn(&p, 5);
	client_open(&c, &p, 0);
	client_say(&c, "WAIT\r\n");
	client_hears(&c, "hello\r\n");
	struct echo *waiting = newest;

	server_stop(p.server);
	client_hears(&a, "stopping\r\n");
	client_hears_end(&a);
	client_close(&a);
	turn_for(&p, 20);
	assert_false(p.left);
	assert_int_equal(open_sessions, 1);
	client_close(&b);
	b.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	b.ssl = NULL;
	assert_int_equal(connect(b.fd, (struct sockaddr *)&p.at[0], sizeof(p.at[0])), -1);
	waiting->waiting = false;
	buf_put_text(&waiting->out, "done\r\n");
	conn_wake(waiting->c);
	client_hears(&c, "done\r\nstopping\r\n");
	client_hears_end(&c);
	client_close(&c);
	for (int i = 0; i < 200 && !p.left; i++)
		turn_for(&p, 10);
	assert_true(p.left);
	client_close(&b);
	place_close(&p);
}

static void test_drain(void **state)
{
	struct client a;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&a, &p, 0);
	client_hears(&a, "hello\r\n");
	server_drain(p.server, 300);
	client_say(&a, "one\r\n");
	client_hears(&a, "echo one\r\n"); /* served as before */
	assert_false(p.left);
	client_hears(&a, "stopping\r\n");
	client_hears_end(&a);
	client_close(&a);
	for (int i = 0; i < 200 && !p.left; i++)
		turn_for(&p, 10);
	assert_true(p.left);
	place_close(&p);
}

/* A peer that goes on sending after the last word does not lose it to a reset. */
static void test_last_word_survives(void **state)
{
	struct client c;
	struct place p;
	char more[2000];

	(void)state;
	memset(more, 'x', sizeof(more));
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	client_hears(&c, "hello\r\n");
	client_say(&c, "QUIT\r\n");
	turn(&p, 3);
	for (int i = 0; i < 20; i++) {
		say_bytes(&c, more, sizeof(more));
		turn(&p, 2);
	}
	client_hears(&c, "bye\r\n");
	client_hears_end(&c);
	client_close(&c);
	place_close(&p);
}

static void test_lingers_a_second_at_most(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, 0);
	client_say(&c, "QUIT\r\n");
	client_hears(&c, "hello\r\nbye\r\n");
	turn_until_over(&p);
	uint64_t start_ms = clock_mono_ms();

	while (p.server->count > 0 && clock_mono_ms() < start_ms + 5000)
		turn_for(&p, 10);
	assert_true(clock_mono_ms() - start_ms > 500);
	assert_int_equal(p.server->count, 0);
	client_close(&c);
	place_close(&p);
}

/* No descriptors: a connection is dropped, the loop does not spin, and it recovers. */
static void test_no_descriptors(void **state)
{
	struct rlimit was, none;
	struct client a, b;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&a, &p, 0);
	getrlimit(RLIMIT_NOFILE, &was);
	none = was;
	none.rlim_cur = (rlim_t)a.fd + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	while (dup(0) >= 0) /* fills what holes there are below */
		;
	client_hears_end(&a);
	setrlimit(RLIMIT_NOFILE, &was);
	assert_non_null(strstr(log_text, "can't accept connections"));
	client_close(&a);
	client_open(&b, &p, 0);
	client_hears(&b, "hello\r\n");
	client_close(&b);
	place_close(&p);
}

static void test_settings(void **state)
{
	struct settings *old, *fresh;
	struct client a, b;
	struct error err;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&a, &p, 1);
	client_hears(&a, "hello STARTTLS\r\n");
	old = p.settings;
	p.settings = make_settings("", "EnableTLS no\n");
	assert_int_equal(server_settings(p.server, &err), 0);
	settings_drop(old);
	client_open(&b, &p, 1);
	client_hears(&b, "hello\r\n");
	client_say(&a, "STARTTLS\r\n"); /* goes on by what it began with */
	client_hears(&a, "go\r\n");
	client_tls(&a);
	client_hears(&a, "secure TLSv1.3\r\n");
	fresh = make_settings("", "Listen 127.0.0.1:9 plain\n");
	old = p.settings;
	p.settings = fresh;
	assert_int_equal(server_settings(p.server, &err), -EINVAL);
	assert_non_null(strstr(err.words, "was changed"));
	p.settings = old;
	settings_drop(fresh);
	client_close(&a);
	client_close(&b);
	place_close(&p);
}

static void test_status(void **state)
{
	struct client a;
	struct place p;
	struct buf out;

	(void)state;
	place_open(&p, "", "");
	client_open(&a, &p, 0);
	client_hears(&a, "hello\r\n");
	buf_init(&out, 4096);
	server_status(p.server, &out);
	unit_is(out.p, out.n,
		"connections 1\nconnections_total 1\nconnections_refused 0\naccounts 0\ndraining no\n");
	buf_clear(&out);
	client_close(&a);
	place_close(&p);
}

static void test_size(void **state)
{
	(void)state;
	assert_true(sizeof(struct conn) < 1100);
}

static int setup(void **state)
{
	(void)state;
	log_to_function(on_log, NULL);
	certificate_kit_make(certificate, private_key, sizeof(certificate));
	client_context = SSL_CTX_new(TLS_client_method());
	return client_context == NULL;
}

static int teardown(void **state)
{
	(void)state;
	SSL_CTX_free(client_context);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_cut_singly),
		cmocka_unit_test(test_wait_and_wake),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_back_pressure_plain),
		cmocka_unit_test(test_back_pressure_tls),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_write_deadline),
		cmocka_unit_test(test_session_deadline),
		cmocka_unit_test(test_handshake_deadline),
		cmocka_unit_test(test_implicit),
		cmocka_unit_test(test_greeting_with_tickets),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_no_tls_at_all),
		cmocka_unit_test(test_enable_tls_no),
		cmocka_unit_test(test_limit_by_address),
		cmocka_unit_test(test_limit_by_user),
		cmocka_unit_test(test_max_connections),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_revoke_during_login),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_last_word_survives),
		cmocka_unit_test(test_lingers_a_second_at_most),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests_name("conn", tests, setup, teardown);
}
