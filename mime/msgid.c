/* msgid.c - the contract is in msgid.h. */
#include "mime/msgid.h"

/* From behind "<" to behind ">". False: the end, or a "<" that begins another, came first. */
static bool take_id(struct span *in, struct buf *id)
{
	bool quoted = false, at = false;

	while (in->n > 0 && (quoted || in->p[0] != '<')) {
		uint8_t c = span_take(in, 1).p[0];

		if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && c == '>') {
			return at && id->n > 0 && id->p[id->n - 1] != '@' && !id->failed;
		} else if (quoted || (c != ' ' && c != '\t' && c != '\r' && c != '\n')) {
			if (quoted && c == '\\' && in->n > 0)
				c = span_take(in, 1).p[0];
			at |= c == '@' && id->n > 0;
			buf_put_byte(id, c);
		}
	}
	return false;
}

bool mime_msgid_next(struct span *in, struct buf *id)
{
	ptrdiff_t begin;

	while ((begin = span_find(*in, '<')) >= 0) {
		span_take(in, (size_t)begin + 1);
		buf_reset(id);
		if (take_id(in, id))
			return true;
	}
	return false;
}
