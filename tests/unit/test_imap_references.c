/* test_imap_references.c - THREAD=REFERENCES (RFC 5256 3): who answers whom.
 * link: imapd mime common/base */
#include "tests/unit/unit.h"

#include <time.h>

#include "imapd/references.h"

/* UIDs are 1, 2... in the order of the rows; a reply's subject begins with "+". */
struct letter {
	int sent_s;
	const char *subject, *id, *references, *in_reply_to;
};

static const struct {
	const char *why;
	struct letter letters[8];
	const char *want;
} rows[] = {
	{ "nothing", { { 0 } }, "" },
	{ "strangers, by date", { { 3, "a", "<1@x>", "", "" }, { 1, "b", "<2@x>", "", "" }, { 2, "c", "", "", "" } }, "(2)(3)(1)" },
	{ "a reply", { { 1, "a", "<1@x>", "", "" }, { 2, "+a", "<2@x>", "<1@x>", "" } }, "(1 2)" },
	{ "by In-Reply-To", { { 1, "a", "<1@x>", "", "" }, { 2, "b", "<2@x>", "", "Anna <1@x> wrote" } }, "(1 2)" },
	{ "References come first", { { 1, "a", "<1@x>", "", "" }, { 2, "b", "<2@x>", "", "" }, { 3, "c", "<3@x>", "<2@x>", "<1@x>" } }, "(1)(2 3)" },
	{ "no valid id in References", { { 1, "a", "<1@x>", "", "" }, { 3, "c", "<3@x>", "x <y> @", "<1@x>" } }, "(1 2)" },
	{ "an id in quotes", { { 1, "a", "<\"1\"@x>", "", "" }, { 2, "b", "<2@x>", "< 1 @x>", "" } }, "(1 2)" },
	{ "case counts", { { 1, "a", "<A@x>", "", "" }, { 2, "b", "<2@x>", "<a@x>", "" } }, "(1)(2)" },
	{ "the answer lies first", { { 2, "b", "<2@x>", "<1@x>", "" }, { 1, "a", "<1@x>", "", "" } }, "(2 1)" },
	{ "answers of answers", { { 1, "a", "<1@x>", "", "" }, { 2, "b", "<2@x>", "<1@x>", "" }, { 3, "c", "<3@x>", "<1@x> <2@x>", "" }, { 4, "d", "<4@x>", "<1@x>", "" } },
	  "(1 (2 3)(4))" },
	{ "children by date", { { 1, "a", "<1@x>", "", "" }, { 5, "b", "<2@x>", "<1@x>", "" }, { 3, "c", "<3@x>", "<1@x>", "" } }, "(1 (3)(2))" },
	{ "one that is missing between", { { 1, "a", "<1@x>", "", "" }, { 3, "c", "<3@x>", "<1@x> <2@x>", "" } }, "(1 2)" },
	{ "two children of one that is missing", { { 5, "b", "<2@x>", "<1@x>", "" }, { 3, "c", "<3@x>", "<1@x>", "" } }, "((2)(1))" },
	{ "a single child of one that is missing", { { 5, "b", "<2@x>", "<0@x> <1@x>", "" } }, "(1)" },
	{ "missing under missing", { { 1, "b", "<2@x>", "<0@x> <8@x>", "" }, { 2, "c", "<3@x>", "<0@x> <9@x>", "" } }, "((1)(2))" },
	{ "the same id twice", { { 1, "a", "<1@x>", "", "" }, { 2, "b", "<1@x>", "", "" }, { 3, "c", "<3@x>", "<1@x>", "" } }, "(1 3)(2)" },
	{ "an answer to itself", { { 1, "a", "<1@x>", "<1@x>", "" } }, "(1)" },
	{ "answers to each other", { { 1, "a", "<1@x>", "<2@x>", "" }, { 2, "b", "<2@x>", "<1@x>", "" } }, "(2 1)" },
	{ "another's list makes no loop", { { 1, "a", "<1@x>", "<2@x>", "" }, { 2, "b", "<2@x>", "", "" }, { 3, "c", "<3@x>", "<1@x> <2@x>", "" } }, "(2 (1)(3))" },
	{ "another's list gives a parent to what came before", { { 1, "a", "<1@x>", "", "" }, { 2, "b", "<2@x>", "", "" }, { 3, "c", "<3@x>", "<1@x> <2@x>", "" } }, "(1 2 3)" },
	{ "but what comes behind has no parent", { { 3, "c", "<3@x>", "<1@x> <2@x>", "" }, { 1, "a", "<1@x>", "", "" }, { 2, "b", "<2@x>", "", "" } }, "(2)(3 1)" },
	/* (5) */
	{ "a reply without references", { { 1, "a", "<1@x>", "", "" }, { 2, "+a", "<2@x>", "", "" } }, "(1 2)" },
	{ "the reply is earlier", { { 2, "a", "<1@x>", "", "" }, { 1, "+a", "<2@x>", "", "" } }, "(1 2)" },
	{ "neither is a reply", { { 1, "a", "<1@x>", "", "" }, { 2, "a", "<2@x>", "", "" } }, "((1)(2))" },
	{ "both are replies", { { 1, "+a", "<1@x>", "", "" }, { 2, "+a", "<2@x>", "", "" } }, "((1)(2))" },
	{ "two and a reply", { { 1, "a", "<1@x>", "", "" }, { 2, "a", "<2@x>", "", "" }, { 3, "+a", "<3@x>", "", "" } }, "((1)(2)(3))" },
	{ "empty subjects stay alone", { { 1, "", "<1@x>", "", "" }, { 2, "", "<2@x>", "", "" } }, "(1)(2)" },
	{ "into one that is missing", { { 1, "a", "<1@x>", "<0@x>", "" }, { 2, "b", "<2@x>", "<0@x>", "" }, { 3, "a", "<3@x>", "", "" } }, "((1)(2)(3))" },
	{ "two that are missing", { { 1, "a", "<1@x>", "<0@x>", "" }, { 2, "b", "<2@x>", "<0@x>", "" }, { 3, "a", "<3@x>", "<9@x>", "" }, { 4, "c", "<4@x>", "<9@x>", "" } },
	  "((1)(2)(3)(4))" },
};

static struct span text(const char *s)
{
	return span_of(s != NULL ? s : "");
}

static void add(struct references *r, uint32_t uid, const struct letter *l)
{
	struct references_message m = { .uid = uid, .sent_s = l->sent_s, .subject = text(l->subject), .id = text(l->id),
					.references = text(l->references), .in_reply_to = text(l->in_reply_to) };

	if (m.subject.n > 0 && m.subject.p[0] == '+') {
		m.reply = true;
		span_take(&m.subject, 1);
	}
	assert_int_equal(references_add(r, &m), 0);
}

static void check_row(size_t i, size_t steps)
{
	struct references *r;
	struct thread_writer w;
	struct buf out;
	uint32_t uid;
	int code;

	unit_case(rows[i].why, steps);
	assert_int_equal(references_new(&r), 0);
	for (uint32_t k = 0; k < 8 && rows[i].letters[k].subject != NULL; k++)
		add(r, k + 1, &rows[i].letters[k]);
	while ((code = references_go(r, steps)) == 0)
		;
	assert_int_equal(code, 1);
	buf_init(&out, 1000);
	thread_writer_init(&w, references_forest(r));
	do {
		uid = thread_writer_uid(&w);
	} while (thread_write(&w, uid, &out));
	assert_int_equal(out.n, strlen(rows[i].want));
	if (out.n > 0)
		assert_memory_equal(out.p, rows[i].want, out.n);
	buf_clear(&out);
	references_free(r);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(i, 1);
		check_row(i, 1000);
	}
}

enum { MANY = 100000 };

/* Letter i of MANY: its id and whom it answers. */
static void many(struct references *r, uint32_t i, uint32_t parent, const char *subject)
{
	char id[40], ref[40];
	struct letter l = { (int)i, subject, id, ref, "" };

	snprintf(id, sizeof(id), "<%u@x>", i);
	snprintf(ref, sizeof(ref), "<%u@x>", parent);
	add(r, i + 1, &l);
}

/* A chain up and a chain down, a star, one subject for all: none takes the square of its size. */
static void test_time(void **state)
{
	(void)state;
	for (unsigned shape = 0; shape < 4; shape++) {
		struct references *r;
		struct thread_writer w;
		struct buf out;
		clock_t begin = clock();

		unit_case("shape", shape);
		assert_int_equal(references_new(&r), 0);
		for (uint32_t i = 0; i < MANY; i++)
			many(r, i, shape == 0 ? i - 1 : shape == 1 ? i + 1 : shape == 2 ? 0 : MANY + i, shape == 3 ? "a" : "");
		while (references_go(r, 1000) == 0)
			;
		buf_init(&out, 16 << 20);
		thread_writer_init(&w, references_forest(r));
		while (thread_write(&w, 1, &out))
			;
		assert_true(out.n >= 2 * MANY);
		assert_true(clock() - begin < 5 * CLOCKS_PER_SEC);
		buf_clear(&out);
		references_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_time) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
