/*
 * certificate.h - what a PEM file says about itself, for cert list and ca show.
 */
#ifndef ADMIN_CERTIFICATE_H
#define ADMIN_CERTIFICATE_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/tls/revoke.h"

struct certificate {
	char subject[256], issuer[256];
	char names[1024];		/* separated by spaces */
	char key[32];			/* "P-256", "RSA-2048" */
	char fingerprint[65];		/* SHA-256, hexadecimal */
	char starts[32], ends[32];	/* "2026-11-21T20:41:18Z" */
	int days_left;			/* below 0: it has ended */
	char serial[TLS_REVOKE_SERIAL];
	bool revoked;			/* certificate_judge found it on a list */
	struct tls_revoke_entry entry;	/* if so */
};

/* Reads the first certificate of a file. */
int certificate_read(struct certificate *c, const char *path, struct error *err);

/* Looks c up in the revocation lists; lists may be NULL. */
void certificate_judge(struct certificate *c, const struct tls_revocations *lists);

/* Both put all of c, with the file's name in front: lines for a person, or a JSON object. */
void certificate_write(const struct certificate *c, const char *path, struct buf *out);
void certificate_write_json(const struct certificate *c, const char *path, struct buf *out);

#endif
