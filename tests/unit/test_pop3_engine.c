/* test_pop3_engine.c - conversations with the POP3 engine, whole and byte by byte.
 * link: tests/unit/script.o pop3d sasl mime common/base */
#include "tests/unit/unit.h"

#include "pop3d/engine.h"
#include "tests/unit/script.h"

static const struct pop3_config clear = {
	.hostname = "p.test", .mechanisms = "PLAIN,LOGIN", .clear_mechanisms = "none", .require_tls = true,
	.may_start_tls = true, .line_limit = 100, .output_limit = 16384, .error_limit = 4, .login_ms = 1000,
	.idle_ms = 5000,
	.answer_ms = 3000, .commit_ms = 9000,
};
static const struct pop3_config tls = {
	.hostname = "p.test", .mechanisms = "PLAIN,LOGIN", .clear_mechanisms = "none", .require_tls = true,
	.tls = true, .line_limit = 100, .output_limit = 16384, .error_limit = 40, .login_ms = 1000, .idle_ms = 5000,
	.answer_ms = 3000, .commit_ms = 9000,
};

static const struct pop3_config in_clear = {
	.hostname = "p.test", .mechanisms = "PLAIN,LOGIN", .clear_mechanisms = "USER,LOGIN", .may_start_tls = true,
	.line_limit = 100, .output_limit = 16384, .error_limit = 40, .login_ms = 1000, .idle_ms = 5000,
	.answer_ms = 3000, .commit_ms = 9000,
};

static const struct pop3_config certified = {
	.hostname = "p.test", .mechanisms = "PLAIN,LOGIN,EXTERNAL", .clear_mechanisms = "EXTERNAL", .certificate = true,
	.may_start_tls = true, .line_limit = 100, .output_limit = 16384, .error_limit = 40, .login_ms = 1000, .idle_ms = 5000,
	.answer_ms = 3000, .commit_ms = 9000,
};

static const char *const bodies[] = { "A: b\r\n\r\none\r\n.two\r\nthree", "S: x\r\n\r\n", "only a header\r\n" };

/* An engine whose outside is played here: three messages with UIDs 5, 6, 9; 6 is gone when asked for. */
struct outside {
	struct pop3_server *engine;
	struct buf notes;
	const char *body, *other;	/* instead of the one with UID 9 */
	size_t at;
	unsigned deleted[8], deleted_count, seen_count, open_bodies;
	unsigned cancelled;
	enum pop3_action_kind stuck;	/* is not answered */
	bool closed, busy, update_fails;
};

static enum pop3_result open_drop(struct outside *o)
{
	static const uint32_t uids[] = { 5, 6, 9 };

	if (o->busy)
		return POP3_IN_USE;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pop3_server_message(o->engine, uids[i], strlen(bodies[i])), 0);
	pop3_server_uidvalidity(o->engine, 77);
	return POP3_DONE;
}

static enum pop3_result open_body(struct outside *o, uint32_t uid)
{
	if (uid == 6)
		return POP3_GONE;
	o->body = uid == 9 && o->other != NULL ? o->other : bodies[uid == 5 ? 0 : 2];
	o->at = 0;
	o->open_bodies++;
	return POP3_DONE;
}

static enum pop3_result update(struct outside *o)
{
	size_t at = 0;
	uint32_t uid;

	while ((uid = pop3_server_deleted(o->engine, &at)) != 0)
		o->deleted[o->deleted_count++] = uid;
	at = 0;
	while (pop3_server_seen(o->engine, &at) != 0)
		o->seen_count++;
	return o->update_fails ? POP3_TRY_LATER : POP3_DONE;
}

static const char *const users[][2] = { { "user", "se cret" }, { "\xe9\x83\xb5", "\xe4\xbe\xbf \xf0\x9f\x93\xae" } };

static enum pop3_result verify(const struct sasl_credentials *c)
{
	for (size_t i = 0; i < 2; i++)
		if (span_is(c->user, users[i][0]) && span_is(c->password, users[i][1]))
			return c->authzid.n == 0 || span_equal(c->authzid, c->user) ? POP3_DONE : POP3_AUTHZID;
	if (span_is(c->user, "scoped"))
		return POP3_SCOPE;
	return span_is(c->user, "old") ? POP3_EXPIRED : POP3_WRONG;
}

static enum pop3_result play(struct outside *o, const struct pop3_action *a)
{
	size_t n;

	switch (a->kind) {
	case POP3_AUTHENTICATE:
		if (strcmp(a->credentials->mechanism, "EXTERNAL") == 0)
			return a->credentials->authzid.n == 0 || span_is(a->credentials->authzid, "user") ?
				       POP3_DONE : POP3_WRONG;
		return verify(a->credentials);
	case POP3_OPEN:
		return open_drop(o);
	case POP3_OPEN_BODY:
		return open_body(o, a->uid);
	case POP3_READ:		/* three bytes at a time */
		n = strlen(o->body + o->at) < 3 ? strlen(o->body + o->at) : 3;
		pop3_server_bytes(o->engine, (struct span){ (const uint8_t *)o->body + o->at, n });
		o->at += n;
		return POP3_DONE;
	default:
		return update(o);
	}
}

static void pump(void *outside, struct buf *said)
{
	struct outside *o = outside;
	struct pop3_action a;

	for (;;) {
		pop3_server_next(o->engine, &a);
		switch (a.kind) {
		case POP3_NONE:
			return;
		case POP3_REPLY:
			buf_put(said, a.bytes);
			break;
		case POP3_NOTE:
			buf_put(&o->notes, a.bytes);
			break;
		case POP3_CLOSE:
			o->closed = true;
			break;
		case POP3_CLOSE_BODY:
			o->open_bodies--;
			break;
		case POP3_START_TLS:
			pop3_server_secured(o->engine);
			break;
		case POP3_CANCEL:
			o->cancelled++;
			break;
		default:
			if (a.kind == o->stuck)
				break;
			pop3_server_done(o->engine, a.number, play(o, &a));
		}
	}
}

static void feed(void *outside, struct span *in)
{
	pop3_server_feed(((struct outside *)outside)->engine, in);
}

#define HI "S: +OK p.test Yubin POP3\n"
#define IN HI "C: USER user\nS: +OK*\nC: PASS se cret\nS: +OK 3 messages (47 octets)\n"

#define EXT HI "C: STLS\nS: +OK*\n"

static const struct row {
	const char *why;
	const struct pop3_config *config;
	const char *text;
	unsigned deleted, seen;
	bool closed;
} rows[] = {
	{ "before TLS: STLS and no way to log in", &clear,
	  HI "C: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: RESP-CODES\nS: PIPELINING\nS: AUTH-RESP-CODE\nS: EXPIRE NEVER\nS: UTF8 USER\nS: LANG\nS: STLS\nS: IMPLEMENTATION Yubin\nS: .\n"
	     "C: USER user\nS: -ERR [SYS/PERM]*\nC: AUTH PLAIN\nS: -ERR [SYS/PERM]*\nC: QUIT\nS: +OK bye\n", 0, 0, true },
	{ "after it: the reverse", &clear,
	  HI "C: STLS\nS: +OK begin TLS\nC: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: RESP-CODES\nS: PIPELINING\nS: AUTH-RESP-CODE\nS: EXPIRE NEVER\nS: UTF8 USER\nS: LANG\nS: USER\nS: SASL PLAIN LOGIN\n"
	     "S: IMPLEMENTATION Yubin\nS: .\nC: STLS\nS: -ERR TLS is up already\n", 0, 0, false },
	{ "STLS forgets USER", &in_clear, HI "C: USER user\nS: +OK*\nC: STLS\nS: +OK*\nC: PASS se cret\nS: -ERR USER first\n", 0, 0, false },
	{ "STLS forgets an exchange", &in_clear,
	  HI "C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: dXNlcg==\nS: + UGFzc3dvcmQ6\nC: STLS\nS: -ERR [AUTH] wrong*\nC: STLS\nS: +OK*\n"
	     "C: c2UgY3JldA==\nS: -ERR*\nC: STAT\nS: -ERR log in first\n", 0, 0, false },
	{ "STLS after the login", &in_clear, IN "C: STLS\nS: -ERR*\nC: STAT\nS: +OK 3 47\n", 0, 0, false },
	{ "a wrong password", &tls, HI "C: USER user\nS: +OK*\nC: PASS x\nS: -ERR [AUTH] wrong*\nC: PASS x\nS: -ERR USER first\n", 0, 0, false },
	{ "an app password for something else, and one past its date", &tls,
	  HI "C: USER scoped\nS: +OK*\nC: PASS x\nS: -ERR [AUTH] this app password is not for POP3\n"
	     "C: USER old\nS: +OK*\nC: PASS x\nS: -ERR [AUTH] this app password has expired*\n", 0, 0, false },
	{ "another's name, and its own", &tls,
	  HI "C: AUTH PLAIN Ym9zcwB1c2VyAHNlIGNyZXQ=\nS: -ERR [AUTH] you may not log in for*\n"
	     "C: AUTH PLAIN dXNlcgB1c2VyAHNlIGNyZXQ=\nS: +OK 3 messages*\n", 0, 0, false },
	{ "AUTH PLAIN", &tls, HI "C: AUTH PLAIN AHVzZXIAc2UgY3JldA==\nS: +OK 3 messages (47 octets)\n", 0, 0, false },
	{ "AUTH in steps, and given up", &tls,
	  HI "C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: dXNlcg==\nS: + UGFzc3dvcmQ6\nC: *\nS: -ERR cancelled\nC: AUTH FOO\nS: -ERR*\nC: AUTH PLAIN !\nS: -ERR*\n",
	  0, 0, false },
	{ "AUTH alone lists", &tls, HI "C: AUTH\nS: +OK\nS: PLAIN\nS: LOGIN\nS: .\n", 0, 0, false },
	{ "EXTERNAL is shown once TLS is up", &certified,
	  EXT "C: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: RESP-CODES\nS: PIPELINING\nS: AUTH-RESP-CODE\nS: EXPIRE NEVER\nS: UTF8 USER\nS: LANG\nS: USER\nS: SASL PLAIN LOGIN EXTERNAL\nS: IMPLEMENTATION Yubin\nS: .\n"
	      "C: AUTH\nS: +OK\nS: PLAIN\nS: LOGIN\nS: EXTERNAL\nS: .\n", 0, 0, false },
	{ "and not before, whatever AuthWithoutTLS says", &certified,
	  HI "C: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: RESP-CODES\nS: PIPELINING\nS: AUTH-RESP-CODE\nS: EXPIRE NEVER\nS: UTF8 USER\nS: LANG\nS: STLS\nS: IMPLEMENTATION Yubin\nS: .\nC: AUTH EXTERNAL =\nS: -ERR [SYS/PERM]*\n",
	  0, 0, false },
	{ "EXTERNAL as whom the certificate names", &certified, EXT "C: AUTH EXTERNAL =\nS: +OK 3 messages (47 octets)\n", 0, 0, false },
	{ "EXTERNAL with a name", &certified, EXT "C: AUTH EXTERNAL dXNlcg==\nS: +OK 3 messages*\n", 0, 0, false },
	{ "EXTERNAL with an empty answer", &certified, EXT "C: AUTH external\nS: + \nC: \nS: +OK 3 messages*\n", 0, 0, false },
	{ "EXTERNAL as somebody else, malformed, given up; then with a password", &certified,
	  EXT "C: AUTH EXTERNAL Ym9i\nS: -ERR [AUTH] this client certificate*\nC: AUTH EXTERNAL AA==\nS: -ERR that is no base64*\n"
	      "C: AUTH EXTERNAL\nS: + \nC: *\nS: -ERR cancelled\nC: AUTH PLAIN AHVzZXIAc2UgY3JldA==\nS: +OK 3 messages*\n", 0, 0, false },
	{ "EXTERNAL where it is not in Mechanisms", &tls, HI "C: AUTH EXTERNAL =\nS: -ERR this mechanism is not offered\n", 0, 0, false },
	{ "commands of the wrong state", &tls, HI "C: STAT\nS: -ERR log in first\nC: FOO\nS: -ERR unknown*\nC: NOOP x\nS: -ERR log in*\n", 0, 0, false },
	{ "STAT LIST UIDL", &tls,
	  IN "C: STAT\nS: +OK 3 47\nC: LIST\nS: +OK 3 messages\nS: 1 24\nS: 2 8\nS: 3 15\nS: .\nC: LIST 2\nS: +OK 2 8\nC: UIDL\nS: +OK 3 messages\n"
	     "S: 1 77.5\nS: 2 77.6\nS: 3 77.9\nS: .\nC: UIDL 3\nS: +OK 3 77.9\nC: LIST 4\nS: -ERR no such message\nC: LIST 0\nS: -ERR*\nC: LIST x\nS: -ERR*\n",
	  0, 0, false },
	{ "RETR stuffs dots and ends the last line", &tls,
	  IN "C: RETR 1\nS: +OK 24 octets\nS: A: b\nS: \nS: one\nS: ..two\nS: three\nS: .\nC: QUIT\nS: +OK bye\n", 0, 1, true },
	{ "TOP", &tls, IN "C: TOP 1 2\nS: +OK*\nS: A: b\nS: \nS: one\nS: ..two\nS: .\nC: TOP 1 0\nS: +OK*\nS: A: b\nS: \nS: .\nC: TOP 1\nS: -ERR*\nC: TOP 3 9\nS: +OK*\nS: only a header\nS: .\nC: QUIT\nS: +OK bye\n",
	  0, 0, true },
	{ "a message that went meanwhile", &tls, IN "C: RETR 2\nS: -ERR this message was deleted*\nC: NOOP\nS: +OK\n", 0, 0, false },
	{ "DELE RSET QUIT", &tls,
	  IN "C: DELE 1\nS: +OK*\nC: DELE 1\nS: -ERR no such message\nC: RETR 1\nS: -ERR*\nC: STAT\nS: +OK 2 23\nC: RSET\nS: +OK 3 47\nC: DELE 2\nS: +OK*\n"
	     "C: DELE 3\nS: +OK*\nC: LIST\nS: +OK 1 messages\nS: 1 24\nS: .\nC: QUIT\nS: +OK bye\n", 2, 0, true },
	{ "pipelined", &tls, IN "C: STAT\nC: RETR 1\nC: DELE 1\nC: QUIT\nS: +OK 3 47\nS: +OK 24 octets\nS: A: b\nS: \nS: one\nS: ..two\nS: three\nS: .\nS: +OK marked*\nS: +OK bye\n",
	  1, 0, true },
	{ "UTF8 once or twice, with no argument, before the login", &tls,
	  HI "C: UTF8 x\nS: -ERR this command*\nC: UTF8\nS: +OK*\nC: utf8\nS: +OK*\nC: USER user\nS: +OK*\nC: PASS se cret\nS: +OK 3*\nC: UTF8\nS: -ERR you are*\n",
	  0, 0, false },
	{ "STLS behind UTF8", &in_clear, HI "C: UTF8\nS: +OK*\nC: STLS\nS: -ERR STLS goes before UTF8\nC: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: RESP-CODES\n"
	  "S: PIPELINING\nS: AUTH-RESP-CODE\nS: EXPIRE NEVER\nS: UTF8 USER\nS: LANG\nS: STLS\nS: USER\nS: SASL LOGIN\nS: IMPLEMENTATION Yubin\nS: .\n", 0, 0, false },
	{ "UTF8 behind STLS", &clear, HI "C: STLS\nS: +OK*\nC: UTF8\nS: +OK*\n", 0, 0, false },
	{ "a name and a password in UTF-8, before UTF8", &tls,
	  HI "C: USER \xe9\x83\xb5\nS: +OK*\nC: PASS \xe4\xbe\xbf \xf0\x9f\x93\xae\nS: +OK 3*\n", 0, 0, false },
	{ "no UTF-8, and what SASLprep forbids", &tls,
	  HI "C: USER \xe4\nS: -ERR [AUTH] names*\nC: USER a\x7f\nS: -ERR [AUTH]*\nC: USER user\nS: +OK*\nC: PASS \xff\nS: -ERR [AUTH] names*\n"
	     "C: PASS \xed\xa0\x80\nS: -ERR [AUTH] names*\nC: PASS \xe2\x80\xae\nS: -ERR [AUTH] names*\nC: PASS \xef\xbf\xbe\nS: -ERR [AUTH] names*\n"
	     "C: PASS \xf4\x80\x80\x80\nS: -ERR [AUTH] names*\nC: PASS se cret\nS: +OK 3*\n", 0, 0, false },
	{ "LANG in both states", &tls,
	  HI "C: LANG\nS: +OK languages\nS: en English\nS: .\nC: LANG MUL\nS: -ERR*\nC: LANG EN\nS: +OK en *\nC: USER user\nS: +OK*\nC: PASS se cret\nS: +OK*\n"
	     "C: LANG *\nS: +OK en *\nC: LANG en-GB\nS: -ERR*\n", 0, 0, false },
	{ "too many errors", &clear, HI "C: A\nS: -ERR*\nC: B\nS: -ERR*\nC: C\nS: -ERR*\nC: D\nS: -ERR*\nS: -ERR too many errors, closing\nC: NOOP\n", 0, 0, true },
	{ "an over-long line", &tls,
	  HI "C: USER 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\nS: -ERR line too long\nC: QUIT\nS: +OK bye\n",
	  0, 0, true },
};

static void start(struct outside *o, const struct pop3_config *config)
{
	*o = (struct outside){ 0 };
	buf_init(&o->notes, 1 << 16);
	assert_int_equal(pop3_server_new(&o->engine, config, 0, NULL), 0);
}

static void stop(struct outside *o)
{
	pop3_server_free(o->engine);
	buf_clear(&o->notes);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t pieces = 0; pieces <= 7; pieces++) {
			struct outside o;
			const struct script_engine e = { &o, feed, pump };

			unit_case(rows[i].why, pieces);
			start(&o, rows[i].config);
			script_play(&e, rows[i].text, pieces);
			assert_int_equal(o.deleted_count, rows[i].deleted);
			assert_int_equal(o.seen_count, rows[i].seen);
			assert_int_equal(o.closed, rows[i].closed);
			assert_int_equal(o.open_bodies, 0);
			stop(&o);
		}
}

/* RFC 6856 2.1: a header in UTF-8 is for who said UTF8; for the others there is a surrogate. */
static void test_utf8(void **state)
{
	static const char message[] = "From: \xc3\xb6@x\r\nSubject: a \xc3\xa4\r\n\r\n.\xc3\xa4\r\n.\r\nlast\r\n";
	static const char *const plays[] = {
		IN "C: RETR 3\nS: +OK*\nS: From: =?utf-8?b?PMO2QHg+?= <invalid@internationalized-address.invalid>\n"
		   "S: Subject: a =?utf-8?b?w6Q=?=\nS: \nS: ..\xc3\xa4\nS: ..\nS: last\nS: .\n"
		   "C: TOP 3 1\nS: +OK*\nS: From: =?utf-8*\nS: Subject: a =?utf-8?b?w6Q=?=\nS: \nS: ..\xc3\xa4\nS: .\n"
		   "C: TOP 3 0\nS: +OK*\nS: From: =?utf-8*\nS: Subject: a =?utf-8?b?w6Q=?=\nS: \nS: .\n",
		HI "C: UTF8\nS: +OK*\nC: USER user\nS: +OK*\nC: PASS se cret\nS: +OK*\n"
		   "C: RETR 3\nS: +OK*\nS: From: \xc3\xb6@x\nS: Subject: a \xc3\xa4\nS: \nS: ..\xc3\xa4\nS: ..\nS: last\nS: .\n"
		   "C: TOP 3 0\nS: +OK*\nS: From: \xc3\xb6@x\nS: Subject: a \xc3\xa4\nS: \nS: .\n",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct outside o;
		const struct script_engine e = { &o, feed, pump };

		unit_case("UTF8", i);
		start(&o, &tls);
		o.other = message;
		script_play(&e, plays[i], 0);
		stop(&o);
	}
}

/* The certificate is known when TLS is up; and without one EXTERNAL is not there. */
static void test_certificate(void **state)
{
	struct pop3_config config = tls;
	struct outside o;
	const struct script_engine e = { &o, feed, pump };

	(void)state;
	config.mechanisms = "EXTERNAL";
	start(&o, &config);
	script_play(&e, HI "C: AUTH\nS: +OK\nS: .\nC: AUTH EXTERNAL =\nS: -ERR EXTERNAL takes a client certificate*\n", 0);
	stop(&o);
	start(&o, &config);
	pop3_server_certificate(o.engine);
	pop3_server_secured(o.engine);
	script_play(&e, HI "C: AUTH\nS: +OK\nS: EXTERNAL\nS: .\nC: AUTH EXTERNAL =\nS: +OK 3 messages*\n", 0);
	stop(&o);
}

static void test_in_use(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, feed, pump };

	(void)state;
	start(&o, &tls);
	o.busy = true;
	script_play(&e, HI "C: USER user\nS: +OK*\nC: PASS se cret\nS: -ERR [IN-USE]*\nC: STAT\nS: -ERR log in first\n", 0);
	stop(&o);
}

/* RFC 1939 6: what could not be removed is not removed, and the client hears it. */
static void test_update_fails(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, feed, pump };

	(void)state;
	start(&o, &tls);
	o.update_fails = true;
	script_play(&e, IN "C: DELE 1\nS: +OK*\nC: QUIT\nS: -ERR [SYS/TEMP]*\n", 0);
	assert_true(o.closed);
	stop(&o);
}

/* A time-out and a broken connection delete nothing. */
static void test_deadline(void **state)
{
	struct outside o;
	const struct script_engine e = { &o, feed, pump };

	(void)state;
	start(&o, &tls);
	script_play(&e, IN "C: DELE 1\nS: +OK*\n", 0);
	pop3_server_tick(o.engine, 5000);
	script_play(&e, "S: -ERR waited too long, closing\n", 0);
	assert_true(o.closed);
	assert_int_equal(o.deleted_count, 0);
	stop(&o);
}

#define LOGIN "C: USER user\nS: +OK*\nC: PASS se cret\n"

/* authd or storaged answers late: the client hears of it, and the session goes on. */
static void test_late(void **state)
{
	static const struct {
		enum pop3_action_kind stuck;
		unsigned ms;
		const char *before, *after;
		bool closed;
	} late[] = {
		{ POP3_AUTHENTICATE, 3000, HI LOGIN, "S: -ERR [SYS/TEMP] can't check*\n" LOGIN "S: +OK 3 messages (47 octets)\n", false },
		{ POP3_OPEN, 3000, HI LOGIN, "S: -ERR [SYS/TEMP] can't open*\n" LOGIN "S: +OK 3 messages (47 octets)\n", false },
		{ POP3_OPEN_BODY, 3000, IN "C: RETR 1\n", "S: -ERR [SYS/TEMP] can't read*\nC: TOP 1 0\nS: +OK*\nS: A: b\nS: \nS: .\n", false },
		{ POP3_READ, 3000, IN "C: RETR 1\n", "S: +OK 24 octets\n", true },
		{ POP3_UPDATE, 9000, IN "C: DELE 1\nS: +OK*\nC: QUIT\n", "S: -ERR [SYS/TEMP] the deleted messages may not be removed yet\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		struct outside o;
		const struct script_engine e = { &o, feed, pump };
		struct pop3_config config = tls;

		unit_case("late", i);
		config.login_ms = config.idle_ms = 100000;
		start(&o, &config);
		o.stuck = late[i].stuck;
		script_play(&e, late[i].before, 0);
		pop3_server_tick(o.engine, late[i].ms - 1);
		script_play(&e, "", 0);
		assert_int_equal(o.cancelled, 0);
		o.stuck = POP3_NONE;
		pop3_server_tick(o.engine, late[i].ms);
		pop3_server_done(o.engine, 1, POP3_DONE);
		script_play(&e, late[i].after, 0);
		assert_int_equal(o.cancelled, 1);
		assert_int_equal(o.closed, late[i].closed);
		stop(&o);
	}
}

/* A line that is refused ends the exchange: the next one is a command again. */
static void test_nul_ends_auth(void **state)
{
	struct outside o = { .at = 0 };
	const struct script_engine e = { &o, feed, pump };
	struct span in = { (const uint8_t *)"\0\r\n", 3 };
	struct buf said;

	(void)state;
	buf_init(&o.notes, 1 << 16);
	buf_init(&said, 1 << 16);
	assert_int_equal(pop3_server_new(&o.engine, &tls, 0, NULL), 0);
	script_play(&e, HI "C: AUTH LOGIN\nS: + VXNlcm5hbWU6\n", 0);
	feed(&o, &in);
	pump(&o, &said);
	unit_is(said.p, said.n, "-ERR a lone CR, LF or NUL in a command: lines end in CRLF\r\n");
	script_play(&e, "C: QUIT\nS: +OK bye\n", 0);
	assert_true(o.closed);
	buf_clear(&said);
	buf_clear(&o.notes);
	pop3_server_free(o.engine);
}

/* Behind an AUTH that was refused come user and password; in the log they are not. */
static void test_log_holds_no_secret(void **state)
{
	struct outside o = { .at = 0 };
	const struct script_engine e = { &o, feed, pump };

	(void)state;
	buf_init(&o.notes, 1 << 16);
	assert_int_equal(pop3_server_new(&o.engine, &clear, 0, NULL), 0);
	script_play(&e, HI "C: AUTH LOGIN\nS: -ERR*\nC: dXNlcg==\nS: -ERR*\nC: c2VjcmV0\nS: -ERR*\n", 0);
	buf_put_byte(&o.notes, 0);
	assert_non_null(strstr((char *)o.notes.p, "unknown command"));
	assert_null(strstr((char *)o.notes.p, "c2VjcmV0"));
	buf_clear(&o.notes);
	pop3_server_free(o.engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_certificate),
					    cmocka_unit_test(test_utf8),
					    cmocka_unit_test(test_in_use),
					    cmocka_unit_test(test_update_fails), cmocka_unit_test(test_deadline),
					    cmocka_unit_test(test_late),
		cmocka_unit_test(test_nul_ends_auth),
		cmocka_unit_test(test_log_holds_no_secret),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "pop3_engine");
}
