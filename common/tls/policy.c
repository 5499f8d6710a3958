/* policy.c - the contract is in policy.h: profiles, versions and their names.
 * What reads a conf file is policy_read.c. */
#include "common/tls/policy.h"

#include <stdio.h>
#include <string.h>

enum { TICKET_LIFETIME_S = 12 * 3600, VERIFY_DEPTH = 5 };

#define AEAD                                                                                                 \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                         \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                         \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"

/* Windows 7 and 8.1 and the Exchange of their time: CBC, but never static RSA. */
#define CBC                                                                                                  \
	"ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"                                                 \
	"ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"                                                 \
	"ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"

/* AES before ChaCha20, as Windows and Exchange order theirs; CBC for TLS 1.0 and 1.1. */
#define AES_FIRST                                                                                            \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                         \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" CBC                                     \
	":ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

#define AES_FIRST_SUITES "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"

static const struct {
	const char *name;
	unsigned forbidden, level;
	const char *ciphers, *suites;
} profiles[] = {
	{ "modern", TLS_SSL2 | TLS_SSL3 | TLS_1_0 | TLS_1_1 | TLS_1_2, 2, AEAD, NULL },
	{ "intermediate", TLS_SSL2 | TLS_SSL3 | TLS_1_0 | TLS_1_1, 2, AEAD, NULL },
	{ "exchange2015", TLS_SSL2 | TLS_SSL3, 0, AES_FIRST, AES_FIRST_SUITES },
	{ "epost", TLS_SSL2 | TLS_SSL3, 0, "DEFAULT", NULL },
};

static const struct {
	enum tls_version bit;
	const char *name;
} versions_known[] = {
	{ TLS_SSL2, "SSL 2.0" }, { TLS_SSL3, "SSL 3.0" }, { TLS_1_0, "TLS 1.0" },
	{ TLS_1_1, "TLS 1.1" },	 { TLS_1_2, "TLS 1.2" },  { TLS_1_3, "TLS 1.3" },
};

enum { VERSION_COUNT = sizeof(versions_known) / sizeof(versions_known[0]) };

bool tls_policy_profile(struct tls_policy *p, const char *profile)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, profile) != 0)
			continue;
		*p = (struct tls_policy){
			.forbidden = profiles[i].forbidden,
			.level = profiles[i].level,
			.profile = profiles[i].name,
			.ciphers = profiles[i].ciphers,
			.suites = profiles[i].suites,
			.groups = "X25519MLKEM768:X25519:P-256:P-384:P-521",
			.tickets = true,
			.ticket_lifetime_s = TICKET_LIFETIME_S,
			.verify = TLS_VERIFY_NO,
			.verify_depth = VERIFY_DEPTH,
		};
		return true;
	}
	return false;
}

const char *tls_policy_ciphers(const struct tls_policy *p)
{
	struct tls_policy plain = { 0 };

	if (tls_policy_profile(&plain, p->profile) && strcmp(plain.ciphers, AEAD) == 0 &&
	    (tls_policy_versions(p) & (TLS_1_0 | TLS_1_1)) != 0)
		return AEAD ":" CBC;
	return plain.ciphers;
}

unsigned tls_policy_versions(const struct tls_policy *p)
{
	unsigned left = (TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3) & ~p->forbidden;

	/* OpenSSL 3: their MD5-SHA1 signatures are below level 1. */
	if (p->level > 0)
		left &= ~(unsigned)(TLS_1_0 | TLS_1_1);
	return left;
}

static unsigned versions_count(unsigned versions)
{
	unsigned n = 0;

	for (size_t i = 0; i < VERSION_COUNT; i++)
		n += (versions & versions_known[i].bit) != 0;
	return n;
}

void tls_versions_text(unsigned versions, char *out, size_t size)
{
	unsigned count = versions_count(versions), told = 0;
	size_t used = 0;

	snprintf(out, size, "nothing");
	for (size_t i = 0; i < VERSION_COUNT && used < size; i++) {
		const char *between = told == 0 ? "" : told + 1 == count ? " and " : ", ";

		if ((versions & versions_known[i].bit) == 0)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", between, versions_known[i].name);
		told++;
	}
	if (count == 1 && used < size)
		snprintf(out + used, size - used, " alone");
}

void tls_versions_range_text(unsigned versions, char *out, size_t size)
{
	for (size_t i = 0; i + 1 < VERSION_COUNT; i++) {
		unsigned lowest = versions_known[i].bit;

		if ((versions & lowest) == 0)
			continue;
		if (versions == ((TLS_1_3 << 1) - lowest)) {
			snprintf(out, size, "%s and up", versions_known[i].name);
			return;
		}
		break;
	}
	tls_versions_text(versions, out, size);
}
