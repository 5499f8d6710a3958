/* hasher.c - the contract is in hasher.h. */
#include "auth/authd/hasher.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(HASHER_STRING == crypto_pwhash_STRBYTES, "libsodium's strings changed");

struct hash_job {
	uv_work_t work;
	struct hasher *hasher;
	struct hash_job *next, *before; /* while it waits */
	hash_done done;                 /* NULL: cancelled */
	void *arg;
	bool runs;
	int verdict; /* crypto_pwhash_str_verify's */
	char stored[HASHER_STRING];
	size_t password_n;
	char password[];
};

struct hasher {
	uv_loop_t *loop;
	size_t at_once, waiting_max;
	size_t running, waiting;
	struct hash_job *first, *last; /* that wait */
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
	sodium_memzero(j, sizeof(*j) + j->password_n);
	free(j);
}

static void unlink_job(struct hash_job *j)
{
	struct hasher *h = j->hasher;

	*(j->before != NULL ? &j->before->next : &h->first) = j->next;
	*(j->next != NULL ? &j->next->before : &h->last) = j->before;
	h->waiting--;
}

void hasher_free(struct hasher *h)
{
	if (h == NULL)
		return;
	h->freed = true;
	while (h->first != NULL) {
		struct hash_job *j = h->first;

		unlink_job(j);
		job_free(j);
	}
	if (h->running == 0)
		free(h);
}

/* On a thread of the pool. */
static void verify(uv_work_t *work)
{
	struct hash_job *j = work->data;

	j->verdict = crypto_pwhash_str_verify(j->stored, j->password, j->password_n);
}

static void fill(struct hasher *h);

static void on_verified(uv_work_t *work, int status)
{
	struct hash_job *j = work->data;
	struct hasher *h = j->hasher;
	hash_done done = j->done;
	void *arg = j->arg;
	bool match = status == 0 && j->verdict == 0;

	job_free(j);
	h->running--;
	if (h->freed) {
		if (h->running == 0)
			free(h);
		return;
	}
	fill(h);
	if (done != NULL)
		done(arg, match);
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
	while (h->running < h->at_once && h->first != NULL) {
		struct hash_job *j = h->first;

		unlink_job(j);
		run(h, j);
	}
}

static struct hash_job *job_new(struct hasher *h, const char *stored, struct span password)
{
	struct hash_job *j = calloc(1, sizeof(*j) + password.n);

	if (j == NULL)
		return NULL;
	j->hasher = h;
	snprintf(j->stored, sizeof(j->stored), "%s", stored);
	j->password_n = password.n;
	if (password.n > 0)
		memcpy(j->password, password.p, password.n);
	return j;
}

struct hash_job *hasher_submit(struct hasher *h, const char *stored, struct span password, hash_done done,
			       void *arg)
{
	bool room = h->running < h->at_once;
	struct hash_job *j;

	if (!room && h->waiting >= h->waiting_max)
		return NULL;
	j = job_new(h, stored, password);
	if (j == NULL)
		return NULL;
	j->done = done;
	j->arg = arg;
	j->before = h->last;
	*(h->last != NULL ? &h->last->next : &h->first) = j;
	h->last = j;
	h->waiting++;
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
	size_t n = 0, dollars = 0;

	/* $argon2id$v=19$m=M,t=T,p=P$SALT$DIGEST: all up to the fourth dollar. */
	while (like[n] != '\0' && dollars < 4)
		dollars += like[n++] == '$';
	snprintf(out, HASHER_STRING, "%.*s%s$%s", (int)n, like, salt, digest);
}
