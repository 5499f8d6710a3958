/* test_imap_session.c - whole sessions: what a client sends, what it is told (RFC 3501).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/session.h"
#include "storage/meta.h"

static const char letter[] = "From: Anna <anna@example.org>\r\nTo: Ben <ben@example.org>\r\n"
			     "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Sat, 21 Nov 2026 20:41:18 +0900\r\n"
			     "Message-ID: <1@example.org>\r\n\r\nHello World\r\n";
static const char multi[] = "From: a@b.c\r\nSubject: two\r\nX-Tag: blue\r\nMIME-Version: 1.0\r\n"
			    "Content-Type: multipart/mixed; boundary=\"=b\"\r\n\r\n"
			    "--=b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\none\r\n"
			    "--=b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nc2VjcmV0\r\n"
			    "--=b--\r\n";

static struct rig *rig_with(size_t messages)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	for (size_t i = 0; i < messages; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", i % 2 == 0 ? letter : multi, 0);
	return r;
}

/* --- before the login ------------------------------------------------------ */

static void test_greeting_and_tls(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_open(r, NULL);

	(void)state;
	rig_want(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE STARTTLS LOGINDISABLED] mail.example.org IMAP server ready\r\n");
	rig_say(c, "1 LOGIN anna secret\r\n", "1 NO [PRIVACYREQUIRED] ~\r\n");
	rig_say(c, "2 LOGIN {4}\r\n", "2 NO [PRIVACYREQUIRED] ~\r\n");
	rig_say(c, "3 AUTHENTICATE PLAIN\r\n", "3 NO [PRIVACYREQUIRED] ~\r\n");
	rig_say(c, "4 SELECT INBOX\r\n", "4 BAD Log in first\r\n");
	rig_say(c, "5 STARTTLS\r\n6 NOOP\r\n", "5 OK Begin TLS now\r\n");
	assert_true(rig_wants_tls(c));
	rig_secure(c);
	rig_say(c, "7 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN SASL-IR\r\n7 OK CAPABILITY completed\r\n");
	rig_say(c, "8 STARTTLS\r\n", "8 BAD TLS is up already\r\n");
	rig_free(r);
}

/* RFC 9051 6.2.1: nothing that was begun in clear goes on behind STARTTLS. */
static void test_starttls_forgets(void **state)
{
	static const char conf[] = "RequireTLS no\nAuthWithoutTLS PLAIN,LOGIN\nListen 127.0.0.1:143 explicit\n";
	struct rig *r = rig_with(0);
	struct conn *c = rig_open(r, conf);

	(void)state;
	rig_want(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE STARTTLS AUTH=PLAIN AUTH=LOGIN SASL-IR] ~\r\n");
	rig_say(c, "1 AUTHENTICATE PLAIN\r\n", "+ \r\n");
	rig_say(c, "2 STARTTLS\r\n", "1 BAD ~\r\n");
	rig_say(c, "3 STARTTLS\r\n4 LOGIN {4+}\r\nan", "3 OK Begin TLS now\r\n");
	assert_true(rig_wants_tls(c));
	rig_secure(c);
	rig_say(c, "AGFubmEAc2VjcmV0\r\n", "AGFubmEAc2VjcmV0 BAD ~\r\n");
	rig_say(c, "na secret\r\n", "na BAD ~\r\n");
	rig_say(c, "5 SELECT INBOX\r\n", "5 BAD Log in first\r\n");
	rig_say(c, "6 LOGIN anna secret\r\n", "6 OK ~\r\n");
	rig_close(c);
	/* Behind a login there is no STARTTLS. */
	c = rig_open(r, conf);
	rig_want(c, "* OK ~\r\n");
	rig_say(c, "1 LOGIN anna secret\r\n", "1 OK ~\r\n");
	rig_say(c, "2 STARTTLS\r\n", "2 BAD ~\r\n");
	assert_false(rig_wants_tls(c));
	rig_free(r);
}

/* RFC 4422 A: offered to a client whose certificate names somebody, once TLS is up. */
static void test_external(void **state)
{
	static const struct {
		const char *send, *want;
	} rows[] = {
		{ "1 AUTHENTICATE EXTERNAL =\r\n", "1 OK ~\r\n" },
		{ "1 AUTHENTICATE EXTERNAL\r\n\r\n", "+ \r\n1 OK ~\r\n" },
		{ "1 authenticate external YW5uYQ==\r\n", "1 OK ~\r\n" },
		{ "1 AUTHENTICATE EXTERNAL\r\nYW5uYQ==\r\n", "+ \r\n1 OK ~\r\n" },
		{ "1 AUTHENTICATE EXTERNAL YmVu\r\n", "1 NO [AUTHENTICATIONFAILED] This client certificate ~\r\n" },
		{ "1 AUTHENTICATE EXTERNAL AA==\r\n", "1 BAD ~\r\n" },
		{ "1 AUTHENTICATE EXTERNAL\r\n*\r\n", "+ \r\n1 BAD AUTHENTICATE was given up\r\n" },
	};
	struct rig *r = rig_with(0);
	struct conn *c;

	(void)state;
	rig_certificate(r);
	c = rig_open(r, NULL);
	rig_want(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE STARTTLS LOGINDISABLED] ~\r\n");
	rig_say(c, "1 AUTHENTICATE EXTERNAL =\r\n", "1 NO [PRIVACYREQUIRED] ~\r\n");
	rig_say(c, "2 STARTTLS\r\n", "2 OK Begin TLS now\r\n");
	rig_secure(c);
	rig_say(c, "3 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN AUTH=EXTERNAL SASL-IR\r\n3 OK ~\r\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = rig_open(r, "Listen 127.0.0.1:993 implicit\n");
		rig_want(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN AUTH=EXTERNAL SASL-IR] ~\r\n");
		rig_say(c, rows[i].send, rows[i].want);
		rig_close(c);
	}
	rig_free(r);
}

static void test_external_without_a_certificate(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_open(r, "Listen 127.0.0.1:993 implicit\n");

	(void)state;
	rig_want(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN SASL-IR] ~\r\n");
	rig_say(c, "1 AUTHENTICATE EXTERNAL =\r\n", "1 NO [AUTHENTICATIONFAILED] EXTERNAL takes a client certificate ~\r\n");
	rig_say(c, "2 LOGIN anna secret\r\n", "2 OK ~\r\n");
	rig_free(r);
	r = rig_with(0);
	rig_certificate(r);
	c = rig_open(r, "Mechanisms PLAIN\nListen 127.0.0.1:993 implicit\n");
	rig_want(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE AUTH=PLAIN SASL-IR] ~\r\n");
	rig_say(c, "1 AUTHENTICATE EXTERNAL =\r\n", "1 NO [CANNOT] That mechanism is not offered\r\n");
	rig_free(r);
}

static void test_without_tls(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_open(r, "RequireTLS no\nAuthWithoutTLS LOGIN\nMechanisms LOGIN,PLAIN\nListen 127.0.0.1:143 plain\n");

	(void)state;
	rig_want(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE AUTH=LOGIN SASL-IR] ~\r\n");
	rig_say(c, "1 AUTHENTICATE PLAIN AGFubmEAc2VjcmV0\r\n", "1 NO [PRIVACYREQUIRED] ~\r\n");
	rig_say(c, "2 STARTTLS\r\n", "2 BAD STARTTLS is not offered here\r\n");
	rig_say(c, "3 LOGIN anna secret\r\n", "3 OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SPECIAL-USE ~\r\n");
	rig_free(r);
}

static void test_logins(void **state)
{
	static const struct {
		const char *send, *want;
	} rows[] = {
		{ "1 LOGIN anna wrong\r\n", "1 NO [AUTHENTICATIONFAILED] ~\r\n" },
		{ "1 LOGIN off x\r\n", "1 NO [CONTACTADMIN] ~\r\n" },
		{ "1 LOGIN late x\r\n", "1 NO [UNAVAILABLE] ~\r\n" },
		{ "1 LOGIN none x\r\n", "1 NO [UNAVAILABLE] ~\r\n" },
		{ "1 LOGIN crowd secret\r\n", "1 NO [LIMIT] ~\r\n" },
		{ "1 LOGIN anna\r\n", "1 BAD LOGIN: an argument is missing\r\n" },
		{ "1 LOGIN anna secret x\r\n", "1 BAD LOGIN: there is more than the command takes\r\n" },
		{ "1 LOGIN \"an\\\"na\" \"s\\x\"\r\n", "1 BAD LOGIN: ~\r\n" },
		{ "1 LOGIN anna \"secret\"\r\n", "1 OK ~\r\n" },
		{ "1 LOGIN {4}\r\nanna {6+}\r\nsecret\r\n", "+ Go ahead\r\n1 OK ~\r\n" },
		{ "1 LOGIN {4+}\r\nanna {6+}\r\nsecret\r\n", "1 OK ~\r\n" },
		{ "1 AUTHENTICATE PLAIN AGFubmEAc2VjcmV0\r\n", "1 OK ~\r\n" },
		{ "1 authenticate plain\r\nAGFubmEAc2VjcmV0\r\n", "+ \r\n1 OK ~\r\n" },
		{ "1 AUTHENTICATE LOGIN\r\nYW5uYQ==\r\nc2VjcmV0\r\n", "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n1 OK ~\r\n" },
		{ "1 AUTHENTICATE PLAIN\r\n*\r\n", "+ \r\n1 BAD AUTHENTICATE was given up\r\n" },
		{ "1 AUTHENTICATE PLAIN !!\r\n", "1 BAD ~\r\n" },
		{ "1 AUTHENTICATE PLAIN =\r\n", "1 BAD ~\r\n" },
		{ "1 AUTHENTICATE CRAM-MD5\r\n", "1 NO [CANNOT] ~\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_with(0);
		struct conn *c = rig_open(r, NULL);

		rig_secure(c);
		rig_say(c, rows[i].send, rows[i].want);
		rig_close(c);
		c = rig_open(r, NULL);
		rig_secure(c);
		rig_say_bytes(c, rows[i].send, rows[i].want);
		rig_free(r);
	}
}

static void test_bad_input(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_open(r, "ErrorLimit 11\nListen 127.0.0.1:993 implicit\n");
	char *longest = malloc(9001);

	(void)state;
	rig_pump(c, "", 0);
	rig_say(c, "\r\n", "* BAD A command begins with a tag and a space\r\n");
	rig_say(c, "x\r\n", "x BAD A command is missing\r\n");
	rig_say(c, "x FROB\r\n", "x BAD No such command\r\n");
	rig_say(c, "x NOOP\n\r\n", "x BAD A lone CR or LF in a command\r\n");
	memset(longest, 'a', 9000);
	longest[9000] = '\0';
	rig_say(c, longest, "");
	rig_say(c, "\r\n", "* BAD The command line is too long\r\n");
	free(longest);
	rig_say(c, "x LOGIN {18446744073709551616}\r\n", "x BAD The size ~\r\n");
	rig_say(c, "x LOGIN {9000}\r\n", "x NO [TOOBIG] ~\r\n");
	rig_say(c, "x LOGIN {9+}\r\n123456789{3+}\r\nabc\r\n", "x BAD LOGIN: ~\r\n");
	rig_say(c, "x UID NOOP\r\n", "x BAD No such command\r\n");
	rig_say(c, "x NOOP x\r\n", "x BAD NOOP: there is more than the command takes\r\n");
	rig_say(c, "y NOOP\r\n", "y OK NOOP completed\r\n");
	rig_say(c, "x ID NIL\r\n", "* ID (\"name\" ~\r\nx OK ID completed\r\n");
	rig_say(c, "x ID (\"name\" \"x\" \"y\" NIL)\r\n", "* ID (\"name\" ~\r\nx OK ID completed\r\n");
	rig_say(c, "+ NOOP\r\nz NOOP\r\n", "* BAD A command ~\r\nz OK NOOP completed\r\n");
	rig_say(c, "x FROB\r\n", "* BYE [CLIENTBUG] Too many bad commands\r\nx BAD No such command\r\n");
	assert_true(rig_closed(c));
	c = rig_open(r, "Listen 127.0.0.1:993 implicit\n");
	rig_pump(c, "", 0);
	rig_say(c, "x LOGIN {99999999999+}\r\n", "* BYE [TOOBIG] ~\r\n");
	assert_true(rig_closed(c));
	rig_free(r);
}

static void test_times(void **state)
{
	struct rig *r = rig_with(1);
	struct conn *c = rig_open(r, NULL);

	(void)state;
	rig_pump(c, "", 0);
	rig_time(r, 119000);
	assert_false(rig_closed(c));
	rig_time(r, 2000);
	rig_want(c, "* BYE No login came in time\r\n");
	assert_true(rig_closed(c));
	rig_close(c);
	c = rig_login(r, "INBOX");
	rig_say(c, "i IDLE\r\n", "+ idling\r\n");
	rig_time(r, 29 * 60000);
	rig_want(c, "");
	rig_time(r, 2 * 60000);
	rig_want(c, "* BYE Nothing came for too long\r\n");
	assert_true(rig_closed(c));
	rig_free(r);
}

/* --- a mailbox ------------------------------------------------------------- */

static void test_select(void **state)
{
	struct rig *r = rig_with(3);
	struct conn *c = rig_login(r, NULL), *d;

	(void)state;
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, STORE_SEEN);
	rig_say(c, "1 EXAMINE inbox\r\n",
		"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)\r\n* OK [PERMANENTFLAGS ()] ~\r\n* 4 EXISTS\r\n* 4 RECENT\r\n"
		"* OK [UNSEEN 1] ~\r\n* OK [UIDVALIDITY ~] ~\r\n* OK [UIDNEXT 5] ~\r\n* OK [HIGH~\r\n* OK [MAILBOXID~\r\n1 OK [READ-ONLY] EXAMINE completed\r\n");
	rig_say(c, "2 SELECT INBOX\r\n",
		"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)\r\n"
		"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)] ~\r\n* 4 EXISTS\r\n* 4 RECENT\r\n"
		"* OK [UNSEEN 1] ~\r\n* OK [UIDVALIDITY ~] ~\r\n* OK [UIDNEXT 5] ~\r\n* OK [HIGH~\r\n* OK [MAILBOXID~\r\n2 OK [READ-WRITE] SELECT completed\r\n");
	d = rig_login(r, NULL);
	rig_say(d, "3 SELECT INBOX\r\n", "* FLAGS ~\r\n* OK [PERM~\r\n* 4 EXISTS\r\n* 0 RECENT\r\n* OK [UNSEEN 1] ~\r\n* OK ~\r\n* OK ~\r\n* OK ~\r\n* OK ~\r\n3 OK ~\r\n");
	rig_say(d, "4 SELECT nowhere\r\n5 CHECK\r\n", "4 NO [NONEXISTENT] ~\r\n5 BAD Select a mailbox first\r\n");
	rig_say(c, "6 UNSELECT\r\n7 FETCH 1 FLAGS\r\n", "6 OK UNSELECT completed\r\n7 BAD Select a mailbox first\r\n");
	rig_say(c, "8 SELECT Sent\r\n", "* FLAGS ~\r\n* OK [PERM~\r\n* 0 EXISTS\r\n* 0 RECENT\r\n* OK [UIDV~\r\n* OK [UIDNEXT 1~\r\n* OK [HIGH~\r\n* OK [MAILBOXID~\r\n8 OK ~\r\n");
	rig_say(c, "9 FETCH 1:* FLAGS\r\n", "9 OK FETCH completed\r\n");
	rig_say(c, "9 UID FETCH 1:* FLAGS\r\n", "9 OK FETCH completed\r\n");
	rig_say(c, "9 SEARCH ALL\r\n", "* SEARCH\r\n9 OK SEARCH completed\r\n");
	rig_free(r);
}

static void test_fetch(void **state)
{
	struct rig *r = rig_with(2);
	struct conn *c = rig_login(r, "INBOX");
	char want[2000];

	(void)state;
	assert_int_equal(strlen(letter), 179);
	assert_int_equal(strlen(multi), 248);
	rig_say(c, "1 FETCH 1:2 (FLAGS UID RFC822.SIZE)\r\n",
		"* 1 FETCH (FLAGS (\\Recent) UID 1 RFC822.SIZE 179)\r\n* 2 FETCH (FLAGS (\\Recent) UID 2 RFC822.SIZE 248)\r\n1 OK FETCH completed\r\n");
	rig_say(c, "2 FETCH 1 ENVELOPE\r\n",
		"* 1 FETCH (ENVELOPE (\"Sat, 21 Nov 2026 20:41:18 +0900\" \"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\" ((\"Anna\" NIL \"anna\" \"example.org\")) "
		"((\"Anna\" NIL \"anna\" \"example.org\")) ((\"Anna\" NIL \"anna\" \"example.org\")) ((\"Ben\" NIL \"ben\" \"example.org\")) "
		"NIL NIL NIL \"<1@example.org>\"))\r\n2 OK FETCH completed\r\n");
	rig_say(c, "3 FETCH 2 BODY\r\n", "* 2 FETCH (BODY ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL ~) \"mixed\"))\r\n3 OK FETCH completed\r\n");
	rig_say(c, "4 UID FETCH 2 (BODY.PEEK[1] BODY.PEEK[2.MIME] BODY.PEEK[3] BODY.PEEK[HEADER.FIELDS (x-tag SUBJECT)]<0.9>)\r\n",
		"* 2 FETCH (UID 2 BODY[1] {3}\r\none BODY[2.MIME] {63}\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		" BODY[3] NIL BODY[HEADER.FIELDS (x-tag SUBJECT)]<0> {9}\r\nSubject: )\r\n4 OK FETCH completed\r\n");
	snprintf(want, sizeof(want), "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) BODY[] {179}\r\n%s)\r\n5 OK FETCH completed\r\n", letter);
	rig_say(c, "5 UID FETCH 1 BODY[]\r\n", want);
	rig_say(c, "6 NOOP\r\n", "6 OK NOOP completed\r\n");
	rig_say(c, "7 FETCH 1 (BODY[TEXT]<6.100> RFC822.HEADER)\r\n",
		"* 1 FETCH (UID 1 BODY[TEXT]<6> {7}\r\nWorld\r\n RFC822.HEADER {166}\r\n~\r\n~\r\n~\r\n~\r\n~\r\n\r\n)\r\n7 OK FETCH completed\r\n");
	rig_say(c, "8 FETCH 1 BODY[]<900.5>\r\n", "* 1 FETCH (UID 1 BODY[]<900> {0}\r\n)\r\n8 OK FETCH completed\r\n");
	rig_say(c, "9 FETCH 1 FAST\r\n", "* 1 FETCH (FLAGS (\\Seen \\Recent) INTERNALDATE \"~\" RFC822.SIZE 179)\r\n9 OK FETCH completed\r\n");
	rig_say(c, "a FETCH 3 FLAGS\r\n", "a BAD FETCH: ~\r\n");
	rig_say(c, "a FETCH 0 FLAGS\r\n", "a BAD FETCH: the number is 0, or has a 0 in front\r\n");
	rig_say(c, "a FETCH 1 (FLAGS\r\n", "a BAD FETCH: a ) is missing\r\n");
	rig_say(c, "a FETCH 1 BODY[1.]\r\n", "a BAD FETCH: not a section\r\n");
	rig_say(c, "a FETCH 1 BODY[MIME]\r\n", "a BAD FETCH: no such section\r\n");
	rig_say(c, "a FETCH 1 BODY[]<0.0>\r\n", "a BAD FETCH: the number is 0, or has a 0 in front\r\n");
	rig_say(c, "b UID FETCH 7:9 FLAGS\r\n", "b OK FETCH completed\r\n");
	rig_say(c, "c UID FETCH 9:* UID\r\n", "* 2 FETCH (UID 2)\r\nc OK FETCH completed\r\n");
	rig_say(c, "d EXAMINE INBOX\r\n", "* FLAGS ~\r\n* OK ~\r\n* 2 EXISTS\r\n* 0 RECENT\r\n* OK [UNSEEN 2~\r\n* OK ~\r\n* OK ~\r\n* OK ~\r\n* OK ~\r\nd OK ~\r\n");
	rig_say(c, "e FETCH 2 BODY[2]\r\n", "* 2 FETCH (UID 2 BODY[2] {8}\r\nc2VjcmV0)\r\ne OK FETCH completed\r\n");
	rig_say(c, "f STORE 2 +FLAGS (\\Seen)\r\n", "f NO [CANNOT] ~\r\n");
	rig_free(r);
}

static void test_store(void **state)
{
	struct rig *r = rig_with(3);
	struct conn *c = rig_login(r, "INBOX"), *d = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 STORE 1:2 +FLAGS (\\Flagged $Work)\r\n",
		"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work)\r\n* 1 FETCH (UID 1 FLAGS (\\Flagged $Work \\Recent))\r\n"
		"* 2 FETCH (UID 2 FLAGS (\\Flagged $Work \\Recent))\r\n1 OK STORE completed\r\n");
	rig_want(d, "");
	rig_say(d, "1 NOOP\r\n",
		"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work)\r\n* 1 FETCH (UID 1 FLAGS (\\Flagged $Work))\r\n"
		"* 2 FETCH (UID 2 FLAGS (\\Flagged $Work))\r\n1 OK NOOP completed\r\n");
	rig_say(c, "2 UID STORE 2 -FLAGS.SILENT \\Flagged\r\n", "2 OK STORE completed\r\n");
	rig_say(c, "3 STORE 1 FLAGS ()\r\n", "* 1 FETCH (UID 1 FLAGS (\\Recent))\r\n3 OK STORE completed\r\n");
	rig_say(c, "4 STORE 1 FLAGS ()\r\n", "* 1 FETCH (UID 1 FLAGS (\\Recent))\r\n4 OK STORE completed\r\n");
	rig_say(c, "5 STORE 1 +FLAGS \\Nope\r\n", "5 BAD STORE: no such flag behind the backslash\r\n");
	rig_say(c, "5 STORE 1 ?FLAGS \\Seen\r\n", "5 BAD STORE: ~\r\n");
	/* silent for what this session did, not for what others did meanwhile */
	rig_say(d, "6 STORE 3 +FLAGS (\\Answered)\r\n", 
		"* 3 FETCH (UID 3 FLAGS (\\Answered))\r\n* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ($Work))\r\n"
		"* 3 FETCH (UID 3 FLAGS (\\Answered))\r\n6 OK STORE completed\r\n");
	rig_say(c, "7 STORE 3 +FLAGS.SILENT (\\Seen)\r\n", "* 3 FETCH (UID 3 FLAGS (\\Seen \\Answered \\Recent))\r\n7 OK STORE completed\r\n");
	rig_free(r);
}

/* RFC 3501 7.4.1: sequence numbers stay under FETCH, STORE and SEARCH. */
static void test_expunge(void **state)
{
	struct rig *r = rig_with(4);
	struct conn *c = rig_login(r, "INBOX"), *d = rig_login(r, "INBOX");

	(void)state;
	rig_send(c, "0 STORE 1,3 +FLAGS.SILENT (\\Deleted)\r\n");
	rig_output(c);
	rig_say(c, "1 EXPUNGE\r\n", "* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n* 2 EXISTS\r\n* 2 RECENT\r\n1 OK EXPUNGE completed\r\n");
	rig_say(d, "2 FETCH 1:4 UID\r\n", "* 2 FETCH (UID 2)\r\n* 4 FETCH (UID 4)\r\n2 OK [EXPUNGEISSUED] ~\r\n");
	rig_say(d, "3 SEARCH ALL\r\n", "* SEARCH 2 4\r\n3 OK SEARCH completed\r\n");
	rig_say(d, "4 STORE 4 +FLAGS (\\Seen)\r\n", "* 4 FETCH (UID 4 FLAGS (\\Seen))\r\n4 OK ~\r\n");
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_say(d, "5 FETCH 4 UID\r\n", "* 4 FETCH (UID 4)\r\n* 5 EXISTS\r\n* 1 RECENT\r\n5 OK FETCH completed\r\n");
	rig_say(d, "6 UID FETCH 4 UID\r\n", "* 4 FETCH (UID 4)\r\n* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n6 OK FETCH completed\r\n");
	rig_say(d, "7 NOOP\r\n", "7 OK NOOP completed\r\n");
	rig_say(d, "8 FETCH 1:* UID\r\n", "* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 4)\r\n* 3 FETCH (UID 5)\r\n8 OK FETCH completed\r\n");
	rig_say(d, "9 UID STORE 2,5 +FLAGS.SILENT (\\Deleted)\r\n", "9 OK STORE completed\r\n");
	rig_say(d, "a UID EXPUNGE 5\r\n", "* 3 EXPUNGE\r\n* 2 EXISTS\r\n* 0 RECENT\r\na OK EXPUNGE completed\r\n");
	rig_say(d, "b CLOSE\r\nc SELECT INBOX\r\n", "b OK CLOSE completed\r\n* FLAGS ~\r\n* OK ~\r\n* 1 EXISTS\r\n* 0 RECENT\r\n* OK [UIDV~\r\n* OK [UIDNEXT 6~\r\n* OK [HIGH~\r\n* OK [MAILBOXID~\r\nc OK ~\r\n");
	rig_free(r);
}

static void test_copy_and_move(void **state)
{
	struct rig *r = rig_with(3);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 COPY 1:2 Archive\r\n", "1 OK [COPYUID ~ 1:2 1:2] COPY completed\r\n");
	rig_say(c, "2 COPY 1 Nope\r\n", "2 NO [TRYCREATE] ~\r\n");
	rig_say(c, "3 MOVE 2 Archive\r\n", "* OK [COPYUID ~ 2 3] Moved\r\n* 2 EXPUNGE\r\n* 2 EXISTS\r\n* 2 RECENT\r\n3 OK MOVE completed\r\n");
	rig_say(c, "4 UID MOVE 9 Archive\r\n", "4 OK MOVE completed, there was nothing\r\n");
	rig_say(c, "5 COPY 5 Archive\r\n", "5 BAD ~\r\n");
	rig_say(c, "6 COPY 1 INBOX\r\n", "* 3 EXISTS\r\n* 3 RECENT\r\n6 OK [COPYUID ~ 1 4] COPY completed\r\n");
	rig_say(c, "7 STATUS Archive (MESSAGES UIDNEXT RECENT UNSEEN UIDVALIDITY)\r\n",
		"* STATUS \"Archive\" (MESSAGES 3 RECENT 3 UIDNEXT 4 UIDVALIDITY ~ UNSEEN 3)\r\n7 OK STATUS completed\r\n");
	rig_say(c, "8 STATUS nope (MESSAGES)\r\n", "8 NO [NONEXISTENT] ~\r\n");
	rig_say(c, "9 STATUS INBOX (NOPE)\r\n", "9 BAD STATUS: no such item\r\n");
	rig_free(r);
}

static void test_append(void **state)
{
	static const char nul[] = "c APPEND Sent {3+}\r\na\0b\r\n";
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 APPEND INBOX (\\Seen $X) \"21-Nov-2026 20:41:18 +0000\" {10}\r\n", "+ Go ahead\r\n");
	rig_say(c, "a: b\r\n\r\nhi\r\n", "* FLAGS (~ $X)\r\n* 1 EXISTS\r\n* 1 RECENT\r\n1 OK [APPENDUID ~ 1] APPEND completed\r\n");
	rig_say(c, "2 FETCH 1 (FLAGS BODY.PEEK[])\r\n", "* 1 FETCH (FLAGS (\\Seen $X \\Recent) BODY[] {10}\r\na: b\r\n\r\nhi)\r\n2 OK ~\r\n");
	rig_say_bytes(c, "3 APPEND \"Sent\" {10+}\r\na: b\r\n\r\nhi\r\n", "3 OK [APPENDUID ~ 1] APPEND completed\r\n");
	rig_say(c, "4 APPEND {4+}\r\nSent {3+}\r\nabc\r\n", "4 OK [APPENDUID ~ 2] APPEND completed\r\n");
	rig_say(c, "5 APPEND nope {10}\r\n", "5 NO [TRYCREATE] ~\r\n");
	rig_say(c, "6 APPEND nope {10+}\r\n6 NOOP\r\n12\r\n7 NOOP\r\n", "6 NO [TRYCREATE] ~\r\n7 OK NOOP completed\r\n");
	rig_say(c, "8 APPEND Sent {60000000}\r\n", "8 NO [TOOBIG] ~\r\n");
	rig_say(c, "8 APPEND Sent {18446744073709551616}\r\n", "8 BAD ~\r\n");
	rig_say(c, "9 APPEND Sent {3+}\r\na\1c x {3+}\r\nabc\r\na NOOP\r\n", "9 BAD the message must be a literal\r\na OK NOOP completed\r\n");
	rig_say(c, "b APPEND Sent (\\Recent {3+}\r\nabc\r\n", "b BAD ~\r\n");
	rig_say(c, "b APPEND Sent x\r\n", "b BAD ~\r\n");
	rig_say(c, "b APPEND Sent {0}\r\n", "b NO ~\r\n");
	rig_pump(c, nul, sizeof(nul) - 1);
	rig_say(c, "c NOOP\r\n", "c OK NOOP completed\r\n");
	rig_say(c, "c STATUS Sent (MESSAGES)\r\n", "* STATUS \"Sent\" (MESSAGES 2)\r\nc OK ~\r\n");
	assert_int_equal(fake_store_stages(rig_store(r)), 0);
	fake_store_fail(rig_store(r), FAKE_COMMIT, STORE_OVER_QUOTA, 1);
	rig_say(c, "d APPEND Sent {3+}\r\nabc\r\n", "d NO [OVERQUOTA] ~\r\n");
	rig_say(c, "e APPEND Sent {30+}\r\nabc", "");
	rig_close(c);	/* half a message: nothing stays */
	assert_int_equal(fake_store_stages(rig_store(r)), 0);
	rig_free(r);
}

/* A message over many pieces, through a stage that asks for pauses. */
static void test_large(void **state)
{
	const struct fake_options o = { .stage_window = 40000, .meta_header = store_meta_header };
	struct rig *r = rig_new(&o);
	struct conn *c = rig_login(r, "INBOX");
	size_t size = 3000000, at;
	char *big = malloc(size + 100), head[64];
	struct span out;

	(void)state;
	at = (size_t)snprintf(big, size, "a: b\r\n\r\n");
	for (; at < size; at++)
		big[at] = at % 64 == 62 ? '\r' : at % 64 == 63 ? '\n' : (char)('a' + at % 23);
	snprintf(head, sizeof(head), "1 APPEND INBOX {%zu+}\r\n", size);
	rig_pump(c, head, strlen(head));
	for (size_t i = 0; i < size; i += 100000)
		rig_pump(c, big + i, 100000);
	rig_say(c, "\r\n", "* 1 EXISTS\r\n* 1 RECENT\r\n1 OK ~\r\n");
	rig_say(c, "2 FETCH 1 RFC822.SIZE\r\n", "* 1 FETCH (RFC822.SIZE 3000000)\r\n2 OK ~\r\n");
	rig_block(c);
	rig_send(c, "3 UID FETCH 1 BODY.PEEK[]\r\n");
	rig_take(c);
	out = rig_output(c);
	assert_int_equal(out.n, strlen("* 1 FETCH (UID 1 BODY[] {3000000}\r\n)\r\n3 OK FETCH completed\r\n") + size);
	assert_memory_equal(out.p + strlen("* 1 FETCH (UID 1 BODY[] {3000000}\r\n"), big, size);
	assert_true(rig_largest_reply(c) <= IMAP_REPLY_MAX);
	free(big);
	rig_free(r);
}

static void test_idle(void **state)
{
	struct rig *r = rig_with(1);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 IDLE\r\n", "+ idling\r\n");
	assert_true(imap_protocol.idle(rig_shell(c)));
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_pump(c, "", 0);
	fake_store_drop(rig_store(r), RIG_ACCOUNT, "INBOX", 1);
	rig_say(c, "", "* 1 EXPUNGE\r\n* 1 EXISTS\r\n* 1 RECENT\r\n");
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_say(c, "", "* 2 EXISTS\r\n* 2 RECENT\r\n");
	fake_store_fail(rig_store(r), FAKE_SYNC, STORE_TRY_LATER, 1);
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_say(c, "", "");
	rig_time(r, 1500);
	rig_want(c, "* 3 EXISTS\r\n* 3 RECENT\r\n");
	rig_say_bytes(c, "done\r\n2 NOOP\r\n", "1 OK IDLE completed\r\n2 OK NOOP completed\r\n");
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_pump(c, "", 0);
	rig_say(c, "7 IDLE\r\nDONE\r\n", "* 4 EXISTS\r\n* 4 RECENT\r\n+ idling\r\n7 OK IDLE completed\r\n");
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	rig_pump(c, "", 0);
	fake_store_fail(rig_store(r), FAKE_SYNC, STORE_TRY_LATER, 1);
	rig_say(c, "8 IDLE\r\n", "+ idling\r\n");
	rig_time(r, 1500);
	rig_want(c, "* 5 EXISTS\r\n* 5 RECENT\r\n");
	rig_say(c, "DONE\r\n", "8 OK IDLE completed\r\n");
	rig_say(c, "3 IDLE\r\nNOOP\r\n", "+ idling\r\n3 BAD IDLE ends with DONE\r\n");
	rig_say(c, "4 IDLE\r\nDONE\r\n5 LOGOUT\r\n6 NOOP\r\n",
		"+ idling\r\n4 OK IDLE completed\r\n* BYE Logging out\r\n5 OK LOGOUT completed\r\n");
	assert_true(rig_closed(c));
	rig_free(r);
}

static void test_mailboxes(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, NULL);

	(void)state;
	rig_say(c, "1 LIST \"\" \"\"\r\n", "* LIST (\\Noselect) \"/\" \"\"\r\n1 OK LIST completed\r\n");
	rig_say(c, "2 CREATE Work/2026/Q1/\r\n", "2 OK [MAILBOXID (F~)] CREATE completed\r\n");
	rig_say(c, "3 CREATE \"R&AOk-union\"\r\n", "3 OK [MAILBOXID (F~)] CREATE completed\r\n");
	rig_say(c, "4 CREATE \"R&AOk\"\r\n", "4 BAD CREATE: the mailbox name is not modified UTF-7 ~\r\n");
	rig_say(c, "4 CREATE a/../b\r\n", "4 NO [CANNOT] ~\r\n");
	rig_say(c, "4 CREATE inbox\r\n", "4 NO [ALREADYEXISTS] ~\r\n");
	rig_say(c, "4 CREATE \"\"\r\n", "4 NO [CANNOT] ~\r\n");
	rig_say(c, "5 LIST \"\" *\r\n",
		"* LIST (\\HasNoChildren \\Archive) \"/\" \"Archive\"\r\n* LIST (\\HasNoChildren \\Drafts) \"/\" \"Drafts\"\r\n"
		"* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\n* LIST (\\HasNoChildren \\Junk) \"/\" \"Junk\"\r\n* LIST (\\HasNoChildren) \"/\" \"R&AOk-union\"\r\n"
		"* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent\"\r\n* LIST (\\HasNoChildren \\Trash) \"/\" \"Trash\"\r\n"
		"* LIST (\\HasChildren) \"/\" \"Work\"\r\n* LIST (\\HasChildren) \"/\" \"Work/2026\"\r\n"
		"* LIST (\\HasNoChildren) \"/\" \"Work/2026/Q1\"\r\n5 OK LIST completed\r\n");
	rig_say(c, "6 DELETE Work\r\n6 DELETE Work/2026\r\n", "6 OK DELETE completed\r\n6 OK DELETE completed\r\n");
	rig_say(c, "6 LIST Work/ %\r\n", "* LIST (\\Noselect \\HasChildren) \"/\" \"Work/2026\"\r\n6 OK LIST completed\r\n");
	rig_say(c, "6 LIST (SPECIAL-USE) \"\" S% RETURN (SUBSCRIBED CHILDREN)\r\n", "* LIST (\\HasNoChildren \\Sent \\Subscribed) \"/\" \"Sent\"\r\n6 OK LIST completed\r\n");
	rig_say(c, "6 LIST (SUBSCRIBED) \"\" W%\r\n", "6 OK LIST completed\r\n");
	rig_say(c, "6 LIST (NOPE) \"\" W%\r\n", "6 BAD LIST: no such selection option\r\n");
	rig_say(c, "7 LIST \"\" inb%\r\n", "* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\n7 OK LIST completed\r\n");
	rig_say(c, "8 SUBSCRIBE Work/2026/Q1\r\n", "8 OK SUBSCRIBE completed\r\n");
	rig_say(c, "9 LSUB \"\" W%\r\n", "* LSUB (\\Noselect \\HasChildren) \"/\" \"Work\"\r\n9 OK LSUB completed\r\n");
	rig_say(c, "a LSUB \"\" W*\r\n", "* LSUB (\\HasNoChildren) \"/\" \"Work/2026/Q1\"\r\na OK LSUB completed\r\n");
	rig_say(c, "b RENAME Work/2026/Q1 Play\r\n", "b OK RENAME completed\r\n");
	rig_say(c, "b CREATE A/B/C\r\nb DELETE A\r\nb RENAME A X/Y\r\n", "b OK [MAILBOXID (F~)] CREATE completed\r\nb OK DELETE completed\r\nb OK RENAME completed\r\n");
	rig_say(c, "b LIST \"\" A*\r\nb LIST \"\" X*\r\n",
		"* LIST (\\HasNoChildren \\Archive) \"/\" \"Archive\"\r\nb OK LIST completed\r\n"
		"* LIST (\\HasChildren) \"/\" \"X\"\r\n* LIST (\\HasChildren) \"/\" \"X/Y\"\r\n* LIST (\\HasChildren) \"/\" \"X/Y/B\"\r\n"
		"* LIST (\\HasNoChildren) \"/\" \"X/Y/B/C\"\r\nb OK LIST completed\r\n");
	rig_say(c, "b CREATE /a\r\nb CREATE a//b\r\n", "b NO [CANNOT] ~\r\nb NO [CANNOT] ~\r\n");
	rig_say(c, "b RENAME X/Y/ Play2\r\n", "b NO [~\r\n");
	rig_say(c, "b RENAME nope Play2\r\n", "b NO [NONEXISTENT] ~\r\n");
	rig_say(c, "b RENAME Play Sent\r\n", "b NO [ALREADYEXISTS] ~\r\n");
	rig_say(c, "c SELECT Play\r\nd DELETE Play\r\ne CHECK\r\n", "* FLAGS ~\r\n* OK ~\r\n* 0 EXISTS\r\n* 0 RECENT\r\n* OK ~\r\n* OK ~\r\n* OK ~\r\n* OK ~\r\nc OK ~\r\nd OK DELETE completed\r\ne BAD Select ~\r\n");
	rig_say(c, "f DELETE INBOX\r\n", "f NO [CANNOT] ~\r\n");
	rig_say(c, "g UNSUBSCRIBE Sent\r\nh LSUB \"\" S*\r\n", "g OK UNSUBSCRIBE completed\r\nh OK LSUB completed\r\n");
	rig_say(c, "i NAMESPACE\r\nj ENABLE CONDSTORE\r\n", "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\ni OK NAMESPACE completed\r\n* ENABLED CONDSTORE\r\nj OK ENABLE completed\r\n");
	rig_free(r);
}

static void test_search(void **state)
{
	static const struct {
		const char *keys, *found;
	} rows[] = {
		{ "ALL", " 1 2 3 4" },
		{ "1:2", " 1 2" },
		{ "*", " 4" },
		{ "7:9", "" },
		{ "UID 2:3 SEEN", " 3" },
		{ "UNSEEN", " 1 2 4" },
		{ "NOT SEEN", " 1 2 4" },
		{ "OR SEEN 1", " 1 3" },
		{ "(OR (SEEN) (2 UNSEEN)) UNDELETED", " 2 3" },
		{ "KEYWORD $X", "" },
		{ "UNKEYWORD $X", " 1 2 3 4" },
		{ "NEW", " 1 2 4" },
		{ "OLD", "" },
		{ "RECENT", " 1 2 3 4" },
		{ "LARGER 200", " 2 4" },
		{ "SMALLER 200", " 1 3" },
		{ "SINCE 1-Jan-2020", " 1 2 3 4" },
		{ "BEFORE \"1-Jan-2020\"", "" },
		{ "SENTON 21-Nov-2026", " 1 3" },
		{ "SENTBEFORE 21-Nov-2026", "" },
		{ "SENTSINCE 21-Nov-2026", " 1 3" },
		{ "FROM anna", " 1 3" },
		{ "FROM ANNA@EXAMPLE", " 1 3" },
		{ "TO ben", " 1 3" },
		{ "CC ben", "" },
		{ "SUBJECT gr\xc3\xbc\xc3\x9f", "" },
		{ "SUBJECT \"gr\xc3\xbc\xc3\x9f\"", " 1 3" },
		{ "CHARSET ISO-8859-1 SUBJECT \"GR\xdc\"", " 1 3" },
		{ "HEADER x-tag BLUE", " 2 4" },
		{ "HEADER X-Tag \"\"", " 2 4" },
		{ "HEADER x-none \"\"", "" },
		{ "HEADER message-id 1@ex", " 1 3" },
		{ "BODY world", " 1 3" },
		{ "BODY secret", " 2 4" },
		{ "BODY blue", "" },
		{ "TEXT blue", " 2 4" },
		{ "TEXT \"x-tag: blue\"", " 2 4" },
		{ "NOT BODY secret", " 1 3" },
		{ "OR BODY hello TEXT blue UNSEEN", " 1 2 4" },
		{ "BODY {5+}\r\nhello", " 1 3" },
	};
	struct rig *r = rig_with(4);
	struct conn *c = rig_login(r, "INBOX");
	char send[300], want[300];

	(void)state;
	rig_send(c, "0 STORE 3 +FLAGS (\\Seen)\r\n");
	rig_output(c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool bad = i == 25;	/* 8-bit bytes in an atom */

		snprintf(send, sizeof(send), "1 SEARCH %s\r\n", rows[i].keys);
		snprintf(want, sizeof(want), "* SEARCH%s\r\n1 OK SEARCH completed\r\n", rows[i].found);
		rig_say(c, send, bad ? "1 BAD SEARCH: ~\r\n" : want);
	}
	rig_say(c, "2 SEARCH CHARSET X-NONE BODY x\r\n", "2 NO [BADCHARSET (UTF-8 US-ASCII)] ~\r\n");
	rig_say(c, "3 SEARCH\r\n", "3 BAD ~\r\n");
	rig_say(c, "3 SEARCH FROB\r\n", "3 BAD SEARCH: no such search key\r\n");
	rig_say(c, "3 SEARCH OR SEEN\r\n", "3 BAD ~\r\n");
	rig_say(c, "3 SEARCH ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((SEEN\r\n", "3 BAD SEARCH: the keys are nested too deeply\r\n");
	rig_free(r);
}

/* What the store can't do is said, and the session goes on. */
static void test_failures(void **state)
{
	static const struct {
		enum fake_call call;
		const char *send, *want;
	} rows[] = {
		{ FAKE_FIND, "1 SELECT INBOX\r\n", "1 NO [UNAVAILABLE] ~\r\n" },
		{ FAKE_SYNC, "1 SELECT INBOX\r\n", "1 NO [UNAVAILABLE] ~\r\n" },
		{ FAKE_LIST, "1 LIST \"\" *\r\n", "1 NO [UNAVAILABLE] ~\r\n" },
		{ FAKE_COMMIT, "1 CREATE x\r\n", "1 NO [UNAVAILABLE] ~\r\n" },
		{ FAKE_FIND, "1 APPEND INBOX {1}\r\n", "1 NO [UNAVAILABLE] ~\r\n" },
	};
	struct rig *r = rig_with(2);
	struct conn *c = rig_login(r, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_store_fail(rig_store(r), rows[i].call, STORE_TRY_LATER, 1);
		rig_say(c, rows[i].send, rows[i].want);
		rig_say(c, "2 NOOP\r\n", "2 OK NOOP completed\r\n");
	}
	rig_send(c, "3 SELECT INBOX\r\n");
	rig_output(c);
	fake_store_fail(rig_store(r), FAKE_SYNC, STORE_TRY_LATER, 1);
	rig_say(c, "4 SEARCH ALL\r\n", "4 NO [UNAVAILABLE] ~\r\n");
	fake_store_fail(rig_store(r), FAKE_BODY, STORE_NOT_FOUND, 1);
	rig_say(c, "5 FETCH 1:2 BODY.PEEK[1]\r\n", "* 2 FETCH (UID 2 BODY[1] {3}\r\none)\r\n5 OK [EXPUNGEISSUED] ~\r\n");
	fake_store_fail(rig_store(r), FAKE_META_FILE, STORE_TRY_LATER, 1);
	rig_say(c, "6 FETCH 2 BODY.PEEK[1]\r\n", "* 2 FETCH (UID 2 BODY[1] {3}\r\none)\r\n6 OK ~\r\n");
	fake_store_revoke(rig_store(r), RIG_ACCOUNT);
	rig_say(c, "7 NOOP\r\n", "* BYE The account may no longer be used\r\n7 OK NOOP completed\r\n");
	assert_true(rig_closed(c));
	assert_int_equal(fake_store_accounts(rig_store(r)), 1);
	rig_close(c);
	assert_int_equal(fake_store_accounts(rig_store(r)), 0);
	rig_free(r);
}

/* Every read of a body comes later; a session that goes meanwhile leaves nothing. */
static void test_slow_disk(void **state)
{
	struct rig *r = rig_with(2);
	struct conn *c = rig_login(r, "INBOX");
	char want[1000];

	(void)state;
	rig_slow_disk(r);
	snprintf(want, sizeof(want), "* 2 FETCH (UID 2 BODY[1] {3}\r\none BODY[] {248}\r\n%s)\r\n1 OK FETCH completed\r\n", multi);
	rig_say(c, "1 FETCH 2 (BODY.PEEK[1] BODY.PEEK[])\r\n", want);
	rig_say(c, "2 SEARCH BODY secret TEXT blue\r\n", "* SEARCH 2\r\n2 OK SEARCH completed\r\n");
	rig_block(c);
	rig_send(c, "3 FETCH 1:2 BODY.PEEK[]\r\n");
	rig_close(c);
	rig_free(r);
}

/* The lookup is a binary search. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; imap_command_at(i) != NULL; i++) {
		const struct imap_command *c = imap_command_at(i);

		unit_case(c->name, i);
		if (i > 0)
			assert_true(strcmp(imap_command_at(i - 1)->name, c->name) < 0);
		assert_true(c->states != 0 && c->parse != NULL && c->run != NULL && strncmp(c->rfc, "RFC ", 4) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting_and_tls), cmocka_unit_test(test_starttls_forgets),
		cmocka_unit_test(test_external), cmocka_unit_test(test_external_without_a_certificate),
		cmocka_unit_test(test_without_tls), cmocka_unit_test(test_logins),
		cmocka_unit_test(test_bad_input), cmocka_unit_test(test_times), cmocka_unit_test(test_select),
		cmocka_unit_test(test_fetch), cmocka_unit_test(test_store), cmocka_unit_test(test_expunge),
		cmocka_unit_test(test_copy_and_move), cmocka_unit_test(test_append), cmocka_unit_test(test_large),
		cmocka_unit_test(test_idle), cmocka_unit_test(test_mailboxes), cmocka_unit_test(test_search),
		cmocka_unit_test(test_failures), cmocka_unit_test(test_slow_disk), cmocka_unit_test(test_table),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap session");
}
