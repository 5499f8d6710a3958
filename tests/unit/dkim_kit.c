/* dkim_kit.c - the contract is in dkim_kit.h. */
#include "tests/unit/dkim_kit.h"

#include "tests/unit/unit.h"

static struct dkim_key *make(enum dkim_algorithm algorithm, const char *selector)
{
	struct dkim_key *key;
	struct error err;
	struct buf pem;

	buf_init(&pem, 16384);
	assert_int_equal(dkim_key_make(algorithm, &pem, &err), 0);
	assert_int_equal(dkim_key_read(&key, buf_span(&pem), "example.org", selector, &err), 0);
	buf_wipe(&pem);
	return key;
}

struct dkim_key *dkim_kit_rsa(void)
{
	static struct dkim_key *key;

	if (key == NULL)
		key = make(DKIM_RSA_SHA256, "r");
	return key;
}

struct dkim_key *dkim_kit_ed25519(void)
{
	static struct dkim_key *key;

	if (key == NULL)
		key = make(DKIM_ED25519_SHA256, "e");
	return key;
}

void dkim_kit_sign(struct span message, size_t piece, struct buf *out)
{
	const struct dkim_key *keys[] = { dkim_kit_rsa(), dkim_kit_ed25519() };
	struct span left = message;
	struct dkim_signer *s;
	struct error err;

	assert_int_equal(dkim_signer_new(&s, &err), 0);
	while (left.n > 0)
		assert_int_equal(dkim_signer_feed(s, span_take(&left, piece)), 0);
	if (dkim_signer_finish(s, keys, 2, 1795262478, out, &err) != 0)
		fail_msg("%s", err.words);
	buf_put(out, message);
	assert_false(out->failed);
	dkim_signer_free(s);
}

struct dkim_verdict dkim_kit_check(struct span message, size_t piece, size_t i, const char *key, int64_t now_s)
{
	struct span record = span_of(key);
	static struct dkim_verdict verdict;
	static char words[200];
	struct dkim_verifier *v;
	struct error err;

	assert_int_equal(dkim_verifier_new(&v, &err), 0);
	while (message.n > 0)
		assert_int_equal(dkim_verifier_feed(v, span_take(&message, piece)), 0);
	assert_true(i < dkim_verifier_end(v));
	dkim_verifier_check(v, i, key != NULL ? &record : NULL, false, now_s, &verdict);
	snprintf(words, sizeof(words), "%s", verdict.words);
	verdict.words = words;
	dkim_verifier_free(v);
	return verdict;
}

const char *dkim_kit_record(const struct dkim_key *k)
{
	static char text[1024];
	struct buf b;

	buf_init(&b, sizeof(text) - 1);
	dkim_key_record(k, &b);
	assert_false(b.failed);
	memcpy(text, b.p, b.n);
	text[b.n] = '\0';
	buf_clear(&b);
	return text;
}

void dkim_kit_file(const char *path, struct buf *out)
{
	FILE *in = fopen(path, "r");
	uint8_t bytes[4096];
	size_t n;

	buf_init(out, 1 << 20);
	if (in == NULL)
		fail_msg("%s is missing", path);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		buf_put(out, (struct span){ bytes, n });
	fclose(in);
}
