/* test_worker.c - a daemon's life, with the test in yubind's place.
 * link: tests/unit/yubind_kit.o common/proc common/ipc common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/ipc.h"
#include "common/proc/ids.h"
#include "common/proc/worker.h"
#include "tests/unit/yubind_kit.h"

/* --- the daemon: it notes what it is told, and tells it on request ---------- */

struct fake {
	struct worker *w;
	struct buf story;
};

static int fake_prepare(struct worker *w, void **state, struct error *err)
{
	struct fake *f = calloc(1, sizeof(*f));

	(void)err;
	f->w = w;
	buf_init(&f->story, 4096);
	buf_put_text(&f->story, "prepare ");
	*state = f;
	return 0;
}

static int fake_settings(void *state, struct worker *w, struct error *err)
{
	struct fake *f = state;
	struct span text;

	if (worker_file(w, "bad", &text))
		return error_set(err, -EINVAL, "the fake refuses these");
	buf_printf(&f->story, "settings(%s) ", config_text(config_top(worker_site(w)), CONFIG_HOSTNAME));
	return 0;
}

static int fake_start(void *state, struct error *err)
{
	struct fake *f = state;

	(void)err;
	buf_put_text(&f->story, "start ");
	return 0;
}

static void fake_listen(void *state, size_t index, int fd)
{
	struct fake *f = state;

	buf_printf(&f->story, "listen(%zu) ", index);
	close(fd);
}

static void fake_peer(void *state, enum control_role role, unsigned rights, const char *name, int fd)
{
	struct fake *f = state;

	buf_printf(&f->story, "peer(%d,%u,%s) ", (int)role, rights, name);
	close(fd);
	if (role == CONTROL_ROLE_AUTH)	/* it has ended at once */
		worker_want_peer(f->w, role);
}

static void fake_tickets(void *state, struct span keys)
{
	struct fake *f = state;

	buf_printf(&f->story, "tickets(%zu) ", keys.n);
}

static void fake_revoke(void *state, const char *account)
{
	struct fake *f = state;

	buf_printf(&f->story, "revoke(%s) ", account);
	worker_revoke(f->w, account);
}

static void fake_status(void *state, struct buf *out)
{
	struct fake *f = state;

	buf_printf(out, "id %llu\nstory %.*s\n", (unsigned long long)worker_id(f->w), (int)f->story.n,
		   (const char *)f->story.p);
}

/* More than anybody keeps, unless the question makes no sense. */
static void fake_ask(void *state, const char *what, struct buf *out)
{
	(void)state;
	for (unsigned i = 0; strcmp(what, "much") == 0 && i < 100000; i++)
		buf_printf(out, "line %u\n", i);
}

static void fake_stop(void *state)
{
	struct fake *f = state;

	buf_put_text(&f->story, "stop "); /* and it never leaves: the deadline must */
}

static void fake_free(void *state)
{
	struct fake *f = state;

	buf_clear(&f->story);
	free(f);
}

static const struct worker_daemon fake = { .name = "imapd",
					   .which = CONFIG_IMAPD,
					   .sandbox = SANDBOX_NET,
					   .prepare = fake_prepare,
					   .start = fake_start,
					   .settings = fake_settings,
					   .listen = fake_listen,
					   .peer = fake_peer,
					   .tickets = fake_tickets,
					   .revoke = fake_revoke,
					   .stop = fake_stop,
					   .ask = fake_ask,
					   .status = fake_status,
					   .free = fake_free };

/* --- the tests -------------------------------------------------------------- */

static void send_settings(struct child *c, uint64_t number, const char *site, const char *own,
			  const char *extra)
{
	struct buf b;

	buf_init(&b, 4096);
	bundle_put(&b, "yubin.conf", span_of(site));
	bundle_put(&b, "imapd.conf", span_of(own));
	if (extra != NULL)
		bundle_put(&b, extra, span_of(""));
	child_send_settings(c, number, buf_span(&b));
	buf_clear(&b);
}

static void go(struct child *c)
{
	child_send(c, CONTROL_GO, (struct span){ NULL, 0 });
}

/* Its text is left in answer. */
static const char *answer;

static void expect(struct child *c, enum control_type type, uint64_t number)
{
	answer = child_expect(c, type, number);
}

static void start_whole(struct child *c)
{
	struct control_peer p = { .role = CONTROL_ROLE_STORE, .rights = 3, .name = "storaged" };
	struct buf b;

	child_begin(c, &fake);
	send_settings(c, 0, "Hostname one.example\n", "", NULL);
	buf_init(&b, 256);
	wire_put_u32(&b, 4);
	child_send_fd(c, CONTROL_LISTEN, 0, buf_span(&b), open("/dev/null", O_RDONLY));
	buf_reset(&b);
	control_peer_write(&b, &p);
	child_send_fd(c, CONTROL_PEER, 0, buf_span(&b), open("/dev/null", O_RDONLY));
	buf_reset(&b);
	wire_put_u64(&b, 1000);
	wire_put_u64(&b, 3);
	child_send(c, CONTROL_IDS, buf_span(&b));
	buf_clear(&b);
	child_send(c, CONTROL_TICKETS, span_of("12345"));
	go(c);
	expect(c, CONTROL_READY, 0);
	assert_non_null(strstr(answer, "user="));
	assert_non_null(strstr(answer, "seccomp="));
}

static void test_story(void **state)
{
	struct child c;

	(void)state;
	start_whole(&c);
	child_send_text(&c, CONTROL_ASK, 77, "status");
	expect(&c, CONTROL_ANSWER, 77);
	assert_non_null(strstr(answer, "id 1000\n"));
	assert_non_null(strstr(
	    answer, "story prepare settings(one.example) listen(4) peer(1,3,storaged) tickets(5) start \n"));
	send_settings(&c, 5, "Hostname two.example\n", "", NULL);
	expect(&c, CONTROL_APPLIED, 5);
	assert_string_equal(answer, "");
	child_send_text(&c, CONTROL_REVOKE, 0, "a@example.org");
	expect(&c, CONTROL_REVOKED, 0);
	assert_string_equal(answer, "a@example.org");
	child_send_text(&c, CONTROL_ASK, 78, "status"); /* the second of three: half is used */
	expect(&c, CONTROL_WANT_IDS, 0);
	expect(&c, CONTROL_ANSWER, 78);
	assert_non_null(strstr(answer, "id 1001\n"));
	assert_non_null(strstr(answer, "settings(two.example) revoke(a@example.org)"));
	child_send_number(&c, CONTROL_STOP, 20);
	assert_int_equal(child_end(&c), 0);
}

/* kB of files' pages that a process has mapped. */
static long mapped_kb(pid_t pid)
{
	static const char name[] = "RssFile:";
	char path[64], line[200];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name), NULL, 10);
	fclose(f);
	assert_true(kb > 0);
	return kb;
}

static void until_mapped(pid_t pid, long below_kb)
{
	uint64_t end_ms = clock_mono_ms() + 10000;

	while (mapped_kb(pid) >= below_kb && clock_mono_ms() < end_ms)
		usleep(20000);
	assert_true(mapped_kb(pid) < below_kb);
}

/* Code that only the start has run is given back, and what new settings took: a third of what this process has mapped,
 * which does no less, is no longer there. */
static void test_rest(void **state)
{
	struct child c;
	long kb;

	(void)state;
	start_whole(&c);
	until_mapped(c.pid, mapped_kb(getpid()) * 2 / 3);
	kb = mapped_kb(c.pid);
	send_settings(&c, 5, "Hostname two.example\n", "", NULL);
	expect(&c, CONTROL_APPLIED, 5);
	until_mapped(c.pid, kb * 5 / 4);
	child_send_number(&c, CONTROL_STOP, 20);
	assert_int_equal(child_end(&c), 0);
}

/* Whoever has lost a neighbour says so. */
static void test_lost_peer(void **state)
{
	struct control_peer p = { .role = CONTROL_ROLE_AUTH, .rights = 4, .name = "authd" };
	struct child c;
	struct buf b;

	(void)state;
	start_whole(&c);
	buf_init(&b, 256);
	control_peer_write(&b, &p);
	child_send_fd(&c, CONTROL_PEER, 0, buf_span(&b), open("/dev/null", O_RDONLY));
	buf_clear(&b);
	expect(&c, CONTROL_WANT_PEER, 0);
	child_send_number(&c, CONTROL_STOP, 20);
	assert_int_equal(child_end(&c), 0);
}

/* What can't be used changes nothing, and says why. */
static void test_refused_settings(void **state)
{
	struct child c;

	(void)state;
	start_whole(&c);
	send_settings(&c, 6, "Hostname two.example\n", "NoSuchKey 1\n", NULL);
	expect(&c, CONTROL_APPLIED, 6);
	assert_non_null(strstr(answer, "etc/imapd.conf line 1"));
	send_settings(&c, 7, "Hostname two.example\n", "", "bad");
	expect(&c, CONTROL_APPLIED, 7);
	assert_string_equal(answer, "the fake refuses these");
	child_send_text(&c, CONTROL_ASK, 1, "status");
	expect(&c, CONTROL_ANSWER, 1);
	assert_null(strstr(answer, "two.example"));
	child_send_number(&c, CONTROL_DRAIN, 1000); /* the fake has no drain: it leaves */
	assert_int_equal(child_end(&c), 0);
}

static void test_malformed_orders(void **state)
{
	struct child c;

	(void)state;
	start_whole(&c);
	for (uint16_t type = 0; type < 20; type++)
		if (type != CONTROL_TICKETS && type != CONTROL_SETTINGS && type != CONTROL_ASK)
			child_send(&c, (enum control_type)type, span_of("x"));
	child_send_text(&c, CONTROL_ASK, 3, "much");
	expect(&c, CONTROL_ANSWER, 3);
	assert_in_range(strlen(answer), 65500, 65536);
	assert_int_equal(answer[strlen(answer) - 1], '\n');
	child_send_text(&c, CONTROL_ASK, 2, "nonsense");
	expect(&c, CONTROL_ANSWER, 2);
	assert_string_equal(answer, "");
	child_send_number(&c, CONTROL_STOP, 1);
	assert_int_equal(child_end(&c), 0);
}

static void test_bad_start(void **state)
{
	struct child c;

	(void)state;
	child_begin(&c, &fake);
	send_settings(&c, 0, "Hostname one.example\n", "SecureLevel 9\n", NULL);
	expect(&c, CONTROL_FAILED, 0);
	assert_non_null(strstr(answer, "etc/imapd.conf line 1"));
	assert_int_equal(child_end(&c), 1);
	child_begin(&c, &fake);
	go(&c);
	expect(&c, CONTROL_FAILED, 0);
	assert_non_null(strstr(answer, "before it has sent the settings"));
	assert_int_equal(child_end(&c), 1);
}

/* kill -9 of yubind: the kernel closes its end, and the daemon is gone within a second. */
static void test_orphan(void **state)
{
	uint64_t before_ms;
	struct child c;
	int status;

	(void)state;
	start_whole(&c);
	kill(c.pid, SIGTERM);
	kill(c.pid, SIGINT);
	child_send_text(&c, CONTROL_ASK, 1, "status");
	expect(&c, CONTROL_ANSWER, 1); /* signals do not end it */
	before_ms = clock_mono_ms();
	close(c.control);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_int_equal(status, 0);
	assert_true(clock_mono_ms() - before_ms < 1000);
	close(c.log);
}

static void test_log(void **state)
{
	char line[2001];
	struct child c;
	ssize_t n;

	(void)state;
	start_whole(&c);
	n = recv(c.log, line, sizeof(line) - 1, 0);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, " info imapd[2] ready pid="));
	child_send_number(&c, CONTROL_STOP, 1);
	assert_int_equal(child_end(&c), 0);
}

static void test_ids(void **state)
{
	struct ids i = { 0 };

	(void)state;
	assert_int_equal(ids_take(&i), 0);
	assert_true(ids_want(&i));
	assert_false(ids_want(&i));
	ids_add(&i, 10, 4);
	ids_add(&i, 100, 2);
	for (uint64_t want = 10; want < 14; want++)
		assert_int_equal(ids_take(&i), want);
	assert_int_equal(ids_take(&i), 100);
	assert_true(ids_want(&i));
	assert_int_equal(ids_take(&i), 101);
	assert_int_equal(ids_take(&i), 0);
	ids_add(&i, UINT64_MAX, 2); /* it would run over */
	assert_int_equal(ids_take(&i), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_lost_peer),
		cmocka_unit_test(test_refused_settings),
		cmocka_unit_test(test_malformed_orders),
		cmocka_unit_test(test_bad_start),
		cmocka_unit_test(test_orphan),
		cmocka_unit_test(test_log),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "worker");
}
