/*
 * lex.h - what all structured fields are made of: white space, comments, quoted
 * strings (RFC 5322 3.2). Each takes bytes off the front of *in. Linear; nothing here
 * recurses, however deep comments lie in each other.
 */
#ifndef MIME_LEX_H
#define MIME_LEX_H

#include "common/base/buf.h"

/* White space inside a field, line ends of its folding too. */
static inline bool mime_lex_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes the comment that *in begins with, and gives what stands between its outer
 * parentheses. A missing end is the end of *in. */
struct span mime_lex_comment(struct span *in);

/* Takes white space and comments. */
void mime_lex_skip(struct span *in);

/* Takes the quoted string that *in begins with and appends what it holds: without
 * quotes, backslashes and line ends. out may be NULL. A missing end is the end of *in. */
void mime_lex_quoted(struct span *in, struct buf *out);

#endif
