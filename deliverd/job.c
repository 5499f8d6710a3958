/* job.c - the contract is in job.h. */
#include "deliverd/job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deliverd/tell.h"

enum { JOB_MEMORY = 16 << 20 };	/* far above STORE_RECIPIENTS recipients and their words */

static bool copy(struct arena *a, struct span *s)
{
	if (s->n == 0) {
		*s = (struct span){ NULL, 0 };
		return true;
	}
	*s = arena_copy(a, *s);
	return s->p != NULL;
}

static bool copy_recipient(struct arena *a, struct job_rcpt *r, const struct queue_recipient *from,
			   struct span sender)
{
	struct store_remote *to = &r->to.to;

	r->to = *from;
	to->sender = sender;
	return copy(a, &to->address) && copy(a, &to->original) && copy(a, &to->orcpt);
}

static bool copy_job(struct job *j, const struct queue_job *q)
{
	struct arena *a = j->memory;
	struct store_envelope *e = &j->q.envelope;

	j->q = *q;
	e->id = arena_text(a, span_of(q->envelope.id));
	if (e->id == NULL || !copy(a, &e->account) || !copy(a, &e->envid) || !copy(a, &e->message_id) ||
	    !copy(a, &j->q.domain) || !copy(a, &j->q.sender) || !copy(a, &j->q.route))
		return false;
	j->rcpts = arena_array(a, q->count, sizeof(*j->rcpts));
	if (j->rcpts == NULL)
		return false;
	for (size_t i = 0; i < q->count; i++)
		if (!copy_recipient(a, &j->rcpts[i], &q->recipients[i], j->q.sender))
			return false;
	j->q.recipients = NULL;
	j->count = j->open = q->count;
	return true;
}

struct job *job_new(struct deliverd *d, const struct queue_job *q)
{
	struct arena *a;
	struct job *j;

	if (arena_new(&a, JOB_MEMORY, ARENA_PLAIN, NULL) < 0) {
		close(q->fd);
		return NULL;
	}
	j = arena_alloc(a, sizeof(*j));
	if (j != NULL) {
		j->d = d;
		j->memory = a;
		link_init(&j->link);
		store_txid_new(&j->txid);
		job_key(q->envelope.id, q->job, j->key);
	}
	if (j == NULL || !copy_job(j, q)) {
		close(q->fd);
		arena_free(a);
		return NULL;
	}
	j->fd = q->fd;
	return j;
}

void job_free(struct job *j)
{
	if (j == NULL)
		return;
	link_remove(&j->link);
	tell_free(j->tell);
	if (j->fd >= 0)
		close(j->fd);
	arena_free(j->memory);
}

struct span job_key(const char *id, uint32_t number, char *out)
{
	int n = snprintf(out, JOB_KEY, "%s:%u", id, number);

	return (struct span){ (const uint8_t *)out, n < JOB_KEY ? (size_t)n : JOB_KEY - 1 };
}

void job_settle(struct job *j, size_t i, enum queue_fate fate, struct span status, struct span words,
		struct span host)
{
	struct job_rcpt *r = &j->rcpts[i];

	r->settled = true;
	r->busy = false;
	r->fate = fate;
	/* without memory the words are missing, never the fate */
	r->status = arena_copy(j->memory, status);
	r->words = arena_copy(j->memory, words);
	r->host = arena_copy(j->memory, host);
	j->open--;
}

size_t job_open(const struct job *j, size_t i)
{
	while (i < j->count && (j->rcpts[i].settled || j->rcpts[i].busy))
		i++;
	return i;
}
