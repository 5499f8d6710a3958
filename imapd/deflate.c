/* deflate.c - the contract is in deflate.h. */
#include "imapd/deflate.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	/* 8 kB each of window, chains, hashes and output. zlib's own 15 and 8 would take 256 kB to
	 * make envelopes a twentieth smaller. */
	SEND_WINDOW = -12,
	SEND_MEMORY = 5,
	SEND_LEVEL = 3,
	RECEIVE_WINDOW = -15,	/* RFC 4978 4: the client chooses, up to this */
	HISTORY = 32768,
	BETWEEN = 128		/* z_stream.data_type: behind a block, and at the end of a byte */
};

struct imap_deflate {
	z_stream out, in;
	bool sending, receiving;	/* out, in are up */
	bool owes;			/* out may keep bytes back */
	bool flushing;			/* a flush is half out */
	bool more;			/* in may have plain bytes without any more input */
	bool ended;			/* the client's last block has come */
	uint8_t *history;		/* what the peer may refer to, while in is not up */
	unsigned history_n;
	uint8_t *piece;			/* while in is up */
	struct span plain;		/* of piece */
};

int imap_deflate_new(struct imap_deflate **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? 0 : error_set(err, -ENOMEM, "no memory for compression");
}

static void receive_down(struct imap_deflate *z)
{
	if (z->receiving)
		inflateEnd(&z->in);
	z->receiving = false;
	free(z->piece);
	z->piece = NULL;
	z->plain = (struct span){ NULL, 0 };
}

static void send_down(struct imap_deflate *z)
{
	if (z->sending)
		deflateEnd(&z->out);
	z->sending = false;
}

void imap_deflate_free(struct imap_deflate *z)
{
	if (z == NULL)
		return;
	receive_down(z);
	send_down(z);
	free(z->history);
	free(z);
}

/* --- receiving ------------------------------------------------------------- */

static bool receive_up(struct imap_deflate *z)
{
	if (z->receiving)
		return true;
	z->in = (z_stream){ .zalloc = Z_NULL };
	z->piece = malloc(IMAP_DEFLATE_PIECE);
	z->receiving = z->piece != NULL && inflateInit2(&z->in, RECEIVE_WINDOW) == Z_OK;
	if (z->receiving && z->history_n > 0 && inflateSetDictionary(&z->in, z->history, z->history_n) != Z_OK)
		receive_down(z);
	if (!z->receiving) {
		receive_down(z);
		return false;
	}
	free(z->history);
	z->history = NULL;
	z->history_n = 0;
	return true;
}

int imap_deflate_take(struct imap_deflate *z, struct span *in)
{
	int r;

	if (z->plain.n > 0 || (in->n == 0 && !z->more))
		return 0;
	if (z->ended)
		return -EBADMSG;
	if (!receive_up(z))
		return -ENOMEM;
	z->in.next_in = (Bytef *)in->p;
	z->in.avail_in = in->n < UINT_MAX ? (uInt)in->n : UINT_MAX;
	z->in.next_out = z->piece;
	z->in.avail_out = IMAP_DEFLATE_PIECE;
	r = inflate(&z->in, Z_SYNC_FLUSH);
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
		return -EBADMSG;
	z->ended = r == Z_STREAM_END;
	z->more = z->in.avail_out == 0 && !z->ended;
	z->plain = (struct span){ z->piece, IMAP_DEFLATE_PIECE - z->in.avail_out };
	span_take(in, (size_t)(z->in.next_in - in->p));
	return 0;
}

struct span *imap_deflate_plain(struct imap_deflate *z)
{
	return &z->plain;
}

/* --- sending --------------------------------------------------------------- */

static bool send_up(struct imap_deflate *z)
{
	if (z->sending)
		return true;
	z->out = (z_stream){ .zalloc = Z_NULL };
	z->sending = deflateInit2(&z->out, SEND_LEVEL, Z_DEFLATED, SEND_WINDOW, SEND_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
	return z->sending;
}

int imap_deflate_put(struct imap_deflate *z, struct span *plain, uint8_t *room, size_t size, size_t *n)
{
	bool flush = plain->n == 0 || z->flushing;

	*n = 0;
	if (plain->n == 0 && !z->owes)
		return 0;
	if (!send_up(z))
		return -ENOMEM;
	z->out.next_in = (Bytef *)plain->p;
	z->out.avail_in = plain->n < UINT_MAX ? (uInt)plain->n : UINT_MAX;
	z->out.next_out = room;
	z->out.avail_out = (uInt)size;
	deflate(&z->out, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
	span_take(plain, (size_t)(z->out.next_in - plain->p));
	*n = size - z->out.avail_out;
	z->flushing = flush && z->out.avail_out == 0;
	z->owes = !flush || z->flushing;
	return 0;
}

/* --- at rest --------------------------------------------------------------- */

/* Behind a flush the stream stands between two blocks, at the end of a byte: what comes next
 * may be the first block of another stream. */
static void send_rest(struct imap_deflate *z)
{
	if (!z->owes)
		send_down(z);
}

/* The same holds here where the peer has flushed, but it may refer to what it has sent. */
static void receive_rest(struct imap_deflate *z)
{
	uInt n = 0;

	if (!z->receiving || z->plain.n > 0 || z->more || z->in.data_type != BETWEEN)
		return;
	if (inflateGetDictionary(&z->in, Z_NULL, &n) != Z_OK || n > HISTORY)
		return;
	z->history = n > 0 ? malloc(n) : NULL;
	if (n > 0 && (z->history == NULL || inflateGetDictionary(&z->in, z->history, &n) != Z_OK)) {
		free(z->history);
		z->history = NULL;
		return;
	}
	z->history_n = n;
	receive_down(z);
}

void imap_deflate_rest(struct imap_deflate *z)
{
	send_rest(z);
	receive_rest(z);
}

bool imap_deflate_at_rest(const struct imap_deflate *z)
{
	return !z->sending && !z->receiving;
}
