/* auth_world.c - the contract is in auth_world.h. */
#include "tests/unit/auth_world.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "tests/unit/unit.h"

enum { LIMIT_MS = 20000 };

const uint8_t world_key[STORE_TOKEN_KEY] = "a key of tokens, for a test only";

static void on_log(void *arg, const char *line)
{
	struct world *w = arg;
	size_t used = strlen(w->log);

	snprintf(w->log + used, sizeof(w->log) - used, "%s\n", line);
}

static void on_revoke(void *arg, const char *account)
{
	struct world *w = arg;
	size_t used = strlen(w->revoked);

	snprintf(w->revoked + used, sizeof(w->revoked) - used, "%s ", account);
}

static bool is_exempt(void *arg, const char *address)
{
	struct world *w = arg;

	(void)address;
	return w->exempt;
}

static void on_tick(uv_timer_t *t)
{
	struct world *w = t->data;

	if (clock_mono_ms() > w->ends_ms)
		fail_msg("no end within %d ms", LIMIT_MS);
}

void world_start_authd(struct world *w)
{
	const struct authd_handlers h = { .revoke = on_revoke, .exempt = is_exempt, .arg = w };

	assert_int_equal(authd_new(&w->authd, &w->loop, world_key, &h, NULL), 0);
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
}

void world_connect(struct world *w, unsigned rights)
{
	int ends[2];

	assert_int_equal(ipc_pair(ends, NULL), 0);
	authd_peer(w->authd, rights, "test", ends[0]);
	auth_attach(w->client, ends[1]);
}

int world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	uv_loop_init(&w->loop);
	uv_timer_init(&w->loop, &w->tick);
	w->tick.data = w;
	w->ends_ms = clock_mono_ms() + LIMIT_MS;
	uv_timer_start(&w->tick, on_tick, 5, 5);
	log_to_function(on_log, w);
	auth_folder_make(&w->folder);
	auth_folder_domain(&w->folder, "example.org");
	auth_folder_account(&w->folder, "alice@example.org", "wonderland");
	auth_folder_account(&w->folder, "bob@example.org", "builder");
	auth_folder_account(&w->folder, "list@example.org", NULL);
	auth_folder_alias(&w->folder, "team@example.org", "alice@example.org bob@example.org");
	w->policy = (struct authd_policy){ .rules = { .delimiter = "+" },
					   .hash_memory = 8192,
					   .hash_passes = 1,
					   .hash_queue = 256,
					   .cache_ms = 60000,
					   .by_address = { WORLD_BURST, WORLD_STEP_MS },
					   .by_account = { 5, 2000, 900000 },
					   .place_ms = 90ULL * 86400 * 1000 };
	world_start_authd(w);
	assert_int_equal(auth_new(&w->client, &w->loop, NULL), 0);
	*state = w;
	return 0;
}

int world_tear_down(void **state)
{
	struct world *w = *state;

	auth_free(w->client);
	authd_free(w->authd);
	uv_close((uv_handle_t *)&w->tick, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	log_to_function(NULL, NULL);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	auth_folder_remove(&w->folder);
	free(w);
	return 0;
}

/* Runs the loop until each question has its answer. */
void world_wait(struct world *w)
{
	while (w->open > 0)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static void done(struct asked *a, enum auth_status status)
{
	a->done++;
	a->status = status;
	a->after_ms = clock_mono_ms() - a->after_ms;
	a->w->open--;
}

void asked_on_login(void *arg, enum auth_status status, const struct auth_grant *grant)
{
	struct asked *a = arg;

	assert_int_equal(grant != NULL, status == AUTH_OK);
	if (grant != NULL)
		a->grant = *grant;
	done(a, status);
}

void asked_on_resolved(void *arg, enum auth_status status, const struct auth_resolved *r)
{
	struct asked *a = arg;
	size_t used = 0;

	assert_int_equal(r->count + r->remote_count > 0, status == AUTH_OK);
	for (size_t i = 0; i < r->count; i++)
		used +=
		    (size_t)snprintf(a->targets + used, sizeof(a->targets) - used, "%s ", r->targets[i].account);
	used = 0;
	for (size_t i = 0; i < r->remote_count; i++)
		used += (size_t)snprintf(a->remotes + used, sizeof(a->remotes) - used, "%s>%s ",
					 r->remotes[i].sender, r->remotes[i].address);
	done(a, status);
}

void asked_on_owned(void *arg, enum auth_status status)
{
	done(arg, status);
}

void asked_on_rated(void *arg, enum auth_status status, const char *words)
{
	struct asked *a = arg;

	snprintf(a->words, sizeof(a->words), "%s", words);
	done(a, status);
}

void asked_begin(struct world *w, struct asked *a)
{
	uv_update_time(&w->loop);	/* set_up took a while */
	*a = (struct asked){ .w = w, .after_ms = clock_mono_ms() };
	w->open++;
}

struct auth_attempt attempt_of(const char *user, const char *password)
{
	return (struct auth_attempt){ .service = "imap",
				      .peer = "192.0.2.7",
				      .user = span_of(user),
				      .password = span_of(password),
				      .mechanism = "PLAIN",
				      .fingerprint = "",
				      .names = "" };
}

void asked_login(struct world *w, struct asked *a, const struct auth_attempt *t)
{
	asked_begin(w, a);
	assert_true(auth_login(w->client, t, asked_on_login, a) > 0);
	assert_int_equal(a->done, 0);
}

struct asked world_login(struct world *w, const char *user, const char *password)
{
	struct auth_attempt t = attempt_of(user, password);
	struct asked a;

	asked_login(w, &a, &t);
	world_wait(w);
	assert_int_equal(a.done, 1);
	return a;
}
