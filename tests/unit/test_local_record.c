/* test_local_record.c - what goes into the index comes out of it, and damage is seen.
 * link: storage/local common/base */
#include "tests/unit/unit.h"

#include "storage/local/record.h"

static void test_key_order(void **state)
{
	struct key a, b, end;

	(void)state;
	key_record(&a, 1, 2, 255);
	key_record(&b, 1, 2, 256);
	assert_true(memcmp(a.bytes, b.bytes, a.n) < 0);
	assert_int_equal(key_get_account(key_span(&b)), 1);
	assert_int_equal(key_get_mailbox(key_span(&b)), 2);
	assert_int_equal(key_get_uid(key_span(&b)), 256);
	key_mailbox(&a, KEY_RECORD, 1, UINT32_MAX);
	key_end(&end, &a);
	key_record(&b, 2, 0, 0);
	assert_true(memcmp(end.bytes, b.bytes, end.n) <= 0);
	key_record(&b, 1, UINT32_MAX, UINT32_MAX);
	assert_true(memcmp(b.bytes, end.bytes, end.n) < 0);
	key_log(&a, 7, 8, 0x0102030405060708, LOG_VANISHED);
	assert_int_equal(key_get_modseq(key_span(&a)), 0x0102030405060708);
	assert_int_equal(key_get_kind(key_span(&a)), LOG_VANISHED);
	key_txid(&a, 99);
	assert_int_equal(key_get_sequence(key_span(&a)), 99);
}

static const struct message messages[] = {
	{ .r = { .uid = 1 } },
	{ .r = { .uid = 7,
		 .flags = 31,
		 .keywords = UINT64_MAX,
		 .modseq = UINT64_MAX,
		 .guid = "0123456789abcde",
		 .size = UINT64_MAX,
		 .internal_s = INT64_MAX,
		 .saved_s = INT64_MIN,
		 .meta_offset = UINT64_MAX,
		 .meta_length = UINT32_MAX } },
	{ .r = { .uid = 9,
		 .flags = 1,
		 .modseq = 300,
		 .size = 4096,
		 .internal_s = -1,
		 .saved_s = 1700000000 } },
};

static void test_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct message m = messages[i], back;
		struct buf out;

		unit_case("message", i);
		m.address = span_of("ann+list@post.example");
		buf_init(&out, 4096);
		message_encode(&out, &m);
		assert_true(message_decode(buf_span(&out), m.r.uid, &back));
		assert_memory_equal(&back.r, &m.r, sizeof(m.r));
		unit_is(back.address.p, back.address.n, "ann+list@post.example");
		for (size_t cut = 0; cut < out.n - m.address.n; cut++) {
			unit_case("cut", cut);
			assert_false(message_decode((struct span){ out.p, cut }, 1, &back));
		}
		buf_clear(&out);
	}
}

static void test_message_damage(void **state)
{
	static const struct {
		const char *why;
		uint8_t bytes[40];
	} cases[] = {
		{ "flags that are none", { 32 } },
		{ "a number over 64 bits",
		  { 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 } },
		{ "a number without end",
		  { 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 } },
	};
	struct message back;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case(cases[i].why, i);
		assert_false(
		    message_decode((struct span){ cases[i].bytes, sizeof(cases[i].bytes) }, 1, &back));
	}
}

static void test_head(void **state)
{
	const struct head h = { .role = STORE_ROLE_JUNK,
				.subscribed = 1,
				.uidvalidity = 1795262478,
				.uidnext = 5,
				.recent_uid = 3,
				.modseq = 77,
				.exists = 4,
				.unseen = 2,
				.deleted = 1,
				.unseen_hint = 2,
				.size = 1 << 20,
				.uid_floor = 1000,
				.modseq_floor = 10000,
				.log_floor = 3,
				.log_count = 9,
				.expunges = 6 };
	struct span name;
	struct head back;
	struct buf out;

	(void)state;
	memset(&back, 0, sizeof(back));
	buf_init(&out, 4096);
	head_encode(&out, &h, span_of("Junk"));
	assert_true(head_decode(buf_span(&out), &back, &name));
	assert_memory_equal(&back, &h, sizeof(h));
	unit_is(name.p, name.n, "Junk");
	for (size_t cut = 0; cut < out.n - 4; cut++) {
		unit_case("cut", cut);
		assert_false(head_decode((struct span){ out.p, cut }, &back, &name));
	}
	out.p[0] = STORE_ROLE_ARCHIVE + 1;
	assert_false(head_decode(buf_span(&out), &back, &name));
	buf_clear(&out);
}

static void test_log(void **state)
{
	struct ranges r, back;
	int64_t time_s;
	struct buf out;

	(void)state;
	ranges_init(&r);
	ranges_init(&back);
	ranges_push(&r, 1, 1);
	ranges_push(&r, 5, 900);
	ranges_push(&r, UINT32_MAX, UINT32_MAX);
	buf_init(&out, 4096);
	log_encode(&out, 1700000000, &r);
	assert_true(log_decode(buf_span(&out), &time_s, &back));
	assert_int_equal(time_s, 1700000000);
	assert_int_equal(back.count, 3);
	assert_memory_equal(back.at, r.at, 3 * sizeof(*r.at));
	assert_true(log_decode(buf_span(&out), &time_s, NULL));
	buf_put(&out, (struct span){ (const uint8_t *)"\x01\x01", 2 }); /* beyond the last UID */
	ranges_reset(&back);
	assert_false(log_decode(buf_span(&out), &time_s, &back));
	buf_clear(&out);
	ranges_clear(&r);
	ranges_clear(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_order),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_message_damage),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_log),
	};

	return unit_run(tests, 5, "local record");
}
