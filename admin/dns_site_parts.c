/* dns_site_parts.c - the parts of dns_site.h that need no etc/: certificates as TLSA records tell them, addresses. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#include "admin/dns_site.h"

/* Networks that nobody reaches from outside (RFC 6890 2.2.2, 2.2.3, in the main). */
bool dns_site_is_public(const char *address)
{
	static const struct {
		const char *network;
		unsigned bits;
	} inside[] = { { "0.0.0.0", 8 },     { "10.0.0.0", 8 },	   { "100.64.0.0", 10 }, { "127.0.0.0", 8 }, { "169.254.0.0", 16 },
		       { "172.16.0.0", 12 }, { "192.168.0.0", 16 }, { "::", 127 },	 { "fc00::", 7 },    { "fe80::", 10 } };
	uint8_t bytes[16], network[16];

	for (unsigned i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		int family = strchr(inside[i].network, ':') != NULL ? AF_INET6 : AF_INET;
		unsigned whole = inside[i].bits / 8, rest = inside[i].bits % 8;

		if (inet_pton(family, address, bytes) != 1)
			continue;
		inet_pton(family, inside[i].network, network);
		if (memcmp(bytes, network, whole) == 0 &&
		    (rest == 0 || (bytes[whole] ^ network[whole]) >> (8 - rest) == 0))
			return false;
	}
	return inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1;
}

static void hash_both(uint8_t hash[3][DNS_SITE_HASH], const uint8_t *der, int n)
{
	if (n <= 0)
		return;
	SHA256(der, (size_t)n, hash[1]);
	SHA512(der, (size_t)n, hash[2]);
}

static void add_paper(struct dns_site *d, X509 *x, bool leaf)
{
	struct dns_site_paper *p = &d->papers[d->paper_count];
	uint8_t *whole = NULL, *key = NULL;
	int whole_n, key_n;

	if (d->paper_count == DNS_SITE_PAPERS)
		return;
	*p = (struct dns_site_paper){ .leaf = leaf };
	whole_n = i2d_X509(x, &whole);
	key_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
	hash_both(p->hash[0], whole, whole_n);
	hash_both(p->hash[1], key, key_n);
	OPENSSL_free(whole);
	OPENSSL_free(key);
	for (size_t i = 0; i < d->paper_count; i++)
		if (memcmp(d->papers[i].hash, p->hash, sizeof(p->hash)) == 0)
			return;
	d->paper_count++;
}

void dns_site_papers(struct dns_site *d, struct span pem)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	bool leaf = true;
	X509 *x;

	while (in != NULL && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		add_paper(d, x, leaf);
		X509_free(x);
		leaf = false;
	}
	BIO_free(in);
	ERR_clear_error();
}
