/* test_secret.c - accounts/srs.key: made, read again, changed by hand, broken.
 * link: auth/authd auth sasl common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/authd/secret.h"
#include "common/base/log.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void on_log(void *arg, const char *line)
{
	(void)line;
	++*(unsigned *)arg;
}

static int folder_make(char path[32])
{
	snprintf(path, 32, "/tmp/yubin-secret-XXXXXX");
	assert_non_null(mkdtemp(path));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(int folder, const char *text)
{
	int fd = openat(folder, "srs.key", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void test_made(void **state)
{
	struct srs_keys made, read;
	struct stat st;
	char path[32];
	int folder = folder_make(path);

	(void)state;
	assert_int_equal(secret_read(&read, folder, NULL), 0);
	assert_int_equal(read.count, 0);
	close(openat(folder, ".srs.key", O_WRONLY | O_CREAT, 0600)); /* what a crash left */
	assert_int_equal(secret_make(&made, folder, NULL), 0);
	assert_int_equal(made.count, 1);
	assert_int_equal(secret_read(&read, folder, NULL), 0);
	assert_int_equal(read.count, 1);
	assert_memory_equal(read.keys[0], made.keys[0], SRS_KEY);
	assert_int_equal(fstatat(folder, "srs.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(folder, ".srs.key", &st, 0), -1);
	unlinkat(folder, "srs.key", 0);
	close(folder);
	assert_int_equal(rmdir(path), 0);
}

static const struct {
	const char *why, *text;
	size_t count;
	unsigned warned;
	uint8_t first;
} files[] = {
	{ "one key", "key " A "\n", 1, 0, 0xaa },
	{ "a comment, the new one, the old one", "# mine\nkey " B "\nkey " A "\n", 2, 0, 0xbb },
	{ "a third one", "key " A "\nkey " B "\nkey " A "\n", 2, 1, 0xaa },
	{ "too short", "key aabb\n", 0, 1, 0 },
	{ "too long", "key " A "aa\n", 0, 1, 0 },
	{ "no digits", "key xyz" A "\n", 0, 1, 0 },
	{ "another word", "secret " A "\n", 0, 1, 0 },
	{ "broken, then a good one", "key\nkey " B "\n", 1, 1, 0xbb },
	{ "nothing", "", 0, 0, 0 },
};

static void test_files(void **state)
{
	unsigned warned = 0;
	char path[32];
	int folder = folder_make(path);

	(void)state;
	log_to_function(on_log, &warned);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct srs_keys read;

		unit_case(files[i].why, i);
		warned = 0;
		put(folder, files[i].text);
		assert_int_equal(secret_read(&read, folder, NULL), 0);
		assert_int_equal(read.count, files[i].count);
		assert_int_equal(warned, files[i].warned);
		if (read.count > 0)
			assert_int_equal(read.keys[0][0], files[i].first);
	}
	log_to_function(NULL, NULL);
	unlinkat(folder, "srs.key", 0);
	close(folder);
	assert_int_equal(rmdir(path), 0);
}

/* A folder or a link in its place is no key and is not overwritten in passing. */
static void test_no_file(void **state)
{
	struct srs_keys read;
	struct error err;
	char path[32];
	int folder = folder_make(path);

	(void)state;
	assert_int_equal(symlinkat("/etc/hostname", folder, "srs.key"), 0);
	assert_int_equal(secret_read(&read, folder, &err), -ELOOP);
	assert_non_null(strstr(err.words, "can't read accounts/srs.key"));
	unlinkat(folder, "srs.key", 0);
	close(folder);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_made), cmocka_unit_test(test_files),
					    cmocka_unit_test(test_no_file) };

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "secret");
}
