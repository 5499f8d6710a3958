/* policy_read.c - a policy out of a conf file. The contract is in policy.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/tls/policy.h"
#include "common/tls/protocol.h"

/* Takes "1.2" or "3.0" off the front: its bit, or 0. */
static unsigned version_take(struct span *in)
{
	static const struct {
		const char *text;
		unsigned bit;
	} known[] = { { "1.0", TLS_1_0 }, { "1.1", TLS_1_1 }, { "1.2", TLS_1_2 }, { "1.3", TLS_1_3 } };

	*in = span_trim(*in);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!span_starts(*in, known[i].text))
			continue;
		span_take(in, 3);
		*in = span_trim(*in);
		return known[i].bit;
	}
	return 0;
}

/* "1.2" or "1.0-1.2": its bits, or 0 for what is neither. */
static unsigned range_read(struct span in)
{
	unsigned low = version_take(&in), high = low;

	if (low != 0 && in.n > 0 && in.p[0] == '-') {
		span_take(&in, 1);
		high = version_take(&in);
	}
	if (low == 0 || high < low || in.n > 0)
		return 0;
	return (high << 1) - low;	/* the bits from low to high */
}

/* TlsVersions as a mask of what is forbidden. */
static int versions_read(const char *text, unsigned *forbidden, struct error *err)
{
	struct span rest = span_of(text);
	unsigned allowed = 0;

	while (rest.n > 0) {
		unsigned one = range_read(span_take_until(&rest, ','));

		if (one == 0) {
			allowed = 0;
			break;
		}
		allowed |= one;
	}
	if (allowed == 0)
		return error_set(err, -EINVAL,
				 "TlsVersions: \"%s\" is no list of 1.0, 1.1, 1.2, 1.3; write 1.2-1.3 or 1.2,1.3", text);
	*forbidden = (TLS_SSL2 | TLS_SSL3 | TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3) & ~allowed;
	return 0;
}

/* The key counts: it is set, and not above a profile that is nearer. */
static bool counts(const struct config_scope *s, enum config_key key)
{
	return config_is_set(s, key) && (config_is_own(s, key) || !config_is_own(s, CONFIG_TLS_PROFILE));
}

static const char *text_or(const struct config_scope *s, enum config_key key, const char *otherwise)
{
	const char *text = counts(s, key) ? config_text(s, key) : "";

	return text[0] != '\0' ? text : otherwise;
}

/* SecureLayOption and TlsVersions are two ways to say one thing: the nearer one is taken;
 * both may stand at one level if they say the same. SSL 2.0 and 3.0 are gone from OpenSSL
 * and do not count. */
static int forbidden_read(struct tls_policy *p, const struct config_scope *s, struct error *err)
{
	const char *text = text_or(s, CONFIG_TLS_VERSIONS, NULL);
	bool masked = counts(s, CONFIG_SECURE_LAY_OPTION);
	bool mask_near = config_is_own(s, CONFIG_SECURE_LAY_OPTION), list_near = config_is_own(s, CONFIG_TLS_VERSIONS);
	unsigned listed = 0;

	if (masked)
		p->forbidden = (unsigned)config_number(s, CONFIG_SECURE_LAY_OPTION);
	if (text == NULL || (masked && mask_near && !list_near))
		return 0;
	if (versions_read(text, &listed, err) < 0)
		return -EINVAL;
	if (masked && mask_near == list_near && (listed | TLS_SSL2 | TLS_SSL3) != (p->forbidden | TLS_SSL2 | TLS_SSL3))
		return error_set(err, -EINVAL,
				 "TlsVersions %s would be SecureLayOption %u, but SecureLayOption is %u: leave one out",
				 text, listed, p->forbidden);
	p->forbidden = listed;
	return 0;
}

static enum tls_verify verify_read(const char *word)
{
	if (strcmp(word, "require") == 0)
		return TLS_VERIFY_REQUIRE;
	return strcmp(word, "optional") == 0 ? TLS_VERIFY_OPTIONAL : TLS_VERIFY_NO;
}

static int client_read(struct tls_policy *p, const struct config_scope *s, struct error *err)
{
	const char *word = config_text(s, CONFIG_VERIFY_CLIENT);

	p->verify = verify_read(word);
	p->verify_depth = (unsigned)config_number(s, CONFIG_CLIENT_VERIFY_DEPTH);
	p->allow_self_signed = config_bool(s, CONFIG_ALLOW_SELF_SIGNED);
	if (p->verify != TLS_VERIFY_NO && !p->allow_self_signed && config_text(s, CONFIG_CLIENT_CA)[0] == '\0')
		return error_set(err, -EINVAL, "VerifyClient %s needs ClientCA, the authorities to check against", word);
	return 0;
}

int tls_policy_read(struct tls_policy *p, const struct config_scope *s, tls_warn warn, void *arg,
		    struct error *err)
{
	const char *profile = config_text(s, CONFIG_TLS_PROFILE);

	if (!tls_policy_profile(p, profile))
		return error_set(err, -EINVAL, "TlsProfile: no profile is called %s", profile);
	if (forbidden_read(p, s, err) < 0)
		return -EINVAL;
	if (counts(s, CONFIG_SECURE_LEVEL))
		p->level = (unsigned)config_number(s, CONFIG_SECURE_LEVEL);
	p->ciphers = text_or(s, CONFIG_CIPHER_LIST, tls_policy_ciphers(p));
	p->suites = text_or(s, CONFIG_CIPHER_SUITES, p->suites);
	p->groups = config_text(s, CONFIG_GROUPS);
	p->explain_refusal = config_bool(s, CONFIG_EXPLAIN_REFUSAL);
	p->tickets = config_bool(s, CONFIG_SESSION_TICKETS);
	p->ticket_lifetime_s = (unsigned)(config_number(s, CONFIG_TICKET_LIFETIME) / 1000);
	if (client_read(p, s, err) < 0)
		return -EINVAL;
	return tls_protocol_try(p, warn, arg, err);
}
