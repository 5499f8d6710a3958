/* test_auth_app.c - app passwords: their lines, what each may do and until when, by PLAIN and by SCRAM.
 * link: tests/unit/auth_folder.o tests/unit/auth_world.o auth/authd auth storage sasl common/ipc common/base */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "auth/accounts_app.h"
#include "auth/accounts_text.h"
#include "sasl/client.h"
#include "tests/unit/auth_world.h"

#define SALT "000102030405060708090a0b0c0d0e0f"
#define HASH "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"

static const struct {
	const char *value;
	bool good;
	unsigned scope;
	int64_t expires_s;
} lines[] = {
	{ "phone imap,smtp never " SALT " " HASH, true, ACCOUNTS_FOR_IMAP | ACCOUNTS_FOR_SMTP, 0 },
	{ "a.b_c-d pop3 2026-11-22T09:00:00Z " SALT " " HASH, true, ACCOUNTS_FOR_POP3, 1795338000 },
	{ "phone imap,pop3,smtp never " SALT " " HASH, true, ACCOUNTS_FOR_ALL, 0 },
	{ "phone  never " SALT " " HASH, false, 0, 0 },
	{ "phone imap,ftp never " SALT " " HASH, false, 0, 0 },
	{ "phone imap soon " SALT " " HASH, false, 0, 0 },
	{ "phone imap never 00 " HASH, false, 0, 0 },
	{ "phone imap never " SALT " " SALT, false, 0, 0 },
	{ "phone imap never " SALT " " HASH "00", false, 0, 0 },
	{ "-phone imap never " SALT " " HASH, false, 0, 0 },
	{ "ph/one imap never " SALT " " HASH, false, 0, 0 },
	{ "a2345678901234567890123456789012345678901 imap never " SALT " " HASH, false, 0, 0 },
	{ "phone imap never " SALT, false, 0, 0 },
	{ "", false, 0, 0 },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct account_app app;
		struct buf b;

		unit_case(lines[i].value, i);
		assert_int_equal(accounts_app_read(&app, span_of(lines[i].value)), lines[i].good);
		if (!lines[i].good)
			continue;
		assert_int_equal(app.scope, lines[i].scope);
		assert_int_equal(app.expires_s, lines[i].expires_s);
		buf_init(&b, 1000);
		accounts_app_put(&b, &app);
		assert_int_equal(b.n, strlen(lines[i].value) + 5);
		assert_memory_equal(b.p + 4, lines[i].value, b.n - 5);
		buf_clear(&b);
	}
}

static void on_warn(void *arg, const char *words)
{
	size_t *n = arg;

	(void)words;
	(*n)++;
}

/* What is malformed or there twice costs itself, and its keys, alone. */
static void test_file(void **state)
{
	static const char text[] = "app phone imap never " SALT " " HASH "\n"
				   "app phone smtp never " SALT " " HASH "\n"
				   "app-scram-sha-256 4096 AAAA x x\n"
				   "app bad\napp laptop smtp never " SALT " " HASH "\napp-only maybe\n";
	struct accounts_text_account out;
	size_t warned = 0;
	const struct accounts_text_warn w = { .warn = on_warn, .arg = &warned, .file = "x" };

	(void)state;
	accounts_text_account(span_of(text), &w, &out);
	assert_int_equal(out.app_count, 2);
	assert_int_equal(out.apps[0].scope, ACCOUNTS_FOR_IMAP);
	assert_string_equal(out.apps[1].name, "laptop");
	assert_true(out.app_only);
	assert_int_equal(warned, 3);
}

static const struct accounts_owner keep = { (uid_t)-1, (gid_t)-1 };

/* alice has these, as the command line makes them; her own password's keys share the salt. */
static void give_apps(struct world *w, bool only, size_t count)
{
	struct account_app apps[3] = { { .name = "phone", .scope = ACCOUNTS_FOR_IMAP },
				       { .name = "old", .scope = ACCOUNTS_FOR_ALL, .expires_s = 1000 },
				       { .name = "desk", .scope = ACCOUNTS_FOR_ALL, .expires_s = 95617584000 } };
	static const char *const passwords[] = { "the phone's", "the old one", "the desk's" };
	struct scram_keys own = { .iterations = 4096, .salt_n = SCRAM_SALT_NEW };
	struct accounts *all;
	struct account a;

	randombytes_buf(own.salt, sizeof(own.salt));
	assert_true(scram_keys_make(&own, SCRAM_SHA_256, span_of("wonderland")));
	for (size_t i = 0; i < 3; i++) {
		accounts_app_make(&apps[i], passwords[i]);
		apps[i].scram[SCRAM_SHA_256] = own;
		assert_true(scram_keys_make(&apps[i].scram[SCRAM_SHA_256], SCRAM_SHA_256, span_of(passwords[i])));
	}
	assert_int_equal(accounts_read(&all, w->folder.fd, NULL, NULL, NULL), 0);
	a = *accounts_find(all, "alice@example.org");
	a.apps = apps;
	a.app_count = count;
	a.app_only = only;
	a.scram[SCRAM_SHA_256] = &own;
	assert_int_equal(accounts_put(w->folder.fd, &keep, &a, NULL), 0);
	accounts_free(all);
	w->policy.scram_hashes = 1u << SCRAM_SHA_256;
	w->policy.scram_rounds = 4096;
	w->policy.scram_any = true;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
}

static const struct {
	const char *why, *service, *password;
	bool only;
	enum auth_status status;
	const char *logged;
} rows[] = {
	{ "its own service", "imap", "the phone's", false, AUTH_OK, "app=phone" },
	{ "another one", "smtp", "the phone's", false, AUTH_SCOPE, "reason=app-password-not-for-this" },
	{ "a third", "pop3", "the phone's", false, AUTH_SCOPE, "reason=app-password-not-for-this" },
	{ "expired", "imap", "the old one", false, AUTH_EXPIRED, "reason=app-password-expired" },
	{ "not yet", "smtp", "the desk's", false, AUTH_OK, "app=desk" },
	{ "wrong", "imap", "the phones", false, AUTH_WRONG, "reason=" },
	{ "the account's own", "imap", "wonderland", false, AUTH_OK, "login user=alice@example.org" },
	{ "app passwords only", "imap", "wonderland", true, AUTH_WRONG, "reason=" },
	{ "app passwords only, one of them", "imap", "the phone's", true, AUTH_OK, "app=phone" },
};

static void test_plain(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_attempt t = attempt_of("alice@example.org", rows[i].password);
		struct asked a;

		unit_case(rows[i].why, i);
		give_apps(w, rows[i].only, 3);
		w->log[0] = '\0';
		t.service = rows[i].service;
		asked_login(w, &a, &t);
		world_wait(w);
		assert_int_equal(a.status, rows[i].status);
		assert_non_null(strstr(w->log, rows[i].logged));
	}
}

struct talk_test {
	struct world *w;
	enum auth_status status;
	char challenge[400];
};

static void on_challenge(void *arg, enum auth_status status, struct span challenge)
{
	struct talk_test *t = arg;

	t->w->open--;
	assert_int_equal(status, AUTH_OK);
	snprintf(t->challenge, sizeof(t->challenge), "%.*s", (int)challenge.n, (const char *)challenge.p);
}

static void on_verdict(void *arg, enum auth_status status, struct span words, const struct auth_grant *grant)
{
	struct talk_test *t = arg;

	(void)words, (void)grant;
	t->w->open--;
	t->status = status;
}

static enum auth_status talk(struct world *w, const char *service, const char *password)
{
	struct auth_attempt a = attempt_of("alice@example.org", "");
	struct talk_test t = { .w = w };
	struct sasl_client *client;
	struct span first, rest, answer, final, proof;
	struct scram_keys k;
	uint64_t number;
	char line[300];

	assert_int_equal(sasl_client_new(&client, span_of("SCRAM-SHA-256"), a.user, span_of(password), span_of("eighteen random by"),
					 NULL), 0);
	assert_true(sasl_client_initial(client, &first));
	span_take(&first, 3);
	rest = first;
	span_take_until(&rest, ',');
	span_take(&rest, 2);
	a.mechanism = "SCRAM-SHA-256";
	a.service = service;
	w->open++;
	number = auth_scram(w->client, &a, first, rest, on_challenge, &t);
	world_wait(w);
	assert_int_equal(sasl_client_step(client, span_of(t.challenge), &answer), SASL_CLIENT_ANSWER);
	final = answer;
	while (final.p[final.n - 1] != ',')
		final.n--;
	proof = (struct span){ final.p + final.n + 2, answer.n - final.n - 2 };
	final.n--;
	snprintf(line, sizeof(line), "4096 AAAA %.*s %.*s", (int)proof.n, (const char *)proof.p, (int)proof.n, (const char *)proof.p);
	assert_true(scram_keys_read(&k, SCRAM_SHA_256, span_of(line)));	/* a proof is as long as a key */
	w->open++;
	auth_proof(w->client, number, final, (struct span){ k.stored, sizeof(k.stored) }, on_verdict, &t);
	world_wait(w);
	sasl_client_free(client);
	return t.status;
}

/* Each of them by one challenge. */
static void test_scram(void **state)
{
	struct world *w = *state;

	w->exempt = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		give_apps(w, rows[i].only, 3);
		w->log[0] = '\0';
		assert_int_equal(talk(w, rows[i].service, rows[i].password), rows[i].status);
		assert_non_null(strstr(w->log, rows[i].logged));
	}
}

/* A revoked one ends sessions; one more does not. Who guesses stops nobody who has one. */
static void test_revoked(void **state)
{
	struct world *w = *state;

	give_apps(w, false, 0);
	assert_string_equal(w->revoked, "");
	give_apps(w, false, 3);
	assert_string_equal(w->revoked, "");
	for (int i = 0; i < 100; i++) {
		char guess[20];

		snprintf(guess, sizeof(guess), "guess%d", i);
		world_login(w, "alice", guess);
	}
	assert_int_equal(world_login(w, "alice", "wonderland").status, AUTH_TRY_LATER);
	assert_int_equal(world_login(w, "alice", "the phone's").status, AUTH_OK);
	give_apps(w, false, 0);
	assert_string_equal(w->revoked, "alice@example.org ");
	assert_int_equal(world_login(w, "alice", "the phone's").status, AUTH_WRONG);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_file), ROW(test_plain), ROW(test_scram),
					    ROW(test_revoked) };

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_app");
}
