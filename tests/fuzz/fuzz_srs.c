/* fuzz_srs.c - any bytes as a sender and as an SRS address. What was rewritten leads back to an
 * address that is rewritten to the same; what is taken back was made under the key.
 * link: auth common/base */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct srs_keys keys = { .keys = { "a key" }, .count = 1 };
	char address[SRS_ADDRESS_MAX], back[SRS_ADDRESS_MAX], again[SRS_ADDRESS_MAX];
	struct span in = { data, size };
	const char *at;

	srs_reverse(back, &keys, in, 7);
	if (srs_forward(address, &keys, in, "ours.test", 7) != SRS_OK)
		return 0;
	at = strrchr(address, '@');
	if (at == NULL || at - address > SRS_LOCAL_MAX)
		abort();
	if (srs_reverse(back, &keys, span_of(address), 8) != SRS_OK)
		abort();
	if (srs_forward(again, &keys, span_of(back), "ours.test", 7) != SRS_OK || strcasecmp(address, again) != 0)
		abort();
	return 0;
}
