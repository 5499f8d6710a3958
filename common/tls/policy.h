/*
 * policy.h - which TLS a port speaks: the keys of a conf file as one plain value.
 *
 * Source  CONTRACT (Configuration), DESIGN 4. SecureLayOption is a mask of what is
 *         forbidden; SecureLevel is OpenSSL's security level.
 */
#ifndef TLS_POLICY_H
#define TLS_POLICY_H

#include "common/base/error.h"
#include "common/config/config.h"

enum tls_version {		/* the bits of SecureLayOption */
	TLS_SSL2 = 1,
	TLS_SSL3 = 2,
	TLS_1_0 = 4,
	TLS_1_1 = 8,
	TLS_1_2 = 16,
	TLS_1_3 = 32
};

enum tls_verify { TLS_VERIFY_NO, TLS_VERIFY_OPTIONAL, TLS_VERIFY_REQUIRE };

struct tls_policy {
	unsigned forbidden;	/* SecureLayOption, 0-63 */
	unsigned level;		/* SecureLevel, 0-5 */
	const char *profile;	/* its name; static */
	const char *ciphers;	/* TLS 1.2 and older; never NULL */
	const char *suites;	/* TLS 1.3; NULL: OpenSSL's own */
	const char *groups;
	bool tickets;
	unsigned ticket_lifetime_s;
	enum tls_verify verify;
	unsigned verify_depth;
	bool allow_self_signed;	/* those whose fingerprint is known (tls_material) */
	bool explain_refusal;
};

/* Fills *p with what a profile ("intermediate") sets and the defaults of the rest.
 * False, and *p untouched, for a name that is none. */
bool tls_policy_profile(struct tls_policy *p, const char *profile);

/* The profile's list for the versions that *p leaves: where TLS 1.0 or 1.1 is among
 * them, ECDHE with CBC too, which is all they can. Static. */
const char *tls_policy_ciphers(const struct tls_policy *p);

/* Fills *p from a Listen's scope (strings are lent by the scope).
 * Scopes    The nearer one wins. A key of the profile's (SecureLayOption, TlsVersions,
 *           SecureLevel, CipherList, CipherSuites) beats a profile at the same level of the
 *           file or above; a TlsProfile under the Listen beats such keys that stand above
 *           the Listens. So it is between SecureLayOption and TlsVersions too; at one level
 *           they must say the same. A key that is removed is the profile's, or its default,
 *           again.
 * Errors    name the key and what would do: a mask that leaves nothing (60), a cipher list
 *           that matches nothing or holds @SECLEVEL, aNULL or eNULL, TlsVersions that
 *           contradict, Groups of which the level takes none.
 * Warnings  (a mask with a hole; SSL 3.0 asked for, which OpenSSL 3 does not have; TLS 1.0
 *           at a level that forbids it) go to warn, which may be NULL. */
typedef void (*tls_warn)(void *arg, const char *words);
int tls_policy_read(struct tls_policy *p, const struct config_scope *s, tls_warn warn, void *arg,
		    struct error *err);

/* The versions that are left by mask and level, as bits of enum tls_version; SSL 2.0
 * and 3.0 never (OpenSSL 3 has neither). */
unsigned tls_policy_versions(const struct tls_policy *p);

/* "TLS 1.2 and TLS 1.3", "TLS 1.3 alone". */
void tls_versions_text(unsigned versions, char *out, size_t size);

/* "TLS 1.2 and up" where nothing is missing above the lowest, else as above. */
void tls_versions_range_text(unsigned versions, char *out, size_t size);

#endif
