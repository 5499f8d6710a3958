/* fake_loop.c - the contract is in fake_loop.h. */
#include "tests/fake/fake_loop.h"

#include <stdlib.h>

#include "tests/fake/fake_box.h"

struct fake_loop {
	uv_timer_t timer;
	struct store *store;
	uint64_t delay_ms;
	bool held;
	bool started;
};

static void on_wake(void *arg);

/* What waits now; what that brings about has its turn later. */
static void on_timer(uv_timer_t *timer)
{
	struct fake_loop *l = timer->data;

	l->started = false;
	for (size_t n = fake_store_waiting(l->store); n > 0 && !l->held; n--)
		fake_store_step(l->store);
	if (fake_store_waiting(l->store) > 0)
		on_wake(l);
}

static void on_wake(void *arg)
{
	struct fake_loop *l = arg;

	if (!l->held && !l->started)
		l->started = uv_timer_start(&l->timer, on_timer, l->delay_ms, 0) == 0;
}

int fake_loop_new(struct fake_loop **loop_out, struct store **out, uv_loop_t *loop,
		  const struct fake_options *o, uint64_t delay_ms, struct error *err)
{
	struct fake_options options = o != NULL ? *o : (struct fake_options){ 0 };
	struct fake_loop *l = fake_need(sizeof(*l));

	l->delay_ms = delay_ms;
	l->timer.data = l;
	uv_timer_init(loop, &l->timer);
	options.wake = on_wake;
	options.wake_arg = l;
	*loop_out = l;
	fake_store_new(&l->store, &options, err);
	*out = l->store;
	return 0;
}

void fake_loop_hold(struct fake_loop *l)
{
	l->held = true;
	l->started = false;
	uv_timer_stop(&l->timer);
}

void fake_loop_go(struct fake_loop *l)
{
	l->held = false;
	if (fake_store_waiting(l->store) > 0)
		on_wake(l);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void fake_loop_free(struct fake_loop *l)
{
	fake_store_free(l->store);
	uv_close((uv_handle_t *)&l->timer, on_closed);
}
