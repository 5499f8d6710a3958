/*
 * address.h - address lists as real mail has them (RFC 5322 3.4 and 4.4, RFC 6532).
 *
 * Shape   An iterator over the value of a From, To... field, folded or not. It
 *         takes obsolete forms (routes, comments and white space anywhere, empty
 *         members) and what senders get wrong (dots and 8-bit bytes in names, no
 *         domain, text behind an address), and never fails: what it can't read
 *         becomes a mailbox without a domain, or is skipped.
 * Units   Bytes as they stand: encoded words are not decoded here (mime/words.h).
 * Memory  One scratch buffer, at most the length of the longest member. Linear.
 */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include "common/base/buf.h"

enum mime_address_kind {
	MIME_ADDRESS_MAILBOX,
	MIME_ADDRESS_GROUP,		/* name is the group's; its mailboxes follow */
	MIME_ADDRESS_GROUP_END		/* all spans empty; comes for each group */
};

/* Quotes, backslashes, comments and white space are taken out of all four. */
struct mime_address {
	enum mime_address_kind kind;
	struct span name;	/* display name, or a comment where there is none; may be empty */
	struct span route;	/* "@a,@b" of an obsolete route; mostly empty */
	struct span local;	/* may be empty for <> and for nonsense */
	struct span domain;	/* a literal keeps its brackets; empty if there was no @ */
};

struct mime_address_walk {
	struct span rest;	/* what was not read yet */
	struct buf text;	/* what the spans of the last address look at */
	bool in_group;
};

/* Begins a walk; value must outlive it. */
void mime_address_walk_init(struct mime_address_walk *w, struct span value);

/* The next address. Its spans hold until the next call. False at the end, and when
 * memory is short (w->text.failed). */
bool mime_address_next(struct mime_address_walk *w, struct mime_address *address);

void mime_address_walk_clear(struct mime_address_walk *w);

#endif
