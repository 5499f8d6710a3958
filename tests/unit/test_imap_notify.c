/* test_imap_notify.c - NOTIFY (RFC 5465): two sessions, of which one changes what the other is told of.
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "storage/meta.h"

#define OK "1 OK ~\r\n"
#define BAD "1 BAD ~\r\n"
#define SUPPORTED "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange"
#define BADEVENT "1 NO [BADEVENT (" SUPPORTED ")] ~\r\n"
#define MESSAGES "MessageNew MessageExpunge"

static const char mail[] = "Subject: news\r\n\r\nhello\r\n";

static const struct row {
	const char *why, *send, *want;
} rows[] = {
	{ "nothing", "1 NOTIFY NONE\r\n", OK },
	{ "the selected one", "1 NOTIFY SET (SELECTED (" MESSAGES "))\r\n", OK },
	{ "in any letters", "1 notify set (selected-delayed (messagenew messageexpunge flagchange))\r\n", OK },
	{ "with items", "1 NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (From To)]) MessageExpunge))\r\n", OK },
	{ "NONE of them", "1 NOTIFY SET (SELECTED NONE) (personal NONE)\r\n", OK },
	{ "a name", "1 NOTIFY SET (mailboxes INBOX (" MESSAGES "))\r\n", OK },
	{ "names", "1 NOTIFY SET (subtree (INBOX \"Sent\") (" MESSAGES ")) (subscribed (MailboxName))\r\n", OK },
	{ "a name that is not there", "1 NOTIFY SET (mailboxes nope (" MESSAGES "))\r\n", OK },
	{ "a wildcard is a letter", "1 NOTIFY SET STATUS (mailboxes \"INB*\" (" MESSAGES "))\r\n", OK },
	{ "STATUS at the begin", "1 NOTIFY SET STATUS (inboxes (" MESSAGES "))\r\n",
	  "* STATUS \"INBOX\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ~)\r\n" OK },
	{ "with flags", "1 NOTIFY SET STATUS (mailboxes Sent (" MESSAGES " FlagChange))\r\n",
	  "* STATUS \"Sent\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ~ UNSEEN 0 HIGHESTMODSEQ ~)\r\n" OK },
	{ "of names alone there is no STATUS", "1 NOTIFY SET STATUS (personal (MailboxName SubscriptionChange))\r\n", OK },
	{ "new ones without those that go", "1 NOTIFY SET (personal (MessageNew))\r\n", BAD },
	{ "and the other way round", "1 NOTIFY SET (personal (MessageExpunge))\r\n", BAD },
	{ "flags alone", "1 NOTIFY SET (personal (FlagChange))\r\n", BAD },
	{ "flags with one of the two", "1 NOTIFY SET (selected (FlagChange MessageNew))\r\n", BAD },
	{ "names of the selected one", "1 NOTIFY SET (selected (" MESSAGES " MailboxName))\r\n", BAD },
	{ "annotations of the selected one", "1 NOTIFY SET (selected (" MESSAGES " MailboxMetadataChange))\r\n", BAD },
	{ "those of the server with it", "1 NOTIFY SET (selected-delayed (ServerMetadataChange))\r\n", BAD },
	{ "annotations of the others", "1 NOTIFY SET (selected NONE) (personal (MAILBOXMETADATACHANGE))\r\n", OK },
	{ "of the server, in any group", "1 NOTIFY SET STATUS (mailboxes nope (ServerMetadataChange))\r\n", OK },
	{ "of all", "1 NOTIFY SET STATUS (subtree INBOX (MailboxName MailboxMetadataChange ServerMetadataChange))\r\n", OK },
	{ "two selected", "1 NOTIFY SET (selected NONE) (selected-delayed NONE)\r\n", BAD },
	{ "items of another one", "1 NOTIFY SET (personal (MessageNew (UID) MessageExpunge))\r\n", BAD },
	{ "items that are none", "1 NOTIFY SET (selected (MessageNew (NONSENSE) MessageExpunge))\r\n", BAD },
	{ "an event that is none", "1 NOTIFY SET (personal (" MESSAGES " Rain))\r\n", BADEVENT },
	{ "one that is not supported", "1 NOTIFY SET (personal (" MESSAGES " AnnotationChange))\r\n", BADEVENT },
	{ "alone too", "1 NOTIFY SET (personal (AnnotationChange))\r\n", BADEVENT },
	{ "no event", "1 NOTIFY SET (personal ())\r\n", BAD },
	{ "no group", "1 NOTIFY SET\r\n", BAD },
	{ "STATUS of nothing", "1 NOTIFY SET STATUS\r\n", BAD },
	{ "strange mailboxes", "1 NOTIFY SET (all (" MESSAGES "))\r\n", BAD },
	{ "subtree of nothing", "1 NOTIFY SET (subtree (" MESSAGES "))\r\n", BAD },
	{ "a word too many", "1 NOTIFY NONE NONE\r\n", BAD },
	{ "neither", "1 NOTIFY ALL\r\n", BAD },
};

static struct rig *begin(struct conn **c, const char *mailbox)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	*c = rig_login(r, mailbox);
	return r;
}

static void test_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conn *c;
		struct rig *r = begin(&c, NULL);

		unit_case(rows[i].why, i);
		rig_say(c, rows[i].send, rows[i].want);
		rig_say_bytes(c, rows[i].send, rows[i].want);
		rig_free(r);
	}
}

/* Another session's commands; their answers are its own affair. */
static void pump(struct conn *c, const char *text)
{
	rig_pump(c, text, strlen(text));
}

static void put(struct rig *r, const char *mailbox)
{
	fake_store_put(rig_store(r), RIG_ACCOUNT, mailbox, mail, 0);
}

/* What another session does, and what the one that watches Sent and all names is told of it. */
static const struct other {
	const char *why, *notify, *send, *want;
} others[] = {
	{ "a message", "(personal (" MESSAGES "))", "2 APPEND Sent {3+}\r\na\r\n\r\n",
	  "* STATUS \"Sent\" (MESSAGES 2 UIDNEXT 3 UIDVALIDITY ~)\r\n" },
	{ "three at once are one word", "(personal (" MESSAGES "))", "2 APPEND Sent {3+}\r\na\r\n {3+}\r\nb\r\n {3+}\r\nc\r\n\r\n",
	  "* STATUS \"Sent\" (MESSAGES 4 UIDNEXT 5 UIDVALIDITY ~)\r\n" },
	{ "one that goes", "(mailboxes Sent (" MESSAGES "))", "2 SELECT Sent\r\n2 STORE 1 +FLAGS (\\Deleted)\r\n2 EXPUNGE\r\n",
	  "* STATUS \"Sent\" (MESSAGES 0 UIDNEXT 2 UIDVALIDITY ~)\r\n" },
	{ "flags, that nobody asked for", "(mailboxes Sent (" MESSAGES "))", "2 SELECT Sent\r\n2 STORE 1 +FLAGS (\\Seen)\r\n", "" },
	{ "flags", "(mailboxes Sent (" MESSAGES " FlagChange))", "2 SELECT Sent\r\n2 STORE 1 +FLAGS (\\Seen)\r\n",
	  "* STATUS \"Sent\" (UNSEEN 0)\r\n" },
	{ "a mailbox that is not watched", "(mailboxes Drafts (" MESSAGES " FlagChange))", "2 APPEND Sent {3+}\r\na\r\n\r\n", "" },
	{ "NONE", "(personal NONE)", "2 APPEND Sent {3+}\r\na\r\n\r\n2 CREATE x\r\n", "" },
	{ "a name that is made", "(personal (MailboxName))", "2 CREATE x\r\n", "* LIST (\\HasNoChildren) \"/\" \"x\"\r\n" },
	{ "below another, which is told too", "(personal (MailboxName))", "2 CREATE Sent/x\r\n",
	  "* LIST (\\HasNoChildren) \"/\" \"Sent/x\"\r\n* LIST (\\HasChildren \\Sent \\Subscribed) \"/\" \"Sent\"\r\n" },
	{ "one that is deleted", "(personal (MailboxName))", "2 UNSUBSCRIBE Junk\r\n2 DELETE Junk\r\n",
	  "* LIST (\\NonExistent \\HasNoChildren) \"/\" \"Junk\"\r\n" },
	{ "deleted, and still subscribed to", "(personal (MailboxName))", "2 DELETE Junk\r\n",
	  "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" \"Junk\"\r\n" },
	{ "one that is renamed", "(subtree one (MailboxName)) (mailboxes neu (MailboxName))", "2 RENAME one neu\r\n",
	  "* LIST (\\HasChildren) \"/\" \"neu\" (\"OLDNAME\" (\"one\"))\r\n* LIST (\\NonExistent \\HasNoChildren) \"/\" \"one/two\"\r\n"
	  "* LIST (\\NonExistent \\HasNoChildren) \"/\" \"one\"\r\n" },
	{ "what lies below goes along", "(personal (MailboxName))", "2 RENAME one neu\r\n",
	  "* LIST (\\HasChildren) \"/\" \"neu\" (\"OLDNAME\" (\"one\"))\r\n" },
	{ "a subscription", "(personal (SubscriptionChange))", "2 SUBSCRIBE one\r\n",
	  "* LIST (\\HasChildren \\Subscribed) \"/\" \"one\"\r\n" },
	{ "its end", "(subscribed (SubscriptionChange))", "2 UNSUBSCRIBE Sent\r\n", "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent\"\r\n" },
	{ "of what is not there", "(personal (SubscriptionChange))", "2 SUBSCRIBE nope\r\n",
	  "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" \"nope\"\r\n" },
	{ "who is subscribed is not made", "(subscribed (MailboxName))", "2 SUBSCRIBE one\r\n", "" },
	{ "from then on it is watched", "(subscribed (" MESSAGES "))", "2 SUBSCRIBE one\r\n2 APPEND one {3+}\r\na\r\n\r\n",
	  "* STATUS \"one\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ~)\r\n" },
	{ "an annotation that nobody asked for", "(personal (MailboxName SubscriptionChange))", "2 SETMETADATA INBOX (/private/a \"b\")\r\n", "" },
	{ "an annotation", "(personal (MailboxMetadataChange))", "2 SETMETADATA INBOX (/private/a \"b\")\r\n", "* METADATA \"INBOX\" /private/a\r\n" },
	{ "two in one command", "(personal (MailboxMetadataChange))", "2 SETMETADATA Sent (/shared/new \"b\" /private/a \"\")\r\n",
	  "* METADATA \"Sent\" /private/a /shared/new\r\n" },
	{ "in two commands", "(personal (MailboxMetadataChange))",
	  "2 SETMETADATA Sent (/shared/new \"b\")\r\n2 SETMETADATA Sent (/private/a \"\")\r\n", "* METADATA \"Sent\" /private/a /shared/new\r\n" },
	{ "another value", "(mailboxes Sent (MailboxMetadataChange))", "2 SETMETADATA Sent (/shared/old \"2\")\r\n", "* METADATA \"Sent\" /shared/old\r\n" },
	{ "the same value", "(mailboxes Sent (MailboxMetadataChange))", "2 SETMETADATA Sent (/shared/old \"1\")\r\n", "" },
	{ "one that goes", "(mailboxes Sent (MailboxMetadataChange))", "2 SETMETADATA Sent (/shared/old NIL)\r\n", "* METADATA \"Sent\" /shared/old\r\n" },
	{ "all that go", "(mailboxes Sent (MailboxMetadataChange))", "2 SETMETADATA Sent (/shared/old NIL /private/old NIL)\r\n",
	  "* METADATA \"Sent\" /private/old /shared/old\r\n" },
	{ "one that was not there goes", "(mailboxes Sent (MailboxMetadataChange))", "2 SETMETADATA Sent (/shared/none NIL)\r\n", "" },
	{ "a name that is no atom", "(personal (MailboxMetadataChange))", "2 SETMETADATA INBOX (\"/private/(\\\"\" \"b\")\r\n",
	  "* METADATA \"INBOX\" \"/private/(\\\"\"\r\n" },
	{ "of two mailboxes", "(personal (MailboxMetadataChange))", "2 SETMETADATA INBOX (/private/a \"b\")\r\n2 SETMETADATA Junk (/private/a \"b\")\r\n",
	  "* METADATA \"INBOX\" /private/a\r\n* METADATA \"Junk\" /private/a\r\n" },
	{ "of another mailbox", "(mailboxes Sent (MailboxMetadataChange))", "2 SETMETADATA INBOX (/private/a \"b\")\r\n", "" },
	{ "beside a message", "(personal (" MESSAGES " MailboxMetadataChange))", "2 APPEND Sent {3+}\r\na\r\n\r\n2 SETMETADATA Sent (/private/a \"b\")\r\n",
	  "* STATUS \"Sent\" (MESSAGES 2 UIDNEXT 3 UIDVALIDITY ~)\r\n* METADATA \"Sent\" /private/a\r\n" },
	{ "of one that is made", "(personal (MailboxName MailboxMetadataChange))", "2 CREATE x\r\n2 SETMETADATA x (/private/a \"b\")\r\n",
	  "* LIST (\\HasNoChildren) \"/\" \"x\"\r\n* METADATA \"x\" /private/a\r\n" },
	{ "they go along with a rename", "(personal (MailboxMetadataChange))", "2 RENAME Sent neu\r\n", "" },
	{ "and change there", "(personal (MailboxMetadataChange))", "2 RENAME Sent neu\r\n2 SETMETADATA neu (/private/old \"b\")\r\n",
	  "* METADATA \"neu\" /private/old\r\n" },
	{ "they go with the mailbox", "(personal (MailboxMetadataChange))", "2 DELETE Sent\r\n", "" },
	{ "of the server", "(personal (ServerMetadataChange))", "2 SETMETADATA \"\" (/private/a \"b\")\r\n", "* METADATA \"\" /private/a\r\n" },
	{ "the server's that goes", "(mailboxes nope (ServerMetadataChange))", "2 SETMETADATA \"\" (/shared/old NIL)\r\n", "* METADATA \"\" /shared/old\r\n" },
	{ "the server's alone", "(personal (ServerMetadataChange))", "2 SETMETADATA INBOX (/private/a \"b\")\r\n", "" },
	{ "the mailboxes' alone", "(personal (MailboxMetadataChange))", "2 SETMETADATA \"\" (/private/a \"b\")\r\n", "" },
	{ "both", "(inboxes (ServerMetadataChange MailboxMetadataChange))", "2 SETMETADATA \"\" (/private/a \"b\")\r\n2 SETMETADATA INBOX (/private/a \"b\")\r\n",
	  "* METADATA \"\" /private/a\r\n* METADATA \"INBOX\" /private/a\r\n" },
};

static void other_session(const struct other *o, const char *before, const char *after)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);
	char set[300];

	d = rig_login(r, NULL);
	rig_say(d, "1 CREATE one/two\r\n", "1 OK ~\r\n");
	rig_say(d, "1 SETMETADATA Sent (/private/old \"0\" /shared/old \"1\")\r\n", "1 OK ~\r\n");
	rig_say(d, "1 SETMETADATA \"\" (/shared/old \"1\")\r\n", "1 OK ~\r\n");
	put(r, "Sent");
	snprintf(set, sizeof(set), "1 NOTIFY SET %s\r\n", o->notify);
	rig_say(c, set, OK);
	rig_send(c, before);
	rig_output(c);
	pump(d, o->send);
	rig_want(c, o->want);
	rig_say(c, after, *after != '\0' ? "~ OK ~\r\n" : "");
	rig_free(r);
}

static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		unit_case(others[i].why, i);
		other_session(&others[i], "", "1 NOOP\r\n");
		unit_case(others[i].why, i + 100);
		other_session(&others[i], "1 IDLE\r\n", "DONE\r\n");
		unit_case(others[i].why, i + 200);
		other_session(&others[i], "1 SELECT Drafts\r\n", "1 NOOP\r\n");
	}
}

/* RFC 5465 5: what the session does itself is no news. */
static void test_own(void **state)
{
	struct conn *c;
	struct rig *r = begin(&c, NULL);

	(void)state;
	rig_say(c, "1 NOTIFY SET (personal (" SUPPORTED "))\r\n", OK);
	rig_say(c, "1 CREATE a/b\r\n", "1 OK ~\r\n");
	rig_say(c, "1 SUBSCRIBE a/b\r\n", OK);
	rig_say(c, "1 UNSUBSCRIBE a/b\r\n", OK);
	rig_say(c, "1 RENAME a c\r\n", OK);
	rig_say(c, "1 DELETE c/b\r\n", OK);
	rig_say(c, "1 APPEND Sent {3+}\r\na\r\n\r\n", "1 OK ~\r\n");
	rig_free(r);
}

static void test_own_annotations(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);

	(void)state;
	d = rig_login(r, NULL);
	rig_say(d, "2 SETMETADATA Sent (/private/b \"2\" /shared/d \"4\")\r\n", "2 OK ~\r\n");
	rig_say(c, "1 NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))\r\n", OK);
	rig_say(c, "1 SETMETADATA Sent (/private/a \"1\" /shared/c \"3\" /shared/e \"5\")\r\n", OK);
	rig_say(c, "1 SETMETADATA Sent (/private/a \"2\" /private/b NIL /shared/d \"x\" /shared/none NIL)\r\n", OK);
	rig_say(c, "1 SETMETADATA \"\" (/private/a \"1\")\r\n", OK);
	rig_say(c, "1 NOOP\r\n", OK);
	pump(d, "2 SETMETADATA Sent (/private/a \"2\" /shared/c \"3\" /shared/d \"y\")\r\n");
	rig_want(c, "* METADATA \"Sent\" /shared/d\r\n");	/* the others are as this session has set them */
	pump(d, "2 SETMETADATA Sent (/private/a NIL /shared/c NIL /shared/d NIL /shared/e NIL)\r\n");
	rig_want(c, "* METADATA \"Sent\" /private/a /shared/c /shared/d /shared/e\r\n");
	pump(d, "2 SETMETADATA \"\" (/private/a \"2\")\r\n");
	rig_want(c, "* METADATA \"\" /private/a\r\n");
	rig_free(r);
}

/* A look at the selected mailbox, by whatever command, does not hide them. */
static void test_selected_annotations(void **state)
{
	static const char *const commands[] = { "1 NOOP\r\n", "1 SEARCH ALL\r\n", "1 LIST \"\" INBOX\r\n", "1 CHECK\r\n" };
	struct conn *c, *d;
	struct rig *r = begin(&c, "INBOX");

	(void)state;
	d = rig_login(r, NULL);
	rig_say(c, "1 NOTIFY SET (selected (" MESSAGES " FlagChange)) (mailboxes INBOX (MailboxMetadataChange))\r\n", OK);
	pump(d, "2 SETMETADATA INBOX (/private/a \"1\")\r\n");
	rig_want(c, "* METADATA \"INBOX\" /private/a\r\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		unit_case(commands[i], i);
		rig_send(c, commands[i]);
		rig_output(c);
		pump(d, i % 2 == 0 ? "2 SETMETADATA INBOX (/private/a NIL)\r\n" : "2 SETMETADATA INBOX (/private/a \"1\")\r\n");
		rig_want(c, "* METADATA \"INBOX\" /private/a\r\n");
	}
	rig_say(c, "1 IDLE\r\n", "+ idling\r\n");
	pump(d, "2 SETMETADATA INBOX (/private/b \"1\")\r\n");
	rig_want(c, "* METADATA \"INBOX\" /private/b\r\n");
	rig_say(c, "DONE\r\n", "1 OK IDLE completed\r\n");
	rig_free(r);
}

static void make_many(struct conn *d, int from, int to)
{
	for (int i = from; i < to; i++) {
		char line[40];

		snprintf(line, sizeof(line), "2 CREATE box%d\r\n", i);
		pump(d, line);
	}
}

/* Sets the entries from, from + 1 .. to - 1, of long names. */
static void annotate_many(struct conn *d, const char *mailbox, int from, int to)
{
	char line[400], name[STORE_ENTRY_MAX - 12];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = from; i < to; i++) {
		snprintf(line, sizeof(line), "2 SETMETADATA %s (/shared/%02d%s \"x\")\r\n", mailbox, i, name);
		pump(d, line);
	}
}

static bool overflowed(struct conn *c)
{
	struct span told = rig_output(c);

	return memmem(told.p, told.n, "* OK [NOTIFICATIONOVERFLOW] ", 28) != NULL;
}

/* A line has 16 names. */
static void test_many_annotations(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);

	(void)state;
	d = rig_login(r, NULL);
	rig_say(c, "1 NOTIFY SET (personal (MailboxMetadataChange))\r\n", OK);
	pump(d, "2 SETMETADATA Sent (/shared/01 \"\" /shared/02 \"\" /shared/03 \"\" /shared/04 \"\" /shared/05 \"\" /shared/06 \"\""
		" /shared/07 \"\" /shared/08 \"\" /shared/09 \"\" /shared/10 \"\" /shared/11 \"\" /shared/12 \"\""
		" /shared/13 \"\" /shared/14 \"\" /shared/15 \"\" /shared/16 \"\" /shared/17 \"\")\r\n");
	rig_want(c, "* METADATA \"Sent\" /shared/01 /shared/02 /shared/03 /shared/04 /shared/05 /shared/06 /shared/07 /shared/08"
		    " /shared/09 /shared/10 /shared/11 /shared/12 /shared/13 /shared/14 /shared/15 /shared/16\r\n"
		    "* METADATA \"Sent\" /shared/17\r\n");
	rig_free(r);
}

/* RFC 5465 5.8: 128 kB of names are kept of the mailboxes, which is 504 of them. */
static void test_annotations_overflow(void **state)
{
	static const char *const boxes[] = { "INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "a" };
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);

	(void)state;
	d = rig_login(r, NULL);
	make_many(d, 0, 1);
	pump(d, "2 CREATE a\r\n");
	for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
		annotate_many(d, boxes[i], 0, 64);
	annotate_many(d, "\"\"", 0, 64);
	rig_say(c, "1 NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))\r\n", OK);
	annotate_many(d, "box0", 0, 40);
	assert_false(overflowed(c));
	annotate_many(d, "box0", 40, 64);
	assert_true(overflowed(c));
	pump(d, "2 SETMETADATA INBOX (/private/a \"1\")\r\n");
	rig_say(c, "1 NOOP\r\n", OK);
	rig_say(c, "1 NOTIFY SET (personal (MailboxMetadataChange))\r\n", "1 NO [NOTIFICATIONOVERFLOW] ~\r\n");
	rig_say(c, "1 NOTIFY SET (inboxes (MailboxMetadataChange ServerMetadataChange))\r\n", OK);
	rig_free(r);
}

static void test_selected(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, "INBOX");

	(void)state;
	d = rig_login(r, "INBOX");
	rig_say(c, "1 NOTIFY SET (selected (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge FlagChange))\r\n", OK);
	put(r, "INBOX");
	pump(d, "2 NOOP\r\n");
	rig_want(c, "* 1 EXISTS\r\n* ~ RECENT\r\n* 1 FETCH (UID 1 FLAGS (~) BODY[HEADER.FIELDS (Subject)] {17}\r\nSubject: news\r\n\r\n)\r\n");
	pump(d, "2 STORE 1 +FLAGS (\\Flagged)\r\n");
	rig_want(c, "* 1 FETCH (UID 1 FLAGS (~))\r\n");
	rig_say(c, "1 IDLE\r\n", "+ idling\r\n");
	put(r, "INBOX");
	pump(d, "2 NOOP\r\n");
	rig_want(c, "* 2 EXISTS\r\n* ~ RECENT\r\n* 2 FETCH (UID 2 FLAGS (~) BODY[HEADER.FIELDS (Subject)] {17}\r\nSubject: news\r\n\r\n)\r\n");
	for (int i = 0; i < 3; i++)	/* their bodies are opened ahead of each other */
		put(r, "INBOX");
	pump(d, "2 NOOP\r\n");
	rig_want(c, "* 5 EXISTS\r\n* ~ RECENT\r\n"
		    "* 3 FETCH (UID 3 FLAGS (~) BODY[HEADER.FIELDS (Subject)] {17}\r\nSubject: news\r\n\r\n)\r\n"
		    "* 4 FETCH (UID 4 FLAGS (~) BODY[HEADER.FIELDS (Subject)] {17}\r\nSubject: news\r\n\r\n)\r\n"
		    "* 5 FETCH (UID 5 FLAGS (~) BODY[HEADER.FIELDS (Subject)] {17}\r\nSubject: news\r\n\r\n)\r\n");
	rig_say(c, "DONE\r\n", "1 OK IDLE completed\r\n");
	pump(d, "2 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n");
	rig_want(c, "* 1 EXPUNGE\r\n");
	rig_say(c, "1 APPEND INBOX {3+}\r\na\r\n\r\n", "* 5 EXISTS\r\n* ~ RECENT\r\n1 OK ~\r\n");
	rig_free(r);
}

/* RFC 5465 6.1.2 */
static void test_delayed(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, "INBOX");

	(void)state;
	d = rig_login(r, "INBOX");
	put(r, "INBOX");
	put(r, "INBOX");
	rig_say(c, "1 NOTIFY SET (selected-delayed (" MESSAGES "))\r\n", "* 2 EXISTS\r\n* ~ RECENT\r\n" OK);
	pump(d, "2 STORE 1 +FLAGS.SILENT (\\Seen)\r\n");
	rig_want(c, "");	/* flags were not asked for */
	pump(d, "2 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n");
	rig_want(c, "");
	rig_say(c, "1 FETCH 2 UID\r\n", "* 2 FETCH (UID 2)\r\n1 OK ~\r\n");
	rig_say(c, "1 IDLE\r\n", "* 1 EXPUNGE\r\n* 1 EXISTS\r\n* ~ RECENT\r\n+ idling\r\n");
	pump(d, "2 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n");
	rig_want(c, "* 1 EXPUNGE\r\n* 0 EXISTS\r\n* 0 RECENT\r\n");
	rig_say(c, "DONE\r\n", "1 OK IDLE completed\r\n");
	rig_free(r);
}

/* RFC 5465 3.1: SELECTED is not named, so nothing is told of it but by commands that ask for it. */
static void test_quiet(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, "INBOX");

	(void)state;
	d = rig_login(r, "INBOX");
	put(r, "INBOX");
	rig_say(c, "1 NOTIFY SET (personal (" MESSAGES " FlagChange))\r\n", "* 1 EXISTS\r\n* ~ RECENT\r\n" OK);
	put(r, "INBOX");
	pump(d, "2 STORE 1 +FLAGS (\\Seen)\r\n");
	rig_want(c, "");
	rig_say(c, "1 NOOP\r\n", OK);
	rig_say(c, "1 FETCH 1 UID\r\n", "* 1 FETCH (UID 1)\r\n" OK);
	rig_say(c, "1 IDLE\r\n", "+ idling\r\n");
	put(r, "INBOX");
	pump(d, "2 NOOP\r\n");
	rig_want(c, "");
	rig_say(c, "DONE\r\n", "1 OK IDLE completed\r\n");
	rig_say(c, "1 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n", OK);
	rig_say(c, "1 EXPUNGE\r\n", "* 1 EXPUNGE\r\n* 2 EXISTS\r\n* ~ RECENT\r\n" OK);
	rig_say(c, "1 NOTIFY NONE\r\n", OK);
	put(r, "INBOX");
	rig_say(c, "1 NOOP\r\n", OK);
	rig_say(c, "1 NOTIFY SET (selected (" MESSAGES "))\r\n", "* 3 EXISTS\r\n* ~ RECENT\r\n" OK);
	rig_free(r);
}

/* RFC 7162, RFC 9586 and RFC 9051 beside it. */
static void test_enabled(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);

	(void)state;
	d = rig_login(r, NULL);
	rig_say(c, "1 ENABLE QRESYNC UIDONLY IMAP4rev2\r\n", "* ENABLED ~\r\n" OK);
	rig_say(c, "1 NOTIFY SET (selected (MessageNew (FLAGS MODSEQ) MessageExpunge FlagChange)) (personal (" MESSAGES " FlagChange))\r\n", OK);
	put(r, "Sent");
	pump(d, "2 SELECT INBOX\r\n");
	rig_want(c, "* STATUS \"Sent\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ~ UNSEEN 1 HIGHESTMODSEQ ~)\r\n");
	rig_send(c, "1 SELECT INBOX\r\n");
	rig_output(c);
	put(r, "INBOX");
	pump(d, "2 NOOP\r\n");
	rig_want(c, "* 1 EXISTS\r\n* 1 UIDFETCH (FLAGS (~) MODSEQ (~))\r\n");
	pump(d, "2 STORE 1 +FLAGS (\\Deleted)\r\n");
	rig_want(c, "* 1 UIDFETCH (FLAGS (~) MODSEQ (~))\r\n");
	pump(d, "2 EXPUNGE\r\n");
	rig_want(c, "* VANISHED 1\r\n");
	rig_say(c, "1 UNSELECT\r\n", OK);
	pump(d, "2 SELECT Sent\r\n2 STORE 1 +FLAGS (\\Flagged)\r\n");
	rig_want(c, "* STATUS \"Sent\" (UIDVALIDITY ~ HIGHESTMODSEQ ~)\r\n");
	rig_free(r);
}

/* RFC 5465 5.8; six mailboxes are there from the begin. */
static void test_overflow(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);

	(void)state;
	d = rig_login(r, NULL);
	make_many(d, 0, 994);
	rig_say(c, "1 NOTIFY SET (personal (" MESSAGES "))\r\n", OK);
	put(r, "Sent");
	pump(d, "2 NOOP\r\n");
	rig_want(c, "* STATUS \"Sent\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ~)\r\n");
	make_many(d, 994, 995);
	rig_want(c, "* OK [NOTIFICATIONOVERFLOW] ~\r\n");
	put(r, "Sent");
	rig_say(c, "1 NOOP\r\n", OK);
	rig_say(c, "1 NOTIFY SET (personal (" MESSAGES "))\r\n", "1 NO [NOTIFICATIONOVERFLOW] ~\r\n");
	rig_say(c, "1 NOTIFY SET (inboxes (" MESSAGES "))\r\n", OK);
	rig_say(c, "1 NOTIFY SET (personal (ServerMetadataChange))\r\n", OK);	/* it watches no mailbox */
	rig_free(r);
}

/* What can't be read is read later; at the begin that is NO. */
static void test_unread_annotations(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);

	(void)state;
	d = rig_login(r, NULL);
	rig_say(d, "2 SETMETADATA Sent (/private/a \"1\")\r\n", "2 OK ~\r\n");
	fake_store_fail(rig_store(r), FAKE_ANNOTATIONS, STORE_TRY_LATER, 1);
	rig_say(c, "1 NOTIFY SET (personal (MailboxMetadataChange))\r\n", "1 NO [UNAVAILABLE] ~\r\n");
	rig_say(c, "1 NOTIFY SET (personal (MailboxMetadataChange))\r\n", OK);
	fake_store_fail(rig_store(r), FAKE_ANNOTATIONS, STORE_TRY_LATER, 1);
	pump(d, "2 SETMETADATA Sent (/private/a \"2\")\r\n");
	rig_want(c, "");
	rig_time(r, 1500);
	rig_want(c, "* METADATA \"Sent\" /private/a\r\n");
	rig_free(r);
}

/* A look that fails is made again. */
static void test_failure(void **state)
{
	struct conn *c, *d;
	struct rig *r = begin(&c, NULL);

	(void)state;
	d = rig_login(r, NULL);
	rig_say(c, "1 NOTIFY SET (personal (" MESSAGES " MailboxName))\r\n", OK);
	fake_store_fail(rig_store(r), FAKE_LIST, STORE_TRY_LATER, 1);
	pump(d, "2 CREATE x\r\n");
	rig_want(c, "");
	rig_time(r, 1500);
	rig_want(c, "* LIST (\\HasNoChildren) \"/\" \"x\"\r\n");
	fake_store_fail(rig_store(r), FAKE_LIST, STORE_TRY_LATER, 1);
	rig_say(c, "1 NOTIFY SET (inboxes (" MESSAGES "))\r\n", "1 NO [UNAVAILABLE] ~\r\n");
	pump(d, "2 CREATE y\r\n");
	rig_want(c, "* LIST (\\HasNoChildren) \"/\" \"y\"\r\n");	/* what was asked for before stays */
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_annotations),
		cmocka_unit_test(test_selected_annotations),
		cmocka_unit_test(test_many_annotations),
		cmocka_unit_test(test_annotations_overflow),
		cmocka_unit_test(test_unread_annotations),
		cmocka_unit_test(test_selected),
		cmocka_unit_test(test_delayed),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_enabled),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
