/* fuzz_tlsrpt.c - a domain's TLSRPT record, and counts that were kept: what is taken is fit for a
 * header, and is kept the same again.
 * link: deliverd common/base */
#include <stdlib.h>
#include <string.h>

#include "deliverd/tlsrpt_mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void record_try(struct span in)
{
	struct tlsrpt_target to[TLSRPT_TARGETS];
	struct span texts[8];
	size_t count = 0;

	while (in.n > 0 && count < 8)
		texts[count++] = span_take_until(&in, '\n');
	count = tlsrpt_record(texts, count, to);
	for (size_t i = 0; i < count; i++) {
		if (strlen(to[i].to) >= TLSRPT_TARGET_MAX || (!to[i].https && strchr(to[i].to, '@') == NULL))
			abort();
		for (const char *c = to[i].to; *c != '\0'; c++)
			if (*c <= ' ' || *c > '~')
				abort();
	}
}

static void counts_try(struct span in)
{
	struct tlsrpt_head head = { "a.example", "b.example", "1.2@a.example", 0, 86400 };
	struct tlsrpt_counts *c, *again;
	struct buf one, two;

	if (tlsrpt_counts_read(&c, in, NULL) < 0)
		return;
	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	tlsrpt_counts_write(c, &one);
	if (one.n <= TLSRPT_NOTE) {
		if (tlsrpt_counts_read(&again, buf_span(&one), NULL) < 0)
			abort();
		tlsrpt_counts_write(again, &two);
		if (!span_equal(buf_span(&one), buf_span(&two)))
			abort();
		tlsrpt_counts_free(again);
	}
	buf_reset(&one);
	tlsrpt_json(c, &head, &one);
	tlsrpt_counts_free(c);
	buf_clear(&one);
	buf_clear(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };

	record_try(in);
	counts_try(in);
	return 0;
}
