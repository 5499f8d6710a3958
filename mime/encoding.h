/*
 * encoding.h - undo a content transfer encoding (RFC 2045 6), cut anywhere.
 *
 * Tolerant: base64 skips what is not of its alphabet and begins anew behind padding;
 * quoted-printable passes on an '=' that means nothing. Nothing here fails.
 * Memory  The struct, no more. A call appends at most in.n + MIME_DECODE_SLACK bytes.
 */
#ifndef MIME_ENCODING_H
#define MIME_ENCODING_H

#include "common/base/buf.h"

enum mime_encoding {
	MIME_ENCODING_IDENTITY,		/* 7bit, 8bit, binary, or none stated */
	MIME_ENCODING_QUOTED_PRINTABLE,
	MIME_ENCODING_BASE64,
	MIME_ENCODING_UNKNOWN		/* decodes as identity */
};

enum { MIME_DECODE_SLACK = 128 };

/* What the value of a Content-Transfer-Encoding field says. Empty: identity. */
enum mime_encoding mime_encoding_of(struct span value);

struct mime_decoder {
	enum mime_encoding encoding;
	uint32_t bits;		/* base64: what is left of a group of four */
	size_t held_n;
	uint8_t held[MIME_DECODE_SLACK - 2];	/* quoted-printable: bytes whose meaning is open */
};

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding);
void mime_decode(struct mime_decoder *d, struct span in, struct buf *out);

/* Appends what is still held: no more input comes. */
void mime_decode_end(struct mime_decoder *d, struct buf *out);

#endif
