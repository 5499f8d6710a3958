/* fuzz_surrogate.c - any bytes as a message whose header is made ASCII: cuts change nothing, it stays within its
 * bounds, and once more changes nothing. The first byte is the length of the pieces.
 * link: mime common/base */
#include <stdlib.h>

#include "tests/unit/surrogate_pieces.h"

static void check(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out[3];
	struct span in;

	if (size < 1)
		return 0;
	in = (struct span){ data + 1, size - 1 };
	for (size_t i = 0; i < 3; i++)
		buf_init(&out[i], 12 * 12 * in.n + 4096);
	surrogate_pieces(in, SIZE_MAX, &out[0]);
	surrogate_pieces(in, (size_t)data[0] + 1, &out[1]);
	check(out[0].n <= 12 * in.n + 1024);
	check(span_equal(buf_span(&out[0]), buf_span(&out[1])));
	surrogate_pieces(buf_span(&out[0]), SIZE_MAX, &out[2]);
	check(span_equal(buf_span(&out[0]), buf_span(&out[2])));
	for (size_t i = 0; i < 3; i++) {
		check(!out[i].failed);
		buf_clear(&out[i]);
	}
	return 0;
}
