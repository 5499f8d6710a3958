/* fuzz_tls_holder.c - any bytes as a client's certificate: what names come out are lines of
 * plain text, so many and so long at most. And any bytes as a list of fingerprints.
 * link: common/tls common/base */
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/tls/holder.h"
#include "common/tls/prints.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fits)
{
	if (!fits)
		abort();
}

static void check_lines(struct span text)
{
	size_t lines = 0;

	check(text.n == 0 || text.p[text.n - 1] == '\n');
	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n');

		check(span_starts(line, "email:") || span_starts(line, "upn:") || span_starts(line, "cn:"));
		check(line.n <= TLS_HOLDER_NAME + strlen("email:") && utf8_valid(line));
		for (size_t i = 0; i < line.n; i++)
			check(line.p[i] >= 0x20 && line.p[i] != 0x7f);
		lines++;
	}
	check(lines <= TLS_HOLDER_NAMES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *p = data;
	X509 *cert = d2i_X509(NULL, &p, (long)size);
	struct tls_prints prints;
	struct buf names;

	check(tls_prints_load(&prints, (struct span){ data, size }, NULL, NULL, NULL) == 0);
	check(prints.count <= size / 64);
	if (cert != NULL) {
		buf_init(&names, TLS_HOLDER_TEXT);
		tls_holder_names(cert, &names);
		check(!names.failed);
		check_lines(buf_span(&names));
		buf_clear(&names);
		tls_prints_hold(&prints, cert);
	}
	tls_prints_clear(&prints);
	X509_free(cert);
	return 0;
}
