/* bio.c - the contract is in bio.h. */
#include "common/tls/bio.h"

#include <openssl/crypto.h>
#include <string.h>

#include "common/tls/inside.h"

enum {
	RECORD_HEADER = 5,
	RECORD_MAX = 16384 + 2048,	/* RFC 5246 6.2.3 */
	UNASKED_MAX = 65536	/* bytes unsent that a peer made us add by asking (key updates) */
};

static int bio_read(BIO *bio, char *out, int size)
{
	struct tls_session *s = BIO_get_data(bio);
	size_t n = s->in_whole - s->in_used;

	BIO_clear_retry_flags(bio);
	if (size <= 0)
		return 0;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = n < (size_t)size ? n : (size_t)size;
	memcpy(out, s->in.p + s->in_used, n);
	s->in_used += n;
	return (int)n;
}

static int bio_write(BIO *bio, const char *in, int n)
{
	struct tls_session *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	s->written += (size_t)n;
	if (s->reading)
		s->unasked += (size_t)n;
	if (s->unasked > UNASKED_MAX) {
		s->trouble = "the peer asks without end and takes no answer";
		return -1;
	}
	buf_put(&s->out, (struct span){ (const uint8_t *)in, (size_t)n });
	if (s->out.failed) {
		s->trouble = "no memory for what waits to be sent";
		return -1;
	}
	return n;
}

static long bio_control(BIO *bio, int what, long number, void *p)
{
	(void)bio;
	(void)number;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

/* One for the process: OpenSSL has few numbers for kinds of BIO. */
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;
static BIO_METHOD *method;

static void method_make(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tls session");
	if (method == NULL)
		return;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
}

BIO *tls_bio_new(struct tls_session *s)
{
	BIO *bio = NULL;

	if (CRYPTO_THREAD_run_once(&method_once, method_make) == 1 && method != NULL)
		bio = BIO_new(method);
	if (bio != NULL) {
		BIO_set_data(bio, s);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* The bytes of the record at p[n], header and all. 0: not known yet. SIZE_MAX: no
 * record of TLS; OpenSSL will say so. */
static size_t record_size(const uint8_t *p, size_t n, bool first)
{
	size_t size;

	if (n == 0)
		return 0;
	/* The old form of a ClientHello that begins a connection (RFC 5246 E.2). */
	if (first && (p[0] & 0x80) != 0)
		return n < 2 ? 0 : 2 + ((size_t)(p[0] & 0x7f) << 8 | p[1]);
	if (p[0] < 20 || p[0] > 24)
		return SIZE_MAX;
	if (n < RECORD_HEADER)
		return 0;
	size = (size_t)p[3] << 8 | p[4];
	return size > RECORD_MAX ? SIZE_MAX : RECORD_HEADER + size;
}

void tls_bio_frame(struct tls_session *s)
{
	while (!s->raw) {
		size_t left = s->in.n - s->in_whole;
		size_t size = record_size(s->in.p + s->in_whole, left, !s->begun);

		if (size == SIZE_MAX)
			s->raw = true;
		else if (size == 0 || size > left)
			return;
		else
			s->in_whole += size;
		s->begun = true;
	}
	s->in_whole = s->in.n;
}
