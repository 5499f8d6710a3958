/* cases_annotation.c - annotations of mailboxes and of the account (RFC 5464). */
#include "tests/conformance/suite.h"

#include <stdlib.h>

struct notes_wait {
	struct conf_done d;
	char text[STORE_ANNOTATION_BYTES + 64 * STORE_ANNOTATIONS];
};

static void on_notes(void *arg, enum store_status status, const struct store_annotation *all, size_t count)
{
	struct notes_wait *w = arg;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(w->text + n, sizeof(w->text) - n, "%.*s=%.*s ", (int)all[i].entry.n,
				      (const char *)all[i].entry.p, (int)all[i].value.n, (const char *)all[i].value.p);
	conf_done(&w->d, status, "");
}

/* "entry=value " of each, or the status as "!3". */
const char *conf_notes(struct conf *c, struct store_account *a, uint64_t mailbox)
{
	static struct notes_wait w;

	w.d = (struct conf_done){ 0 };
	w.text[0] = '\0';
	store_annotations(a, mailbox, on_notes, &w);
	assert_false(w.d.done);
	conf_wait(c, &w.d.done);
	if (w.d.status != STORE_OK)
		snprintf(w.text, sizeof(w.text), "!%d", w.d.status);
	return w.text;
}

/* value NULL: it goes. */
enum store_status conf_annotate(struct conf *c, struct store_account *a, uint64_t mailbox, const char *entry, const char *value)
{
	const struct store_mutation m = { .change = STORE_ANNOTATE,
					  .mailbox = mailbox,
					  .name = span_of(entry),
					  .meta = span_of(value),
					  .no_value = value == NULL };

	return conf_change(c, a, &m);
}

static void test_annotations(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example"), *b = conf_login(c, "b@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), sent = conf_mailbox(c, a, "Sent");

	assert_string_equal(conf_notes(c, a, inbox), "");
	assert_int_equal(conf_annotate(c, a, inbox, "/shared/comment", "a mailbox\r\n100% ours"), STORE_OK);
	assert_int_equal(conf_annotate(c, a, inbox, "/private/comment", "mine"), STORE_OK);
	assert_int_equal(conf_annotate(c, a, 0, "/private/vendor/x", ""), STORE_OK);
	assert_int_equal(conf_annotate(c, a, sent, "/private/comment", "gone soon"), STORE_OK);
	assert_int_equal(conf_annotate(c, a, sent, "/private/comment", NULL), STORE_OK);
	assert_int_equal(conf_annotate(c, a, sent, "/private/never", NULL), STORE_OK);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(conf_notes(c, a, inbox), "/private/comment=mine /shared/comment=a mailbox\r\n100% ours ");
		assert_string_equal(conf_notes(c, a, 0), "/private/vendor/x= ");
		assert_string_equal(conf_notes(c, a, sent), "");
		assert_string_equal(conf_notes(c, b, 0), "");
		store_logout(a);
		store_logout(b);
		conf_reopen(c);
		a = conf_login(c, "a@x.example");
		b = conf_login(c, "b@x.example");
	}
	assert_int_equal(conf_annotate(c, a, inbox, "/private/comment", "other"), STORE_OK);
	assert_string_equal(conf_notes(c, a, inbox), "/private/comment=other /shared/comment=a mailbox\r\n100% ours ");
	store_logout(a);
	store_logout(b);
}

/* They belong to the mailbox, not to its name. */
static void test_with_the_mailbox(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t work;
	struct store_mutation m = { .change = STORE_RENAME, .name = span_of("play") };
	char gone[8];

	assert_int_equal(conf_create(c, a, "work"), STORE_OK);
	work = m.mailbox = conf_mailbox(c, a, "work");
	assert_int_equal(conf_annotate(c, a, work, "/private/comment", "x"), STORE_OK);
	assert_int_equal(conf_change(c, a, &m), STORE_OK);
	assert_string_equal(conf_notes(c, a, conf_mailbox(c, a, "play")), "/private/comment=x ");
	m.change = STORE_DELETE;
	assert_int_equal(conf_change(c, a, &m), STORE_OK);
	snprintf(gone, sizeof(gone), "!%d", STORE_NOT_FOUND);
	assert_string_equal(conf_notes(c, a, work), gone);
	assert_int_equal(conf_annotate(c, a, work, "/private/comment", "x"), STORE_NOT_FOUND);
	assert_int_equal(conf_create(c, a, "play"), STORE_OK);
	assert_string_equal(conf_notes(c, a, conf_mailbox(c, a, "play")), "");
	store_logout(a);
}

/* RFC 5464 4.1: INBOX keeps them when it is renamed, and so has the mailbox that takes its messages. */
static void test_inbox_renamed(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), old;
	struct store_mutation m = { .change = STORE_RENAME, .mailbox = inbox, .name = span_of("old") };
	struct store_mailbox moved;

	conf_append(c, a, inbox, "x", 0);
	assert_int_equal(conf_annotate(c, a, inbox, "/private/a", "1"), STORE_OK);
	assert_int_equal(conf_annotate(c, a, inbox, "/shared/b", ""), STORE_OK);
	assert_int_equal(conf_annotate(c, a, conf_mailbox(c, a, "Sent"), "/private/c", "3"), STORE_OK);
	assert_int_equal(conf_change(c, a, &m), STORE_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(conf_find(c, a, "old", &moved), STORE_OK);
		assert_true(moved.notes != 0 && moved.exists == 1);
		assert_string_equal(conf_notes(c, a, conf_mailbox(c, a, "INBOX")), "/private/a=1 /shared/b= ");
		assert_string_equal(conf_notes(c, a, moved.id), "/private/a=1 /shared/b= ");
		store_logout(a);
		conf_reopen(c);
		a = conf_login(c, "a@x.example");
	}
	old = conf_mailbox(c, a, "old");
	assert_int_equal(conf_annotate(c, a, old, "/private/a", NULL), STORE_OK);
	assert_string_equal(conf_notes(c, a, conf_mailbox(c, a, "INBOX")), "/private/a=1 /shared/b= ");
	store_logout(a);
}

static const struct {
	const char *why, *entry;
	enum store_status status;
} entries[] = {
	{ "a name", "/private/a", STORE_OK },
	{ "levels", "/shared/vendor/a-b/c.d", STORE_OK },
	{ "no scope", "/a", STORE_INVALID },
	{ "another scope", "/public/a", STORE_INVALID },
	{ "nothing behind the scope", "/private/", STORE_INVALID },
	{ "the scope alone", "/private", STORE_INVALID },
	{ "a slash at the end", "/private/a/", STORE_INVALID },
	{ "an empty level", "/private//a", STORE_INVALID },
	{ "a wildcard", "/private/a*", STORE_INVALID },
	{ "the other", "/private/%", STORE_INVALID },
	{ "capitals", "/private/A", STORE_INVALID },
	{ "a space", "/private/a b", STORE_INVALID },
	{ "beyond ASCII", "/private/\xc3\xa4", STORE_INVALID },
	{ "nothing", "", STORE_INVALID },
};

static void test_entries(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		unit_case(entries[i].why, i);
		assert_int_equal(conf_annotate(c, a, 0, entries[i].entry, "x"), entries[i].status);
	}
	store_logout(a);
}

static void test_limits(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	char entry[32], *large = calloc(1, STORE_VALUE_MAX + 2);

	memset(large, 'v', STORE_VALUE_MAX + 1);
	assert_int_equal(conf_annotate(c, a, inbox, "/private/large", large), STORE_INVALID);
	large[STORE_VALUE_MAX] = '\0';
	assert_int_equal(conf_annotate(c, a, inbox, "/private/l1", large), STORE_OK);
	assert_int_equal(conf_annotate(c, a, inbox, "/private/l2", large), STORE_OK);
	assert_int_equal(conf_annotate(c, a, inbox, "/private/l3", large), STORE_OK);
	assert_int_equal(conf_annotate(c, a, inbox, "/private/l4", large), STORE_LIMIT);	/* all together */
	assert_int_equal(conf_annotate(c, a, inbox, "/private/l3", large), STORE_OK);	/* in place of itself */
	for (int i = 0; i < STORE_ANNOTATIONS; i++) {
		snprintf(entry, sizeof(entry), "/shared/n%d", i);
		assert_int_equal(conf_annotate(c, a, 0, entry, "x"), STORE_OK);
	}
	assert_int_equal(conf_annotate(c, a, 0, "/shared/more", "x"), STORE_LIMIT);
	assert_int_equal(conf_annotate(c, a, 0, "/shared/n7", "y"), STORE_OK);
	assert_int_equal(conf_annotate(c, a, 0, "/shared/n8", NULL), STORE_OK);
	assert_int_equal(conf_annotate(c, a, 0, "/shared/more", "x"), STORE_OK);
	free(large);
	store_logout(a);
}

/* All of a commit, or nothing. */
static void test_together(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	struct store_mutation m[2] = {
		{ .change = STORE_ANNOTATE, .mailbox = inbox, .name = span_of("/private/a"), .meta = span_of("1") },
		{ .change = STORE_ANNOTATE, .mailbox = inbox, .name = span_of("/nowhere"), .meta = span_of("2") },
	};

	assert_int_equal(conf_commit(c, a, m, 2, NULL)->status, STORE_INVALID);
	assert_string_equal(conf_notes(c, a, inbox), "");
	m[1].name = span_of("/private/b");
	assert_int_equal(conf_commit(c, a, m, 2, NULL)->status, STORE_OK);
	assert_string_equal(conf_notes(c, a, inbox), "/private/a=1 /private/b=2 ");
	store_logout(a);
}

/* --- the number that says that they changed ------------------------------------- */

struct number_wait {
	struct conf_done d;
	uint64_t notes;
};

static void on_list(void *arg, enum store_status status, const struct store_list *list)
{
	struct number_wait *w = arg;

	w->notes = status == STORE_OK ? list->notes : 0;
	conf_done(&w->d, status, "");
}

static uint64_t number_of(struct conf *c, struct store_account *a, const char *mailbox)
{
	struct number_wait w = { .notes = 0 };
	struct store_mailbox m;

	if (mailbox == NULL) {
		store_list(a, 0, on_list, &w);
		conf_wait(c, &w.d.done);
		assert_int_equal(w.d.status, STORE_OK);
		return w.notes;
	}
	assert_int_equal(conf_find(c, a, mailbox, &m), STORE_OK);
	assert_true(conf_all(c, a, m.id)->mailbox.notes == m.notes);
	return m.notes;
}

struct seen {
	uint64_t numbers[64];
	size_t n;
};

/* Another one than ever before. */
static void is_new(struct seen *s, uint64_t number)
{
	assert_true(number != 0);
	for (size_t i = 0; i < s->n; i++)
		assert_true(s->numbers[i] != number);
	s->numbers[s->n++] = number;
}

/* mailbox NULL: of the account. */
static void check_number(struct conf *c, const char *mailbox)
{
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t id = mailbox != NULL ? conf_mailbox(c, a, mailbox) : 0, number;
	struct seen seen = { .n = 0 };

	assert_true(number_of(c, a, mailbox) == 0);
	for (int i = 0; i < 3; i++) {
		conf_annotate(c, a, id, "/private/a", "1");
		is_new(&seen, number_of(c, a, mailbox));
		conf_annotate(c, a, id, "/private/a", "2");
		is_new(&seen, number_of(c, a, mailbox));
		conf_annotate(c, a, id, "/private/a", NULL);
		number = number_of(c, a, mailbox);
		is_new(&seen, number);
		conf_annotate(c, a, id, "/private/a", "3");
		is_new(&seen, number_of(c, a, mailbox));
		assert_true(number_of(c, a, "Sent") == 0);
		store_logout(a);
		conf_reopen(c);
		a = conf_login(c, "a@x.example");
		number = number_of(c, a, mailbox);
		assert_true(number != 0 && number_of(c, a, mailbox) == number);
	}
	store_logout(a);
}

static void test_number(void **state)
{
	struct conf *c = conf_of(state);

	check_number(c, "INBOX");
	check_number(c, NULL);
}

struct hints {
	struct conf_done d;
	uint64_t mailbox;
};

static void on_changed(void *arg, uint64_t mailbox)
{
	struct hints *h = arg;

	h->mailbox = mailbox;
	h->d.done = true;
}

static void test_hint(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example"), *b = conf_login(c, "a@x.example");
	uint64_t sent = conf_mailbox(c, a, "Sent");
	struct hints h = { .mailbox = 99 };

	conf_all(c, b, sent);
	store_watch(b, on_changed, &h);
	conf_annotate(c, a, sent, "/private/a", "1");
	conf_wait(c, &h.d.done);
	assert_true(h.mailbox == sent);
	conf_all(c, b, sent);
	h.d.done = false;
	conf_annotate(c, a, 0, "/private/a", "1");
	conf_wait(c, &h.d.done);
	assert_true(h.mailbox == 0);
	store_logout(a);
	store_logout(b);
}

struct conf_group conf_annotation_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_annotations), CONF_CASE(test_with_the_mailbox), CONF_CASE(test_entries),
		CONF_CASE(test_limits),	     CONF_CASE(test_together),	       CONF_CASE(test_number),
		CONF_CASE(test_hint),	     CONF_CASE(test_inbox_renamed),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
