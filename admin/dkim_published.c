/* dkim_published.c - is a key's record in the DNS, and the same as ours? */
#include <stdio.h>

#include "admin/dkim_parts.h"

/* The base64 behind p=, without white space. */
static void put_key(struct span record, struct buf *out)
{
	while (record.n > 0) {
		struct span tag = span_trim(span_take_until(&record, ';'));

		if (!span_starts(tag, "p") || !span_is(span_trim(span_take_until(&tag, '=')), "p"))
			continue;
		for (size_t i = 0; i < tag.n; i++)
			if (tag.p[i] != ' ' && tag.p[i] != '\t')
				buf_put_byte(out, tag.p[i]);
		return;
	}
}

static bool same_key(struct span ours, struct span theirs)
{
	struct buf a, b;
	bool same;

	buf_init(&a, 16384);
	buf_init(&b, 16384);
	put_key(ours, &a);
	put_key(theirs, &b);
	same = a.n > 0 && span_equal(buf_span(&a), buf_span(&b));
	buf_clear(&a);
	buf_clear(&b);
	return same;
}

static bool judge(const struct dns_answer *answer, struct span ours, char words[DKIM_WORDS])
{
	if (answer->status == DNS_NO_NAME || answer->status == DNS_NO_DATA)
		snprintf(words, DKIM_WORDS, "there is no such record in the DNS");
	else if (answer->status != DNS_OK)
		snprintf(words, DKIM_WORDS, "the DNS does not answer: %s", answer->words);
	else if (answer->count > 1)
		snprintf(words, DKIM_WORDS, "there are %zu records, and there must be one", answer->count);
	else if (!same_key(ours, answer->records[0].text))
		snprintf(words, DKIM_WORDS, "the record in the DNS has another key; was it cut off when it was pasted?");
	else
		return true;
	return false;
}

bool dkim_is_published(const struct keyring *k, size_t i, struct lookup *look, char words[DKIM_WORDS])
{
	char name[KEYRING_NAME_MAX];
	struct error err;
	struct buf ours;
	bool good = false;

	buf_init(&ours, 16384);
	keyring_name(k, i, name);
	if (keyring_record(k, i, &ours, &err) != 0)
		snprintf(words, DKIM_WORDS, "%s", err.words);
	else
		good = judge(look->ask(look, name, DNS_TXT), buf_span(&ours), words);
	buf_clear(&ours);
	return good;
}
