/* test_mime_downgrade.c - 8-bit messages made 7-bit, cut at every byte; what is decoded is the same.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "mime/downgrade.h"
#include "mime/meta.h"
#include "mime/parse.h"

#define MIME "MIME-Version: 1.0\r\n"
#define MIXED MIME "Content-Type: multipart/mixed; boundary=b\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define EIGHT "Content-Transfer-Encoding: 8bit\r\n"
#define SEVEN "Content-Transfer-Encoding: 7bit\r\n"
#define QUOTED "Content-Transfer-Encoding: quoted-printable\r\n"
#define BASE64 "Content-Transfer-Encoding: base64\r\n"
#define KANA "\xe3\x81\x93\xe3\x82\x93"

static const struct row {
	const char *why, *in;
	const char *out;	/* NULL: it fails, with words that end in `words` */
	const char *words;
} rows[] = {
	{ "7-bit", "A: b\r\n\r\nhi\r\n", "A: b\r\n\r\nhi\r\n", NULL },
	{ "nothing", "", "", NULL },
	{ "a header alone", "A: b\r\n", "A: b\r\n", NULL },
	{ "a header without an end", "A: b", "A: b", NULL },
	{ "text", MIME TEXT EIGHT "\r\nGr\xc3\xbc\xc3\x9f" "e aus Wien, lieber Leser\r\n", MIME TEXT QUOTED "\r\nGr=C3=BC=C3=9Fe aus Wien, lieber Leser\r\n", NULL },
	{ "text that is shorter as base64", MIME TEXT EIGHT "\r\n" KANA "\r\n", MIME TEXT BASE64 "\r\n44GT44KTDQo=\r\n", NULL },
	{ "text of 7 bits that says 8bit", MIME TEXT EIGHT "\r\nhi\r\n", MIME TEXT SEVEN "\r\nhi\r\n", NULL },
	{ "no encoding is named", MIME TEXT "\r\nabcdefghijkl \xc3\xbc\r\n", MIME TEXT QUOTED "\r\nabcdefghijkl =C3=BC\r\n", NULL },
	{ "a wrong one is", MIME TEXT SEVEN "X: y\r\n\r\nabcdefghijkl \xc3\xbc\r\n", MIME TEXT "X: y\r\n" QUOTED "\r\nabcdefghijkl =C3=BC\r\n", NULL },
	{ "two are", MIME EIGHT TEXT "content-transfer-encoding : binary\r\n\r\nabcdefghijkl \xc3\xbc\r\n",
	  MIME TEXT QUOTED "\r\nabcdefghijkl =C3=BC\r\n", NULL },
	{ "folded", MIME TEXT "Content-Transfer-Encoding:\r\n 8bit\r\n\r\nabcdefghijkl \xc3\xbc\r\n", MIME TEXT QUOTED "\r\nabcdefghijkl =C3=BC\r\n", NULL },
	{ "not MIME at all", "A: b\r\n\r\nabcdefghijkl \xfc\r\n",
	  "A: b\r\n" QUOTED MIME "Content-Type: text/plain; charset=unknown-8bit\r\n\r\nabcdefghijkl =FC\r\n", NULL },
	{ "no header at all", "\r\nabcdefghijkl \xfc\r\n",
	  QUOTED MIME "Content-Type: text/plain; charset=unknown-8bit\r\n\r\nabcdefghijkl =FC\r\n", NULL },
	{ "no end of the last line", MIME TEXT "\r\nabcdefghijkl \xc3\xbc", MIME TEXT QUOTED "\r\nabcdefghijkl =C3=BC=\r\n", NULL },
	{ "LF alone", "Content-Type: text/plain\n\nabcdefghijkl \xfc\nx\n",
	  "Content-Type: text/plain\n" QUOTED MIME "\r\nabcdefghijkl =FC\r\nx\r\n", NULL },
	{ "CR alone", MIME TEXT "\r\nabcdefghijkl\r\xc3\xbc\r\r\n", MIME TEXT QUOTED "\r\nabcdefghijkl=0D=C3=BC=0D\r\n", NULL },
	{ "a body of one line end", MIME TEXT "\r\n\r\n", MIME TEXT "\r\n\r\n", NULL },
	{ "binary text", MIME TEXT "Content-Transfer-Encoding: binary\r\n\r\na\n\xff", MIME TEXT BASE64 "\r\nYQr/\r\n", NULL },
	{ "a lone LF in an image of 7 bits", MIME "Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\n",
	  MIME "Content-Type: image/x\r\n" BASE64 "\r\nYQo=\r\n", NULL },
	{ "a lone CR in one", MIME "Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\r",
	  MIME "Content-Type: image/x\r\n" BASE64 "\r\nYQ0=\r\n", NULL },
	{ "lines of 7 bits that say binary", MIME "Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\r\n",
	  MIME "Content-Type: image/x\r\n" SEVEN "\r\na\r\n", NULL },
	{ "a lone LF in what is signed", MIME "Content-Type: multipart/signed; boundary=b\r\n\r\na\nb\r\n", NULL,
	  "they are in what is signed or encrypted, which must not be changed" },
	{ "a lone CR in it", MIME "Content-Type: multipart/signed; boundary=b\r\n\r\na\rb\r\n", NULL,
	  "they are in what is signed or encrypted, which must not be changed" },
	{ "an image", MIME "Content-Type: image/x\r\n" EIGHT "\r\na\r\n\xff\n", MIME "Content-Type: image/x\r\n" BASE64 "\r\nYQ0K/wo=\r\n", NULL },
	{ "a type that can't be read", MIME "Content-Type: ;\r\n\r\nabcdefghijkl \xfc\r\n", MIME "Content-Type: ;\r\n" QUOTED "\r\nabcdefghijkl =FC\r\n", NULL },
	{ "parts", MIXED EIGHT "\r\nbefore\r\n--b\r\n" TEXT EIGHT "\r\nabcdefghijkl \xc3\xbc\r\n--b\r\n\r\nhi\r\n--b--\r\nbehind\r\n",
	  MIXED SEVEN "\r\nbefore\r\n--b\r\n" TEXT QUOTED "\r\nabcdefghijkl =C3=BC\r\n--b\r\n\r\nhi\r\n--b--\r\nbehind\r\n", NULL },
	{ "a part's last line end is its own", MIXED "\r\n--b\r\n" TEXT "\r\n" KANA "\r\n\r\n--b--\r\n",
	  MIXED "\r\n--b\r\n" TEXT BASE64 "\r\n44GT44KTDQo=\r\n--b--\r\n", NULL },
	{ "a part in another without a type", MIXED "\r\n--b\r\n\r\nabcdefghijkl \xfc\r\n--b--",
	  MIXED "\r\n--b\r\n" QUOTED "Content-Type: text/plain; charset=unknown-8bit\r\n\r\nabcdefghijkl =FC\r\n--b--", NULL },
	{ "no last boundary", MIXED "\r\n--b\r\n" TEXT "\r\nabcdefghijkl \xfc\r\n", MIXED "\r\n--b\r\n" TEXT QUOTED "\r\nabcdefghijkl =FC\r\n", NULL },
	{ "no part", MIXED EIGHT "\r\n", MIXED SEVEN "\r\n", NULL },
	{ "white space behind a boundary, and none of ours", MIXED "\r\n--b \t\r\n" TEXT "\r\nabcdefghijkl \xfc\r\n--bb\r\n--b--x\r\n--b-- \r\n",
	  MIXED "\r\n--b \t\r\n" TEXT QUOTED "\r\nabcdefghijkl =FC\r\n--bb\r\n--b--x\r\n--b-- \r\n", NULL },
	{ "a boundary right behind a header", MIXED "\r\n--b\r\n" TEXT EIGHT "\r\n--b\r\n" TEXT EIGHT "--b--\r\n",
	  MIXED "\r\n--b\r\n" TEXT SEVEN "\r\n--b\r\n" TEXT SEVEN "--b--\r\n", NULL },
	{ "8-bit before, between and behind", MIXED "\r\n\xfc\r\n--b\r\n\r\nhi\r\n--b--\r\n\xfc\xfc\r\n", MIXED "\r\n?\r\n--b\r\n\r\nhi\r\n--b--\r\n??\r\n", NULL },
	{ "a multipart in another; the outer boundary ends both",
	  MIXED "\r\n--b\r\nContent-Type: multipart/alternative; boundary=\"c d\"\r\n" EIGHT "\r\n--c d\r\n" TEXT "\r\nabcdefghijkl \xfc\r\n--b\r\n"
	  TEXT "\r\n" KANA "\r\n--c d\r\n--b--\r\n",
	  MIXED "\r\n--b\r\nContent-Type: multipart/alternative; boundary=\"c d\"\r\n" SEVEN "\r\n--c d\r\n" TEXT QUOTED "\r\nabcdefghijkl =FC\r\n--b\r\n"
	  TEXT BASE64 "\r\n44GT44KTDQotLWMgZA==\r\n--b--\r\n", NULL },
	{ "a message in a message", MIME "Content-Type: message/rfc822\r\n" EIGHT "\r\nA: b\r\n\r\nabcdefghijkl \xfc\r\n",
	  MIME "Content-Type: message/rfc822\r\n" SEVEN "\r\nA: b\r\n" QUOTED MIME
	  "Content-Type: text/plain; charset=unknown-8bit\r\n\r\nabcdefghijkl =FC\r\n", NULL },
	{ "a digest", MIME "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n" MIME TEXT "\r\nabcdefghijkl \xfc\r\n--b--\r\n",
	  MIME "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n" MIME TEXT QUOTED "\r\nabcdefghijkl =FC\r\n--b--\r\n", NULL },
	{ "a message of UTF-8 is encoded whole", MIME "Content-Type: message/global\r\n" EIGHT "\r\nA: \xc3\xa4\r\n\r\nhi\r\n",
	  MIME "Content-Type: message/global\r\n" BASE64 "\r\nQTogw6QNCg0KaGkNCg==\r\n", NULL },
	{ "quoted-printable that is none", MIME TEXT QUOTED "\r\na=C3=BC\xc3\r\n", MIME TEXT QUOTED "\r\na=C3=BC=C3\r\n", NULL },
	{ "base64 that is none", MIME TEXT BASE64 "\r\nYQ\xff==\r\n", MIME TEXT BASE64 "\r\nYQ==\r\n", NULL },
	{ "signed, 7-bit", MIME "Content-Type: multipart/signed; boundary=b\r\n" EIGHT "\r\n--b\r\n" EIGHT "\r\nhi\r\n--b\r\n\r\nx\r\n--b--\r\n",
	  MIME "Content-Type: multipart/signed; boundary=b\r\n" SEVEN "\r\n--b\r\n" EIGHT "\r\nhi\r\n--b\r\n\r\nx\r\n--b--\r\n", NULL },
	{ "8-bit in a header", "A: \xc3\xa4\r\n\r\n", NULL, "they are in a header, which needs SMTPUTF8" },
	{ "in a part's header", MIXED "\r\n--b\r\nA: \xc3\xa4\r\n\r\n--b--\r\n", NULL, "they are in a header, which needs SMTPUTF8" },
	{ "in the header of a message within", MIME "Content-Type: message/rfc822\r\n\r\nA: \xc3\xa4\r\n\r\n", NULL,
	  "they are in a header, which needs SMTPUTF8" },
	{ "signed", MIME "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" EIGHT "\r\n\xfc\r\n--b--\r\n", NULL,
	  "they are in what is signed or encrypted, which must not be changed" },
	{ "encrypted, within", MIXED "\r\n--b\r\nContent-Type: multipart/encrypted; boundary=c\r\n\r\n--c\r\n\r\n\xfc\r\n--c--\r\n--b--\r\n", NULL,
	  "they are in what is signed or encrypted, which must not be changed" },
	{ "beside what is signed",
	  MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b\r\n" TEXT "\r\nabcdefghijkl \xfc\r\n--b--\r\n",
	  MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b\r\n" TEXT QUOTED "\r\nabcdefghijkl =FC\r\n--b--\r\n", NULL },
	{ "half a message", MIME "Content-Type: message/partial; id=x; number=1\r\n\r\n\xfc\r\n", NULL,
	  "they are in a part of a message type that may not be encoded" },
	{ "an encoding that we don't know", MIME TEXT "Content-Transfer-Encoding: x-uuencode\r\n\r\n\xfc\r\n", NULL,
	  "they are in a part of an unknown encoding" },
	{ "a multipart without a boundary", MIME "Content-Type: multipart/mixed\r\n\r\n\xfc\r\n", NULL,
	  "they are in a multipart whose parts can't be told apart" },
};

/* Gives the result, and the bytes out. */
static int convert(struct span in, size_t first, size_t piece, struct buf *out, struct error *err)
{
	struct mime_downgrade *d;
	int r;

	assert_int_equal(mime_downgrade_new(&d, err), 0);
	r = mime_downgrade_feed(d, span_take(&in, first), out, err);
	while (r == 0 && in.n > 0)
		r = mime_downgrade_feed(d, span_take(&in, piece), out, err);
	if (r == 0)
		r = mime_downgrade_end(d, out, err);
	mime_downgrade_free(d);
	return r;
}

static void check_row(const struct row *row, size_t first, size_t piece)
{
	struct error err = { 0 };
	struct buf out;
	int r;

	unit_case(row->why, first);
	buf_init(&out, 1 << 16);
	r = convert(span_of(row->in), first, piece, &out, &err);
	if (row->out != NULL) {
		assert_int_equal(r, 0);
		unit_is(out.p, out.n, row->out);
	} else {
		assert_int_equal(r, -EINVAL);
		assert_true(strlen(err.words) > strlen(row->words));
		assert_string_equal(err.words + strlen(err.words) - strlen(row->words), row->words);
	}
	buf_clear(&out);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= strlen(rows[i].in); cut++)
			check_row(&rows[i], cut, SIZE_MAX);
		check_row(&rows[i], 1, 1);
	}
}

/* --- messages at random ----------------------------------------------------- */

static size_t upto(size_t n)
{
	return (size_t)rand() % n;
}

/* A body in lines with CRLF; kind 0: 7-bit. No line is a boundary. */
static void put_body(struct buf *b, size_t kind, size_t max)
{
	static const uint8_t special[] = "  \t=.--\xff\x80\xc3";
	size_t n = upto(max);

	for (size_t i = 0; i < n; i++) {
		uint8_t c = upto(3) == 0 ? special[upto(sizeof(special) - 1)] : (uint8_t)(33 + upto(kind == 0 ? 94 : 220));

		if (upto(20) == 0)
			buf_put_text(b, "\r\n");
		else
			buf_put_byte(b, kind == 0 ? c & 0x7f : kind == 1 && upto(12) > 0 ? (c & 0x7f) | 0x20 : c);
	}
}

static void put_part(struct buf *b, unsigned depth)
{
	static const char *const types[] = { "text/plain", "text/html; charset=utf-8", "image/png", "application/x" };
	static const char *const encodings[] = { "", SEVEN, EIGHT, "Content-Transfer-Encoding: binary\r\n" };
	size_t kind = upto(depth < 4 ? 4 : 2);

	if (kind == 2) {
		buf_printf(b, "Content-Type: message/rfc822\r\n\r\n");
		put_part(b, depth + 1);
	} else if (kind == 3) {
		buf_printf(b, "Content-Type: multipart/mixed; boundary=\"=_%u\"\r\n" EIGHT "\r\n", depth);
		for (size_t i = upto(4); i > 0; i--) {
			buf_printf(b, "\r\n--=_%u\r\n", depth);
			put_part(b, depth + 1);
		}
		buf_printf(b, "\r\n--=_%u--\r\n", depth);
	} else {
		buf_printf(b, "MIME-Version: 1.0\r\nContent-Type: %s\r\n%s\r\n", types[upto(4)], encodings[upto(4)]);
		put_body(b, upto(3), upto(50) == 0 ? 3 * DOWNGRADE_HOLD : 600);
	}
}

static void parse(struct span message, struct buf *blob, struct mime_meta *meta)
{
	struct mime_parser *p;

	assert_int_equal(mime_parser_new(&p, NULL, NULL), 0);
	mime_parser_feed(p, message);
	assert_int_equal(mime_parser_finish(p, blob, NULL), 0);
	mime_parser_free(p);
	assert_int_equal(mime_meta_open(meta, buf_span(blob), NULL), 0);
}

static enum mime_encoding decode(struct span message, const struct mime_part *part, struct buf *out)
{
	struct mime_content content;
	struct mime_decoder d;

	mime_part_content(part, &content);
	mime_decoder_init(&d, content.encoding);
	mime_decode(&d, (struct span){ message.p + part->body_at, (size_t)part->body_bytes }, out);
	mime_decode_end(&d, out);
	return content.encoding;
}

static void check_lines(struct span body)
{
	while (body.n > 0) {
		struct span line = span_take_until(&body, '\n');

		assert_true(line.n <= 77);	/* with its CR */
	}
}

/* Part by part both say the same; what was made is in short lines. */
static void check_same(struct span in, struct span out)
{
	struct buf blobs[2], bodies[2];
	struct mime_part a, b;
	struct mime_meta was, is;
	size_t at_a = 0, at_b = 0;

	for (size_t i = 0; i < 2; i++) {
		buf_init(&blobs[i], 1 << 20);
		buf_init(&bodies[i], 1 << 22);
	}
	parse(in, &blobs[0], &was);
	parse(out, &blobs[1], &is);
	assert_int_equal(was.parts, is.parts);
	while (mime_meta_next(&was, &at_a, &a)) {
		assert_true(mime_meta_next(&is, &at_b, &b));
		assert_int_equal(a.kind, b.kind);
		if (a.kind != MIME_PART_LEAF)
			continue;
		decode(in, &a, &bodies[0]);
		if (decode(out, &b, &bodies[1]) != MIME_ENCODING_IDENTITY)
			check_lines((struct span){ out.p + b.body_at, (size_t)b.body_bytes });
		if (b.body_at + b.body_bytes == out.n && bodies[1].n == bodies[0].n + 2)
			buf_put_text(&bodies[0], "\r\n");	/* the last line of all may get its end */
		assert_int_equal(bodies[0].n, bodies[1].n);
		if (bodies[0].n > 0)
			assert_memory_equal(bodies[0].p, bodies[1].p, bodies[0].n);
		buf_reset(&bodies[0]);
		buf_reset(&bodies[1]);
	}
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&blobs[i]);
		buf_clear(&bodies[i]);
	}
}

static void test_random(void **state)
{
	(void)state;
	srand(1);
	for (size_t round = 0; round < 400; round++) {
		struct buf in, out, again;

		unit_case("round", round);
		buf_init(&in, 1 << 24);
		buf_init(&out, 1 << 26);
		buf_init(&again, 1 << 26);
		put_part(&in, 0);
		assert_int_equal(convert(buf_span(&in), SIZE_MAX, 1, &out, NULL), 0);
		assert_int_equal(convert(buf_span(&in), 0, 1 + upto(100), &again, NULL), 0);
		assert_true(span_equal(buf_span(&out), buf_span(&again)));
		for (size_t i = 0; i < out.n; i++)
			assert_true(out.p[i] < 0x80);
		check_same(buf_span(&in), buf_span(&out));
		buf_clear(&in);
		buf_clear(&out);
		buf_clear(&again);
	}
}

/* --- bounds ----------------------------------------------------------------- */

/* An 8-bit byte behind what is held: the part is converted from its start. */
static void test_late(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 21);
	buf_put_text(&in, MIME TEXT "\r\n");
	for (size_t i = 0; i < DOWNGRADE_HOLD; i++)
		buf_put_text(&in, "aaaaaa=\r\n");
	buf_put_text(&in, "\xfc\r\n");
	assert_int_equal(convert(buf_span(&in), 0, 1000, &out, NULL), 0);
	assert_true(span_starts(buf_span(&out), MIME TEXT QUOTED "\r\naaaaaa=3D\r\naaaaaa=3D\r\n"));
	unit_is(out.p + out.n - 5, 5, "=FC\r\n");
	buf_clear(&in);
	buf_clear(&out);
}

static void test_bounds(void **state)
{
	struct error err;
	struct buf in, out;

	(void)state;
	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < DOWNGRADE_HEADER; i++)
		buf_put_text(&in, "a:\n");
	assert_int_equal(convert(buf_span(&in), 0, 1000, &out, &err), -EINVAL);
	assert_non_null(strstr(err.words, "a header is too large"));

	buf_reset(&in);
	for (size_t i = 0; i < MIME_LIMIT_DEPTH + 1; i++)
		buf_put_text(&in, "Content-Type: message/rfc822\r\n\r\n");
	buf_put_text(&in, "A: b\r\n\r\nhi\r\n");
	assert_int_equal(convert(buf_span(&in), 0, 1000, &out, &err), 0);
	buf_put_text(&in, "\xfc\r\n");
	assert_int_equal(convert(buf_span(&in), 0, 1000, &out, &err), -EINVAL);
	assert_non_null(strstr(err.words, "too deep"));

	buf_clear(&out);
	buf_init(&out, 100);
	buf_reset(&in);
	buf_put_text(&in, "\r\n");
	for (size_t i = 0; i < 1000; i++)
		buf_put_text(&in, "\xfc\r\n");
	assert_int_equal(convert(buf_span(&in), 0, 1000, &out, &err), -ENOMEM);
	buf_clear(&in);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_bounds),
	};

	return unit_run(tests, 4, "downgrade");
}
