/*
 * certificate_kit.h - a certificate for tests that need some TLS, whichever.
 */
#ifndef TESTS_CERTIFICATE_KIT_H
#define TESTS_CERTIFICATE_KIT_H

#include <stddef.h>

/* Self-signed, P-256, for localhost: it and its key as PEM, size bytes of room each. */
void certificate_kit_make(char *certificate, char *private_key, size_t size);

#endif
