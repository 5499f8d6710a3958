/* test_maildir.c - names of files and folders in a Maildir, subscriptions, dovecot-uidlist.
 * link: formats common/base */
#include "tests/unit/unit.h"

#include "formats/maildir.h"
#include "formats/uidlist.h"

static const struct {
	const char *why, *file;
	const char *unique; /* NULL: no message */
	unsigned flags;
	uint32_t keywords;
	uint64_t size;
	int64_t time_s;
} files[] = {
	{ "as Dovecot names it", "1795261278.M20P3.host,S=1200,W=1230:2,FRS", "1795261278.M20P3.host,S=1200,W=1230",
	  MAILDIR_FLAGGED | MAILDIR_REPLIED | MAILDIR_SEEN, 0, 1200, 1795261278 },
	{ "new: no suffix", "1795261278.M20P3.host", "1795261278.M20P3.host", 0, 0, 0, 1795261278 },
	{ "all flags", "1.a.b:2,DFPRST", "1.a.b", 63, 0, 0, 1 },
	{ "keywords", "1.a.b:2,Sacz", "1.a.b", MAILDIR_SEEN, 1 | 4 | 1u << 25, 0, 1 },
	{ "unknown letters", "1.a.b:2,SXQ9", "1.a.b", MAILDIR_SEEN, 0, 0, 1 },
	{ "experimental semantics", "1.a.b:1,S", "1.a.b", 0, 0, 0, 1 },
	{ "no time", "message:2,S", "message", MAILDIR_SEEN, 0, 0, 0 },
	{ "a size that is none", "1.a,S=12x:2,", "1.a,S=12x", 0, 0, 0, 1 },
	{ "a size over all", "1.a,S=99999999999999999999:2,", "1.a,S=99999999999999999999", 0, 0, 0, 1 },
	{ "hidden", ".nfs0001", NULL, 0, 0, 0, 0 },
	{ "nothing before the colon", ":2,S", NULL, 0, 0, 0, 0 },
	{ "nothing", "", NULL, 0, 0, 0, 0 },
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct maildir_name name;

		unit_case(files[i].why, 0);
		assert_int_equal(maildir_name_read(span_of(files[i].file), &name), files[i].unique != NULL);
		if (files[i].unique == NULL)
			continue;
		unit_is(name.unique.p, name.unique.n, files[i].unique);
		assert_int_equal(name.flags, files[i].flags);
		assert_int_equal(name.keywords, files[i].keywords);
		assert_int_equal(name.size, files[i].size);
		assert_int_equal(name.time_s, files[i].time_s);
	}
}

static void test_flags(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	maildir_flags_write(&out, 63, 1 | 1u << 25);
	unit_is(out.p, out.n, ":2,DFPRSTaz");
	buf_reset(&out);
	maildir_flags_write(&out, 0, 0);
	unit_is(out.p, out.n, ":2,");
	buf_clear(&out);
}

static void test_keywords(void **state)
{
	struct span words[MAILDIR_KEYWORDS];
	struct buf out;

	(void)state;
	maildir_keywords_read(span_of("0 $Forwarded\n1 Work\n26 Over\nx Bad\n25 Last"), words);
	unit_is(words[0].p, words[0].n, "$Forwarded");
	unit_is(words[1].p, words[1].n, "Work");
	assert_int_equal(words[2].n, 0);
	unit_is(words[25].p, words[25].n, "Last");
	buf_init(&out, 100);
	maildir_keywords_write(&out, words, 2);
	unit_is(out.p, out.n, "0 $Forwarded\n1 Work\n");
	buf_clear(&out);
}

static const struct {
	const char *why, *folder, *mailbox;
	const char *again; /* what is written for it; NULL: the same */
} folders[] = {
	{ "one level", ".Sent", "Sent", NULL },
	{ "two", ".Sent.2025", "Sent/2025", NULL },
	{ "modified UTF-7", ".Entw&APw-rfe.&ZeVnLIqe-", "Entw\xc3\xbcrfe/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", NULL },
	{ "UTF-8", ".Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe", ".Entw&APw-rfe" },
	{ "an ampersand", ".A &- B", "A & B", NULL },
	{ "an ampersand that is none", ".A & B", "A & B", ".A &- B" },
	{ "a dot in a level", ".example\\2ecom", "example.com", NULL },
	{ "a backslash", ".a\\5cb", "a\\b", NULL },
	{ "a backslash that escapes nothing", ".a\\b", "a\\b", ".a\\5cb" },
	{ "a slash can't be escaped in", ".a\\2fb", "a\\2fb", ".a\\5c2fb" },
	{ "a name that is a way", ".\\2e\\2e", NULL, NULL },
	{ "the Maildir itself", ".", NULL, NULL },
	{ "the folder above", "..", NULL, NULL },
	{ "an empty level", ".a..b", NULL, NULL },
	{ "an empty one at the end", ".a.", NULL, NULL },
	{ "no dot", "cur", NULL, NULL },
	{ "a control character", ".a\tb", NULL, NULL },
	{ "one in modified UTF-7", ".a&AAo-b", NULL, NULL },
	{ "neither UTF-7 nor UTF-8", ".a\xff", NULL, NULL },
	{ "a slash in modified UTF-7 that is plain", ".a&AC8-b", "a&AC8-b", ".a&-AC8-b" },
};

static void test_folders(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4000);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		unit_case(folders[i].why, 0);
		buf_reset(&out);
		assert_int_equal(maildir_folder_read(span_of(folders[i].folder), &out), folders[i].mailbox != NULL);
		if (folders[i].mailbox == NULL) {
			assert_int_equal(out.n, 0);
			continue;
		}
		unit_is(out.p, out.n, folders[i].mailbox);
		buf_reset(&out);
		maildir_folder_write(&out, span_of(folders[i].mailbox));
		unit_is(out.p, out.n, folders[i].again != NULL ? folders[i].again : folders[i].folder);
	}
	buf_clear(&out);
}

static const struct {
	const char *why, *above, *folder, *mailbox;
} levels[] = {
	{ "the first", "", "Sent Items", "Sent Items" },
	{ "below one", "Lists", "dev", "Lists/dev" },
	{ "a dot is no level", "Lists", "example.com", "Lists/example.com" },
	{ "modified UTF-7", "", "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ "UTF-8", "Lists", "\xc3\xbc", "Lists/\xc3\xbc" },
	{ "a way up", "Lists", "..", NULL },
	{ "another", "Lists", "\\2e.", NULL },
	{ "none", "Lists", "", NULL },
	{ "a control character", "", "a\tb", NULL },
	{ "neither UTF-7 nor UTF-8", "", "a\xff", NULL },
};

static void test_levels(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct buf out;

		unit_case(levels[i].why, 0);
		buf_init(&out, 100);
		buf_put_text(&out, levels[i].above);
		assert_int_equal(maildir_level_read(span_of(levels[i].folder), &out), levels[i].mailbox != NULL);
		if (levels[i].mailbox != NULL)
			unit_is(out.p, out.n, levels[i].mailbox);
		buf_clear(&out);
	}
}

static const struct {
	const char *why, *text, *names; /* each with a line end */
} subscriptions[] = {
	{ "version 2", "V\t2\n\nSent\t2025\nEntw&APw-rfe\nexample.com\n", "Sent/2025\nEntw\xc3\xbcrfe\nexample.com\n" },
	{ "version 1", "INBOX\nSent.2025\nDrafts\n", "INBOX\nSent/2025\nDrafts\n" },
	{ "slashes", "Sent/2025.old\n", "Sent/2025.old\n" },
	{ "CRLF, no last line end, an empty line", "Sent\r\n\r\nTrash", "Sent\nTrash\n" },
	{ "bad names are passed over", "a..b\nSent\n\xff\n", "Sent\n" },
	{ "nothing", "", "" },
};

static void test_subscriptions(void **state)
{
	struct buf all;

	(void)state;
	buf_init(&all, 4000);
	for (size_t i = 0; i < sizeof(subscriptions) / sizeof(subscriptions[0]); i++) {
		struct span text = span_of(subscriptions[i].text);
		unsigned version = 0;

		unit_case(subscriptions[i].why, 0);
		buf_reset(&all);
		while (maildir_subscribed_next(&text, &version, &all))
			buf_put_byte(&all, '\n');
		unit_is(all.p, all.n, subscriptions[i].names);
	}
	buf_reset(&all);
	maildir_subscribed_begin(&all);
	maildir_subscribed_write(&all, span_of("Sent/2025"));
	unit_is(all.p, all.n, "V\t2\n\nSent\t2025\n");
	buf_clear(&all);
}

/* --- dovecot-uidlist ------------------------------------------------------------ */

static const struct {
	const char *why, *text;
	uint32_t uidvalidity, uidnext; /* 0: no such file */
	const char *lines;             /* "UID FILE " each */
	bool whole;
} lists[] = {
	{ "version 3", "3 V1795261278 N41 G0011\n7 S12 W14 :a,S=12\n40 :b\n", 1795261278, 41, "7 a,S=12 40 b ", true },
	{ "no lines", "3 V5 N1\n", 5, 1, "", true },
	{ "version 1", "1 5 9\n3 a\n8 b:2,S\n", 5, 9, "3 a 8 b ", true },
	{ "words in another order", "3 N41 Gx V7\n1 :a\n", 7, 41, "1 a ", true },
	{ "a UID that does not rise", "3 V5 N9\n3 :a\n3 :b\n", 5, 9, "3 a ", false },
	{ "a UID of 0", "3 V5 N9\n0 :a\n", 5, 9, "", false },
	{ "the last UID that there is", "3 V5 N9\n4294967295 :a\n", 5, 9, "", false },
	{ "no file", "3 V5 N9\n1 S3\n2 :a\n", 5, 9, "", false },
	{ "a path", "3 V5 N9\n1 :../a\n", 5, 9, "", false },
	{ "no number", "3 V5 N9\nx :a\n", 5, 9, "", false },
	{ "an unknown version", "4 V5 N9\n1 :a\n", 0, 0, "", false },
	{ "no UIDVALIDITY", "3 N9\n1 :a\n", 0, 0, "", false },
	{ "a UIDVALIDITY of 0", "3 V0 N9\n1 :a\n", 0, 0, "", false },
	{ "empty", "", 0, 0, "", false },
};

static void test_uidlist(void **state)
{
	struct buf all;

	(void)state;
	buf_init(&all, 4000);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct uidlist l;
		struct span file;
		uint32_t uid;

		unit_case(lists[i].why, 0);
		buf_reset(&all);
		assert_int_equal(uidlist_begin(&l, span_of(lists[i].text)), lists[i].uidvalidity != 0);
		assert_int_equal(l.uidvalidity, lists[i].uidvalidity);
		assert_int_equal(l.uidnext, lists[i].uidnext);
		while (uidlist_next(&l, &uid, &file))
			buf_printf(&all, "%u %.*s ", uid, (int)file.n, (const char *)file.p);
		unit_is(all.p, all.n, lists[i].lines);
		assert_int_equal(uidlist_whole(&l), lists[i].whole);
	}
	buf_clear(&all);
}

static void test_uidlist_written(void **state)
{
	static const uint8_t guid[16] = { 0, 1, 0xff };
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	uidlist_write_begin(&out, 7, 12, guid);
	uidlist_write(&out, 3, span_of("1.a.b"));
	unit_is(out.p, out.n, "3 V7 N12 G0001ff00000000000000000000000000\n3 :1.a.b\n");
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),         cmocka_unit_test(test_flags),
		cmocka_unit_test(test_keywords),      cmocka_unit_test(test_folders), cmocka_unit_test(test_levels),
		cmocka_unit_test(test_subscriptions), cmocka_unit_test(test_uidlist),
		cmocka_unit_test(test_uidlist_written),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "maildir");
}
