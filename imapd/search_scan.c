/*
 * search_scan.c - reads one message for the keys that need its text: header fields, then
 * each text part, decoded, piece by piece.
 */
#include "imapd/search.h"

static enum imap_run next_part(struct imap_server *e);

static enum imap_run over(struct imap_server *e)
{
	struct search *s = e->data;

	mime_text_free(s->text);
	s->text = NULL;
	s->m.read = true;
	return imap_go(e, search_scanned);
}

static bool wants_body(const struct search *s)
{
	return search_wants(s, SEARCH_BODY) || search_wants(s, SEARCH_TEXT);
}

/* --- parts ----------------------------------------------------------------- */

static void show(void *arg, struct span utf8)
{
	search_show_text(arg, utf8);
}

static enum imap_run part_piece(struct imap_server *e);

static enum imap_run part_read(struct imap_server *e)
{
	struct search *s = e->data;

	if (s->left > 0 && imap_out_full(e))
		return IMAP_RUN_MORE;
	if (s->left > 0 && wants_body(s))
		return imap_body_read(e, s->offset, s->left, part_piece);
	mime_text_end(s->text, NULL);
	mime_text_free(s->text);
	s->text = NULL;
	return imap_go(e, next_part);
}

static enum imap_run part_piece(struct imap_server *e)
{
	struct span bytes = e->result->bytes;
	struct search *s = e->data;

	if (e->result->status != STORE_OK || bytes.n == 0 || bytes.n > s->left)
		return over(e);
	mime_text_feed(s->text, bytes);
	s->offset += bytes.n;
	s->left -= bytes.n;
	e->work += (unsigned)(bytes.n / 32);
	return imap_go(e, part_read);
}

static enum imap_run next_part(struct imap_server *e)
{
	struct search *s = e->data;
	struct mime_content content;
	struct mime_part part;

	if (!wants_body(s) || !mime_meta_next(s->m.meta, &s->part_at, &part))
		return over(e);
	e->work += 4;
	if (part.depth > 0)
		search_show_part(s, &part);
	if (part.kind != MIME_PART_LEAF || part.body_at > s->m.record->size ||
	    part.body_bytes > s->m.record->size - part.body_at)
		return IMAP_RUN_MORE;
	mime_part_content(&part, &content);
	if (!span_is_nocase(content.type, "text"))
		return IMAP_RUN_MORE;
	s->offset = part.body_at;
	s->left = part.body_bytes;
	search_text_begins(s);
	if (mime_text_new(&s->text, content.encoding, (struct span){ content.charset, content.charset_n }, show, s,
			  NULL) != 0)
		return imap_no_memory(e);
	return imap_go(e, part_read);
}

/* --- the header ------------------------------------------------------------ */

static enum imap_run header_piece(struct imap_server *e);

static enum imap_run header_show(struct imap_server *e)
{
	struct search *s = e->data;
	struct span rest = buf_span(&s->header);
	size_t begin;
	bool more = true;

	if (imap_out_full(e))
		return IMAP_RUN_MORE;
	span_take(&rest, s->header_at);
	begin = rest.n;
	while (more && begin - rest.n < SEARCH_HEADER_TURN)
		more = search_show_field(s, &rest);
	s->header_at += begin - rest.n;
	e->work += (unsigned)((begin - rest.n) / 32);
	return more ? IMAP_RUN_MORE : imap_go(e, next_part);
}

static enum imap_run header_read(struct imap_server *e)
{
	struct search *s = e->data;

	if (s->left > 0)
		return imap_body_read(e, s->offset, s->left, header_piece);
	return imap_go(e, header_show);
}

static enum imap_run header_piece(struct imap_server *e)
{
	struct span bytes = e->result->bytes;
	struct search *s = e->data;

	if (e->result->status != STORE_OK || bytes.n == 0 || bytes.n > s->left)
		return over(e);
	buf_put(&s->header, bytes);
	s->offset += bytes.n;
	s->left -= bytes.n;
	return imap_go(e, header_read);
}

static enum imap_run body_there(struct imap_server *e)
{
	struct search *s = e->data;

	if (e->body_status != STORE_OK) {
		s->missing = true;
		return over(e);
	}
	s->part_at = 0;
	s->offset = 0;
	s->left = s->m.meta->header_bytes;
	if (s->left > SEARCH_HEADER_MAX)
		s->left = SEARCH_HEADER_MAX;
	if (s->left > s->m.record->size)
		s->left = s->m.record->size;
	buf_reset(&s->header);
	s->header_at = 0;
	if (search_wants(s, SEARCH_HEADER) || search_wants(s, SEARCH_TEXT))
		return imap_go(e, header_read);
	return imap_go(e, next_part);
}

enum imap_run search_scan(struct imap_server *e)
{
	struct search *s = e->data;

	return imap_body_run(e, s->m.record->uid, body_there);
}
