/*
 * fetch_preview.c - PREVIEW (RFC 8970): the first words of the first text of a message.
 *
 * Read from the body when it is asked for; MIME_PREVIEW_BYTES of a part at most, and the next
 * part only where one before has no words.
 */
#include "imapd/fetch.h"

enum { PARTS = 3 };		/* that are looked at */

void fetch_preview_clear(struct fetch_preview *v)
{
	mime_text_free(v->text);
	v->text = NULL;
	buf_clear(&v->words);
}

bool fetch_preview_due(const struct imap_server *e, const struct store_record *r)
{
	const struct fetch *f = e->data;

	if (!f->preview.wanted)
		return false;
	/* RFC 8970 4.1: no delay beyond that of a screenful */
	return !f->preview.lazy || (r->meta_length > 0 && f->told < FETCH_LAZY);
}

void fetch_preview_put(struct imap_server *e)
{
	struct fetch *f = e->data;

	imap_text(e, "PREVIEW ");
	if (f->preview.done)
		imap_put_string(&e->out, buf_span(&f->preview.words));
	else
		imap_text(e, "NIL");
}

static enum imap_run next_part(struct imap_server *e);

static enum imap_run over(struct imap_server *e)
{
	struct fetch_preview *v = &((struct fetch *)e->data)->preview;

	mime_text_free(v->text);
	v->text = NULL;
	v->done = true;
	return imap_go(e, v->after);
}

static void show(void *arg, struct span utf8)
{
	mime_preview_feed(arg, utf8);
}

/* The part is read, as far as it was of use. */
static enum imap_run part_done(struct imap_server *e)
{
	struct fetch_preview *v = &((struct fetch *)e->data)->preview;

	mime_text_end(v->text, NULL);
	mime_text_free(v->text);
	v->text = NULL;
	buf_reset(&v->words);
	buf_put(&v->words, mime_preview_end(&v->maker));
	return v->words.n > 0 ? over(e) : next_part(e);
}

static enum imap_run piece(struct imap_server *e)
{
	struct fetch_preview *v = &((struct fetch *)e->data)->preview;
	struct span bytes = e->result->bytes;

	if (e->result->status != STORE_OK || bytes.n == 0 || bytes.n > v->left)
		return over(e);
	mime_text_feed(v->text, bytes);
	v->offset += bytes.n;
	v->left -= bytes.n;
	e->work += (unsigned)(bytes.n / 64);
	if (v->left == 0 || !mime_preview_feed(&v->maker, (struct span){ NULL, 0 }))
		return part_done(e);
	imap_body_read(e, v->offset, v->left, piece);
	return IMAP_RUN_WAIT;
}

static enum imap_run next_part(struct imap_server *e)
{
	struct fetch *f = e->data;
	struct fetch_preview *v = &f->preview;
	uint64_t size = f->page.records[f->at].size;
	enum mime_preview_kind kind;
	struct mime_content content;
	struct mime_part part;

	do {
		if (v->parts++ == PARTS || !mime_preview_part(&e->derive->meta, &v->at, &part, &content, &kind))
			return over(e);
	} while (part.body_bytes == 0 || part.body_at >= size || part.body_bytes > size - part.body_at);
	v->offset = part.body_at;
	v->left = part.body_bytes < MIME_PREVIEW_BYTES ? part.body_bytes : MIME_PREVIEW_BYTES;
	mime_preview_init(&v->maker, kind);
	if (mime_text_new(&v->text, content.encoding, (struct span){ content.charset, content.charset_n }, show,
			  &v->maker, NULL) != 0)
		return over(e);
	return imap_body_read(e, v->offset, v->left, piece);
}

static enum imap_run body_there(struct imap_server *e)
{
	return e->body_status == STORE_OK ? next_part(e) : over(e);
}

enum imap_run fetch_preview(struct imap_server *e, imap_step after)
{
	struct fetch *f = e->data;
	struct fetch_preview *v = &f->preview;

	v->after = after;
	v->at = 0;
	v->parts = 0;
	buf_reset(&v->words);
	return imap_body_run(e, f->page.records[f->at].uid, body_there);
}
