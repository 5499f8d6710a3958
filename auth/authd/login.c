/* login.c - one login, from the question to its answer. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts_app.h"
#include "auth/authd/external.h"
#include "auth/authd/keys.h"
#include "auth/authd/limits.h"
#include "auth/authd/login.h"
#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/proc/control.h"

enum {
	TOKEN_LIFE_S = 7 * 86400,
	APP_NOTED_S = 60,		/* the last use of an app password: no more often */
	DELAYED_MAX = 1024,             /* answers held back at a time */
	ANSWER_MS = AUTH_WAIT_MS - 3000 /* an answer that comes later meets nobody */
};

/* One word, whatever was sent: nothing in it can pass for another key=value. */
static void show(char *out, size_t size, struct span s)
{
	char plain[200];
	size_t used = 0;

	escape_text(plain, sizeof(plain), s);
	for (const char *c = plain; *c != '\0' && used + 5 < size; c++) {
		if (*c != ' ') {
			out[used++] = *c;
			continue;
		}
		memcpy(out + used, "\\x20", 4);
		used += 4;
	}
	out[used] = '\0';
}

static void unlink_login(struct login *l)
{
	if (l->before != NULL)
		l->before->next = l->next;
	else
		l->peer->logins = l->next;
	if (l->next != NULL)
		l->next->before = l->before;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void login_forget_password(struct login *l)
{
	if (l->password.p != NULL)
		explicit_bzero((void *)l->password.p, l->password.n);
	free((void *)l->password.p);
	l->password = (struct span){ NULL, 0 };
}

/* Off its peer's list, with all that is under way. */
static void login_free(struct login *l)
{
	unlink_login(l);
	if (l->job != NULL)
		hash_job_cancel(l->job);
	sodium_memzero(&l->key, sizeof(l->key));
	login_forget_password(l);
	talk_free(l->talk);
	l->talk = NULL;
	if (!l->held) {
		free(l);
		return;
	}
	l->peer->d->delayed--;
	uv_close((uv_handle_t *)&l->timer, on_closed);
}

void logins_cancel(struct peer *p)
{
	while (p->logins != NULL)
		login_free(p->logins);
}

void login_cancel(struct peer *p, uint64_t number)
{
	struct login *l = p->logins;

	while (l != NULL && l->number != number)
		l = l->next;
	if (l != NULL)
		login_free(l);
}

static const struct {
	const char *service;
	uint32_t rights;
} service_rights[] = {
	{ "imap", STORE_RIGHT_READ },
	{ "pop3", STORE_RIGHT_POP },
};

/* What the token is good for. Who may deliver (smtpd) reads nothing, whatever service it
 * claims to be: a daemon has one of the two. */
static uint32_t rights_of(const struct login *l)
{
	if ((l->peer->rights & CONTROL_RIGHT_DELIVER) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(service_rights) / sizeof(service_rights[0]); i++)
		if (strcmp(l->service, service_rights[i].service) == 0)
			return service_rights[i].rights;
	return 0;
}

static void make_grant(const struct login *l, struct auth_grant *grant)
{
	struct store_grant g = { .rights = rights_of(l), .made_ms = clock_real_ms() };

	snprintf(grant->account, sizeof(grant->account), "%s", l->account);
	snprintf(g.account, sizeof(g.account), "%s", l->account);
	g.quota = resolve_quota(accounts_find(l->peer->d->accounts, l->account));
	g.ends_s = g.made_ms / 1000 + TOKEN_LIFE_S;
	randombytes_buf(&g.session, sizeof(g.session));
	store_token_make(&grant->token, l->peer->d->key, &g);
}

/* Sends the answer; l is gone then. */
static void answer(struct login *l, enum auth_status status)
{
	enum auth_wire_type type = l->talk != NULL ? AUTH_WIRE_PROOF_ANSWER : AUTH_WIRE_LOGIN_ANSWER;
	struct peer *p = l->peer;
	uint64_t number = l->number;
	struct auth_grant grant;
	struct buf b;

	if (status == AUTH_OK)
		make_grant(l, &grant);
	buf_init(&b, AUTH_WIRE_MAX);
	if (l->talk != NULL)
		talk_put_words(l->talk, status, &b);
	auth_wire_put_login_answer(&b, status, status == AUTH_OK ? &grant : NULL);
	login_free(l);
	peer_answer(p, type, number, &b);
	sodium_memzero(&grant, sizeof(grant));
}

static void on_held_long_enough(uv_timer_t *timer)
{
	struct login *l = timer->data;
	struct authd *d = l->peer->d;

	answer(l, l->status);
	peers_reap(d);
}

static uint64_t delay_of(const struct login *l)
{
	uint64_t delay = l->peer->d->policy.delay_ms, spent = uv_now(l->peer->d->loop) - l->began_ms;
	uint64_t most = spent < ANSWER_MS ? ANSWER_MS - spent : 0;

	return delay < most ? delay : most;
}

/* Answers after FailureDelay. Where too many wait already the answer is as good as none: a
 * flood of guesses learns nothing faster. */
static void answer_late(struct login *l, enum auth_status status)
{
	struct authd *d = l->peer->d;
	uint64_t delay = delay_of(l);

	if (delay == 0 || d->delayed >= DELAYED_MAX) {
		answer(l, delay == 0 ? status : AUTH_TRY_LATER);
		return;
	}
	l->held = true;
	l->status = status;
	d->delayed++;
	uv_timer_init(d->loop, &l->timer);
	l->timer.data = l;
	uv_timer_start(&l->timer, on_held_long_enough, delay, 0);
}

static void log_failed(const struct login *l, const char *reason)
{
	log_warn("login failed user=%s peer=%s service=%s mechanism=%s reason=%s", l->shown_user, l->shown_peer,
		 l->shown_service, l->shown_mechanism, reason);
}

void login_fail(struct login *l, enum auth_status status, const char *reason)
{
	l->peer->d->failed++;
	log_failed(l, reason);
	answer_late(l, status);
}

/* Who it is has been proved. how: for the log. */
void login_admit(struct login *l, const struct account *account, const char *how)
{
	struct authd *d = l->peer->d;

	if (!account->enabled) {
		d->failed++;
		log_failed(l, "disabled");
		answer(l, AUTH_DISABLED);
		return;
	}
	d->logins++;
	limits_note_place(l);
	log_info("login user=%s service=%s peer=%s mechanism=%s %s", l->account, l->shown_service, l->shown_peer,
		 l->shown_mechanism, how);
	answer(l, AUTH_OK);
}

static void note_app(const struct login *l, const struct account_app *app)
{
	struct authd *d = l->peer->d;
	int64_t now_s = clock_real_ms() / 1000;

	if (d->seen == NULL || now_s - seen_when(seen_file_data(d->seen), l->account, SEEN_APP, app->name) < APP_NOTED_S)
		return;
	seen_note(seen_file_data(d->seen), l->account, SEEN_APP, app->name, now_s);
	seen_file_changed(d->seen);
}

void login_admit_app(struct login *l, const struct account *account, const struct account_app *app)
{
	char how[ACCOUNTS_APP_NAME + 8];

	login_forget_password(l);
	snprintf(how, sizeof(how), "app=%s", app->name);
	if (app->expires_s > 0 && app->expires_s <= clock_real_ms() / 1000) {
		login_fail(l, AUTH_EXPIRED, "app-password-expired");
	} else if ((app->scope & accounts_scope_of(l->service)) == 0) {
		login_fail(l, AUTH_SCOPE, "app-password-not-for-this");
	} else if (!l->authzid_fits) {
		login_fail(l, AUTH_AUTHZID, "authzid");
	} else {
		if (account->enabled)
			note_app(l, app);
		login_admit(l, account, how);
	}
}

/* The password fits. The account may have changed while it was hashed. */
static void accept_password(struct login *l, const struct account *account, const char *how)
{
	struct authd *d = l->peer->d;

	if (l->password.n > 0 && account->enabled)
		keys_make(d, account, l->password);
	login_forget_password(l);
	login_was_right(l);
	if (d->policy.cache_ms > 0)
		cache_put(d->cache, &l->key, l->account, clock_mono_ms() + d->policy.cache_ms);
	if (l->authzid_fits)
		login_admit(l, account, how);
	else
		login_fail(l, AUTH_AUTHZID, "authzid");
}

const struct account *login_still_there(const struct login *l)
{
	const struct account *account = accounts_find(l->peer->d->accounts, l->account);

	return account != NULL && strcmp(account->password, l->stored) == 0 ? account : NULL;
}

/* Others came first: no verdict, and the line that made room for them goes on. */
static void answer_busy(struct login *l)
{
	login_was_not_looked_at(l);
	l->peer->d->busy++;
	log_failed(l, "busy");
	answer(l, AUTH_TRY_LATER);
}

static void on_hashed(void *arg, enum hash_verdict verdict)
{
	struct login *l = arg;
	struct authd *d = l->peer->d;
	const struct account *account = login_still_there(l);

	l->job = NULL;
	if (verdict == HASH_BUSY) {
		answer_busy(l);
		return;
	}
	if (verdict == HASH_MATCH && account != NULL) {
		accept_password(l, account, "cached=no");
	} else {
		if (verdict == HASH_NO_MATCH)
			guesses_wrong(d->guesses, &l->from.pair, l->from.password);
		login_fail(l, AUTH_WRONG,
			   *l->account == '\0'        ? l->nobody
			   : verdict == HASH_MATCH ? "changed-meanwhile"
						   : "password");
	}
	peers_reap(d);
}

/* What an unknown user's password is held against: the parameters are those of an account,
 * always the same one for a name, so that the time tells nothing. */
static void make_dummy(const struct authd *d, struct span user, char out[HASHER_STRING])
{
	char like[HASHER_STRING];
	size_t n = accounts_count(d->accounts);
	uint64_t h = 0;

	snprintf(like, sizeof(like), "$argon2id$v=19$m=%llu,t=%u,p=1$",
		 (unsigned long long)(d->policy.hash_memory / 1024), d->policy.hash_passes);
	crypto_shorthash((uint8_t *)&h, user.p, user.n, d->dummy_key);
	for (size_t i = 0; i < n && i < 8; i++) { /* accounts without a password are passed over */
		const char *password = accounts_at(d->accounts, (h + i) % n)->password;

		if (*password != '\0') {
			snprintf(like, sizeof(like), "%s", password);
			break;
		}
	}
	hasher_dummy(out, like);
}

static bool has_password(const struct account *account)
{
	return account != NULL && *account->password != '\0' && !account->app_only;
}

/* The peer is told none of this. */
static const char *why_nobody(const struct account *account)
{
	if (account == NULL)
		return "no-such-user";
	if (account->app_only)
		return "app-passwords-only";
	return *account->password == '\0' ? "no-password" : "password";
}

/* Fills in who it is. False: nobody; then the password is held against a dummy. */
static bool identify(struct login *l, const struct auth_wire_login *asked)
{
	const struct authd *d = l->peer->d;
	const struct account *account = resolve_user(d->accounts, &d->policy.rules, asked->user);

	l->authzid_fits =
	    asked->authzid.n == 0 || resolve_user(d->accounts, &d->policy.rules, asked->authzid) == account;
	if (!has_password(account) || asked->password.n > ACCOUNTS_PASSWORD_MAX) {
		l->nobody = why_nobody(account);
		make_dummy(d, asked->user, l->stored);
	} else {
		snprintf(l->account, sizeof(l->account), "%s", account->address);
		snprintf(l->stored, sizeof(l->stored), "%s", account->password);
	}
	cache_key(d->cache, &l->key, l->account, l->stored, asked->password);
	memcpy(&l->from.password, l->key.bytes, sizeof(l->from.password));
	login_names(l, asked->user);
	return *l->account != '\0';
}

/* For the log: the one who says who he is, or what his certificate says. */
static struct span user_of(const struct auth_wire_login *asked)
{
	struct span names = asked->names;

	if (asked->user.n > 0 || strcmp(asked->mechanism, AUTH_EXTERNAL) != 0)
		return asked->user;
	if (asked->authzid.n > 0)
		return asked->authzid;
	return names.n > 0 ? span_take_until(&names, '\n') : span_of(asked->fingerprint);
}

struct login *login_new(struct peer *p, uint64_t number, const struct auth_wire_login *asked)
{
	struct login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->peer = p;
	l->number = number;
	l->began_ms = uv_now(p->d->loop);
	snprintf(l->service, sizeof(l->service), "%s", asked->service);
	show(l->shown_user, sizeof(l->shown_user), user_of(asked));
	show(l->shown_peer, sizeof(l->shown_peer), span_of(asked->peer));
	show(l->shown_service, sizeof(l->shown_service), span_of(asked->service));
	show(l->shown_mechanism, sizeof(l->shown_mechanism), span_of(asked->mechanism));
	limits_from(l, asked->peer);
	l->next = p->logins;
	if (l->next != NULL)
		l->next->before = l;
	p->logins = l;
	return l;
}

static void hash(struct login *l, struct span password)
{
	struct authd *d = l->peer->d;

	if (password.n > ACCOUNTS_PASSWORD_MAX)
		password.n = ACCOUNTS_PASSWORD_MAX; /* for a dummy */
	l->job = hasher_submit(d->hasher, l->from.rank, l->stored, password, on_hashed, l);
	if (l->job == NULL)
		answer_busy(l);
}

/* Where keys for SCRAM are missing they can be made as soon as the password is known to be right. */
static void keep_password(struct login *l, struct span password)
{
	uint8_t *kept = keys_missing(l->peer->d, login_still_there(l)) ? malloc(password.n + 1) : NULL;

	if (kept == NULL)
		return;
	if (password.n > 0)
		memcpy(kept, password.p, password.n);
	l->password = (struct span){ kept, password.n };
}

/* Cheap enough to be looked at before any limit: what has 115 bits is not found by looking. False: it is none. */
static bool is_app_password(struct login *l, const struct auth_wire_login *asked)
{
	const struct authd *d = l->peer->d;
	const struct account *account = resolve_user(d->accounts, &d->policy.rules, asked->user);
	const struct account_app *app = account != NULL ? accounts_app_find(account, asked->password) : NULL;

	if (app == NULL)
		return false;
	snprintf(l->account, sizeof(l->account), "%s", account->address);
	l->authzid_fits =
	    asked->authzid.n == 0 || resolve_user(d->accounts, &d->policy.rules, asked->authzid) == account;
	login_admit_app(l, account, app);
	return true;
}

static void begin_password(struct login *l, const struct auth_wire_login *asked)
{
	struct authd *d = l->peer->d;

	if (is_app_password(l, asked))
		return;
	if (identify(l, asked))
		keep_password(l, asked->password);
	if (!login_take_guess(l))	/* what is remembered is no way around the limits */
		return;
	if (*l->account != '\0' && cache_has(d->cache, &l->key, clock_mono_ms())) {
		d->cached++;
		accept_password(l, login_still_there(l), "cached=yes");
	} else {
		hash(l, asked->password);
	}
}

/* The certificate was verified by who asks: there is nothing to hash, and a right one costs no
 * guess. A wrong one does: an authzid could be one. */
static void begin_external(struct login *l, const struct auth_wire_login *asked)
{
	const struct authd *d = l->peer->d;
	struct external e = external_find(d->accounts, &d->policy.rules, asked);
	char how[32];

	if (e.account != NULL) {
		snprintf(l->account, sizeof(l->account), "%s", e.account->address);
		snprintf(how, sizeof(how), "by=%s", e.by);
		login_admit(l, e.account, how);
		return;
	}
	login_names(l, user_of(asked));
	if (login_take_guess(l))
		login_fail(l, e.named ? AUTH_AUTHZID : AUTH_WRONG, e.named ? "authzid" : "no-such-user");
}

void login_begin(struct peer *p, uint64_t number, const struct auth_wire_login *asked)
{
	struct login *l = login_new(p, number, asked);
	struct buf b;

	if (l == NULL) {
		buf_init(&b, AUTH_WIRE_MAX);
		auth_wire_put_login_answer(&b, AUTH_TRY_LATER, NULL);
		peer_answer(p, AUTH_WIRE_LOGIN_ANSWER, number, &b);
		return;
	}
	if (strcmp(asked->mechanism, AUTH_EXTERNAL) == 0)
		begin_external(l, asked);
	else
		begin_password(l, asked);
}
