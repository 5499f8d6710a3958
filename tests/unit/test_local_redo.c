/* test_local_redo.c - what was promised and not synced is written again after a crash (redo.h). A crash is a copy of the
 * folders while the store is open; what a power cut does to files is done to the copy.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/queued.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/inner.h"

/* --- frames -------------------------------------------------------------------- */

static const uint8_t guid_a[STORE_GUID] = "guid of message";

static void put_frames(struct buf *log, uint64_t number, unsigned frames)
{
	struct buf frame;

	buf_init(&frame, REDO_LOG);
	for (unsigned i = 0; i < frames; i++) {
		redo_frame_begin(&frame);
		redo_put_message(&frame, span_of("a@x"), 7, 41 + i, guid_a);
		redo_put_message(&frame, span_of("b@x"), 8, 1, guid_a);
		redo_put_letter(&frame, span_of("letter"));
		redo_put_body(&frame, -5, span_of("the body"));
		redo_put_message(&frame, span_of("c@x"), 9, 2, guid_a);
		redo_put_body(&frame, 5, span_of(""));
		redo_frame_end(&frame, number);
		assert_int_equal(frame.n, redo_frame_size(1));
		buf_put(log, buf_span(&frame));
	}
	buf_clear(&frame);
}

static unsigned count_frames(struct span log)
{
	struct span entries;
	uint64_t number = 0;
	unsigned n = 0;

	while (redo_take_frame(&log, &number, &entries))
		n++;
	return n;
}

static void test_entries(void **state)
{
	struct redo_entry e;
	struct redo_name name;
	struct span log, entries;
	uint64_t number = 0;
	struct buf b;

	(void)state;
	buf_init(&b, REDO_LOG);
	put_frames(&b, 99, 2);
	log = buf_span(&b);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(redo_take_frame(&log, &number, &entries));
		assert_int_equal(number, 99);
		assert_true(redo_take_entry(&entries, &e));
		assert_int_equal(e.date_s, -5);
		unit_is(e.body.p, e.body.n, "the body");
		assert_true(redo_take_name(&e.names, &name));
		assert_true(!name.letter && name.mailbox == 7 && name.uid == 41 + i && span_is(name.account, "a@x"));
		assert_memory_equal(name.guid, guid_a, STORE_GUID);
		assert_true(redo_take_name(&e.names, &name) && name.mailbox == 8);
		assert_true(redo_take_name(&e.names, &name) && name.letter && span_is(name.id, "letter"));
		assert_false(redo_take_name(&e.names, &name));
		assert_true(redo_take_entry(&entries, &e));
		assert_int_equal(e.body.n, 0);
		assert_false(redo_take_entry(&entries, &e));
	}
	assert_false(redo_take_frame(&log, &number, &entries));
	buf_clear(&b);
}

/* However the file was cut, or whichever byte is another: whole frames, and no more. */
static void test_torn(void **state)
{
	struct buf b;
	size_t each = redo_frame_size(1);

	(void)state;
	buf_init(&b, REDO_LOG);
	put_frames(&b, 5, 3);
	for (size_t cut = 0; cut <= b.n; cut++) {
		uint8_t *copy = malloc(cut + 1);

		unit_case("a log that ends there", cut);
		memcpy(copy, b.p, cut);
		assert_int_equal(count_frames((struct span){ copy, cut }), cut / each);
		free(copy);
	}
	for (size_t at = 0; at < REDO_HEAD + 60; at++) {
		unit_case("another byte in the second frame", at);
		b.p[each + at] ^= 0x55;
		assert_int_equal(count_frames(buf_span(&b)), 1);
		b.p[each + at] ^= 0x55;
	}
	buf_clear(&b);
}

/* A log that is written again over an older one, whose frames stand behind. */
static void test_older(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, REDO_LOG);
	put_frames(&b, 6, 2);
	put_frames(&b, 5, 3);
	assert_int_equal(count_frames(buf_span(&b)), 2);
	buf_clear(&b);
}

/* --- a store, and what a crash leaves of it ---------------------------------------- */

static struct folders folders, crashed;

static const struct conformance_driver live_driver = {
	.name = "redo", .arg = &folders, .open = folders_driver_open, .close = folders_driver_close, .token = folders_driver_token
}, crashed_driver = {
	.name = "redo, crashed", .arg = &crashed, .open = folders_driver_open, .close = folders_driver_close, .token = folders_driver_token
};

static struct conf live = { .driver = &live_driver }, after = { .driver = &crashed_driver };
static struct store_account *alice;
static uint64_t inbox;

static int setup(void **state)
{
	(void)state;
	folders_init_in(&folders, "/var/tmp");
	folders_init_in(&crashed, "/var/tmp");
	uv_loop_init(&live.loop);
	live.s = folders_open(&folders, &live.loop);
	if (local_of(live.s)->redo == NULL) {
		print_message("/var/tmp is in a file system without a log of bodies\n");
		skip();
	}
	alice = conf_login(&live, "alice@x.example");
	inbox = conf_mailbox(&live, alice, "INBOX");
	return 0;
}

static void loop_end(uv_loop_t *loop)
{
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
}

static int teardown(void **state)
{
	(void)state;
	store_logout(alice);
	folders_close(&live.loop, live.s);
	loop_end(&live.loop);
	folders_remove(&folders);
	folders_remove(&crashed);
	return 0;
}

static void shell(const char *command)
{
	char line[700];

	snprintf(line, sizeof(line), "cd %s && %s", crashed.path, command);
	assert_int_equal(system(line), 0);
}

static void crash(const char *damage)
{
	char copy[500];

	memcpy(crashed.options.key, folders.options.key, sizeof(folders.options.key));
	snprintf(copy, sizeof(copy), "cp -a %s/mail %s/queue %s/db .", folders.path, folders.path, folders.path);
	shell(copy);
	shell(damage);
	uv_loop_init(&after.loop);
	after.s = folders_open(&crashed, &after.loop);
}

static void end_crashed(void)
{
	folders_close(&after.loop, after.s);
	loop_end(&after.loop);
	folders_wipe(&crashed);
	assert_int_equal(fchdir(folders.options.db_fd), 0); /* the process's folder is that of the index */
}

static void body_is(const char *account, uint32_t uid, const char *text)
{
	struct store_account *a = conf_login(&after, account);

	assert_string_equal(conf_body(&after, a, conf_mailbox(&after, a, "INBOX"), uid), text);
	store_logout(a);
}

/* Bytes of both logs. */
static long long logged(const struct folders *f)
{
	long long n = 0;

	for (unsigned i = 0; i < 2; i++) {
		char name[32] = "tmp/";
		struct stat st;

		redo_log_name(name + 4, i);
		n += fstatat(f->options.mail_fd, name, &st, 0) == 0 ? st.st_size : 0;
	}
	return n;
}

static const struct {
	const char *why, *damage;
} powers[] = {
	{ "all is there", "true" },
	{ "no bytes came to the disk", "find mail queue -name '*.*' -path '*cur/*' -size -40k -exec truncate -s 0 {} + ; truncate -s 0 queue/*.mail" },
	{ "other bytes stand there", "for f in mail/*/*/*/cur/* queue/*.mail; do echo $f; head -c 300 /dev/urandom > $f; done" },
	{ "no name came to the disk", "rm -f mail/*/*/*/cur/* queue/*.mail" },
	{ "the index is lost, too", "rm -f db/index db/log.* mail/*/*/*/cur/*" },
};

static void test_power(void **state)
{
	static const char *const both[] = { "alice@x.example", "bob@x.example" };
	uint32_t uid, gone;

	(void)state;
	uid = conf_append(&live, alice, inbox, "Subject: one\r\n\r\nshort", STORE_SEEN);
	gone = conf_append(&live, alice, inbox, "to go", 0);
	assert_int_equal(conf_deliver(&live, both, 2, "for both", NULL), STORE_OK);
	queued_simple(&live, "letter", "c@far.example");
	assert_int_equal(conf_expunge(&live, alice, inbox, gone, gone), STORE_OK);
	assert_true(logged(&folders) > 0);
	for (size_t i = 0; i < sizeof(powers) / sizeof(powers[0]); i++) {
		struct store_account *a;
		size_t want = strstr(powers[i].damage, "db/") != NULL ? 3 : 2; /* one that went comes back with a lost index */

		unit_case(powers[i].why, i);
		crash(powers[i].damage);
		assert_int_equal(logged(&crashed), 0);
		body_is("alice@x.example", uid, "Subject: one\r\n\r\nshort");
		body_is("alice@x.example", gone + 1, "for both");
		body_is("bob@x.example", 1, "for both");
		a = conf_login(&after, "alice@x.example");
		assert_int_equal(conf_all(&after, a, conf_mailbox(&after, a, "INBOX"))->record_count, want);
		store_logout(a);
		assert_string_equal(queued_one(&after)->body, "Subject: x\r\n\r\n");
		end_crashed();
	}
	/* dates too */
	crash("find mail -path '*cur/*' -exec touch -d 2001-01-01 {} +; sync -f mail");
	shell("find mail -path '*cur/*' -newermt 2002-01-01 | grep -q .");
	end_crashed();
}

/* Its files are on disk: it has nothing to say any more. */
static void test_settled(void **state)
{
	const struct store_range one = { 1, 1 };
	struct store_mutation copy = { .change = STORE_COPY, .mailbox = inbox, .uids = { &one, 1 } };
	struct local *s = local_of(live.s);

	(void)state;
	copy.target = conf_mailbox(&live, alice, "Trash");
	conf_append(&live, alice, inbox, "is copied", 0);
	assert_true(logged(&folders) > 0);
	assert_int_equal(conf_change(&live, alice, &copy), STORE_OK);
	assert_int_equal(logged(&folders), 0);
	assert_false(redo_settle(s->redo, NULL));
}

static void on_turn(uv_timer_t *timer)
{
	(void)timer;
}

/* It is synced by itself some time. */
static void test_latest(void **state)
{
	struct local *s = local_of(live.s);
	uint64_t end = uv_hrtime() + (REDO_LATEST_MS + 20000) * UINT64_C(1000000);
	uv_timer_t turns;

	(void)state;
	uv_timer_init(&live.loop, &turns);
	uv_timer_start(&turns, on_turn, 20, 20);
	conf_append(&live, alice, inbox, "waits", 0);
	assert_true(logged(&folders) > 0);
	while (logged(&folders) > 0 && uv_hrtime() < end)
		uv_run(&live.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&turns, NULL);
	uv_run(&live.loop, UV_RUN_NOWAIT);
	assert_int_equal(logged(&folders), 0);
	assert_false(redo_settle(s->redo, NULL));
}

/* --- the log by itself ----------------------------------------------------------------- */

struct told {
	struct after after;
	unsigned count;
};

static void on_settled(struct after *a, enum store_status status)
{
	assert_int_equal(status, STORE_OK);
	((struct told *)a)->count++;
}

static int write_one(struct redo *r, size_t size)
{
	uint8_t *bytes = calloc(1, size);
	int e;

	redo_put_message(redo_frame(r), span_of("a@x"), 1, 1, guid_a);
	redo_put_body(redo_frame(r), 1, (struct span){ bytes, size });
	e = redo_write(r);
	redo_end(r, e);
	free(bytes);
	return e;
}

static void test_full(void **state)
{
	enum { MOST = REDO_LOG - 2000, BODY = MOST - 1000 };
	struct redo *r = local_of(live.s)->redo;
	struct told told = { .after.run = on_settled };

	(void)state;
	assert_false(redo_begin(NULL, 1));
	assert_false(redo_settle(NULL, NULL));
	assert_false(redo_begin(r, REDO_LOG));
	assert_true(redo_begin(r, MOST));
	assert_int_equal(write_one(r, BODY), 0); /* more than half: its sync begins */
	assert_true(redo_begin(r, MOST));	 /* the other one */
	assert_int_equal(write_one(r, BODY), 0);
	assert_false(redo_begin(r, MOST)); /* both are full */
	assert_true(redo_settle(r, &told.after));
	for (int i = 0; i < 5000 && told.count == 0; i++)
		uv_run(&live.loop, UV_RUN_ONCE);
	assert_int_equal(told.count, 1);
	assert_true(redo_begin(r, MOST));
	assert_int_equal(write_one(r, 10), 0); /* the place is given back */
	assert_true(redo_begin(r, MOST));
	redo_end(r, -EIO); /* as if it never was */
	assert_true(redo_begin(r, MOST));
	assert_int_equal(write_one(r, 10), 0);
	assert_true(redo_settle(r, &told.after));
	for (int i = 0; i < 5000 && told.count == 1; i++)
		uv_run(&live.loop, UV_RUN_ONCE);
	assert_false(redo_settle(r, NULL));
}

/* Without room in the log every file is synced at once: all is there as before. */
static void test_no_room(void **state)
{
	static const char *const both[] = { "alice@x.example", "bob@x.example" };
	struct redo *r = local_of(live.s)->redo;

	(void)state;
	assert_true(redo_begin(r, 1));
	conf_append(&live, alice, inbox, "synced", 0);
	assert_int_equal(conf_deliver(&live, both, 2, "for both", NULL), STORE_OK);
	queued_simple(&live, "letter", "c@far.example");
	assert_int_equal(logged(&folders), 0);
	redo_end(r, -EIO);
	crash("true");
	body_is("alice@x.example", 1, "synced");
	body_is("bob@x.example", 1, "for both");
	end_crashed();
}

/* A log that is full to its last byte is read, and one that is no file keeps nobody from starting. */
static void test_last_byte(void **state)
{
	static uint8_t body[REDO_LOG];
	struct redo *r = local_of(live.s)->redo;
	size_t entries;

	(void)state;
	conf_append(&live, alice, inbox, "is there", 0);
	assert_true(redo_begin(r, REDO_LOG - REDO_SECTOR * 2 - REDO_HEAD));
	redo_put_message(redo_frame(r), span_of("a@x"), 1, 1, guid_a);
	entries = REDO_LOG - REDO_SECTOR - redo_frame(r)->n - 6; /* what stands before a body of that size */
	redo_put_body(redo_frame(r), 1, (struct span){ body, entries });
	assert_int_equal(redo_write(r), 0);
	assert_int_equal(logged(&folders), REDO_LOG);
	crash("rm mail/*/*/*/cur/*");
	body_is("alice@x.example", 1, "is there");
	end_crashed();
	redo_end(r, 0);
	crash("rm mail/tmp/redo.* mail/*/*/*/cur/1.*; mkdir mail/tmp/redo.0; ln -s x mail/tmp/redo.1");
	assert_null(local_of(after.s)->redo);
	end_crashed();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries), cmocka_unit_test(test_torn), cmocka_unit_test(test_older),
		CASE(test_power), CASE(test_settled), CASE(test_latest), CASE(test_full), CASE(test_no_room),
		CASE(test_last_byte),
	};

	if (sodium_init() < 0)
		return 1;
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "local_redo");
}
