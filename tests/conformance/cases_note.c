/* cases_note.c - notes, as storage/queue.h has them. */
#include "tests/conformance/queued.h"

#include <time.h>

static int64_t now_s(void)
{
	return time(NULL);
}

struct note_wait {
	bool done, more;
	enum store_status status;
	size_t count;
	char bytes[100], names[400];
};

static void note_got(void *arg, enum store_status status, struct span bytes)
{
	struct note_wait *w = arg;

	w->done = true;
	w->status = status;
	snprintf(w->bytes, sizeof(w->bytes), "%.*s", (int)bytes.n, (const char *)bytes.p);
}

static void note_is(struct conf *c, const char *name, const char *bytes)
{
	struct note_wait w = { .done = false };

	queue_note_get(c->s, span_of(name), note_got, &w);
	assert_false(w.done);
	conf_wait(c, &w.done);
	assert_int_equal(w.status, bytes != NULL ? STORE_OK : STORE_NOT_FOUND);
	assert_string_equal(w.bytes, bytes != NULL ? bytes : "");
}

static void note_put(struct conf *c, const char *name, const char *bytes, int64_t expires_s)
{
	struct conf_done done = { 0 };

	queue_note_put(c->s, span_of(name), span_of(bytes), expires_s, conf_done, &done);
	conf_wait(c, &done.done);
	assert_int_equal(done.status, STORE_OK);
}

static void notes_got(void *arg, enum store_status status, const struct queue_note *notes, size_t count,
		      bool more)
{
	struct note_wait *w = arg;
	size_t n = strlen(w->names);

	w->done = true;
	w->status = status;
	w->count = count;
	w->more = more;
	for (size_t i = 0; i < count && n < sizeof(w->names) - 40; i++)
		n += (size_t)snprintf(w->names + n, sizeof(w->names) - n, "%.*s=%.*s ", (int)notes[i].name.n,
				      (const char *)notes[i].name.p, (int)notes[i].bytes.n,
				      (const char *)notes[i].bytes.p);
}

static void test_notes(void **state)
{
	struct conf *c = conf_of(state);
	struct note_wait w = { .done = false };

	queued_needed(c);
	note_is(c, "sts/a.example", NULL);
	note_put(c, "sts/a.example", "one", now_s() + 60);
	note_put(c, "sts/b.example", "two", now_s() + 60);
	note_put(c, "sts/c.example", "old", now_s() - 60);
	note_put(c, "tls/a.example", "three", now_s() + 60);
	note_is(c, "sts/a.example", "one");
	note_is(c, "sts/c.example", NULL);
	note_put(c, "sts/a.example", "four", now_s() + 60);
	note_is(c, "sts/a.example", "four");
	queue_notes(c->s, span_of("sts/"), span_of(""), notes_got, &w);
	conf_wait(c, &w.done);
	assert_int_equal(w.status, STORE_OK);
	assert_false(w.more);
	assert_string_equal(w.names, "sts/a.example=four sts/b.example=two ");
	w = (struct note_wait){ .done = false };
	queue_notes(c->s, span_of("sts/"), span_of("sts/a.example"), notes_got, &w);
	conf_wait(c, &w.done);
	assert_string_equal(w.names, "sts/b.example=two ");
	note_put(c, "sts/a.example", "", 0);
	note_is(c, "sts/a.example", NULL);
	note_is(c, "tls/a.example", "three");
}

/* Page by page, each once, in order. */
static void test_note_pages(void **state)
{
	enum { NOTES = 300 };
	struct conf *c = conf_of(state);
	struct note_wait w = { .more = true };
	char name[40] = "", last[40] = "";
	size_t n = 0;

	queued_needed(c);
	for (int i = 0; i < NOTES; i++) {
		snprintf(name, sizeof(name), "n/%03d", i);
		note_put(c, name, "x", now_s() + 60);
	}
	while (w.more) {
		w = (struct note_wait){ .done = false };
		queue_notes(c->s, span_of("n/"), span_of(last), notes_got, &w);
		conf_wait(c, &w.done);
		assert_int_equal(w.status, STORE_OK);
		assert_true(w.count > 0 || !w.more);
		n += w.count;
		snprintf(last, sizeof(last), "n/%03zu", n - 1);
	}
	assert_int_equal(n, NOTES);
}

static void test_note_limits(void **state)
{
	static char large[QUEUE_NOTE_MAX + 1];
	struct conf *c = conf_of(state);
	struct conf_done done = { 0 };

	queued_needed(c);
	memset(large, 'x', sizeof(large));
	queue_note_put(c->s, span_of("n"), (struct span){ (uint8_t *)large, sizeof(large) }, now_s() + 60,
		       conf_done, &done);
	conf_wait(c, &done.done);
	assert_int_not_equal(done.status, STORE_OK);
	done.done = false;
	queue_note_put(c->s, span_of("n"), (struct span){ (uint8_t *)large, QUEUE_NOTE_MAX }, now_s() + 60,
		       conf_done, &done);
	conf_wait(c, &done.done);
	assert_int_equal(done.status, STORE_OK);
	queue_note_put(c->s, span_of("n"), span_of("y"), now_s() + 60, NULL, NULL);
	note_is(c, "n", "y");
}

struct conf_group conf_note_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_notes),
		CONF_CASE(test_note_pages),
		CONF_CASE(test_note_limits),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
