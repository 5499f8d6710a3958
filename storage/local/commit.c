/*
 * commit.c - a commit is made from what a caller hands in, led from phase to phase, and
 * kept apart from an earlier one with the same txid. The phases are in commit.h.
 */
#include "storage/local/commit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/local/inner.h"
#include "storage/local/result.h"
#include "storage/local/stage.h"

enum { COMMIT_MEMORY = 64 * 1024 * 1024 };

void commit_push(struct commit_list *list, struct commit *c)
{
	c->next = NULL;
	if (list->first == NULL)
		list->first = c;
	else
		list->last->next = c;
	list->last = c;
}

struct commit *commit_shift(struct commit_list *list)
{
	struct commit *c = list->first;

	if (c != NULL)
		list->first = c->next;
	return c;
}

struct commit *commit_new(struct local *s, size_t steps)
{
	struct commit *c = call_new(s, sizeof(*c));
	struct error err;

	if (arena_new(&c->arena, COMMIT_MEMORY, ARENA_PLAIN, &err) == 0)
		c->steps = arena_array(c->arena, steps, sizeof(*c->steps));
	if (c->steps == NULL)
		local_die("a change can't be kept", -ENOMEM);
	s->commit_count++;
	return c;
}

struct step *commit_step(struct commit *c, struct account *a)
{
	struct step *step = &c->steps[c->step_count++];

	step->commit = c;
	step->account = a;
	account_keep(a);
	return step;
}

static void step_clear(struct step *step)
{
	ranges_clear(&step->from);
	ranges_clear(&step->to);
	ranges_clear(&step->skipped);
	ranges_clear(&step->changed);
	ranges_clear(&step->vanished);
	free(step->items);
	free(step->dead);
	mailbox_release(step->mailbox);
	mailbox_release(step->target);
	mailbox_release(step->fresh);
	mailbox_release(step->removed);
	mailbox_release(step->into.mailbox);
	mailbox_release(step->out.mailbox);
	stage_free((struct store_stage *)step->m.stage);
	account_release(step->account);
}

void commit_free(struct commit *c)
{
	struct local *s;

	if (c == NULL)
		return;
	s = c->call.s;
	for (size_t i = 0; i < c->step_count; i++)
		step_clear(&c->steps[i]);
	stage_free((struct store_stage *)c->stage);
	arena_free(c->arena);
	free(c);
	s->commit_count--;
	local_rest(s);
}

void commit_fail(struct commit *c, enum store_status status, const char *format, ...)
{
	va_list args;

	if (c->status != STORE_OK)
		return;
	c->status = status;
	va_start(args, format);
	vsnprintf(c->words, sizeof(c->words), format, args);
	va_end(args);
}

void commit_fail_errno(struct commit *c, int error, const char *what)
{
	if (error == -EBADMSG)
		commit_fail(c, STORE_CORRUPT, "%s: the data on disk are damaged", what);
	else
		commit_fail(c, STORE_TRY_LATER, "%s: %s", what, strerror(-error));
}

/* --- the same txid again --------------------------------------------------- */

/* True: the commit's fate is not its own any more. */
static bool commit_repeated(struct commit *c)
{
	struct local *s = c->call.s;
	struct span key = { c->txid.bytes, sizeof(c->txid.bytes) }, result;
	struct commit *first;

	if (!c->has_txid || c->status != STORE_OK)
		return false;
	first = table_get(s->in_hand, key);
	if (first != NULL) {
		c->next = first->followers;
		first->followers = c;
		return true;
	}
	if (txids_find(s->txids, &c->txid, &result)) {
		if (!result_decode(c, result))
			commit_fail(c, STORE_CORRUPT, "the result of this transaction is damaged");
		finish_commit(c);
		return true;
	}
	c->owns_txid = table_put(s->in_hand, key, c) == 0;
	if (!c->owns_txid)
		commit_fail(c, STORE_TRY_LATER, "no memory");
	return false;
}

/* --- phases ---------------------------------------------------------------- */

void commit_wait(struct commit *c)
{
	c->waiting++;
}

/* The accounts of a delivery are there: which mailbox is meant? */
static void commit_resolve(struct commit *c)
{
	for (size_t i = 0; i < c->step_count; i++) {
		struct step *step = &c->steps[i];

		if (c->kind != COMMIT_DELIVER || step->mailbox != NULL)
			continue;
		step->mailbox = mailbox_by_name(step->account, span_of("INBOX"));
		if (step->mailbox == NULL) {
			commit_fail(c, STORE_TRY_LATER, "%s has no INBOX", step->account->name);
			continue;
		}
		step->m.mailbox = step->mailbox->id;
		mailbox_hold(step->mailbox);
	}
}

void commit_prepared(struct commit *c)
{
	if (c->status != STORE_OK) {
		finish_commit(c);
	} else if (order_first(c)) {
		if (c->links)
			link_enter(c);
		else
			flush_enter(c);
	}
}

void commit_go_on(struct commit *c)
{
	if (--c->waiting > 0)
		return;
	if (c->status == STORE_OK && c->phase == PHASE_READY)
		commit_resolve(c);
	if (c->status != STORE_OK) {
		finish_commit(c);
		return;
	}
	c->waiting = 1;
	switch (c->phase) {
	case PHASE_READY:
		c->phase = PHASE_READ;
		prepare_read(c);
		commit_go_on(c);
		return;
	case PHASE_READ:
		c->phase = PHASE_FILES;
		prepare_files(c);
		commit_go_on(c);
		return;
	default:
		commit_prepared(c);
	}
}

static void account_there(struct after *after, enum store_status status)
{
	struct step *step = (struct step *)((char *)after - offsetof(struct step, after));

	if (status != STORE_OK)
		commit_fail(step->commit, status, "the account %s can't be opened", step->account->name);
	commit_go_on(step->commit);
}

static enum turn_more commit_begin(void *arg)
{
	struct commit *c = arg;

	if (commit_repeated(c))
		return TURN_DONE;
	c->phase = PHASE_READY;
	c->waiting = 1;
	for (size_t i = 0; i < c->step_count && c->kind == COMMIT_DELIVER && c->status == STORE_OK; i++) {
		commit_wait(c);
		c->steps[i].after.run = account_there;
		account_when_ready(c->steps[i].account, &c->steps[i].after);
	}
	commit_go_on(c);
	return TURN_DONE;
}

void commit_start(struct commit *c)
{
	turns_add(c->call.s->turns, &c->turn, commit_begin, c);
}
