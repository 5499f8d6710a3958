/* tls_inside.h - what the files of tls.h share: records, and the key schedule. */
#ifndef LOAD_TLS_INSIDE_H
#define LOAD_TLS_INSIDE_H

#include "tests/bench/load/tls.h"

#include <openssl/evp.h>
#include <sodium.h>

enum {
	HASH = 32,			/* SHA-256 */
	RECORD_HEAD = 5,
	RECORD_PLAIN = 16384,		/* RFC 8446 5.1 */
	RECORD_MAX = RECORD_HEAD + RECORD_PLAIN + 256,
	TAG = 16,
	SHAKE_MAX = 32768,		/* bytes of handshake messages at a time */
	TYPE_CHANGE = 20,
	TYPE_ALERT = 21,
	TYPE_SHAKE = 22,
	TYPE_DATA = 23,
};

/* One direction. */
struct tls_half {
	EVP_CIPHER_CTX *cipher;		/* NULL: in clear */
	uint8_t iv[12];
	uint64_t count;
};

struct tls {
	int fd;
	bool resumed, ended;
	struct tls_ticket *ticket;
	struct tls_half in, out;
	crypto_hash_sha256_state transcript;
	uint8_t secret[HASH];		/* of the schedule: early, handshake, master */
	uint8_t resumption[HASH];
	uint8_t shake[SHAKE_MAX];	/* messages of the handshake that came and are not used */
	size_t shake_n;
	const uint8_t *plain;		/* in room: what is not read yet */
	size_t plain_n;
	uint8_t room[2 * RECORD_MAX];	/* what came */
	size_t at, n;
	uint8_t sealed[RECORD_MAX];
};

/* The whole of one record: its type and bytes, lent until the next call. */
int tls_record_take(struct tls *t, unsigned *type, uint8_t **bytes, size_t *n);
/* At most RECORD_PLAIN bytes. */
int tls_record_put(struct tls *t, unsigned type, const void *bytes, size_t n);
int tls_half_key(struct tls_half *h, const uint8_t secret[HASH], int sealing);

/* RFC 8446 7.1 */
void tls_expand(uint8_t *out, size_t n, const uint8_t secret[HASH], const char *label, const uint8_t *context, size_t context_n);
void tls_extract(uint8_t out[HASH], const uint8_t salt[HASH], const uint8_t *key);
/* The hash of nothing. */
const uint8_t *tls_nothing(void);
/* Of the messages so far. */
void tls_transcript(const struct tls *t, uint8_t out[HASH]);
/* What a Finished of that secret says (RFC 8446 4.4.4). */
void tls_finished(uint8_t out[HASH], const uint8_t secret[HASH], const uint8_t hash[HASH]);

/* The next message of the handshake; its body is lent until it is dropped, which puts it into the transcript. */
struct tls_message {
	unsigned type;
	const uint8_t *body;
	size_t n;
};
int tls_message_take(struct tls *t, struct tls_message *m);
void tls_message_drop(struct tls *t);

int tls_shake(struct tls *t, const char *server_name);

#endif
