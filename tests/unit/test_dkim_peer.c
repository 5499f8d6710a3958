/* test_dkim_peer.c - our signatures and those of Debian's python3-dkim, each checked by the other.
 * link: tests/unit/dkim_kit.o dkim mime common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/dkim_kit.h"

static char folder[] = "/tmp/yubin-dkim-XXXXXX";

enum { NOT_THERE = 77 };

/* The exit code of the script: /usr/bin's python has Debian's packages. */
static int run_peer(const char *arguments)
{
	char command[1000];
	int status;

	snprintf(command, sizeof(command), "cd %s && timeout 60 /usr/bin/python3 \"$OLDPWD\"/tests/unit/dkim_peer.py %s", folder,
		 arguments);
	status = system(command);
	return status > 0 ? status >> 8 : status;
}

static void write_file(const char *name, struct span text)
{
	char path[200];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text.p, 1, text.n, out), text.n);
	fclose(out);
}

static void test_ours(void **state)
{
	static const char *const messages[] = {
		"From: a@example.org\r\nTo: b@example.net\r\nSubject: hello\r\n\r\nHi.\r\n",
		"FROM:  a@example.org \r\nSubject: a\r\n\t b  c\r\n\r\nHi  there \t\r\n\r\n\r\n",
		"From: a@example.org\r\nTo: b@c\r\nTo: d@e\r\n\r\n",
		"From: a@example.org\r\nX: y\r\nReferences: <1@x>\r\n <2@x>\r\n\r\n\r\n\r\n",
	};
	struct buf m;
	char dns[2000];
	int rc;

	(void)state;
	for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		char name[20];

		buf_init(&m, 65536);
		dkim_kit_sign(span_of(messages[i]), 100, &m);
		snprintf(name, sizeof(name), "our%u.eml", i);
		write_file(name, buf_span(&m));
		buf_clear(&m);
	}
	rc = snprintf(dns, sizeof(dns), "r._domainkey.example.org\t%s\n", dkim_kit_record(dkim_kit_rsa()));
	snprintf(dns + rc, sizeof(dns) - (size_t)rc, "e._domainkey.example.org\t%s\n", dkim_kit_record(dkim_kit_ed25519()));
	write_file("our.dns", span_of(dns));
	rc = run_peer("verify our.dns our?.eml");
	if (rc == NOT_THERE)
		skip();
	assert_int_equal(rc, 0);
}

static const char *record_of(struct span dns, char selector)
{
	static char record[1000];

	while (dns.n > 0) {
		struct span line = span_take_until(&dns, '\n');

		if (line.n > 2 && line.p[1] == (uint8_t)selector) {
			span_take_until(&line, '\t');
			snprintf(record, sizeof(record), "%.*s", (int)line.n, (const char *)line.p);
		}
	}
	return record;
}

static void test_theirs(void **state)
{
	struct buf dns, m;
	char path[200];
	unsigned i = 0, beyond = 0;
	int rc = run_peer("sign their.dns .");

	(void)state;
	if (rc == NOT_THERE)
		skip();
	assert_int_equal(rc, 0);
	snprintf(path, sizeof(path), "%s/their.dns", folder);
	dkim_kit_file(path, &dns);
	for (;; i++) {
		snprintf(path, sizeof(path), "%s/%u.eml", folder, i);
		if (access(path, F_OK) != 0)
			break;
		unit_case(path, i);
		dkim_kit_file(path, &m);
		bool rsa = memmem(m.p, m.n, "a=rsa-", 6) != NULL;
		struct dkim_verdict v = dkim_kit_check(buf_span(&m), 17, 0, record_of(buf_span(&dns), rsa ? 'r' : 'e'), 2000000000);
		if (v.result != DKIM_PASS)
			fail_msg("%s: %s\n%.*s", path, v.words, (int)m.n, (const char *)m.p);
		/* With l= the rest of a body is anybody's: no pass, though the hash may still fit. */
		buf_put_text(&m, "more\r\n");
		v = dkim_kit_check(buf_span(&m), 17, 0, record_of(buf_span(&dns), rsa ? 'r' : 'e'), 2000000000);
		assert_true(v.result == DKIM_FAIL || memmem(m.p, m.n, " l=", 3) != NULL);
		assert_true(v.result == DKIM_FAIL || v.result == DKIM_POLICY);
		beyond += v.result == DKIM_POLICY;
		buf_clear(&m);
	}
	assert_int_equal(i, 64);
	assert_true(beyond >= 8);
	buf_clear(&dns);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ours), cmocka_unit_test(test_theirs) };
	char command[100];
	int rc;

	if (mkdtemp(folder) == NULL)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "dkim_peer");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 ? 1 : rc;
}
