/*
 * auth_world.h - a daemon's client and authd, at the two ends of a socket pair in one loop,
 * with a folder of accounts: alice (wonderland), bob (builder), list (no password), and the alias
 * team, all in example.org.
 */
#ifndef TESTS_AUTH_WORLD_H
#define TESTS_AUTH_WORLD_H

#include <uv.h>

#include "auth/auth.h"
#include "auth/authd/authd.h"
#include "common/proc/control.h"
#include "tests/unit/auth_folder.h"

enum { WORLD_RIGHTS = CONTROL_RIGHT_DELIVER | CONTROL_RIGHT_LOGIN | CONTROL_RIGHT_EXTERNAL };	/* smtpd's */

enum { WORLD_BURST = 50, WORLD_STEP_MS = 6000 };	/* guesses of an address */

extern const uint8_t world_key[STORE_TOKEN_KEY];

struct world {
	uv_loop_t loop;
	uv_timer_t tick;		/* so that one turn of the loop never waits for long */
	uint64_t ends_ms;		/* a test that hangs */
	struct auth_folder folder;
	struct authd_policy policy;
	struct authd *authd;
	struct auth *client;
	bool exempt;
	char revoked[400];		/* accounts, a space behind each */
	char log[20000];
	size_t open;			/* questions without an answer */
};

/* One question and what came of it. */
struct asked {
	struct world *w;
	int done;
	enum auth_status status;
	struct auth_grant grant;
	char targets[400];
	char remotes[1000];	/* "sender>address " */
	char words[AUTH_WORDS_MAX];
	uint64_t after_ms;
};

int world_set_up(void **state);
int world_tear_down(void **state);

void world_start_authd(struct world *w);
/* A fresh socket between the two. */
void world_connect(struct world *w, unsigned rights);
/* Runs the loop until each question has its answer. */
void world_wait(struct world *w);

void asked_begin(struct world *w, struct asked *a);
void asked_on_login(void *arg, enum auth_status status, const struct auth_grant *grant);
void asked_on_resolved(void *arg, enum auth_status status, const struct auth_resolved *r);
void asked_on_owned(void *arg, enum auth_status status);
void asked_on_rated(void *arg, enum auth_status status, const char *words);

struct auth_attempt attempt_of(const char *user, const char *password);
void asked_login(struct world *w, struct asked *a, const struct auth_attempt *t);
/* Asks and waits for the answer. */
struct asked world_login(struct world *w, const char *user, const char *password);

#endif
