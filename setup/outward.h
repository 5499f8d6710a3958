/*
 * outward.h - what deliverd is given besides what its conf names; for the files of setup/ alone.
 *
 * Texts   "authorities": those of the system, where HttpsCA is not set; "resolv.conf"; "listens": where
 *         smtpd takes mail from other servers, "ADDRESS:PORT" or "*:PORT" a line; "dkim" and what
 *         stands in signing.h.
 */
#ifndef SETUP_OUTWARD_H
#define SETUP_OUTWARD_H

#include "setup/inside.h"

/* Reads them into the files of s; errors go to r. */
void outward_read(struct setup *s, const struct setup_source *source, struct report *r);

/* Appends them to deliverd's bundle. */
void outward_pack(const struct setup *s, struct buf *bundle);

/* No file of a configuration may be called like one of them. */
bool outward_is_taken(const char *name);

/* deliverd.conf's TLS, as its daemon will make it. */
void outward_check(const struct setup *s, struct report *r);

#endif
