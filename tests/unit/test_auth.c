/* test_auth.c - the client: asked again, refused, cancelled, freed.
 * link: tests/unit/auth_folder.o tests/unit/auth_world.o auth/authd auth storage sasl common/ipc common/base */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/unit/auth_world.h"

/* authd dies with questions outstanding; its successor answers them. */
static void test_restart(void **state)
{
	enum { MANY = 20 };
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wonderland");
	struct asked logins_asked[MANY], resolved[MANY];

	w->policy.cache_ms = 0;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (size_t i = 0; i < MANY; i++) {
		asked_login(w, &logins_asked[i], &t);
		asked_begin(w, &resolved[i]);
		auth_resolve(w->client, span_of("team@example.org"), span_of(""), asked_on_resolved, &resolved[i]);
	}
	uv_run(&w->loop, UV_RUN_NOWAIT);
	authd_free(w->authd);
	for (int i = 0; i < 20; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_true(w->open > 0);
	world_start_authd(w);
	world_connect(w, WORLD_RIGHTS);
	world_wait(w);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(logins_asked[i].done + resolved[i].done, 2);
		assert_int_equal(logins_asked[i].status, AUTH_OK);
		assert_int_equal(resolved[i].status, AUTH_OK);
		assert_string_equal(resolved[i].targets, "alice@example.org bob@example.org ");
	}
}

/* Asked before there is a socket at all. */
static void test_before_the_socket(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wonderland");
	struct asked a;

	asked_login(w, &a, &t);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(a.done, 0);
	world_connect(w, WORLD_RIGHTS);
	world_wait(w);
	assert_int_equal(a.status, AUTH_OK);
}

static void test_authd_stays_away(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wonderland");
	struct asked a, b;

	auth_wait(w->client, 100);
	asked_login(w, &a, &t);
	asked_begin(w, &b);
	auth_resolve(w->client, span_of("bob@example.org"), span_of(""), asked_on_resolved, &b);
	world_wait(w);
	assert_int_equal(a.status, AUTH_TRY_LATER);
	assert_int_equal(b.status, AUTH_TRY_LATER);
	assert_in_range(a.after_ms, 90, 5000);
	assert_non_null(strstr(w->log, "authd gives no answer questions=")); /* 2, or 1 and 1 */
}

static void test_cancel(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wonderland");
	struct asked forgotten[3] = { { .w = w }, { .w = w }, { .w = w } }, a;
	uint64_t numbers[3];

	w->policy.delay_ms = 100;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (int i = 0; i < 3; i++)
		numbers[i] = auth_login(w->client, &t, asked_on_login, &forgotten[i]);
	auth_cancel(w->client, numbers[1]);
	auth_cancel(w->client, numbers[0]);
	auth_cancel(w->client, numbers[2]);
	auth_cancel(w->client, numbers[2]);
	t.password = span_of("wrong");
	numbers[0] = auth_login(w->client, &t, asked_on_login, &forgotten[0]);
	for (int i = 0; i < 30 && strstr(w->log, "reason=password") == NULL; i++)
		uv_run(&w->loop, UV_RUN_ONCE);
	auth_cancel(w->client, numbers[0]); /* its answer is being held back */
	t.password = span_of("Wrong");
	asked_login(w, &a, &t); /* answered behind it */
	world_wait(w);
	assert_int_equal(a.status, AUTH_WRONG);
	for (int i = 0; i < 3; i++)
		assert_int_equal(forgotten[i].done, 0);
}

static void test_too_many_open(void **state)
{
	struct world *w = *state;
	struct asked *a = calloc(AUTH_OPEN + 2, sizeof(*a));
	struct auth_attempt t = attempt_of("alice", "wonderland");

	for (size_t i = 0; i < AUTH_OPEN + 2; i++)
		asked_login(w, &a[i], &t);
	while (a[AUTH_OPEN].done == 0 || a[AUTH_OPEN + 1].done == 0)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(a[AUTH_OPEN].status, AUTH_TRY_LATER);
	assert_int_equal(w->open, AUTH_OPEN);
	auth_free(w->client);
	assert_int_equal(auth_new(&w->client, &w->loop, NULL), 0);
	for (size_t i = 0; i < 5; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(w->open, AUTH_OPEN);
	free(a);
}

static void on_login_then_free(void *arg, enum auth_status status, const struct auth_grant *grant)
{
	struct asked *a = arg;

	asked_on_login(arg, status, grant);
	auth_free(a->w->client);
	a->w->client = NULL;
}

static void test_free_inside_a_completion(void **state)
{
	struct world *w = *state;
	struct auth_attempt t = attempt_of("alice", "wonderland");
	struct asked a, never = { .w = w };

	w->policy.delay_ms = 50;
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	asked_begin(w, &a);
	auth_login(w->client, &t, on_login_then_free, &a);
	t.password = span_of("wrong"); /* answered later */
	auth_login(w->client, &t, asked_on_login, &never);
	world_wait(w);
	for (int i = 0; i < 50; i++)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(never.done, 0);
}

static void resolve(struct world *w, struct asked *a, const char *address, const char *sender)
{
	asked_begin(w, a);
	assert_true(auth_resolve(w->client, span_of(address), span_of(sender), asked_on_resolved, a) > 0);
	world_wait(w);
}

/* The key is made when the first address leads elsewhere, and is the same one after a restart. */
static void test_forwarding(void **state)
{
	struct world *w = *state;
	char address[400];
	struct stat st;
	struct asked a;

	world_connect(w, WORLD_RIGHTS);
	assert_int_equal(fstatat(w->folder.fd, "srs.key", &st, 0), -1);
	auth_folder_forward(&w->folder, "bob@example.org", "Bob@home.example", true);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_int_equal(fstatat(w->folder.fd, "srs.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	resolve(w, &a, "team@example.org", "x@sender.example");
	assert_string_equal(a.targets, "alice@example.org bob@example.org ");
	assert_memory_equal(a.remotes, "SRS0=", 5);
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(a.remotes, ">"), a.remotes);
	assert_string_equal(a.remotes + strlen(address), ">Bob@home.example ");
	authd_free(w->authd);
	world_start_authd(w);
	world_connect(w, WORLD_RIGHTS);
	resolve(w, &a, address, "");
	assert_int_equal(a.status, AUTH_OK);
	assert_string_equal(a.remotes, ">x@sender.example ");
	address[5] = address[5] == 'A' ? 'B' : 'A';
	resolve(w, &a, address, "");
	assert_int_equal(a.status, AUTH_NO_USER);
}

static void rate(struct world *w, struct asked *a, const char *account, unsigned recipients)
{
	asked_begin(w, a);
	assert_true(auth_rate(w->client, account, recipients, asked_on_rated, a) > 0);
	world_wait(w);
}

static void test_rates(void **state)
{
	struct world *w = *state;
	struct asked a;

	w->policy.rates = (struct rate_limits){ .messages = { 2, 0 } };
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
	for (int i = 0; i < 3; i++) {
		rate(w, &a, "alice@example.org", 1);
		assert_int_equal(a.status, i < 2 ? AUTH_OK : AUTH_OVER_RATE);
	}
	assert_memory_equal(a.words, "2 messages an hour are this account's limit; again from 20", 55);
	rate(w, &a, "bob@example.org", 1);
	assert_int_equal(a.status, AUTH_OK);
	assert_string_equal(a.words, "");
	rate(w, &a, "nobody@example.org", 1);
	assert_int_equal(a.status, AUTH_NO_USER);
	world_connect(w, CONTROL_RIGHT_LOGIN);
	rate(w, &a, "bob@example.org", 1);
	assert_int_equal(a.status, AUTH_REFUSED);
	auth_wait(w->client, 50);
	auth_attach(w->client, -1);
	rate(w, &a, "bob@example.org", 1);
	assert_int_equal(a.status, AUTH_TRY_LATER);
	assert_string_equal(a.words, "");
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_restart), ROW(test_before_the_socket), ROW(test_authd_stays_away),
		ROW(test_cancel),  ROW(test_too_many_open),     ROW(test_free_inside_a_completion),
		ROW(test_forwarding), ROW(test_rates),
	};

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth");
}
