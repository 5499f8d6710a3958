/* prints.c - the contract is in prints.h. */
#include "common/tls/prints.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"

static bool print_read(uint8_t out[TLS_PRINT], struct span line)
{
	if (line.n != (size_t)2 * TLS_PRINT)
		return false;
	for (size_t i = 0; i < TLS_PRINT; i++) {
		int high = ascii_hex(line.p[2 * i]), low = ascii_hex(line.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int print_compare(const void *a, const void *b)
{
	return memcmp(a, b, TLS_PRINT);
}

static size_t lines_of(struct span text)
{
	size_t count = 0;

	while (text.n > 0) {
		span_take_until(&text, '\n');
		count++;
	}
	return count;
}

int tls_prints_load(struct tls_prints *p, struct span text, tls_warn warn, void *arg, struct error *err)
{
	size_t lines = lines_of(text);
	char words[128];

	*p = (struct tls_prints){ 0, NULL };
	if (lines == 0)
		return 0;
	p->print = calloc(lines, sizeof(*p->print));
	if (p->print == NULL)
		return error_set(err, -ENOMEM, "no memory for %zu fingerprints", lines);
	for (size_t i = 1; text.n > 0; i++) {
		struct span line = span_trim(span_take_until(&text, '\n'));

		if (print_read(p->print[p->count], line)) {
			p->count++;
		} else if (line.n > 0 && warn != NULL) {
			snprintf(words, sizeof(words),
				 "AllowSelfSigned: fingerprint %zu of the accounts is none (64 hexadecimal digits)", i);
			warn(arg, words);
		}
	}
	qsort(p->print, p->count, sizeof(*p->print), print_compare);
	return 0;
}

void tls_prints_clear(struct tls_prints *p)
{
	free(p->print);
	*p = (struct tls_prints){ 0, NULL };
}

bool tls_prints_hold(const struct tls_prints *p, X509 *cert)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return p->count > 0 && X509_digest(cert, EVP_sha256(), digest, &n) == 1 && n == TLS_PRINT &&
	       bsearch(digest, p->print, p->count, sizeof(*p->print), print_compare) != NULL;
}
