/* test_smtp_late.c - what the SMTP engine says when authd or storaged is late: try again, and nothing was promised.
 * link: tests/unit/smtp_outside.o tests/unit/script.o smtpd sasl mime common/base */
#include "tests/unit/unit.h"

#include "smtpd/engine.h"
#include "tests/unit/script.h"
#include "tests/unit/smtp_outside.h"

enum { ANSWER_MS = 3000, COMMIT_MS = 9000 };

static const struct smtp_config mx = {
	.hostname = "m.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .message_limit = 10000,
	.recipient_limit = 10, .line_limit = 200, .output_limit = 16384, .received_limit = 3, .error_limit = 5,
	.login_ms = 1000, .idle_ms = 100000, .data_ms = 100000, .answer_ms = ANSWER_MS, .commit_ms = COMMIT_MS,
};

static const struct smtp_config submission = {
	.hostname = "m.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .submission = true, .tls = true,
	.message_limit = 10000, .recipient_limit = 10, .line_limit = 200, .output_limit = 16384, .received_limit = 3,
	.error_limit = 5, .login_ms = 100000, .idle_ms = 100000, .data_ms = 100000, .answer_ms = ANSWER_MS,
	.commit_ms = COMMIT_MS,
};

static const struct smtp_config lmtp = {
	.hostname = "m.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .lmtp = true, .message_limit = 10000,
	.recipient_limit = 10, .line_limit = 200, .output_limit = 16384, .received_limit = 3, .error_limit = 5,
	.login_ms = 1000, .idle_ms = 100000, .data_ms = 100000, .answer_ms = ANSWER_MS, .commit_ms = COMMIT_MS,
};

#define HI "S: 220*\nC: HELO c\nS: 250*\n"
#define MAIL "C: MAIL FROM:<a@b.test>\nS: 250*\n"
#define RCPT "C: RCPT TO:<user@here.test>\nS: 250*\n"
#define AUTHED "S: 220*\nC: HELO c\nS: 250*\nC: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\n"
#define LHLO_END "S: 250-LIMITS RCPTMAX=*\nS: 250-8BITMIME\nS: 250-DSN\nS: 250-SMTPUTF8\nS: 250 ENHANCEDSTATUSCODES\n"
#define SENT "C: DATA\nS: 354*\nC: Subject: x\nC: \nC: y\nC: .\n"
#define AGAIN MAIL RCPT SENT "S: 250 2.0.0 accepted as ID1\n"

static const struct {
	const char *why;
	const struct smtp_config *config;
	enum smtp_action_kind stuck;
	unsigned ms;
	const char *before, *after;
} rows[] = {
	{ "the password", &submission, SMTP_AUTHENTICATE, ANSWER_MS, "S: 220*\nC: HELO c\nS: 250*\nC: AUTH PLAIN AHVzZXIAc2VjcmV0\n",
	  "S: 454 4.7.0*\nC: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\n" },
	{ "the sender", &submission, SMTP_CHECK_SENDER, ANSWER_MS, AUTHED "C: MAIL FROM:<user@here.test>\n",
	  "S: 451 4.3.0*\nC: MAIL FROM:<user@here.test>\nS: 250*\n" },
	{ "the room", &mx, SMTP_CHECK_ROOM, ANSWER_MS, HI "C: MAIL FROM:<a@b.test>\n", "S: 451 4.3.0*\n" AGAIN },
	{ "a recipient: those before it stay", &mx, SMTP_CHECK_RECIPIENT, ANSWER_MS, HI MAIL "C: RCPT TO:<user@here.test>\n",
	  "S: 451 4.3.0*\n" RCPT SENT "S: 250*\n" },
	{ "the rate", &submission, SMTP_CHECK_RATE, ANSWER_MS, AUTHED "C: MAIL FROM:<user@here.test>\nS: 250*\n" RCPT "C: DATA\n",
	  "S: 451 4.3.0*\nC: NOOP\nS: 250*\n" },
	{ "a stage", &mx, SMTP_BODY_BEGIN, ANSWER_MS, HI MAIL RCPT "C: DATA\n", "S: 451 4.3.0*\n" AGAIN },
	{ "room in the stage: the rest is read and thrown away", &mx, SMTP_BODY, ANSWER_MS, HI MAIL RCPT SENT,
	  "S: 451 4.3.0*\n" AGAIN },
	{ "the From line", &submission, SMTP_CHECK_FROM, ANSWER_MS,
	  AUTHED "C: MAIL FROM:<user@here.test>\nS: 250*\n" RCPT "C: DATA\nS: 354*\nC: From: user@here.test\nC: \nC: .\n", "S: 451 4.3.0*\nC: NOOP\nS: 250*\n" },
	{ "the message", &mx, SMTP_COMMIT, COMMIT_MS, HI MAIL RCPT SENT, "S: 451 4.3.0*\n" AGAIN },
	{ "the message, by LMTP: for each recipient", &lmtp, SMTP_COMMIT, COMMIT_MS,
	  "S: 220*\nC: LHLO c\nS: 250-m.test*\nS: 250-PIPELINING\nS: 250-SIZE 10000\n" LHLO_END MAIL RCPT "C: RCPT TO:<fwd@here.test>\nS: 250*\n" SENT,
	  "S: 451 4.3.0*\nS: 451 4.3.0*\nC: NOOP\nS: 250*\n" },
};

/* Not a moment too early; then the client hears of it, the answer may not come any more, and the session goes on. */
static void test_late(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outside o;
		const struct script_engine e = { &o, outside_feed, outside_pump };

		unit_case(rows[i].why, 0);
		outside_start(&o, rows[i].config);
		o.stuck = rows[i].stuck;
		script_play(&e, rows[i].before, 0);
		assert_int_equal(smtp_server_deadline(o.engine), rows[i].ms);
		smtp_server_tick(o.engine, rows[i].ms - 1);
		script_play(&e, "", 0);
		assert_int_equal(o.cancelled, 0);
		o.stuck = SMTP_NONE;
		smtp_server_tick(o.engine, rows[i].ms);
		smtp_server_done(o.engine, 1, SMTP_DONE, "LATE");	/* numbers are never used twice */
		script_play(&e, rows[i].after, 0);
		assert_int_equal(o.cancelled, 1);
		assert_false(o.closed);
		outside_stop(&o);
	}
}

/* The server stops meanwhile: it goes when the answer has not come. */
static void test_ending(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &mx);
	o.stuck = SMTP_COMMIT;
	script_play(&e, HI MAIL RCPT SENT, 0);
	smtp_server_end(o.engine, "shutting down");
	script_play(&e, "", 0);
	smtp_server_tick(o.engine, COMMIT_MS);
	script_play(&e, "S: 451 4.3.0*\nS: 421 4.3.2*\n", 0);
	assert_true(o.closed);
	outside_stop(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_late), cmocka_unit_test(test_ending) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "smtp_late");
}
