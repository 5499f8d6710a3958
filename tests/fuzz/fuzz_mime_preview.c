/* fuzz_mime_preview.c - any bytes as a body: valid UTF-8 without controls comes out, at most 200
 * characters of it, and the same however the body is cut.
 * link: mime common/base */
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "mime/preview.h"
#include "mime/text.h"

static void need(bool b)
{
	if (!b)
		abort();
}

static void show(void *arg, struct span utf8)
{
	mime_preview_feed(arg, utf8);
}

static void make(struct mime_preview *p, uint8_t how, struct span body, size_t step)
{
	static const char *const charsets[] = { "utf-8", "us-ascii", "iso-2022-jp", "utf-16" };
	struct mime_text *t;

	mime_preview_init(p, how & 1 ? MIME_PREVIEW_HTML : MIME_PREVIEW_PLAIN);
	if (mime_text_new(&t, (enum mime_encoding)(how >> 1 & 3), span_of(charsets[how >> 3 & 3]), show, p, NULL) != 0)
		return;
	while (body.n > 0)
		mime_text_feed(t, span_take(&body, step));
	mime_text_end(t, NULL);
	mime_text_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_preview a, b;
	struct span text, same;
	unsigned chars = 0;
	uint32_t c;

	if (size < 2 || size > 8192)
		return 0;
	make(&a, data[0], (struct span){ data + 2, size - 2 }, size);
	make(&b, data[0], (struct span){ data + 2, size - 2 }, 1 + data[1] % 50);
	text = mime_preview_end(&a);
	same = mime_preview_end(&b);
	need(span_equal(text, same));
	while (text.n > 0) {
		need(utf8_take(&text, &c) || c == 0xfffd);
		need(c >= 0x20 && c != 0x7f && ++chars <= MIME_PREVIEW_CHARS);
	}
	return 0;
}
