/* test_dns_judge.c - what `yubin dns check` finds, in a DNS of the test's own.
 * link: tests/unit/fake_world.o tests/unit/tls_papers.o admin dkim common/dns common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "admin/dns_judge.h"
#include "tests/unit/fake_world.h"
#include "tests/unit/tls_peer.h"

static char folder[] = "/tmp/yubin-judge-XXXXXX";
static struct dns_site site;
static char keys[2000];		/* the records of site's keys */
static char leaf[65], authority[65];	/* SHA-256 of the keys in its certificates */

#define MX   "d.test MX 10 mail.d.test\n"
#define HOST "mail.d.test A 192.0.2.7\nmail.d.test AAAA 2001:db8::7\n"
#define PTR  "7.2.0.192.in-addr.arpa PTR mail.d.test\n" \
	     "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.d.test\n"
#define SPF  "d.test TXT other=1\nd.test TXT v=spf1 mx ~all\n"
#define DMARC "_dmarc.d.test TXT v=DMARC1; p=reject; rua=mailto:a@d.test\n"
#define STS  "_mta-sts.d.test TXT v=STSv1; id=1\n"
#define PAGE "https://mta-sts.d.test/.well-known/mta-sts.txt PAGE 200 version: STSv1|mode: enforce|mx: mail.d.test|max_age: 604800|\n"
#define RPT  "_smtp._tls.d.test TXT v=TLSRPTv1; rua=mailto:a@d.test\n"
#define OUT  "out.test PORT 220 hello\n"
#define SRV  "_imaps._tcp.d.test SRV 0 1 993 mail.d.test\n_submissions._tcp.d.test SRV 0 1 465 mail.d.test\n"
#define AUTO "autoconfig.d.test CNAME web.test\nweb.test AAAA 2001:db8::9\n"
#define SETTINGS "https://autoconfig.d.test/mail/config-v1.1.xml PAGE 200 <hostname>mail.d.test</hostname>\n"
#define REST SPF DMARC STS PAGE RPT OUT SRV AUTO SETTINGS

enum { GOOD = DNS_FINDING_GOOD, ADVICE = DNS_FINDING_ADVICE, WRONG = DNS_FINDING_WRONG };

/* KEYS are the records of the site's keys, LEAF and AUTHORITY hashes for TLSA. What is looked at: the
 * first finding of the topic with that state and those words; in todo, what to do. */
static const struct {
	const char *why, *world, *topic;
	int state;
	const char *words, *todo;
} cases[] = {
	{ "all is well", MX HOST PTR REST "KEYS", "mx", GOOD, "mail for d.test comes to mail.d.test", "" },
	{ "no such domain", HOST PTR, "mx", WRONG, "d.test does not exist", "register it" },
	{ "no MX", "d.test A 192.0.2.1\n" HOST PTR, "mx", WRONG, "d.test has no MX record", "publish: d.test. MX 10 mail.d.test." },
	{ "a null MX", "d.test MX 0 .\n" HOST, "mx", WRONG, "takes no mail (null MX", "publish instead: d.test. MX" },
	{ "somebody else's host", "d.test MX 10 mx.other.test\nmx.other.test A 192.0.2.9\n" HOST, "mx", WRONG, "goes to mx.other.test, and not to mail.d.test", "publish: d.test. MX 10" },
	{ "we are a spare", MX "d.test MX 5 mx.other.test\nmx.other.test A 192.0.2.9\n" HOST, "mx", ADVICE, "others are tried before it", "lowest number" },
	{ "a host that is an alias", "d.test MX 10 mail.d.test\nmail.d.test CNAME x.test\nx.test A 192.0.2.7\n", "mx", WRONG, "is an alias (CNAME) of x.test", "name the host itself" },
	{ "a host without an address", MX, "mx", WRONG, "that name has no address", "give it an A" },
	{ "the DNS is away", "d.test FAILED\nmail.d.test FAILED\n", "dns", WRONG, "gives no answers", "Resolver" },
	{ "a forged zone", "d.test BOGUS\n" HOST, "mx", WRONG, "forged or badly signed", "sign the zone anew" },
	{ "the host", MX HOST PTR REST, "host", GOOD, "mail.d.test has 2 addresses", "" },
	{ "no host", MX, "host", WRONG, "mail.d.test (Hostname in yubin.conf) has no address", "publish: mail.d.test. A" },
	{ "the host is an alias", MX "mail.d.test CNAME x.test\nx.test A 192.0.2.7\n", "host", WRONG, "alias (CNAME) of x.test", "records of its own" },
	{ "an address of ours that it does not lead to", MX "mail.d.test A 192.0.2.8\n", "host", ADVICE, "mail may leave from 192.0.2.7", "publish: mail.d.test. A 192.0.2.7" },
	{ "the way back", MX HOST PTR, "ptr", GOOD, "192.0.2.7 leads back to mail.d.test", "" },
	{ "no way back", MX HOST, "ptr", WRONG, "192.0.2.7 has no PTR record", "ask the provider" },
	{ "back to another name", MX HOST "7.2.0.192.in-addr.arpa PTR h7.provider.test\n", "ptr", WRONG, "that name does not lead to it", "ask the provider" },
	{ "back to another name that leads here", MX HOST "7.2.0.192.in-addr.arpa PTR h7.provider.test\nh7.provider.test A 192.0.2.7\n", "ptr", ADVICE, "leads back to h7.provider.test", "better let" },
	{ "SPF", MX HOST SPF, "spf", GOOD, "lets this server send", "" },
	{ "no SPF", MX HOST "d.test TXT other=1\n", "spf", WRONG, "has no SPF record", "v=spf1 mx ~all" },
	{ "two of SPF", MX HOST SPF "d.test TXT v=spf1 -all\n", "spf", WRONG, "has 2 SPF records", "make one" },
	{ "SPF for others", MX HOST "d.test TXT v=spf1 ip4:192.0.2.200 -all\n", "spf", WRONG, "leaves from 192.0.2.7, and the SPF record of d.test forbids it", "add ip4:192.0.2.7" },
	{ "SPF for IPv4 alone", MX HOST "d.test TXT v=spf1 ip4:192.0.2.7 ~all\n", "spf", WRONG, "leaves from 2001:db8::7", "add ip6:2001:db8::7" },
	{ "SPF for everybody", MX HOST "d.test TXT v=spf1 +all\n", "spf", WRONG, "lets everybody send", "~all or -all" },
	{ "SPF without an end", MX HOST "d.test TXT v=spf1 mx\n", "spf", ADVICE, "says nothing of all others", "~all or -all" },
	{ "SPF with too much", MX HOST "d.test TXT v=spf1 a a a a a a a a a a a mx -all\n", "spf", WRONG, "more than 10 terms", "at most 10" },
	{ "SPF with macros", MX HOST "d.test TXT v=spf1 exists:%{i}.x.test ~all\n", "spf", ADVICE, "has macros", "" },
	{ "keys", MX HOST "KEYS", "dkim", GOOD, "has the key that signs", "" },
	{ "no record of a key", MX HOST, "dkim", WRONG, "there is no such record", "yubin dns records d.test" },
	{ "another key", MX HOST "KEYNAME TXT v=DKIM1; k=rsa; p=AAAA\n", "dkim", WRONG, "has another key", "all of it in one TXT" },
	{ "DMARC", MX HOST DMARC, "dmarc", GOOD, "_dmarc.d.test says p=reject", "" },
	{ "no DMARC", MX HOST, "dmarc", WRONG, "has no DMARC record", "publish: _dmarc.d.test" },
	{ "DMARC that watches", MX HOST "_dmarc.d.test TXT v=DMARC1; p=none; rua=mailto:x@y\n", "dmarc", ADVICE, "p=none only watches", "p=quarantine" },
	{ "DMARC without reports", MX HOST "_dmarc.d.test TXT v=DMARC1;p=reject\n", "dmarc", ADVICE, "nobody gets the reports", "rua=" },
	{ "DMARC without a policy", MX HOST "_dmarc.d.test TXT v=DMARC1; rua=mailto:x@y\n", "dmarc", WRONG, "is no policy", "p=none" },
	{ "two of DMARC", MX HOST DMARC DMARC, "dmarc", WRONG, "2 DMARC records", "leave one" },
	{ "a policy", MX HOST STS PAGE, "mta-sts", GOOD, "the policy is there, mode enforce", "" },
	{ "no policy", MX HOST, "mta-sts", ADVICE, "there is no MTA-STS policy", "web server" },
	{ "a policy that can't be fetched", MX HOST STS, "mta-sts", WRONG, "can't be fetched: connection refused", "take the TXT record" },
	{ "a policy that is not there", MX HOST STS "https://mta-sts.d.test/.well-known/mta-sts.txt PAGE 404 no\n", "mta-sts", WRONG, "answered with 404", "must have the text" },
	{ "a policy of another host", MX HOST STS "https://mta-sts.d.test/.well-known/mta-sts.txt PAGE 200 version: STSv1|mode: enforce|mx: x.test|max_age: 6|\n", "mta-sts", WRONG, "does not name the MX host mail.d.test", "mx: mail.d.test" },
	{ "a policy with a star", MX HOST STS "https://mta-sts.d.test/.well-known/mta-sts.txt PAGE 200 version: STSv1|mode: enforce|mx: *.d.test|max_age: 6|\n", "mta-sts", GOOD, "mode enforce", "" },
	{ "a policy that tries", MX HOST STS "https://mta-sts.d.test/.well-known/mta-sts.txt PAGE 200 version: STSv1|mode: testing|mx: *.d.test|max_age: 6|\n", "mta-sts", ADVICE, "mode testing", "mode: enforce" },
	{ "a policy that is none", MX HOST STS "https://mta-sts.d.test/.well-known/mta-sts.txt PAGE 200 <html>|\n", "mta-sts", WRONG, "can't be used", "serve the text" },
	{ "reports of TLS", MX HOST RPT, "tlsrpt", GOOD, "others tell how TLS went", "" },
	{ "nobody tells", MX HOST, "tlsrpt", ADVICE, "nobody asks others", "publish: _smtp._tls.d.test" },
	{ "no TLSA", MX HOST, "tlsa", ADVICE, "has no TLSA record; it would count in a signed zone", "DNSSEC" },
	{ "no TLSA in a signed zone", "secure\n" MX HOST, "tlsa", ADVICE, "though its zone is signed", "yubin dns records d.test" },
	{ "TLSA", "secure\n" MX HOST "_25._tcp.mail.d.test TLSA 3 1 1 LEAF\n", "tlsa", GOOD, "names the certificates of port 25", "" },
	{ "TLSA of the authority", "secure\n" MX HOST "_25._tcp.mail.d.test TLSA 2 1 1 AUTHORITY\n", "tlsa", GOOD, "names the certificates of port 25", "" },
	{ "TLSA of the authority as the server's", "secure\n" MX HOST "_25._tcp.mail.d.test TLSA 3 1 1 AUTHORITY\n", "tlsa", WRONG, "none is of a certificate that port 25 shows", "at once" },
	{ "TLSA of another", "secure\n" MX HOST "_25._tcp.mail.d.test TLSA 3 1 1 00\n", "tlsa", WRONG, "bring no mail", "at once" },
	{ "TLSA of a next one", "secure\n" MX HOST "_25._tcp.mail.d.test TLSA 3 1 1 LEAF\n_25._tcp.mail.d.test TLSA 3 1 1 00\n", "tlsa", ADVICE, "1 of the TLSA records are of no certificate in use", "next" },
	{ "TLSA in a zone without signatures", MX HOST "_25._tcp.mail.d.test TLSA 3 1 1 LEAF\n", "tlsa", ADVICE, "nobody uses them", "sign the zone" },
	{ "ports", MX HOST SRV, "srv", GOOD, "find _submissions._tcp, _imaps._tcp", "" },
	{ "no ports", MX HOST, "srv", ADVICE, "no SRV record for _submissions._tcp, _imaps._tcp", "yubin dns records d.test" },
	{ "one of the ports", MX HOST "_imaps._tcp.d.test SRV 0 1 993 mail.d.test\n", "srv", ADVICE, "no SRV record for _submissions._tcp:", "publish" },
	{ "another port", MX HOST "_imaps._tcp.d.test SRV 0 1 143 mail.d.test\n", "srv", WRONG, "another port of mail.d.test than 993", "SRV 0 1 993 mail.d.test." },
	{ "another port beside the right one", MX HOST "_imaps._tcp.d.test SRV 0 1 143 mail.d.test\n_imaps._tcp.d.test SRV 9 1 993 mail.d.test\n", "srv", GOOD, "find _imaps._tcp", "" },
	{ "ports of another host", MX HOST "_imaps._tcp.d.test SRV 0 1 993 imap.other.test\n", "srv", ADVICE, "to imap.other.test port 993, not here", "SRV 0 1 993 mail.d.test." },
	{ "no such service", MX HOST "_imaps._tcp.d.test SRV 0 0 0 .\n", "srv", WRONG, "says that there is no such service", "SRV 0 1 993 mail.d.test." },
	{ "ports without an answer", MX HOST "_imaps._tcp.d.test BOGUS\n", "srv", WRONG, "forged or badly signed", "sign the zone anew" },
	{ "settings", MX HOST AUTO SETTINGS, "autoconfig", GOOD, "config-v1.1.xml names mail.d.test", "" },
	{ "no settings", MX HOST, "autoconfig", ADVICE, "autoconfig.d.test is not there", "web server" },
	{ "settings that can't be fetched", MX HOST AUTO, "autoconfig", ADVICE, "can't be fetched: connection refused", "of no use" },
	{ "settings that are not there", MX HOST AUTO "https://autoconfig.d.test/mail/config-v1.1.xml PAGE 404 no\n", "autoconfig", ADVICE, "answered with 404", "of no use" },
	{ "settings of another server", MX HOST AUTO "https://autoconfig.d.test/mail/config-v1.1.xml PAGE 200 imap.other.test\n", "autoconfig", WRONG, "does not name mail.d.test", "take autoconfig.d.test out" },
	{ "out", MX HOST OUT, "port25", GOOD, "out.test answers", "" },
	{ "no way out", MX HOST, "port25", WRONG, "can't be reached: connection timed out", "block port 25" },
	{ "somebody between", MX HOST "out.test PORT 554 blocked\n", "port25", WRONG, "but not by its mail server: \"554 blocked\"", "smarthost" },
};

static void put(char **to, const char *text)
{
	size_t n = strlen(text);

	memcpy(*to, text, n);
	*to += n;
}

/* The row's world with its words replaced. */
static const char *fill(const char *in)
{
	static char out[8000];
	char first[KEYRING_NAME_MAX], *to = out;
	const struct {
		const char *word, *text;
	} words[] = { { "KEYS", keys }, { "KEYNAME", first }, { "LEAF", leaf }, { "AUTHORITY", authority } };

	keyring_name(&site.keys, 0, first);
	while (*in != '\0') {
		size_t i = 0;

		while (i < 4 && strncmp(in, words[i].word, strlen(words[i].word)) != 0)
			i++;
		if (i == 4) {
			*to++ = *in++;
			continue;
		}
		put(&to, words[i].text);
		in += strlen(words[i].word);
	}
	*to = '\0';
	return out;
}

static void judge(struct dns_judge *j, const char *world)
{
	*j = (struct dns_judge){ .site = &site, .look = fake_world(world) };
	dns_judge_all(j);
	dns_judge_port25(j, "out.test");
	fake_world_free(j->look);
}

static void test_findings(void **state)
{
	static struct dns_judge j;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct dns_finding *f = NULL;
		char all[20000] = "";

		unit_case(cases[i].why, i);
		judge(&j, fill(cases[i].world));
		for (size_t k = 0; k < j.count; k++) {
			size_t n = strlen(all);

			if (f == NULL && strcmp(j.findings[k].topic, cases[i].topic) == 0 && (int)j.findings[k].state == cases[i].state &&
			    strstr(j.findings[k].words, cases[i].words) != NULL)
				f = &j.findings[k];
			snprintf(all + n, sizeof(all) - n, "%d %s: %s -> %s\n", (int)j.findings[k].state, j.findings[k].topic, j.findings[k].words,
				 j.findings[k].todo);
		}
		if (f == NULL || strstr(f->todo, cases[i].todo) == NULL)
			fail_msg("%s: no such finding in\n%s", cases[i].why, all);
	}
}

/* Nothing is wrong where all is as it should be, and the second certificate counts too. */
static void test_well(void **state)
{
	static struct dns_judge j;

	(void)state;
	judge(&j, fill("secure\n" MX HOST PTR REST "KEYS_25._tcp.mail.d.test TLSA 3 1 1 LEAF\n"));
	for (size_t i = 0; i < j.count; i++)
		if (j.findings[i].state != DNS_FINDING_GOOD)
			fail_msg("%s: %s", j.findings[i].topic, j.findings[i].words);
	assert_int_equal(j.count, 14);
	site.papers[site.paper_count] = site.papers[0];
	site.papers[site.paper_count++].hash[1][1][0] ^= 1;
	judge(&j, fill("secure\n" MX HOST PTR REST "KEYS_25._tcp.mail.d.test TLSA 3 1 1 LEAF\n"));
	site.paper_count--;
	assert_int_equal(j.findings[j.count - 4].state, DNS_FINDING_WRONG);
	assert_non_null(strstr(j.findings[j.count - 4].words, "has 2 certificates, and 1 of them has no TLSA record"));
}

/* With a smarthost neither port 25 nor our own addresses matter. */
static void test_smarthost(void **state)
{
	static struct dns_judge j;

	(void)state;
	snprintf(site.smarthost, sizeof(site.smarthost), "relay.test");
	judge(&j, MX HOST PTR "d.test TXT v=spf1 include:relay.test -all\nrelay.test TXT v=spf1 ip4:192.0.2.99 -all\n");
	site.smarthost[0] = '\0';
	for (size_t i = 0; i < j.count; i++) {
		if (strcmp(j.findings[i].topic, "spf") == 0)
			assert_int_equal(j.findings[i].state, DNS_FINDING_ADVICE);
		if (strcmp(j.findings[i].topic, "port25") == 0)
			assert_int_equal(j.findings[i].state, DNS_FINDING_GOOD);
	}
}

static void test_public(void **state)
{
	static const struct {
		const char *address;
		bool is;
	} rows[] = { { "192.0.2.7", true },   { "10.0.0.1", false },	  { "172.15.0.1", true },  { "172.16.0.1", false }, { "172.31.255.255", false },
		     { "172.32.0.1", true }, { "192.168.1.1", false }, { "127.0.0.1", false }, { "169.254.1.1", false }, { "100.64.0.1", false },
		     { "2001:db8::1", true }, { "fe80::1", false },	  { "fd00::1", false },	   { "::1", false },	     { "hello", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].address, i);
		assert_int_equal(dns_site_is_public(rows[i].address), rows[i].is);
	}
}

/* --- the site -------------------------------------------------------------- */

static void hex(char out[65], const uint8_t *bytes)
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void make_keys(void)
{
	struct error err;
	struct site s = { .root = false };
	bool made;

	assert_int_equal(paths_set(&s.paths, folder, &err), 0);
	assert_int_equal(mkdir(s.paths.folder[PATHS_ETC], 0700), 0);
	assert_int_equal(keyring_first(&s, "D.test", &made, &err), 0);
	assert_true(made);
	assert_int_equal(keyring_read(&site.keys, &s, "d.test", &err), 0);
	for (size_t i = 0; i < site.keys.count; i++) {
		char name[KEYRING_NAME_MAX];
		struct buf record;
		size_t n = strlen(keys);

		buf_init(&record, 4096);
		keyring_name(&site.keys, i, name);
		assert_int_equal(keyring_record(&site.keys, i, &record, &err), 0);
		snprintf(keys + n, sizeof(keys) - n, "%s TXT %.*s\n", name, (int)record.n, (const char *)record.p);
		buf_clear(&record);
	}
}

static int make_site(void **state)
{
	struct peer_pair pair = peer_signed("P-256", "SHA256", "mail.d.test", peer_ca(), -1, 90);
	char chain[16384];

	(void)state;
	snprintf(site.domain, sizeof(site.domain), "d.test");
	snprintf(site.hostname, sizeof(site.hostname), "mail.d.test");
	snprintf(site.addresses[site.address_count++], DNS_SITE_ADDRESS_MAX, "192.0.2.7");
	site.services[site.service_count++] = (struct dns_site_service){ "_submissions._tcp", 465 };
	site.services[site.service_count++] = (struct dns_site_service){ "_imaps._tcp", 993 };
	make_keys();
	snprintf(chain, sizeof(chain), "%.*s%.*s", (int)pair.certificate.n, (const char *)pair.certificate.p,
		 (int)peer_ca().certificate.n, (const char *)peer_ca().certificate.p);
	dns_site_papers(&site, span_of(chain));
	assert_int_equal(site.paper_count, 2);
	dns_site_papers(&site, span_of(chain));
	assert_int_equal(site.paper_count, 2);
	hex(leaf, site.papers[0].hash[1][1]);
	hex(authority, site.papers[1].hash[1][1]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(test_findings, make_site), cmocka_unit_test(test_well),
					    cmocka_unit_test(test_smarthost), cmocka_unit_test(test_public) };
	char command[100];
	int rc;

	if (mkdtemp(folder) == NULL)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "dns_judge");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 ? 1 : rc;
}
