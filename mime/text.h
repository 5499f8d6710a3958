/*
 * text.h - the body of a text part, as stored, to UTF-8: transfer encoding, then
 * charset, as one stream. For SEARCH BODY and TEXT. Needs ICU.
 *
 * Memory  A few kB while it is open. A call takes any amount of input and hands on
 *         UTF-8 in pieces of at most MIME_TEXT_PIECE bytes.
 */
#ifndef MIME_TEXT_H
#define MIME_TEXT_H

#include "common/base/error.h"
#include "mime/encoding.h"

enum { MIME_TEXT_PIECE = 40000 };

/* Takes a piece of the text, cut between characters, which holds during the call. */
typedef void (*mime_text_sink)(void *arg, struct span utf8);

struct mime_text;

/* Gives the caller a stream. An unknown charset is taken as UTF-8. -ENOMEM. */
int mime_text_new(struct mime_text **out, enum mime_encoding encoding, struct span charset,
		  mime_text_sink sink, void *arg, struct error *err);
void mime_text_free(struct mime_text *t);

void mime_text_feed(struct mime_text *t, struct span in);

/* No more input comes: hands on what waits. -ENOMEM if anything was lost on the way. */
int mime_text_end(struct mime_text *t, struct error *err);

#endif
