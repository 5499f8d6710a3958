/*
 * param.h - Content-Type and Content-Disposition: a token or two, then parameters
 * (RFC 2045 5.1, RFC 2183 2, RFC 2231 3 and 4).
 *
 * Pieces name*0, name*1... are joined here. A value that names its charset (name*,
 * RFC 2231 4) stays in its percent form under the name "name*": mime_words_ext_value
 * decodes it.
 * Bounds  MIME_PARAMS parameters, MIME_PARAM_PIECES pieces of them; more are dropped.
 *         All text together is at most 4 times the value. Linear.
 */
#ifndef MIME_PARAM_H
#define MIME_PARAM_H

#include "common/base/buf.h"

enum { MIME_PARAMS = 64, MIME_PARAM_PIECES = 256 };

struct mime_param {
	struct span name;	/* as written, ends in '*' for a value with a charset */
	struct span value;	/* quotes and backslashes taken out */
};

struct mime_params {
	struct span type;	/* "multipart", "attachment"; empty: the field is void */
	struct span subtype;	/* "mixed"; always empty for a disposition */
	size_t n;
	struct mime_param at[MIME_PARAMS];
	struct buf text;	/* what the spans look at */
};

/* Read a value, folded or not, into *p, which needs no init and is filled in any
 * case. True if the value has what the field must have: type/subtype, or the
 * disposition's token; else RFC 2045 5.2's default is to be assumed by the caller (or
 * memory was short: p->text.failed). The spans hold until the clear, and lend nothing
 * from value. */
bool mime_params_type(struct mime_params *p, struct span value);
bool mime_params_disposition(struct mime_params *p, struct span value);

void mime_params_clear(struct mime_params *p);

/* The value called name, or name*; NULL if there is none. */
const struct mime_param *mime_params_find(const struct mime_params *p, const char *name);

/* Takes comments, white space, then a token off *in, and gives the token, which lends
 * from *in. Empty if none stands there. */
struct span mime_param_token(struct span *in);

/* Takes the next token or quoted string off *in, comments and white space around it
 * removed, and appends it to out. False if none stands there. */
bool mime_param_word(struct span *in, struct buf *out);

#endif
