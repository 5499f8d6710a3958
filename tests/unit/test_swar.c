/* test_swar.c - eight bytes at a time: each value of a byte at each place. */
/* link: common/base */
#include "common/base/swar.h"
#include "tests/unit/unit.h"

static uint64_t word_with(uint8_t c, size_t at, uint8_t rest)
{
	uint8_t bytes[SWAR_BYTES];

	memset(bytes, rest, sizeof(bytes));
	bytes[at] = c;
	return swar_load(bytes);
}

static void test_each_byte_at_each_place(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < SWAR_BYTES; at++) {
			unit_case("byte", c * 8 + at);
			assert_int_equal(swar_high(word_with((uint8_t)c, at, 'a')) != 0, c >= 0x80);
			for (unsigned wanted = 0; wanted < 256; wanted++)
				assert_int_equal(swar_has(word_with((uint8_t)c, at, (uint8_t)(wanted + 1)), (uint8_t)wanted) != 0, c == wanted);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_byte_at_each_place) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
