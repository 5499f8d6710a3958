/* test_local_statefile.c - the small files tell what they were told, or nothing.
 * link: storage/local common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/local/files.h"
#include "storage/local/statefile.h"

static const char *const names[] = { "INBOX", "a b",       "100%", "%41", "\xe9\x83\xb5\xe4\xbe\xbf/x",
				     "\"\\",  "x\xc2\xa0y" };

static void test_mailbox(void **state)
{
	const struct head h = { .role = STORE_ROLE_SENT,
				.subscribed = 1,
				.uidvalidity = 1795262478,
				.uid_floor = 4294967295,
				.modseq_floor = 1ULL << 40 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct head back = { 0 };
		struct buf out, name;

		unit_case(names[i], i);
		buf_init(&out, STATEFILE_MAX);
		buf_init(&name, STORE_NAME_MAX);
		statefile_mailbox(&out, &h, span_of(names[i]));
		assert_true(statefile_mailbox_parse(buf_span(&out), &back, &name));
		unit_is(name.p, name.n, names[i]);
		assert_memory_equal(&back, &h, sizeof(h));
		for (size_t cut = 0; cut < out.n; cut++) {
			unit_case("cut", cut);
			assert_false(statefile_mailbox_parse((struct span){ out.p, cut }, &back, &name));
		}
		for (size_t at = 0; at < out.n; at++) {
			unit_case("a byte changed", at);
			out.p[at] ^= 1;
			assert_false(statefile_mailbox_parse(buf_span(&out), &back, &name));
			out.p[at] ^= 1;
		}
		buf_clear(&out);
		buf_clear(&name);
	}
}

static void test_flags(void **state)
{
	static const struct {
		uint32_t uid, flags;
		uint64_t keywords;
	} told[] = {
		{ 1, 0, 0 },  { 2, 1, 0 }, { 3, 1, 0 },          { 5, 1, 0 },          { 6, 0, 0 },
		{ 7, 31, 3 }, { 8, 0, 2 }, { 9, 0, UINT64_MAX }, { 4294967294, 8, 0 },
	};
	const struct span words[] = { span_of("$Forwarded"), span_of("work") };
	struct flags_writer w;
	struct flags_reader r;
	struct buf out;

	(void)state;
	buf_init(&out, STATEFILE_MAX);
	statefile_flags_begin(&w, &out, words, 2);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		statefile_flags_add(&w, told[i].uid, told[i].flags, told[i].keywords);
	statefile_flags_end(&w);
	assert_true(statefile_flags_parse(&r, buf_span(&out)));
	assert_int_equal(r.keyword_count, 2);
	unit_is(r.keywords[1].p, r.keywords[1].n, "work");
	for (size_t i = 1; i < sizeof(told) / sizeof(told[0]); i++) {
		unit_case("told", i);
		if (told[i].flags == 0 && told[i].keywords == 0)
			continue;
		if (told[i].uid > r.last)
			assert_true(statefile_flags_next(&r));
		assert_true(r.first <= told[i].uid && told[i].uid <= r.last);
		assert_int_equal(r.flags, told[i].flags);
		assert_int_equal(r.bits, told[i].keywords);
	}
	assert_false(statefile_flags_next(&r));
	for (size_t cut = 0; cut < out.n; cut++) {
		unit_case("cut", cut);
		assert_false(statefile_flags_parse(&r, (struct span){ out.p, cut }));
	}
	buf_clear(&out);
}

static void test_account(void **state)
{
	const struct account_record a = { .next_mailbox = 12, .uidvalidity = 1795262478 };
	struct account_record back = { 0 };
	struct buf out, name;
	struct span rest;

	(void)state;
	buf_init(&out, STATEFILE_MAX);
	buf_init(&name, STORE_NAME_MAX);
	statefile_account(&out, &a);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		statefile_absent(&out, span_of(names[i]));
	statefile_account_end(&out);
	assert_true(statefile_account_parse(buf_span(&out), &back, &rest));
	assert_int_equal(back.next_mailbox, 12);
	assert_int_equal(back.uidvalidity, 1795262478);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(statefile_absent_next(&rest, &name));
		unit_is(name.p, name.n, names[i]);
	}
	assert_false(statefile_absent_next(&rest, &name));
	buf_clear(&out);
	buf_clear(&name);
}

/* Only a regular file is opened, and nothing holds the thread. */
static void test_open(void **state)
{
	static const struct {
		const char *why, *name;
		int want; /* 0: a descriptor */
	} rows[] = {
		{ "a file", "file", 0 },	 { "nothing", "none", -ENOENT }, { "a link to a file", "link", -ELOOP },
		{ "a FIFO", "fifo", -ELOOP },	 { "a folder", "folder", -ELOOP },
	};
	char top[] = "/tmp/files.XXXXXX";
	struct stat st;
	int at, fd;

	(void)state;
	assert_non_null(mkdtemp(top));
	at = open(top, O_RDONLY | O_DIRECTORY);
	close(openat(at, "file", O_WRONLY | O_CREAT, 0600));
	assert_int_equal(symlinkat("file", at, "link"), 0);
	assert_int_equal(mkfifoat(at, "fifo", 0600), 0);
	assert_int_equal(mkdirat(at, "folder", 0700), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		fd = files_open(at, rows[i].name, 0, &st);
		assert_int_equal(fd < 0 ? fd : 0, rows[i].want);
		if (fd >= 0)
			close(fd);
		unlinkat(at, rows[i].name, i == 4 ? AT_REMOVEDIR : 0);
	}
	close(at);
	assert_int_equal(rmdir(top), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailbox), cmocka_unit_test(test_open),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_account),
	};

	return sodium_init() < 0 || unit_run(tests, 3, "local statefile");
}
