/* test_srs.c - senders rewritten and found again; forged and old ones are not.
 * link: auth common/base */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "auth/srs.h"

static const struct srs_keys keys = { .keys = { "a key for a test", "the one before it" }, .count = 2 };
static const struct srs_keys newer = { .keys = { "a newer key", "a key for a test" }, .count = 2 };
static const struct srs_keys newest = { .keys = { "the newest key", "a newer key" }, .count = 2 };

enum { DAY = 20779 };

#define FORTY "0123456789012345678901234567890123456789"

/* Rewritten, and led back: the same but for needless quotes. */
static const struct {
	const char *why, *sender, *shape; /* shape: SRS address with hash and stamp as * */
	const char *back;
} senders[] = {
	{ "an ordinary one", "Bob@b.test", "SRS0=****=**=b.test=Bob@ours.test", "Bob@b.test" },
	{ "signs of SRS in the name", "a=b+c-d@b.test", "SRS0=****=**=b.test=a=b+c-d@ours.test", "a=b+c-d@b.test" },
	{ "quotes", "\"a b\"@b.test", "\"SRS0=****=**=b.test=a b\"@ours.test", "\"a b\"@b.test" },
	{ "needless quotes", "\"ab\"@b.test", "SRS0=****=**=b.test=ab@ours.test", "ab@b.test" },
	{ "an at sign and a quote inside", "\"a@\\\"b\"@b.test", "\"SRS0=****=**=b.test=a@\\\"b\"@ours.test",
	  "\"a@\\\"b\"@b.test" },
	{ "a dot at the end", "\"a.\"@b.test", "\"SRS0=****=**=b.test=a.\"@ours.test", "\"a.\"@b.test" },
	{ "an address literal", "a@[192.0.2.1]", "\"SRS0=****=**=[192.0.2.1]=a\"@ours.test", "a@[192.0.2.1]" },
	{ "UTF-8", "\xc3\xa4@b\xc3\xbc.test", "SRS0=****=**=b\xc3\xbc.test=\xc3\xa4@ours.test", "\xc3\xa4@b\xc3\xbc.test" },
	{ "SRS0 of another", "SRS0=abcd=XY=c.test=bob@b.test", "SRS1=****=b.test==abcd=XY=c.test=bob@ours.test",
	  "SRS0=abcd=XY=c.test=bob@b.test" },
	{ "SRS0 of another with a plus", "srs0+abcd=XY=c.test=bob@b.test",
	  "SRS1=****=b.test=+abcd=XY=c.test=bob@ours.test", "SRS0+abcd=XY=c.test=bob@b.test" },
	{ "SRS1 of another: no longer than before", "SRS1=zz=b.test==abcd=XY=c.test=bob@d.test",
	  "SRS1=****=b.test==abcd=XY=c.test=bob@ours.test", "SRS0=abcd=XY=c.test=bob@b.test" },
	{ "SRS1 that is broken is a name", "SRS1=zz@d.test", "SRS0=****=**=d.test=SRS1=zz@ours.test", "SRS1=zz@d.test" },
	{ "as long as can be", FORTY "01234@x", "SRS0=****=**=x=" FORTY "01234@ours.test", FORTY "01234@x" },
	{ "a byte more", FORTY "0123456789@x", NULL, NULL },
	{ "no address", "bob", NULL, NULL },
	{ "no user", "@b.test", NULL, NULL },
	{ "no domain", "bob@", NULL, NULL },
	{ "an equals sign in the domain", "bob@b=c.test", NULL, NULL },
	{ "a control character", "b\tb@b.test", NULL, NULL },
	{ "one in the domain", "bob@b\t.test", NULL, NULL },
	{ "an at sign in the domain of another's SRS1", "\"SRS1=zz=b@c==abcd\"@d.test",
	  "\"SRS0=****=**=d.test=SRS1=zz=b@c==abcd\"@ours.test", "\"SRS1=zz=b@c==abcd\"@d.test" },
	{ "a quote that ends in a backslash", "\"a\\\"@b.test", NULL, NULL },
	{ "nothing", "", NULL, NULL },
};

static bool has_shape(const char *address, const char *shape)
{
	size_t n = strlen(shape);

	for (size_t i = 0; i < n && address[i] != '\0'; i++)
		if (shape[i] != '*' && shape[i] != address[i])
			return false;
	return strlen(address) == n;
}

static void test_senders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		char address[SRS_ADDRESS_MAX], back[SRS_ADDRESS_MAX];

		unit_case(senders[i].why, 0);
		assert_int_equal(srs_forward(address, &keys, span_of(senders[i].sender), "ours.test", DAY),
				 senders[i].shape != NULL ? SRS_OK : SRS_UNFIT);
		if (senders[i].shape == NULL) {
			assert_string_equal(address, "");
			continue;
		}
		assert_true(has_shape(address, senders[i].shape));
		assert_int_equal(srs_reverse(back, &keys, span_of(address), DAY + 1), SRS_OK);
		assert_string_equal(back, senders[i].back);
	}
}

/* One byte of any part changed, or cut off: nobody's any more. */
static void test_forged(void **state)
{
	static const char *const made[] = { "bob@b.test", "SRS0=abcd=XY=c.test=bob@b.test" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char address[SRS_ADDRESS_MAX], out[SRS_ADDRESS_MAX];
		size_t end;

		assert_int_equal(srs_forward(address, &keys, span_of(made[i]), "ours.test", DAY), SRS_OK);
		end = (size_t)(strchr(address, '@') - address);
		for (size_t k = 5; k < end; k++) {
			char was = address[k];

			unit_case(address, k);
			address[k] = was == 'Q' || was == 'q' ? 'R' : 'Q';
			assert_int_equal(srs_reverse(out, &keys, span_of(address), DAY), SRS_FORGED);
			assert_string_equal(out, "");
			address[k] = was;
		}
		for (size_t k = 6; k < end; k++) {
			char cut[SRS_ADDRESS_MAX];

			unit_case(address, k);
			snprintf(cut, sizeof(cut), "%.*s@ours.test", (int)k, address);
			assert_int_equal(srs_reverse(out, &keys, span_of(cut), DAY), SRS_FORGED);
		}
	}
}

static void test_case(void **state)
{
	char address[SRS_ADDRESS_MAX], out[SRS_ADDRESS_MAX];

	(void)state;
	assert_int_equal(srs_forward(address, &keys, span_of("Bob@b.test"), "ours.test", DAY), SRS_OK);
	for (char *c = address; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	assert_int_equal(srs_reverse(out, &keys, span_of(address), DAY), SRS_OK);
	assert_string_equal(out, "bob@b.test");
}

static const struct {
	const char *why;
	uint64_t made, seen;
	enum srs_status want;
} ages[] = {
	{ "the same day", DAY, DAY, SRS_OK },
	{ "the last day", DAY, DAY + SRS_DAYS - 1, SRS_OK },
	{ "a day later", DAY, DAY + SRS_DAYS, SRS_FORGED },
	{ "from tomorrow", DAY + 1, DAY, SRS_FORGED },
	{ "over the end of the stamps", 1023, 1024 + 3, SRS_OK },
};

static void test_ages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		char address[SRS_ADDRESS_MAX], out[SRS_ADDRESS_MAX];

		unit_case(ages[i].why, 0);
		assert_int_equal(srs_forward(address, &keys, span_of("bob@b.test"), "ours.test", ages[i].made), SRS_OK);
		assert_int_equal(srs_reverse(out, &keys, span_of(address), ages[i].seen), ages[i].want);
	}
}

static void test_keys(void **state)
{
	const struct srs_keys none = { .count = 0 };
	char address[SRS_ADDRESS_MAX], out[SRS_ADDRESS_MAX];

	(void)state;
	assert_int_equal(srs_forward(address, &none, span_of("bob@b.test"), "ours.test", DAY), SRS_UNFIT);
	assert_int_equal(srs_forward(address, &keys, span_of("bob@b.test"), "ours.test", DAY), SRS_OK);
	assert_int_equal(srs_reverse(out, &newer, span_of(address), DAY), SRS_OK);
	assert_int_equal(srs_reverse(out, &newest, span_of(address), DAY), SRS_FORGED);
	assert_int_equal(srs_reverse(out, &none, span_of(address), DAY), SRS_FORGED);
}

static void test_not_srs(void **state)
{
	static const char *const others[] = { "bob@ours.test", "SRS@ours.test", "SRS0@ours.test", "SRS0=@ours.test",
					      "SRS2=abcd=XY=b.test=bob@ours.test", "SRS0_abcd=XY=b=c@ours.test", "", "@" };
	char out[SRS_ADDRESS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		unit_case(others[i], 0);
		assert_int_equal(srs_reverse(out, &keys, span_of(others[i]), DAY), SRS_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_senders), cmocka_unit_test(test_forged),
					    cmocka_unit_test(test_case),    cmocka_unit_test(test_ages),
					    cmocka_unit_test(test_keys),    cmocka_unit_test(test_not_srs) };

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "srs");
}
