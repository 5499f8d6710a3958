/* session.c - the contract is in session.h. */
#include "common/tls/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/bio.h"
#include "common/tls/context.h"
#include "common/tls/inside.h"

enum {
	IN_MAX = 1 << 20,	/* bytes fed but not read */
	OUT_MAX = 64 << 20,	/* bytes written but not sent; the caller stops long before */
	WRITE_STEP = 1 << 20	/* bytes for one call of OpenSSL */
};

int tls_session_make(struct tls_session **out, struct tls_context *c, SSL *ssl, struct error *err)
{
	struct tls_session *s = ssl != NULL ? calloc(1, sizeof(*s)) : NULL;
	BIO *bio;

	*out = NULL;
	if (s == NULL) {
		SSL_free(ssl);
		ERR_clear_error();
		return error_set(err, -ENOMEM, "no memory for a TLS session");
	}
	buf_init(&s->in, IN_MAX);
	buf_init(&s->out, OUT_MAX);
	s->context = tls_context_hold(c);
	s->ssl = ssl;
	bio = tls_bio_new(s);
	if (bio == NULL) {
		tls_session_free(s);
		ERR_clear_error();
		return error_set(err, -ENOMEM, "no memory for a TLS session");
	}
	SSL_set_bio(ssl, bio, bio);
	*out = s;
	return 0;
}

/* OpenSSL tells of each alert that it sends and of each step of a handshake. */
static void on_info(const SSL *ssl, int where, int value)
{
	struct tls_session *s = tls_session_of(ssl);

	if (where == SSL_CB_WRITE_ALERT)
		s->alert = value;
	/* RFC 5246 7.2.2: how it answers a client that wants a second handshake. */
	if (where == SSL_CB_WRITE_ALERT && (value & 0xff) == SSL_AD_NO_RENEGOTIATION)
		s->renegotiating = true;
	if (SSL_get_state(ssl) == TLS_ST_SW_ENCRYPTED_EXTENSIONS)
		s->answered = true;
}

int tls_session_new(struct tls_session **out, struct tls_context *c, struct error *err)
{
	int rc = tls_session_make(out, c, SSL_new(tls_choice_default(c->choice)), err);

	if (rc < 0)
		return rc;
	SSL_set_info_callback((*out)->ssl, on_info);
	SSL_set_accept_state((*out)->ssl);
	if (c->refusal != NULL)
		(*out)->second = tls_second_new();
	return 0;
}

void tls_session_free(struct tls_session *s)
{
	if (s == NULL)
		return;
	SSL_free(s->ssl);
	tls_facts_clear(s);
	free(s->peer_trouble);
	free(s->dane);
	X509_free(s->peer);
	tls_second_free(s->second);
	tls_context_drop(s->context);
	buf_clear(&s->in);
	buf_clear(&s->out);
	free(s);
}

static void session_fail(struct tls_session *s)
{
	if (s->error == 0)
		s->error = ERR_peek_error();
	s->status = TLS_FAILED;
	buf_clear(&s->in);
	s->in_used = s->in_whole = 0;
}

/* What OpenSSL has taken goes; an empty buffer costs nothing. */
static void session_tidy(struct tls_session *s)
{
	buf_drop(&s->in, s->in_used);
	s->in_whole -= s->in_used;
	s->in_used = 0;
	if (s->in.n == 0)
		buf_clear(&s->in);
}

/* After a call that did not succeed: it wants more, has ended, or has failed. */
static void session_judge(struct tls_session *s, int rc)
{
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		session_tidy(s);
		break;
	case SSL_ERROR_ZERO_RETURN:
		if (s->up)
			s->status = TLS_CLOSED;
		else
			session_fail(s);
		break;
	default:
		session_fail(s);
		break;
	}
	ERR_clear_error();
}

void tls_session_shake(struct tls_session *s)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(s->ssl);
	if (rc != 1) {
		session_judge(s, rc);
		if (s->status == TLS_FAILED && tls_second_begin(s)) {
			tls_session_shake(s);
			if (s->status == TLS_FAILED)
				tls_second_undo(s);
		}
		return;
	}
	if (!tls_facts_read(s)) {
		s->trouble = "no memory for what is known of the client";
		session_fail(s);
		return;
	}
	s->up = true;
	s->status = TLS_UP;
	session_tidy(s);
	if (tls_session_refused(s)) {
		buf_clear(&s->in);
		s->in_used = s->in_whole = 0;
	} else {
		tls_second_free(s->second);
		s->second = NULL;
	}
	ERR_clear_error();
}

static void first_note(struct tls_session *s, struct span in)
{
	in = span_take(&in, sizeof(s->first) - s->first_n);
	if (in.n > 0)
		memcpy(s->first + s->first_n, in.p, in.n);
	s->first_n += in.n;
}

enum tls_status tls_session_feed(struct tls_session *s, struct span *in)
{
	struct span taken = span_take(in, in->n);

	if (s->status == TLS_FAILED || s->status == TLS_CLOSED || tls_session_refused(s) || taken.n == 0)
		return s->status;
	first_note(s, taken);
	tls_second_keep(s, taken);
	buf_put(&s->in, taken);
	if (s->in.failed) {
		s->trouble = "no memory for what has come";
		session_fail(s);
		return s->status;
	}
	tls_bio_frame(s);
	if (s->status == TLS_MORE && s->in_whole > 0)
		tls_session_shake(s);
	return s->status;
}

size_t tls_session_read(struct tls_session *s, uint8_t *p, size_t n)
{
	size_t got = 0;
	int rc;

	if (s->status != TLS_UP || tls_session_refused(s) || n == 0)
		return 0;
	ERR_clear_error();
	s->reading = true;
	rc = SSL_read_ex(s->ssl, p, n, &got);
	s->reading = false;
	if (s->renegotiating)
		session_fail(s);
	else if (rc == 1)
		return got;
	else
		session_judge(s, rc);
	ERR_clear_error();
	return 0;
}

bool tls_session_write(struct tls_session *s, struct span in)
{
	if (!s->up || s->status == TLS_FAILED || s->closing)
		return false;
	ERR_clear_error();
	while (in.n > 0) {
		struct span step = { in.p, in.n < WRITE_STEP ? in.n : WRITE_STEP };
		size_t done = 0;

		if (SSL_write_ex(s->ssl, step.p, step.n, &done) != 1) {
			session_fail(s);
			ERR_clear_error();
			return false;
		}
		span_take(&in, done);
	}
	return true;
}

struct span tls_session_out(const struct tls_session *s)
{
	if (s->out.n == 0)
		return (struct span){ NULL, 0 };
	return (struct span){ s->out.p + s->out_sent, s->out.n - s->out_sent };
}

void tls_session_sent(struct tls_session *s, size_t n)
{
	size_t left = s->out.n - s->out_sent;

	s->out_sent += n < left ? n : left;
	if (s->out_sent < s->out.n / 2)
		return;
	buf_drop(&s->out, s->out_sent);
	s->out_sent = 0;
	if (s->out.n > 0)
		return;
	s->unasked = 0;
	buf_clear(&s->out);
}

void tls_session_close(struct tls_session *s)
{
	if (!s->up || s->status == TLS_FAILED || s->closing)
		return;
	ERR_clear_error();
	s->closing = true;
	SSL_shutdown(s->ssl);
	ERR_clear_error();
}

enum tls_status tls_session_status(const struct tls_session *s)
{
	return s->status;
}

const struct tls_facts *tls_session_facts(const struct tls_session *s)
{
	return &s->facts;
}
