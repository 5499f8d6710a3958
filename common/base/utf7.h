/*
 * utf7.h - mailbox names on the wire: modified UTF-7 (RFC 3501 5.1.3).
 *
 * Strict, so that each name has one form: no printable ASCII inside a shift, no two
 * shifts side by side, no bits left over, no raw 8-bit bytes.
 */
#ifndef BASE_UTF7_H
#define BASE_UTF7_H

#include "common/base/buf.h"

/* Appends the UTF-8 form (at most 3 * in.n bytes). False if in is none of it. */
bool utf7_decode(struct span in, struct buf *out);

/* Appends the wire form of UTF-8 (at most 8 * in.n bytes). */
void utf7_encode(struct span in, struct buf *out);

#endif
