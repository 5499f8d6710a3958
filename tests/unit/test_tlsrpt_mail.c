/* test_tlsrpt_mail.c - where reports go, and what they travel in (RFC 8460 3, 5).
 * link: deliverd common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <zlib.h>

#include "common/base/base64.h"
#include "deliverd/tlsrpt_mail.h"

static void test_records(void **state)
{
	static const struct {
		const char *why, *texts[3], *to[3];
	} rows[] = {
		{ "by mail", { "v=TLSRPTv1; rua=mailto:reports@example.com" }, { "reports@example.com" } },
		{ "by HTTPS", { "v=TLSRPTv1;rua=https://reporting.example.com/v1/tlsrpt" }, { "https://reporting.example.com/v1/tlsrpt" } },
		{ "both, spaces, the end", { "v=TLSRPTv1 ; rua = mailto:a@b.c , https://d.e/f ; " }, { "a@b.c", "https://d.e/f" } },
		{ "fields of the future", { "v=TLSRPTv1; x=y; rua=MAILTO:a@b.c; z=1" }, { "a@b.c" } },
		{ "others beside it", { "v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@b.c" }, { "a@b.c" } },
		{ "percent signs, a subject", { "v=TLSRPTv1; rua=mailto:a%2bb%40c.d?subject=x" }, { "a+b@c.d" } },
		{ "two records", { "v=TLSRPTv1; rua=mailto:a@b.c", "v=TLSRPTv1; rua=mailto:d@b.c" }, { NULL } },
		{ "another version", { "v=TLSRPTv2; rua=mailto:a@b.c" }, { NULL } },
		{ "no semicolon", { "v=TLSRPTv1 rua=mailto:a@b.c" }, { NULL } },
		{ "no rua", { "v=TLSRPTv1;" }, { NULL } },
		{ "an empty one", { "v=TLSRPTv1; rua=" }, { NULL } },
		{ "ways that are none", { "v=TLSRPTv1; rua=http://a.b/,ftp://a.b,mailto:a@b.c" }, { "a@b.c" } },
		{ "no address", { "v=TLSRPTv1; rua=mailto:ab.c" }, { NULL } },
		{ "two in one", { "v=TLSRPTv1; rua=mailto:a@b@c" }, { NULL } },
		{ "half an address", { "v=TLSRPTv1; rua=mailto:@b.c" }, { NULL } },
		{ "the other half", { "v=TLSRPTv1; rua=mailto:a@" }, { NULL } },
		{ "a line end in disguise", { "v=TLSRPTv1; rua=mailto:a@b.c%0d%0aBcc:d@e.f" }, { NULL } },
		{ "a list in disguise", { "v=TLSRPTv1; rua=mailto:a@b.c%2cd" }, { NULL } },
		{ "brackets", { "v=TLSRPTv1; rua=mailto:<a@b.c>" }, { NULL } },
		{ "half a percent sign", { "v=TLSRPTv1; rua=mailto:a@b.c%4" }, { NULL } },
		{ "no host", { "v=TLSRPTv1; rua=https://" }, { NULL } },
		{ "a space in it", { "v=TLSRPTv1; rua=https://a b" }, { NULL } },
		{ "none", { NULL }, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tlsrpt_target got[TLSRPT_TARGETS];
		struct span texts[3];
		size_t count = 0, n;

		unit_case(rows[i].why, i);
		for (; count < 3 && rows[i].texts[count] != NULL; count++)
			texts[count] = span_of(rows[i].texts[count]);
		n = tlsrpt_record(texts, count, got);
		for (size_t j = 0; j < n; j++) {
			assert_true(j < 3 && rows[i].to[j] != NULL);
			assert_string_equal(got[j].to, rows[i].to[j]);
			assert_int_equal(got[j].https, strncmp(got[j].to, "https:", 6) == 0);
		}
		assert_true(n == 3 || rows[i].to[n] == NULL);
	}
}

/* More of them, and longer ones, than there is room for. */
static void test_room(void **state)
{
	struct tlsrpt_target got[TLSRPT_TARGETS];
	char text[4096] = "v=TLSRPTv1; rua=https://";
	struct span one;

	(void)state;
	memset(text + strlen(text), 'a', TLSRPT_TARGET_MAX);
	one = span_of(text);
	assert_int_equal(tlsrpt_record(&one, 1, got), 0);
	strcpy(text, "v=TLSRPTv1; rua=mailto:");
	memset(text + strlen(text), 'a', TLSRPT_TARGET_MAX);
	strcat(text, "@b.c");
	for (int i = 0; i < 20; i++)
		strcat(text, ",mailto:a@b.c");
	one = span_of(text);
	assert_int_equal(tlsrpt_record(&one, 1, got), TLSRPT_TARGETS);
	assert_string_equal(got[TLSRPT_TARGETS - 1].to, "a@b.c");
}

static void ungzip(struct span in, char *out, size_t size)
{
	z_stream z = { .next_in = (Bytef *)in.p, .avail_in = (uInt)in.n, .next_out = (Bytef *)out, .avail_out = (uInt)size - 1 };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	out[size - 1 - z.avail_out] = '\0';
	inflateEnd(&z);
}

static void test_message(void **state)
{
	static const struct tlsrpt_head head = { "mx.sender.example", "example.net", "1470013207.00ab@mx.sender.example", 1470013207,
						 1470013207 + 86400 };
	static const char want[] =
		"From: <postmaster@mx.sender.example>\r\n"
		"To: <tls@example.net>\r\n"
		"Date: Mon, 1 Aug 2016 00:00:00 +0000\r\n"
		"Message-ID: <1470013207.00ab@mx.sender.example>\r\n"
		"Subject: Report Domain: example.net\r\n"
		" Submitter: mx.sender.example\r\n"
		" Report-ID: <1470013207.00ab@mx.sender.example>\r\n"
		"TLS-Report-Domain: example.net\r\n"
		"TLS-Report-Submitter: mx.sender.example\r\n"
		"TLS-Required: No\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
		" boundary=\"=_147001320700ab\"\r\n"
		"\r\n"
		"--=_147001320700ab\r\n"
		"Content-Type: text/plain; charset=us-ascii\r\n"
		"\r\n"
		"This is a report of how TLS went when mx.sender.example delivered mail\r\n"
		"for example.net. The attachment is for programs.\r\n"
		"\r\n"
		"--=_147001320700ab\r\n"
		"Content-Type: application/tlsrpt+gzip\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment;\r\n"
		" filename=\"mx.sender.example!example.net!1470013207!1470099606!147001320700ab.json.gz\"\r\n"
		"\r\n";
	static const char end[] = "\r\n--=_147001320700ab--\r\n";
	char json[400] = "", back[400];
	struct buf gzip, message, bytes;
	struct span body;

	(void)state;
	for (int i = 0; i < 99; i++)
		snprintf(json + strlen(json), 5, "%d,", i * 37 % 100);
	buf_init(&gzip, 4096);
	buf_init(&message, 8192);
	buf_init(&bytes, 4096);
	assert_int_equal(tlsrpt_gzip(span_of(json), &gzip, NULL), 0);
	ungzip(buf_span(&gzip), back, sizeof(back));
	assert_string_equal(back, json);
	tlsrpt_message(&head, "tls@example.net", "Mon, 1 Aug 2016 00:00:00 +0000", buf_span(&gzip), &message);
	assert_true(message.n > strlen(want) + strlen(end));
	unit_is(message.p, strlen(want), want);
	unit_is(message.p + message.n - strlen(end), strlen(end), end);
	body = (struct span){ message.p + strlen(want), message.n - strlen(want) - strlen(end) };
	while (body.n > 0) {
		struct span line = span_take_until(&body, '\n');

		assert_true(line.n > 1 && line.n <= 77 && line.p[line.n - 1] == '\r');
		line.n--;
		assert_true(base64_decode(&bytes, line));
	}
	assert_true(span_equal(buf_span(&bytes), buf_span(&gzip)));
	buf_clear(&gzip);
	buf_clear(&message);
	buf_clear(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_message),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tlsrpt mail");
}
