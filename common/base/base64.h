/*
 * base64.h - RFC 4648 section 4, strict: the one base64 in the tree.
 *
 * MIME bodies, where line ends stand inside, are mime/encoding's, which calls
 * this for the alphabet.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "common/base/buf.h"

/* Appends in, encoded, with padding and without line ends. */
void base64_encode(struct buf *out, struct span in);

/* Appends the bytes that in stands for. Returns false, and appends nothing, for
 * a length that is no multiple of 4, a byte outside the alphabet, padding
 * anywhere but at the end, or bits behind the last byte that are not 0. */
bool base64_decode(struct buf *out, struct span in);

/* The 6 bits that c stands for, or -1. '=' is -1. */
int base64_value(uint8_t c);

/* Decodes groups of four signs, up to the first that has anything else in it; out has 3 bytes of room for
 * each. Gives how many bytes of in they were. */
size_t base64_groups(struct span in, uint8_t *out);

/* The sign that stands for 6 bits. */
uint8_t base64_sign(unsigned six_bits);

#endif
