/* test_imap_list.c - LIST in all its forms, LSUB, XLIST, quotas (RFC 3501, RFC 5258, RFC 5819, RFC 6154, RFC 9208).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/match.h"
#include "imapd/session.h"
#include "storage/meta.h"

static struct rig *rig_begin(void)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };

	return rig_new(&o);
}

#define L(attributes, name) "* LIST (" attributes ") \"/\" \"" name "\"\r\n"
#define OK "1 OK ~\r\n"
#define NO_CHILD "\\HasNoChildren"
#define SUBSCRIBED "(\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"

/* a (subscribed), a/b, a/b/c (subscribed), d/e (d is not there), f/g (subscribed, neither is there) */
static const char setting[] = "0 CREATE a/b/c\r\n0 SUBSCRIBE a\r\n0 SUBSCRIBE a/b/c\r\n0 CREATE d/e\r\n0 DELETE d\r\n"
			      "0 SUBSCRIBE f/g\r\n";

static const struct row {
	const char *why, *send, *want;
} rows[] = {
	{ "one level", "1 LIST \"\" a/%\r\n", L("\\HasChildren", "a/b") OK },
	{ "a parent that is not there", "1 LIST \"\" d\r\n", L("\\Noselect \\HasChildren", "d") OK },
	{ "the same, to who knows more", "1 LIST \"\" (d)\r\n", L("\\NonExistent \\HasChildren", "d") OK },
	{ "a name that is only subscribed to is no mailbox", "1 LIST \"\" f*\r\n", OK },
	{ "nor is what lies above it", "1 LIST \"\" (f f/g)\r\n", OK },
	{ "several patterns, each name once", "1 LIST \"\" (\"a\" a* INBOX)\r\n",
	  L(NO_CHILD, "INBOX") L("\\HasChildren", "a") L("\\HasChildren", "a/b") L(NO_CHILD, "a/b/c") OK },
	{ "several patterns behind a reference", "1 LIST a/ (b b/c)\r\n", L("\\HasChildren", "a/b") L(NO_CHILD, "a/b/c") OK },
	{ "no selection option at all", "1 LIST () \"\" a\r\n", L("\\HasChildren", "a") OK },
	{ "no return option at all", "1 LIST \"\" a RETURN ()\r\n", L("\\HasChildren", "a") OK },
	{ "an empty pattern, extended, asks for no separator", "1 LIST () \"\" \"\"\r\n", OK },
	{ "an empty list of patterns", "1 LIST \"\" ()\r\n", "1 BAD LIST: a pattern is missing\r\n" },
	{ "a list of patterns without an end", "1 LIST \"\" (a b\r\n", "1 BAD LIST: ~\r\n" },
	{ "subscribed", "1 LIST (SUBSCRIBED) \"\" (a* d* f*)\r\n",
	  L("\\HasChildren \\Subscribed", "a") L(NO_CHILD " \\Subscribed", "a/b/c")
	  L("\\NonExistent " NO_CHILD " \\Subscribed", "f/g") OK },
	{ "a parent is no match without RECURSIVEMATCH", "1 LIST (SUBSCRIBED) \"\" f\r\n", OK },
	{ "with it, it is", "1 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %\r\n",
	  "* LIST (\\HasNoChildren \\Archive \\Subscribed) \"/\" \"Archive\"\r\n* LIST (\\HasNoChildren \\Drafts \\Subscribed) \"/\" \"Drafts\"\r\n"
	  "* LIST (\\HasNoChildren \\Subscribed) \"/\" \"INBOX\"\r\n* LIST (\\HasNoChildren \\Junk \\Subscribed) \"/\" \"Junk\"\r\n"
	  "* LIST (\\HasNoChildren \\Sent \\Subscribed) \"/\" \"Sent\"\r\n* LIST (\\HasNoChildren \\Trash \\Subscribed) \"/\" \"Trash\"\r\n"
	  "* LIST (\\HasChildren \\Subscribed) \"/\" \"a\" " SUBSCRIBED
	  "* LIST (\\NonExistent \\HasNoChildren) \"/\" \"f\" " SUBSCRIBED OK },
	{ "a parent that is there and not subscribed", "1 LIST (RECURSIVEMATCH SUBSCRIBED REMOTE) \"\" a/%\r\n",
	  "* LIST (\\HasChildren) \"/\" \"a/b\" " SUBSCRIBED OK },
	{ "no word of a child that is told itself", "1 LIST (RECURSIVEMATCH SUBSCRIBED) a/ *\r\n",
	  L(NO_CHILD " \\Subscribed", "a/b/c") OK },
	{ "RECURSIVEMATCH alone", "1 LIST (RECURSIVEMATCH) \"\" *\r\n", "1 BAD LIST: RECURSIVEMATCH ~\r\n" },
	{ "RECURSIVEMATCH and REMOTE", "1 LIST (REMOTE RECURSIVEMATCH) \"\" *\r\n", "1 BAD LIST: RECURSIVEMATCH ~\r\n" },
	{ "nothing is elsewhere", "1 LIST (REMOTE) \"\" a\r\n", L("\\HasChildren", "a") OK },
	{ "roles", "1 LIST (SPECIAL-USE) \"\" (a S* T*)\r\n", L(NO_CHILD " \\Sent", "Sent") L(NO_CHILD " \\Trash", "Trash") OK },
	{ "both selections", "1 LIST (SPECIAL-USE SUBSCRIBED) \"\" (a S*)\r\n", L(NO_CHILD " \\Sent \\Subscribed", "Sent") OK },
	{ "return options", "1 LIST \"\" (a a/b) RETURN (CHILDREN SUBSCRIBED SPECIAL-USE)\r\n",
	  L("\\HasChildren \\Subscribed", "a") L("\\HasChildren", "a/b") OK },
	{ "an unknown return option", "1 LIST \"\" a RETURN (CHILDREN MYRIGHTS)\r\n", "1 BAD LIST: no such return option\r\n" },
	{ "status", "1 LIST \"\" (INBOX a) RETURN (STATUS (MESSAGES UIDNEXT) SUBSCRIBED)\r\n",
	  L(NO_CHILD " \\Subscribed", "INBOX") "* STATUS \"INBOX\" (MESSAGES 2 UIDNEXT 3)\r\n"
	  L("\\HasChildren \\Subscribed", "a") "* STATUS \"a\" (MESSAGES 0 UIDNEXT 1)\r\n" OK },
	{ "status with a look of its own", "1 LIST \"\" (INBOX a) RETURN (STATUS (RECENT))\r\n",
	  L(NO_CHILD, "INBOX") "* STATUS \"INBOX\" (RECENT 2)\r\n" L("\\HasChildren", "a") "* STATUS \"a\" (RECENT 0)\r\n" OK },
	{ "no status of what can't be selected", "1 LIST \"\" (d f) RETURN (STATUS (MESSAGES))\r\n",
	  L("\\NonExistent \\HasChildren", "d") OK },
	{ "status without items", "1 LIST \"\" a RETURN (STATUS)\r\n", "1 BAD LIST: ~\r\n" },
	{ "status with an unknown item", "1 LIST \"\" a RETURN (STATUS (NOPE))\r\n", "1 BAD LIST: no such item\r\n" },
	{ "LSUB takes no options", "1 LSUB (SUBSCRIBED) \"\" *\r\n", "1 BAD LSUB: ~\r\n" },
	{ "LSUB takes one pattern", "1 LSUB \"\" (a\r\n", "1 BAD LSUB: ~\r\n" },
	{ "LSUB and a level", "1 LSUB \"\" f%\r\n", "* LSUB (\\Noselect \\HasChildren) \"/\" \"f\"\r\n" OK },
	{ "LSUB of a name that is not there", "1 LSUB \"\" f*\r\n", "* LSUB (\\Noselect \\HasNoChildren) \"/\" \"f/g\"\r\n" OK },
	{ "XLIST", "1 XLIST \"\" %\r\n",
	  "* XLIST (\\HasNoChildren \\Archive) \"/\" \"Archive\"\r\n* XLIST (\\HasNoChildren \\Drafts) \"/\" \"Drafts\"\r\n"
	  "* XLIST (\\HasNoChildren \\Inbox) \"/\" \"INBOX\"\r\n* XLIST (\\HasNoChildren \\Spam) \"/\" \"Junk\"\r\n"
	  "* XLIST (\\HasNoChildren \\Sent) \"/\" \"Sent\"\r\n* XLIST (\\HasNoChildren \\Trash) \"/\" \"Trash\"\r\n"
	  "* XLIST (\\HasChildren) \"/\" \"a\"\r\n* XLIST (\\Noselect \\HasChildren) \"/\" \"d\"\r\n" OK },
	{ "XLIST for the separator", "1 XLIST \"\" \"\"\r\n", "* XLIST (\\Noselect) \"/\" \"\"\r\n" OK },
};

static void test_rows(void **state)
{
	struct rig *r = rig_begin();
	struct conn *c;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", "Subject: x\r\n\r\nx\r\n", 0);
	c = rig_login(r, NULL);
	rig_send(c, setting);
	rig_output(c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		rig_say(c, rows[i].send, rows[i].want);
		rig_say_bytes(c, rows[i].send, rows[i].want);
		if (i % 10 == 9) {	/* BAD is counted */
			rig_close(c);
			c = rig_login(r, NULL);
		}
	}
	rig_free(r);
}

/* A hundred wildcards on many names: a pattern costs what it has to match. */
static void test_wildcards(void **state)
{
	struct rig *r = rig_begin();
	struct conn *c = rig_login(r, NULL);
	char line[2000] = "1 LIST \"\" ";
	size_t n = strlen(line);

	(void)state;
	rig_say(c, "1 CREATE x/y/z/a\r\n", OK);
	for (size_t i = 0; i < 100; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "*%%*%%*%%");
	snprintf(line + n, sizeof(line) - n, "a\r\n");
	rig_say(c, line, "* LIST (\\HasNoChildren) \"/\" \"x/y/z/a\"\r\n" OK);
	n = (size_t)snprintf(line, sizeof(line), "1 LIST \"\" ");
	for (size_t i = 0; i < 400; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "*a%%/");
	snprintf(line + n, sizeof(line) - n, "\r\n");
	rig_say(c, line, OK);
	rig_free(r);
}

/* Each answer is what the plain definition gives, for all short patterns and names. */
static bool plain_match(const char *p, const char *n)
{
	if (*p == '\0')
		return *n == '\0';
	if (*p != '*' && *p != '%')
		return *n == *p && plain_match(p + 1, n + 1);
	for (;; n++) {
		if (plain_match(p + 1, n))
			return true;
		if (*n == '\0' || (*p == '%' && *n == '/'))
			return false;
	}
}

static void nth_word(size_t i, const char *alphabet, char out[16])
{
	size_t letters = strlen(alphabet), n = 0;

	for (; i > 0; i = (i - 1) / letters)
		out[n++] = alphabet[(i - 1) % letters];
	out[n] = '\0';
}

static void test_match(void **state)
{
	char pattern[16], name[16];

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		nth_word(i, "*%a/", pattern);
		for (size_t j = 0; j < 400; j++) {
			nth_word(j, "a/b", name);
			if (imap_match(span_of(pattern), span_of(name)) != plain_match(pattern, name))
				fail_msg("%s and %s", pattern, name);
		}
	}
}

static void test_many_patterns(void **state)
{
	struct rig *r = rig_begin();
	struct conn *c = rig_login(r, NULL);
	char line[1000];

	(void)state;
	for (size_t count = 64; count <= 65; count++) {
		size_t n = (size_t)snprintf(line, sizeof(line), "1 LIST \"\" (INBOX");

		for (size_t i = 1; i < count; i++)
			n += (size_t)snprintf(line + n, sizeof(line) - n, " p%zu", i);
		snprintf(line + n, sizeof(line) - n, ")\r\n");
		rig_say(c, line, count == 64 ? L(NO_CHILD, "INBOX") OK : "1 BAD LIST: too many patterns\r\n");
	}
	rig_free(r);
}

/* RFC 6154 3: a role belongs to one mailbox, however mail programs call theirs. */
static void test_create(void **state)
{
	static const struct row created[] = {
		{ "a role of ours", "1 CREATE x (USE (\\Sent))\r\n1 LIST (SPECIAL-USE) \"\" (x Sent)\r\n",
		  "1 OK [MAILBOXID (F7)] ~\r\n" L(NO_CHILD " \\Sent", "x") OK },
		{ "without a role", "1 CREATE x (USE ())\r\n1 LIST \"\" x\r\n", "1 OK [~\r\n" L(NO_CHILD, "x") OK },
		{ "no role, but a name that says it", "1 CREATE \"sent items\"\r\n1 LIST (SPECIAL-USE) \"\" (*ent*)\r\n",
		  "1 OK [~\r\n" L(NO_CHILD " \\Sent", "sent items") OK },
		{ "in another language", "1 CREATE \"Gel&APY-schte Elemente\"\r\n1 LIST (SPECIAL-USE) \"\" (T* G*)\r\n",
		  "1 OK [~\r\n" L(NO_CHILD " \\Trash", "Gel&APY-schte Elemente") OK },
		{ "below INBOX", "1 CREATE INBOX/Entw&APw-rfe\r\n1 LIST (SPECIAL-USE) \"\" *fe\r\n",
		  "1 OK [~\r\n" L(NO_CHILD " \\Drafts", "INBOX/Entw&APw-rfe") OK },
		{ "not deeper", "1 CREATE Work/Sent\r\n1 LIST \"\" *Sent\r\n",
		  "1 OK [~\r\n" L(NO_CHILD " \\Sent", "Sent") L(NO_CHILD, "Work/Sent") OK },
		{ "the role of a mailbox with messages", "1 CREATE x (USE (\\Junk))\r\n1 LIST \"\" x\r\n",
		  "1 NO [USEATTR] ~\r\n" OK },
		{ "its name in another language is a name", "1 CREATE Spam\r\n1 LIST \"\" (Spam Junk)\r\n",
		  "1 OK [~\r\n" L(NO_CHILD " \\Junk", "Junk") L(NO_CHILD, "Spam") OK },
		{ "a role that is not kept", "1 CREATE x (USE (\\All))\r\n", "1 NO [USEATTR] ~\r\n" },
		{ "two roles", "1 CREATE x (USE (\\Sent \\Trash))\r\n", "1 NO [USEATTR] ~\r\n" },
		{ "the same twice", "1 CREATE x (USE (\\Sent \\sent))\r\n", "1 OK [~\r\n" },
		{ "no word", "1 CREATE x (USE (Sent))\r\n", "1 BAD CREATE: a role is missing\r\n" },
		{ "another parameter", "1 CREATE x (PARTITION (1))\r\n", "1 BAD CREATE: no such parameter\r\n" },
		{ "no end", "1 CREATE x (USE (\\Sent)\r\n", "1 BAD CREATE: ~\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(created) / sizeof(created[0]); i++) {
		for (unsigned bytes = 0; bytes < 2; bytes++) {
			struct rig *r = rig_begin();
			struct conn *c;

			unit_case(created[i].why, bytes);
			fake_store_put(rig_store(r), RIG_ACCOUNT, "Junk", "Subject: x\r\n\r\nx\r\n", 0);
			c = rig_login(r, NULL);
			if (bytes == 0)
				rig_say(c, created[i].send, created[i].want);
			else
				rig_say_bytes(c, created[i].send, created[i].want);
			rig_free(r);
		}
	}
}

/* RFC 9051 6.3.9.7 */
static void test_renamed(void **state)
{
	struct rig *r = rig_begin();
	struct conn *c = rig_login(r, NULL);

	(void)state;
	rig_say(c, "1 RENAME Sent Away\r\n", OK);
	rig_shell(c)->engine->enabled |= IMAP_REV2;
	rig_say(c, "1 RENAME Away Sent\r\n", "* LIST (\\Subscribed) \"/\" \"Sent\" (\"OLDNAME\" (\"Away\"))\r\n" OK);
	rig_say(c, "1 LIST \"\" Sent\r\n", L(NO_CHILD " \\Sent", "Sent") OK);
	rig_free(r);
}

/* RFC 9208: one quota root, "", for all mailboxes. */
static void test_quota(void **state)
{
	static const struct row quotas[] = {
		{ "the root", "1 GETQUOTA \"\"\r\n", "* QUOTA \"\" (STORAGE 1 100 MAILBOX 6 5000)\r\n" OK },
		{ "the root as a literal", "1 GETQUOTA {0+}\r\n\r\n", "* QUOTA \"\" (STORAGE 1 100 MAILBOX 6 5000)\r\n" OK },
		{ "another root", "1 GETQUOTA x\r\n", "1 NO [NONEXISTENT] ~\r\n" },
		{ "no root", "1 GETQUOTA\r\n", "1 BAD ~\r\n" },
		{ "the root of a mailbox", "1 GETQUOTAROOT inbox\r\n",
		  "* QUOTAROOT \"INBOX\" \"\"\r\n* QUOTA \"\" (STORAGE 1 100 MAILBOX 6 5000)\r\n" OK },
		{ "of a mailbox that is not there", "1 GETQUOTAROOT nope\r\n", "1 NO [NONEXISTENT] ~\r\n" },
		{ "a user sets none", "1 SETQUOTA \"\" (STORAGE 512 X-Y 1)\r\n", "1 NO [NOPERM] ~\r\n" },
		{ "nor takes them away", "1 SETQUOTA \"\" ()\r\n", "1 NO [NOPERM] ~\r\n" },
		{ "no limit", "1 SETQUOTA \"\" (STORAGE)\r\n", "1 BAD ~\r\n" },
		{ "a limit beyond 63 bits", "1 SETQUOTA \"\" (STORAGE 9223372036854775808)\r\n", "1 BAD ~\r\n" },
		{ "what EXPUNGE would free", "1 STATUS INBOX (DELETED DELETED-STORAGE)\r\n",
		  "* STATUS \"INBOX\" (DELETED 1 DELETED-STORAGE 14)\r\n" OK },
		{ "with the others", "1 LIST \"\" (INBOX Sent) RETURN (STATUS (RECENT DELETED-STORAGE))\r\n",
		  L(NO_CHILD, "INBOX") "* STATUS \"INBOX\" (RECENT 2 DELETED-STORAGE 14)\r\n"
		  L(NO_CHILD " \\Sent", "Sent") "* STATUS \"Sent\" (RECENT 0 DELETED-STORAGE 0)\r\n" OK },
	};
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000, .quota = 102400 };
	struct rig *r = rig_new(&o);
	struct conn *c;

	(void)state;
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", "Subject: x\r\n\r\n", STORE_DELETED);
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", "Subject: x\r\n\r\nmore\r\n", 0);
	c = rig_login(r, NULL);
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		unit_case(quotas[i].why, i);
		rig_say(c, quotas[i].send, quotas[i].want);
		rig_say_bytes(c, quotas[i].send, quotas[i].want);
	}
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_many_patterns),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_quota),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap list");
}
