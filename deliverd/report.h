/*
 * report.h - the message that tells a sender what became of theirs (RFC 3461, 3464, 6522, 6533).
 *
 * Pure: what happened in, a whole message out. Text that a person understands in front, the
 * machine part behind, then the message's header or the whole of it.
 */
#ifndef DELIVERD_REPORT_H
#define DELIVERD_REPORT_H

#include "common/base/buf.h"
#include "storage/queue.h"

enum report_kind { REPORT_FAILURE, REPORT_DELAY, REPORT_SUCCESS };	/* success: delivered, or relayed
									 * to a server that tells nothing more */

struct report_recipient {
	struct span address, original, orcpt;
	enum report_kind kind;
	bool relayed;		/* SUCCESS: action relayed, not delivered (RFC 3464 2.3.3) */
	struct span status;	/* "5.1.1" */
	struct span words;	/* what the server said, or what we say; escaped */
	struct span host;	/* "mx.example.org[192.0.2.7]:25" or empty */
	int64_t last_try_s, retry_until_s;	/* 0: none */
};

struct report {
	const char *hostname;	/* ours */
	const char *id;		/* of this report */
	const struct store_envelope *about;	/* of the message */
	struct span to;		/* its sender */
	int64_t arrived_s, now_s;
	uint64_t size;
	const struct report_recipient *recipients;
	size_t count;
	bool whole;		/* the message comes along, not its header alone */
	int64_t lifetime_s;
};

/* Which of the outcomes the sender is to be told (RFC 3461 4.1: NOTIFY; never to <>, never
 * about a report; without NOTIFY: failures and delays). */
bool report_wanted(const struct store_remote *to, struct span sender, unsigned flags, enum report_kind kind);

/* Appends the message up to where the original begins; what follows it is report_end's.
 * header: the original's, for its Subject and Message-ID. */
void report_begin(const struct report *r, struct span header, struct buf *out);
void report_end(const struct report *r, struct buf *out);

/* Words for a person: what it means and what to do, by status and reply ("5.1.1": the address
 * does not exist there ...). Static. */
const char *report_advice(struct span status, struct span words);

#endif
