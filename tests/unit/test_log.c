/* test_log.c - the form of a line, levels, and what happens when nobody takes them.
 * link: common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"

static char last[LOG_LINE_MAX + 1];

static void keep(void *arg, const char *line)
{
	(void)arg;
	snprintf(last, sizeof(last), "%s", line);
}

static void test_form(void **state)
{
	(void)state;
	log_open("imapd", 2);
	log_to_function(keep, NULL);
	log_info("ICID %d connected peer=%s", 17, "192.0.2.7:50112");
	assert_string_equal(last + 29, " info imapd[2] ICID 17 connected peer=192.0.2.7:50112");
	assert_int_equal(last[10], 'T');
	log_warn("a\r\nb");
	assert_non_null(strstr(last, " warn imapd[2] a??b"));
	last[0] = '\0';
	log_debug("nobody asked");
	assert_string_equal(last, "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("somebody did");
	assert_non_null(strstr(last, "debug imapd[2] somebody did"));
	log_open("yubind", 0);
	log_error("x");
	assert_non_null(strstr(last, " error yubind x"));
}

/* A full socket drops lines, counts them, and the next line that fits says so. */
static void test_dropped(void **state)
{
	char line[LOG_LINE_MAX];
	int ends[2], told = 0, n = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
	log_to_socket(ends[0]);
	for (int i = 0; i < 5000; i++)
		log_info("line %d", i);
	while (recv(ends[1], line, sizeof(line), 0) > 0)
		n++;
	assert_true(n > 0 && n < 5000);
	log_info("after");
	while (recv(ends[1], line, sizeof(line), 0) > 0)
		told += strstr(line, "log lines dropped count=") != NULL;
	assert_int_equal(told, 1);
	log_to_function(keep, NULL);
	close(ends[0]);
	close(ends[1]);
}

static void test_error(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, -EINVAL, "no %s", "port"), -EINVAL);
	assert_int_equal(error_context(&err, "imapd.conf line %d", 7), -EINVAL);
	assert_string_equal(err.words, "imapd.conf line 7: no port");
	assert_int_equal(error_system(&err, ENOENT, "open %s", "x"), -ENOENT);
	assert_string_equal(err.words, "open x: No such file or directory");
	assert_int_equal(error_set(NULL, -EIO, "nobody reads it"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_form), cmocka_unit_test(test_dropped),
					    cmocka_unit_test(test_error) };

	return unit_run(tests, 3, "log");
}
