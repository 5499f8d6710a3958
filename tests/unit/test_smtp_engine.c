/* test_smtp_engine.c - conversations with the SMTP engine, whole and byte by byte.
 * link: tests/unit/script.o tests/unit/smtp_outside.o smtpd sasl mime common/base */
#include "tests/unit/unit.h"

#include "smtpd/engine.h"
#include "tests/unit/script.h"
#include "tests/unit/smtp_outside.h"

static const struct smtp_config mx = {
	.hostname = "mx.test", .mechanisms = "PLAIN,LOGIN", .clear_mechanisms = "none", .may_start_tls = true,
	.message_limit = 1000, .recipient_limit = 3, .line_limit = 100, .output_limit = 65536, .received_limit = 3,
	.error_limit = 5, .login_ms = 1000, .idle_ms = 5000, .data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};
static const struct smtp_config lmtp = {
	.hostname = "mx.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .lmtp = true,
	.message_limit = 1000, .recipient_limit = 3, .line_limit = 100, .output_limit = 65536, .received_limit = 3,
	.error_limit = 5, .login_ms = 1000, .idle_ms = 5000, .data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};
static const struct smtp_config submission = {
	.hostname = "mx.test", .mechanisms = "PLAIN,LOGIN", .clear_mechanisms = "none", .submission = true,
	.require_tls = true, .tls = true, .message_limit = 1000, .recipient_limit = 3, .line_limit = 100,
	.output_limit = 65536, .received_limit = 3, .error_limit = 50, .login_ms = 1000, .idle_ms = 5000,
	.data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};

static const struct smtp_config certified = {
	.hostname = "mx.test", .mechanisms = "PLAIN,LOGIN,EXTERNAL", .clear_mechanisms = "EXTERNAL", .submission = true,
	.may_start_tls = true, .certificate = true, .message_limit = 1000, .recipient_limit = 3, .line_limit = 100,
	.output_limit = 65536, .received_limit = 3, .error_limit = 50, .login_ms = 1000, .idle_ms = 5000,
	.data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};

static const struct smtp_config in_clear = {
	.hostname = "mx.test", .mechanisms = "PLAIN,LOGIN", .clear_mechanisms = "PLAIN", .submission = true,
	.may_start_tls = true, .message_limit = 1000, .recipient_limit = 3, .line_limit = 100,
	.output_limit = 65536, .received_limit = 3, .error_limit = 50, .login_ms = 1000, .idle_ms = 5000,
	.data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};

#define HELLO "S: 220 mx.test ESMTP Yubin\nC: EHLO c\nS: 250-mx.test greets c\nS: 250-PIPELINING\nS: 250-SIZE 1000\n"
#define MX HELLO "S: 250-STARTTLS\n" EHLO_END
#define SUB HELLO "S: 250-AUTH PLAIN LOGIN\n" EHLO_END_TLS
#define IN SUB "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235 2.7.0 logged in\n"
#define TO "C: MAIL FROM:<a@b.test>\nS: 250 2.1.0*\nC: RCPT TO:<user@here.test>\nS: 250 2.1.5*\n"
#define DATA "C: DATA\nS: 354*\n"

#define SECURE HELLO "S: 250-STARTTLS\n" EHLO_END "C: STARTTLS\nS: 220*\n"
#define EXT SECURE "C: EHLO c\nS: 250-mx.test greets c\nS: 250-PIPELINING\nS: 250-SIZE 1000\n" \
	"S: 250-AUTH PLAIN LOGIN EXTERNAL\n" EHLO_END_TLS

#define LMTP "S: 220 mx.test LMTP Yubin\nC: LHLO c\nS: 250-mx.test greets c\nS: 250-PIPELINING\nS: 250-SIZE 1000\nS: 250-LIMITS*\n" \
	"S: 250-8BITMIME\nS: 250-DSN\nS: 250-SMTPUTF8\nS: 250 ENHANCEDSTATUSCODES\n"

static const struct row {
	const char *why;
	const struct smtp_config *config;
	const char *text;
	const char *body;	/* that was committed, or NULL */
	bool closed;
} rows[] = {
	{ "a message", &mx, MX TO DATA "C: Subject: x\nC: \nC: ..hi\nC: .\nS: 250 2.0.0 accepted as ID1\nC: QUIT\nS: 221*\n",
	  "Subject: x\r\n\r\n.hi\r\n", true },
	{ "pipelined", &mx,
	  MX "C: MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME\nC: RCPT TO:<user@here.test>\nC: DATA\nS: 250*\nS: 250*\nS: 354*\n"
	     "C: x\nC: .\nC: QUIT\nS: 250 2.0.0*\nS: 221*\n",
	  "x\r\n", true },
	{ "LMTP answers for each recipient that was taken", &lmtp,
	  LMTP TO "C: RCPT TO:<nobody@here.test>\nS: 550 5.1.1*\nC: RCPT TO:<fwd@here.test>\nS: 250*\n" DATA
	  "C: x\nC: .\nS: 250 2.0.0 accepted as ID1\nS: 250 2.0.0 accepted as ID1\nC: NOOP\nS: 250 2.0.0 OK\n", "x\r\n", false },
	{ "LMTP refuses for each of them", &lmtp,
	  LMTP TO "C: RCPT TO:<fwd@here.test>\nS: 250*\n" DATA
	  "C: a\rb\nC: .\nS: 550 5.5.2*\nS: 550 5.5.2*\nC: NOOP\nS: 250 2.0.0 OK\n", NULL, false },
	{ "LMTP without a recipient", &lmtp,
	  LMTP "C: MAIL FROM:<>\nS: 250*\nC: RCPT TO:<nobody@here.test>\nS: 550*\nC: DATA\nS: 503 5.5.1*\n", NULL, false },
	{ "LMTP relays nothing", &lmtp, LMTP "C: MAIL FROM:<>\nS: 250*\nC: RCPT TO:<x@there.test>\nS: 550 5.7.1*\n", NULL, false },
	{ "no SMTP over LMTP", &lmtp, "S: 220*\nC: EHLO c\nS: 500 5.5.1*\nC: HELO c\nS: 500 5.5.1*\nC: MAIL FROM:<>\nS: 503 5.5.1 say LHLO first\n", NULL,
	  false },
	{ "no LMTP over SMTP", &mx, "S: 220*\nC: LHLO c\nS: 500 5.5.1*\n", NULL, false },
	{ "no chunks over LMTP", &lmtp, LMTP TO "C: BDAT 3 LAST\nC: x\nS: 502 5.5.1*\nC: MAIL FROM:<> BODY=BINARYMIME\nS: 501*\n", NULL, false },
	{ "EXTERNAL as whom the certificate names", &certified, EXT "C: AUTH EXTERNAL =\nS: 235 2.7.0*\nC: MAIL FROM:<user@here.test>\nS: 250*\n",
	  NULL, false },
	{ "EXTERNAL with a name", &certified, EXT "C: AUTH EXTERNAL dXNlcg==\nS: 235 2.7.0*\n", NULL, false },
	{ "EXTERNAL with an empty answer", &certified, EXT "C: AUTH external\nS: 334 \nC: \nS: 235 2.7.0*\n", NULL, false },
	{ "EXTERNAL with a name as the answer", &certified, EXT "C: AUTH EXTERNAL\nS: 334 \nC: dXNlcg==\nS: 235 2.7.0*\n", NULL, false },
	{ "EXTERNAL as somebody else, malformed, given up; then with a password", &certified,
	  EXT "C: AUTH EXTERNAL Ym9i\nS: 535 5.7.8 this client certificate*\nC: AUTH EXTERNAL AA==\nS: 501 5.5.2*\n"
	      "C: AUTH EXTERNAL\nS: 334 \nC: *\nS: 501 5.7.0*\nC: AUTH PLAIN AHVzZXIAeA==\nS: 535 5.7.8 wrong user name or password\n"
	      "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\n",
	  NULL, false },
	{ "EXTERNAL before TLS, whatever AuthWithoutTLS says", &certified,
	  HELLO "S: 250-STARTTLS\n" EHLO_END "C: AUTH EXTERNAL =\nS: 530 5.7.0*\n", NULL, false },
	{ "EXTERNAL where it is not in Mechanisms", &submission, SUB "C: AUTH EXTERNAL =\nS: 504 5.5.4 this mechanism is not offered\n", NULL, false },
	{ "two messages in one session", &mx,
	  MX TO DATA "C: one\nC: .\nS: 250 2.0.0*\n" TO DATA "C: two\nC: .\nS: 250 2.0.0*\n", "two\r\n", false },
	{ "HELO gives no extensions, and no parameters", &mx,
	  "S: 220*\nC: HELO c\nS: 250 mx.test\nC: MAIL FROM:<a@b> SIZE=1\nS: 555 5.5.4*\n", NULL, false },
	{ "EHLO without a name", &mx, "S: 220*\nC: EHLO\nS: 501 5.5.4*\nC: EHLO a b\nS: 501 5.5.4*\n", NULL, false },
	{ "no EHLO", &mx, "S: 220*\nC: MAIL FROM:<a@b>\nS: 503 5.5.1 say EHLO first\n", NULL, false },
	{ "EHLO ends a transaction", &mx, MX TO "C: EHLO c\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250 *\nC: DATA\nS: 503*\n",
	  NULL, false },
	{ "RSET ends a transaction", &mx, MX TO "C: RSET\nS: 250 2.0.0 OK\nC: DATA\nS: 503 5.5.1 MAIL first\n", NULL, false },
	{ "MAIL twice", &mx, MX TO "C: MAIL FROM:<x@y>\nS: 503 5.5.1*\n", NULL, false },
	{ "the null sender", &mx, MX "C: MAIL FROM:<>\nS: 250 2.1.0*\n", NULL, false },
	{ "a space behind the colon", &mx, MX "C: mail from: <a@b>\nS: 250 2.1.0*\n", NULL, false },
	{ "no such user", &mx, MX TO "C: RCPT TO:<nobody@here.test>\nS: 550 5.1.1*\n", NULL, false },
	{ "another server's domain", &mx, MX TO "C: RCPT TO:<x@there.test>\nS: 550 5.7.1*\n", NULL, false },
	{ "one guess too many", &mx, MX TO "C: RCPT TO:<guessed@here.test>\nS: 421 4.7.0*\nC: NOOP\n", NULL, true },
	{ "a full disk", &mx, MX TO "C: RCPT TO:<crowded@here.test>\nS: 452 4.3.1*\n", NULL, false },
	{ "a full mailbox", &mx, MX TO "C: RCPT TO:<full@here.test>\nS: 452 4.2.2*\n", NULL, false },
	{ "a source route to elsewhere", &mx, MX TO "C: RCPT TO:<@here.test:x@there.test>\nS: 550 5.7.1*\n", NULL, false },
	{ "a source route to here", &mx, MX TO "C: RCPT TO:<@there.test:user@here.test>\nS: 250*\n", NULL, false },
	{ "postmaster alone", &mx, MX "C: MAIL FROM:<>\nS: 250*\nC: RCPT TO:<PostMaster>\nS: 250*\n", NULL, false },
	{ "nobody alone", &mx, MX "C: MAIL FROM:<>\nS: 250*\nC: RCPT TO:<user>\nS: 501 5.1.3*\n", NULL, false },
	{ "too many recipients", &mx,
	  MX TO "C: RCPT TO:<user@here.test>\nS: 250*\nC: RCPT TO:<user@here.test>\nS: 250*\nC: RCPT TO:<user@here.test>\nS: 452 4.5.3*\n",
	  NULL, false },
	{ "DATA without recipients", &mx, MX "C: MAIL FROM:<>\nS: 250*\nC: DATA\nS: 554 5.5.1*\n", NULL, false },
	{ "SIZE over the limit", &mx, MX "C: MAIL FROM:<> SIZE=1001\nS: 552 5.3.4*\nC: MAIL FROM:<> SIZE=99999999999999999999\nS: 552*\n",
	  NULL, false },
	{ "SIZE that is no number", &mx, MX "C: MAIL FROM:<> SIZE=x\nS: 501*\n", NULL, false },
	{ "an unknown parameter", &mx, MX "C: MAIL FROM:<> FOO\nS: 555*\nC: MAIL FROM:<>\nS: 250*\nC: RCPT TO:<user@here.test> FOO=1\nS: 555*\n",
	  NULL, false },
	{ "NOOP and what stands behind it", &mx, MX "C: NOOP\nS: 250 2.0.0 OK\nC: noop <a@b> x=y\nS: 250 2.0.0 OK\n", NULL, false },
	{ "HELP", &mx,
	  MX "C: HELP\nS: 214-2.0.0 AUTH BDAT DATA EHLO EXPN HELO HELP LHLO MAIL NOOP QUIT RCPT RSET STARTTLS VRFY\nS: 214-2.0.0*\nS: 214 2.0.0*\n"
	     "C: help rcpt\nS: 214 2.0.0 RCPT TO:<address>*\nC: HELP ME\nS: 504 5.5.4*\n",
	  NULL, false },
	{ "HELP, NOOP and QUIT need no EHLO", &mx, "S: 220*\nC: HELP DATA\nS: 214*\nC: NOOP\nS: 250*\nC: QUIT\nS: 221*\n", NULL, true },
	{ "VRFY and EXPN tell nothing", &mx,
	  MX "C: VRFY <user@here.test>\nS: 252 2.5.0*\nC: VRFY nobody\nS: 252 2.5.0*\nC: VRFY\nS: 501 5.5.4*\nC: EXPN team\nS: 502 5.7.0*\n", NULL,
	  false },
	{ "an unknown command", &mx, MX "C: FROB\nS: 500 5.5.1 unknown command\n", NULL, false },
	{ "an over-long line, and life after it", &mx,
	  MX "C: NOOP 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\nS: 500 5.5.2*\nC: NOOP\nS: 250*\n",
	  NULL, false },
	{ "bare LF in a command", &mx, MX "C: NOOP\nC: MAIL FROM:<a@b>\rX\nS: 250*\nS: 500 5.5.2*\n", NULL, false },
	{ "too many errors", &mx, MX "C: X1\nS: 500*\nC: X2\nS: 500*\nC: X3\nS: 500*\nC: X4\nS: 500*\nC: X5\nS: 500*\nS: 421 4.7.0*\nC: NOOP\n",
	  NULL, true },
	{ "a browser", &mx, "S: 220*\nC: GET / HTTP/1.1\nS: 421 4.7.0*\nC: Host: x\n", NULL, true },
	{ "AUTH on mx", &mx, MX "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 502 5.5.1*\n", NULL, false },
	{ "STARTTLS forgets", &mx, MX "C: STARTTLS\nS: 220*\nC: MAIL FROM:<a@b>\nS: 503 5.5.1 say EHLO first\n", NULL, false },
	{ "STARTTLS with an argument", &mx, MX "C: STARTTLS now\nS: 501*\n", NULL, false },
	{ "STARTTLS is offered once", &mx,
	  MX "C: STARTTLS\nS: 220*\nC: EHLO c\nS: 250-mx*\nS: 250-PIPE*\nS: 250-SIZE*\n" EHLO_END_TLS "C: STARTTLS\nS: 503*\n", NULL,
	  false },
	{ "STARTTLS forgets a transaction", &mx,
	  MX TO "C: STARTTLS\nS: 220*\nC: RCPT TO:<user@here.test>\nS: 503 5.5.1 say EHLO first\n"
	     "C: EHLO c\nS: 250-mx*\nS: 250-PIPE*\nS: 250-SIZE*\n" EHLO_END_TLS ""
	     "C: RCPT TO:<user@here.test>\nS: 503 5.5.1*\nC: DATA\nS: 503 5.5.1*\n", NULL, false },
	{ "STARTTLS forgets an exchange", &in_clear,
	  HELLO "S: 250-STARTTLS\nS: 250-AUTH PLAIN\n" EHLO_END "C: AUTH PLAIN\nS: 334 \nC: STARTTLS\nS: 501 5.5.2*\n"
		"C: STARTTLS\nS: 220*\nC: AHVzZXIAc2VjcmV0\nS: 500*\nC: MAIL FROM:<user@here.test>\nS: 503 5.5.1 say EHLO first\n", NULL,
	  false },
	{ "STARTTLS takes no login along", &in_clear,
	  HELLO "S: 250-STARTTLS\nS: 250-AUTH PLAIN\n" EHLO_END "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\nC: STARTTLS\nS: 503 5.5.1*\n"
		"C: EHLO c\nS: 250-mx*\nS: 250-PIPE*\nS: 250-SIZE*\n" EHLO_END "", NULL, false },
	{ "a message over the limit", &mx,
	  MX TO DATA "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		     "C: .\nS: 552 5.3.4*\nC: NOOP\nS: 250*\n",
	  NULL, false },
	{ "a loop", &mx, MX TO DATA "C: Received: 1\nC: Received: 2\nC: received : 3\nC: Received: 4\nC: \nC: .\nS: 554 5.4.6*\n", NULL, false },
	{ "Received in the body is no loop", &mx,
	  MX TO DATA "C: Received: 1\nC: \nC: Received: 2\nC: Received: 3\nC: Received: 4\nC: .\nS: 250*\n",
	  "Received: 1\r\n\r\nReceived: 2\r\nReceived: 3\r\nReceived: 4\r\n", false },
	{ "submission wants a login", &submission, SUB "C: MAIL FROM:<user@here.test>\nS: 530 5.7.0*\n", NULL, false },
	{ "AUTH PLAIN in two steps", &submission, SUB "C: AUTH PLAIN\nS: 334 \nC: AHVzZXIAc2VjcmV0\nS: 235*\n", NULL, false },
	{ "AUTH LOGIN", &submission, SUB "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235*\n", NULL, false },
	{ "AUTH LOGIN with an initial response", &submission, SUB "C: AUTH LOGIN dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235*\n", NULL, false },
	{ "a wrong password", &submission, SUB "C: AUTH PLAIN AHVzZXIAc2VjcmV1\nS: 535 5.7.8*\nC: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\n", NULL, false },
	{ "an app password for something else, and one past its date", &submission,
	  SUB "C: AUTH PLAIN AHNjb3BlZABzZWNyZXQ=\nS: 535 5.7.8 this app password is not for sending*\n"
	      "C: AUTH PLAIN AG9sZABzZWNyZXQ=\nS: 535 5.7.8 this app password has expired*\n", NULL, false },
	{ "another's name, and its own", &submission,
	  SUB "C: AUTH PLAIN Ym9zcwB1c2VyAHNlY3JldA==\nS: 535 5.7.8 you may not log in for*\n"
	      "C: AUTH PLAIN dXNlcgB1c2VyAHNlY3JldA==\nS: 235*\n", NULL, false },
	{ "AUTH given up", &submission, SUB "C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 5.7.0*\nC: NOOP\nS: 250*\n", NULL, false },
	{ "AUTH with junk", &submission, SUB "C: AUTH PLAIN !!!\nS: 501 5.5.2*\nC: AUTH PLAIN AAAA\nS: 501*\nC: AUTH FOO\nS: 504 5.5.4*\nC: AUTH\nS: 501*\n",
	  NULL, false },
	{ "AUTH twice", &submission, IN "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 503*\n", NULL, false },
	{ "somebody else's sender", &submission, IN "C: MAIL FROM:<boss@here.test>\nS: 550 5.7.1*\n", NULL, false },
	{ "who has logged in may relay", &submission, IN "C: MAIL FROM:<user@here.test>\nS: 250*\nC: RCPT TO:<x@there.test>\nS: 250 2.1.5*\n", NULL, false },
	{ "Date and Message-ID are added", &submission,
	  IN "C: MAIL FROM:<user@here.test>\nS: 250*\nC: RCPT TO:<user@here.test>\nS: 250*\nC: DATA\nS: 354*\nC: From: user@here.test\nC: \nC: hi\nC: .\nS: 250*\n",
	  "Date: now\r\nMessage-ID: <new>\r\nFrom: user@here.test\r\n\r\nhi\r\n", false },
	{ "what is there stays", &submission,
	  IN "C: MAIL FROM:<user@here.test>\nS: 250*\nC: RCPT TO:<user@here.test>\nS: 250*\nC: DATA\nS: 354*\nC: From: user@here.test\nC: Date: then\nC: message-id: <y>\nC: .\nS: 250*\n",
	  "From: user@here.test\r\nDate: then\r\nmessage-id: <y>\r\n", false },
	{ "a message without From", &submission,
	  IN "C: MAIL FROM:<user@here.test>\nS: 250*\nC: RCPT TO:<user@here.test>\nS: 250*\nC: DATA\nS: 354*\nC: \nC: hi\nC: .\nS: 550 5.7.1*\n", NULL, false },
};

static void play_row(const struct row *r, size_t pieces)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	unit_case(r->why, pieces);
	outside_start(&o, r->config);
	script_play(&e, r->text, pieces);
	assert_int_equal(o.committed > 0, r->body != NULL);
	if (r->body != NULL)
		unit_is(o.body.p, o.body.n, r->body);
	assert_int_equal(o.closed, r->closed);
	outside_stop(&o);
}

/* The certificate is known when TLS is up; and without one EXTERNAL is not there. */
static void test_certificate(void **state)
{
	struct smtp_config config = submission;
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	config.mechanisms = "EXTERNAL,PLAIN";
	outside_start(&o, &config);
	script_play(&e, HELLO "S: 250-AUTH PLAIN\n" EHLO_END_TLS
			      "C: AUTH EXTERNAL =\nS: 504 5.5.4 EXTERNAL takes a client certificate*\n", 0);
	outside_stop(&o);
	outside_start(&o, &config);
	smtp_server_certificate(o.engine);
	smtp_server_secured(o.engine);
	script_play(&e, HELLO "S: 250-AUTH EXTERNAL PLAIN\n" EHLO_END_TLS
			      "C: AUTH EXTERNAL =\nS: 235*\n", 0);
	outside_stop(&o);
	config = mx;
	config.mechanisms = "EXTERNAL,PLAIN";
	config.certificate = config.tls = true;
	outside_start(&o, &config);
	script_play(&e, HELLO "S: 250-STARTTLS\n" EHLO_END_TLS "C: AUTH EXTERNAL =\nS: 502 5.5.1*\n", 0);
	outside_stop(&o);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t pieces = 0; pieces <= 7; pieces++)
			play_row(&rows[i], pieces);
}

/* Each way of ending the data that is not CRLF.CRLF smuggles nothing (RFC 5321 2.3.8). */
static void test_smuggling(void **state)
{
	static const char *const endings[] = { "\n.\n",   "\r\n.\n", "\n.\r\n", "\r.\r",     "\r\n.\r",
					       "\r.\r\n", "\n.\r",   "\r.\n",   "\r\n\x00.\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct outside o;
		struct buf said, text;
		struct span in;

		unit_case(endings[i], i);
		outside_start(&o, &mx);
		buf_init(&said, 1 << 16);
		buf_init(&text, 1 << 16);
		buf_put_text(&text, "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<user@here.test>\r\nDATA\r\none");
		buf_put(&text, (struct span){ (const uint8_t *)endings[i], i == 8 ? 6 : strlen(endings[i]) });
		buf_put_text(&text, "MAIL FROM:<x@y>\r\nRCPT TO:<user@here.test>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n");
		in = buf_span(&text);
		while (in.n > 0) {
			outside_feed(&o, &in);
			outside_pump(&o, &said);
		}
		assert_int_equal(o.committed, i == 8 ? 1 : 0);
		buf_put_byte(&said, 0);
		if (i != 8)
			assert_non_null(strstr((char *)said.p, "550 5.5.2"));
		buf_clear(&said);
		buf_clear(&text);
		outside_stop(&o);
	}
}

static void test_deadlines(void **state)
{
	struct outside o;
	struct buf said;

	(void)state;
	outside_start(&o, &mx);
	buf_init(&said, 1 << 16);
	assert_int_equal(smtp_server_deadline(o.engine), 1000);
	smtp_server_tick(o.engine, 999);
	outside_pump(&o, &said);
	assert_false(o.closed);
	smtp_server_tick(o.engine, 1000);
	outside_pump(&o, &said);
	assert_true(o.closed);
	buf_put_byte(&said, 0);
	assert_non_null(strstr((char *)said.p, "421 4.4.2"));
	buf_clear(&said);
	outside_stop(&o);
}

/* While an answer is open nothing is read; a late answer meets nothing. */
static void test_open_action(void **state)
{
	struct outside o;
	struct smtp_action a;
	struct span in = span_of("EHLO c\r\nMAIL FROM:<a@b>\r\nNOOP\r\n");

	(void)state;
	outside_start(&o, &mx);
	smtp_server_feed(o.engine, &in);
	assert_int_equal(in.n, 6);
	do
		smtp_server_next(o.engine, &a);
	while (a.kind != SMTP_CHECK_ROOM);
	smtp_server_feed(o.engine, &in);
	assert_int_equal(in.n, 6);
	smtp_server_done(o.engine, a.number + 1, SMTP_DONE, NULL);
	smtp_server_feed(o.engine, &in);
	assert_int_equal(in.n, 6);
	smtp_server_done(o.engine, a.number, SMTP_DONE, NULL);
	smtp_server_feed(o.engine, &in);
	assert_int_equal(in.n, 0);
	outside_stop(&o);
}

/* Between two commands a session may be ended, inside a message not. */
static void test_end_waits_for_the_message(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &mx);
	script_play(&e, MX TO DATA, 0);
	assert_false(smtp_server_idle(o.engine));
	smtp_server_end(o.engine, "bye");
	script_play(&e, "C: x\nC: .\nS: 250*\nS: 421 4.3.2 mx.test bye\n", 0);
	assert_true(o.closed);
	outside_stop(&o);
	outside_start(&o, &mx);
	script_play(&e, MX TO, 0);
	smtp_server_end(o.engine, "bye");
	script_play(&e, "S: 421 4.3.2 mx.test bye\n", 0);
	assert_true(o.closed);
	outside_stop(&o);
}

/* Nothing waits for the rest of a message whose sender has gone. */
static void test_finished_inside_a_message(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &mx);
	script_play(&e, MX TO, 0);
	assert_true(smtp_server_idle(o.engine));
	script_play(&e, DATA "C: half\n", 0);
	assert_false(smtp_server_idle(o.engine));
	smtp_server_finished(o.engine);
	assert_true(smtp_server_idle(o.engine));
	assert_int_equal(o.committed, 0);
	outside_stop(&o);
}

/* A held header is larger than what the store takes in one go. */
static void test_large_header(void **state)
{
	struct smtp_config config = submission;
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };
	struct buf text;
	struct span in;

	(void)state;
	config.message_limit = 1 << 20;
	outside_start(&o, &config);
	buf_init(&text, 1 << 20);
	script_play(&e, "S: 220*\nC: EHLO c\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\n" EHLO_END_TLS
			"C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235*\nC: MAIL FROM:<user@here.test>\nS: 250*\n"
			"C: RCPT TO:<user@here.test>\nS: 250*\n" DATA, 0);
	buf_put_text(&text, "From: user@here.test\r\nDate: d\r\nMessage-ID: m\r\n");
	for (int i = 0; i < 4000; i++)
		buf_printf(&text, "X-%04d: 0123456789012345678901234567890123456789\r\n", i);
	buf_put_text(&text, "\r\nhi\r\n");
	in = buf_span(&text);
	while (in.n > 0) {
		struct buf said;

		buf_init(&said, 1 << 10);
		outside_feed(&o, &in);
		outside_pump(&o, &said);
		buf_clear(&said);
	}
	script_play(&e, "C: .\nS: 250 2.0.0*\n", 0);
	assert_int_equal(o.body.n, text.n);
	assert_memory_equal(o.body.p, text.p, text.n);
	assert_in_range(o.largest, 1, SMTP_PIECE);
	buf_clear(&text);
	outside_stop(&o);
}

/* Who was revoked finishes nothing but what is being committed. */
static void test_revoke(void **state)
{
	static const char *const texts[] = { MX, MX TO, MX TO DATA "C: x\n" };
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		outside_start(&o, &mx);
		script_play(&e, texts[i], 0);
		smtp_server_revoke(o.engine, "bye");
		script_play(&e, "C: .\nS: 421 4.3.2 mx.test bye\n", 0);
		assert_true(o.closed);
		assert_int_equal(o.committed, 0);
		assert_int_equal(o.abandoned, i > 0);
		outside_stop(&o);
	}
}

static void test_revoke_with_an_open_action(void **state)
{
	struct smtp_action a;
	struct outside o;
	struct buf said;
	struct span in = span_of("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<user@here.test>\r\nDATA\r\nx\r\n.\r\n");

	(void)state;
	for (enum smtp_action_kind kind = SMTP_CHECK_ROOM; kind <= SMTP_COMMIT; kind++) {
		struct span rest = in;

		outside_start(&o, &mx);
		buf_init(&said, 1 << 12);
		do {
			smtp_server_feed(o.engine, &rest);
			smtp_server_next(o.engine, &a);
			if (a.kind != kind && a.number != 0)
				smtp_server_done(o.engine, a.number, SMTP_DONE, NULL);
		} while (a.kind != kind);
		smtp_server_revoke(o.engine, "bye");
		smtp_server_done(o.engine, a.number, SMTP_DONE, NULL);
		outside_pump(&o, &said);
		buf_put_byte(&said, 0);
		assert_non_null(strstr((char *)said.p, "421 4.3.2 mx.test bye"));
		assert_int_equal(strstr((char *)said.p, "250 2.0.0 accepted") != NULL, kind == SMTP_COMMIT);
		assert_true(o.closed);
		buf_clear(&said);
		outside_stop(&o);
	}
}

/* Replies are never dropped, whatever OutputLimit is. */
static void test_flood(void **state)
{
	struct smtp_config config = mx;
	struct outside o;
	struct buf said, text;
	struct span in;
	size_t replies = 0;

	(void)state;
	config.output_limit = 16 << 20;
	outside_start(&o, &config);
	buf_init(&said, 16 << 20);
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_put_text(&text, "HELP MAIL\r\n");
	in = buf_span(&text);
	outside_feed(&o, &in);
	assert_int_equal(in.n, 0);
	outside_pump(&o, &said);
	for (size_t i = 0; i < said.n; i++)
		replies += said.p[i] == '\n';
	assert_int_equal(replies, 10001);
	buf_clear(&said);
	buf_clear(&text);
	outside_stop(&o);
}

/* Behind an AUTH that was refused come user and password; in the log they are not. */
static void test_log_holds_no_secret(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &mx);
	script_play(&e, MX "C: AUTH LOGIN\nS: 502*\nC: dXNlcg==\nS: 500*\nC: c2VjcmV0\nS: 500*\n", 0);
	buf_put_byte(&o.notes, 0);
	assert_non_null(strstr((char *)o.notes.p, "unknown command"));
	assert_null(strstr((char *)o.notes.p, "c2VjcmV0"));
	outside_stop(&o);
}

static void test_log_escapes_the_sender(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &mx);
	script_play(&e, MX "C: MAIL FROM:<\"x reply=\\\"250\"@b.test>\nS: 250*\nC: RCPT TO:<user@here.test>\nS: 250*\n"
			DATA "C: a\rb\nC: .\nS: 550*\n", 0);
	buf_put_byte(&o.notes, 0);
	assert_non_null(strstr((char *)o.notes.p, "from=<\\\"x reply=\\\\\\\"250\\\"@b.test>"));
	outside_stop(&o);
}

/* RFC 2033 4.2: who has no room after all hears that, the others that it is stored; and nothing stays of it. */
static void test_refused_for_itself(void **state)
{
	static const char talk[] = LMTP TO "C: RCPT TO:<fwd@here.test>\nS: 250*\nC: RCPT TO:<postmaster>\nS: 250*\n" DATA
				   "C: x\nC: .\nS: 250 2.0.0*\nS: 452 4.2.2*\nS: 250 2.0.0*\nC: NOOP\nS: 250*\n";
	struct outside o;
	const struct script_engine e = { &o, outside_feed, outside_pump };

	(void)state;
	outside_start(&o, &lmtp);
	o.refused = 2;
	script_play(&e, talk, 0);
	o.refused = 0;
	script_play(&e, "C: MAIL FROM:<>\nS: 250*\nC: RCPT TO:<user@here.test>\nS: 250*\nC: RCPT TO:<fwd@here.test>\nS: 250*\n" DATA
			"C: x\nC: .\nS: 250 2.0.0*\nS: 250 2.0.0*\n", 0);
	outside_stop(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_for_itself), cmocka_unit_test(test_rows),	    cmocka_unit_test(test_smuggling),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_deadlines),   cmocka_unit_test(test_open_action),
		cmocka_unit_test(test_end_waits_for_the_message),
		cmocka_unit_test(test_finished_inside_a_message),
		cmocka_unit_test(test_large_header),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_revoke_with_an_open_action),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_log_holds_no_secret),
		cmocka_unit_test(test_log_escapes_the_sender),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "smtp_engine");
}
