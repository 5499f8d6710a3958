/* hasher.c - the contract is in hasher.h. */
#include "auth/authd/hasher.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts.h"
#include "auth/accounts_hash.h"
#include "sasl/prepare.h"

_Static_assert(HASHER_STRING == crypto_pwhash_STRBYTES, "libsodium's strings changed");

enum { LOWEST_EACH = 4 };	/* turns: one of them is the lowest rank's */

struct hash_job {
	uv_work_t work;
	struct hasher *hasher;
	struct hash_job *next, *before; /* while it waits */
	hash_done done;                 /* NULL: cancelled */
	void *arg;
	bool runs;
	enum hash_rank rank;
	int verdict; /* crypto_pwhash_str_verify's */
	char stored[HASHER_STRING];
	size_t password_n, prepared_n; /* prepared_n 0: SASLprep leaves it as it is */
	char password[];               /* as it was sent; behind it, prepared */
};

struct hasher {
	uv_loop_t *loop;
	size_t at_once, waiting_max;
	size_t running, waiting;
	struct hash_line {
		struct hash_job *first, *last;
	} lines[HASH_RANKS]; /* that wait */
	unsigned turn;
	bool freed;
};

int hasher_new(struct hasher **out, uv_loop_t *loop, size_t at_once, size_t waiting_max, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for the line of password checks");
	**out = (struct hasher){ .loop = loop, .at_once = at_once, .waiting_max = waiting_max };
	return 0;
}

void hasher_limit(struct hasher *h, size_t waiting_max)
{
	h->waiting_max = waiting_max;
}

static void job_free(struct hash_job *j)
{
	sodium_memzero(j, sizeof(*j) + j->password_n + j->prepared_n);
	free(j);
}

static void unlink_job(struct hash_job *j)
{
	struct hash_line *l = &j->hasher->lines[j->rank];

	*(j->before != NULL ? &j->before->next : &l->first) = j->next;
	*(j->next != NULL ? &j->next->before : &l->last) = j->before;
	j->hasher->waiting--;
}

static void link_job(struct hash_job *j)
{
	struct hash_line *l = &j->hasher->lines[j->rank];

	j->before = l->last;
	*(l->last != NULL ? &l->last->next : &l->first) = j;
	l->last = j;
	j->hasher->waiting++;
}

/* Whose turn it is; NULL: nobody waits. */
static struct hash_job *next_job(const struct hasher *h, enum hash_rank from, int step)
{
	for (int rank = (int)from; rank >= 0 && rank < HASH_RANKS; rank += step)
		if (h->lines[rank].first != NULL)
			return h->lines[rank].first;
	return NULL;
}

void hasher_free(struct hasher *h)
{
	if (h == NULL)
		return;
	h->freed = true;
	for (struct hash_job *j; (j = next_job(h, HASH_KNOWN, 1)) != NULL; job_free(j))
		unlink_job(j);
	if (h->running == 0)
		free(h);
}

/* crypt(3)'s: 0 if it fits. A password that holds a NUL is none of its. */
static int verify_foreign(const struct hash_job *j, struct span password)
{
	struct crypt_data *room = calloc(1, sizeof(*room));
	char text[ACCOUNTS_PASSWORD_MAX + 1] = "";
	const char *got = NULL;
	size_t n = strlen(j->stored);
	int verdict = -1;

	if (room != NULL && password.n < sizeof(text) && span_find(password, 0) < 0) {
		if (password.n > 0)
			memcpy(text, password.p, password.n);
		got = crypt_rn(text, j->stored, room, (int)sizeof(*room));	/* libxcrypt: NULL for what it does not know */
	}
	if (got != NULL && strlen(got) == n && sodium_memcmp(got, j->stored, n) == 0)
		verdict = 0;
	sodium_memzero(text, sizeof(text));
	if (room != NULL)
		sodium_memzero(room, sizeof(*room));
	free(room);
	return verdict;
}

static int verify_text(const struct hash_job *j, struct span password)
{
	if (accounts_hash_foreign(span_of(j->stored)))
		return verify_foreign(j, password);
	return crypto_pwhash_str_verify(j->stored, (const char *)password.p, password.n);
}

/* On a thread of the pool. How often is told by the password alone, not by whether there is such a user. */
static void verify(uv_work_t *work)
{
	struct hash_job *j = work->data;
	const uint8_t *text = (const uint8_t *)j->password;

	j->verdict = -1;
	if (j->prepared_n > 0)
		j->verdict = verify_text(j, (struct span){ text + j->password_n, j->prepared_n });
	if (j->verdict != 0)
		j->verdict = verify_text(j, (struct span){ text, j->password_n });
}

static void fill(struct hasher *h);

static void on_verified(uv_work_t *work, int status)
{
	struct hash_job *j = work->data;
	struct hasher *h = j->hasher;
	hash_done done = j->done;
	void *arg = j->arg;
	enum hash_verdict verdict = status == 0 && j->verdict == 0 ? HASH_MATCH : HASH_NO_MATCH;

	job_free(j);
	h->running--;
	if (h->freed) {
		if (h->running == 0)
			free(h);
		return;
	}
	fill(h);
	if (done != NULL)
		done(arg, verdict);
}

static void run(struct hasher *h, struct hash_job *j)
{
	j->runs = true;
	j->work.data = j;
	h->running++;
	uv_queue_work(h->loop, &j->work, verify, on_verified); /* fails for no function only */
}

/* Lets those run for which there is room. */
static void fill(struct hasher *h)
{
	while (h->running < h->at_once && h->waiting > 0) {
		bool last_first = ++h->turn % LOWEST_EACH == 0;
		struct hash_job *j = last_first ? next_job(h, HASH_RANKS - 1, -1) : next_job(h, HASH_KNOWN, 1);

		unlink_job(j);
		run(h, j);
	}
}

static struct hash_job *job_new(struct hasher *h, const char *stored, struct span password)
{
	struct hash_job *j = NULL;
	struct buf prepared;

	buf_init(&prepared, 8 * ACCOUNTS_PASSWORD_MAX);
	sasl_prepare(&prepared, password);
	if (span_equal(buf_span(&prepared), password))
		buf_wipe(&prepared);
	if (!prepared.failed)
		j = calloc(1, sizeof(*j) + password.n + prepared.n);
	if (j != NULL) {
		j->hasher = h;
		snprintf(j->stored, sizeof(j->stored), "%s", stored);
		j->password_n = password.n;
		j->prepared_n = prepared.n;
		if (password.n > 0)
			memcpy(j->password, password.p, password.n);
		if (prepared.n > 0)
			memcpy(j->password + password.n, prepared.p, prepared.n);
	}
	buf_wipe(&prepared);
	return j;
}

/* The one that came last in the lowest line below rank gives way. False: there is none. */
static bool make_room(struct hasher *h, enum hash_rank rank)
{
	for (int lower = HASH_RANKS - 1; lower > (int)rank; lower--) {
		struct hash_job *j = h->lines[lower].last;
		hash_done done = j != NULL ? j->done : NULL;
		void *arg = j != NULL ? j->arg : NULL;

		if (j == NULL)
			continue;
		unlink_job(j);
		job_free(j);
		done(arg, HASH_BUSY);
		return true;
	}
	return false;
}

struct hash_job *hasher_submit(struct hasher *h, enum hash_rank rank, const char *stored, struct span password,
			       hash_done done, void *arg)
{
	bool room = h->running < h->at_once || h->waiting < h->waiting_max;
	struct hash_job *j;

	if (!room && !make_room(h, rank))
		return NULL;
	j = job_new(h, stored, password);
	if (j == NULL)
		return NULL;
	j->rank = rank;
	j->done = done;
	j->arg = arg;
	link_job(j);
	fill(h);
	return j;
}

void hash_job_cancel(struct hash_job *j)
{
	j->done = NULL;
	if (j->runs)
		return;
	unlink_job(j);
	job_free(j);
}

size_t hasher_waiting(const struct hasher *h)
{
	return h->waiting;
}

size_t hasher_running(const struct hasher *h)
{
	return h->running;
}

/* The digest's 43 signs: no Argon2id of anything known, and compared in constant time. */
void hasher_dummy(char out[HASHER_STRING], const char *like)
{
	static const char salt[] = "Tm9ib2R5IGlzIGhlcmUhIQ",
			  digest[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	size_t n = strlen(like), dollars = 0;

	if (accounts_hash_foreign(span_of(like)) && n < HASHER_STRING) {	/* its work, and another digest */
		snprintf(out, HASHER_STRING, "%.*s........", (int)n - 8, like);
		return;
	}
	n = 0;
	/* $argon2id$v=19$m=M,t=T,p=P$SALT$DIGEST: all up to the fourth dollar. */
	while (like[n] != '\0' && dollars < 4)
		dollars += like[n++] == '$';
	snprintf(out, HASHER_STRING, "%.*s%s$%s", (int)n, like, salt, digest);
}
