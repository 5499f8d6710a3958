/*
 * words.h - encoded words (RFC 2047) and parameter values with a charset (RFC 2231
 * 4) to UTF-8.
 *
 * Charsets are another's business: the caller hands in a function, in imapd
 * mime_charset_convert (mime/charset.h), so that this file needs no ICU.
 * Both append at most 4 times the input for each byte that the charset function gives.
 */
#ifndef MIME_WORDS_H
#define MIME_WORDS_H

#include "common/base/buf.h"

/* Appends bytes, which are in charset, as UTF-8. False, and nothing appended, if the
 * charset is unknown. */
typedef bool (*mime_to_utf8)(void *arg, struct span charset, struct span bytes, struct buf *out);

/* Appends an unfolded header value with its encoded words decoded. White space
 * between two of them goes; neighbours of one charset are decoded together, for
 * senders cut characters in two. A word that can't be decoded stays as it is. */
void mime_words_decode(struct span value, mime_to_utf8 convert, void *arg, struct buf *out);

/* Appends charset'language'percent-text decoded. What has not this form, or an
 * unknown charset, is appended with only its percent signs resolved. */
void mime_words_ext_value(struct span value, mime_to_utf8 convert, void *arg, struct buf *out);

#endif
