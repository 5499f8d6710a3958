/* test_imap_notify_enable.c - ENABLE METADATA (RFC 5464 4.1, 4.4): a session is told which annotations another has changed.
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include "storage/meta.h"

#define ENABLED "1 ENABLE METADATA\r\n", "* ENABLED METADATA\r\n1 OK ~\r\n"
#define OK "1 OK ~\r\n"

static const char mail[] = "Subject: news\r\n\r\nhello\r\n";

static void pump(struct conn *d, const char *commands)
{
	rig_pump(d, commands, strlen(commands));
}

static void put(struct rig *r)
{
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", mail, 0);
}

/* c is watched; d is somebody else. mailbox: c's; NULL: none. */
static struct rig *begin(struct conn **c, struct conn **d, const char *mailbox)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	*c = rig_login(r, mailbox);
	*d = rig_login(r, NULL);
	pump(*d, "2 SETMETADATA Sent (/shared/old \"1\")\r\n2 SETMETADATA \"\" (/shared/old \"1\")\r\n");
	return r;
}

/* What others send, and what a session is told that has enabled it and does nothing. */
static const struct {
	const char *why, *send, *want;
} rows[] = {
	{ "of a mailbox", "2 SETMETADATA INBOX (/private/a \"b\")\r\n", "* METADATA \"INBOX\" /private/a\r\n" },
	{ "of another", "2 SETMETADATA Sent (/shared/old \"2\" /private/a \"b\")\r\n", "* METADATA \"Sent\" /private/a /shared/old\r\n" },
	{ "one that goes", "2 SETMETADATA Sent (/shared/old NIL)\r\n", "* METADATA \"Sent\" /shared/old\r\n" },
	{ "the same value", "2 SETMETADATA Sent (/shared/old \"1\")\r\n", "" },
	{ "of the server", "2 SETMETADATA \"\" (/shared/old \"2\")\r\n", "* METADATA \"\" /shared/old\r\n" },
	{ "of one that is made", "2 CREATE x\r\n2 SETMETADATA x (/private/a \"b\")\r\n", "* METADATA \"x\" /private/a\r\n" },
	{ "a name alone", "2 RENAME Sent neu\r\n", "" },
	{ "and change behind it", "2 RENAME Sent neu\r\n2 SETMETADATA neu (/shared/old \"2\")\r\n", "* METADATA \"neu\" /shared/old\r\n" },
	{ "messages", "2 APPEND Sent {3+}\r\na\r\n\r\n", "" },
	{ "a subscription", "2 SUBSCRIBE nope\r\n", "" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int selected = 0; selected < 2; selected++) {
			struct conn *c, *d;
			struct rig *r = begin(&c, &d, selected ? "INBOX" : NULL);

			unit_case(rows[i].why, (size_t)selected);
			rig_say(c, ENABLED);
			pump(d, rows[i].send);
			rig_want(c, rows[i].want);
			rig_say(c, "1 NOOP\r\n", OK);
			rig_free(r);
		}
}

static void test_only_once_enabled(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, &d, NULL);

	(void)state;
	rig_say(c, "1 ENABLE METADATA-SERVER X-NONE\r\n", "* ENABLED\r\n1 OK ~\r\n");	/* RFC 5464 4.1: "depending on which" */
	pump(d, "2 SETMETADATA INBOX (/private/a \"1\")\r\n");
	rig_say(c, "1 NOOP\r\n", OK);
	rig_say(c, "1 ENABLE METADATA CONDSTORE\r\n", "* ENABLED METADATA CONDSTORE\r\n1 OK ~\r\n");
	rig_say(c, "1 ENABLE METADATA\r\n", "* ENABLED\r\n1 OK ~\r\n");
	pump(d, "2 SETMETADATA INBOX (/private/a \"2\")\r\n");
	rig_want(c, "* METADATA \"INBOX\" /private/a\r\n");
	rig_say(c, "1 SETMETADATA INBOX (/private/a \"3\" /private/b \"1\")\r\n", OK);	/* no third party's */
	rig_say(c, "1 NOOP\r\n", OK);
	rig_free(r);
}

/* All else stays as it is without NOTIFY: messages are told of by commands and in IDLE. */
static void test_messages_as_ever(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, &d, "INBOX");

	(void)state;
	rig_say(c, ENABLED);
	put(r);
	pump(d, "2 NOOP\r\n2 SETMETADATA INBOX (/private/a \"1\")\r\n");
	rig_want(c, "* METADATA \"INBOX\" /private/a\r\n");
	rig_say(c, "1 NOOP\r\n", "* 1 EXISTS\r\n* ~ RECENT\r\n1 OK ~\r\n");
	rig_say(c, "1 IDLE\r\n", "+ idling\r\n");
	put(r);
	pump(d, "2 NOOP\r\n");
	rig_want(c, "* 2 EXISTS\r\n* ~ RECENT\r\n");
	pump(d, "2 SETMETADATA INBOX (/private/a \"2\")\r\n");
	rig_want(c, "* METADATA \"INBOX\" /private/a\r\n");
	pump(d, "2 SETMETADATA Sent (/shared/old \"2\")\r\n2 SELECT INBOX\r\n2 STORE 1 +FLAGS (\\Flagged)\r\n");
	rig_want(c, "* 1 FETCH (UID 1 FLAGS (\\Flagged~))\r\n* METADATA \"Sent\" /shared/old\r\n");
	rig_say(c, "DONE\r\n", "1 OK ~\r\n");
	rig_free(r);
}

/* RFC 5465 3.1 sets what NOTIFY tells; what was enabled stays enabled. */
static void test_with_notify(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, &d, "INBOX");

	(void)state;
	rig_say(c, ENABLED);
	rig_say(c, "1 NOTIFY SET (personal (MailboxName))\r\n", OK);
	pump(d, "2 SETMETADATA Sent (/shared/old \"2\")\r\n");
	rig_want(c, "* METADATA \"Sent\" /shared/old\r\n");
	pump(d, "2 CREATE x\r\n");
	rig_want(c, "* LIST (\\HasNoChildren) \"/\" \"x\"\r\n");
	rig_say(c, "1 NOTIFY NONE\r\n", OK);
	pump(d, "2 CREATE y\r\n2 SETMETADATA \"\" (/shared/old \"2\")\r\n");
	rig_want(c, "* METADATA \"\" /shared/old\r\n");
	put(r);
	pump(d, "2 NOOP\r\n");
	rig_say(c, "1 NOOP\r\n", OK);		/* RFC 5465 3.1: NONE is of the selected one, too */
	rig_free(r);
}

/* NOTIFY came first: it goes on, and what there is already may be told once (RFC 5465 5.6). */
static void test_behind_notify(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, &d, NULL);

	(void)state;
	rig_say(c, "1 NOTIFY SET (personal (MailboxName))\r\n", OK);
	rig_say(c, "1 ENABLE METADATA\r\n",
		"* ENABLED METADATA\r\n1 OK ~\r\n* METADATA \"\" /shared/old\r\n* METADATA \"Sent\" /shared/old\r\n");
	pump(d, "2 SETMETADATA INBOX (/private/a \"1\")\r\n");
	rig_want(c, "* METADATA \"INBOX\" /private/a\r\n");
	pump(d, "2 CREATE x\r\n");
	rig_want(c, "* LIST (\\HasNoChildren) \"/\" \"x\"\r\n");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_only_once_enabled),
		cmocka_unit_test(test_messages_as_ever),
		cmocka_unit_test(test_with_notify),
		cmocka_unit_test(test_behind_notify),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap notify enable");
}
