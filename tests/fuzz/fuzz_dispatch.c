/* fuzz_dispatch.c - a client of storaged that says what it likes, in any order: storaged lives.
 * link: tests/fake storage/storaged storage/ipc storage common/ipc common/base */
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/proc/control.h"
#include "storage/ipc/store_ask.h"
#include "tests/fake/fake_pair.h"
#include "tests/fake/fake_queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_line(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void on_message(void *arg, struct ipc_message *m)
{
	(void)arg;
	(void)m;
}

static void on_gone(void *arg, const struct error *why)
{
	(void)why;
	*(bool *)arg = true;
}

static void turn(struct fake_pair *pair, int times)
{
	for (int i = 0; i < times; i++)
		uv_run(pair->loop, UV_RUN_NOWAIT);
}

static void log_in(struct fake_pair *pair, struct ipc *raw)
{
	struct store_ask ask = { .type = STORE_WIRE_LOGIN, .account = 1 };
	struct store_token t;
	struct buf b;

	fake_store_token(pair->behind, &t, "mika@example.org", STORE_RIGHT_READ);
	ask.token = (struct span){ t.bytes, t.n };
	buf_init(&b, 1000);
	store_ask_write(&b, &ask);
	ipc_send(raw, STORE_WIRE_LOGIN, 1, buf_span(&b), NULL, 0);
	buf_clear(&b);
	turn(pair, 4);
}

/* Messages: a type, a length, the body. A type over 200 lets the loop turn or kills the client. */
static void play(struct fake_pair *pair, struct ipc *raw, struct span in, const bool *gone)
{
	for (uint64_t number = 2; in.n >= 2 && !*gone; number++) {
		struct span head = span_take(&in, 2);
		struct span body = span_take(&in, head.p[1]);

		if (head.p[0] > 250)
			dispatch_revoke(pair->dispatch, "mika@example.org");
		else if (head.p[0] > 200)
			turn(pair, head.p[0] - 200);
		else
			ipc_send(raw, head.p[0], number, body, NULL, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_pair pair;
	struct ipc *raw;
	struct error err;
	uv_loop_t loop;
	bool gone = false;
	struct ipc_handlers h = { on_message, on_gone, &gone };
	int ends[2];

	if (size > 4096)
		return 0;
	log_to_function(no_line, NULL);
	uv_loop_init(&loop);
	if (fake_pair_new(&pair, &loop, NULL, &err) < 0 || ipc_pair(ends, &err) < 0)
		abort();
	fake_queue_put(pair.behind, "A1", "s@example.org", "a@x.org b@y.org b@x.org", "text", NULL);
	fake_queue_put(pair.behind, "A2", "", "c@x.org", "text", NULL);
	if (dispatch_client(pair.dispatch, pair.rights, "raw", ends[0], &err) < 0 ||
	    ipc_new(&raw, &loop, ends[1], 1 << 20, &h, &err) < 0)
		abort();
	log_in(&pair, raw);
	play(&pair, raw, (struct span){ data, size }, &gone);
	if (size % 2 == 0)
		turn(&pair, 8);
	ipc_free(raw);
	turn(&pair, 8);
	if (fake_store_accounts(pair.behind) > 0 || fake_store_stages(pair.behind) > 0 ||
	    fake_queue_leases(pair.behind) > 0)
		abort(); /* the client is gone, and with it all that it held */
	fake_pair_clear(&pair);
	uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop) < 0)
		abort();
	return 0;
}
