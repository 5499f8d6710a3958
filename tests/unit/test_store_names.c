/* test_store_names.c - where mailboxes from elsewhere go.
 * link: admin */
#include "tests/unit/unit.h"

#include "admin/store_import_names.h"

/* The source as the names see it. */
struct source {
	const char *const *names;
};

static struct source_box shown;

const struct source_box *source_box(const struct source *s, size_t i)
{
	shown.name = s->names[i];
	return &shown;
}

size_t source_count(const struct source *s)
{
	size_t n = 0;

	while (s->names[n] != NULL)
		n++;
	return n;
}

enum { NAMES = 5 };

static const struct {
	const char *why;
	const char *names[NAMES], *ours[NAMES];
} cases[] = {
	{ "its own name", { "INBOX", "Lists/dev" }, { "INBOX", "Lists/dev" } },
	{ "a name of that kind", { "Sent Items", "Papierkorb", "junk e-mail" }, { "Sent", "Trash", "Junk" } },
	{ "in Japanese", { "\xe4\xb8\x8b\xe6\x9b\xb8\xe3\x81\x8d" }, { "Drafts" } },
	{ "Gmail's", { "[Gmail]/Sent Mail", "[Gmail]/All Mail" }, { "Sent", "[Gmail]/All Mail" } },
	{ "ours is there as well", { "Sent", "Sent Items" }, { "Sent", "Sent Items" } },
	{ "ours behind it", { "Gesendet", "Sent" }, { "Gesendet", "Sent" } },
	{ "two of a kind: the first", { "Deleted Items", "Papierkorb" }, { "Trash", "Papierkorb" } },
	{ "below another it is anybody's", { "Old/Sent Items" }, { "Old/Sent Items" } },
	{ "part of a name", { "Sent Items 2019" }, { "Sent Items 2019" } },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct source s = { cases[i].names };

		for (size_t k = 0; cases[i].names[k] != NULL; k++) {
			unit_case(cases[i].why, k);
			assert_string_equal(import_name(&s, k), cases[i].ours[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store names");
}
