/* words.c - the contract is in words.h. */
#include "mime/words.h"

#include "common/base/ascii.h"
#include "mime/encoding.h"

/* An encoded word as it stands (RFC 2047 2). */
struct word {
	struct span charset;	/* without the language (RFC 2231 5) */
	uint8_t encoding;	/* 'q' or 'b' */
	struct span text;
};

/* Neighbouring words of one charset, decoded but not converted. */
struct words {
	struct span charset;
	struct span raw;	/* as they stand, for a charset that nobody knows */
	struct buf bytes;
	mime_to_utf8 convert;
	void *arg;
	struct buf *out;
};

/* Takes what stands before the first "?=", and that. */
static bool take_text(struct span *in, struct span *text)
{
	for (size_t i = 0; i + 1 < in->n; i++) {
		if (in->p[i] != '?' || in->p[i + 1] != '=')
			continue;
		*text = span_take(in, i);
		span_take(in, 2);
		return true;
	}
	return false;
}

/* Takes an encoded word off *in, which begins with "=?". *open is cleared if no "?="
 * follows at all: then nobody need look again. */
static bool take_word(struct span *in, struct word *word, bool *open)
{
	struct span look = *in;
	struct span charset;
	size_t n = 0;

	span_take(&look, 2);
	while (n < look.n && look.p[n] > ' ' && look.p[n] != '?' && look.p[n] != '=')
		n++;
	charset = span_take(&look, n);
	if (charset.n == 0 || look.n < 3 || look.p[0] != '?' || look.p[2] != '?')
		return false;
	word->encoding = ascii_lower(look.p[1]);
	if (word->encoding != 'q' && word->encoding != 'b')
		return false;
	word->charset = span_take_until(&charset, '*');
	span_take(&look, 3);
	*open = take_text(&look, &word->text);
	if (*open)
		*in = look;
	return *open;
}

/* RFC 2047 4.2 */
static void decode_q(struct span text, struct buf *out)
{
	while (text.n > 0) {
		uint8_t c = span_take(&text, 1).p[0];
		int high = c == '=' && text.n > 1 ? ascii_hex(text.p[0]) : -1;
		int low = high >= 0 ? ascii_hex(text.p[1]) : -1;

		if (low >= 0) {
			c = (uint8_t)(high << 4 | low);
			span_take(&text, 2);
		}
		buf_put_byte(out, c == '_' && low < 0 ? ' ' : c);
	}
}

static void decode_word(const struct word *word, struct buf *out)
{
	struct mime_decoder base64;

	if (word->encoding == 'q') {
		decode_q(word->text, out);
		return;
	}
	mime_decoder_init(&base64, MIME_ENCODING_BASE64);
	mime_decode(&base64, word->text, out);
	mime_decode_end(&base64, out);
}

static void words_flush(struct words *w)
{
	if (w->raw.n > 0 && !w->convert(w->arg, w->charset, buf_span(&w->bytes), w->out))
		buf_put(w->out, w->raw);
	w->raw.n = 0;
	w->out->failed |= w->bytes.failed;
	buf_reset(&w->bytes);
}

/* raw: the word as it stands. */
static void words_put(struct words *w, const struct word *word, struct span raw)
{
	if (w->raw.n > 0 && !span_equal_nocase(w->charset, word->charset))
		words_flush(w);
	if (w->raw.n == 0)
		w->raw = raw;
	w->raw.n = (size_t)(raw.p + raw.n - w->raw.p);
	w->charset = word->charset;
	decode_word(word, &w->bytes);
}

static struct span take_space(struct span *in)
{
	size_t n = 0;

	while (n < in->n && (in->p[n] == ' ' || in->p[n] == '\t'))
		n++;
	return span_take(in, n);
}

/* What comes before the next thing that may be a word or white space. */
static struct span take_plain(struct span *in)
{
	size_t n = 1;

	while (n < in->n && in->p[n] != ' ' && in->p[n] != '\t' && in->p[n] != '=')
		n++;
	return span_take(in, n);
}

void mime_words_decode(struct span value, mime_to_utf8 convert, void *arg, struct buf *out)
{
	struct words w = { .convert = convert, .arg = arg, .out = out };
	bool open = true, after_word = false;

	buf_init(&w.bytes, value.n);
	while (value.n > 0) {
		struct span gap = take_space(&value), start = value;
		struct word word;

		if (open && span_starts(value, "=?") && take_word(&value, &word, &open)) {
			if (!after_word)
				buf_put(out, gap);	/* RFC 2047 6.2: between two it goes */
			words_put(&w, &word, (struct span){ start.p, start.n - value.n });
			after_word = true;
			continue;
		}
		words_flush(&w);
		buf_put(out, gap);
		if (value.n > 0)
			buf_put(out, take_plain(&value));
		after_word = false;
	}
	words_flush(&w);
	buf_clear(&w.bytes);
}

/* RFC 2231 4: %XX */
static void decode_percent(struct span text, struct buf *out)
{
	while (text.n > 0) {
		uint8_t c = span_take(&text, 1).p[0];
		int high = c == '%' && text.n > 1 ? ascii_hex(text.p[0]) : -1;
		int low = high >= 0 ? ascii_hex(text.p[1]) : -1;

		if (low >= 0) {
			c = (uint8_t)(high << 4 | low);
			span_take(&text, 2);
		}
		buf_put_byte(out, c);
	}
}

void mime_words_ext_value(struct span value, mime_to_utf8 convert, void *arg, struct buf *out)
{
	struct span text = value, charset = { 0 };
	struct buf bytes;

	charset = span_take_until(&text, '\'');
	if (span_find(text, '\'') >= 0) {
		span_take_until(&text, '\'');
	} else {
		text = value;
		charset.n = 0;
	}
	buf_init(&bytes, text.n);
	decode_percent(text, &bytes);
	if (!convert(arg, charset, buf_span(&bytes), out))
		buf_put(out, buf_span(&bytes));
	out->failed |= bytes.failed;
	buf_clear(&bytes);
}
