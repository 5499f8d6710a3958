/* test_imap_idle.c - when nothing holds up the end of a session: no command is in hand, or the client does not go on with it.
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include "service/service.h"

#define IN_CLEAR "RequireTLS no\nAuthWithoutTLS PLAIN,LOGIN\nListen 127.0.0.1:143 explicit\n"
#define LOGIN "1 LOGIN anna secret\r\n"

static const struct fake_options options;

static const struct {
	const char *why, *said;
	bool idle, ended;	/* while the client is there; once it has sent all that it will */
} cases[] = {
	{ "nothing was said", "", true, true },
	{ "half a command", "1 NO", true, true },
	{ "a literal of a command is missing", "1 LOGIN {4}\r\nan", true, true },
	{ "an answer of AUTHENTICATE is awaited", "1 AUTHENTICATE PLAIN\r\n", true, true },
	{ "half of it is there", "1 AUTHENTICATE PLAIN\r\nAGFub", true, true },
	{ "the second one", "1 AUTHENTICATE LOGIN\r\nYW5uYQ==\r\n", true, true },
	{ "a wrong password", "1 AUTHENTICATE PLAIN\r\nAGFubmEAeA==\r\n", true, true },
	{ "IDLE", LOGIN "2 SELECT INBOX\r\n3 IDLE\r\n", true, true },
	{ "a message is awaited", LOGIN "2 APPEND INBOX {10}\r\n", false, true },
	{ "half of it is there", LOGIN "2 APPEND INBOX {10}\r\n12345", false, true },
	{ "all of it, but not the line's end", LOGIN "2 APPEND INBOX {10}\r\n1234567890", false, true },
	{ "a second one", LOGIN "2 APPEND INBOX {2}\r\n12 {2}\r\n", false, true },
};

static void test_client_has_the_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig *r = rig_new(&options);
		struct conn *c = rig_open(r, IN_CLEAR);

		unit_case(cases[i].why, i);
		rig_send(c, cases[i].said);
		assert_false(rig_closed(c));
		assert_int_equal(imap_protocol.idle(rig_shell(c)), cases[i].idle);
		imap_protocol.finished(rig_shell(c));
		assert_int_equal(imap_protocol.idle(rig_shell(c)), cases[i].ended);
		rig_close(c);
		rig_free(r);
	}
}

/* Told to end then, it says so and closes. */
static void test_stop_amid_authenticate(void **state)
{
	struct rig *r = rig_new(&options);
	struct conn *c = rig_open(r, IN_CLEAR);

	(void)state;
	rig_say(c, "", "* OK ~\r\n");
	rig_say(c, "1 AUTHENTICATE PLAIN\r\n", "+ \r\n");
	imap_protocol.end(rig_shell(c), CONN_END_STOP);
	rig_say(c, "", "* BYE shutting down, try again\r\n");
	assert_true(rig_closed(c));
	rig_close(c);
	rig_free(r);
}

/* A search is answered first. */
static void test_work_in_hand(void **state)
{
	struct rig *r = rig_new(&options);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 APPEND INBOX {5}\r\n\r\nx\r\n\r\n", "+ ~\r\n* 1 EXISTS\r\n* 1 RECENT\r\n1 OK ~\r\n");
	rig_hold(r);
	rig_send(c, "2 SEARCH BODY x\r\n");
	assert_false(imap_protocol.idle(rig_shell(c)));
	rig_go(r);
	assert_true(imap_protocol.idle(rig_shell(c)));
	rig_close(c);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_has_the_word),
		cmocka_unit_test(test_stop_amid_authenticate),
		cmocka_unit_test(test_work_in_hand),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap_idle");
}
