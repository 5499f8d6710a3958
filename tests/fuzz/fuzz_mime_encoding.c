/* fuzz_mime_encoding.c - decoders, charsets and the search: whatever comes, in one piece
 * or byte by byte, the same comes out.
 * link: mime common/base */
#include <stdlib.h>

#include "common/base/utf8.h"
#include "mime/charset.h"
#include "mime/encoding.h"
#include "mime/search.h"
#include "mime/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const charsets[] = { "utf-8",   "iso-8859-1", "iso-2022-jp", "shift_jis",
					"gb18030", "utf-7",      "utf-16",      "euc-kr" };

static void check(bool good)
{
	if (!good)
		abort();
}

static void decode(enum mime_encoding encoding, struct span in, size_t piece, struct buf *out)
{
	struct mime_decoder d;

	buf_init(out, in.n + MIME_DECODE_SLACK);
	mime_decoder_init(&d, encoding);
	while (in.n > 0)
		mime_decode(&d, span_take(&in, piece), out);
	mime_decode_end(&d, out);
	check(!out->failed);
}

static void collect(void *arg, struct span utf8)
{
	check(utf8.n <= MIME_TEXT_PIECE && utf8_valid(utf8));
	buf_put(arg, utf8);
}

static void convert(enum mime_encoding encoding, const char *charset, struct span in, size_t piece,
		    struct buf *out)
{
	struct mime_text *t;

	buf_init(out, 8 * in.n + 200);
	check(mime_text_new(&t, encoding, span_of(charset), collect, out, NULL) == 0);
	while (in.n > 0)
		mime_text_feed(t, span_take(&in, piece));
	check(mime_text_end(t, NULL) == 0);
	check(!out->failed && utf8_valid(buf_span(out)));
	mime_text_free(t);
}

/* The second half of a text is always found in it. */
static void search(struct span utf8)
{
	struct span needle = utf8;
	struct mime_search *s;

	span_take(&needle, utf8.n / 2);
	while (needle.n > 0 && (needle.p[0] & 0xc0) == 0x80)
		span_take(&needle, 1);
	if (mime_search_new(&s, needle, NULL) < 0)
		return;
	check(mime_search_feed(s, utf8));
	mime_search_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size }, how = span_take(&in, 1);
	uint8_t byte = how.n > 0 ? how.p[0] : 0;
	enum mime_encoding encoding = (enum mime_encoding)(byte % 4);
	const char *charset = charsets[byte / 4 % 8];
	struct buf one, two;

	decode(encoding, in, SIZE_MAX, &one);
	decode(encoding, in, 1 + byte / 32, &two);
	check(span_equal(buf_span(&one), buf_span(&two)));
	buf_clear(&one);
	buf_clear(&two);
	convert(encoding, charset, in, SIZE_MAX, &one);
	convert(encoding, charset, in, 1 + byte / 32, &two);
	check(span_equal(buf_span(&one), buf_span(&two)));
	search(buf_span(&one));
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
