/*
 * wire.h - numbers and byte strings in a message's body.
 *
 * Shape   Little-endian, unsigned; strings as length (varint) and bytes. A reader
 *         fails once and then gives zeros and empty spans: the caller asks
 *         wire_done at the end, and nothing is read past the body.
 */
#ifndef IPC_WIRE_H
#define IPC_WIRE_H

#include "common/base/buf.h"

void wire_put_u8(struct buf *b, uint8_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_u64(struct buf *b, uint64_t v);
void wire_put_varint(struct buf *b, uint64_t v); /* LEB128, 1 to 10 bytes */
void wire_put_span(struct buf *b, struct span s);
void wire_put_text(struct buf *b, const char *s);

struct wire {
	struct span in;
	bool failed;
};

uint8_t wire_u8(struct wire *w);
uint32_t wire_u32(struct wire *w);
uint64_t wire_u64(struct wire *w);
uint64_t wire_varint(struct wire *w);
struct span wire_span(struct wire *w); /* lends from the body */
/* n bytes, copied. False, and nothing copied, if they are not there. */
bool wire_bytes(struct wire *w, void *to, size_t n);
/* A string of less than size bytes without NUL, copied with one behind it. */
void wire_text(struct wire *w, char *out, size_t size);
/* A count that can't exceed what the rest of the body holds, each taking least bytes. */
size_t wire_count(struct wire *w, size_t least);

/* Everything was there and nothing is left. */
bool wire_done(const struct wire *w);

#endif
