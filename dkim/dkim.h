/*
 * dkim.h - DKIM signatures, made and checked (RFC 6376, RFC 8301, RFC 8463).
 *
 * Pure but for OpenSSL's cryptography: no DNS, no file. A body is fed in pieces as it is; line
 * ends that are not CRLF count as CRLF, which is how they are sent. Linear; memory is the header's.
 */
#ifndef DKIM_DKIM_H
#define DKIM_DKIM_H

#include "common/base/buf.h"
#include "common/base/error.h"

enum { DKIM_HEADER_MAX = 256 * 1024, DKIM_SIGNATURES = 20, DKIM_NAME_MAX = 256 };

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };

struct dkim_key;		/* opaque; a private key */

/* From PEM. RSA below 2048 bits is refused (RFC 8301 3.2 asks for 1024 at least, and 2048 is what is taken). */
int dkim_key_read(struct dkim_key **out, struct span pem, const char *domain, const char *selector,
		  struct error *err);
void dkim_key_free(struct dkim_key *k);
/* Makes one: PEM into out. */
int dkim_key_make(enum dkim_algorithm algorithm, struct buf *pem, struct error *err);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k);
const char *dkim_key_domain(const struct dkim_key *k);
const char *dkim_key_selector(const struct dkim_key *k);
/* "v=DKIM1; k=rsa; p=...": what is published under SELECTOR._domainkey.DOMAIN. */
void dkim_key_record(const struct dkim_key *k, struct buf *out);

/* --- signing --------------------------------------------------------------- */

struct dkim_signer;		/* opaque; one message, any number of keys */

/* relaxed/relaxed; From and what else tells the reader something is signed, From once more than
 * it is there, so that none can be added. */
int dkim_signer_new(struct dkim_signer **out, struct error *err);
void dkim_signer_free(struct dkim_signer *s);
/* The message from its first byte on, in pieces. -EMSGSIZE: the header is over DKIM_HEADER_MAX. */
int dkim_signer_feed(struct dkim_signer *s, struct span piece);
/* Appends one whole DKIM-Signature field for each key, CRLF behind; they go in front. After all was
 * fed; may be called once. After an error out is as before: -EINVAL: there is no From,
 * or the header does not begin with a field. */
int dkim_signer_finish(struct dkim_signer *s, const struct dkim_key *const *keys, size_t count, int64_t now_s,
		       struct buf *out, struct error *err);

/* --- checking -------------------------------------------------------------- */

enum dkim_result {		/* RFC 8601 2.7.1 */
	DKIM_NONE, DKIM_PASS, DKIM_FAIL, DKIM_POLICY, DKIM_NEUTRAL, DKIM_TEMPERROR, DKIM_PERMERROR
};

struct dkim_verifier;		/* opaque; one message */

int dkim_verifier_new(struct dkim_verifier **out, struct error *err);
void dkim_verifier_free(struct dkim_verifier *v);
int dkim_verifier_feed(struct dkim_verifier *v, struct span piece);
/* All was fed: how many signatures there are (DKIM_SIGNATURES at most). */
size_t dkim_verifier_end(struct dkim_verifier *v);
/* The name to ask DNS for TXT; "" if the signature is malformed already. Lent. */
const char *dkim_verifier_query(const struct dkim_verifier *v, size_t i);

struct dkim_verdict {
	enum dkim_result result;
	char domain[DKIM_NAME_MAX], selector[DKIM_NAME_MAX];
	const char *words;	/* why not; static or lent with the verifier */
	bool testing;		/* the key says t=y */
};
/* key: the TXT record's text; NULL: there is none (permerror), or temporary: none now. */
void dkim_verifier_check(struct dkim_verifier *v, size_t i, const struct span *key, bool temporary,
			 int64_t now_s, struct dkim_verdict *out);

#endif
