/* test_local_names.c - no account, mailbox or message leaves its place in the folders.
 * link: storage/local common/base */
#include "tests/unit/unit.h"

#include "storage/local/names.h"

static const struct {
	const char *why, *account, *folder; /* NULL: none */
} accounts[] = {
	{ "a plain one", "mitsuko@post.example", "post.example/mitsuko" },
	{ "letters keep their case", "Ann@Post.Example", "Post.Example/Ann" },
	{ "signs that stay", "a.b_c+d=e-f@x-y.z", "x-y.z/a.b_c+d=e-f" },
	{ "signs that are encoded", "o'hara!~%@x", "x/o%27hara%21%7e%25" },
	{ "a dot at the start", ".hidden@.x", "%2ex/%2ehidden" },
	{ "two dots", "..@..", "%2e./%2e." },
	{ "the domain that is called as the folder of bodies", "a@tmp", "%74mp/a" },
	{ "a user of that name is no matter", "tmp@a", "a/tmp" },
	{ "8-bit bytes", "\xc3\xbc@\xe6\x97\xa5", "%e6%97%a5/%c3%bc" },
	{ "the last @ parts", "a@b@c", "c/a%40b" },
	{ "no @", "mitsuko", NULL },
	{ "no user", "@x", NULL },
	{ "no domain", "a@", NULL },
	{ "a slash", "a/b@x", NULL },
	{ "a control character", "a\001@x", NULL },
	{ "empty", "", NULL },
};

static void test_accounts(void **state)
{
	char folder[NAMES_FOLDER_MAX], back[STORE_ACCOUNT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
		char *slash;

		unit_case(accounts[i].why, i);
		assert_int_equal(names_folder(folder, span_of(accounts[i].account)),
				 accounts[i].folder != NULL);
		if (accounts[i].folder == NULL)
			continue;
		assert_string_equal(folder, accounts[i].folder);
		slash = strchr(folder, '/');
		*slash = '\0';
		assert_true(names_account(back, folder, slash + 1));
		assert_string_equal(back, accounts[i].account);
	}
}

/* Another spelling of the same account is not ours. */
static void test_spellings(void **state)
{
	static const char *const wrong[][2] = {
		{ "x", "%61" }, { "x", "a%2Eb" }, { "tmp", "a" }, { ".x", "a" }, { "x", "%2" },
		{ "x", "%zz" }, { "x", "a b" },   { "x", "" },    { "", "a" },
	};
	char back[STORE_ACCOUNT_MAX], longest[400];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unit_case(wrong[i][1], i);
		assert_false(names_account(back, wrong[i][0], wrong[i][1]));
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(names_account(back, "x", longest));
	assert_false(names_account(back, longest, "x"));
}

static void test_lengths(void **state)
{
	char account[STORE_ACCOUNT_MAX + 2], folder[NAMES_FOLDER_MAX];

	(void)state;
	for (size_t user = 1; user < sizeof(account) - 2; user++)
		for (int fill = 0; fill < 2; fill++) {
			size_t n = sizeof(account) - 1;

			unit_case("user of so many bytes", user);
			memset(account, fill ? '!' : 'a', n);
			account[user] = '@';
			account[n] = '\0';
			names_folder(folder, (struct span){ (uint8_t *)account, n });
			account[user] = '@';
			if (names_folder(folder, (struct span){ (uint8_t *)account, user + 2 }))
				assert_true(strlen(folder) < NAMES_FOLDER_MAX &&
					    strlen(strchr(folder, '/')) <= 256);
		}
}

static void test_messages(void **state)
{
	static const struct {
		const char *name;
		bool valid;
	} cases[] = {
		{ "1.000102030405060708090a0b0c0d0e0f", true },
		{ "4294967294.ffffffffffffffffffffffffffffffff", true },
		{ "4294967295.ffffffffffffffffffffffffffffffff", false },
		{ "0.000102030405060708090a0b0c0d0e0f", false },
		{ "01.000102030405060708090a0b0c0d0e0f", false },
		{ ".000102030405060708090a0b0c0d0e0f", false },
		{ "1.000102030405060708090a0b0c0d0e0", false },
		{ "1.000102030405060708090a0b0c0d0e0f0", false },
		{ "1.000102030405060708090a0b0c0d0eg0", false },
		{ "1", false },
		{ "-1.000102030405060708090a0b0c0d0e0f", false },
		{ "", false },
	};
	uint8_t guid[STORE_GUID];
	char path[NAMES_PATH_MAX];
	uint32_t uid;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case(cases[i].name, i);
		assert_int_equal(names_message_parse(cases[i].name, &uid, guid), cases[i].valid);
		if (!cases[i].valid)
			continue;
		names_message(path, "x/a", 0x2a, uid, guid);
		assert_memory_equal(path, "x/a/0000002a/cur/", 17);
		assert_string_equal(path + 17, cases[i].name);
	}
}

static void test_mailboxes(void **state)
{
	static const char *const wrong[] = { "",         "2a",        "0000002A", "0000002g",
					     "00000000", "0000002a0", "state",    "........" };
	char path[NAMES_MAILBOX_MAX];
	uint32_t id;

	(void)state;
	names_mailbox(path, "x/a", 0xdeadbeef);
	assert_string_equal(path, "x/a/deadbeef");
	assert_true(names_mailbox_parse("deadbeef", &id));
	assert_int_equal(id, 0xdeadbeef);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unit_case(wrong[i], i);
		assert_false(names_mailbox_parse(wrong[i], &id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accounts),  cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_lengths),   cmocka_unit_test(test_messages),
		cmocka_unit_test(test_mailboxes),
	};

	return unit_run(tests, 5, "local names");
}
