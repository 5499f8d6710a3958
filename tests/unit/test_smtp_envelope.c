/* test_smtp_envelope.c - parameters of MAIL and RCPT, and what is asked of a submitted message.
 * link: tests/unit/script.o tests/unit/smtp_outside.o smtpd sasl mime common/base */
#include "tests/unit/unit.h"

#include "smtpd/engine.h"
#include "tests/unit/script.h"
#include "tests/unit/smtp_outside.h"

static const struct smtp_config mx = {
	.hostname = "mx.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .may_start_tls = true,
	.message_limit = 100000, .recipient_limit = 3, .line_limit = 2048, .output_limit = 65536, .received_limit = 3,
	.error_limit = 50, .login_ms = 1000, .idle_ms = 5000, .data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};
static const struct smtp_config submission = {
	.hostname = "mx.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .submission = true,
	.require_tls = true, .tls = true, .message_limit = 100000, .recipient_limit = 3, .line_limit = 2048,
	.output_limit = 65536, .received_limit = 3, .error_limit = 50, .login_ms = 1000, .idle_ms = 5000,
	.data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};

#define HELLO "S: 220*\nC: EHLO c\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\n"
#define MX HELLO EHLO_END
#define IN HELLO EHLO_END_TLS "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\n"
#define OK "S: 250*\n"
#define FROM "C: MAIL FROM:<user@here.test>\n" OK
#define TO "C: RCPT TO:<user@here.test>\n" OK
#define DATA "C: DATA\nS: 354*\n"
#define END "C: .\nS: 250 2.0.0*\n"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

struct row {
	const char *why;
	const struct smtp_config *config;
	const char *text;
	const char *remotes, *envid;	/* of what was committed */
	unsigned flags;
};

static const struct row envelopes[] = {
	{ "a remote with all there is", &submission,
	  IN "C: MAIL FROM:<user@here.test> RET=HDRS ENVID=a+2Bb SIZE=10\n" OK
	     "C: RCPT TO:<x@there.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+40there.test\n" OK DATA "C: From: user@here.test\n" END,
	  "x@there.test 5 rfc822;x+40there.test;", "a+2Bb", STORE_MAIL_RET_HEADERS },
	{ "parameters are one recipient's, and one message's", &submission,
	  IN "C: MAIL FROM:<user@here.test> RET=full ENVID=x\n" OK "C: RCPT TO:<a@there.test> NOTIFY=never\n" OK "C: RSET\n" OK FROM
	     "C: RCPT TO:<b@there.test> notify=FAILURE,failure\n" OK "C: RCPT TO:<c@there.test>\n" OK DATA "C: From: user@here.test\n" END,
	  "a@there.test 8 ;b@there.test 2 ;c@there.test 0 ;", "", 0 },
	{ "NOTIFY that can't be", &mx,
	  MX "C: MAIL FROM:<a@b.test>\n" OK "C: RCPT TO:<user@here.test> NOTIFY=NEVER,SUCCESS\nS: 501 5.5.4*\n"
	     "C: RCPT TO:<user@here.test> NOTIFY=\nS: 501*\nC: RCPT TO:<user@here.test> NOTIFY\nS: 501*\n"
	     "C: RCPT TO:<user@here.test> NOTIFY=SUCCESS,\nS: 501*\nC: RCPT TO:<user@here.test> NOTIFY=,DELAY\nS: 501*\n"
	     "C: RCPT TO:<user@here.test> NOTIFY=ALWAYS\nS: 501*\nC: RCPT TO:<user@here.test> NOTIFY=DELAY NOTIFY=DELAY\nS: 501*\n",
	  NULL, NULL, 0 },
	{ "ORCPT that can't be", &mx,
	  MX "C: MAIL FROM:<a@b.test>\n" OK "C: RCPT TO:<user@here.test> ORCPT=user\nS: 501 5.5.4*\n"
	     "C: RCPT TO:<user@here.test> ORCPT=rfc822;\nS: 501*\nC: RCPT TO:<user@here.test> ORCPT=;a\nS: 501*\n"
	     "C: RCPT TO:<user@here.test> ORCPT=rfc822;a+4\nS: 501*\nC: RCPT TO:<user@here.test> ORCPT=rfc822;a+zz\nS: 501*\n"
	     "C: RCPT TO:<user@here.test> ORCPT=rfc822;a=b\nS: 501*\nC: RCPT TO:<user@here.test> ORCPT=rf c;a\nS: 501*\n"
	     "C: RCPT TO:<user@here.test> ORCPT=utf-8;\xc3\xa4@b\nS: 501*\nC: RCPT TO:<user@here.test> ORCPT=rfc/822;a\nS: 501*\n",
	  NULL, NULL, 0 },
	{ "ORCPT of 500 bytes, and of 501", &mx,
	  MX "C: MAIL FROM:<a@b.test>\n" OK "C: RCPT TO:<user@here.test> ORCPT=rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED FIFTY TEN TEN TEN TEN "012\n" OK
	     "C: RCPT TO:<user@here.test> ORCPT=rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED FIFTY TEN TEN TEN TEN "0123\nS: 501*\n",
	  NULL, NULL, 0 },
	{ "ORCPT in UTF-8 where it may be", &submission,
	  IN "C: MAIL FROM:<user@here.test> SMTPUTF8\n" OK "C: RCPT TO:<x@there.test> ORCPT=utf-8;\xc3\xa4@b\\x{E4}\n" OK
	     "C: RCPT TO:<y@there.test> ORCPT=rfc822;\xc3\xa4@b\nS: 501*\n" DATA "C: From: user@here.test\n" END,
	  "x@there.test 0 utf-8;\xc3\xa4@b\\x{E4};", "", 0 },
	{ "RET and ENVID that can't be", &mx,
	  MX "C: MAIL FROM:<a@b.test> RET=SOME\nS: 501 5.5.4*\nC: MAIL FROM:<a@b.test> RET\nS: 501*\n"
	     "C: MAIL FROM:<a@b.test> ENVID=\nS: 501*\nC: MAIL FROM:<a@b.test> ENVID=a+1\nS: 501*\n"
	     "C: MAIL FROM:<a@b.test> ENVID=" HUNDRED "\n" OK "C: RSET\n" OK
	     "C: MAIL FROM:<a@b.test> ENVID=" HUNDRED "1\nS: 501*\nC: MAIL FROM:<a@b.test> RET=FULL RET=HDRS\nS: 501*\n",
	  NULL, NULL, 0 },
	{ "RCPT's are not MAIL's", &mx, MX "C: MAIL FROM:<a@b.test> NOTIFY=NEVER\nS: 555*\nC: MAIL FROM:<a@b.test>\n" OK
	  "C: RCPT TO:<user@here.test> RET=FULL\nS: 555*\n", NULL, NULL, 0 },
	{ "AUTH= where there is no AUTH", &mx, MX "C: MAIL FROM:<a@b.test> AUTH=<>\nS: 555*\n", NULL, NULL, 0 },
	{ "AUTH= where there is", &submission, IN "C: MAIL FROM:<user@here.test> AUTH=<>\n" OK, NULL, NULL, 0 },
	{ "REQUIRETLS in clear", &mx, MX "C: MAIL FROM:<a@b.test> REQUIRETLS\nS: 530 5.7.10*\n", NULL, NULL, 0 },
	{ "REQUIRETLS with a value", &submission, IN "C: MAIL FROM:<user@here.test> REQUIRETLS=yes\nS: 501*\n", NULL, NULL, 0 },
	{ "REQUIRETLS over TLS-Required: No", &submission,
	  IN "C: MAIL FROM:<user@here.test> REQUIRETLS\n" OK TO DATA "C: From: user@here.test\nC: TLS-Required: No\n" END, "", "",
	  STORE_MAIL_REQUIRE_TLS },
	{ "TLS-Required: No", &mx, MX "C: MAIL FROM:<a@b.test>\n" OK TO DATA "C: TLS-Required: no\n" END, "", "",
	  STORE_MAIL_TLS_OPTIONAL },
	{ "8-bit in the body", &mx, MX "C: MAIL FROM:<a@b.test> BODY=7BIT\n" OK TO DATA "C: A: b\nC: \nC: \xc3\xa4\n" END, "", "",
	  STORE_MAIL_8BIT },
	{ "8-bit in the header without SMTPUTF8", &mx, MX "C: MAIL FROM:<a@b.test>\n" OK TO DATA "C: A: \xe4\n" END, "", "",
	  STORE_MAIL_8BIT },
	{ "BODY=8BITMIME and nothing of it", &mx, MX "C: MAIL FROM:<a@b.test> BODY=8BITMIME\n" OK TO DATA "C: A: b\n" END, "", "", 0 },
	{ "SMTPUTF8 in the header", &mx, MX "C: MAIL FROM:<a@b.test> SMTPUTF8\n" OK TO DATA "C: A: \xc3\xa4\n" END, "", "",
	  STORE_MAIL_8BIT | STORE_MAIL_UTF8 },
	{ "SMTPUTF8 in the sender", &mx, MX "C: MAIL FROM:<\xc3\xa4@b.test> SMTPUTF8\n" OK TO DATA "C: A: b\n" END, "", "",
	  STORE_MAIL_UTF8 },
	{ "SMTPUTF8 in a recipient", &submission,
	  IN "C: MAIL FROM:<user@here.test> SMTPUTF8\n" OK "C: RCPT TO:<\xc3\xa4@b\xc3\xbc.there.test>\n" OK DATA "C: From: user@here.test\n" END,
	  "\xc3\xa4@xn--b-eha.there.test 0 ;", "", STORE_MAIL_UTF8 },
	{ "a domain in its own letters needs SMTPUTF8 here alone", &submission,
	  IN "C: MAIL FROM:<user@here.test> SMTPUTF8\n" OK "C: RCPT TO:<x@B\xc3\xbc.there.test>\n" OK DATA "C: From: user@here.test\n" END,
	  "x@xn--b-eha.there.test 0 ;", "", 0 },
	{ "both spellings are one recipient's", &submission,
	  IN "C: MAIL FROM:<user@here.test> SMTPUTF8\n" OK "C: RCPT TO:<x@b\xc3\xbc.there.test>\n" OK
	     "C: RCPT TO:<x@XN--B-EHA.there.test>\n" OK DATA "C: From: user@here.test\n" END,
	  "x@xn--b-eha.there.test 0 ;x@xn--b-eha.there.test 0 ;", "", 0 },
	{ "a domain in its own letters without SMTPUTF8", &mx,
	  MX "C: MAIL FROM:<a@b\xc3\xbc.test>\nS: 553 5.6.7*\n", NULL, NULL, 0 },
	{ "SMTPUTF8 that nothing needs", &mx, MX "C: MAIL FROM:<a@b.test> SMTPUTF8\n" OK TO DATA "C: A: b\nC: \nC: \xc3\xa4\n" END, "", "",
	  STORE_MAIL_8BIT },
	{ "UTF-8 without SMTPUTF8", &mx,
	  MX "C: MAIL FROM:<\xc3\xa4@b.test>\nS: 553 5.6.7*\nC: MAIL FROM:<a@b.test>\n" OK "C: RCPT TO:<\xc3\xa4@here.test>\nS: 553 5.6.7*\n",
	  NULL, NULL, 0 },
	{ "bytes that are no UTF-8", &mx, MX "C: MAIL FROM:<\xe4@b.test> SMTPUTF8\nS: 501 5.1.7*\n", NULL, NULL, 0 },
	{ "SMTPUTF8 with a value, or with HELO", &mx,
	  "S: 220*\nC: HELO c\nS: 250*\nC: MAIL FROM:<a@b.test> SMTPUTF8\nS: 555*\nC: EHLO c\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\n" EHLO_END
	  "C: MAIL FROM:<a@b.test> SMTPUTF8=1\nS: 501*\n", NULL, NULL, 0 },
	{ "a domain that is none", &submission,
	  IN FROM "C: RCPT TO:<x@there>\nS: 550 5.1.2*\nC: RCPT TO:<x@[there.test]>\nS: 501 5.1.3*\nC: RCPT TO:<x@[x:there.test]>\nS: 550 5.1.2*\nC: RCPT TO:<x@[192.0.2.7]>\n" OK, NULL, NULL, 0 },
	{ "the limit of recipients holds over all", &submission,
	  IN FROM TO "C: RCPT TO:<a@there.test>\n" OK "C: RCPT TO:<b@there.test>\n" OK "C: RCPT TO:<c@there.test>\nS: 452 4.5.3*\n", NULL, NULL, 0 },
};

static void test_envelopes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++)
		for (size_t pieces = 0; pieces < 3; pieces++) {
			const struct row *r = &envelopes[i];
			struct outside o;
			const struct script_engine e = { &o, outside_feed, outside_pump };

			unit_case(r->why, pieces);
			outside_start(&o, r->config);
			script_play(&e, r->text, pieces);
			assert_int_equal(o.committed, r->envid != NULL);
			if (r->envid != NULL) {
				assert_string_equal(o.remotes, r->remotes);
				assert_string_equal(o.envid, r->envid);
				assert_int_equal(o.flags, r->flags);
			}
			outside_stop(&o);
		}
}

/* A header that is submitted by user@here.test, without Date and Message-ID. */
static const struct {
	const char *why, *header;
	const char *authors;	/* asked for */
	const char *reply;
	const char *kept;	/* of the header; NULL: refused */
} headers[] = {
	{ "one From", "C: From: A User <user@here.test>\n", "user@here.test ", "250*", "From: A User <user@here.test>\r\n" },
	{ "folded, quoted, with a comment", "C: FROM :\nC:  \"boss@there.test\" (x)\nC:  <user@here.test>\n", "user@here.test ", "250*",
	  "FROM :\r\n \"boss@there.test\" (x)\r\n <user@here.test>\r\n" },
	{ "somebody else", "C: From: Boss <boss@here.test>\n", "boss@here.test ", "550 5.7.1 the address in*", NULL },
	{ "the sender's address as a name alone", "C: From: \"user@here.test\" <boss@here.test>\n", "boss@here.test ", "550 5.7.1*", NULL },
	{ "a route", "C: From: <@here.test:boss@there.test>\n", "boss@there.test ", "550 5.7.1*", NULL },
	{ "none", "C: Subject: x\n", "", "550 5.7.1 a message has*", NULL },
	{ "two", "C: From: user@here.test\nC: From: boss@here.test\n", "", "550 5.7.1 a message has*", NULL },
	{ "two, one with a blank before its colon", "C: From: user@here.test\nC: from : boss@here.test\n", "", "550 5.7.1 a message has*", NULL },
	{ "one in the body does not count", "C: From: user@here.test\nC: \nC: From: boss@here.test\n", "user@here.test ", "250*",
	  "From: user@here.test\r\n\r\nFrom: boss@here.test\r\n" },
	{ "empty", "C: From:\n", "", "550 5.7.1 the From line*", NULL },
	{ "no address", "C: From: A User\n", "", "550 5.7.1 the From line*", NULL },
	{ "no domain", "C: From: <user>\n", "", "550 5.7.1 the From line*", NULL },
	{ "an empty group", "C: From: us:;\n", "", "550 5.7.1 the From line*", NULL },
	{ "a group of one", "C: From: us: user@here.test;\n", "user@here.test ", "250*", "From: us: user@here.test;\r\n" },
	{ "several, and a Sender", "C: From: boss@here.test, user@here.test\nC: Sender: user@here.test\n", "user@here.test ", "250*",
	  "From: boss@here.test, user@here.test\r\nSender: user@here.test\r\n" },
	{ "several, and somebody else as the Sender", "C: From: boss@here.test, user@here.test\nC: Sender: boss@here.test\n", "boss@here.test ",
	  "550 5.7.1*", NULL },
	{ "several without a Sender", "C: From: boss@here.test, user@here.test\n", "", "550 5.7.1 a message from several*", NULL },
	{ "several with two Senders", "C: From: a@here.test, b@here.test\nC: Sender: user@here.test\nC: Sender: a@here.test\n", "",
	  "550 5.7.1 a message from several*", NULL },
	{ "a Sender beside one From changes nothing", "C: From: boss@here.test\nC: Sender: user@here.test\n", "boss@here.test ", "550 5.7.1*", NULL },
	{ "Bcc goes", "C: Bcc: a@b.test,\nC:  c@d.test\nC: From: user@here.test\nC: BCC : e@f.test\nC: Bccx: y\nC: Resent-Bcc: g@h.test\n",
	  "user@here.test ", "250*", "From: user@here.test\r\nBccx: y\r\n" },
	{ "Bcc in the body stays", "C: From: user@here.test\nC: \nC: Bcc: a@b.test\n", "user@here.test ", "250*",
	  "From: user@here.test\r\n\r\nBcc: a@b.test\r\n" },
};

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct outside o;
		const struct script_engine e = { &o, outside_feed, outside_pump };
		char text[2000], want[1000];

		unit_case(headers[i].why, i);
		outside_start(&o, &submission);
		snprintf(text, sizeof(text), IN FROM TO DATA "%sC: .\nS: %s\n", headers[i].header, headers[i].reply);
		script_play(&e, text, 0);
		assert_string_equal(o.authors, headers[i].authors);
		assert_int_equal(o.committed, headers[i].kept != NULL);
		if (headers[i].kept != NULL) {
			snprintf(want, sizeof(want), "Date: now\r\nMessage-ID: <new>\r\n%s", headers[i].kept);
			unit_is(o.body.p, o.body.n, want);
		} else {
			script_play(&e, FROM TO DATA "C: From: user@here.test\n" END, 0);
		}
		outside_stop(&o);
	}
}

/* What other servers send is theirs: nothing of it is asked for or changed. */
static void test_mx_changes_nothing(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &mx);
	script_play(&e, MX "C: MAIL FROM:<a@b.test>\n" OK TO DATA
			   "C: From: a@b\nC: From: c@d\nC: Bcc: e@f\nC: Delivered-To: g@h\nC: Message-ID: <i@j>\n" END, 0);
	assert_string_equal(o.authors, "");
	unit_is(o.body.p, o.body.n, "From: a@b\r\nFrom: c@d\r\nBcc: e@f\r\nDelivered-To: g@h\r\nMessage-ID: <i@j>\r\n");
	assert_string_equal(o.message_id, "<i@j>");
	assert_string_equal(o.delivered, "g@h\n");
	outside_stop(&o);
}

static void test_authd_is_away(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &submission);
	o.from = SMTP_TRY_LATER;
	script_play(&e, IN FROM TO DATA "C: From: user@here.test\nC: .\nS: 451 4.3.0*\n", 0);
	assert_int_equal(o.committed, 0);
	outside_stop(&o);
}

static void test_rates(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &submission);
	o.rate = SMTP_OVER_RATE;
	script_play(&e, IN FROM TO "C: DATA\nS: 450 4.7.1 too much mail from this account: no more\nC: DATA\nS: 503*\n", 0);
	o.rate = SMTP_TRY_LATER;
	script_play(&e, FROM TO "C: DATA\nS: 451 4.3.0*\n", 0);
	o.rate = SMTP_DONE;
	script_play(&e, FROM TO DATA "C: From: user@here.test\n" END, 0);
	assert_int_equal(o.committed, 1);
	outside_stop(&o);
	outside_start(&o, &mx);
	o.rate = SMTP_OVER_RATE;	/* nobody's account */
	script_play(&e, MX "C: MAIL FROM:<a@b.test>\n" OK TO DATA "C: A: b\n" END, 0);
	outside_stop(&o);
}

static void test_loop(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &mx);
	o.commit = SMTP_LOOP;
	script_play(&e, MX "C: MAIL FROM:<a@b.test>\n" OK TO DATA "C: A: b\nC: .\nS: 554 5.4.6*\nC: RCPT TO:<user@here.test>\nS: 503*\n", 0);
	outside_stop(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelopes),     cmocka_unit_test(test_headers),
		cmocka_unit_test(test_mx_changes_nothing), cmocka_unit_test(test_authd_is_away),
		cmocka_unit_test(test_rates),	      cmocka_unit_test(test_loop),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "smtp_envelope");
}
