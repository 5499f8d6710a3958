/*
 * parse.h - one pass over a message, and what IMAP asks about it is known.
 *
 * Shape   Feed the whole message, cut anywhere; the metadata comes out at the end as
 *         a blob that mime/meta.h reads. One pass, linear, no error that a message
 *         could cause: a message beyond a limit is served with less structure.
 * Lines   CRLF; a bare LF ends a line too, for mail that was imported with them.
 *         A lone CR does not. Offsets and sizes are those of the bytes as fed.
 * Memory  A few kB for ordinary mail; for mail made to hurt 6 times limits->meta_bytes,
 *         160 bytes for each part and 640 for each level.
 * Format  RFC 5322 2.2 (header), RFC 2045 5 (types), RFC 2046 5.1 (multipart), RFC
 *         2046 5.2.1 and RFC 6532 3.7 (message/rfc822 and /global).
 * Beyond  A multipart or message deeper than depth becomes one leaf; so does, once
 *         parts or meta_bytes are used up, the rest of each open multipart. Such a
 *         leaf is shown as application/octet-stream. Fields that do not fit are cut,
 *         address lists at a comma; fields of the message never take the room of those
 *         that tell its structure.
 */
#ifndef MIME_PARSE_H
#define MIME_PARSE_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"

enum {
	MIME_LIMIT_DEPTH = 32,		/* multiparts and messages inside each other */
	MIME_LIMIT_PARTS = 1000,	/* in one message; one more for each open level */
	MIME_LIMIT_FIELD = 65536,	/* bytes kept of one header field's value */
	MIME_LIMIT_META = 262144,	/* bytes of the blob: what the store takes at most */
	MIME_DEPTH_MAX = 100,		/* what depth may be set to */
	MIME_PARTS_MAX = 100000,
	MIME_META_MIN = 8192,
	MIME_META_MAX = 16777216,
	MIME_BOUNDARY_MAX = 256		/* bytes; RFC 2046 5.1.1 has 70, some senders more. A longer
					 * one is none, and its multipart a text/plain leaf */
};

struct mime_limits {
	unsigned depth;
	unsigned parts;
	size_t field_bytes;
	size_t meta_bytes;
};

struct mime_parser;

/* Gives the caller a parser. NULL limits: the defaults; what is out of range is
 * brought into it. -ENOMEM. */
int mime_parser_new(struct mime_parser **out, const struct mime_limits *limits, struct error *err);
void mime_parser_free(struct mime_parser *p);

/* The next bytes of the message. Cannot fail; a lack of memory shows at the end. */
void mime_parser_feed(struct mime_parser *p, struct span in);

/* The message is over: appends the blob, at most limits->meta_bytes, to meta. The
 * parser can then only be freed. -ENOMEM, also if meta's maximum is too small. */
int mime_parser_finish(struct mime_parser *p, struct buf *meta, struct error *err);

/* Some header so far, of the message or of a part at any depth, holds bytes over 127 (RFC 6532 3.2). So may headers in
 * a leaf of which a limit has left no structure: there any such byte counts. */
bool mime_parser_is_utf8(const struct mime_parser *p);

/* Received fields in the outermost header so far: for the loop check (RFC 5321 6.3). */
size_t mime_parser_received(const struct mime_parser *p);

#endif
