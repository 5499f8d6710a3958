/* trust.c - the contract is in trust.h. */
#include "common/https/trust.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* What is no certificate ends the text; what is twice in it counts once. */
static size_t add_all(X509_STORE *store, BIO *in)
{
	size_t count = 0;
	X509 *one;

	while ((one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		count += X509_STORE_add_cert(store, one) == 1;
		X509_free(one);
	}
	ERR_clear_error();
	return count;
}

X509_STORE *trust_new(struct span pem)
{
	X509_STORE *store = X509_STORE_new();
	BIO *in = pem.n > 0 && pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	size_t count = store != NULL && in != NULL ? add_all(store, in) : 0;

	BIO_free(in);
	if (count > 0)
		return store;
	X509_STORE_free(store);
	return NULL;
}
