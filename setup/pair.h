/*
 * pair.h - a server's certificate and its key, tested by themselves before they replace those
 * in force; for the files of setup/ alone.
 */
#ifndef SETUP_PAIR_H
#define SETUP_PAIR_H

#include "common/tls/paper.h"
#include "setup/setup.h"

/* The file of s that the i-th goes with: of a PrivateKey its Certificate, else i. */
size_t pair_certificate(const struct setup *s, size_t i);

/* The i-th file of now, which is another than that of then, may serve in its place. What is no
 * Certificate and no PrivateKey is good here. */
bool pair_is_good(const struct setup *now, const struct setup *then, size_t i, struct error *why);

#endif
