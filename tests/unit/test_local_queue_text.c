/* test_local_queue_text.c - the queue's heap, records and envelope texts.
 * link: storage/local common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "storage/local/queue_heap.h"
#include "storage/local/queue_text.h"

/* --- the heap ------------------------------------------------------------------------------ */

static void check_heap(const struct heap *h)
{
	for (uint32_t i = 0; i < h->count; i++) {
		assert_int_equal(h->at[i]->at, i);
		assert_true(i == 0 || h->at[(i - 1) / 2]->key <= h->at[i]->key);
	}
}

/* Puts and removals in any order; what comes out is sorted. */
static void test_heap(void **state)
{
	enum { NODES = 500 };
	static struct heap_node node[NODES];
	struct heap h = { 0 };
	uint64_t last = 0;

	(void)state;
	srand(7);
	assert_null(heap_top(&h));
	for (int i = 0; i < NODES; i++)
		heap_node_init(&node[i], (uint64_t)rand() % 100);
	for (int i = 0; i < 20000; i++) {
		struct heap_node *one = &node[rand() % NODES];

		if (heap_has(one))
			heap_remove(&h, one);
		else
			assert_int_equal(heap_put(&h, one), 0);
		heap_remove(&h, &node[rand() % NODES]);
		if (i % 100 == 0)
			check_heap(&h);
	}
	for (int i = 0; i < NODES; i++)
		if (!heap_has(&node[i]))
			assert_int_equal(heap_put(&h, &node[i]), 0);
	assert_int_equal(h.count, NODES);
	for (struct heap_node *top; (top = heap_top(&h)) != NULL; heap_remove(&h, top)) {
		assert_true(top->key >= last);
		last = top->key;
	}
	assert_true(h.room < 16); /* it has given its memory back */
	heap_clear(&h);
}

/* --- domains and ids ------------------------------------------------------------------------- */

static void test_domains(void **state)
{
	static const struct {
		const char *why, *address, *domain; /* NULL: none */
	} rows[] = {
		{ "plain", "a@b.example", "b.example" },
		{ "lower case", "A@B.Example", "b.example" },
		{ "an at sign in quotes", "\"a@b\"@c.example", "c.example" },
		{ "a literal", "a@[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]" },
		{ "U-labels stay", "a@b\xc3\x9c.example", "b\xc3\x9c.example" },
		{ "no at sign", "postmaster", NULL },
		{ "no local part", "@b.example", NULL },
		{ "no domain", "a@", NULL },
		{ "empty", "", NULL },
		{ "a space", "a@b c", NULL },
		{ "a line end", "a@b\r\nRCPT", NULL },
	};
	char out[QUEUE_DOMAIN_MAX], long_one[QUEUE_DOMAIN_MAX + 8] = "a@";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool good;

		unit_case(rows[i].why, 0);
		good = queue_domain_of(span_of(rows[i].address), out);
		assert_int_equal(good, rows[i].domain != NULL);
		if (good)
			assert_string_equal(out, rows[i].domain);
	}
	memset(long_one + 2, 'x', QUEUE_DOMAIN_MAX - 1);
	assert_true(queue_domain_of(span_of(long_one), out));
	memset(long_one + 2, 'x', QUEUE_DOMAIN_MAX);
	assert_false(queue_domain_of(span_of(long_one), out));
	assert_true(queue_id_valid(span_of("01abZ")));
	assert_false(queue_id_valid(span_of("")));
	assert_false(queue_id_valid(span_of("a.b")));
	assert_false(queue_id_valid(span_of("0123456789012345678901234567890a")));
}

/* --- letters ----------------------------------------------------------------------------------- */

static const char whole[] = "yubin-queue 1\n"
			    "id x1\n"
			    "created 1790000000\n"
			    "size 812\n"
			    "flags 17\n"
			    "account me@here.example\n"
			    "envid 100%25\n"
			    "message-id <a%0Ab@here>\n"
			    "sender me@here.example\n"
			    "to 0 0 a@one.example\n"
			    "to 2 9 c@One.example\n"
			    "original list@here.example\n"
			    "orcpt rfc822;list@here.example\n"
			    "sender \n"
			    "to 1 0 b@two.example\n"
			    "end\n";

static struct arena *memory;

static bool parse(const char *text, size_t n, struct queue_letter *l)
{
	arena_reset(memory);
	return queue_text_parse((struct span){ (const uint8_t *)text, n }, memory, l);
}

static int setup(void **state)
{
	struct error err;

	(void)state;
	return arena_new(&memory, 64 * 1024 * 1024, ARENA_PLAIN, &err);
}

static int teardown(void **state)
{
	(void)state;
	arena_free(memory);
	return 0;
}

static void test_parse(void **state)
{
	struct queue_letter l;

	(void)state;
	assert_true(parse(whole, strlen(whole), &l));
	assert_string_equal(l.head.id, "x1");
	assert_int_equal(l.head.created_s, 1790000000);
	assert_int_equal(l.head.size, 812);
	assert_int_equal(l.head.envelope.flags, 17);
	assert_true(span_is(l.head.envelope.envid, "100%"));
	assert_true(span_is(l.head.envelope.message_id, "<a\nb@here>"));
	assert_int_equal(l.head.tries, 2);
	assert_true(span_is(l.tries[0].domain, "one.example"));
	assert_int_equal(l.tries[0].count, 2);
	assert_int_equal(l.tries[1].sender.n, 0);
	assert_int_equal(l.tries[1].due_s, 1790000000);
	assert_int_equal(l.to[1].r.number, 2);
	assert_int_equal(l.to[1].r.to.notify, 9);
	assert_true(span_is(l.to[1].r.to.original, "list@here.example"));
	assert_true(span_is(l.to[1].r.to.sender, "me@here.example"));
}

/* Cut anywhere, it is damage up to "end"; what a crash cut behind it only ends there. */
static void test_cut(void **state)
{
	static const char since[] = "done 0\nlater 0 3 1790000600\nhold 1\n";
	char text[2000];
	struct queue_letter l;

	(void)state;
	for (size_t n = 0; n < strlen(whole); n++) {
		unit_case("up to end", n);
		assert_false(parse(whole, n, &l));
	}
	snprintf(text, sizeof(text), "%s%s", whole, since);
	for (size_t n = 0; n <= strlen(since); n++) {
		unit_case("behind end", n);
		assert_true(parse(text, strlen(whole) + n, &l));
		assert_int_equal(l.tries[0].count, n >= 7 ? 1 : 2);
		assert_int_equal(l.tries[0].attempts, n >= 28 ? 3 : 0);
		assert_int_equal(l.tries[1].bits, n == strlen(since) ? QUEUE_BIT_HELD : 0);
	}
}

static void test_since(void **state)
{
	static const struct {
		const char *why, *lines;
		size_t left0, left1;
		unsigned bits;
		uint32_t attempts;
		int64_t due_s;
		const char *route;
	} rows[] = {
		{ "nothing", "", 2, 1, 0, 0, 1790000000, "" },
		{ "one is done", "done 2\n", 1, 1, 0, 0, 1790000000, "" },
		{ "twice is once", "done 2\ndone 2\n", 1, 1, 0, 0, 1790000000, "" },
		{ "all are done", "done 1\ndone 0\ndone 2\n", 0, 0, 0, 0, 1790000000, "" },
		{ "nobody's number", "done 7\n", 2, 1, 0, 0, 1790000000, "" },
		{ "the last time counts", "later 0 1 50\nlater 0 2 60\n", 2, 1, 0, 2, 60, "" },
		{ "due at once", "later 0 1 50\ndue 0 40\n", 2, 1, 0, 1, 40, "" },
		{ "held and released", "hold 0\nrelease 0\nnoticed 0\n", 2, 1, QUEUE_BIT_NOTICED, 0,
		  1790000000, "" },
		{ "bounced, held", "bounce 0\nhold 0\n", 2, 1, QUEUE_BIT_BOUNCE | QUEUE_BIT_HELD, 0,
		  1790000000, "" },
		{ "a route", "route 0 r.example:25\n", 2, 1, 0, 0, 1790000000, "r.example:25" },
		{ "a route that is taken back", "route 0 r.example:25\nroute 0 \n", 2, 1, 0, 0, 1790000000,
		  "" },
		{ "an unknown word ends it", "later 0 1 50\nsing 0\nhold 0\n", 2, 1, 0, 1, 50, "" },
		{ "a try that is not there ends it", "hold 2\nhold 0\n", 2, 1, 0, 0, 1790000000, "" },
		{ "no number", "hold x\n", 2, 1, 0, 0, 1790000000, "" },
	};
	struct queue_letter l;
	char text[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		snprintf(text, sizeof(text), "%s%s", whole, rows[i].lines);
		assert_true(parse(text, strlen(text), &l));
		assert_int_equal(l.tries[0].count, rows[i].left0);
		assert_int_equal(l.tries[1].count, rows[i].left1);
		assert_int_equal(l.tries[0].bits, rows[i].bits);
		assert_int_equal(l.tries[0].attempts, rows[i].attempts);
		assert_int_equal(l.tries[0].due_s, rows[i].due_s);
		assert_true(span_is(l.tries[0].route, rows[i].route));
	}
}

/* One line of the text, changed. */
static void test_damage(void **state)
{
	static const struct {
		const char *why, *from, *to;
	} rows[] = {
		{ "another version", "yubin-queue 1", "yubin-queue 2" },
		{ "no id", "id x1\n", "" },
		{ "two ids", "id x1\n", "id x1\nid x1\n" },
		{ "an id that is a path", "id x1", "id ../x1" },
		{ "no time", "created 1790000000\n", "" },
		{ "a size that is none", "size 812", "size -1" },
		{ "flags that are unknown", "flags 17", "flags 256" },
		{ "an unknown word", "flags 17", "flags 17\ncolour blue" },
		{ "no sender", "sender me@here.example\n", "" },
		{ "a number twice", "to 2 9", "to 0 9" },
		{ "a number too large", "to 2 9", "to 1000 9" },
		{ "no notify", "to 2 9 c@One.example", "to 2 c@One.example" },
		{ "a notify that is unknown", "to 2 9", "to 2 16" },
		{ "a domain of another try", "c@One.example", "c@two.example" },
		{ "an address without a domain", "b@two.example", "nobody" },
		{ "a line end in an address", "b@two.example", "b%0D%0A@two.example" },
		{ "a line end in a sender", "sender me@", "sender me%0A@" },
		{ "half an escape", "envid 100%25", "envid 100%2" },
		{ "an escape that is none", "envid 100%25", "envid 100%GG" },
		{ "a control character", "envid 100%25", "envid 100\r" },
		{ "an original of nobody", "sender \n", "sender \norcpt rfc822;x\n" },
	};
	struct queue_letter l;
	char text[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = strstr(whole, rows[i].from);

		unit_case(rows[i].why, 0);
		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, rows[i].to,
			 at + strlen(rows[i].from));
		assert_false(parse(text, strlen(text), &l));
	}
}

/* What was parsed is written, and parsed again, the same. */
static void test_round(void **state)
{
	static const char since[] = "later 0 3 1790000600\nnoticed 0\nhold 0\nroute 1 r.example:25\n";
	struct queue_letter l, again;
	char text[2000];
	struct buf out;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", whole, since);
	assert_true(parse(text, strlen(text), &l));
	buf_init(&out, 10000);
	queue_text_write(&out, &l);
	unit_is(out.p, out.n, text);
	assert_true(queue_text_parse(buf_span(&out), memory, &again));
	assert_int_equal(again.tries[0].bits, l.tries[0].bits);
	buf_clear(&out);
}

/* --- records ----------------------------------------------------------------------------------- */

static void test_group(void **state)
{
	enum { MANY = STORE_RECIPIENTS };
	static char address[MANY][32];
	struct queue_letter l = { .count = MANY };
	size_t n = 0;

	(void)state;
	l.to = arena_array(memory, MANY, sizeof(*l.to));
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(address[i], sizeof(address[i]), "u%u@d%u.example", i, i % 7);
		l.to[i].r.number = i;
		l.to[i].r.to.address = span_of(address[i]);
		l.to[i].r.to.sender = span_of(i % 14 < 7 ? "s@x" : "");
	}
	assert_int_equal(queue_letter_group(&l, memory), 0);
	assert_int_equal(l.head.tries, 14);
	for (uint32_t i = 0; i < l.head.tries; i++) {
		const struct queue_try *t = &l.tries[i];

		assert_int_equal(t->number, i);
		assert_int_equal(t->first, n);
		for (size_t j = t->first; j < t->first + t->count; j++) {
			uint32_t number = l.to[j].r.number;
			char domain[QUEUE_DOMAIN_MAX];

			assert_true(queue_domain_of(l.to[j].r.to.address, domain));
			assert_true(span_is(t->domain, domain));
			assert_true(span_equal(t->sender, l.to[j].r.to.sender));
			unit_is(l.to[j].r.to.address.p, l.to[j].r.to.address.n, address[number]);
		}
		n += t->count;
	}
	assert_int_equal(n, MANY);
}

static void test_records(void **state)
{
	struct queue_record r;
	struct queue_letter l;
	struct queue_to to;
	struct buf out;

	(void)state;
	assert_true(parse(whole, strlen(whole), &l));
	l.tries[0].bits = QUEUE_BIT_NOTICED;
	l.tries[0].attempts = 5;
	l.tries[0].tried_s = 1790000001;
	l.tries[0].route = span_of("r.example:25");
	l.to[1].words = span_of("450 later");
	buf_init(&out, 10000);
	queue_record_encode(&out, &l.head, &l.tries[0], l.to + l.tries[0].first);
	assert_true(queue_record_decode(buf_span(&out), &r));
	assert_int_equal(r.head.tries, 2);
	assert_int_equal(r.try.count, 2);
	assert_int_equal(r.try.attempts, 5);
	assert_int_equal(r.try.bits, QUEUE_BIT_NOTICED);
	assert_true(span_is(r.try.route, "r.example:25"));
	queue_record_next(&r, &to);
	queue_record_next(&r, &to);
	assert_int_equal(to.r.number, 2);
	assert_true(span_is(to.words, "450 later"));
	assert_true(span_is(to.r.to.sender, "me@here.example"));
	for (size_t n = 0; n < out.n; n++) {
		unit_case("a record that is cut", n);
		assert_false(queue_record_decode((struct span){ out.p, n }, &r));
	}
	buf_put_byte(&out, 0);
	assert_false(queue_record_decode(buf_span(&out), &r));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_domains),
		cmocka_unit_test_setup_teardown(test_parse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_group, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "local_queue_text");
}
