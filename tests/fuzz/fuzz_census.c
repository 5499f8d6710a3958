/* fuzz_census.c - lines of another process: what is taken has all its parts.
 * link: common/tls common/base */
#include <stdlib.h>

#include "common/tls/census.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { data, size };

	while (rest.n > 0) {
		struct span line = span_take_until(&rest, '\n');
		struct census_line l;

		if (!census_read(&l, line))
			continue;
		if (l.listen.n == 0 || l.name.n == 0 || l.resumed > l.count || l.who.n >= CENSUS_CLIENT_NAME ||
		    (l.who.n > 0) != (l.kind == CENSUS_CLIENT))
			abort();
	}
	return 0;
}
