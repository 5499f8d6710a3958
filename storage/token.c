/*
 * token.c - the contract is in token.h.
 *
 * A token is
 *	version (1 byte) rights (4) session (8) made_ms (8) ends_s (8) quota (8) account
 * and a MAC over all of that; numbers are big-endian, the account ends where the MAC
 * begins.
 */
#include "storage/token.h"

#include <sodium.h>
#include <string.h>

enum { TOKEN_VERSION = 2, TOKEN_FIXED = 1 + 4 + 8 + 8 + 8 + 8, TOKEN_MAC = crypto_auth_BYTES };

static uint8_t *put_number(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	return at + bytes;
}

static uint64_t take_number(const uint8_t **at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | *(*at)++;
	return value;
}

void store_token_make(struct store_token *t, const uint8_t key[STORE_TOKEN_KEY], const struct store_grant *g)
{
	size_t n = strnlen(g->account, STORE_ACCOUNT_MAX - 1);
	uint8_t *at = t->bytes;

	*at++ = TOKEN_VERSION;
	at = put_number(at, g->rights, 4);
	at = put_number(at, g->session, 8);
	at = put_number(at, (uint64_t)g->made_ms, 8);
	at = put_number(at, (uint64_t)g->ends_s, 8);
	at = put_number(at, g->quota, 8);
	memcpy(at, g->account, n);
	crypto_auth(at + n, t->bytes, TOKEN_FIXED + n, key);
	t->n = (uint16_t)(TOKEN_FIXED + n + TOKEN_MAC);
}

bool store_token_check(const struct store_token *t, const uint8_t key[STORE_TOKEN_KEY], int64_t now_s,
		       struct store_grant *g)
{
	const uint8_t *at = t->bytes + 1;
	size_t account;

	memset(g, 0, sizeof(*g));
	if (t->n <= TOKEN_FIXED + TOKEN_MAC || t->n > sizeof(t->bytes) || t->bytes[0] != TOKEN_VERSION)
		return false;
	account = t->n - (size_t)TOKEN_FIXED - TOKEN_MAC;
	if (account >= STORE_ACCOUNT_MAX ||
	    crypto_auth_verify(t->bytes + TOKEN_FIXED + account, t->bytes, TOKEN_FIXED + account, key) != 0)
		return false;
	g->rights = (uint32_t)take_number(&at, 4);
	g->session = take_number(&at, 8);
	g->made_ms = (int64_t)take_number(&at, 8);
	g->ends_s = (int64_t)take_number(&at, 8);
	g->quota = take_number(&at, 8);
	memcpy(g->account, at, account);
	return now_s < g->ends_s && memchr(g->account, '\0', account) == NULL;
}
