/* test_dkim.c - messages signed and checked: other people's, and our own, whole and changed.
 * link: tests/unit/dkim_kit.o dkim mime common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/dkim_kit.h"

#define NOW 1795262478

/* --- other people's messages ----------------------------------------------- */

static const struct {
	const char *file;
	size_t signature;
	enum dkim_result want;
	const char *domain, *words;
} vectors[] = {
	{ "rfc6376.signed.msg", 0, DKIM_PASS, "football.example.com", "" },
	{ "rfc6376.signed.msg", 1, DKIM_PASS, "football.example.com", "" },
	{ "rfc8463.eml", 0, DKIM_PASS, "football.example.com", "" },
	{ "rfc8463.eml", 1, DKIM_PASS, "football.example.com", "" },
	{ "test2.message", 0, DKIM_PASS, "gmail.com", "" },
	{ "ed25519test2.msg", 0, DKIM_PASS, "test.ex", "" },
	{ "test.message.baddomain", 0, DKIM_PERMERROR, "", "is no name" },
};

/* The record in tests/vectors/dkim/dns; NULL if there is none. Holds until the next call. */
static const char *published(const char *name)
{
	static char record[1024];
	const char *found = NULL;
	struct span left;
	struct buf text;

	dkim_kit_file("tests/vectors/dkim/dns", &text);
	for (left = buf_span(&text); left.n > 0 && found == NULL;) {
		struct span line = span_take_until(&left, '\n');

		if (!span_is(span_take_until(&line, '\t'), name))
			continue;
		snprintf(record, sizeof(record), "%.*s", (int)line.n, (const char *)line.p);
		found = record;
	}
	buf_clear(&text);
	return found;
}

static const char *asked_for(struct span message, size_t i)
{
	static char name[600];
	struct dkim_verifier *v;
	struct error err;

	assert_int_equal(dkim_verifier_new(&v, &err), 0);
	assert_int_equal(dkim_verifier_feed(v, message), 0);
	assert_true(i < dkim_verifier_end(v));
	snprintf(name, sizeof(name), "%s", dkim_verifier_query(v, i));
	dkim_verifier_free(v);
	return name;
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct dkim_verdict verdict;
		char path[100];
		struct buf m;

		unit_case(vectors[i].file, vectors[i].signature);
		snprintf(path, sizeof(path), "tests/vectors/dkim/%s", vectors[i].file);
		dkim_kit_file(path, &m);
		for (size_t piece = 1; piece < m.n; piece += piece < 40 ? 1 : 97) {
			verdict = dkim_kit_check(buf_span(&m), piece, vectors[i].signature,
						 published(asked_for(buf_span(&m), vectors[i].signature)), NOW);
			assert_string_equal(verdict.domain, vectors[i].domain);
			assert_non_null(strstr(verdict.words, vectors[i].words));
			assert_int_equal(verdict.result, vectors[i].want);
		}
		buf_clear(&m);
	}
}

/* --- our own --------------------------------------------------------------- */

static const struct {
	const char *why, *message;
} ours[] = {
	{ "a plain message", "From: a@example.org\r\nTo: b@example.net\r\nSubject: hello\r\n\r\nHi.\r\n" },
	{ "folds, spaces, capitals", "FROM :  a@example.org \r\nSubject: a\r\n\t b  c\r\n \r\n\r\nHi  there \t\r\n\r\n\r\n" },
	{ "no body", "From: a@example.org\r\n\r\n" },
	{ "no blank line either", "From: a@example.org\r\n" },
	{ "nor a line end", "From: a@example.org" },
	{ "a body of empty lines", "From: a@example.org\r\n\r\n\r\n\r\n \r\n" },
	{ "a body without its last line end", "From: a@example.org\r\n\r\nHi" },
	{ "lines that end in LF, CR or both", "From: a@example.org\nSubject: x\r\n\nHi\rho\n\r\nend\n" },
	{ "two of a kind", "To: a@b\r\nTo: c@d\r\nFrom: a@example.org\r\nSubject: x\r\nSubject: y\r\n\r\nHi\r\n" },
	{ "bytes above 127, and NUL's neighbours", "From: \xe9t\xc3\xa9@example.org\r\n\r\n\x01\x80\xff\r\n" },
	{ "a line that is no field", "From: a@example.org\r\nwhat is this\r\n\r\nHi\r\n" },
};

static void test_round(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		size_t n = strlen(ours[i].message);

		for (size_t piece = 1; piece <= n; piece += n > 40 ? 7 : 1) {
			struct buf m;

			unit_case(ours[i].why, piece);
			buf_init(&m, 65536);
			dkim_kit_sign(span_of(ours[i].message), piece, &m);
			assert_int_equal(dkim_kit_check(buf_span(&m), m.n, 0, dkim_kit_record(dkim_kit_rsa()), NOW).result, DKIM_PASS);
			assert_int_equal(dkim_kit_check(buf_span(&m), 3, 1, dkim_kit_record(dkim_kit_ed25519()), NOW).result, DKIM_PASS);
			buf_clear(&m);
		}
	}
}

/* What stands in the signed message is replaced by something else. */
static const struct {
	const char *why, *from, *to;
	enum dkim_result want;
	const char *words;
} changes[] = {
	{ "nothing", "x@y", "x@y", DKIM_PASS, "" },
	{ "a word of the body", "dear", "deaf", DKIM_FAIL, "the body was changed" },
	{ "a line at the end", "Bye.\r\n", "Bye.\r\nNo\r\n", DKIM_FAIL, "the body was changed" },
	{ "empty lines at the end", "Bye.\r\n", "Bye.  \r\n\r\n\r\n", DKIM_PASS, "" },
	{ "white space within a line", "my dear", "my \t dear ", DKIM_PASS, "" },
	{ "white space where there was none", "my dear", "m y dear", DKIM_FAIL, "the body was changed" },
	{ "the subject", "Subject: old", "Subject: new", DKIM_FAIL, "does not fit the header" },
	{ "the subject's folding", "Subject: old news", "SUBJECT:old\r\n  news  ", DKIM_PASS, "" },
	{ "one more From", "Subject: old", "From: c@d\r\nSubject: old", DKIM_FAIL, "does not fit the header" },
	{ "one more Subject in front", "From: a@", "Subject: x\r\nFrom: a@", DKIM_FAIL, "does not fit the header" },
	{ "a field that is not signed", "Subject: old", "X-Seen: yes\r\nSubject: old", DKIM_PASS, "" },
	{ "a Cc where there was none", "Subject: old", "Cc: c@d\r\nSubject: old", DKIM_PASS, "" },
	{ "the version", "v=1;", "v=2;", DKIM_PERMERROR, "v=" },
	{ "a tag twice", "v=1;", "v=1; v=1;", DKIM_PERMERROR, "twice" },
	{ "no list of tags", "v=1;", "v;", DKIM_PERMERROR, "no list of tags" },
	{ "SHA-1", "a=rsa-sha256", "a=rsa-sha1", DKIM_POLICY, "rsa-sha1" },
	{ "an algorithm of nobody's", "a=rsa-sha256", "a=rsa-sha512", DKIM_PERMERROR, "a=" },
	{ "the other algorithm", "a=rsa-sha256", "a=ed25519-sha256", DKIM_PERMERROR, "of another kind" },
	{ "the selector", "s=r;", "s=q;", DKIM_FAIL, "does not fit the header" },
	{ "a selector that is none", "s=r;", "s=r..x;", DKIM_PERMERROR, "is no name" },
	{ "a tag that nobody knows", "v=1;", "v=1; zz=1;", DKIM_FAIL, "does not fit" },
	{ "expired", "v=1;", "v=1; x=1795262479;", DKIM_FAIL, "expired" },
	{ "expired before it was made", "v=1;", "v=1; x=5;", DKIM_PERMERROR, "expires before" },
	{ "not yet expired", "v=1;", "v=1; x=1795262481;", DKIM_FAIL, "does not fit" },
	{ "From is not signed", "h=From:From:", "h=", DKIM_PERMERROR, "From is not signed" },
	{ "an identity elsewhere", "v=1;", "v=1; i=@example.com;", DKIM_PERMERROR, "i=" },
	{ "an identity whose end looks like it", "v=1;", "v=1; i=@anexample.org;", DKIM_PERMERROR, "i=" },
	{ "an identity below it", "v=1;", "v=1; i=x@mail.example.org;", DKIM_FAIL, "does not fit" },
	{ "a canonical form of nobody's", "relaxed/relaxed", "relaxed/loose", DKIM_PERMERROR, "c=" },
	{ "no key in DNS", "v=1;", "v=1; q=http;", DKIM_PERMERROR, "q=" },
	{ "a hash that is none", "bh=", "bh=%", DKIM_PERMERROR, "bh=" },
	{ "a body that was longer", "v=1;", "v=1; l=1000;", DKIM_FAIL, "shorter" },
};

static void replace(struct buf *m, const char *from, const char *to)
{
	uint8_t *at = memmem(m->p, m->n, from, strlen(from));
	struct buf out;

	assert_non_null(at);
	buf_init(&out, 65536);
	buf_put(&out, (struct span){ m->p, (size_t)(at - m->p) });
	buf_put_text(&out, to);
	buf_put(&out, (struct span){ at + strlen(from), (size_t)(m->p + m->n - at) - strlen(from) });
	buf_clear(m);
	*m = out;
}

static void test_changes(void **state)
{
	static const char message[] = "From: a@example.org\r\nTo: x@y\r\nSubject: old news\r\n\r\nGood day, my dear\r\n\r\nBye.\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct dkim_verdict verdict;
		struct buf m;

		unit_case(changes[i].why, i);
		buf_init(&m, 65536);
		dkim_kit_sign(span_of(message), 1000, &m);
		replace(&m, changes[i].from, changes[i].to);
		verdict = dkim_kit_check(buf_span(&m), m.n, 0, dkim_kit_record(dkim_kit_rsa()), NOW + 2);
		if (verdict.result != changes[i].want || strstr(verdict.words, changes[i].words) == NULL)
			fail_msg("%s: %d, %s", changes[i].why, verdict.result, verdict.words);
		buf_clear(&m);
	}
}

/* --- keys in DNS ----------------------------------------------------------- */

/* KEY in a record is what is published for the key. */
static const struct {
	const char *why, *record;
	enum dkim_result want;
	const char *words;
} records[] = {
	{ "as it is", "v=DKIM1; k=rsa; p=KEY", DKIM_PASS, "" },
	{ "the shortest", "p=KEY", DKIM_PASS, "" },
	{ "all of it", "v=DKIM1; h=sha1:sha256; k=rsa; n=some notes; s=email; t=y:s; p=KEY;", DKIM_PASS, "" },
	{ "other services too", "v=DKIM1; s=other : *; p=KEY", DKIM_PASS, "" },
	{ "no key", NULL, DKIM_PERMERROR, "no such key" },
	{ "revoked", "v=DKIM1; p=", DKIM_PERMERROR, "revoked" },
	{ "no p=", "v=DKIM1; k=rsa", DKIM_PERMERROR, "has no key" },
	{ "no list", "hello", DKIM_PERMERROR, "no list of tags" },
	{ "nothing", "", DKIM_PERMERROR, "no list of tags" },
	{ "another version", "v=DKIM2; p=KEY", DKIM_PERMERROR, "another version" },
	{ "the version behind", "p=KEY; v=DKIM1", DKIM_PERMERROR, "another version" },
	{ "another kind", "v=DKIM1; k=ed25519; p=KEY", DKIM_PERMERROR, "can't be read" },
	{ "a kind of nobody's", "v=DKIM1; k=dsa; p=KEY", DKIM_PERMERROR, "not known" },
	{ "for SHA-1", "v=DKIM1; h=sha1; p=KEY", DKIM_PERMERROR, "not for SHA-256" },
	{ "not for mail", "v=DKIM1; s=tlsrpt; p=KEY", DKIM_PERMERROR, "not for mail" },
	{ "no base64", "v=DKIM1; p=**", DKIM_PERMERROR, "no base64" },
	{ "no key in the base64", "v=DKIM1; p=AAAA", DKIM_PERMERROR, "can't be read" },
};

static void test_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		char record[1024] = "", *key = strstr(dkim_kit_record(dkim_kit_rsa()), "p=") + 2;
		const char *in = records[i].record, *at = in != NULL ? strstr(in, "KEY") : NULL;
		struct dkim_verdict verdict;
		struct buf m;

		unit_case(records[i].why, i);
		if (at != NULL)
			snprintf(record, sizeof(record), "%.*s%s%s", (int)(at - in), in, key, at + 3);
		else if (in != NULL)
			snprintf(record, sizeof(record), "%s", in);
		buf_init(&m, 65536);
		dkim_kit_sign(span_of(ours[0].message), 1000, &m);
		verdict = dkim_kit_check(buf_span(&m), m.n, 0, in != NULL ? record : NULL, NOW);
		if (verdict.result != records[i].want || strstr(verdict.words, records[i].words) == NULL)
			fail_msg("%s: %d, %s", records[i].why, verdict.result, verdict.words);
		assert_int_equal(verdict.testing, in != NULL && strstr(in, "t=y") != NULL);
		buf_clear(&m);
	}
}

/* RFC 8301 3.2: 1024 bits are what may still be valid; t=s wants the domain itself. */
static void test_weak(void **state)
{
	static const char small[] = "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALPQATAZ46KEoTVI2NMpAisc+bzsBxrD1xeB1WJj9krhvxsqNjkJ"
				    "vgwcbeX/O7H5uw0tUHXAvG7BwfTaJiOdgYECAwEAAQ==";
	struct dkim_verdict verdict;
	struct buf m;
	char strict[1024];

	(void)state;
	buf_init(&m, 65536);
	dkim_kit_sign(span_of(ours[0].message), 1000, &m);
	verdict = dkim_kit_check(buf_span(&m), m.n, 0, small, NOW);
	unit_is((const uint8_t *)verdict.words, strlen(verdict.words), "the RSA key has fewer than 1024 bits");
	assert_int_equal(verdict.result, DKIM_POLICY);
	replace(&m, "v=1;", "v=1; i=x@mail.example.org;");
	snprintf(strict, sizeof(strict), "t=s; %s", strstr(dkim_kit_record(dkim_kit_rsa()), "p="));
	verdict = dkim_kit_check(buf_span(&m), m.n, 0, strict, NOW);
	assert_non_null(strstr(verdict.words, "t=s"));
	buf_clear(&m);
}

/* --- what is written ------------------------------------------------------- */

static void test_field(void **state)
{
	static const char message[] = "Received: from x\r\nFrom: a@example.org\r\nTo: b@c\r\nTo: d@e\r\nReferences: <1@x>\r\n"
				      "Bcc: f@g\r\nX-Mine: 1\r\n\r\nHi\r\n";
	struct span left, line;
	struct buf m, flat;

	(void)state;
	buf_init(&m, 65536);
	buf_init(&flat, 65536);
	dkim_kit_sign(span_of(message), 1000, &m);
	for (left = buf_span(&m); left.n > 0 && !span_starts(left, "Received:");) {
		line = span_take_until(&left, '\n');
		assert_true(line.n <= 79);	/* RFC 5322 2.1.1, CR counted */
		buf_put(&flat, (struct span){ line.p, line.n - 1 });
	}
	buf_put_byte(&flat, '\0');
	assert_non_null(strstr((char *)flat.p, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=r;"));
	assert_non_null(strstr((char *)flat.p, "h=From:From:To:To:To:References;"));
	assert_non_null(strstr((char *)flat.p, "a=ed25519-sha256;"));
	buf_clear(&m);
	buf_clear(&flat);
}

static void test_refused(void **state)
{
	const struct dkim_key *keys[] = { dkim_kit_rsa() };
	struct dkim_signer *s;
	struct error err;
	struct buf big, out;
	struct span left;

	(void)state;
	buf_init(&out, 65536);
	buf_init(&big, DKIM_HEADER_MAX + 100);
	assert_int_equal(dkim_signer_new(&s, &err), 0);
	assert_int_equal(dkim_signer_feed(s, span_of("To: b@c\r\n\r\nHi\r\n")), 0);
	assert_int_equal(dkim_signer_finish(s, keys, 1, NOW, &out, &err), -EINVAL);
	assert_non_null(strstr(err.words, "no From"));
	assert_int_equal(out.n, 0);
	dkim_signer_free(s);
	assert_int_equal(dkim_signer_new(&s, &err), 0);
	assert_int_equal(dkim_signer_feed(s, span_of(" X\r\nFrom: a@b\r\n\r\nHi\r\n")), 0);
	assert_int_equal(dkim_signer_finish(s, keys, 1, NOW, &out, &err), -EINVAL);
	assert_non_null(strstr(err.words, "white space"));
	assert_int_equal(out.n, 0);
	dkim_signer_free(s);
	while (!big.failed)
		buf_put_text(&big, "X: 1\r\n");
	assert_int_equal(dkim_signer_new(&s, &err), 0);
	left = buf_span(&big);
	assert_int_equal(dkim_signer_feed(s, left), -EMSGSIZE);
	dkim_signer_free(s);
	assert_int_equal(dkim_signer_new(&s, &err), 0);
	assert_int_equal(dkim_signer_feed(s, span_take(&left, 6 * 40000)), 0);
	assert_int_equal(dkim_signer_feed(s, span_of("From: a@b\r\n\r\n")), 0);
	assert_int_equal(dkim_signer_finish(s, keys, 1, NOW, &out, &err), 0);
	dkim_signer_free(s);
	buf_clear(&big);
	buf_clear(&out);
}

/* The most signatures that are looked at, and the oldest trick: many of them. */
static void test_many(void **state)
{
	struct dkim_verifier *v;
	struct error err;
	struct buf m;

	(void)state;
	buf_init(&m, 1 << 20);
	for (int i = 0; i < 50; i++)
		buf_put_text(&m, "DKIM-Signature: v=1; a=rsa-sha256; d=a; s=b; h=From; bh=AA==; b=AA==\r\n");
	buf_put_text(&m, "From: a@b\r\n\r\n");
	assert_int_equal(dkim_verifier_new(&v, &err), 0);
	assert_int_equal(dkim_verifier_feed(v, buf_span(&m)), 0);
	assert_int_equal(dkim_verifier_end(v), DKIM_SIGNATURES);
	assert_string_equal(dkim_verifier_query(v, 0), "");
	dkim_verifier_free(v);
	buf_clear(&m);
}

/* As many fields as a header holds are signed all the same; of one kind the lowest hundred. */
static void test_crowd(void **state)
{
	struct buf m, out;

	(void)state;
	buf_init(&m, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_put_text(&m, "From: a@example.org\r\n");
	for (int i = 0; i < 3000; i++)
		buf_put_text(&m, "To: x\r\n");
	buf_put_text(&m, "\r\nhi\r\n");
	dkim_kit_sign(buf_span(&m), 4096, &out);
	assert_int_equal(dkim_kit_check(buf_span(&out), 4096, 0, dkim_kit_record(dkim_kit_rsa()), NOW).result, DKIM_PASS);
	buf_clear(&m);
	buf_clear(&out);
}

static void test_keys(void **state)
{
	struct dkim_key *k;
	struct error err;
	struct buf pem;

	(void)state;
	assert_int_equal(dkim_key_read(&k, span_of("hello"), "a", "b", &err), -EINVAL);
	assert_null(k);
	buf_init(&pem, 65536);
	assert_int_equal(dkim_key_make(DKIM_ED25519_SHA256, &pem, &err), 0);
	assert_int_equal(dkim_key_read(&k, buf_span(&pem), "a.example", "b", &err), 0);
	assert_int_equal(dkim_key_algorithm(k), DKIM_ED25519_SHA256);
	assert_string_equal(dkim_key_domain(k), "a.example");
	assert_string_equal(dkim_key_selector(k), "b");
	assert_int_equal(strlen(dkim_kit_record(k)), strlen("v=DKIM1; k=ed25519; p=") + 44);
	dkim_key_free(k);
	buf_wipe(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_round), cmocka_unit_test(test_changes),
		cmocka_unit_test(test_records), cmocka_unit_test(test_weak),  cmocka_unit_test(test_field),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_many),  cmocka_unit_test(test_keys),
		cmocka_unit_test(test_crowd),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "dkim");
}
