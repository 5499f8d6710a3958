/*
 * header.h - walk, find and pick the fields of a header (RFC 5322 2.2).
 *
 * Works on the bytes of a whole header as it stands in the message, its blank
 * line included or not. Pure, no memory but the caller's buf, linear.
 * Lines   End in CRLF or LF. A line that begins with SP or HTAB continues the
 *         field before it.
 * Bad     A line without a colon is a field with an empty name: it is walked over,
 *         never found, and HEADER.FIELDS.NOT keeps it. Only a blank line ends
 *         a header.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "common/base/buf.h"

struct mime_header_field {
	struct span name;	/* white space before the colon left out (RFC 5322 4.5) */
	struct span value;	/* behind the colon, folding and all, without the last line end */
	struct span raw;	/* the whole field, with its last line end */
};

/* Takes the next field off *header. False at the end: *header then begins with
 * the blank line, or is empty. The spans lend from the header. */
bool mime_header_next(struct span *header, struct mime_header_field *field);

/* The first field called name, without regard to case. False if there is none. */
bool mime_header_find(struct span header, const char *name, struct mime_header_field *field);

/* How many fields are called so. */
size_t mime_header_count(struct span header, const char *name);

/* Appends value on one line: line ends are dropped, NUL and a lone CR become SP,
 * white space at both ends goes (RFC 5322 2.2.3). At most value.n bytes. */
void mime_header_unfold(struct span value, struct buf *out);

/* Append the fields whose name is, or is not, among names[n], as they stand and in
 * their order, then the blank line if the header has one (RFC 9051 6.4.5.1). Names
 * go without regard to case. At most header.n bytes; a name costs a look at each
 * field: bound n. */
void mime_header_filter(struct span header, const struct span names[], size_t n, struct buf *out);
void mime_header_filter_not(struct span header, const struct span names[], size_t n, struct buf *out);

/* Where the header ends in a message that begins at bytes: behind the first blank
 * line, or bytes.n if there is none. */
size_t mime_header_end(struct span bytes);

#endif
