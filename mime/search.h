/*
 * search.h - is this text in that stream, whatever its case? (RFC 9051 6.4.4)
 *
 * The needle is folded once (mime_fold), the stream as it comes; a match may lie
 * across any cut. Linear in both (Knuth-Morris-Pratt).
 * Memory  5 bytes for each byte of the folded needle, 32 kB at most while folding.
 */
#ifndef MIME_SEARCH_H
#define MIME_SEARCH_H

#include "common/base/error.h"
#include "common/base/span.h"

enum { MIME_SEARCH_NEEDLE = 16384 };	/* bytes of a needle at most, folded */

struct mime_search;

/* Gives the caller a search for needle, UTF-8. An empty needle is in everything.
 * -E2BIG, -ENOMEM. */
int mime_search_new(struct mime_search **out, struct span needle, struct error *err);
void mime_search_free(struct mime_search *s);

/* Looks at the next piece of the stream, UTF-8, cut between characters. True from the piece on in which the
 * needle was found, until mime_search_reset. */
bool mime_search_feed(struct mime_search *s, struct span utf8);

/* Forgets the stream: a new one begins. Between fields or parts, so that no match
 * reaches from one into the other. */
void mime_search_reset(struct mime_search *s);

#endif
