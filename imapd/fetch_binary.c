/*
 * fetch_binary.c - BINARY and BINARY.SIZE: a part without its transfer encoding (RFC 3516 4.2).
 *
 * Leaves  RFC 9051 6.4.5 lets a client ask for leaves only. RFC 3516 4.2 does not, and both grammars have BINARY[]: so the whole
 *         message, a multipart and an enclosed message are told, too. They have no encoding of their own to be removed;
 *         what lies in them stays encoded, as the header fields in there say.
 *
 * The size stands before the bytes, so the part is read twice: once to count, once to send.
 * Neither way holds more than one piece of it.
 */
#include "imapd/fetch.h"

/* Where a decoded piece goes: counted, or cut to the partial and sent. */
static void count(struct fetch_binary *b, const struct fetch_item *i)
{
	struct span piece = buf_span(&b->decoded);
	uint64_t at = b->total;

	b->total += piece.n;
	if (i->partial && i->from > at)
		span_take(&piece, i->from - at < piece.n ? (size_t)(i->from - at) : piece.n);
	if (i->partial && b->total > i->from && b->total - i->from > i->most) {
		uint64_t over = b->total - i->from - i->most;

		piece.n -= over < piece.n ? (size_t)over : piece.n;
	}
	b->nul |= span_find(piece, 0) >= 0;
	buf_reset(&b->decoded);
}

static void send(struct imap_server *e, struct fetch_binary *b)
{
	struct span piece = buf_span(&b->decoded);
	uint64_t skip = b->skip < piece.n ? b->skip : piece.n;

	span_take(&piece, (size_t)skip);
	b->skip -= skip;
	if (piece.n > b->unsent)
		piece.n = (size_t)b->unsent;
	b->unsent -= piece.n;
	buf_put(&e->out, piece);
	buf_reset(&b->decoded);
}

static void begin_pass(struct fetch *f, const struct fetch_item *i)
{
	mime_decoder_init(&f->binary.decoder, i->encoding);
	f->offset = i->offset;
	f->left = i->length;
}

/* False: the body can't be read as its size was promised. */
static bool take_piece(struct imap_server *e)
{
	struct span bytes = e->result->bytes;
	struct fetch *f = e->data;

	if (e->result->status != STORE_OK || bytes.n == 0 || bytes.n > f->left)
		return false;
	mime_decode(&f->binary.decoder, bytes, &f->binary.decoded);
	f->offset += bytes.n;
	f->left -= bytes.n;
	e->work += (unsigned)(bytes.n / 256);
	return !f->binary.decoded.failed;
}

/* --- sending --------------------------------------------------------------- */

static enum imap_run send_on(struct imap_server *e);

static enum imap_run send_piece(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (!take_piece(e))
		return imap_break(e);
	send(e, &f->binary);
	return imap_go(e, send_on);
}

static enum imap_run send_on(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (f->binary.unsent == 0)
		return fetch_section_done(e);
	if (imap_out_full(e))
		return IMAP_RUN_MORE;
	if (f->left > 0)
		return imap_body_read(e, f->offset, f->left, send_piece);
	mime_decode_end(&f->binary.decoder, &f->binary.decoded);
	send(e, &f->binary);
	return f->binary.unsent == 0 ? fetch_section_done(e) : imap_break(e);
}

/* --- counting -------------------------------------------------------------- */

static enum imap_run put_size(struct imap_server *e, const struct fetch_item *i, uint64_t size)
{
	imap_text(e, " ");
	buf_put(&e->out, i->label);
	imap_text(e, " ");
	imap_put_number(&e->out, size);
	return fetch_section_done(e);
}

static enum imap_run counted(struct imap_server *e)
{
	struct fetch *f = e->data;
	const struct fetch_item *i = &f->items[f->item];
	struct fetch_binary *b = &f->binary;

	if (i->decode == FETCH_DECODED_SIZE)
		return put_size(e, i, b->total);
	b->skip = i->partial && i->from < b->total ? i->from : i->partial ? b->total : 0;
	b->unsent = b->total - b->skip;
	if (i->partial && b->unsent > i->most)
		b->unsent = i->most;
	/* RFC 3516 4.3: a plain literal says that there is no NUL. */
	buf_printf(&e->out, " %.*s %s{%llu}\r\n", (int)i->label.n, (const char *)i->label.p, b->nul ? "~" : "",
		   (unsigned long long)b->unsent);
	begin_pass(f, i);
	return imap_go(e, send_on);
}

static enum imap_run count_on(struct imap_server *e);

static enum imap_run count_piece(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (!take_piece(e))
		return imap_break(e);
	count(&f->binary, &f->items[f->item]);
	return imap_go(e, count_on);
}

static enum imap_run count_on(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (imap_out_full(e))
		return IMAP_RUN_MORE;
	if (f->left > 0)
		return imap_body_read(e, f->offset, f->left, count_piece);
	mime_decode_end(&f->binary.decoder, &f->binary.decoded);
	count(&f->binary, &f->items[f->item]);
	return counted(e);
}

void fetch_binary_place(const struct mime_meta *m, struct fetch_item *i)
{
	struct mime_content content;
	struct mime_part part;

	i->encoding = MIME_ENCODING_IDENTITY;
	if (i->path_n == 0 || !mime_meta_part(m, i->path, i->path_n, &part))
		return;
	mime_part_content(&part, &content);
	i->encoding = content.encoding;
	/* RFC 2045 6.4: what has parts inside is not encoded itself. */
	if (part.kind != MIME_PART_LEAF && part.kind != MIME_PART_OPAQUE && i->encoding != MIME_ENCODING_IDENTITY)
		i->encoding = MIME_ENCODING_UNKNOWN;
}

enum imap_run fetch_binary(struct imap_server *e, const struct fetch_item *i)
{
	struct fetch *f = e->data;

	if (i->encoding == MIME_ENCODING_UNKNOWN) {	/* RFC 3516 4.3: the command fails for it */
		f->unknown_encoding = true;
		return fetch_section_done(e);
	}
	if (i->decode == FETCH_DECODED_SIZE && i->encoding == MIME_ENCODING_IDENTITY)
		return put_size(e, i, i->length);
	f->binary.total = 0;
	f->binary.nul = false;
	begin_pass(f, i);
	return imap_go(e, count_on);
}
