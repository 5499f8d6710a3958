/* test_mime_parse.c - from a message to BODYSTRUCTURE, BODY and ENVELOPE (RFC 9051 7.5.2).
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "mime/meta.h"
#include "mime/parse.h"

/* '\n' in a message stands for CRLF. */
static const struct {
	const char *why, *message, *structure;
} structures[] = {
	{ "plain text without MIME", "Subject: x\n\nhello\nworld\n",
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 14 2 NIL NIL NIL NIL)" },
	{ "all that a part can say",
	  "Content-Type: TEXT/html; Charset=\"utf-8\"; format=flowed\nContent-Transfer-Encoding: BASE64\n"
	  "Content-ID: <a@b>\nContent-Description: what\n  it is\nContent-MD5: Q2hlY2s=\n"
	  "Content-Disposition: INLINE; filename=\"a b.html\"; size=3\nContent-Language: en, ja\n"
	  "Content-Location: http://x/\n\nYWJj\n",
	  "(\"TEXT\" \"html\" (\"Charset\" \"utf-8\" \"format\" \"flowed\") \"<a@b>\" \"what  it is\" \"BASE64\" 6 1 "
	  "\"Q2hlY2s=\" (\"INLINE\" (\"filename\" \"a b.html\" \"size\" \"3\")) (\"en\" \"ja\") \"http://x/\")" },
	{ "an image, one language, a bare disposition",
	  "Content-Type: image/png\nContent-Disposition: attachment\nContent-Language: de\n\nxyz",
	  "(\"image\" \"png\" NIL NIL NIL \"7bit\" 3 NIL (\"attachment\" NIL) \"de\" NIL)" },
	{ "a type that is none", "Content-Type: text\n\nx\n",
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL)" },
	{ "the example of RFC 2046 5.1.1",
	  "From: Nathaniel Borenstein <nsb@bellcore.com>\nMIME-Version: 1.0\n"
	  "Content-type: multipart/mixed; boundary=\"simple boundary\"\n\n"
	  "This is the preamble.\n\n--simple boundary\n\n"
	  "This is implicitly typed plain US-ASCII text.\nIt does NOT end with a linebreak.\n--simple boundary\n"
	  "Content-type: text/plain; charset=us-ascii\n\n"
	  "This is explicitly typed plain US-ASCII text.\nIt DOES end with a linebreak.\n\n"
	  "--simple boundary--\n\nThis is the epilogue.\n",
	  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 80 1 NIL NIL NIL NIL)"
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 78 2 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"simple boundary\") NIL NIL NIL)" },
	{ "nested multiparts",
	  "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: multipart/alternative; boundary=AB\n\n"
	  "--AB\n\nplain\n--AB\nContent-Type: text/html\n\n<p>\n--AB--\n--A\nContent-Type: image/gif\n\nGIF\n--A--\n",
	  "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0 NIL NIL NIL NIL)"
	  "(\"text\" \"html\" NIL NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
	  " \"alternative\" (\"boundary\" \"AB\") NIL NIL NIL)"
	  "(\"image\" \"gif\" NIL NIL NIL \"7bit\" 3 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "the outer boundary ends an inner part without an end of its own",
	  "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: multipart/mixed; boundary=B\n\n"
	  "--B\n\none\n--A\n\ntwo\n--A--\n",
	  "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"B\") NIL NIL NIL)"
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "one boundary for both levels",
	  "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: multipart/mixed; boundary=A\n\n"
	  "--A\n\none\n--A--\n--A\n\ntwo\n--A--\n",
	  "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)"
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "a message in a message",
	  "Content-Type: message/rfc822\n\nSubject: in\nFrom: a@b\n\nbody\nof it\n",
	  "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 39 "
	  "(NIL \"in\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 13 2 NIL NIL NIL NIL) 5 NIL NIL NIL NIL)" },
	{ "message/global is a leaf to RFC 3501", "Content-Type: message/global\n\nSubject: in\n\nx\n",
	  "(\"message\" \"global\" NIL NIL NIL \"7bit\" 18 NIL NIL NIL NIL)" },
	{ "a digest: parts are messages (RFC 2046 5.1.5)",
	  "Content-Type: multipart/digest; boundary=A\n\n--A\n\nSubject: one\n\nx\n--A\nContent-Type: text/plain\n\n"
	  "y\n--A--\n",
	  "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"one\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)"
	  "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)"
	  " \"digest\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "a multipart without a boundary is text (RFC 2045 5.2)", "Content-Type: multipart/mixed\n\n--A\n\nx\n",
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 3 NIL NIL NIL NIL)" },
	{ "a multipart without a part", "Content-Type: multipart/mixed; boundary=A\n\nnothing\n",
	  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "empty parts", "Content-Type: multipart/mixed; boundary=A\n\n--A\n--A\n\n--A\n\n\n--A--",
	  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "the last boundary is missing", "Content-Type: multipart/mixed; boundary=A\n\n--A\n\nx\n",
	  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "lines that look like a boundary, and white space behind one",
	  "Content-Type: multipart/mixed; boundary=A\n\n--A \t\n\n--AB\n -- A\n--A-\n--\n--A-- x\n--A-- \n--A\n",
	  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 30 4 NIL NIL NIL NIL)"
	  " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "RFC 2231 pieces are joined (RFC 2231 6)",
	  "Content-Type: a/b; name*0=\"one \";\n name*1=two; x*0*=utf-8''%41;\n x*1=\" \"\n\n",
	  "(\"a\" \"b\" (\"name\" \"one two\" \"x*\" \"utf-8''%41%20\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)" },
	{ "quotes and backslashes in a parameter", "Content-Type: a/b; name=\"x\\\"y\\\\\"\n\n",
	  "(\"a\" \"b\" (\"name\" \"x\\\"y\\\\\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)" },
	{ "8-bit bytes go as a literal", "Content-Type: a/b; name=\"\xc3\xa4\"\nContent-ID:\n\n",
	  "(\"a\" \"b\" (\"name\" {2}\r\n\xc3\xa4) NIL NIL \"7bit\" 0 NIL NIL NIL NIL)" },
	{ "an encoding with a comment, and one that is none",
	  "Content-Type: multipart/x; boundary=A\n\n--A\nContent-Transfer-Encoding: base64 (c)\n\n--A\n"
	  "Content-Transfer-Encoding: x-uuencode\n\n--A--\n",
	  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"base64\" 0 0 NIL NIL NIL NIL)"
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"x-uuencode\" 0 0 NIL NIL NIL NIL)"
	  " \"x\" (\"boundary\" \"A\") NIL NIL NIL)" },
	{ "nothing at all", "",
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)" },
	{ "a header and no more", "Content-Type: image/gif",
	  "(\"image\" \"gif\" NIL NIL NIL \"7bit\" 0 NIL NIL NIL NIL)" },
	{ "a message that ends in the header of the one inside",
	  "Content-Type: multipart/x; boundary=A\n\n--A\nContent-Type: message/rfc822\n\nSubject: in\n--A--",
	  "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 13 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL) 1 NIL NIL NIL NIL)"
	  " \"x\" (\"boundary\" \"A\") NIL NIL NIL)" },
};

static const struct {
	const char *why, *header, *envelope;
} envelopes[] = {
	{ "the example of RFC 9051 7.5.2",
	  "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
	  "From: Terry Gray <gray@cac.washington.edu>\nSubject: IMAP4rev2 WG mtg summary and minutes\n"
	  "To: imap@cac.washington.edu\ncc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\n"
	  "Message-Id: <B27397-0100000@cac.washington.edu>\nMIME-Version: 1.0\n"
	  "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n",
	  "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) "
	  "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
	  "\"<B27397-0100000@cac.washington.edu>\")" },
	{ "an empty header", "X: y\n", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "present but empty", "Date:\nSubject: \nFrom:\nTo: \nIn-Reply-To:\nMessage-ID:\n",
	  "(\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\")" },
	{ "Sender and Reply-To of their own, an empty one", "From: a@x\nSender: b@x\nReply-To:\n",
	  "(NIL NIL ((NIL NIL \"a\" \"x\")) ((NIL NIL \"b\" \"x\")) ((NIL NIL \"a\" \"x\")) NIL NIL NIL NIL NIL)" },
	{ "a group, a route, no domain", "To: Team: a@x, B <@r:b@y>;, root\nBcc: hidden:;\n",
	  "(NIL NIL NIL NIL NIL ((NIL NIL \"Team\" NIL)(NIL NIL \"a\" \"x\")(\"B\" \"@r\" \"b\" \"y\")(NIL NIL NIL NIL)"
	  "(NIL NIL \"root\" \"\")) NIL ((NIL NIL \"hidden\" NIL)(NIL NIL NIL NIL)) NIL NIL)" },
	{ "quotes, folding, 8-bit", "Subject: say \"hi\"\n to\\me\nFrom: \"A \\\"B\\\"\" <a@x>\nTo: \xc3\xa4@x\n",
	  "(NIL \"say \\\"hi\\\" to\\\\me\" ((\"A \\\"B\\\"\" NIL \"a\" \"x\")) ((\"A \\\"B\\\"\" NIL \"a\" \"x\")) "
	  "((\"A \\\"B\\\"\" NIL \"a\" \"x\")) ((NIL NIL {2}\r\n\xc3\xa4 \"x\")) NIL NIL NIL NIL)" },
	{ "several To fields are one list, of several Subjects the first counts (RFC 5322 4.5.3)",
	  "To: a@x\nSubject: one\nTo: b@x,\n c@x\nSubject: two\n",
	  "(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" \"x\")(NIL NIL \"b\" \"x\")(NIL NIL \"c\" \"x\")) NIL NIL NIL NIL)" },
	{ "an obsolete space before the colon, a line without one", "Subject : x\nrubbish\n more\nTo\t: a@x\n",
	  "(NIL \"x\" NIL NIL NIL ((NIL NIL \"a\" \"x\")) NIL NIL NIL NIL)" },
};

/* Appends text with CRLF for each '\n'. */
static void put_crlf(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			buf_put_byte(out, '\r');
		buf_put_byte(out, (uint8_t)*text);
	}
}

/* The blob of a message that comes in two pieces. */
static void parse_cut(struct span message, size_t cut, struct buf *blob)
{
	struct mime_parser *p;

	assert_int_equal(mime_parser_new(&p, NULL, NULL), 0);
	mime_parser_feed(p, span_take(&message, cut));
	mime_parser_feed(p, message);
	assert_int_equal(mime_parser_finish(p, blob, NULL), 0);
	mime_parser_free(p);
}

typedef void (*writer)(const struct mime_meta *m, struct buf *out);

/* What write makes of the message, whole and cut in two at each place. */
static void check(const char *why, struct span message, writer write, const char *want)
{
	struct buf blob, out;
	struct mime_meta m;

	buf_init(&blob, MIME_LIMIT_META);
	buf_init(&out, 100000);
	for (size_t cut = 0; cut <= message.n; cut++) {
		unit_case(why, cut);
		buf_reset(&blob);
		buf_reset(&out);
		parse_cut(message, cut, &blob);
		assert_int_equal(mime_meta_open(&m, buf_span(&blob), NULL), 0);
		assert_int_equal(m.size, message.n);
		assert_false(m.cut);
		write(&m, &out);
		unit_is(out.p, out.n, want);
	}
	buf_clear(&blob);
	buf_clear(&out);
}

static void test_structures(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, 10000);
	for (size_t i = 0; i < sizeof(structures) / sizeof(structures[0]); i++) {
		buf_reset(&message);
		put_crlf(&message, structures[i].message);
		check(structures[i].why, buf_span(&message), mime_meta_bodystructure, structures[i].structure);
	}
	buf_clear(&message);
}

static void test_envelopes(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, 10000);
	for (size_t i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++) {
		buf_reset(&message);
		put_crlf(&message, envelopes[i].header);
		check(envelopes[i].why, buf_span(&message), mime_meta_envelope, envelopes[i].envelope);
		put_crlf(&message, "\nFrom: no field@x\n");
		check(envelopes[i].why, buf_span(&message), mime_meta_envelope, envelopes[i].envelope);
	}
	buf_clear(&message);
}

/* BODY is BODYSTRUCTURE without extension data. */
static void test_body(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, 10000);
	put_crlf(&message, "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Disposition: attachment\n\nx\n"
			   "--A\nContent-Type: message/rfc822\n\n\n\n--A\nContent-Type: multipart/y; boundary=B\n\n--A--\n");
	check("BODY", buf_span(&message), mime_meta_body,
	      "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0)"
	      "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 2 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
	      "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) 1)"
	      "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"y\") \"mixed\")");
	buf_clear(&message);
}

static void put_rev2(const struct mime_meta *m, struct buf *out)
{
	struct mime_meta rev2 = *m;

	rev2.rev2 = true;
	mime_meta_bodystructure(&rev2, out);
}

/* RFC 9051 9: media-message is RFC822 or GLOBAL. */
static void test_global(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, 10000);
	put_crlf(&message, "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: message/global\n\nSubject: in\n\nx\n\n"
			   "--A\nContent-Type: message/partial\n\nx\n--A--\n");
	check("message/global", buf_span(&message), put_rev2,
	      "((\"message\" \"global\" NIL NIL NIL \"7bit\" 18 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	      "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)"
	      "(\"message\" \"partial\" NIL NIL NIL \"7bit\" 1 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)");
	buf_clear(&message);
}

/* Mail that was imported with bare LF: offsets count one byte a line end. */
static void test_bare_lf(void **state)
{
	(void)state;
	check("bare LF", span_of("Content-Type: multipart/mixed; boundary=A\n\n--A\n\none\ntwo\n--A--\n"),
	      mime_meta_bodystructure,
	      "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 7 1 NIL NIL NIL NIL)"
	      " \"mixed\" (\"boundary\" \"A\") NIL NIL NIL)");
	check("a lone CR ends no line", span_of("A: b\r\r\nSubject: x\r\rTo: y\r\n\r\n"), mime_meta_envelope,
	      "(NIL \"x  To: y\" NIL NIL NIL NIL NIL NIL NIL NIL)");
}

static void test_received(void **state)
{
	struct mime_parser *p;
	struct buf blob;

	(void)state;
	buf_init(&blob, MIME_LIMIT_META);
	assert_int_equal(mime_parser_new(&p, NULL, NULL), 0);
	mime_parser_feed(p, span_of("Received: a\r\nreceived: b\r\n c\r\nReceived-SPF: x\r\n"));
	assert_int_equal(mime_parser_received(p), 2);
	mime_parser_feed(p, span_of("Content-Type: message/rfc822\r\n\r\nReceived: x\r\n\r\nReceived: z\r\n"));
	assert_int_equal(mime_parser_received(p), 2);
	assert_int_equal(mime_parser_finish(p, &blob, NULL), 0);
	mime_parser_free(p);
	buf_clear(&blob);
}

/* '\n' stands for CRLF. */
static const struct {
	const char *why, *message;
	bool utf8;
} utf8_headers[] = {
	{ "nothing", "", false },
	{ "ASCII", "Subject: x\n\nx\n", false },
	{ "the message's own header", "Subject: \xc3\xa4\n\nx\n", true },
	{ "no more than a header, without an end", "Subject: \xc3\xa4", true },
	{ "a text", "Subject: x\n\n\xc3\xa4\n", false },
	{ "texts of parts, and what is around them",
	  "Content-Type: multipart/mixed; boundary=A\n\n\xc3\xa4\n--A\n\n\xc3\xa4\n--A\nContent-Type: text/html\n\n\xc3\xa4\n--A--\n\xc3\xa4\n", false },
	{ "the first part's header", "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: text/plain; name=\"\xc3\xa4\"\n\nx\n--A--\n", true },
	{ "the last one's, folded", "Content-Type: multipart/mixed; boundary=A\n\n--A\n\nx\n--A\nContent-Disposition: attachment;\n filename=\"\xc3\xa4\"\n\nx\n--A--\n", true },
	{ "a part's in a part",
	  "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Description: \xc3\xa4\n\nx\n--B--\n--A--\n", true },
	{ "a message in the message", "Content-Type: message/rfc822\n\nSubject: \xc3\xa4\n\nx\n", true },
	{ "its text", "Content-Type: message/rfc822\n\nSubject: x\n\n\xc3\xa4\n", false },
	{ "one in a part", "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: message/global\n\nFrom: \xc3\xa4@b\n\nx\n--A--\n", true },
	{ "one in a digest", "Content-Type: multipart/digest; boundary=A\n\n--A\n\nSubject: \xc3\xa4\n\nx\n--A--\n", true },
	{ "one that is encoded", "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogw6QNCg==\n", false },
	{ "a line like a header in a text", "Subject: x\n\nSubject: \xc3\xa4\n", false },
	{ "behind the last boundary", "Content-Type: multipart/mixed; boundary=A\n\n--A\n\nx\n--A--\nSubject: \xc3\xa4\n", false },
	{ "deeper than is read", "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: \xc3\xa4\n\nx\n", true },
	{ "so deep, and all ASCII", "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: a\n\nx\n", false },
	{ "more parts than are read",
	  "Content-Type: multipart/mixed; boundary=A\n\n--A\n\n1\n--A\n\n2\n--A\n\n3\n--A\n\n4\n--A\n\n5\n--A\nX: \xc3\xa4\n\n6\n--A--\n", true },
};

static void check_utf8_header(size_t i, size_t step)
{
	const struct mime_limits limits = { .depth = 2, .parts = 5, .field_bytes = 1000, .meta_bytes = 100000 };
	struct buf text;
	struct mime_parser *p;
	struct span rest;

	unit_case(utf8_headers[i].why, step);
	buf_init(&text, 100000);
	for (const char *c = utf8_headers[i].message; *c != '\0'; c++) {
		if (*c == '\n')
			buf_put_byte(&text, '\r');
		buf_put_byte(&text, (uint8_t)*c);
	}
	assert_int_equal(mime_parser_new(&p, &limits, NULL), 0);
	rest = buf_span(&text);
	while (rest.n > 0)
		mime_parser_feed(p, span_take(&rest, step));
	assert_int_equal(mime_parser_is_utf8(p), utf8_headers[i].utf8);
	mime_parser_free(p);
	buf_clear(&text);
}

static void test_utf8_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(utf8_headers) / sizeof(utf8_headers[0]); i++)
		for (size_t step = 1; step < 300; step++)
			check_utf8_header(i, step);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_structures), cmocka_unit_test(test_envelopes),
					    cmocka_unit_test(test_body), cmocka_unit_test(test_bare_lf),
					    cmocka_unit_test(test_received), cmocka_unit_test(test_utf8_headers),
					    cmocka_unit_test(test_global) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_parse");
}
