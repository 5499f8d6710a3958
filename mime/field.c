/* field.c - the contract is in field.h. */
#include "mime/field.h"

enum field_trait {
	PART,			/* says something about a part */
	MESSAGE,		/* about a message */
	MAILBOXES,		/* the same, and holds addresses */
	RECIPIENTS		/* the same, and may come several times */
};

static const struct {
	const char *name;
	enum field_trait trait;
} fields[MIME_FIELD_COUNT] = {
	[MIME_FIELD_DATE] = { "Date", MESSAGE },
	[MIME_FIELD_SUBJECT] = { "Subject", MESSAGE },
	[MIME_FIELD_FROM] = { "From", MAILBOXES },
	[MIME_FIELD_SENDER] = { "Sender", MAILBOXES },
	[MIME_FIELD_REPLY_TO] = { "Reply-To", MAILBOXES },
	[MIME_FIELD_TO] = { "To", RECIPIENTS },
	[MIME_FIELD_CC] = { "Cc", RECIPIENTS },
	[MIME_FIELD_BCC] = { "Bcc", RECIPIENTS },
	[MIME_FIELD_IN_REPLY_TO] = { "In-Reply-To", MESSAGE },
	[MIME_FIELD_MESSAGE_ID] = { "Message-ID", MESSAGE },
	[MIME_FIELD_TYPE] = { "Content-Type", PART },
	[MIME_FIELD_ENCODING] = { "Content-Transfer-Encoding", PART },
	[MIME_FIELD_CONTENT_ID] = { "Content-ID", PART },
	[MIME_FIELD_DESCRIPTION] = { "Content-Description", PART },
	[MIME_FIELD_MD5] = { "Content-MD5", PART },
	[MIME_FIELD_DISPOSITION] = { "Content-Disposition", PART },
	[MIME_FIELD_LANGUAGE] = { "Content-Language", PART },
	[MIME_FIELD_LOCATION] = { "Content-Location", PART },
	[MIME_FIELD_REFERENCES] = { "References", MESSAGE },
};

enum mime_field mime_field_of(struct span name)
{
	for (int i = 0; i < MIME_FIELD_COUNT; i++)
		if (span_is_nocase(name, fields[i].name))
			return (enum mime_field)i;
	return MIME_FIELD_COUNT;
}

const char *mime_field_name(enum mime_field field)
{
	return fields[field].name;
}

bool mime_field_of_message(enum mime_field field)
{
	return fields[field].trait != PART;
}

bool mime_field_of_addresses(enum mime_field field)
{
	return fields[field].trait == MAILBOXES || fields[field].trait == RECIPIENTS;
}

bool mime_field_repeats(enum mime_field field)
{
	return fields[field].trait == RECIPIENTS;
}
