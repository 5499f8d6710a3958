/* test_supervisor_life.c - a whole yubind, its daemons played by this very program: those
 * that it runs are symlinks to it, and called as "smtpd" it is fake_daemon.h's.
 * link: tests/unit/fake_yubind.o tests/unit/fake_daemon.o tests/unit/fake_site.o admin supervisor setup auth storage
 * link: sasl dkim common/proc common/ipc common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "setup/daemons.h"
#include "tests/unit/fake_site.h"
#include "tests/unit/fake_yubind.h"

/* Until the daemon has been restarted so often and is there again; 10 s at most. */
static void wait_restarts(struct server *v, const char *label, int want)
{
	uint64_t end_ms = clock_mono_ms() + 10000;

	while (!is_ready(v, label) || status_number(v, label, "restarts") != want) {
		if (clock_mono_ms() > end_ms)
			fail_msg("%s did not come back", label);
		poll(NULL, 0, 5);
	}
}

static void test_start_and_stop(void **state)
{
	struct server v;

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	assert_int_equal(status_number(&v, "imapd[2]", "listens"), 4);
	assert_int_equal(status_number(&v, "smtpd[1]", "listens"), 6);
	assert_int_equal(status_number(&v, "imapd[1]", "peers"), 2);
	assert_int_equal(status_number(&v, "storaged[1]", "peers"), 6);
	assert_int_equal(status_number(&v, "pop3d[1]", "ids"), 1);
	assert_int_equal(status_number(&v, "pop3d[1]", "tickets"), 1);
	assert_logged(" info imapd[2] here");
	server_stop(&v);
	assert_int_not_equal(access(fake_site_file("run/yubind.sock"), F_OK), 0);
}

static const struct {
	const char *why, *hostname, *words;
} bad_starts[] = {
	{ "a daemon that says why", "fail.pop3d", "pop3d[1]: no room at the inn" },
	{ "a daemon that dies without a word", "die.authd", "authd[1] died of signal 6" },
};

/* All or nothing: the words, and no process is left. */
static void test_bad_starts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_starts) / sizeof(bad_starts[0]); i++) {
		struct error err = { 0 };
		struct server v;

		unit_case(bad_starts[i].why, i);
		fake_site_confs(bad_starts[i].hostname, "");
		assert_int_equal(server_start(&v, &err), 1);
		if (strstr(err.words, bad_starts[i].words) == NULL)
			fail_msg("%s", err.words);
		assert_int_equal(server_wait(&v), 1);
	}
}

static void kill_daemon(struct server *v, const char *label)
{
	int pid = status_number(v, label, "pid");

	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

/* A dead one comes back, and its neighbours are given fresh sockets. */
static void test_comes_back(void **state)
{
	struct server v;

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	kill_daemon(&v, "imapd[1]");
	wait_restarts(&v, "imapd[1]", 1);
	assert_int_equal(status_number(&v, "imapd[1]", "peers"), 2);
	assert_int_equal(status_number(&v, "imapd[2]", "restarts"), 0);
	assert_int_equal(status_number(&v, "storaged[1]", "peers"), 7);
	kill_daemon(&v, "storaged[1]");
	wait_restarts(&v, "storaged[1]", 1);
	assert_int_equal(status_number(&v, "storaged[1]", "peers"), 6);
	assert_int_equal(status_number(&v, "pop3d[1]", "peers"), 3);
	assert_int_equal(status_number(&v, "pop3d[1]", "restarts"), 0);
	assert_logged("daemon died daemon=storaged[1]");
	server_stop(&v);
}

/* A daemon that breaks the rules loses its life; yubind and the others keep theirs. */
static void test_babble(void **state)
{
	struct server v;

	(void)state;
	fake_site_confs("babble.pop3d", "");
	server_must_start(&v);
	assert_int_equal(status_number(&v, "imapd[1]", "restarts"), 0);
	assert_true(status_number(&v, "pop3d[1]", "restarts") >= 1);
	assert_logged("malformed message, killed daemon=pop3d[1] type=99");
	server_stop(&v);
}

static void test_reload(void **state)
{
	struct server v;
	int old;

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	old = status_number(&v, "imapd[1]", "pid");
	fake_site_confs("mail.test", "SecureLevel 3\n");
	order_plain(&v, "reload", 0);
	assert_int_equal(status_number(&v, "imapd[1]", "pid"), old); /* settings went into it */
	fake_site_confs("mail.test", "SecureLevel 9\n");
	order_plain(&v, "reload", 1);
	fake_site_confs("mail.test", "Workers 1\n");
	order_plain(&v, "reload", 0);
	assert_int_equal(status_number(&v, "imapd[1]", "listens"), 4);
	fake_site_confs("mail.test", "Workers 1\nEnableSSL no\n");	/* 993 closes */
	order_plain(&v, "reload", 0);
	assert_int_equal(status_number(&v, "imapd[1]", "listens"), 2);
	fake_site_confs("mail.test", "Workers 1\n");
	order_plain(&v, "reload", 0);
	assert_int_equal(status_number(&v, "imapd[1]", "listens"), 4);
	assert_int_equal(status_number(&v, "imapd[2]", "pid"), -1);
	assert_int_not_equal(status_number(&v, "imapd[1]", "pid"), old);
	assert_int_equal(status_number(&v, "smtpd[2]", "restarts"), 0);
	old = status_number(&v, "imapd[1]", "pid");
	fake_site_confs("fail.imapd", "Workers 1\n"); /* the new process will not start */
	order_plain(&v, "reload", 1);
	assert_int_equal(status_number(&v, "imapd[1]", "pid"), old);
	server_stop(&v);
}

/* A program that was installed anew gets new processes; the others keep theirs. */
static void test_new_program(void **state)
{
	struct server v;
	char command[300];
	int pop3d, imapd;

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	pop3d = status_number(&v, "pop3d[1]", "pid");
	imapd = status_number(&v, "imapd[1]", "pid");
	snprintf(command, sizeof(command), "cp --remove-destination /proc/%d/exe %s/programs/pop3d", (int)getpid(), fake_site);
	assert_int_equal(system(command), 0);
	order_plain(&v, "reload", 0);
	assert_int_not_equal(status_number(&v, "pop3d[1]", "pid"), pop3d);
	assert_int_equal(status_number(&v, "imapd[1]", "pid"), imapd);
	server_stop(&v);
}

static void test_refusal(void **state)
{
	struct server v;

	(void)state;
	fake_site_confs("refuse.authd", "");
	server_must_start(&v);
	order_plain(&v, "reload", 1);
	order_plain(&v, "accounts", 1);
	assert_logged("daemon refuses its settings daemon=authd[1] reason=not these");
	server_stop(&v);
}

/* An authd that dies of the news: its successor is told again before `yubin` hears "done". */
static void test_accounts(void **state)
{
	struct server v;

	(void)state;
	fake_site_confs("faint.authd", "");
	server_must_start(&v);
	order_plain(&v, "accounts", 0);
	assert_int_equal(status_number(&v, "authd[1]", "restarts"), 1);
	server_stop(&v);
}

static void test_restart(void **state)
{
	int smtpd, storaged, imapd;
	struct server v;

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	order_plain(&v, "accounts", 0);
	smtpd = status_number(&v, "smtpd[1]", "pid");
	storaged = status_number(&v, "storaged[1]", "pid");
	imapd = status_number(&v, "imapd[1]", "pid");
	order_plain(&v, "restart smtpd storaged", 0);
	assert_int_not_equal(status_number(&v, "smtpd[1]", "pid"), smtpd);
	assert_int_not_equal(status_number(&v, "storaged[1]", "pid"), storaged);
	assert_int_equal(status_number(&v, "storaged[1]", "restarts"), 0);
	assert_int_equal(status_number(&v, "imapd[1]", "pid"), imapd);
	order_plain(&v, "restart nobody", 2);
	order_plain(&v, "sing", 2);
	server_stop(&v);
}

/* One that says that it needs longer, as a store whose index is lost, gets it. */
static void test_lingers(void **state)
{
	uint64_t began_ms = clock_mono_ms();
	struct server v;

	(void)state;
	fake_site_confs("linger.storaged", "");
	server_must_start(&v);
	assert_true(clock_mono_ms() - began_ms >= 12000);
	assert_logged("daemon busy daemon=storaged[1] it counts sheep");
	server_stop(&v);
}

/* One that does not leave is made to, StopTime and two seconds later. */
static void test_stays(void **state)
{
	uint64_t began_ms = clock_mono_ms();
	struct server v;

	(void)state;
	fake_site_confs("stay.smtpd", "");
	server_must_start(&v);
	pid_t first = order_beside(&v, "stop");
	int status = -1;

	server_stop(&v);	/* a second order to stop waits for the same end */
	assert_int_equal(waitpid(first, &status, 0), first);
	assert_int_equal(status, 0);
	assert_true(clock_mono_ms() - began_ms >= 3000);
	assert_logged("did not leave in time, killed daemon=smtpd[2]");
}

/* Each network daemon's lines behind its name; whoever says too much, or speaks for another, is
 * cut; and all of it again in the same words while somebody asks for the status. */
static void test_tls_answers(void **state)
{
	struct server v;
	pid_t beside;
	int status;
	char *text;

	(void)state;
	fake_site_confs("talk.imapd", "Workers 20\n");
	server_must_start(&v);
	beside = order_beside(&v, "status");
	text = order(&v, "tls", 0);
	assert_non_null(strstr(text, "daemon pop3d 1\nserved pop3d\ndaemon "));
	assert_non_null(strstr(text, "daemon imapd 20\ncut "));
	assert_null(strstr(text, "daemon smtpd 9"));
	assert_null(strstr(text, "storaged"));
	assert_true(strlen(text) > 500000);
	for (const char *at = text; (at = strstr(at, "\nline ")) != NULL; at++)
		assert_true(at[6] >= '0' && at[6] <= '9'); /* no line is half a one */
	free(text);
	assert_int_equal(waitpid(beside, &status, 0), beside);
	assert_int_equal(status, 0);
	server_stop(&v);
}

/* One process is asked, with all the words; two at a time have each their own answer. */
static void test_queue_questions(void **state)
{
	char long_words[4000];
	struct server v;
	int status;
	pid_t beside;
	char *text;

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	beside = order_beside(&v, "queue show\tid=A1");
	text = order(&v, "queue list\tid=A2", 0);
	assert_string_equal(text, "storaged was asked: queue list\tid=A2");
	free(text);
	assert_int_equal(waitpid(beside, &status, 0), beside);
	assert_int_equal(status, 0);
	memset(long_words, 'x', sizeof(long_words));
	memcpy(long_words, "queue ", 6);
	long_words[sizeof(long_words) - 1] = '\0';
	text = order(&v, long_words, 0);
	assert_int_equal(strlen(text), sizeof(long_words) - 1 + strlen("storaged was asked: "));
	free(text);
	server_stop(&v);
}

static void test_rotate_tickets(void **state)
{
	struct server v;

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	order_plain(&v, "rotate-tickets", 0);
	assert_int_equal(status_number(&v, "imapd[2]", "tickets"), 2);
	assert_int_equal(status_number(&v, "pop3d[1]", "tickets"), 2);
	assert_logged("ticket keys rotated by order");
	server_stop(&v);
}

static void test_port_taken(void **state)
{
	struct server v, second;
	struct error err = { 0 };
	char want[80];

	(void)state;
	fake_site_confs("mail.test", "");
	server_must_start(&v);
	assert_int_equal(server_start(&second, &err), 1);
	snprintf(want, sizeof(want), "port %d at 127.0.0.1:%d is taken by", fake_site_port() + 25,
		 fake_site_port() + 25);
	if (strstr(err.words, want) == NULL)
		fail_msg("%s", err.words);
	assert_int_equal(server_wait(&second), 1);
	assert_int_equal(status_number(&v, "imapd[1]", "restarts"), 0);
	server_stop(&v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_and_stop), cmocka_unit_test(test_bad_starts),
		cmocka_unit_test(test_comes_back),     cmocka_unit_test(test_babble),
		cmocka_unit_test(test_reload),         cmocka_unit_test(test_new_program), cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_accounts), cmocka_unit_test(test_restart),        cmocka_unit_test(test_stays), cmocka_unit_test(test_lingers),
		cmocka_unit_test(test_port_taken),     cmocka_unit_test(test_tls_answers),
		cmocka_unit_test(test_queue_questions),
		cmocka_unit_test(test_rotate_tickets),
	};
	int rc;

	if (fake_yubind_main(argc, argv, &rc))
		return rc;
	if (fake_site_make() != 0)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "supervisor_life");
	return fake_site_remove() != 0 ? 1 : rc;
}
