/* test_store_manifest.c - a backup's manifest: what it says is read back, and nothing else.
 * link: admin common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/store_manifest.h"

#define HASH "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct {
	const char *why, *line;
	bool good;
} cases[] = {
	{ "a file", "file " HASH " 12 0600 1700000000 mail/a/b", true },
	{ "before 1970", "file " HASH " 12 0600 -5 mail/a", true },
	{ "a folder", "folder 0700 mail/a%20b", true },
	{ "no kind", "", false },
	{ "another kind", "link " HASH " 12 0600 1 mail/a", false },
	{ "a hash that is short", "file 0001 12 0600 1 mail/a", false },
	{ "a size that is none", "file " HASH " x 0600 1 mail/a", false },
	{ "a size over all", "file " HASH " 99999999999999999999 0600 1 mail/a", false },
	{ "a mode that is none", "file " HASH " 1 0680 1 mail/a", false },
	{ "a mode that is long", "file " HASH " 1 00600 1 mail/a", false },
	{ "no path", "folder 0700 ", false },
	{ "a path from the root", "folder 0700 /etc", false },
	{ "a path that leads out", "folder 0700 mail/../../etc", false },
	{ "hidden in hexadecimal", "folder 0700 mail/%2e%2e/etc", false },
	{ "a NUL", "folder 0700 mail/%00", false },
	{ "half a byte", "folder 0700 mail/%2", false },
	{ "a space", "folder 0700 mail/a b", false },
	{ "a slash at the end", "folder 0700 mail/", false },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct manifest_entry e;

		unit_case(cases[i].why, i);
		assert_int_equal(manifest_parse(span_of(cases[i].line), &e), cases[i].good);
	}
}

static void write_manifest(const char *path)
{
	struct manifest_entry folder = { .folder = true, .mode = 0700, .path = "mail/\xc3\xa4 %" };
	struct manifest_entry file = { .size = 7, .mode = 0600, .mtime_s = 9, .path = "mail/x" };
	FILE *f = fopen(path, "w");
	struct manifest_writer w;

	assert_non_null(f);
	memset(file.hash, 0xab, sizeof(file.hash));
	manifest_begin(&w, f, 1700000000);
	manifest_put(&w, &folder);
	manifest_put(&w, &file);
	assert_int_equal(manifest_end(&w), 0);
	assert_int_equal(fclose(f), 0);
}

static void read_manifest(int folder)
{
	struct manifest_reader r;
	struct manifest_entry e;
	struct error err;

	assert_int_equal(manifest_open(&r, folder, &err), 0);
	assert_int_equal(r.created_s, 1700000000);
	assert_int_equal(r.files, 1);
	assert_int_equal(r.folders, 1);
	assert_int_equal(r.bytes, 7);
	assert_int_equal(strlen(r.sum), 2 * MANIFEST_HASH);
	assert_int_equal(manifest_next(&r, &e), 1);
	assert_true(e.folder);
	assert_string_equal(e.path, "mail/\xc3\xa4 %");
	assert_int_equal(manifest_next(&r, &e), 1);
	assert_int_equal(e.size, 7);
	assert_int_equal(e.mtime_s, 9);
	assert_int_equal(e.hash[31], 0xab);
	assert_int_equal(manifest_next(&r, &e), 0);
	manifest_close(&r);
}

/* Cut anywhere, or with any byte changed, it is refused. */
static void test_damage(void **state)
{
	char dir[] = "/tmp/yubin-manifest-XXXXXX", path[64], text[1024];
	struct manifest_reader r;
	int folder, fd;
	ssize_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/manifest", dir);
	write_manifest(path);
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	read_manifest(folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	n = read(fd, text, sizeof(text));
	assert_true(n > 100);
	for (ssize_t i = 0; i < n; i++) {
		char other = text[i] ^ 1;

		unit_case("a byte", (size_t)i);
		assert_int_equal(pwrite(fd, &other, 1, i), 1);
		assert_int_equal(manifest_open(&r, folder, NULL), -EBADMSG);
		assert_int_equal(pwrite(fd, &text[i], 1, i), 1);
	}
	for (ssize_t i = n - 1; i >= 0; i--) {
		unit_case("cut", (size_t)i);
		assert_int_equal(ftruncate(fd, i), 0);
		assert_int_equal(manifest_open(&r, folder, NULL), -EBADMSG);
	}
	close(fd);
	close(folder);
	unlink(path);
	rmdir(dir);
}

/* What is wrong is said with its line; what is right is given all the same. */
static const struct {
	const char *why, *text, *words;
	unsigned good;
} broken[] = {
	{ "nothing", "", "at its beginning", 0 },
	{ "another title", "yubin backup 2\ncreated 1\n", "at its beginning", 0 },
	{ "no date", "yubin backup 1\ncreated\n", "at its beginning", 0 },
	{ "cut behind the head", "yubin backup 1\ncreated 1\n", "cut in line 3", 0 },
	{ "cut in a line", "yubin backup 1\ncreated 1\nfolder 0700 a\nfolder 07", "cut in line 4", 1 },
	{ "a line of no kind", "yubin backup 1\ncreated 1\nfolder 0700 a\nx\nfolder 0700 b\n", "in line 4", 2 },
	{ "another sum", "yubin backup 1\ncreated 1\nfolder 0700 a\nsum " HASH "\n", "what its sum says", 1 },
	{ "half a sum", "yubin backup 1\ncreated 1\nsum 0001\n", "in line 3", 0 },
};

static FILE *open_text(const char *text)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	rewind(f);
	return f;
}

static void test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct manifest_reader r;
		struct manifest_entry e;
		struct error err;
		unsigned good = 0;

		unit_case(broken[i].why, i);
		assert_int_equal(manifest_open_file(&r, open_text(broken[i].text), &err), -EBADMSG);
		assert_non_null(strstr(err.words, broken[i].words));
		assert_int_equal(manifest_open_broken_file(&r, open_text(broken[i].text), &err), 0);
		while (manifest_next(&r, &e) > 0)
			good++;
		assert_int_equal(good, broken[i].good);
		manifest_close(&r);
	}
}

/* No line, however long, is more than one line's memory. */
static void test_long_line(void **state)
{
	enum { LONG = 3 * MANIFEST_LINE_MAX + 17 };
	static const char end[] = "\nfolder 0700 b\n";
	char *text = malloc(LONG + 100);
	struct manifest_reader r;
	struct manifest_entry e;
	struct error err;
	size_t n;

	(void)state;
	assert_non_null(text);
	n = (size_t)sprintf(text, "yubin backup 1\ncreated 1\nfolder 0700 ");
	memset(text + n, 'a', LONG);
	memcpy(text + LONG, end, sizeof(end));
	assert_int_equal(manifest_open_file(&r, open_text(text), &err), -EBADMSG);
	assert_non_null(strstr(err.words, "line 3"));
	assert_int_equal(manifest_open_broken_file(&r, open_text(text), &err), 0);
	assert_int_equal(manifest_next(&r, &e), 1);
	assert_string_equal(e.path, "b");
	assert_int_equal(manifest_next(&r, &e), 0);
	manifest_close(&r);
	free(text);
}

/* A full disk is told when the manifest ends, with its errno. */
static void test_full(void **state)
{
	struct manifest_entry folder = { .folder = true, .mode = 0700, .path = "mail" };
	FILE *f = fopen("/dev/full", "w");
	struct manifest_writer w;

	(void)state;
	assert_non_null(f);
	manifest_begin(&w, f, 1);
	for (unsigned i = 0; i < 10000; i++)
		manifest_put(&w, &folder);
	assert_int_equal(manifest_end(&w), -ENOSPC);
	fclose(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines),     cmocka_unit_test(test_damage),
						   cmocka_unit_test(test_broken),    cmocka_unit_test(test_long_line),
						   cmocka_unit_test(test_full) };

	if (sodium_init() < 0)
		return 1;
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store manifest");
}
