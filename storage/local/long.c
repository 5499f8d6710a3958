/*
 * long.c - a commit of very many messages is applied in slices, each in a transaction and
 * a turn of its own, so that others are not held up.
 *
 * Meanwhile it has its account to itself: looks wait (account->unflushed), other commits
 * stay in the queue. Nobody sees half of it; a crash does not leave half of it (intent.c,
 * apply_copy.c).
 */
#include <errno.h>

#include "storage/local/apply.h"

static enum turn_more long_step(void *arg)
{
	struct commit *c = arg;
	struct local *s = c->call.s;
	int r = apply_slice(c, TURN_RECORDS);

	if (r == 1)
		return TURN_AGAIN;
	if (r < 0) {
		/* It can't be taken back: the next start ends it. */
		space_release(s->space);
		local_die("a change of many messages can't be ended", r);
	}
	c->steps[0].account->longer = NULL;
	flush_applied(c);
	return TURN_DONE;
}

void long_begin(struct commit *c)
{
	struct account *a = c->steps[0].account;

	c->begun = true;
	a->longer = c;
	a->unflushed++;
	turns_add(c->call.s->turns, &c->turn, long_step, c);
}
