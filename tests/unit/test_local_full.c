/* test_local_full.c - a disk that is full: mail is refused, nothing is half done, flags and
 * EXPUNGE go on, and it mends by itself. Needs root for a small tmpfs; else it is skipped.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/queued.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/kv.h"

enum { DISK_BYTES = 12 * 1024 * 1024 };

static char disk[64];
static struct folders folders;

static const struct conformance_driver driver = {
	.name = "full", .arg = &folders, .open = folders_driver_open, .close = folders_driver_close, .token = folders_driver_token
};

static struct conf conf = { .driver = &driver };

/* --- the disk -------------------------------------------------------------- */

static bool disk_make(void)
{
	char options[64];

	snprintf(disk, sizeof(disk), "/tmp/yubin-disk-XXXXXX");
	if (mkdtemp(disk) == NULL)
		return false;
	snprintf(options, sizeof(options), "size=%d", DISK_BYTES);
	/* A mount that nobody else sees, and that ends with this process. */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", disk, "tmpfs", 0, options) == 0)
		return true;
	rmdir(disk);
	return false;
}

/* Takes all that is free but so many bytes. */
static void disk_fill(size_t leave)
{
	static const char block[4096];
	char path[100];
	size_t taken = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/ballast", disk);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		taken += sizeof(block);
	if (leave > 0 && taken >= leave) {
		struct stat st;

		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(ftruncate(fd, st.st_size - (off_t)leave), 0);
	}
	close(fd);
}

static void disk_free(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/ballast", disk);
	unlink(path);
}

static int setup(void **state)
{
	(void)state;
	folders_init_in(&folders, disk);
	uv_loop_init(&conf.loop);
	conf.s = folders_open(&folders, &conf.loop);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	disk_free();
	folders_close(&conf.loop, conf.s);
	uv_run(&conf.loop, UV_RUN_DEFAULT);
	uv_loop_close(&conf.loop);
	folders_remove(&folders);
	return 0;
}

/* --- cases ----------------------------------------------------------------- */

static bool reserve_is_there(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/db/reserve", folders.path);
	return access(path, F_OK) == 0;
}

static char *text_of(size_t size)
{
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	return text;
}

static enum store_status append(struct store_account *a, uint64_t mailbox, size_t size)
{
	char *text = text_of(size);
	const struct store_mutation m = { .change = STORE_APPEND,
					  .mailbox = mailbox,
					  .internal_s = 5,
					  .stage = conf_stage(&conf, text, size) };

	free(text);
	return conf_change(&conf, a, &m);
}

static void second_passes(void)
{
	bool never = false;
	uint64_t until = uv_hrtime() + 1100 * 1000000ULL;

	while (uv_hrtime() < until && !never)
		conf_idle(&conf);
}

/* Below min_free nothing is taken; above it again without a restart. */
static void test_early(void **state)
{
	static const char *const to[] = { "a@x.example" };
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");
	struct local_options o = folders.options;

	(void)state;
	assert_int_equal(append(a, inbox, 1000), STORE_OK);
	o.min_free = 1 << 30;
	local_settings(conf.s, &o);
	assert_int_equal(append(a, inbox, 1000), STORE_TRY_LATER);
	assert_int_equal(conf_deliver(&conf, to, 1, "x", NULL), STORE_TRY_LATER);
	assert_string_equal(conf_room(&conf, 1, NULL, NULL, 0), "later");
	assert_int_equal(conf_flags(&conf, a, inbox, 1, 1, STORE_FLAGS_ADD, STORE_SEEN, NULL), STORE_OK);
	o.min_free = 0;
	local_settings(conf.s, &o);
	assert_int_equal(append(a, inbox, 1000), STORE_OK);
	assert_int_equal(conf_all(&conf, a, inbox)->record_count, 2);
	store_logout(a);
}

static enum store_status queue_mail(const char *id)
{
	return queued_put(&conf, &(struct queued_mail){ .id = id,
							.sender = "s@x.example",
							.remotes = "a@far.example",
							.text = "Subject: x\r\n\r\n" });
}

/* Mail for other servers is refused as early; what came of what waits is told all the same. */
static void test_early_queue(void **state)
{
	const struct queue_outcome o = { .recipient = 0, .fate = QUEUE_FAILED };
	const struct store_remote to = { .address = span_of("s@far.example") };
	const struct store_envelope e = { .id = "notice" };
	struct local_options opts = folders.options;
	struct queued_job *j;
	struct queue_report r;

	(void)state;
	assert_int_equal(queue_mail("q1"), STORE_OK);
	assert_int_equal(queue_mail("q2"), STORE_OK);
	opts.min_free = 1 << 30;
	local_settings(conf.s, &opts);
	assert_int_equal(queue_mail("q3"), STORE_TRY_LATER);
	assert_int_equal(queued_lease(&conf, "far.example", 8, &j), 2);
	assert_int_equal(queued_report(&conf, &j[0], QUEUE_DELIVERED, 0), STORE_OK);
	r = (struct queue_report){ .id = j[1].id,
				   .job = j[1].job,
				   .outcomes = &o,
				   .count = 1,
				   .notice = { .stage = conf_stage(&conf, "x", 1),
					       .envelope = &e,
					       .remotes = &to,
					       .remote_count = 1 } };
	assert_int_equal(queued_report_full(&conf, &r, NULL), STORE_TRY_LATER);
	opts.min_free = 0;
	local_settings(conf.s, &opts);
	r.notice.stage = conf_stage(&conf, "x", 1);
	assert_int_equal(queued_report_full(&conf, &r, NULL), STORE_OK);
	assert_string_equal(queued_one(&conf)->id, "notice");
}

/* A queue that is full: mail for elsewhere is refused, local mail is taken, and what waits goes on, with its reports. */
static void test_queue_limit(void **state)
{
	static const char *const to[] = { "a@x.example" };
	const struct queue_outcome o = { .recipient = 0, .fate = QUEUE_FAILED };
	const struct store_remote back = { .address = span_of("s@far.example") };
	const struct store_envelope e = { .id = "notice" }, report = { .id = "report", .flags = STORE_MAIL_REPORT };
	struct local_options opts = folders.options;
	struct queued_job *j;
	struct queue_report r;

	(void)state;
	opts.queue_limit = 2;
	local_settings(conf.s, &opts);
	assert_int_equal(queue_mail("q1"), STORE_OK);
	assert_int_equal(queue_mail("q2"), STORE_OK);
	assert_int_equal(queue_mail("q3"), STORE_TRY_LATER);
	assert_int_equal(conf_deliver(&conf, to, 1, "x", NULL), STORE_OK);
	assert_int_equal(queued_put(&conf, &(struct queued_mail){ .id = "q4", .sender = "s@x.example",
								  .remotes = "a@far.example", .local = "a@x.example",
								  .text = "Subject: x\r\n\r\n" }),
			 STORE_TRY_LATER);
	assert_int_equal(queued_put(&conf, &(struct queued_mail){ .id = "report", .remotes = "a@far.example",
								  .envelope = &report,
								  .text = "Subject: x\r\n\r\n" }),
			 STORE_OK);
	assert_int_equal(queued_lease(&conf, "far.example", 8, &j), 3);
	r = (struct queue_report){ .id = j[0].id, .job = j[0].job, .outcomes = &o, .count = 1,
				   .notice = { .stage = conf_stage(&conf, "x", 1), .envelope = &e, .remotes = &back,
					       .remote_count = 1 } };
	assert_int_equal(queued_report_full(&conf, &r, NULL), STORE_OK);
	assert_int_equal(queue_mail("q3"), STORE_TRY_LATER);
	assert_int_equal(queued_report(&conf, &j[1], QUEUE_DELIVERED, 0), STORE_OK);
	assert_int_equal(queue_mail("q3"), STORE_TRY_LATER);
	assert_int_equal(queued_report(&conf, &j[2], QUEUE_DELIVERED, 0), STORE_OK);
	assert_int_equal(queue_mail("q3"), STORE_OK);
	assert_int_equal(queue_mail("q5"), STORE_TRY_LATER);
	opts.queue_limit = 0;
	local_settings(conf.s, &opts);
	assert_int_equal(queue_mail("q5"), STORE_OK);
}

/* No byte is free: what waits is leased and reported; nothing is left of what is refused. */
static void test_full_queue(void **state)
{
	struct queued_job *j;

	(void)state;
	for (int i = 0; i < 20; i++) {
		char id[8];

		snprintf(id, sizeof(id), "q%d", i);
		assert_int_equal(queue_mail(id), STORE_OK);
	}
	disk_fill(0);
	assert_int_equal(queue_mail("more"), STORE_TRY_LATER);
	assert_int_equal(queued_lease(&conf, "far.example", 20, &j), 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(queued_report(&conf, &j[i], i % 2 ? QUEUE_DELIVERED : QUEUE_DEFERRED, 1),
				 STORE_OK);
	disk_free();
	conf_reopen(&conf);
	assert_int_equal(queued_lease(&conf, "far.example", 32, &j), 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(j[i].attempts, 1);
	assert_int_equal(queue_mail("more"), STORE_OK);
}

/* No byte is free: no mail, but flags, keywords, EXPUNGE, looks; then all is as promised. */
static void test_full(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");
	size_t before, refused = 0;
	struct conf_sync *s;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(append(a, inbox, 2000), STORE_OK);
	assert_true(reserve_is_there());
	disk_fill(0);
	for (int i = 0; i < 10; i++) {
		enum store_status status = append(a, inbox, i % 2 ? 3000 : 200000);

		assert_int_equal(status, STORE_TRY_LATER);
		refused++;
	}
	before = conf_all(&conf, a, inbox)->record_count;
	assert_int_equal(before, 20);
	for (uint32_t round = 0; round < 2000; round++)
		assert_int_equal(conf_flags(&conf, a, inbox, 1 + round % 20, 1 + round % 20,
					    round / 20 % 2 ? STORE_FLAGS_REMOVE : STORE_FLAGS_ADD, STORE_SEEN,
					    "key"),
				 STORE_OK);
	assert_false(reserve_is_there()); /* that is what made it possible */
	for (uint32_t uid = 1; uid <= 10; uid++)
		assert_int_equal(conf_expunge(&conf, a, inbox, uid, uid), STORE_OK);
	s = conf_all(&conf, a, inbox);
	assert_string_equal(conf_uids(s), "11:20");
	assert_string_equal(conf_body(&conf, a, inbox, 20) + 1990, "xxxxxxxxxx");
	conf_idle(&conf);
	/* It mends by itself. */
	disk_free();
	for (int i = 0; i < 12 && append(a, inbox, 100) != STORE_OK; i++)
		second_passes();
	assert_int_equal(append(a, inbox, 100), STORE_OK);
	assert_true(reserve_is_there());
	store_logout(a);
	conf_reopen(&conf);
	a = conf_login(&conf, "a@x.example");
	s = conf_all(&conf, a, inbox);
	assert_int_equal(s->record_count, 12);
	for (size_t i = 0; i < s->record_count; i++)
		conf_body(&conf, a, inbox, s->records[i].uid);
	store_logout(a);
}

/* Room for some of them: each is whole or not there, answered as it is. */
static void test_running_full(void **state)
{
	enum { MANY = 200, SIZE = 30000 };
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");
	size_t ok = 0;
	struct conf_sync *s;

	(void)state;
	disk_fill(900 * 1000);
	for (int i = 0; i < MANY; i++) {
		enum store_status status = append(a, inbox, SIZE);

		assert_true(status == STORE_OK || status == STORE_TRY_LATER);
		ok += status == STORE_OK;
	}
	assert_true(ok > 5 && ok < 40);
	store_logout(a);
	conf_reopen(&conf);
	a = conf_login(&conf, "a@x.example");
	s = conf_all(&conf, a, inbox);
	assert_int_equal(s->record_count, ok);
	for (size_t i = 0; i < s->record_count; i++)
		assert_int_equal(strlen(conf_body(&conf, a, inbox, s->records[i].uid)), SIZE);
	/* New accounts and mailboxes are refused too, and nothing of them stays. */
	disk_fill(0);
	assert_int_equal(conf_create(&conf, a, "New"), STORE_TRY_LATER);
	disk_free();
	second_passes();
	assert_int_equal(conf_create(&conf, a, "New"), STORE_OK);
	store_logout(a);
}

/* A start on a full disk: what is there can be read and made less. */
static void test_start_full(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(append(a, inbox, 2000), STORE_OK);
	store_logout(a);
	disk_fill(0);
	conf_reopen(&conf);
	a = conf_login(&conf, "a@x.example");
	assert_int_equal(conf_all(&conf, a, inbox)->record_count, 5);
	assert_int_equal(append(a, inbox, 2000), STORE_TRY_LATER);
	assert_int_equal(conf_expunge(&conf, a, inbox, 1, 3), STORE_OK);
	assert_int_equal(conf_all(&conf, a, inbox)->record_count, 2);
	store_logout(a);
}

/* --- the index alone --------------------------------------------------------- */

enum { KEYS = 3000, CACHE = 1024 * 1024 };

static struct span key_of(char *room, int i)
{
	snprintf(room, 32, "%08x", (unsigned)i * 2654435761U);
	return span_of(room);
}

/* Fills the index of this folder, and dies as by kill -9. */
static void write_and_die(void)
{
	struct span value = { (const uint8_t *)text_of(200), 200 };
	char room[32];
	struct kv *kv;

	if (kv_open(&kv, CACHE, NULL) != 0)
		_exit(1);
	for (int i = 0; i < KEYS; i++)
		if (kv_begin(kv) != 0 || kv_put(kv, key_of(room, i), value) != 0 || kv_commit(kv) != 0)
			_exit(1);
	_exit(kv_flush(kv) == 0 ? 0 : 1);
}

static void check_keys(struct kv *kv)
{
	struct span value;
	char room[32];

	for (int i = 0; i < KEYS; i++) {
		assert_int_equal(kv_get(kv, key_of(room, i), &value), 0);
		assert_int_equal(value.n, 200);
	}
}

/* What recovery can't do for want of room is no damage: with room again everything is there. */
static void test_recovery_full(void **state)
{
	static const size_t rooms[] = { 0, 4096, 40960, 409600, 1024 * 1024 };
	int status, r;
	struct kv *kv;

	(void)state;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		pid_t child;

		assert_int_equal(chdir(disk), 0);
		assert_int_equal(kv_wipe(NULL), 0);
		child = fork();
		if (child == 0)
			write_and_die();
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		disk_fill(rooms[i]);
		r = kv_open(&kv, CACHE, NULL);
		assert_true(r == 0 || r == -ENOSPC);
		if (r == 0)
			kv_close(kv);
		disk_free();
		assert_int_equal(kv_open(&kv, CACHE, NULL), 0);
		check_keys(kv);
		kv_close(kv);
		assert_int_equal(kv_verify(NULL), 0);
	}
	assert_int_equal(kv_wipe(NULL), 0);
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_early), CASE(test_early_queue), CASE(test_queue_limit), CASE(test_full_queue),
		CASE(test_full),  CASE(test_running_full), CASE(test_start_full),
		cmocka_unit_test(test_recovery_full),
	};
	int failed;

	if (sodium_init() < 0)
		return 1;
	if (!disk_make()) {
		print_message("SKIPPED: a small disk of its own needs root\n");
		return 0;
	}
	if (getenv("YUBIN_TEST_LOG") == NULL)
		log_to_function(quiet_log, NULL);
	failed = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "full");
	if (chdir("/") < 0 || umount2(disk, MNT_DETACH) < 0)
		failed = 1;
	rmdir(disk);
	return failed;
}
