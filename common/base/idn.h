/*
 * idn.h - domains in every script as DNS has them: U-labels to A-labels (RFC 5891 4), by libidn2.
 *
 * Pure. Capitals fold, letters are composed (NFC), the ideographic full stop is a dot; sharp s and final
 * sigma stay what they are.
 */
#ifndef BASE_IDN_H
#define BASE_IDN_H

#include "common/base/span.h"

enum { IDN_MAX = 256 };		/* bytes of a domain in A-labels and its NUL */

/* False: it can't be a domain; out is "" then. An ASCII domain comes out in lower case, and is not judged. */
bool idn_ascii(struct span in, char out[IDN_MAX]);

#endif
