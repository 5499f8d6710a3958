/* blob.c - the contract is in blob.h. */
#include "mime/blob.h"

void mime_blob_put(struct buf *out, uint64_t number)
{
	while (number > 0x7f) {
		buf_put_byte(out, (uint8_t)(0x80 | (number & 0x7f)));
		number >>= 7;
	}
	buf_put_byte(out, (uint8_t)number);
}

void mime_blob_put_bytes(struct buf *out, struct span bytes)
{
	mime_blob_put(out, bytes.n);
	buf_put(out, bytes);
}

bool mime_blob_take_long(struct span *in, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		struct span one = span_take(in, 1);

		if (one.n == 0)
			return false;
		*number |= (uint64_t)(one.p[0] & 0x7f) << shift;
		if ((one.p[0] & 0x80) == 0)
			return true;
	}
	return false;
}
