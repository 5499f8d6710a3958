/* fuzz_imap_deflate.c - any bytes as a client's compressed stream, cut anywhere, with rests between.
 * link: imapd common/base */
#include <stdlib.h>
#include <string.h>

#include "imapd/deflate.h"

static void need(bool b)
{
	if (!b)
		abort();
}

/* Takes all that in gives; the bytes it stands for go into out, as far as they fit. */
static int take(struct imap_deflate *z, struct span in, uint8_t *out, size_t size, size_t *n)
{
	struct span *plain = imap_deflate_plain(z);
	size_t before, got;
	int r;

	do {
		before = in.n;
		r = imap_deflate_take(z, &in);
		need(plain->n <= IMAP_DEFLATE_PIECE);
		got = plain->n;
		for (size_t i = 0; i < plain->n && *n < size; i++)
			out[(*n)++] = plain->p[i];
		span_take(plain, plain->n);
	} while (r == 0 && (got > 0 || in.n < before));
	need(r != 0 || in.n == 0);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { OUT = 1 << 16 };
	static uint8_t whole[OUT], parts[OUT];
	struct imap_deflate *a, *b;
	struct span all = { data, size };
	size_t whole_n = 0, parts_n = 0;
	int r = 0, want;

	if (size > 4096 || imap_deflate_new(&a, NULL) != 0 || imap_deflate_new(&b, NULL) != 0)
		return 0;
	want = take(a, all, whole, OUT, &whole_n);
	while (r == 0 && all.n > 0) {
		r = take(b, span_take(&all, 1 + all.p[0] % 61), parts, OUT, &parts_n);
		imap_deflate_rest(b);
	}
	/* In front of damage the last piece may be missing. */
	need(r == want && (r != 0 || whole_n == parts_n));
	need(memcmp(whole, parts, whole_n < parts_n ? whole_n : parts_n) == 0);
	imap_deflate_free(a);
	imap_deflate_free(b);
	return 0;
}
