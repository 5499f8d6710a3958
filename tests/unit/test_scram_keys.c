/* test_scram_keys.c - the examples of RFC 5802 5 and RFC 7677 3 from the server's side.
 * link: sasl common/base */
#include "tests/unit/unit.h"

#include "common/base/base64.h"
#include "sasl/scram_keys.h"

static const struct {
	const char *why;
	enum scram_hash hash;
	const char *salt, *message, *proof, *signature;
} examples[] = {
	{ "RFC 5802 5", SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
	  "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	  "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ "RFC 7677 3", SCRAM_SHA_256, "W22ZaJ0SNY7soEsUEjb6gQ==",
	  "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static size_t bytes(const char *base64, uint8_t *out, size_t max)
{
	struct buf b;
	size_t n;

	buf_init(&b, max);
	assert_true(base64_decode(&b, span_of(base64)));
	n = b.n;
	memcpy(out, b.p, n);
	buf_clear(&b);
	return n;
}

static void check(size_t i)
{
	struct scram_keys k = { .iterations = 4096 };
	uint8_t proof[SCRAM_KEY_MAX], want[SCRAM_KEY_MAX], got[SCRAM_KEY_MAX];
	enum scram_hash h = examples[i].hash;
	struct span message = span_of(examples[i].message), said = { proof, scram_hash_size(h) };

	k.salt_n = bytes(examples[i].salt, k.salt, sizeof(k.salt));
	assert_int_equal(bytes(examples[i].proof, proof, sizeof(proof)), said.n);
	bytes(examples[i].signature, want, sizeof(want));
	assert_true(scram_keys_make(&k, h, span_of("pencil")));
	assert_true(scram_keys_check(&k, h, message, said, got));
	assert_memory_equal(got, want, said.n);
	for (size_t at = 0; at < said.n; at++) {	/* any bit that differs */
		proof[at] ^= (uint8_t)(1u << at % 8);
		assert_false(scram_keys_check(&k, h, message, said, got));
		proof[at] ^= (uint8_t)(1u << at % 8);
	}
	for (said.n = 0; said.n < scram_hash_size(h); said.n++)
		assert_false(scram_keys_check(&k, h, message, said, got));
	assert_false(scram_keys_check(&k, h, span_of("n=user,r=another"), (struct span){ proof, said.n }, got));
	assert_true(scram_keys_make(&k, h, span_of("pencils")));
	assert_false(scram_keys_check(&k, h, message, said, got));
}

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		unit_case(examples[i].why, 0);
		check(i);
	}
}

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY1 "AAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct {
	const char *why;
	enum scram_hash hash;
	const char *line;
	bool good;
} lines[] = {
	{ "as we write it", SCRAM_SHA_256, "65536 W22ZaJ0SNY7soEsUEjb6gQ== " KEY " " KEY, true },
	{ "SHA-1", SCRAM_SHA_1, "4096 QSXCR+Q6sek8bf92 " KEY1 " " KEY1, true },
	{ "keys of the other hash", SCRAM_SHA_256, "4096 QSXCR+Q6sek8bf92 " KEY1 " " KEY1, false },
	{ "too few rounds", SCRAM_SHA_256, "4095 QSXCR+Q6sek8bf92 " KEY " " KEY, false },
	{ "too many", SCRAM_SHA_256, "1000001 QSXCR+Q6sek8bf92 " KEY " " KEY, false },
	{ "no salt", SCRAM_SHA_256, "4096  " KEY " " KEY, false },
	{ "no base64", SCRAM_SHA_256, "4096 QSXCR+Q6sek8bf9 " KEY " " KEY, false },
	{ "one key", SCRAM_SHA_256, "4096 QSXCR+Q6sek8bf92 " KEY, false },
	{ "three", SCRAM_SHA_256, "4096 QSXCR+Q6sek8bf92 " KEY " " KEY " " KEY, false },
	{ "a short key", SCRAM_SHA_256, "4096 QSXCR+Q6sek8bf92 " KEY " AAAA", false },
	{ "nothing", SCRAM_SHA_256, "", false },
};

static void test_lines(void **state)
{
	struct scram_keys k;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		unit_case(lines[i].why, 0);
		assert_int_equal(scram_keys_read(&k, lines[i].hash, span_of(lines[i].line)), lines[i].good);
		assert_int_equal(k.iterations > 0, lines[i].good);
		if (!lines[i].good)
			continue;
		buf_init(&b, 1024);
		scram_keys_put(&b, lines[i].hash, &k);
		unit_is(b.p, b.n, lines[i].line);
		buf_clear(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples), cmocka_unit_test(test_lines) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "scram_keys");
}
