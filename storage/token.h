/*
 * token.h - what a login is worth: authd makes it, storaged believes it.
 *
 * A token names the account, the rights, the session and when it ends, under a MAC
 * (libsodium's crypto_auth) whose key only authd and storaged have. A daemon that
 * is broken into can use those that it was given and make none.
 */
#ifndef STORAGE_TOKEN_H
#define STORAGE_TOKEN_H

#include "common/base/error.h"
#include "common/base/span.h"

enum {
	STORE_TOKEN_KEY = 32,
	STORE_TOKEN_MAX = 512,  /* bytes of a token */
	STORE_ACCOUNT_MAX = 320 /* "user@domain" and its NUL */
};

enum store_right {
	STORE_RIGHT_READ = 1, /* everything that a mail program does */
	STORE_RIGHT_POP = 2,  /* INBOX alone: look, fetch, mark as seen, expunge */
	STORE_RIGHT_NUMBERS = 4 /* beside READ: give UIDs and a UIDVALIDITY, as an import does */
};

struct store_token {
	uint16_t n;
	uint8_t bytes[STORE_TOKEN_MAX];
};

/* Bytes that the messages of an account may have together, as authd says with each login and each recipient, or: */
#define STORE_QUOTA_UNTOLD ((uint64_t)0)		/* nothing: what was said before holds, or what holds for all */
#define STORE_QUOTA_SITE (UINT64_MAX - 1)		/* what holds for all accounts */
#define STORE_QUOTA_NONE UINT64_MAX			/* no limit, of messages neither */

struct store_grant {
	char account[STORE_ACCOUNT_MAX];
	uint32_t rights;  /* enum store_right */
	uint64_t session; /* a random number */
	int64_t made_ms;  /* real time: a revocation voids what was made before it */
	int64_t ends_s;
	uint64_t quota;
};

void store_token_make(struct store_token *t, const uint8_t key[STORE_TOKEN_KEY], const struct store_grant *g);
/* False: forged, malformed, or past its end. */
bool store_token_check(const struct store_token *t, const uint8_t key[STORE_TOKEN_KEY], int64_t now_s,
		       struct store_grant *g);

#endif
