/*
 * fetch_body.c - the sections of one message: literals that are read and sent in pieces.
 *
 * Nothing is read before the peer has taken what was read last: a client that stops
 * reading a FETCH of any size costs one piece.
 */
#include "imapd/fetch.h"

#include <string.h>

#include "mime/header.h"

enum { NUL_SHOWN = 0x80 };

enum imap_run fetch_section_done(struct imap_server *e)
{
	struct fetch *f = e->data;

	f->item++;
	return imap_go(e, fetch_sections);
}

static void put_label(struct imap_server *e, const struct fetch_item *i)
{
	imap_text(e, " ");
	buf_put(&e->out, i->label);
	imap_text(e, " ");
}

/* Narrows offset and length to the partial. */
static void cut(const struct fetch_item *i, uint64_t *offset, uint64_t *length)
{
	uint64_t from = i->from < *length ? i->from : *length;

	if (!i->partial)
		return;
	*offset += from;
	*length -= from;
	if (*length > i->most)
		*length = i->most;
}

static void put_literal_size(struct imap_server *e, uint64_t n)
{
	imap_text(e, "{");
	imap_put_number(&e->out, n);
	imap_text(e, "}\r\n");
}

/* --- bytes as they stand --------------------------------------------------- */

/* RFC 9051 9 literal: no NUL, which mail that came by BINARYMIME may have. It is told as a byte
 * that stands for no character in most charsets; BINARY tells it as it is. */
static void put_octets(struct imap_server *e, struct span bytes)
{
	size_t at = e->out.n;
	uint8_t *nul;

	buf_put(&e->out, bytes);
	while (!e->out.failed && (nul = memchr(e->out.p + at, 0, e->out.n - at)) != NULL) {
		*nul = NUL_SHOWN;
		at = (size_t)(nul - e->out.p) + 1;
	}
}

static enum imap_run stream_piece(struct imap_server *e);

static enum imap_run stream(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (f->left == 0)
		return fetch_section_done(e);
	if (imap_out_full(e))
		return IMAP_RUN_MORE;
	return imap_body_read(e, f->offset, f->left, stream_piece);
}

static enum imap_run stream_piece(struct imap_server *e)
{
	struct span bytes = e->result->bytes;
	struct fetch *f = e->data;

	if (e->result->status != STORE_OK || bytes.n == 0 || bytes.n > f->left)
		return imap_break(e);	/* the literal's size was promised */
	put_octets(e, bytes);
	f->offset += bytes.n;
	f->left -= bytes.n;
	e->work += (unsigned)(bytes.n / 1024);
	return imap_go(e, stream);
}

static enum imap_run begin_stream(struct imap_server *e, const struct fetch_item *i)
{
	struct fetch *f = e->data;

	f->offset = i->offset;
	f->left = i->length;
	cut(i, &f->offset, &f->left);
	put_label(e, i);
	put_literal_size(e, f->left);
	return imap_go(e, stream);
}

/* --- HEADER.FIELDS --------------------------------------------------------- */

static void put_picked(struct imap_server *e, const struct fetch_item *i)
{
	struct fetch *f = e->data;
	struct span header = buf_span(&f->header), picked;
	uint64_t offset = 0, length;

	buf_reset(&f->picked);
	if (i->which == FETCH_THESE_FIELDS)
		mime_header_filter(header, i->fields, i->field_n, &f->picked);
	else
		mime_header_filter_not(header, i->fields, i->field_n, &f->picked);
	e->out.failed |= f->picked.failed;
	length = f->picked.n;
	cut(i, &offset, &length);
	put_label(e, i);
	put_literal_size(e, length);
	picked = buf_span(&f->picked);
	span_take(&picked, (size_t)offset);
	put_octets(e, span_take(&picked, (size_t)length));
}

static enum imap_run header_piece(struct imap_server *e);

static enum imap_run header_read(struct imap_server *e)
{
	struct fetch *f = e->data;
	const struct fetch_item *i = &f->items[f->item];

	if (f->left > 0)
		return imap_body_read(e, f->offset, f->left, header_piece);
	put_picked(e, i);
	e->work += (unsigned)(f->header.n / 256 * (1 + i->field_n / 8));
	return fetch_section_done(e);
}

static enum imap_run header_piece(struct imap_server *e)
{
	struct span bytes = e->result->bytes;
	struct fetch *f = e->data;

	if (e->result->status != STORE_OK || bytes.n == 0 || bytes.n > f->left)
		return imap_break(e);
	buf_put(&f->header, bytes);
	f->offset += bytes.n;
	f->left -= bytes.n;
	return imap_go(e, header_read);
}

static enum imap_run begin_header(struct imap_server *e, const struct fetch_item *i)
{
	struct fetch *f = e->data;

	buf_reset(&f->header);
	f->offset = i->offset;
	f->left = i->length < FETCH_HEADER_MAX ? i->length : FETCH_HEADER_MAX;
	return imap_go(e, header_read);
}

/* --- one after another ----------------------------------------------------- */

enum imap_run fetch_sections(struct imap_server *e)
{
	struct fetch *f = e->data;

	while (f->item < f->n && f->items[f->item].kind != FETCH_SECTION)
		f->item++;
	if (f->item == f->n) {
		imap_text(e, ")\r\n");
		e->half = false;
		f->at++;
		return imap_go(e, fetch_next);
	}
	const struct fetch_item *i = &f->items[f->item];

	if (!i->there) {
		put_label(e, i);
		imap_text(e, i->decode == FETCH_DECODED_SIZE ? "0" : "NIL");
		return fetch_section_done(e);
	}
	if (i->decode != FETCH_AS_IT_IS)
		return fetch_binary(e, i);
	return i->which == FETCH_ALL_FIELDS ? begin_stream(e, i) : begin_header(e, i);
}
