/* load.c - see load.h. */
#include "common/tls/load.h"

#include <errno.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>

int tls_load(struct error *err)
{
	unsigned char byte;

	if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 ||
	    RAND_bytes(&byte, 1) != 1)
		return error_set(err, -EIO, "OpenSSL can't be used; see its openssl.cnf");
	return 0;
}
