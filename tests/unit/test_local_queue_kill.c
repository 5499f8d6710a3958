/* test_local_queue_kill.c - kill -9 at any instant: nothing that was accepted is lost, nothing that was
 * reported as delivered comes back, and a notice is there if and only if its report counts.
 *
 * As test_local_kill.c: a child puts mail in, leases and reports it, and writes into a pipe what it begins
 * and what was answered. It is killed; another one compares, sends again what was not answered under
 * the same txid, and compares once more. Now and then the index is lost in between.
 * Whole rooms are linked: it is no test of one module.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "storage/local/queue_admin.h"

enum {
	KILLS = 40,
	IDS = 100000,
	NEW = 60,    /* messages that a child puts in, at most */
	FLIGHT = 10, /* of its calls under way */
	DOMAINS = 20,
	LARGEST = 60000 /* bytes of a body */
};

enum what { ACCEPT, FINISH, WHATS };

struct line { /* of the pipe */
	uint32_t id;
	uint8_t what, answered;
};

struct entry {
	uint8_t begun[WHATS], answered[WHATS];
};

static struct entry ledger[IDS];
static uint32_t next_id;
static struct folders folders;
static uv_loop_t loop;
static struct store *store;
static int pipe_out = -1;
static unsigned flying;
static size_t acknowledged;

/* Every third is answered with a notice, every fourth has a recipient here. */
static bool has_notice(uint32_t id)
{
	return id % 3 == 0;
}

static bool has_local(uint32_t id)
{
	return id % 4 == 1;
}

static size_t body_make(char *out, uint32_t id)
{
	size_t size = id % 7 == 0 ? LARGEST - id % 1000 : 200 + id % 3000;
	size_t n = (size_t)snprintf(out, 100, "id=%u\r\n", id);

	for (; n < size; n++)
		out[n] = (char)('a' + (n + id) % 26);
	return n;
}

static void txid_of(struct store_txid *t, uint32_t id, enum what what)
{
	uint8_t seed[8] = { 0 };

	memcpy(seed, &id, sizeof(id));
	seed[4] = (uint8_t)what;
	crypto_generichash(t->bytes, sizeof(t->bytes), seed, sizeof(seed), NULL, 0);
}

static void no_matter(void *arg)
{
	(void)arg;
}

static struct store_stage *stage_of(uint32_t id)
{
	static char text[LARGEST + 1];
	size_t n = body_make(text, id);
	struct store_stage *st;
	struct error err;

	assert_int_equal(store_stage_new(store, &st, n, no_matter, NULL, &err), 0);
	assert_int_equal(store_stage_write(st, (struct span){ (uint8_t *)text, n }), 0);
	return st;
}

/* --- calls ------------------------------------------------------------------------------------ */

struct work {
	uint32_t id;
	enum what what;
};

static void tell(const struct work *w, bool done)
{
	const struct line line = { w->id, (uint8_t)w->what, done };

	if (pipe_out >= 0 && write(pipe_out, &line, sizeof(line)) != sizeof(line))
		_exit(3);
	ledger[w->id].begun[w->what] = 1;
	ledger[w->id].answered[w->what] |= done;
}

static void work_done(void *arg, enum store_status status, const char *words)
{
	struct work *w = arg;

	(void)words;
	assert_int_equal(status, STORE_OK);
	tell(w, true);
	flying--;
	free(w);
}

static struct work *work_new(uint32_t id, enum what what)
{
	struct work *w = calloc(1, sizeof(*w));

	*w = (struct work){ id, what };
	tell(w, false);
	flying++;
	return w;
}

static void accept_one(uint32_t id)
{
	static const char *const local_name = "me@kill.example";
	const struct store_recipient local = { span_of(local_name), span_of(local_name), 0 };
	char name[STORE_ID_MAX], address[64];
	const struct store_envelope e = { .id = name };
	const struct store_remote to = { .address = { (uint8_t *)address, 0 },
					 .sender = span_of("s@x.example") };
	struct store_remote remote = to;
	struct store_txid txid;

	snprintf(name, sizeof(name), "m%u", id);
	snprintf(address, sizeof(address), "u@d%u.example", id % DOMAINS);
	remote.address = span_of(address);
	txid_of(&txid, id, ACCEPT);
	store_deliver(store,
		      &(struct store_delivery){ .stage = stage_of(id),
						.recipients = &local,
						.count = has_local(id),
						.envelope = &e,
						.remotes = &remote,
						.remote_count = 1 },
		      &txid, work_done, work_new(id, ACCEPT));
}

static void finish_one(uint32_t id)
{
	const struct queue_outcome o = { .recipient = 0,
					 .fate = has_notice(id) ? QUEUE_FAILED : QUEUE_DELIVERED };
	const struct store_remote to = { .address = span_of("s@notice.example") };
	char name[STORE_ID_MAX], notice[STORE_ID_MAX];
	const struct store_envelope e = { .id = notice };
	struct queue_report r = { .id = name, .outcomes = &o, .count = 1 };
	struct store_txid txid;

	snprintf(name, sizeof(name), "m%u", id);
	snprintf(notice, sizeof(notice), "n%u", id);
	if (has_notice(id))
		r.notice = (struct store_delivery){
			.stage = stage_of(id), .envelope = &e, .remotes = &to, .remote_count = 1
		};
	txid_of(&txid, id, FINISH);
	queue_report(store, &r, &txid, work_done, work_new(id, FINISH));
}

static void deferred(void *arg, enum store_status status, const char *words)
{
	(void)arg;
	(void)words;
	assert_int_equal(status, STORE_OK);
	flying--;
}

static void defer_one(const char *name)
{
	const struct queue_outcome o = { .recipient = 0, .fate = QUEUE_DEFERRED };
	const struct queue_report r = { .id = name, .outcomes = &o, .count = 1, .retry_s = 1 };
	struct store_txid txid;

	store_txid_new(&txid);
	flying++;
	queue_report(store, &r, &txid, deferred, NULL);
}

static void leased(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	(void)arg;
	assert_int_equal(status, STORE_OK);
	flying--;
	for (size_t i = 0; i < count; i++) {
		unsigned id;

		close(jobs[i].fd);
		if (sscanf(jobs[i].envelope.id, "m%u", &id) != 1)
			continue; /* a notice stays leased */
		if (rand() % 3 == 0)
			defer_one(jobs[i].envelope.id);
		else
			finish_one(id);
	}
}

/* --- the child that is killed -------------------------------------------------------------------- */

static void child_change(int fd)
{
	uint32_t most = next_id + NEW < IDS ? next_id + NEW : IDS;
	const struct queue_want want = { .max = 4 };

	pipe_out = fd;
	uv_loop_init(&loop);
	store = folders_open(&folders, &loop);
	for (;;) {
		for (int i = 0; i < FLIGHT && flying < FLIGHT; i++)
			if (rand() % 2 && next_id < most) {
				accept_one(next_id++);
			} else {
				flying++;
				queue_lease(store, &want, leased, NULL);
			}
		uv_run(&loop, UV_RUN_ONCE);
	}
}

/* --- the child that looks -------------------------------------------------------------------------- */

static uint8_t seen[IDS], notices[IDS];
static size_t entries;

static void check_file(uint32_t id, const char *name)
{
	static char text[LARGEST + 2], want[LARGEST + 2];
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s.mail", name);
	fd = openat(folders.options.queue_fd, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, LARGEST + 1), body_make(want, id));
	close(fd);
	assert_memory_equal(text, want, body_make(want, id));
}

static void show(void *arg, const struct queue_shown *e)
{
	unsigned id = 0;
	char kind = 0;

	(void)arg;
	assert_null(e->aside);
	assert_int_equal(e->count, 1);
	assert_int_equal(sscanf(e->envelope.id, "%c%u", &kind, &id), 2);
	assert_true(id < IDS);
	if (kind == 'm')
		seen[id]++;
	else
		notices[id]++;
	entries++;
	check_file(id, e->envelope.id);
}

static void look(void)
{
	const struct queue_filter all = { .older_s = 0 };
	struct queue_cursor at = { .end = false };

	memset(seen, 0, sizeof(seen));
	memset(notices, 0, sizeof(notices));
	entries = 0;
	while (!at.end)
		assert_int_equal(queue_admin_list(store, &all, &at, 100, show, NULL), STORE_OK);
}

static size_t count_files(int folder, const char *path)
{
	int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

static void check_entry(uint32_t id)
{
	const struct entry *e = &ledger[id];

	unit_case("message", id);
	assert_true(seen[id] <= 1 && notices[id] <= 1);
	if (e->answered[FINISH])
		assert_int_equal(seen[id], 0);
	else if (e->answered[ACCEPT] && !e->begun[FINISH])
		assert_int_equal(seen[id], 1);
	if (!has_notice(id) || !e->begun[FINISH])
		assert_int_equal(notices[id], 0);
	else if (e->answered[ACCEPT])
		assert_int_equal(notices[id], 1 - seen[id]);
}

static void send_again(uint32_t count)
{
	for (uint32_t id = 0; id < count; id++)
		if (ledger[id].begun[ACCEPT] && !ledger[id].answered[ACCEPT])
			accept_one(id);
	while (flying > 0)
		uv_run(&loop, UV_RUN_ONCE);
	for (uint32_t id = 0; id < count; id++)
		if (ledger[id].begun[FINISH] && !ledger[id].answered[FINISH])
			finish_one(id);
	while (flying > 0)
		uv_run(&loop, UV_RUN_ONCE);
}

static void test_compare(void **state)
{
	uint32_t count = next_id;
	size_t local = 0;

	(void)state;
	uv_loop_init(&loop);
	store = folders_open(&folders, &loop);
	look();
	assert_int_equal(count_files(folders.options.queue_fd, "."), 2 * entries);
	for (uint32_t id = 0; id < count; id++)
		check_entry(id);
	send_again(count);
	look();
	for (uint32_t id = 0; id < count; id++) {
		check_entry(id);
		local += ledger[id].answered[ACCEPT] && has_local(id);
	}
	folders_close(&loop, store);
	assert_int_equal(count_files(folders.options.queue_fd, "."), 2 * entries);
	assert_int_equal(count_files(folders.options.mail_fd, "kill.example/me/00000001/cur"), local);
}

/* --- the parent -------------------------------------------------------------------------------------- */

static void read_ledger(int fd)
{
	struct line line;

	while (read(fd, &line, sizeof(line)) == sizeof(line)) {
		ledger[line.id].begun[line.what] = 1;
		ledger[line.id].answered[line.what] |= line.answered;
		acknowledged += line.answered;
		if (line.id >= next_id)
			next_id = line.id + 1;
	}
}

/* Runs one child and gives how it ended. */
static int run_child(void (*body)(int fd), uint32_t kill_ms)
{
	struct timespec pause = { .tv_sec = kill_ms / 1000, .tv_nsec = (long)(kill_ms % 1000) * 1000000 };
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 1024 * 1024);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		body(ends[1]);
	close(ends[1]);
	if (kill_ms > 0) {
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
	}
	read_ledger(ends[0]);
	close(ends[0]);
	waitpid(child, &status, 0);
	return status;
}

static void child_compare(int fd)
{
	const struct CMUnitTest one[] = { cmocka_unit_test(test_compare) };

	pipe_out = fd;
	_exit(unit_run(one, 1, "compare"));
}

static void test_kill(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KILLS; i++) {
		int status;

		srand(i * 7919 + (unsigned)getpid());
		status = run_child(child_change, randombytes_uniform(80) + 5);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		status = run_child(child_compare, 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		/* All that it forgot stands in the files; only now, for txids are lost with it. */
		if (i % 8 == 5)
			folders_wipe_index(&folders);
	}
	print_message("%d kills, %zu calls acknowledged\n", KILLS, acknowledged);
	assert_true(acknowledged > KILLS);
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kill) };
	int failed;

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	folders_init(&folders);
	folders.options.quiet_ms = 1;
	failed = unit_run(tests, 1, "queue_kill");
	folders_remove(&folders);
	return failed;
}
