/* fuzz_bundle.c - settings of any bytes: what is found lies inside, and is found again.
 * link: common/proc common/ipc common/base */
#include <assert.h>

#include "common/proc/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct bundle *b, const char *name, size_t size)
{
	struct span text;
	unsigned sum = 0;

	if (!bundle_get(b, name, &text))
		return;
	assert(text.n <= size);
	for (size_t i = 0; i < text.n; i++)
		sum += text.p[i];
	assert(sum <= text.n * 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle *b;
	struct error err;

	if (bundle_open(&b, (struct span){ data, size }, &err) < 0) {
		assert(b == NULL && err.words[0] != '\0');
		return 0;
	}
	look(b, "yubin.conf", size);
	look(b, "a", size);
	look(b, "", size);
	bundle_free(b);
	return 0;
}
