/*
 * line.h - cut a byte stream into CRLF lines (RFC 5321 2.3.8, RFC 9051 2.2).
 *
 * The only line reader in the tree; every engine owns one. Pure: no I/O, no
 * clock, no log, no globals.
 * Shape   Feed input as it comes, cut anywhere: one 8 KiB read and 8192 reads
 *         of one byte give the same lines. Only CRLF ends a line.
 * Units   Bytes. max is the longest line without its CRLF.
 * Memory  What the line at hand needs, never over max; 512 bytes or none between
 *         lines, so that an idle connection costs nothing here.
 */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include "common/base/error.h"
#include "common/base/span.h"

struct line_reader;		/* opaque; defined in line.c */

enum { LINE_TAIL = 32 };

enum line_status {
	LINE_MORE,		/* *in is used up, no line has ended yet */
	LINE_OK,		/* *out is a line, its CRLF removed */
	LINE_BARE,		/* the same, but with a lone CR or LF inside it */
	LINE_TOO_LONG		/* skipped whole; *out empty (RFC 5321 4.5.3.1.9) */
};

/* Gives the caller a reader in *out. Returns 0, or -ENOMEM with *err filled
 * and *out NULL. */
int line_reader_new(struct line_reader **out, size_t max, struct error *err);

/* Frees r, and with it the last span that it gave. NULL is allowed. */
void line_reader_free(struct line_reader *r);

/* Changes the longest line from here on (the line at hand included). */
void line_reader_limit(struct line_reader *r, size_t max);

/* The line that was given is done with: its bytes are overwritten now. Passwords come in
 * lines; a reader leaves none behind in memory that it has let go of. */
void line_reader_wipe(struct line_reader *r);

/* The last bytes, LINE_TAIL at most, of the line that was too long: they may announce a
 * literal, whose bytes follow all the same. Lent until the next call on r. */
struct span line_reader_tail(const struct line_reader *r);

/* Moves *in past the bytes it uses: up to the end of one line, or all of them.
 * What follows the line stays in *in, for the next call or for a literal.
 * *out belongs to r and holds until the next call on r. Cannot fail. */
enum line_status line_feed(struct line_reader *r, struct span *in, struct span *out);

#endif
