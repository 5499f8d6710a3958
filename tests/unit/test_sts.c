/* test_sts.c - MTA-STS: which policy is in force, and what it takes to know (RFC 8461 3.3, 5.1).
 * link: tests/unit/fake_web.o tests/fake deliverd storage common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "deliverd/sts.h"
#include "tests/fake/fake_queue.h"
#include "tests/unit/fake_web.h"

#define URL "https://mta-sts.a.example/.well-known/mta-sts.txt"
#define POLICY(mode, mx, age) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: " age "\n"

enum { DAY = 86400 };

struct world {
	uv_loop_t loop;
	struct store *store;
	struct sts *sts;
	size_t answers;
	struct sts_policy *policy;	/* of the last answer, held */
	char id[STS_ID];
	enum sts_trouble trouble;
	char words[200];
};

static void begin(struct world *w)
{
	*w = (struct world){ .answers = 0 };
	fake_web_reset();
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(fake_store_new(&w->store, NULL, NULL), 0);
	assert_int_equal(sts_new(&w->sts, &w->loop, w->store, fake_web_dns(), fake_web_https(), DAY, NULL), 0);
}

static void end(struct world *w)
{
	sts_free(w->sts);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	sts_policy_drop(w->policy);
	fake_store_free(w->store);
	fake_web_reset();
}

static void run(struct world *w)
{
	do {
		fake_store_run(w->store);
		uv_run(&w->loop, UV_RUN_NOWAIT);
	} while (fake_web_run() > 0);
	fake_store_run(w->store);
	uv_run(&w->loop, UV_RUN_NOWAIT);
}

static void on_answer(void *arg, const struct sts_answer *a)
{
	struct world *w = arg;

	w->answers++;
	sts_policy_drop(w->policy);
	w->policy = sts_policy_hold(a->policy);
	snprintf(w->id, sizeof(w->id), "%s", a->id);
	w->trouble = a->trouble;
	snprintf(w->words, sizeof(w->words), "%s", a->words);
}

static void ask(struct world *w)
{
	size_t before = w->answers;

	assert_int_not_equal(sts_ask(w->sts, "a.example", on_answer, w), 0);
	assert_int_equal(w->answers, before);	/* never from within the call */
	run(w);
	assert_int_equal(w->answers, before + 1);
}

static void record(const char *text)
{
	const char *const texts[] = { text, NULL };

	if (text != NULL)
		fake_web_txt("_mta-sts.a.example", DNS_OK, 300, texts);
	else
		fake_web_txt("_mta-sts.a.example", DNS_NO_NAME, 300, NULL);
}

static void page(int status, const char *type, const char *body)
{
	fake_web_page(URL, &(struct https_answer){ .status = status, .type = type, .body = span_of(body), .words = "it is away" });
}

static void later(int64_t s)
{
	fake_web_set_now(fake_web_now() + s);
}

/* mode -1: none is in force. */
static void check(struct world *w, int mode, const char *id, const char *mx)
{
	unit_case(id, (size_t)fake_web_now());
	ask(w);
	assert_int_equal(w->policy != NULL ? (int)w->policy->mode : -1, mode);
	assert_string_equal(w->id, id);
	if (mx != NULL)
		assert_true(sts_policy_lists(w->policy, mx));
}

/* A domain like most: one question, and no more while its answer stands. */
static void test_none(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record(NULL);
	check(&w, -1, "", NULL);
	assert_int_equal(w.trouble, STS_FINE);
	check(&w, -1, "", NULL);
	assert_int_equal(fake_web_asked(), 1);
	assert_int_equal(fake_web_fetched(), 0);
	later(301);
	record("v=STSv1; id=1;");
	page(200, "text/plain; charset=utf-8", POLICY("enforce", "mx.a.example", "604800"));
	check(&w, STS_ENFORCE, "1", "mx.a.example");
	end(&w);
}

static void test_life(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("v=STSv1; id=1;");
	page(200, "text/plain", POLICY("enforce", "mx.a.example", "604800"));
	check(&w, STS_ENFORCE, "1", "mx.a.example");
	check(&w, STS_ENFORCE, "1", NULL);
	assert_int_equal(fake_web_asked(), 1);
	assert_int_equal(fake_web_fetched(), 1);
	/* Without a new id the page is not looked at. */
	later(400);
	page(200, "text/plain", POLICY("testing", "mx2.a.example", "604800"));
	check(&w, STS_ENFORCE, "1", NULL);
	assert_int_equal(fake_web_fetched(), 1);
	later(400);
	record("v=STSv1; id=2;");
	check(&w, STS_TESTING, "2", "mx2.a.example");
	/* A restart: the note has it. */
	sts_free(w.sts);
	assert_int_equal(sts_new(&w.sts, &w.loop, w.store, fake_web_dns(), fake_web_https(), DAY, NULL), 0);
	check(&w, STS_TESTING, "2", "mx2.a.example");
	assert_int_equal(fake_web_fetched(), 2);
	/* It grows old: it serves while it is fetched again, and lives on. */
	later(DAY);
	page(200, "text/plain", POLICY("testing", "mx3.a.example", "604800"));
	ask(&w);
	assert_int_equal(fake_web_fetched(), 3);
	check(&w, STS_TESTING, "2", "mx3.a.example");
	assert_int_equal(fake_web_fetched(), 3);
	/* The owner gives it up. */
	later(400);
	record("v=STSv1; id=3;");
	page(200, "text/plain", "version: STSv1\nmode: none\nmax_age: 60\n");
	check(&w, STS_NONE, "3", NULL);
	end(&w);
}

/* What is in force stays so, whatever becomes of its record and its host; until its time is over. */
static void test_attack(void **state)
{
	static const struct {
		const char *why;
		enum dns_status dns;
		const char *text;
		int status;
		const char *type, *body;
		enum sts_trouble trouble;
	} rows[] = {
		{ "no record", DNS_NO_NAME, NULL, 0, "", "", STS_FINE },
		{ "no answer", DNS_FAILED, NULL, 0, "", "", STS_FINE },
		{ "a forged answer", DNS_BOGUS, NULL, 0, "", "", STS_FINE },
		{ "a broken record", DNS_OK, "v=STSv1; id=;", 0, "", "", STS_FINE },
		{ "the host is away", DNS_OK, "v=STSv1; id=9", 0, "", "", STS_FETCH_ERROR },
		{ "no such page", DNS_OK, "v=STSv1; id=9", 404, "text/plain", "", STS_FETCH_ERROR },
		{ "elsewhere", DNS_OK, "v=STSv1; id=9", 302, "text/plain", POLICY("none", "x", "1"), STS_FETCH_ERROR },
		{ "a page for people", DNS_OK, "v=STSv1; id=9", 200, "text/html", POLICY("none", "x", "1"), STS_POLICY_INVALID },
		{ "no policy", DNS_OK, "v=STSv1; id=9", 200, "text/plain", "hello\n", STS_POLICY_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const texts[] = { rows[i].text, NULL };
		struct world w;

		unit_case(rows[i].why, i);
		begin(&w);
		record("v=STSv1; id=1;");
		page(200, "text/plain", POLICY("enforce", "mx.a.example", "86000"));
		check(&w, STS_ENFORCE, "1", "mx.a.example");
		later(400);
		fake_web_txt("_mta-sts.a.example", rows[i].dns, 300, texts);
		page(rows[i].status, rows[i].type, rows[i].body);
		check(&w, STS_ENFORCE, "1", "mx.a.example");
		unit_case(rows[i].why, i);
		assert_int_equal(w.trouble, rows[i].trouble);
		assert_int_equal(w.words[0] != '\0', rows[i].trouble != STS_FINE);
		assert_int_equal(sts_cause(w.trouble) != NULL, rows[i].trouble != STS_FINE);
		/* The host is not asked again at once. */
		size_t fetched = fake_web_fetched();
		later(200);
		check(&w, STS_ENFORCE, "1", NULL);
		assert_int_equal(fake_web_fetched(), fetched);
		later(86000);
		check(&w, -1, "", NULL);
		end(&w);
	}
}

static void test_certificate(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("v=STSv1; id=1;");
	fake_web_page(URL, &(struct https_answer){ .type = "", .words = "unable to get local issuer", .certificate = true });
	check(&w, -1, "", NULL);
	assert_int_equal(w.trouble, STS_WEBPKI_INVALID);
	assert_string_equal(w.words, "unable to get local issuer");
	assert_string_equal(sts_cause(w.trouble), "sts-https-cert-bad");
	/* In five minutes it is tried again. */
	page(200, "text/plain", POLICY("enforce", "mx.a.example", "86000"));
	later(299);
	check(&w, -1, "", NULL);
	assert_int_equal(fake_web_fetched(), 1);
	later(2);
	check(&w, STS_ENFORCE, "1", NULL);
	assert_int_equal(w.trouble, STS_FINE);
	end(&w);
}

/* Mail was deferred because of it: it is looked at again before the record's time is over, once. */
static void test_doubt(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("v=STSv1; id=1;");
	page(200, "text/plain", POLICY("enforce", "old.a.example", "86000"));
	check(&w, STS_ENFORCE, "1", "old.a.example");
	record("v=STSv1; id=2;");
	page(200, "text/plain", POLICY("enforce", "new.a.example", "86000"));
	check(&w, STS_ENFORCE, "1", "old.a.example");
	sts_doubt(w.sts, "a.example");
	sts_doubt(w.sts, "nobody.example");
	check(&w, STS_ENFORCE, "2", "new.a.example");
	assert_int_equal(fake_web_asked(), 2);
	sts_doubt(w.sts, "a.example");
	check(&w, STS_ENFORCE, "2", NULL);
	assert_int_equal(fake_web_asked(), 2);
	end(&w);
}

/* All who ask while it is looked up get the one answer; who goes gets none. */
static void test_together(void **state)
{
	struct world w;
	uint64_t number;

	(void)state;
	begin(&w);
	record("v=STSv1; id=1;");
	page(200, "text/plain", POLICY("enforce", "mx.a.example", "86000"));
	for (int i = 0; i < 5; i++)
		number = sts_ask(w.sts, "a.example", on_answer, &w);
	sts_cancel(w.sts, number);
	run(&w);
	assert_int_equal(w.answers, 4);
	assert_int_equal(fake_web_asked(), 1);
	assert_int_equal(fake_web_fetched(), 1);
	assert_int_equal(sts_ask(w.sts, "", on_answer, &w), 0);
	/* Open at every stage when all ends. */
	sts_ask(w.sts, "b.example", on_answer, &w);
	fake_store_run(w.store);
	sts_ask(w.sts, "c.example", on_answer, &w);
	sts_ask(w.sts, "a.example", on_answer, &w);
	end(&w);
	assert_int_equal(w.answers, 4);
}

static void test_notes(void **state)
{
	static const struct {
		const char *why, *note;
		int mode;
	} rows[] = {
		{ "as we write it", "7 1600000000 1800000000\n" POLICY("enforce", "mx.a.example", "604800"), STS_ENFORCE },
		{ "over", "7 1600000000 1650000000\n" POLICY("enforce", "mx.a.example", "604800"), -1 },
		{ "no times", "7\n" POLICY("enforce", "mx.a.example", "604800"), -1 },
		{ "no id", " 1600000000 1800000000\n" POLICY("enforce", "mx.a.example", "604800"), -1 },
		{ "cut off", "7 1600000000 1800000000\nversion: STSv1\nmode: enf", -1 },
		{ "nothing", "\n", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		begin(&w);
		record(NULL);
		queue_note_put(w.store, span_of("sts/a.example"), span_of(rows[i].note), 1900000000, NULL, NULL);
		run(&w);
		unit_case(rows[i].why, i);
		check(&w, rows[i].mode, rows[i].mode < 0 ? "" : "7", NULL);
		end(&w);
	}
}

/* More domains than memory has room for: those unused longest go, and come back from their notes. */
static void test_many(void **state)
{
	char name[32];
	struct world w;

	(void)state;
	begin(&w);
	record("v=STSv1; id=1;");
	page(200, "text/plain", POLICY("enforce", "mx.a.example", "86000"));
	check(&w, STS_ENFORCE, "1", NULL);
	for (int i = 0; i < STS_DOMAINS + 5; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		assert_int_not_equal(sts_ask(w.sts, name, on_answer, &w), 0);
		run(&w);
	}
	size_t fetched = fake_web_fetched(), gets = fake_store_calls(w.store, FAKE_NOTE_GET);
	check(&w, STS_ENFORCE, "1", NULL);
	assert_int_equal(fake_web_fetched(), fetched);
	assert_int_equal(fake_store_calls(w.store, FAKE_NOTE_GET), gets + 1);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	 cmocka_unit_test(test_life),	cmocka_unit_test(test_attack),
		cmocka_unit_test(test_certificate), cmocka_unit_test(test_doubt), cmocka_unit_test(test_together),
		cmocka_unit_test(test_notes),	 cmocka_unit_test(test_many),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "sts");
}
