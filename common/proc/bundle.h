/*
 * bundle.h - named texts in one block: how settings reach a daemon that can't open files.
 *
 * yubind reads etc/ and puts "yubin.conf", "imapd.conf" and each file that those
 * name (certificates, keys, CA, CRL; under the path as written in the
 * configuration) into a memfd; the daemon reads it once into locked, wiped memory.
 * Limits  BUNDLE_MAX bytes, BUNDLE_ENTRIES texts.
 */
#ifndef PROC_BUNDLE_H
#define PROC_BUNDLE_H

#include "common/base/buf.h"
#include "common/base/error.h"

enum { BUNDLE_MAX = 8 << 20, BUNDLE_ENTRIES = 4096 };

/* Appends one text to a bundle that is being written. */
void bundle_put(struct buf *b, const char *name, struct span text);

/* The bundle as a sealed memfd, the caller's. */
int bundle_to_fd(struct span bundle, int *fd, struct error *err);

struct bundle; /* opaque; a bundle that was read */

/* Reads all of fd (not kept) and checks it. */
int bundle_read(struct bundle **out, int fd, struct error *err);
/* The same from memory, which is copied. */
int bundle_open(struct bundle **out, struct span bundle, struct error *err);
/* Wipes it. */
void bundle_free(struct bundle *b);

/* Lends the text under name; false if there is none. */
bool bundle_get(const struct bundle *b, const char *name, struct span *text);

#endif
