/* conn_place.c - the contract is in conn_place.h. */
#include "tests/unit/conn_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/server.h"
#include "tests/unit/certificate_kit.h"
#include "tests/unit/unit.h"

/* --- the protocol: lines are echoed, some are commands ----------------------- */

struct echo *newest;
unsigned open_sessions;
uint64_t deadline_after_ms;

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
					   .wrong_mode = "* BYE ",
					   .refusal = "* BYE ",
					   .full = "full\r\n",
					   .start_tls = "STARTTLS",
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

char log_text[LOG_TEXT];

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

static struct {
	const char *name;
	struct span text;
} files[8];
static size_t file_count;

void place_file(const char *name, struct span text)
{
	files[file_count].name = name;
	files[file_count++].text = text;
}

void place_no_files(void)
{
	file_count = 0;
}

struct settings *make_settings(const char *site, const char *limits)
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
	for (size_t i = 0; i < file_count; i++)
		bundle_put(&b, files[i].name, files[i].text);
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

void place_open(struct place *p, const char *site, const char *limits)
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
void place_close(struct place *p)
{
	server_free(p->server);
	for (int i = 0; i < 10; i++)
		uv_run(&p->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	assert_int_equal(p->settings->holders, 1);
	settings_drop(p->settings);
	assert_int_equal(open_sessions, 0);
}

void turn(struct place *p, unsigned times)
{
	while (times-- > 0)
		uv_run(&p->loop, UV_RUN_NOWAIT);
}

/* Turns the loop for so long in real time. */
void turn_for(struct place *p, uint64_t ms)
{
	uint64_t end_ms = clock_mono_ms() + ms;

	while (clock_mono_ms() < end_ms) {
		uv_run(&p->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
}

/* Turns it until no session is left, five seconds at most, and gives the time it took. */
uint64_t turn_until_over(struct place *p)
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

SSL_CTX *client_context;

void client_open(struct client *c, struct place *p, size_t port)
{
	*c = (struct client){ .p = p, .fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_int_equal(connect(c->fd, (struct sockaddr *)&p->at[port], sizeof(p->at[port])), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

void client_tls(struct client *c)
{
	c->ssl = SSL_new(client_context);
	client_shake(c);
}

void client_shake(struct client *c)
{
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

void client_close(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	turn(c->p, 5);
}

void say_bytes(struct client *c, const char *text, size_t n)
{
	if (c->ssl != NULL)
		assert_int_equal(SSL_write(c->ssl, text, (int)n), n);
	else
		assert_int_equal(send(c->fd, text, n, MSG_NOSIGNAL), n);
}

void client_say(struct client *c, const char *text)
{
	say_bytes(c, text, strlen(text));
}

ssize_t client_read(struct client *c, char *to, size_t room)
{
	if (c->ssl == NULL)
		return recv(c->fd, to, room, 0);
	int n = SSL_read(c->ssl, to, (int)room), why = SSL_get_error(c->ssl, n);

	return n > 0 ? n : why == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* Turns the loop until `text` is all that came since the last time. */
void client_hears(struct client *c, const char *text)
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

void client_hears_end(struct client *c)
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

int place_setup(void **state)
{
	(void)state;
	log_to_function(on_log, NULL);
	certificate_kit_make(certificate, private_key, sizeof(certificate));
	client_context = SSL_CTX_new(TLS_client_method());
	return client_context == NULL;
}

int place_teardown(void **state)
{
	(void)state;
	SSL_CTX_free(client_context);
	return 0;
}
