/*
 * encode.h - make a content transfer encoding (RFC 2045 6.7, 6.8), cut anywhere.
 *
 * Pure. Lines of 76 at most; a line's end out is CRLF. The last line gets none: what stands
 * behind the part brings it, or mime_encode_close.
 * Memory  The struct, no more. A call appends at most 6 * in.n + 16 bytes.
 */
#ifndef MIME_ENCODE_H
#define MIME_ENCODE_H

#include "common/base/buf.h"

enum mime_encode_kind {
	MIME_ENCODE_QUOTED_PRINTABLE,	/* CRLF and LF end a line of the text; a lone CR is a byte */
	MIME_ENCODE_BASE64_TEXT,	/* a lone LF becomes CRLF (RFC 2045 6.8) */
	MIME_ENCODE_BASE64		/* bytes as they are */
};

struct mime_encoder {
	enum mime_encode_kind kind;
	size_t column;			/* of the line out */
	bool after_cr;			/* a CR whose meaning is open */
	uint8_t space;			/* quoted-printable: SP or HTAB that may end a line; 0: none */
	size_t held_n;			/* base64: of a group of three */
	uint8_t held[3];
};

void mime_encoder_init(struct mime_encoder *e, enum mime_encode_kind kind);
void mime_encode(struct mime_encoder *e, struct span in, struct buf *out);

/* No more comes: appends what is held. */
void mime_encode_end(struct mime_encoder *e, struct buf *out);

/* Behind the end, where nothing follows: ends the last line, in a way that adds nothing to what
 * it stands for. */
void mime_encode_close(struct mime_encoder *e, struct buf *out);

/* in, encoded so, is shorter as base64 than as quoted-printable. */
bool mime_encode_base64_is_shorter(struct span in);

#endif
