/* test_imap_preview.c - FETCH PREVIEW and its LAZY (RFC 8970 3, 4.1, 6).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/fetch.h"
#include "storage/meta.h"

static const char *const messages[] = {
	/* 1 */ "Subject: a\r\n\r\nHello,\r\nworld\r\n",
	/* 2 */ "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+R3LDvMOfZTwvcD4=\r\n",
	/* 3 */ "Content-Type: image/png\r\n\r\nx\r\n",
	/* 4: the plain part has no words */
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<b>there</b>\r\n--b--\r\n",
	/* 5: no part has any */
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n\r\n\t\r\n--b\r\n\r\n\r\n--b\r\n\r\n \r\n--b\r\n\r\nfifth\r\n--b--\r\n",
	/* 6 */ "\r\n\"quotes\\\r\n",
};

static const struct {
	const char *why, *send, *want;
} rows[] = {
	{ "text", "1 FETCH 1 PREVIEW\r\n", "* 1 FETCH (PREVIEW \"Hello, world\")\r\n1 OK ~\r\n" },
	{ "in a list, twice", "1 FETCH 1 (preview UID PREVIEW)\r\n", "* 1 FETCH (PREVIEW \"Hello, world\" UID 1)\r\n1 OK ~\r\n" },
	{ "HTML, encoded: a literal", "1 FETCH 2 (PREVIEW)\r\n", "* 2 FETCH (PREVIEW {7}\r\nGr\xc3\xbc\xc3\x9f" "e)\r\n1 OK ~\r\n" },
	{ "a picture: the empty string", "1 FETCH 3 PREVIEW\r\n", "* 3 FETCH (PREVIEW \"\")\r\n1 OK ~\r\n" },
	{ "the next part", "1 FETCH 4 PREVIEW\r\n", "* 4 FETCH (PREVIEW \"there\")\r\n1 OK ~\r\n" },
	{ "three parts are looked at", "1 FETCH 5 PREVIEW\r\n", "* 5 FETCH (PREVIEW \"\")\r\n1 OK ~\r\n" },
	{ "quotes", "1 FETCH 6 PREVIEW\r\n", "* 6 FETCH (PREVIEW \"\\\"quotes\\\\\")\r\n1 OK ~\r\n" },
	{ "several, with a section", "1 FETCH 1,3 (PREVIEW BODY.PEEK[TEXT])\r\n",
	  "* 1 FETCH (PREVIEW \"Hello, world\" BODY[TEXT] {15}\r\nHello,\r\nworld\r\n)\r\n* 3 FETCH (PREVIEW \"\" BODY[TEXT] {3}\r\nx\r\n)\r\n1 OK ~\r\n" },
	{ "lazy, nothing known yet", "1 FETCH 1 PREVIEW (LAZY)\r\n", "* 1 FETCH (PREVIEW NIL)\r\n1 OK ~\r\n" },
	{ "lazy, structure known", "1 FETCH 1 ENVELOPE\r\n2 FETCH 1 (PREVIEW (lazy LAZY) UID)\r\n",
	  "* 1 FETCH (ENVELOPE ~)\r\n1 OK ~\r\n* 1 FETCH (PREVIEW \"Hello, world\" UID 1)\r\n2 OK ~\r\n" },
	{ "lazy once is not lazy", "1 FETCH 1 (PREVIEW (LAZY) PREVIEW)\r\n", "* 1 FETCH (PREVIEW \"Hello, world\")\r\n1 OK ~\r\n" },
	{ "modifiers of FETCH behind it", "1 FETCH 1 PREVIEW (CHANGEDSINCE 99)\r\n", "* OK [HIGHESTMODSEQ ~\r\n1 OK ~\r\n" },
	{ "both", "1 FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 99)\r\n", "* OK [HIGHESTMODSEQ ~\r\n1 OK ~\r\n" },
	{ "an unknown modifier", "1 FETCH 1 (PREVIEW (LAZY SLOW))\r\n", "1 BAD ~\r\n" },
	{ "no modifier", "1 FETCH 1 (PREVIEW ())\r\n", "1 BAD ~\r\n" },
	{ "no end", "1 FETCH 1 PREVIEW (LAZY\r\n", "1 BAD ~\r\n" },
	{ "a word more", "1 FETCH 1 PREVIEWS\r\n", "1 BAD ~\r\n" },
};

static struct rig *rig_with_messages(void)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", messages[i], 0);
	return r;
}

/* Each at once, byte by byte, and with a disk that makes wait. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		struct rig *r = rig_with_messages();
		struct conn *c = rig_login(r, "INBOX");

		unit_case(rows[i / 2].why, i % 2);
		if (i % 2 == 1)
			rig_slow_disk(r);
		if (i % 2 == 1)
			rig_say_bytes(c, rows[i / 2].send, rows[i / 2].want);
		else
			rig_say(c, rows[i / 2].send, rows[i / 2].want);
		rig_free(r);
	}
}

/* A screenful is looked into, what is behind it is not. */
static void test_lazy_bound(void **state)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);
	struct conn *c;
	size_t nil = 0, words = 0;
	struct span out;

	(void)state;
	for (size_t i = 0; i < FETCH_LAZY + 50; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", messages[0], 0);
	c = rig_login(r, "INBOX");
	rig_pump(c, "1 FETCH 1:* ENVELOPE\r\n", 22);
	rig_send(c, "2 FETCH 1:* PREVIEW (LAZY)\r\n");
	out = rig_output(c);
	while (out.n > 0) {
		struct span line = span_take_until(&out, '\n');

		nil += span_starts((struct span){ line.p + line.n - 5, 4 }, "NIL)");
		words += span_starts((struct span){ line.p + line.n - 8, 8 }, "world\")\r");
	}
	assert_int_equal(words, FETCH_LAZY);
	assert_int_equal(nil, 50);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_lazy_bound) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
