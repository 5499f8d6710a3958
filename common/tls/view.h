/*
 * view.h - what a port's TLS is, to be shown: versions and why not, ciphers, groups,
 * certificates. `yubin tls show`, and the check of a setting before it takes effect.
 */
#ifndef TLS_VIEW_H
#define TLS_VIEW_H

#include "common/base/buf.h"
#include "common/tls/context.h"

enum { TLS_VIEW_VERSIONS = 6 };

struct tls_view_version {
	enum tls_version bit;
	const char *name;	/* "TLS 1.2"; static */
	const char *protocol;	/* "TLSv1.2", as in the log */
	bool served;
	char reason[200];	/* why not: "SecureLayOption 15 forbids it", "works at SecureLevel 0
				 * only", "OpenSSL 3 has no SSL 3.0"; "" if served */
};

struct tls_view_link {		/* one certificate of a chain */
	char subject[200], issuer[200];
	char key[32];		/* "RSA-2048", "P-256" */
	char hash[32];		/* of its signature: "SHA256" */
	char fingerprint[65];	/* SHA-256 */
	char ends[24];		/* "2027-02-19" */
	int days_left;		/* below 0: over */
	unsigned fits;		/* the highest SecureLevel that takes it */
};

struct tls_view_certificate {
	const char *file, *key_file;	/* lent by the material */
	bool used;		/* false: dropped, and reason says why */
	char reason[300];
	char names[1024];	/* separated by spaces */
	bool key_matches;
	bool complete;		/* its chain ends at an authority of the system, or at one that signed itself */
	size_t link_count;	/* the leaf first */
	struct tls_view_link links[8];
};

struct tls_view {		/* opaque lists are freed by tls_view_clear */
	struct tls_view_version versions[TLS_VIEW_VERSIONS];
	struct buf ciphers;	/* "VERSIONS NAME" a line, in the server's order: "TLS 1.2 ECDHE-..." */
	struct buf groups;	/* names that this OpenSSL has and the level takes, separated by spaces */
	bool server_order;	/* whose order of ciphers counts */
	size_t certificate_count;
	struct tls_view_certificate *certificates;
};

/* Looks at what a Listen is made of. c: its context, or NULL where it could not be made (then the
 * versions come from mask and level alone). */
int tls_view_make(struct tls_view *v, const struct tls_policy *p, const struct tls_material *m,
		  struct tls_context *c, struct error *err);
void tls_view_clear(struct tls_view *v);

/* OpenSSL itself. */
struct tls_view_openssl {
	const char *built, *running;	/* "OpenSSL 3.0.15 3 Sep 2024": headers, library; static */
	char config[512];		/* the path of openssl.cnf that it reads; "" none is there */
	char settings[512];		/* what that sets for TLS and Yubin overrides or not, in words; "" nothing */
};
void tls_view_openssl(struct tls_view_openssl *out);

#endif
