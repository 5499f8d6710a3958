/* test_imap_rev2.c - the same commands under IMAP4rev1 (RFC 3501) and, once it is enabled, IMAP4rev2 (RFC 9051).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/session.h"
#include "storage/meta.h"

static const char letter[] = "From: Anna <anna@example.org>\r\nSubject: one\r\n\r\nHello\r\n";

/* INBOX has two messages and is selected; Sent is empty. "=": as under rev1. */
static const struct {
	const char *sentence;		/* RFC 9051 */
	const char *send, *rev1, *rev2;
} rows[] = {
	{ "6.3.1: the capabilities stay as they are", "1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 IMAP4rev2 ~\r\n1 OK ~\r\n", "=" },
	{ "6.3.1: ENABLED comes even if nothing was", "1 ENABLE NOPE\r\n", "* ENABLED\r\n1 OK ~\r\n", "=" },
	{ "6.3.1: what is on already is not told again", "1 ENABLE IMAP4rev2\r\n2 ENABLE imap4REV2\r\n",
	  "* ENABLED IMAP4rev2\r\n1 OK ~\r\n* ENABLED\r\n2 OK ~\r\n", "* ENABLED\r\n1 OK ~\r\n* ENABLED\r\n2 OK ~\r\n" },

	{ "6.3.2: SELECT tells LIST, neither RECENT nor UNSEEN", "1 UNSELECT\r\n2 SELECT inbox\r\n",
	  "1 OK ~\r\n* FLAGS ~\r\n* OK [PERMANENTFLAGS ~\r\n* 2 EXISTS\r\n* 0 RECENT\r\n* OK [UNSEEN 1] ~\r\n* OK [UIDVALIDITY ~\r\n"
	  "* OK [UIDNEXT 3] ~\r\n* OK [HIGHESTMODSEQ ~\r\n* OK [MAILBOXID ~\r\n2 OK [READ-WRITE] ~\r\n",
	  "1 OK ~\r\n* FLAGS ~\r\n* OK [PERMANENTFLAGS ~\r\n* 2 EXISTS\r\n* LIST (\\Subscribed) \"/\" \"INBOX\"\r\n* OK [UIDVALIDITY ~\r\n"
	  "* OK [UIDNEXT 3] ~\r\n* OK [HIGHESTMODSEQ ~\r\n* OK [MAILBOXID ~\r\n2 OK [READ-WRITE] ~\r\n" },
	{ "6.3.2: the one before is CLOSED", "1 EXAMINE Sent\r\n",
	  "* FLAGS ~\r\n* OK [PERMANENTFLAGS ()] ~\r\n* 0 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY ~\r\n* OK [UIDNEXT 1] ~\r\n"
	  "* OK [HIGHESTMODSEQ ~\r\n* OK [MAILBOXID ~\r\n1 OK [READ-ONLY] ~\r\n",
	  "* OK [CLOSED] ~\r\n* FLAGS ~\r\n* OK [PERMANENTFLAGS ()] ~\r\n* 0 EXISTS\r\n* LIST (\\Sent \\Subscribed) \"/\" \"Sent\"\r\n"
	  "* OK [UIDVALIDITY ~\r\n* OK [UIDNEXT 1] ~\r\n* OK [HIGHESTMODSEQ ~\r\n* OK [MAILBOXID ~\r\n1 OK [READ-ONLY] ~\r\n" },
	{ "6.3.2: if it fails none is selected", "1 SELECT Nope\r\n2 CHECK\r\n", "1 NO [NONEXISTENT] ~\r\n2 BAD ~\r\n",
	  "* OK [CLOSED] ~\r\n1 NO [NONEXISTENT] ~\r\n2 BAD ~\r\n" },

	{ "5.1: names are UTF-8", "1 CREATE \"K\xc3\xa4se\"\r\n", "1 BAD ~\r\n", "1 OK ~\r\n" },
	{ "5.1: names are told so", "1 CREATE {5+}\r\nK&-se\r\n2 LIST \"\" K*\r\n",
	  "1 OK ~\r\n* LIST (\\HasNoChildren) \"/\" \"K&-se\"\r\n2 OK ~\r\n", "1 OK ~\r\n* LIST (\\HasNoChildren) \"/\" \"K&-se\"\r\n2 OK ~\r\n" },
	{ "5.1: and with the quota's root", "1 CREATE {5+}\r\nK&-se\r\n2 GETQUOTAROOT {5+}\r\nK&-se\r\n",
	  "1 OK ~\r\n* QUOTAROOT \"K&-se\" \"\"\r\n* QUOTA ~\r\n2 OK ~\r\n", "=" },
	{ "5.1: in letters", "1 CREATE {6+}\r\nK\xc3\xa4se\x21\r\n2 GETQUOTAROOT {6+}\r\nK\xc3\xa4se\x21\r\n",
	  "1 BAD ~\r\n2 BAD ~\r\n", "1 OK ~\r\n* QUOTAROOT \"K\xc3\xa4se!\" \"\"\r\n* QUOTA ~\r\n2 OK ~\r\n" },
	{ "A.1: modified UTF-7 is none any more", "1 CREATE K&AOQ-se\r\n2 STATUS K&AOQ-se (MESSAGES)\r\n",
	  "1 OK ~\r\n* STATUS \"K&AOQ-se\" (MESSAGES 0)\r\n2 OK ~\r\n", "=" },
	{ "5.1: a name that is not composed can't be made", "1 CREATE {7+}\r\nKa\xcc\x88se\x21\r\n2 CREATE \"Ka&Awg-se\"\r\n",
	  "1 BAD ~\r\n2 NO [CANNOT] ~\r\n", "1 NO [CANNOT] ~\r\n2 OK ~\r\n" },
	{ "6.3.6: nor renamed to", "1 RENAME Sent {6+}\r\nKa\xcc\x88se\r\n", "1 BAD ~\r\n", "1 NO [CANNOT] ~\r\n" },
	{ "6.3.9.7: OLDNAME", "1 RENAME Sent Out\r\n2 RENAME INBOX Old\r\n", "1 OK ~\r\n* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n2 OK ~\r\n",
	  "* LIST (\\Subscribed) \"/\" \"Out\" (\"OLDNAME\" (\"Sent\"))\r\n1 OK ~\r\n* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n2 OK ~\r\n" },

	{ "7.3.1: \\NonExistent", "1 CREATE a/b\r\n2 DELETE a\r\n3 LIST \"\" a%\r\n",
	  "1 OK ~\r\n2 OK ~\r\n* LIST (\\Noselect \\HasChildren) \"/\" \"a\"\r\n3 OK ~\r\n",
	  "1 OK ~\r\n2 OK ~\r\n* LIST (\\NonExistent \\HasChildren) \"/\" \"a\"\r\n3 OK ~\r\n" },
	{ "6.3.9.6: CHILDINFO", "1 CREATE a/b\r\n2 SUBSCRIBE a/b\r\n3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" a\r\n",
	  "1 OK ~\r\n2 OK ~\r\n* LIST (\\HasChildren) \"/\" \"a\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n3 OK ~\r\n", "=" },
	{ "6.3.9.1: RECURSIVEMATCH alone", "1 LIST (RECURSIVEMATCH) \"\" *\r\n2 LIST (REMOTE RECURSIVEMATCH) \"\" *\r\n", "1 BAD ~\r\n2 BAD ~\r\n", "=" },
	{ "6.3.9.2: an unknown option", "1 LIST \"\" * RETURN (NOPE)\r\n", "1 BAD ~\r\n", "=" },
	{ "6.3.9: an empty name, basic and extended", "1 LIST \"\" \"\"\r\n2 LIST \"\" (\"\")\r\n", "* LIST (\\Noselect) \"/\" \"\"\r\n1 OK ~\r\n2 OK ~\r\n", "=" },
	{ "6.3.10: NAMESPACE", "1 NAMESPACE\r\n", "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n1 OK ~\r\n", "=" },
	{ "6.3.11: STATUS SIZE and DELETED, of the selected one too", "1 STATUS INBOX (MESSAGES UIDNEXT UNSEEN DELETED SIZE)\r\n",
	  "* STATUS \"INBOX\" (MESSAGES 2 UIDNEXT 3 UNSEEN 2 DELETED 0 SIZE 108)\r\n1 OK ~\r\n", "=" },

	{ "6.4.4: ESEARCH, always", "1 SEARCH ALL\r\n2 UID SEARCH 2\r\n", "* SEARCH 1 2\r\n1 OK ~\r\n* SEARCH 2\r\n2 OK ~\r\n",
	  "* ESEARCH (TAG \"1\") ALL 1:2\r\n1 OK ~\r\n* ESEARCH (TAG \"2\") UID ALL 2\r\n2 OK ~\r\n" },
	{ "7.3.4: without a match neither ALL nor MIN", "1 SEARCH SUBJECT nope\r\n2 SEARCH RETURN (MIN COUNT) SUBJECT nope\r\n",
	  "* SEARCH\r\n1 OK ~\r\n* ESEARCH (TAG \"2\") COUNT 0\r\n2 OK ~\r\n", "* ESEARCH (TAG \"1\")\r\n1 OK ~\r\n* ESEARCH (TAG \"2\") COUNT 0\r\n2 OK ~\r\n" },
	{ "6.4.4: UTF-8 without CHARSET, and with", "1 SEARCH RETURN (COUNT) SUBJECT {3+}\r\non\xc3\r\n2 SEARCH RETURN (COUNT) CHARSET UTF-8 SUBJECT one\r\n",
	  "* ESEARCH (TAG \"1\") COUNT 0\r\n1 OK ~\r\n* ESEARCH (TAG \"2\") COUNT 2\r\n2 OK ~\r\n", "=" },
	{ "6.4.4: an unknown CHARSET", "1 SEARCH CHARSET X-NOPE ALL\r\n", "1 NO [BADCHARSET ~\r\n", "=" },
	{ "6.4.4: an unknown option", "1 SEARCH RETURN (NOPE) ALL\r\n", "1 BAD ~\r\n", "=" },
	{ "6.4.4.1: $", "1 SEARCH RETURN (SAVE) 2\r\n2 FETCH $ UID\r\n", "1 OK ~\r\n* 2 FETCH (UID 2)\r\n2 OK ~\r\n", "=" },

	{ "2.3.2: no \\Recent; 7.5.2: what was not asked for has the UID", "1 FETCH 1 BODY[TEXT]\r\n",
	  "* 1 FETCH (FLAGS (\\Seen) BODY[TEXT] {7}\r\nHello\r\n)\r\n1 OK ~\r\n", "* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[TEXT] {7}\r\nHello\r\n)\r\n1 OK ~\r\n" },
	{ "6.4.5: BINARY", "1 FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])\r\n", "* 1 FETCH (UID 1 BINARY.SIZE[1] 7 BINARY[1] {7}\r\nHello\r\n)\r\n1 OK ~\r\n", "=" },
	{ "E 18: RFC822 and its like still do", "1 FETCH 1 (RFC822.HEADER UID)\r\n", "* 1 FETCH (UID 1 RFC822.HEADER {47}\r\nFrom: Anna <anna@example.org>\r\nSubject: one\r\n\r\n)\r\n1 OK ~\r\n", "=" },
	{ "9 media-message: message/global has parts inside", "1 APPEND INBOX {50+}\r\nContent-Type: message/global\r\n\r\nSubject: in\r\n\r\nx\r\n\r\n"
	  "2 FETCH 3 (BODY BODY.PEEK[1])\r\n",
	  "* 3 EXISTS\r\n* 1 RECENT\r\n1 OK ~\r\n* 3 FETCH (BODY (\"message\" \"global\" NIL NIL NIL \"7bit\" 18) BODY[1] {18}\r\nSubject: in\r\n\r\nx\r\n)\r\n2 OK ~\r\n",
	  "* 3 EXISTS\r\n1 OK ~\r\n* 3 FETCH (BODY (\"message\" \"global\" NIL NIL NIL \"7bit\" 18 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1) 3) BODY[1] {18}\r\nSubject: in\r\n\r\nx\r\n)\r\n2 OK ~\r\n" },
	{ "6.4.6: STORE", "1 STORE 1 +FLAGS (\\Flagged)\r\n", "* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n1 OK ~\r\n", "=" },
	{ "6.4.7: COPYUID, TRYCREATE", "1 COPY 1:2 Sent\r\n2 COPY 1 Nope\r\n", "1 OK [COPYUID 1002 1:2 1:2] ~\r\n2 NO [TRYCREATE] ~\r\n", "=" },
	{ "6.4.8: MOVE", "1 MOVE 1 Sent\r\n2 UID MOVE 2 Nope\r\n", "* OK [COPYUID 1002 1 1] ~\r\n* 1 EXPUNGE\r\n1 OK ~\r\n2 NO [TRYCREATE] ~\r\n", "=" },
	{ "6.3.12: APPEND", "1 APPEND Sent ~{3+}\r\nabc\r\n2 APPEND Nope {3+}\r\nabc\r\n", "1 OK [APPENDUID 1002 1] ~\r\n2 NO [TRYCREATE] ~\r\n", "=" },
	{ "6.3.12: EXISTS, at once", "1 APPEND INBOX {3+}\r\nabc\r\n", "* 3 EXISTS\r\n* 1 RECENT\r\n1 OK ~\r\n", "* 3 EXISTS\r\n1 OK ~\r\n" },
	{ "E 17, E 19: CHECK and LSUB still do", "1 CHECK\r\n2 LSUB \"\" Sent\r\n", "1 OK ~\r\n* LSUB (\\HasNoChildren \\Sent) \"/\" \"Sent\"\r\n2 OK ~\r\n", "=" },
	{ "6.4.2: UNSELECT", "1 UNSELECT\r\n2 CHECK\r\n", "1 OK ~\r\n2 BAD ~\r\n", "=" },
	{ "6.3.4: INBOX is there", "1 CREATE INBOX\r\n2 DELETE INBOX\r\n3 DELETE Nope\r\n", "1 NO [ALREADYEXISTS] ~\r\n2 NO [CANNOT] ~\r\n3 NO [NONEXISTENT] ~\r\n", "=" },
};

static struct rig *rig_with_letters(void)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);
	struct conn *c;

	for (int i = 0; i < 2; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	c = rig_login(r, "INBOX");	/* takes \Recent */
	rig_close(c);
	return r;
}

static struct conn *open_as(struct rig *r, bool rev2)
{
	struct conn *c = rig_login(r, NULL);

	if (rev2)
		rig_say(c, "e ENABLE IMAP4rev2\r\n", "* ENABLED IMAP4rev2\r\ne OK ~\r\n");
	rig_send(c, "s SELECT INBOX\r\n");
	rig_output(c);
	return c;
}

/* Each in one write, and byte by byte. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned how = 0; how < 4; how++) {
			struct rig *r = rig_with_letters();
			struct conn *c = open_as(r, how % 2 == 1);
			const char *want = how % 2 == 0 || strcmp(rows[i].rev2, "=") == 0 ? rows[i].rev1 : rows[i].rev2;

			unit_case(rows[i].sentence, how);
			if (how < 2)
				rig_say(c, rows[i].send, want);
			else
				rig_say_bytes(c, rows[i].send, want);
			rig_free(r);
		}
	}
}

/* 2.3.2, 7.4: new mail is told to both, and \Recent to the one that knows it. */
static void test_news(void **state)
{
	struct rig *r = rig_with_letters();
	struct conn *old = open_as(r, false), *new = open_as(r, true);

	(void)state;
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_say(new, "1 NOOP\r\n2 FETCH 3 FLAGS\r\n", "* 3 EXISTS\r\n1 OK ~\r\n* 3 FETCH (FLAGS ())\r\n2 OK ~\r\n");
	rig_say(old, "1 NOOP\r\n", "* 3 EXISTS\r\n* 0 RECENT\r\n1 OK ~\r\n");
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_say(old, "2 NOOP\r\n3 FETCH 4 FLAGS\r\n", "* 4 EXISTS\r\n* 1 RECENT\r\n2 OK ~\r\n* 4 FETCH (FLAGS (\\Recent))\r\n3 OK ~\r\n");
	rig_say(old, "4 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n5 EXPUNGE\r\n", "4 OK ~\r\n* 1 EXPUNGE\r\n5 OK ~\r\n");
	rig_say(new, "3 NOOP\r\n", "* 1 EXPUNGE\r\n* 3 EXISTS\r\n3 OK ~\r\n");
	rig_free(r);
}

/* 7.1: PERMANENTFLAGS without \* where the last keyword is taken. */
static void test_keywords_used_up(void **state)
{
	struct rig *r = rig_with_letters();
	struct conn *c = open_as(r, true);
	char send[100];

	(void)state;
	for (int i = 0; i < STORE_KEYWORDS; i++) {
		struct span out;
		bool told;

		snprintf(send, sizeof(send), "1 STORE 1 +FLAGS (k%d)\r\n", i);
		rig_send(c, send);
		out = rig_output(c);
		told = memmem(out.p, out.n, "[PERMANENTFLAGS (", 17) != NULL && memmem(out.p, out.n, "\\*", 2) == NULL;
		assert_int_equal(told, i == STORE_KEYWORDS - 1);
	}
	rig_say(c, "2 STORE 1 +FLAGS (more)\r\n", "2 NO [LIMIT] ~\r\n");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_news),
					    cmocka_unit_test(test_keywords_used_up) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
