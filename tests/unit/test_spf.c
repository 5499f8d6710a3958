/* test_spf.c - which addresses an SPF record lets send.
 * link: tests/unit/fake_world.o admin common/base */
#include "tests/unit/unit.h"

#include "admin/spf.h"
#include "tests/unit/fake_world.h"

#define HOSTS "d MX 10 m\nm A 192.0.2.7\nm AAAA 2001:db8::7\nw A 192.0.2.80\n"

static const struct {
	const char *why, *world, *address;
	enum spf_result want;
} cases[] = {
	{ "no record", "d TXT hello\n", "192.0.2.7", SPF_NONE },
	{ "no domain", "", "192.0.2.7", SPF_NONE },
	{ "mx", "d TXT v=spf1 mx -all\n" HOSTS, "192.0.2.7", SPF_PASS },
	{ "mx, IPv6", "d TXT v=spf1 mx -all\n" HOSTS, "2001:db8::7", SPF_PASS },
	{ "mx, another", "d TXT v=spf1 mx -all\n" HOSTS, "192.0.2.8", SPF_FAIL },
	{ "mx, by network", "d TXT v=spf1 mx/24 -all\n" HOSTS, "192.0.2.8", SPF_PASS },
	{ "mx, by networks", "d TXT v=spf1 mx/32//64 -all\n" HOSTS, "2001:db8::9", SPF_PASS },
	{ "mx of another domain", "e TXT v=spf1 mx:d ~all\n" HOSTS "d TXT v=spf1 include:e -all\n", "192.0.2.7", SPF_PASS },
	{ "a", "d TXT v=spf1 a:w ?all\n" HOSTS, "192.0.2.80", SPF_PASS },
	{ "neutral", "d TXT v=spf1 a:w ?all\n" HOSTS, "192.0.2.81", SPF_NEUTRAL },
	{ "softfail", "d TXT v=spf1 a:w ~all\n" HOSTS, "192.0.2.81", SPF_SOFTFAIL },
	{ "ip4", "d TXT v=spf1 ip4:192.0.2.0/28 -all\n", "192.0.2.15", SPF_PASS },
	{ "ip4, one further", "d TXT v=spf1 ip4:192.0.2.0/28 -all\n", "192.0.2.16", SPF_FAIL },
	{ "ip4 without a network", "d TXT v=spf1 ip4:192.0.2.5 -all\n", "192.0.2.5", SPF_PASS },
	{ "ip6", "d TXT v=spf1 ip6:2001:db8::/32 -all\n", "2001:db8:1::1", SPF_PASS },
	{ "ip6 is not for IPv4", "d TXT v=spf1 ip6:::/0 -all\n", "192.0.2.5", SPF_FAIL },
	{ "everybody", "d TXT v=spf1 +all\n", "240.0.0.1", SPF_PASS },
	{ "everybody, without a sign", "d TXT v=spf1 all\n", "240.0.0.1", SPF_PASS },
	{ "the first that matches", "d TXT v=spf1 -ip4:192.0.2.5 ip4:192.0.2.0/24 -all\n", "192.0.2.5", SPF_FAIL },
	{ "an include that fails does not", "d TXT v=spf1 include:e ip4:192.0.2.5 -all\ne TXT v=spf1 -all\n", "192.0.2.5", SPF_PASS },
	{ "an include of nothing", "d TXT v=spf1 include:e -all\n", "192.0.2.5", SPF_PERMERROR },
	{ "redirect", "d TXT v=spf1 redirect=e\ne TXT v=spf1 ip4:192.0.2.5 -all\n", "192.0.2.5", SPF_PASS },
	{ "redirect of nothing", "d TXT v=spf1 redirect=e\n", "192.0.2.5", SPF_PERMERROR },
	{ "no all", "d TXT v=spf1 ip4:192.0.2.4\n", "192.0.2.5", SPF_NEUTRAL },
	{ "two records", "d TXT v=spf1 -all\nd TXT v=spf1 +all\n", "192.0.2.5", SPF_PERMERROR },
	{ "v=spf10 is none", "d TXT v=spf10 +all\n", "192.0.2.5", SPF_NONE },
	{ "capitals", "d TXT V=SPF1 IP4:192.0.2.5 -ALL\n", "192.0.2.5", SPF_PASS },
	{ "spaces", "d TXT v=spf1   ip4:192.0.2.5   -all  \n", "192.0.2.5", SPF_PASS },
	{ "a term of nobody's", "d TXT v=spf1 ip5:192.0.2.5 -all\n", "192.0.2.5", SPF_PERMERROR },
	{ "an address that is none", "d TXT v=spf1 ip4:192.0.2 -all\n", "192.0.2.5", SPF_PERMERROR },
	{ "bits that are none", "d TXT v=spf1 ip4:192.0.2.0/33 -all\n", "192.0.2.5", SPF_PERMERROR },
	{ "a modifier of nobody's", "d TXT v=spf1 what=ever exp=e ip4:192.0.2.5 -all\n", "192.0.2.5", SPF_PASS },
	{ "macros are passed over", "d TXT v=spf1 exists:%{i}.e ip4:192.0.2.5 -all\n", "192.0.2.5", SPF_PASS },
	{ "ptr never matches", "d TXT v=spf1 ptr -all\n", "192.0.2.5", SPF_FAIL },
	{ "ten that ask", "d TXT v=spf1 a a a a a a a a a a ip4:192.0.2.5 -all\n", "192.0.2.5", SPF_PASS },
	{ "eleven", "d TXT v=spf1 a a a a a a a a a a a ip4:192.0.2.5 -all\n", "192.0.2.5", SPF_PERMERROR },
	{ "round in circles", "d TXT v=spf1 include:e -all\ne TXT v=spf1 include:d -all\n", "192.0.2.5", SPF_PERMERROR },
	{ "the DNS is away", "d FAILED\n", "192.0.2.5", SPF_TEMPERROR },
};

static void test_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spf s = { .look = fake_world(cases[i].world) };
		enum spf_result result = spf_check(&s, "d", cases[i].address);

		unit_case(cases[i].why, i);
		if (result != cases[i].want)
			fail_msg("%s: %d %s", cases[i].why, result, s.words);
		assert_int_equal(s.macros, strchr(cases[i].world, '%') != NULL);
		fake_world_free(s.look);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

	return unit_run(tests, 1, "spf");
}
