/* cases_mailbox.c - the first login, names, CREATE, DELETE, RENAME, subscriptions. */
#include "tests/conformance/suite.h"

#include <stdlib.h>

/* All names, subscribed ones with a *, absent ones with a !, as "A B* C!". */
static const char *names(struct conf *c, struct store_account *a)
{
	static char text[8192];
	struct store_mailbox list[64];
	size_t count, n = 0;

	assert_int_equal(conf_list(c, a, list, 64, &count), STORE_OK);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s%s%s", i > 0 ? " " : "",
				      (int)list[i].name.n, (const char *)list[i].name.p,
				      list[i].subscribed ? "*" : "", list[i].id == 0 ? "!" : "");
	return text;
}

#define FIRST "Archive* Drafts* INBOX* Junk* Sent* Trash*"

static enum store_status by_name(struct conf *c, struct store_account *a, enum store_change change,
				 const char *name)
{
	const struct store_mutation m = { .change = change, .name = span_of(name) };

	return conf_change(c, a, &m);
}

static enum store_status rename_to(struct conf *c, struct store_account *a, const char *from, const char *to)
{
	const struct store_mutation m = { .change = STORE_RENAME,
					  .mailbox = conf_mailbox(c, a, from),
					  .name = span_of(to) };

	return conf_change(c, a, &m);
}

static enum store_status delete_it(struct conf *c, struct store_account *a, const char *name)
{
	const struct store_mutation m = { .change = STORE_DELETE, .mailbox = conf_mailbox(c, a, name) };

	return conf_change(c, a, &m);
}

static void test_first_login(void **state)
{
	static const struct {
		const char *name;
		enum store_role role;
	} want[] = {
		{ "Archive", STORE_ROLE_ARCHIVE }, { "Drafts", STORE_ROLE_DRAFTS },
		{ "INBOX", STORE_ROLE_INBOX },     { "Junk", STORE_ROLE_JUNK },
		{ "Sent", STORE_ROLE_SENT },       { "Trash", STORE_ROLE_TRASH },
	};
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "mitsuko@post.example"), *again;
	struct store_mailbox list[16];
	size_t count;

	assert_int_equal(conf_list(c, a, list, 16, &count), STORE_OK);
	assert_int_equal(count, 6);
	for (size_t i = 0; i < 6; i++) {
		unit_case(want[i].name, i);
		unit_is(list[i].name.p, list[i].name.n, want[i].name);
		assert_int_equal(list[i].role, want[i].role);
		assert_true(list[i].subscribed);
		assert_int_not_equal(list[i].id, 0);
		assert_int_not_equal(list[i].uidvalidity, 0);
		assert_int_equal(list[i].uidnext, 1);
		assert_int_equal(list[i].exists, 0);
		assert_true(list[i].modseq > 0);
	}
	again = conf_login(c, "mitsuko@post.example");
	assert_string_equal(names(c, again), FIRST);
	store_logout(again);
	store_logout(a);
	store_logout(NULL);
}

static void test_accounts_are_apart(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example"), *b = conf_login(c, "a@y.example");

	assert_int_equal(conf_create(c, a, "Mine"), STORE_OK);
	assert_string_equal(names(c, b), FIRST);
	conf_append(c, a, conf_mailbox(c, a, "INBOX"), "Subject: a\r\n\r\n", 0);
	assert_int_equal(conf_all(c, b, conf_mailbox(c, b, "INBOX"))->record_count, 0);
	store_logout(a);
	store_logout(b);
}

static void test_create(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	const struct store_mutation m = { .change = STORE_CREATE,
					  .name = span_of("Kopien/2026"),
					  .role = STORE_ROLE_ARCHIVE };
	struct conf_result *r = conf_commit(c, a, &m, 1, NULL);
	uint64_t id = r->r[0].mailbox;
	struct store_mailbox found;

	assert_int_equal(r->status, STORE_OK);
	assert_int_equal(conf_find(c, a, "Kopien/2026", &found), STORE_OK);
	assert_int_equal(found.id, id);
	assert_int_equal(found.role, STORE_ROLE_ARCHIVE);
	assert_int_equal(found.uidvalidity, r->r[0].uidvalidity);
	assert_false(found.subscribed);
	assert_int_equal(conf_create(c, a, "Kopien/2026"), STORE_EXISTS);
	assert_int_equal(conf_create(c, a, "INBOX"), STORE_EXISTS);
	assert_int_equal(conf_create(c, a, "inbox"), STORE_EXISTS);
	assert_int_equal(conf_create(c, a, "\xe6\x97\xa5\xe6\x9c\xac"), STORE_OK);
	assert_int_equal(conf_find(c, a, "Nowhere", &found), STORE_NOT_FOUND);
	assert_int_equal(conf_find(c, a, "iNbOx", &found), STORE_OK);
	unit_is(found.name.p, found.name.n, "INBOX");
	store_logout(a);
}

static enum store_role role_of(struct conf *c, struct store_account *a, const char *name)
{
	struct store_mailbox found;

	assert_int_equal(conf_find(c, a, name, &found), STORE_OK);
	return found.role;
}

/* A role has one mailbox: an empty one gives it away, one with messages does not. */
static void test_roles(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	struct store_mutation m[] = {
		{ .change = STORE_CREATE, .name = span_of("Gesendet"), .role = STORE_ROLE_SENT },
		{ .change = STORE_CREATE, .name = span_of("INBOX") },
	};
	struct store_mailbox found;

	assert_int_equal(conf_commit(c, a, m, 2, NULL)->status, STORE_EXISTS);
	assert_int_equal(role_of(c, a, "Sent"), STORE_ROLE_SENT);
	assert_int_equal(conf_commit(c, a, m, 1, NULL)->status, STORE_OK);
	assert_int_equal(role_of(c, a, "Sent"), STORE_ROLE_NONE);
	assert_int_equal(role_of(c, a, "Gesendet"), STORE_ROLE_SENT);
	conf_append(c, a, conf_mailbox(c, a, "Gesendet"), "Subject: a\r\n\r\n", 0);
	m[0].name = span_of("Enviados");
	assert_int_equal(conf_commit(c, a, m, 1, NULL)->status, STORE_IN_USE);
	assert_int_equal(conf_find(c, a, "Enviados", &found), STORE_NOT_FOUND);
	assert_int_equal(role_of(c, a, "Gesendet"), STORE_ROLE_SENT);
	m[0] = (struct store_mutation){ .change = STORE_DELETE, .mailbox = conf_mailbox(c, a, "Gesendet") };
	assert_int_equal(conf_commit(c, a, m, 1, NULL)->status, STORE_OK);
	m[0] = (struct store_mutation){ .change = STORE_CREATE, .name = span_of("Enviados"), .role = STORE_ROLE_SENT };
	assert_int_equal(conf_commit(c, a, m, 1, NULL)->status, STORE_OK);
	assert_int_equal(role_of(c, a, "Enviados"), STORE_ROLE_SENT);
	m[0] = (struct store_mutation){ .change = STORE_CREATE, .name = span_of("In"), .role = STORE_ROLE_INBOX };
	assert_int_equal(conf_commit(c, a, m, 1, NULL)->status, STORE_INVALID);
	store_logout(a);
}

static enum store_status append_to(struct conf *c, struct store_account *a, uint64_t mailbox, const char *text)
{
	const struct store_mutation m = { .change = STORE_APPEND, .mailbox = mailbox, .internal_s = 1700000000,
					  .stage = conf_stage(c, text, strlen(text)) };

	return conf_commit(c, a, &m, 1, NULL)->status;
}

static enum store_status copy_to(struct conf *c, struct store_account *a, uint64_t from, uint32_t last, const char *to)
{
	const struct store_range all = { 1, last };
	const struct store_mutation m = { .change = STORE_COPY, .mailbox = from, .target = conf_mailbox(c, a, to),
					  .uids = { &all, 1 } };

	return conf_commit(c, a, &m, 1, NULL)->status;
}

/* Copies of one message of 3 MiB: 256 of them fit, 512 do not. */
static void test_quota(void **state)
{
	enum { SIZE = 3 << 20 };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	char *text = malloc(SIZE + 1);
	struct store_quota q;

	assert_non_null(text);
	memset(text, 'x', SIZE);
	memcpy(text, "a:\r\n\r\n", 6);
	text[SIZE] = '\0';
	conf_append(c, a, inbox, text, 0);
	for (uint32_t n = 1; n < 256; n *= 2)
		assert_int_equal(copy_to(c, a, inbox, n, "INBOX"), STORE_OK);
	conf_quota(c, a, &q);
	assert_int_equal(q.bytes, (uint64_t)256 * SIZE);
	assert_int_equal(q.bytes_limit, CONFORMANCE_QUOTA);
	assert_int_equal(q.messages, 256);
	assert_int_equal(q.messages_limit, 0);
	assert_int_equal(q.mailboxes, 6);
	assert_int_equal(copy_to(c, a, inbox, 256, "Archive"), STORE_OVER_QUOTA);
	assert_int_equal(conf_all(c, a, conf_mailbox(c, a, "Archive"))->record_count, 0);
	assert_int_equal(copy_to(c, a, inbox, 85, "Archive"), STORE_OK);	/* 341 of 341.3 */
	assert_int_equal(conf_all(c, a, conf_mailbox(c, a, "Archive"))->record_count, 85);
	assert_int_equal(copy_to(c, a, inbox, 1, "Archive"), STORE_OVER_QUOTA);
	assert_int_equal(append_to(c, a, inbox, text), STORE_OVER_QUOTA);
	conf_append(c, a, inbox, "a: small\r\n\r\n", 0);
	conf_quota(c, a, &q);
	assert_int_equal(q.messages, 342);
	free(text);
	store_logout(a);
}

static void test_names(void **state)
{
	char longest[256], longer[257], deep[1001], deeper[1002];
	const struct {
		const char *why, *name;
		enum store_status want;
	} cases[] = {
		{ "empty", "", STORE_INVALID },
		{ "a level without a name", "a//b", STORE_INVALID },
		{ "ends in a separator", "a/", STORE_INVALID },
		{ "begins with one", "/a", STORE_INVALID },
		{ "a dot level", "a/./b", STORE_INVALID },
		{ "two dots", "../a", STORE_INVALID },
		{ "two dots alone", "..", STORE_INVALID },
		{ "a control character", "a\001b", STORE_INVALID },
		{ "a line end", "a\r\nb", STORE_INVALID },
		{ "DEL", "a\x7f", STORE_INVALID },
		{ "a C1 control", "a\xc2\x85", STORE_INVALID },
		{ "no UTF-8", "a\xff", STORE_INVALID },
		{ "three dots are a name", "...", STORE_OK },
		{ "blanks, percent and quotes", "100% \"mine\" \\ *", STORE_OK },
		{ "a level of 255 bytes", longest, STORE_OK },
		{ "one of 256", longer, STORE_INVALID },
		{ "1000 bytes in all", deep, STORE_OK },
		{ "1001", deeper, STORE_INVALID },
	};
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	struct store_mailbox found;

	memset(longest, 'x', sizeof(longest));
	longest[255] = '\0';
	memset(longer, 'y', sizeof(longer));
	longer[256] = '\0';
	for (size_t i = 0; i < sizeof(deeper); i++)
		deeper[i] = i % 200 == 199 ? '/' : 'z';
	deeper[1000] = 'z';
	deeper[1001] = '\0';
	deeper[999] = 'z';
	memcpy(deep, deeper, 1000);
	deep[1000] = '\0';
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case(cases[i].why, i);
		assert_int_equal(conf_create(c, a, cases[i].name), cases[i].want);
		if (cases[i].want == STORE_OK)
			assert_int_equal(conf_find(c, a, cases[i].name, &found), STORE_OK);
	}
	store_logout(a);
}

static void test_delete(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t old;
	struct store_mailbox found;
	uint32_t uidvalidity;

	assert_int_equal(conf_create(c, a, "Top"), STORE_OK);
	assert_int_equal(conf_create(c, a, "Top/Child"), STORE_OK);
	old = conf_mailbox(c, a, "Top");
	conf_append(c, a, old, "Subject: gone\r\n\r\n", 0);
	conf_find(c, a, "Top", &found);
	uidvalidity = found.uidvalidity;
	assert_int_equal(delete_it(c, a, "Top"), STORE_OK);
	assert_string_equal(names(c, a), "Archive* Drafts* INBOX* Junk* Sent* Top/Child Trash*");
	assert_int_equal(conf_all(c, a, old)->status, STORE_NOT_FOUND);
	assert_int_equal(conf_body_status(c, a, old, 1), STORE_NOT_FOUND);
	assert_int_equal(delete_it(c, a, "INBOX"), STORE_INVALID);
	assert_int_equal(conf_create(c, a, "Top"), STORE_OK);
	conf_find(c, a, "Top", &found);
	assert_int_not_equal(found.id, old);
	assert_true(found.uidvalidity > uidvalidity);
	assert_int_equal(found.exists, 0);
	const struct store_mutation again = { .change = STORE_DELETE, .mailbox = old };

	assert_int_equal(conf_change(c, a, &again), STORE_NOT_FOUND);
	store_logout(a);
}

static void test_rename(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t top, child;
	struct store_mailbox before, after;

	conf_create(c, a, "a");
	conf_create(c, a, "a/b");
	conf_create(c, a, "a/b/c");
	conf_create(c, a, "ab");
	top = conf_mailbox(c, a, "a");
	child = conf_mailbox(c, a, "a/b/c");
	conf_append(c, a, child, "Subject: c\r\n\r\n", STORE_SEEN);
	conf_find(c, a, "a/b/c", &before);
	assert_int_equal(rename_to(c, a, "a", "x/y"), STORE_OK);
	assert_string_equal(names(c, a), FIRST " ab x/y x/y/b x/y/b/c");
	assert_int_equal(conf_mailbox(c, a, "x/y"), top);
	conf_find(c, a, "x/y/b/c", &after);
	assert_int_equal(after.id, child);
	assert_int_equal(after.uidvalidity, before.uidvalidity);
	assert_int_equal(after.exists, 1);
	assert_string_equal(conf_body(c, a, child, 1), "Subject: c\r\n\r\n");
	assert_int_equal(rename_to(c, a, "x/y", "ab"), STORE_EXISTS);
	assert_int_equal(rename_to(c, a, "x/y", "INBOX"), STORE_EXISTS);
	assert_int_equal(rename_to(c, a, "x/y", "x/y/z"), STORE_INVALID);
	assert_int_equal(rename_to(c, a, "x/y", "../etc"), STORE_INVALID);
	conf_create(c, a, "ab/b");
	delete_it(c, a, "ab");
	/* A child's new name is taken: nothing of it happens. */
	assert_int_equal(rename_to(c, a, "x/y", "ab"), STORE_EXISTS);
	assert_string_equal(names(c, a), FIRST " ab/b x/y x/y/b x/y/b/c");
	conf_reopen(c);
	a = conf_login(c, "a@x.example");
	assert_string_equal(names(c, a), FIRST " ab/b x/y x/y/b x/y/b/c");
	store_logout(a);
}

/* RFC 9051 6.3.6: INBOX stays, empty; its children stay where they are. */
static void test_rename_inbox(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), moved;
	struct conf_sync *s;

	conf_create(c, a, "INBOX/sub");
	conf_append(c, a, inbox, "one", STORE_SEEN);
	conf_append(c, a, inbox, "two", STORE_FLAGGED);
	conf_flags(c, a, inbox, 2, 2, STORE_FLAGS_ADD, 0, "$Forwarded");
	assert_int_equal(rename_to(c, a, "INBOX", "Old"), STORE_OK);
	assert_string_equal(names(c, a), "Archive* Drafts* INBOX* INBOX/sub Junk* Old Sent* Trash*");
	assert_int_equal(conf_mailbox(c, a, "INBOX"), inbox);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->record_count, 0);
	assert_int_equal(s->mailbox.uidnext, 3);
	moved = conf_mailbox(c, a, "Old");
	s = conf_all(c, a, moved);
	assert_string_equal(conf_uids(s), "1:2");
	assert_int_equal(s->records[1].flags, STORE_FLAGGED);
	assert_int_equal(s->records[1].keywords, 1);
	assert_string_equal(s->keywords[0], "$Forwarded");
	assert_string_equal(conf_body(c, a, moved, 2), "two");
	assert_int_equal(rename_to(c, a, "INBOX", "Old"), STORE_EXISTS);
	assert_int_equal(rename_to(c, a, "INBOX", "Empty"), STORE_OK);
	store_logout(a);
}

static void test_subscribe(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");

	assert_int_equal(by_name(c, a, STORE_SUBSCRIBE, "Later"), STORE_OK);
	assert_int_equal(by_name(c, a, STORE_SUBSCRIBE, "Later"), STORE_OK);
	assert_string_equal(names(c, a), "Archive* Drafts* INBOX* Junk* Later*! Sent* Trash*");
	assert_int_equal(conf_create(c, a, "Later"), STORE_OK);
	assert_string_equal(names(c, a), "Archive* Drafts* INBOX* Junk* Later* Sent* Trash*");
	/* RFC 9051 6.3.7: a name stays subscribed when its mailbox goes */
	assert_int_equal(delete_it(c, a, "Later"), STORE_OK);
	assert_string_equal(names(c, a), "Archive* Drafts* INBOX* Junk* Later*! Sent* Trash*");
	assert_int_equal(by_name(c, a, STORE_UNSUBSCRIBE, "Later"), STORE_OK);
	assert_int_equal(by_name(c, a, STORE_UNSUBSCRIBE, "Later"), STORE_OK);
	assert_int_equal(by_name(c, a, STORE_UNSUBSCRIBE, "Trash"), STORE_OK);
	assert_int_equal(by_name(c, a, STORE_SUBSCRIBE, "../x"), STORE_INVALID);
	assert_string_equal(names(c, a), "Archive* Drafts* INBOX* Junk* Sent* Trash");
	by_name(c, a, STORE_SUBSCRIBE, "Z");
	conf_reopen(c);
	a = conf_login(c, "a@x.example");
	assert_string_equal(names(c, a), "Archive* Drafts* INBOX* Junk* Sent* Trash Z*!");
	store_logout(a);
}

/* Lists come in pages; each name once, in order. */
static void test_many(void **state)
{
	enum { MANY = 600 };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	struct store_mailbox *list = calloc(MANY + 16, sizeof(*list));
	char name[16];
	size_t count;

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%03d", i);
		assert_int_equal(conf_create(c, a, name), STORE_OK);
	}
	assert_int_equal(conf_list(c, a, list, MANY + 16, &count), STORE_OK);
	assert_int_equal(count, MANY + 6);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%03d", i);
		unit_is(list[6 + i].name.p, list[6 + i].name.n, name);
	}
	free(list);
	store_logout(a);
}

/* Several changes, one of which can't be: none happens. */
static void test_all_or_nothing(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	const struct store_mutation m[] = {
		{ .change = STORE_CREATE, .name = span_of("New") },
		{ .change = STORE_SUBSCRIBE, .name = span_of("Absent") },
		{ .change = STORE_RENAME,
		  .mailbox = conf_mailbox(c, a, "Sent"),
		  .name = span_of("Gesendet") },
		{ .change = STORE_DELETE, .mailbox = conf_mailbox(c, a, "Junk") },
		{ .change = STORE_RENAME, .mailbox = conf_mailbox(c, a, "Trash"), .name = span_of("Drafts") },
	};

	assert_int_equal(conf_commit(c, a, m, 5, NULL)->status, STORE_EXISTS);
	assert_string_equal(names(c, a), FIRST);
	assert_int_equal(conf_commit(c, a, m, 4, NULL)->status, STORE_OK);
	assert_string_equal(names(c, a),
			    "Absent*! Archive* Drafts* Gesendet* INBOX* Junk*! New Sent*! Trash*");
	assert_int_equal(conf_commit(c, a, m, 0, NULL)->status, STORE_INVALID);
	store_logout(a);
}

struct conf_group conf_mailbox_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_first_login),  CONF_CASE(test_accounts_are_apart),
		CONF_CASE(test_create),       CONF_CASE(test_roles),    CONF_CASE(test_quota),    CONF_CASE(test_names),
		CONF_CASE(test_delete),       CONF_CASE(test_rename),
		CONF_CASE(test_rename_inbox), CONF_CASE(test_subscribe),
		CONF_CASE(test_many),         CONF_CASE(test_all_or_nothing),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
