/* test_https.c - GET and POST over HTTPS, against servers of the test's own, names and addresses included.
 * link: tests/unit/loop_server.o tests/unit/outbound_rig.o tests/unit/tls_papers.o tests/unit/dns_kit.o
 * link: tests/unit/dns_packet_kit.o common/https common/dns common/tls common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/https/https.h"
#include "tests/unit/dns_kit.h"
#include "tests/unit/loop_server.h"
#include "tests/unit/outbound_rig.h"

static const char *const zone[] = {
	"web.test A 127.0.0.1", "alias.test CNAME web.test", "other.test A 127.0.0.1", "bad.test SERVFAIL",
	"both.test AAAA ::1",   "both.test A 127.0.0.1",     "mail.test MX 10 x.test", NULL,
};
static const char *const names[] = { "web.test", "alias.test", "both.test", NULL };

struct place {
	uv_loop_t loop;
	struct dns_kit *kit;
	struct dns *dns;
	struct https *https;
	struct loop_server server;
	struct rig rig;
	const char *answer;
	unsigned answers;
	int status;
	bool certificate, in_call;
	char type[100], words[400], body[300], request[2000];
	size_t size;
};

static void came(struct loop_client *c)
{
	loop_start_tls(c);
}

/* The whole request is there: head, and as many bytes as Content-Length has. */
static void heard(struct loop_client *c)
{
	struct place *p = c->server->arg;
	char text[sizeof(p->request)];
	const char *end, *length;

	snprintf(text, sizeof(text), "%.*s", (int)c->got.n, (const char *)c->got.p);
	end = strstr(text, "\r\n\r\n");
	if (end == NULL || c->fd < 0 || c->ended)
		return;
	length = strstr(text, "Content-Length: ");
	if (length != NULL && c->got.n - (size_t)(end + 4 - text) < strtoul(length + 16, NULL, 10))
		return;
	memcpy(p->request, text, sizeof(text));
	buf_reset(&c->got);
	if (p->answer != NULL)
		loop_say(c, p->answer);
	loop_hang_up(c);
}

static void place_open(struct place *p, struct span authorities)
{
	struct error err = { .words = "" };

	*p = (struct place){
		.answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
	};
	uv_loop_init(&p->loop);
	p->kit = dns_kit_new(&p->loop, zone);
	p->dns = dns_kit_resolve(p->kit, &p->loop, NULL);
	loop_server_open(&p->server, &p->loop, "127.0.0.1", 0);
	rig_init(&p->rig, peer_server(0, names));
	p->server.ctx = p->rig.ctx;
	p->server.arg = p;
	p->server.came = came;
	p->server.heard = heard;
	if (https_new(&p->https, &p->loop, p->dns, authorities, &err) < 0)
		fail_msg("%s", err.words);
}

/* The loop must have nothing left. */
static void place_close(struct place *p)
{
	https_free(p->https);
	dns_free(p->dns);
	dns_kit_free(p->kit);
	loop_server_close(&p->server);
	alarm(30);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	alarm(0);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	rig_clear(&p->rig);
}

static void on_answer(void *arg, const struct https_answer *a)
{
	struct place *p = arg;

	assert_false(p->in_call);
	p->answers++;
	p->status = a->status;
	p->certificate = a->certificate;
	p->size = a->body.n;
	snprintf(p->type, sizeof(p->type), "%s", a->type);
	snprintf(p->words, sizeof(p->words), "%s", a->words);
	snprintf(p->body, sizeof(p->body), "%.*s", (int)(a->body.n < 200 ? a->body.n : 200),
		 (const char *)a->body.p);
}

static const char *url_of(const struct place *p, const char *format)
{
	static char url[300];

	snprintf(url, sizeof(url), "%.200s", format);
	if (strstr(format, "PORT") != NULL)
		snprintf(url, sizeof(url), "%.*s%u%s", (int)(strstr(format, "PORT") - format), format,
			 p->server.port, strstr(format, "PORT") + 4);
	return url;
}

static uint64_t get(struct place *p, const char *format)
{
	uint64_t number;

	p->in_call = true;
	number = https_get(p->https, url_of(p, format), on_answer, p);
	p->in_call = false;
	assert_int_not_equal(number, 0);
	return number;
}

static void wait_for(struct place *p, unsigned answers)
{
	alarm(60);
	while (p->answers < answers)
		uv_run(&p->loop, UV_RUN_ONCE);
	alarm(0);
}

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *why, *url, *answer;
	int status;
	const char *type, *body, *words; /* words: a part of them */
	bool certificate;
} rows[] = {
	{ "a page", "https://web.test:PORT/.well-known/mta-sts.txt",
	  OK "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello", 200,
	  "text/plain; charset=utf-8", "hello", "", false },
	{ "behind a CNAME", "https://alias.test:PORT/", OK "Content-Length: 2\r\n\r\nhi", 200, "", "hi", "",
	  false },
	{ "one address of two", "https://both.test:PORT/", OK "Content-Length: 2\r\n\r\nhi", 200, "", "hi",
	  "", false },
	{ "in chunks", "https://web.test:PORT/",
	  OK "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n", 200, "", "one two", "",
	  false },
	{ "up to the end", "https://web.test:PORT/", OK "\r\nall", 200, "", "all", "", false },
	{ "cut", "https://web.test:PORT/", OK "Content-Length: 9\r\n\r\nall", 0, "", "", "", false },
	{ "not there", "https://web.test:PORT/", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404, "", "",
	  "", false },
	{ "a redirect is not followed", "https://web.test:PORT/",
	  "HTTP/1.1 301 Moved\r\nLocation: https://other.test/\r\nContent-Length: 0\r\n\r\n", 301, "", "", "",
	  false },
	{ "another one's certificate", "https://other.test:PORT/", OK "\r\n", 0, "", "", "other.test", true },
	{ "no such name", "https://gone.test:PORT/", OK "\r\n", 0, "", "",
	  "gone.test: the name does not exist", false },
	{ "a name without addresses", "https://mail.test:PORT/", OK "\r\n", 0, "", "", "mail.test: ", false },
	{ "a name that can't be looked up", "https://bad.test:PORT/", OK "\r\n", 0, "", "",
	  "bad.test: ", false },
	{ "nobody listens", "https://web.test:1/", OK "\r\n", 0, "", "", "connect", false },
	{ "no HTTP", "https://web.test:PORT/", "220 hello\r\n", 0, "", "", "", false },
	{ "nothing at all", "https://web.test:PORT/", "", 0, "", "", "", false },
	{ "in clear", "http://web.test:PORT/", OK "\r\n", 0, "", "", "no https address", false },
	{ "a file", "file:///etc/passwd", OK "\r\n", 0, "", "", "no https address", false },
	{ "an address", "https://127.0.0.1:PORT/", OK "\r\n", 0, "", "", "no https address", false },
	{ "an IPv6 address", "https://[::1]:PORT/", OK "\r\n", 0, "", "", "no https address", false },
	{ "a password", "https://me:secret@web.test:PORT/", OK "\r\n", 0, "", "", "no https address", false },
	{ "no URL", "what", OK "\r\n", 0, "", "", "no https address", false },
};

static void test_rows(void **state)
{
	struct place p;

	(void)state;
	place_open(&p, peer_ca().certificate);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		p.answer = rows[i].answer;
		get(&p, rows[i].url);
		wait_for(&p, (unsigned)i + 1);
		assert_int_equal(p.status, rows[i].status);
		assert_string_equal(p.type, rows[i].type);
		assert_string_equal(p.body, rows[i].body);
		if (p.certificate != rows[i].certificate)
			fail_msg("%s", p.words);
		assert_int_equal(*p.words == '\0', p.status != 0);
		if (strstr(p.words, rows[i].words) == NULL)
			fail_msg("%s", p.words);
	}
	assert_int_equal(p.answers, sizeof(rows) / sizeof(rows[0]));
	place_close(&p);
}

static void test_request(void **state)
{
	static const uint8_t body[] = { 'a', 0, 'b' };
	struct place p;

	(void)state;
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	place_open(&p, peer_ca().certificate);
	get(&p, "https://web.test:PORT/a?b=c");
	wait_for(&p, 1);
	assert_int_equal(p.status, 200);
	assert_ptr_equal(strstr(p.request, "GET /a?b=c HTTP/1.1\r\nHost: web.test:"), p.request);
	assert_null(strstr(p.request, "Cookie"));
	assert_int_not_equal(https_post(p.https, url_of(&p, "https://web.test:PORT/report"),
					"application/tlsrpt+gzip", (struct span){ body, sizeof(body) },
					on_answer, &p),
			     0);
	wait_for(&p, 2);
	assert_int_equal(p.status, 200);
	assert_ptr_equal(strstr(p.request, "POST /report HTTP/1.1\r\n"), p.request);
	assert_non_null(strstr(p.request, "\r\nContent-Type: application/tlsrpt+gzip\r\n"));
	assert_non_null(strstr(p.request, "\r\nContent-Length: 3\r\n"));
	assert_null(strstr(p.request, "Expect"));
	place_close(&p);
	unsetenv("https_proxy");
}

/* A whole body fits up to HTTPS_BODY_MAX, and not one byte more. */
static void test_long(void **state)
{
	static char text[HTTPS_BODY_MAX + 200];
	struct place p;

	(void)state;
	place_open(&p, peer_ca().certificate);
	for (size_t more = 0; more < 2; more++) {
		size_t n = (size_t)snprintf(text, sizeof(text), OK "Content-Length: %zu\r\n\r\n",
					    HTTPS_BODY_MAX + more);

		memset(text + n, 'x', HTTPS_BODY_MAX + more);
		text[n + HTTPS_BODY_MAX + more] = '\0';
		p.answer = text;
		get(&p, "https://web.test:PORT/");
		wait_for(&p, (unsigned)more + 1);
		assert_int_equal(p.status, more == 0 ? 200 : 0);
		assert_int_equal(p.size, more == 0 ? HTTPS_BODY_MAX : 0);
	}
	assert_string_equal(p.words, "the answer is too long");
	place_close(&p);
}

static void test_authorities(void **state)
{
	struct peer_pair stranger = peer_own("P-256", NULL, "stranger", -1, 30);
	struct place p;

	(void)state;
	place_open(&p, stranger.certificate);
	get(&p, "https://web.test:PORT/");
	wait_for(&p, 1);
	assert_int_equal(p.status, 0);
	assert_true(p.certificate);
	place_close(&p);
	place_open(&p, (struct span){ NULL, 0 });
	get(&p, "https://web.test:PORT/");
	wait_for(&p, 1);
	assert_int_equal(p.status, 0);
	assert_false(p.certificate);
	assert_non_null(strstr(p.words, "authorities"));
	place_close(&p);
}

static void test_old_tls(void **state)
{
	struct place p;

	(void)state;
	place_open(&p, peer_ca().certificate);
	SSL_CTX_set_max_proto_version(p.rig.ctx, TLS1_1_VERSION);
	get(&p, "https://web.test:PORT/");
	wait_for(&p, 1);
	assert_int_equal(p.status, 0);
	assert_false(p.certificate);
	place_close(&p);
}

static void on_free(void *arg, const struct https_answer *a)
{
	struct place *p = arg;

	https_free(p->https);
	p->https = NULL;
	p->answers++;
	p->status = a->status;
	snprintf(p->body, sizeof(p->body), "%.*s", (int)a->body.n, (const char *)a->body.p); /* still lent */
}

static void test_end(void **state)
{
	struct place p;
	uint64_t number;

	(void)state;
	place_open(&p, peer_ca().certificate);
	https_cancel(p.https, get(&p, "https://web.test:PORT/")); /* asking DNS */
	number = get(&p, "https://web.test:PORT/");
	alarm(30);
	while (p.server.count == 0)
		uv_run(&p.loop, UV_RUN_ONCE);
	https_cancel(p.https, number); /* connected */
	https_cancel(p.https, number);
	assert_int_equal(p.answers, 0);
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(https_get(p.https, url_of(&p, "https://web.test:PORT/"), on_free, &p),
				     0);
	wait_for(&p, 1);
	assert_string_equal(p.body, "hello");
	place_close(&p);
	assert_int_equal(p.answers, 1);
}

static void test_many(void **state)
{
	struct place p;

	(void)state;
	place_open(&p, peer_ca().certificate);
	for (int i = 0; i < HTTPS_OPEN; i++)
		get(&p, "https://web.test:PORT/");
	assert_int_equal(https_get(p.https, url_of(&p, "https://web.test:PORT/"), on_answer, &p), 0);
	wait_for(&p, HTTPS_OPEN);
	assert_int_equal(p.status, 200);
	get(&p, "https://web.test:PORT/");
	wait_for(&p, HTTPS_OPEN + 1);
	assert_int_equal(p.status, 200);
	place_close(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),    cmocka_unit_test(test_request),
		cmocka_unit_test(test_long),    cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_old_tls), cmocka_unit_test(test_end),
		cmocka_unit_test(test_many),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "https");
}
