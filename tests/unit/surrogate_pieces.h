/* surrogate_pieces.h - a whole message made ASCII, fed in pieces of some length; for its unit test and its fuzz target. */
#ifndef TESTS_SURROGATE_PIECES_H
#define TESTS_SURROGATE_PIECES_H

#include "mime/surrogate.h"

static inline void surrogate_pieces(struct span in, size_t piece, struct buf *out)
{
	struct mime_surrogate s;

	mime_surrogate_init(&s);
	while (in.n > 0) {
		struct span part = span_take(&in, piece);

		mime_surrogate_feed(&s, &part, out);
		buf_put(out, part);
	}
	mime_surrogate_end(&s, out);
	mime_surrogate_clear(&s);
}

#endif
