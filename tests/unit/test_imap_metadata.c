/* test_imap_metadata.c - GETMETADATA, SETMETADATA (RFC 5464).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "storage/meta.h"

#define OK "1 OK ~\r\n"
#define BAD "1 BAD ~\r\n"

static const struct row {
	const char *why, *send, *want;
} rows[] = {
	{ "of a mailbox", "1 GETMETADATA INBOX /private/comment\r\n", "* METADATA \"INBOX\" (/private/comment \"mine\")\r\n" OK },
	{ "capitals mean nothing", "1 getmetadata inbox /Private/COMMENT\r\n",
	  "* METADATA \"INBOX\" (/private/comment \"mine\")\r\n" OK },
	{ "a name that is no atom", "1 SETMETADATA INBOX (\"/private/(a\" \"x\")\r\n1 GETMETADATA INBOX \"/private/(a\"\r\n",
	  OK "* METADATA \"INBOX\" (\"/private/(a\" \"x\")\r\n" OK },
	{ "several", "1 GETMETADATA INBOX (/shared/comment /private/comment)\r\n",
	  "* METADATA \"INBOX\" (/private/comment \"mine\" /shared/comment {4}\r\na\r\nb)\r\n" OK },
	{ "quoted, and one that is not there", "1 GETMETADATA \"INBOX\" (\"/private/none\" \"/private/comment\")\r\n",
	  "* METADATA \"INBOX\" (/private/comment \"mine\")\r\n" OK },
	{ "of the server", "1 GETMETADATA \"\" /shared/comment\r\n", "* METADATA \"\" (/shared/comment \"\")\r\n" OK },
	{ "none of another mailbox", "1 GETMETADATA Sent /private/comment\r\n", OK },
	{ "an encoded name", "1 SETMETADATA a&AOQ-b (/private/comment x)\r\n", BAD },
	{ "no such mailbox", "1 GETMETADATA nope /private/comment\r\n", "1 NO [NONEXISTENT] ~\r\n" },
	{ "nor to set", "1 SETMETADATA nope (/private/comment \"x\")\r\n", "1 NO [NONEXISTENT] ~\r\n" },
	{ "itself", "1 GETMETADATA (DEPTH 0) INBOX /private/tree\r\n", "* METADATA \"INBOX\" (/private/tree \"0\")\r\n" OK },
	{ "its children too", "1 GETMETADATA (DEPTH 1) INBOX /private/tree\r\n",
	  "* METADATA \"INBOX\" (/private/tree \"0\" /private/tree/a \"1\")\r\n" OK },
	{ "all below", "1 GETMETADATA (DEPTH infinity) INBOX /private/tree\r\n",
	  "* METADATA \"INBOX\" (/private/tree \"0\" /private/tree/a \"1\" /private/tree/a/b \"2\")\r\n" OK },
	{ "no sibling with a longer name", "1 GETMETADATA (DEPTH infinity) INBOX /private/tre\r\n", OK },
	{ "below a scope", "1 GETMETADATA (DEPTH 1) INBOX (/shared)\r\n",
	  "* METADATA \"INBOX\" (/shared/comment {4}\r\na\r\nb)\r\n" OK },
	{ "all that is small", "1 GETMETADATA (MAXSIZE 3 DEPTH infinity) INBOX (/private /shared)\r\n",
	  "* METADATA \"INBOX\" (/private/tree \"0\" /private/tree/a \"1\" /private/tree/a/b \"2\")\r\n"
	  "1 OK [METADATA LONGENTRIES 4] ~\r\n" },
	{ "just small enough", "1 GETMETADATA (MAXSIZE 4) INBOX /private/comment\r\n",
	  "* METADATA \"INBOX\" (/private/comment \"mine\")\r\n" OK },
	{ "options where the examples have them", "1 GETMETADATA INBOX (MAXSIZE 3) (/private/comment)\r\n",
	  "1 OK [METADATA LONGENTRIES 4] ~\r\n" },
	{ "a depth that there is not", "1 GETMETADATA (DEPTH 2) INBOX /private/a\r\n", BAD },
	{ "an option that there is not", "1 GETMETADATA (WIDTH 2) INBOX /private/a\r\n", BAD },
	{ "no entry", "1 GETMETADATA INBOX\r\n", BAD },
	{ "an empty list", "1 GETMETADATA INBOX ()\r\n", BAD },
	{ "an entry without a scope", "1 GETMETADATA INBOX /comment\r\n", BAD },
	{ "a wildcard", "1 GETMETADATA INBOX \"/private/c*\"\r\n", BAD },
	{ "a slash at the end", "1 GETMETADATA INBOX /private/comment/\r\n", BAD },
	{ "a scope has no value", "1 SETMETADATA INBOX (/private \"x\")\r\n", BAD },
	{ "an entry without a value", "1 SETMETADATA INBOX (/private/x)\r\n", BAD },
	{ "an atom is no value", "1 SETMETADATA INBOX (/private/x y)\r\n", BAD },
	{ "no list", "1 SETMETADATA INBOX /private/x \"y\"\r\n", BAD },
};

static struct rig *rig_begin(struct conn **c)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	*c = rig_login(r, NULL);
	rig_say(*c, "1 SETMETADATA INBOX (/private/comment \"mine\" /shared/COMMENT {4+}\r\na\r\nb)\r\n", OK);
	rig_say(*c, "1 SETMETADATA INBOX (/private/tree \"0\" /private/tree/a \"1\" /private/tree/a/b \"2\")\r\n", OK);
	rig_say(*c, "1 SETMETADATA \"\" (/shared/comment \"\")\r\n", OK);
	return r;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conn *c;
		struct rig *r = rig_begin(&c);

		unit_case(rows[i].why, i);
		rig_say(c, rows[i].send, rows[i].want);
		rig_say_bytes(c, rows[i].send, rows[i].want);
		rig_free(r);
	}
}

/* RFC 5464 4.3: NIL takes an entry away, "" does not; a value may hold any byte. */
static void test_values(void **state)
{
	struct conn *c;
	struct rig *r = rig_begin(&c);

	(void)state;
	rig_say(c, "1 SETMETADATA INBOX (/private/comment nil /shared/comment \"\")\r\n", OK);
	rig_say(c, "1 GETMETADATA INBOX (/private/comment /shared/comment)\r\n",
		"* METADATA \"INBOX\" (/shared/comment \"\")\r\n" OK);
	rig_say(c, "1 SETMETADATA INBOX (/private/comment {3+}\r\nNIL)\r\n", OK);
	rig_say(c, "1 GETMETADATA INBOX /private/comment\r\n", "* METADATA \"INBOX\" (/private/comment \"NIL\")\r\n" OK);
	rig_say(c, "1 RENAME Sent Gone\r\n", OK);
	rig_say(c, "1 SETMETADATA Gone (/private/comment \"x\")\r\n1 RENAME Gone Sent\r\n", OK OK);
	rig_say(c, "1 GETMETADATA Sent /private/comment\r\n", "* METADATA \"Sent\" (/private/comment \"x\")\r\n" OK);
	rig_free(r);
}

static void test_limits(void **state)
{
	static char send[STORE_VALUE_MAX + 200];
	struct conn *c;
	struct rig *r = rig_begin(&c);
	int n;

	(void)state;
	n = snprintf(send, sizeof(send), "1 SETMETADATA INBOX (/private/x {%d+}\r\n", STORE_VALUE_MAX + 1);
	memset(send + n, 'v', STORE_VALUE_MAX + 1);
	memcpy(send + n + STORE_VALUE_MAX + 1, ")\r\n", 4);
	rig_say(c, send, "1 NO [METADATA MAXSIZE 16384] ~\r\n");
	for (int i = 0; i < STORE_ANNOTATIONS - 5; i++) {
		snprintf(send, sizeof(send), "1 SETMETADATA INBOX (/private/n%d \"x\")\r\n", i);
		rig_say(c, send, OK);
	}
	rig_say(c, "1 SETMETADATA INBOX (/private/more \"x\")\r\n", "1 NO [METADATA TOOMANY] ~\r\n");
	rig_say(c, "1 SETMETADATA INBOX (/private/n1 NIL /private/more \"x\")\r\n", OK);
	rig_say(c, "1 SETMETADATA INBOX (/private/n2 \"kept\" /private/n1 \"x\")\r\n", "1 NO [METADATA TOOMANY] ~\r\n");
	rig_say(c, "1 GETMETADATA INBOX /private/n2\r\n", "* METADATA \"INBOX\" (/private/n2 \"x\")\r\n" OK);	/* all, or nothing */
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap metadata");
}
