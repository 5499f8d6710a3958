/*
 * flush.c - commits go into the index, each in a transaction of its own; one flush of the
 * log then makes all of them durable, and only then does anybody hear of them.
 *
 * While a flush is under way nothing is applied, so that at its end index and memory are
 * exactly what is on disk: looks that waited are answered then.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "storage/local/inner.h"

enum { FLUSH_COMMITS = 128 }; /* applied in one turn; the others go along next time */

struct flush {
	struct local *s;
	struct job job, checkpoint;
	struct commit_list commits;
	struct after_list waits;
	int result, checkpoint_result;
};

int flush_new(struct flush **out, struct local *s, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for the flush");
	(*out)->s = s;
	return 0;
}

/* --- checkpoints ----------------------------------------------------------- */

int with_reserve(struct local *s, int (*work)(struct kv *kv))
{
	int r = work(s->kv);

	if (r == -ENOSPC && space_release(s->space) == 0)
		r = work(s->kv);
	return r;
}

static void checkpoint_run(struct job *job)
{
	job->s->flush->checkpoint_result = with_reserve(job->s, kv_checkpoint);
}

static void checkpoint_done(struct job *job)
{
	struct local *s = job->s;

	s->checkpointing = false;
	local_index(s, s->flush->checkpoint_result);
	if (s->flush->checkpoint_result < 0)
		log_warn("store checkpoint failed error=%d", -s->flush->checkpoint_result);
}

static void checkpoint_if_due(struct local *s)
{
	if (s->checkpointing || !kv_checkpoint_due(s->kv))
		return;
	s->checkpointing = true;
	pool_start(s, &s->flush->checkpoint, checkpoint_run, checkpoint_done);
}

/* --- flushes --------------------------------------------------------------- */

static void flush_job(struct job *job)
{
	job->s->flush->result = with_reserve(job->s, kv_flush);
}

/* The accounts show again what they hold, and answer the looks that waited. */
static void show_accounts(const struct commit *c)
{
	for (size_t i = 0; i < c->step_count; i++) {
		struct account *a = c->steps[i].account;

		if (--a->unflushed == 0)
			after_run(&a->parked, STORE_OK);
	}
}

static void flush_done(struct job *job)
{
	struct local *s = job->s;
	struct flush *f = s->flush;
	struct commit_list commits = f->commits;
	struct after_list waits = f->waits;
	struct commit *c;

	if (f->result < 0)
		local_die("the index can't be flushed", f->result);
	s->flushes++;
	f->commits = (struct commit_list){ 0 };
	f->waits = (struct after_list){ 0 };
	for (c = commits.first; c != NULL; c = c->next) {
		show_accounts(c);
		s->commits++;
	}
	s->flushing = false;
	while ((c = commit_shift(&commits)) != NULL)
		finish_commit(c);
	after_run(&waits, STORE_OK);
	checkpoint_if_due(s);
	flush_run(s);
}

/* An account of it is taken by a long one. */
static bool commit_held(const struct commit *c)
{
	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].account->longer != NULL)
			return true;
	return false;
}

/* Applies those that stand ready. Those that fail are answered at once. */
static void apply_all(struct local *s, struct flush *f)
{
	struct commit_list ready = s->to_apply;
	struct commit *c;

	s->to_apply = (struct commit_list){ 0 };
	for (unsigned n = 0; (c = commit_shift(&ready)) != NULL;) {
		if (n == FLUSH_COMMITS || commit_held(c)) {
			commit_push(&s->to_apply, c);
			continue;
		}
		n++;
		if (order_fallen(c))
			commit_fail(c, STORE_TRY_LATER, "a change before it was not made");
		if (c->status == STORE_OK && apply_commit(c)) {
			long_begin(c);
			continue;
		}
		if (c->status != STORE_OK) {
			finish_commit(c);
			continue;
		}
		for (size_t i = 0; i < c->step_count; i++)
			c->steps[i].account->unflushed++;
		commit_push(&f->commits, c);
	}
	while ((c = commit_shift(&s->applied)) != NULL)
		commit_push(&f->commits, c);
}

static enum turn_more flush_turn(void *arg)
{
	struct local *s = arg;
	struct flush *f = s->flush;

	if (s->flushing)
		return TURN_DONE;
	apply_all(s, f);
	after_move(&f->waits, &s->flush_waits);
	if (f->commits.first == NULL && f->waits.first == NULL)
		return TURN_DONE;
	s->flushing = true;
	pool_start(s, &f->job, flush_job, flush_done);
	return TURN_DONE;
}

/* Not at once: what else becomes ready in this round of the loop goes along. */
void flush_run(struct local *s)
{
	if (!s->flushing &&
	    (s->to_apply.first != NULL || s->applied.first != NULL || s->flush_waits.first != NULL))
		turns_add(s->turns, &s->flush_turn, flush_turn, s);
}

void flush_applied(struct commit *c)
{
	commit_push(&c->call.s->applied, c);
	flush_run(c->call.s);
}

void flush_enter(struct commit *c)
{
	c->phase = PHASE_APPLY;
	commit_push(&c->call.s->to_apply, c);
	flush_run(c->call.s);
}

void flush_after(struct local *s, struct after *after)
{
	after_add(&s->flush_waits, after);
	flush_run(s);
}
