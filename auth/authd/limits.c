/* limits.c - the contract is in limits.h, and in login.h for what is called so. */
#include "auth/authd/limits.h"

#include <string.h>

#include "auth/accounts_name.h"
#include "common/base/clock.h"

enum { DAY_S = 86400 };

static const struct throttle_limits of_known = { LIMITS_KNOWN_BURST, LIMITS_KNOWN_STEP_MS };

void limits_from(struct login *l, const char *peer)
{
	const struct authd *d = l->peer->d;
	struct login_from *f = &l->from;
	char plain[46];

	f->counts = throttle_parse(&f->address, plain, peer) && !d->h.exempt(d->h.arg, plain);
	f->rank = f->counts ? HASH_FRESH : HASH_KNOWN;
	throttle_text(&f->address, f->text);
}

static bool is_known(const struct login *l)
{
	const struct authd *d = l->peer->d;
	int64_t when_s = *l->account == '\0' || d->seen == NULL || d->policy.place_ms == 0
				 ? 0
				 : seen_when(seen_file_data(d->seen), l->account, SEEN_PLACE, l->from.text);

	return when_s > 0 && clock_real_ms() / 1000 - when_s < (int64_t)(d->policy.place_ms / 1000);
}

/* What a known place's own guesses are counted by. */
static struct throttle_address bucket_of(const struct guess_pair *pair)
{
	struct throttle_address out;

	memcpy(out.bytes, pair->bytes, sizeof(out.bytes));
	return out;
}

void login_names(struct login *l, struct span name)
{
	struct authd *d = l->peer->d;
	struct login_from *f = &l->from;
	char folded[ACCOUNTS_ADDRESS_MAX] = "";

	if (!f->counts)
		return;
	if (*l->account == '\0' && !accounts_name_fold(folded, sizeof(folded), name))
		folded[0] = '\0';
	f->pair = guesses_pair(d->guesses, &f->address, *l->account != '\0' ? l->account : folded);
	f->known = is_known(l);
	f->bucket = f->known ? bucket_of(&f->pair) : f->address;
	f->rank = f->known								      ? HASH_KNOWN
		  : throttle_is_full(d->throttle, &f->address, clock_mono_ms()) ? HASH_FRESH
									       : HASH_OTHER;
}

static const struct throttle_limits *limits_of(const struct login *l)
{
	return l->from.known ? &of_known : &l->peer->d->policy.by_address;
}

/* False: the wrong one of last time, or too soon. */
static bool take_of_account(struct login *l, const char **reason, enum auth_status *status)
{
	struct authd *d = l->peer->d;

	l->from.guess = guesses_take(d->guesses, &d->policy.by_account, &l->from.pair, l->from.password, clock_mono_ms());
	*status = l->from.guess == GUESS_STALE ? AUTH_WRONG : AUTH_TRY_LATER;
	*reason = l->from.guess == GUESS_STALE ? "password-again" : "throttled";
	return l->from.guess != GUESS_STALE && (l->from.guess != GUESS_TOO_SOON || l->from.known);
}

bool login_take_guess(struct login *l)
{
	struct authd *d = l->peer->d;
	enum auth_status status = AUTH_TRY_LATER;
	const char *reason = "throttled";

	if (!l->from.counts)
		return true;
	if (take_of_account(l, &reason, &status)) {
		l->from.taken = throttle_take(d->throttle, limits_of(l), &l->from.bucket, clock_mono_ms());
		if (l->from.taken)
			return true;
		login_was_not_looked_at(l);
	}
	d->throttled += status == AUTH_TRY_LATER;
	login_fail(l, status, reason);
	return false;
}

static void give_back(struct login *l)
{
	if (l->from.taken)
		throttle_give(l->peer->d->throttle, limits_of(l), &l->from.bucket, clock_mono_ms());
	l->from.taken = false;
}

void login_was_right(struct login *l)
{
	give_back(l);
	if (l->from.counts)
		guesses_right(l->peer->d->guesses, &l->from.pair);
}

void login_was_not_looked_at(struct login *l)
{
	give_back(l);
	if (l->from.counts && l->from.guess == GUESS_TAKEN)
		guesses_give(l->peer->d->guesses, &l->from.pair);
}

/* Once a day is enough. */
void limits_note_place(const struct login *l)
{
	struct authd *d = l->peer->d;
	int64_t now_s = clock_real_ms() / 1000;

	if (!l->from.counts || d->seen == NULL || d->policy.place_ms == 0 ||
	    now_s - seen_when(seen_file_data(d->seen), l->account, SEEN_PLACE, l->from.text) < DAY_S)
		return;
	seen_note(seen_file_data(d->seen), l->account, SEEN_PLACE, l->from.text, now_s);
	seen_file_changed(d->seen);
}

void limits_forget(struct authd *d, const char *account, enum seen_kind kind)
{
	if (d->seen == NULL)
		return;
	seen_forget(seen_file_data(d->seen), account, kind, clock_real_ms() / 1000);
	seen_file_changed(d->seen);
}
