/* test_client_engine.c - conversations of the SMTP client, the server's bytes cut at each place.
 * link: tests/unit/client_rig.o deliverd sasl common/base */
#include "tests/unit/unit.h"

#include "storage/store.h"
#include "tests/unit/client_rig.h"

#define TIMES { 300000, 310000, 320000, 330000, 120000, 180000, 600000, 5000 }
#define BASE .hostname = "me.test", .times = TIMES
#define T(s) { (const uint8_t *)(s), sizeof(s) - 1 }

static const struct client_config plain = { BASE, .start_tls = true };
static const struct client_config clear = { BASE };
static const struct client_config lmtp = { BASE, .lmtp = true };
static const struct client_config tls = { BASE, .tls = true, .start_tls = true };
static const struct client_config login = { BASE, .tls = true, .mechanisms = "SCRAM-SHA-256,PLAIN,LOGIN", .user = "user",
					    .password = "pencil",
					    .nonce = T("\xac\xea\x6b\x34\x67\xf0\x11\xb7\x91\x5a\x06\xcd\x12\x4a\x8e") };
static const struct client_config login_any = { BASE, .start_tls = true, .mechanisms = "PLAIN", .user = "user",
						.password = "pencil" };
static const struct client_config login_clear = { BASE, .mechanisms = "PLAIN", .user = "user", .password = "pencil",
						  .auth_in_clear = true };
static const struct client_config external = { BASE, .tls = true, .mechanisms = "EXTERNAL", .user = "", .password = "" };
#define L50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L300 L50 L50 L50 L50 L50 L50
static const struct client_config login_long = { BASE, .tls = true, .mechanisms = "PLAIN", .user = L300, .password = L300 };

static const struct client_rcpt one_rcpt[] = { { .address = T("r@b.test") } };
static const struct client_rcpt three_rcpts[] = {
	{ .address = T("a@b.test") }, { .address = T("b@b.test") }, { .address = T("c@b.test") },
};
static const struct client_rcpt mixed_rcpts[] = {
	{ .address = T("a@b.test") }, { .address = T("b@c.test") }, { .address = T("c@B.test") },
};
static const struct client_rcpt dsn_rcpts[] = {
	{ .address = T("a@b.test"), .orcpt = T("rfc822;a+2Bx@b.test"), .notify = STORE_NOTIFY_SUCCESS | STORE_NOTIFY_DELAY },
	{ .address = T("b@b.test"), .notify = STORE_NOTIFY_NEVER },
};
static const struct client_rcpt utf8_rcpt[] = { { .address = T("\xc3\xa4@b.test") } };

#define MAIL(to, text, ...) { { .sender = T("s@a.test"), .rcpts = to, .count = sizeof(to) / sizeof(to[0]), __VA_ARGS__ }, text }
static const struct rig_mail one[] = { MAIL(one_rcpt, "hi\r\n", .size = 4) };
static const struct rig_mail three[] = { MAIL(three_rcpts, "hi\r\n", .size = 4) };
static const struct rig_mail two_mails[] = { MAIL(one_rcpt, "one\r\n", .size = 5), MAIL(one_rcpt, "two\r\n", .size = 5) };
static const struct rig_mail mixed[] = { MAIL(mixed_rcpts, "hi\r\n", .size = 4) };
static const struct rig_mail dsn[] = { MAIL(dsn_rcpts, "hi\r\n", .size = 4, .ret = 'H', .envid = T("id+2Bx")) };
static const struct rig_mail bounce[] = { { { .rcpts = one_rcpt, .count = 1, .ret = 'F' }, "hi\r\n" } };
static const struct rig_mail eightbit[] = { MAIL(one_rcpt, "\xc3\xa4\r\n", .size = 4, .eightbit = true) };
static const struct rig_mail utf8[] = { MAIL(utf8_rcpt, "hi\r\n", .size = 4, .utf8 = true) };
static const struct rig_mail secret[] = { MAIL(one_rcpt, "hi\r\n", .size = 4, .require_tls = true) };
static const struct rig_mail large[] = { MAIL(one_rcpt, "hi\r\n", .size = 4000) };

#define PLAN(m, ...) { .mails = m, .count = sizeof(m) / sizeof(m[0]), __VA_ARGS__ }
static const struct rig_plan nothing = { .quit = true };
static const struct rig_plan idle = { 0 };
static const struct rig_plan send_one = PLAN(one, .quit = true), send_three = PLAN(three, .quit = true);
static const struct rig_plan send_two = PLAN(two_mails, .quit = true), send_early = PLAN(two_mails, .early = true, .quit = true);
static const struct rig_plan send_mixed = PLAN(mixed, .quit = true);
static const struct rig_plan send_dsn = PLAN(dsn, .quit = true), send_bounce = PLAN(bounce, .quit = true);
static const struct rig_plan send_8bit = PLAN(eightbit, .quit = true), send_utf8 = PLAN(utf8, .quit = true);
static const struct rig_plan send_secret = PLAN(secret, .quit = true), send_large = PLAN(large, .quit = true);
static const struct rig_plan send_half = PLAN(one, .piece = 2, .fail_at = 2);

/* What is offered. */
#define EHLO "S: 220 mx.b.test ESMTP\nC: EHLO me.test\n"
#define BARE EHLO "S: 250 mx.b.test\n!: ready\n"
#define PIPE EHLO "S: 250-mx.b.test hello\nS: 250-SIZE 1000\nS: 250 PIPELINING\n!: ready\n"
#define BDAT EHLO "S: 250-mx.b.test\nS: 250-CHUNKING\nS: 250 PIPELINING\n!: ready\n"
#define BYE "C: QUIT\nS: 221 bye\n!: close\n"
#define FROM "C: MAIL FROM:<s@a.test>\n"
#define SIZED "C: MAIL FROM:<s@a.test> SIZE=4\n"
#define TO "C: RCPT TO:<r@b.test>\n"
#define ABC "C: RCPT TO:<a@b.test>\nC: RCPT TO:<b@b.test>\nC: RCPT TO:<c@b.test>\n"
#define HI "C: hi\nC: .\n"

static const struct row {
	const char *why;
	const struct client_config *config;
	const struct rig_plan *plan;
	const char *script;
} rows[] = {
	/* --- one by one, and in one go */
	{ "a message, one by one", &clear, &send_one,
	  BARE FROM "S: 250 ok\n" TO "S: 250 ok\nC: DATA\nS: 354 go\n" HI
	  "S: 250 2.0.0 queued\n!: rcpt 0 ok 2.0.0 250 2.0.0 queued\n!: mail\n!: ready\n" BYE },
	{ "in one go", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\n" HI
	  "C: QUIT\nS: 250 2.0.0 queued\nS: 221 bye\n!: rcpt 0 ok 2.0.0 250 2.0.0 queued\n!: mail\n!: close\n" },
	{ "two, at READY", &clear, &send_two,
	  PIPE "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\nC: one\nC: .\n"
	       "S: 250 q1\n!: rcpt 0 ok 2.0.0 250 q1\n!: mail\n!: ready\nC: MAIL FROM:<s@a.test> SIZE=5\n" TO
	       "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\nC: two\nC: .\nC: QUIT\n"
	       "S: 250 q2\nS: 221 bye\n!: rcpt 0 ok 2.0.0 250 q2\n!: mail\n!: close\n" },
	{ "two, at EARLY", &clear, &send_early,
	  PIPE "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\nC: one\nC: .\n"
	       "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 q1\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
	       "!: rcpt 0 ok 2.0.0 250 q1\n!: mail\n!: early\nC: two\nC: .\nC: QUIT\nS: 250 q2\nS: 221 bye\n"
	       "!: rcpt 0 ok 2.0.0 250 q2\n!: mail\n!: close\n" },
	{ "the first of two is refused at its end", &clear, &send_early,
	  PIPE "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\nC: one\nC: .\n"
	       "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 554 5.7.1 spam\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
	       "!: rcpt 0 never 5.7.1 554 5.7.1 spam\n!: mail\n!: early\nC: two\nC: .\nC: QUIT\nS: 250 q2\nS: 221 bye\n"
	       "!: rcpt 0 ok 2.0.0 250 q2\n!: mail\n!: close\n" },
	{ "the connection ends between two", &clear, &send_early,
	  PIPE "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\nC: one\nC: .\n"
	       "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nE: reset\n"
	       "!: rcpt 0 later 4.4.2 reset; the message may have arrived all the same\n!: mail\n"
	       "!: rcpt 0 later 4.4.2 reset\n!: mail\n!: unusable end later 4.4.2 reset\n!: close\n" },
	{ "421 to the first of two", &clear, &send_early,
	  PIPE "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\nC: one\nC: .\n"
	       "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 421 4.3.2 away\n"
	       "!: rcpt 0 later 4.3.2 421 4.3.2 away\n!: mail\n!: rcpt 0 later 4.3.2 421 4.3.2 away\n!: mail\n"
	       "!: unusable end later 4.3.2 421 4.3.2 away\n!: close\n" },
	{ "QUIT alone", &clear, &nothing, BARE BYE },
	{ "no answer to QUIT", &clear, &nothing, BARE "C: QUIT\nT: 5000\n!: close\n" },
	{ "the end behind QUIT", &clear, &nothing, BARE "C: QUIT\nE: closed\n!: close\n" },
	{ "it ends while nothing is open", &clear, &idle, BARE "E: closed\n!: unusable rest later 4.4.2 closed\n!: close\n" },

	/* --- greeting and EHLO */
	{ "a greeting of several lines", &clear, &nothing,
	  "S: 220-mx\nS: 220-no\nS: 220 yes\nC: EHLO me.test\nS: 250 mx\n!: ready\n" BYE },
	{ "554 at the greeting", &clear, &nothing,
	  "S: 554 no mail here\n!: unusable greeting never 5.0.0 554 no mail here\n" BYE },
	{ "421 at the greeting", &clear, &nothing,
	  "S: 421 4.3.2 busy\n!: unusable greeting later 4.3.2 421 4.3.2 busy\n!: close\n" },
	{ "354 as a greeting", &clear, &nothing, "S: 354 go\n!: unusable greeting later 4.0.0 354 go\n" BYE },
	{ "another protocol's greeting", &clear, &nothing,
	  "S: SSH-2.0-x\n!: unusable greeting later 4.5.0 a reply that can't be understood*\n!: close\n" },
	{ "no greeting", &clear, &nothing,
	  "T: 299999\nT: 300000\n!: unusable greeting later 4.4.2 no greeting within 300 seconds\n!: close\n" },
	{ "the end instead of a greeting", &clear, &nothing, "E: closed\n!: unusable greeting later 4.4.2 closed\n!: close\n" },
	{ "HELO where EHLO is refused", &clear, &send_one,
	  "S: 220 mx\nC: EHLO me.test\nS: 502 what?\nC: HELO me.test\nS: 250 mx\n!: ready\n" FROM "S: 250 ok\n" TO
	  "S: 250 ok\nC: DATA\nS: 354 go\n" HI "S: 250 q\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: ready\n" BYE },
	{ "HELO offers nothing", &clear, &nothing,
	  "S: 220 mx\nC: EHLO me.test\nS: 550 what?\nC: HELO me.test\nS: 250-mx\nS: 250 PIPELINING\n!: ready\n" BYE },
	{ "HELO is refused too", &clear, &nothing,
	  "S: 220 mx\nC: EHLO me.test\nS: 550 who?\nC: HELO me.test\nS: 550 5.7.1 who?\n"
	  "!: unusable hello never 5.7.1 550 5.7.1 who?\n" BYE },
	{ "EHLO is refused for now", &clear, &nothing, EHLO "S: 451 wait\n!: unusable hello later 4.3.0 451 wait\n" BYE },
	{ "LHLO, and no HELO", &lmtp, &nothing,
	  "S: 220 mx\nC: LHLO me.test\nS: 500 what?\n!: unusable hello never 5.5.2 500 what?\n" BYE },
	{ "silence behind EHLO", &clear, &nothing,
	  EHLO "R: 250-mx\nT: 310000\n!: unusable hello later 4.4.2 no answer to EHLO within 310 seconds\n!: close\n" },

	/* --- STARTTLS */
	{ "STARTTLS", &plain, &nothing,
	  EHLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n!: tls\nC: EHLO me.test\nS: 250 mx\n!: ready\n" BYE },
	{ "STARTTLS that we don't want", &clear, &nothing, EHLO "S: 250-mx\nS: 250 STARTTLS\n!: ready\n" BYE },
	{ "STARTTLS within TLS is none", &tls, &nothing, EHLO "S: 250-mx\nS: 250 STARTTLS\n!: ready\n" BYE },
	{ "what was offered in clear is forgotten", &plain, &send_one,
	  EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250-SIZE\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n!: tls\n"
	       "C: EHLO me.test\nS: 250 mx\n!: ready\n" FROM "S: 550 no\n!: rcpt 0 never 5.7.1 550 no\n!: mail\n!: ready\n" BYE },
	{ "EHLO is refused in clear, HELO has no STARTTLS", &plain, &nothing,
	  EHLO "S: 500 what?\nC: HELO me.test\nS: 250-mx\nS: 250 STARTTLS\n!: ready\n" BYE },
	{ "STARTTLS is refused", &plain, &nothing,
	  EHLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 4.7.0 not now\n"
	       "!: unusable starttls later 4.7.0 454 4.7.0 not now\n" BYE },
	{ "STARTTLS is refused for good", &plain, &nothing,
	  EHLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 502 no\n!: unusable starttls never 5.5.1 502 no\n" BYE },

	/* --- AUTH */
	{ "SCRAM-SHA-256", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH PLAIN LOGIN SCRAM-SHA-256\n"
	       "C: AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\n"
	       "S: 334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=\n"
	       "C: Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAscD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ==\n"
	       "S: 334 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==\nC: \nS: 235 2.7.0 welcome\n!: ready\n" BYE },
	{ "SCRAM: yes without a proof", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH SCRAM-SHA-256\nC: AUTH SCRAM-SHA-256 *\nS: 235 welcome\n"
	       "!: unusable auth later 4.7.0 the server says yes, but has not proved*\n!: close\n" },
	{ "SCRAM: a challenge that is wrong", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH SCRAM-SHA-256\nC: AUTH SCRAM-SHA-256 *\nS: 334 cj1yT3A=\n"
	       "!: unusable auth later 4.7.0 the server's part in AUTH is wrong*\n!: close\n" },
	{ "a challenge that is no base64", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH SCRAM-SHA-256\nC: AUTH SCRAM-SHA-256 *\nS: 334 !\n"
	       "!: unusable auth later 4.7.0 the server's part in AUTH is wrong*\n!: close\n" },
	{ "PLAIN", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\nS: 235 ok\n!: ready\n" BYE },
	{ "LOGIN, in the old form", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH=LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: cGVuY2ls\n"
	       "S: 235 ok\n!: ready\n" BYE },
	{ "AUTH in several lines", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250-AUTH CRAM-MD5\nS: 250-AUTH=PLAIN X\nS: 250 SIZE\nC: AUTH PLAIN *\nS: 235 ok\n!: ready\n" BYE },
	{ "EXTERNAL", &external, &nothing, EHLO "S: 250-mx\nS: 250 AUTH EXTERNAL\nC: AUTH EXTERNAL =\nS: 235 ok\n!: ready\n" BYE },
	{ "EXTERNAL, asked for its name", &external, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH EXTERNAL\nC: AUTH EXTERNAL =\nS: 334 \nC: \nS: 235 ok\n!: ready\n" BYE },
	{ "an answer too long for the command", &login_long, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN\nS: 334\nC: AGFhYWFh*\nS: 235 ok\n!: ready\n" BYE },
	{ "a challenge without an end", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN *\nS: 334 \nC: AHVzZXIAcGVuY2ls\nS: 334 \n"
	       "!: unusable auth later 4.7.0 the server's part*\n!: close\n" },
	{ "the password is wrong", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN *\nS: 535 5.7.8 no\n!: unusable auth never 5.7.8 535 5.7.8 no\n" BYE },
	{ "354 to AUTH", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN *\nS: 354 go\n"
	       "!: unusable auth later 4.5.0 the answer 354 to AUTH can't be understood\n!: close\n" },
	{ "no way to log in that we know", &login, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH GSSAPI NTLM\n!: unusable auth later 4.7.0 the server offers none of our ways to log in "
	       "(ours: SCRAM-SHA-256,PLAIN,LOGIN; its: GSSAPI NTLM)\n" BYE },
	{ "no AUTH at all", &login, &nothing,
	  EHLO "S: 250 mx\n!: unusable auth later 4.7.0 the server offers none of our ways*\n" BYE },
	{ "no password without TLS", &login_any, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH PLAIN\n!: unusable auth later 4.7.0 the server offers no TLS, and no password is sent without it\n" BYE },
	{ "a password without TLS, if it must be", &login_clear, &nothing,
	  EHLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\nS: 235 ok\n!: ready\n" BYE },
	{ "within TLS", &login_any, &nothing,
	  EHLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n!: tls\nC: EHLO me.test\nS: 250-mx\nS: 250 AUTH PLAIN\n"
	       "C: AUTH PLAIN AHVzZXIAcGVuY2ls\nS: 235 ok\n!: ready\n" BYE },

	/* --- what MAIL, RCPT and DATA are answered */
	{ "MAIL is refused", &clear, &send_three,
	  BARE FROM "S: 550 5.7.1 no\n!: rcpt 0 never 5.7.1 550 5.7.1 no\n!: rcpt 1 never 5.7.1 550 5.7.1 no\n"
		    "!: rcpt 2 never 5.7.1 550 5.7.1 no\n!: mail\n!: ready\n" BYE },
	{ "MAIL is refused, all is under way", &clear, &send_three,
	  PIPE SIZED ABC "C: DATA\nS: 451 4.3.0 no\nS: 503 a\nS: 503 b\nS: 503 c\nS: 503 d\n!: rcpt 0 later 4.3.0 451 4.3.0 no\n"
			 "!: rcpt 1 later 4.3.0 451 4.3.0 no\n!: rcpt 2 later 4.3.0 451 4.3.0 no\n!: mail\n!: ready\n" BYE },
	{ "MAIL is refused, and DATA is not", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 550 no\nS: 250 ok\nS: 354 go\n!: rcpt 0 never 5.7.1 550 no\nC: .\n"
			"S: 250 an empty one\n!: mail\n!: ready\n" BYE },
	{ "one recipient of three", &clear, &send_three,
	  BARE FROM "S: 250 ok\nC: RCPT TO:<a@b.test>\nS: 550 5.1.1 who\n!: rcpt 0 never 5.1.1 550 5.1.1 who\n"
		    "C: RCPT TO:<b@b.test>\nS: 250 ok\nC: RCPT TO:<c@b.test>\nS: 450 4.2.0 later\n"
		    "!: rcpt 2 later 4.2.0 450 4.2.0 later\nC: DATA\nS: 354 go\n" HI "S: 250 q\n!: rcpt 1 ok 2.0.0 250 q\n!: mail\n!: ready\n" BYE },
	{ "the same in one go", &clear, &send_three,
	  PIPE SIZED ABC "C: DATA\nS: 250 ok\nS: 550 5.1.1 who\nS: 251 will forward\nS: 450 later\nS: 354 go\n"
			 "!: rcpt 0 never 5.1.1 550 5.1.1 who\n!: rcpt 2 later 4.2.1 450 later\n!: early\n" HI
			 "C: QUIT\nS: 250 q\nS: 221 bye\n!: rcpt 1 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "no recipient", &clear, &send_one,
	  BARE FROM "S: 250 ok\n" TO "S: 550 5.1.1 who\n!: rcpt 0 never 5.1.1 550 5.1.1 who\n!: mail\n!: ready\n" BYE },
	{ "no recipient, and DATA is refused", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 550 who\nS: 554 no valid recipients\n!: rcpt 0 never 5.1.1 550 who\n"
			"!: mail\n!: ready\n" BYE },
	{ "no recipient, and DATA is not refused: a lone dot", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 550 who\nS: 354 go\n!: rcpt 0 never 5.1.1 550 who\nC: .\nS: 554 no recipients\n"
			"!: mail\n!: ready\n" BYE },
	{ "RSET before the next", &clear, &send_two,
	  BARE FROM "S: 250 ok\n" TO "S: 450 wait\n!: rcpt 0 later 4.2.1 450 wait\n!: mail\n!: ready\nC: RSET\nS: 250 ok\n" FROM
		    "S: 250 ok\n" TO "S: 250 ok\nC: DATA\nS: 354 go\nC: two\nC: .\nS: 250 q\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: ready\n" BYE },
	{ "RSET before the next, in one go", &clear, &send_two,
	  PIPE "C: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 ok\nS: 450 wait\nS: 503 no\n!: rcpt 0 later 4.2.1 450 wait\n"
	       "!: mail\n!: ready\nC: RSET\nC: MAIL FROM:<s@a.test> SIZE=5\n" TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
	       "!: early\nC: two\nC: .\nC: QUIT\nS: 250 q\nS: 221 bye\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "RSET is refused", &clear, &send_two,
	  BARE FROM "S: 250 ok\n" TO "S: 450 wait\n!: rcpt 0 later 4.2.1 450 wait\n!: mail\n!: ready\nC: RSET\nS: 500 what\n"
		    "!: rcpt 0 later 4.5.2 500 what\n!: mail\n!: unusable rset never 5.5.2 500 what\n!: close\n" },
	{ "DATA is refused", &clear, &send_three,
	  BARE FROM "S: 250 ok\nC: RCPT TO:<a@b.test>\nS: 250 ok\nC: RCPT TO:<b@b.test>\nS: 550 no\n"
		    "!: rcpt 1 never 5.1.1 550 no\nC: RCPT TO:<c@b.test>\nS: 250 ok\nC: DATA\nS: 451 4.7.1 greylisted\n"
		    "!: rcpt 0 later 4.7.1 451 4.7.1 greylisted\n!: rcpt 2 later 4.7.1 451 4.7.1 greylisted\n!: mail\n!: ready\n" BYE },
	{ "too many recipients: 452", &clear, &send_three,
	  PIPE SIZED ABC "C: DATA\nS: 250 ok\nS: 250 ok\nS: 452 4.5.3 too many\nS: 552 too many\nS: 354 go\n"
			 "!: rcpt 1 later 4.5.3 452 4.5.3 too many\n!: rcpt 2 later 4.5.3 552 too many\n!: early\n" HI
			 "C: QUIT\nS: 250 q\nS: 221 bye\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "too many recipients: LIMITS", &clear, &send_three,
	  EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 LIMITS X RCPTMAX=2 Y=1 MAILMAX=5\n!: ready\n"
	       "!: rcpt 2 later 4.5.3 the server takes no more recipients in one transaction\n" FROM
	       "C: RCPT TO:<a@b.test>\nC: RCPT TO:<b@b.test>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\n" HI
	       "C: QUIT\nS: 250 q\nS: 221 bye\n!: rcpt 0 ok 2.0.0 250 q\n!: rcpt 1 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "too many domains: LIMITS", &clear, &send_mixed,
	  EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 limits rcptdomainmax=1\n!: ready\n"
	       "!: rcpt 1 later 4.5.3 the server takes no more recipients in one transaction\n" FROM
	       "C: RCPT TO:<a@b.test>\nC: RCPT TO:<c@B.test>\nC: DATA\nS: 250 ok\nS: 550 no\nS: 250 ok\nS: 354 go\n"
	       "!: rcpt 0 never 5.1.1 550 no\n!: early\n" HI "C: QUIT\nS: 250 q\nS: 221 bye\n!: rcpt 2 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "too many messages: LIMITS", &clear, &send_early,
	  EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 LIMITS MAILMAX=1\n!: ready\n" FROM TO
	       "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: one\nC: .\nS: 250 q\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n" BYE },
	{ "the message is refused", &clear, &send_three,
	  PIPE SIZED ABC "C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 450 no\nS: 354 go\n!: rcpt 2 later 4.2.1 450 no\n!: early\n" HI
			 "C: QUIT\nS: 554 5.6.0 no\nS: 221 bye\n!: rcpt 0 never 5.6.0 554 5.6.0 no\n"
			 "!: rcpt 1 never 5.6.0 554 5.6.0 no\n!: mail\n!: close\n" },
	{ "421 in the midst", &clear, &send_three,
	  PIPE SIZED ABC "C: DATA\nS: 250 ok\nS: 550 no\nS: 421 4.3.2 away\n!: rcpt 0 never 5.1.1 550 no\n"
			 "!: rcpt 1 later 4.3.2 421 4.3.2 away\n!: rcpt 2 later 4.3.2 421 4.3.2 away\n!: mail\n"
			 "!: unusable rcpt later 4.3.2 421 4.3.2 away\n!: close\n" },
	{ "354 in place of 250", &clear, &send_one,
	  BARE FROM "S: 354 go\n!: rcpt 0 later 4.5.0 a reply to something else: 354 go\n!: mail\n"
		    "!: unusable mail later 4.5.0 a reply to something else: 354 go\n!: close\n" },
	{ "354 behind the message", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\n" HI "C: QUIT\nS: 354 more\n"
			"!: rcpt 0 later 4.5.0 a reply to something else: 354 more; the message may have arrived all the same\n!: mail\n"
			"!: unusable end later 4.5.0 a reply to something else: 354 more\n!: close\n" },
	{ "250 in place of 354", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\n!: rcpt 0 later 4.5.0 a reply to something else: 250 ok\n!: mail\n"
			"!: unusable data later 4.5.0 *\n!: close\n" },
	{ "a reply that nobody asked for", &clear, &idle,
	  BARE "S: 250 what\n!: unusable rest later 4.5.0 a reply to nothing that was said: 250 what\n!: close\n" },
	{ "421 that nobody asked for", &clear, &idle, BARE "S: 421 4.4.2 too long\n!: unusable rest later 4.4.2 421 4.4.2 too long\n!: close\n" },
	{ "a broken reply", &clear, &send_three,
	  PIPE SIZED ABC "C: DATA\nS: 250 ok\nS: 550 no\nS: 5.7.2 x\n!: rcpt 0 never 5.1.1 550 no\n"
			 "!: rcpt 1 later 4.5.0 a reply that can't be understood (a line without a code): 5.7.2 x\\r\n"
			 "!: rcpt 2 later 4.5.0 a reply*\n!: mail\n!: unusable rcpt later 4.5.0 a reply*\n!: close\n" },
	{ "no reply to the message", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\n" HI "C: QUIT\nT: 599999\nT: 600000\n"
			"!: rcpt 0 later 4.4.2 no answer to the message within 600 seconds; the message may have arrived all the same\n"
			"!: mail\n!: unusable end later 4.4.2 no answer to the message within 600 seconds\n!: close\n" },
	{ "no reply to MAIL", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nT: 320000\n!: rcpt 0 later 4.4.2 no answer to MAIL within 320 seconds\n!: mail\n"
			"!: unusable mail later 4.4.2 *\n!: close\n" },
	{ "a byte now and then is no reply", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nT: 100000\nR: 2\nT: 200000\nR: 5\nT: 329999\nR: 0\nT: 330000\n"
			"!: rcpt 0 later 4.4.2 no answer to RCPT within 330 seconds\n!: mail\n!: unusable rcpt later 4.4.2 *\n!: close\n" },
	{ "no reply to DATA", &clear, &send_one,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 250 ok\nT: 120000\n!: rcpt 0 later 4.4.2 no answer to DATA within 120 seconds\n"
			"!: mail\n!: unusable data later 4.4.2 *\n!: close\n" },
	{ "the body can't be read", &clear, &send_half,
	  PIPE SIZED TO "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
			"!: rcpt 0 later 4.3.0 the message can't be read to its end\n!: mail\n!: unusable rest later 4.3.0 *\n!: close\n" },
	{ "nor in chunks", &clear, &send_half,
	  BDAT FROM TO "S: 250 ok\nS: 250 ok\n!: rcpt 0 later 4.3.0 the message can't be read to its end\n!: mail\n"
		       "!: unusable rest later 4.3.0 *\n!: close\n" },

	/* --- chunks */
	{ "BDAT", &clear, &send_one,
	  BDAT FROM TO "S: 250 ok\nS: 250 ok\n!: early\nC: BDAT 4 LAST\nC: hi\nC: QUIT\nS: 250 q\nS: 221 bye\n"
		       "!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "BDAT, two", &clear, &send_early,
	  BDAT FROM TO "S: 250 ok\nS: 250 ok\n!: early\nC: BDAT 5 LAST\nC: one\nC: RSET\n" FROM TO
		       "S: 554 no\n!: rcpt 0 never 5.0.0 554 no\n!: mail\nS: 250 ok\nS: 250 ok\nS: 250 ok\n!: early\n"
		       "C: BDAT 5 LAST\nC: two\nC: QUIT\nS: 250 q\nS: 221 bye\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "BDAT is refused, then the next", &clear, &send_two,
	  BDAT FROM TO "S: 250 ok\nS: 250 ok\n!: early\nC: BDAT 5 LAST\nC: one\nS: 452 full\n!: rcpt 0 later 4.3.1 452 full\n!: mail\n"
		       "!: ready\nC: RSET\n" FROM TO "S: 250 ok\nS: 250 ok\nS: 250 ok\n!: early\nC: BDAT 5 LAST\nC: two\nC: QUIT\n"
		       "S: 250 q\nS: 221 bye\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "BDAT without a recipient", &clear, &send_three,
	  BDAT FROM ABC "S: 250 ok\nS: 550 a\nS: 550 b\nS: 550 c\n!: rcpt 0 never 5.1.1 550 a\n!: rcpt 1 never 5.1.1 550 b\n"
			"!: rcpt 2 never 5.1.1 550 c\n!: mail\n!: ready\n" BYE },
	{ "BDAT, MAIL is refused", &clear, &send_one,
	  BDAT FROM TO "S: 550 no\nS: 503 what\n!: rcpt 0 never 5.7.1 550 no\n!: mail\n!: ready\n" BYE },
	{ "CHUNKING without PIPELINING: DATA", &clear, &send_one,
	  EHLO "S: 250-mx\nS: 250 CHUNKING\n!: ready\n" FROM "S: 250 ok\n" TO "S: 250 ok\nC: DATA\nS: 354 go\n" HI
	       "S: 250 q\n!: rcpt 0 ok 2.0.0 250 q\n!: mail\n!: ready\n" BYE },

	/* --- LMTP */
	{ "LMTP: a reply for each", &lmtp, &send_three,
	  "S: 220 mx\nC: LHLO me.test\nS: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n!: ready\n" FROM ABC
	  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 550 5.1.1 who\nS: 250 ok\nS: 354 go\n!: rcpt 1 never 5.1.1 550 5.1.1 who\n!: early\n" HI
	  "C: QUIT\nS: 452 4.2.2 full\nS: 250 q\nS: 221 bye\n!: rcpt 0 later 4.2.2 452 4.2.2 full\n!: rcpt 2 ok 2.0.0 250 q\n!: mail\n!: close\n" },
	{ "LMTP: it ends between them", &lmtp, &send_three,
	  "S: 220 mx\nC: LHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n!: ready\n" FROM ABC
	  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n!: early\n" HI
	  "C: QUIT\nS: 250 q\n!: rcpt 0 ok 2.0.0 250 q\nE: reset\n!: rcpt 1 later 4.4.2 reset; the message may have arrived all the same\n"
	  "!: rcpt 2 later 4.4.2 reset; the message may have arrived all the same\n!: mail\n!: unusable end later 4.4.2 reset\n!: close\n" },
	{ "LMTP: 354 without a recipient", &lmtp, &send_one,
	  "S: 220 mx\nC: LHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n!: ready\n" FROM TO
	  "C: DATA\nS: 250 ok\nS: 550 no\nS: 354 go\n!: rcpt 0 never 5.1.1 550 no\n!: mail\n"
	  "!: unusable data later 4.5.0 the server wants a message without a recipient\n!: close\n" },

	/* --- parameters */
	{ "DSN", &clear, &send_dsn,
	  EHLO "S: 250-mx\nS: 250-DSN\nS: 250 PIPELINING\n!: ready\nC: MAIL FROM:<s@a.test> RET=HDRS ENVID=id+2Bx\n"
	       "C: RCPT TO:<a@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bx@b.test\nC: RCPT TO:<b@b.test> NOTIFY=NEVER\nC: DATA\n"
	       "S: 550 no\nS: 503 no\nS: 503 no\nS: 503 no\n!: rcpt 0 *\n!: rcpt 1 *\n!: mail\n!: ready\n" BYE },
	{ "DSN is not offered", &clear, &send_dsn,
	  PIPE SIZED "C: RCPT TO:<a@b.test>\nC: RCPT TO:<b@b.test>\nC: DATA\nS: 550 no\nS: 503 no\nS: 503 no\nS: 503 no\n"
		     "!: rcpt 0 *\n!: rcpt 1 *\n!: mail\n!: ready\n" BYE },
	{ "the null sender", &clear, &send_bounce,
	  EHLO "S: 250-mx\nS: 250 dsn\n!: ready\nC: MAIL FROM:<> RET=FULL\nS: 550 no\n!: rcpt 0 *\n!: mail\n!: ready\n" BYE },
	{ "8BITMIME", &clear, &send_8bit,
	  EHLO "S: 250-mx\nS: 250 8BITMIME\n!: ready\nC: MAIL FROM:<s@a.test> BODY=8BITMIME\nS: 550 no\n!: rcpt 0 *\n!: mail\n!: ready\n" BYE },
	{ "8BITMIME is not offered", &clear, &send_8bit,
	  BARE "!: refused the message is 8-bit, and the server does not offer 8BITMIME\nQ:\n" BYE },
	{ "SMTPUTF8", &clear, &send_utf8,
	  EHLO "S: 250-mx\nS: 250-8BITMIME\nS: 250 SMTPUTF8\n!: ready\nC: MAIL FROM:<s@a.test> SMTPUTF8\nS: 250 ok\n"
	       "C: RCPT TO:<\xc3\xa4@b.test>\nS: 550 no\n!: rcpt 0 *\n!: mail\n!: ready\n" BYE },
	{ "SMTPUTF8 is not offered", &clear, &send_utf8,
	  BARE "!: refused the message needs SMTPUTF8, and the server does not offer it\nQ:\n" BYE },
	{ "REQUIRETLS", &tls, &send_secret,
	  EHLO "S: 250-mx\nS: 250 REQUIRETLS\n!: ready\nC: MAIL FROM:<s@a.test> REQUIRETLS\nS: 550 no\n!: rcpt 0 *\n!: mail\n!: ready\n" BYE },
	{ "REQUIRETLS in clear is none", &clear, &send_secret,
	  EHLO "S: 250-mx\nS: 250 REQUIRETLS\n!: ready\n!: refused the message needs REQUIRETLS*\nQ:\n" BYE },
	{ "too large for SIZE", &clear, &send_large, PIPE "!: refused the message is 4000 bytes, and the server takes 1000\nQ:\n" BYE },
	{ "SIZE without a number", &clear, &send_large,
	  EHLO "S: 250-mx\nS: 250 SIZE\n!: ready\nC: MAIL FROM:<s@a.test> SIZE=4000\nS: 550 no\n!: rcpt 0 *\n!: mail\n!: ready\n" BYE },
	{ "SIZE 0", &clear, &send_large,
	  EHLO "S: 250-mx\nS: 250 SIZE 0\n!: ready\nC: MAIL FROM:<s@a.test> SIZE=4000\nS: 550 no\n!: rcpt 0 *\n!: mail\n!: ready\n" BYE },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t bytes;

		unit_case(rows[i].why, 0);
		bytes = rig_play(rows[i].config, rows[i].plan, rows[i].script, 0);
		for (size_t cut = 1; cut < bytes; cut++) {
			unit_case(rows[i].why, cut);
			rig_play(rows[i].config, rows[i].plan, rows[i].script, cut);
		}
		unit_case(rows[i].why, SIZE_MAX);
		rig_play(rows[i].config, rows[i].plan, rows[i].script, SIZE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return unit_run(tests, 1, "smtp client");
}
