/* test_imap_deflate.c - COMPRESS=DEFLATE (RFC 4978): both streams, and sessions through them.
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/base/buf.h"
#include "imapd/deflate.h"
#include "storage/meta.h"

/* --- a client -------------------------------------------------------------- */

struct client {
	z_stream up, down;
};

static void client_init(struct client *c, int level, int window)
{
	*c = (struct client){ .up = { .zalloc = Z_NULL } };
	assert_int_equal(deflateInit2(&c->up, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(inflateInit2(&c->down, -15), Z_OK);
}

static void client_clear(struct client *c)
{
	deflateEnd(&c->up);
	inflateEnd(&c->down);
}

static void pack(struct client *c, const void *p, size_t n, int flush, struct buf *out)
{
	c->up.next_in = (Bytef *)p;
	c->up.avail_in = (uInt)n;
	do {
		uint8_t room[4096];

		c->up.next_out = room;
		c->up.avail_out = sizeof(room);
		deflate(&c->up, flush);
		buf_put(out, (struct span){ room, sizeof(room) - c->up.avail_out });
	} while (c->up.avail_out == 0);
	assert_false(out->failed);
}

static void unpack(struct client *c, struct span in, struct buf *out)
{
	uint8_t room[4096];

	c->down.next_in = (Bytef *)in.p;
	c->down.avail_in = (uInt)in.n;
	do {
		c->down.next_out = room;
		c->down.avail_out = sizeof(room);
		int r = inflate(&c->down, Z_SYNC_FLUSH);

		assert_true(r == Z_OK || r == Z_BUF_ERROR);
		buf_put(out, (struct span){ room, sizeof(room) - c->down.avail_out });
	} while (c->down.avail_out == 0);
}

/* --- the streams ----------------------------------------------------------- */

static struct imap_deflate *both(void)
{
	struct imap_deflate *z;

	assert_int_equal(imap_deflate_new(&z, NULL), 0);
	return z;
}

/* All of in, cut into steps; gives what take said last. */
static int take_all(struct imap_deflate *z, struct span in, size_t step, struct buf *out)
{
	int r = 0;

	while (r == 0 && in.n > 0) {
		struct span piece = span_take(&in, step), *plain = imap_deflate_plain(z);
		size_t before;

		do {
			before = piece.n;
			r = imap_deflate_take(z, &piece);
			assert_true(plain->n <= IMAP_DEFLATE_PIECE);
			buf_put(out, *plain);
			before += plain->n;
			span_take(plain, plain->n);
		} while (r == 0 && (piece.n > 0 || before > 0));
	}
	return r;
}

static void put_all(struct imap_deflate *z, struct span plain, size_t room_size, struct buf *out)
{
	uint8_t room[IMAP_READ_PIECE];
	size_t n;
	bool flushing;

	do {
		flushing = plain.n == 0;
		assert_int_equal(imap_deflate_put(z, &plain, room, room_size, &n), 0);
		buf_put(out, (struct span){ room, n });
	} while (!flushing || n > 0);
}

static void test_there_and_back(void **state)
{
	static const size_t steps[] = { 1, 7, 100, 32768 };
	uint8_t *text = malloc(100000);
	struct buf wire, plain;

	(void)state;
	buf_init(&wire, 1 << 20);
	buf_init(&plain, 1 << 20);
	for (size_t i = 0; i < 100000; i++)
		text[i] = i % 9 == 0 ? (uint8_t)(i * i >> 7) : (uint8_t)"* 7 FETCH"[i % 9];
	for (size_t k = 0; k < 4; k++) {
		struct imap_deflate *z = both();
		struct client c;

		client_init(&c, 6, -15);
		pack(&c, text, 100000, Z_SYNC_FLUSH, &wire);
		assert_int_equal(take_all(z, buf_span(&wire), steps[k], &plain), 0);
		assert_true(span_equal(buf_span(&plain), (struct span){ text, 100000 }));
		buf_reset(&wire);
		buf_reset(&plain);
		put_all(z, (struct span){ text, 100000 }, steps[k] < 7 ? 7 : steps[k], &wire);
		unpack(&c, buf_span(&wire), &plain);
		assert_true(span_equal(buf_span(&plain), (struct span){ text, 100000 }));
		buf_reset(&wire);
		buf_reset(&plain);
		client_clear(&c);
		imap_deflate_free(z);
	}
	buf_clear(&wire);
	buf_clear(&plain);
	free(text);
}

/* The memory is given back between two words; the client's second one refers to its first. */
static void test_rest(void **state)
{
	static const char word[] = "a1 UID FETCH 1:* (FLAGS ENVELOPE INTERNALDATE RFC822.SIZE)\r\n";
	struct imap_deflate *z = both();
	struct span word_span = span_of(word);
	struct buf wire, plain;
	size_t first = 0, used;
	struct client c;

	(void)state;
	buf_init(&wire, 1 << 20);
	buf_init(&plain, 1 << 20);
	assert_non_null(buf_room(&wire, 16384));
	assert_non_null(buf_room(&plain, 16384));
	client_init(&c, 9, -15);
	assert_true(imap_deflate_at_rest(z));
	for (int i = 0; i < 5; i++) {
		struct mallinfo2 before = mallinfo2();

		pack(&c, word, word_span.n, Z_SYNC_FLUSH, &wire);
		first = i == 0 ? wire.n : first;
		assert_true(i == 0 || wire.n < first / 2);
		assert_int_equal(take_all(z, buf_span(&wire), 3, &plain), 0);
		assert_true(span_equal(buf_span(&plain), word_span));
		buf_reset(&wire);
		buf_reset(&plain);
		put_all(z, word_span, 100, &wire);
		unpack(&c, buf_span(&wire), &plain);
		assert_true(span_equal(buf_span(&plain), word_span));
		buf_reset(&wire);
		buf_reset(&plain);
		used = mallinfo2().uordblks - before.uordblks;
		assert_true(i == 0 || used < 90000);	/* in the first round the client's grows too */
		imap_deflate_rest(z);
		assert_true(imap_deflate_at_rest(z));
		assert_true(i == 0 || mallinfo2().uordblks < before.uordblks + 2048);
	}
	client_clear(&c);
	imap_deflate_free(z);
	buf_clear(&wire);
	buf_clear(&plain);
}

/* A peer that has not flushed, or stands inside a block, keeps its state. */
static void test_no_rest(void **state)
{
	struct imap_deflate *z = both();
	struct buf wire, plain;
	struct client c;

	(void)state;
	buf_init(&wire, 1 << 20);
	buf_init(&plain, 1 << 20);
	client_init(&c, 6, -15);
	pack(&c, "a NOOP\r\n", 8, Z_SYNC_FLUSH, &wire);
	assert_int_equal(take_all(z, (struct span){ wire.p, wire.n - 3 }, 5, &plain), 0);
	imap_deflate_rest(z);
	assert_false(imap_deflate_at_rest(z));
	assert_int_equal(take_all(z, (struct span){ wire.p + wire.n - 3, 3 }, 5, &plain), 0);
	assert_true(span_is(buf_span(&plain), "a NOOP\r\n"));
	imap_deflate_rest(z);
	assert_true(imap_deflate_at_rest(z));
	client_clear(&c);
	imap_deflate_free(z);
	buf_clear(&wire);
	buf_clear(&plain);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *why, *bytes;
		size_t n;
	} rows[] = {
		{ "a block of no kind", "\x07", 1 },
		{ "plain text", "a NOOP\r\nb NOOP\r\nc NOOP\r\n", 24 },
		{ "lengths that do not agree", "\x00\x05\x00\x00\x00", 5 },
		{ "a distance before the begin", "\x4b\x04\x82\x24\x00\xff\xff\xff\xff\xff", 10 },
		{ "bytes behind the last block", "\x03\x00" "a", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step < 4; step++) {
			struct imap_deflate *z = both();
			struct buf plain;

			unit_case(rows[i].why, step);
			buf_init(&plain, 1 << 20);
			assert_int_equal(take_all(z, (struct span){ (const uint8_t *)rows[i].bytes, rows[i].n }, step, &plain),
					 -EBADMSG);
			buf_clear(&plain);
			imap_deflate_free(z);
		}
	}
}

/* --- sessions -------------------------------------------------------------- */

static const char letter[] = "From: Anna <anna@example.org>\r\nSubject: one\r\n\r\nHello\r\n";

static struct rig *rig_with(size_t messages)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	for (size_t i = 0; i < messages; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letter, 0);
	return r;
}

static void say(struct conn *c, struct client *k, const char *send, const char *want)
{
	struct buf wire, plain;

	unit_case(send, 0);
	buf_init(&wire, 1 << 20);
	buf_init(&plain, 1 << 20);
	pack(k, send, strlen(send), Z_SYNC_FLUSH, &wire);
	rig_send_bytes(c, (const char *)wire.p, wire.n);
	unpack(k, rig_output(c), &plain);
	buf_put_byte(&plain, 0);
	assert_string_equal((const char *)plain.p, want);
	buf_clear(&wire);
	buf_clear(&plain);
}

static void test_session(void **state)
{
	struct rig *r = rig_with(2);
	struct conn *c = rig_login(r, "INBOX");
	struct client k;

	(void)state;
	client_init(&k, 6, -15);
	rig_say(c, "1 COMPRESS\r\n2 COMPRESS LZMA\r\n3 COMPRESS DEFLATE x\r\n",
		"1 BAD ~\r\n2 BAD ~\r\n3 BAD ~\r\n");
	rig_say(c, "4 compress deflate\r\n", "4 OK DEFLATE begins now\r\n");
	say(c, &k, "5 COMPRESS DEFLATE\r\n", "5 BAD [COMPRESSIONACTIVE] COMPRESS DEFLATE is on already\r\n");
	say(c, &k, "6 FETCH 2 BODY.PEEK[TEXT]\r\n7 NOOP\r\n",
	    "* 2 FETCH (UID 2 BODY[TEXT] {7}\r\nHello\r\n)\r\n6 OK FETCH completed\r\n7 OK NOOP completed\r\n");
	rig_time(r, IMAP_DEFLATE_REST_MS);
	assert_true(imap_deflate_at_rest(rig_shell(c)->deflate));
	say(c, &k, "8 APPEND Sent {3+}\r\nabc\r\n", "8 OK [APPENDUID 1002 1] APPEND completed\r\n");
	say(c, &k, "9 IDLE\r\n", "+ idling\r\n");
	say(c, &k, "DONE\r\n", "9 OK IDLE completed\r\n");
	say(c, &k, "a LOGOUT\r\n", "* BYE Logging out\r\na OK LOGOUT completed\r\n");
	assert_true(rig_closed(c));
	client_clear(&k);
	rig_close(c);
	rig_free(r);
}

/* What stands behind the command in the same write is compressed already. */
static void test_pipelined(void **state)
{
	static const char command[] = "1 COMPRESS DEFLATE\r\n", answer[] = "1 OK DEFLATE begins now\r\n";
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, NULL);
	struct buf wire, plain;
	struct span out;
	struct client k;

	(void)state;
	buf_init(&wire, 1 << 20);
	buf_init(&plain, 1 << 20);
	client_init(&k, 6, -15);
	buf_put_text(&wire, command);
	pack(&k, "2 NOOP\r\n3 NOOP\r\n", 16, Z_SYNC_FLUSH, &wire);
	rig_send_bytes(c, (const char *)wire.p, wire.n);
	out = rig_output(c);
	assert_true(span_starts(out, answer));
	span_take(&out, strlen(answer));
	unpack(&k, out, &plain);
	assert_true(span_is(buf_span(&plain), "2 OK NOOP completed\r\n3 OK NOOP completed\r\n"));
	client_clear(&k);
	buf_clear(&wire);
	buf_clear(&plain);
	rig_close(c);
	rig_free(r);
}

/* It is not offered to strangers, and clear text behind it is none of its. */
static void test_refused(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_open(r, NULL);

	(void)state;
	rig_secure(c);
	rig_say(c, "1 COMPRESS DEFLATE\r\n", "1 BAD Log in first\r\n");
	rig_close(c);
	c = rig_login(r, NULL);
	rig_send(c, "1 COMPRESS DEFLATE\r\n2 NOOP\r\n");
	assert_true(rig_closed(c));
	rig_close(c);
	rig_free(r);
}

/* Few bytes that stand for many: a line without an end is refused as ever, and costs a piece. */
static void test_bomb(void **state)
{
	struct rig *r = rig_with(0);
	struct conn *c = rig_login(r, NULL);
	uint8_t *zeros = malloc(32 << 20);
	struct mallinfo2 before;
	struct buf wire, plain;
	struct client k;

	(void)state;
	memset(zeros, 'x', 32 << 20);
	buf_init(&wire, 1 << 20);
	buf_init(&plain, 1 << 20);
	client_init(&k, 9, -15);
	rig_say(c, "1 COMPRESS DEFLATE\r\n", "1 OK DEFLATE begins now\r\n");
	pack(&k, zeros, 32 << 20, Z_SYNC_FLUSH, &wire);
	assert_true(wire.n < 40000);
	before = mallinfo2();
	rig_send_bytes(c, (const char *)wire.p, wire.n);
	assert_true(mallinfo2().uordblks < before.uordblks + (256 << 10));
	buf_reset(&wire);
	pack(&k, "\r\n2 NOOP\r\n", 10, Z_SYNC_FLUSH, &wire);
	rig_send_bytes(c, (const char *)wire.p, wire.n);
	unpack(&k, rig_output(c), &plain);
	assert_true(span_is(buf_span(&plain), "* BAD The command line is too long\r\n2 OK NOOP completed\r\n"));
	client_clear(&k);
	free(zeros);
	buf_clear(&wire);
	buf_clear(&plain);
	rig_close(c);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_rest),
		cmocka_unit_test(test_no_rest),	       cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_session),	       cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_refused),	       cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
