/* finish.c - a commit ends: its caller hears of it, then what is no longer needed goes. */
#include <errno.h>

#include "storage/local/apply.h"
#include "storage/local/queue.h"

static void promise_release(struct promise *p)
{
	if (p->mailbox == NULL)
		return;
	p->mailbox->uid_promised -= p->uids;
	p->mailbox->modseq_promised -= p->modseqs;
	if (p->held)
		p->mailbox->holds--;
	mailbox_rest(p->mailbox);
}

/* Names of messages that are no longer known. After the flush, never before. */
static void step_clean_up(struct step *step, bool done)
{
	link_undo(step); /* what was linked and is not in the index */
	if (done && step->dead_count > 0) {
		unlink_items(step->mailbox, step->dead, step->dead_count);
		step->dead = NULL;
	}
	if (done && step->removed != NULL) {
		step->removed->garbage = true;
		mailbox_rest(step->removed);
	}
	if (!done && step->fresh != NULL) {
		step->fresh->gone = step->fresh->garbage = true;
		mailbox_rest(step->fresh);
	}
	promise_release(&step->into);
	promise_release(&step->out);
}

static void step_note(const struct step *step)
{
	struct account *a = step->account;

	settle_later(a);
	if (step->kind == STEP_META)
		return;
	quota_watch(step);
	if (step->m.change >= STORE_CREATE && (step->m.change != STORE_ANNOTATE || step->mailbox == NULL)) {
		login_note(a, 0);
		return;
	}
	if (step->m.change != STORE_COPY)
		login_note(a, step->mailbox->id);
	if (step->target != NULL)
		login_note(a, step->target->id);
}

static void answer_store(struct commit *c)
{
	struct store_result *results = arena_array(c->arena, c->step_count + 1, sizeof(*results));
	size_t count = c->status == STORE_OK ? c->step_count : 0;

	if (results == NULL)
		local_die("an answer can't be made", -ENOMEM);
	for (size_t i = 0; i < count; i++) {
		struct step *step = &c->steps[i];

		results[i] = step->r;
		results[i].from = ranges_set(&step->from);
		results[i].to = ranges_set(&step->to);
		results[i].skipped = ranges_set(&step->skipped);
	}
	c->commit_done(c->call.arg, c->status, results, count, c->words);
}

static void answer(struct commit *c)
{
	if (c->kind == COMMIT_INNER) {
		c->inner->run(c->inner, c->status);
		return;
	}
	if (!call_close(&c->call))
		return;
	if (c->kind == COMMIT_STORE)
		answer_store(c);
	else
		c->done(c->call.arg, c->status, c->words);
}

/* The same txid came again meanwhile: it finds the result now, or tries for itself. */
static void wake_followers(struct commit *c)
{
	struct commit *follower = c->followers;

	if (c->owns_txid)
		table_remove(c->call.s->in_hand, (struct span){ c->txid.bytes, sizeof(c->txid.bytes) });
	while (follower != NULL) {
		struct commit *next = follower->next;

		commit_start(follower);
		follower = next;
	}
}

void finish_commit(struct commit *c)
{
	bool done = c->status == STORE_OK && c->phase == PHASE_APPLY;

	wake_followers(c);
	for (size_t i = 0; i < c->step_count && done; i++)
		step_note(&c->steps[i]);
	queue_end(c, done);
	answer(c);
	if (c->status != STORE_OK)
		order_fall(c);
	order_leave(c);
	for (size_t i = 0; i < c->step_count; i++)
		step_clean_up(&c->steps[i], done);
	commit_free(c);
}
