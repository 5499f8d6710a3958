/* test_auth_limits.c - who guesses is slowed down, and the owner is not: delays by address and account, places that are
 * known, and a crowd that guesses.
 * link: tests/unit/auth_folder.o tests/unit/auth_world.o auth/authd auth storage sasl common/ipc common/base */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/authd/guesses.h"
#include "auth/seen.h"
#include "tests/unit/auth_world.h"

/* --- one address at one account ------------------------------------------- */

static const struct guesses_limits limits = { .free = 3, .first_ms = 1000, .most_ms = 6000 };

static const struct {
	const char *why;
	uint64_t at_ms, password;
	enum guess want;
} steps[] = {	/* one after another, all wrong */
	{ "free", 10, 1, GUESS_TAKEN },
	{ "the same again", 10, 1, GUESS_STALE },
	{ "free", 10, 2, GUESS_TAKEN },
	{ "free, SCRAM", 10, 0, GUESS_TAKEN },
	{ "the last one before a delay", 10, 4, GUESS_TAKEN },
	{ "too soon", 1009, 5, GUESS_TOO_SOON },
	{ "too soon, SCRAM", 1009, 0, GUESS_TOO_SOON },
	{ "even now the same one is known", 1009, 4, GUESS_STALE },
	{ "a second later", 1010, 5, GUESS_TAKEN },
	{ "two are to be waited for", 3009, 6, GUESS_TOO_SOON },
	{ "they are", 3010, 6, GUESS_TAKEN },
	{ "four", 7009, 7, GUESS_TOO_SOON },
	{ "they are", 7010, 7, GUESS_TAKEN },
	{ "six, not eight: the limit", 13010, 8, GUESS_TAKEN },
	{ "six again", 19009, 9, GUESS_TOO_SOON },
	{ "an hour of quiet behind those forgets all", 19010 + GUESSES_QUIET_MS, 9, GUESS_TAKEN },
	{ "so these are free", 19010 + GUESSES_QUIET_MS, 10, GUESS_TAKEN },
};

static struct guess_pair pair(struct guesses *g, const char *peer, const char *name)
{
	struct throttle_address a;
	char plain[46];

	assert_true(throttle_parse(&a, plain, peer));
	return guesses_pair(g, &a, name);
}

static void test_delays(void **state)
{
	struct guess_pair p, other, elsewhere;
	struct guesses *g;

	(void)state;
	assert_int_equal(guesses_new(&g, NULL), 0);
	p = pair(g, "192.0.2.7", "alice@example.org");
	other = pair(g, "192.0.2.7", "bob@example.org");
	elsewhere = pair(g, "192.0.2.8", "alice@example.org");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unit_case(steps[i].why, i);
		assert_int_equal(guesses_take(g, &limits, &p, steps[i].password, steps[i].at_ms), steps[i].want);
		if (steps[i].want == GUESS_TAKEN)
			guesses_wrong(g, &p, steps[i].password);
		assert_int_equal(guesses_take(g, &limits, &other, 77, steps[i].at_ms), i == 0 ? GUESS_TAKEN : GUESS_AGAIN);
		assert_int_equal(guesses_take(g, &limits, &elsewhere, 78, steps[i].at_ms), i == 0 ? GUESS_TAKEN : GUESS_AGAIN);
		if (i + 3 == sizeof(steps) / sizeof(steps[0]))
			break;	/* the others are forgotten by then */
	}
	guesses_free(g);
}

/* Many connections at once with one password are one guess; a right one, and one that was not looked at, cost nothing. */
static void test_what_costs_nothing(void **state)
{
	struct guess_pair p;
	struct guesses *g;

	(void)state;
	assert_int_equal(guesses_new(&g, NULL), 0);
	p = pair(g, "192.0.2.7", "alice@example.org");
	for (int i = 0; i < 20; i++)
		assert_int_equal(guesses_take(g, &limits, &p, 5, 10), i == 0 ? GUESS_TAKEN : GUESS_AGAIN);
	for (int i = 0; i < 20; i++) {
		guesses_right(g, &p);
		assert_int_equal(guesses_take(g, &limits, &p, 0, 10), GUESS_TAKEN);
	}
	for (int i = 0; i < 20; i++) {
		guesses_give(g, &p);
		assert_int_equal(guesses_take(g, &limits, &p, 0, 10), GUESS_TAKEN);
	}
	guesses_free(g);
}

/* However many pairs there are, no more memory is taken; who has to wait long is not forgotten for them. */
static void test_many_pairs(void **state)
{
	struct guess_pair p;
	struct guesses *g;

	(void)state;
	assert_int_equal(guesses_new(&g, NULL), 0);
	p = pair(g, "192.0.2.7", "alice@example.org");
	for (int i = 0; i < 6; i++)
		guesses_take(g, &limits, &p, 0, (uint64_t)i * 10000);
	for (int i = 0; i < 4 * GUESSES_PAIRS; i++) {
		struct guess_pair other;
		char name[32];

		snprintf(name, sizeof(name), "user%d", i);
		other = pair(g, "192.0.2.7", name);
		assert_int_equal(guesses_take(g, &limits, &other, 1, 50001), GUESS_TAKEN);
	}
	assert_int_equal(guesses_take(g, &limits, &p, 1, 50001), GUESS_TOO_SOON);
	guesses_free(g);
}

/* --- what was seen --------------------------------------------------------- */

static const char seen_text[] = "2026-11-22T09:00:00Z place 192.0.2.7 alice@example.org\n"
				"2026-11-22T09:00:00Z app phone alice@example.org\n"
				"2026-11-22T09:01:00Z app phone alice@example.org\n"
				"2026-11-22T09:00:00Z place 192.0.2.8 \"a b\"@example.org\n"
				"2026-11-22T09:00:00Z place 192.0.2.9 bob@example.org\n"
				"2026-11-22T09:00:00Z app phone bob@example.org\n"
				"2026-11-22T09:02:00Z forget place bob@example.org\n"
				"\n# nothing\nnonsense place x y\n2026-11-22T09:00:00Z other x y@z\n2026-11-22T09:00:00Z place\n"
				"2026-11-22T09:00:00Z pla";

static const struct {
	const char *account;
	enum seen_kind kind;
	const char *word;
	int64_t behind_s;	/* 2026-11-22T09:00:00Z; -1: never */
} known[] = {
	{ "alice@example.org", SEEN_PLACE, "192.0.2.7", 0 },   { "alice@example.org", SEEN_PLACE, "192.0.2.8", -1 },
	{ "alice@example.org", SEEN_APP, "192.0.2.7", -1 },    { "alice@example.org", SEEN_APP, "phone", 60 },
	{ "\"a b\"@example.org", SEEN_PLACE, "192.0.2.8", 0 }, { "bob@example.org", SEEN_PLACE, "192.0.2.9", -1 },
	{ "bob@example.org", SEEN_APP, "phone", 0 },	       { "carol@example.org", SEEN_APP, "phone", -1 },
	{ "", SEEN_APP, "phone", -1 },
};

static void check_known(const struct seen *s)
{
	static const int64_t nine = 1795338000;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		unit_case(known[i].account, i);
		assert_int_equal(seen_when(s, known[i].account, known[i].kind, known[i].word),
				 known[i].behind_s < 0 ? 0 : nine + known[i].behind_s);
	}
}

/* Read, written whole, read again. */
static void test_seen_text(void **state)
{
	struct seen *s, *again;
	struct buf b;

	(void)state;
	assert_int_equal(seen_new(&s, NULL), 0);
	assert_int_equal(seen_read(s, span_of(seen_text)), 0);
	check_known(s);
	buf_init(&b, 1 << 20);
	seen_put_changes(s, &b);
	assert_int_equal(b.n, 0);
	seen_put_all(s, &b);
	assert_int_equal(seen_new(&again, NULL), 0);
	assert_int_equal(seen_read(again, buf_span(&b)), 0);
	check_known(again);
	buf_clear(&b);
	seen_free(s);
	seen_free(again);
}

/* Changes lead from what was to what is. */
static void test_seen_changes(void **state)
{
	struct seen *s, *again;
	struct buf b;

	(void)state;
	assert_int_equal(seen_new(&s, NULL), 0);
	assert_int_equal(seen_new(&again, NULL), 0);
	buf_init(&b, 1 << 20);
	for (int64_t i = 1; i <= SEEN_PLACES + 3; i++) {
		char word[40];

		snprintf(word, sizeof(word), "192.0.2.%lld", (long long)i);
		seen_note(s, "alice@example.org", SEEN_PLACE, word, i * 1000);
	}
	seen_note(s, "bob@example.org", SEEN_PLACE, "192.0.2.1", 1000);
	seen_put_changes(s, &b);
	seen_forget(s, "bob@example.org", SEEN_PLACE, 2000);
	seen_note(s, "bob@example.org", SEEN_PLACE, "192.0.2.2", 3000);
	seen_put_changes(s, &b);
	assert_int_equal(seen_read(again, buf_span(&b)), 0);
	for (size_t i = 0; i < 2; i++) {
		const struct seen *one = i == 0 ? s : again;

		assert_int_equal(seen_when(one, "alice@example.org", SEEN_PLACE, "192.0.2.3"), 0);	/* the oldest went */
		assert_int_equal(seen_when(one, "alice@example.org", SEEN_PLACE, "192.0.2.4"), 4000);
		assert_int_equal(seen_when(one, "bob@example.org", SEEN_PLACE, "192.0.2.1"), 0);
		assert_int_equal(seen_when(one, "bob@example.org", SEEN_PLACE, "192.0.2.2"), 3000);
	}
	buf_clear(&b);
	seen_free(s);
	seen_free(again);
}

/* --- authd ----------------------------------------------------------------- */

static struct asked login_from(struct world *w, const char *peer, const char *user, const char *password)
{
	struct auth_attempt t = attempt_of(user, password);
	struct asked a;

	t.peer = peer;
	asked_login(w, &a, &t);
	world_wait(w);
	return a;
}

static void apply(struct world *w)
{
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
}

/* One address at one account: the sixth waits. Nobody else does. */
static void test_one_network(void **state)
{
	struct world *w = *state;

	w->policy.cache_ms = 0;
	apply(w);
	for (int i = 0; i < 100; i++) {
		char password[20];

		snprintf(password, sizeof(password), "guess%d", i);
		assert_int_equal(login_from(w, "198.51.100.1", "alice", password).status, i < 6 ? AUTH_WRONG : AUTH_TRY_LATER);
	}
	assert_non_null(strstr(w->log, "reason=throttled"));
	assert_int_equal(login_from(w, "198.51.100.1", "alice", "wonderland").status, AUTH_TRY_LATER);
	assert_int_equal(login_from(w, "198.51.100.1", "bob", "builder").status, AUTH_OK);
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "wonderland").status, AUTH_OK);
}

/* A password that is remembered since its owner's login is not found by guessing faster than any other. */
static void test_remembered(void **state)
{
	struct world *w = *state;
	char password[20];

	w->policy.cache_ms = 300000;
	apply(w);
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "wonderland").status, AUTH_OK);
	for (int i = 0; i < 7; i++) {
		snprintf(password, sizeof(password), "guess%d", i);
		assert_int_equal(login_from(w, "198.51.100.1", "alice", password).status, i < 6 ? AUTH_WRONG : AUTH_TRY_LATER);
	}
	assert_int_equal(login_from(w, "198.51.100.1", "alice", "wonderland").status, AUTH_TRY_LATER);
	assert_null(strstr(w->log, "cached=yes"));
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "wonderland").status, AUTH_OK);
	assert_non_null(strstr(w->log, "cached=yes"));
}

/* A program that has an old password, on the same address as its owner. */
static void test_stale_password(void **state)
{
	struct world *w = *state;

	w->policy.cache_ms = 0;
	apply(w);
	for (int i = 0; i < 200; i++)
		assert_int_equal(login_from(w, "192.0.2.7", "alice", "last year's").status, AUTH_WRONG);
	assert_non_null(strstr(w->log, "reason=password-again"));
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "wonderland").status, AUTH_OK);
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "last year's").status, AUTH_WRONG);
}

/* Where the account was logged in from before, others' guesses do not stop it; authd's restart forgets nothing, a new
 * password does. */
static void test_known_place(void **state)
{
	struct world *w = *state;

	w->policy.cache_ms = 0;
	apply(w);
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "wonderland").status, AUTH_OK);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2 * WORLD_BURST; i++) {
			char user[20];

			snprintf(user, sizeof(user), "user%d", i);
			login_from(w, "192.0.2.7", user, "guess");
			if (i < 20)
				login_from(w, "192.0.2.7", "alice", user);
		}
		assert_int_equal(login_from(w, "192.0.2.7", "bob", "builder").status, AUTH_TRY_LATER);
		assert_int_equal(login_from(w, "192.0.2.7", "alice", "wonderland").status, AUTH_OK);
		authd_free(w->authd);
		world_start_authd(w);
		world_connect(w, WORLD_RIGHTS);
	}
	auth_folder_account(&w->folder, "alice@example.org", "looking-glass");
	apply(w);
	for (int i = 0; i < 2 * WORLD_BURST; i++) {
		char user[20];

		snprintf(user, sizeof(user), "user%d", i);
		login_from(w, "192.0.2.7", user, "guess");
	}
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "looking-glass").status, AUTH_TRY_LATER);
}

enum { CROWD = 1000 };

/* One guess of each address. */
static void flood(struct world *w, struct asked a[CROWD], size_t round)
{
	for (size_t i = 0; i < CROWD; i++) {
		char peer[40], password[20];
		struct auth_attempt t;

		snprintf(peer, sizeof(peer), "10.0.%zu.%zu", i / 250, i % 250);
		snprintf(password, sizeof(password), "guess%zu", round * CROWD + i);
		t = attempt_of("alice", password);
		t.peer = peer;
		asked_login(w, &a[i], &t);
	}
}

/* A thousand addresses guess at once and fill the line: the owner goes before them, from a place that is known; and where
 * they have guessed before, from one that is not, too. Each answer comes, and no more hashes wait than may. */
static void test_crowd(void **state)
{
	struct world *w = *state;
	struct asked *a = calloc(CROWD, sizeof(*a)), owner, travels;
	struct auth_attempt t = attempt_of("alice", "wonderland");

	assert_non_null(a);
	w->policy.cache_ms = 0;
	apply(w);
	assert_int_equal(login_from(w, "192.0.2.7", "alice", "wonderland").status, AUTH_OK);
	for (size_t round = 0; round < 3; round++) {
		size_t wrong = 0, later = 0;

		w->policy.hash_queue = round == 0 ? CROWD : 64;
		apply(w);
		flood(w, a, round);
		t.peer = "192.0.2.7";
		asked_login(w, &owner, &t);
		t.peer = round == 0 ? "192.0.2.7" : "203.0.113.9";
		asked_login(w, &travels, &t);
		world_wait(w);
		assert_int_equal(owner.status, AUTH_OK);
		assert_int_equal(travels.status, AUTH_OK);
		for (size_t i = 0; i < CROWD; i++) {
			wrong += a[i].status == AUTH_WRONG;
			later += a[i].status == AUTH_TRY_LATER;
		}
		assert_int_equal(wrong + later, CROWD);
		assert_int_equal(later > 0, round > 0);
	}
	free(a);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays),	     cmocka_unit_test(test_what_costs_nothing), cmocka_unit_test(test_many_pairs),
		cmocka_unit_test(test_seen_text),    cmocka_unit_test(test_seen_changes),	ROW(test_one_network),
		cmocka_unit_test(test_seen_text),    cmocka_unit_test(test_seen_changes),	ROW(test_remembered),
		ROW(test_stale_password),	     ROW(test_known_place),			ROW(test_crowd),
	};

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_limits");
}
