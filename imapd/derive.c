/*
 * derive.c - a message's metadata and body, as FETCH and SEARCH need them.
 *
 * What the derived file does not have, or has damaged, is worked out from the body and
 * handed back (DESIGN 5).
 */
#include "imapd/session.h"

void imap_derive_clear(struct imap_server *e)
{
	struct imap_derive *d = e->derive;

	if (d == NULL)
		return;
	mime_parser_free(d->parser);
	buf_clear(&d->blob);
	e->derive = NULL;
}

static enum imap_run over(struct imap_server *e, enum store_status status)
{
	struct imap_derive *d = e->derive;

	mime_parser_free(d->parser);
	d->parser = NULL;
	d->status = status;
	return imap_go(e, d->after);
}

static bool usable(struct imap_derive *d)
{
	if (d->want == IMAP_DERIVE_ENVELOPE && mime_meta_open_envelope(&d->meta, buf_span(&d->blob)))
		return d->meta.size == d->record->size;
	return mime_meta_open(&d->meta, buf_span(&d->blob), NULL) == 0 && d->meta.size == d->record->size;
}

static enum imap_run parsed(struct imap_server *e)
{
	struct imap_derive *d = e->derive;

	buf_reset(&d->blob);
	if (mime_parser_finish(d->parser, &d->blob, NULL) != 0)
		return over(e, STORE_TRY_LATER);
	if (!usable(d))
		return over(e, STORE_CORRUPT);
	buf_reset(&e->put);
	buf_put(&e->put, buf_span(&d->blob));
	e->put_uid = d->record->uid;
	e->put_wanted = !e->put.failed;
	return over(e, STORE_OK);
}

static enum imap_run read_piece(struct imap_server *e);

static enum imap_run read_on(struct imap_server *e)
{
	struct imap_derive *d = e->derive;

	if (d->at >= d->record->size)
		return parsed(e);
	if (imap_out_full(e))
		return IMAP_RUN_MORE;
	return imap_body_read(e, d->at, d->record->size - d->at, read_piece);
}

static enum imap_run read_piece(struct imap_server *e)
{
	struct imap_derive *d = e->derive;

	if (e->result->status != STORE_OK || e->result->bytes.n == 0)
		return over(e, STORE_CORRUPT);
	mime_parser_feed(d->parser, e->result->bytes);
	d->at += e->result->bytes.n;
	e->work += (unsigned)(e->result->bytes.n / 256);
	return imap_go(e, read_on);
}

static enum imap_run body_there(struct imap_server *e)
{
	struct imap_derive *d = e->derive;

	if (e->body_status != STORE_OK)
		return over(e, e->body_status);
	if (mime_parser_new(&d->parser, NULL, NULL) != 0)
		return over(e, STORE_TRY_LATER);
	d->at = 0;
	return imap_go(e, read_on);
}

static enum imap_run meta_there(struct imap_server *e)
{
	struct imap_derive *d = e->derive;

	if (e->result->status == STORE_OK) {
		buf_reset(&d->blob);
		buf_put(&d->blob, e->result->bytes);
		if (usable(d))
			return over(e, STORE_OK);
	}
	return imap_body_run(e, d->record->uid, body_there);
}

enum imap_run imap_derive_run(struct imap_server *e, const struct store_record *record, enum imap_derive_want want,
			      imap_step after)
{
	if (e->derive == NULL) {
		e->derive = arena_alloc(e->arena, sizeof(*e->derive));
		if (e->derive == NULL)
			return imap_no_memory(e);
		buf_init(&e->derive->blob, STORE_META_MAX);
	}
	e->derive->record = record;
	e->derive->want = want;
	e->derive->after = after;
	if (record->meta_length == 0)
		return imap_body_run(e, record->uid, body_there);
	imap_ask(e, IMAP_META, meta_there)->record = record;
	return IMAP_RUN_WAIT;
}

static enum imap_run body_opened(struct imap_server *e)
{
	e->body_status = e->result->status;
	e->body_open = e->body_status == STORE_OK;
	return imap_go(e, e->body_after);
}

enum imap_run imap_body_run(struct imap_server *e, uint32_t uid, imap_step after)
{
	struct imap_action *a;

	if (e->body_open && e->body_uid == uid) {
		e->body_status = STORE_OK;
		return imap_go(e, after);
	}
	imap_body_done(e);
	e->body_uid = uid;
	e->body_after = after;
	a = imap_ask(e, IMAP_BODY_OPEN, body_opened);
	a->body.mailbox = e->sel.mailbox;
	a->body.uid = uid;
	return IMAP_RUN_WAIT;
}

enum imap_run imap_body_read(struct imap_server *e, uint64_t offset, uint64_t length, imap_step step)
{
	struct imap_action *a = imap_ask(e, IMAP_READ, step);

	a->read.offset = offset;
	a->read.length = length < IMAP_READ_PIECE ? (size_t)length : IMAP_READ_PIECE;
	return IMAP_RUN_WAIT;
}
