/* together.c - the contract is in together.h. */
#include "storage/local/together.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "storage/local/inner.h"

enum {
	ROUND_FILES = 3,	/* fewer are as quick one by one */
	ROUND_JOBS = 4,		/* that do what comes first, of all that came in one turn */
	ROUND_WAITS = 64,	/* things that are ready; fewer wait for those that will be soon */
	ROUND_SLOW_MS = 100,	/* a sync that takes longer had others' work in it, */
	ROUND_PAUSE_MS = 10000	/* and so long there is no other */
};

struct rounds {
	struct local *s;
	struct together *added;		 /* this turn, the last one first */
	size_t adding;			 /* how many */
	struct turn add_turn;
	struct together *first, **end;	 /* ready for the next round */
	size_t ready;
	size_t preparing;		 /* not ready yet */
	struct together *at;		 /* those of this round, if they are synced at once */
	size_t running;			 /* jobs of this round */
	struct job job;
	int result;
	bool breath;			 /* the loop has turned since the last round */
	_Atomic uint64_t apart_until_ms; /* no round before */
	struct turn turn;
};

static enum turn_more round_begin(void *arg);

int rounds_new(struct rounds **out, struct local *s, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for the syncs");
	(*out)->s = s;
	(*out)->end = &(*out)->first;
	return 0;
}

void rounds_free(struct rounds *r)
{
	free(r);
}

static void round_soon(struct rounds *r)
{
	turns_add(r->s->turns, &r->turn, round_begin, r);
}

/* --- each by itself --------------------------------------------------------- */

static void alone_run(struct job *job)
{
	struct together *t = (struct together *)job;

	t->run(t);
	t->result = t->sync(t);
}

static void alone_done(struct job *job)
{
	struct together *t = (struct together *)job;

	t->done(t, t->result);
}

void together_alone(struct local *s, struct together *t)
{
	pool_start(s, &t->job, alone_run, alone_done);
}

static void one_run(struct job *job)
{
	struct together *t = (struct together *)job;

	t->result = t->sync(t);
}

static void one_done(struct job *job)
{
	struct rounds *r = job->s->rounds;

	if (--r->running == 0)
		round_soon(r);
	alone_done(job);
}

/* --- a round --------------------------------------------------------------- */

static void round_run(struct job *job)
{
	struct rounds *r = job->s->rounds;
	uint64_t began = clock_mono_ms(), now;

	r->result = syncfs(r->s->tmp_fd) < 0 ? -errno : 0;
	now = clock_mono_ms();
	if (now - began > ROUND_SLOW_MS)
		atomic_store(&r->apart_until_ms, now + ROUND_PAUSE_MS);
}

static void round_done(struct job *job)
{
	struct rounds *r = job->s->rounds;
	struct together *t = r->at, *next;

	r->running = 0;
	round_soon(r);
	for (; t != NULL; t = next) {
		next = t->next;
		t->done(t, r->result);
	}
}

static struct together *round_take(struct rounds *r, size_t *files)
{
	struct together *first = r->first;

	r->first = NULL;
	r->end = &r->first;
	r->ready = 0;
	*files = 0;
	for (const struct together *t = first; t != NULL; t = t->next)
		*files += t->files;
	return first;
}

/* What the last round has brought forward comes along: it is in the queue of turns, or in a socket. */
static bool round_waits(struct rounds *r)
{
	r->breath = !r->breath;
	return r->breath;
}

static enum turn_more round_begin(void *arg)
{
	struct rounds *r = arg;
	struct together *first;
	size_t files;

	if (r->running > 0 || r->first == NULL || (r->preparing > 0 && r->ready < ROUND_WAITS))
		return TURN_DONE;
	if (round_waits(r))
		return TURN_AGAIN;
	first = round_take(r, &files);
	if (files >= ROUND_FILES) {
		r->at = first;
		r->running = 1;
		pool_start(r->s, &r->job, round_run, round_done);
		return TURN_DONE;
	}
	for (struct together *t = first, *next; t != NULL; t = next) {
		next = t->next;
		r->running++;
		pool_start(r->s, &t->job, one_run, one_done);
	}
	return TURN_DONE;
}

/* --- what comes first -------------------------------------------------------- */

struct preparing {
	struct job job;
	struct together *first;
};

static void prepare_run(struct job *job)
{
	struct preparing *p = (struct preparing *)job;

	for (struct together *t = p->first; t != NULL; t = t->next)
		t->run(t);
}

static void prepare_done(struct job *job)
{
	struct preparing *p = (struct preparing *)job;
	struct rounds *r = job->s->rounds;

	*r->end = p->first;
	while (*r->end != NULL) {
		r->end = &(*r->end)->next;
		r->ready++;
		r->preparing--;
	}
	round_soon(r);
	free(p);
}

static void prepare_start(struct rounds *r, size_t count)
{
	struct preparing *p = local_alloc(sizeof(*p));

	while (count-- > 0) {
		struct together *t = r->added;

		r->added = t->next;
		r->adding--;
		t->next = p->first;
		p->first = t;
	}
	pool_start(r->s, &p->job, prepare_run, prepare_done);
}

static enum turn_more prepare_all(void *arg)
{
	struct rounds *r = arg;
	size_t each = (r->adding + ROUND_JOBS - 1) / ROUND_JOBS;

	while (r->adding > 0)
		prepare_start(r, r->adding < each ? r->adding : each);
	return TURN_DONE;
}

void together_add(struct local *s, struct together *t)
{
	struct rounds *r = s->rounds;

	if (!s->syncs_whole || clock_mono_ms() < atomic_load(&r->apart_until_ms)) {
		together_alone(s, t);
		return;
	}
	t->next = r->added;
	r->added = t;
	r->adding++;
	r->preparing++;
	turns_add(s->turns, &r->add_turn, prepare_all, r);
}
