/*
 * tags.h - a tag list, "v=1; a=rsa-sha256; ...": of a signature and of a key (RFC 6376 3.2).
 *
 * For the files of dkim/ alone. Pure; the spans lend from the text.
 */
#ifndef DKIM_TAGS_H
#define DKIM_TAGS_H

#include "common/base/span.h"

enum { DKIM_TAGS = 64 };	/* of one list */

struct dkim_tag {
	struct span name;
	struct span value;	/* white space at its ends left out */
	struct span whole;	/* all between the = and the ; */
};

struct dkim_tags {
	struct dkim_tag tags[DKIM_TAGS];
	size_t count;
};

/* False: it is none, a tag is there twice, or there are more. */
bool dkim_tags_read(struct dkim_tags *t, struct span text);

/* False, and *value empty: no such tag. */
bool dkim_tags_find(const struct dkim_tags *t, const char *name, struct span *value);

/* Takes the next of a list with colons, white space around it left out. False at the end. */
bool dkim_tags_item(struct span *list, struct span *item);

/* Without SP, HTAB, CR and LF at both ends. */
struct span dkim_trim(struct span in);

#endif
