/* test_imap_codes.c - a refusal says why, in a form that a program reads (RFC 5530 3): each status of the store at
 * each command that can meet it, and what else is refused.
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/session.h"
#include "storage/meta.h"

static const char letter[] = "From: Anna <anna@example.org>\r\nSubject: one\r\n\r\nHello\r\n";

static struct rig *rig_with_letters(void)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	for (int i = 0; i < 2; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	return r;
}

static const struct {
	enum store_status status;
	const char *code;
} statuses[] = {
	{ STORE_NOT_FOUND, "NONEXISTENT" }, { STORE_EXISTS, "ALREADYEXISTS" }, { STORE_OVER_QUOTA, "OVERQUOTA" },
	{ STORE_TRY_LATER, "UNAVAILABLE" }, { STORE_CORRUPT, "CORRUPTION" },   { STORE_UNKNOWN, "UNAVAILABLE" },
	{ STORE_REFUSED, "NOPERM" },	    { STORE_INVALID, "CANNOT" },       { STORE_IN_USE, "INUSE" },
	{ STORE_LIMIT, "LIMIT" },
};

/* INBOX is selected and has two messages. NULL: as the table above has it; "OK": that. */
static const struct {
	const char *why;
	enum fake_call call;
	const char *send;
	const char *not_found, *in_use;
} commands[] = {
	{ "SELECT looks for the name", FAKE_FIND, "1 SELECT Sent\r\n", NULL, NULL },
	{ "SELECT looks into it", FAKE_SYNC, "1 SELECT Sent\r\n", NULL, NULL },
	{ "CREATE", FAKE_COMMIT, "1 CREATE x\r\n", NULL, "UNAVAILABLE" },
	{ "CREATE with a role", FAKE_COMMIT, "1 CREATE x (USE (\\Sent))\r\n", NULL, "USEATTR" },
	{ "DELETE", FAKE_COMMIT, "1 DELETE Sent\r\n", NULL, NULL },
	{ "RENAME", FAKE_COMMIT, "1 RENAME Sent x\r\n", NULL, NULL },
	{ "SUBSCRIBE", FAKE_COMMIT, "1 SUBSCRIBE x\r\n", NULL, NULL },
	{ "LIST", FAKE_LIST, "1 LIST \"\" *\r\n", NULL, NULL },
	{ "STATUS", FAKE_FIND, "1 STATUS Sent (MESSAGES)\r\n", NULL, NULL },
	{ "APPEND, the name", FAKE_FIND, "1 APPEND Sent {3+}\r\nabc\r\n", "TRYCREATE", NULL },
	{ "APPEND, the commit", FAKE_COMMIT, "1 APPEND Sent {3+}\r\nabc\r\n", "TRYCREATE", NULL },
	{ "REPLACE", FAKE_COMMIT, "1 REPLACE 1 Sent {3+}\r\nabc\r\n", "TRYCREATE", NULL },
	{ "COPY, the name", FAKE_FIND, "1 COPY 1 Sent\r\n", "TRYCREATE", NULL },
	{ "COPY", FAKE_COMMIT, "1 COPY 1 Sent\r\n", "TRYCREATE", NULL },
	{ "MOVE", FAKE_COMMIT, "1 UID MOVE 1 Sent\r\n", "TRYCREATE", NULL },
	{ "STORE", FAKE_COMMIT, "1 STORE 1 FLAGS (a)\r\n", NULL, NULL },
	{ "EXPUNGE", FAKE_COMMIT, "1 EXPUNGE\r\n", NULL, NULL },
	{ "CLOSE: what was deleted is closed too", FAKE_COMMIT, "1 CLOSE\r\n", "OK", NULL },
	{ "FETCH", FAKE_SYNC, "1 FETCH 1 FLAGS\r\n", NULL, NULL },
	{ "FETCH sets \\Seen", FAKE_COMMIT, "1 FETCH 1 BODY[]\r\n", NULL, NULL },
	{ "SEARCH", FAKE_SYNC, "1 SEARCH SEEN\r\n", NULL, NULL },
	{ "SORT", FAKE_SYNC, "1 SORT (ARRIVAL) UTF-8 ALL\r\n", NULL, NULL },
	{ "THREAD", FAKE_SYNC, "1 THREAD REFERENCES UTF-8 ALL\r\n", NULL, NULL },
};

static bool answers(struct span out, const char *code)
{
	char want[100];

	snprintf(want, sizeof(want), strcmp(code, "OK") == 0 ? "\r\n1 %s " : "\r\n1 NO [%s] ", code);
	return span_starts(out, want + 2) || memmem(out.p, out.n, want, strlen(want)) != NULL;
}

static void test_statuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		for (size_t k = 0; k < sizeof(statuses) / sizeof(statuses[0]); k++) {
			enum store_status status = statuses[k].status;
			const char *code = status == STORE_NOT_FOUND && commands[i].not_found != NULL ? commands[i].not_found :
					   status == STORE_IN_USE && commands[i].in_use != NULL	      ? commands[i].in_use :
													statuses[k].code;
			struct rig *r = rig_with_letters();
			struct conn *c = rig_login(r, "INBOX");
			struct span out;

			unit_case(commands[i].why, k);
			fake_store_fail(rig_store(r), commands[i].call, status, 1);
			rig_send(c, commands[i].send);
			out = rig_output(c);
			if (!answers(out, code))
				fail_msg("wanted [%s], got %.*s", code, (int)out.n, (const char *)out.p);
			rig_free(r);
		}
	}
}

static const struct {
	const char *why, *send, *want;
} rows[] = {
	{ "an unknown mechanism", "1 AUTHENTICATE NOPE\r\n", "1 NO [CANNOT] ~\r\n" },
	{ "a wrong password", "1 LOGIN anna wrong\r\n", "1 NO [AUTHENTICATIONFAILED] ~\r\n" },
	{ "a disabled account", "1 LOGIN off secret\r\n", "1 NO [CONTACTADMIN] ~\r\n" },
	{ "an app password for something else", "1 LOGIN scoped secret\r\n", "1 NO [AUTHORIZATIONFAILED] ~\r\n" },
	{ "an app password past its date", "1 LOGIN old secret\r\n", "1 NO [EXPIRED] ~\r\n" },
	{ "another's name: ben, anna, secret", "1 AUTHENTICATE PLAIN YmVuAGFubmEAc2VjcmV0\r\n", "1 NO [AUTHORIZATIONFAILED] ~\r\n" },
	{ "another's name with a wrong password", "1 AUTHENTICATE PLAIN YmVuAGFubmEAeA==\r\n", "1 NO [AUTHENTICATIONFAILED] ~\r\n" },
	{ "its own name", "1 AUTHENTICATE PLAIN YW5uYQBhbm5hAHNlY3JldA==\r\n", "1 OK ~\r\n" },
	{ "too many sessions", "1 LOGIN crowd secret\r\n", "1 NO [LIMIT] ~\r\n" },
	{ "nobody there to ask", "1 LOGIN late secret\r\n2 LOGIN none secret\r\n", "1 NO [UNAVAILABLE] ~\r\n2 NO [UNAVAILABLE] ~\r\n" },
	{ "a read-only mailbox", "l LOGIN anna secret\r\ns EXAMINE INBOX\r\n1 STORE 1 FLAGS ()\r\n2 MOVE 1 Sent\r\n3 EXPUNGE\r\n"
	  "4 REPLACE 1 INBOX {3+}\r\nabc\r\n",
	  "l OK ~\r\n* ~\r\n* ~\r\n* ~\r\n* ~\r\n* ~\r\n* ~\r\n* ~\r\n* ~\r\n* ~\r\ns OK [READ-ONLY] ~\r\n"
	  "1 NO [CANNOT] ~\r\n2 NO [CANNOT] ~\r\n3 NO [CANNOT] ~\r\n4 NO [CANNOT] ~\r\n" },
	{ "INBOX", "l LOGIN anna secret\r\n1 CREATE inbox\r\n2 DELETE inbox\r\n", "l OK ~\r\n1 NO [ALREADYEXISTS] ~\r\n2 NO [CANNOT] ~\r\n" },
	{ "names that are there, or not", "l LOGIN anna secret\r\n1 CREATE Sent\r\n2 RENAME Sent Trash\r\n3 RENAME Nope x\r\n4 DELETE Nope\r\n5 SELECT Nope\r\n6 STATUS Nope (SIZE)\r\n",
	  "l OK ~\r\n1 NO [ALREADYEXISTS] ~\r\n2 NO [ALREADYEXISTS] ~\r\n3 NO [NONEXISTENT] ~\r\n4 NO [NONEXISTENT] ~\r\n5 NO [NONEXISTENT] ~\r\n6 NO [NONEXISTENT] ~\r\n" },
	{ "a name that can't be", "l LOGIN anna secret\r\n1 CREATE a//b\r\n2 RENAME Sent ../x\r\n", "l OK ~\r\n1 NO [CANNOT] ~\r\n2 NO [CANNOT] ~\r\n" },
	{ "a message that is too large, or empty", "l LOGIN anna secret\r\n1 APPEND Sent {99999999999}\r\n2 APPEND Sent {0}\r\n",
	  "l OK ~\r\n1 NO [TOOBIG] ~\r\n2 NO [CANNOT] ~\r\n" },
	{ "quota", "l LOGIN anna secret\r\n1 SETQUOTA \"\" (STORAGE 5)\r\n2 GETQUOTA nope\r\n", "l OK ~\r\n1 NO [NOPERM] ~\r\n2 NO [NONEXISTENT] ~\r\n" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_with_letters();
		struct conn *c = rig_open(r, NULL);

		rig_secure(c);
		rig_say(c, rows[i].send, rows[i].want);
		rig_free(r);
	}
}

/* RFC 5530 3 EXPUNGEISSUED: another session took a message that this one still counts. */
static void test_expunge_issued(void **state)
{
	static const char *const commands_then[] = { "1 FETCH 1:2 ENVELOPE\r\n", "1 SEARCH SUBJECT one\r\n" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rig *r = rig_with_letters();
		struct conn *c = rig_login(r, "INBOX");
		struct span out;

		unit_case(commands_then[i], 0);
		fake_store_drop(rig_store(r), RIG_ACCOUNT, "INBOX", 1);
		rig_send(c, commands_then[i]);
		out = rig_output(c);
		if (i == 0)	/* what is found is found among what is there */
			assert_non_null(memmem(out.p, out.n, "1 OK [EXPUNGEISSUED] ", 21));
		assert_null(memmem(out.p, out.n, "EXPUNGE\r\n", 9));
		rig_say(c, "2 NOOP\r\n", "* 1 EXPUNGE\r\n* 1 EXISTS\r\n* 1 RECENT\r\n2 OK ~\r\n");
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_statuses), cmocka_unit_test(test_rows),
					    cmocka_unit_test(test_expunge_issued) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
