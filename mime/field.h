/*
 * field.h - the header fields that the metadata keeps, by number and by name.
 *
 * The numbers are part of the blob's form (mime/meta.h): a new one goes to the
 * end, and the blob's version up.
 */
#ifndef MIME_FIELD_H
#define MIME_FIELD_H

#include "common/base/span.h"

enum mime_field {
	/* of a message: the outer one, or one inside message/rfc822 (RFC 5322 3.6) */
	MIME_FIELD_DATE,
	MIME_FIELD_SUBJECT,
	MIME_FIELD_FROM,
	MIME_FIELD_SENDER,
	MIME_FIELD_REPLY_TO,
	MIME_FIELD_TO,
	MIME_FIELD_CC,
	MIME_FIELD_BCC,
	MIME_FIELD_IN_REPLY_TO,
	MIME_FIELD_MESSAGE_ID,
	/* of every part (RFC 2045 3) */
	MIME_FIELD_TYPE,
	MIME_FIELD_ENCODING,
	MIME_FIELD_CONTENT_ID,
	MIME_FIELD_DESCRIPTION,
	MIME_FIELD_MD5,
	MIME_FIELD_DISPOSITION,
	MIME_FIELD_LANGUAGE,
	MIME_FIELD_LOCATION,
	/* of a message again */
	MIME_FIELD_REFERENCES,
	MIME_FIELD_COUNT
};

/* The field called name, without regard to case; MIME_FIELD_COUNT if the metadata
 * does not keep it. */
enum mime_field mime_field_of(struct span name);

/* "Subject", "Content-Type"... */
const char *mime_field_name(enum mime_field field);

/* The field belongs to a message, not to each part. */
bool mime_field_of_message(enum mime_field field);

/* Its value is a list of addresses. */
bool mime_field_of_addresses(enum mime_field field);

/* A second field of that name continues the list of the first (RFC 5322 4.5.3). */
bool mime_field_repeats(enum mime_field field);

#endif
