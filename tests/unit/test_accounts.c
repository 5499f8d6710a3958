/* test_accounts.c - the folder accounts/: names, files, changes, and what is broken.
 * link: auth sasl common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/accounts_name.h"
#include "auth/accounts_text.h"

#define HASH "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$WwCIn+OHvW6RBzmKYeYb8qjTqzlsCXWjfVJb6mbSQ9w"

#define PRINT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PRINT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct accounts_owner keep = { (uid_t)-1, (gid_t)-1 };

struct folder {
	char path[64];
	int fd;
	char warned[4000];
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int set_up(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "%s", "/tmp/yubin-accounts-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *f = *state;

	close(f->fd);
	nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void on_warn(void *arg, const char *words)
{
	struct folder *f = arg;
	size_t used = strlen(f->warned);

	snprintf(f->warned + used, sizeof(f->warned) - used, "%s\n", words);
}

static struct accounts *read_folder(struct folder *f)
{
	struct accounts *a;
	struct error err;

	f->warned[0] = '\0';
	assert_int_equal(accounts_read(&a, f->fd, on_warn, f, &err), 0);
	return a;
}

static void put_file(struct folder *f, const char *name, const char *text)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int add(struct folder *f, const char *address, struct error *err)
{
	struct account a = { .address = address, .password = HASH, .enabled = true, .created_s = 1763725278 };

	return accounts_add(f->fd, &keep, &a, err);
}

static int add_alias(struct folder *f, const char *address, const char *to)
{
	struct alias alias = { .address = address, .targets = &to, .target_count = 1 };

	return accounts_alias_add(f->fd, &keep, &alias, NULL);
}

static const struct {
	const char *why, *name, *file;
} names[] = {
	{ "an ordinary name", "alice", "alice.account" },
	{ "a detail's sign", "a+b", "a+b.account" },
	{ "a slash can't leave the folder", "../x", "%2e.%2fx.account" },
	{ "dots alone", "..", "%2e..account" },
	{ "a capital has a spelling of its own", "Al", "%41l.account" },
	{ "the escape itself", "50%", "50%25.account" },
	{ "a byte over 127", "\xc3\xa4", "%c3%a4.account" },
	{ "a suffix inside", "x.alias", "x.alias.account" },
};

static void test_names(void **state)
{
	char out[ACCOUNTS_FILE_MAX], back[ACCOUNTS_FILE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unit_case(names[i].why, 0);
		assert_true(accounts_name_encode(out, span_of(names[i].name), ".account"));
		assert_string_equal(out, names[i].file);
		assert_true(accounts_name_decode(back, span_of(out), ".account"));
		assert_string_equal(back, names[i].name);
		assert_int_equal(strcspn(out, "/"), strlen(out));
	}
	assert_true(accounts_name_encode(out, span_of("order"), ""));
	assert_string_equal(out, "%6frder");
	assert_false(accounts_name_encode(out, span_of(""), ".account"));
}

static void test_names_that_are_none(void **state)
{
	static const char *const files[] = { ".account",    "alice",       "Alice.account", "%61lice.account",
					     "a%2.account", "a%.account",  "a%0.account",   "%00.account",
					     "a/b.account", "%2E.account", ".x.account",    "order" };
	char out[ACCOUNTS_FILE_MAX], over[300];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		unit_case(files[i], 0);
		assert_false(accounts_name_decode(out, span_of(files[i]), ".account"));
	}
	assert_false(accounts_name_decode(out, span_of("order"), ""));
	memset(over, 'a', sizeof(over) - 1);
	over[sizeof(over) - 1] = '\0';
	assert_false(accounts_name_encode(out, span_of(over), ""));
	assert_false(accounts_name_decode(out, span_of(over), ""));
}

static const struct {
	const char *why, *in, *out; /* NULL: refused */
} addresses[] = {
	{ "kept in lower case", "Alice@Example.ORG", "alice@example.org" },
	{ "a domain of one label", "root@localhost", "root@localhost" },
	{ "all signs of RFC 5321 4.1.2 but one", "!#$%&'*+-=?^_`{|}~@x", "!#$%&'*+-=?^_`{|}~@x" },
	{ "a slash", "a/b@x", NULL },
	{ "64 bytes of user", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x" },
	{ "65 bytes of user", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x", NULL },
	{ "no domain", "alice", NULL },
	{ "an empty domain", "alice@", NULL },
	{ "an empty user", "@example.org", NULL },
	{ "two dots", "a..b@example.org", NULL },
	{ "a dot at the end", "a.@example.org", NULL },
	{ "a dot at the front", ".a@example.org", NULL },
	{ "a space", "a b@example.org", NULL },
	{ "a line end", "a@example.org\n", NULL },
	{ "quotes", "\"a\"@example.org", NULL },
	{ "a label with a hyphen at its end", "a@b-.org", NULL },
	{ "a dot behind the domain", "a@b.org.", NULL },
	{ "a domain with a slash", "a@b/../c", NULL },
	{ "an address literal", "a@[127.0.0.1]", NULL },
};

static void test_addresses(void **state)
{
	char out[ACCOUNTS_ADDRESS_MAX];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		unit_case(addresses[i].why, 0);
		err.words[0] = '\0';
		assert_int_equal(accounts_address(addresses[i].in, out, &err),
				 addresses[i].out != NULL ? 0 : -EINVAL);
		if (addresses[i].out != NULL)
			assert_string_equal(out, addresses[i].out);
		else
			assert_true(strlen(err.words) > 10);
	}
	assert_int_equal(accounts_target("Bob@Elsewhere.NET", out, NULL), 0);
	assert_string_equal(out, "Bob@elsewhere.net");
	assert_int_equal(accounts_target("a/b@elsewhere.net", out, NULL), 0);
	assert_int_equal(accounts_alias_name("@Example.ORG", out, NULL), 0);
	assert_string_equal(out, "@example.org");
}

static void test_times(void **state)
{
	static const char *const wrong[] = { "",
					     "2026",
					     "2026-11-21 11:41:18Z",
					     "2026-13-21T11:41:18Z",
					     "2026-11-00T11:41:18Z",
					     "2026-11-21T24:41:18Z",
					     "2026-11-21T11:41:18Zx",
					     "2026-11-21T11:41:18",
					     "0999-11-21T11:41:18Z" };
	char text[ACCOUNTS_TIME];
	int64_t s;

	(void)state;
	assert_true(accounts_time_parse(span_of("2026-11-21T11:41:18Z"), &s));
	assert_int_equal(s, 1795261278);
	accounts_time_text(text, s);
	assert_string_equal(text, "2026-11-21T11:41:18Z");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unit_case(wrong[i], 0);
		assert_false(accounts_time_parse(span_of(wrong[i]), &s));
	}
}

static const struct {
	const char *why, *in;
	bool good;
} fingerprints[] = {
	{ "as it is kept", PRINT_A, true },
	{ "capitals", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true },
	{ "colons, as openssl shows it",
	  "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA", true },
	{ "a digit less", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ "a digit more", PRINT_A "a", false },
	{ "SHA-1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ "no digit", "gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ "a colon in front", ":" PRINT_A, false },
	{ "a colon behind", PRINT_A ":", false },
	{ "a colon inside a pair", "a:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ "two colons", "aa::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ "nothing", "", false },
};

static void test_fingerprints(void **state)
{
	char out[ACCOUNTS_FINGERPRINT];

	(void)state;
	for (size_t i = 0; i < sizeof(fingerprints) / sizeof(fingerprints[0]); i++) {
		unit_case(fingerprints[i].why, 0);
		assert_int_equal(accounts_fingerprint(span_of(fingerprints[i].in), out), fingerprints[i].good);
		if (fingerprints[i].good)
			assert_string_equal(out, PRINT_A);
	}
}

static void test_labels(void **state)
{
	static const struct {
		const char *label;
		bool good;
	} rows[] = { { "", true },	  { "phone", true },   { "Anna's phone (2026)", true }, { "\xe9\x83\xb5", true },
		     { " x", false },	  { "x ", false },     { "a\nb", false },		{ "a\tb", false },
		     { "\xff", false },	  { "a\x7f", false },
		     { PRINT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
		     { PRINT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].label, i);
		assert_int_equal(accounts_label(span_of(rows[i].label)), rows[i].good);
	}
}

/* They are read, found, and kept when something else is changed. */
static void test_certificates(void **state)
{
	const struct account_certificate two[] = { { PRINT_B, "my phone" }, { PRINT_A, "" } };
	struct folder *f = *state;
	struct account a = { .address = "a@x", .password = HASH, .enabled = true, .certificates = two,
			     .certificate_count = 2 };
	struct accounts *all;
	struct buf prints;

	buf_init(&prints, 4096);
	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	assert_int_equal(accounts_add(f->fd, &keep, &a, NULL), 0);
	all = read_folder(f);
	assert_string_equal(f->warned, "");
	assert_null(accounts_find_certificate(all, ""));
	assert_ptr_equal(accounts_find_certificate(all, PRINT_A), accounts_find(all, "a@x"));
	assert_ptr_equal(accounts_find_certificate(all, PRINT_B), accounts_find(all, "a@x"));
	accounts_fingerprints(all, &prints);
	unit_is(prints.p, prints.n, PRINT_A "\n" PRINT_B "\n");
	a = *accounts_find(all, "a@x");
	a.enabled = false;
	assert_int_equal(accounts_put(f->fd, &keep, &a, NULL), 0);
	accounts_free(all);

	all = read_folder(f);
	assert_string_equal(f->warned, "");
	a = *accounts_find(all, "a@x");
	assert_int_equal(a.certificate_count, 2);
	assert_string_equal(a.certificates[0].fingerprint, PRINT_B);
	assert_string_equal(a.certificates[0].label, "my phone");
	assert_string_equal(a.certificates[1].label, "");
	buf_reset(&prints);
	accounts_fingerprints(all, &prints);
	assert_int_equal(prints.n, 0);	/* nobody who is disabled gets through the handshake by it */
	accounts_free(all);
	buf_clear(&prints);
}

static void test_forwards(void **state)
{
	const char *const two[] = { "Bob@Elsewhere.ORG", "b@x" };
	const char *const wrong[] = { "bob", "bob@x\nstate disabled", "" };
	struct folder *f = *state;
	struct account a = { .address = "a@x", .password = HASH, .enabled = true, .forwards = two,
			     .forward_count = 2, .forward_keep = false };
	struct accounts *all;

	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	assert_int_equal(accounts_add(f->fd, &keep, &a, NULL), 0);
	all = read_folder(f);
	assert_string_equal(f->warned, "");
	a = *accounts_find(all, "a@x");
	assert_int_equal(a.forward_count, 2);
	assert_string_equal(a.forwards[0], "Bob@elsewhere.org");
	assert_string_equal(a.forwards[1], "b@x");
	assert_false(a.forward_keep);
	a.enabled = false; /* a change of something else keeps them */
	assert_int_equal(accounts_put(f->fd, &keep, &a, NULL), 0);
	accounts_free(all);
	all = read_folder(f);
	assert_int_equal(accounts_find(all, "a@x")->forward_count, 2);
	assert_false(accounts_find(all, "a@x")->forward_keep);
	accounts_free(all);
	a = (struct account){ .address = "a@x", .password = HASH };
	for (size_t i = 0; i < 3; i++) {
		unit_case(wrong[i], i);
		a.forwards = &wrong[i];
		a.forward_count = 1;
		assert_int_equal(accounts_put(f->fd, &keep, &a, NULL), -EINVAL);
	}
	a.forward_count = ACCOUNTS_FORWARDS_MAX + 1;
	assert_int_equal(accounts_put(f->fd, &keep, &a, NULL), -EINVAL);
}

static void test_forwards_that_are_broken(void **state)
{
	struct folder *f = *state;
	struct accounts *all;
	char text[8000];
	size_t n = 0;

	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	put_file(f, "x/a.account", "forward bob\nforward b@y\nforward\nforward-keep perhaps\n");
	all = read_folder(f);
	assert_int_equal(accounts_find(all, "a@x")->forward_count, 1);
	assert_string_equal(accounts_find(all, "a@x")->forwards[0], "b@y");
	assert_true(accounts_find(all, "a@x")->forward_keep);
	assert_non_null(strstr(f->warned, "x/a.account: \"bob\" is not an address"));
	assert_non_null(strstr(f->warned, "forward-keep is yes or no, not \"perhaps\": taken as yes"));
	accounts_free(all);
	for (int i = 0; i <= ACCOUNTS_FORWARDS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "forward u%d@y\n", i);
	put_file(f, "x/a.account", text);
	all = read_folder(f);
	assert_int_equal(accounts_find(all, "a@x")->forward_count, ACCOUNTS_FORWARDS_MAX);
	assert_string_equal(f->warned, "accounts/x/a.account: more than 100 forwards\n");
	accounts_free(all);
}

/* authd's own file is no domain; a domain of that name has another spelling. */
static void test_the_key_of_senders(void **state)
{
	struct folder *f = *state;
	struct accounts *all;

	put_file(f, "srs.key", "key 00\n");
	assert_int_equal(accounts_domain_add(f->fd, &keep, "srs.key", NULL), 0);
	all = read_folder(f);
	assert_string_equal(f->warned, "");
	assert_int_equal(accounts_domain_count(all), 1);
	assert_true(accounts_has_domain(all, "srs.key"));
	accounts_free(all);
}

static void test_certificates_that_are_refused(void **state)
{
	static const struct account_certificate wrong[] = {
		{ "AA" PRINT_A, "" }, { "", "" }, { PRINT_A, "a\nstate enabled" }, { PRINT_A, " x" },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "" },
	};
	struct folder *f = *state;

	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct account a = { .address = "a@x", .password = "", .certificates = &wrong[i],
				     .certificate_count = 1 };

		unit_case(wrong[i].label, i);
		assert_int_equal(accounts_add(f->fd, &keep, &a, NULL), -EINVAL);
	}
}

/* Who was added first holds it, whatever their names are. */
static void test_a_certificate_of_two(void **state)
{
	struct folder *f = *state;
	struct accounts *all;

	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	assert_int_equal(add(f, "zoe@x", NULL), 0);
	assert_int_equal(add(f, "adam@x", NULL), 0);
	put_file(f, "x/zoe.account", "certificate " PRINT_A " first\n");
	put_file(f, "x/adam.account", "certificate " PRINT_B " own\ncertificate " PRINT_A " second\n");
	all = read_folder(f);
	assert_string_equal(accounts_find_certificate(all, PRINT_A)->address, "zoe@x");
	assert_string_equal(accounts_find_certificate(all, PRINT_B)->address, "adam@x");
	assert_int_equal(accounts_find(all, "adam@x")->certificate_count, 1);
	assert_string_equal(f->warned, "adam@x: the certificate aaaaaaaaaaaaaaaa... is zoe@x's: it logs nobody else in\n");
	accounts_free(all);
}

static void test_too_many_certificates(void **state)
{
	struct folder *f = *state;
	struct accounts *all;
	char text[5000];
	size_t n = 0;

	for (int i = 0; i <= ACCOUNTS_CERTIFICATES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "certificate %064x\n", i);
	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	put_file(f, "x/a.account", text);
	all = read_folder(f);
	assert_int_equal(accounts_find(all, "a@x")->certificate_count, ACCOUNTS_CERTIFICATES_MAX);
	assert_string_equal(f->warned, "accounts/x/a.account: more than 32 certificates\n");
	accounts_free(all);
}

static void test_life_of_an_account(void **state)
{
	struct folder *f = *state;
	struct account changed = {
		.address = "ALICE@example.org", .password = HASH, .enabled = false, .created_s = 5
	};
	struct accounts *a;
	struct error err;

	assert_int_equal(add(f, "alice@example.org", &err), -ENOENT);
	assert_non_null(strstr(err.words, "yubin domain add example.org"));
	assert_int_equal(accounts_domain_add(f->fd, &keep, "Example.org", &err), 0);
	assert_int_equal(accounts_domain_add(f->fd, &keep, "example.ORG", &err), -EEXIST);
	assert_int_equal(accounts_put(f->fd, &keep, &changed, &err), -ENOENT);
	assert_int_equal(add(f, "Alice@Example.org", &err), 0);
	assert_int_equal(add(f, "alice@example.org", &err), -EEXIST);

	a = read_folder(f);
	assert_string_equal(f->warned, "");
	assert_true(accounts_has_domain(a, "EXAMPLE.org"));
	assert_string_equal(accounts_find(a, "aLiCe@example.ORG")->address, "alice@example.org");
	assert_string_equal(accounts_find(a, "alice@example.org")->password, HASH);
	assert_true(accounts_find(a, "alice@example.org")->enabled);
	assert_int_equal(accounts_find(a, "alice@example.org")->created_s, 1763725278);
	assert_null(accounts_find(a, "bob@example.org"));
	assert_null(accounts_find(a, ""));
	accounts_free(a);

	assert_int_equal(accounts_put(f->fd, &keep, &changed, &err), 0);
	a = read_folder(f);
	assert_false(accounts_find(a, "alice@example.org")->enabled);
	accounts_free(a);

	assert_int_equal(accounts_domain_remove(f->fd, "example.org", &err), -ENOTEMPTY);
	assert_int_equal(accounts_remove(f->fd, "alice@EXAMPLE.org", &err), 0);
	assert_int_equal(accounts_remove(f->fd, "alice@example.org", &err), -ENOENT);
	assert_int_equal(accounts_domain_remove(f->fd, "example.org", &err), 0);
	assert_int_equal(accounts_domain_remove(f->fd, "example.org", &err), -ENOENT);
	a = read_folder(f);
	assert_int_equal(accounts_count(a) + accounts_domain_count(a), 0);
	assert_string_equal(f->warned, "");
	accounts_free(a);
}

static void test_a_hash_of_two_lines_is_refused(void **state)
{
	struct folder *f = *state;
	struct account a = { .address = "a@x", .password = "x\nstate enabled", .enabled = false };

	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	assert_int_equal(accounts_add(f->fd, &keep, &a, NULL), -EINVAL);
}

static void test_order_of_adding(void **state)
{
	static const char *const added[] = { "zoe@order", "bob@a.example", "adam@order" };
	struct folder *f = *state;
	struct accounts *a;

	assert_int_equal(accounts_domain_add(f->fd, &keep, "order", NULL), 0);
	assert_int_equal(accounts_domain_add(f->fd, &keep, "a.example", NULL), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(add(f, added[i], NULL), 0);
	a = read_folder(f);
	assert_string_equal(f->warned, "");
	assert_string_equal(accounts_domain_at(a, 0), "order");
	assert_string_equal(accounts_domain_at(a, 1), "a.example");
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(accounts_at(a, i)->address, added[i]);
	accounts_free(a);

	/* Gone and back: it is the last one then. */
	assert_int_equal(accounts_remove(f->fd, "zoe@order", NULL), 0);
	assert_int_equal(add(f, "zoe@order", NULL), 0);
	a = read_folder(f);
	assert_string_equal(accounts_at(a, 0)->address, "bob@a.example");
	assert_string_equal(accounts_at(a, 2)->address, "zoe@order");
	accounts_free(a);
}

static void test_aliases(void **state)
{
	const char *two[] = { "Alice@Example.org", "Bob@Elsewhere.net" };
	struct folder *f = *state;
	struct alias all = { .address = "team@example.org", .targets = two, .target_count = 2 };
	struct accounts *a;
	struct error err;

	assert_int_equal(accounts_alias_add(f->fd, &keep, &all, &err), -ENOENT);
	assert_int_equal(accounts_domain_add(f->fd, &keep, "example.org", &err), 0);
	assert_int_equal(add(f, "alice@example.org", &err), 0);
	assert_int_equal(accounts_alias_add(f->fd, &keep, &all, &err), 0);
	assert_int_equal(accounts_alias_add(f->fd, &keep, &all, &err), -EEXIST);
	assert_int_equal(add(f, "team@example.org", &err), -EEXIST);
	assert_int_equal(add_alias(f, "alice@example.org", "x@y"), -EEXIST);
	assert_int_equal(add_alias(f, "@example.org", "alice@example.org"), 0);
	assert_int_equal(add_alias(f, "@example.org", "alice@example.org"), -EEXIST);
	assert_int_equal(add_alias(f, "bad@example.org", "nobody"), -EINVAL);

	a = read_folder(f);
	assert_string_equal(f->warned, "");
	assert_int_equal(accounts_alias_count(a), 2);
	assert_string_equal(accounts_alias_at(a, 0)->address, "@example.org");
	assert_string_equal(accounts_alias_at(a, 1)->targets[0], "Alice@example.org");
	assert_string_equal(accounts_find_alias(a, "Team@example.org")->targets[1], "Bob@elsewhere.net");
	accounts_free(a);

	assert_int_equal(accounts_alias_remove(f->fd, "@example.org", &err), 0);
	assert_int_equal(accounts_alias_remove(f->fd, "@example.org", &err), -ENOENT);
	assert_int_equal(accounts_alias_remove(f->fd, "team@example.org", &err), 0);
	assert_int_equal(accounts_alias_remove(f->fd, "team@example.org", &err), -ENOENT);
	a = read_folder(f);
	assert_true(accounts_has_domain(a, "example.org"));
	assert_int_equal(accounts_alias_count(a), 0);
	accounts_free(a);
}

static const struct {
	const char *why, *file, *text, *warning; /* warning: NULL if none is due */
	bool there, enabled, password;
} broken[] = {
	{ "as it should be", "x/a.account", "password " HASH "\nstate enabled\n", NULL, true, true, true },
	{ "CRLF and a comment", "x/a.account", "# me\r\npassword " HASH "\r\nstate enabled\r\n", NULL, true,
	  true, true },
	{ "an empty file", "x/a.account", "", NULL, true, true, false },
	{ "no Argon2id", "x/a.account", "password secret\n", "no Argon2id", true, true, false },
	{ "half a hash", "x/a.account", "password $argon2id$v=19$m=8,t=1\n", "no Argon2id", true, true,
	  false },
	{ "an unknown state", "x/a.account", "password " HASH "\nstate on\n", "taken as disabled", true,
	  false, true },
	{ "a certificate, twice", "x/a.account",
	  "password " HASH "\ncertificate " PRINT_A " x\ncertificate " PRINT_A "\n", NULL, true, true, true },
	{ "a certificate that is none", "x/a.account", "password " HASH "\ncertificate 0123 x\n",
	  "\"0123\" is no SHA-256 fingerprint", true, true, true },
	{ "a certificate without anything", "x/a.account", "password " HASH "\ncertificate\n", "no SHA-256", true,
	  true, true },
	{ "a label that can't be shown", "x/a.account", "password " HASH "\ncertificate " PRINT_A " a\x01z\n",
	  "the label of the certificate aaaaaaaaaaaaaaaa...", true, true, true },
	{ "an unknown line", "x/a.account", "password " HASH "\ncolour 5\n", "\"colour\" is not known", true,
	  true, true },
	{ "a quota", "x/a.account", "password " HASH "\nquota 500\n", NULL, true, true, true },
	{ "no quota", "x/a.account", "password " HASH "\nquota none\n", NULL, true, true, true },
	{ "a quota of nothing", "x/a.account", "password " HASH "\nquota 0\n", "quota is a number of bytes or none", true,
	  true, true },
	{ "a quota in words", "x/a.account", "password " HASH "\nquota 5M\n", "not \"5M\"", true, true, true },
	{ "a quota over all bounds", "x/a.account", "password " HASH "\nquota 99999999999999999999\n",
	  "quota is a number", true, true, true },
	{ "a capital in the file's name", "x/A.account", "password " HASH "\n", "left out", false, false,
	  false },
	{ "no suffix", "x/a", "password " HASH "\n", "left out", false, false, false },
	{ "a file in place of a domain", "y", "", "left out", false, false, false },
	{ "an alias without a target", "x/b.alias", "to nobody\n", "is not an address", false, false, false },
};

static void test_broken_files(void **state)
{
	struct folder *f = *state;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		const struct account *it;
		struct accounts *a;

		unit_case(broken[i].why, 0);
		assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
		put_file(f, broken[i].file, broken[i].text);
		a = read_folder(f);
		it = accounts_find(a, "a@x");
		assert_int_equal(it != NULL, broken[i].there);
		if (it != NULL)
			assert_int_equal(it->enabled, broken[i].enabled);
		if (it != NULL)
			assert_int_equal(*it->password != '\0', broken[i].password);
		if (broken[i].warning == NULL)
			assert_string_equal(f->warned, "");
		else
			assert_non_null(strstr(f->warned, broken[i].warning));
		accounts_free(a);
		assert_int_equal(unlinkat(f->fd, broken[i].file, 0), 0);
		assert_int_equal(accounts_domain_remove(f->fd, "x", NULL), 0);
	}
}

/* A link must not make root read or overwrite what lies elsewhere. */
static void test_links_are_not_followed(void **state)
{
	struct folder *f = *state;
	struct accounts *a;

	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	put_file(f, "real", "password " HASH "\n");
	assert_int_equal(symlinkat("../real", f->fd, "x/a.account"), 0);
	assert_int_equal(symlinkat("x", f->fd, "y"), 0);
	a = read_folder(f);
	assert_string_equal(accounts_find(a, "a@x")->password, "");
	assert_false(accounts_has_domain(a, "y"));
	accounts_free(a);
	assert_int_equal(add(f, "b@y", NULL), -ENOTDIR);
}

/* Files that a crash left behind are no accounts, and stand in nobody's way. */
static void test_after_a_crash(void **state)
{
	struct folder *f = *state;
	struct accounts *a;

	assert_int_equal(mkdirat(f->fd, "x", 0700), 0);
	put_file(f, "x/.new", "password");
	put_file(f, "order", "domain gone\ndomain x\naccount a@x\ndomain x\n\nnonsense");
	a = read_folder(f);
	assert_int_equal(accounts_domain_count(a), 0);
	accounts_free(a);
	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	assert_int_equal(add(f, "a@x", NULL), 0);
	a = read_folder(f);
	assert_int_equal(accounts_count(a), 1);
	accounts_free(a);
	put_file(f, "x/.new", "");
	assert_int_equal(accounts_remove(f->fd, "a@x", NULL), 0);
	assert_int_equal(accounts_domain_remove(f->fd, "x", NULL), 0);
}

static size_t lines_of(struct folder *f, const char *name)
{
	int fd = openat(f->fd, name, O_RDONLY);
	char text[4096] = "";
	size_t lines = 0;

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	for (char *c = text; *c != '\0'; c++)
		lines += *c == '\n';
	return lines;
}

/* Two programs that add at once lose nothing of each other's lines in the file order. */
static void test_at_once(void **state)
{
	enum { EACH = 20 };
	struct folder *f = *state;
	int status;
	pid_t child;

	assert_int_equal(accounts_domain_add(f->fd, &keep, "x", NULL), 0);
	child = fork();
	for (int i = 0; i < EACH; i++) {
		char address[32];

		snprintf(address, sizeof(address), "%s%d@x", child == 0 ? "b" : "a", i);
		if (add(f, address, NULL) < 0)
			_exit(1);
	}
	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(lines_of(f, "order"), 1 + 2 * EACH);
}

#define WITH_FOLDER(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),         cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_addresses),     cmocka_unit_test(test_times),
		cmocka_unit_test(test_fingerprints),  cmocka_unit_test(test_labels),
		WITH_FOLDER(test_certificates),	      WITH_FOLDER(test_certificates_that_are_refused),
		WITH_FOLDER(test_forwards),	      WITH_FOLDER(test_forwards_that_are_broken),
		WITH_FOLDER(test_the_key_of_senders),
		WITH_FOLDER(test_a_certificate_of_two), WITH_FOLDER(test_too_many_certificates),
		WITH_FOLDER(test_life_of_an_account), WITH_FOLDER(test_a_hash_of_two_lines_is_refused),
		WITH_FOLDER(test_order_of_adding),    WITH_FOLDER(test_aliases),
		WITH_FOLDER(test_broken_files),       WITH_FOLDER(test_links_are_not_followed),
		WITH_FOLDER(test_after_a_crash),      WITH_FOLDER(test_at_once),
	};

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "accounts");
}
