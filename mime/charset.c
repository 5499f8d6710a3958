/* charset.c - the contract is in charset.h. */
#include "mime/charset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"

enum {
	NAME_MAX_BYTES = 63,	/* of a charset's name */
	PIVOT = 512		/* UTF-16 units between ICU's two converters */
};

enum way {
	WAY_UTF8,
	WAY_LATIN1,
	WAY_ICU
};

struct mime_charset {
	enum way way;
	size_t held_n;
	uint8_t held[4];	/* the start of a character of UTF-8 */
	UConverter *from, *to;
	UChar *pivot_read, *pivot_write;
	UChar pivot[PIVOT];
};

/* Names that need no ICU, and names that senders use for something else. */
static const struct {
	const char *name;
	enum way way;
	const char *icu;
} names[] = {
	{ "", WAY_UTF8, NULL },
	{ "utf-8", WAY_UTF8, NULL },
	{ "utf8", WAY_UTF8, NULL },
	{ "us-ascii", WAY_UTF8, NULL },
	{ "ascii", WAY_UTF8, NULL },
	{ "ansi_x3.4-1968", WAY_UTF8, NULL },
	{ "unknown-8bit", WAY_UTF8, NULL },	/* RFC 1428 */
	{ "iso-8859-1", WAY_LATIN1, NULL },
	{ "iso8859-1", WAY_LATIN1, NULL },
	{ "latin1", WAY_LATIN1, NULL },
	{ "windows-1252", WAY_LATIN1, NULL },
	{ "cp1252", WAY_LATIN1, NULL },
	{ "gb2312", WAY_ICU, "gb18030" },
	{ "gbk", WAY_ICU, "gb18030" },
	{ "ks_c_5601-1987", WAY_ICU, "windows-949" },
	{ "euc-kr", WAY_ICU, "windows-949" },
	{ "iso-8859-8-i", WAY_ICU, "iso-8859-8" },
	{ "unicode-1-1-utf-7", WAY_ICU, "utf-7" },
};

/* 0x80 to 0x9f in windows-1252. Mail that claims ISO-8859-1 means these: nobody sends
 * C1 controls. */
static const uint16_t windows_1252[32] = {
	0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

int mime_charset_start(struct error *err)
{
	UErrorCode status = U_ZERO_ERROR;

	unorm2_getNFKDInstance(&status);
	if (U_FAILURE(status))
		return error_set(err, -ENOENT, "ICU has no data: %s", u_errorName(status));
	return 0;
}

static void put_character(struct buf *out, uint32_t c)
{
	uint8_t bytes[4];

	buf_put(out, (struct span){ bytes, utf8_write(bytes, c) });
}

/* Takes what is ASCII as it is. */
static void put_ascii(struct span *in, struct buf *out)
{
	buf_put(out, span_take(in, ascii_run(in->p, in->n)));
}

/* --- which charset ---------------------------------------------------------- */

/* ICU takes options behind a comma and reads files behind a slash: such a name is none. */
static bool name_is_plain(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_alnum(name.p[i]) && strchr("-_.:+()", name.p[i]) == NULL)
			return false;
	return name.n <= NAME_MAX_BYTES && span_find(name, '\0') < 0;
}

static int open_icu(struct mime_charset *c, const char *name, struct error *err)
{
	UErrorCode status = U_ZERO_ERROR;

	c->from = ucnv_open(name, &status);
	if (status == U_MEMORY_ALLOCATION_ERROR)
		return error_set(err, -ENOMEM, "no memory for the charset %s", name);
	if (U_FAILURE(status))
		return error_set(err, -ENOENT, "nobody knows the charset %s", name);
	c->to = ucnv_open("UTF-8", &status);
	if (U_FAILURE(status))
		return error_set(err, -ENOMEM, "no memory for the charset UTF-8");
	c->pivot_read = c->pivot_write = c->pivot;
	return 0;
}

static int open_named(struct mime_charset *c, struct span name, struct error *err)
{
	char text[NAME_MAX_BYTES + 1] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!span_is_nocase(name, names[i].name))
			continue;
		c->way = names[i].way;
		return c->way == WAY_ICU ? open_icu(c, names[i].icu, err) : 0;
	}
	if (!name_is_plain(name))
		return error_set(err, -ENOENT, "that is no charset's name");
	memcpy(text, name.p, name.n);
	c->way = WAY_ICU;
	return open_icu(c, text, err);
}

int mime_charset_open(struct mime_charset **out, struct span name, struct error *err)
{
	int code;

	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for a charset");
	code = open_named(*out, span_trim(name), err);
	if (code < 0) {
		mime_charset_close(*out);
		*out = NULL;
	}
	return code;
}

void mime_charset_close(struct mime_charset *c)
{
	if (c == NULL)
		return;
	ucnv_close(c->from);
	ucnv_close(c->to);
	free(c);
}

bool mime_charset_known(struct span name)
{
	struct mime_charset *c;
	int code = mime_charset_open(&c, name, NULL);

	mime_charset_close(c);
	return code == 0;
}

/* --- conversion ------------------------------------------------------------- */

static size_t utf8_announced(uint8_t first)
{
	if (first < 0xc2 || first > 0xf4)
		return 1;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* in is the start of a character whose rest may still come. */
static bool utf8_is_cut(struct span in)
{
	if (in.n >= utf8_announced(in.p[0]))
		return false;
	for (size_t i = 1; i < in.n; i++)
		if ((in.p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Completes the character that was held, byte by byte. */
static void utf8_held(struct mime_charset *c, struct span *in, struct buf *out)
{
	uint32_t character;

	while (c->held_n > 0 && in->n > 0) {
		struct span held = { c->held, c->held_n + 1 };

		c->held[c->held_n++] = span_take(in, 1).p[0];
		while (held.n > 0 && !utf8_is_cut(held)) {
			utf8_take(&held, &character);
			put_character(out, character);
		}
		memmove(c->held, held.p, held.n);
		c->held_n = held.n;
	}
}

static void utf8_feed(struct mime_charset *c, struct span in, struct buf *out)
{
	uint32_t character;

	utf8_held(c, &in, out);
	while (in.n > 0) {
		put_ascii(&in, out);
		if (in.n == 0)
			return;
		if (utf8_is_cut(in)) {
			memcpy(c->held, in.p, in.n);
			c->held_n = in.n;
			return;
		}
		utf8_take(&in, &character);
		put_character(out, character);
	}
}

static void latin1_feed(struct span in, struct buf *out)
{
	while (in.n > 0) {
		put_ascii(&in, out);
		if (in.n == 0)
			return;
		uint8_t c = span_take(&in, 1).p[0];

		put_character(out, c < 0xa0 ? windows_1252[c - 0x80] : c);
	}
}

static void icu_feed(struct mime_charset *c, struct span in, UBool flush, struct buf *out)
{
	const char *from = (const char *)in.p, *from_end = from + in.n;
	UErrorCode status;

	do {
		char piece[1024], *to = piece;

		status = U_ZERO_ERROR;
		ucnv_convertEx(c->to, c->from, &to, piece + sizeof(piece), &from, from_end, c->pivot,
			       &c->pivot_read, &c->pivot_write, c->pivot + PIVOT, 0, flush, &status);
		buf_put(out, (struct span){ (const uint8_t *)piece, (size_t)(to - piece) });
	} while (status == U_BUFFER_OVERFLOW_ERROR);
}

size_t mime_charset_same(const struct mime_charset *c, struct span in)
{
	return c->way != WAY_ICU && c->held_n == 0 && in.n > 0 ? ascii_run(in.p, in.n) : 0;
}

void mime_charset_feed(struct mime_charset *c, struct span in, struct buf *out)
{
	if (in.n == 0)
		return;
	if (c->way == WAY_UTF8)
		utf8_feed(c, in, out);
	else if (c->way == WAY_LATIN1)
		latin1_feed(in, out);
	else
		icu_feed(c, in, 0, out);
}

void mime_charset_end(struct mime_charset *c, struct buf *out)
{
	if (c->held_n > 0)
		put_character(out, 0xfffd);
	c->held_n = 0;
	if (c->way != WAY_ICU)
		return;
	icu_feed(c, (struct span){ (const uint8_t *)"", 0 }, 1, out);
	ucnv_reset(c->from);
	ucnv_reset(c->to);
	c->pivot_read = c->pivot_write = c->pivot;
}

bool mime_charset_convert(void *arg, struct span charset, struct span bytes, struct buf *out)
{
	struct mime_charset *c;

	(void)arg;
	if (mime_charset_open(&c, charset, NULL) < 0)
		return false;
	mime_charset_feed(c, bytes, out);
	mime_charset_end(c, out);
	mime_charset_close(c);
	return true;
}

/* --- comparison ------------------------------------------------------------- */

/* Title case again behind the taking apart: a ligature's letters are small ones. */
static void fold_character(const UNormalizer2 *normalizer, uint32_t c, struct buf *out)
{
	UChar parts[64];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = -1, i = 0;

	c = (uint32_t)u_totitle((UChar32)c);
	if (normalizer != NULL)
		n = unorm2_getDecomposition(normalizer, (UChar32)c, parts, 64, &status);
	if (n < 0 || U_FAILURE(status)) {
		put_character(out, c);
		return;
	}
	while (i < n) {
		UChar32 part;

		U16_NEXT(parts, i, n, part);
		put_character(out, (uint32_t)u_totitle(part));
	}
}

static void fold_ascii(struct span *in, struct buf *out)
{
	size_t n = ascii_run(in->p, in->n);
	uint8_t *to;

	to = n > 0 ? buf_room(out, n) : NULL;
	for (size_t i = 0; to != NULL && i < n; i++)
		to[i] = ascii_upper(in->p[i]);
	out->n += to != NULL ? n : 0;
	span_take(in, n);
}

void mime_fold(struct span utf8, struct buf *out)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *normalizer = unorm2_getNFKDInstance(&status);
	uint32_t c;

	while (utf8.n > 0) {
		fold_ascii(&utf8, out);
		if (utf8.n == 0)
			return;
		utf8_take(&utf8, &c);
		fold_character(U_SUCCESS(status) ? normalizer : NULL, c, out);
	}
}

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* To be freed; NULL: no memory, or no UTF-8. */
static UChar *utf16_of(struct span utf8, int32_t *n)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar *text = utf8.n < INT32_MAX / 16 ? malloc((utf8.n + 1) * sizeof(*text)) : NULL;

	if (text == NULL)
		return NULL;
	u_strFromUTF8(text, (int32_t)utf8.n + 1, n, (const char *)utf8.p, (int32_t)utf8.n, &status);
	if (U_SUCCESS(status))
		return text;
	free(text);
	return NULL;
}

bool mime_is_composed(struct span utf8)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0;
	bool good;
	UChar *text;

	if (is_ascii(utf8))
		return true;
	text = utf16_of(utf8, &n);
	good = text != NULL && unorm2_isNormalized(unorm2_getNFCInstance(&status), text, n, &status) && U_SUCCESS(status);
	free(text);
	return good;
}

static bool put_utf16(struct buf *out, const UChar *text, int32_t n)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t bytes = 0;
	uint8_t *room;

	u_strToUTF8(NULL, 0, &bytes, text, n, &status);
	room = buf_room(out, (size_t)bytes);
	status = U_ZERO_ERROR;
	if (room != NULL)
		u_strToUTF8((char *)room, bytes, &bytes, text, n, &status);
	if (room == NULL || U_FAILURE(status))
		return false;
	out->n += (size_t)bytes;
	return true;
}

bool mime_compose(struct span utf8, struct buf *out)
{
	enum { GROWS = 3 }; /* UTF-16, at most (UAX 15) */
	UErrorCode status = U_ZERO_ERROR;
	UChar *text, *composed;
	int32_t n = 0;
	bool good = false;

	if (is_ascii(utf8)) {
		buf_put(out, utf8);
		return !out->failed;
	}
	text = utf16_of(utf8, &n);
	composed = text != NULL ? malloc(((size_t)n + 1) * GROWS * sizeof(*composed)) : NULL;
	if (composed != NULL) {
		n = unorm2_normalize(unorm2_getNFCInstance(&status), text, n, composed, (n + 1) * GROWS, &status);
		good = U_SUCCESS(status) && put_utf16(out, composed, n);
	}
	free(composed);
	free(text);
	return good;
}
