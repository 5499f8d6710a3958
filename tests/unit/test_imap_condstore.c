/* test_imap_condstore.c - sessions that follow a mailbox by mod-sequences and UIDs (RFC 7162, RFC 9586, RFC 8474).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/session.h"
#include "storage/meta.h"

static const char letter[] = "From: Anna <anna@example.org>\r\nSubject: one\r\n\r\nHello\r\n";

static struct rig *rig_with(size_t messages)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	for (size_t i = 0; i < messages; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	return r;
}

#define SELECTED(n, next, modseq) "* FLAGS ~\r\n* OK [PERM~\r\n* " n " EXISTS\r\n* ~ RECENT\r\n* OK [UNSEEN~\r\n* OK [UIDVALIDITY 1001] ~\r\n* OK [UIDNEXT " next "] ~\r\n* OK [HIGHESTMODSEQ " modseq "] ~\r\n* OK [MAILBOXID (F1)] ~\r\n"

/* RFC 7162 3.1: what tells that a client knows mod-sequences, and what it is told from there on. */
static void test_condstore_begins(void **state)
{
	static const struct {
		const char *send, *want;
	} rows[] = {
		{ "1 ENABLE CONDSTORE\r\n", "* ENABLED CONDSTORE\r\n* OK [HIGHESTMODSEQ 5] ~\r\n1 OK ~\r\n" },
		{ "1 ENABLE condstore X CONDSTORE\r\n", "* ENABLED CONDSTORE\r\n* OK [HIGHESTMODSEQ 5] ~\r\n1 OK ~\r\n" },
		{ "1 FETCH 1 (MODSEQ)\r\n", "* OK [HIGHESTMODSEQ 5] ~\r\n* 1 FETCH (MODSEQ (2))\r\n1 OK ~\r\n" },
		{ "1 FETCH 1:* (UID) (CHANGEDSINCE 4)\r\n", "* OK [HIGHESTMODSEQ 5] ~\r\n* 4 FETCH (UID 4 MODSEQ (5))\r\n1 OK ~\r\n" },
		{ "1 STATUS Sent (HIGHESTMODSEQ)\r\n", "* OK [HIGHESTMODSEQ 5] ~\r\n* STATUS \"Sent\" (HIGHESTMODSEQ ~)\r\n1 OK ~\r\n" },
		{ "1 STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Draft)\r\n", "* OK [HIGHESTMODSEQ 5] ~\r\n* 1 FETCH (UID 1 MODSEQ (6))\r\n1 OK ~\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_with(4);
		struct conn *c = rig_login(r, "INBOX");

		unit_case(rows[i].send, i);
		rig_say(c, rows[i].send, rows[i].want);
		rig_say(c, "2 ENABLE CONDSTORE\r\n", "* ENABLED\r\n2 OK ~\r\n");	/* once is enough */
		rig_say(c, "3 STORE 2 +FLAGS (\\Flagged)\r\n", "* 2 FETCH (UID 2 FLAGS (\\Flagged~) MODSEQ (~))\r\n3 OK ~\r\n");
		rig_free(r);
	}
}

static void test_condstore_select(void **state)
{
	struct rig *r = rig_with(2);
	struct conn *c = rig_login(r, NULL);

	(void)state;
	rig_say(c, "1 SELECT INBOX (CONDSTORE)\r\n", SELECTED("2", "3", "3") "1 OK ~\r\n");
	rig_say(c, "2 STORE 1 +FLAGS.SILENT (\\Seen)\r\n", "* 1 FETCH (UID 1 MODSEQ (4))\r\n2 OK ~\r\n");
	rig_say(c, "3 FETCH 2 BODY[TEXT]\r\n", "* 2 FETCH (FLAGS (\\Seen~) MODSEQ (5) BODY[TEXT] {7}\r\nHello\r\n)\r\n3 OK ~\r\n");
	rig_say(c, "4 SELECT INBOX (SOMETHING)\r\n", "4 BAD ~\r\n");
	rig_say(c, "5 SELECT INBOX (QRESYNC (1 1))\r\n", "5 BAD SELECT: QRESYNC must be enabled first\r\n");
	rig_say(c, "6 FETCH 1 FLAGS (CHANGEDSINCE 0)\r\n", "6 BAD ~\r\n");
	rig_say(c, "7 UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)\r\n", "7 BAD ~\r\n");
	rig_free(r);
}

/* RFC 7162 3.1.3 */
static void test_conditional_store(void **state)
{
	struct rig *r = rig_with(4);
	struct conn *c = rig_login(r, "INBOX"), *d = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 ENABLE CONDSTORE\r\n", "* ENABLED CONDSTORE\r\n* OK [HIGHESTMODSEQ 5] ~\r\n1 OK ~\r\n");
	rig_say(d, "1 STORE 3 +FLAGS.SILENT (\\Flagged)\r\n", "1 OK ~\r\n");
	rig_say(c, "2 STORE 1:4 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Deleted)\r\n",
		"* 1 FETCH (UID 1 MODSEQ (7))\r\n* 2 FETCH (UID 2 MODSEQ (7))\r\n* 3 FETCH (UID 3 FLAGS (\\Flagged~) MODSEQ (6))\r\n"
		"* 4 FETCH (UID 4 MODSEQ (7))\r\n"
		"* 1 FETCH (UID 1 FLAGS ~ MODSEQ (7))\r\n* 2 FETCH (UID 2 FLAGS ~ MODSEQ (7))\r\n"	/* told again: somebody was in between */
		"* 3 FETCH (UID 3 FLAGS ~ MODSEQ (6))\r\n* 4 FETCH (UID 4 FLAGS ~ MODSEQ (7))\r\n2 OK [MODIFIED 3] ~\r\n");
	rig_say(c, "3 UID STORE 1,3 (UNCHANGEDSINCE 6) +FLAGS (\\Draft)\r\n",
		"* 1 FETCH (UID 1 FLAGS (\\Deleted~) MODSEQ (7))\r\n* 3 FETCH (UID 3 FLAGS (\\Flagged \\Draft~) MODSEQ (8))\r\n3 OK [MODIFIED 1] ~\r\n");
	rig_say(c, "4 STORE 1:2,4 (UNCHANGEDSINCE 0) FLAGS ()\r\n", "4 OK [MODIFIED 1:2,4] ~\r\n");
	rig_say(c, "5 STORE 1 (UNCHANGEDSINCE x) FLAGS ()\r\n", "5 BAD ~\r\n");
	rig_say(c, "6 STORE 1 (CHANGEDSINCE 1) FLAGS ()\r\n", "6 BAD ~\r\n");
	rig_free(r);
}

/* RFC 7162 3.2: VANISHED, and HIGHESTMODSEQ behind what removes. */
static void test_vanished(void **state)
{
	struct rig *r = rig_with(6);
	struct conn *c = rig_login(r, NULL), *d = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 ENABLE QRESYNC\r\n", "* ENABLED QRESYNC\r\n1 OK ~\r\n");
	rig_say(c, "2 SELECT INBOX\r\n", SELECTED("6", "7", "7") "2 OK ~\r\n");
	rig_say(c, "3 STORE 2:3,5 +FLAGS.SILENT (\\Deleted)\r\n", "* 2 FETCH (UID 2 MODSEQ (8))\r\n* 3 FETCH (UID 3 MODSEQ (8))\r\n"
		"* 5 FETCH (UID 5 MODSEQ (8))\r\n3 OK ~\r\n");
	rig_say(c, "4 EXPUNGE\r\n", "* VANISHED 2:3,5\r\n4 OK [HIGHESTMODSEQ 9] EXPUNGE completed\r\n");
	rig_say(d, "4 NOOP\r\n", "* 5 EXPUNGE\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\n* 3 EXISTS\r\n* ~ RECENT\r\n4 OK ~\r\n");
	rig_say(d, "5 STORE 1:2 +FLAGS.SILENT (\\Deleted)\r\n6 EXPUNGE\r\n", "5 OK ~\r\n* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 EXISTS\r\n* ~ RECENT\r\n6 OK EXPUNGE completed\r\n");
	rig_say(c, "5 FETCH 1 UID\r\n", "5 OK [EXPUNGEISSUED] ~\r\n");	/* not told while numbers count */
	rig_say(c, "6 UID FETCH 6 (UID)\r\n", "* 3 FETCH (UID 6)\r\n* VANISHED 1,4\r\n6 OK ~\r\n");
	rig_say(c, "7 UID MOVE 6 Sent\r\n", "* OK [COPYUID ~ 6 1] ~\r\n* VANISHED 6\r\n7 OK [HIGHESTMODSEQ 12] ~\r\n");
	rig_say(c, "8 SELECT Sent\r\n", "* OK [CLOSED] ~\r\n* FLAGS ~\r\n* OK [PERM~\r\n* 1 EXISTS\r\n* ~ RECENT\r\n* OK [UNSEEN~\r\n* OK [UIDV~\r\n* OK [UIDN~\r\n"
		"* OK [HIGH~\r\n* OK [MAILB~\r\n8 OK ~\r\n");
	rig_say(c, "9 CLOSE\r\n", "9 OK CLOSE completed\r\n");
	rig_free(r);
}

/* RFC 7162 3.2.5: a client that was away. */
static void test_resync(void **state)
{
	static const struct {
		const char *parameters, *want;
	} rows[] = {
		{ "(1001 7)", "* VANISHED (EARLIER) 2,5\r\n* 3 FETCH (UID 4 FLAGS (\\Seen~) MODSEQ (10))\r\n" },
		{ "(1001 7 1:3)", "* VANISHED (EARLIER) 2\r\n" },
		{ "(1001 7 3:4,6:9)", "* 3 FETCH (UID 4 FLAGS (\\Seen~) MODSEQ (10))\r\n" },
		{ "(1001 9)", "* 3 FETCH (UID 4 FLAGS (\\Seen~) MODSEQ (10))\r\n" },
		{ "(1001 7 1:6 (1:6 1:6))", "* VANISHED (EARLIER) 2,5\r\n* 3 FETCH (UID 4 FLAGS (\\Seen~) MODSEQ (10))\r\n" },
		{ "(1001 7 (1:6 1:6))", "* VANISHED (EARLIER) 2,5\r\n* 3 FETCH (UID 4 FLAGS (\\Seen~) MODSEQ (10))\r\n" },
		{ "(1001 10)", "" },
		{ "(1001 99999999)", "" },
		{ "(77 1)", "" },
	};
	static const char *const bad[] = { "(QRESYNC)", "(QRESYNC (1001))", "(QRESYNC (0 1))", "(QRESYNC (1001 0))", "(QRESYNC (1001 1 x))",
					   "(QRESYNC (1001 1 1:3 (1)))", "(QRESYNC (1001 1 1:3 (1 1))", "(QRESYNC (4294967296 1))" };
	struct rig *r = rig_with(6);
	struct conn *c = rig_login(r, NULL), *d = rig_login(r, "INBOX");
	char send[200], want[1000];

	(void)state;
	rig_say(d, "1 STORE 2,5 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n", "1 OK ~\r\n* 5 EXPUNGE\r\n* 2 EXPUNGE\r\n* 4 EXISTS\r\n* 4 RECENT\r\n2 OK ~\r\n");
	rig_say(d, "3 UID STORE 4 +FLAGS.SILENT (\\Seen)\r\n", "3 OK ~\r\n");
	rig_say(c, "1 ENABLE QRESYNC\r\n", "* ENABLED QRESYNC\r\n1 OK ~\r\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].parameters, i);
		snprintf(send, sizeof(send), "2 SELECT INBOX (QRESYNC %s)\r\n3 UNSELECT\r\n", rows[i].parameters);
		snprintf(want, sizeof(want), SELECTED("4", "7", "~") "%s2 OK ~\r\n3 OK ~\r\n", rows[i].want);
		rig_say(c, send, want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_case(bad[i], i);
		snprintf(send, sizeof(send), "4 SELECT INBOX %s\r\n", bad[i]);
		rig_say(c, send, "4 BAD ~\r\n");
	}
	rig_say(c, "5 SELECT INBOX (CONDSTORE QRESYNC (1001 9))\r\n",
		SELECTED("4", "7", "~") "* 3 FETCH (UID 4 FLAGS (\\Seen~) MODSEQ (10))\r\n5 OK ~\r\n");
	/* RFC 7162 3.2.6 */
	rig_say(c, "6 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 7 VANISHED)\r\n",
		"* VANISHED (EARLIER) 2,5\r\n* 3 FETCH (FLAGS (\\Seen~) UID 4 MODSEQ (10))\r\n6 OK ~\r\n");
	rig_say(c, "7 UID FETCH 3:5 (FLAGS) (VANISHED CHANGEDSINCE 7)\r\n",
		"* VANISHED (EARLIER) 5\r\n* 3 FETCH (FLAGS (\\Seen~) UID 4 MODSEQ (10))\r\n7 OK ~\r\n");
	rig_say(c, "8 FETCH 1:4 (FLAGS) (CHANGEDSINCE 7 VANISHED)\r\n", "8 BAD ~\r\n");
	rig_free(r);
}

/* RFC 9586 */
static void test_uidonly(void **state)
{
	static const char *const refused[] = { "FETCH 1 FLAGS", "STORE 1 FLAGS ()", "COPY 1 Sent", "MOVE 1 Sent", "SEARCH ALL" };
	struct rig *r = rig_with(3);
	struct conn *c = rig_login(r, NULL), *d = rig_login(r, "INBOX");
	char send[100];

	(void)state;
	rig_say(c, "1 ENABLE UIDONLY\r\n", "* ENABLED UIDONLY\r\n1 OK ~\r\n");
	rig_say(c, "2 SELECT INBOX\r\n", SELECTED("3", "4", "~") "2 OK ~\r\n");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		unit_case(refused[i], i);
		snprintf(send, sizeof(send), "3 %s\r\n", refused[i]);
		rig_say(c, send, "3 BAD [UIDREQUIRED] ~\r\n");
	}
	rig_say(c, "4 UID FETCH 2:3 (FLAGS)\r\n", "* 2 UIDFETCH (FLAGS ~)\r\n* 3 UIDFETCH (FLAGS ~)\r\n4 OK ~\r\n");
	rig_say(c, "5 UID STORE 2 FLAGS (\\Deleted)\r\n", "* 2 UIDFETCH (FLAGS (\\Deleted~))\r\n5 OK ~\r\n");
	rig_say(c, "6 EXPUNGE\r\n", "* VANISHED 2\r\n6 OK ~\r\n");
	rig_say(d, "6 STORE 1 +FLAGS.SILENT (\\Seen)\r\n", "* 1 FETCH (UID 1 FLAGS (\\Seen~))\r\n6 OK ~\r\n");
	rig_say(c, "7 NOOP\r\n", "* 1 UIDFETCH (FLAGS (\\Seen~))\r\n7 OK ~\r\n");
	rig_free(r);
}

/* RFC 8474, RFC 8514, RFC 8438 */
static void test_ids(void **state)
{
	struct rig *r = rig_with(2);
	struct conn *c = rig_login(r, "INBOX");
	struct span first, second;

	(void)state;
	rig_say(c, "1 FETCH 1 (THREADID SAVEDATE)\r\n", "* 1 FETCH (THREADID NIL SAVEDATE \"~\")\r\n1 OK ~\r\n");
	rig_say(c, "2 STATUS INBOX (SIZE DELETED MAILBOXID MESSAGES)\r\n", "* STATUS \"INBOX\" (MESSAGES 2 DELETED 0 SIZE ~ MAILBOXID (F1))\r\n2 OK ~\r\n");
	rig_send(c, "3 UID FETCH 1 EMAILID\r\n");
	first = rig_output(c);
	assert_non_null(memmem(first.p, first.n, "EMAILID (M", 10));
	rig_say(c, "4 COPY 1 Sent\r\n5 SELECT Sent\r\n", "4 OK ~\r\n* FLAGS ~\r\n* OK [PERM~\r\n* 1 EXISTS\r\n* ~ RECENT\r\n* OK [UNSEEN~\r\n* OK [UIDV~\r\n* OK [UIDN~\r\n"
		"* OK [HIGH~\r\n* OK [MAILB~\r\n5 OK ~\r\n");
	rig_send(c, "3 UID FETCH 1 EMAILID\r\n");
	second = rig_output(c);
	assert_memory_equal(first.p, second.p, first.n);	/* a copy is the same */
	rig_free(r);
}

/* RFC 9394 3.3: UIDs 1 to 8 without 4 are there. */
static void test_partial(void **state)
{
	static const struct {
		const char *ask;
		const char *uids;
	} partial_rows[] = {
		{ "1:* (UID) (PARTIAL 1:3)", "123" },
		{ "1:* (UID) (PARTIAL 3:1)", "123" },
		{ "1:* (UID) (PARTIAL -1:-3)", "678" },
		{ "1:* (UID) (PARTIAL -3:-1)", "678" },
		{ "1:* (UID) (PARTIAL 3:4)", "35" },
		{ "1:* (UID) (PARTIAL 7:9)", "8" },
		{ "1:* (UID) (PARTIAL 8:9)", "" },
		{ "1:* (UID) (PARTIAL -7:-9)", "1" },
		{ "1:* (UID) (PARTIAL -8:-9)", "" },
		{ "1:* (UID) (PARTIAL -5:-4294967295)", "123" },
		{ "1:* (UID) (PARTIAL 1:4294967295)", "1235678" },
		{ "2:4,6,8 (UID) (PARTIAL 2:3)", "36" },
		{ "2:4,6,8 (UID) (PARTIAL -1:-2)", "68" },
		{ "2:4,6,8 (UID) (PARTIAL -4:-4)", "2" },
		{ "4 (UID) (PARTIAL 1:1)", "" },
		{ "1:* (UID) (partial 2:2 changedsince 1)", "2" },
	};
	static const char *const bad[] = {
		"UID FETCH 1:* UID (PARTIAL 0:1)", "UID FETCH 1:* UID (PARTIAL 1:-2)", "UID FETCH 1:* UID (PARTIAL -1:2)",
		"UID FETCH 1:* UID (PARTIAL 1)", "UID FETCH 1:* UID (PARTIAL)", "UID FETCH 1:* UID (PARTIAL 1:4294967296)",
		"UID FETCH 1:* UID (PARTIAL 1:2 PARTIAL 1:2)", "FETCH 1:* UID (PARTIAL 1:2)",
	};
	struct rig *r = rig_with(8);
	struct conn *c = rig_login(r, "INBOX");
	char send[100], want[1000];

	(void)state;
	rig_send(c, "0 STORE 4 +FLAGS.SILENT (\\Deleted)\r\n0 EXPUNGE\r\n");
	rig_output(c);
	for (size_t i = 0; i < sizeof(partial_rows) / sizeof(partial_rows[0]); i++) {
		size_t n = 0;

		snprintf(send, sizeof(send), "1 UID FETCH %s\r\n", partial_rows[i].ask);
		if (i == 15)
			n += (size_t)snprintf(want + n, sizeof(want) - n, "* OK [HIGHESTMODSEQ ~\r\n");
		for (const char *u = partial_rows[i].uids; *u != '\0'; u++)
			n += (size_t)snprintf(want + n, sizeof(want) - n, "* ~ FETCH (UID %c%s)\r\n", *u, i == 15 ? " MODSEQ ~" : "");
		snprintf(want + n, sizeof(want) - n, "1 OK ~\r\n");
		rig_say(c, send, want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(send, sizeof(send), "1 %s\r\n", bad[i]);
		rig_say(c, send, "1 BAD ~\r\n");
	}
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_condstore_begins), cmocka_unit_test(test_condstore_select), cmocka_unit_test(test_conditional_store),
		cmocka_unit_test(test_vanished),	 cmocka_unit_test(test_resync),		  cmocka_unit_test(test_uidonly),
		cmocka_unit_test(test_ids),		 cmocka_unit_test(test_partial),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap condstore");
}
