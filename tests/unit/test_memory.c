/* test_memory.c - what is remembered of other servers: over a restart, and for how long.
 * link: tests/unit/fake_web.o tests/fake deliverd storage common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/tls/policy.h"
#include "deliverd/memory.h"
#include "tests/fake/fake_queue.h"
#include "tests/unit/fake_web.h"

enum { DAY = 86400 };

struct world {
	uv_loop_t loop;
	struct store *store;
	struct memory *memory;
	struct memory_host got;
	size_t answers;
};

static void begin(struct world *w)
{
	*w = (struct world){ .answers = 0 };
	fake_web_reset();
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(fake_store_new(&w->store, NULL, NULL), 0);
	assert_int_equal(memory_new(&w->memory, &w->loop, w->store, NULL), 0);
}

static void end(struct world *w)
{
	memory_free(w->memory);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	fake_store_free(w->store);
}

/* deliverd is started again; notes stay. */
static void restart(struct world *w)
{
	fake_store_run(w->store);
	memory_free(w->memory);
	assert_int_equal(memory_new(&w->memory, &w->loop, w->store, NULL), 0);
}

static void on_answer(void *arg, const struct memory_host *h)
{
	struct world *w = arg;

	w->got = *h;
	w->answers++;
}

static void run(struct world *w)
{
	fake_store_run(w->store);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	uv_run(&w->loop, UV_RUN_NOWAIT);
}

static struct memory_host ask(struct world *w, const char *name, unsigned port)
{
	size_t before = w->answers;

	assert_int_not_equal(memory_ask(w->memory, name, port, on_answer, w), 0);
	assert_int_equal(w->answers, before);	/* never from within the call */
	run(w);
	assert_int_equal(w->answers, before + 1);
	return w->got;
}

static void check(struct world *w, const char *name, unsigned port, bool had_tls, unsigned version)
{
	struct memory_host h = ask(w, name, port);

	unit_case(name, port);
	assert_int_equal(h.had_tls, had_tls);
	assert_int_equal(h.version, version);
}

static void test_days(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	check(&w, "mx.example.org", 25, false, 0);
	memory_tls(w.memory, "mx.example.org", 25, 0);
	check(&w, "mx.example.org", 25, true, 0);
	check(&w, "mx.example.org", 2525, false, 0);
	check(&w, "mx2.example.org", 25, false, 0);
	memory_tls(w.memory, "old.example.org", 25, TLS_1_2);
	check(&w, "old.example.org", 25, true, TLS_1_2);
	for (int again = 0; again < 2; again++) {
		restart(&w);
		check(&w, "mx.example.org", 25, true, 0);
		check(&w, "old.example.org", 25, true, TLS_1_2);
		check(&w, "mx.example.org", 2525, false, 0);
	}
	fake_web_set_now(fake_web_now() + DAY - 1);
	check(&w, "old.example.org", 25, true, TLS_1_2);
	/* Another session with it does not make the day longer. */
	memory_tls(w.memory, "old.example.org", 25, TLS_1_2);
	fake_web_set_now(fake_web_now() + 2);
	check(&w, "old.example.org", 25, true, 0);
	restart(&w);
	check(&w, "old.example.org", 25, true, 0);
	fake_web_set_now(fake_web_now() + 29LL * DAY);
	check(&w, "mx.example.org", 25, false, 0);
	restart(&w);
	check(&w, "mx.example.org", 25, false, 0);
	end(&w);
}

/* A host that takes all versions again is offered all of them at once. */
static void test_better(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	memory_tls(w.memory, "a.example", 25, TLS_1_2);
	memory_tls(w.memory, "a.example", 25, 0);
	check(&w, "a.example", 25, true, 0);
	restart(&w);
	check(&w, "a.example", 25, true, 0);
	memory_tls(w.memory, "a.example", 25, TLS_1_1);
	memory_tls(w.memory, "a.example", 25, TLS_1_0);
	check(&w, "a.example", 25, true, TLS_1_0);
	end(&w);
}

/* A note is written when something changed, not with each session. */
static void test_writes(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (int i = 0; i < 100; i++)
		memory_tls(w.memory, "a.example", 25, 0);
	run(&w);
	assert_int_equal(fake_store_calls(w.store, FAKE_NOTE_PUT), 1);
	fake_web_set_now(fake_web_now() + 2 * DAY);
	memory_tls(w.memory, "a.example", 25, 0);
	memory_tls(w.memory, "a.example", 25, 0);
	run(&w);
	assert_int_equal(fake_store_calls(w.store, FAKE_NOTE_PUT), 2);
	/* Nor read: it is known. */
	check(&w, "a.example", 25, true, 0);
	assert_int_equal(fake_store_calls(w.store, FAKE_NOTE_GET), 0);
	end(&w);
}

static void test_notes(void **state)
{
	static const struct {
		const char *why, *note;
		bool had_tls;
		unsigned version;
	} rows[] = {
		{ "both", "tls 1800000000\nversion 16 1800000000\n", true, TLS_1_2 },
		{ "over", "tls 1600000000\nversion 16 1600000000\n", false, 0 },
		{ "one", "tls 1800000000\n", true, 0 },
		{ "other lines", "future 1\ntls 1800000000\nversion\n", true, 0 },
		{ "nonsense", "\n\n version x 5\ntls -1\ntls 99999999999999999999\nversion 64 1800000000", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		begin(&w);
		queue_note_put(w.store, span_of("host/a.example:25"), span_of(rows[i].note), 1900000000, NULL, NULL);
		run(&w);
		check(&w, "a.example", 25, rows[i].had_tls, rows[i].version);
		end(&w);
	}
}

/* The store is away: nothing is known, and nobody waits for ever. */
static void test_no_store(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fake_store_fail(w.store, FAKE_NOTE_GET, STORE_TRY_LATER, 1);
	check(&w, "a.example", 25, false, 0);
	memory_tls(w.memory, "a.example", 25, 0);
	check(&w, "a.example", 25, true, 0);
	end(&w);
}

static void test_many(void **state)
{
	struct world w;
	uint64_t number;
	char name[32];

	(void)state;
	begin(&w);
	/* Two ask, one goes; and what a session teaches meanwhile counts more than the note. */
	memory_ask(w.memory, "a.example", 25, on_answer, &w);
	number = memory_ask(w.memory, "a.example", 25, on_answer, &w);
	memory_cancel(w.memory, number);
	memory_tls(w.memory, "a.example", 25, TLS_1_2);
	run(&w);
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.got.version, TLS_1_2);
	for (unsigned i = 0; i < MEMORY_HOSTS + 10; i++) {
		snprintf(name, sizeof(name), "h%u.example", i);
		memory_tls(w.memory, name, 25, 0);
	}
	run(&w);
	/* The first have gone from memory, and are found in their notes. */
	size_t gets = fake_store_calls(w.store, FAKE_NOTE_GET);
	check(&w, "a.example", 25, true, TLS_1_2);
	check(&w, "h1.example", 25, true, 0);
	check(&w, "h4000.example", 25, true, 0);
	assert_int_equal(fake_store_calls(w.store, FAKE_NOTE_GET), gets + 2);
	/* A question that is open when all ends is forgotten. */
	memory_ask(w.memory, "late.example", 25, on_answer, &w);
	memory_ask(w.memory, "a.example", 25, on_answer, &w);
	size_t before = w.answers;
	end(&w);
	assert_int_equal(w.answers, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),  cmocka_unit_test(test_better),   cmocka_unit_test(test_writes),
		cmocka_unit_test(test_notes), cmocka_unit_test(test_no_store), cmocka_unit_test(test_many),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "memory");
}
