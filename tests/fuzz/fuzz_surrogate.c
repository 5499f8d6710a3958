/* fuzz_surrogate.c - any bytes as a message whose header is made ASCII: cuts change nothing, it stays within its
 * bounds, and once more changes nothing. The first byte is the length of the pieces.
 * link: mime common/base */
#include <stdlib.h>

#include "mime/surrogate.h"

static void check(bool good)
{
	if (!good)
		abort();
}

static void convert(struct span in, size_t piece, struct buf *out)
{
	struct mime_surrogate s;

	mime_surrogate_init(&s);
	while (in.n > 0) {
		struct span part = span_take(&in, piece);

		mime_surrogate_feed(&s, &part, out);
		buf_put(out, part);
	}
	mime_surrogate_end(&s, out);
	mime_surrogate_clear(&s);
	check(!out->failed);
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
	convert(in, SIZE_MAX, &out[0]);
	convert(in, (size_t)data[0] + 1, &out[1]);
	check(out[0].n <= 12 * in.n + 1024);
	check(span_equal(buf_span(&out[0]), buf_span(&out[1])));
	convert(buf_span(&out[0]), SIZE_MAX, &out[2]);
	check(span_equal(buf_span(&out[0]), buf_span(&out[2])));
	for (size_t i = 0; i < 3; i++)
		buf_clear(&out[i]);
	return 0;
}
