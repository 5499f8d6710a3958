/*
 * surrogate.h - a message with UTF-8 in its header for a client that knows ASCII headers only (RFC 6858),
 * as it is handed out.
 *
 * Pure, in pieces. The header of the message is written anew; the body goes by untouched, the headers of its
 * parts too, as all servers hand them out.
 * Unchanged  Fields without a byte over 127, byte for byte; and fields that are no UTF-8: old programs write
 *         their own charset there, which was never asked for by its name and is not ours to guess.
 * Changed  Addresses, parameters and text, as RFC 6858 2.1 to 2.3 has it, with nothing dropped that can be
 *         encoded; any other field is left out (2.4).
 * Memory  One field, at most SURROGATE_FIELD bytes; what is longer has '?' for its 8-bit bytes.
 */
#ifndef MIME_SURROGATE_H
#define MIME_SURROGATE_H

#include "common/base/buf.h"

enum { SURROGATE_FIELD = 32 * 1024 };

struct mime_surrogate {
	struct buf field;	/* as far as it has come */
	bool line;		/* the next byte begins a line */
	bool blank;		/* this line is empty so far, but for a CR */
	bool eight;		/* the field holds bytes over 127 */
	bool cut;		/* its beginning is out already */
	bool over;		/* the header has ended */
};

void mime_surrogate_init(struct mime_surrogate *s);
void mime_surrogate_clear(struct mime_surrogate *s);

/* Takes bytes of the header off *in, and the blank line; what is left in *in then belongs to the body. Appends
 * to out at most 12 times what was fed and not given yet, and 1 kB. */
void mime_surrogate_feed(struct mime_surrogate *s, struct span *in, struct buf *out);

/* The message ends inside its header. */
void mime_surrogate_end(struct mime_surrogate *s, struct buf *out);

#endif
