/* fake_loop.c - the contract is in fake_loop.h. */
#include "tests/fake/fake_loop.h"

#include <stdlib.h>

#include "tests/fake/fake_box.h"

/* The work is an idle handle's: one that is active lets no turn of the loop block, and it
 * stops a turn after the work is done, so that UV_RUN_ONCE returns behind each callback. */
struct fake_loop {
	uv_idle_t idle;
	uv_timer_t timer; /* of the delay */
	unsigned handles;
	struct store *store;
	uint64_t delay_ms;
	bool held;
};

/* What waits now; what that brings about has its turn later. */
static void on_idle(uv_idle_t *idle)
{
	struct fake_loop *l = idle->data;
	size_t n = fake_store_waiting(l->store);

	if (n == 0)
		uv_idle_stop(idle);
	for (; n > 0 && !l->held; n--)
		fake_store_step(l->store);
}

static void on_timer(uv_timer_t *timer)
{
	struct fake_loop *l = timer->data;

	uv_idle_start(&l->idle, on_idle);
}

static void on_wake(void *arg)
{
	struct fake_loop *l = arg;

	if (l->held || uv_is_active((uv_handle_t *)&l->timer))
		return;
	if (l->delay_ms > 0)
		uv_timer_start(&l->timer, on_timer, l->delay_ms, 0);
	else
		uv_idle_start(&l->idle, on_idle);
}

void fake_loop_over(struct fake_loop **out, struct store *s, uv_loop_t *loop, uint64_t delay_ms)
{
	struct fake_loop *l = fake_need(sizeof(*l));

	l->store = s;
	l->delay_ms = delay_ms;
	l->idle.data = l->timer.data = l;
	uv_idle_init(loop, &l->idle);
	uv_timer_init(loop, &l->timer);
	l->handles = 2;
	fake_store_on_wake(s, on_wake, l);
	*out = l;
}

int fake_loop_new(struct fake_loop **loop_out, struct store **out, uv_loop_t *loop,
		  const struct fake_options *o, uint64_t delay_ms, struct error *err)
{
	fake_store_new(out, o, err);
	fake_loop_over(loop_out, *out, loop, delay_ms);
	return 0;
}

void fake_loop_hold(struct fake_loop *l)
{
	l->held = true;
	uv_timer_stop(&l->timer);
	uv_idle_stop(&l->idle);
}

void fake_loop_go(struct fake_loop *l)
{
	l->held = false;
	if (fake_store_waiting(l->store) > 0)
		on_wake(l);
}

static void on_closed(uv_handle_t *handle)
{
	struct fake_loop *l = handle->data;

	if (--l->handles == 0)
		free(l);
}

static void loop_close(struct fake_loop *l)
{
	uv_close((uv_handle_t *)&l->idle, on_closed);
	uv_close((uv_handle_t *)&l->timer, on_closed);
}

void fake_loop_leave(struct fake_loop *l)
{
	fake_store_on_wake(l->store, NULL, NULL);
	loop_close(l);
}

void fake_loop_free(struct fake_loop *l)
{
	fake_store_free(l->store);
	loop_close(l);
}
