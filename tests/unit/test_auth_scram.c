/* test_auth_scram.c - SCRAM with authd: two questions, keys that are made when the password is known, and nothing that
 * tells who is there.
 * link: tests/unit/auth_folder.o tests/unit/auth_world.o auth/authd auth storage sasl common/ipc common/base */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "sasl/client.h"
#include "sasl/scram_keys.h"
#include "tests/unit/auth_world.h"

/* A conversation, and what came of it. */
struct talk_test {
	struct world *w;
	struct sasl_client *client;
	uint64_t number;
	enum auth_status status;
	char challenge[400], words[100], account[STORE_ACCOUNT_MAX];
};

static void on_challenge(void *arg, enum auth_status status, struct span challenge)
{
	struct talk_test *t = arg;

	t->w->open--;
	t->status = status;
	snprintf(t->challenge, sizeof(t->challenge), "%.*s", (int)challenge.n, challenge.n > 0 ? (const char *)challenge.p : "");
}

static void on_verdict(void *arg, enum auth_status status, struct span words, const struct auth_grant *grant)
{
	struct talk_test *t = arg;

	t->w->open--;
	t->status = status;
	snprintf(t->words, sizeof(t->words), "%.*s", (int)words.n, words.n > 0 ? (const char *)words.p : "");
	snprintf(t->account, sizeof(t->account), "%s", grant != NULL ? grant->account : "");
}

/* The first half. */
static void ask(struct talk_test *t, struct world *w, const char *user, const char *password)
{
	struct auth_attempt a = attempt_of(user, "");
	struct span first, rest, nonce;

	*t = (struct talk_test){ .w = w };
	assert_int_equal(sasl_client_new(&t->client, span_of("SCRAM-SHA-256"), span_of(user), span_of(password),
					 span_of("eighteen random by"), NULL), 0);
	assert_true(sasl_client_initial(t->client, &first));
	span_take(&first, 3);
	rest = first;
	span_take_until(&rest, ',');
	nonce = rest;
	span_take(&nonce, 2);
	a.mechanism = "SCRAM-SHA-256";
	a.password = span_of("");
	w->open++;
	t->number = auth_scram(w->client, &a, first, nonce, on_challenge, t);
	world_wait(w);
}

/* The second. */
static void prove(struct talk_test *t)
{
	struct span answer, final, proof;
	uint8_t bytes[SCRAM_KEY_MAX];
	struct scram_keys k;
	char line[300];

	t->words[0] = '\0';
	assert_int_equal(sasl_client_step(t->client, span_of(t->challenge), &answer), SASL_CLIENT_ANSWER);
	final = answer;
	while (final.p[final.n - 1] != ',')
		final.n--;
	proof = (struct span){ final.p + final.n + 2, answer.n - final.n - 2 };
	final.n--;
	/* base64 by what reads keys: the proof is as long as one */
	snprintf(line, sizeof(line), "4096 AAAA %.*s %.*s", (int)proof.n, (const char *)proof.p, (int)proof.n,
		 (const char *)proof.p);
	assert_true(scram_keys_read(&k, SCRAM_SHA_256, span_of(line)));
	memcpy(bytes, k.stored, sizeof(bytes));
	t->w->open++;
	auth_proof(t->w->client, t->number, final, (struct span){ bytes, sizeof(bytes) }, on_verdict, t);
	world_wait(t->w);
}

static void turn_until(struct world *w, const char *line)
{
	while (strstr(w->log, line) == NULL)
		uv_run(&w->loop, UV_RUN_ONCE);
}

/* Both have keys, by their logins. */
static void make_keys(struct world *w)
{
	w->policy.scram_hashes = 1u << SCRAM_SHA_256;
	w->policy.scram_rounds = 4096;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	assert_int_equal(world_login(w, "alice@example.org", "wrong").status, AUTH_WRONG);
	assert_int_equal(world_login(w, "alice@example.org", "wonderland").status, AUTH_OK);
	turn_until(w, "keys for SCRAM were made account=alice@example.org");
	assert_int_equal(auth_scram_hashes(w->client), 0);	/* bob has none */
	assert_int_equal(world_login(w, "bob@example.org", "builder").status, AUTH_OK);
	turn_until(w, "keys for SCRAM were made account=bob@example.org");
	while (auth_scram_hashes(w->client) == 0)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(auth_scram_hashes(w->client), 1u << SCRAM_SHA_256);
	assert_string_equal(w->revoked, "");	/* a key more ends no session */
}

static const struct {
	const char *why, *user, *password;
	enum auth_status want;
	const char *words, *reason;
} rows[] = {
	{ "right", "alice@example.org", "wonderland", AUTH_OK, "v=", "mechanism=SCRAM-SHA-256" },
	{ "without a domain", "bob", "builder", AUTH_OK, "v=", "mechanism=SCRAM-SHA-256" },
	{ "wrong", "alice@example.org", "wunderland", AUTH_WRONG, "e=invalid-proof", "reason=password" },
	{ "nobody", "nobody@example.org", "wonderland", AUTH_WRONG, "e=invalid-proof", "reason=no-such-user" },
	{ "elsewhere", "alice@example.com", "wonderland", AUTH_WRONG, "e=invalid-proof", "reason=no-such-user" },
	{ "an account without a password", "list@example.org", "x", AUTH_WRONG, "e=invalid-proof", "reason=no-keys" },
};

static void test_conversations(void **state)
{
	struct world *w = *state;
	struct span none;

	world_connect(w, WORLD_RIGHTS);
	make_keys(w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk_test t;

		unit_case(rows[i].why, 0);
		w->log[0] = '\0';
		ask(&t, w, rows[i].user, rows[i].password);
		assert_int_equal(t.status, AUTH_OK);
		prove(&t);
		assert_int_equal(t.status, rows[i].want);
		assert_memory_equal(t.words, rows[i].words, strlen(rows[i].words));
		assert_non_null(strstr(w->log, rows[i].reason));
		assert_int_equal(*t.account != '\0', rows[i].want == AUTH_OK);
		assert_int_equal(sasl_client_step(t.client, span_of(t.words), &none),
				 rows[i].want == AUTH_OK ? SASL_CLIENT_DONE : SASL_CLIENT_BAD);
		sasl_client_free(t.client);
	}
}

/* Once only, and by no number that is none. */
static void test_lost(void **state)
{
	struct world *w = *state;
	struct talk_test t;

	world_connect(w, WORLD_RIGHTS);
	make_keys(w);
	ask(&t, w, "alice@example.org", "wonderland");
	w->open++;
	auth_proof(w->client, t.number, span_of("c=biws"), span_of("x"), on_verdict, &t);
	world_wait(w);
	assert_int_equal(t.status, AUTH_WRONG);
	prove(&t);
	assert_int_equal(t.status, AUTH_TRY_LATER);
	assert_string_equal(t.words, "");
	sasl_client_free(t.client);
	ask(&t, w, "alice@example.org", "wonderland");
	auth_scram_end(w->client, t.number);
	prove(&t);
	assert_int_equal(t.status, AUTH_TRY_LATER);
	sasl_client_free(t.client);
}

static void salt_of(struct world *w, const char *user, char out[100])
{
	struct talk_test t;

	ask(&t, w, user, "x");
	snprintf(out, 100, "%s", strstr(t.challenge, ",s="));
	sasl_client_free(t.client);
}

/* Nobody's salt is his own, and stays when authd was restarted. */
static void test_salts(void **state)
{
	struct world *w = *state;
	char first[100], other[100];

	world_connect(w, WORLD_RIGHTS);
	make_keys(w);
	salt_of(w, "nobody@example.org", first);
	salt_of(w, "NoBody", other);
	assert_string_equal(first, other);
	salt_of(w, "somebody", other);
	assert_string_not_equal(first, other);
	authd_free(w->authd);
	world_start_authd(w);
	world_connect(w, WORLD_RIGHTS);
	salt_of(w, "nobody", other);
	assert_string_equal(first, other);
}

enum { KEYS = 1u << SCRAM_SHA_256 };

static const struct {
	const char *why;
	unsigned hashes;
	bool any;
	const char *accounts[3];	/* "name", "-name" for one without a password */
	unsigned want;
} offers[] = {
	{ "nobody yet: as it will be", KEYS, false, { NULL }, KEYS },
	{ "nobody yet, any", KEYS, true, { NULL }, KEYS },
	{ "nobody who has a password", KEYS, false, { "-list" }, KEYS },
	{ "none has keys", KEYS, false, { "alice", "-list" }, 0 },
	{ "none has keys, any", KEYS, true, { "alice", "bob" }, 0 },
	{ "none are made", 0, false, { NULL }, 0 },
	{ "none are made, any", 0, true, { NULL }, 0 },
};

/* A site without accounts offers what it will offer to the first one. */
static void test_offers(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		char address[100];

		unit_case(offers[i].why, 0);
		auth_folder_remove(&w->folder);
		auth_folder_make(&w->folder);
		auth_folder_domain(&w->folder, "example.org");
		for (size_t k = 0; k < 3 && offers[i].accounts[k] != NULL; k++) {
			bool without = *offers[i].accounts[k] == '-';

			snprintf(address, sizeof(address), "%s@example.org", offers[i].accounts[k] + without);
			auth_folder_account(&w->folder, address, without ? NULL : "wonderland");
		}
		w->policy.scram_hashes = offers[i].hashes;
		w->policy.scram_any = offers[i].any;
		w->policy.scram_rounds = 4096;
		assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
		world_connect(w, WORLD_RIGHTS);
		assert_int_equal(world_login(w, "nobody@example.org", "x").status, AUTH_WRONG);
		assert_int_equal(auth_scram_hashes(w->client), offers[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_offers, world_set_up, world_tear_down),
					     cmocka_unit_test_setup_teardown(test_conversations, world_set_up, world_tear_down),
					    cmocka_unit_test_setup_teardown(test_lost, world_set_up, world_tear_down),
					    cmocka_unit_test_setup_teardown(test_salts, world_set_up, world_tear_down) };

	if (sodium_init() < 0)
		return 1;
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_scram");
}
