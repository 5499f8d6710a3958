/*
 * signing.h - etc/dkim: the keys that sign mail, as deliverd gets them; for the files of setup/ alone.
 *
 * Text    A piece of a bundle (common/proc/bundle.h): "dkim", the domains that have an active key,
 *         one a line; for each of them "dkim/DOMAIN/keys" (dkim/keys.h), and "dkim/DOMAIN/SELECTOR.pem"
 *         for its active keys: others do not leave the disk.
 */
#ifndef SETUP_SIGNING_H
#define SETUP_SIGNING_H

#include "common/base/buf.h"
#include "setup/report.h"

enum { SIGNING_MAX = 4 << 20 };	/* bytes of all of it */

/* Appends it. A folder that is not there has no keys. A list or a key that can't be read or used
 * is an error; a folder without a list, or a key that others may read, is told to r. */
int signing_read(const char *folder, struct buf *out, struct report *r, struct error *err);

/* Appends the stamp of what lies there. */
void signing_look(const char *folder, struct buf *stamp);

#endif
