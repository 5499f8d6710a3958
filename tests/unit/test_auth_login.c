/* test_auth_login.c - what authd answers, and what it stands.
 * link: tests/unit/auth_folder.o tests/unit/auth_world.o auth/authd auth storage sasl common/ipc common/base */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdlib.h>

#include "auth/auth_wire.h"
#include "common/base/clock.h"
#include "common/ipc/ipc.h"
#include "tests/unit/auth_world.h"

static const struct {
	const char *why, *user, *password;
	enum auth_status status;
	const char *logged;
} logins[] = {
	{ "right", "alice@example.org", "wonderland", AUTH_OK, "info yubin login user=alice@example.org" },
	{ "right, in capitals", "ALICE@Example.org", "wonderland", AUTH_OK, "login user=alice@example.org" },
	{ "right, without the domain", "alice", "wonderland", AUTH_OK, "login user=alice@example.org" },
	{ "wrong password", "alice@example.org", "Wonderland", AUTH_WRONG,
	  "warn yubin login failed user=alice@example.org" },
	{ "the password of another", "alice@example.org", "builder", AUTH_WRONG, "reason=password" },
	{ "empty password", "alice@example.org", "", AUTH_WRONG, "reason=password" },
	{ "no such user", "dave@example.org", "wonderland", AUTH_WRONG,
	  "login failed user=dave@example.org peer=192.0.2.7" },
	{ "no such domain", "alice@example.net", "wonderland", AUTH_WRONG, "reason=no-such-user" },
	{ "an account without a password", "list@example.org", "", AUTH_WRONG, "reason=no-password" },
	{ "an alias", "team@example.org", "wonderland", AUTH_WRONG, "reason=no-such-user" },
	{ "no user at all", "", "wonderland", AUTH_WRONG, "login failed user= peer=" },
	{ "a user that would write the log", "x peer=10.0.0.1\nlogin user=root", "x", AUTH_WRONG,
	  "user=x\\x20peer=10.0.0.1\\nlogin\\x20user=root peer=192.0.2.7" },
};

static void test_logins(void **state)
{
	struct world *w = *state;

	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		struct asked a;

		unit_case(logins[i].why, 0);
		w->log[0] = '\0';
		a = world_login(w, logins[i].user, logins[i].password);
		assert_int_equal(a.status, logins[i].status);
		if (strstr(w->log, logins[i].logged) == NULL)
			fail_msg("\"%s\" is not in the log: %s", logins[i].logged, w->log);
		assert_null(strstr(w->log, "wonderland"));
		if (a.status == AUTH_OK)
			assert_string_equal(a.grant.account, "alice@example.org");
	}
}

static void test_long_passwords(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice@example.org", "");
	uint8_t *bytes = calloc(1, AUTH_WIRE_CREDENTIAL + 1);
	struct asked a;

	world_connect(w, WORLD_RIGHTS);
	t.password = (struct span){ bytes, ACCOUNTS_PASSWORD_MAX + 1 };
	asked_login(w, &a, &t);
	world_wait(w);
	assert_int_equal(a.status, AUTH_WRONG);
	t.password.n = AUTH_WIRE_CREDENTIAL + 1;
	asked_login(w, &a, &t);
	world_wait(w);
	assert_int_equal(a.status, AUTH_TRY_LATER);
	free(bytes);
}

/* What a grant is worth, by service and by what the socket itself may do. */
static void test_tokens(void **state)
{
	static const struct {
		const char *service;
		unsigned socket;
		uint32_t rights;
	} rows[] = {
		{ "imap", CONTROL_RIGHT_LOGIN, STORE_RIGHT_READ },
		{ "pop3", CONTROL_RIGHT_LOGIN, STORE_RIGHT_POP },
		{ "smtp", WORLD_RIGHTS, 0 },
		{ "imap", WORLD_RIGHTS, 0 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_attempt t = attempt_of("alice", "wonderland");
		int64_t now_s = clock_real_ms() / 1000;
		struct store_grant g;
		struct asked a;

		unit_case(rows[i].service, i);
		world_connect(w, rows[i].socket);
		t.service = rows[i].service;
		asked_login(w, &a, &t);
		world_wait(w);
		assert_int_equal(a.status, AUTH_OK);
		assert_true(store_token_check(&a.grant.token, world_key, now_s, &g));
		assert_int_equal(g.rights, rows[i].rights);
		assert_string_equal(g.account, "alice@example.org");
		assert_in_range(g.ends_s, now_s + 7 * 86400, now_s + 7 * 86400 + 60);
		assert_in_range(g.made_ms / 1000, now_s, now_s + 60);
	}
}

static void test_authzid(void **state)
{
	static const struct {
		const char *authzid;
		enum auth_status status;
	} rows[] = { { "", AUTH_OK },
		     { "alice@example.org", AUTH_OK },
		     { "Alice", AUTH_OK },
		     { "bob@example.org", AUTH_AUTHZID },
		     { "dave@example.org", AUTH_AUTHZID } };
	struct world *w = *state;

	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_attempt t = attempt_of("alice", "wonderland");
		struct asked a;

		unit_case(rows[i].authzid, 0);
		t.authzid = span_of(rows[i].authzid);
		asked_login(w, &a, &t);
		world_wait(w);
		assert_int_equal(a.status, rows[i].status);
	}
}

static void test_rights(void **state)
{
	struct world *w = *state;
	struct asked a;

	world_connect(w, CONTROL_RIGHT_DELIVER);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_REFUSED);
	asked_begin(w, &a);
	auth_resolve(w->client, span_of("bob@example.org"), span_of(""), asked_on_resolved, &a);
	world_wait(w);
	assert_int_equal(a.status, AUTH_OK);
	assert_string_equal(a.targets, "bob@example.org ");

	world_connect(w, CONTROL_RIGHT_LOGIN);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	asked_begin(w, &a);
	auth_resolve(w->client, span_of("bob@example.org"), span_of(""), asked_on_resolved, &a);
	world_wait(w);
	assert_int_equal(a.status, AUTH_REFUSED);
	asked_begin(w, &a);
	auth_owns(w->client, "alice@example.org", span_of("alice@example.org"), asked_on_owned, &a);
	world_wait(w);
	assert_int_equal(a.status, AUTH_REFUSED);
}

static void test_owns(void **state)
{
	struct world *w = *state;
	struct asked yes, no;

	world_connect(w, WORLD_RIGHTS);
	asked_begin(w, &yes);
	auth_owns(w->client, "bob@example.org", span_of("team+x@example.org"), asked_on_owned, &yes);
	asked_begin(w, &no);
	auth_owns(w->client, "bob@example.org", span_of("alice@example.org"), asked_on_owned, &no);
	world_wait(w);
	assert_int_equal(yes.status, AUTH_OK);
	assert_int_equal(no.status, AUTH_NO_USER);
}

static void test_cache(void **state)
{
	struct world *w = *state;

	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	assert_non_null(strstr(w->log, "cached=no"));
	assert_null(strstr(w->log, "cached=yes"));
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	assert_non_null(strstr(w->log, "cached=yes"));
	assert_int_equal(world_login(w, "alice", "wonderlanD").status, AUTH_WRONG);
	assert_int_equal(world_login(w, "alice", "wonderlanD").status, AUTH_WRONG);

	w->policy.cache_ms = 0;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	w->log[0] = '\0';
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	assert_null(strstr(w->log, "cached=yes"));
}

static void test_changes_hold_at_once(void **state)
{
	struct world *w = *state;

	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	assert_int_equal(world_login(w, "bob", "builder").status, AUTH_OK);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_string_equal(w->revoked, "");

	auth_folder_account(&w->folder, "alice@example.org", "looking-glass");
	auth_folder_disable(&w->folder, "bob@example.org");
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_string_equal(w->revoked, "alice@example.org bob@example.org ");
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_WRONG);
	assert_int_equal(world_login(w, "alice", "looking-glass").status, AUTH_OK);
	assert_int_equal(world_login(w, "bob", "builder").status, AUTH_DISABLED);
	assert_int_equal(world_login(w, "bob", "Builder").status, AUTH_WRONG);

	w->revoked[0] = '\0';
	assert_int_equal(accounts_remove(w->folder.fd, "alice@example.org", NULL), 0);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_string_equal(w->revoked, "alice@example.org ");
	assert_int_equal(world_login(w, "alice", "looking-glass").status, AUTH_WRONG);
}

/* What was known before an account was disabled is not known when it is back. */
static void test_disabled_for_a_while(void **state)
{
	struct world *w = *state;

	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(world_login(w, "bob", "builder").status, AUTH_OK);
	auth_folder_disable(&w->folder, "bob@example.org");
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	auth_folder_enable(&w->folder, "bob@example.org");
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_string_equal(w->revoked, "bob@example.org ");
	assert_int_equal(world_login(w, "bob", "builder").status, AUTH_OK);
	assert_null(strstr(w->log, "cached=yes"));
}

/* The password was changed while the old one was being hashed. */
static void test_change_during_a_login(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wonderland");
	struct asked a;
	struct buf status;

	world_connect(w, WORLD_RIGHTS);
	asked_login(w, &a, &t);
	do {
		uv_run(&w->loop, UV_RUN_NOWAIT);
		buf_init(&status, 4096);
		authd_status(w->authd, &status);
		buf_put_byte(&status, '\0');
		if (strstr((char *)status.p, "hashes_running 1") != NULL)
			break;
		buf_clear(&status);
	} while (a.done == 0);
	assert_int_equal(a.done, 0);
	buf_clear(&status);
	auth_folder_account(&w->folder, "alice@example.org", "looking-glass");
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	world_wait(w);
	assert_int_equal(a.status, AUTH_WRONG);
	assert_non_null(strstr(w->log, "reason=changed-meanwhile"));
}

static void test_accounts_that_cannot_be_read_change_nothing(void **state)
{
	struct world *w = *state;
	struct error err;

	world_connect(w, WORLD_RIGHTS);
	assert_true(authd_reread(w->authd, -1, &err) < 0);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	assert_string_equal(w->revoked, "");
}

static void test_failures_are_late(void **state)
{
	struct world *w = *state;

	w->policy.delay_ms = 150;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	assert_in_range(world_login(w, "alice", "wrong").after_ms, 149, 5000);
	assert_in_range(world_login(w, "dave", "wrong").after_ms, 149, 5000);
	assert_in_range(world_login(w, "alice", "wonderland").after_ms, 0, 140);
}

/* At most 1,024 answers are held back; what comes behind them learns nothing faster. */
static void test_late_answers_are_bounded(void **state)
{
	enum { MANY = 1100 };
	struct world *w = *state;
	struct asked *a = calloc(MANY, sizeof(*a));
	struct auth_attempt t = attempt_of("alice", "wrong");
	size_t wrong = 0, later = 0;

	w->exempt = true;
	w->policy.delay_ms = 3000;
	w->policy.hash_queue = MANY;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < MANY; i++)
		asked_login(w, &a[i], &t);
	world_wait(w);
	for (size_t i = 0; i < MANY; i++) {
		wrong += a[i].status == AUTH_WRONG;
		later += a[i].status == AUTH_TRY_LATER;
	}
	assert_int_equal(wrong, 1024);
	assert_int_equal(later, MANY - 1024);
	free(a);
}

static void test_hash_queue(void **state)
{
	enum { MANY = 60 };
	struct world *w = *state;
	struct asked a[MANY];
	struct auth_attempt t = attempt_of("alice", "wonderland");
	size_t ok = 0, later = 0;

	w->exempt = true;
	w->policy.hash_queue = 8;
	w->policy.cache_ms = 0;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < MANY; i++)
		asked_login(w, &a[i], &t);
	world_wait(w);
	for (size_t i = 0; i < MANY; i++) {
		ok += a[i].status == AUTH_OK;
		later += a[i].status == AUTH_TRY_LATER;
	}
	assert_int_equal(ok + later, MANY);
	assert_in_range(ok, 8 + 2, MANY - 1);
	assert_non_null(strstr(w->log, "reason=busy"));
}

static void guess(struct world *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char user[40];

		snprintf(user, sizeof(user), "user%zu", i);
		assert_int_equal(world_login(w, user, "guess").status, AUTH_WRONG);
	}
}

static void test_throttling(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("bob", "builder");
	struct asked a;

	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	guess(w, WORLD_BURST);
	assert_int_equal(world_login(w, "bob", "builder").status, AUTH_TRY_LATER);
	assert_non_null(strstr(w->log, "reason=throttled"));
	/* Who was right before gets in all the same; and so does everybody elsewhere. */
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	t.peer = "192.0.2.8";
	asked_login(w, &a, &t);
	world_wait(w);
	assert_int_equal(a.status, AUTH_OK);
	w->exempt = true;
	w->policy.cache_ms = 0;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	assert_int_equal(world_login(w, "bob", "builder").status, AUTH_OK);
}

/* Right passwords cost no guess, in however many connections. */
static void test_right_ones_are_not_throttled(void **state)
{
	struct world *w = *state;

	w->policy.cache_ms = 0;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < 2 * WORLD_BURST; i++)
		assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
}

static void on_nothing(void *arg, struct ipc_message *m)
{
	(void)arg, (void)m;
}

static void on_gone(void *arg, const struct error *why)
{
	bool *gone = arg;

	(void)why;
	*gone = true;
}

static struct ipc *raw_peer(struct world *w, bool *gone)
{
	const struct ipc_handlers h = { .receive = on_nothing, .gone = on_gone, .arg = gone };
	struct ipc *i;
	int ends[2];

	assert_int_equal(ipc_pair(ends, NULL), 0);
	authd_peer(w->authd, WORLD_RIGHTS, "raw", ends[0]);
	assert_int_equal(ipc_new(&i, &w->loop, ends[1], 1 << 20, &h, NULL), 0);
	return i;
}

/* A frame that means nothing costs its sender the connection, and nobody else anything. */
static void test_malformed_questions(void **state)
{
	static const struct {
		const char *why;
		uint16_t type;
		const char *body;
	} rows[] = { { "an unknown type", 99, "" },
		     { "an answer", AUTH_WIRE_LOGIN_ANSWER, "" },
		     { "a login without a body", AUTH_WIRE_LOGIN, "" },
		     { "an address that is cut", AUTH_WIRE_RESOLVE, "\x05" },
		     { "a cancel with a body", AUTH_WIRE_CANCEL, "x" } };
	struct world *w = *state;

	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool gone = false;
		struct ipc *raw = raw_peer(w, &gone);

		unit_case(rows[i].why, 0);
		assert_int_equal(ipc_send(raw, rows[i].type, 1, span_of(rows[i].body), NULL, 0), 0);
		while (!gone)
			uv_run(&w->loop, UV_RUN_ONCE);
		ipc_free(raw);
		assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	}
}

/* A daemon that asks and takes no answers is cut off before it eats the memory. */
static void test_a_daemon_that_does_not_read(void **state)
{
	struct world *w = *state;
	char targets[20000];
	struct buf question;
	bool gone = false;
	struct ipc *raw = raw_peer(w, &gone);
	size_t used = 0;

	for (int i = 0; i < 500; i++) {
		char address[100];

		snprintf(address, sizeof(address), "u%d@example.org", i);
		auth_folder_account(&w->folder, address, NULL);
		used += (size_t)snprintf(targets + used, sizeof(targets) - used, "%s%s", i > 0 ? " " : "",
					 address);
	}
	auth_folder_alias(&w->folder, "everybody@example.org", targets);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	buf_init(&question, 1000);
	auth_wire_put_resolve(&question, span_of("everybody@example.org"), span_of(""));
	ipc_pause(raw);
	for (uint64_t i = 1; i < 20000 && strstr(w->log, "takes no answers") == NULL; i++) {
		if (ipc_send(raw, AUTH_WIRE_RESOLVE, i, buf_span(&question), NULL, 0) < 0)
			break;
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	assert_non_null(strstr(w->log, "a daemon takes no answers and is cut off peer=raw"));
	buf_clear(&question);
	ipc_free(raw);
	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
}

/* A daemon leaves while its logins are hashed and held back. */
static void test_a_daemon_that_leaves(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wrong");
	struct asked a[6];

	w->policy.delay_ms = 200;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (int i = 0; i < 6; i++)
		asked_login(w, &a[i], &t);
	for (int i = 0; i < 100 && strstr(w->log, "reason=password") == NULL; i++)
		uv_run(&w->loop, UV_RUN_ONCE);
	auth_free(w->client);
	w->open = 0;
	assert_int_equal(auth_new(&w->client, &w->loop, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	for (int i = 0; i < 6; i++)
		assert_int_equal(a[i].done, 0);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_logins),
		ROW(test_long_passwords),
		ROW(test_tokens),
		ROW(test_authzid),
		ROW(test_rights),
		ROW(test_owns),
		ROW(test_cache),
		ROW(test_changes_hold_at_once),
		ROW(test_disabled_for_a_while),
		ROW(test_change_during_a_login),
		ROW(test_accounts_that_cannot_be_read_change_nothing),
		ROW(test_failures_are_late),
		ROW(test_late_answers_are_bounded),
		ROW(test_hash_queue),
		ROW(test_throttling),
		ROW(test_right_ones_are_not_throttled),
		ROW(test_malformed_questions),
		ROW(test_a_daemon_that_does_not_read),
		ROW(test_a_daemon_that_leaves),
	};

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_login");
}
