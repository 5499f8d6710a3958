/* test_queue_order.c - questions about the queue and their answers, page by page.
 * link: storage/storaged storage/local common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "storage/local/queue_order.h"
#include "storage/storaged/queue_answer.h"

/* --- a queue that is not there ---------------------------------------------------- */

enum { ENTRIES = 500, LONG = 137 /* the entry with many recipients */ };
static enum store_status status;
static struct {
	struct queue_filter filter;
	enum queue_action action;
	char route[64], id[64];
	unsigned calls;
} asked;
static char long_words[500];

static struct queue_shown_recipient recipients[STORE_RECIPIENTS];

static void show_one(unsigned i, queue_show show, void *arg)
{
	char id[STORE_ID_MAX];
	struct queue_shown e = { .envelope = { .id = id, .flags = 64 }, .created_s = 1000 + i, .size = 812 };

	snprintf(id, sizeof(id), "A%05u", i);
	e.recipients = recipients;
	e.count = i == LONG ? STORE_RECIPIENTS : 1;
	show(arg, &e);
}

enum store_status queue_admin_list(struct store *s, const struct queue_filter *f, struct queue_cursor *at,
				   size_t max, queue_show show, void *arg)
{
	unsigned i = at->id[0] != '\0' ? (unsigned)strtoul(at->id + 1, NULL, 10) + 1 : 0, looked = 0;

	assert_null(s);
	asked.calls++;
	asked.filter = *f;
	for (size_t shown = 0; i < ENTRIES && shown < max && looked < QUEUE_ADMIN_LOOK; i++, looked++) {
		snprintf(at->id, sizeof(at->id), "A%05u", i);
		if (f->older_s != 0 && i % 100 != 0)
			continue;
		show_one(i, show, arg);
		shown++;
	}
	at->end = i == ENTRIES;
	return status;
}

enum store_status queue_admin_act(struct store *s, const struct queue_filter *f, enum queue_action action,
				  struct span route, struct queue_cursor *at, struct queue_acted *done)
{
	assert_null(s);
	asked.action = action;
	snprintf(asked.route, sizeof(asked.route), "%.*s", (int)route.n, (const char *)route.p);
	snprintf(asked.id, sizeof(asked.id), "%.*s", (int)f->id.n, (const char *)f->id.p);
	done->entries = 3;
	done->recipients = 5;
	at->end = at->id[0] != '\0';
	memcpy(at->id, "A9", 3);
	return status;
}

/* --- fields ------------------------------------------------------------------------- */

static struct arena *memory;
static struct buf out;

static int setup(void **state)
{
	struct error err;

	(void)state;
	status = STORE_OK;
	memset(&asked, 0, sizeof(asked));
	memset(long_words, 'w', sizeof(long_words));
	for (size_t i = 0; i < STORE_RECIPIENTS; i++)
		recipients[i] =
		    (struct queue_shown_recipient){ .to = { .address = span_of("a@x.org") },
						    .number = (uint32_t)i,
						    .state = QUEUE_WAITING,
						    .words = { (uint8_t *)long_words, sizeof(long_words) } };
	buf_init(&out, 64 * 1024);
	return arena_new(&memory, 1 << 20, ARENA_PLAIN, &err);
}

static int teardown(void **state)
{
	(void)state;
	buf_clear(&out);
	arena_free(memory);
	return 0;
}

static const struct {
	const char *why, *value, *want;
	bool good;
} values[] = {
	{ "plain", "a@b c", "a@b c", true },        { "a tab", "a%09b", "a\tb", true },
	{ "percent", "100%25", "100%", true },      { "cut behind the sign", "a%", "", false },
	{ "cut behind a digit", "a%0", "", false }, { "no digits", "a%zz", "", false },
	{ "small letters", "a%0a", "", false },     { "nothing", "", "", false },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct span got = queue_field_decode(span_of(values[i].value), memory);

		unit_case(values[i].why, 0);
		assert_true(span_is(got, values[i].want));
		if (!values[i].good)
			continue;
		buf_reset(&out);
		queue_field_text(&out, "n", got);
		buf_put_byte(&out, '\0');
		assert_string_equal((char *)out.p + 3, values[i].value);
	}
}

/* --- questions ------------------------------------------------------------------------ */

static void test_questions_come_back(void **state)
{
	struct queue_order o = { .what = QUEUE_ACT_ROUTE,
				 .filter = { .id = span_of("A1"),
					     .sender = span_of("<>"),
					     .recipient = span_of("\"a\tb\"@x.org"),
					     .domain = span_of("x.org"),
					     .account = span_of("mika@example.org"),
					     .states = QUEUE_HELD | QUEUE_ASIDE,
					     .older_s = 7200 },
				 .route = span_of("[::1]:25"),
				 .after = "A00",
				 .from = 7 },
			   got;
	struct buf again;

	(void)state;
	buf_init(&again, 4096);
	queue_order_write(&out, &o);
	for (size_t cut = 0; cut < out.n; cut++) /* no cut is a danger; few make sense */
		queue_order_read(&got, (struct span){ out.p, cut }, memory);
	assert_true(queue_order_read(&got, buf_span(&out), memory));
	assert_int_equal(got.what, QUEUE_ACT_ROUTE);
	assert_true(span_is(got.filter.recipient, "\"a\tb\"@x.org"));
	assert_true(span_is(got.route, "[::1]:25"));
	assert_string_equal(got.after, "A00");
	queue_order_write(&again, &got);
	assert_true(span_equal(buf_span(&out), buf_span(&again)));
	buf_clear(&again);
}

static const char *const nonsense[] = {
	"",
	"queue",
	"queue ",
	"queue dance",
	"quiet list",
	"queue list\tcolour=red",
	"queue list\tafter=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"queue list\tafter=../A",
	"queue list\tfrom=99999",
	"queue list\tstates=16",
	"queue list\tid=%",
	"queue list\tid=",
};

static void test_nonsense(void **state)
{
	struct queue_order o;

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		unit_case(nonsense[i], i);
		buf_reset(&out);
		assert_false(queue_order_read(&o, span_of(nonsense[i]), memory));
		queue_answer(NULL, nonsense[i], &out);
		assert_true(span_starts(buf_span(&out), "error\twords="));
	}
}

/* --- answers -------------------------------------------------------------------------- */

static void test_lines_come_back(void **state)
{
	const struct queue_shown e = { .envelope = { .id = "A7",
						     .account = span_of("m@x"),
						     .envid = span_of("q"),
						     .message_id = span_of("<1@x>"),
						     .flags = 5 },
				       .created_s = 1700000000,
				       .size = 5000000000,
				       .aside = "no envelope" };
	struct queue_shown_recipient r = recipients[0], gr;
	struct queue_shown ge;
	struct span line;

	(void)state;
	queue_order_put_entry(&out, &e);
	line = buf_span(&out);
	span_take_until(&line, '\t');
	line.n--;
	assert_true(queue_order_get_entry(line, &ge, memory));
	assert_string_equal(ge.envelope.id, "A7");
	assert_string_equal(ge.aside, "no envelope");
	assert_true(ge.created_s == 1700000000 && ge.size == 5000000000 && ge.envelope.flags == 5);
	assert_true(span_is(ge.envelope.message_id, "<1@x>") && span_is(ge.envelope.account, "m@x"));
	r.bounce = true;
	r.next_s = 1700000300;
	r.domain_words = span_of("no host\nanswers");
	r.domain_until_s = 5;
	r.attempts = UINT32_MAX;
	buf_reset(&out);
	queue_order_put_recipient(&out, &r);
	line = buf_span(&out);
	assert_int_equal(span_find(line, '\n'), line.n - 1);
	span_take_until(&line, '\t');
	line.n--;
	assert_true(queue_order_get_recipient(line, &gr, memory));
	assert_true(gr.bounce && !gr.noticed && gr.next_s == r.next_s && gr.attempts == UINT32_MAX);
	assert_true(span_equal(gr.domain_words, r.domain_words) && gr.state == QUEUE_WAITING);
	assert_true(span_is(gr.to.address, "a@x.org"));
}

/* What a page says of the next one; false: there is none. */
static bool next_page(struct queue_order *o)
{
	struct span text = buf_span(&out), line = text, name, value;

	while (text.n > 0)
		line = span_take_until(&text, '\n');
	o->after[0] = '\0';
	o->from = 0;
	if (span_is(line, "end"))
		return false;
	assert_true(span_is(span_take_until(&line, '\t'), "next"));
	while (queue_field_next(&line, &name, &value))
		if (span_is(name, "after"))
			snprintf(o->after, sizeof(o->after), "%.*s", (int)value.n, (const char *)value.p);
		else
			o->from = (uint32_t)queue_field_value(value);
	return true;
}

/* All entries and all recipients come, each once and in order, however the pages are cut. */
static void test_pages(void **state)
{
	struct queue_order o = { .what = QUEUE_ORDER_LIST };
	unsigned entries = 0, pages = 0, people = 0;
	char last[STORE_ID_MAX] = "";
	bool more = true;

	(void)state;
	while (more) {
		struct buf question;
		struct span text, line;

		buf_init(&question, 4096);
		queue_order_write(&question, &o);
		buf_put_byte(&question, '\0');
		buf_reset(&out);
		queue_answer(NULL, (const char *)question.p, &out);
		buf_clear(&question);
		assert_false(out.failed);
		text = buf_span(&out);
		while (text.n > 0) {
			struct queue_shown_recipient r;
			struct queue_shown e;

			line = span_take_until(&text, '\n');
			if (span_starts(line, "recipient\t")) {
				span_take_until(&line, '\t');
				assert_true(queue_order_get_recipient(line, &r, memory));
				people++;
			} else if (span_starts(line, "entry\t")) {
				span_take_until(&line, '\t');
				assert_true(queue_order_get_entry(line, &e, memory));
				assert_true(strcmp(last, e.envelope.id) <= 0);
				entries += strcmp(last, e.envelope.id) != 0;
				memcpy(last, e.envelope.id, strlen(e.envelope.id) + 1);
			}
		}
		arena_reset(memory);
		more = next_page(&o);
		assert_true(++pages < 1000);
	}
	assert_int_equal(entries, ENTRIES);
	assert_int_equal(people, ENTRIES - 1 + STORE_RECIPIENTS);
	assert_true(pages > 5);
}

/* A page may be empty and not the last. */
static void test_an_empty_page(void **state)
{
	struct queue_order o = { .what = QUEUE_ORDER_LIST };

	(void)state;
	queue_answer(NULL, "queue list\tafter=A00100\tolder=5", &out);
	assert_true(next_page(&o));
	assert_int_equal(asked.filter.older_s, 5);
	assert_string_equal(o.after, "A00356");
}

static void test_changes(void **state)
{
	(void)state;
	queue_answer(NULL, "queue route\tid=A1\troute=relay:25", &out);
	assert_true(span_is(buf_span(&out), "done\tentries=3\trecipients=5\nnext\tafter=A9\n"));
	assert_int_equal(asked.action, QUEUE_ACT_ROUTE);
	assert_string_equal(asked.route, "relay:25");
	assert_string_equal(asked.id, "A1");
	buf_reset(&out);
	queue_answer(NULL, "queue delete\tafter=A9", &out);
	assert_true(span_is(buf_span(&out), "done\tentries=3\trecipients=5\nend\n"));
	status = STORE_TRY_LATER;
	buf_reset(&out);
	queue_answer(NULL, "queue delete", &out);
	assert_true(span_starts(buf_span(&out), "error\twords="));
	buf_reset(&out);
	queue_answer(NULL, "queue list", &out);
	assert_true(span_starts(buf_span(&out), "error\twords="));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_values),   CASE(test_questions_come_back),
		CASE(test_nonsense), CASE(test_lines_come_back),
		CASE(test_pages),    CASE(test_an_empty_page),
		CASE(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
