/*
 * dot.h - the dot at the start of a line: put in and taken out (RFC 5321 4.5.2,
 * RFC 1939 3). The one dot codec in the tree.
 *
 * Decoding also watches the line ends: only CRLF.CRLF ends the data, and a lone
 * CR or LF anywhere is told, so that no smuggled second message can exist.
 * Pure. Memory: none beyond the struct. A cut anywhere gives the same bytes.
 */
#ifndef BASE_DOT_H
#define BASE_DOT_H

#include "common/base/buf.h"

struct dot_decoder {
	int state;		/* dot.c knows the numbers */
	bool bare;		/* a CR or LF stood alone */
};

/* At the start of a line. */
void dot_decoder_init(struct dot_decoder *d);

/* Moves *in on and appends message bytes to out, at most as many as it takes
 * plus 2. Returns true when the ending CRLF.CRLF was taken: what follows stays
 * in *in, and d->bare says whether a bare CR or LF was met. */
bool dot_decode(struct dot_decoder *d, struct span *in, struct buf *out);

struct dot_encoder {
	int state;
};

void dot_encoder_init(struct dot_encoder *d);

/* Appends the stuffed form of in (at most 2 * in.n bytes). Bytes are kept. */
void dot_encode(struct dot_encoder *d, struct span in, struct buf *out);

/* Appends the ending: CRLF first if the last line had none, then ".CRLF". */
void dot_encode_end(struct dot_encoder *d, struct buf *out);

#endif
