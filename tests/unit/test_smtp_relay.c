/* test_smtp_relay.c - an address elsewhere in each disguise, on both kinds of port and whatever was
 * said before: nobody who has not logged in sends mail there.
 * link: tests/unit/script.o tests/unit/smtp_outside.o smtpd sasl mime common/base */
#include "tests/unit/unit.h"

#include "smtpd/engine.h"
#include "tests/unit/script.h"
#include "tests/unit/smtp_outside.h"

#define LIMITS .hostname = "mx.test", .mechanisms = "PLAIN", .message_limit = 1000, .recipient_limit = 10, \
	.line_limit = 2048, .output_limit = 65536, .received_limit = 3, .error_limit = 50, .login_ms = 1000, \
	.idle_ms = 5000, .data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000

static const struct smtp_config mx = { LIMITS, .clear_mechanisms = "none", .may_start_tls = true };
static const struct smtp_config submission = { LIMITS, .clear_mechanisms = "PLAIN", .may_start_tls = true, .submission = true };

#define EHLO "C: EHLO c\nS: 250*\nS: 250-PIPE*\nS: 250-SIZE*\n"
#define HELLO "S: 220*\n" EHLO "S: 250-STARTTLS\n"
#define FROM "C: MAIL FROM:<user@here.test>\nS: 250*\n"

/* What goes before, up to where RCPT could come. */
static const struct {
	const char *why, *text;
} before[] = {
	{ "clean", HELLO EHLO_END FROM },
	{ "behind STARTTLS", HELLO EHLO_END "C: STARTTLS\nS: 220*\n" EHLO EHLO_END_TLS FROM },
	{ "behind a failed AUTH", HELLO EHLO_END "C: AUTH PLAIN AHVzZXIAeA==\nS: 502*\nC: AUTH LOGIN\nS: 502*\nC: AHVzZXIAc2VjcmV0\nS: 500*\n" FROM },
	{ "behind RSET", HELLO EHLO_END FROM "C: RCPT TO:<user@here.test>\nS: 250*\nC: RSET\nS: 250*\n" FROM },
	{ "behind HELO and the null sender", "S: 220*\nC: HELO c\nS: 250*\nC: MAIL FROM:<>\nS: 250*\n" },
	{ "behind a good recipient", HELLO EHLO_END FROM "C: RCPT TO:<user@here.test>\nS: 250*\n" },
	{ "behind a message", HELLO EHLO_END FROM "C: RCPT TO:<user@here.test>\nS: 250*\nC: DATA\nS: 354*\nC: .\nS: 250*\n" FROM },
};

static const char *const disguises[] = {
	"<x@there.test>", "<x%there.test@here.test>", "<x%there.test>", "<x%there.test@[127.0.0.1]>",
	"<\"x%there.test\"@here.test>", "<\"x@there.test\"@here.test>", "<\"x@there.test\">", "<x@there.test@here.test>",
	"<user@here.test@there.test>", "<@here.test:x@there.test>", "<@here.test,@mx.test:x@there.test>",
	"<@here.test:@there.test:user@here.test>", "<there.test!x@here.test>", "<there.test!x>", "<here.test!there.test!x>",
	"<x@there.test.>", "<x@THERE.TEST>", "<X@There.Test>", "<x@here.test.there.test>", "<x@there.test..here.test>",
	"<x@.here.test>", "<user@here.test%there.test>", "<x@[127.0.0.1]>", "<x@[192.0.2.1]>", "<x@[IPv6:::1]>", "<x@localhost>",
	"<x@mx.test>", "<postmaster@there.test>", "<postmaster@>", "<postmaster%there.test>", "<x:there.test@here.test>",
	"<x@here.test:25>", "<x/there.test@here.test>", "<x+there.test@here.test>", "<x=there.test@here.test>",
	"<SRS0=AAAA=AA=there.test=x@here.test>", "<SRS1=AAAA=there.test==AAAA=AA=t.test=x@here.test>", "<x@here.test >", "< x@there.test>",
	"x@there.test", "<x@there.test", "<x@there.test>>", "<<x@there.test>>", "<x@there.test> ORCPT=rfc822;user@here.test",
	"<nobody@here.test> ORCPT=rfc822;x@there.test", "<x@there.test> NOTIFY=NEVER", "<x@there.test> SIZE=1", "<user@here.test,x@there.test>",
	"<user@here.test>,<x@there.test>", "<user@here.test> <x@there.test>", "<user@here.test><x@there.test>", "<x@there.test(user@here.test)>",
	"<x@there.test\\@here.test>", "<x@there.test;user@here.test>", "<\"\"@there.test>", "<user@xn--here-test>",
	"<user@\xef\xbd\x88" "ere.test>", "<user\xef\xbc\xa0" "here.test@there.test>", "<x@there\xe3\x80\x82" "test>", "<user@here.test\t@there.test>",
	"<\"user@here.test\\\"@there.test>", "<user@here.test\rX>",
};

static bool is_refused(const char *said)
{
	return *said == '4' || *said == '5';
}

/* Says one line and gives the first reply. */
static void say(struct outside *o, const char *line, size_t n, char reply[200])
{
	struct span in = { (const uint8_t *)line, n };
	struct buf said;

	buf_init(&said, 1 << 16);
	while (in.n > 0) {
		size_t had = in.n;

		outside_feed(o, &in);
		outside_pump(o, &said);
		if (in.n == had)
			break;
	}
	snprintf(reply, 200, "%.*s", (int)said.n, said.n > 0 ? (const char *)said.p : "");
	buf_clear(&said);
}

static void try_one(const struct smtp_config *config, const char *text, const char *disguise, size_t n)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };
	char line[400], reply[200];
	int used;

	outside_start(&o, config);
	script_play(&e, text, 0);
	used = snprintf(line, sizeof(line), "RCPT TO:");
	memcpy(line + used, disguise, n);
	memcpy(line + used + n, "\r\n", 2);
	say(&o, line, (size_t)used + n + 2, reply);
	assert_true(is_refused(reply));
	say(&o, "DATA\r\n.\r\n", 9, reply);
	assert_string_equal(o.remotes, "");
	outside_stop(&o);
}

static void test_mx(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		for (size_t k = 0; k < sizeof(disguises) / sizeof(disguises[0]); k++) {
			unit_case(disguises[k], i);
			try_one(&mx, before[i].text, disguises[k], strlen(disguises[k]));
		}
		unit_case("a NUL", i);
		try_one(&mx, before[i].text, "<user@here.test\0@there.test>", 29);
		try_one(&mx, before[i].text, "<x@there.test\0@here.test>", 26);
	}
}

/* Before the login nothing of it is even looked at; behind a wrong password neither. */
static void test_submission(void **state)
{
	static const char *const texts[] = {
		HELLO "S: 250-AUTH PLAIN\n" EHLO_END "C: MAIL FROM:<user@here.test>\nS: 530*\n",
		HELLO "S: 250-AUTH PLAIN\n" EHLO_END "C: STARTTLS\nS: 220*\n" EHLO "S: 250-AUTH PLAIN\n" EHLO_END_TLS "C: MAIL FROM:<user@here.test>\nS: 530*\n",
		HELLO "S: 250-AUTH PLAIN\n" EHLO_END "C: AUTH PLAIN AHVzZXIAeA==\nS: 535*\nC: MAIL FROM:<user@here.test>\nS: 530*\n",
		HELLO "S: 250-AUTH PLAIN\n" EHLO_END "C: RSET\nS: 250*\nC: MAIL FROM:<user@here.test>\nS: 530*\n",
		HELLO "S: 250-AUTH PLAIN\n" EHLO_END "C: AUTH PLAIN\nS: 334 \nC: *\nS: 501*\nC: MAIL FROM:<> AUTH=user@here.test\nS: 530*\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t k = 0; k < sizeof(disguises) / sizeof(disguises[0]); k++) {
			unit_case(disguises[k], i);
			try_one(&submission, texts[i], disguises[k], strlen(disguises[k]));
		}
}

/* A login does not outlive the session, nor comes through STARTTLS from before it. */
static void test_login_is_needed_each_time(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &submission);
	script_play(&e, HELLO "S: 250-AUTH PLAIN\n" EHLO_END "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\n" FROM
			      "C: RCPT TO:<x@there.test>\nS: 250*\n", 0);
	assert_string_equal(o.remotes, "x@there.test 0 ;");
	outside_stop(&o);
	outside_start(&o, &submission);
	script_play(&e, HELLO "S: 250-AUTH PLAIN\n" EHLO_END "C: MAIL FROM:<user@here.test>\nS: 530*\nC: RCPT TO:<x@there.test>\nS: 530*\n", 0);
	assert_string_equal(o.remotes, "");
	outside_stop(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mx), cmocka_unit_test(test_submission),
					    cmocka_unit_test(test_login_is_needed_each_time) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "smtp_relay");
}
