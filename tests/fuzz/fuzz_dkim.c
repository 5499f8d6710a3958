/* fuzz_dkim.c - any message signed, and any message with any key in DNS checked, however cut.
 * link: dkim mime common/base */
#include <stdlib.h>
#include <string.h>

#include "dkim/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static struct dkim_key *our_key(void)
{
	static struct dkim_key *key;
	struct error err;
	struct buf pem;

	if (key != NULL)
		return key;
	buf_init(&pem, 8192);
	check(dkim_key_make(DKIM_ED25519_SHA256, &pem, &err) == 0);
	check(dkim_key_read(&key, buf_span(&pem), "example.org", "e", &err) == 0);
	buf_clear(&pem);
	return key;
}

/* What we sign holds, whatever it is. */
static void sign(struct span message, size_t piece)
{
	const struct dkim_key *keys[] = { our_key() };
	struct span left = message, record;
	struct dkim_verdict verdict;
	struct dkim_verifier *v;
	struct dkim_signer *s;
	struct buf out, key;
	struct error err;
	int rc = 0;

	buf_init(&out, 1 << 20);
	buf_init(&key, 4096);
	check(dkim_signer_new(&s, &err) == 0);
	while (left.n > 0 && rc == 0)
		rc = dkim_signer_feed(s, span_take(&left, piece));
	if (rc == 0 && dkim_signer_finish(s, keys, 1, 1000, &out, &err) == 0) {
		buf_put(&out, message);
		dkim_key_record(our_key(), &key);
		record = buf_span(&key);
		check(dkim_verifier_new(&v, &err) == 0);
		if (dkim_verifier_feed(v, buf_span(&out)) == 0) {
			check(dkim_verifier_end(v) > 0);
			dkim_verifier_check(v, 0, &record, false, 1000, &verdict);
			check(verdict.result == DKIM_PASS);
		}
		dkim_verifier_free(v);
	}
	dkim_signer_free(s);
	buf_clear(&out);
	buf_clear(&key);
}

/* record is everybody's key. A cut anywhere gives the same verdict. */
static void check_cut(struct span message, struct span record, size_t piece, enum dkim_result results[DKIM_SIGNATURES])
{
	struct dkim_verdict verdict;
	struct dkim_verifier *v;
	struct error err;

	check(dkim_verifier_new(&v, &err) == 0);
	while (message.n > 0)
		dkim_verifier_feed(v, span_take(&message, piece));
	for (size_t i = 0, count = dkim_verifier_end(v); i < count; i++) {
		dkim_verifier_check(v, i, &record, false, 1000, &verdict);
		check(verdict.words != NULL && (verdict.result == DKIM_PASS) == (*verdict.words == '\0'));
		results[i] = verdict.result;
	}
	dkim_verifier_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum dkim_result whole[DKIM_SIGNATURES] = { 0 }, cut[DKIM_SIGNATURES] = { 0 };
	struct span message = { data, size }, record;
	struct dkim_entry entries[DKIM_KEYS];
	struct error err;
	size_t count;

	if (size == 0)
		return 0;
	size_t piece = 1 + *span_take(&message, 1).p;

	dkim_keys_read(message, entries, &count, &err);
	record = span_take_until(&message, 0);
	sign(message, piece);
	check_cut(message, record, message.n + 1, whole);
	check_cut(message, record, piece, cut);
	check(memcmp(whole, cut, sizeof(whole)) == 0);
	return 0;
}
