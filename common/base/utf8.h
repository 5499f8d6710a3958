/*
 * utf8.h - UTF-8 as RFC 3629 has it: shortest form, no surrogates, at most
 * U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "common/base/span.h"

/* Takes one character off *in. False if no valid one stands there: one byte is
 * taken then and *c is U+FFFD. in->n must be over 0. */
bool utf8_take(struct span *in, uint32_t *c);

/* Writes c in 1 to 4 bytes and returns how many; 0 for what is no character. */
size_t utf8_write(uint8_t out[4], uint32_t c);

/* All of s is valid. */
bool utf8_valid(struct span s);

#endif
