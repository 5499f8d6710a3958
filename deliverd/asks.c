/* asks.c - the contract is in asks.h. */
#include "deliverd/asks.h"

#include <errno.h>
#include <stdlib.h>

struct ask {
	struct ask *next;
	uint64_t number;
	void *about, *arg;
	asks_done done;
	bool ready;
};

struct asks {
	uv_timer_t timer;
	asks_answer answer;
	void *owner;
	uint64_t numbers;	/* given so far */
	struct ask *first, **last;	/* in their order */
};

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int asks_new(struct asks **out, uv_loop_t *loop, asks_answer answer, void *owner, struct error *err)
{
	struct asks *a = calloc(1, sizeof(*a));

	*out = NULL;
	if (a == NULL || uv_timer_init(loop, &a->timer) != 0) {
		free(a);
		return error_set(err, -ENOMEM, "no memory for questions");
	}
	a->timer.data = a;
	a->answer = answer;
	a->owner = owner;
	a->last = &a->first;
	*out = a;
	return 0;
}

static struct ask *unlink_at(struct asks *a, struct ask **at)
{
	struct ask *one = *at;

	*at = one->next;
	if (a->last == &one->next)
		a->last = at;
	return one;
}

void asks_free(struct asks *a)
{
	if (a == NULL)
		return;
	while (a->first != NULL)
		free(unlink_at(a, &a->first));
	/* Freed a turn later: one of the answers may have come here. */
	uv_close((uv_handle_t *)&a->timer, on_closed);
}

uint64_t asks_add(struct asks *a, void *about, asks_done done, void *arg)
{
	struct ask *one = calloc(1, sizeof(*one));

	if (one == NULL)
		return 0;
	*one = (struct ask){ .number = ++a->numbers, .about = about, .arg = arg, .done = done };
	*a->last = one;
	a->last = &one->next;
	return one->number;
}

void asks_cancel(struct asks *a, uint64_t number)
{
	struct ask **at = &a->first;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	if (*at != NULL)
		free(unlink_at(a, at));
}

static void on_turn(uv_timer_t *timer)
{
	struct asks *a = timer->data;
	struct ask **at = &a->first;

	while (*at != NULL) {
		struct ask *one;

		if (!(*at)->ready) {
			at = &(*at)->next;
			continue;
		}
		one = unlink_at(a, at);
		a->answer(a->owner, one->about, one->done, one->arg);
		free(one);
		at = &a->first;	/* the answer may have changed the list */
	}
}

void asks_ready(struct asks *a, const void *about)
{
	bool any = false;

	for (struct ask *one = a->first; one != NULL; one = one->next)
		if (one->about == about)
			any = one->ready = true;
	if (any)
		uv_timer_start(&a->timer, on_turn, 0, 0);
}

bool asks_wait(const struct asks *a, const void *about)
{
	for (const struct ask *one = a->first; one != NULL; one = one->next)
		if (one->about == about)
			return true;
	return false;
}
