/* test_supervisor_parts.c - what yubind is made of, each part alone: switches, log lines, ids, sockets.
 * link: supervisor setup common/config common/base */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/config/file.h"
#include "supervisor/blocks.h"
#include "supervisor/holder.h"
#include "supervisor/lines.h"
#include "supervisor/lock.h"
#include "supervisor/logfile.h"
#include "supervisor/notify.h"
#include "setup/switches.h"

static char folder[] = "/tmp/yubin-parts-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* --- switches -------------------------------------------------------------- */

static const struct {
	const char *why, *site, *flags;
	bool no_implicit[DAEMON_COUNT], no_starttls[DAEMON_COUNT];
	unsigned errors, warnings;
} switch_cases[] = {
	{ .why = "nothing said", .site = "" },
	{ .why = "-X- is for SMTP", .site = "Flags -X-\n", .no_implicit = { [DAEMON_SMTPD] = true } },
	{ .why = "flags behind start",
	  .site = "",
	  .flags = " -B-  -I-",
	  .no_implicit = { [DAEMON_POP3D] = true, [DAEMON_IMAPD] = true } },
	{ .why = "both places",
	  .site = "Flags -X-\n",
	  .flags = "-I-",
	  .no_implicit = { [DAEMON_SMTPD] = true, [DAEMON_IMAPD] = true } },
	{ .why = "-W- is noted",
	  .site = "Flags \"-W- -X-\"\n",
	  .no_implicit = { [DAEMON_SMTPD] = true },
	  .warnings = 1 },
	{ .why = "EnableCTRL-TLS is noted", .site = "EnableCTRL-TLS no\n", .warnings = 1 },
	{ .why = "EnableSMTP-TLS no",
	  .site = "EnableSMTP-TLS no\n",
	  .no_starttls = { [DAEMON_SMTPD] = true } },
	{ .why = "EnablePOP3-TLS, EnableIMAP-TLS",
	  .site = "EnablePOP3-TLS 0\nEnableIMAP-TLS no\n",
	  .no_starttls = { [DAEMON_POP3D] = true, [DAEMON_IMAPD] = true } },
	{ .why = "an unknown flag", .site = "Flags -Q-\n", .errors = 1 },
	{ .why = "half a flag", .site = "", .flags = "-X", .errors = 1 },
};

static void test_switches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(switch_cases) / sizeof(switch_cases[0]); i++) {
		struct report report = { .sink = NULL };
		struct switches sw;
		struct config *c;

		unit_case(switch_cases[i].why, i);
		assert_int_equal(config_parse(&c, CONFIG_YUBIN, span_of(switch_cases[i].site), "yubin.conf",
					      report_config, &report),
				 0);
		switches_read(&sw, config_top(c), "yubin.conf", switch_cases[i].flags, &report);
		for (enum daemon d = 0; d < DAEMON_COUNT; d++) {
			assert_int_equal(sw.no_implicit[d], switch_cases[i].no_implicit[d]);
			assert_int_equal(sw.no_starttls[d], switch_cases[i].no_starttls[d]);
		}
		assert_int_equal(report.errors, switch_cases[i].errors);
		assert_int_equal(report.warnings, switch_cases[i].warnings);
		config_free(c);
	}
}

static const struct {
	const char *why, *before, *after;
} rewrites[] = {
	{ "appended, at the file's own level", "Listen *:993 implicit\n  SecureLevel 3",
	  "Listen *:993 implicit\n  SecureLevel 3\nEnableSSL no\nEnableTLS no\n" },
	{ "in the place of what stands there", "# x\nEnableTLS yes\nWorkers 2\n",
	  "# x\nEnableTLS no\nWorkers 2\nEnableSSL no\n" },
	{ "an empty file", "", "EnableSSL no\nEnableTLS no\n" },
};

static void test_rewrites(void **state)
{
	struct switches sw = { .no_implicit[DAEMON_IMAPD] = true, .no_starttls[DAEMON_IMAPD] = true };
	struct report report = { .sink = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(rewrites) / sizeof(rewrites[0]); i++) {
		struct config *c, *again;
		struct buf out;

		unit_case(rewrites[i].why, i);
		buf_init(&out, 4096);
		assert_int_equal(
		    config_parse(&c, CONFIG_IMAPD, span_of(rewrites[i].before), "x", report_config, &report),
		    0);
		switches_write(&sw, DAEMON_IMAPD, c, span_of(rewrites[i].before), &out);
		unit_is(out.p, out.n, rewrites[i].after);
		assert_int_equal(
		    config_parse(&again, CONFIG_IMAPD, buf_span(&out), "x", report_config, &report), 0);
		assert_false(config_bool(config_top(again), CONFIG_ENABLE_SSL));
		assert_false(config_bool(config_top(again), CONFIG_ENABLE_TLS));
		config_free(c);
		config_free(again);
		buf_clear(&out);
	}
}

/* --- log lines ------------------------------------------------------------- */

static const struct {
	const char *why, *line;
	bool good;
} lines[] = {
	{ "its own", "2026-11-21T20:41:18.123+09:00 info imapd[2] ICID 17 connected", true },
	{ "in UTC", "2026-11-21T20:41:18.123Z warn imapd[2] x", true },
	{ "in another's name", "2026-11-21T20:41:18.123+09:00 info imapd[1] ICID 17 connected", false },
	{ "in yubind's name", "2026-11-21T20:41:18.123+09:00 info yubind x", false },
	{ "no such level", "2026-11-21T20:41:18.123+09:00 fatal imapd[2] x", false },
	{ "no time", "info imapd[2] x", false },
	{ "no event", "2026-11-21T20:41:18.123+09:00 info imapd[2]", false },
	{ "two lines",
	  "2026-11-21T20:41:18.123+09:00 info imapd[2] x\n2026-11-21T20:41:18.123+09:00 info yubind y",
	  false },
	{ "an escape", "2026-11-21T20:41:18.123+09:00 info imapd[2] \x1b[2J", false },
	{ "empty", "", false },
};

static void test_lines(void **state)
{
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		unit_case(lines[i].why, i);
		assert_int_equal(lines_good(span_of(lines[i].line), "imapd[2]"), lines[i].good);
		if (lines[i].good)
			continue;
		lines_wrap(text, sizeof(text), "imapd[2]", span_of(lines[i].line));
		assert_true(lines_good(span_of(text), "imapd[2]"));
		assert_non_null(strstr(text, " error imapd[2] stderr text=\""));
	}
}

static void test_lines_fit(void **state)
{
	static const struct {
		const char *why, *text;
		size_t max;
		const char *want;
	} rows[] = {
		{ "all of it", "one\ntwo\n", 8, "one\ntwo\n" },
		{ "all, without an end", "one\ntwo", 7, "one\ntwo" },
		{ "no half of a line", "one\ntwo\n", 7, "one\n" },
		{ "one that just fits", "one\ntwo\n", 4, "one\n" },
		{ "not even the first", "one\ntwo\n", 3, "" },
		{ "no room", "one\n", 0, "" },
		{ "nothing", "", 9, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span fit = lines_fit(span_of(rows[i].text), rows[i].max);

		unit_case(rows[i].why, i);
		unit_is(fit.p, fit.n, rows[i].want);
	}
}

/* --- ids ------------------------------------------------------------------- */

static uint64_t take(struct blocks *b)
{
	uint64_t first = 0;
	struct error err = { 0 };

	if (blocks_take(b, &first, &err) != 0)
		fail_msg("%s", err.words);
	return first;
}

static struct blocks *open_blocks(struct error *warning)
{
	struct blocks *b;
	struct error err;

	if (blocks_open(&b, in_folder("ids"), warning, &err) != 0)
		fail_msg("%s", err.words);
	return b;
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void test_ids(void **state)
{
	struct error warning;
	struct blocks *b;

	(void)state;
	b = open_blocks(&warning);
	assert_int_equal(take(b), 1);
	assert_int_equal(take(b), 1001);
	blocks_close(b); /* a clean end: nothing is skipped */
	b = open_blocks(&warning);
	assert_int_equal(take(b), 2001);
	free(b); /* a kill: nothing is repeated */
	b = open_blocks(&warning);
	assert_int_equal(take(b), 2001 + BLOCKS_STEP);
	for (unsigned i = 1; i < BLOCKS_STEP / BLOCKS_SIZE; i++)
		take(b);
	assert_int_equal(take(b), 2001 + 2 * BLOCKS_STEP);
	assert_int_equal(warning.code, 0);
	blocks_close(b);
	write_file(in_folder("ids"), "nonsense\n");
	b = open_blocks(&warning);
	assert_int_not_equal(warning.code, 0);
	assert_true(take(b) > 1000000000000);
	blocks_close(b);
}

/* --- the log file ---------------------------------------------------------- */

static void assert_file(const char *name, const char *want)
{
	struct buf text;
	struct error err;

	buf_init(&text, 65536);
	if (file_read(in_folder(name), &text, NULL, &err) != 0)
		fail_msg("%s", err.words);
	unit_is(text.p, text.n, want);
	buf_clear(&text);
}

static void test_logfile(void **state)
{
	char moved[256];
	struct logfile *l;
	struct error err;

	(void)state;
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	assert_int_equal(logfile_open(&l, in_folder("log"), -1, &err), 0);
	logfile_write(l, span_of("one"));
	assert_int_equal(rename(in_folder("log"), moved), 0);
	logfile_write(l, span_of("two"));
	logfile_look(l);
	logfile_write(l, span_of("three"));
	unlink(in_folder("log"));
	logfile_look(l);
	logfile_write(l, span_of("four"));
	assert_file("moved", "one\ntwo\n");
	assert_file("log", "four\n");
	logfile_close(l);
	assert_int_equal(logfile_open(&l, "/proc/nowhere/log", -1, &err), -ENOENT);
}

/* A full disk (here: a limit of 5 bytes) costs lines, which are counted and told; the
 * half line that it took stays one of its own. */
static void test_full_disk(void **state)
{
	struct rlimit before, full;
	struct logfile *l;
	struct error err;
	struct buf text;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full = (struct rlimit){ .rlim_cur = 5, .rlim_max = before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(logfile_open(&l, in_folder("full"), -1, &err), 0);
	setrlimit(RLIMIT_FSIZE, &full);
	logfile_write(l, span_of("one"));
	logfile_write(l, span_of("two"));
	logfile_write(l, span_of("three"));
	setrlimit(RLIMIT_FSIZE, &before);
	logfile_write(l, span_of("four"));
	buf_init(&text, 4096);
	assert_int_equal(file_read(in_folder("full"), &text, NULL, &err), 0);
	buf_put_byte(&text, '\0');
	assert_true(span_starts(buf_span(&text), "one\nt\n2"));
	assert_non_null(strstr((char *)text.p, " warn yubind log lines lost count=2\nfour\n"));
	buf_clear(&text);
	logfile_close(l);
}

/* A symlink is not followed: the folder of the log may be somebody else's. */
static void test_link(void **state)
{
	struct logfile *l;
	struct error err;

	(void)state;
	assert_int_equal(symlink("/dev/null", in_folder("link")), 0);
	assert_int_equal(logfile_open(&l, in_folder("link"), -1, &err), -ELOOP);
	assert_null(l);
}

/* --- the lock -------------------------------------------------------------- */

static void test_lock(void **state)
{
	struct error err;
	struct paths paths;
	bool unclean = true;
	int first, second, status;
	pid_t child;

	(void)state;
	assert_int_equal(paths_set(&paths, folder, &err), 0);
	if (lock_take(&paths, &first, &unclean, &err) != 0)
		fail_msg("%s", err.words);
	assert_false(unclean);
	assert_int_equal(lock_take(&paths, &second, &unclean, &err), -EBUSY);
	assert_non_null(strstr(err.words, "runs already (pid "));
	lock_drop(first);
	child = fork();
	if (child == 0) {
		bool clean = lock_take(&paths, &first, &unclean, &err) == 0 && !unclean;

		_exit(clean ? 0 : 1); /* and leaves its pid behind */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(lock_take(&paths, &first, &unclean, &err), 0);
	assert_true(unclean);
	lock_drop(first);
}

/* The lock of a folder is that of the description that was handed on, not of who took it. */
static void test_folder_lock(void **state)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY), again = open(folder, O_RDONLY | O_DIRECTORY), other;
	uint64_t began_ms;
	struct error err;

	(void)state;
	assert_int_equal(lock_folder(fd, folder, &err), 0);
	assert_int_equal(lock_folder(again, folder, &err), -EBUSY);
	other = dup(fd);
	close(fd);
	assert_int_equal(lock_folder(again, folder, &err), -EBUSY);
	began_ms = clock_mono_ms();
	lock_wait(folder, 50);
	assert_true(clock_mono_ms() - began_ms >= 50);
	close(other);
	lock_wait(folder, 60000);
	assert_int_equal(lock_folder(again, folder, &err), 0);
	close(again);
}

/* --- who holds a port, systemd --------------------------------------------- */

static void test_holder(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof(a);
	char who[200], want[40];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	snprintf(want, sizeof(want), "(pid %d)", (int)getpid());
	assert_non_null(strstr(holder_of_port(ntohs(a.sin_port), who, sizeof(who)), want));
	close(fd);
	assert_string_equal(holder_of_port(ntohs(a.sin_port), who, sizeof(who)), "");
}

static void test_notify(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char text[64];

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	unsetenv("NOTIFY_SOCKET");
	notify_systemd("READY=1");
	assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	notify_systemd("READY=1");
	assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
	assert_memory_equal(text, "READY=1", 7);
	close(fd);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switches), cmocka_unit_test(test_rewrites),
		cmocka_unit_test(test_lines), cmocka_unit_test(test_lines_fit),    cmocka_unit_test(test_ids),
		cmocka_unit_test(test_logfile),  cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_link),     cmocka_unit_test(test_lock), cmocka_unit_test(test_folder_lock),
		cmocka_unit_test(test_holder),   cmocka_unit_test(test_notify),
	};

	if (make_folder(NULL) != 0)
		return 1;
	int rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "supervisor_parts");

	return remove_folder(NULL) != 0 ? 1 : rc;
}
