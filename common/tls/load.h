/*
 * load.h - OpenSSL made ready while there still are files.
 *
 * It reads its configuration, loads its providers and seeds its random numbers at the first
 * use; a daemon that locks itself in has that behind it. Who speaks no TLS links none of it.
 */
#ifndef TLS_LOAD_H
#define TLS_LOAD_H

#include "common/base/error.h"

/* 0, or -EIO. */
int tls_load(struct error *err);

#endif
