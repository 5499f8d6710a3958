/*
 * prepare.h - SASLprep (RFC 4013): a password as every program writes it before it is hashed.
 *
 * Unicode Names that came after Unicode 3.2 stand for themselves. What SASLprep forbids, and what is no UTF-8, is
 *         left as it is: it is a password all the same, and who sends it sends those bytes.
 * Pure.
 */
#ifndef SASL_PREPARE_H
#define SASL_PREPARE_H

#include "common/base/buf.h"

/* Appends it, as buf_put_secret. */
void sasl_prepare(struct buf *out, struct span text);

#endif
