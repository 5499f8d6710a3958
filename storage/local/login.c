/* login.c - logins, the POP lock, watching, revocation; the contracts are in store.h and local.h. */
#include "storage/local/login.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/inner.h"

/* --- coming in ------------------------------------------------------------- */

struct opening {
	struct call call;
	store_login_done done;
	struct store_grant grant;
	enum store_status status; /* what was found out at once */
	struct account *account;  /* held */
	struct after after;
	struct turn turn;
};

/* When the account's tokens were last revoked; 0: never. */
static int64_t revoked_at(struct local *s, const char *account)
{
	struct span value;
	uint64_t ms;
	struct key k;

	key_named(&k, KEY_REVOKED, span_of(account));
	if (kv_get(s->kv, key_span(&k), &value) < 0 || !number_decode(value, &ms))
		return 0;
	return (int64_t)ms;
}

static struct login *login_make(const struct opening *o)
{
	struct login *l = local_alloc(sizeof(*l));
	struct account *a = o->account;

	l->base.store = &o->call.s->base;
	l->account = a;
	l->rights = o->grant.rights;
	l->made_ms = o->grant.made_ms;
	l->next = a->logins;
	a->logins = l;
	account_keep(a);
	return l;
}

static void opening_end(struct opening *o)
{
	struct login *l = NULL;

	if (o->status == STORE_OK && o->grant.made_ms < revoked_at(o->call.s, o->grant.account))
		o->status = STORE_REFUSED;
	if (call_close(&o->call)) {
		l = o->status == STORE_OK ? login_make(o) : NULL;
		o->done(o->call.arg, o->status, l != NULL ? &l->base : NULL);
	}
	account_release(o->account);
	free(o);
}

static enum turn_more opening_refused(void *arg)
{
	opening_end(arg);
	return TURN_DONE;
}

static void opening_ready(struct after *after, enum store_status status)
{
	struct opening *o = (struct opening *)((char *)after - offsetof(struct opening, after));

	o->status = status;
	opening_end(o);
}

uint64_t login_open(struct store *base, const struct store_token *t, store_login_done done, void *arg)
{
	struct local *s = local_of(base);
	struct opening *o = call_new(s, sizeof(*o));
	uint64_t number = call_open(&o->call, arg);

	o->done = done;
	o->after.run = opening_ready;
	if (!store_token_check(t, s->o.key, clock_real_ms() / 1000, &o->grant) ||
	    (o->grant.rights & (STORE_RIGHT_READ | STORE_RIGHT_POP)) == 0)
		o->status = STORE_REFUSED;
	else
		o->account = account_hold(s, span_of(o->grant.account));
	if (o->status == STORE_OK && o->account == NULL)
		o->status = STORE_INVALID;
	if (o->account != NULL)
		account_tell_quota(o->account, o->grant.quota);
	if (o->account != NULL)
		account_when_ready(o->account, &o->after);
	else
		turns_add(s->turns, &o->turn, opening_refused, o);
	return number;
}

void login_close(struct store_account *base)
{
	struct login *l = (struct login *)base, **at;
	struct account *a = l->account;

	for (at = &a->logins; *at != l; at = &(*at)->next)
		;
	*at = l->next;
	if (a->locker == l)
		a->locker = NULL;
	turns_remove(&l->turn);
	free(l);
	account_release(a);
}

/* --- the POP lock ---------------------------------------------------------- */

struct locking {
	struct call call;
	store_done done;
	enum store_status status;
	struct turn turn;
};

static enum turn_more locking_end(void *arg)
{
	struct locking *k = arg;

	if (call_close(&k->call))
		k->done(k->call.arg, k->status,
			k->status == STORE_OK ? "" : "another session has the maildrop");
	free(k);
	return TURN_DONE;
}

/* RFC 1939 4: an exclusive-access lock */
uint64_t login_lock(struct store_account *base, store_done done, void *arg)
{
	struct login *l = (struct login *)base;
	struct account *a = l->account;
	struct locking *k = call_new(a->s, sizeof(*k));

	k->done = done;
	if (l->ended)
		k->status = STORE_REFUSED;
	else if (a->locker != NULL && a->locker != l)
		k->status = STORE_IN_USE;
	else
		a->locker = l;
	turns_add(a->s->turns, &k->turn, locking_end, k);
	return call_open(&k->call, arg);
}

/* --- watching -------------------------------------------------------------- */

static enum turn_more login_tell(void *arg)
{
	struct login *l = arg;
	uint64_t mailbox = l->pending_mailbox;

	if (l->changed == NULL || !l->pending || l->told)
		return TURN_DONE;
	l->told = true;
	l->pending = false;
	l->changed(l->changed_arg, mailbox);
	return TURN_DONE;
}

static void login_tell_soon(struct login *l)
{
	if (l->changed != NULL && l->pending && !l->told)
		turns_add(l->account->s->turns, &l->turn, login_tell, l);
}

void login_note(struct account *a, uint64_t mailbox)
{
	for (struct login *l = a->logins; l != NULL; l = l->next) {
		l->pending_mailbox = !l->pending || l->pending_mailbox == mailbox ? mailbox : 0;
		l->pending = true;
		login_tell_soon(l);
	}
}

/* Only a look at the very mailbox has shown what is pending. */
void login_looked(struct login *l, uint64_t mailbox)
{
	l->told = false;
	if (mailbox > 0 && l->pending_mailbox == mailbox)
		l->pending = false;
	login_tell_soon(l);
}

void login_watch(struct store_account *base, store_changed changed, void *arg)
{
	struct login *l = (struct login *)base;

	l->changed = changed;
	l->changed_arg = arg;
	l->told = false;
	login_tell_soon(l);
}

/* --- revocation ------------------------------------------------------------ */

static void revocation_flushed(struct after *after, enum store_status status)
{
	(void)status;
	free(after);
}

static void revocation_put(struct local *s, const char *name)
{
	char text[STORE_ACCOUNT_MAX * 4];
	struct after *after;
	struct key k;
	int r;

	key_named(&k, KEY_REVOKED, span_of(name));
	number_encode(local_value(s), (uint64_t)clock_real_ms());
	r = local_put(s, &k, buf_span(&s->value));
	if (r < 0) {
		log_error("store revocation not kept account=%s error=%d",
			  escape_text(text, sizeof(text), span_of(name)), -r);
		return;
	}
	after = local_alloc(sizeof(*after));
	after->run = revocation_flushed;
	flush_after(s, after);
}

void local_revoke(struct store *base, const char *name)
{
	struct local *s = local_of(base);
	struct account *a = account_known(s, span_of(name));

	revocation_put(s, name);
	if (a == NULL)
		return;
	for (struct login *l = a->logins; l != NULL; l = l->next)
		l->ended = true;
	login_note(a, 0); /* the next look is refused */
}
