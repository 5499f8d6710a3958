/*
 * header_watch.h - looks at a message's header as it streams by: how many Received lines,
 * is there a Date, a Message-ID; to whom was it delivered before, may TLS be left out.
 *
 * Pure. Shape: feed pieces cut anywhere; _end where the message ends; _clear frees. No memory but
 *         the struct, and WATCH_DELIVERED bytes where Delivered-To lines are.
 */
#ifndef SMTPD_HEADER_WATCH_H
#define SMTPD_HEADER_WATCH_H

#include "common/base/buf.h"

enum {
	WATCH_VALUE = 320,	/* bytes kept of a value and its NUL */
	WATCH_DELIVERED = 16384	/* bytes of all Delivered-To values */
};

enum watch_field {		/* whose value is kept */
	WATCH_NONE,
	WATCH_MESSAGE_ID,
	WATCH_DELIVERED_TO,
	WATCH_TLS_REQUIRED
};

struct header_watch {
	unsigned received;	/* Received fields */
	bool date, has_message_id;
	bool over;		/* the header has ended */
	bool eight_bit;		/* a byte over 127 */
	bool tls_optional;	/* TLS-Required: No (RFC 8689 5) */
	char message_id[WATCH_VALUE];	/* the first one; "" : none, or too long */
	struct buf delivered;	/* Delivered-To, one a line; failed: there were too many */
	/* inner */
	char name[16];		/* the field name so far, lower case, cut */
	size_t n;		/* bytes of this line before its colon */
	bool in_name;		/* before the colon of a line */
	bool line_start;
	enum watch_field field;
	char value[WATCH_VALUE];
	size_t value_n;
};

void header_watch_init(struct header_watch *w);
void header_watch_clear(struct header_watch *w);

/* Moves over in up to the end of the header; returns how many bytes of it belong to the
 * header (the empty line counts as body). */
size_t header_watch_feed(struct header_watch *w, struct span in);

/* Nothing follows: a last field is whole, though no empty line came. */
void header_watch_end(struct header_watch *w);

#endif
