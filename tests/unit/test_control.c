/* test_control.c - the first message from yubind.
 * link: common/proc common/ipc common/base */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/proc/control.h"

static const struct control_hello good = { .daemon = "fifteen-letters",
					   .worker = 2,
					   .hostname = "mail.example.org",
					   .uid = 997,
					   .gid = UINT32_MAX,
					   .nofile = 65536,
					   .key = { 1, 2, 3, [31] = 255 },
					   .folders = 3 };

static void test_round_trip(void **state)
{
	struct control_hello h;
	struct error err;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	control_hello_write(&b, &good);
	assert_int_equal(control_hello_read(buf_span(&b), &h, &err), 0);
	assert_string_equal(h.daemon, good.daemon);
	assert_string_equal(h.hostname, good.hostname);
	assert_int_equal(h.worker, 2);
	assert_int_equal(h.uid, 997);
	assert_int_equal(h.gid, UINT32_MAX);
	assert_int_equal(h.nofile, 65536);
	assert_memory_equal(h.key, good.key, sizeof(h.key));
	assert_int_equal(h.folders, 3);
	for (size_t cut = 0; cut < b.n; cut++) {
		unit_case("cut", cut);
		assert_int_equal(control_hello_read((struct span){ b.p, cut }, &h, &err), -EPROTO);
	}
	buf_put_byte(&b, 0);
	assert_int_equal(control_hello_read(buf_span(&b), &h, &err), -EPROTO);
	buf_clear(&b);
}

static const struct {
	const char *why, *daemon, *hostname;
	unsigned folders;
} bad[] = {
	{ "no daemon", "", "h", 0 },
	{ "no host", "imapd", "", 0 },
	{ "more folders than a message can bring", "storaged", "h", 64 },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct control_hello h = { .folders = bad[i].folders };
		struct error err;
		struct buf b;

		unit_case(bad[i].why, i);
		snprintf(h.daemon, sizeof(h.daemon), "%s", bad[i].daemon);
		snprintf(h.hostname, sizeof(h.hostname), "%s", bad[i].hostname);
		buf_init(&b, 4096);
		control_hello_write(&b, &h);
		assert_int_equal(control_hello_read(buf_span(&b), &h, &err), -EPROTO);
		buf_clear(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip), cmocka_unit_test(test_bad) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "control");
}
