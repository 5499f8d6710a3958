/*
 * meta.h - what mime/parse.h found in a message: ENVELOPE, BODYSTRUCTURE, where each
 * section lies, what SEARCH compares.
 *
 * The blob comes from a file or another process: mime_meta_open checks every length,
 * count and offset in it; after that nothing here can fail but for the room in a
 * caller's buf. It is a version byte, the message's size, mostly a ready ENVELOPE, then the parts as a tree in
 * the order in which they stand, each with its place and the few header fields that
 * are asked for, unfolded, as bytes (mime/meta.c draws it).
 * Memory  None: all values lend from the blob.
 * Parts   Part 0 is the message itself. A MULTIPART has its parts as children; a MESSAGE
 *         (message/rfc822) has one: the message inside it, whose header fields, type and
 *         place are that child's.
 */
#ifndef MIME_META_H
#define MIME_META_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "mime/date.h"
#include "mime/encoding.h"
#include "mime/field.h"

enum {
	MIME_META_VERSION = 2,
	MIME_META_ENVELOPE = 4096,	/* bytes of a ready ENVELOPE that is kept */
	MIME_META_ADDRESSES = 10000	/* in one ENVELOPE or BODYSTRUCTURE */
};

struct mime_meta {
	struct span blob;
	uint64_t size;		/* bytes of the message: RFC822.SIZE */
	uint64_t header_bytes;	/* of its header, blank line included */
	uint32_t parts;		/* 1 or more */
	bool cut;		/* a limit was hit: there is more structure or header than this */
	size_t first;		/* where part 0 lies in the blob */
	struct span envelope;	/* the ENVELOPE as it is told; empty: to be made of the fields */
	bool rev2;		/* the caller's: structures tell what is inside message/global (RFC 9051 9 media-message) */
};

enum mime_part_kind {
	MIME_PART_LEAF,
	MIME_PART_MULTIPART,
	MIME_PART_MESSAGE,
	MIME_PART_OPAQUE	/* a leaf beyond a limit: application/octet-stream */
};

struct mime_part {
	enum mime_part_kind kind;
	unsigned depth;		/* part 0 has 0 */
	uint64_t header_at;	/* offset in the message */
	uint64_t header_bytes;	/* its MIME header, blank line included */
	uint64_t body_at;	/* right behind */
	uint64_t body_bytes;	/* as encoded; without the line end that belongs to a boundary */
	uint64_t body_lines;	/* line ends in them */
	struct span fields;	/* read by mime_part_field */
};

/* What a part's body is; text/plain where the header says nothing that can be read (RFC
 * 2045 5.2). The spans lend from the blob or from constants. */
struct mime_content {
	struct span type;	/* "text" */
	struct span subtype;	/* "plain" */
	bool stated;		/* the part's header says so; else it is assumed */
	enum mime_encoding encoding;
	size_t charset_n;
	uint8_t charset[64];	/* empty if none is stated */
};

/* Checks the blob and fills *m, which lends it. -EBADMSG: it is none of this version,
 * or damaged; then the message is to be parsed again. */
int mime_meta_open(struct mime_meta *m, struct span blob, struct error *err);

/* The same for who only wants the ENVELOPE: of *m then only size and envelope are for use, and
 * mime_meta_envelope. False: the blob holds no ready one. */
bool mime_meta_open_envelope(struct mime_meta *m, struct span blob);

/* For who only looks at header fields of the message: of *m then only size is for use, mime_meta_field and
 * mime_meta_sent. The values are not for telling: they may hold line ends if the blob is none of ours. */
bool mime_meta_open_fields(struct mime_meta *m, struct span blob);

/* Walks the parts in their order: *at = 0 before the first call. False at the end. */
bool mime_meta_next(const struct mime_meta *m, size_t *at, struct mime_part *part);

/* Part 0. */
void mime_meta_root(const struct mime_meta *m, struct mime_part *part);

/* --- for FETCH (RFC 9051 7.5.2, RFC 3501 7.4.2) ---------------------------- */
/* Append the value of ENVELOPE, BODYSTRUCTURE or BODY, parentheses included. Strings
 * are quoted, or literals where they hold 8-bit bytes. Mostly about as long as the blob;
 * at the very most 6 * blob.n + 256 * parts + 1,000,000 bytes, for only the first
 * MIME_META_ADDRESSES addresses are told. */
void mime_meta_envelope(const struct mime_meta *m, struct buf *out);
void mime_meta_bodystructure(const struct mime_meta *m, struct buf *out);
void mime_meta_body(const struct mime_meta *m, struct buf *out);

enum mime_section {
	MIME_SECTION_BODY,	/* BODY[] and BODY[1.2]: whole message, or part's content */
	MIME_SECTION_HEADER,	/* [HEADER], [1.2.HEADER], and where HEADER.FIELDS look */
	MIME_SECTION_TEXT,	/* [TEXT], [1.2.TEXT] */
	MIME_SECTION_MIME	/* [1.2.MIME] */
};

/* Where the section of path[n] lies in the message (RFC 9051 6.4.5.1). n = 0 is the
 * message. False if there is no such section: FETCH then answers NIL. */
bool mime_meta_section(const struct mime_meta *m, const uint32_t path[], size_t n, enum mime_section kind,
		       uint64_t *offset, uint64_t *length);

/* The part itself, for BINARY and for its encoding. False if there is none. */
bool mime_meta_part(const struct mime_meta *m, const uint32_t path[], size_t n, struct mime_part *part);

/* --- for SEARCH (RFC 9051 6.4.4) ------------------------------------------ */
/* The value of a field, unfolded, encoded words as they are; several To, Cc, Bcc
 * fields as one. False if the header has none (or a limit left it out). */
bool mime_part_field(const struct mime_part *part, enum mime_field field, struct span *value);

/* All of them at once: a span without bytes' place (p is NULL) for each that the header does not have. */
void mime_part_fields(const struct mime_part *part, struct span values[MIME_FIELD_COUNT]);

/* The same of the message's own header. */
bool mime_meta_field(const struct mime_meta *m, enum mime_field field, struct span *value);

/* The Date field of the message. False if it is missing or no date: SENTSINCE and
 * its like then do not match. */
bool mime_meta_sent(const struct mime_meta *m, struct mime_date *date);

/* What the part's body is. */
void mime_part_content(const struct mime_part *part, struct mime_content *content);

#endif
