/* fuzz_proxy.c - any bytes as a PROXY header; a cut anywhere makes no difference.
 * link: common/net common/base */
#include <stdlib.h>
#include <string.h>

#include "common/net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, cut;
	enum proxy_status st = proxy_parse((struct span){ data, size }, &whole);

	if (whole.used > size || whole.used > PROXY_MAX)
		abort();
	if ((st == PROXY_OWN || st == PROXY_CLIENT) && whole.used == 0)
		abort();
	if (size >= PROXY_MAX && st == PROXY_MORE)
		abort();
	for (size_t n = 0; n < size && n < 200; n++) {
		enum proxy_status part = proxy_parse((struct span){ data, n }, &cut);

		if (part == PROXY_BAD && st != PROXY_BAD)
			abort();
		if ((part == PROXY_OWN || part == PROXY_CLIENT) && (part != st || cut.used != whole.used))
			abort();
	}
	return 0;
}
