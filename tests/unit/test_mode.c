/* test_mode.c - first bytes, cut at every place: what they are, and from which byte on.
 * link: common/net common/base */
#include "tests/unit/unit.h"

#include "common/net/mode.h"

#define BYTES(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct {
	const char *why;
	struct span bytes;
	size_t told_at;		/* so many bytes tell; one less is MODE_MORE */
	enum mode mode;
} rows[] = {
	{ "TLS 1.2 and up", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 6, MODE_TLS },
	{ "a record of TLS 1.2", BYTES("\x16\x03\x03\x00\xc8\x01\x00\x00"), 6, MODE_TLS },
	{ "SSL 3.0", BYTES("\x16\x03\x00\x00\x50\x01\x00\x00"), 6, MODE_TLS },
	{ "the form of SSL 2.0", BYTES("\x80\x2e\x01\x03\x01\x00\x15\x00"), 6, MODE_TLS },
	{ "a handshake record with something else in it", BYTES("\x16\x03\x01\x00\x10\x02\x00"), 6, MODE_OTHER },
	{ "a record of no TLS", BYTES("\x16\x04\x01"), 2, MODE_OTHER },
	{ "an alert", BYTES("\x15\x03\x01\x00\x02\x02\x28"), 1, MODE_OTHER },
	{ "bytes above ASCII", BYTES("\x80\x80\x80"), 3, MODE_OTHER },
	{ "GET", BYTES("GET / HTTP/1.1\r\n"), 4, MODE_HTTP },
	{ "POST", BYTES("POST /x HTTP/1.1\r\nHost: a\r\n"), 5, MODE_HTTP },
	{ "HEAD", BYTES("HEAD / HTTP/1.0\r\n"), 5, MODE_HTTP },
	{ "PUT", BYTES("PUT / HTTP/1.0\r\n"), 4, MODE_HTTP },
	{ "CONNECT", BYTES("CONNECT a:25 HTTP/1.1\r\n"), 8, MODE_HTTP },
	{ "OPTIONS", BYTES("OPTIONS * HTTP/1.1\r\n"), 8, MODE_HTTP },
	{ "small letters are no method", BYTES("get / http/1.1\r\n"), 8, MODE_TEXT },
	{ "a tag that begins like one", BYTES("GETS NOOP\r\n"), 8, MODE_TEXT },
	{ "SMTP", BYTES("EHLO client.example.org\r\n"), 8, MODE_TEXT },
	{ "SMTP, like HEAD", BYTES("HELO a\r\n"), 8, MODE_TEXT },
	{ "a short command", BYTES("QUIT\r\n"), 6, MODE_TEXT },
	{ "POP3, like POST", BYTES("PASS x\r\n"), 8, MODE_TEXT },
	{ "IMAP", BYTES("a1 CAPABILITY\r\n"), 8, MODE_TEXT },
	{ "a line that is empty", BYTES("\r\n"), 2, MODE_TEXT },
	{ "a lone line feed", BYTES("\n"), 1, MODE_TEXT },
	{ "method and line end", BYTES("GET\r\n"), 5, MODE_TEXT },
	{ "NUL", BYTES("\0\0\0"), 1, MODE_OTHER },
	{ "text, then none", BYTES("ab\x01"), 3, MODE_OTHER },
	{ "text of another alphabet", BYTES("caf\xc3\xa9\r\n"), 4, MODE_OTHER },
	{ "SSH", BYTES("SSH-2.0-x\r\n"), 8, MODE_TEXT },
};

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t n = 0; n <= rows[i].bytes.n; n++) {
			enum mode want = n < rows[i].told_at ? MODE_MORE : rows[i].mode;

			unit_case(rows[i].why, n);
			assert_int_equal(mode_judge((struct span){ rows[i].bytes.p, n }), want);
		}
}

/* Whatever comes, MODE_FIRST bytes tell. */
static void test_always_told(void **state)
{
	uint8_t bytes[MODE_FIRST];
	uint32_t seed = 1;

	(void)state;
	assert_int_equal(mode_judge((struct span){ NULL, 0 }), MODE_MORE);
	for (int round = 0; round < 100000; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(seed >> 24);
			if (round % 2 == 0)
				bytes[i] &= 0x7f;
		}
		assert_int_not_equal(mode_judge((struct span){ bytes, sizeof(bytes) }), MODE_MORE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut), cmocka_unit_test(test_always_told) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mode");
}
