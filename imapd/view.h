/*
 * view.h - the selected mailbox as this client has been told it is.
 *
 * Sorted runs of UIDs, not an array: a mailbox of 100,000 messages in one run is 12
 * bytes. Sequence numbers move only in imap_view_expunge, so a command that may not
 * tell EXPUNGE leaves what is gone in `gone` and numbers stay (RFC 3501 7.4.1).
 * Cost    A look: O(log runs). Append: O(1). Expunge: O(runs) for all of `gone`.
 */
#ifndef IMAPD_VIEW_H
#define IMAPD_VIEW_H

#include "common/base/error.h"
#include "storage/store.h"

struct imap_view_run {
	uint32_t first, last;	/* UIDs, all there */
	uint32_t before;	/* messages below first */
};

struct imap_ranges {		/* a growing list, ascending and disjoint */
	struct store_range *r;
	size_t n, cap;
};

struct imap_view {
	struct imap_view_run *runs;
	size_t n, cap;
	struct imap_ranges recent;	/* \Recent here; may name what is gone since */
	struct imap_ranges gone;	/* went, but the client does not know yet */
	uint32_t next_uid;		/* what lies from here on was not told yet */
	uint32_t told_exists, told_recent;	/* the last EXISTS and RECENT */
};

void imap_view_init(struct imap_view *v);
void imap_view_clear(struct imap_view *v);

uint32_t imap_view_count(const struct imap_view *v);
/* How many of them are in uids. */
uint64_t imap_view_among(const struct imap_view *v, const struct store_set *uids);
uint32_t imap_view_last_uid(const struct imap_view *v);	/* 0: empty */

/* Ascending at its best; joins what touches. -ENOMEM. */
int imap_ranges_add(struct imap_ranges *l, uint32_t first, uint32_t last);
/* At the end whatever stands there, joined if it is the next number. -ENOMEM. */
int imap_ranges_push(struct imap_ranges *l, uint32_t number);
void imap_ranges_clear(struct imap_ranges *l);

/* The sequence number of a UID, 0 if the view has it not; and back. */
uint32_t imap_view_seq(const struct imap_view *v, uint32_t uid);
uint32_t imap_view_uid(const struct imap_view *v, uint32_t seq);
/* How many messages have a UID of at most uid. */
uint32_t imap_view_below(const struct imap_view *v, uint32_t uid);

/* The next UIDs in a row that are there, from *from to last, and *from behind them. False: none. */
bool imap_view_next(const struct imap_view *v, uint32_t *from, uint32_t last, struct store_range *out);

/* New messages at the end; what is not behind next_uid is passed over. -ENOMEM. */
int imap_view_append(struct imap_view *v, uint32_t first, uint32_t last);
int imap_view_mark_recent(struct imap_view *v, uint32_t first, uint32_t last);
bool imap_view_is_recent(const struct imap_view *v, uint32_t uid);
/* Those that are in the view: RECENT's number. */
uint32_t imap_view_recent(const struct imap_view *v);

/* Notes that these UIDs went. Sequence numbers do not move. -ENOMEM. */
int imap_view_gone(struct imap_view *v, uint32_t first, uint32_t last);
bool imap_view_is_gone(const struct imap_view *v, uint32_t uid);
/* Takes out all that is noted as gone: sequence numbers move now. -ENOMEM: nothing moved. */
int imap_view_expunge(struct imap_view *v);

#endif
