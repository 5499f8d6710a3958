/* test_proxy.c - PROXY headers as proxies send them, and as nobody should; each cut at every byte.
 * link: common/net common/base */
#include "tests/unit/unit.h"

#include "common/net/proxy.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\300\0\2\7\306\63\144\1\303\300\0\31"	/* 192.0.2.7:50112 to 198.51.100.1:25 */
#define V6 " \1\r\270\0\0\0\0\0\0\0\0\0\0\0\1 \1\r\270\0\0\0\0\0\0\0\0\0\0\0\2\303\300\3\341"
#define B(text) (text), sizeof(text) - 1
#define X10 "xxxxxxxxxx"

static const struct {
	const char *why, *in;
	size_t n;
	enum proxy_status want;
	size_t used;
	const char *peer, *local;
} rows[] = {
	{ "IPv4 as a line", B("PROXY TCP4 192.0.2.7 198.51.100.1 50112 25\r\nEHLO"), PROXY_CLIENT, 44, "192.0.2.7:50112",
	  "198.51.100.1:25" },
	{ "IPv6 as a line", B("PROXY TCP6 2001:db8::1 2001:db8::2 50112 993\r\n"), PROXY_CLIENT, 46, "[2001:db8::1]:50112",
	  "[2001:db8::2]:993" },
	{ "IPv4 in IPv6's clothes", B("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 2\r\n"), PROXY_CLIENT, 53, "192.0.2.7:1",
	  "198.51.100.1:2" },
	{ "port 0 and 65535", B("PROXY TCP4 192.0.2.7 198.51.100.1 0 65535\r\n"), PROXY_CLIENT, 43, "192.0.2.7:0",
	  "198.51.100.1:65535" },
	{ "an unknown client", B("PROXY UNKNOWN\r\n"), PROXY_OWN, 15, NULL, NULL },
	{ "an unknown client with more", B("PROXY UNKNOWN a b c d e\r\n"), PROXY_OWN, 25, NULL, NULL },
	{ "IPv4 in binary", B(SIG "\x21\x11\0\x0c" V4 "EHLO"), PROXY_CLIENT, 28, "192.0.2.7:50112", "198.51.100.1:25" },
	{ "IPv6 in binary", B(SIG "\x21\x21\0\x24" V6), PROXY_CLIENT, 52, "[2001:db8::1]:50112", "[2001:db8::2]:993" },
	{ "something behind the addresses", B(SIG "\x21\x11\0\x10" V4 "\x01\0\x01x!"), PROXY_CLIENT, 32, "192.0.2.7:50112",
	  "198.51.100.1:25" },
	{ "the proxy itself", B(SIG "\x20\0\0\0"), PROXY_OWN, 16, NULL, NULL },
	{ "the proxy itself, with addresses", B(SIG "\x20\x11\0\x0c" V4), PROXY_OWN, 28, NULL, NULL },
	{ "no family", B(SIG "\x21\0\0\0"), PROXY_OWN, 16, NULL, NULL },
	{ "a Unix socket", B(SIG "\x21\x31\0\x02xx"), PROXY_OWN, 18, NULL, NULL },
	{ "nothing yet", B(""), PROXY_MORE, 0, NULL, NULL },
	{ "half a line", B("PROXY TCP4 192.0.2.7"), PROXY_MORE, 0, NULL, NULL },
	{ "a CR alone at its end", B("PROXY UNKNOWN\r"), PROXY_MORE, 0, NULL, NULL },
	{ "a length that has not come", B(SIG "\x21\x11\0\x0d" V4), PROXY_MORE, 0, NULL, NULL },
	{ "no header", B("EHLO a\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "TLS", B("\x16\x03\x01"), PROXY_BAD, 0, NULL, NULL },
	{ "a lone LF", B("PROXY UNKNOWN\nEHLO a\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "a lone CR", B("PROXY UNKNOWN\rx"), PROXY_BAD, 0, NULL, NULL },
	{ "another word", B("PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "small letters", B("proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "an address of the other family", B("PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "a short form", B("PROXY TCP4 127.1 198.51.100.1 1 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "two spaces", B("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "a word too many", B("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "a word too few", B("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "port 65536", B("PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "a leading zero", B("PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "a sign", B("PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "a line of 107", B("PROXY UNKNOWN " X10 X10 X10 X10 X10 X10 X10 X10 X10 "x\r\n"), PROXY_OWN, 107, NULL, NULL },
	{ "of 108", B("PROXY UNKNOWN " X10 X10 X10 X10 X10 X10 X10 X10 X10 "xx\r\n"), PROXY_BAD, 0, NULL, NULL },
	{ "another version", B(SIG "\x31\x11\0\x0c" V4), PROXY_BAD, 0, NULL, NULL },
	{ "another command", B(SIG "\x22\x11\0\x0c" V4), PROXY_BAD, 0, NULL, NULL },
	{ "datagrams", B(SIG "\x21\x12\0\x0c" V4), PROXY_BAD, 0, NULL, NULL },
	{ "addresses that don't fit", B(SIG "\x21\x11\0\x0b" V4), PROXY_BAD, 0, NULL, NULL },
	{ "IPv6 that does not fit", B(SIG "\x21\x21\0\x0c" V4), PROXY_BAD, 0, NULL, NULL },
	{ "more than we take", B(SIG "\x21\x11\x20\0" V4), PROXY_BAD, 0, NULL, NULL },
};

static void check(size_t i, struct span in, enum proxy_status want)
{
	char text[ADDRESS_PORT_TEXT];
	struct proxy_header h;
	enum proxy_status st = proxy_parse(in, &h);

	assert_int_equal(st, want);
	if (st == PROXY_CLIENT || st == PROXY_OWN)
		assert_int_equal(h.used, rows[i].used);
	if (st == PROXY_CLIENT) {
		assert_string_equal(address_text(&h.peer, text), rows[i].peer);
		assert_string_equal(address_text(&h.local, text), rows[i].local);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *p = (const uint8_t *)rows[i].in;

		unit_case(rows[i].why, 0);
		check(i, (struct span){ p, rows[i].n }, rows[i].want);
		for (size_t cut = 0; rows[i].used > 0 && cut < rows[i].n; cut++) {
			unit_case(rows[i].why, cut);
			check(i, (struct span){ p, cut }, cut < rows[i].used ? PROXY_MORE : rows[i].want);
		}
	}
}

/* What is wrong stays wrong, whatever follows. */
static void test_bad_stays_bad(void **state)
{
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool bad = false;

		unit_case(rows[i].why, 0);
		for (size_t cut = 0; cut <= rows[i].n; cut++) {
			bool now = proxy_parse((struct span){ (const uint8_t *)rows[i].in, cut }, &h) == PROXY_BAD;

			assert_true(now || !bad);
			bad = now;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_bad_stays_bad) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "proxy");
}
