/*
 * read.h - from bytes to whole commands: lines, and the literals between them.
 *
 * Shape   Feed input cut anywhere. A line that ends in {n} or {n+} is reported before
 *         its bytes are taken: the caller accepts it, streams it, or refuses it.
 * Limits  line_limit for all text of a command outside literals; literals are the
 *         caller's decision; refused ones are skipped up to a stated number of bytes.
 * Memory  The command at hand; next to nothing after imap_reader_rest.
 * Source  RFC 3501 4.3 (literals), RFC 7888 (LITERAL+).
 */
#ifndef IMAPD_READ_H
#define IMAPD_READ_H

#include "common/base/error.h"
#include "common/base/span.h"

struct imap_reader;		/* opaque */

struct imap_literal {
	uint64_t size;		/* UINT64_MAX: a number of no use */
	bool sync;		/* the client waits for "+" (RFC 3501 7.5) */
};

enum imap_read {
	IMAP_READ_MORE,		/* *in is used up */
	IMAP_READ_COMMAND,	/* *text is a command, {n} CRLF and bytes inside for each literal */
	IMAP_READ_LITERAL,	/* *text is what stands before the {; accept, stream or refuse it */
	IMAP_READ_LONG,		/* a line over the limit was skipped; like BARE, with a literal that has no
				 * sync at its end: refuse that (imap_reader_literal) */
	IMAP_READ_BARE,		/* *text is a line with a lone CR or LF in it */
	IMAP_READ_LOST		/* more literals to skip than was allowed, or no memory */
};

int imap_reader_new(struct imap_reader **out, size_t line_limit, struct error *err);
void imap_reader_free(struct imap_reader *r);

/* *text holds until the next call with r. */
enum imap_read imap_reader_feed(struct imap_reader *r, struct span *in, struct span *text);

/* What was announced, and the sum of literals before it in this command. */
struct imap_literal imap_reader_literal(const struct imap_reader *r);
size_t imap_reader_literals(const struct imap_reader *r);

/* It becomes part of the command. */
void imap_reader_accept(struct imap_reader *r);
/* imap_reader_take gives its bytes; what follows is a text of its own. */
void imap_reader_stream(struct imap_reader *r);
/* The command is over. Of a literal without sync the bytes come all the same: they are
 * dropped, with the rest of the command, up to `bound` bytes of literals. */
void imap_reader_refuse(struct imap_reader *r, uint64_t bound);

/* The next bytes of a streamed literal; imap_reader_left: how many are to come. */
struct span imap_reader_take(struct imap_reader *r, struct span *in, size_t max);
uint64_t imap_reader_left(const struct imap_reader *r);

/* One line that is no command: an answer to "+". Never LITERAL. */
enum imap_read imap_reader_line(struct imap_reader *r, struct span *in, struct span *text);

void imap_reader_limit(struct imap_reader *r, size_t line_limit);
/* Forgets what was read and gives memory back. */
void imap_reader_rest(struct imap_reader *r);

#endif
