/*
 * intake.h - a message in pieces: its header kept, its body passed on line by line.
 *
 * For the files of dkim/ alone. CRLF, a lone LF and a lone CR end a line each: so it is sent.
 * Memory  The header, DKIM_HEADER_MAX at most.
 */
#ifndef DKIM_INTAKE_H
#define DKIM_INTAKE_H

#include "common/base/buf.h"

struct dkim_intake_calls {
	int (*header)(void *arg);	/* the header is whole, the body begins; a negative errno ends it */
	void (*text)(void *arg, struct span text);	/* of a line of the body, no line end in it */
	void (*line)(void *arg);	/* the line of the body ends */
};

struct dkim_intake {
	struct buf header;	/* each line with CRLF, the blank line left out */
	bool in_body;
	bool cr;		/* the byte before was a CR, which ended a line */
	size_t line;		/* bytes of the line in hand */
	const struct dkim_intake_calls *calls;
	void *arg;
};

void dkim_intake_init(struct dkim_intake *in, const struct dkim_intake_calls *calls, void *arg);
void dkim_intake_clear(struct dkim_intake *in);

/* -EMSGSIZE: the header is too long; -ENOMEM; or what calls->header has returned. */
int dkim_intake_feed(struct dkim_intake *in, struct span piece);
/* No more comes: ends the last line, and a header without a body. */
int dkim_intake_end(struct dkim_intake *in);

#endif
