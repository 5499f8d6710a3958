/* test_imap_binary.c - FETCH BINARY, BINARY.PEEK, BINARY.SIZE (RFC 3516 4.2).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "imapd/session.h"
#include "storage/meta.h"

/* Parts: 1 base64, 2 base64 with a NUL, 3 quoted-printable, 4 plain, 5 of an unknown encoding, 6 a message, 7 empty. */
static const char parts[] =
	"Content-Type: multipart/mixed; boundary=\"=b\"\r\n\r\n"
	"--=b\r\nContent-Transfer-Encoding: base64\r\n\r\nc2Vj\r\ncmV0\r\n"
	"--=b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: BASE64\r\n\r\nYQBiYwBk\r\n"
	"--=b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=C3=BC=\r\nb=20\r\nc  \r\n"
	"--=b\r\n\r\none\r\ntwo\r\n"
	"--=b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nM!\r\n"
	"--=b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext\r\n"
	"--=b\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n"
	"--=b--\r\n";
static const char plain[] = "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n";

static const struct {
	const char *items, *want;
} rows[] = {
	{ "BINARY.PEEK[1]", "* 1 FETCH (UID 1 BINARY[1] {6}\r\nsecret)\r\n1 OK ~\r\n" },
	{ "BINARY[1]", "* 1 FETCH (FLAGS (\\Seen \\Recent) BINARY[1] {6}\r\nsecret)\r\n1 OK ~\r\n" },
	{ "BINARY.SIZE[1]", "* 1 FETCH (UID 1 BINARY.SIZE[1] 6)\r\n1 OK ~\r\n" },
	{ "(UID BINARY.SIZE[2] BINARY.SIZE[3] BINARY.SIZE[4])", "* 1 FETCH (UID 1 BINARY.SIZE[2] 6 BINARY.SIZE[3] 8 BINARY.SIZE[4] 8)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[3]", "* 1 FETCH (UID 1 BINARY[3] {8}\r\na\xc3\xbc" "b \r\nc)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[4]", "* 1 FETCH (UID 1 BINARY[4] {8}\r\none\r\ntwo)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[4]<2.3>", "* 1 FETCH (UID 1 BINARY[4]<2> {3}\r\ne\r\n)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[1]<0.6>", "* 1 FETCH (UID 1 BINARY[1]<0> {6}\r\nsecret)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[1]<1.3>", "* 1 FETCH (UID 1 BINARY[1]<1> {3}\r\necr)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[1]<5.9>", "* 1 FETCH (UID 1 BINARY[1]<5> {1}\r\nt)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[1]<6.1>", "* 1 FETCH (UID 1 BINARY[1]<6> {0}\r\n)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[1]<9223372036854775807.1>", "* 1 FETCH (UID 1 BINARY[1]<9223372036854775807> {0}\r\n)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[1]<2.9223372036854775807>", "* 1 FETCH (UID 1 BINARY[1]<2> {4}\r\ncret)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[2]<2.2>", "* 1 FETCH (UID 1 BINARY[2]<2> {2}\r\nbc)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[6]", "* 1 FETCH (UID 1 BINARY[6] {19}\r\nSubject: in\r\n\r\ntext)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[7]", "* 1 FETCH (UID 1 BINARY[7] {0}\r\n)\r\n1 OK ~\r\n" },
	{ "BINARY.SIZE[7]", "* 1 FETCH (UID 1 BINARY.SIZE[7] 0)\r\n1 OK ~\r\n" },
	{ "BINARY.PEEK[9]", "* 1 FETCH (UID 1 BINARY[9] NIL)\r\n1 OK ~\r\n" },
	{ "BINARY.SIZE[9]", "* 1 FETCH (UID 1 BINARY.SIZE[9] 0)\r\n1 OK ~\r\n" },
	{ "(BINARY.PEEK[5] BINARY.PEEK[4])", "* 1 FETCH (UID 1 BINARY[4] {8}\r\none\r\ntwo)\r\n1 NO [UNKNOWN-CTE] ~\r\n" },
	{ "BINARY.SIZE[5]", "* 1 FETCH (UID 1)\r\n1 NO [UNKNOWN-CTE] ~\r\n" },
	{ "(BINARY.PEEK[1] BODY.PEEK[1])", "* 1 FETCH (UID 1 BINARY[1] {6}\r\nsecret BODY[1] {10}\r\nc2Vj\r\ncmV0)\r\n1 OK ~\r\n" },
	{ "BINARY", "1 BAD ~\r\n" },
	{ "BINARY[TEXT]", "1 BAD ~\r\n" },
	{ "BINARY[1.MIME]", "1 BAD ~\r\n" },
	{ "BINARY[1.]", "1 BAD ~\r\n" },
	{ "BINARY[0]", "1 BAD ~\r\n" },
	{ "BINARY[1]<0.0>", "1 BAD ~\r\n" },
	{ "BINARY.SIZE[1]<0.1>", "1 BAD ~\r\n" },
	{ "BINARY.SIZE.PEEK[1]", "1 BAD ~\r\n" },
};

static struct rig *rig_with(const char *message)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", message, 0);
	return r;
}

/* Each at once, byte by byte, and with a disk that makes wait. */
static void test_rows(void **state)
{
	char send[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		struct rig *r = rig_with(parts);
		struct conn *c = rig_login(r, "INBOX");

		if (i % 2 == 1)
			rig_slow_disk(r);
		snprintf(send, sizeof(send), "1 FETCH 1 %s\r\n", rows[i / 2].items);
		if (i % 2 == 1)
			rig_say_bytes(c, send, rows[i / 2].want);
		else
			rig_say(c, send, rows[i / 2].want);
		rig_free(r);
	}
}

/* RFC 3516 4.3: literal8 where there is a NUL. */
static void test_nul(void **state)
{
	static const char want[] = "* 1 FETCH (UID 1 BINARY[2] ~{6}\r\na\0bc\0d)\r\n1 OK FETCH completed\r\n";
	struct rig *r = rig_with(parts);
	struct conn *c = rig_login(r, "INBOX");
	struct span out;

	(void)state;
	rig_send(c, "1 FETCH 1 BINARY.PEEK[2]\r\n");
	out = rig_output(c);
	assert_int_equal(out.n, sizeof(want) - 1);
	assert_memory_equal(out.p, want, out.n);
	rig_free(r);
}

#define BYTES(text) (text), sizeof(text) - 1

/* RFC 9051 9: a literal has no NUL. Mail that came by BINARYMIME may have some. */
static void test_raw_nul(void **state)
{
	static const char message[] = "Subject: a\0b\r\nContent-Transfer-Encoding: binary\r\n\r\n\0c\0";
	static const struct {
		const char *item, *want;
		size_t n;
	} asked[] = {
		{ "BODY.PEEK[TEXT]", BYTES("BODY[TEXT] {3}\r\n\x80" "c\x80)") },
		{ "BODY.PEEK[1]<1.2>", BYTES("BODY[1]<1> {2}\r\nc\x80)") },
		{ "BODY.PEEK[HEADER.FIELDS (Subject)]", BYTES("BODY[HEADER.FIELDS (Subject)] {16}\r\nSubject: a\x80" "b\r\n\r\n)") },
		{ "BINARY.PEEK[1]", BYTES("BINARY[1] ~{3}\r\n\0c\0)") },
		{ "ENVELOPE", BYTES("ENVELOPE (NIL \"a b\" NIL NIL NIL NIL NIL NIL NIL NIL))") },
	};
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);
	struct conn *c;

	(void)state;
	fake_store_put_bytes(rig_store(r), RIG_ACCOUNT, "INBOX", (struct span){ (const uint8_t *)message, sizeof(message) - 1 }, 0);
	c = rig_login(r, "INBOX");
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		char send[100];
		struct span out;

		unit_case(asked[i].item, 0);
		snprintf(send, sizeof(send), "1 FETCH 1 %s\r\n", asked[i].item);
		rig_send(c, send);
		out = rig_output(c);
		if (memmem(out.p, out.n, asked[i].want, asked[i].n) == NULL)
			fail_msg("got %.*s", (int)out.n, (const char *)out.p);
	}
	rig_free(r);
}

/* A message that is no multipart: part 1 is decoded, the whole stays as it is. */
static void test_single(void **state)
{
	struct rig *r = rig_with(plain);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 FETCH 1 BINARY.PEEK[1]\r\n", "* 1 FETCH (UID 1 BINARY[1] {5}\r\nhello)\r\n1 OK ~\r\n");
	rig_say(c, "2 FETCH 1 BINARY.SIZE[]\r\n", "* 1 FETCH (UID 1 BINARY.SIZE[] 47)\r\n2 OK ~\r\n");
	rig_say(c, "3 UID FETCH 1 BINARY.PEEK[]<0.7>\r\n", "* 1 FETCH (UID 1 BINARY[]<0> {7}\r\nContent)\r\n3 OK ~\r\n");
	rig_free(r);
}

/* What is no leaf is told as it lies there: what is inside keeps its encoding, and its fields that say so. */
static void test_no_leaves(void **state)
{
	static const char message[] =
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n"
		"--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
		"--i\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--i--\r\n"
		"--o\r\nContent-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n"
		"--o\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp4\r\n"
		"--o\r\nContent-Type: multipart/mixed; boundary=j\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		"--j\r\n\r\nx\r\n--j--\r\n"
		"--o--\r\n";
	static const struct {
		const char *items, *want;
	} asked[] = {
		{ "BINARY.PEEK[1]",
		  "* 1 FETCH (UID 1 BINARY[1] {53}\r\n--i\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--i--)\r\n1 OK ~\r\n" },
		{ "BINARY.SIZE[1]", "* 1 FETCH (UID 1 BINARY.SIZE[1] 53)\r\n1 OK ~\r\n" },
		{ "BINARY.PEEK[1]<5.7>", "* 1 FETCH (UID 1 BINARY[1]<5> {7}\r\nContent)\r\n1 OK ~\r\n" },
		{ "BINARY.PEEK[1.1]", "* 1 FETCH (UID 1 BINARY[1.1] {1}\r\nx)\r\n1 OK ~\r\n" },
		{ "BINARY.PEEK[2]", "* 1 FETCH (UID 1 BINARY[2] {41}\r\nContent-Transfer-Encoding: base64\r\n\r\neA==)\r\n1 OK ~\r\n" },
		{ "BINARY.SIZE[2]", "* 1 FETCH (UID 1 BINARY.SIZE[2] 41)\r\n1 OK ~\r\n" },
		{ "BINARY.PEEK[2.1]", "* 1 FETCH (UID 1 BINARY[2.1] {1}\r\nx)\r\n1 OK ~\r\n" },
		/* RFC 2045 6.4: these must not be encoded, and who says they are may lie */
		{ "BINARY.PEEK[3]", "* 1 FETCH (UID 1)\r\n1 NO [UNKNOWN-CTE] ~\r\n" },
		{ "BINARY.PEEK[4]", "* 1 FETCH (UID 1)\r\n1 NO [UNKNOWN-CTE] ~\r\n" },
		{ "BINARY.SIZE[4]", "* 1 FETCH (UID 1)\r\n1 NO [UNKNOWN-CTE] ~\r\n" },
	};
	struct rig *r = rig_with(message);
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		char command[100];

		unit_case(asked[i].items, i);
		snprintf(command, sizeof(command), "1 UID FETCH 1 %s\r\n", asked[i].items);
		rig_say(c, command, asked[i].want);
	}
	rig_free(r);
}

/* A part over many pieces, and a client that takes nothing: memory stays small, no byte is lost. */
static void test_large(void **state)
{
	enum { LINES = 40000 };
	size_t n = (size_t)LINES * 78, decoded = (size_t)LINES * 57;
	char *big = malloc(n + 200), head[100];
	struct rig *r;
	struct conn *c;
	struct span out;

	(void)state;
	memcpy(big, "Content-Transfer-Encoding: base64\r\n\r\n", 37);
	for (size_t i = 0; i < LINES; i++)
		memcpy(big + 37 + 78 * i, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n", 79);
	r = rig_with(big);
	c = rig_login(r, "INBOX");
	rig_block(c);
	rig_send(c, "1 FETCH 1 BINARY.PEEK[1]\r\n");
	rig_take(c);
	out = rig_output(c);
	snprintf(head, sizeof(head), "* 1 FETCH (UID 1 BINARY[1] {%zu}\r\n", decoded);
	assert_int_equal(out.n, strlen(head) + decoded + strlen(")\r\n1 OK FETCH completed\r\n"));
	assert_memory_equal(out.p, head, strlen(head));
	for (size_t i = 0; i < decoded; i++)
		assert_int_equal(out.p[strlen(head) + i], 'A');
	assert_true(rig_largest_reply(c) <= IMAP_REPLY_MAX);
	free(big);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nul), cmocka_unit_test(test_raw_nul),
		cmocka_unit_test(test_single), cmocka_unit_test(test_no_leaves),
		cmocka_unit_test(test_large),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap binary");
}
