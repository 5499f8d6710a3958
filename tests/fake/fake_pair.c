/* fake_pair.c - the contract is in fake_pair.h. */
#include "tests/fake/fake_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/ipc.h"
#include "common/proc/control.h"
#include "storage/ipc/store_ipc.h"
#include "tests/fake/fake_queue.h"

enum { PATIENCE_MS = 5000, SETTLE_TURNS = 50 };

static int stage_file(void *arg, struct store_stage **out, uint64_t max, int fds[2], struct error *err)
{
	const struct fake_pair *p = arg;
	char path[64];
	int code = fake_stage_file(p->behind, out, max, &fds[0], err);

	if (code < 0)
		return code;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	fds[1] = open(path, O_RDONLY | O_CLOEXEC);
	return 0;
}

/* "fake SERIAL RIGHTS SUM ACCOUNT" */
static bool account_of(void *arg, const struct store_token *t, char account[STORE_ACCOUNT_MAX])
{
	struct span in = { t->bytes, t->n };

	(void)arg;
	for (int i = 0; i < 4; i++)
		span_take_until(&in, ' ');
	if (in.n == 0 || in.n >= STORE_ACCOUNT_MAX)
		return false;
	memcpy(account, in.p, in.n);
	account[in.n] = '\0';
	return true;
}

static int start(struct fake_pair *p, struct error *err)
{
	int code = store_ipc_new(&p->store, p->loop, err);

	p->rights = CONTROL_RIGHT_READ | CONTROL_RIGHT_DELIVER | CONTROL_RIGHT_QUEUE;
	return code < 0 ? code : fake_pair_start(p, err);
}

int fake_pair_new(struct fake_pair *p, uv_loop_t *loop, const struct fake_options *o, struct error *err)
{
	*p = (struct fake_pair){ .loop = loop };
	fake_loop_new(&p->drive, &p->behind, loop, o, 0, err);
	p->backend = (struct dispatch_backend){ .store = p->behind,
						.arg = p,
						.stage_file = stage_file,
						.stage_seal = fake_stage_seal,
						.account_of = account_of,
						.queue_release = fake_queue_release };
	return start(p, err);
}

int fake_pair_over(struct fake_pair *p, uv_loop_t *loop, const struct dispatch_backend *backend,
		   struct error *err)
{
	*p = (struct fake_pair){ .loop = loop, .behind = backend->store, .backend = *backend };
	return start(p, err);
}

void fake_pair_stop(struct fake_pair *p)
{
	dispatch_free(p->dispatch);
	p->dispatch = NULL;
}

int fake_pair_client(struct fake_pair *p, unsigned rights, struct store **out, struct error *err)
{
	int ends[2], code = ipc_pair(ends, err);

	*out = NULL;
	if (code == 0)
		code = dispatch_client(p->dispatch, rights, "other", ends[0], err);
	if (code == 0)
		code = store_ipc_new(out, p->loop, err);
	if (code == 0)
		store_ipc_attach(*out, ends[1]);
	return code;
}

int fake_pair_attach(struct fake_pair *p, struct error *err)
{
	int ends[2], code = ipc_pair(ends, err);

	if (code == 0)
		code = dispatch_client(p->dispatch, p->rights, "test", ends[0], err);
	if (code == 0)
		store_ipc_attach(p->store, ends[1]);
	return code;
}

int fake_pair_start(struct fake_pair *p, struct error *err)
{
	int code = dispatch_new(&p->dispatch, p->loop, &p->backend, err);

	return code < 0 ? code : fake_pair_attach(p, err);
}

void fake_pair_clear(struct fake_pair *p)
{
	store_ipc_free(p->store);
	fake_pair_stop(p);
	if (p->drive != NULL)
		fake_loop_free(p->drive);
}

bool fake_pair_run(struct fake_pair *p, const unsigned *flag)
{
	uint64_t end = clock_mono_ms() + PATIENCE_MS;

	while (*flag == 0 && clock_mono_ms() < end)
		uv_run(p->loop, UV_RUN_NOWAIT);
	return *flag != 0;
}

void fake_pair_settle(struct fake_pair *p)
{
	for (int i = 0; i < SETTLE_TURNS; i++)
		uv_run(p->loop, UV_RUN_NOWAIT);
}
