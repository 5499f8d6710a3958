/* test_admin_queue.c - what `yubin queue` makes of storaged's answers.
 * link: admin auth storage/local sasl common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "admin/queue_parts.h"
#include "admin/queue_reader.h"

/* --- pages --------------------------------------------------------------------- */

static struct {
	unsigned entries;
	size_t recipients;
	char ids[200];
} seen;

static void on_entry(void *arg, const struct queue_shown *e)
{
	(void)arg;
	seen.entries++;
	seen.recipients += e->count;
	snprintf(seen.ids + strlen(seen.ids), sizeof(seen.ids) - strlen(seen.ids), "%s/%zu ", e->envelope.id,
		 e->count);
}

static const struct {
	const char *why;
	const char *pages[3];
	int last; /* what the last gives */
	const char *ids, *words;
} answers[] = {
	{ "nothing", { "end\n" }, 0, "", "" },
	{ "one", { "entry\tid=A1\nrecipient\taddress=a@x\nend\n" }, 0, "A1/1 ", "" },
	{ "two pages",
	  { "entry\tid=A1\nrecipient\taddress=a@x\nnext\tafter=A1\n", "entry\tid=A2\nend\n" },
	  0,
	  "A1/1 A2/0 ",
	  "" },
	{ "an entry in two pages",
	  { "entry\tid=A1\nrecipient\taddress=a@x\nnext\tafter=A0\tfrom=1\n",
	    "entry\tid=A1\nrecipient\taddress=b@x\nentry\tid=A2\nend\n" },
	  0,
	  "A1/2 A2/0 ",
	  "" },
	{ "the first entry in two pages: no cursor yet",
	  { "entry\tid=A1\nrecipient\taddress=a@x\nnext\tfrom=1\n",
	    "entry\tid=A1\nrecipient\taddress=b@x\nend\n" },
	  0,
	  "A1/2 ",
	  "" },
	{ "an empty page", { "next\tafter=A1\n", "entry\tid=A2\nend\n" }, 0, "A2/0 ", "" },
	{ "a fault", { "error\twords=no memory\n" }, -EIO, "", "no memory" },
	{ "nonsense", { "hello\n" }, -EPROTO, "", NULL },
	{ "nothing at all", { "" }, -EPROTO, "", NULL },
	{ "no end", { "entry\tid=A1\n" }, -EPROTO, "", NULL },
	{ "a recipient of nothing", { "recipient\taddress=a@x\nend\n" }, -EPROTO, "", NULL },
	{ "next without a cursor", { "next\n" }, -EPROTO, "", NULL },
};

static void test_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct queue_order o = { .what = QUEUE_ORDER_LIST };
		struct queue_reader *r;
		struct error err = { 0 };
		int rc = 1;

		unit_case(answers[i].why, i);
		memset(&seen, 0, sizeof(seen));
		assert_int_equal(queue_reader_new(&r, on_entry, NULL, &err), 0);
		for (size_t k = 0; k < 3 && answers[i].pages[k] != NULL && rc == 1; k++)
			rc = queue_reader_take(r, span_of(answers[i].pages[k]), &o, NULL, &err);
		assert_int_equal(rc, answers[i].last);
		if (rc == 0)
			assert_string_equal(seen.ids, answers[i].ids);
		else if (answers[i].words != NULL)
			assert_string_equal(err.words, answers[i].words);
		queue_reader_free(r);
	}
}

static void test_cursor(void **state)
{
	struct queue_order o = { .what = QUEUE_ACT_HOLD };
	struct queue_acted done = { 1, 1 };
	struct queue_reader *r;
	struct error err;

	(void)state;
	assert_int_equal(queue_reader_new(&r, NULL, NULL, &err), 0);
	assert_int_equal(queue_reader_take(r,
					   span_of("done\tentries=2\trecipients=5\nnext\tafter=A7\tfrom=3\n"),
					   &o, &done, &err),
			 1);
	assert_string_equal(o.after, "A7");
	assert_int_equal(o.from, 3);
	assert_int_equal(queue_reader_take(r, span_of("done\tentries=1\nend\n"), &o, &done, &err), 0);
	assert_int_equal(done.entries, 4);
	assert_int_equal(done.recipients, 6);
	queue_reader_free(r);
}

/* --- words ----------------------------------------------------------------------- */

static void test_words(void **state)
{
	static const struct {
		int64_t s;
		const char *want;
	} times[] = { { -5, "0s" },     { 119, "119s" }, { 120, "2m" },
		      { 7199, "119m" }, { 7200, "2h" },  { 2 * 86400, "2d" } };
	static const struct {
		uint64_t bytes;
		const char *want;
	} sizes[] = { { 0, "0" },           { 1023, "1023" },       { 1024, "1.0k" },
		      { 4300, "4.1k" },     { 10240, "10k" },       { 1048576, "1.0M" },
		      { 50u << 20, "50M" }, { 3ull << 40, "3.0T" }, { 1ull << 53, "8192T" } };
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_string_equal(queue_words_time(times[i].s, out), times[i].want);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_string_equal(queue_words_size(sizes[i].bytes, out), sizes[i].want);
}

#define NOW 1000000
#define D   .domain = { (const uint8_t *)"x.org", 5 }

static const struct {
	const char *why;
	struct queue_shown_recipient r;
	const char *want;
} states[] = {
	{ "due", { .state = QUEUE_WAITING, D }, "due now" },
	{ "later", { .state = QUEUE_WAITING, .next_s = NOW + 180, D }, "next try in 3m" },
	{ "its domain is down",
	  { .state = QUEUE_WAITING, .domain_until_s = NOW + 60, D },
	  "x.org is held off for 60s" },
	{ "its domain was down", { .state = QUEUE_WAITING, .domain_until_s = NOW - 60, D }, "due now" },
	{ "both, the domain longer",
	  { .state = QUEUE_WAITING, .next_s = NOW + 60, .domain_until_s = NOW + 600, D },
	  "x.org is held off for 10m" },
	{ "both, itself longer",
	  { .state = QUEUE_WAITING, .next_s = NOW + 600, .domain_until_s = NOW + 60, D },
	  "next try in 10m" },
	{ "being tried", { .state = QUEUE_LEASED }, "is being tried" },
	{ "held", { .state = QUEUE_HELD }, "held" },
	{ "to be bounced", { .state = QUEUE_WAITING, .bounce = true }, "goes back to the sender" },
	{ "set aside", { .state = QUEUE_ASIDE, .bounce = true }, "set aside" },
};

static void test_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct buf b;

		unit_case(states[i].why, i);
		buf_init(&b, 1000);
		queue_words_state(&b, &states[i].r, NOW);
		assert_true(span_is(buf_span(&b), states[i].want));
		buf_clear(&b);
	}
}

/* --- one entry ------------------------------------------------------------------- */

static const struct queue_shown_recipient people[] = {
	{ .to = { .address = { (const uint8_t *)"a\033[2J@x.org", 11 },
		  .sender = { (const uint8_t *)"s@h.org", 7 },
		  .notify = STORE_NOTIFY_FAILURE | STORE_NOTIFY_DELAY },
	  .state = QUEUE_WAITING,
	  .attempts = 2,
	  .next_s = NOW + 180,
	  .words = { (const uint8_t *)"451 \"later\"", 11 },
	  .host = { (const uint8_t *)"mx", 2 } },
};
static const struct queue_shown shown = { .envelope = { .id = "A1",
							.flags = STORE_MAIL_UTF8 | STORE_MAIL_8BIT },
					  .created_s = NOW - 600,
					  .size = 4300,
					  .recipients = people,
					  .count = 1 };

static void test_show(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	queue_text_show(&b, &shown, NOW);
	buf_put_byte(&b, '\0');
	assert_non_null(strstr((char *)b.p, "message         A1\n"));
	assert_non_null(strstr((char *)b.p, "to a\\x1b[2J@x.org\n")); /* no terminal is moved */
	assert_non_null(strstr((char *)b.p, "flags           8BITMIME SMTPUTF8\n"));
	assert_non_null(strstr((char *)b.p, "next try in 3m"));
	assert_non_null(strstr((char *)b.p, "reports         failure delay\n"));
	buf_clear(&b);
}

static void test_json(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	queue_json_entry(&b, &shown);
	buf_put_byte(&b, '\0');
	assert_false(b.failed);
	assert_non_null(
	    strstr((char *)b.p, "{\"id\":\"A1\",\"accepted\":\"1970-01-12T13:36:40Z\",\"size\":4300,"));
	assert_non_null(strstr((char *)b.p, "\"flags\":[\"8BITMIME\",\"SMTPUTF8\"],\"aside\":null,"));
	assert_non_null(strstr((char *)b.p, "\"address\":\"a\\u001b[2J@x.org\""));
	assert_non_null(strstr((char *)b.p, "\"words\":\"451 \\\"later\\\"\""));
	assert_non_null(strstr((char *)b.p, "\"tried\":null"));
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),  cmocka_unit_test(test_cursor), cmocka_unit_test(test_words),
		cmocka_unit_test(test_states), cmocka_unit_test(test_show),   cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
