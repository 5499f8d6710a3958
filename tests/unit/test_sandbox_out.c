/* test_sandbox_out.c - names, connections and HTTPS from inside the sandbox of deliverd.
 * link: tests/unit/loop_server.o tests/unit/outbound_rig.o tests/unit/tls_papers.o tests/unit/dns_kit.o
 * link: tests/unit/dns_packet_kit.o common/https common/dns common/net common/proc common/tls common/base */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/https/https.h"
#include "common/net/remote.h"
#include "common/proc/sandbox.h"
#include "tests/unit/dns_kit.h"
#include "tests/unit/loop_server.h"
#include "tests/unit/outbound_rig.h"

static const char *const zone[] = {
	"web.test A 127.0.0.1", "long.test TRUNCATED", "long.test TXT one|two", "bad.test SERVFAIL", NULL,
};
static const char *const names[] = { "web.test", NULL };

/* Servers and clients in one process, which then locks itself in. */
struct place {
	uv_loop_t loop;
	struct dns_kit *kit;
	struct dns *dns;
	struct https *https;
	struct loop_server server;
	struct rig rig;
	struct remote *remote;
	unsigned answers;
	bool good, over, secured;
};

static void came(struct loop_client *c)
{
	loop_start_tls(c);
}

static void heard(struct loop_client *c)
{
	if (c->got.n < 4 || c->fd < 0 || c->ended)
		return;
	loop_say(c, memcmp(c->got.p, "GET ", 4) == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
						     : "250 hi\r\n");
	loop_hang_up(c);
}

/* --- before ----------------------------------------------------------------------- */

static void place_open(struct place *p)
{
	struct tls_policy policy = rig_policy("intermediate", 15, 2);
	struct error err;

	*p = (struct place){ .answers = 0 };
	uv_loop_init(&p->loop);
	p->kit = dns_kit_new(&p->loop, zone);
	p->dns = dns_kit_resolve(p->kit, &p->loop, NULL);
	loop_server_open(&p->server, &p->loop, "127.0.0.1", 0);
	rig_init(&p->rig, peer_server(0, names));
	rig_client(&p->rig, &policy, TLS_OUTBOUND_REQUIRE, peer_ca().certificate, NULL);
	p->server.ctx = p->rig.ctx;
	p->server.came = came;
	p->server.heard = heard;
	assert_int_equal(https_new(&p->https, &p->loop, p->dns, peer_ca().certificate, &err), 0);
}

static void lock_in(void)
{
	struct sandbox s = { .kind = SANDBOX_OUT, .uid = UINT_MAX, .gid = UINT_MAX };
	struct error err;
	char text[200];

	if (sandbox_enter(&s, text, sizeof(text), &err) < 0)
		fail_msg("%s", err.words);
	assert_int_equal(open("/etc/hosts", O_RDONLY), -1);
}

/* --- inside ----------------------------------------------------------------------- */

static void on_dns(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	p->answers++;
	p->good = a->status == DNS_OK && a->count == 1;
}

static void on_https(void *arg, const struct https_answer *a)
{
	struct place *p = arg;

	p->answers++;
	p->good = a->status == 200 && span_is(a->body, "hi");
}

static void wait_for(struct place *p, unsigned answers)
{
	while (p->answers < answers)
		uv_run(&p->loop, UV_RUN_ONCE);
}

static void ask(struct place *p, const char *name, enum dns_type type, bool good)
{
	unsigned before = p->answers;

	unit_case(name, type);
	assert_int_not_equal(dns_ask(p->dns, name, type, on_dns, p), 0);
	wait_for(p, before + 1);
	assert_int_equal(p->good, good);
}

static void get(struct place *p)
{
	unsigned before = p->answers;
	char url[100];

	snprintf(url, sizeof(url), "https://web.test:%u/", p->server.port);
	assert_int_not_equal(https_get(p->https, url, on_https, p), 0);
	wait_for(p, before + 1);
	assert_true(p->good);
}

static void on_connected(void *session, const char *address)
{
	(void)session;
	assert_string_equal(address, "127.0.0.1");
}

static void on_secured(void *session)
{
	((struct place *)session)->secured = true;
}

static void on_feed(void *session, struct span *in)
{
	struct place *p = session;

	p->good = span_is(*in, "250 hi\r\n");
	span_take(in, in->n);
}

static enum conn_want on_next(void *session, struct span *out)
{
	struct place *p = session;

	if (!p->secured)
		return CONN_WANT_INPUT;
	p->secured = false;
	*out = span_of("EHLO\r\n");
	return CONN_WANT_OUTPUT;
}

static void on_ended(void *session, enum remote_end why, const char *words)
{
	struct place *p = session;

	if (why != REMOTE_BROKEN)
		fail_msg("%s", words);
	p->over = true;
}

static void connect_out(struct place *p)
{
	static const struct remote_protocol protocol = { .connected = on_connected,
							 .feed = on_feed,
							 .next = on_next,
							 .secured = on_secured,
							 .ended = on_ended };
	struct address to = { "127.0.0.1", p->server.port }, from = { "127.0.0.5", 0 };
	struct remote_options o = { .addresses = &to,
				    .count = 1,
				    .lead_ms = 250,
				    .connect_ms = 5000,
				    .handshake_ms = 5000,
				    .write_ms = 5000,
				    .bind4 = &from,
				    .tls = p->rig.context,
				    .tls_host = "web.test",
				    .implicit = true };
	struct error err;

	p->good = false;
	assert_int_equal(remote_new(&p->remote, &p->loop, &o, &protocol, p, &err), 0);
	while (!p->over)
		uv_run(&p->loop, UV_RUN_ONCE);
	assert_true(p->good);
	remote_free(p->remote);
}

static void place_close(struct place *p)
{
	https_free(p->https);
	dns_free(p->dns);
	dns_kit_free(p->kit);
	loop_server_close(&p->server);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	rig_clear(&p->rig);
}

/* In a child: the sandbox is for good. Every first thing of its kind happens inside. */
static void test_all(void **state)
{
	int status;
	pid_t child;

	(void)state;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		struct place p;

		alarm(60);
		place_open(&p);
		lock_in();
		ask(&p, "web.test", DNS_A, true);
		ask(&p, "long.test", DNS_TXT, true); /* over TCP */
		ask(&p, "gone.test", DNS_A, false);
		ask(&p, "bad.test", DNS_A, false);
		get(&p);
		get(&p);
		connect_out(&p);
		place_close(&p);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

#if defined(__SANITIZE_ADDRESS__)
	return 0; /* no sandbox in such a build */
#endif
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "the sandbox of deliverd");
}
