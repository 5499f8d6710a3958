/* test_auth_external.c - whom authd logs in by a client certificate, and whom not.
 * link: tests/unit/auth_folder.o tests/unit/auth_world.o auth/authd auth storage sasl common/ipc common/base */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "tests/unit/auth_world.h"

#define PRINT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PRINT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PRINT_X "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* Alice holds A, Bob B. */
static const struct {
	const char *why, *fingerprint, *names, *authzid;
	enum auth_status status;
	const char *account, *logged;
} rows[] = {
	{ "the fingerprint's account", PRINT_A, "", "", AUTH_OK, "alice@example.org",
	  "login user=alice@example.org service=imap peer=192.0.2.7 mechanism=EXTERNAL by=fingerprint" },
	{ "it comes before names", PRINT_A, "email:bob@example.org", "", AUTH_OK, "alice@example.org", "by=fingerprint" },
	{ "a name, asked for, is as good", PRINT_A, "email:bob@example.org", "bob@example.org", AUTH_OK, "bob@example.org",
	  "by=email" },
	{ "the fingerprint, asked for", PRINT_B, "email:alice@example.org", "BOB", AUTH_OK, "bob@example.org",
	  "by=fingerprint" },
	{ "an address", PRINT_X, "email:Alice@Example.ORG", "", AUTH_OK, "alice@example.org", "by=email" },
	{ "the first that is one of ours", "", "email:alice@example.net\nemail:dave@example.org\nemail:bob@example.org",
	  "", AUTH_OK, "bob@example.org", "by=email" },
	{ "addresses before UPNs, whatever their order", "", "cn:bob@example.org\nupn:bob@example.org\nemail:alice@example.org",
	  "", AUTH_OK, "alice@example.org", "by=email" },
	{ "UPNs before the common name", "", "cn:bob@example.org\nupn:alice@example.org", "", AUTH_OK, "alice@example.org",
	  "by=upn" },
	{ "a common name that is an address", "", "cn:bob@example.org", "", AUTH_OK, "bob@example.org", "by=cn" },
	{ "a common name that is none", "", "cn:bob", "", AUTH_WRONG, NULL,
	  "login failed user=cn:bob peer=192.0.2.7 service=imap mechanism=EXTERNAL reason=no-such-user" },
	{ "an address without its domain", "", "email:bob\nupn:bob", "", AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "no alias", "", "email:team@example.org", "", AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "no detail", "", "email:bob+x@example.org", "", AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "no postmaster", "", "email:postmaster@example.org", "", AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "no catch-all", "", "email:anyone@example.com", "", AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "an account without a password may", "", "email:list@example.org", "", AUTH_OK, "list@example.org", "by=email" },
	{ "another's name", PRINT_A, "email:alice@example.org", "bob@example.org", AUTH_AUTHZID, NULL,
	  "login failed user=bob@example.org peer=192.0.2.7 service=imap mechanism=EXTERNAL reason=authzid" },
	{ "a name that there is not", PRINT_A, "", "dave@example.org", AUTH_AUTHZID, NULL, "user=dave@example.org" },
	{ "an alias as the name", PRINT_A, "", "team@example.org", AUTH_AUTHZID, NULL, "reason=authzid" },
	{ "an unknown certificate", PRINT_X, "", "", AUTH_WRONG, NULL, "login failed user=" PRINT_X },
	{ "an unknown certificate, a known name", PRINT_X, "", "alice@example.org", AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "nothing", "", "", "", AUTH_WRONG, NULL, "login failed user= peer" },
	{ "nothing but a name", "", "", "alice@example.org", AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "names that are none", "", "email:\nalice@example.org\nx:alice@example.org\nemailalice@example.org\n", "",
	  AUTH_WRONG, NULL, "reason=no-such-user" },
	{ "a name that would write the log", "", "email:x peer=10.0.0.1", "", AUTH_WRONG, NULL,
	  "user=email:x\\x20peer=10.0.0.1 peer=192.0.2.7" },
};

static struct asked login_external(struct world *w, const char *fingerprint, const char *names, const char *authzid)
{
	struct auth_attempt t = attempt_of("", "");
	struct asked a;

	t.mechanism = "EXTERNAL";
	t.fingerprint = fingerprint;
	t.names = names;
	t.authzid = span_of(authzid);
	asked_login(w, &a, &t);
	world_wait(w);
	return a;
}

static void bind_certificates(struct world *w)
{
	auth_folder_certificate(&w->folder, "alice@example.org", PRINT_A);
	auth_folder_certificate(&w->folder, "bob@example.org", PRINT_B);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
}

static void test_whom_it_means(void **state)
{
	struct world *w = *state;

	auth_folder_domain(&w->folder, "example.com");
	auth_folder_alias(&w->folder, "@example.com", "alice@example.org");
	bind_certificates(w);
	assert_string_equal(w->revoked, "");	/* one more certificate ends nobody's session */
	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asked a;

		unit_case(rows[i].why, 0);
		w->log[0] = '\0';
		a = login_external(w, rows[i].fingerprint, rows[i].names, rows[i].authzid);
		assert_int_equal(a.status, rows[i].status);
		if (a.status == AUTH_OK)
			assert_string_equal(a.grant.account, rows[i].account);
		if (strstr(w->log, rows[i].logged) == NULL)
			fail_msg("\"%s\" is not in the log: %s", rows[i].logged, w->log);
	}
}

/* A certificate is no password, and no password is a certificate. */
static void test_a_mechanism_of_its_own(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice@example.org", "");
	struct asked a;

	bind_certificates(w);
	world_connect(w, WORLD_RIGHTS);
	t.fingerprint = PRINT_A;
	t.names = "email:alice@example.org";
	asked_login(w, &a, &t);
	world_wait(w);
	assert_int_equal(a.status, AUTH_WRONG);
	t = attempt_of("alice@example.org", "wonderland");
	t.mechanism = "EXTERNAL";
	asked_login(w, &a, &t);
	world_wait(w);
	assert_int_equal(a.status, AUTH_WRONG);
}

/* The right hangs on the socket: without it nobody's word is taken. */
static void test_only_where_clients_are_verified(void **state)
{
	struct world *w = *state;

	bind_certificates(w);
	world_connect(w, CONTROL_RIGHT_LOGIN);
	assert_int_equal(login_external(w, PRINT_A, "", "").status, AUTH_REFUSED);
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_OK);
	world_connect(w, CONTROL_RIGHT_LOGIN | CONTROL_RIGHT_EXTERNAL);
	assert_int_equal(login_external(w, PRINT_A, "", "").status, AUTH_OK);
}

static void test_no_hash(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wonderland");
	struct asked a[30], e;

	bind_certificates(w);
	w->exempt = true;
	w->policy.hash_queue = 8;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < 30; i++)
		asked_login(w, &a[i], &t);
	e = login_external(w, PRINT_B, "", "");
	assert_non_null(strstr(w->log, "reason=busy"));
	assert_int_equal(e.status, AUTH_OK);
}

static void test_disabled(void **state)
{
	struct world *w = *state;

	bind_certificates(w);
	auth_folder_disable(&w->folder, "bob@example.org");
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(login_external(w, PRINT_B, "", "").status, AUTH_DISABLED);
	assert_non_null(strstr(w->log, "reason=disabled"));
	assert_int_equal(login_external(w, PRINT_A, "", "bob@example.org").status, AUTH_AUTHZID);
}

/* Wrong ones are late and cost a guess; a right one is neither held back nor throttled. */
static void test_throttle(void **state)
{
	struct world *w = *state;

	bind_certificates(w);
	w->policy.delay_ms = 150;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	assert_in_range(login_external(w, PRINT_A, "", "bob").after_ms, 149, 5000);
	assert_in_range(login_external(w, PRINT_X, "", "").after_ms, 149, 5000);
	w->policy.delay_ms = 0;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	for (size_t i = 0; i < 2 * WORLD_BURST; i++)
		assert_int_equal(login_external(w, PRINT_A, "", "").status, AUTH_OK);
	for (size_t i = 0; i < WORLD_BURST; i++)
		login_external(w, PRINT_A, "", "bob@example.org");
	w->log[0] = '\0';
	assert_int_equal(login_external(w, PRINT_A, "", "bob@example.org").status, AUTH_TRY_LATER);
	assert_non_null(strstr(w->log, "mechanism=EXTERNAL reason=throttled"));
	assert_int_equal(world_login(w, "bob", "builder").status, AUTH_TRY_LATER);
	assert_int_equal(login_external(w, PRINT_A, "", "").status, AUTH_OK);
}

/* A certificate taken away ends the sessions, as a new password does. */
static void test_removed(void **state)
{
	struct world *w = *state;

	bind_certificates(w);
	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(login_external(w, PRINT_A, "", "").status, AUTH_OK);
	auth_folder_certificate(&w->folder, "alice@example.org", PRINT_X);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_string_equal(w->revoked, "alice@example.org ");
	assert_int_equal(login_external(w, PRINT_A, "", "").status, AUTH_WRONG);
	assert_int_equal(login_external(w, PRINT_X, "", "").status, AUTH_OK);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_whom_it_means), ROW(test_a_mechanism_of_its_own), ROW(test_only_where_clients_are_verified), ROW(test_no_hash),
		ROW(test_disabled),	 ROW(test_throttle),		   ROW(test_removed),
	};

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_external");
}
