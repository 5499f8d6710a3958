/* test_bundle.c - settings reach a daemon whole, or not at all.
 * link: common/proc common/ipc common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ipc/wire.h"
#include "common/proc/bundle.h"

static void put_three(struct buf *b)
{
	bundle_put(b, "yubin.conf", span_of("Hostname mail.example.org\n"));
	bundle_put(b, "imapd.conf", span_of(""));
	bundle_put(b, "tls/server.pem", (struct span){ (const uint8_t *)"a\0b", 3 });
}

static void check_three(const struct bundle *b)
{
	struct span text;

	assert_true(bundle_get(b, "yubin.conf", &text));
	unit_is(text.p, text.n, "Hostname mail.example.org\n");
	assert_true(bundle_get(b, "imapd.conf", &text));
	assert_int_equal(text.n, 0);
	assert_true(bundle_get(b, "tls/server.pem", &text));
	assert_int_equal(text.n, 3);
	assert_false(bundle_get(b, "tls/server.key", &text));
	assert_false(bundle_get(b, "", &text));
}

static void test_by_descriptor(void **state)
{
	struct bundle *bundle;
	struct error err;
	struct buf b;
	int fd;

	(void)state;
	buf_init(&b, BUNDLE_MAX);
	put_three(&b);
	assert_int_equal(bundle_to_fd(buf_span(&b), &fd, &err), 0);
	assert_int_equal(write(fd, "x", 1), -1); /* sealed */
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(bundle_read(&bundle, fd, &err), 0);
	close(fd);
	check_three(bundle);
	bundle_free(bundle);
	buf_clear(&b);
}

static void test_no_file(void **state)
{
	struct bundle *bundle;
	struct error err;
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(bundle_read(&bundle, pipes[0], &err), -ESPIPE);
	assert_null(bundle);
	bundle_free(bundle);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_too_large(void **state)
{
	struct bundle *bundle;
	struct error err;
	int fd = memfd_create("large", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, BUNDLE_MAX + 1), 0);
	assert_int_equal(bundle_read(&bundle, fd, &err), -EMSGSIZE);
	close(fd);
}

/* A cut between two texts gives fewer; every other one is an error. */
static void test_cut(void **state)
{
	struct buf b;
	size_t good = 0;

	(void)state;
	buf_init(&b, BUNDLE_MAX);
	put_three(&b);
	for (size_t cut = 0; cut < b.n; cut++) {
		struct bundle *bundle;
		int code = bundle_open(&bundle, (struct span){ b.p, cut }, NULL);

		unit_case("cut", cut);
		assert_true(code == 0 || code == -EPROTO);
		assert_int_equal(bundle != NULL, code == 0);
		good += code == 0;
		bundle_free(bundle);
	}
	assert_int_equal(good, 3);
	buf_clear(&b);
}

static void test_entries(void **state)
{
	struct bundle *bundle;
	struct span text;
	struct buf b;
	char name[16];

	(void)state;
	buf_init(&b, BUNDLE_MAX);
	for (int i = 0; i < BUNDLE_ENTRIES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		bundle_put(&b, name, span_of(name));
	}
	assert_int_equal(bundle_open(&bundle, buf_span(&b), NULL), 0);
	assert_true(bundle_get(bundle, "255", &text));
	unit_is(text.p, text.n, "255");
	bundle_free(bundle);
	bundle_put(&b, "256", span_of(""));
	assert_int_equal(bundle_open(&bundle, buf_span(&b), NULL), -EPROTO);
	buf_reset(&b);
	bundle_put(&b, "a", span_of("1"));
	bundle_put(&b, "a", span_of("2"));
	assert_int_equal(bundle_open(&bundle, buf_span(&b), NULL), -EPROTO);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_by_descriptor),
					    cmocka_unit_test(test_no_file), cmocka_unit_test(test_too_large),
					    cmocka_unit_test(test_cut), cmocka_unit_test(test_entries) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "bundle");
}
