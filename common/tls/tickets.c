/* tickets.c - the contract is in tickets.h.
 *
 * Form  One byte: how many keys. For each: made_s in 8 bytes, the highest first,
 *       then the secret. */
#include "common/tls/tickets.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

enum { ENTRY = 8 + TLS_TICKET_SECRET };	/* bytes of one key as written */

void tls_tickets_rotate(struct tls_tickets *t, int64_t now_s)
{
	uint8_t fresh[TLS_TICKET_SECRET];

	/* Without random bytes the old keys stay: better than one that can be guessed. */
	if (RAND_bytes(fresh, sizeof(fresh)) != 1)
		return;
	memmove(t->secret[1], t->secret[0], sizeof(t->secret) - sizeof(t->secret[0]));
	memmove(&t->made_s[1], &t->made_s[0], sizeof(t->made_s) - sizeof(t->made_s[0]));
	memcpy(t->secret[0], fresh, sizeof(fresh));
	t->made_s[0] = now_s;
	if (t->count < TLS_TICKET_KEYS)
		t->count++;
	OPENSSL_cleanse(fresh, sizeof(fresh));
}

void tls_tickets_write(const struct tls_tickets *t, struct buf *out)
{
	buf_put_byte(out, (uint8_t)t->count);
	for (size_t i = 0; i < t->count; i++) {
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_put_byte(out, (uint8_t)((uint64_t)t->made_s[i] >> shift));
		buf_put(out, (struct span){ t->secret[i], TLS_TICKET_SECRET });
	}
}

bool tls_tickets_read(struct tls_tickets *t, struct span in)
{
	size_t count = in.n > 0 ? in.p[0] : 0;

	*t = (struct tls_tickets){ 0 };
	if (count == 0 || count > TLS_TICKET_KEYS || in.n != 1 + count * ENTRY)
		return false;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *p = in.p + 1 + i * ENTRY;
		uint64_t made = 0;

		for (size_t j = 0; j < 8; j++)
			made = made << 8 | p[j];
		t->made_s[i] = (int64_t)made;
		memcpy(t->secret[i], p + 8, TLS_TICKET_SECRET);
	}
	t->count = count;
	return true;
}
