/*
 * downgrade.h - a message with 8-bit bytes as one without, for servers that lack 8BITMIME (RFC
 * 6152 3; RFC 2045 6): parts become quoted-printable, or base64 where that is shorter.
 *
 * Pure, in pieces, bounded memory: the header of a part at a time. A signed part
 * (multipart/signed, RFC 1847 2.1) can't be changed: then it fails.
 */
#ifndef MIME_DOWNGRADE_H
#define MIME_DOWNGRADE_H

#include "common/base/buf.h"
#include "common/base/error.h"

struct mime_downgrade;		/* opaque; one message */

int mime_downgrade_new(struct mime_downgrade **out, struct error *err);
void mime_downgrade_free(struct mime_downgrade *d);
/* Takes all of in, appends what is ready to out. -EINVAL: it can't be done, words say why. */
int mime_downgrade_feed(struct mime_downgrade *d, struct span in, struct buf *out, struct error *err);
int mime_downgrade_end(struct mime_downgrade *d, struct buf *out, struct error *err);

#endif
