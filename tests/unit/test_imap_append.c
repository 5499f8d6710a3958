/* test_imap_append.c - APPEND of one message or several, and REPLACE (RFC 3502, 8508, 3516, 7889).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/session.h"
#include "storage/meta.h"

static const char letter[] = "From: Anna <anna@example.org>\r\nSubject: one\r\n\r\nHello\r\n";

struct row {
	const char *why, *send, *want;
	unsigned sent, inbox;	/* messages there afterwards */
};

/* INBOX has two messages and is selected, Sent has none. */
static const struct row rows[] = {
	{ "one", "1 APPEND Sent {3+}\r\nabc\r\n", "1 OK [APPENDUID 1002 1] APPEND completed\r\n", 1, 2 },
	{ "two, with what each may have", "1 APPEND Sent (\\Seen $a) {3+}\r\nabc \"21-Nov-2026 20:41:18 +0000\" {3+}\r\ndef\r\n",
	  "1 OK [APPENDUID 1002 1:2] APPEND completed\r\n", 2, 2 },
	{ "three into the selected one", "1 APPEND INBOX {1+}\r\na {1+}\r\nb (\\Draft) {1+}\r\nc\r\n",
	  "* 5 EXISTS\r\n* 5 RECENT\r\n1 OK [APPENDUID 1001 3:5] APPEND completed\r\n", 0, 5 },
	{ "an empty message gives all up", "1 APPEND Sent {3+}\r\nabc {0+}\r\n\r\n", "1 NO [CANNOT] APPEND: the message is empty\r\n", 0, 2 },
	{ "an empty one asked for", "1 APPEND Sent {3+}\r\nabc {0}\r\n", "1 NO [CANNOT] APPEND: the message is empty\r\n", 0, 2 },
	{ "the second one is too large", "1 APPEND Sent {3+}\r\nabc {60000000}\r\n", "1 NO [TOOBIG] ~\r\n", 0, 2 },
	{ "the second size is no number", "1 APPEND Sent {3+}\r\nabc {99999999999999999999}\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "flags that are none", "1 APPEND Sent {3+}\r\nabc (\\Nope) {3+}\r\ndef\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "a second name is no message", "1 APPEND Sent {3+}\r\nabc Sent {3+}\r\ndef\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "no space between two", "1 APPEND Sent {3+}\r\nabc{3+}\r\ndef\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "words behind the message", "1 APPEND Sent {3+}\r\nabc x\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "a space behind the message", "1 APPEND Sent {3+}\r\nabc \r\n", "1 BAD ~\r\n", 0, 2 },
	{ "a lone LF behind it", "1 APPEND Sent {3+}\r\nabc\nx\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "literal8", "1 APPEND Sent ~{3+}\r\nabc\r\n", "1 OK [APPENDUID 1002 1] ~\r\n", 1, 2 },
	{ "literal8 and a literal", "1 APPEND Sent (\\Seen) ~{3+}\r\nabc {3+}\r\ndef\r\n", "1 OK [APPENDUID 1002 1:2] ~\r\n", 2, 2 },
	{ "two tildes", "1 APPEND Sent ~~{3+}\r\nabc\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "no such mailbox", "1 APPEND Nope {3+}\r\nabc {3+}\r\ndef\r\n", "1 NO [TRYCREATE] ~\r\n", 0, 2 },

	{ "UTF8 around a literal8", "1 APPEND Sent UTF8 (~{3+}\r\nabc)\r\n", "1 OK [APPENDUID 1002 1] ~\r\n", 1, 2 },
	{ "two of them", "1 APPEND Sent (\\Seen) UTF8 (~{3+}\r\nabc) utf8 (~{3+}\r\ndef)\r\n", "1 OK [APPENDUID 1002 1:2] ~\r\n", 2, 2 },
	{ "one and a plain one", "1 APPEND Sent UTF8 (~{3+}\r\nabc) {3+}\r\ndef\r\n", "1 OK [APPENDUID 1002 1:2] ~\r\n", 2, 2 },
	{ "UTF8 without its end", "1 APPEND Sent UTF8 (~{3+}\r\nabc\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "the same before another", "1 APPEND Sent UTF8 (~{3+}\r\nabc {3+}\r\ndef\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "UTF8 around a plain literal", "1 APPEND Sent UTF8 ({3+}\r\nabc)\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "a ) without UTF8", "1 APPEND Sent ~{3+}\r\nabc)\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "8 bits in a header", "1 APPEND Sent UTF8 (~{12+}\r\na: \xc3\xbc\r\n\r\nabc)\r\n", "1 OK ~\r\n", 1, 2 },
	{ "the same of no charset, in the second", "1 APPEND Sent {3+}\r\nabc {7+}\r\n\xfc\xe4\r\n\r\nb {1+}\r\nc\r\n", "1 OK [APPENDUID 1002 1:3] ~\r\n", 3, 2 },
	{ "8 bits in a body", "1 APPEND Sent {10+}\r\na: b\r\n\r\n\xc3\xbc\r\n", "1 OK ~\r\n", 1, 2 },

	{ "REPLACE in the same mailbox", "1 REPLACE 1 INBOX (\\Seen) {3+}\r\nabc\r\n",
	  "* OK [APPENDUID 1001 3] ~\r\n* 1 EXPUNGE\r\n* 2 EXISTS\r\n* 2 RECENT\r\n1 OK REPLACE completed\r\n", 0, 2 },
	{ "UID REPLACE into another", "1 UID REPLACE 2 Sent \"21-Nov-2026 20:41:18 +0000\" ~{3+}\r\nabc\r\n",
	  "* OK [APPENDUID 1002 1] ~\r\n* 2 EXPUNGE\r\n* 1 EXISTS\r\n* 1 RECENT\r\n1 OK REPLACE completed\r\n", 1, 1 },
	{ "one that is not there", "1 REPLACE 3 INBOX {3+}\r\nabc\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "a UID that is not there", "1 UID REPLACE 3 INBOX {3+}\r\nabc\r\n", "1 NO [NONEXISTENT] ~\r\n", 0, 2 },
	{ "a set", "1 REPLACE 1:2 INBOX {3+}\r\nabc\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "a star", "1 REPLACE * INBOX {3+}\r\nabc\r\n", "1 BAD ~\r\n", 0, 2 },
	{ "by two", "1 REPLACE 1 INBOX {3+}\r\nabc {3+}\r\ndef\r\n", "1 BAD REPLACE takes one message\r\n", 0, 2 },
	{ "by none", "1 REPLACE 1 INBOX {0+}\r\n\r\n", "1 NO [CANNOT] REPLACE: the message is empty\r\n", 0, 2 },
	{ "into a mailbox that is not there", "1 REPLACE 1 Nope {3+}\r\nabc\r\n", "1 NO [TRYCREATE] ~\r\n", 0, 2 },
	{ "without a literal", "1 REPLACE 1 INBOX x\r\n", "1 BAD ~\r\n", 0, 2 },
};

static struct rig *rig_with(size_t messages)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	for (size_t i = 0; i < messages; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	return r;
}

static void check_counts(struct rig *r, struct conn *c, const struct row *row)
{
	char want[200];

	snprintf(want, sizeof(want), "* STATUS \"Sent\" (MESSAGES %u)\r\n2 OK ~\r\n* STATUS \"INBOX\" (MESSAGES %u)\r\n3 OK ~\r\n",
		 row->sent, row->inbox);
	rig_say(c, "2 STATUS Sent (MESSAGES)\r\n3 STATUS INBOX (MESSAGES)\r\n", want);
	assert_int_equal(fake_store_stages(rig_store(r)), 0);
}

static void check_cut(const struct row *row, size_t cut)
{
	struct rig *r = rig_with(2);
	struct conn *c = rig_login(r, "INBOX");
	char *first = strndup(row->send, cut);

	unit_case(row->why, cut);
	rig_send(c, first);
	rig_say(c, row->send + cut, row->want);
	check_counts(r, c, row);
	free(first);
	rig_free(r);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].send); cut++)
			check_cut(&rows[i], cut);
}

/* The same where the client waits for each "+". */
static void test_synchronizing(void **state)
{
	struct rig *r = rig_with(1);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 APPEND Sent (\\Seen) {3}\r\n", "+ Go ahead\r\n");
	rig_say(c, "abc (\\Draft) {3}\r\n", "+ Go ahead\r\n");
	rig_say(c, "def {0}\r\n", "1 NO [CANNOT] APPEND: the message is empty\r\n");
	rig_say(c, "2 APPEND {4}\r\n", "+ Go ahead\r\n");
	rig_say(c, "Sent ~{3}\r\n", "+ Go ahead\r\n");
	rig_say(c, "abc {3}\r\n", "+ Go ahead\r\n");
	rig_say(c, "def\r\n", "2 OK [APPENDUID 1002 1:2] APPEND completed\r\n");
	rig_say(c, "3 REPLACE 1 Sent {3}\r\n", "+ Go ahead\r\n");
	rig_say(c, "ghi\r\n", "* OK [APPENDUID 1002 3] ~\r\n* 1 EXPUNGE\r\n* 0 EXISTS\r\n* 0 RECENT\r\n3 OK REPLACE completed\r\n");
	assert_int_equal(fake_store_stages(rig_store(r)), 0);
	rig_free(r);
}

/* What each message is, and that it is that message. */
static void test_contents(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 APPEND INBOX (\\Seen $a) \"21-Nov-2026 20:41:18 +0000\" {9+}\r\na: 1\r\n\r\nx (\\Draft) \"01-Jan-2020 00:00:00 +0000\" {9+}\r\nb: 1\r\n\r\ny\r\n",
		"* FLAGS (~ $a)\r\n* 2 EXISTS\r\n* 2 RECENT\r\n1 OK [APPENDUID 1001 1:2] APPEND completed\r\n");
	rig_say(c, "2 FETCH 1:2 (FLAGS INTERNALDATE BODY.PEEK[])\r\n",
		"* 1 FETCH (FLAGS (\\Seen $a \\Recent) INTERNALDATE \"21-Nov-2026 20:41:18 +0000\" BODY[] {9}\r\na: 1\r\n\r\nx)\r\n"
		"* 2 FETCH (FLAGS (\\Draft \\Recent) INTERNALDATE \" 1-Jan-2020 00:00:00 +0000\" BODY[] {9}\r\nb: 1\r\n\r\ny)\r\n2 OK ~\r\n");
	rig_free(r);
}

static void test_nul(void **state)
{
	static const char plain[] = "1 APPEND Sent {3+}\r\na\0b\r\n", binary[] = "2 APPEND Sent {1+}\r\na ~{3+}\r\na\0b {1+}\r\na\r\n";
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_send_bytes(c, plain, sizeof(plain) - 1);
	rig_want(c, "1 BAD A NUL in the message\r\n");
	rig_send_bytes(c, binary, sizeof(binary) - 1);
	rig_want(c, "2 NO [UNKNOWN-CTE] ~\r\n");
	rig_say(c, "3 STATUS Sent (MESSAGES)\r\n", "* STATUS \"Sent\" (MESSAGES 0)\r\n3 OK ~\r\n");
	assert_int_equal(fake_store_stages(rig_store(r)), 0);
	rig_free(r);
}

/* As many as one commit takes, and one more. */
static void test_many(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		rig_send(c, "1 APPEND Sent");
		for (unsigned i = 0; i < IMAP_MUTATIONS + round; i++)
			rig_send(c, " {3+}\r\nabc");
		rig_say(c, "\r\n", round == 0 ? "1 OK [APPENDUID 1002 1:64] APPEND completed\r\n" : "1 NO [LIMIT] ~\r\n");
	}
	rig_say(c, "2 STATUS Sent (MESSAGES)\r\n", "* STATUS \"Sent\" (MESSAGES 64)\r\n2 OK ~\r\n");
	assert_int_equal(fake_store_stages(rig_store(r)), 0);
	rig_free(r);
}

/* All or none: the store refuses, the client goes away, the mailbox is read-only. */
static void test_failures(void **state)
{
	struct rig *r = rig_with(1);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	fake_store_fail(rig_store(r), FAKE_COMMIT, STORE_OVER_QUOTA, 1);
	rig_say(c, "1 APPEND Sent {3+}\r\nabc {3+}\r\ndef\r\n", "1 NO [OVERQUOTA] ~\r\n");
	fake_store_fail(rig_store(r), FAKE_COMMIT, STORE_TRY_LATER, 1);
	rig_say(c, "2 REPLACE 1 INBOX {3+}\r\nabc\r\n", "2 NO [UNAVAILABLE] ~\r\n");
	rig_say(c, "3 FETCH 1 UID\r\n", "* 1 FETCH (UID 1)\r\n3 OK ~\r\n");
	rig_say(c, "4 APPEND Sent {3+}\r\nabc {30+}\r\nde", "");
	rig_close(c);
	assert_int_equal(fake_store_stages(rig_store(r)), 0);
	c = rig_login(r, NULL);
	rig_say(c, "1 REPLACE 1 INBOX {3+}\r\nabc\r\n", "1 BAD Select a mailbox first\r\n");
	rig_say(c, "2 STATUS Sent (MESSAGES)\r\n", "* STATUS \"Sent\" (MESSAGES 0)\r\n2 OK ~\r\n");
	rig_send(c, "3 EXAMINE INBOX\r\n");
	rig_output(c);
	rig_say(c, "4 REPLACE 1 INBOX {3+}\r\nabc\r\n", "4 NO [CANNOT] ~\r\n");
	rig_free(r);
}

/* A UID that was there once, between two that are. */
static void test_replace_gone(void **state)
{
	struct rig *r = rig_with(3);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_send(c, "1 STORE 2 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n");
	rig_output(c);
	rig_say(c, "3 UID REPLACE 2 INBOX {3+}\r\nabc\r\n", "3 NO [NONEXISTENT] ~\r\n");
	rig_say(c, "4 UID REPLACE 3 Sent {3+}\r\nabc\r\n", "* OK [APPENDUID 1002 1] ~\r\n* 2 EXPUNGE\r\n* 1 EXISTS\r\n* 1 RECENT\r\n4 OK ~\r\n");
	rig_free(r);
}

/* RFC 6855 3: names and strings as UTF-8, both ways. */
static void test_utf8(void **state)
{
	static const struct {
		const char *send, *want;
	} utf8_rows[] = {
		{ "1 CREATE \"Gr\xc3\xbc\xc3\x9f" "e\"\r\n", "1 OK ~\r\n" },
		{ "2 LIST \"\" Gr*\r\n", "* LIST (\\HasNoChildren) \"/\" \"Gr\xc3\xbc\xc3\x9f" "e\"\r\n2 OK ~\r\n" },
		{ "3 STATUS {7+}\r\nGr\xc3\xbc\xc3\x9f" "e (MESSAGES)\r\n", "* STATUS \"Gr\xc3\xbc\xc3\x9f" "e\" (MESSAGES 0)\r\n3 OK ~\r\n" },
		{ "4 APPEND \"Gr\xc3\xbc\xc3\x9f" "e\" UTF8 (~{12+}\r\na: \xc3\xbc\r\n\r\nabc)\r\n", "4 OK ~\r\n" },
		{ "5 CREATE \"\xfc\"\r\n", "5 BAD CREATE: a quoted string is not UTF-8\r\n" },
		{ "6 CREATE {1+}\r\n\xfc\r\n", "6 BAD CREATE: the mailbox name is not UTF-8, or has a control character\r\n" },
		{ "7 CREATE \"a\xe2\x80\xa8" "b\"\r\n", "7 BAD CREATE: ~\r\n" },
		{ "8 CREATE \"a\xc2\x85" "b\"\r\n", "8 BAD CREATE: ~\r\n" },
		{ "9 CREATE A&B\r\n", "9 OK ~\r\n" },
		{ "a LIST \"\" A*B\r\n", "* LIST (\\HasNoChildren) \"/\" \"A&B\"\r\na OK ~\r\n" },
	};
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, NULL);

	(void)state;
	rig_say(c, "1 CREATE Gr&APwA3w-\r\n", "1 OK ~\r\n");
	rig_say(c, "2 DELETE Gr&APwA3w-\r\n", "2 OK ~\r\n");
	rig_say(c, "3 CREATE \"\xc3\xbc\"\r\n", "3 BAD ~\r\n");
	rig_say(c, "4 ENABLE UTF8=ACCEPT\r\n", "* ENABLED UTF8=ACCEPT\r\n4 OK ~\r\n");
	for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++)
		rig_say(c, utf8_rows[i].send, utf8_rows[i].want);
	rig_send(c, "b SELECT INBOX\r\n");
	rig_output(c);
	rig_say(c, "c SEARCH CHARSET UTF-8 SUBJECT x\r\n", "c BAD SEARCH: no CHARSET ~\r\n");
	rig_say(c, "d SEARCH SUBJECT \"\xc3\xbc\"\r\n", "* SEARCH\r\nd OK ~\r\n");
	c = rig_login(r, NULL);
	rig_say(c, "1 LIST \"\" Gr*\r\n", "* LIST (\\HasNoChildren) \"/\" \"Gr&APwA3w-e\"\r\n1 OK ~\r\n");
	rig_say(c, "2 LIST \"\" A*B\r\n", "* LIST (\\HasNoChildren) \"/\" \"A&-B\"\r\n2 OK ~\r\n");
	rig_free(r);
}

static bool has(struct span out, const char *word)
{
	return memmem(out.p, out.n, word, strlen(word)) != NULL;
}

static void test_offers(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, NULL);
	struct span out;

	(void)state;
	rig_send(c, "1 CAPABILITY\r\n");
	out = rig_output(c);
	assert_true(has(out, " MULTIAPPEND "));

	assert_true(has(out, " REPLACE "));
	assert_true(has(out, " APPENDLIMIT=52428800\r\n"));
	rig_say(c, "2 STATUS Sent (APPENDLIMIT MESSAGES)\r\n", "* STATUS \"Sent\" (MESSAGES 0 APPENDLIMIT 52428800)\r\n2 OK ~\r\n");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	 cmocka_unit_test(test_synchronizing), cmocka_unit_test(test_contents),
		cmocka_unit_test(test_nul),	 cmocka_unit_test(test_many),	       cmocka_unit_test(test_failures),
		cmocka_unit_test(test_utf8),	 cmocka_unit_test(test_replace_gone),	 cmocka_unit_test(test_offers),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap append");
}
