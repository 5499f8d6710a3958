/* test_local_check.c - damage in the index is named, mended, and costs no message.
 * What can be done to files is done in tests/system/test_store_check.py.
 * link: storage/local storage common/base */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/check.h"
#include "storage/local/kv.h"
#include "storage/local/record.h"
#include "storage/local/statefile.h"

enum { MESSAGES = 20, GAP = 7 /* a UID that is not there */ };

static const char top[] = "/tmp/yubin-check-XXXXXX";
static const char mailbox[] = "mail/here.test/alice/00000001";

struct store {
	char path[sizeof(top)];
	struct local_options o;
	char found[4096]; /* words of kinds */
};

static void log_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* --- a store -------------------------------------------------------------------- */

static void write_file(int at, const char *path, struct span text)
{
	int fd = openat(at, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), text.n);
	close(fd);
}

static int make_folder(int at, const char *path)
{
	int fd;

	assert_int_equal(mkdirat(at, path, 0700), 0);
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void make_messages(int at)
{
	for (unsigned uid = 1; uid <= MESSAGES; uid++) {
		char path[200], text[100];

		snprintf(path, sizeof(path), "%s/cur/%u.%032x", mailbox, uid, uid);
		snprintf(text, sizeof(text), "Subject: %u\r\n\r\n%u\r\n", uid, uid * uid);
		if (uid != GAP)
			write_file(at, path, span_of(text));
	}
}

static void store_make(struct store *s)
{
	static const char *const folders[] = { "mail/here.test", "mail/here.test/alice", mailbox };
	const struct head h = { .role = STORE_ROLE_INBOX, .subscribed = 1, .uidvalidity = 42, .uid_floor = 100,
				.modseq_floor = 1000 };
	char path[200];
	struct error err;
	struct buf text;
	int at;

	*s = (struct store){ .o = { .index_cache = 1 << 20, .mailbox_limit = 100, .keyword_limit = 64 } };
	memcpy(s->path, top, sizeof(top));
	assert_non_null(mkdtemp(s->path));
	at = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->o.mail_fd = make_folder(at, "mail");
	s->o.queue_fd = make_folder(at, "queue");
	s->o.db_fd = make_folder(at, "db");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		close(make_folder(at, folders[i]));
	snprintf(path, sizeof(path), "%s/cur", mailbox);
	close(make_folder(at, path));
	buf_init(&text, 4096);
	statefile_mailbox(&text, &h, span_of("INBOX"));
	snprintf(path, sizeof(path), "%s/state", mailbox);
	write_file(at, path, buf_span(&text));
	buf_clear(&text);
	make_messages(at);
	close(at);
	assert_int_equal(check_rebuild(&s->o, &err), 0);
}

static void store_remove(struct store *s)
{
	char command[100];

	close(s->o.mail_fd);
	close(s->o.queue_fd);
	close(s->o.db_fd);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", s->path);
	assert_int_equal(system(command), 0);
}

static void on_found(void *arg, const struct check_found *f)
{
	struct store *s = arg;
	size_t n = strlen(s->found);

	snprintf(s->found + n, sizeof(s->found) - n, "%s ", check_rows[f->kind].word);
	assert_int_equal(f->error, 0);
}

static struct check_counts look(struct store *s, enum check_mode mode)
{
	const struct check_options o = { .store = s->o, .mode = mode, .found = on_found, .arg = s };
	struct check_counts counts;
	struct error err;

	s->found[0] = '\0';
	assert_int_equal(check_run(&o, &counts, &err), 0);
	return counts;
}

/* --- what is done to the index ---------------------------------------------------- */

static void put(struct kv *kv, const struct key *k, struct span value)
{
	assert_int_equal(kv_begin(kv), 0);
	assert_int_equal(kv_put(kv, key_span(k), value), 0);
	assert_int_equal(kv_commit(kv), 0);
}

static void unknown_letter(struct kv *kv)
{
	struct key k = { .n = 4, .bytes = "?abc" };

	put(kv, &k, span_of("x"));
}

static void short_key(struct kv *kv)
{
	struct key k;

	key_record(&k, 1, 1, 1);
	k.n -= 2;
	put(kv, &k, span_of("x"));
}

static void account_garbage(struct kv *kv)
{
	struct key k;

	key_named(&k, KEY_ACCOUNT, span_of("alice@here.test"));
	put(kv, &k, span_of("\xff"));
}

static void mailbox_garbage(struct kv *kv)
{
	struct key k;

	key_mailbox(&k, KEY_MAILBOX, 1, 1);
	put(kv, &k, span_of("\xff\xff"));
}

static void message_garbage(struct kv *kv)
{
	struct key k;

	key_record(&k, 1, 1, 3);
	put(kv, &k, span_of("\xff"));
}

static void log_garbage(struct kv *kv)
{
	struct key k;

	key_log(&k, 1, 1, 5, LOG_CHANGED);
	put(kv, &k, span_of(""));
}

static void no_such_account(struct kv *kv)
{
	struct key k;

	key_record(&k, 77, 1, 1);
	put(kv, &k, span_of("x"));
}

static void no_such_mailbox(struct kv *kv)
{
	struct key k;

	key_mailbox(&k, KEY_KEYWORDS, 1, 99);
	put(kv, &k, span_of(""));
}

static void change_head(struct kv *kv, void (*change)(struct head *h))
{
	struct span value, name;
	struct buf out;
	struct head h;
	struct key k;

	key_mailbox(&k, KEY_MAILBOX, 1, 1);
	assert_int_equal(kv_get(kv, key_span(&k), &value), 0);
	assert_true(head_decode(value, &h, &name));
	change(&h);
	buf_init(&out, 4096);
	head_encode(&out, &h, name);
	put(kv, &k, buf_span(&out));
	buf_clear(&out);
}

static void count_wrong(struct head *h)
{
	h->exists += 3;
	h->size = 1;
}

static void next_low(struct head *h)
{
	h->uidnext = 5;
}

static void wrong_counts(struct kv *kv)
{
	change_head(kv, count_wrong);
}

static void low_uidnext(struct kv *kv)
{
	change_head(kv, next_low);
}

static void uid_list(struct kv *kv)
{
	struct ranges r;
	struct buf out;
	struct key k;

	ranges_init(&r);
	ranges_add(&r, 1, MESSAGES); /* with the one that is not there */
	buf_init(&out, 4096);
	value_put(&out, 0);
	value_put(&out, MESSAGES + 1);
	log_encode(&out, 0, &r);
	key_mailbox(&k, KEY_UIDS, 1, 1);
	put(kv, &k, buf_span(&out));
	buf_clear(&out);
	ranges_clear(&r);
}

static void queue_garbage(struct kv *kv)
{
	struct key k;

	key_queue(&k, span_of("ABC123"), 0);
	put(kv, &k, span_of("\xff"));
}

static void incomplete(struct kv *kv)
{
	struct key k;

	key_kind(&k, KEY_COMPLETE);
	assert_int_equal(kv_begin(kv), 0);
	assert_int_equal(kv_del(kv, key_span(&k)), 0);
	assert_int_equal(kv_commit(kv), 0);
}

/* A message that was coming in a crash: its mailbox is marked, its record was never written. */
static void unpromised(struct kv *kv)
{
	struct key k;

	key_mailbox(&k, KEY_DIRTY, 1, 1);
	put(kv, &k, (struct span){ NULL, 0 });
	write_file(AT_FDCWD, "../mail/here.test/alice/00000001/cur/50.00112233445566778899aabbccddeeff",
		   span_of("Subject: half\r\n\r\n"));
}

static const struct {
	const char *why, *word;
	void (*harm)(struct kv *kv);
	const char *also; /* what else is wrong then */
} cases[] = {
	{ "a letter that no key has", "index-key-damaged", unknown_letter, NULL },
	{ "a record's key that is cut", "index-key-damaged", short_key, NULL },
	{ "an account's record", "index-value-damaged", account_garbage, "index-orphan account-without-record" },
	{ "a mailbox's head", "index-value-damaged", mailbox_garbage, "index-orphan folder-without-mailbox" },
	{ "a message's record", "index-value-damaged", message_garbage, "file-without-record wrong-counts" },
	{ "an entry of the log of changes", "index-value-damaged", log_garbage, NULL },
	{ "an account that is not there", "index-orphan", no_such_account, NULL },
	{ "a mailbox that is not there", "index-orphan", no_such_mailbox, NULL },
	{ "counts that are off", "wrong-counts", wrong_counts, NULL },
	{ "UIDNEXT below messages", "above-uidnext", low_uidnext, NULL },
	{ "a list of UIDs with one too many", "wrong-uid-list", uid_list, NULL },
	{ "mail that waits", "queue-record-damaged", queue_garbage, NULL },
	{ "an index that is not whole", "index-damaged", incomplete, NULL },
	{ "a message that was never promised", "unpromised", unpromised, NULL },
};

static void harm(struct store *s, void (*what)(struct kv *kv))
{
	struct error err;
	struct kv *kv;

	assert_int_equal(fchdir(s->o.db_fd), 0);
	assert_int_equal(kv_open(&kv, 1 << 20, &err), 0);
	what(kv);
	kv_close(kv);
}

/* Each word of it is the one that is meant, or what comes of it. */
static void found_only(const struct store *s, size_t i)
{
	char text[sizeof(s->found)], *at = text, *word;
	bool meant = false;

	memcpy(text, s->found, sizeof(text));
	while ((word = strsep(&at, " ")) != NULL) {
		meant |= strcmp(word, cases[i].word) == 0;
		if (word[0] != '\0' && strcmp(word, cases[i].word) != 0 &&
		    (cases[i].also == NULL || strstr(cases[i].also, word) == NULL))
			fail_msg("%s was not to be found; all: %s", word, s->found);
	}
	assert_true(meant);
}

/* All messages by their bytes, whatever they are called; those in .lost too. */
static void ledger(const struct store *s, char out[200])
{
	char command[200];
	FILE *f;

	snprintf(command, sizeof(command), "cd %s && find mail -type f -path '*/cur/*' -exec cat {} + | sort | b2sum", s->path);
	f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(out, 200, f));
	assert_int_equal(pclose(f), 0);
}

static void test_damage(void **state)
{
	char before[200], after[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct check_counts counts;
		struct store s;

		unit_case(cases[i].why, i);
		store_make(&s);
		counts = look(&s, CHECK_LOOK);
		assert_string_equal(s.found, "");
		assert_int_equal(counts.messages, MESSAGES - 1);
		harm(&s, cases[i].harm);

		ledger(&s, before);
		counts = look(&s, CHECK_LOOK);
		found_only(&s, i);
		assert_true(counts.damaged + counts.notes > 0);
		assert_int_equal(counts.mended, 0);
		counts = look(&s, CHECK_MEND);
		found_only(&s, i);
		assert_int_equal(counts.mended, counts.damaged + counts.notes);
		ledger(&s, after);
		assert_string_equal(after, before);
		counts = look(&s, CHECK_LOOK);
		assert_string_equal(s.found, "");
		assert_int_equal(counts.messages, MESSAGES - 1);
		assert_int_equal(counts.mailboxes, 1);
		store_remove(&s);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHECK_KINDS; i++) {
		assert_non_null(check_rows[i].word);
		assert_non_null(check_rows[i].means);
		assert_non_null(check_rows[i].mend);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(check_rows[i].word, check_rows[j].word);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_damage) };

	log_to_function(log_nothing, NULL);
	if (sodium_init() < 0)
		return 1;
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "local check");
}
