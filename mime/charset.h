/*
 * charset.h - any charset to UTF-8, and UTF-8 to a form in which case does not count.
 * The one file that knows ICU; who calls nothing of it does not link it.
 *
 * UTF-8, US-ASCII, ISO-8859-1 and windows-1252 are done here without ICU. What is
 * wrong in the input becomes U+FFFD. A stream may be cut anywhere; what comes out is
 * cut between characters.
 */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include "common/base/buf.h"
#include "common/base/error.h"

/* Once, at the start of the program: are ICU's tables there? They lie in its library, so
 * nothing is opened later. -ENOENT if they are missing. */
int mime_charset_start(struct error *err);

struct mime_charset;		/* a converter at work on one stream */

/* Gives the caller a converter for the charset called name; the empty name is
 * US-ASCII, and US-ASCII takes UTF-8 too. -ENOENT: nobody knows that charset;
 * -ENOMEM. */
int mime_charset_open(struct mime_charset **out, struct span name, struct error *err);
void mime_charset_close(struct mime_charset *c);

/* How many of the next bytes are the same in UTF-8, so that they need not be fed. */
size_t mime_charset_same(const struct mime_charset *c, struct span in);

/* Appends in as UTF-8: at most 8 * in.n + 64 bytes. The last bytes may wait for more. */
void mime_charset_feed(struct mime_charset *c, struct span in, struct buf *out);

/* Appends what waits: no more input comes. The converter then begins a new stream. */
void mime_charset_end(struct mime_charset *c, struct buf *out);

/* All in one: a mime_to_utf8 (mime/words.h); arg is not used. */
bool mime_charset_convert(void *arg, struct span charset, struct span bytes, struct buf *out);

/* True if mime_charset_open would find it. For SEARCH CHARSET. */
bool mime_charset_known(struct span name);

/* Appends utf8 as RFC 5255's i;unicode-casemap compares it: each character in its
 * title case, then taken apart (so that e-acute is one thing in whichever form it
 * comes, and full-width letters are letters). Each character is done by itself, so a
 * text may be folded in pieces that are cut between characters. At most 64 * utf8.n
 * bytes, mostly utf8.n. */
void mime_fold(struct span utf8, struct buf *out);

/* utf8 is in Normalization Form C, as RFC 5198 2 wants it on the net. False too where memory is
 * short, or that is no UTF-8. */
bool mime_is_composed(struct span utf8);

/* Appends utf8 in that form. False: no memory, out is full, or that is no UTF-8. */
bool mime_compose(struct span utf8, struct buf *out);

#endif
