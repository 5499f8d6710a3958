/*
 * blob.h - numbers and counted bytes in the metadata: what parse.c writes and meta.c
 * reads.
 *
 * A number is seven bits a byte, the lowest first, the top bit set on all bytes but
 * the last.
 */
#ifndef MIME_BLOB_H
#define MIME_BLOB_H

#include "common/base/buf.h"

enum { MIME_BLOB_NUMBER = 10 };	/* bytes of a number at most */

enum mime_meta_flag {		/* of the blob's second byte */
	MIME_META_FLAG_CUT = 1,
	MIME_META_FLAG_ENVELOPE = 2
};

void mime_blob_put(struct buf *out, uint64_t number);

/* A number, then that many bytes. */
void mime_blob_put_bytes(struct buf *out, struct span bytes);

/* Take one off *in. False if it is cut off or too large; *in is void then. */
static inline bool mime_blob_take(struct span *in, uint64_t *number);
static inline bool mime_blob_take_bytes(struct span *in, struct span *bytes);

/* mime_blob_take where a number has more than one byte. */
bool mime_blob_take_long(struct span *in, uint64_t *number);

static inline bool mime_blob_take(struct span *in, uint64_t *number)
{
	if (in->n == 0 || in->p[0] > 0x7f)
		return mime_blob_take_long(in, number);
	*number = span_take(in, 1).p[0];
	return true;
}

static inline bool mime_blob_take_bytes(struct span *in, struct span *bytes)
{
	uint64_t n;

	if (!mime_blob_take(in, &n) || n > in->n)
		return false;
	*bytes = span_take(in, (size_t)n);
	return true;
}

#endif
