/* test_conn.c - the one shell, over loopback in one process, with an echo in a protocol's place.
 * link: tests/unit/conn_place.o tests/unit/certificate_kit.o common/net common/proc common/ipc common/tls
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/net/server.h"
#include "tests/unit/conn_place.h"

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
	size_t before, given = 0, total = 0;
	uint64_t end_ms;

	place_open(&p, "", "");
	client_open(&c, &p, port);
	if (port == 2)
		client_tls(&c);
	client_hears(&c, port == 2 ? "hello\r\nsecure TLSv1.3\r\n" : "hello\r\n");
	before = heap_in_use();
	client_say(&c, "BIG 100000000\r\nafter\r\n");
	/* The kernel's buffers, and a little, are filled; then it stands still. */
	for (end_ms = clock_mono_ms() + 10000; given != newest->given && clock_mono_ms() < end_ms;) {
		given = newest->given;
		turn_for(&p, 100);
	}
	assert_int_equal(newest->given, given);
	assert_true(given < 20000000);
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
	struct client a, b, c;
	struct place p;

	(void)state;
	place_open(&p, "", "MaxConnections 1\n");
	client_open(&a, &p, 0);
	client_hears(&a, "hello\r\n");
	client_open(&b, &p, 1);
	client_open(&c, &p, 2);
	turn_for(&p, 20);
	assert_int_equal(client_read(&b, b.got, 10), -1); /* waits in the kernel's queue: another worker may take it */
	client_hears(&b, "full\r\n");
	client_hears_end(&b);
	client_close(&b);
	client_hears_end(&c); /* TLS from the first byte: no words */
	client_close(&c);
	client_say(&a, "one\r\n");
	client_hears(&a, "echo one\r\n");
	client_open(&b, &p, 1);
	turn_for(&p, 20);
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
		"connections 1\nconnections_total 1\nconnections_refused 0\naccounts 0\n"
		"tls_handshakes 0\ntls_resumed 0\ntls_failed 0\ndraining no\n");
	buf_clear(&out);
	client_close(&a);
	place_close(&p);
}

static void test_size(void **state)
{
	(void)state;
	assert_true(sizeof(struct conn) < 1100);
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

	return cmocka_run_group_tests_name("conn", tests, place_setup, place_teardown);
}
