/*
 * accounts_name.h - a domain or a user's name as the name of a file, and back.
 *
 * Lower-case letters, digits and -_+=. stand for themselves; every other byte, and a dot
 * at the front, is %hh: so no name holds a slash, is ".." or begins with a dot. One name
 * has one spelling. A domain called "order" is %6frder, for accounts/order is a file, and so are
 * accounts/srs.key and accounts/scram.key.
 */
#ifndef AUTH_ACCOUNTS_NAME_H
#define AUTH_ACCOUNTS_NAME_H

#include "common/base/span.h"

enum { ACCOUNTS_FILE_MAX = 256 };	/* bytes of a file's name, NUL too */

/* name and suffix (".account"; "" for a domain's folder). False: it does not fit. */
bool accounts_name_encode(char out[ACCOUNTS_FILE_MAX], struct span name, const char *suffix);

/* False: file does not end in suffix, or is not what encode gives. */
bool accounts_name_decode(char out[ACCOUNTS_FILE_MAX], struct span file, const char *suffix);

/* Cuts address at its last '@'. False: there is none. */
bool accounts_name_split(struct span address, struct span *user, struct span *domain);

/* s in lower case (ASCII) as a C string. False: too long, or holds a NUL. */
bool accounts_name_fold(char *out, size_t size, struct span s);

/* user@domain as it is kept: the user folded, the domain as DNS has it, from A-labels or in its own letters. False:
 * it is none, or too long. */
bool accounts_name_address(char *out, size_t size, struct span address);

#endif
