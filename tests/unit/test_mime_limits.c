/* test_mime_limits.c - messages made to hurt: each is read in linear time, in bounded
 * memory, and served with as much structure as the limits leave.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <malloc.h>
#include <time.h>

#include "mime/meta.h"
#include "mime/parse.h"

/* A message under way, its blob and what reads it. */
struct trial {
	struct mime_parser *p;
	struct buf blob;
	struct mime_meta m;
	uint64_t fed;
};

static void trial_begin(struct trial *t, const struct mime_limits *limits)
{
	*t = (struct trial){ 0 };
	buf_init(&t->blob, limits != NULL ? limits->meta_bytes : MIME_LIMIT_META);
	assert_int_equal(mime_parser_new(&t->p, limits, NULL), 0);
}

static void feed(struct trial *t, const char *text)
{
	mime_parser_feed(t->p, span_of(text));
	t->fed += strlen(text);
}

static void feed_times(struct trial *t, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		feed(t, text);
}

static void trial_end(struct trial *t)
{
	assert_int_equal(mime_parser_finish(t->p, &t->blob, NULL), 0);
	mime_parser_free(t->p);
	assert_int_equal(mime_meta_open(&t->m, buf_span(&t->blob), NULL), 0);
	assert_int_equal(t->m.size, t->fed);
}

/* The structure as text, in *out, which the caller clears. */
static void structure(struct trial *t, struct buf *out)
{
	buf_init(out, 6 * t->blob.n + 256 * t->m.parts + 1000000);
	mime_meta_body(&t->m, out);
	assert_false(out->failed);
	buf_reset(out);
	mime_meta_envelope(&t->m, out);
	assert_false(out->failed);
	buf_reset(out);
	mime_meta_bodystructure(&t->m, out);
	assert_false(out->failed);
}

static void finish(struct trial *t)
{
	struct buf out;

	structure(t, &out);
	buf_clear(&out);
	buf_clear(&t->blob);
}

static bool holds(const struct buf *out, const char *text)
{
	return memmem(out->p, out->n, text, strlen(text)) != NULL;
}

/* --- depth ------------------------------------------------------------------ */

static void test_nested_messages(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, NULL);
	feed_times(&t, "Content-Type: message/rfc822\r\n\r\n", 10000);
	feed(&t, "Subject: innermost\r\n\r\nx\r\n");
	trial_end(&t);
	assert_true(t.m.cut);
	assert_int_equal(t.m.parts, MIME_LIMIT_DEPTH + 1);
	finish(&t);
}

static void test_nested_multiparts(void **state)
{
	struct trial t;
	struct buf out;
	char part[100];

	(void)state;
	trial_begin(&t, NULL);
	for (int i = 0; i < 10000; i++) {
		snprintf(part, sizeof(part), "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n",
			 i, i);
		feed(&t, part);
	}
	feed(&t, "\r\nx\r\n");
	for (int i = 9999; i >= 0; i--) {
		snprintf(part, sizeof(part), "--b%d--\r\n", i);
		feed(&t, part);
	}
	trial_end(&t);
	assert_true(t.m.cut);
	assert_int_equal(t.m.parts, MIME_LIMIT_DEPTH + 1);
	structure(&t, &out);
	assert_true(holds(&out, "(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" "));
	buf_clear(&out);
	finish(&t);
}

static void test_depth_at_its_limit(void **state)
{
	struct mime_limits limits = { 2, 100, 1000, 10000 };
	struct trial t;
	struct buf out;

	(void)state;
	trial_begin(&t, &limits);
	feed(&t, "Content-Type: multipart/a; boundary=A\r\n\r\n--A\r\nContent-Type: message/rfc822\r\n\r\n"
		 "Content-Type: multipart/b; boundary=B\r\nContent-ID: "
		 "<deep>\r\n\r\n--B\r\n\r\nx\r\n--B--\r\n--A\r\n\r\nnext\r\n--A--");
	trial_end(&t);
	assert_true(t.m.cut);
	assert_int_equal(t.m.parts, 4);
	structure(&t, &out);
	/* the leaf keeps its size, and what follows it its place */
	assert_true(
	    holds(&out, "(\"application\" \"octet-stream\" NIL \"<deep>\" NIL \"7bit\" 15 NIL NIL NIL NIL)"));
	assert_true(holds(&out, "\"7bit\" 4 0 NIL NIL NIL NIL) \"a\""));
	buf_clear(&out);
	finish(&t);
}

/* --- parts ------------------------------------------------------------------ */

static void test_many_parts(void **state)
{
	struct trial t;
	struct mime_part part;
	uint32_t last = MIME_LIMIT_PARTS;

	(void)state;
	trial_begin(&t, NULL);
	feed(&t, "Content-Type: multipart/mixed; boundary=A\r\n\r\n");
	feed_times(&t, "--A\r\n\r\nx\r\n", 100000);
	feed(&t, "--A--\r\n");
	trial_end(&t);
	assert_true(t.m.cut);
	assert_int_equal(t.m.parts, MIME_LIMIT_PARTS + 1);
	/* the last part is the rest of the multipart */
	assert_true(mime_meta_part(&t.m, &last, 1, &part));
	assert_int_equal(part.kind, MIME_PART_OPAQUE);
	assert_int_equal(part.body_at + part.body_bytes, t.fed - strlen("\r\n--A--\r\n"));
	finish(&t);
}

static void test_parts_at_their_limit(void **state)
{
	struct mime_limits limits = { 10, 4, 1000, 10000 };
	struct trial t;

	(void)state;
	for (int parts = 1; parts <= 5; parts++) {
		trial_begin(&t, &limits);
		feed(&t, "Content-Type: multipart/mixed; boundary=A\r\n\r\n");
		feed_times(&t, "--A\r\n\r\nx\r\n", (size_t)parts);
		feed(&t, "--A--\r\n");
		trial_end(&t);
		assert_int_equal(t.m.cut, parts > 3);
		assert_int_equal(t.m.parts, parts > 3 ? 5 : parts + 1);
		finish(&t);
	}
}

/* Behind the limit each open level still ends where it ends. */
static void test_parts_in_levels(void **state)
{
	struct mime_limits limits = { 10, 3, 1000, 10000 };
	struct trial t;
	struct mime_part part;
	uint64_t at, n;

	(void)state;
	trial_begin(&t, &limits);
	feed(&t, "Content-Type: multipart/mixed; boundary=A\r\n\r\n--A\r\nContent-Type: multipart/mixed; "
		 "boundary=B\r\n\r\n"
		 "--B\r\n\r\none\r\n--B\r\n\r\ntwo\r\n--B\r\n\r\nthree\r\n--B--\r\n--A\r\n\r\nfour\r\n--"
		 "A\r\n\r\nfive\r\n--A--\r\n");
	trial_end(&t);
	assert_int_equal(t.m.parts, 5);
	assert_true(mime_meta_section(&t.m, (const uint32_t[]){ 1, 2 }, 2, MIME_SECTION_BODY, &at, &n));
	assert_int_equal(n, strlen("two\r\n--B\r\n\r\nthree"));
	assert_true(mime_meta_section(&t.m, (const uint32_t[]){ 2 }, 1, MIME_SECTION_BODY, &at, &n));
	assert_int_equal(n, strlen("four\r\n--A\r\n\r\nfive"));
	assert_true(mime_meta_part(&t.m, (const uint32_t[]){ 2 }, 1, &part));
	assert_int_equal(part.kind, MIME_PART_OPAQUE);
	finish(&t);
}

/* Parts with long fields use up the blob's room before the number of parts. */
static void test_fat_parts(void **state)
{
	struct mime_limits limits = { 32, 1000, 16384, MIME_META_MIN };
	struct trial t;

	(void)state;
	trial_begin(&t, &limits);
	feed(&t, "Subject: ");
	feed_times(&t, "0123456789", 1000);
	feed(&t, "\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n");
	for (int i = 0; i < 5000; i++) {
		feed(&t, "--A\r\nContent-Type: text/plain; name=\"");
		feed_times(&t, "0123456789", 40);
		feed(&t, "\"\r\nContent-ID: <x>\r\n\r\n\r\n");
	}
	trial_end(&t);
	assert_true(t.m.cut);
	assert_in_range(t.blob.n, 1000, MIME_META_MIN);
	assert_true(t.m.parts > 2);
	finish(&t);
}

/* --- headers ---------------------------------------------------------------- */

static void test_huge_field(void **state)
{
	struct trial t;
	struct span value;

	(void)state;
	trial_begin(&t, NULL);
	feed(&t, "To: ");
	feed_times(&t, "someone@example.org,\r\n ", 500000);
	feed(&t, "\r\nSubject: behind it\r\n\r\nbody\r\n");
	trial_end(&t);
	assert_true(t.m.cut);
	assert_true(mime_meta_field(&t.m, MIME_FIELD_TO, &value));
	assert_in_range(value.n, MIME_LIMIT_FIELD / 2, MIME_LIMIT_FIELD);
	/* cut at a comma: no address that nobody wrote */
	assert_memory_equal(value.p + value.n - 11, "example.org", 11);
	assert_true(mime_meta_field(&t.m, MIME_FIELD_SUBJECT, &value));
	unit_is(value.p, value.n, "behind it");
	finish(&t);
}

/* The shortest addresses: only so many are told, and the list is whole. */
static void test_many_addresses(void **state)
{
	static const char *const members[] = { "a,", ":;", "\xe4,", "<\xe4@\xe4>," };
	struct trial t;
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		unit_case(members[i], 0);
		trial_begin(&t, NULL);
		feed(&t, "From: ");
		feed_times(&t, members[i], 60000);
		feed(&t, "\r\nTo: group:");
		feed_times(&t, members[i], 60000);
		feed(&t, "\r\n\r\n");
		trial_end(&t);
		structure(&t, &out);
		buf_reset(&out);
		mime_meta_envelope(&t.m, &out);
		assert_in_range(out.n, 10 * MIME_META_ADDRESSES, 50 * MIME_META_ADDRESSES);
		assert_true(span_starts(buf_span(&out), "(NIL NIL (("));
		buf_clear(&out);
		buf_clear(&t.blob);
	}
	trial_begin(&t, NULL);
	feed(&t, "To: group:");
	feed_times(&t, "a,", 12000);
	trial_end(&t);
	structure(&t, &out);
	buf_reset(&out);
	mime_meta_envelope(&t.m, &out);
	assert_true(holds(&out, "(NIL NIL \"a\" \"\")(NIL NIL NIL NIL)) NIL NIL NIL NIL)"));
	buf_clear(&out);
	buf_clear(&t.blob);
}

static void test_huge_lines(void **state)
{
	static const char *const starts[] = { "Subject: ",
					      "X-Unknown: ",
					      "NoColon",
					      " ",
					      "Content-Type: multipart/mixed; boundary=",
					      "Content-Type: multipart/mixed; boundary=A\r\n\r\n--A",
					      "\r\n--" };
	struct trial t;

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		unit_case(starts[i], 0);
		trial_begin(&t, NULL);
		feed(&t, starts[i]);
		feed_times(&t, "0123456789012345678901234567890123456789", 250000);
		trial_end(&t);
		assert_int_equal(t.m.parts, 1);
		finish(&t);
	}
}

static void test_many_fields(void **state)
{
	static const char *const lines[] = { "X: y\r\n",       "To: a@x\r\n",  "From: a@x\r\n",
					     "Subject: x\r\n", "\tfolded\r\n", "Received: x\r\n",
					     "nothing\r\n" };
	struct trial t;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		unit_case(lines[i], 0);
		trial_begin(&t, NULL);
		feed_times(&t, lines[i], 500000);
		feed(&t, "\r\n");
		trial_end(&t);
		assert_int_equal(t.m.header_bytes, t.fed);
		finish(&t);
	}
}

/* --- boundaries ------------------------------------------------------------- */

/* 32 open levels whose boundaries begin alike, and lines that nearly are one. */
static void test_near_boundaries(void **state)
{
	struct trial t;
	char text[600], long_part[200] = "";

	(void)state;
	memset(long_part, 'a', 199);
	trial_begin(&t, NULL);
	for (int i = 0; i < MIME_LIMIT_DEPTH; i++) {
		snprintf(text, sizeof(text),
			 "Content-Type: multipart/mixed; boundary=%s%02d\r\n\r\n--%s%02d\r\n", long_part, i,
			 long_part, i);
		feed(&t, text);
	}
	feed(&t, "\r\n");
	snprintf(text, sizeof(text), "--%sxx\r\n", long_part);
	feed_times(&t, text, 100000);
	trial_end(&t);
	assert_int_equal(t.m.parts, MIME_LIMIT_DEPTH + 1);
	finish(&t);
}

static void test_boundary_lengths(void **state)
{
	struct trial t;
	struct buf message;

	(void)state;
	buf_init(&message, 10000);
	for (size_t n = MIME_BOUNDARY_MAX - 1; n <= MIME_BOUNDARY_MAX + 1; n++) {
		char boundary[MIME_BOUNDARY_MAX + 2] = "";

		memset(boundary, 'b', n);
		buf_reset(&message);
		buf_printf(&message,
			   "Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n\r\nx\r\n--%s--\r\n",
			   boundary, boundary, boundary);
		buf_put_byte(&message, '\0');
		trial_begin(&t, NULL);
		feed(&t, (const char *)message.p);
		trial_end(&t);
		assert_int_equal(t.m.parts, n <= MIME_BOUNDARY_MAX ? 2 : 1);
		finish(&t);
	}
	buf_clear(&message);
}

/* --- cost ------------------------------------------------------------------- */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A body of 200 MB takes no memory, and goes through at 100 MB/s or better. */
static void test_large_body(void **state)
{
	static char piece[65536];
	struct trial t;
	double start = seconds();
	size_t before;

	(void)state;
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] =
		    "0123456789abcdefghijklmnopqrstuvwxyz-=0123456789abcdefghijklmnopqrstuvwxyz-=\r\n"[i %
												       78];
	trial_begin(&t, NULL);
	feed(&t, "Content-Type: multipart/mixed; boundary=A\r\n\r\n--A\r\n\r\n");
	before = mallinfo2().uordblks;
	for (int i = 0; i < 3200; i++) {
		mime_parser_feed(t.p, (struct span){ (const uint8_t *)piece, sizeof(piece) });
		t.fed += sizeof(piece);
	}
	assert_int_equal(mallinfo2().uordblks, before);
	trial_end(&t);
	assert_int_equal(t.m.parts, 2);
	assert_true(seconds() - start < 20); /* under sanitizers too */
	finish(&t);
}

static void test_limits_in_range(void **state)
{
	struct mime_limits limits = { 0, 0, 0, 0 };
	struct trial t;

	(void)state;
	trial_begin(&t, &limits);
	t.blob.max = MIME_META_MIN;
	feed(&t, "Subject: x\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n--A\r\n\r\nx\r\n--A--\r\n");
	trial_end(&t);
	assert_true(t.m.cut);
	assert_int_equal(t.m.parts, 1);
	finish(&t);
}

/* A caller's buffer that is too small is told, not overrun. */
static void test_small_buffer(void **state)
{
	struct mime_parser *p;
	struct buf blob;

	(void)state;
	buf_init(&blob, 10);
	assert_int_equal(mime_parser_new(&p, NULL, NULL), 0);
	mime_parser_feed(p, span_of("Subject: long enough\r\n\r\n"));
	assert_true(mime_parser_finish(p, &blob, NULL) < 0);
	mime_parser_free(p);
	buf_clear(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested_messages),
		cmocka_unit_test(test_nested_multiparts),
		cmocka_unit_test(test_depth_at_its_limit),
		cmocka_unit_test(test_many_parts),
		cmocka_unit_test(test_parts_at_their_limit),
		cmocka_unit_test(test_parts_in_levels),
		cmocka_unit_test(test_fat_parts),
		cmocka_unit_test(test_huge_field),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_huge_lines),
		cmocka_unit_test(test_many_fields),
		cmocka_unit_test(test_near_boundaries),
		cmocka_unit_test(test_boundary_lengths),
		cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_limits_in_range),
		cmocka_unit_test(test_small_buffer),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_limits");
}
