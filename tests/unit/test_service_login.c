/* test_service_login.c - one place for all logins: asked once, counted, told as what it is.
 * link: service common/base */
#include "tests/unit/unit.h"

#include "common/base/log.h"
#include "service/login.h"

/* authd and the connection, played here. */
static struct {
	auth_login_done done;
	void *arg;
	struct auth_attempt attempt;
	uint64_t op, cancelled;
	bool begun, room, begun_first;
	char names[16], log[400];
	auth_scram_done challenged;
	auth_proof_done proved;
	uint64_t proof_of, ended;	/* the conversation that a proof was for; that was ended */
	const char *channel;		/* what binds a login to this connection */
	char words[60];			/* for the client */
} world;
static struct {
	unsigned calls;
	enum service_login_status status;
	char account[STORE_ACCOUNT_MAX];
} told;

uint64_t auth_login(struct auth *a, const struct auth_attempt *attempt, auth_login_done done, void *arg)
{
	(void)a;
	world.done = done;
	world.arg = arg;
	world.attempt = *attempt;
	snprintf(world.names, sizeof(world.names), "%s", attempt->names);
	world.begun_first = world.begun;
	return world.op;
}

uint64_t auth_scram(struct auth *a, const struct auth_attempt *attempt, struct span bare, struct span nonce,
		    auth_scram_done done, void *arg)
{
	(void)a;
	(void)bare;
	(void)nonce;
	world.challenged = done;
	world.arg = arg;
	world.attempt = *attempt;
	world.begun_first = world.begun;
	return world.op;
}

uint64_t auth_proof(struct auth *a, uint64_t scram, struct span final, struct span proof, auth_proof_done done,
		    void *arg)
{
	(void)a;
	(void)final;
	(void)proof;
	world.proved = done;
	world.arg = arg;
	world.proof_of = scram;
	return 78;
}

void auth_scram_end(struct auth *a, uint64_t scram)
{
	(void)a;
	if (scram != 0)
		world.ended = scram;
}

void sasl_tell(struct sasl *s, struct span words)
{
	(void)s;
	snprintf(world.words, sizeof(world.words), "%.*s", (int)words.n, words.n > 0 ? (const char *)words.p : "");
}

size_t conn_binding(const struct conn *c, const char *type, uint8_t out[CONN_BINDING])
{
	(void)c;
	(void)type;
	memcpy(out, world.channel, strlen(world.channel));
	return strlen(world.channel);
}

void auth_cancel(struct auth *a, uint64_t number)
{
	(void)a;
	world.cancelled = number;
}

void conn_login_begin(struct conn *c)
{
	(void)c;
	world.begun = true;
}

bool conn_login(struct conn *c, const char *account)
{
	(void)c;
	(void)account;
	return world.room;
}

uint64_t conn_id(const struct conn *c)
{
	(void)c;
	return 17;
}

const char *conn_peer(const struct conn *c)
{
	(void)c;
	return "192.0.2.7";
}

const char *conn_client_bound(const struct conn *c)
{
	(void)c;
	return "0123";
}

const char *conn_client_names(const struct conn *c, char *out)
{
	(void)c;
	memcpy(out, "cn:u", 5);
	return out;
}

static void on_login(void *arg, enum service_login_status status, const struct auth_grant *grant)
{
	assert_ptr_equal(arg, &told);
	told.calls++;
	told.status = status;
	if (status == SERVICE_LOGIN_OK)
		snprintf(told.account, sizeof(told.account), "%s", grant->account);
	else
		assert_null(grant);
}

static const struct sasl_credentials plain = { .mechanism = "PLAIN", .user = { (const uint8_t *)"u", 1 },
					       .password = { (const uint8_t *)"p", 1 } };

static void begin_with(struct service_login *l, const struct sasl_credentials *credentials, uint64_t op)
{
	static struct service service;

	memset(&world, 0, sizeof(world));
	memset(&told, 0, sizeof(told));
	memset(l, 0, sizeof(*l));
	world.op = op;
	world.room = true;
	world.channel = "";
	service_login_begin(l, &service, NULL, "imap", credentials, on_login, &told);
}

static void begin(struct service_login *l, uint64_t op)
{
	begin_with(l, &plain, op);
}

static const struct {
	const char *why;
	enum auth_status answer;
	bool room;
	enum service_login_status want;
} rows[] = {
	{ "good", AUTH_OK, true, SERVICE_LOGIN_OK },
	{ "good, but too many sessions, or revoked meanwhile", AUTH_OK, false, SERVICE_LOGIN_TOO_MANY },
	{ "wrong", AUTH_WRONG, true, SERVICE_LOGIN_WRONG },
	{ "disabled", AUTH_DISABLED, true, SERVICE_LOGIN_DISABLED },
	{ "an app password for something else", AUTH_SCOPE, true, SERVICE_LOGIN_SCOPE },
	{ "an app password past its date", AUTH_EXPIRED, true, SERVICE_LOGIN_EXPIRED },
	{ "another name than its own", AUTH_AUTHZID, true, SERVICE_LOGIN_AUTHZID },
	{ "authd away", AUTH_TRY_LATER, true, SERVICE_LOGIN_TRY_LATER },
	{ "a socket without the right", AUTH_REFUSED, true, SERVICE_LOGIN_TRY_LATER },
};

static void test_answers(void **state)
{
	struct auth_grant grant = { .account = "u@here.test" };
	struct service_login l;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		begin(&l, 5);
		assert_true(world.begun_first);	/* a revocation between question and answer must count */
		assert_int_equal(told.calls, 0);
		world.room = rows[i].room;
		world.done(world.arg, rows[i].answer, rows[i].answer == AUTH_OK ? &grant : NULL);
		assert_int_equal(told.calls, 1);
		assert_int_equal(told.status, rows[i].want);
		assert_string_equal(told.account, rows[i].want == SERVICE_LOGIN_OK ? "u@here.test" : "");
		service_login_cancel(&l);
		assert_int_equal(world.cancelled, 0);	/* it is over */
	}
}

/* What authd goes by, and the line in the log. */
static void test_external(void **state)
{
	const struct sasl_credentials credentials = { .mechanism = "EXTERNAL", .authzid = span_of("u@here.test") };
	struct auth_grant grant = { .account = "u@here.test" };
	struct service_login l;

	(void)state;
	begin_with(&l, &credentials, 5);
	assert_string_equal(world.attempt.mechanism, "EXTERNAL");
	assert_string_equal(world.attempt.fingerprint, "0123");
	assert_string_equal(world.names, "cn:u");
	assert_true(span_is(world.attempt.authzid, "u@here.test"));
	assert_int_equal(world.attempt.user.n + world.attempt.password.n, 0);
	world.done(world.arg, AUTH_OK, &grant);
	assert_non_null(strstr(world.log, "ICID 17 login user=u@here.test mechanism=EXTERNAL"));
}

static const struct {
	const char *why, *binding, *bound, *channel;
	bool asked;		/* authd, for its verdict */
} bounds[] = {
	{ "without -PLUS", "", "", "", true },
	{ "bound to this connection", "tls-exporter", "abc", "abc", true },
	{ "bound to another one", "tls-exporter", "abc", "abd", false },
	{ "half of it", "tls-exporter", "ab", "abc", false },
	{ "a connection that can't be bound to", "tls-exporter", "abc", "", false },
	{ "nothing for nothing", "tls-exporter", "", "", false },
};

/* SCRAM: two questions, and what the client is to hear with each. */
static void test_scram(void **state)
{
	struct auth_grant grant = { .account = "u@here.test" };
	struct service_login l;

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		struct sasl_scram scram = { .binding = bounds[i].binding };
		struct sasl_credentials c = { .mechanism = "SCRAM-SHA-256-PLUS", .scram = &scram };

		unit_case(bounds[i].why, 0);
		begin_with(&l, &c, 77);
		assert_true(world.begun_first);
		world.challenged(world.arg, AUTH_OK, span_of("r=x"));
		assert_int_equal(told.status, SERVICE_LOGIN_GO_ON);
		assert_string_equal(world.words, "r=x");
		scram.bound = span_of(bounds[i].bound);
		scram.proof = span_of("p");
		world.channel = bounds[i].channel;
		service_login_begin(&l, l.service, NULL, "imap", &c, on_login, &told);
		assert_int_equal(world.proof_of, bounds[i].asked ? 77 : 0);
		assert_int_equal(world.ended, bounds[i].asked ? 0 : 77);
		if (bounds[i].asked)
			world.proved(world.arg, AUTH_OK, span_of("v=y"), &grant);
		assert_int_equal(told.calls, 2);
		assert_int_equal(told.status, bounds[i].asked ? SERVICE_LOGIN_OK : SERVICE_LOGIN_WRONG);
		assert_string_equal(world.words, bounds[i].asked ? "v=y" : "e=channel-bindings-dont-match");
	}
}

/* Who gives a conversation up leaves nothing behind at authd. */
static void test_scram_given_up(void **state)
{
	struct sasl_scram scram = { .binding = "" };
	struct sasl_credentials c = { .mechanism = "SCRAM-SHA-256", .scram = &scram };
	struct service_login l;

	(void)state;
	begin_with(&l, &c, 77);
	world.challenged(world.arg, AUTH_OK, span_of("r=x"));
	service_login_begin(&l, l.service, NULL, "imap", &plain, on_login, &told);
	assert_int_equal(world.ended, 77);
	begin_with(&l, &c, 79);
	world.challenged(world.arg, AUTH_OK, span_of("r=x"));
	service_login_cancel(&l);
	assert_int_equal(world.ended, 79);
	begin_with(&l, &c, 80);
	world.challenged(world.arg, AUTH_TRY_LATER, span_of(""));
	assert_int_equal(told.status, SERVICE_LOGIN_TRY_LATER);
	service_login_cancel(&l);
	assert_int_equal(world.ended, 0);
}

static void test_nothing_could_be_asked(void **state)
{
	struct service_login l;

	(void)state;
	begin(&l, 0);
	assert_int_equal(told.calls, 1);
	assert_int_equal(told.status, SERVICE_LOGIN_TRY_LATER);
}

static void test_cancel(void **state)
{
	struct service_login l, none = { 0 };

	(void)state;
	begin(&l, 9);
	service_login_cancel(&l);
	assert_int_equal(world.cancelled, 9);
	assert_int_equal(told.calls, 0);
	service_login_cancel(&none);
}

static void on_log(void *arg, const char *line)
{
	(void)arg;
	snprintf(world.log, sizeof(world.log), "%s", line);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers), cmocka_unit_test(test_external),
					    cmocka_unit_test(test_scram), cmocka_unit_test(test_scram_given_up),
					    cmocka_unit_test(test_nothing_could_be_asked),
					    cmocka_unit_test(test_cancel) };

	log_to_function(on_log, NULL);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "service_login");
}
