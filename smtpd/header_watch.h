/*
 * header_watch.h - looks at a message's header as it streams by: how many Received lines,
 * is there a Date, a Message-ID, a From.
 *
 * Pure. Shape: feed pieces cut anywhere; no memory but the struct.
 */
#ifndef SMTPD_HEADER_WATCH_H
#define SMTPD_HEADER_WATCH_H

#include "common/base/span.h"

struct header_watch {
	unsigned received;	/* Received fields */
	unsigned from;
	bool date, message_id;
	bool over;		/* the header has ended */
	/* inner */
	char name[16];		/* the field name so far, lower case, cut */
	size_t n;		/* bytes of this line before its colon */
	bool in_name;		/* before the colon of a line */
	bool line_start;
};

void header_watch_init(struct header_watch *w);

/* Moves over in up to the end of the header; returns how many bytes of it belong to the
 * header (the empty line counts as body). */
size_t header_watch_feed(struct header_watch *w, struct span in);

#endif
