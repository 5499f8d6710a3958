/* authd.c - the contract is in authd.h. */
#include "auth/authd/authd.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "auth/authd/keys.h"
#include "auth/authd/limits.h"
#include "auth/authd/scram.h"
#include "auth/authd/secret.h"
#include "auth/authd/state.h"
#include "common/base/log.h"

/* DESIGN 1: at most twice as many hashes at once as there are cores. */
static size_t hashes_at_once(void)
{
	return 2 * uv_available_parallelism();
}

int authd_new(struct authd **out, uv_loop_t *loop, const uint8_t key[STORE_TOKEN_KEY],
	      const struct authd_handlers *h, struct error *err)
{
	struct authd *d = calloc(1, sizeof(*d));
	int code;

	*out = NULL;
	if (d == NULL)
		return error_set(err, -ENOMEM, "no memory for authd");
	d->loop = loop;
	d->folder = -1;
	d->h = *h;
	memcpy(d->key, key, sizeof(d->key));
	sodium_mlock(d->key, sizeof(d->key)); /* where the system allows it */
	randombytes_buf(d->dummy_key, sizeof(d->dummy_key));
	code = hasher_new(&d->hasher, loop, hashes_at_once(), 0, err);
	if (code == 0)
		code = cache_new(&d->cache, err);
	if (code == 0)
		code = throttle_new(&d->throttle, err);
	if (code == 0)
		code = guesses_new(&d->guesses, err);
	if (code == 0)
		code = rate_new(&d->rate, err);
	if (code < 0)
		authd_free(d);
	else
		*out = d;
	return code;
}

void authd_free(struct authd *d)
{
	if (d == NULL)
		return;
	peers_free(d);
	keys_leave(d);
	if (d->folder >= 0)
		close(d->folder);
	sodium_memzero(d->salt_key, sizeof(d->salt_key));
	hasher_free(d->hasher);
	cache_free(d->cache);
	throttle_free(d->throttle);
	guesses_free(d->guesses);
	seen_file_free(d->seen);
	rate_free(d->rate);
	sodium_memzero(&d->policy.rules.srs, sizeof(d->policy.rules.srs));
	accounts_free(d->accounts);
	sodium_munlock(d->key, sizeof(d->key)); /* wipes */
	free(d);
}

static void on_warn(void *arg, const char *words)
{
	(void)arg;
	log_warn("accounts: %s", words);
}

static void on_lost(void *arg, const char *alias, const char *target)
{
	(void)arg;
	log_warn("an alias leads nowhere alias=%s target=%s", alias, target);
}

/* A certificate that logged the account in does not any more. */
static bool lost_certificate(const struct account *old, const struct account *new)
{
	for (size_t i = 0; i < old->certificate_count; i++) {
		size_t k = 0;

		while (k < new->certificate_count &&
		       strcmp(old->certificates[i].fingerprint, new->certificates[k].fingerprint) != 0)
			k++;
		if (k == new->certificate_count)
			return true;
	}
	return false;
}

/* A program's password that logged the account in does not any more. */
static bool lost_app(const struct account *old, const struct account *new)
{
	for (size_t i = 0; i < old->app_count; i++) {
		size_t k = 0;

		while (k < new->app_count && memcmp(old->apps[i].hash, new->apps[k].hash, ACCOUNTS_APP_HASH) != 0)
			k++;
		if (k == new->app_count)
			return true;
	}
	return new->app_only && !old->app_only;
}

/* What was allowed with the old account is not with the new one. */
static bool is_void(const struct authd *d, const struct account *old, const struct account *new)
{
	return new == NULL || (strcmp(old->password, new->password) != 0 && !keys_rehash(d, old->address, old->password, new->password)) || (old->enabled && !new->enabled) ||
	       old->created_s != new->created_s || lost_certificate(old, new) || lost_app(old, new);
}

/* A new password forgets the places, another account of that name all. */
static void forget_seen(struct authd *d, const struct account *was)
{
	const struct account *is = accounts_find(d->accounts, was->address);
	bool another = is == NULL || is->created_s != was->created_s;

	if (another || strcmp(is->password, was->password) != 0)
		limits_forget(d, was->address, SEEN_PLACE);
	if (another)
		limits_forget(d, was->address, SEEN_APP);
}

static void revoke_changed(struct authd *d, const struct accounts *old)
{
	size_t n = old != NULL ? accounts_count(old) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct account *was = accounts_at(old, i);

		if (!is_void(d, was, accounts_find(d->accounts, was->address)))
			continue;
		log_info("account changed, its sessions end account=%s", was->address);
		cache_forget(d->cache, was->address);
		forget_seen(d, was);
		d->h.revoke(d->h.arg, was->address);
	}
}

/* The keys of SRS addresses, made where they are needed. Without them senders stay as they are. */
static void take_secret(struct authd *d, int folder)
{
	struct srs_keys read;
	struct error err;
	int code = secret_read(&read, folder, &err);

	if (code == 0 && read.count == 0 && resolve_leads_elsewhere(d->accounts)) {
		code = secret_make(&read, folder, &err);
		if (code == 0)
			log_info("a key for rewritten senders was made file=accounts/srs.key");
	}
	if (code == 0)
		d->policy.rules.srs = read;
	else
		log_error("%s: senders of forwarded mail are not rewritten", err.words);
	sodium_memzero(&read, sizeof(read));
}

/* For keys that are made later. */
static void take_folder(struct authd *d, int folder)
{
	struct error err;

	if (d->folder >= 0)
		return;
	d->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (seen_file_new(&d->seen, d->loop, folder, &err) < 0)
		log_error("%s: nothing is known of earlier logins", err.words);
	if (secret_salt(d->salt_key, folder, &err) == 0)
		return;
	log_error("%s: salts for unknown users change with each start", err.words);
	randombytes_buf(d->salt_key, sizeof(d->salt_key));
}

int authd_reread(struct authd *d, int folder, struct error *err)
{
	struct accounts *old = d->accounts, *read;
	int code = accounts_read(&read, folder, on_warn, NULL, err);

	if (code < 0)
		return code;
	d->accounts = read;
	revoke_changed(d, old);
	accounts_free(old);
	take_secret(d, folder);
	take_folder(d, folder);
	scram_tell_all(d);
	return 0;
}

int authd_apply(struct authd *d, const struct authd_policy *p, int folder, struct error *err)
{
	int code = authd_reread(d, folder, err);
	struct srs_keys srs = d->policy.rules.srs;

	if (code < 0)
		return code;
	d->policy = *p;
	d->policy.rules.srs = srs;
	sodium_memzero(&srs, sizeof(srs));
	d->policy.rules.lost = on_lost;
	hasher_limit(d->hasher, p->hash_queue);
	if (p->cache_ms == 0)
		cache_clear(d->cache);
	scram_tell_all(d);
	return 0;
}

void authd_peer(struct authd *d, unsigned rights, const char *name, int fd)
{
	peer_new(d, rights, name, fd);
}

void authd_status(const struct authd *d, struct buf *out)
{
	buf_printf(out, "domains %zu\naccounts %zu\naliases %zu\n", accounts_domain_count(d->accounts),
		   accounts_count(d->accounts), accounts_alias_count(d->accounts));
	buf_printf(
	    out,
	    "logins %llu\nlogins_cached %llu\nlogins_failed %llu\nlogins_throttled %llu\nlogins_busy %llu\nover_rate %llu\n",
	    (unsigned long long)d->logins, (unsigned long long)d->cached, (unsigned long long)d->failed,
	    (unsigned long long)d->throttled, (unsigned long long)d->busy, (unsigned long long)d->over_rate);
	buf_printf(out, "hashes_running %zu\nhashes_waiting %zu\n", hasher_running(d->hasher),
		   hasher_waiting(d->hasher));
}
