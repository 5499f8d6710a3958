/* test_local_kill.c - kill -9 at any instant loses nothing that was acknowledged, doubles
 * nothing, and shows nothing that is not whole.
 *
 * A child changes a store and writes into a pipe what it begins and what was answered.
 * It is killed; another child opens the store, sends again what was not answered, under
 * the same txid, and compares all that it sees with the ledger.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <dirent.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum {
	KILLS = 30,
	ACCOUNTS = 3,
	IDS = 200000,
	FLIGHT = 12,    /* changes under way at a time */
	NEW = 100,      /* messages that a child brings in, at most */
	LARGEST = 60000 /* bytes of a body */
};

/* --- the ledger ------------------------------------------------------------ */

enum what { APPEND, DELIVER, FLAG, MOVE, EXPUNGE, WHATS };

struct line { /* of the pipe */
	uint32_t id, uid;
	uint8_t what, answered;
};

struct entry { /* of one message */
	uint8_t begun[WHATS], answered[WHATS];
	uint32_t uid;
};

static struct entry *ledger; /* by id; shared by all processes */
static struct folders folders;

static const char *account_of(uint32_t id)
{
	static const char *const names[ACCOUNTS] = { "a@kill.example", "b@kill.example", "c@kill.example" };

	return names[id % ACCOUNTS];
}

/* A body that tells its id, and whether it is whole. */
static size_t body_make(char *out, uint32_t id)
{
	size_t size = id % 7 == 0 ? LARGEST - id % 1000 : 200 + id % 5000;
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

/* --- a store in this process ----------------------------------------------- */

static uv_loop_t loop;
static struct store *store;
static struct store_account *accounts[ACCOUNTS];
static uint64_t inbox[ACCOUNTS], trash[ACCOUNTS];
static bool answered;

static void login_done(void *arg, enum store_status status, struct store_account *a)
{
	assert_int_equal(status, STORE_OK);
	*(struct store_account **)arg = a;
	answered = true;
}

static void find_done(void *arg, enum store_status status, const struct store_mailbox *m)
{
	assert_int_equal(status, STORE_OK);
	*(uint64_t *)arg = m->id;
	answered = true;
}

static void wait_answer(void)
{
	while (!answered)
		uv_run(&loop, UV_RUN_ONCE);
	answered = false;
}

static void store_begin(void)
{
	uv_loop_init(&loop);
	store = folders_open(&folders, &loop);
	for (uint32_t i = 0; i < ACCOUNTS; i++) {
		struct store_grant g = { .rights = STORE_RIGHT_READ, .made_ms = clock_real_ms() };
		struct store_token t;

		g.ends_s = g.made_ms / 1000 + 1000;
		snprintf(g.account, sizeof(g.account), "%s", account_of(i));
		store_token_make(&t, folders.options.key, &g);
		store_login(store, &t, login_done, &accounts[i]);
		wait_answer();
		store_find(accounts[i], span_of("INBOX"), find_done, &inbox[i]);
		wait_answer();
		store_find(accounts[i], span_of("Trash"), find_done, &trash[i]);
		wait_answer();
	}
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

/* --- the child that is killed ---------------------------------------------- */

struct work {
	uint32_t id;
	enum what what;
};

static int pipe_out = -1;
static uint32_t next_id;
static unsigned flying;

static void tell(const struct work *w, uint32_t uid, bool done)
{
	const struct line line = { w->id, uid, (uint8_t)w->what, done };

	if (pipe_out >= 0 && write(pipe_out, &line, sizeof(line)) != sizeof(line))
		_exit(3);
	ledger[w->id].begun[w->what] = 1;
	ledger[w->id].answered[w->what] |= done;
	if (uid > 0)
		ledger[w->id].uid = uid;
}

static void work_done(struct work *w, enum store_status status, uint32_t uid)
{
	assert_int_equal(status, STORE_OK);
	tell(w, uid, true);
	flying--;
	free(w);
}

static void delivered(void *arg, enum store_status status, const char *words)
{
	(void)words;
	work_done(arg, status, 0);
}

static void committed(void *arg, enum store_status status, const struct store_result *r, size_t n,
		      const char *words)
{
	struct work *w = arg;
	bool gave = n == 1 && r[0].to.count == 1 && (w->what == APPEND || w->what == MOVE);

	(void)words;
	work_done(w, status, gave ? r[0].to.ranges[0].first : 0);
}

static void deliver(struct work *w)
{
	const struct store_recipient to = { span_of(account_of(w->id)), span_of(account_of(w->id)), 0 };
	const struct store_delivery d = { .stage = stage_of(w->id), .recipients = &to, .count = 1 };
	struct store_txid txid;

	txid_of(&txid, w->id, w->what);
	store_deliver(store, &d, &txid, delivered, w);
}

static void commit(struct work *w)
{
	uint32_t a = w->id % ACCOUNTS;
	const struct entry *e = &ledger[w->id];
	const struct store_range one = { e->uid, e->uid };
	struct store_mutation m = { .mailbox = e->answered[MOVE] ? trash[a] : inbox[a],
				    .target = trash[a],
				    .uids = { &one, 1 },
				    .flags = w->what == FLAG ? STORE_FLAGGED : 0,
				    .how = STORE_FLAGS_ADD,
				    .internal_s = 1700000000 };
	static const enum store_change changes[WHATS] = { [APPEND] = STORE_APPEND,
							  [FLAG] = STORE_SET_FLAGS,
							  [MOVE] = STORE_MOVE,
							  [EXPUNGE] = STORE_EXPUNGE };
	struct store_txid txid;

	m.change = changes[w->what];
	if (w->what == APPEND)
		m.stage = stage_of(w->id);
	txid_of(&txid, w->id, w->what);
	store_commit(accounts[a], &m, 1, &txid, committed, w);
}

static void submit(uint32_t id, enum what what)
{
	struct work *w = calloc(1, sizeof(*w));

	*w = (struct work){ id, what };
	tell(w, 0, false);
	flying++;
	if (what == DELIVER)
		deliver(w);
	else
		commit(w);
}

/* Something to do with a message that is there; nothing of it is under way. */
static bool change_old(uint32_t id)
{
	static const enum what order[] = { FLAG, MOVE, EXPUNGE };
	struct entry *e = &ledger[id];

	if (!e->answered[APPEND] || e->uid == 0)
		return false;
	for (size_t i = 0; i < WHATS; i++)
		if (e->begun[i] && !e->answered[i])
			return false;
	for (size_t i = 0; i < 3; i++)
		if (!e->begun[order[i]] && !e->begun[EXPUNGE]) {
			submit(id, order[i]);
			return true;
		}
	return false;
}

static void child_change(int fd)
{
	uint32_t most = next_id + NEW < IDS ? next_id + NEW : IDS;

	pipe_out = fd;
	store_begin();
	for (;;) {
		for (int i = 0; i < FLIGHT && flying < FLIGHT; i++) {
			uint32_t old = next_id > 0 ? (uint32_t)rand() % next_id : 0;

			if ((rand() % 3 > 0 && change_old(old)) || next_id == most)
				continue;
			submit(next_id++, rand() % 2 ? APPEND : DELIVER);
		}
		uv_run(&loop, flying > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	}
}

/* --- the child that looks -------------------------------------------------- */

struct seen {
	uint8_t inbox, trash, flagged;
	uint32_t uid;
};

static struct seen *seen;
static struct store_page page;
static struct store_record records[STORE_PAGE_RECORDS];
static int body_fd;
static uint64_t body_size;

static void page_done(void *arg, enum store_status status, const struct store_page *p)
{
	(void)arg;
	assert_int_equal(status, STORE_OK);
	page = *p;
	if (p->record_count > 0)
		memcpy(records, p->records, p->record_count * sizeof(*records));
	answered = true;
}

static void body_done(void *arg, enum store_status status, int fd, uint64_t size)
{
	(void)arg;
	assert_int_equal(status, STORE_OK);
	body_fd = fd;
	body_size = size;
	answered = true;
}

static uint32_t check_body(struct store_account *a, uint64_t mailbox, const struct store_record *r)
{
	static char text[LARGEST + 2], want[LARGEST + 2];
	unsigned id;
	ssize_t n;

	store_body(a, mailbox, r->uid, body_done, NULL);
	wait_answer();
	n = read(body_fd, text, LARGEST + 1);
	close(body_fd);
	assert_int_equal(n, body_size);
	assert_int_equal(r->size, body_size);
	text[n] = '\0';
	assert_int_equal(sscanf(text, "id=%u", &id), 1);
	assert_true(id < IDS);
	assert_int_equal(body_make(want, id), n);
	assert_memory_equal(text, want, n);
	return id;
}

static size_t count_files(uint32_t account, uint64_t mailbox)
{
	char path[300];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/mail/kill.example/%c/%08x/cur", folders.path, 'a' + (int)account,
		 (unsigned)mailbox);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void look_at(uint32_t a, uint64_t mailbox, bool is_trash)
{
	struct store_look look = {
		.mailbox = mailbox, .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX
	};
	size_t exists = 0, unseen = 0;

	do {
		store_sync(accounts[a], &look, page_done, NULL);
		wait_answer();
		for (size_t i = 0; i < page.record_count; i++) {
			uint32_t id = check_body(accounts[a], mailbox, &records[i]);

			assert_int_equal(id % ACCOUNTS, a);
			seen[id].inbox += !is_trash;
			seen[id].trash += is_trash;
			seen[id].flagged = (records[i].flags & STORE_FLAGGED) != 0;
			seen[id].uid = records[i].uid;
			unseen += (records[i].flags & STORE_SEEN) == 0;
			exists++;
		}
		look.first = page.next_uid;
	} while (look.first > 0);
	assert_int_equal(page.mailbox.exists, exists);
	assert_int_equal(page.mailbox.unseen, unseen);
	assert_int_equal(count_files(a, mailbox), exists);
}

static void check_entry(uint32_t id)
{
	const struct entry *e = &ledger[id];
	const struct seen *s = &seen[id];

	unit_case("message", id);
	assert_true(s->inbox + s->trash <= 1);
	if (e->answered[EXPUNGE])
		assert_int_equal(s->inbox + s->trash, 0);
	else if ((e->answered[APPEND] || e->answered[DELIVER]) && !e->begun[EXPUNGE])
		assert_int_equal(s->inbox + s->trash, 1);
	if (s->inbox + s->trash == 0)
		return;
	assert_true(e->begun[APPEND] || e->begun[DELIVER]);
	if (e->answered[FLAG])
		assert_true(s->flagged);
	if (e->answered[MOVE])
		assert_int_equal(s->trash, 1);
	if (!e->begun[MOVE])
		assert_int_equal(s->inbox, 1);
	if (e->uid > 0 && (e->answered[MOVE] || !e->begun[MOVE]))
		assert_int_equal(s->uid, e->uid);
}

/* What was not answered is sent again: it must be done once. */
static void send_again(uint32_t count)
{
	for (uint32_t id = 0; id < count; id++)
		for (enum what w = 0; w < WHATS; w++)
			if (ledger[id].begun[w] && !ledger[id].answered[w])
				submit(id, w);
	while (flying > 0)
		uv_run(&loop, UV_RUN_ONCE);
}

static uint32_t check_count;

static void test_compare(void **state)
{
	(void)state;
	store_begin();
	for (int round = 0; round < 2; round++) {
		memset(seen, 0, IDS * sizeof(*seen));
		for (uint32_t a = 0; a < ACCOUNTS; a++) {
			look_at(a, inbox[a], false);
			look_at(a, trash[a], true);
		}
		for (uint32_t id = 0; id < check_count; id++)
			check_entry(id);
		if (round == 0)
			send_again(check_count);
		answered = false;
		for (int i = 0; i < 20; i++) { /* names that go after an answer */
			uv_run(&loop, UV_RUN_NOWAIT);
			usleep(1000);
		}
	}
	for (uint32_t a = 0; a < ACCOUNTS; a++)
		store_logout(accounts[a]);
	folders_close(&loop, store);
}

/* --- the parent ------------------------------------------------------------ */

static void read_ledger(int fd)
{
	struct line line;

	while (read(fd, &line, sizeof(line)) == sizeof(line)) {
		struct entry *e = &ledger[line.id];

		e->begun[line.what] = 1;
		e->answered[line.what] |= line.answered;
		if (line.uid > 0)
			e->uid = line.uid;
		if (line.id >= next_id)
			next_id = line.id + 1;
	}
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void run_and_kill(unsigned round)
{
	/* Now and then long enough for small files to be written in between (settle.c). */
	uint32_t ms = randombytes_uniform(60) + (round % 15 == 9 ? 1200 : 5);
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 1024 * 1024);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		srand(round * 7919 + (unsigned)getpid());
		child_change(ends[1]);
	}
	close(ends[1]);
	nanosleep(&pause, NULL);
	kill(child, SIGKILL);
	read_ledger(ends[0]);
	close(ends[0]);
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* In a process of its own: what it sends again comes back in the pipe. */
static void compare_in_child(void)
{
	const struct CMUnitTest one[] = { cmocka_unit_test(test_compare) };
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 1024 * 1024);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		pipe_out = ends[1];
		check_count = next_id;
		_exit(unit_run(one, 1, "compare"));
	}
	close(ends[1]);
	read_ledger(ends[0]);
	close(ends[0]);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_kill(void **state)
{
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < KILLS; i++) {
		run_and_kill(i);
		compare_in_child();
	}
	for (uint32_t id = 0; id < next_id; id++)
		for (enum what w = 0; w < WHATS; w++)
			n += ledger[id].answered[w];
	print_message("%d kills, %zu changes acknowledged\n", KILLS, n);
	assert_true(n > KILLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kill) };
	int failed;

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	ledger = calloc(IDS, sizeof(*ledger));
	seen = calloc(IDS, sizeof(*seen));
	folders_init(&folders);
	folders.options.quiet_ms = 1;
	failed = unit_run(tests, 1, "kill");
	folders_remove(&folders);
	free(ledger);
	free(seen);
	return failed;
}
