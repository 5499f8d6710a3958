/*
 * secret.h - the files accounts/srs.key: what SRS addresses are signed with, and accounts/scram.key: what the
 * salts of those are made from that have no keys for SCRAM.
 *
 * Form    `key HEX`, 64 digits, one or two lines; the first one signs, both are believed. A key is
 *         changed by a new line in front; the old one goes when SRS_DAYS are over.
 *         Lines that are no key are passed over with a warning.
 * Made    by authd (0600), when accounts/ first holds something that leads to another server.
 */
#ifndef AUTHD_SECRET_H
#define AUTHD_SECRET_H

#include "auth/srs.h"
#include "common/base/error.h"

/* Reads the file in the folder. out->count is 0 where there is none, or no key in it. */
int secret_read(struct srs_keys *out, int folder, struct error *err);

/* Makes the file with one key. Durable when it returns. */
int secret_make(struct srs_keys *out, int folder, struct error *err);

/* The key of salts; made (0600) where there is none, so that a restart changes no salt. */
int secret_salt(uint8_t key[SRS_KEY], int folder, struct error *err);

#endif
