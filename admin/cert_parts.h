/*
 * cert_parts.h - what the files cert_*.c share.
 */
#ifndef ADMIN_CERT_PARTS_H
#define ADMIN_CERT_PARTS_H

#include "admin/certificate.h"
#include "admin/verb.h"
#include "common/config/config.h"
#include "common/tls/issue.h"

enum { CERT_PEM_MAX = 1 << 20 };	/* bytes of a file */

#define CERT_CLIENTS "clients"		/* in etc/tls/: the clients' certificates and keys */
#define CERT_LIST    "client-crl.pem"	/* in etc/tls/: which of them are revoked */

/* What stands behind "cert client" and so on. */
struct cert_line {
	const char *word;	/* what is no option; NULL: none */
	const char *out;	/* --out FILE; NULL */
	const char *reason;	/* --reason WORD; "unspecified" */
	unsigned days;		/* --days N; 0: not given */
	enum tls_bundle_kind bundle;	/* --old */
};

enum cert_option { CERT_OUT = 1, CERT_DAYS = 2, CERT_REASON = 4, CERT_OLD = 8, CERT_WORD = 16 };

/* options: those that are known, and CERT_WORD if one word is needed. False: usage was said. */
bool cert_line_read(struct cert_line *l, int argc, char **argv, unsigned options);

/* Reads a file of etc/tls/ into out, which is made empty. */
int cert_read(const struct site *s, const char *name, struct buf *out, struct error *err);

/* The site's authority and its key. key is to be wiped, also where this fails. */
int cert_read_ca(const struct site *s, struct buf *ca, struct buf *key, struct error *err);

/* The lists of client-crl.pem; NULL where there is no such file (or a broken one: said). */
struct tls_revocations *cert_revocations(const struct site *s);

/* Walks the certificates in etc/tls/ and etc/tls/clients/, by name; a file that holds none is said and
 * left out. each may return false to end the walk. */
typedef bool (*cert_each)(void *arg, const struct certificate *c, const char *path);
int cert_walk(const struct site *s, cert_each each, void *arg, struct error *err);

int cert_client(const struct site *s, int argc, char **argv);
int cert_revoke(const struct site *s, int argc, char **argv);
int cert_crl(const struct site *s, int argc, char **argv);

/* For config_parse, where what is wrong with etc/ is another verb's affair (config check). */
void cert_ignore(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words);

#endif
