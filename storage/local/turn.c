/* turn.c - the contract is in turn.h. */
#include "storage/local/turn.h"

#include <errno.h>
#include <stdlib.h>

struct turns {
	uv_idle_t idle;
	struct turn now, later; /* heads of rings: this round's, and the next one's */
};

static void ring_init(struct turn *head)
{
	head->next = head->before = head;
}

static bool ring_empty(const struct turn *head)
{
	return head->next == head;
}

static void ring_add(struct turn *head, struct turn *turn)
{
	turn->next = head;
	turn->before = head->before;
	head->before->next = turn;
	head->before = turn;
}

void turns_remove(struct turn *turn)
{
	if (turn->next == NULL)
		return;
	turn->next->before = turn->before;
	turn->before->next = turn->next;
	turn->next = turn->before = NULL;
}

int turns_new(struct turns **out, uv_loop_t *loop, struct error *err)
{
	struct turns *t = calloc(1, sizeof(*t));

	*out = t;
	if (t == NULL)
		return error_set(err, -ENOMEM, "no memory for the queue of turns");
	uv_idle_init(loop, &t->idle);
	t->idle.data = t;
	ring_init(&t->now);
	ring_init(&t->later);
	return 0;
}

static void turns_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void turns_free(struct turns *t)
{
	if (t != NULL)
		uv_close((uv_handle_t *)&t->idle, turns_closed);
}

/* One round: each that stood in the queue when it began has one step. */
static void turns_round(uv_idle_t *idle)
{
	struct turns *t = idle->data;

	while (!ring_empty(&t->later)) {
		struct turn *turn = t->later.next;

		turns_remove(turn);
		ring_add(&t->now, turn);
	}
	while (!ring_empty(&t->now)) {
		struct turn *turn = t->now.next;

		turns_remove(turn);
		if (turn->step(turn->arg) == TURN_AGAIN && turn->next == NULL)
			ring_add(&t->later, turn);
	}
	if (ring_empty(&t->later))
		uv_idle_stop(idle);
}

void turns_add(struct turns *t, struct turn *turn, turn_step step, void *arg)
{
	if (turn->next != NULL)
		return;
	turn->step = step;
	turn->arg = arg;
	ring_add(&t->later, turn);
	uv_idle_start(&t->idle, turns_round);
}

/* --- later ----------------------------------------------------------------- */

void after_add(struct after_list *list, struct after *after)
{
	after->next = NULL;
	if (list->first == NULL)
		list->first = after;
	else
		list->last->next = after;
	list->last = after;
}

void after_run(struct after_list *list, enum store_status status)
{
	struct after *at = list->first;

	*list = (struct after_list){ 0 };
	while (at != NULL) {
		struct after *next = at->next;

		at->run(at, status);
		at = next;
	}
}

void after_move(struct after_list *to, struct after_list *from)
{
	if (from->first == NULL)
		return;
	if (to->first == NULL)
		to->first = from->first;
	else
		to->last->next = from->first;
	to->last = from->last;
	*from = (struct after_list){ 0 };
}
