/* walk.c - the contract is in walk.h. */
#include "imapd/walk.h"

enum { WINDOW = 4096 };		/* UIDs from a look's first to the start of its last range */

void imap_walk_init(struct imap_walk *w, const struct store_set *uids)
{
	*w = (struct imap_walk){ .uids = *uids };
}

bool imap_walk_look(struct imap_walk *w, uint64_t mailbox, struct store_look *look)
{
	const struct store_range *r = w->uids.ranges;
	uint32_t first;

	if (w->at >= w->uids.count)
		return false;
	first = w->next > r[w->at].first ? w->next : r[w->at].first;
	w->last = r[w->at].last;
	for (size_t i = w->at + 1; i < w->uids.count && r[i].first - first < WINDOW; i++)
		w->last = r[i].last;
	*look = (struct store_look){ .mailbox = mailbox, .want = STORE_WANT_RECORDS, .first = first, .last = w->last };
	return true;
}

void imap_walk_took(struct imap_walk *w, uint32_t next_uid)
{
	bool whole = next_uid == 0 || next_uid > w->last;

	w->next = whole ? w->last : next_uid;
	while (w->at < w->uids.count && (w->uids.ranges[w->at].last < w->next ||
					 (whole && w->uids.ranges[w->at].last <= w->last)))
		w->at++;
}
