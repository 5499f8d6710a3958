/* text.c - the contract is in text.h. */
#include "mime/text.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "mime/charset.h"

enum { SLICE = 4096 };		/* bytes that are decoded at once */

struct mime_text {
	struct mime_decoder decoder;
	struct mime_charset *charset;
	struct buf bytes;	/* decoded, of one slice */
	struct buf utf8;
	mime_text_sink sink;
	void *arg;
	bool lost;
};

int mime_text_new(struct mime_text **out, enum mime_encoding encoding, struct span charset,
		  mime_text_sink sink, void *arg, struct error *err)
{
	struct mime_text *t = *out = calloc(1, sizeof(*t));
	int code;

	if (t == NULL)
		return error_set(err, -ENOMEM, "no memory for a text");
	mime_decoder_init(&t->decoder, encoding);
	buf_init(&t->bytes, SLICE + MIME_DECODE_SLACK);
	buf_init(&t->utf8, MIME_TEXT_PIECE);
	t->sink = sink;
	t->arg = arg;
	code = mime_charset_open(&t->charset, charset, err);
	if (code == -ENOENT)
		code = mime_charset_open(&t->charset, span_of("utf-8"), err);
	if (code < 0) {
		mime_text_free(t);
		*out = NULL;
	}
	return code;
}

void mime_text_free(struct mime_text *t)
{
	if (t == NULL)
		return;
	mime_charset_close(t->charset);
	buf_clear(&t->bytes);
	buf_clear(&t->utf8);
	free(t);
}

/* Hands on what was decoded since the last time. */
static void hand_on(struct mime_text *t)
{
	mime_charset_feed(t->charset, buf_span(&t->bytes), &t->utf8);
	t->lost |= t->bytes.failed || t->utf8.failed;
	if (t->utf8.n > 0)
		t->sink(t->arg, buf_span(&t->utf8));
	buf_reset(&t->bytes);
	buf_reset(&t->utf8);
}

/* What needs no change goes on without a copy. */
static void pass_on(struct mime_text *t, struct span *in)
{
	size_t n = t->bytes.n == 0 ? mime_charset_same(t->charset, *in) : 0;

	while (n > 0) {
		struct span piece = span_take(in, n < MIME_TEXT_PIECE ? n : MIME_TEXT_PIECE);

		t->sink(t->arg, piece);
		n -= piece.n;
	}
}

void mime_text_feed(struct mime_text *t, struct span in)
{
	bool plain = t->decoder.encoding == MIME_ENCODING_IDENTITY || t->decoder.encoding == MIME_ENCODING_UNKNOWN;

	while (in.n > 0) {
		if (plain)
			pass_on(t, &in);
		if (in.n == 0)
			break;
		mime_decode(&t->decoder, span_take(&in, SLICE), &t->bytes);
		hand_on(t);
	}
}

int mime_text_end(struct mime_text *t, struct error *err)
{
	mime_decode_end(&t->decoder, &t->bytes);
	hand_on(t);
	mime_charset_end(t->charset, &t->utf8);
	hand_on(t);
	return t->lost ? error_set(err, -ENOMEM, "no memory to decode a text") : 0;
}
