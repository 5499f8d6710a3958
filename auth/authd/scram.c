/* scram.c - the contract is in scram.h. */
#include "auth/authd/scram.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts_app.h"
#include "auth/accounts_name.h"
#include "auth/authd/keys.h"
#include "auth/authd/login.h"
#include "common/base/base64.h"

enum {
	TALKS = 4096,		/* of one daemon at a time */
	NONCE = 18,		/* bytes of ours */
	MESSAGE = 32 << 10
};

struct talk {
	enum scram_hash hash;
	struct scram_keys keys;
	bool real;		/* they are the account's, or an app password's of it */
	bool own;		/* the account's own password is good, too */
	struct buf message;	/* RFC 5802 3: AuthMessage, as far as it has come */
	bool asked, proved;	/* the proof has come; it is good */
	uint8_t signature[SCRAM_KEY_MAX];
};

void talk_free(struct talk *t)
{
	if (t == NULL)
		return;
	buf_clear(&t->message);
	explicit_bzero(t, sizeof(*t));
	free(t);
}

void talk_put_words(const struct talk *t, enum auth_status status, struct buf *b)
{
	struct buf words;

	buf_init(&words, 256);
	if (status == AUTH_OK) {
		buf_put_text(&words, "v=");
		base64_encode(&words, (struct span){ t->signature, scram_hash_size(t->hash) });
	} else if (status != AUTH_TRY_LATER) {	/* good, but not for this: the protocol has the words */
		buf_put_text(&words, status == AUTH_WRONG ? "e=invalid-proof" : "e=other-error");
	}
	auth_wire_put_proof_answer_words(b, buf_span(&words));
	buf_clear(&words);
}

/* --- whose keys ------------------------------------------------------------ */

/* The user's name as it would be kept, so that no way to write it has a salt of its own. */
static void name_of(const struct authd *d, struct span user, char out[ACCOUNTS_ADDRESS_MAX + ACCOUNTS_DOMAIN_MAX])
{
	const char *domain = d->policy.rules.default_domain;
	char folded[ACCOUNTS_ADDRESS_MAX];

	if (!accounts_name_fold(folded, sizeof(folded), user))
		folded[0] = '\0';
	if (*domain == '\0' && accounts_domain_count(d->accounts) > 0)
		domain = accounts_domain_at(d->accounts, 0);
	snprintf(out, ACCOUNTS_ADDRESS_MAX + ACCOUNTS_DOMAIN_MAX, "%s%s%s", folded, strchr(folded, '@') != NULL ? "" : "@",
		 strchr(folded, '@') != NULL ? "" : domain);
}

/* As many as another account has, always the same one for a name: they are not all the policy's after
 * it was changed. */
static uint32_t rounds_like(const struct authd *d, enum scram_hash hash, uint64_t pick)
{
	size_t n = accounts_count(d->accounts);

	for (size_t i = 0; i < n && i < 8; i++) {
		const struct account *a = accounts_at(d->accounts, (pick + i) % n);

		if (a->scram[hash] != NULL)
			return a->scram[hash]->iterations;
	}
	return d->policy.scram_rounds;
}

static void make_unknown(const struct authd *d, struct talk *t, const char *name)
{
	uint8_t bytes[64];
	crypto_generichash_state st;
	uint64_t pick;

	crypto_generichash_init(&st, d->salt_key, sizeof(d->salt_key), sizeof(bytes));
	crypto_generichash_update(&st, (const uint8_t *)scram_hash_name(t->hash), strlen(scram_hash_name(t->hash)) + 1);
	crypto_generichash_update(&st, (const uint8_t *)name, strlen(name));
	crypto_generichash_final(&st, bytes, sizeof(bytes));
	memcpy(&pick, bytes + SCRAM_SALT_NEW, sizeof(pick));
	t->keys = (struct scram_keys){ .iterations = rounds_like(d, t->hash, pick), .salt_n = SCRAM_SALT_NEW };
	memcpy(t->keys.salt, bytes, SCRAM_SALT_NEW);
	randombytes_buf(t->keys.stored, sizeof(t->keys.stored));
	randombytes_buf(t->keys.server, sizeof(t->keys.server));
}

static void identify(struct login *l, const struct auth_wire_login *asked)
{
	const struct authd *d = l->peer->d;
	const struct account *account = resolve_user(d->accounts, &d->policy.rules, asked->user);
	char name[ACCOUNTS_ADDRESS_MAX + ACCOUNTS_DOMAIN_MAX];
	const struct scram_keys *own, *shared;
	struct talk *t = l->talk;

	l->authzid_fits =
	    asked->authzid.n == 0 || resolve_user(d->accounts, &d->policy.rules, asked->authzid) == account;
	if (account != NULL)
		snprintf(l->account, sizeof(l->account), "%s", account->address);
	own = account != NULL && *account->password != '\0' ? account->scram[t->hash] : NULL;
	shared = account != NULL ? accounts_app_keys(account, t->hash) : NULL;
	t->real = own != NULL || shared != NULL;
	if (t->real) {
		snprintf(l->stored, sizeof(l->stored), "%s", account->password);
		t->keys = own != NULL ? *own : *shared;
		t->own = own != NULL && !account->app_only;
		return;
	}
	name_of(d, account != NULL ? span_of(account->address) : asked->user, name);
	make_unknown(d, t, name);
}

/* --- the conversation ------------------------------------------------------ */

/* RFC 5802 7: server-first-message, kept behind the client's. */
static struct span challenge_put(struct talk *t, const struct auth_wire_login *asked)
{
	uint8_t nonce[NONCE];
	size_t at;

	buf_init(&t->message, MESSAGE);
	buf_put(&t->message, asked->bare);
	buf_put_text(&t->message, ",");
	at = t->message.n;
	randombytes_buf(nonce, sizeof(nonce));
	buf_put_text(&t->message, "r=");
	buf_put(&t->message, asked->nonce);
	base64_encode(&t->message, (struct span){ nonce, sizeof(nonce) });
	buf_put_text(&t->message, ",s=");
	base64_encode(&t->message, (struct span){ t->keys.salt, t->keys.salt_n });
	buf_printf(&t->message, ",i=%u", t->keys.iterations);
	return t->message.failed ? (struct span){ NULL, 0 } : (struct span){ t->message.p + at, t->message.n - at };
}

static void answer_challenge(struct peer *p, uint64_t number, struct span challenge)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_scram_answer(&b, challenge.n > 0 ? AUTH_OK : AUTH_TRY_LATER, challenge);
	peer_answer(p, AUTH_WIRE_SCRAM_ANSWER, number, &b);
}

static size_t talks_of(const struct peer *p)
{
	size_t n = 0;

	for (const struct login *l = p->logins; l != NULL && n < TALKS; l = l->next)
		n += l->talk != NULL;
	return n;
}

void scram_begin(struct peer *p, uint64_t number, const struct auth_wire_login *asked)
{
	struct login *l = talks_of(p) < TALKS ? login_new(p, number, asked) : NULL;
	struct span challenge = { NULL, 0 };

	if (l != NULL)
		l->talk = calloc(1, sizeof(*l->talk));
	if (l != NULL && l->talk != NULL && scram_hash_of(span_of(asked->mechanism), &l->talk->hash)) {
		identify(l, asked);
		login_names(l, asked->user);
		challenge = challenge_put(l->talk, asked);
	}
	answer_challenge(p, number, challenge);
	if (challenge.n == 0)
		login_cancel(p, number);
}

/* The app password that the proof is made with, or NULL. All are tried: the time tells nothing. */
static const struct account_app *proved_app(struct talk *t, const struct account *account, struct span proof)
{
	const struct account_app *found = NULL;

	for (size_t i = 0; i < account->app_count; i++) {
		const struct scram_keys *k = &account->apps[i].scram[t->hash];
		uint8_t signature[SCRAM_KEY_MAX];

		if (k->iterations == 0 || !scram_keys_check(k, t->hash, buf_span(&t->message), proof, signature))
			continue;
		memcpy(t->signature, signature, sizeof(t->signature));
		found = &account->apps[i];
	}
	return found;
}

static void judge(struct login *l, struct span final, struct span proof)
{
	const struct account *account = l->talk->real ? login_still_there(l) : NULL;
	const struct account_app *app = NULL;
	struct talk *t = l->talk;
	bool own;

	buf_put_text(&t->message, ",");
	buf_put(&t->message, final);
	own = scram_keys_check(&t->keys, t->hash, buf_span(&t->message), proof, t->signature) && account != NULL && t->own;
	if (!own && account != NULL)
		app = proved_app(t, account, proof);
	t->proved = (own || app != NULL) && !t->message.failed;
	if (!t->proved) {
		login_fail(l, AUTH_WRONG, t->real ? "password" : *l->account != '\0' ? "no-keys" : "no-such-user");
		return;
	}
	login_was_right(l);
	if (app != NULL)
		login_admit_app(l, account, app);
	else if (l->authzid_fits)
		login_admit(l, account, "cached=no");
	else
		login_fail(l, AUTH_AUTHZID, "authzid");
}

static void answer_lost(struct peer *p, uint64_t number)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_proof_answer(&b, AUTH_TRY_LATER, (struct span){ NULL, 0 }, NULL);
	peer_answer(p, AUTH_WIRE_PROOF_ANSWER, number, &b);
}

void scram_prove(struct peer *p, uint64_t number, uint64_t scram, struct span final, struct span proof)
{
	struct login *l = p->logins;

	while (l != NULL && (l->number != scram || l->talk == NULL || l->talk->asked))
		l = l->next;
	if (l == NULL) {	/* begun with an authd that was restarted since */
		answer_lost(p, number);
		return;
	}
	l->talk->asked = true;
	l->number = number;
	l->began_ms = uv_now(p->d->loop);
	if (login_take_guess(l))
		judge(l, final, proof);
}

/* --- whether to offer it --------------------------------------------------- */

/* The hashes that all passwords of the account have keys for. */
static unsigned hashes_of(const struct account *a)
{
	unsigned has = 0;

	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++)
		has |= a->scram[h] != NULL || a->app_only || *a->password == '\0' ? 1u << h : 0;
	for (size_t i = 0; i < a->app_count; i++)
		for (enum scram_hash h = 0; h < SCRAM_HASHES; h++)
			if (a->apps[i].scram[h].iterations == 0)
				has &= ~(1u << h);
	return has;
}

/* Who has no password is not asked. Where nobody has one yet the first one's keys will be made with his
 * password: a site without accounts shows what it will show then. */
unsigned scram_hashes(const struct authd *d)
{
	unsigned all = d->policy.scram_hashes, some = 0;
	size_t asked = 0;

	for (size_t i = 0; i < accounts_count(d->accounts); i++) {
		const struct account *a = accounts_at(d->accounts, i);

		if (!a->enabled || (a->app_count == 0 && (*a->password == '\0' || a->app_only)))
			continue;
		asked++;
		all &= hashes_of(a);
		some |= hashes_of(a);
	}
	if (asked > 0 && some == 0)
		return 0;
	return d->policy.scram_any ? d->policy.scram_hashes : all;
}

void scram_tell(struct peer *p)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_news(&b, p->d->scram_told);
	peer_answer(p, AUTH_WIRE_NEWS, 0, &b);
}

void scram_tell_all(struct authd *d)
{
	unsigned now = scram_hashes(d);

	if (now == d->scram_told)
		return;
	d->scram_told = now;
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		scram_tell(p);
}
