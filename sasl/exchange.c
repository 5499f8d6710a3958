/* exchange.c - the contract is in exchange.h. */
#include "sasl/exchange.h"

#include <string.h>

#include "common/base/base64.h"
#include "sasl/scram_keys.h"

enum { EXCHANGE_LINE = 16384 };	/* bytes of a decoded answer, or of an encoded challenge */

static bool ends_in_plus(struct span name)
{
	return name.n > 5 && span_is_nocase((struct span){ name.p + name.n - 5, 5 }, "-PLUS");
}

bool sasl_offer_allows(const struct sasl_offer *o, struct span name)
{
	if (span_is_nocase(name, "EXTERNAL"))	/* RFC 4422 A */
		return o->tls && o->certificate;
	if (ends_in_plus(name))			/* RFC 5802 4 */
		return o->tls;
	return o->tls || (!o->require_tls && sasl_listed(o->clear_mechanisms, name));
}

/* There are keys for it. */
static bool is_served(const struct sasl_offer *o, struct span name)
{
	enum scram_hash h;

	return sasl_known(name) && (!scram_hash_of(name, &h) || (o->scram & 1u << h) != 0);
}

enum sasl_may sasl_offer_may(const struct sasl_offer *o, struct span mechanism)
{
	if (!is_served(o, mechanism) || !sasl_listed(o->mechanisms, mechanism))
		return SASL_NOT_OFFERED;
	if (sasl_offer_allows(o, mechanism))
		return SASL_MAY;
	return o->tls ? SASL_NO_CERTIFICATE : SASL_NOT_IN_CLEAR;
}

bool sasl_offer_mechanism(const struct sasl_offer *o, size_t i, struct span *name)
{
	struct span list = span_of(o->mechanisms);

	while (list.n > 0) {
		*name = span_trim(span_take_until(&list, ','));
		if (is_served(o, *name) && sasl_offer_allows(o, *name) && i-- == 0)
			return true;
	}
	return false;
}

static void put_challenge(struct exchange *x, struct span challenge, struct span *out)
{
	buf_clear(&x->text);
	buf_init(&x->text, EXCHANGE_LINE);
	base64_encode(&x->text, challenge);
	*out = buf_span(&x->text);
}

static enum exchange_status exchange_step(struct exchange *x, enum sasl_status st, struct span challenge,
					  struct span *out)
{
	static const enum exchange_status ends[] = {
		[SASL_VERIFY] = EXCHANGE_VERIFY,
		[SASL_BAD] = EXCHANGE_BAD,
		[SASL_REFUSED] = EXCHANGE_REFUSED,
		[SASL_HEARD] = EXCHANGE_HEARD,
	};

	if (st != SASL_CHALLENGE)
		return ends[st];
	put_challenge(x, challenge, out);
	return EXCHANGE_CHALLENGE;
}

/* Decodes text and hands it on; the plain bytes are wiped. */
static enum exchange_status exchange_decoded(struct exchange *x, struct span text,
					     enum sasl_status (*step)(struct sasl *, struct span, struct span *),
					     struct span *out)
{
	struct span challenge = { NULL, 0 }, plain;
	enum exchange_status st = EXCHANGE_BAD;
	struct buf bytes;

	buf_init(&bytes, EXCHANGE_LINE);
	if (base64_decode(&bytes, text)) {
		plain = (struct span){ bytes.p != NULL ? bytes.p : (const uint8_t *)"", bytes.n };
		st = exchange_step(x, step(x->sasl, plain, &challenge), challenge, out);
	}
	if (bytes.p != NULL)
		explicit_bzero(bytes.p, bytes.cap);
	buf_clear(&bytes);
	return st;
}

/* The -PLUS of this mechanism is offered beside it. */
static bool offers_plus(const struct sasl_offer *o, struct span mechanism)
{
	enum scram_hash mine, other;
	struct span name;

	if (!scram_hash_of(mechanism, &mine))
		return false;
	for (size_t i = 0; sasl_offer_mechanism(o, i, &name); i++)
		if (ends_in_plus(name) && scram_hash_of(name, &other) && other == mine)
			return true;
	return false;
}

enum exchange_status exchange_start(struct exchange *x, const struct sasl_offer *offer, struct span mechanism,
				    struct span initial, struct span *out)
{
	struct span challenge = { NULL, 0 };

	exchange_clear(x);
	*out = challenge;
	if (sasl_new(&x->sasl, mechanism, NULL) < 0)
		return EXCHANGE_UNKNOWN;
	if (offers_plus(offer, mechanism))
		sasl_binding_offered(x->sasl);
	if (initial.p == NULL)
		return exchange_step(x, sasl_start(x->sasl, initial, &challenge), challenge, out);
	if (span_is(initial, "="))	/* RFC 4954 4 */
		initial.n = 0;
	else if (initial.n == 0)
		return EXCHANGE_BAD;
	return exchange_decoded(x, initial, sasl_start, out);
}

enum exchange_status exchange_line(struct exchange *x, struct span line, struct span *out)
{
	*out = (struct span){ NULL, 0 };
	if (span_is(line, "*"))
		return EXCHANGE_CANCELLED;
	return exchange_decoded(x, line, sasl_step, out);
}

const struct sasl_credentials *exchange_credentials(const struct exchange *x)
{
	return sasl_credentials(x->sasl);
}

bool exchange_told(struct exchange *x, struct span *out)
{
	struct span words;
	bool told = x->sasl != NULL && sasl_told(x->sasl, &words);

	*out = span_of("");
	if (told)
		put_challenge(x, words, out);
	return told;
}

const char *exchange_wrong(const struct exchange *x)
{
	if (x->sasl != NULL && *sasl_trouble(x->sasl) != '\0')
		return sasl_trouble(x->sasl);
	if (x->sasl != NULL && span_is(span_of(sasl_credentials(x->sasl)->mechanism), "EXTERNAL"))
		return "this client certificate does not log in here, or not by that name";
	return "wrong user name or password";
}

void exchange_clear(struct exchange *x)
{
	sasl_free(x->sasl);
	x->sasl = NULL;
	buf_clear(&x->text);
}
