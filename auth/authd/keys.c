/* keys.c - the contract is in keys.h. */
#include "auth/authd/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/accounts_app.h"
#include "auth/accounts_hash.h"
#include "auth/authd/scram.h"
#include "auth/authd/state.h"
#include "common/base/log.h"
#include "sasl/prepare.h"

struct keys_job {
	uv_work_t work;
	struct keys_job *next;
	struct authd *d;	/* NULL: it is gone */
	int folder;		/* its own */
	unsigned hashes;
	char account[ACCOUNTS_ADDRESS_MAX];
	char stored[HASHER_STRING];
	char anew[HASHER_STRING];	/* a hash of ours in its place; "": it is one */
	atomic_bool hashed;		/* anew is whole: the pool's thread does not touch it any more */
	unsigned long long passes;	/* of that; 0: none is to be made */
	size_t memory;
	struct scram_keys keys[SCRAM_HASHES];
	struct error why;
	int code;
	struct buf prepared;	/* the password, as SASLprep has it */
};

/* Where app passwords have keys the iterations are theirs. */
static uint32_t rounds_of(const struct authd *d, const struct account *account, enum scram_hash h)
{
	const struct scram_keys *shared = accounts_app_keys(account, h);

	return shared != NULL ? shared->iterations : d->policy.scram_rounds;
}

bool keys_missing(const struct authd *d, const struct account *account)
{
	if (account != NULL && accounts_hash_foreign(span_of(account->password)))
		return true;
	for (enum scram_hash h = 0; account != NULL && h < SCRAM_HASHES; h++)
		if ((d->policy.scram_hashes & 1u << h) != 0 &&
		    (account->scram[h] == NULL || account->scram[h]->iterations != rounds_of(d, account, h)))
			return true;
	return false;
}

/* Salt and iterations: new ones, or those that the account's app passwords have. */
static struct scram_keys fresh_keys(const struct authd *d, const struct account *account, enum scram_hash h)
{
	const struct scram_keys *shared = accounts_app_keys(account, h);
	struct scram_keys k = { .iterations = d->policy.scram_rounds, .salt_n = SCRAM_SALT_NEW };

	if (shared != NULL)
		return *shared;
	randombytes_buf(k.salt, SCRAM_SALT_NEW);
	return k;
}

static void job_free(struct keys_job *j)
{
	if (j->folder >= 0)
		close(j->folder);
	buf_wipe(&j->prepared);
	sodium_memzero(j, sizeof(*j));
	free(j);
}

/* On a thread of the pool. */
static void make(uv_work_t *work)
{
	struct keys_job *j = work->data;

	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++)
		if ((j->hashes & 1u << h) != 0 && !scram_keys_make(&j->keys[h], h, buf_span(&j->prepared)))
			j->code = error_set(&j->why, -ENOMEM, "no memory");
	if (j->passes > 0 &&
	    crypto_pwhash_str(j->anew, (const char *)j->prepared.p, j->prepared.n, j->passes, j->memory) != 0)
		j->code = error_set(&j->why, -ENOMEM, "no memory");
	buf_wipe(&j->prepared);
	atomic_store(&j->hashed, true);	/* before anybody can find it in accounts/ */
	if (j->code == 0)
		j->code = accounts_put_keys(j->folder, j->account, j->stored, j->anew, j->keys, &j->why);
}

static void on_made(uv_work_t *work, int status)
{
	struct keys_job *j = work->data, **at = j->d != NULL ? &j->d->keys_jobs : NULL;
	const struct account *account = j->d != NULL ? accounts_find(j->d->accounts, j->account) : NULL;

	while (at != NULL && *at != j)
		at = &(*at)->next;
	if (at != NULL)
		*at = j->next;
	if (j->code < 0)
		log_warn("keys for SCRAM can't be kept account=%s reason=\"%s\"", j->account, j->why.words);
	if (status == 0 && j->code == 0 && account != NULL && strcmp(account->password, j->stored) == 0 &&
	    accounts_set_keys(j->d->accounts, j->account, j->anew, j->keys) == 0) {
		log_info("%s account=%s", *j->anew != '\0' ? "a password that was taken over has a hash of ours now" : "keys for SCRAM were made",
			 j->account);
		scram_tell_all(j->d);
		peers_reap(j->d);
	}
	job_free(j);
}

static bool may_begin(const struct authd *d, const char *account)
{
	size_t n = 0;

	for (const struct keys_job *j = d->keys_jobs; j != NULL; j = j->next, n++)
		if (strcmp(j->account, account) == 0)
			return false;
	return d->folder >= 0 && n < KEYS_AT_ONCE;
}

void keys_make(struct authd *d, const struct account *account, struct span password)
{
	struct keys_job *j = may_begin(d, account->address) ? calloc(1, sizeof(*j)) : NULL;

	if (j == NULL)
		return;
	buf_init(&j->prepared, 8 * ACCOUNTS_PASSWORD_MAX);
	sasl_prepare(&j->prepared, password);
	j->folder = fcntl(d->folder, F_DUPFD_CLOEXEC, 0);
	if (j->prepared.failed || j->folder < 0) {
		job_free(j);
		return;
	}
	j->d = d;
	j->hashes = d->policy.scram_hashes;
	if (accounts_hash_foreign(span_of(account->password))) {
		j->passes = d->policy.hash_passes;
		j->memory = d->policy.hash_memory;
	}
	snprintf(j->account, sizeof(j->account), "%s", account->address);
	snprintf(j->stored, sizeof(j->stored), "%s", account->password);
	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++) {
		if ((j->hashes & 1u << h) == 0)
			continue;
		j->keys[h] = fresh_keys(d, account, h);
	}
	j->next = d->keys_jobs;
	d->keys_jobs = j;
	j->work.data = j;
	uv_queue_work(d->loop, &j->work, make, on_made);	/* fails for no function only */
}

static bool is_rehash(const struct keys_job *j, const char *account, const char *stored, const char *anew)
{
	return j->passes > 0 && atomic_load(&j->hashed) && strcmp(j->account, account) == 0 && strcmp(j->stored, stored) == 0 &&
	       strcmp(j->anew, anew) == 0;
}

bool keys_rehash(const struct authd *d, const char *account, const char *stored, const char *anew)
{
	const struct keys_job *j = d->keys_jobs;

	while (j != NULL && !is_rehash(j, account, stored, anew))
		j = j->next;
	return j != NULL;
}

void keys_leave(struct authd *d)
{
	for (struct keys_job *j = d->keys_jobs; j != NULL; j = j->next)
		j->d = NULL;
	d->keys_jobs = NULL;
}
