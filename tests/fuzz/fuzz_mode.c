/* fuzz_mode.c - any first bytes: once told, more of them change nothing; a line always tells.
 * link: common/net common/base */
#include <stdlib.h>
#include <string.h>

#include "common/net/mode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum mode told = MODE_MORE;

	for (size_t n = 0; n <= size; n++) {
		enum mode now = mode_judge((struct span){ data, n });

		if (told != MODE_MORE && now != told)
			abort();
		if (now == MODE_MORE && n >= MODE_FIRST)
			abort();
		told = now;
	}
	return 0;
}
