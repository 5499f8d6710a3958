/* test_mime_surrogate.c - headers in UTF-8 for who knows ASCII only (RFC 6858), cut at every byte.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/surrogate_pieces.h"

#define NOWHERE "<invalid@internationalized-address.invalid>"

static const struct {
	const char *why, *in, *out;
} rows[] = {
	{ "ASCII as it is", "Subject: a\r\n\tb\r\nTo: x@y\r\n\r\nbody \xc3\xa4\r\n", NULL },
	{ "no header", "\r\nbody \xc3\xa4", NULL },
	{ "no body", "Subject: a\r\n", NULL },
	{ "LF ends lines too", "A: b\n\n\xc3\xa4", NULL },
	{ "another charset as it is", "Subject: \xe4\xf6\r\n\r\n", NULL },
	{ "text", "Subject: \xc3\xa4\r\n\r\n", "Subject: =?utf-8?b?w6Q=?=\r\n\r\n" },
	{ "text, only the words that need it", "Subject: one tw\xc3\xb6 three\r\n\r\n", "Subject: one =?utf-8?b?dHfDtg==?= three\r\n\r\n" },
	{ "and what lies between two", "Subject: \xc3\xa4 b \xc3\xa4\r\n\r\n", "Subject: =?utf-8?b?w6QgYiDDpA==?=\r\n\r\n" },
	{ "folded text", "Subject: a\r\n \xc3\xa4\r\nX: y\r\n\r\n", "Subject: a =?utf-8?b?w6Q=?=\r\nX: y\r\n\r\n" },
	{ "more than a word holds, cut between characters",
	  "Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4\xc3\xa4\r\n\r\n",
	  "Subject: =?utf-8?b?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=?=\r\n =?utf-8?b?w6TDpA==?=\r\n\r\n" },
	{ "the last field, no blank line", "Comments: \xc3\xa4\r\n", "Comments: =?utf-8?b?w6Q=?=\r\n" },
	{ "an unknown one goes", "A: b\r\nFoo: \xc3\xa4\r\nC: d\r\n\r\n", "A: b\r\nC: d\r\n\r\n" },
	{ "so does a name", "F\xc3\xb6: b\r\nC: d\r\n\r\n", "C: d\r\n\r\n" },
	{ "a name", "From: J\xc3\xb6 <jo@x>\r\n\r\n", "From: =?utf-8?b?SsO2?= <jo@x>\r\n\r\n" },
	{ "an address", "From: j\xc3\xb6@x\r\n\r\n", "From: =?utf-8?b?PGrDtkB4Pg==?= " NOWHERE "\r\n\r\n" },
	{ "name and domain", "Resent-To: J <j@\xc3\xb6>\r\n\r\n", "Resent-To: =?utf-8?b?SiA8akDDtj4=?= " NOWHERE "\r\n\r\n" },
	{ "a list: the others stay", "Cc: a@b, \"C, D\" <\"c d\"@e>, \xc3\xb6 <f@g>\r\n\r\n",
	  "Cc: <a@b>,\r\n \"C, D\" <\"c d\"@e>,\r\n =?utf-8?b?w7Y=?= <f@g>\r\n\r\n" },
	{ "a group", "To: \xc3\xb6: a@b, c@d;, e@f\r\n\r\n", "To: =?utf-8?b?w7Y=?=: <a@b>,\r\n <c@d>;,\r\n <e@f>\r\n\r\n" },
	{ "a parameter", "Content-Type: text/plain; charset=utf-8; name=\"\xc3\xb6 1.txt\"\r\n\r\n",
	  "Content-Type: text/plain;\r\n charset=\"utf-8\";\r\n name*=utf-8''%C3%B6%201.txt\r\n\r\n" },
	{ "a parameter with its charset stays", "Content-Disposition: inline; a*=x''%e4; b=\xc3\xb6\r\n\r\n",
	  "Content-Disposition: inline;\r\n a*=x''%e4;\r\n b*=utf-8''%C3%B6\r\n\r\n" },
	{ "the blank line counts once", "\r\nSubject: \xc3\xa4\r\n\r\n", NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= strlen(rows[i].in) + 1; piece++) {
			struct buf out;

			unit_case(rows[i].why, piece);
			buf_init(&out, 1 << 16);
			surrogate_pieces(span_of(rows[i].in), piece, &out);
			unit_is(out.p, out.n, rows[i].out != NULL ? rows[i].out : rows[i].in);
			buf_clear(&out);
		}
}

/* More than is held of one field: nothing is lost but the bytes that may not be said. */
static void test_long(void **state)
{
	enum { LONG = 3 * SURROGATE_FIELD };
	static char in[LONG + 64];
	struct buf out;
	size_t n;

	(void)state;
	n = (size_t)snprintf(in, sizeof(in), "Subject: ");
	memset(in + n, 'a', LONG);
	memcpy(in + n + LONG - 7, "\xc3\xa4", 2);
	snprintf(in + n + LONG, 16, "\r\nX: y\r\n\r\n\xc3\xa4");
	buf_init(&out, 1 << 20);
	surrogate_pieces(span_of(in), 1000, &out);
	memcpy(in + n + LONG - 7, "??", 2);
	unit_is(out.p, out.n, in);
	buf_clear(&out);
}

/* A list that would become many times as long is left out. */
static void test_bomb(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 1 << 16);
	buf_init(&out, 1 << 20);
	buf_put_text(&in, "A: b\r\nTo: \xc3\xa4");
	for (size_t i = 0; i < 5000; i++)
		buf_put_text(&in, ",\xc3\xa4");
	buf_put_text(&in, "\r\n\r\n");
	surrogate_pieces(buf_span(&in), 999, &out);
	unit_is(out.p, out.n, "A: b\r\n\r\n");
	buf_clear(&in);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_long),
					    cmocka_unit_test(test_bomb) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_surrogate");
}
