/* tls_record.c - records in and out (RFC 8446 5). */
#include "tests/bench/load/tls_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static EVP_CIPHER *gcm;		/* found once: OpenSSL 3.0 looks long */

void tls_begin(void)
{
	gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
}

int tls_half_key(struct tls_half *h, const uint8_t secret[HASH], int sealing)
{
	uint8_t key[16];

	tls_expand(key, sizeof(key), secret, "key", NULL, 0);
	tls_expand(h->iv, sizeof(h->iv), secret, "iv", NULL, 0);
	h->count = 0;
	if (h->cipher == NULL)
		h->cipher = EVP_CIPHER_CTX_new();
	return h->cipher != NULL && EVP_CipherInit_ex(h->cipher, gcm, NULL, key, NULL, sealing) == 1 ? 0 : -1;
}

static int nonce_set(struct tls_half *h)
{
	uint8_t nonce[sizeof(h->iv)];

	memcpy(nonce, h->iv, sizeof(nonce));
	for (size_t i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(h->count >> 8 * i);
	h->count++;
	return EVP_CipherInit_ex(h->cipher, NULL, NULL, NULL, nonce, -1) == 1 ? 0 : -1;
}

/* --- in -------------------------------------------------------------------- */

/* Reads until room holds n bytes from `at` on. */
static int want(struct tls *t, size_t n)
{
	if (t->at + RECORD_MAX > sizeof(t->room)) {
		memmove(t->room, t->room + t->at, t->n - t->at);
		t->n -= t->at;
		t->at = 0;
	}
	while (t->n - t->at < n) {
		ssize_t r = read(t->fd, t->room + t->n, sizeof(t->room) - t->n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		t->n += (size_t)r;
	}
	return 0;
}

/* *n: of the cipher text, then of the plain one with its type behind it. */
static int opened(struct tls_half *h, const uint8_t *head, uint8_t *body, size_t *n)
{
	int used;

	if (*n <= TAG || nonce_set(h) < 0)
		return -1;
	*n -= TAG;
	if (EVP_CIPHER_CTX_ctrl(h->cipher, EVP_CTRL_AEAD_SET_TAG, TAG, body + *n) != 1 ||
	    EVP_CipherUpdate(h->cipher, NULL, &used, head, RECORD_HEAD) != 1 ||
	    EVP_CipherUpdate(h->cipher, body, &used, body, (int)*n) != 1 || EVP_CipherFinal_ex(h->cipher, body + used, &used) != 1)
		return -1;
	while (*n > 0 && body[*n - 1] == 0)
		--*n;
	return *n > 0 ? 0 : -1;
}

int tls_record_take(struct tls *t, unsigned *type, uint8_t **bytes, size_t *n)
{
	const uint8_t *head;

	if (want(t, RECORD_HEAD) < 0)
		return -1;
	*n = (size_t)t->room[t->at + 3] << 8 | t->room[t->at + 4];
	if (*n > RECORD_MAX - RECORD_HEAD || want(t, RECORD_HEAD + *n) < 0)
		return -1;
	head = t->room + t->at;
	*type = head[0];
	*bytes = t->room + t->at + RECORD_HEAD;
	t->at += RECORD_HEAD + *n;
	if (*type != TYPE_DATA || t->in.cipher == NULL)
		return 0;
	if (opened(&t->in, head, *bytes, n) < 0)
		return -1;
	*type = (*bytes)[--*n];
	return 0;
}

/* --- out ------------------------------------------------------------------- */

static int send_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

static void head_put(uint8_t *out, unsigned type, size_t n)
{
	const uint8_t head[RECORD_HEAD] = { (uint8_t)type, 3, 3, (uint8_t)(n >> 8), (uint8_t)n };

	memcpy(out, head, sizeof(head));
}

static int seal(struct tls_half *h, uint8_t *record, unsigned type, const uint8_t *bytes, size_t n)
{
	uint8_t *body = record + RECORD_HEAD, last = (uint8_t)type;
	int used, end;

	head_put(record, TYPE_DATA, n + 1 + TAG);
	return nonce_set(h) == 0 && EVP_CipherUpdate(h->cipher, NULL, &used, record, RECORD_HEAD) == 1 &&
			       EVP_CipherUpdate(h->cipher, body, &used, bytes, (int)n) == 1 &&
			       EVP_CipherUpdate(h->cipher, body + n, &end, &last, 1) == 1 &&
			       EVP_CipherFinal_ex(h->cipher, body + n + 1, &end) == 1 &&
			       EVP_CIPHER_CTX_ctrl(h->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, body + n + 1) == 1
		       ? 0
		       : -1;
}

int tls_record_put(struct tls *t, unsigned type, const void *bytes, size_t n)
{
	if (t->out.cipher != NULL) {
		if (seal(&t->out, t->sealed, type, bytes, n) < 0)
			return -1;
		return send_all(t->fd, t->sealed, RECORD_HEAD + n + 1 + TAG);
	}
	head_put(t->sealed, type, n);
	t->sealed[2] = 1;	/* RFC 8446 5.1: the first one as TLS 1.0 */
	memcpy(t->sealed + RECORD_HEAD, bytes, n);
	return send_all(t->fd, t->sealed, RECORD_HEAD + n);
}
