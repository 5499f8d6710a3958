/* seats.c - the contract is in seats.h. */
#include "common/proc/seats.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct seats {
	uv_loop_t *loop;
	unsigned count, taken;
	struct sitter *first, *last;	/* the line */
	bool closed;
};

int seats_new(struct seats **out, uv_loop_t *loop, unsigned count)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return -ENOMEM;
	(*out)->loop = loop;
	(*out)->count = count;
	return 0;
}

void seats_free(struct seats *s)
{
	if (s == NULL)
		return;
	assert(s->first == NULL);
	s->closed = true;
	if (s->taken == 0)
		free(s);
}

static void sit_down(struct seats *s)
{
	struct sitter *who = s->first;

	s->first = who->next;
	if (s->first == NULL)
		s->last = NULL;
	who->next = NULL;
	s->taken++;
	who->work.data = who;
	who->seated(who);
}

void seats_take(struct seats *s, struct sitter *who)
{
	who->seats = s;
	who->next = NULL;
	who->work.data = NULL;
	if (s->last != NULL)
		s->last->next = who;
	else
		s->first = who;
	s->last = who;
	if (s->taken < s->count)
		sit_down(s);
}

static void on_pool(uv_work_t *work)
{
	struct sitter *who = work->data;

	who->run(who);
}

static void on_loop(uv_work_t *work, int status)
{
	struct sitter *who = work->data;

	(void)status;
	who->ran(who);
}

void seats_run(struct sitter *who)
{
	uv_queue_work(who->seats->loop, &who->work, on_pool, on_loop);	/* fails for no function only */
}

static void leave_line(struct seats *s, const struct sitter *who)
{
	struct sitter *before = NULL, *i = s->first;

	for (; i != NULL && i != who; i = i->next)
		before = i;
	if (i == NULL)
		return;
	if (before != NULL)
		before->next = i->next;
	else
		s->first = i->next;
	if (s->last == i)
		s->last = before;
}

void seats_rise(struct sitter *who)
{
	struct seats *s = who->seats;

	if (who->work.data == NULL) {
		leave_line(s, who);
		return;
	}
	who->work.data = NULL;
	s->taken--;
	if (s->first != NULL)
		sit_down(s);
	else if (s->closed && s->taken == 0)
		free(s);
}
