/* fuzz_sts.c - a domain's MTA-STS record and policy: what is taken reads the same again.
 * link: deliverd common/base */
#include <stdlib.h>
#include <string.h>

#include "deliverd/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void policy_try(struct span in)
{
	struct sts_policy *p, *again;
	struct span rest, pattern;
	size_t count = 0;

	if (sts_policy_read(&p, in, NULL) < 0)
		return;
	if (p->max_age_s > STS_AGE_MAX || p->text.n > STS_TEXT)
		abort();
	rest = p->text;
	while (sts_policy_mx(&rest, &pattern))
		count++;
	if (count == 0 && p->mode != STS_NONE)
		abort();
	sts_policy_lists(p, "mx.example.org");
	if (sts_policy_read(&again, p->text, NULL) < 0 || !span_equal(again->text, p->text) || again->mode != p->mode)
		abort();
	sts_policy_drop(again);
	sts_policy_drop(p);
}

/* Records, one a line. */
static void record_try(struct span in)
{
	struct span texts[8];
	size_t count = 0;
	char id[STS_ID];

	while (in.n > 0 && count < 8)
		texts[count++] = span_take_until(&in, '\n');
	if (sts_record_find(texts, count, id) && (id[0] == '\0' || strlen(id) >= STS_ID))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };

	policy_try(in);
	record_try(in);
	return 0;
}
