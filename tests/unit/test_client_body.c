/* test_client_body.c - what the SMTP client sends as a message, cut anywhere; what it refuses to say;
 * servers that speak out of turn; how much memory and time it takes.
 * link: tests/unit/client_rig.o deliverd sasl common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/client_rig.h"

#define T(s) { (const uint8_t *)(s), sizeof(s) - 1 }

static const struct client_config config = { .hostname = "me.test", .start_tls = true,
					     .times = { 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000 } };
static const struct client_rcpt to[] = { { .address = T("r@b.test") } };
static const struct client_mail mail = { .sender = T("s@a.test"), .rcpts = to, .count = 1 };
static const struct rig_plan by_hand = { 0 };

#define EHLO_DATA "220 x\r\n250-x\r\n250 PIPELINING\r\n"
#define EHLO_BDAT "220 x\r\n250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
#define EHLO_SLOW "220 x\r\n250 x\r\n"

/* The next action that is not SEND; what is sent is put to r->said. */
static struct client_action next(struct rig *r)
{
	struct client_action a;

	for (;;) {
		smtp_client_next(r->engine, &a);
		if (a.kind != CLIENT_SEND)
			return a;
		buf_put(&r->said, a.bytes);
	}
}

static void feed(struct rig *r, const char *text)
{
	struct span in = span_of(text);

	while (in.n > 0) {
		smtp_client_feed(r->engine, &in);
		if (in.n > 0)
			assert_int_equal(next(r).kind, CLIENT_NONE);
	}
}

static void start_hello(struct rig *r, const char *ehlo)
{
	rig_start(r, &config, &by_hand);
	next(r);
	feed(r, ehlo);
	assert_int_equal(next(r).kind, CLIENT_READY);
}

/* An engine that asks for the body of a mail; said is empty. */
static void start_mail(struct rig *r, const char *ehlo, const struct client_mail *m)
{
	start_hello(r, ehlo);
	assert_int_equal(smtp_client_begin(r->engine, m, NULL), 0);
	next(r);
	feed(r, strstr(ehlo, "CHUNKING") != NULL ? "250 a\r\n250 b\r\n" : "250 a\r\n250 b\r\n354 c\r\n");
	assert_int_equal(next(r).kind, CLIENT_WANT_BODY);
	buf_reset(&r->said);
}

static void start_body(struct rig *r, const char *ehlo)
{
	start_mail(r, ehlo, &mail);
}

/* RFC 3030 3: byte for byte, to who takes it and in one go with what else is said. */
static void test_binary(void **state)
{
	static const char ehlo[] = "220 x\r\n250-x\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 PIPELINING\r\n";
	static const char *const others[] = { EHLO_DATA, EHLO_BDAT, "220 x\r\n250-x\r\n250-BINARYMIME\r\n250 PIPELINING\r\n",
					      "220 x\r\n250-x\r\n250-CHUNKING\r\n250 BINARYMIME\r\n" };
	static const uint8_t body[] = "a\n.\r\r\n\0\xff\r";
	struct client_mail binary = mail;
	struct error err;
	struct rig r;

	(void)state;
	binary.binary = true;
	for (size_t i = 0; i < 4; i++) {
		unit_case("binary to another", i);
		start_hello(&r, others[i]);
		assert_false(smtp_client_takes_binary(r.engine));
		assert_int_equal(smtp_client_begin(r.engine, &binary, &err), -EINVAL);
		rig_stop(&r);
	}
	for (size_t cut = 0; cut < sizeof(body); cut++) {
		unit_case("binary", cut);
		start_mail(&r, ehlo, &binary);
		assert_true(smtp_client_takes_binary(r.engine));
		smtp_client_body(r.engine, (struct span){ body, cut });
		next(&r);
		smtp_client_body(r.engine, (struct span){ body + cut, sizeof(body) - 1 - cut });
		next(&r);
		smtp_client_body_end(r.engine);
		assert_int_equal(next(&r).kind, CLIENT_EARLY);
		next(&r);
		assert_int_equal(r.said.n, strlen("BDAT 9 LAST\r\n") + 9);
		assert_memory_equal(r.said.p, "BDAT 9 LAST\r\n", 13);
		assert_memory_equal(r.said.p + 13, body, 9);
		rig_stop(&r);
	}
}

/* --- line ends and dots ----------------------------------------------------- */

static const struct {
	const char *why, *in, *data, *chunk;
} bodies[] = {
	{ "as it should be", "a\r\nb\r\n", "a\r\nb\r\n.\r\n", "BDAT 6 LAST\r\na\r\nb\r\n" },
	{ "nothing", "", ".\r\n", "BDAT 0 LAST\r\n" },
	{ "no end of the last line", "a\r\nb", "a\r\nb\r\n.\r\n", "BDAT 6 LAST\r\na\r\nb\r\n" },
	{ "dots", ".\r\n..\r\na.\r\n.b\r\n", "..\r\n...\r\na.\r\n..b\r\n.\r\n", "BDAT 15 LAST\r\n.\r\n..\r\na.\r\n.b\r\n" },
	{ "LF alone", "a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n", "BDAT 9 LAST\r\na\r\n.\r\nb\r\n" },
	{ "CR alone", "a\r.\rb\r", "a\r\n..\r\nb\r\n.\r\n", "BDAT 9 LAST\r\na\r\n.\r\nb\r\n" },
	{ "LF dot CRLF, which would end it for some", "a\n.\r\nMAIL\r\n", "a\r\n..\r\nMAIL\r\n.\r\n",
	  "BDAT 12 LAST\r\na\r\n.\r\nMAIL\r\n" },
	{ "CR dot CR", "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", "BDAT 9 LAST\r\na\r\n.\r\nb\r\n" },
	{ "CRLF dot LF", "a\r\n.\nb\r\n", "a\r\n..\r\nb\r\n.\r\n", "BDAT 9 LAST\r\na\r\n.\r\nb\r\n" },
	{ "CRLF dot CR", "a\r\n.\rb\r\n", "a\r\n..\r\nb\r\n.\r\n", "BDAT 9 LAST\r\na\r\n.\r\nb\r\n" },
	{ "CR CR LF", "a\r\r\nb\r\n", "a\r\n\r\nb\r\n.\r\n", "BDAT 8 LAST\r\na\r\n\r\nb\r\n" },
	{ "LF CR", "a\n\rb", "a\r\n\r\nb\r\n.\r\n", "BDAT 8 LAST\r\na\r\n\r\nb\r\n" },
	{ "empty lines", "\r\n\n\r\r\n", "\r\n\r\n\r\n\r\n.\r\n", "BDAT 8 LAST\r\n\r\n\r\n\r\n\r\n" },
	{ "8-bit", "\xc3\xa4\xff\r\n", "\xc3\xa4\xff\r\n.\r\n", "BDAT 5 LAST\r\n\xc3\xa4\xff\r\n" },
};

static void check_body(size_t i, size_t cut, bool chunks)
{
	struct span rest = span_of(bodies[i].in), first = span_take(&rest, cut);
	struct rig r;

	unit_case(bodies[i].why, cut);
	start_body(&r, chunks ? EHLO_BDAT : EHLO_DATA);
	smtp_client_body(r.engine, first);
	assert_int_equal(next(&r).kind, CLIENT_WANT_BODY);
	smtp_client_body(r.engine, rest);
	assert_int_equal(next(&r).kind, CLIENT_WANT_BODY);
	smtp_client_body_end(r.engine);
	assert_int_equal(next(&r).kind, CLIENT_EARLY);
	assert_int_equal(next(&r).kind, CLIENT_NONE);
	unit_is(r.said.p, r.said.n, chunks ? bodies[i].chunk : bodies[i].data);
	rig_stop(&r);
}

static void test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (size_t cut = 0; cut <= strlen(bodies[i].in); cut++) {
			check_body(i, cut, false);
			check_body(i, cut, true);
		}
}

static void test_nul(void **state)
{
	static const char with_nul[] = "a\0b\r\n.\0\r\n";
	struct rig r;

	(void)state;
	start_body(&r, EHLO_DATA);
	smtp_client_body(r.engine, (struct span){ (const uint8_t *)with_nul, sizeof(with_nul) - 1 });
	next(&r);
	smtp_client_body_end(r.engine);
	next(&r);
	next(&r);
	assert_int_equal(r.said.n, sizeof(with_nul) - 1 + 1 + 3);
	assert_memory_equal(r.said.p, "a\0b\r\n..\0\r\n.\r\n", r.said.n);
	rig_stop(&r);
}

/* Chunks of a large message: what they hold together is the message. */
static void test_chunks(void **state)
{
	static uint8_t piece[CLIENT_PIECE];
	struct span said;
	size_t sum = 0, count = 0;
	struct rig r;

	(void)state;
	memset(piece, '\n', sizeof(piece));
	start_body(&r, EHLO_BDAT);
	for (size_t i = 0; i < 10; i++) {
		smtp_client_body(r.engine, (struct span){ piece, sizeof(piece) });
		assert_int_equal(next(&r).kind, CLIENT_WANT_BODY);
	}
	smtp_client_body_end(r.engine);
	next(&r);
	next(&r);
	for (said = buf_span(&r.said); said.n > 0; count++) {
		struct span line = span_take_until(&said, '\n');
		size_t n = strtoul((const char *)line.p + 5, NULL, 10);

		assert_true(span_starts(line, "BDAT "));
		assert_int_equal(memmem(line.p, line.n, " LAST", 5) != NULL, said.n == n);
		span_take(&said, n);
		sum += n;
	}
	assert_int_equal(sum, 10 * 2 * CLIENT_PIECE);
	assert_int_equal(count, 11);
	rig_stop(&r);
}

/* No more than a few chunks are under way; a refused one ends it. */
static void test_chunk_refused(void **state)
{
	static uint8_t piece[CLIENT_PIECE];
	struct client_action a;
	struct rig r;
	size_t n = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	start_body(&r, EHLO_BDAT);
	do {
		smtp_client_body(r.engine, (struct span){ piece, sizeof(piece) });
		n++;
	} while (next(&r).kind == CLIENT_WANT_BODY && n < 100);
	assert_int_equal(n, 16);
	feed(&r, "250 ok\r\n");
	assert_int_equal(next(&r).kind, CLIENT_WANT_BODY);
	feed(&r, "552 5.3.4 too large\r\n");
	a = next(&r);
	assert_int_equal(a.kind, CLIENT_RCPT_DONE);
	assert_int_equal(a.reply->verdict, CLIENT_NEVER);
	assert_string_equal(a.reply->words, "552 5.3.4 too large");
	smtp_client_body(r.engine, (struct span){ piece, sizeof(piece) });	/* too late: meets nothing */
	for (size_t i = 0; i < 14; i++) {
		assert_int_equal(next(&r).kind, CLIENT_NONE);
		feed(&r, "503 no\r\n");
	}
	assert_int_equal(next(&r).kind, CLIENT_MAIL_DONE);
	assert_int_equal(next(&r).kind, CLIENT_READY);
	buf_reset(&r.said);
	assert_int_equal(smtp_client_begin(r.engine, &mail, NULL), 0);
	next(&r);
	unit_is(r.said.p, r.said.n, "RSET\r\nMAIL FROM:<s@a.test>\r\nRCPT TO:<r@b.test>\r\n");
	rig_stop(&r);
}

/* --- servers that speak out of turn ----------------------------------------- */

static const struct {
	const char *why, *ehlo, *said;
	enum client_verdict verdict;
	const char *words;
} early[] = {
	{ "5xx while the message is sent", EHLO_DATA, "552 5.3.4 too large\r\n", CLIENT_NEVER, "552 5.3.4 too large" },
	{ "4xx", EHLO_DATA, "451 no\r\n", CLIENT_TRY_LATER, "451 no" },
	{ "421", EHLO_DATA, "421 away\r\n", CLIENT_TRY_LATER, "421 away" },
	{ "421 between chunks", EHLO_BDAT, "421 away\r\n", CLIENT_TRY_LATER, "421 away" },
	{ "250: not for the whole message", EHLO_DATA, "250 thanks\r\n", CLIENT_TRY_LATER,
	  "a reply to nothing that was said: 250 thanks" },
	{ "354 once more", EHLO_SLOW, "354 go\r\n", CLIENT_TRY_LATER, "a reply to nothing that was said: 354 go" },
	{ "a reply to no chunk", EHLO_BDAT, "550 no\r\n", CLIENT_TRY_LATER, "a reply to nothing that was said: 550 no" },
	{ "noise", EHLO_DATA, "what?\r\n", CLIENT_TRY_LATER,
	  "a reply that can't be understood (a line without a code): what?\\r" },
};

/* An engine at DATA, one by one. */
static void start_slow(struct rig *r)
{
	rig_start(r, &config, &by_hand);
	next(r);
	feed(r, EHLO_SLOW);
	assert_int_equal(next(r).kind, CLIENT_READY);
	assert_int_equal(smtp_client_begin(r->engine, &mail, NULL), 0);
	next(r);
	for (size_t i = 0; i < 3; i++) {
		feed(r, i < 2 ? "250 ok\r\n" : "354 go\r\n");
		assert_int_equal(next(r).kind, i < 2 ? CLIENT_NONE : CLIENT_WANT_BODY);
	}
}

static void test_early(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		struct client_action a;
		struct rig r;

		unit_case(early[i].why, 0);
		if (strcmp(early[i].ehlo, EHLO_SLOW) == 0)
			start_slow(&r);
		else
			start_body(&r, early[i].ehlo);
		smtp_client_body(r.engine, span_of("half a message\r\n"));
		assert_int_equal(next(&r).kind, CLIENT_WANT_BODY);
		feed(&r, early[i].said);
		a = next(&r);
		assert_int_equal(a.kind, CLIENT_RCPT_DONE);
		assert_int_equal(a.reply->verdict, early[i].verdict);
		assert_string_equal(a.reply->words, early[i].words);
		assert_int_equal(next(&r).kind, CLIENT_MAIL_DONE);
		assert_int_equal(next(&r).kind, CLIENT_UNUSABLE);
		buf_reset(&r.said);
		smtp_client_body_end(r.engine);		/* meets nothing: no dot behind half a message */
		assert_int_equal(next(&r).kind, CLIENT_CLOSE);
		assert_int_equal(next(&r).kind, CLIENT_NONE);
		assert_int_equal(r.said.n, 0);
		rig_stop(&r);
	}
}

/* A session fails once: what came first is why, and who was told a verdict keeps it. */
static void test_twice(void **state)
{
	struct client_action a;
	struct rig r;

	(void)state;
	start_body(&r, EHLO_DATA);
	feed(&r, "552 5.3.4 too large\r\n");
	smtp_client_ended(r.engine, "closed");
	smtp_client_tick(r.engine, 1000000);
	a = next(&r);
	assert_int_equal(a.kind, CLIENT_RCPT_DONE);
	assert_string_equal(a.reply->words, "552 5.3.4 too large");
	assert_int_equal(next(&r).kind, CLIENT_MAIL_DONE);
	a = next(&r);
	assert_int_equal(a.kind, CLIENT_UNUSABLE);
	assert_string_equal(a.reply->words, "552 5.3.4 too large");
	assert_int_equal(next(&r).kind, CLIENT_CLOSE);
	rig_stop(&r);
}

/* RFC 3207 4.2: bytes behind the 220, in the same read or the next. */
static void test_start_tls(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct client_action a;
		struct rig r;

		unit_case("in clear behind the answer to STARTTLS", i);
		rig_start(&r, &config, &by_hand);
		next(&r);
		feed(&r, "220 x\r\n250-x\r\n250 STARTTLS\r\n");
		next(&r);
		unit_is(r.said.p, r.said.n, "EHLO me.test\r\nSTARTTLS\r\n");
		feed(&r, i == 0 ? "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n" : "220 go\r\n");
		if (i == 1) {
			assert_int_equal(next(&r).kind, CLIENT_START_TLS);
			feed(&r, "250 x\r\n");
		}
		a = next(&r);
		assert_int_equal(a.kind, CLIENT_UNUSABLE);
		assert_int_equal(a.reply->step, CLIENT_AT_START_TLS);
		assert_int_equal(a.reply->verdict, CLIENT_TRY_LATER);
		assert_int_equal(next(&r).kind, CLIENT_CLOSE);
		unit_is(r.said.p, r.said.n, "EHLO me.test\r\nSTARTTLS\r\n");
		rig_stop(&r);
	}
}

/* While the shell reads the next piece the server has nothing to hurry for. */
static void test_time(void **state)
{
	struct rig r;

	(void)state;
	start_body(&r, EHLO_DATA);
	assert_int_equal(smtp_client_deadline(r.engine), UINT64_MAX);
	smtp_client_body(r.engine, span_of("a\r\n"));
	assert_int_equal(next(&r).kind, CLIENT_WANT_BODY);
	smtp_client_tick(r.engine, 5000);
	assert_int_equal(next(&r).kind, CLIENT_NONE);
	smtp_client_body_end(r.engine);
	next(&r);
	next(&r);
	assert_int_equal(smtp_client_deadline(r.engine), 6000);
	smtp_client_tick(r.engine, 6000);
	assert_int_equal(next(&r).kind, CLIENT_RCPT_DONE);
	rig_stop(&r);
}

/* --- what no command can hold ----------------------------------------------- */

static const struct {
	const char *why;
	struct span sender, rcpt, orcpt, envid;
	bool utf8, fits;
} commands[] = {
	{ "an address", T("a@b"), T("c@d"), T(""), T(""), false, true },
	{ "the null sender", T(""), T("c@d"), T(""), T(""), false, true },
	{ "no recipient", T("a@b"), T(""), T(""), T(""), false, false },
	{ "a quoted local part", T("\"a b<>\\\"@\"@b"), T("\"\\\\\"@d"), T(""), T(""), false, true },
	{ "an address literal", T("a@[IPv6:::1]"), T("c@[192.0.2.1]"), T(""), T(""), false, true },
	{ "CRLF in the sender", T("a@b>\r\nRCPT TO:<x@y"), T("c@d"), T(""), T(""), false, false },
	{ "CRLF in a recipient", T("a@b"), T("c@d>\r\nDATA"), T(""), T(""), false, false },
	{ "LF", T("a@b"), T("c@d\n"), T(""), T(""), false, false },
	{ "CR", T("a@b"), T("c\r@d"), T(""), T(""), false, false },
	{ "NUL", T("a@b"), T("c\0@d"), T(""), T(""), false, false },
	{ "CRLF within quotes", T("a@b"), T("\"c\r\n\"@d"), T(""), T(""), false, false },
	{ "CR behind a backslash", T("a@b"), T("\"c\\\r\"@d"), T(""), T(""), false, false },
	{ "a quote without an end", T("a@b"), T("\"c@d"), T(""), T(""), false, false },
	{ "an end of the path", T("a@b> SIZE=1"), T("c@d"), T(""), T(""), false, false },
	{ "a space", T("a@b"), T("c d@e"), T(""), T(""), false, false },
	{ "a backslash outside quotes", T("a@b"), T("c\\\"@d"), T(""), T(""), false, false },
	{ "8-bit without SMTPUTF8", T("a@b"), T("\xc3\xa4@d"), T(""), T(""), false, false },
	{ "UTF-8 with it", T("\xc3\xa4@b"), T("\xc3\xa4@d"), T("utf-8;\xc3\xa4@d"), T(""), true, true },
	{ "no UTF-8", T("a@b"), T("\xff@d"), T(""), T(""), true, false },
	{ "ORCPT with a space", T("a@b"), T("c@d"), T("rfc822;c d"), T(""), false, false },
	{ "ORCPT with CRLF", T("a@b"), T("c@d"), T("rfc822;c\r\nDATA"), T(""), false, false },
	{ "ENVID with CRLF", T("a@b"), T("c@d"), T(""), T("x\r\nDATA"), false, false },
	{ "ENVID with a space", T("a@b"), T("c@d"), T(""), T("x y"), false, false },
};

static void test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct client_rcpt rcpt = { .address = commands[i].rcpt, .orcpt = commands[i].orcpt };
		struct client_mail m = { .sender = commands[i].sender, .rcpts = &rcpt, .count = 1, .utf8 = commands[i].utf8,
					 .envid = commands[i].envid };
		struct rig r;

		unit_case(commands[i].why, 0);
		rig_start(&r, &config, &by_hand);
		next(&r);
		feed(&r, "220 x\r\n250-x\r\n250-DSN\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n");
		assert_int_equal(smtp_client_begin(r.engine, &m, NULL), commands[i].fits ? 0 : -EINVAL);
		if (commands[i].fits)	/* not while one is open */
			assert_int_equal(smtp_client_begin(r.engine, &m, NULL), -EINVAL);
		rig_stop(&r);
	}
}

/* --- what EHLO offers ------------------------------------------------------- */

static void test_offers(void **state)
{
	const struct client_offers *o;
	struct rig r;

	(void)state;
	rig_start(&r, &config, &by_hand);
	next(&r);
	feed(&r, "220 x\r\n250-mx\x1b[2J.test says \"hi\"\r\n250-size 10240000\r\n250-ENHANCEDSTATUSCODES\r\n250-8bitmime\r\n"
		 "250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n250-PIPELININGX\r\n250-LIMITS RCPTMAX=0100 MAILMAX=1234567 =5 X\r\n"
		 "250-REQUIRETLS\r\n250-AUTH  PLAIN\r\n250-\r\n250 X\r\n");
	o = smtp_client_offers(r.engine);
	assert_true(o->esmtp && o->size && o->enhanced && o->eightbit && o->smtputf8 && o->chunking && o->dsn && o->auth);
	assert_false(o->pipelining || o->start_tls || o->require_tls);
	assert_int_equal(o->size_limit, 10240000);
	assert_int_equal(o->rcpt_max, 100);
	assert_int_equal(o->mail_max, 0);
	assert_string_equal(o->hostname, "mx\\x1b[2J.test");
	rig_stop(&r);

	rig_start(&r, &config, &by_hand);	/* what stands behind the lines that count is not taken */
	next(&r);
	feed(&r, "220 x\r\n");
	next(&r);
	for (size_t i = 0; i < CLIENT_REPLY_LINES; i++)
		feed(&r, "250-X\r\n");
	feed(&r, "250-PIPELINING\r\n250 SIZE\r\n");
	o = smtp_client_offers(r.engine);
	assert_true(o->esmtp && !o->pipelining && !o->size);
	rig_stop(&r);
}

/* --- how much it takes ------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* n transactions in one session, each one's MAIL with the end of the one before. Returns seconds. */
static double run(size_t n)
{
	static const char body[] = "Subject: x\r\nFrom: a@b.test\r\nTo: c@d.test\r\n\r\nhello\r\n.dot\r\n";
	struct rig_mail *mails = calloc(n, sizeof(*mails));
	struct rig_plan plan = { .mails = mails, .count = n, .early = true, .quit = true };
	struct rig r;
	double start = now();
	size_t done = 0;

	assert_non_null(mails);
	for (size_t i = 0; i < n; i++)
		mails[i] = (struct rig_mail){ mail, body };
	rig_start(&r, &config, &plan);
	rig_pump(&r);
	rig_feed(&r, span_of(EHLO_DATA));
	rig_feed(&r, span_of("250 a\r\n250 b\r\n354 c\r\n"));
	for (; done + 1 < n; done++) {
		rig_feed(&r, span_of("250 2.0.0 queued as 4C2F9A1B\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n"));
		buf_reset(&r.said);
		buf_reset(&r.told);
	}
	rig_feed(&r, span_of("250 2.0.0 queued as 4C2F9A1B\r\n221 bye\r\n"));
	assert_true(r.closed);
	assert_int_equal(r.done, n);
	rig_stop(&r);
	free(mails);
	return now() - start;
}

static void test_speed(void **state)
{
	double few, many;

	(void)state;
	run(1000);
	few = run(10000);
	many = run(80000);
	print_message("smtp client: %.0f transactions/s\n", 80000 / many);
	assert_true(many < 8 * few * 4 + 0.1);		/* linear: no session gets slower with its age */
}

/* Recipients cost what they are: those of one transaction are looked at a fixed number of times. */
static double run_rcpts(size_t n)
{
	struct client_rcpt *rcpts = calloc(n, sizeof(*rcpts));
	struct client_mail m = { .sender = mail.sender, .rcpts = rcpts, .count = n };
	double start = now();
	struct client_action a;
	size_t told = 0, bytes = 0;
	struct rig r;

	assert_non_null(rcpts);
	for (size_t i = 0; i < n; i++)
		rcpts[i] = to[0];
	rig_start(&r, &config, &by_hand);
	next(&r);
	feed(&r, EHLO_DATA);
	next(&r);
	assert_int_equal(smtp_client_begin(r.engine, &m, NULL), 0);
	for (smtp_client_next(r.engine, &a); a.kind == CLIENT_SEND; smtp_client_next(r.engine, &a)) {
		assert_true(a.bytes.n < 20000);		/* never all of them at once */
		bytes += a.bytes.n;
	}
	assert_int_equal(bytes, n * strlen("RCPT TO:<r@b.test>\r\n") + strlen("EHLO me.test\r\nMAIL FROM:<s@a.test>\r\nDATA\r\n"));
	feed(&r, "250 ok\r\n");
	for (size_t i = 0; i < n; i++) {
		struct span in = span_of(i % 2 == 0 ? "550 no\r\n" : "250 ok\r\n");

		smtp_client_feed(r.engine, &in);
		told += next(&r).kind == CLIENT_RCPT_DONE;
	}
	smtp_client_ended(r.engine, "closed");
	while (next(&r).kind == CLIENT_RCPT_DONE)
		told++;
	assert_int_equal(told, n);
	rig_stop(&r);
	free(rcpts);
	return now() - start;
}

static void test_recipients(void **state)
{
	double few, many;

	(void)state;
	few = run_rcpts(5000);
	many = run_rcpts(40000);
	assert_true(many < 8 * few * 4 + 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunk_refused),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_start_tls),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_recipients),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "smtp client's messages");
}
