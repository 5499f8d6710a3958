/*
 * inside.h - what signing and checking share; for the files of dkim/ alone.
 */
#ifndef DKIM_INSIDE_H
#define DKIM_INSIDE_H

#include <openssl/evp.h>

#include "dkim/dkim.h"

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
	char domain[DKIM_NAME_MAX];
	char selector[DKIM_NAME_MAX];
};

#endif
