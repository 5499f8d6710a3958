/* test_seats.c - who works on the pool, and who waits (common/proc/seats.h).
 * link: common/proc/seats.o */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/proc/seats.h"
#include "tests/unit/unit.h"

struct guest {
	struct sitter sitter;	/* first */
	unsigned runs, wanted, order;
	bool sits;
};

static unsigned sitting, most, served;
static atomic_uint running;

static void seated(struct sitter *s)
{
	((struct guest *)s)->sits = true;
	most = ++sitting > most ? sitting : most;
	seats_run(s);
}

static void run(struct sitter *s)
{
	assert_true(++running <= 2);
	((struct guest *)s)->runs++;
	running--;
}

static void ran(struct sitter *s)
{
	struct guest *g = (struct guest *)s;

	if (g->runs < g->wanted) {
		seats_run(s);
		return;
	}
	g->sits = false;
	sitting--;
	g->order = ++served;
	seats_rise(s);
}

static void invite(struct guest *guests, size_t n)
{
	sitting = most = served = 0;
	for (size_t i = 0; i < n; i++)
		guests[i] = (struct guest){ .sitter = { .seated = seated, .run = run, .ran = ran }, .wanted = 1 + i % 3 };
}

/* Ten guests on two seats: never more than two, all are served, in the order in which they came but
 * for one place. */
static void test_line(void **state)
{
	struct guest guests[10];
	struct seats *seats;
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(seats_new(&seats, &loop, 2), 0);
	invite(guests, 10);
	for (size_t i = 0; i < 10; i++) {
		seats_take(seats, &guests[i].sitter);
		assert_int_equal(guests[i].sits, i < 2);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(most, 2);
	assert_int_equal(served, 10);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(guests[i].runs, guests[i].wanted);
		assert_in_range(guests[i].order, i > 0 ? i : 1, i + 3);
	}
	seats_free(seats);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* From the line's begin, middle and end, and from a seat before it ran. */
static void test_leaving(void **state)
{
	struct guest guests[6];
	struct seats *seats;
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(seats_new(&seats, &loop, 1), 0);
	invite(guests, 6);
	for (size_t i = 0; i < 6; i++)
		seats_take(seats, &guests[i].sitter);
	seats_rise(&guests[1].sitter);
	seats_rise(&guests[3].sitter);
	seats_rise(&guests[5].sitter);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(served, 3);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(guests[i].runs > 0, i % 2 == 0);
	seats_free(seats);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* The seats go while somebody runs: the memory goes when that is over. */
static void test_closing(void **state)
{
	struct guest guests[1];
	struct seats *seats;
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(seats_new(&seats, &loop, 2), 0);
	invite(guests, 1);
	seats_take(seats, &guests[0].sitter);
	seats_free(seats);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(served, 1);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_closing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
