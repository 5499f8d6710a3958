/* scram_server.c - SCRAM (RFC 5802, RFC 7677) up to what needs the keys: the client's messages, read; who has
 * the keys says what is answered (sasl_tell). */
#include <string.h>

#include "common/base/base64.h"
#include "common/base/utf8.h"
#include "sasl/mechanism.h"

enum {
	NONCE_MIN = 8,		/* bytes of the client's nonce */
	NONCE_MAX = 256,
	BINDING_MAX = 1024,	/* bytes behind c=, decoded */
	PROOF_MAX = 64
};

/* RFC 9266, RFC 5929 4 and 3 */
static const char *const bindings[] = { "tls-exporter", "tls-server-end-point", "tls-unique" };

/* The challenge is empty: the client speaks first (RFC 5802 5). */
enum sasl_status sasl_scram_start(struct sasl *s, struct span *out)
{
	*out = span_of("");
	s->state = SASL_STATE_MESSAGE;
	return SASL_CHALLENGE;
}

/* "k=value" in front of the next comma. False: another attribute, or an empty value. */
static bool take_attribute(struct span *in, char key, struct span *value)
{
	struct span one = span_take_until(in, ',');

	if (one.n < 3 || one.p[0] != (uint8_t)key || one.p[1] != '=')
		return false;
	span_take(&one, 2);
	*value = one;
	return true;
}

/* RFC 5802 5.1: "=2C" is a comma and "=3D" a "=", which means nothing else. */
static bool read_name(struct sasl *s, struct span text, struct span *out)
{
	uint8_t name[SASL_USER_MAX];
	size_t n = 0;

	while (text.n > 0) {
		struct span one = span_take(&text, text.p[0] == '=' ? 3 : 1);

		if (n == sizeof(name) || (one.p[0] == '=' && !span_is(one, "=2C") && !span_is(one, "=3D")))
			return false;
		name[n++] = one.p[0] != '=' ? one.p[0] : one.p[1] == '2' ? ',' : '=';
	}
	return sasl_user_fit((struct span){ name, n }) && sasl_keep(s, (struct span){ name, n }, out);
}

/* RFC 5802 7: printable, without a comma */
static bool nonce_fit(struct span nonce)
{
	for (size_t i = 0; i < nonce.n; i++)
		if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e)
			return false;
	return nonce.n >= NONCE_MIN && nonce.n <= NONCE_MAX;
}

static enum sasl_status refuse(struct sasl *s, const char *trouble)
{
	s->trouble = trouble;
	return SASL_REFUSED;
}

/* RFC 5802 6: "p=TYPE", "n" or "y". SASL_VERIFY: go on. */
static enum sasl_status judge_flag(struct sasl *s, struct span flag)
{
	if (s->row->bound != span_starts(flag, "p="))
		return SASL_BAD;
	if (span_is(flag, "y") && s->binding_offered)
		return refuse(s, "your program saw no channel binding offered, but it was: somebody may be in between");
	if (span_is(flag, "y") || span_is(flag, "n"))
		return SASL_VERIFY;
	if (!s->row->bound)
		return SASL_BAD;
	span_take(&flag, 2);
	for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++)
		if (span_is(flag, bindings[i]))
			s->scram.binding = bindings[i];
	return *s->scram.binding != '\0' ? SASL_VERIFY
					 : refuse(s, "channel binding is by tls-exporter, tls-server-end-point or tls-unique");
}

static bool read_authzid(struct sasl *s, struct span text)
{
	bool named = span_starts(text, "a=");

	span_take(&text, 2);
	return named && read_name(s, text, &s->credentials.authzid);
}

static enum sasl_status read_first(struct sasl *s, struct span answer)
{
	struct span whole = answer, flag = span_take_until(&answer, ','), authzid = span_take_until(&answer, ','), user,
		    rest = answer, nonce;
	enum sasl_status st;

	s->scram.binding = "";
	if (!utf8_valid(whole) || span_find(whole, 0) >= 0)
		return SASL_BAD;
	st = judge_flag(s, flag);
	if (st != SASL_VERIFY)
		return st;
	if (authzid.n > 0 && !read_authzid(s, authzid))
		return SASL_BAD;
	if (!take_attribute(&rest, 'n', &user) || !take_attribute(&rest, 'r', &nonce) || !nonce_fit(nonce))
		return SASL_BAD;
	if (!read_name(s, user, &s->credentials.user) || !sasl_keep(s, answer, &s->scram.bare) ||
	    !sasl_keep(s, nonce, &s->scram.nonce) ||
	    !sasl_keep(s, (struct span){ whole.p, whole.n - answer.n }, &s->header))
		return SASL_BAD;
	s->state = SASL_STATE_SALT;
	s->credentials.scram = &s->scram;
	return SASL_VERIFY;
}

/* RFC 5802 6: what stands behind c= is the header again, and what the channel is bound to. */
static bool read_binding(struct sasl *s, struct span text)
{
	struct span all, header;
	struct buf b;
	bool good;

	buf_init(&b, BINDING_MAX);
	good = base64_decode(&b, text);
	all = buf_span(&b);
	header = span_take(&all, s->header.n);
	good = good && span_equal(header, s->header) && (all.n > 0) == s->row->bound &&
	       sasl_keep(s, all, &s->scram.bound);
	buf_clear(&b);
	return good;
}

static bool read_proof(struct sasl *s, struct span text)
{
	struct buf b;
	bool good;

	buf_init(&b, PROOF_MAX);
	good = base64_decode(&b, text) && b.n > 0 && sasl_keep(s, buf_span(&b), &s->scram.proof);
	buf_wipe(&b);
	return good;
}

/* "c=", "r=", extensions that may be passed over, "p=" behind the last comma. */
static enum sasl_status read_final(struct sasl *s, struct span answer, struct span *out)
{
	struct span without = answer, rest, binding, nonce, ours = s->words, proof;

	s->state = SASL_STATE_OVER;
	while (without.n > 0 && without.p[without.n - 1] != ',')
		without.n--;
	proof = (struct span){ answer.p + without.n, answer.n - without.n };
	if (without.n == 0 || !span_starts(proof, "p="))
		return SASL_BAD;
	span_take(&proof, 2);
	without.n--;
	rest = without;
	if (!take_attribute(&rest, 'c', &binding) || !take_attribute(&rest, 'r', &nonce) || !read_proof(s, proof) ||
	    !sasl_keep(s, without, &s->scram.final) || span_find(without, 0) >= 0)
		return SASL_BAD;
	s->state = SASL_STATE_HEARD;
	ours = span_take_until(&ours, ',');
	span_take(&ours, 2);
	*out = span_of(span_equal(nonce, ours) ? "e=channel-bindings-dont-match" : "e=other-error");	/* RFC 5802 7 */
	if (!span_equal(nonce, ours) || !read_binding(s, binding))
		return SASL_CHALLENGE;
	*out = s->words = span_of("");
	s->state = SASL_STATE_VERDICT;
	return SASL_VERIFY;
}

enum sasl_status sasl_scram_step(struct sasl *s, struct span answer, struct span *out)
{
	enum sasl_state state = s->state;

	*out = span_of("");
	s->state = SASL_STATE_OVER;
	if (state == SASL_STATE_MESSAGE)
		return read_first(s, answer);
	if (state == SASL_STATE_FINAL)
		return read_final(s, answer, out);
	return state == SASL_STATE_HEARD && answer.n == 0 ? SASL_HEARD : SASL_BAD;
}
