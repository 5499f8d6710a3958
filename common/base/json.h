/*
 * json.h - objects and lists (RFC 8259), put into a buffer.
 *
 * A comma comes by itself wherever something stands before in the same object or list.
 * name is NULL inside of a list.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "common/base/buf.h"

void json_open(struct buf *b, const char *name, char bracket);	/* '{' or '[' */
void json_close(struct buf *b, char bracket);	/* '}' or ']' */
void json_text(struct buf *b, const char *name, const char *value);
void json_span(struct buf *b, const char *name, struct span value);
void json_number(struct buf *b, const char *name, int64_t value);
void json_bool(struct buf *b, const char *name, bool value);
void json_null(struct buf *b, const char *name);

/* A list of the words in a text that spaces separate. */
void json_words(struct buf *b, const char *name, struct span words);

#endif
