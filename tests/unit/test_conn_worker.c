/* test_conn_worker.c - a network daemon whole: yubind's messages, the sandbox, TLS from inside it.
 * link: tests/unit/certificate_kit.o tests/unit/yubind_kit.o common/net common/proc common/ipc common/tls
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/net/server.h"
#include "common/tls/tickets.h"
#include "tests/unit/certificate_kit.h"
#include "tests/unit/yubind_kit.h"

/* --- the daemon: it greets, repeats what it hears, and says nothing else ------ */

struct parrot {
	struct buf out;
	bool over;
};

static int parrot_open(void **session, struct conn *c, struct error *err)
{
	struct parrot *p = calloc(1, sizeof(*p));

	(void)err;
	buf_init(&p->out, 65536);
	buf_printf(&p->out, "%s %llu\r\n", conn_hostname(c), (unsigned long long)conn_id(c));
	*session = p;
	return 0;
}

static void parrot_close(void *session)
{
	struct parrot *p = session;

	buf_clear(&p->out);
	free(p);
}

static void parrot_feed(void *session, struct span *in)
{
	struct parrot *p = session;

	buf_put(&p->out, span_take(in, in->n));
}

static enum conn_want parrot_next(void *session, struct span *out)
{
	static uint8_t lent[65536];
	struct parrot *p = session;

	if (p->out.n == 0)
		return p->over ? CONN_WANT_CLOSE : CONN_WANT_INPUT;
	memcpy(lent, p->out.p, p->out.n);
	*out = (struct span){ lent, p->out.n };
	buf_clear(&p->out);
	return CONN_WANT_OUTPUT;
}

static void parrot_end(void *session, enum conn_end why)
{
	struct parrot *p = session;

	(void)why;
	buf_put_text(&p->out, "bye\r\n");
	p->over = true;
}

static const struct conn_protocol parrot = { .name = "imap",
					     .which = CONFIG_IMAPD,
					     .open = parrot_open,
					     .close = parrot_close,
					     .feed = parrot_feed,
					     .next = parrot_next,
					     .end = parrot_end };

static int prepare(struct worker *w, void **state, struct error *err)
{
	struct server *s;
	int code = server_new(&s, w, &parrot, "* BYE too many\r\n", NULL, err);

	*state = s;
	return code;
}

static int take_settings(void *state, struct worker *w, struct error *err)
{
	(void)w;
	return server_settings(state, err);
}

static void take_listen(void *state, size_t index, int fd)
{
	server_listen(state, index, fd);
}

static void take_tickets(void *state, struct span keys)
{
	server_tickets(state, keys);
}

static void take_drain(void *state, uint64_t idle_ms)
{
	server_drain(state, idle_ms);
}

static void take_stop(void *state)
{
	server_stop(state);
}

static void tell_status(void *state, struct buf *out)
{
	server_status(state, out);
}

static void end(void *state)
{
	server_free(state);
}

static const struct worker_daemon daemon_of_test = { .name = "imapd",
						     .which = CONFIG_IMAPD,
						     .sandbox = SANDBOX_NET,
						     .prepare = prepare,
						     .settings = take_settings,
						     .listen = take_listen,
						     .tickets = take_tickets,
						     .drain = take_drain,
						     .stop = take_stop,
						     .status = tell_status,
						     .free = end };

/* --- yubind ------------------------------------------------------------------- */

static struct sockaddr_in at;

static int listening(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	return fd;
}

static void send_settings(struct child *c, uint64_t number, const char *own)
{
	char certificate[4096], private_key[4096];
	struct buf b, text;

	certificate_kit_make(certificate, private_key, sizeof(certificate));
	buf_init(&text, 65536);
	buf_printf(&text, "%s\nListen 127.0.0.1:1 implicit\n Certificate a.pem\n PrivateKey a.key\n", own);
	buf_init(&b, 65536);
	bundle_put(&b, "yubin.conf", span_of("Hostname mail.example.org\n"));
	bundle_put(&b, "imapd.conf", buf_span(&text));
	bundle_put(&b, "a.pem", span_of(certificate));
	bundle_put(&b, "a.key", span_of(private_key));
	child_send_settings(c, number, buf_span(&b));
	buf_clear(&b);
	buf_clear(&text);
}

static void start(struct child *c)
{
	struct tls_tickets keys = { 0 };
	struct buf b;

	child_begin(c, &daemon_of_test);
	send_settings(c, 0, "");
	buf_init(&b, 4096);
	tls_tickets_rotate(&keys, clock_real_ms() / 1000);
	tls_tickets_write(&keys, &b);
	child_send(c, CONTROL_TICKETS, buf_span(&b));
	buf_reset(&b);
	wire_put_u32(&b, 0);
	child_send_fd(c, CONTROL_LISTEN, 0, buf_span(&b), listening());
	buf_reset(&b);
	wire_put_u64(&b, 500);
	wire_put_u64(&b, 100);
	child_send(c, CONTROL_IDS, buf_span(&b));
	buf_clear(&b);
	child_send(c, CONTROL_GO, (struct span){ NULL, 0 });
	child_expect(c, CONTROL_READY, 0);
}

/* --- a client, blocking ------------------------------------------------------- */

static SSL *client_open(SSL_CTX *context, SSL_SESSION *resume)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(context);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	SSL_set_fd(ssl, fd);
	if (resume != NULL)
		SSL_set_session(ssl, resume);
	assert_int_equal(SSL_connect(ssl), 1);
	return ssl;
}

static void client_hears(SSL *ssl, const char *text)
{
	char got[1000];
	size_t n = 0;

	while (n < strlen(text)) {
		int more = SSL_read(ssl, got + n, (int)(sizeof(got) - n));

		if (more <= 0)
			break;
		n += (size_t)more;
	}
	unit_is((const uint8_t *)got, n, text);
}

static void client_close(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_free(ssl);
	close(fd);
}

/* Handshakes, full and resumed, in the sandbox; then a reload there; then the end. */
static void test_life(void **state)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *ticket;
	struct child c;
	SSL *a, *b;

	(void)state;
	start(&c);
	a = client_open(context, NULL);
	client_hears(a, "mail.example.org 500\r\n");
	assert_int_equal(SSL_write(a, "hello", 5), 5);
	client_hears(a, "hello");
	ticket = SSL_get1_session(a);
	send_settings(&c, 9, "SecureLevel 1");
	assert_string_equal(child_expect(&c, CONTROL_APPLIED, 9), "");
	b = client_open(context, ticket);
	client_hears(b, "mail.example.org 501\r\n");
	assert_true(SSL_session_reused(b));
	child_send_text(&c, CONTROL_ASK, 1, "status");
	assert_non_null(strstr(child_expect(&c, CONTROL_ANSWER, 1), "connections 2\n"));
	child_send_number(&c, CONTROL_STOP, 5000);
	client_hears(a, "bye\r\n");
	client_hears(b, "bye\r\n");
	client_close(a);
	client_close(b);
	assert_int_equal(child_end(&c), 0);
	SSL_SESSION_free(ticket);
	SSL_CTX_free(context);
}

static void test_bad_settings(void **state)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct child c;
	SSL *a;

	(void)state;
	start(&c);
	send_settings(&c, 3, "Certificate nowhere.pem\nPrivateKey nowhere.key\nListen 127.0.0.1:2 implicit");
	assert_non_null(
	    strstr(child_expect(&c, CONTROL_APPLIED, 3), "nowhere.pem is not among the settings"));
	a = client_open(context, NULL); /* as before */
	client_hears(a, "mail.example.org 500\r\n");
	client_close(a);
	child_send_number(&c, CONTROL_STOP, 5000);
	assert_int_equal(child_end(&c), 0);
	SSL_CTX_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_life),
					    cmocka_unit_test(test_bad_settings) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "conn_worker");
}
