/*
 * downgrade.h - a message with 8-bit or binary bytes as one without, for servers that lack 8BITMIME (RFC
 * 6152 3; RFC 2045 6) or BINARYMIME (RFC 3030 3): parts become quoted-printable, or base64 where that is shorter.
 *
 * Pure, in pieces, bounded memory: the header of a part, and the first DOWNGRADE_HOLD bytes of its body,
 * by which is decided what becomes of it. A larger part that shows no 8-bit byte in them becomes
 * quoted-printable too, for one may come.
 * Binary  NUL, a lone CR or LF, a line of more than 998 bytes: they count as 8-bit bytes do.
 * Unchanged  What is 7-bit, in smaller parts; parts that are encoded already.
 * Mended  Text without a Content-Type gets one, of the charset unknown-8bit (RFC 1428 3). 8-bit bytes where
 *         no part is (before the first, behind the last) become '?'; in a part that says it is
 *         quoted-printable they are encoded, in base64 left out.
 * Fails   -EINVAL, words say why: 8-bit bytes in a header (that needs SMTPUTF8), in what is signed or
 *         encrypted (RFC 1847 2.1: it must not be changed), in a message/ part that may not be encoded
 *         (RFC 2046 5.2), deeper than MIME_LIMIT_DEPTH, or in an encoding that we don't know; and a header of
 *         more than DOWNGRADE_HEADER bytes. What is out by then is half a message: who
 *         wants to know first makes two passes.
 */
#ifndef MIME_DOWNGRADE_H
#define MIME_DOWNGRADE_H

#include "common/base/buf.h"
#include "common/base/error.h"

enum { DOWNGRADE_HOLD = 64 * 1024, DOWNGRADE_HEADER = 256 * 1024 };

struct mime_downgrade;		/* opaque; one message */

int mime_downgrade_new(struct mime_downgrade **out, struct error *err);
void mime_downgrade_free(struct mime_downgrade *d);
/* Takes all of in, appends what is ready to out: at most 20 times what was fed and not given yet,
 * and 1 kB (a header's fields for a part of one byte). -EINVAL: it can't be done; -ENOMEM, also
 * if out's maximum is too small. */
int mime_downgrade_feed(struct mime_downgrade *d, struct span in, struct buf *out, struct error *err);
int mime_downgrade_end(struct mime_downgrade *d, struct buf *out, struct error *err);

#endif
