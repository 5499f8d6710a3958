/* test_report.c - what senders are told: written, read by another program, and its advice.
 * link: deliverd mime common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "deliverd/report.h"

#define NOW 1795262478

static struct span of(const char *s)
{
	return span_of(s);
}

/* --- who is told ----------------------------------------------------------- */

static const struct {
	const char *why, *sender;
	unsigned notify, flags;
	bool failure, delay, success;
} wanted[] = {
	{ "nothing said", "a@b", 0, 0, true, true, false },
	{ "from <>", "", 0, 0, false, false, false },
	{ "from <> with a wish", "", STORE_NOTIFY_FAILURE, 0, false, false, false },
	{ "a report of ours", "a@b", 0, STORE_MAIL_REPORT, false, false, false },
	{ "NEVER", "a@b", STORE_NOTIFY_NEVER, 0, false, false, false },
	{ "SUCCESS alone", "a@b", STORE_NOTIFY_SUCCESS, 0, false, false, true },
	{ "FAILURE alone", "a@b", STORE_NOTIFY_FAILURE, 0, true, false, false },
	{ "DELAY alone", "a@b", STORE_NOTIFY_DELAY, 0, false, true, false },
	{ "all", "a@b", STORE_NOTIFY_SUCCESS | STORE_NOTIFY_FAILURE | STORE_NOTIFY_DELAY, 0, true, true, true },
};

static void test_wanted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct store_remote to = { .notify = wanted[i].notify };

		unit_case(wanted[i].why, i);
		assert_int_equal(report_wanted(&to, of(wanted[i].sender), wanted[i].flags, REPORT_FAILURE), wanted[i].failure);
		assert_int_equal(report_wanted(&to, of(wanted[i].sender), wanted[i].flags, REPORT_DELAY), wanted[i].delay);
		assert_int_equal(report_wanted(&to, of(wanted[i].sender), wanted[i].flags, REPORT_SUCCESS), wanted[i].success);
	}
}

/* --- as others read them --------------------------------------------------- */

enum { HEADER_ALONE, WHOLE };

static const struct {
	const char *why, *to, *header;
	struct report_recipient recipient;
	const char *envid;
	unsigned flags;
	int whole;
	const char *has[12];
} cases[] = {
	{ "a failure", "anna@our.example",
	  "Subject: dinner\r\nMessage-ID: <1@x>\r\nFrom: anna@our.example\r\n",
	  { .address = { (const uint8_t *)"bob@there.example", 17 }, .kind = REPORT_FAILURE, .status = { (const uint8_t *)"5.1.1", 5 },
	    .words = { (const uint8_t *)"550 5.1.1 no such user", 22 },
	    .host = { (const uint8_t *)"mx.there.example[192.0.2.7]:25", 30 }, .last_try_s = NOW },
	  "QQ+2B1", 0, HEADER_ALONE,
	  { "subject Not delivered: dinner\n", "from MAILER-DAEMON@mail.our.example to anna@our.example\n",
	    "report-type delivery-status\n", "in-reply-to <1@x>\n", "text text/plain us-ascii\n",
	    "field Reporting-MTA: dns; mail.our.example\n", "field Original-Envelope-Id: QQ+1\n",
	    "field Final-Recipient: rfc822; bob@there.example\nfield Action: failed\nfield Status: 5.1.1\n",
	    "field Remote-MTA: dns; mx.there.example\nfield Diagnostic-Code: smtp; 550 5.1.1 no such user\n",
	    "field Last-Attempt-Date: ", "original text/rfc822-headers\nbody no\n", "field X-Yubin-Queue-Id: Q1\n" } },
	{ "the whole message", "anna@our.example", "Subject: =?utf-8?q?caf=C3=A9?= a\r\n b\r\n",
	  { .address = { (const uint8_t *)"bob@there.example", 17 }, .kind = REPORT_FAILURE, .status = { (const uint8_t *)"5.4.7", 5 },
	    .words = { (const uint8_t *)"no server answered", 18 }, .orcpt = { (const uint8_t *)"rfc822;Bob+2B1@there.example", 28 } },
	  "", STORE_MAIL_8BIT, WHOLE,
	  { "subject Not delivered: caf\xc3\xa9 a b\n", "field Original-Recipient: rfc822; Bob+1@there.example\n",
	    "field Diagnostic-Code: x-yubin; no server answered\n", "original message/rfc822\nbody yes\n" } },
	{ "a delay, through an alias", "anna@our.example", "From: x@y\r\n",
	  { .address = { (const uint8_t *)"bob@there.example", 17 }, .original = { (const uint8_t *)"team@our.example", 16 },
	    .kind = REPORT_DELAY, .status = { (const uint8_t *)"4.4.1", 5 }, .words = { (const uint8_t *)"connection timed out", 20 },
	    .last_try_s = NOW, .retry_until_s = NOW + 400000 },
	  "", 0, HEADER_ALONE,
	  { "subject Delayed, still trying: your message\n", "in-reply-to None\n", "field Original-Recipient: rfc822; team@our.example\n",
	    "field Action: delayed\nfield Status: 4.4.1\n", "field Will-Retry-Until: " } },
	{ "a success that is passed on", "anna@our.example", "Subject: x\r\nSubject: y\r\n",
	  { .address = { (const uint8_t *)"bob@there.example", 17 }, .kind = REPORT_SUCCESS, .relayed = true,
	    .status = { (const uint8_t *)"2.0.0", 5 }, .words = { (const uint8_t *)"250 2.0.0 Ok", 12 } },
	  "", 0, HEADER_ALONE, { "subject Delivered: x\n", "field Action: relayed\nfield Status: 2.0.0\n" } },
	{ "letters of the world", "\xc3\xa4nna@our.example", "Subject: gr\xc3\xbc\xc3\x9f\x65\r\nMessage-ID: <1@x>\r\n",
	  { .address = { (const uint8_t *)"b\xc3\xb6\x62@there.example", 18 }, .kind = REPORT_FAILURE,
	    .status = { (const uint8_t *)"5.6.7", 5 }, .words = { (const uint8_t *)"it has no SMTPUTF8", 18 } },
	  "", STORE_MAIL_UTF8, WHOLE,
	  { "subject Not delivered: gr\xc3\xbc\xc3\x9f\x65\n", "to \xc3\xa4nna@our.example\n", "report-type global-delivery-status\n",
	    "text text/plain utf-8\n", "status message/global-delivery-status\n",
	    "field Final-Recipient: utf-8; b\xc3\xb6\x62@there.example\n", "original message/global\n" } },
	{ "letters of the world for one who has none", "anna@our.example",
	  "Subject: gr\xc3\xbc\xc3\x9f\x65 \xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\r\n",
	  { .address = { (const uint8_t *)"b\xc3\xb6\x62@there.example", 18 }, .kind = REPORT_FAILURE,
	    .status = { (const uint8_t *)"5.6.7", 5 } },
	  "", STORE_MAIL_UTF8, HEADER_ALONE,
	  { "subject Not delivered: gr\xc3\xbc\xc3\x9f\x65 \xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\n",
	    "report-type global-delivery-status\n", "original message/global-headers\n" } },
	{ "what a stranger wrote into it", "anna@our.example",
	  "Subject: a\r\n\tb\x01\xff long long long long long long long long long long long long long long long long long\r\nMessage-ID: <a\xff@b>\r\n",
	  { .address = { (const uint8_t *)"bob@there.example", 17 }, .kind = REPORT_FAILURE,
	    .words = { (const uint8_t *)"554 a\r\nAction: delivered\r\n\r\n", 29 },
	    .orcpt = { (const uint8_t *)"rfc822;x+0D+0AAction:+20delivered", 33 } },
	  "+0D+0AX:+20y", 0, HEADER_ALONE,
	  { "subject Not delivered: a b?? long", "in-reply-to None\n", "field Original-Envelope-Id: ??X: y\n", "field Status: 5.0.0\n",
	    "field Action: failed\n", "field Original-Recipient: rfc822; x??Action: delivered\n",
	    "field Diagnostic-Code: smtp; 554 a??Action: delivered?????\n" } },
};

static void write_report(size_t i, struct buf *out)
{
	const struct store_envelope about = { .id = "Q1", .envid = of(cases[i].envid), .flags = cases[i].flags };
	const struct report r = {
		.hostname = "mail.our.example", .id = "R1", .about = &about, .to = of(cases[i].to), .arrived_s = NOW - 20000,
		.now_s = NOW, .size = 500, .recipients = &cases[i].recipient, .count = 1, .whole = cases[i].whole == WHOLE,
		.lifetime_s = 432000,
	};

	buf_init(out, 65536);
	report_begin(&r, of(cases[i].header), out);
	buf_put_text(out, cases[i].header);
	if (r.whole)
		buf_put_text(out, "\r\nthe whole body\r\n");
	report_end(&r, out);
	assert_false(out->failed);
}

/* What tests/unit/report_peer.py prints of it. */
static void read_report(const struct buf *report, char *out, size_t size)
{
	char path[] = "/tmp/yubin-report-XXXXXX", command[200];
	int fd = mkstemp(path);
	FILE *in;
	size_t n;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, report->p, report->n), (ssize_t)report->n);
	close(fd);
	snprintf(command, sizeof(command), "PYTHONIOENCODING=utf-8:backslashreplace timeout 30 python3 tests/unit/report_peer.py %s 2>&1", path);
	in = popen(command, "r");
	assert_non_null(in);
	n = fread(out, 1, size - 1, in);
	out[n] = '\0';
	if (pclose(in) != 0)
		fail_msg("%s\n%.*s", out, (int)report->n, (const char *)report->p);
	unlink(path);
}

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[16384];
		struct buf report;

		unit_case(cases[i].why, i);
		write_report(i, &report);
		read_report(&report, out, sizeof(out));
		for (size_t k = 0; k < 12 && cases[i].has[k] != NULL; k++)
			if (strstr(out, cases[i].has[k]) == NULL)
				fail_msg("%s: no %s in\n%s\n%.*s", cases[i].why, cases[i].has[k], out, (int)report.n, (const char *)report.p);
		buf_clear(&report);
	}
}

/* The part for a person, word for word. */
static void test_text(void **state)
{
	static const char want[] =
		"This is the mail server mail.our.example. Your message could not be\r\n"
		"delivered to the recipient below, and it is not tried again.\r\n"
		"\r\n"
		"    Not delivered  bob@there.example\r\n"
		"    What it means  There is no such address on the recipient's server. Check\r\n"
		"                   how it is spelled, above all before the @, and send the\r\n"
		"                   message again.\r\n"
		"    The reason     550 5.1.1 no such user\r\n"
		"    Where          mx.there.example[192.0.2.7]:25\r\n"
		"    Last tried     ";
	struct buf report;

	(void)state;
	write_report(0, &report);
	if (memmem(report.p, report.n, want, strlen(want)) == NULL)
		fail_msg("%.*s", (int)report.n, (const char *)report.p);
	assert_non_null(memmem(report.p, report.n, "name the message Q1.", 20));
	buf_clear(&report);
	write_report(2, &report);
	assert_non_null(memmem(report.p, report.n, "5 hours", 7));
	assert_non_null(memmem(report.p, report.n, "team@our.example (goes to bob@there.example)", 44));
	buf_clear(&report);
}

/* --- advice ---------------------------------------------------------------- */

static const struct {
	const char *status, *words, *has;
} advice[] = {
	{ "5.1.1", "550 5.1.1 The email account that you tried to reach does not exist", "no such address" },
	{ "5.0.0", "550 No such user here", "no such address" },
	{ "5.1.2", "there is no such domain", "domain behind the @ does not exist" },
	{ "5.1.10", "example.org does not accept mail (null MX)", "takes no mail at all" },
	{ "5.2.2", "552 5.2.2 The recipient's inbox is out of storage space", "mailbox is full" },
	{ "4.2.2", "452 4.2.2 over quota", "mailbox is full" },
	{ "5.3.4", "the server takes 10485760 bytes at most", "larger than" },
	{ "5.0.0", "552 message size exceeds fixed limit", "larger than" },
	{ "5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "stands on a list" },
	{ "5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated", "proof that the message" },
	{ "5.7.1", "550 5.7.1 Unauthenticated email is not accepted due to domain's DMARC policy", "(DMARC)" },
	{ "5.7.23", "550 5.7.23 The message was rejected because of Sender Policy Framework violation: SPF fail", "may not send mail for your domain" },
	{ "5.7.25", "550-5.7.25 The IP address sending this message does not have a PTR record setup", "(PTR record)" },
	{ "4.7.1", "450 4.7.1 <b@c>: Recipient address rejected: Greylisted, see http://x", "(greylisting)" },
	{ "4.7.28", "421-4.7.28 unusual rate of unsolicited mail", "only so much mail at a time" },
	{ "5.7.1", "550 5.7.1 Message contains spam or virus", "took the message for spam" },
	{ "4.7.0", "the server does not offer STARTTLS", "could not be encrypted" },
	{ "4.7.5", "its certificate does not verify (self-signed certificate)", "prove with its certificate" },
	{ "4.7.5", "no TLSA record matches the certificate", "(DANE)" },
	{ "4.7.5", "the policy of MTA-STS names other hosts", "(MTA-STS)" },
	{ "4.4.1", "connection refused", "nothing listens there" },
	{ "4.4.1", "connection timed out", "does not answer" },
	{ "4.4.2", "no reply within 300 seconds", "does not answer" },
	{ "5.4.6", "the message leads back to us", "round in circles" },
	{ "5.4.6", "554 5.4.6 Too many hops", "round in circles" },
	{ "5.7.1", "550 5.7.1 Relaying denied", "does not take mail for it" },
	{ "5.7.30", "the server has no REQUIRETLS", "(REQUIRETLS)" },
	{ "4.4.3", "the answer is bogus: DNSSEC validation failed", "DNSSEC signatures" },
	{ "5.1.8", "553 5.1.8 Domain of sender address not found", "your domain" },
	{ "5.6.7", "SMTPUTF8 is needed", "letters beyond English" },
	{ "4.4.7", "it was tried for 5 days", "all the time that it is tried" },
	{ "4.3.0", "451 4.3.0 temporary failure", "trouble of its own" },
	{ "4.0.0", "450 no", "tried again" },
	{ "5.7.1", "554 5.7.1 go away", "by a rule of its own" },
	{ "", "", "the reason is its own" },
};

static void test_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		const char *said = report_advice(of(advice[i].status), of(advice[i].words));

		unit_case(advice[i].words, i);
		if (strstr(said, advice[i].has) == NULL)
			fail_msg("%s %s: %s", advice[i].status, advice[i].words, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_wanted), cmocka_unit_test(test_read),
					    cmocka_unit_test(test_text), cmocka_unit_test(test_advice) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "report");
}
