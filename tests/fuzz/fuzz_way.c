/* fuzz_way.c - any text as a domain's literal, as a route's host, as a TLSA record.
 * link: deliverd common/dns common/base */
#include <stdlib.h>
#include <string.h>

#include "deliverd/way_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_record record = { .text = { data, size } };
	struct dns_answer answer = { .records = &record, .count = 1 };
	struct tls_tlsa usable[WAY_TLSA];
	struct way_host h, again;
	char text[600];

	if (way_usable(&answer, usable) == 1 && (usable[0].data.n == 0 || usable[0].usage < 2))
		abort();
	/* What was read is read again as the same. */
	if (way_host_read(&h, (struct span){ data, size }, 25) &&
	    (!way_host_read(&again, span_of(h.name), 25) || strcmp(h.name, again.name) != 0 || h.literal != again.literal))
		abort();
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (way_literal(text, 25, &h) != h.literal)
		abort();
	return 0;
}
