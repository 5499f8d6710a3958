/* test_mime_param.c - RFC 2045 5.1, RFC 2183 and the examples of RFC 2231 3 to 4.1.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "mime/param.h"

/* Comes out as type/subtype;name=value;... */
static const struct {
	const char *why, *in, *out;
} types[] = {
	{ "RFC 2045 5.1", "text/plain; charset=us-ascii (Plain text)", "text/plain;charset=us-ascii" },
	{ "RFC 2045 5.1, quoted", "text/plain; charset=\"us-ascii\"", "text/plain;charset=us-ascii" },
	{ "comments and folding", " text (c) / (c)\r\n plain (c) ; (c) charset (c) = (c)\r\n utf-8 (c)",
	  "text/plain;charset=utf-8" },
	{ "no parameters", "TEXT/HTML", "TEXT/HTML" },
	{ "a quoted pair", "a/b; name=\"a\\\"b\\\\c\"", "a/b;name=a\"b\\c" },
	{ "semicolons in quotes", "a/b; name=\"a;b=c\"; x=y", "a/b;name=a;b=c;x=y" },
	{ "a boundary without the quotes it needs", "multipart/mixed; boundary=----=_Next/Part?1:2",
	  "multipart/mixed;boundary=----=_Next/Part?1:2" },
	{ "empty members", "a/b;; ;x=y;", "a/b;x=y" },
	{ "an empty value", "a/b; x=; y=\"\"", "a/b;x=;y=" },
	{ "a name without a value", "a/b; x; y=z", "a/b;y=z" },
	{ "a quote without an end", "a/b; x=\"yz; q=r", "a/b;x=yz; q=r" },
	{ "a value of two words ends at the first", "a/b; x=my file; y=z", "a/b;x=my;y=z" },
	{ "a quoted value in the middle", "a/b; x=\"a\"b; y=z", "a/b;x=a;y=z" },
	{ "8-bit bytes", "a/b; name=\"\xc3\xa4\"", "a/b;name=\xc3\xa4" },
	{ "folding inside a quoted string", "a/b; name=\"one\r\n two\"", "a/b;name=one two" },
	{ "RFC 2231 3", "message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n"
			" URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
	  "message/external-body;access-type=URL;URL=ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar" },
	{ "RFC 2231 4", "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
	  "application/x-stuff;title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A" },
	{ "RFC 2231 4.1", "application/x-stuff\r\n title*0*=us-ascii'en'This%20is%20even%20more%20\r\n"
			  " title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n title*2=\"isn't it!\"", "application/x-stuff" },
	{ "RFC 2231 4.1 with its semicolons",
	  "application/x-stuff;\r\n title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
	  " title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"",
	  "application/x-stuff;title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it%21" },
	{ "pieces out of order", "a/b; n*1=b; n*0=a; x=y; N*2=c", "a/b;n=abc;x=y" },
	{ "a piece is missing", "a/b; n*0=a; n*2=c", "a/b;n=a" },
	{ "the first piece is missing", "a/b; n*1=a; x=y", "a/b;x=y" },
	{ "more than ten pieces",
	  "a/b; n*10=k; n*0=a; n*1=b; n*2=c; n*3=d; n*4=e; n*5=f; n*6=g; n*7=h; n*8=i; n*9=j", "a/b;n=abcdefghijk" },
	{ "both forms", "a/b; name=plain; name*=utf-8''%C3%A4", "a/b;name=plain;name*=utf-8''%C3%A4" },
	{ "stars that mean nothing", "a/b; *=x; n**=y; *0=z", "a/b;*=x;n**=y;*0=z" },
};

static const char *const bad_types[] = { "", "text", "text/", "/plain", "; charset=utf-8", "text plain", "\"text\"/plain" };

static void put_params(struct buf *out, const struct mime_params *p)
{
	for (size_t i = 0; i < p->n; i++) {
		buf_put_byte(out, ';');
		buf_put(out, p->at[i].name);
		buf_put_byte(out, '=');
		buf_put(out, p->at[i].value);
	}
}

static void test_types(void **state)
{
	struct mime_params p;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		unit_case(types[i].why, 0);
		buf_reset(&out);
		assert_true(mime_params_type(&p, span_of(types[i].in)));
		buf_put(&out, p.type);
		buf_put_byte(&out, '/');
		buf_put(&out, p.subtype);
		put_params(&out, &p);
		assert_false(p.text.failed);
		mime_params_clear(&p);
		unit_is(out.p, out.n, types[i].out);
	}
	buf_clear(&out);
}

static void test_bad_types(void **state)
{
	struct mime_params p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_types) / sizeof(bad_types[0]); i++) {
		unit_case(bad_types[i], 0);
		assert_false(mime_params_type(&p, span_of(bad_types[i])));
		assert_int_equal(p.n, 0);
		mime_params_clear(&p);
	}
}

static void test_disposition(void **state)
{
	struct mime_params p;

	(void)state;
	assert_true(mime_params_disposition(&p, span_of("attachment; filename=genome.jpeg;\r\n"
							" modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"")));
	unit_is(p.type.p, p.type.n, "attachment");
	assert_int_equal(p.subtype.n, 0);
	assert_non_null(mime_params_find(&p, "FILENAME"));
	unit_is(mime_params_find(&p, "filename")->value.p, mime_params_find(&p, "filename")->value.n, "genome.jpeg");
	assert_null(mime_params_find(&p, "file"));
	mime_params_clear(&p);
	assert_false(mime_params_disposition(&p, span_of("; filename=x")));
	mime_params_clear(&p);
}

/* More than the bounds: the first ones stay, and nothing overflows. */
static void test_bounds(void **state)
{
	struct mime_params p;
	struct buf in;

	(void)state;
	buf_init(&in, 1000000);
	buf_put_text(&in, "a/b");
	for (int i = 0; i < 5000; i++)
		buf_printf(&in, "; n%d=%d", i, i);
	assert_true(mime_params_type(&p, buf_span(&in)));
	assert_int_equal(p.n, MIME_PARAMS);
	unit_is(p.at[MIME_PARAMS - 1].name.p, p.at[MIME_PARAMS - 1].name.n, "n63");
	mime_params_clear(&p);
	buf_reset(&in);
	buf_put_text(&in, "a/b");
	for (int i = 0; i < 1000; i++)
		buf_printf(&in, "; n*%d=%%", i);
	buf_put_text(&in, "; n*0*=x");
	assert_true(mime_params_type(&p, buf_span(&in)));
	assert_int_equal(p.n, 1);
	assert_int_equal(p.at[0].value.n, MIME_PARAM_PIECES);
	assert_false(p.text.failed);
	mime_params_clear(&p);
	buf_clear(&in);
}

static void test_cut_off(void **state)
{
	struct mime_params p;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (size_t n = 0; n <= strlen(types[i].in); n++) {
			unit_case(types[i].why, n);
			mime_params_type(&p, (struct span){ (const uint8_t *)types[i].in, n });
			assert_false(p.text.failed);
			mime_params_clear(&p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_types), cmocka_unit_test(test_bad_types),
					    cmocka_unit_test(test_disposition), cmocka_unit_test(test_bounds),
					    cmocka_unit_test(test_cut_off) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_param");
}
