/*
 * match.h - does a mailbox name match the pattern of LIST? (RFC 3501 6.3.8)
 *
 * "*" stands for anything, "%" for anything within one level. A pattern with more to
 * match than the name has is refused at once; else it goes back to the last wildcard of
 * each kind alone: the length of the name times that of a piece between two "*".
 */
#ifndef IMAPD_MATCH_H
#define IMAPD_MATCH_H

#include "common/base/span.h"

enum { IMAP_PATTERN_MAX = 2048 };	/* bytes; longer patterns match nothing */

/* INBOX, as the first level, is compared without regard to case. */
bool imap_match(struct span pattern, struct span name);

#endif
