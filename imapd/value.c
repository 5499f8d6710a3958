/* value.c - the contract is in value.h. */
#include "imapd/value.h"

#include "mime/address.h"
#include "mime/charset.h"
#include "mime/subject.h"
#include "mime/words.h"

int64_t imap_value_sent(const struct mime_meta *m, const struct store_record *r)
{
	struct mime_date date;

	return mime_meta_sent(m, &date) ? date.real_s : r->internal_s;
}

bool imap_value_subject(const struct mime_meta *m, struct buf *scratch, struct buf *out)
{
	struct span value;
	bool reply;

	if (!mime_meta_field(m, MIME_FIELD_SUBJECT, &value))
		return false;
	buf_reset(scratch);
	mime_words_decode(value, mime_charset_convert, NULL, scratch);
	mime_fold(mime_subject_base(scratch, &reply), out);
	return reply;
}

void imap_value_mailbox(const struct mime_meta *m, enum mime_field field, struct buf *out)
{
	struct mime_address_walk walk;
	struct mime_address a;
	struct span value;

	if (!mime_meta_field(m, field, &value))
		return;
	mime_address_walk_init(&walk, value);
	if (mime_address_next(&walk, &a))	/* ENVELOPE has a group's name where the mailbox is */
		mime_fold(a.kind == MIME_ADDRESS_GROUP ? a.name : a.local, out);
	mime_address_walk_clear(&walk);
}

static void put_display(const struct mime_address *a, struct buf *scratch, struct buf *out)
{
	buf_reset(scratch);
	mime_words_decode(a->name, mime_charset_convert, NULL, scratch);
	if (scratch->n == 0) {
		buf_put(scratch, a->local);
		if (a->domain.n > 0) {
			buf_put_byte(scratch, '@');
			buf_put(scratch, a->domain);
		}
	}
	mime_fold(buf_span(scratch), out);
}

void imap_value_display(const struct mime_meta *m, enum mime_field field, struct buf *scratch, struct buf *out)
{
	struct mime_address_walk walk;
	struct mime_address a;
	struct span value;

	if (!mime_meta_field(m, field, &value))
		return;
	mime_address_walk_init(&walk, value);
	if (mime_address_next(&walk, &a))
		put_display(&a, scratch, out);
	mime_address_walk_clear(&walk);
}
