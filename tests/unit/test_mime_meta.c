/* test_mime_meta.c - sections (RFC 9051 6.4.5.1), search fields, and damaged blobs.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <errno.h>

#include "mime/meta.h"
#include "mime/parse.h"

/* RFC 9051 6.4.5.1's example of part numbers. Each line says what it is. */
static const char complex_message[] =
	"Subject: outer\r\nDate: 21 Nov 2026 20:41:18 +0900\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n"
	"preamble\r\n"
	"--A\r\nContent-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\nbody 1\r\n"
	"--A\r\nContent-Type: application/octet-stream\r\n\r\nbody 2\r\n"
	"--A\r\nX: mime 3\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
	"--B\r\n\r\nbody 3.1\r\n--B\r\nContent-Type: application/octet-stream\r\n\r\nbody 3.2\r\n--B--\r\n"
	"--A\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n"
	"--C\r\nContent-Type: image/gif\r\n\r\nbody 4.1\r\n"
	"--C\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: four\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n"
	"--D\r\n\r\nbody 4.2.1\r\n"
	"--D\r\nContent-Type: multipart/alternative; boundary=E\r\n\r\n"
	"--E\r\n\r\nbody 4.2.2.1\r\n--E\r\nContent-Type: text/richtext\r\n\r\nbody 4.2.2.2\r\n--E--\r\n"
	"--D--\r\n--C--\r\n--A--\r\nepilogue\r\n";

static const char single_message[] = "Subject: s\r\nFrom: a@b\r\n\r\nhello\r\n";

static const char forwarded[] = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninside\r\n";

#define BODY MIME_SECTION_BODY
#define HEADER MIME_SECTION_HEADER
#define TEXT MIME_SECTION_TEXT
#define MIME MIME_SECTION_MIME

/* want NULL: no such section. */
static const struct {
	const char *message;
	uint32_t path[5];
	size_t n;
	enum mime_section kind;
	const char *want;
} sections[] = {
	{ complex_message, { 0 }, 0, BODY, complex_message },
	{ complex_message, { 0 }, 0, HEADER,
	  "Subject: outer\r\nDate: 21 Nov 2026 20:41:18 +0900\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n" },
	{ complex_message, { 0 }, 0, TEXT, "" },	/* the long one: see test_sections */
	{ complex_message, { 0 }, 0, MIME, NULL },
	{ complex_message, { 1 }, 1, BODY, "body 1" },
	{ complex_message, { 1 }, 1, MIME,
	  "Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" },
	{ complex_message, { 1 }, 1, HEADER, NULL },
	{ complex_message, { 1 }, 1, TEXT, NULL },
	{ complex_message, { 1, 1 }, 2, BODY, NULL },
	{ complex_message, { 2 }, 1, BODY, "body 2" },
	{ complex_message, { 3 }, 1, MIME, "X: mime 3\r\nContent-Type: message/rfc822\r\n\r\n" },
	{ complex_message, { 3 }, 1, HEADER, "Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n" },
	{ complex_message, { 3 }, 1, TEXT,
	  "--B\r\n\r\nbody 3.1\r\n--B\r\nContent-Type: application/octet-stream\r\n\r\nbody 3.2\r\n--B--" },
	{ complex_message, { 3 }, 1, BODY,
	  "Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
	  "--B\r\n\r\nbody 3.1\r\n--B\r\nContent-Type: application/octet-stream\r\n\r\nbody 3.2\r\n--B--" },
	{ complex_message, { 3, 1 }, 2, BODY, "body 3.1" },
	{ complex_message, { 3, 1 }, 2, MIME, "\r\n" },
	{ complex_message, { 3, 2 }, 2, BODY, "body 3.2" },
	{ complex_message, { 3, 3 }, 2, BODY, NULL },
	{ complex_message, { 3, 0 }, 2, BODY, NULL },
	{ complex_message, { 4, 1 }, 2, BODY, "body 4.1" },
	{ complex_message, { 4, 1 }, 2, MIME, "Content-Type: image/gif\r\n\r\n" },
	{ complex_message, { 4 }, 1, HEADER, NULL },
	{ complex_message, { 4 }, 1, MIME, "Content-Type: multipart/mixed; boundary=C\r\n\r\n" },
	{ complex_message, { 4, 2 }, 2, HEADER, "Subject: four\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n" },
	{ complex_message, { 4, 2, 1 }, 3, BODY, "body 4.2.1" },
	{ complex_message, { 4, 2, 2, 1 }, 4, BODY, "body 4.2.2.1" },
	{ complex_message, { 4, 2, 2, 2 }, 4, BODY, "body 4.2.2.2" },
	{ complex_message, { 4, 2, 2, 2 }, 4, MIME, "Content-Type: text/richtext\r\n\r\n" },
	{ complex_message, { 4, 2, 2, 3 }, 4, BODY, NULL },
	{ complex_message, { 4, 2, 2, 2, 1 }, 5, BODY, NULL },
	{ complex_message, { 5 }, 1, BODY, NULL },
	{ complex_message, { 0 }, 1, BODY, NULL },
	{ complex_message, { 4294967295u }, 1, BODY, NULL },
	{ single_message, { 1 }, 1, BODY, "hello\r\n" },
	{ single_message, { 0 }, 0, TEXT, "hello\r\n" },
	{ single_message, { 1 }, 1, MIME, "Subject: s\r\nFrom: a@b\r\n\r\n" },
	{ single_message, { 2 }, 1, BODY, NULL },
	{ single_message, { 1 }, 1, TEXT, NULL },
	{ single_message, { 1, 1 }, 2, BODY, NULL },
	{ forwarded, { 1 }, 1, BODY, "Subject: in\r\n\r\ninside\r\n" },
	{ forwarded, { 1 }, 1, HEADER, "Subject: in\r\n\r\n" },
	{ forwarded, { 1 }, 1, TEXT, "inside\r\n" },
	{ forwarded, { 1 }, 1, MIME, "Content-Type: message/rfc822\r\n\r\n" },
	{ forwarded, { 1, 1 }, 2, BODY, "inside\r\n" },
	{ forwarded, { 1, 1 }, 2, MIME, "Subject: in\r\n\r\n" },
	{ forwarded, { 1, 2 }, 2, BODY, NULL },
	{ "Subject: no body", { 0 }, 0, HEADER, "Subject: no body" },
	{ "Subject: no body", { 0 }, 0, TEXT, "" },
	{ "Subject: no body", { 1 }, 1, BODY, "" },
	{ "\r\nbody", { 0 }, 0, HEADER, "\r\n" },
	{ "\r\nbody", { 1 }, 1, BODY, "body" },
};

static void parse(struct span message, const struct mime_limits *limits, struct buf *blob)
{
	struct mime_parser *p;

	buf_reset(blob);
	assert_int_equal(mime_parser_new(&p, limits, NULL), 0);
	mime_parser_feed(p, message);
	assert_int_equal(mime_parser_finish(p, blob, NULL), 0);
	mime_parser_free(p);
}

static void test_sections(void **state)
{
	struct buf blob;
	struct mime_meta m;

	(void)state;
	buf_init(&blob, MIME_LIMIT_META);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const char *message = sections[i].message, *want = sections[i].want;
		uint64_t at = 0, n = 0;
		bool found;

		unit_case(want != NULL ? want : "no such section", i);
		parse(span_of(message), NULL, &blob);
		assert_int_equal(mime_meta_open(&m, buf_span(&blob), NULL), 0);
		found = mime_meta_section(&m, sections[i].path, sections[i].n, sections[i].kind, &at, &n);
		assert_int_equal(found, want != NULL);
		if (i == 2)	/* TEXT is what HEADER leaves */
			want = strstr(message, "preamble");
		if (found) {
			assert_in_range(at + n, 0, strlen(message));
			unit_is((const uint8_t *)message + at, n, want);
		}
	}
	buf_clear(&blob);
}

static void test_search_fields(void **state)
{
	struct buf blob;
	struct mime_meta m;
	struct mime_part part;
	struct mime_content content;
	struct mime_date date;
	struct span value;

	(void)state;
	buf_init(&blob, MIME_LIMIT_META);
	parse(span_of(complex_message), NULL, &blob);
	assert_int_equal(mime_meta_open(&m, buf_span(&blob), NULL), 0);
	assert_int_equal(m.parts, 15);
	assert_int_equal(m.header_bytes, strstr(complex_message, "preamble") - complex_message);
	assert_true(mime_meta_sent(&m, &date));
	assert_int_equal(date.day, 20778);
	assert_true(mime_meta_field(&m, MIME_FIELD_SUBJECT, &value));
	unit_is(value.p, value.n, "outer");
	assert_false(mime_meta_field(&m, MIME_FIELD_FROM, &value));
	assert_int_equal(value.n, 0);
	assert_true(mime_meta_part(&m, (const uint32_t[]){ 1 }, 1, &part));
	mime_part_content(&part, &content);
	unit_is(content.type.p, content.type.n, "text");
	unit_is(content.subtype.p, content.subtype.n, "plain");
	unit_is(content.charset, content.charset_n, "utf-8");
	assert_int_equal(content.encoding, MIME_ENCODING_BASE64);
	assert_int_equal(part.depth, 1);
	buf_clear(&blob);
}

static void test_walk(void **state)
{
	static const char kinds[] = "MLLSMLLMLSMLMLL";	/* Multipart, Leaf, meSsage */
	struct buf blob;
	struct mime_meta m;
	struct mime_part part;
	size_t at = 0, i = 0;

	(void)state;
	buf_init(&blob, MIME_LIMIT_META);
	parse(span_of(complex_message), NULL, &blob);
	assert_int_equal(mime_meta_open(&m, buf_span(&blob), NULL), 0);
	while (mime_meta_next(&m, &at, &part)) {
		assert_int_equal("LMS?"[part.kind], kinds[i]);
		assert_int_equal(part.header_at + part.header_bytes, part.body_at);
		i++;
	}
	assert_int_equal(i, m.parts);
	assert_int_equal(i, strlen(kinds));
	assert_false(mime_meta_next(&m, &at, &part));
	buf_clear(&blob);
}

/* --- damage ----------------------------------------------------------------- */

/* The ENVELOPE that is kept is the one that the fields give; what is no single line is not kept. */
static void test_ready_envelope(void **state)
{
	static const struct {
		const char *why, *message;
		bool kept;
	} rows[] = {
		{ "the usual", "From: A <a@b.test>\r\nSubject: plain \"text\"\r\nMessage-ID: <1@b.test>\r\n\r\nx\r\n", true },
		{ "no header at all", "\r\nx\r\n", true },
		{ "a literal", "Subject: caf\xc3\xa9\r\n\r\nx\r\n", false },
	};
	struct buf blob, ready, made;
	struct mime_meta m, quick;

	(void)state;
	buf_init(&blob, MIME_LIMIT_META);
	buf_init(&ready, MIME_LIMIT_META);
	buf_init(&made, MIME_LIMIT_META);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		parse(span_of(rows[i].message), NULL, &blob);
		assert_int_equal(mime_meta_open(&m, buf_span(&blob), NULL), 0);
		assert_int_equal(m.envelope.n > 0, rows[i].kept);
		assert_int_equal(mime_meta_open_envelope(&quick, buf_span(&blob)), rows[i].kept);
		assert_int_equal(quick.size, m.size);
		buf_reset(&ready);
		buf_reset(&made);
		mime_meta_envelope(rows[i].kept ? &quick : &m, &ready);
		m.envelope = (struct span){ 0 };
		mime_meta_envelope(&m, &made);
		assert_true(made.n > 0 && span_equal(buf_span(&ready), buf_span(&made)));
		if (rows[i].kept) {	/* one that would begin a line of its own is damage */
			blob.p[quick.envelope.p - blob.p] = '\n';
			assert_false(mime_meta_open_envelope(&quick, buf_span(&blob)));
			assert_int_equal(mime_meta_open(&m, buf_span(&blob), NULL), -EBADMSG);
		}
	}
	buf_clear(&blob);
	buf_clear(&ready);
	buf_clear(&made);
}

/* All that can be asked of a blob; it must not crash, whatever it says. */
static void use(const struct mime_meta *m)
{
	struct buf out;
	struct mime_part part;
	uint64_t at, n;
	size_t walk = 0;
	uint32_t parts = 0;

	buf_init(&out, 4000000);
	mime_meta_envelope(m, &out);
	mime_meta_bodystructure(m, &out);
	mime_meta_body(m, &out);
	assert_false(out.failed);
	buf_clear(&out);
	while (mime_meta_next(m, &walk, &part)) {
		assert_true(part.body_at + part.body_bytes <= m->size);
		parts++;
	}
	assert_int_equal(parts, m->parts);
	for (uint32_t i = 0; i < 6; i++)
		if (mime_meta_section(m, (const uint32_t[]){ i, i, 1 }, 3, MIME_SECTION_BODY, &at, &n))
			assert_true(at + n <= m->size);
}

/* What SEARCH asks, of a blob that was hardly looked at: every byte is touched. */
static bool use_fields(struct span blob)
{
	struct mime_date date;
	struct mime_meta m;
	struct span value;
	unsigned touched = 0;

	if (!mime_meta_open_fields(&m, blob))
		return false;
	for (enum mime_field f = 0; f < MIME_FIELD_COUNT; f++)
		if (mime_meta_field(&m, f, &value))
			for (size_t i = 0; i < value.n; i++)
				touched += value.p[i];
	return mime_meta_sent(&m, &date) || touched > 0;
}

static void test_cut_off(void **state)
{
	struct buf blob;
	struct mime_meta m;
	struct error err;

	(void)state;
	buf_init(&blob, MIME_LIMIT_META);
	parse(span_of(complex_message), NULL, &blob);
	for (size_t n = 0; n < blob.n; n++) {
		unit_case("cut off", n);
		assert_int_equal(mime_meta_open(&m, (struct span){ blob.p, n }, &err), -EBADMSG);
		use_fields((struct span){ blob.p, n });
	}
	assert_true(use_fields(buf_span(&blob)));
	buf_put_byte(&blob, 0);
	assert_int_equal(mime_meta_open(&m, buf_span(&blob), &err), -EBADMSG);
	blob.p[0]++;
	assert_int_equal(mime_meta_open(&m, buf_span(&blob), &err), -EBADMSG);
	assert_false(use_fields(buf_span(&blob)));
	buf_clear(&blob);
}

/* Each byte replaced by each value: refused, or usable. */
static void test_damage(void **state)
{
	struct buf blob;
	struct mime_meta m;
	size_t refused = 0;

	(void)state;
	buf_init(&blob, MIME_LIMIT_META);
	parse(span_of(complex_message), NULL, &blob);
	for (size_t i = 0; i < blob.n; i++) {
		uint8_t good = blob.p[i];

		for (int c = 0; c < 256; c += i < 64 ? 1 : 5) {	/* 5: with NUL and LF */
			unit_case("one byte changed", i);
			blob.p[i] = (uint8_t)c;
			if (mime_meta_open(&m, buf_span(&blob), NULL) == 0)
				use(&m);
			else
				refused++;
			use_fields(buf_span(&blob));
		}
		blob.p[i] = good;
	}
	assert_true(refused > blob.n);
	buf_clear(&blob);
}

#define PART(kind, depth, at, header, body) kind, depth, at, header, body, 0, 0

/* Trees that a parser never makes, of a message of 100 bytes. */
static const struct {
	const char *why;
	uint8_t bytes[40];
	size_t n;
	int want;
} trees[] = {
	{ "one leaf", { MIME_META_VERSION, 0, 100, 1, PART(0, 0, 0, 10, 90) }, 11, 0 },
	{ "a multipart with two", { MIME_META_VERSION, 0, 100, 3, PART(1, 0, 0, 10, 90), PART(0, 1, 20, 1, 4), PART(0, 1, 25, 0, 75) },
	  25, 0 },
	{ "no part", { MIME_META_VERSION, 0, 100, 0 }, 4, -EBADMSG },
	{ "a root that is smaller than the message", { MIME_META_VERSION, 0, 100, 1, PART(0, 0, 0, 10, 89) }, 11, -EBADMSG },
	{ "a root with a depth", { MIME_META_VERSION, 0, 100, 1, PART(0, 1, 0, 10, 90) }, 11, -EBADMSG },
	{ "an unknown kind", { MIME_META_VERSION, 0, 100, 1, PART(4, 0, 0, 10, 90) }, 11, -EBADMSG },
	{ "two roots", { MIME_META_VERSION, 0, 100, 2, PART(0, 0, 0, 10, 90), PART(0, 0, 0, 10, 90) }, 18, -EBADMSG },
	{ "a leaf with a child", { MIME_META_VERSION, 0, 100, 2, PART(0, 0, 0, 10, 90), PART(0, 1, 20, 1, 4) }, 18, -EBADMSG },
	{ "a message without one", { MIME_META_VERSION, 0, 100, 1, PART(2, 0, 0, 10, 90) }, 11, -EBADMSG },
	{ "a message without one, and a brother",
	  { MIME_META_VERSION, 0, 100, 3, PART(1, 0, 0, 10, 90), PART(2, 1, 20, 1, 4), PART(0, 1, 25, 0, 75) }, 25, -EBADMSG },
	{ "a message with two",
	  { MIME_META_VERSION, 0, 100, 3, PART(2, 0, 0, 10, 90), PART(0, 1, 20, 1, 4), PART(0, 1, 25, 0, 75) }, 25, -EBADMSG },
	{ "a child before its parent", { MIME_META_VERSION, 0, 100, 2, PART(1, 0, 0, 10, 90), PART(0, 1, 9, 1, 4) }, 18, -EBADMSG },
	{ "a child behind its parent", { MIME_META_VERSION, 0, 100, 2, PART(1, 0, 0, 10, 90), PART(0, 1, 90, 1, 10) }, 18, -EBADMSG },
	{ "brothers that overlap",
	  { MIME_META_VERSION, 0, 100, 3, PART(1, 0, 0, 10, 90), PART(0, 1, 20, 1, 5), PART(0, 1, 25, 0, 75) }, 25, -EBADMSG },
	{ "a depth left out",
	  { MIME_META_VERSION, 0, 100, 3, PART(1, 0, 0, 10, 90), PART(1, 1, 20, 0, 50), PART(0, 3, 25, 0, 5) }, 25, -EBADMSG },
	{ "more lines than bytes", { MIME_META_VERSION, 0, 100, 1, 0, 0, 0, 10, 90, 91, 0 }, 11, -EBADMSG },
	{ "a field", { MIME_META_VERSION, 0, 100, 1, 0, 0, 0, 10, 90, 0, 3, 1, 1, 'x' }, 14, 0 },
	{ "a field with a line end", { MIME_META_VERSION, 0, 100, 1, 0, 0, 0, 10, 90, 0, 3, 1, 1, '\n' }, 14, -EBADMSG },
	{ "an unknown field", { MIME_META_VERSION, 0, 100, 1, 0, 0, 0, 10, 90, 0, 3, MIME_FIELD_COUNT, 1, 'x' }, 14, -EBADMSG },
	{ "a field twice", { MIME_META_VERSION, 0, 100, 1, 0, 0, 0, 10, 90, 0, 4, 1, 0, 1, 0 }, 15, -EBADMSG },
	{ "a field longer than its part", { MIME_META_VERSION, 0, 100, 1, 0, 0, 0, 10, 90, 0, 3, 1, 2, 'x' }, 14, -EBADMSG },
	{ "a number without end",
	  { MIME_META_VERSION, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, PART(0, 0, 0, 0, 0) }, 20, -EBADMSG },
};

static void test_trees(void **state)
{
	struct mime_meta m;

	(void)state;
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		unit_case(trees[i].why, i);
		assert_int_equal(mime_meta_open(&m, (struct span){ trees[i].bytes, trees[i].n }, NULL), trees[i].want);
		if (trees[i].want == 0)
			use(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sections), cmocka_unit_test(test_ready_envelope), cmocka_unit_test(test_search_fields),
					    cmocka_unit_test(test_walk), cmocka_unit_test(test_cut_off),
					    cmocka_unit_test(test_damage), cmocka_unit_test(test_trees) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_meta");
}
