/* tls.c - the contract is in tls.h. */
#include "tests/bench/load/tls_inside.h"
#include "tests/bench/load/verb.h"

#include <stdlib.h>
#include <string.h>

enum { NEW_SESSION_TICKET = 4, MESSAGE_HEAD = 4 };

struct tls *tls_open(int fd, const char *server_name, struct tls_ticket *ticket)
{
	struct tls *t = malloc(sizeof(*t));	/* not zeroed: its rooms are large */

	if (t == NULL)
		return NULL;
	t->fd = fd;
	t->resumed = t->ended = false;
	t->ticket = ticket;
	t->in = t->out = (struct tls_half){ 0 };
	t->shake_n = t->plain_n = t->at = t->n = 0;
	if (tls_shake(t, server_name) == 0)
		return t;
	t->ended = true;
	tls_close(t);
	return NULL;
}

bool tls_resumed(const struct tls *t)
{
	return t->resumed;
}

void tls_close(struct tls *t)
{
	static const uint8_t notify[] = { 1, 0 };	/* RFC 8446 6.1 */

	if (t == NULL)
		return;
	if (!t->ended)
		tls_record_put(t, TYPE_ALERT, notify, sizeof(notify));
	EVP_CIPHER_CTX_free(t->in.cipher);
	EVP_CIPHER_CTX_free(t->out.cipher);
	free(t);
}

/* --- messages of the handshake ---------------------------------------------- */

static bool message_whole(const struct tls *t, struct tls_message *m)
{
	if (t->shake_n < MESSAGE_HEAD)
		return false;
	m->type = t->shake[0];
	m->n = (size_t)t->shake[1] << 16 | (size_t)t->shake[2] << 8 | t->shake[3];
	m->body = t->shake + MESSAGE_HEAD;
	return m->n <= t->shake_n - MESSAGE_HEAD;
}

static int shake_put(struct tls *t, const uint8_t *bytes, size_t n)
{
	if (n > sizeof(t->shake) - t->shake_n)
		return -1;
	memcpy(t->shake + t->shake_n, bytes, n);
	t->shake_n += n;
	return 0;
}

int tls_message_take(struct tls *t, struct tls_message *m)
{
	while (!message_whole(t, m)) {
		unsigned type;
		uint8_t *bytes;
		size_t n;

		if (tls_record_take(t, &type, &bytes, &n) < 0)
			return -1;
		if (type == TYPE_CHANGE)
			continue;
		if (type != TYPE_SHAKE || shake_put(t, bytes, n) < 0)
			return -1;
	}
	return 0;
}

void tls_message_drop(struct tls *t)
{
	struct tls_message m;

	if (!message_whole(t, &m))
		return;
	crypto_hash_sha256_update(&t->transcript, t->shake, MESSAGE_HEAD + m.n);
	t->shake_n -= MESSAGE_HEAD + m.n;
	memmove(t->shake, m.body + m.n, t->shake_n);
}

/* --- once it is up ----------------------------------------------------------- */

/* RFC 8446 4.6.1: lifetime, age_add, nonce, ticket. */
static int ticket_keep(struct tls *t, const struct tls_message *m)
{
	const uint8_t *p = m->body;
	size_t nonce_n = m->n > 9 ? p[8] : 0, n;
	struct tls_ticket *k = t->ticket;

	if (m->n < 11 + nonce_n)
		return -1;
	n = (size_t)p[9 + nonce_n] << 8 | p[10 + nonce_n];
	if (n > m->n - 11 - nonce_n)
		return -1;
	if (k == NULL || n > sizeof(k->bytes))
		return 0;
	memcpy(k->bytes, p + 11 + nonce_n, n);
	k->n = n;
	k->age_add = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
	k->came_s = verb_now_s();
	tls_expand(k->psk, sizeof(k->psk), t->resumption, "resumption", p + 9, nonce_n);
	return 0;
}

static int messages_later(struct tls *t, const uint8_t *bytes, size_t n)
{
	struct tls_message m;

	if (shake_put(t, bytes, n) < 0)
		return -1;
	while (message_whole(t, &m)) {
		if (m.type != NEW_SESSION_TICKET || ticket_keep(t, &m) < 0)
			return -1;
		tls_message_drop(t);
	}
	return 0;
}

/* Until there is something to be read. */
static int data_wait(struct tls *t)
{
	while (t->plain_n == 0 && !t->ended) {
		unsigned type;
		uint8_t *bytes;
		size_t n;

		if (tls_record_take(t, &type, &bytes, &n) < 0)
			return -1;
		if (type == TYPE_DATA) {
			t->plain = bytes;
			t->plain_n = n;
		} else if (type == TYPE_ALERT) {
			t->ended = true;
			return n == 2 && bytes[1] == 0 ? 0 : -1;
		} else if (type != TYPE_SHAKE || messages_later(t, bytes, n) < 0) {
			return -1;
		}
	}
	return 0;
}

long tls_read(struct tls *t, char *out, size_t size)
{
	size_t n;

	if (data_wait(t) < 0)
		return -1;
	n = t->plain_n < size ? t->plain_n : size;
	if (n > 0)
		memcpy(out, t->plain, n);
	t->plain += n;
	t->plain_n -= n;
	return (long)n;
}

int tls_write(struct tls *t, const char *bytes, size_t n)
{
	while (n > 0) {
		size_t part = n < RECORD_PLAIN ? n : RECORD_PLAIN;

		if (tls_record_put(t, TYPE_DATA, bytes, part) < 0)
			return -1;
		bytes += part;
		n -= part;
	}
	return 0;
}
