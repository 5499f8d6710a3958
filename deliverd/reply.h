/*
 * reply.h - a server's replies, read line by line (RFC 5321 4.2, RFC 2034).
 *
 * Pure. For the engine's files.
 * Shape   Feed input as it comes, cut anywhere; each line is told, for EHLO's lines matter.
 * Lines   End in CRLF; a lone LF ends one too, for old servers send it, and who waited for a CR
 *         would wait until the time is over. A lone CR is text.
 * Tolerant  A code alone; text right behind the code. Of the codes of one reply the last
 *         counts, but all must be of one kind (RFC 5321 4.2.1): 250 and 550 in one is no answer.
 * Memory  The struct. What is over CLIENT_REPLY_LINE and CLIENT_WORDS is dropped.
 */
#ifndef DELIVERD_REPLY_H
#define DELIVERD_REPLY_H

#include "deliverd/engine.h"

enum reply_status {
	REPLY_MORE,		/* *in is used up */
	REPLY_LINE,		/* a line of a reply that goes on */
	REPLY_END,		/* its last line: code, status and text are whole */
	REPLY_BAD		/* can't be understood; reply_wrong says why */
};

struct reply_reader {
	unsigned code;		/* of the last line */
	unsigned lines;		/* of this reply so far */
	char status[16];	/* RFC 2034, its class that of the code; "": none was given */
	struct span line_text;	/* of the line that was told, behind its code; until the next feed */
	/* the rest is reply.c's */
	bool ended, cut;	/* the reply is over; the line outgrew its room */
	const char *wrong;
	size_t bytes, line_n, text_n;
	uint8_t line[CLIENT_REPLY_LINE];
	uint8_t text[CLIENT_WORDS];
};

void reply_reader_init(struct reply_reader *r);

/* Moves *in on, to the end of a line at most. */
enum reply_status reply_feed(struct reply_reader *r, struct span *in);

/* The reply as an answer to step. */
void reply_fill(const struct reply_reader *r, enum client_step step, struct client_reply *out);

/* What stands for a reply that can't be understood. */
void reply_wrong(const struct reply_reader *r, enum client_step step, struct client_reply *out);

/* What stands for a reply that did not come: later. */
void reply_made(struct client_reply *out, enum client_step step, const char *status, const char *words);

#endif
