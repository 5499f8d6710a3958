/* test_service_login.c - one place for all logins: asked once, counted, told as what it is.
 * link: service/login.o common/base/log.o common/base/clock.o common/base/span.o */
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
	world.op = op;
	world.room = true;
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
					    cmocka_unit_test(test_nothing_could_be_asked),
					    cmocka_unit_test(test_cancel) };

	log_to_function(on_log, NULL);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "service_login");
}
