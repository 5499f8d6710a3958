/*
 * deflate.h - COMPRESS=DEFLATE (RFC 4978): both streams of one connection.
 *
 * Pure: bytes in, bytes out; zlib in memory.
 * Input   In pieces of IMAP_DEFLATE_PIECE plain bytes: the next piece is made when the one
 *         before is used up, so that a few bytes which stand for many cost one piece.
 * Memory  While bytes flow: 39 kB to send (a window of 4 kB, 32 kB of tables), 48 kB to
 *         receive (the peer's window may be of 32 kB). After imap_deflate_rest: what the
 *         peer has sent so far, at most its last 32 kB.
 */
#ifndef IMAPD_DEFLATE_H
#define IMAPD_DEFLATE_H

#include "common/base/error.h"
#include "common/base/span.h"

struct imap_deflate;		/* opaque */

enum {
	IMAP_DEFLATE_PIECE = 4096,
	IMAP_DEFLATE_REST_MS = 5000	/* without a byte: time for imap_deflate_rest */
};

/* Gives the caller both streams at their begin. -ENOMEM. */
int imap_deflate_new(struct imap_deflate **out, struct error *err);
void imap_deflate_free(struct imap_deflate *z);	/* NULL is allowed */

/* Makes plain bytes out of *in, which it moves on, unless some wait already. Returns 0,
 * -EBADMSG (that is no deflate, or it has ended) or -ENOMEM. */
int imap_deflate_take(struct imap_deflate *z, struct span *in);
/* The plain bytes that wait: z's, to be moved on by the caller. */
struct span *imap_deflate_plain(struct imap_deflate *z);

/* Compresses *plain, which it moves on, into room; *n bytes are there then. Without plain
 * bytes all that was kept back goes out; *n is 0 once there is none. -ENOMEM. */
int imap_deflate_put(struct imap_deflate *z, struct span *plain, uint8_t *room, size_t size, size_t *n);

/* Gives memory back, as far as the streams can go on without it. */
void imap_deflate_rest(struct imap_deflate *z);
bool imap_deflate_at_rest(const struct imap_deflate *z);

#endif
