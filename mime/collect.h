/*
 * collect.h - the fields of one header that the metadata keeps, gathered line by line
 * (for mime/parse.c).
 *
 * Shape   begin, then for each line mime_collect_line with its start and
 *         mime_collect_more with the rest; at the header's end read and encode.
 * Memory  room bytes for a header. Half of it is for the message's fields in all, and a
 *         sixteenth for each of the part's eight, so that a long list of recipients does
 *         not cost the structure; field_max for a field. What is over is cut and told.
 */
#ifndef MIME_COLLECT_H
#define MIME_COLLECT_H

#include "common/base/buf.h"
#include "mime/field.h"

enum mime_collect_scope {
	MIME_COLLECT_PART,	/* Content-* only */
	MIME_COLLECT_MESSAGE	/* a message's fields too */
};

struct mime_collect {
	struct buf value[MIME_FIELD_COUNT];	/* as they stand, folding and all */
	struct buf line;			/* an unfolded value on its way out */
	size_t field_max;
	size_t part_room;			/* bytes that each Content-* field may have */
	size_t message_room;			/* bytes that are left for the message's fields */
	enum mime_collect_scope scope;
	enum mime_field field;			/* the one at hand; COUNT: none that is kept */
	bool seen[MIME_FIELD_COUNT];
	bool short_of[MIME_FIELD_COUNT];	/* the value was cut */
	bool cut;				/* one of all headers' values was */
	bool no_memory;
	size_t received;			/* Received fields in this header */
};

void mime_collect_init(struct mime_collect *c, size_t field_max);
void mime_collect_clear(struct mime_collect *c);

/* A header begins, which may keep room bytes. */
void mime_collect_begin(struct mime_collect *c, enum mime_collect_scope scope, size_t room);

/* The start of a line that is not blank: all of it, or enough to hold any name. */
void mime_collect_line(struct mime_collect *c, struct span start);
void mime_collect_more(struct mime_collect *c, struct span in);

/* The field's value as gathered; false if the header had none. */
bool mime_collect_value(const struct mime_collect *c, enum mime_field field, struct span *value);

/* Appends the fields in the form that mime_part_field reads. */
void mime_collect_encode(struct mime_collect *c, struct buf *out);

#endif
