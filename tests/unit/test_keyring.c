/* test_keyring.c - a domain's signing keys on disk; and the records that a domain should have.
 * link: admin dkim common/dns common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/dns_plan.h"

static char folder[] = "/tmp/yubin-keyring-XXXXXX";
static struct site site;

#define NOW 1795262478	/* 2026-11-21 */

static int count_files(const char *path)
{
	char command[600];
	FILE *in;
	int n = -1;

	snprintf(command, sizeof(command), "ls %s/*.pem | wc -l", path);
	in = popen(command, "r");
	assert_non_null(in);
	assert_int_equal(fscanf(in, "%d", &n), 1);
	pclose(in);
	return n;
}

static void test_life(void **state)
{
	struct keyring k, back;
	char name[KEYRING_NAME_MAX], path[PATHS_MAX + 64];
	struct error err;
	struct stat st;
	struct buf record;

	(void)state;
	assert_int_equal(keyring_read(&k, &site, "Caf\xc3\xa9.example", &err), 0);
	assert_int_equal(k.count, 0);
	assert_string_equal(k.domain, "xn--caf-dma.example");
	assert_int_equal(close(keyring_lock(&site, &err)), 0);
	assert_int_equal(keyring_make(&k, DKIM_ACTIVE, NOW, &err), 0);
	assert_int_equal(keyring_make(&k, DKIM_NEXT, NOW, &err), 0);
	assert_int_equal(keyring_write(&k, &err), 0);
	assert_int_equal(keyring_read(&back, &site, "xn--caf-dma.example", &err), 0);
	assert_int_equal(back.count, 4);
	assert_string_equal(back.entries[0].selector, "y20261121r");
	assert_string_equal(back.entries[1].selector, "y20261121e");
	assert_string_equal(back.entries[2].selector, "y20261121-2r");
	assert_int_equal(back.entries[3].algorithm, DKIM_ED25519_SHA256);
	assert_int_equal(back.entries[3].state, DKIM_NEXT);
	assert_true(keyring_has(&back, DKIM_NEXT));
	assert_false(keyring_has(&back, DKIM_OLD));
	keyring_name(&back, 0, name);
	assert_string_equal(name, "y20261121r._domainkey.xn--caf-dma.example");
	snprintf(path, sizeof(path), "%s/y20261121r.pem", back.folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_init(&record, 4096);
	assert_int_equal(keyring_record(&back, 0, &record, &err), 0);
	assert_true(span_starts(buf_span(&record), "v=DKIM1; k=rsa; p="));
	buf_clear(&record);
	keyring_drop(&back, 0);
	assert_int_equal(count_files(back.folder), 4);
	assert_int_equal(keyring_write(&back, &err), 0);
	keyring_sweep(&back);
	assert_int_equal(count_files(back.folder), 3);
	assert_int_equal(keyring_record(&k, 0, &record, &err), -ENOENT);
	for (int i = 0; i < 6; i++)
		assert_int_equal(keyring_make(&back, DKIM_OLD, NOW, &err), 0);
	assert_int_equal(keyring_make(&back, DKIM_OLD, NOW, &err), -E2BIG);
}

static void test_refused(void **state)
{
	static const char *const names[] = { "", ".", "a b", "../x", "a/b" };
	struct keyring k;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unit_case(names[i], i);
		assert_int_equal(keyring_read(&k, &site, names[i], &err), -EINVAL);
	}
}

static int note(void *arg, const struct keyring *k, struct error *err)
{
	size_t n = strlen(arg);

	(void)err;
	snprintf((char *)arg + n, 200 - n, "%s ", k->domain);
	return 0;
}

static void test_walk(void **state)
{
	char all[200] = "";
	struct error err;
	bool made;

	(void)state;
	assert_int_equal(keyring_first(&site, "b.example", &made, &err), 0);
	assert_true(made);
	assert_int_equal(keyring_first(&site, "b.example", &made, &err), 0);
	assert_false(made);
	assert_int_equal(keyring_walk(&site, note, all, &err), 0);
	assert_string_equal(all, "b.example xn--caf-dma.example ");
}

/* --- what to publish ------------------------------------------------------- */

static void make_plan(struct dns_plan *plan, struct dns_site *d)
{
	struct error err;

	*d = (struct dns_site){ .domain = "b.example", .hostname = "mail.b.example", .address_count = 2, .service_count = 1, .paper_count = 2 };
	assert_int_equal(keyring_read(&d->keys, &site, "b.example", &err), 0);
	snprintf(d->addresses[0], DNS_SITE_ADDRESS_MAX, "192.0.2.7");
	snprintf(d->addresses[1], DNS_SITE_ADDRESS_MAX, "2001:db8::7");
	d->services[0] = (struct dns_site_service){ "_imaps._tcp", 993 };
	d->papers[0].leaf = true;
	memset(d->papers[0].hash[1][1], 0xab, 32);
	assert_int_equal(dns_plan_make(plan, d, &err), 0);
}

static const char *const wanted[] = {
	"b.example. 3600 IN MX 10 mail.b.example.\n",
	"mail.b.example. 3600 IN A 192.0.2.7\n",
	"mail.b.example. 3600 IN AAAA 2001:db8::7\n",
	"; 7.2.0.192.in-addr.arpa. 3600 IN PTR mail.b.example.\n",
	"b.example. 3600 IN TXT \"v=spf1 mx ~all\"\n",
	"._domainkey.b.example. 3600 IN TXT \"v=DKIM1; k=ed25519; p=",
	"_dmarc.b.example. 3600 IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@b.example\"\n",
	"_mta-sts.b.example. 3600 IN TXT \"v=STSv1; id=",
	"; https://mta-sts.b.example/.well-known/mta-sts.txt:\n;     version: STSv1\n;     mode: enforce\n;     mx: mail.b.example\n",
	"_smtp._tls.b.example. 3600 IN TXT \"v=TLSRPTv1; rua=mailto:postmaster@b.example\"\n",
	"_25._tcp.mail.b.example. 3600 IN TLSA 3 1 1 abababababababababababababababababababababababababababababababab\n",
	"_imaps._tcp.b.example. 3600 IN SRV 0 1 993 mail.b.example.\n",
	"; autoconfig.b.example. 3600 IN CNAME mail.b.example.\n",
};

static void test_zone(void **state)
{
	struct dns_plan plan;
	struct dns_site d;
	struct buf out;
	struct span left;

	(void)state;
	make_plan(&plan, &d);
	buf_init(&out, 65536);
	dns_plan_write_zone(&plan, &d, &out);
	for (left = buf_span(&out); left.n > 0;) {
		struct span line = span_take_until(&left, '\n');
		size_t run = 0;

		/* RFC 1035 3.3: a string has 255 bytes at most */
		for (size_t i = 0; i < line.n; i++) {
			run = line.p[i] == '"' ? 0 : run + 1;
			assert_true(run <= 255 || line.p[0] == ';');
		}
	}
	buf_put_byte(&out, '\0');
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr((char *)out.p, wanted[i]) == NULL)
			fail_msg("no %s in\n%s", wanted[i], out.p);
	buf_reset(&out);
	dns_plan_write_json(&plan, &out);
	assert_non_null(memmem(out.p, out.n, "\"topic\":\"tlsa\"", 14));
	buf_reset(&out);
	dns_plan_write(&plan, &d, &out);
	assert_non_null(memmem(out.p, out.n, "  b.example.  MX\n      10 mail.b.example.\n", 41));
	assert_false(out.failed);
	buf_clear(&out);
	dns_plan_clear(&plan);
}

/* What can't be known is said, and the id hangs on the policy alone. */
static void test_unknown(void **state)
{
	struct dns_site d = { .domain = "c.example", .hostname = "mail.c.example", .smarthost = "relay.test" };
	char id[DNS_PLAN_ID], other[DNS_PLAN_ID];
	struct dns_plan plan;
	struct error err;
	struct buf out;

	(void)state;
	assert_int_equal(dns_plan_make(&plan, &d, &err), 0);
	buf_init(&out, 65536);
	dns_plan_write(&plan, &d, &out);
	buf_put_byte(&out, '\0');
	assert_non_null(strstr((char *)out.p, "can't be seen from here"));
	assert_non_null(strstr((char *)out.p, "yubin dkim new"));
	assert_non_null(strstr((char *)out.p, "all mail leaves by relay.test"));
	dns_plan_policy_id(&d, id);
	snprintf(d.hostname, sizeof(d.hostname), "mx.c.example");
	dns_plan_policy_id(&d, other);
	assert_int_equal(strlen(id), 16);
	assert_string_not_equal(id, other);
	buf_clear(&out);
	dns_plan_clear(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_life), cmocka_unit_test(test_refused), cmocka_unit_test(test_walk),
					    cmocka_unit_test(test_zone), cmocka_unit_test(test_unknown) };
	char command[100];
	struct error err;
	int rc;

	if (mkdtemp(folder) == NULL || paths_set(&site.paths, folder, &err) != 0 || mkdir(site.paths.folder[PATHS_ETC], 0700) != 0)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "keyring");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 ? 1 : rc;
}
