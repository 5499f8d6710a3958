/* fuzz_downgrade.c - any bytes as a message to be made 7-bit: what comes out is, cuts change
 * nothing, and once more changes nothing. The first byte is the length of the pieces.
 * link: mime common/base */
#include <stdlib.h>
#include <string.h>

#include "mime/downgrade.h"

static void check(bool good)
{
	if (!good)
		abort();
}

static int convert(struct span in, size_t piece, struct buf *out)
{
	struct mime_downgrade *d;
	struct error err = { 0 };
	int r = 0;

	check(mime_downgrade_new(&d, NULL) == 0);
	while (r == 0 && in.n > 0)
		r = mime_downgrade_feed(d, span_take(&in, piece), out, &err);
	if (r == 0)
		r = mime_downgrade_end(d, out, &err);
	check(r == 0 || (r == err.code && err.words[0] != '\0'));
	mime_downgrade_free(d);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out[3];
	struct span in;
	int r;

	if (size < 1)
		return 0;
	in = (struct span){ data + 1, size - 1 };
	for (size_t i = 0; i < 3; i++)
		buf_init(&out[i], 1 << 26);
	r = convert(in, SIZE_MAX, &out[0]);
	check(convert(in, (size_t)data[0] + 1, &out[1]) == r);
	check(out[0].n <= 20 * in.n + 1024);
	if (r == 0) {
		check(span_equal(buf_span(&out[0]), buf_span(&out[1])));
		for (size_t i = 0; i < out[0].n; i++)
			check(out[0].p[i] < 0x80);
		check(convert(buf_span(&out[0]), SIZE_MAX, &out[2]) == 0);
		check(span_equal(buf_span(&out[0]), buf_span(&out[2])));
	}
	for (size_t i = 0; i < 3; i++)
		buf_clear(&out[i]);
	return 0;
}
