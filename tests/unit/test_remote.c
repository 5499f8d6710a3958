/* test_remote.c - connections that we make, over loopback in one process.
 * link: tests/unit/loop_server.o tests/unit/outbound_rig.o tests/unit/tls_papers.o common/net common/tls common/base */
#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/net/remote.h"
#include "tests/unit/loop_server.h"
#include "tests/unit/outbound_rig.h"

enum {
	SLOW_MS = 20000,
	SOON_MS = 4000,
	BIG = 12 << 20
}; /* more than the kernel takes for a peer that reads nothing */

/* A session that says one item for each line that it hears, the greeting first. */
struct place {
	uv_loop_t loop;
	struct loop_server server;
	struct rig rig;
	struct remote *remote;
	const char *const *say; /* ended by NULL; "TLS", "CLOSE", "BIG" (then it waits), else a line */
	size_t said;
	unsigned may_say; /* lines heard that nothing was said to */
	char story[4000];
	const char *free_in; /* in this callback the remote is freed */
	bool over, implicit;
	uint64_t lead_ms, connect_ms, handshake_ms, write_ms;
	uint64_t deadline_ms;
	enum remote_end why;
	const char *behave; /* the server: see heard() */
	struct tls_outbound_dane *dane;
};

static uint8_t big[BIG];

static void tell(struct place *p, const char *what, const char *more)
{
	size_t n = strlen(p->story);

	assert_non_null(p->remote);
	snprintf(p->story + n, sizeof(p->story) - n, "%s(%s) ", what, more);
	if (p->free_in == NULL || strcmp(p->free_in, what) != 0)
		return;
	remote_free(p->remote);
	p->remote = NULL;
	p->over = true;
}

static void on_connected(void *session, const char *address)
{
	tell(session, "connected", address);
}

static void on_feed(void *session, struct span *in)
{
	struct place *p = session;
	char text[200];

	struct span line = span_take_until(in, '\n');

	snprintf(text, sizeof(text), "%.*s", (int)(line.n < 100 ? line.n : 100), (const char *)line.p);
	text[strcspn(text, "\r")] = '\0';
	p->may_say++;
	tell(p, "feed", text);
}

static enum conn_want on_next(void *session, struct span *out)
{
	struct place *p = session;
	const char *item = p->say[p->said];

	if (p->may_say == 0 || item == NULL)
		return CONN_WANT_INPUT;
	p->may_say--;
	p->said++;
	tell(p, "next", item);
	if (strcmp(item, "TLS") == 0)
		return CONN_WANT_TLS;
	if (strcmp(item, "CLOSE") == 0)
		return CONN_WANT_CLOSE;
	*out = strcmp(item, "BIG") == 0 ? (struct span){ big, sizeof(big) } : span_of(item);
	return CONN_WANT_OUTPUT;
}

static void on_secured(void *session)
{
	struct place *p = session;

	assert_string_equal(tls_session_facts(remote_tls(p->remote))->protocol, "TLSv1.3");
	p->may_say++;
	tell(p, "secured", tls_outbound_dane_matched(remote_tls(p->remote)));
}

static void on_ended(void *session, enum remote_end why, const char *words)
{
	static const char *const names[] = { "no-connection", "tls-failed", "tls-dropped", "broken",
					     "closed" };
	struct place *p = session;

	assert_false(p->over);
	p->over = true;
	p->why = why;
	tell(p, "ended", names[why]);
	if (p->remote != NULL)
		tell(p, "words", words);
}

static void on_tick(void *session, uint64_t now_ms)
{
	struct place *p = session;

	if (now_ms < p->deadline_ms)
		return;
	p->deadline_ms = UINT64_MAX;
	tell(p, "tick", "");
}

static uint64_t deadline(void *session)
{
	return ((struct place *)session)->deadline_ms;
}

static const struct remote_protocol protocol = {
	.connected = on_connected,
	.feed = on_feed,
	.next = on_next,
	.secured = on_secured,
	.ended = on_ended,
	.tick = on_tick,
	.deadline = deadline,
};

/* --- the server's manners ------------------------------------------------------- */

static bool behaves(const struct loop_client *c, const char *how)
{
	return strcmp(((struct place *)c->server->arg)->behave, how) == 0;
}

static void came(struct loop_client *c)
{
	if (behaves(c, "implicit"))
		loop_start_tls(c);
	else if (behaves(c, "gone"))
		loop_hang_up(c);
	else if (behaves(c, "full"))
		loop_say(c, "421 full\r\n");
	else if (!behaves(c, "silent") && !behaves(c, "drop-implicit"))
		loop_say(c, "220 hello\r\n");
	if (behaves(c, "full"))
		loop_hang_up(c);
	if (behaves(c, "deaf") || behaves(c, "giving-up"))
		loop_pause(c);
	if (behaves(c, "giving-up"))
		loop_say(c, "452 no more\r\n");
}

static void heard_start_tls(struct loop_client *c)
{
	if (behaves(c, "tls") || behaves(c, "mute-tls")) {
		loop_say(c, "220 begin\r\n");
		if (behaves(c, "tls"))
			loop_start_tls(c);
	} else if (behaves(c, "clear-behind")) {
		loop_say(c, "220 begin\r\n250 sneaked in\r\n");
		loop_start_tls(c);
	} else if (behaves(c, "clear-later")) {
		loop_say(c, "220 begin\r\n");
	} else {
		loop_say(c, "220 begin\r\n");
	}
}

/* Whole lines are answered with "250 LINE". */
static void heard_line(struct loop_client *c, const char *line)
{
	char answer[300];

	snprintf(answer, sizeof(answer), "250 %s\r\n", line);
	if (strcmp(line, "STARTTLS") == 0)
		heard_start_tls(c);
	else if (strcmp(line, "DIE") == 0)
		loop_reset(c);
	else if (strcmp(line, "LEAVE") == 0)
		loop_hang_up(c);
	else
		loop_say(c, answer);
}

static void heard(struct loop_client *c)
{
	static const char alert[] = "\x15\x03\x03\x00\x02\x02\x28"; /* fatal, handshake_failure */
	bool hello = c->ssl == NULL && c->got.n > 0 && c->got.p[0] == 0x16;
	ptrdiff_t end;
	char line[200];

	if (hello && behaves(c, "drops"))
		loop_hang_up(c);
	else if (hello && behaves(c, "resets"))
		loop_reset(c);
	else if (hello && behaves(c, "clear-later"))
		loop_say(c, "250 still in clear\r\n");
	else if (hello && behaves(c, "alerts"))
		loop_say_bytes(c, (struct span){ (const uint8_t *)alert, 7 });
	else if (hello && behaves(c, "drop-implicit"))
		loop_hang_up(c);
	if (hello || behaves(c, "sink"))
		return;
	while (c->fd >= 0 && (end = span_find(buf_span(&c->got), '\n')) >= 0) {
		snprintf(line, sizeof(line), "%.*s", (int)end, (const char *)c->got.p);
		line[strcspn(line, "\r")] = '\0';
		buf_drop(&c->got, (size_t)end + 1);
		heard_line(c, line);
	}
}

/* --- the place -------------------------------------------------------------------- */

static const char *const names[] = { "mx.test", NULL };

static void place_open(struct place *p, const char *behave, const char *const *say)
{
	struct tls_policy policy = rig_policy("intermediate", 15, 2);
	struct peer_pair papers = peer_server(0, names);

	*p = (struct place){ .say = say, .behave = behave, .deadline_ms = UINT64_MAX };
	p->lead_ms = 5000;
	p->connect_ms = p->handshake_ms = p->write_ms = SLOW_MS;
	uv_loop_init(&p->loop);
	loop_server_open(&p->server, &p->loop, "127.0.0.1", 0);
	rig_init(&p->rig, papers);
	rig_client(&p->rig, &policy, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
	p->server.ctx = p->rig.ctx;
	p->server.arg = p;
	p->server.came = came;
	p->server.heard = heard;
}

static void place_connect_to(struct place *p, const struct address *addresses, size_t count)
{
	struct remote_options o = { .addresses = addresses,
				    .count = count,
				    .lead_ms = p->lead_ms,
				    .connect_ms = p->connect_ms,
				    .handshake_ms = p->handshake_ms,
				    .write_ms = p->write_ms,
				    .tls = p->rig.context,
				    .tls_host = "mx.test",
				    .dane = p->dane,
				    .implicit = p->implicit };
	struct error err = { .words = "" };

	if (remote_new(&p->remote, &p->loop, &o, &protocol, p, &err) < 0)
		fail_msg("%s", err.words);
	assert_string_equal(p->story, "");
	assert_string_equal(remote_address(p->remote), "");
}

static struct address here(const struct place *p)
{
	return (struct address){ "127.0.0.1", p->server.port };
}

/* Runs to the end. A loop that waits without anything to wait for would hang: alarm() ends that. */
static void place_run(struct place *p)
{
	alarm(60);
	while (!p->over)
		uv_run(&p->loop, UV_RUN_ONCE);
	alarm(0);
}

static void place_close(struct place *p)
{
	loop_server_close(&p->server);
	remote_free(p->remote);
	p->remote = NULL;
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	rig_clear(&p->rig);
}

static void place_talk(struct place *p)
{
	struct address a = here(p);

	place_connect_to(p, &a, 1);
	place_run(p);
}

/* --- the tests -------------------------------------------------------------------- */

/* A story's end is what the row has; "..." in it stands for any words. */
static void is_story(const char *story, const char *want)
{
	const char *dots = strstr(want, "...");
	size_t n = dots != NULL ? (size_t)(dots - want) : strlen(want);

	if (strncmp(story, want, n) != 0 || (dots == NULL && strlen(story) != n) ||
	    (dots != NULL && strstr(story + n, dots + 3) == NULL))
		fail_msg("got  \"%s\"\nwant \"%s\"", story, want);
}

#define C "connected(127.0.0.1) feed(220 hello) "
#define T C "next(STARTTLS\r\n) feed(220 begin) next(TLS) "

static const struct {
	const char *why, *behave, *say[6];
	enum remote_end end;
	const char *story;
} talks[] = {
	{ "a talk, and its end",
	  "",
	  { "ONE\r\n", "TWO\r\n", "CLOSE" },
	  REMOTE_CLOSED,
	  C "next(ONE\r\n) feed(250 ONE) next(TWO\r\n) feed(250 TWO) next(CLOSE) ended(closed) words() " },
	{ "closed at once",
	  "gone",
	  { NULL },
	  REMOTE_BROKEN,
	  "connected(127.0.0.1) ended(broken) words(...) " },
	{ "turned away with a word",
	  "full",
	  { NULL },
	  REMOTE_BROKEN,
	  "connected(127.0.0.1) feed(421 full) ended(broken) words(the server closed the connection) " },
	{ "reset",
	  "",
	  { "DIE\r\n" },
	  REMOTE_BROKEN,
	  C "next(DIE\r\n) ended(broken) words(Connection reset by peer) " },
	{ "closed",
	  "",
	  { "LEAVE\r\n" },
	  REMOTE_BROKEN,
	  C "next(LEAVE\r\n) ended(broken) words(the server closed the connection) " },
	{ "STARTTLS",
	  "tls",
	  { "STARTTLS\r\n", "TLS", "ONE\r\n", "CLOSE" },
	  REMOTE_CLOSED,
	  T "secured() next(ONE\r\n) feed(250 ONE) next(CLOSE) ended(closed) words() " },
	{ "what came in clear behind its answer is not looked at",
	  "clear-behind",
	  { "STARTTLS\r\n", "TLS", "ONE\r\n", "CLOSE" },
	  REMOTE_CLOSED,
	  T "secured() next(ONE\r\n) feed(250 ONE) next(CLOSE) ended(closed) words() " },
	{ "clear text in place of a handshake",
	  "clear-later",
	  { "STARTTLS\r\n", "TLS" },
	  REMOTE_TLS_FAILED,
	  T "ended(tls-failed) words(TLS deferring: ...) " },
	{ "an alert",
	  "alerts",
	  { "STARTTLS\r\n", "TLS" },
	  REMOTE_TLS_FAILED,
	  T "ended(tls-failed) words(TLS deferring: ...) " },
	{ "closed behind our ClientHello",
	  "drops",
	  { "STARTTLS\r\n", "TLS" },
	  REMOTE_TLS_DROPPED,
	  T "ended(tls-dropped) words(TLS deferring: ...) " },
	{ "reset behind our ClientHello",
	  "resets",
	  { "STARTTLS\r\n", "TLS" },
	  REMOTE_TLS_DROPPED,
	  T "ended(tls-dropped) words(TLS deferring: ...) " },
	{ "silent behind our ClientHello",
	  "mute-tls",
	  { "STARTTLS\r\n", "TLS" },
	  REMOTE_TLS_DROPPED,
	  T "ended(tls-dropped) words(TLS deferring: ...) " },
};

static void test_talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct place p;

		unit_case(talks[i].why, 0);
		place_open(&p, talks[i].behave, talks[i].say);
		if (strcmp(talks[i].behave, "mute-tls") == 0)
			p.handshake_ms = 300;
		place_talk(&p);
		is_story(p.story, talks[i].story);
		assert_int_equal(p.why, talks[i].end);
		assert_string_equal(remote_address(p.remote), "127.0.0.1");
		assert_int_equal(remote_tls(p.remote) != NULL, strstr(p.story, "next(TLS)") != NULL);
		place_close(&p);
	}
}

static void test_implicit(void **state)
{
	static const char *const say[] = { "ONE\r\n", "CLOSE", NULL };
	struct place p;

	(void)state;
	place_open(&p, "implicit", say);
	p.implicit = true;
	place_talk(&p);
	assert_string_equal(p.story, "connected(127.0.0.1) secured() next(ONE\r\n) feed(250 ONE) next(CLOSE) "
				     "ended(closed) words() ");
	place_close(&p);
	place_open(&p, "drop-implicit", say);
	p.implicit = true;
	place_talk(&p);
	assert_int_equal(p.why, REMOTE_TLS_DROPPED);
	place_close(&p);
}

/* The records are copied: they need not live as long as the remote. */
static void test_dane(void **state)
{
	static const char *const say[] = { "STARTTLS\r\n", "TLS", "CLOSE", NULL };
	uint8_t digest[32] = { 0 };
	struct tls_tlsa record = { .usage = 3, .selector = 1, .matching = 1, .data = { digest, sizeof(digest) } };
	char base[] = "mx.test";
	const char *also[] = { base };
	struct tls_outbound_dane dane = { &record, 1, base, also, 1 };
	struct place p;
	struct address a;

	(void)state;
	place_open(&p, "tls", say);
	p.dane = &dane;
	a = here(&p);
	place_connect_to(&p, &a, 1);
	memset(&record, 0xff, sizeof(record));
	memset(digest, 0xff, sizeof(digest));
	memset(base, 'x', 7);
	memset(&a, 0, sizeof(a));
	place_run(&p);
	assert_int_equal(p.why, REMOTE_TLS_FAILED); /* zeros are nobody's digest */
	place_close(&p);
}

/* --- the race ------------------------------------------------------------------- */

static const char *const close_only[] = { "CLOSE", NULL };

/* The first address is as the row says, ours the second: it begins lead_ms later, or at once. */
static void race_second(const char *first, unsigned port, uint64_t lead_ms, uint64_t least_ms)
{
	struct address a[2] = { { .port = port } };
	uint64_t began_ms = clock_mono_ms();
	struct place p;

	unit_case(first, port);
	snprintf(a[0].host, sizeof(a[0].host), "%s", first);
	place_open(&p, "", close_only);
	p.lead_ms = lead_ms;
	a[1] = here(&p);
	place_connect_to(&p, a, 2);
	place_run(&p);
	began_ms = clock_mono_ms() - began_ms;
	assert_int_equal(p.why, REMOTE_CLOSED);
	assert_string_equal(remote_address(p.remote), "127.0.0.1");
	assert_in_range(began_ms, least_ms, SOON_MS);
	assert_int_equal(p.server.count, 1);
	place_close(&p);
}

static void test_race(void **state)
{
	struct loop_still still;
	unsigned port = loop_still_open(&still, "127.0.0.2");

	(void)state;
	race_second("127.0.0.2", port, 60, 60);                              /* silent: after its lead */
	race_second("127.0.0.3", loop_closed_port("127.0.0.3"), SLOW_MS, 0); /* refused: at once */
	race_second("not an address", 25, SLOW_MS, 0);
	loop_still_close(&still);
}

/* The one that was first and is up wins, the second never begins. */
static void test_first_wins(void **state)
{
	struct address a[2];
	struct place p;

	(void)state;
	place_open(&p, "", close_only);
	a[0] = a[1] = here(&p);
	place_connect_to(&p, a, 2);
	place_run(&p);
	assert_int_equal(p.why, REMOTE_CLOSED);
	assert_int_equal(p.server.count, 1);
	place_close(&p);
}

static void test_nobody(void **state)
{
	struct loop_still still;
	struct address a[2] = { { "127.0.0.3", loop_closed_port("127.0.0.3") },
				{ "127.0.0.2", loop_still_open(&still, "127.0.0.2") } };
	char want[300];
	struct place p;

	(void)state;
	place_open(&p, "", close_only);
	p.connect_ms = 300;
	place_connect_to(&p, a, 2);
	place_run(&p);
	snprintf(want, sizeof(want),
		 "ended(no-connection) words(127.0.0.3:%u Connection refused, 127.0.0.2:%u timed out) ",
		 a[0].port, a[1].port);
	assert_string_equal(p.story, want);
	assert_string_equal(remote_address(p.remote), "");
	place_close(&p);
	place_open(&p, "", close_only);
	place_connect_to(&p, a, 0);
	place_run(&p);
	assert_string_equal(p.story, "ended(no-connection) words(there is no address) ");
	place_close(&p);
	place_open(&p, "", close_only);
	place_connect_to(&p, a, 1);
	place_run(&p);
	assert_int_equal(p.why, REMOTE_NO_CONNECTION);
	place_close(&p);
	loop_still_close(&still);
}

static void test_freed_in_race(void **state)
{
	struct loop_still still;
	struct address a[2] = { { "127.0.0.2", loop_still_open(&still, "127.0.0.2") } };
	struct place p;

	(void)state;
	place_open(&p, "", close_only);
	a[1] = here(&p);
	place_connect_to(&p, a, 2);
	uv_run(&p.loop, UV_RUN_NOWAIT);
	assert_string_equal(p.story, "");
	place_close(&p);
	loop_still_close(&still);
}

static void test_bind(void **state)
{
	struct address from = { "127.0.0.9", 0 }, a;
	struct remote_options o = {
		.addresses = &a, .count = 1, .lead_ms = 50, .connect_ms = 400, .bind4 = &from
	};
	struct error err;
	struct place p;

	(void)state;
	place_open(&p, "", close_only);
	a = here(&p);
	p.may_say = 0;
	assert_int_equal(remote_new(&p.remote, &p.loop, &o, &protocol, &p, &err), 0);
	while (strstr(p.story, "connected") == NULL)
		uv_run(&p.loop, UV_RUN_ONCE);
	assert_string_equal(remote_local(p.remote), "127.0.0.9");
	place_run(&p);
	assert_string_equal(remote_local(p.remote), "127.0.0.9");
	place_close(&p);
}

/* --- back-pressure, time, the end ---------------------------------------------------- */

static const char *const say_big[] = { "BIG", "CLOSE", NULL };

/* The server takes nothing: next is not asked, memory stays, and then it is over. */
static void test_deaf(void **state)
{
	struct place p;

	(void)state;
	place_open(&p, "deaf", say_big);
	p.write_ms = 700;
	p.may_say = 1; /* both items are due */
	place_talk(&p);
	assert_string_equal(p.story, "connected(127.0.0.1) next(BIG) feed(220 hello) ended(broken) "
				     "words(the server takes nothing any more) ");
	assert_true(remote_out_bytes(p.remote) < BIG);
	place_close(&p);
}

static void test_big(void **state)
{
	struct place p;

	(void)state;
	place_open(&p, "sink", say_big);
	p.may_say = 1;
	place_talk(&p);
	assert_int_equal(p.why, REMOTE_CLOSED);
	for (int i = 0; i < 1000 && !p.server.clients->ended; i++)
		uv_run(&p.loop, UV_RUN_NOWAIT);
	assert_int_equal(p.server.clients->got.n, BIG);
	assert_memory_equal(p.server.clients->got.p, big, BIG);
	place_close(&p);
}

/* A server that answers and closes in the middle of what we send is heard. */
static void test_giving_up(void **state)
{
	struct address a;
	struct place p;

	(void)state;
	place_open(&p, "giving-up", say_big);
	p.may_say = 1;
	a = here(&p);
	place_connect_to(&p, &a, 1);
	while (p.server.clients == NULL || strstr(p.story, "BIG") == NULL)
		uv_run(&p.loop, UV_RUN_ONCE);
	loop_reset(p.server.clients);
	place_run(&p);
	is_story(
	    p.story,
	    "connected(127.0.0.1) next(BIG) feed(220 hello) feed(452 no more) ended(broken) words(...) ");
	place_close(&p);
}

static void test_time(void **state)
{
	struct place p;
	struct address a;
	uint64_t began_ms;

	(void)state;
	place_open(&p, "silent", close_only);
	p.free_in = "tick";
	began_ms = clock_mono_ms();
	p.deadline_ms = began_ms + 100;
	a = here(&p);
	place_connect_to(&p, &a, 1);
	place_run(&p);
	assert_string_equal(p.story, "connected(127.0.0.1) tick() ");
	assert_in_range(clock_mono_ms() - began_ms, 100, SOON_MS);
	place_close(&p);
}

static void test_wake(void **state)
{
	struct place p;
	struct address a;

	(void)state;
	place_open(&p, "silent", close_only);
	a = here(&p);
	place_connect_to(&p, &a, 1);
	remote_wake(p.remote); /* too early: nothing */
	while (strstr(p.story, "connected") == NULL)
		uv_run(&p.loop, UV_RUN_ONCE);
	p.may_say = 1;
	remote_wake(p.remote);
	assert_null(strstr(p.story, "next"));
	place_run(&p);
	assert_string_equal(p.story, "connected(127.0.0.1) next(CLOSE) ended(closed) words() ");
	remote_wake(p.remote); /* too late: nothing */
	place_close(&p);
}

static void test_free_inside(void **state)
{
	static const char *const say[] = { "STARTTLS\r\n", "TLS", "ONE\r\n", "CLOSE", NULL };
	static const char *const where[] = { "connected", "feed", "next", "secured", "ended" };

	(void)state;
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		struct place p;

		unit_case(where[i], 0);
		place_open(&p, "tls", say);
		p.free_in = where[i];
		if (strcmp(where[i], "ended") == 0)
			p.say = close_only;
		{
			struct address a = here(&p);

			place_connect_to(&p, &a, 1);
		}
		place_run(&p);
		assert_null(p.remote);
		place_close(&p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),         cmocka_unit_test(test_implicit),
		cmocka_unit_test(test_dane),          cmocka_unit_test(test_race),
		cmocka_unit_test(test_first_wins),    cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_freed_in_race), cmocka_unit_test(test_bind),
		cmocka_unit_test(test_deaf),          cmocka_unit_test(test_big),
		cmocka_unit_test(test_giving_up),     cmocka_unit_test(test_time),
		cmocka_unit_test(test_wake),          cmocka_unit_test(test_free_inside),
	};

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i >> 8 ^ i);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "remote");
}
