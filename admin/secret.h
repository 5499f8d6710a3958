/*
 * secret.h - passwords and passphrases that are made up for a person.
 */
#ifndef ADMIN_SECRET_H
#define ADMIN_SECRET_H

enum { SECRET_MAX = 21 };	/* bytes, the NUL too */

/* 20 signs that nobody takes for another: 115 bits. sodium_init must have been called. */
void secret_make(char out[SECRET_MAX]);

#endif
