/*
 * lines.h - line ends of files from elsewhere: a lone LF becomes CRLF (RFC 5322 2.3).
 *
 * A lone CR stays as it is: nobody can say what it meant.
 * Pure    No I/O. Input may be cut anywhere.
 */
#ifndef FORMATS_LINES_H
#define FORMATS_LINES_H

#include "common/base/buf.h"

struct lines {
	bool cr;       /* the byte before was a CR */
	uint64_t bare; /* lone LFs so far */
};

/* Appends in. At most twice its bytes. */
void lines_put(struct lines *l, struct span in, struct buf *out);

#endif
