/*
 * body.h - the hash of a body in its canonical form (RFC 6376 3.4.3, 3.4.4, 3.4.5).
 *
 * For the files of dkim/ alone. Linear, no memory but the hash's.
 */
#ifndef DKIM_BODY_H
#define DKIM_BODY_H

#include "dkim/inside.h"

#define DKIM_WHOLE UINT64_MAX	/* no l= */

struct dkim_body {
	enum dkim_canon canon;
	uint64_t limit;		/* l=, or DKIM_WHOLE */
	uint64_t length;	/* of the canonical body; what is over limit is not hashed */
	uint64_t ends;		/* line ends that count only if something follows */
	bool space;		/* relaxed: white space that counts only if something follows */
	bool failed;
	EVP_MD_CTX *hash;
	size_t held_n;
	uint8_t held[1024];
	uint8_t digest[DKIM_HASH];	/* after dkim_body_end */
};

/* -ENOMEM. */
int dkim_body_init(struct dkim_body *b, enum dkim_canon canon, uint64_t limit);
void dkim_body_clear(struct dkim_body *b);

void dkim_body_text(struct dkim_body *b, struct span text);	/* no line end in it */
void dkim_body_line(struct dkim_body *b);
/* Fills digest. False: it could not be worked out. */
bool dkim_body_end(struct dkim_body *b);

#endif
