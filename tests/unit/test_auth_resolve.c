/* test_auth_resolve.c - which accounts an address leads to, and who may send as it.
 * link: tests/unit/auth_folder.o auth/authd auth sasl common/base */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdlib.h>

#include "auth/authd/resolve.h"
#include "tests/unit/auth_folder.h"

enum { DAY = 20779 };

struct world {
	struct auth_folder folder;
	struct accounts *accounts;
	struct resolve_rules rules;
	struct resolve_mail mail;
	char lost[1000];
};

static void on_lost(void *arg, const char *alias, const char *target)
{
	struct world *w = arg;
	size_t used = strlen(w->lost);

	snprintf(w->lost + used, sizeof(w->lost) - used, "%s>%s ", alias, target);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct auth_folder *f = &w->folder;

	auth_folder_make(f);
	auth_folder_domain(f, "example.org");
	auth_folder_domain(f, "example.net");
	auth_folder_domain(f, "catch.example");
	auth_folder_account(f, "alice@example.org", NULL);
	auth_folder_account(f, "bob@example.org", NULL);
	auth_folder_account(f, "carol@example.net", NULL);
	auth_folder_account(f, "a+b@example.org", NULL);
	auth_folder_account(f, "postmaster@example.net", NULL);
	auth_folder_alias(f, "team@example.org",
			  "Alice@example.org bob@example.org carol@example.net alice@example.org");
	auth_folder_alias(f, "all@example.org", "team@example.org carol@example.net");
	auth_folder_alias(f, "loop@example.org", "pool@example.org");
	auth_folder_alias(f, "pool@example.org", "loop@example.org bob@example.org");
	auth_folder_alias(f, "self@example.org", "self@example.org");
	auth_folder_alias(f, "out@example.org", "x@elsewhere.example");
	auth_folder_alias(f, "half@example.org", "x@elsewhere.example gone@example.org bob+list@example.org");
	auth_folder_account(f, "dora@example.net", NULL);
	auth_folder_account(f, "eve@example.net", NULL);
	auth_folder_account(f, "finn@example.net", NULL);
	auth_folder_account(f, "gus@example.net", NULL);
	auth_folder_account(f, "srs0-team@example.org", NULL);
	auth_folder_forward(f, "dora@example.net", "Dora@Home.example eve@example.net", true);
	auth_folder_forward(f, "eve@example.net", "eve@home.example dora@example.net", false);
	auth_folder_forward(f, "finn@example.net", "finn@example.net finn@home.example", false);
	auth_folder_forward(f, "gus@example.net", "gone@example.org", false);
	auth_folder_domain(f, "away.example");
	auth_folder_alias(f, "@away.example", "all@elsewhere.example");
	auth_folder_alias(f, "two@example.org", "out@example.org x@elsewhere.example carol@example.net");
	auth_folder_alias(f, "@catch.example", "carol@example.net");
	auth_folder_alias(f, "sales@catch.example", "bob@example.org");
	assert_int_equal(accounts_read(&w->accounts, f->fd, NULL, NULL, NULL), 0);
	w->rules = (struct resolve_rules){ .delimiter = "+", .lost = on_lost, .arg = w,
					   .srs = { .keys = { "a key for a test" }, .count = 1 } };
	w->mail = (struct resolve_mail){ span_of("x@sender.example"), DAY };
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	accounts_free(w->accounts);
	auth_folder_remove(&w->folder);
	free(w);
	return 0;
}

static const struct {
	const char *why, *address;
	enum auth_status status;
	const char *accounts; /* in any order, a space behind each */
	const char *lost;
	const char *remotes; /* "original>address ", in order */
} cases[] = {
	{ "an account", "alice@example.org", AUTH_OK, "alice@example.org ", "", "" },
	{ "without regard to case", "ALICE@Example.ORG", AUTH_OK, "alice@example.org ", "", "" },
	{ "a detail", "alice+list@example.org", AUTH_OK, "alice@example.org ", "", "" },
	{ "an empty detail", "alice+@example.org", AUTH_OK, "alice@example.org ", "", "" },
	{ "a detail with a detail", "alice+x+y@example.org", AUTH_OK, "alice@example.org ", "", "" },
	{ "an account with the mark in its name", "a+b@example.org", AUTH_OK, "a+b@example.org ", "", "" },
	{ "the mark at the front is a name", "+x@example.org", AUTH_NO_USER, "", "", "" },
	{ "quoted", "\"alice\"@example.org", AUTH_OK, "alice@example.org ", "", "" },
	{ "quoted with a backslash", "\"al\\ice\"@example.org", AUTH_OK, "alice@example.org ", "", "" },
	{ "quoted, with an at", "\"alice@example.org\"@example.org", AUTH_NO_USER, "", "", "" },
	{ "half quoted", "\"alice@example.org", AUTH_NO_USER, "", "", "" },
	{ "a backslash at the end", "\"alice\\\"@example.org", AUTH_NO_USER, "", "", "" },
	{ "nobody", "dave@example.org", AUTH_NO_USER, "", "", "" },
	{ "not our domain", "alice@elsewhere.example", AUTH_NOT_LOCAL, "", "", "" },
	{ "a relay in disguise", "x%elsewhere.example@example.org", AUTH_NO_USER, "", "", "" },
	{ "an address literal", "alice@[127.0.0.1]", AUTH_NOT_LOCAL, "", "", "" },
	{ "a dot behind the domain", "alice@example.org.", AUTH_NOT_LOCAL, "", "", "" },
	{ "no user", "@example.org", AUTH_NO_USER, "", "", "" },
	{ "no domain", "alice@", AUTH_NOT_LOCAL, "", "", "" },
	{ "a user alone", "alice", AUTH_NO_USER, "", "", "" },
	{ "nothing", "", AUTH_NO_USER, "", "", "" },
	{ "postmaster is the first account", "Postmaster@example.org", AUTH_OK, "alice@example.org ", "", "" },
	{ "postmaster of his own", "postmaster@example.net", AUTH_OK, "postmaster@example.net ", "", "" },
	{ "postmaster before the catch-all", "postmaster@catch.example", AUTH_OK, "alice@example.org ", "", "" },
	{ "postmaster without a domain", "PostMaster", AUTH_OK, "alice@example.org ", "", "" },
	{ "an alias, each account once", "team@example.org", AUTH_OK,
	  "alice@example.org bob@example.org carol@example.net ", "", "" },
	{ "an alias of an alias", "all@example.org", AUTH_OK,
	  "carol@example.net alice@example.org bob@example.org ", "", "" },
	{ "an alias with a detail", "team+x@example.org", AUTH_OK,
	  "alice@example.org bob@example.org carol@example.net ", "", "" },
	{ "a loop ends", "loop@example.org", AUTH_OK, "bob@example.org ", "", "" },
	{ "an alias to itself is nobody", "self@example.org", AUTH_NO_USER, "", "", "" },
	{ "elsewhere only", "out@example.org", AUTH_OK, "", "", "out@example.org>x@elsewhere.example " },
	{ "elsewhere, gone, and a detail", "half@example.org", AUTH_OK, "bob@example.org ",
	  "half@example.org>gone@example.org ", "half@example.org>x@elsewhere.example " },
	{ "one remote by two ways, once", "two+x@example.org", AUTH_OK, "carol@example.net ", "",
	  "two@example.org>x@elsewhere.example " },
	{ "forwards that keep a copy, and a ring", "dora+x@example.net", AUTH_OK, "dora@example.net ", "",
	  "dora@example.net>Dora@home.example eve@example.net>eve@home.example " },
	{ "forwards without a copy, to one with", "eve@example.net", AUTH_OK, "dora@example.net ", "",
	  "eve@example.net>eve@home.example dora@example.net>Dora@home.example " },
	{ "a forward to itself is a copy", "finn@example.net", AUTH_OK, "finn@example.net ", "",
	  "finn@example.net>finn@home.example " },
	{ "a forward that leads nowhere", "gus@example.net", AUTH_NO_USER, "", "gus@example.net>gone@example.org ", "" },
	{ "a catch-all that leads elsewhere", "Any+x@away.example", AUTH_OK, "", "",
	  "any+x@away.example>all@elsewhere.example " },
	{ "an account that looks like SRS", "srs0-team@example.org", AUTH_OK, "srs0-team@example.org ", "", "" },
	{ "an SRS address that nobody made", "SRS0=ABCD=XY=elsewhere.example=x@example.org", AUTH_NO_USER, "", "", "" },
	{ "one in another domain of ours is a name", "SRS0=ABCD=XY=e.example=x@catch.example", AUTH_OK,
	  "carol@example.net ", "", "" },
	{ "a catch-all", "whoever@catch.example", AUTH_OK, "carol@example.net ", "", "" },
	{ "an alias before the catch-all", "sales+x@catch.example", AUTH_OK, "bob@example.org ", "", "" },
};

static bool has(const struct resolved *r, const char *address, size_t n)
{
	for (size_t i = 0; i < r->count; i++)
		if (strncmp(r->accounts[i]->address, address, n) == 0 && r->accounts[i]->address[n] == '\0')
			return true;
	return false;
}

static void remotes_text(char out[1000], const struct resolved *r)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < r->remote_count; i++)
		used += (size_t)snprintf(out + used, 1000 - used, "%s>%s ", r->remotes[i].original,
					 r->remotes[i].address);
}

static void test_rows(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char remotes[1000];
		struct resolved r;
		size_t count = 0;

		unit_case(cases[i].why, 0);
		w->lost[0] = '\0';
		assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(cases[i].address), &w->mail),
				 cases[i].status);
		for (const char *at = cases[i].accounts; *at != '\0'; at += strcspn(at, " ") + 1, count++)
			assert_true(has(&r, at, strcspn(at, " ")));
		assert_int_equal(r.count, count);
		assert_string_equal(w->lost, cases[i].lost);
		remotes_text(remotes, &r);
		assert_string_equal(remotes, cases[i].remotes);
		resolved_clear(&r);
	}
}

static void test_bytes_that_are_no_text(void **state)
{
	struct world *w = *state;
	const struct span nul = { (const uint8_t *)"alice\0@example.org", 18 };
	const struct span domain = { (const uint8_t *)"alice@example.org\0x", 19 };
	uint8_t over[5000];
	struct resolved r;

	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, nul, &w->mail), AUTH_NO_USER);
	resolved_clear(&r);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, domain, &w->mail), AUTH_NOT_LOCAL);
	resolved_clear(&r);
	memset(over, 'a', sizeof(over));
	memcpy(over + sizeof(over) - 12, "@example.org", 12);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, (struct span){ over, sizeof(over) }, &w->mail),
			 AUTH_NO_USER);
	resolved_clear(&r);
}

static void test_other_rules(void **state)
{
	struct world *w = *state;
	struct resolved r;

	w->rules.delimiter[0] = '\0';
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("alice+x@example.org"), &w->mail),
			 AUTH_NO_USER);
	resolved_clear(&r);
	memcpy(w->rules.delimiter, "--", 3);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("alice--x@example.org"), &w->mail),
			 AUTH_OK);
	resolved_clear(&r);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("alice-x@example.org"), &w->mail),
			 AUTH_NO_USER);
	resolved_clear(&r);
	snprintf(w->rules.default_domain, sizeof(w->rules.default_domain), "example.net");
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("postmaster"), &w->mail), AUTH_OK);
	assert_string_equal(r.accounts[0]->address, "postmaster@example.net");
	resolved_clear(&r);
	assert_string_equal(resolve_user(w->accounts, &w->rules, span_of("Carol"))->address,
			    "carol@example.net");
}

static const struct {
	const char *why, *account, *address;
	enum auth_status status;
} senders[] = {
	{ "its own", "alice@example.org", "Alice@example.org", AUTH_OK },
	{ "a detail of its own", "alice@example.org", "alice+x@example.org", AUTH_OK },
	{ "somebody else's", "alice@example.org", "bob@example.org", AUTH_NO_USER },
	{ "an alias that leads to it", "carol@example.net", "all@example.org", AUTH_OK },
	{ "an alias that does not", "a+b@example.org", "team@example.org", AUTH_NO_USER },
	{ "the catch-all's", "carol@example.net", "any@catch.example", AUTH_OK },
	{ "postmaster", "alice@example.org", "postmaster@example.org", AUTH_OK },
	{ "not local", "alice@example.org", "alice@elsewhere.example", AUTH_NOT_LOCAL },
	{ "its own, though its mail goes elsewhere", "gus@example.net", "gus@example.net", AUTH_OK },
	{ "one that forwards to it", "dora@example.net", "eve@example.net", AUTH_NO_USER },
	{ "the other of two in a ring", "eve@example.net", "dora@example.net", AUTH_NO_USER },
	{ "an alias that leads elsewhere alone", "alice@example.org", "out@example.org", AUTH_NO_USER },
	{ "an account that is gone", "dave@example.org", "alice@example.org", AUTH_NO_USER },
};

static void test_owns(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		unit_case(senders[i].why, 0);
		assert_int_equal(
		    resolve_owns(w->accounts, &w->rules, senders[i].account, span_of(senders[i].address)),
		    senders[i].status);
	}
}

/* What senders become on the way to another server. */
static const struct {
	const char *why, *sender, *address, *want; /* want: its beginning */
} rewritten[] = {
	{ "a stranger's", "x@sender.example", "out@example.org", "SRS0=" },
	{ "one of ours, any case", "Bob@Example.NET", "out@example.org", "Bob@Example.NET" },
	{ "none", "", "out@example.org", "" },
	{ "another's SRS", "SRS0=abcd=XY=a.example=b@sender.example", "out@example.org", "SRS1=" },
	{ "one that is too long", "bounces+0123456789012345678901234567890123456789@mail.sender.example", "out@example.org",
	  "bounces+0123456789012345678901234567890123456789@mail.sender.example" },
};

static void test_senders(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rewritten) / sizeof(rewritten[0]); i++) {
		size_t n = strlen(rewritten[i].want);
		struct resolved r;

		unit_case(rewritten[i].why, 0);
		w->mail.sender = span_of(rewritten[i].sender);
		assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(rewritten[i].address), &w->mail), AUTH_OK);
		assert_int_equal(r.remote_count, 1);
		assert_memory_equal(r.remotes[0].sender, rewritten[i].want, n);
		if (strncmp(rewritten[i].want, "SRS", 3) == 0)
			assert_string_equal(strrchr(r.remotes[0].sender, '@'), "@example.org");
		else
			assert_string_equal(r.remotes[0].sender, rewritten[i].want);
		resolved_clear(&r);
	}
}

/* A report to a rewritten sender goes to the sender, from <> as it came. */
static void test_led_back(void **state)
{
	struct world *w = *state;
	char address[SRS_ADDRESS_MAX];
	struct resolved r;

	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("out@example.org"), &w->mail), AUTH_OK);
	snprintf(address, sizeof(address), "%s", r.remotes[0].sender);
	resolved_clear(&r);
	w->mail.sender = span_of("");
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(address), &w->mail), AUTH_OK);
	assert_int_equal(r.remote_count, 1);
	assert_string_equal(r.remotes[0].address, "x@sender.example");
	assert_string_equal(r.remotes[0].sender, "");
	assert_string_equal(r.remotes[0].original, "");
	resolved_clear(&r);
	w->mail.sender = span_of("reply@other.example");
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(address), &w->mail), AUTH_OK);
	assert_string_equal(r.remotes[0].sender, "reply@other.example");
	resolved_clear(&r);
	w->mail.day += SRS_DAYS;
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(address), &w->mail), AUTH_NO_USER);
	resolved_clear(&r);
}

/* A sender whose domain has become ours since, and a chain that somebody tries to make. */
static void test_led_back_to_us(void **state)
{
	struct world *w = *state;
	char address[SRS_ADDRESS_MAX], twice[SRS_ADDRESS_MAX];
	struct resolved r;

	w->mail.sender = span_of("");
	assert_int_equal(srs_forward(address, &w->rules.srs, span_of("bob@example.org"), "example.org", DAY), SRS_OK);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(address), &w->mail), AUTH_OK);
	assert_int_equal(r.remote_count, 0);
	assert_string_equal(r.accounts[0]->address, "bob@example.org");
	resolved_clear(&r);
	assert_int_equal(srs_forward(address, &w->rules.srs, span_of("x@far.example"), "example.org", DAY), SRS_OK);
	assert_int_equal(srs_forward(twice, &w->rules.srs, span_of(address), "example.org", DAY), SRS_OK);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(twice), &w->mail), AUTH_NO_USER);
	resolved_clear(&r);
}

static void test_srs_domain(void **state)
{
	struct world *w = *state;
	char address[SRS_ADDRESS_MAX];
	struct resolved r;

	memcpy(w->rules.srs_domain, "srs.example", 12);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("out@example.org"), &w->mail), AUTH_OK);
	snprintf(address, sizeof(address), "%s", r.remotes[0].sender);
	assert_string_equal(strrchr(address, '@'), "@srs.example");
	resolved_clear(&r);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of(address), &w->mail), AUTH_OK);
	assert_string_equal(r.remotes[0].address, "x@sender.example");
	resolved_clear(&r);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("bob@srs.example"), &w->mail), AUTH_NO_USER);
	resolved_clear(&r);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("postmaster@srs.example"), &w->mail), AUTH_OK);
	resolved_clear(&r);
	w->rules.srs.count = 0;
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("out@example.org"), &w->mail), AUTH_OK);
	assert_string_equal(r.remotes[0].sender, "x@sender.example");
	resolved_clear(&r);
}

static void test_leads_elsewhere(void **state)
{
	struct world *w = *state;
	struct auth_folder f;
	struct accounts *a;

	assert_true(resolve_leads_elsewhere(w->accounts));
	auth_folder_make(&f);
	auth_folder_domain(&f, "x");
	auth_folder_account(&f, "a@x", NULL);
	auth_folder_alias(&f, "b@x", "a@x");
	assert_int_equal(accounts_read(&a, f.fd, NULL, NULL, NULL), 0);
	assert_false(resolve_leads_elsewhere(a));
	accounts_free(a);
	auth_folder_forward(&f, "a@x", "b@x c@y", true);
	assert_int_equal(accounts_read(&a, f.fd, NULL, NULL, NULL), 0);
	assert_true(resolve_leads_elsewhere(a));
	accounts_free(a);
	auth_folder_remove(&f);
}

static const struct {
	const char *why, *user, *account; /* NULL: nobody */
} users[] = {
	{ "whole", "bob@example.org", "bob@example.org" },
	{ "any case", "BOB@EXAMPLE.ORG", "bob@example.org" },
	{ "without a domain: the first one", "Bob", "bob@example.org" },
	{ "of another domain", "carol", NULL },
	{ "a detail is no login", "bob+x@example.org", NULL },
	{ "an alias is no login", "team@example.org", NULL },
	{ "empty", "", NULL },
	{ "quotes are for mail", "\"bob\"@example.org", NULL },
};

static void test_users(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		const struct account *a = resolve_user(w->accounts, &w->rules, span_of(users[i].user));

		unit_case(users[i].why, 0);
		assert_int_equal(a == NULL, users[i].account == NULL);
		if (a != NULL)
			assert_string_equal(a->address, users[i].account);
	}
}

/* 1,001 accounts behind two aliases: none of them rather than all but one. */
static void test_too_many(void **state)
{
	struct world *w = *state;
	char targets[2][40000];
	size_t used[2] = { 0, 0 };
	struct resolved r;

	auth_folder_domain(&w->folder, "x");
	for (int i = 0; i <= AUTH_TARGETS; i++) {
		size_t *n = &used[i % 2];
		char address[16];

		snprintf(address, sizeof(address), "u%d@x", i);
		auth_folder_account(&w->folder, address, NULL);
		*n += (size_t)snprintf(targets[i % 2] + *n, sizeof(targets[0]) - *n, "%s%s",
				       *n > 0 ? " " : "", address);
	}
	auth_folder_alias(&w->folder, "even@x", targets[0]);
	auth_folder_alias(&w->folder, "odd@x", targets[1]);
	auth_folder_alias(&w->folder, "both@x", "even@x odd@x");
	accounts_free(w->accounts);
	assert_int_equal(accounts_read(&w->accounts, w->folder.fd, NULL, NULL, NULL), 0);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("even@x"), &w->mail), AUTH_OK);
	assert_int_equal(r.count, AUTH_TARGETS / 2 + 1);
	resolved_clear(&r);
	assert_int_equal(resolve_address(&r, w->accounts, &w->rules, span_of("both@x"), &w->mail), AUTH_TRY_LATER);
	resolved_clear(&r);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { ROW(test_rows),        ROW(test_bytes_that_are_no_text),
					    ROW(test_other_rules), ROW(test_owns),
					    ROW(test_users),       ROW(test_too_many),
					    ROW(test_senders),     ROW(test_led_back),
					    ROW(test_led_back_to_us), ROW(test_srs_domain),
					    ROW(test_leads_elsewhere) };

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_resolve");
}
