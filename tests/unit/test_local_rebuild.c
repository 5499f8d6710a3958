/* test_local_rebuild.c - the index is lost: all is made again from the folders alone.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/kv.h"
#include "storage/local/record.h"

static struct folders folders;

static const struct conformance_driver driver = {
	.name = "rebuild", .arg = &folders, .open = folders_driver_open, .close = folders_driver_close, .token = folders_driver_token
};

static struct conf conf = { .driver = &driver };

static int setup(void **state)
{
	(void)state;
	folders_init(&folders);
	uv_loop_init(&conf.loop);
	conf.s = folders_open(&folders, &conf.loop);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folders_close(&conf.loop, conf.s);
	uv_run(&conf.loop, UV_RUN_DEFAULT);
	uv_loop_close(&conf.loop);
	folders_remove(&folders);
	return 0;
}

static void lose_index(void)
{
	folders_close(&conf.loop, conf.s);
	folders_wipe_index(&folders);
	conf.s = folders_open(&folders, &conf.loop);
}

/* --- pictures of an account ------------------------------------------------ */

/* All that must be the same afterwards, as text. */
static char *picture(const char *account)
{
	struct store_account *a = conf_login(&conf, account);
	struct store_mailbox list[64];
	char *text = calloc(1, 1 << 20);
	char name[1024];
	size_t count, n = 0;

	assert_int_equal(conf_list(&conf, a, list, 64, &count), STORE_OK);
	for (size_t i = 0; i < count; i++) {
		struct conf_sync *s;

		snprintf(name, sizeof(name), "%.*s", (int)list[i].name.n, (const char *)list[i].name.p);
		n += (size_t)sprintf(text + n,
				     "%s id=%llu role=%d subscribed=%d uidvalidity=%u exists=%u unseen=%u "
				     "deleted=%u size=%llu\n",
				     name, (unsigned long long)list[i].id, list[i].role, list[i].subscribed,
				     list[i].uidvalidity, list[i].exists, list[i].unseen, list[i].deleted,
				     (unsigned long long)list[i].size);
		if (list[i].id == 0)
			continue;
		n += (size_t)sprintf(text + n, "  annotations %s\n", conf_notes(&conf, a, list[i].id));
		s = conf_all(&conf, a, list[i].id);
		n += (size_t)sprintf(text + n, "  first unseen %u\n", s->first_unseen);
		for (size_t j = 0; j < s->record_count; j++) {
			const struct store_record *r = &s->records[j];

			n += (size_t)sprintf(text + n, "  %u flags=%u size=%llu date=%lld guid=%02x%02x",
					     r->uid, r->flags, (unsigned long long)r->size,
					     (long long)r->internal_s, r->guid[0], r->guid[15]);
			for (size_t k = 0; k < s->keyword_count; k++)
				if (r->keywords & (uint64_t)1 << k)
					n += (size_t)sprintf(text + n, " %s", s->keywords[k]);
			n += (size_t)sprintf(text + n, " body=%.20s\n",
					     conf_body(&conf, a, list[i].id, r->uid));
		}
	}
	sprintf(text + n, "annotations %s\n", conf_notes(&conf, a, 0));
	store_logout(a);
	return text;
}

static void change(struct store_account *a, struct store_mutation m)
{
	assert_int_equal(conf_change(&conf, a, &m), STORE_OK);
}

static void fill(const char *account)
{
	struct store_account *a = conf_login(&conf, account);
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX"), work;
	const struct store_range some = { 3, 5 };
	char text[40];

	conf_create(&conf, a, "Work/\xe9\x83\xb5\xe4\xbe\xbf 100%");
	work = conf_mailbox(&conf, a, "Work/\xe9\x83\xb5\xe4\xbe\xbf 100%");
	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "message %d of %s", i, account);
		conf_append(&conf, a, inbox, text, i % 4 == 0 ? STORE_SEEN : 0);
	}
	assert_int_equal(conf_annotate(&conf, a, inbox, "/private/comment", "100%\r\nmine"), STORE_OK);
	assert_int_equal(conf_annotate(&conf, a, work, "/shared/vendor/x", ""), STORE_OK);
	assert_int_equal(conf_annotate(&conf, a, 0, "/private/comment", account), STORE_OK);
	conf_flags(&conf, a, inbox, 2, 9, STORE_FLAGS_ADD, STORE_FLAGGED, "$Forwarded");
	conf_flags(&conf, a, inbox, 7, 20, STORE_FLAGS_ADD, STORE_DELETED | STORE_DRAFT, "todo");
	change(a, (struct store_mutation){
		      .change = STORE_COPY, .mailbox = inbox, .target = work, .uids = { &some, 1 } });
	conf_expunge(&conf, a, inbox, 10, 12);
	conf_expunge(&conf, a, inbox, 30, 30);
	change(a, (struct store_mutation){ .change = STORE_RENAME,
					   .mailbox = conf_mailbox(&conf, a, "Sent"),
					   .name = span_of("Gesendet") });
	change(a, (struct store_mutation){ .change = STORE_SUBSCRIBE, .name = span_of("not/there") });
	change(a, (struct store_mutation){ .change = STORE_UNSUBSCRIBE, .name = span_of("Junk") });
	change(a, (struct store_mutation){ .change = STORE_DELETE,
					   .mailbox = conf_mailbox(&conf, a, "Archive") });
	store_logout(a);
}

static const char *const accounts[] = { "mitsuko@post.example", ".odd+name%x@tmp",
					"o'hara@b\xc3\xbc"
					"cher.example" };

enum { COUNT = sizeof(accounts) / sizeof(accounts[0]) };

static void test_rebuild(void **state)
{
	char *before[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		fill(accounts[i]);
	for (size_t i = 0; i < COUNT; i++)
		before[i] = picture(accounts[i]);
	for (int round = 0; round < 2; round++) {
		lose_index();
		for (size_t i = 0; i < COUNT; i++) {
			char *after = picture(accounts[i]);

			unit_case(accounts[i], (size_t)round);
			assert_string_equal(after, before[i]);
			free(after);
		}
	}
	for (size_t i = 0; i < COUNT; i++)
		free(before[i]);
}

/* Numbers go on where nobody has seen them; who was away gets all. */
static void test_numbers(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX"), modseq;
	struct conf_sync *s;
	uint32_t uidnext, last;

	(void)state;
	for (int i = 0; i < 5; i++)
		conf_append(&conf, a, inbox, "x", 0);
	s = conf_all(&conf, a, inbox);
	modseq = s->mailbox.modseq;
	conf_expunge(&conf, a, inbox, 2, 2);
	conf_expunge(&conf, a, inbox, 5, 5);
	uidnext = conf_all(&conf, a, inbox)->mailbox.uidnext;
	store_logout(a);
	lose_index();
	a = conf_login(&conf, "a@x.example");
	s = conf_since(&conf, a, inbox, modseq);
	assert_true(s->mailbox.modseq > modseq);
	assert_true(s->mailbox.uidnext >= uidnext);
	assert_string_equal(conf_uids(s), "1,3:4");
	assert_true(s->vanished_count >= 1);
	assert_int_equal(s->vanished[0].first, 2);
	assert_true(s->vanished[s->vanished_count - 1].last >= 5);
	last = conf_append(&conf, a, inbox, "y", 0);
	assert_true(last >= uidnext);
	store_logout(a);
}

/* --- damage ---------------------------------------------------------------- */

static void at(char path[300], const char *rest)
{
	snprintf(path, 300, "%s/mail/x.example/a/%s", folders.path, rest);
}

static void overwrite(const char *rest, const char *text)
{
	char path[300];
	int fd;

	at(path, rest);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* A state file that is lost costs the name, not the mail; a flags file the flags. */
static void test_damaged_files(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX"), sent = conf_mailbox(&conf, a, "Sent");
	char name[64], path[300];
	struct store_mailbox m;

	(void)state;
	conf_append(&conf, a, inbox, "in", STORE_SEEN);
	conf_append(&conf, a, sent, "out", STORE_SEEN);
	store_logout(a);
	folders_close(&conf.loop, conf.s);
	folders_wipe_index(&folders);
	snprintf(name, sizeof(name), "%08x/state", (unsigned)sent);
	overwrite(name, "yubin mailbox 1\nname Sent\n");
	snprintf(name, sizeof(name), "%08x/flags", (unsigned)inbox);
	overwrite(name, "");
	overwrite("account", "nonsense");
	overwrite("derived", "nonsense");
	at(path, "deadbeef");
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(name, sizeof(name), "%08x/cur/not-a-message", (unsigned)inbox);
	overwrite(name, "x");
	conf.s = folders_open(&folders, &conf.loop);
	a = conf_login(&conf, "a@x.example");
	assert_int_equal(conf_find(&conf, a, "INBOX", &m), STORE_OK);
	assert_int_equal(m.exists, 1);
	assert_int_equal(m.unseen, 1);
	assert_int_equal(conf_find(&conf, a, "Sent", &m), STORE_NOT_FOUND);
	snprintf(name, sizeof(name), "Recovered %08x", (unsigned)sent);
	assert_int_equal(conf_find(&conf, a, name, &m), STORE_OK);
	assert_string_equal(conf_body(&conf, a, m.id, 1), "out");
	assert_int_equal(access(path, F_OK), -1);
	store_logout(a);
}

/* A role that went to another mailbox goes there again, also when the state file of the one that had it is
 * still the old one. */
static void test_roles(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	const struct store_mutation m = { .change = STORE_CREATE, .name = span_of("Gesendet"), .role = STORE_ROLE_SENT };
	char name[64], path[300], text[1000];
	struct store_mailbox sent, other;
	ssize_t n;
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "%08x/state", (unsigned)conf_mailbox(&conf, a, "Sent"));
	at(path, name);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "role sent"));
	assert_int_equal(conf_change(&conf, a, &m), STORE_OK);
	store_logout(a);
	for (unsigned old = 0; old < 2; old++) {
		unit_case("old state file", old);
		folders_close(&conf.loop, conf.s);
		folders_wipe_index(&folders);
		if (old == 1)
			overwrite(name, text);
		conf.s = folders_open(&folders, &conf.loop);
		a = conf_login(&conf, "a@x.example");
		assert_int_equal(conf_find(&conf, a, "Sent", &sent), STORE_OK);
		assert_int_equal(conf_find(&conf, a, "Gesendet", &other), STORE_OK);
		assert_int_equal(sent.role, STORE_ROLE_NONE);
		assert_int_equal(other.role, STORE_ROLE_SENT);
		store_logout(a);
	}
}

/* An index whose pages are damaged is noticed, thrown away and made again. */
static void test_damaged_index(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");
	char path[300];
	int fd;

	(void)state;
	conf_append(&conf, a, inbox, "in", 0);
	store_logout(a);
	folders_close(&conf.loop, conf.s);
	snprintf(path, sizeof(path), "%s/db/index", folders.path);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	for (off_t page = 0; page < 4; page++)
		assert_int_equal(pwrite(fd, "damage", 6, page * 4096 + 2000), 6);
	close(fd);
	snprintf(path, sizeof(path), "%s/db/panic", folders.path);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	conf.s = folders_open(&folders, &conf.loop);
	assert_int_equal(access(path, F_OK), -1);
	a = conf_login(&conf, "a@x.example");
	assert_string_equal(conf_body(&conf, a, inbox, 1), "in");
	store_logout(a);
}

/* An index that an older program made, with records of another form, is not read as today's. */
static void test_other_format(void **state)
{
	char *before, *after;
	struct error err;
	struct kv *kv;
	struct key k;

	(void)state;
	fill(accounts[0]);
	before = picture(accounts[0]);
	folders_close(&conf.loop, conf.s);
	key_kind(&k, KEY_COMPLETE);
	assert_int_equal(kv_open(&kv, 1 << 20, &err), 0);	/* the store's folder is the current one */
	assert_int_equal(kv_begin(kv), 0);
	assert_int_equal(kv_put(kv, key_span(&k), span_of("\x01")), 0);
	key_kind(&k, KEY_ACCOUNT);
	assert_int_equal(kv_put(kv, key_span(&k), span_of("a record of another form")), 0);
	assert_int_equal(kv_commit(kv), 0);
	kv_close(kv);
	conf.s = folders_open(&folders, &conf.loop);
	after = picture(accounts[0]);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

/* Behind a crash: a file whose record is damaged stays, one that has none goes. */
static void test_damaged_record(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");
	char name[64], path[300], command[400];
	struct error err;
	struct kv *kv;
	struct key k;

	(void)state;
	conf_append(&conf, a, inbox, "stays", 0);
	store_logout(a);
	folders_close(&conf.loop, conf.s);
	assert_int_equal(kv_open(&kv, 1 << 20, &err), 0);
	assert_int_equal(kv_begin(kv), 0);
	key_mailbox(&k, KEY_DIRTY, 1, (uint32_t)inbox);
	assert_int_equal(kv_put(kv, key_span(&k), span_of("")), 0);
	key_record(&k, 1, (uint32_t)inbox, 1);
	assert_int_equal(kv_put(kv, key_span(&k), span_of("\x01")), 0);
	assert_int_equal(kv_commit(kv), 0);
	kv_close(kv);
	snprintf(name, sizeof(name), "%08x/cur/2.00112233445566778899aabbccddeeff", (unsigned)inbox);
	overwrite(name, "was never promised");
	conf.s = folders_open(&folders, &conf.loop);
	at(path, name);
	assert_int_equal(access(path, F_OK), -1);
	*strrchr(path, '/') = '\0';
	snprintf(command, sizeof(command), "ls %s/1.* > /dev/null", path);
	assert_int_equal(system(command), 0);
}

/* A body that is gone or cut is told as damage, and the others go on. */
static void test_damaged_body(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");
	const struct store_range both = { 1, 3 };
	const struct store_mutation copy = { .change = STORE_COPY,
					     .mailbox = inbox,
					     .target = conf_mailbox(&conf, a, "Trash"),
					     .uids = { &both, 1 } };
	char path[32], folder[300];
	struct dirent *e;
	DIR *d;

	(void)state;
	for (int i = 0; i < 3; i++)
		conf_append(&conf, a, inbox, "body", 0);
	snprintf(path, sizeof(path), "%08x/cur", (unsigned)inbox);
	at(folder, path);
	d = opendir(folder);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '1')
			unlinkat(dirfd(d), e->d_name, 0);
		if (e->d_name[0] == '2') {
			int fd = openat(dirfd(d), e->d_name, O_WRONLY);

			assert_int_equal(ftruncate(fd, 2), 0);
			close(fd);
		}
	}
	closedir(d);
	assert_int_equal(conf_body_status(&conf, a, inbox, 1), STORE_CORRUPT);
	assert_int_equal(conf_body_status(&conf, a, inbox, 2), STORE_CORRUPT);
	assert_string_equal(conf_body(&conf, a, inbox, 3), "body");
	assert_int_equal(conf_change(&conf, a, &copy), STORE_CORRUPT);
	assert_int_equal(conf_expunge(&conf, a, inbox, 1, 2), STORE_OK);
	assert_int_equal(conf_change(&conf, a, &copy), STORE_OK);
	store_logout(a);
}

/* Files of one UID, and those that wait for one: all are kept, each under its own. */
static void test_twins(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");
	char path[32], folder[300], command[600], bodies[7] = "......";
	const struct conf_sync *all;

	(void)state;
	for (int i = 0; i < 6; i++)
		conf_append(&conf, a, inbox, (const char[]){ (char)('a' + i), '\0' }, 0);
	store_logout(a);
	snprintf(path, sizeof(path), "%08x/cur", (unsigned)inbox);
	at(folder, path);
	snprintf(command, sizeof(command),
		 "cd %s && for i in 2 3; do mv $i.* 1.$(ls $i.* | cut -d. -f2); done && "
		 "for i in 5 6; do mv $i.* 4294967294.$(ls $i.* | cut -d. -f2); done",
		 folder);
	folders_close(&conf.loop, conf.s);
	assert_int_equal(system(command), 0);
	folders_wipe_index(&folders);
	conf.s = folders_open(&folders, &conf.loop);
	a = conf_login(&conf, "a@x.example");
	all = conf_all(&conf, a, inbox);
	assert_int_equal(all->record_count, 6);
	assert_true(all->mailbox.uidnext > 6 && all->mailbox.uidnext < 10000);
	for (size_t i = 0; i < 6; i++) {
		assert_true(all->records[i].uid < all->mailbox.uidnext);
		assert_true(i == 0 || all->records[i].uid > all->records[i - 1].uid);
	}
	for (size_t i = 0; i < 6; i++) {
		char c = conf_body(&conf, a, inbox, all->records[i].uid)[0];

		assert_true(c >= 'a' && c <= 'f');
		bodies[c - 'a'] = c;
	}
	assert_string_equal(bodies, "abcdef");
	store_logout(a);
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
		CASE(test_rebuild),       CASE(test_numbers),      CASE(test_damaged_files),
		CASE(test_damaged_index), CASE(test_other_format),   CASE(test_damaged_body),
		CASE(test_roles),	  CASE(test_twins),
		CASE(test_damaged_record),
	};

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "rebuild");
}
