/* tls_shake.c - the handshake (RFC 8446 4). */
#include "tests/bench/load/tls_inside.h"
#include "tests/bench/load/verb.h"

#include <string.h>

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE_REQUEST = 13,
	FINISHED = 20,
	EXTENSION_PSK = 41,
	EXTENSION_KEY_SHARE = 51,
	HELLO_MAX = 1024 + TLS_TICKET_MAX
};

/* A message that is being written. */
struct hello {
	uint8_t p[HELLO_MAX];
	size_t n;
};

static void put(struct hello *h, const void *bytes, size_t n)
{
	memcpy(h->p + h->n, bytes, n);
	h->n += n;
}

static void put_number(struct hello *h, uint32_t value, unsigned bytes)
{
	while (bytes-- > 0)
		h->p[h->n++] = (uint8_t)(value >> 8 * bytes);
}

/* The length of what follows stands in so many bytes; close fills them in. */
static size_t vector_open(struct hello *h, unsigned bytes)
{
	put_number(h, 0, bytes);
	return h->n;
}

static void vector_close(struct hello *h, size_t start, unsigned bytes)
{
	size_t end = h->n;

	h->n = start - bytes;
	put_number(h, (uint32_t)(end - start), bytes);
	h->n = end;
}

static void put_name(struct hello *h, const char *name)
{
	size_t body, list, one;

	put_number(h, 0, 2);
	body = vector_open(h, 2);
	list = vector_open(h, 2);
	put_number(h, 0, 1);
	one = vector_open(h, 2);
	put(h, name, strlen(name));
	vector_close(h, one, 2);
	vector_close(h, list, 2);
	vector_close(h, body, 2);
}

static void put_key(struct hello *h, const uint8_t key[32])
{
	put_number(h, EXTENSION_KEY_SHARE, 2);
	put_number(h, 38, 2);
	put_number(h, 36, 2);
	put_number(h, 29, 2);	/* x25519 */
	put_number(h, 32, 2);
	put(h, key, 32);
}

/* RFC 8446 4.2.11. The binder is put in its place by bind. */
static void put_ticket(struct hello *h, const struct tls_ticket *k)
{
	uint32_t age_ms = (uint32_t)((verb_now_s() - k->came_s) * 1e3);
	size_t body, list;

	put_number(h, EXTENSION_PSK, 2);
	body = vector_open(h, 2);
	list = vector_open(h, 2);
	put_number(h, (uint32_t)k->n, 2);
	put(h, k->bytes, k->n);
	put_number(h, age_ms + k->age_add, 4);
	vector_close(h, list, 2);
	put_number(h, 33, 2);
	put_number(h, 32, 1);
	h->n += HASH;
	vector_close(h, body, 2);
}

static void put_extensions(struct hello *h, const char *name, const uint8_t key[32])
{
	/* As long as what mail programs send: servers go through all of it. */
	static const uint8_t same[] = {
		0, 43, 0, 3, 2, 3, 4,						/* supported_versions: TLS 1.3 */
		0, 10, 0, 14, 0, 12, 0, 29, 0, 23, 0, 24, 0, 25, 1, 0, 1, 1,	/* supported_groups: x25519, ... */
		0, 13, 0, 24, 0, 22, 4, 3, 5, 3, 6, 3, 8, 4, 8, 5, 8, 6, 4, 1, 5, 1, 6, 1, 2, 3, 2, 1,	/* signature_algorithms */
		0, 45, 0, 2, 1, 1,						/* psk_key_exchange_modes: psk_dhe_ke */
	};

	put_name(h, name);
	put(h, same, sizeof(same));
	put_key(h, key);
}

static void bind(struct tls *t, struct hello *h)
{
	uint8_t key[HASH], hash[HASH];
	size_t cut = h->n - HASH - 3;

	tls_expand(key, sizeof(key), t->secret, "res binder", tls_nothing(), HASH);
	crypto_hash_sha256(hash, h->p, cut);
	tls_finished(h->p + h->n - HASH, key, hash);
}

static int client_hello(struct tls *t, const char *name, const uint8_t key[32])
{
	static const uint8_t zero[HASH];
	bool again = t->ticket != NULL && t->ticket->n > 0;
	struct hello h = { .n = 0 };
	size_t body, extensions;

	put_number(&h, CLIENT_HELLO, 1);
	body = vector_open(&h, 3);
	put_number(&h, 0x0303, 2);
	randombytes_buf(h.p + h.n, 32);
	h.n += 32;
	put_number(&h, 0, 1);		/* no session id */
	put_number(&h, 2, 2);
	put_number(&h, 0x1301, 2);	/* TLS_AES_128_GCM_SHA256 */
	put_number(&h, 0x0100, 2);	/* no compression */
	extensions = vector_open(&h, 2);
	put_extensions(&h, name, key);
	if (again)
		put_ticket(&h, t->ticket);
	vector_close(&h, extensions, 2);
	vector_close(&h, body, 3);
	tls_extract(t->secret, zero, again ? t->ticket->psk : NULL);
	if (again)
		bind(t, &h);
	crypto_hash_sha256_update(&t->transcript, h.p, h.n);
	return tls_record_put(t, TYPE_SHAKE, h.p, h.n);
}

/* The server's share of the key, and whether it took the ticket. */
static int server_share(struct tls *t, const struct tls_message *m, uint8_t share[32])
{
	const uint8_t *p = m->body, *end = p + m->n;
	bool found = false;

	if (m->type != SERVER_HELLO || m->n < 40 || p[34] != 0 || p[35] != 0x13 || p[36] != 0x01)
		return -1;
	for (p += 40; p + 4 <= end;) {
		unsigned type = (unsigned)p[0] << 8 | p[1];
		size_t n = (size_t)p[2] << 8 | p[3];

		p += 4;
		if (n > (size_t)(end - p))
			return -1;
		if (type == EXTENSION_KEY_SHARE && n == 36) {
			memcpy(share, p + 4, 32);
			found = true;
		}
		t->resumed |= type == EXTENSION_PSK;
		p += n;
	}
	return found ? 0 : -1;
}

/* From the early secret to the handshake's. */
static int handshake_keys(struct tls *t, const uint8_t key[32], const uint8_t share[32], uint8_t client[HASH], uint8_t server[HASH])
{
	static const uint8_t zero[HASH];
	uint8_t shared[32], hash[HASH], salt[HASH];

	if (crypto_scalarmult(shared, key, share) != 0)
		return -1;
	if (!t->resumed)
		tls_extract(t->secret, zero, NULL);
	tls_expand(salt, sizeof(salt), t->secret, "derived", tls_nothing(), HASH);
	tls_extract(t->secret, salt, shared);
	tls_transcript(t, hash);
	tls_expand(client, HASH, t->secret, "c hs traffic", hash, HASH);
	tls_expand(server, HASH, t->secret, "s hs traffic", hash, HASH);
	return tls_half_key(&t->in, server, 0);
}

/* All that the server says up to its Finished, which must fit. */
static int server_flight(struct tls *t, const uint8_t server[HASH])
{
	uint8_t hash[HASH], expected[HASH];
	struct tls_message m;

	for (;;) {
		tls_transcript(t, hash);
		if (tls_message_take(t, &m) < 0 || m.type == CERTIFICATE_REQUEST)
			return -1;
		if (m.type == FINISHED)
			break;
		tls_message_drop(t);
	}
	tls_finished(expected, server, hash);
	if (m.n != HASH || memcmp(m.body, expected, HASH) != 0)
		return -1;
	tls_message_drop(t);
	return 0;
}

/* Our Finished, then the keys of the session. */
static int finish(struct tls *t, const uint8_t client[HASH])
{
	uint8_t message[4 + HASH] = { FINISHED, 0, 0, HASH }, hash[HASH], salt[HASH], ours[HASH], theirs[HASH];

	tls_expand(salt, sizeof(salt), t->secret, "derived", tls_nothing(), HASH);
	tls_extract(t->secret, salt, NULL);
	tls_transcript(t, hash);
	tls_expand(ours, HASH, t->secret, "c ap traffic", hash, HASH);
	tls_expand(theirs, HASH, t->secret, "s ap traffic", hash, HASH);
	tls_finished(message + 4, client, hash);
	if (tls_half_key(&t->out, client, 1) < 0 || tls_record_put(t, TYPE_SHAKE, message, sizeof(message)) < 0)
		return -1;
	crypto_hash_sha256_update(&t->transcript, message, sizeof(message));
	tls_transcript(t, hash);
	tls_expand(t->resumption, HASH, t->secret, "res master", hash, HASH);
	return tls_half_key(&t->out, ours, 1) < 0 || tls_half_key(&t->in, theirs, 0) < 0 ? -1 : 0;
}

int tls_shake(struct tls *t, const char *server_name)
{
	uint8_t key[32], public[32], share[32], client[HASH], server[HASH];
	struct tls_message hello;

	randombytes_buf(key, sizeof(key));
	crypto_scalarmult_base(public, key);
	crypto_hash_sha256_init(&t->transcript);
	if (client_hello(t, server_name, public) < 0 || tls_message_take(t, &hello) < 0 || server_share(t, &hello, share) < 0)
		return -1;
	tls_message_drop(t);
	if (handshake_keys(t, key, share, client, server) < 0 || server_flight(t, server) < 0)
		return -1;
	return finish(t, client);
}
