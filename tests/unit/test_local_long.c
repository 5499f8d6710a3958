/* test_local_long.c - a change of thousands of messages, cut by kill -9 at any instant, has
 * happened as a whole or not at all; and nobody else waits for it.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"

enum { MESSAGES = 4000, KILLS = 16, FIRST_SLICE = 512, SLICE = 256 };

static struct folders folders;

static const struct conformance_driver driver = {
	.name = "long", .arg = &folders, .open = folders_driver_open, .close = folders_driver_close, .token = folders_driver_token
};

static struct conf conf = { .driver = &driver };
static struct store_account *account;

static void begin(void)
{
	uv_loop_init(&conf.loop);
	conf.s = folders_open(&folders, &conf.loop);
	account = conf_login(&conf, "a@long.example");
}

static void end(void)
{
	store_logout(account);
	folders_close(&conf.loop, conf.s);
	uv_run(&conf.loop, UV_RUN_DEFAULT);
	uv_loop_close(&conf.loop);
}

static const struct store_range all = { 1, UINT32_MAX };

static struct store_mutation change_of(enum store_change change, const char *from, const char *to)
{
	return (struct store_mutation){ .change = change,
					.mailbox = conf_mailbox(&conf, account, from),
					.target = to != NULL ? conf_mailbox(&conf, account, to) : 0,
					.uids = { &all, 1 },
					.how = STORE_FLAGS_ADD,
					.flags = STORE_FLAGGED };
}

/* MESSAGES in Archive. */
static void fill(void)
{
	struct store_mutation copy;

	begin();
	for (int i = 0; i < 50; i++)
		conf_append(&conf, account, conf_mailbox(&conf, account, "Sent"), "x", 0);
	copy = change_of(STORE_COPY, "Sent", "Archive");
	for (int i = 0; i < MESSAGES / 50; i++)
		assert_int_equal(conf_change(&conf, account, &copy), STORE_OK);
	end();
}

/* --- kills ----------------------------------------------------------------- */

static void no_matter(void *arg, enum store_status status, const struct store_result *r, size_t n,
		      const char *words)
{
	(void)r;
	(void)n;
	(void)words;
	_exit(status == STORE_OK && arg == NULL ? 0 : 9);
}

/* Begins the change, says so, and is killed, or comes to its end. */
static void child_change(int fd, unsigned round)
{
	struct store_mutation m;
	struct store_mailbox archive;
	struct store_txid txid;

	begin();
	conf_find(&conf, account, "Archive", &archive);
	if (round % 3 == 0)
		m = change_of(STORE_SET_FLAGS, archive.exists > 0 ? "Archive" : "Trash", NULL);
	else
		m = archive.exists > 0 ? change_of(STORE_MOVE, "Archive", "Trash")
				       : change_of(STORE_MOVE, "Trash", "Archive");
	m.how = round / 3 % 2 ? STORE_FLAGS_REMOVE : STORE_FLAGS_ADD;
	store_txid_new(&txid);
	store_commit(account, &m, 1, &txid, no_matter, NULL);
	if (write(fd, "x", 1) != 1)
		_exit(8);
	uv_run(&conf.loop, UV_RUN_DEFAULT);
	_exit(7);
}

struct look_wait {
	bool done;
	size_t count, flagged;
	uint32_t next, first, last;
	struct store_mailbox m;
};

static void page_done(void *arg, enum store_status status, const struct store_page *p)
{
	struct look_wait *w = arg;

	assert_int_equal(status, STORE_OK);
	for (size_t i = 0; i < p->record_count; i++)
		w->flagged += (p->records[i].flags & STORE_FLAGGED) != 0;
	if (p->record_count > 0) {
		w->first = w->count == 0 ? p->records[0].uid : w->first;
		w->last = p->records[p->record_count - 1].uid;
	}
	w->count += p->record_count;
	w->next = p->next_uid;
	w->m = p->mailbox;
	w->done = true;
}

/* All messages of the mailbox are there and alike, or none is. */
static size_t check(const char *name)
{
	struct store_look look = { .mailbox = conf_mailbox(&conf, account, name),
				   .want = STORE_WANT_RECORDS,
				   .first = 1,
				   .last = UINT32_MAX };
	struct look_wait w = { 0 };

	do {
		w.done = false;
		store_sync(account, &look, page_done, &w);
		conf_wait(&conf, &w.done);
		look.first = w.next;
	} while (w.next > 0);
	assert_true(w.count == 0 || w.count == MESSAGES);
	assert_true(w.flagged == 0 || w.flagged == w.count);
	assert_int_equal(w.m.exists, w.count);
	if (w.count > 0) {
		assert_string_equal(conf_body(&conf, account, look.mailbox, w.first), "x");
		assert_string_equal(conf_body(&conf, account, look.mailbox, w.last), "x");
	}
	return w.count;
}

static void test_compare(void **state)
{
	(void)state;
	begin();
	assert_int_equal(check("Archive") + check("Trash"), MESSAGES);
	end();
}

static int run_child(void (*child)(int fd, unsigned round), unsigned round, useconds_t life_us)
{
	int ends[2], status;
	char c;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(ends[1], round);
	close(ends[1]);
	if (read(ends[0], &c, 1) == 1 && life_us > 0) {
		usleep(life_us);
		kill(pid, SIGKILL);
	}
	close(ends[0]);
	waitpid(pid, &status, 0);
	return status;
}

static void child_fill(int fd, unsigned round)
{
	(void)fd;
	(void)round;
	fill();
	_exit(0);
}

static void child_compare(int fd, unsigned round)
{
	const struct CMUnitTest one[] = { cmocka_unit_test(test_compare) };

	(void)fd;
	(void)round;
	_exit(unit_run(one, 1, "compare"));
}

static void test_kill(void **state)
{
	unsigned killed = 0;

	(void)state;
	assert_int_equal(run_child(child_fill, 0, 0), 0);
	for (unsigned i = 0; i < KILLS; i++) {
		int status =
		    run_child(child_change, i, 1000 + randombytes_uniform(i % 3 == 0 ? 12000 : 60000));

		assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		killed += status != 0;
		assert_int_equal(run_child(child_compare, i, 0), 0);
	}
	print_message("%u of %d were killed\n", killed, KILLS);
	assert_true(killed > 0);
}

/* --- turns ----------------------------------------------------------------- */

struct turn_wait {
	bool done;
	unsigned turns;
};

static void turn_ends(uv_prepare_t *handle)
{
	struct turn_wait *w = handle->data;

	w->turns++;
}

static void turns_over(void *arg, enum store_status status, const struct store_result *r, size_t n,
		       const char *words)
{
	struct turn_wait *w = arg;

	(void)r;
	(void)n;
	(void)words;
	assert_int_equal(status, STORE_OK);
	w->done = true;
}

/* While a long change is under way the loop goes round, at least once for each slice. */
static void test_turns(void **state)
{
	static const enum store_change changes[] = { STORE_SET_FLAGS, STORE_COPY, STORE_MOVE, STORE_EXPUNGE };
	uv_prepare_t after;

	(void)state;
	begin();
	if (check("Archive") == 0)
		skip();
	uv_prepare_init(&conf.loop, &after);
	for (size_t i = 0; i < 4; i++) {
		struct turn_wait w = { 0 };
		struct store_mutation m = change_of(changes[i], i == 3 ? "Junk" : "Archive", "Junk");
		struct store_txid txid;

		unit_case("change", i);
		after.data = &w;
		uv_prepare_start(&after, turn_ends);
		store_txid_new(&txid);
		store_commit(account, &m, 1, &txid, turns_over, &w);
		while (!w.done)
			uv_run(&conf.loop, UV_RUN_ONCE);
		uv_prepare_stop(&after);
		assert_true(w.turns >= (MESSAGES - FIRST_SLICE) / SLICE);
	}
	uv_close((uv_handle_t *)&after, NULL);
	assert_int_equal(conf_all(&conf, account, conf_mailbox(&conf, account, "Junk"))->record_count, 0);
	assert_int_equal(conf_all(&conf, account, conf_mailbox(&conf, account, "Archive"))->record_count, 0);
	end();
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest kills[] = { cmocka_unit_test(test_kill) };
	const struct CMUnitTest turns[] = { cmocka_unit_test(test_turns) };
	int failed;

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	folders_init(&folders);
	failed = unit_run(kills, 1, "long kills");
	folders_wipe(&folders);
	fill();
	failed |= unit_run(turns, 1, "long turns");
	folders_remove(&folders);
	return failed;
}
