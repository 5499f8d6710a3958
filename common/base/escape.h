/*
 * escape.h - what a peer sent, made fit for one line of a log or a reply.
 *
 * Printable ASCII stays; backslash and double quote get a backslash; CR, LF and
 * TAB become \r \n \t; every other byte \xHH. So no peer can start a line, move
 * a terminal's cursor or end a quoted string.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "common/base/buf.h"

/* Writes s, escaped, as a C string into out[size]; what does not fit is cut and
 * "..." ends it. size >= 8. Returns out, to stand in an argument list. */
const char *escape_text(char *out, size_t size, struct span s);

/* Puts s, escaped by JSON's rules (RFC 8259 7) and without the quotes, into b.
 * Bytes that are not UTF-8 become U+FFFD. */
void escape_json(struct buf *b, struct span s);

#endif
