/*
 * preview.h - the first words of a message, as one line of plain text (RFC 8970 3.3).
 *
 * mime_preview_part names the parts that may have them, in their order; the text of one
 * (mime/text.h) is fed until there is enough or no more.
 * Text    White space is one space; what can't be seen and what turns the direction of a
 *         line is left out. Plain: without quoted lines. HTML: without markup, scripts
 *         and styles; what means a new line there is a space here.
 * Bounds  MIME_PREVIEW_CHARS characters. Linear; 1 kB, in the caller's memory.
 */
#ifndef MIME_PREVIEW_H
#define MIME_PREVIEW_H

#include "mime/meta.h"

enum {
	MIME_PREVIEW_CHARS = 200,	/* RFC 8970 3.3 */
	MIME_PREVIEW_BYTES = 65536	/* of a part, as stored, that are worth a look */
};

enum mime_preview_kind { MIME_PREVIEW_PLAIN, MIME_PREVIEW_HTML };

struct mime_preview {
	enum mime_preview_kind kind;
	unsigned chars;			/* in text */
	size_t n;
	uint8_t text[4 * MIME_PREVIEW_CHARS];
	bool space;			/* one is due before the next character */
	bool line_begins, quoted;	/* plain: where in a line the next one stands */
	unsigned state;			/* HTML: preview.c's */
	uint8_t quote;			/* of an attribute */
	char name[12];			/* of a tag or an entity, NUL behind it */
	size_t name_n;
	const char *until;		/* what ends a script or style */
	unsigned matched;		/* of until, or of what ends a comment */
};

/* The next part that may have a preview: text, no attachment, not inside a message that is
 * itself a part. *at is 0 before the first. */
bool mime_preview_part(const struct mime_meta *m, size_t *at, struct mime_part *part,
		       struct mime_content *content, enum mime_preview_kind *kind);

void mime_preview_init(struct mime_preview *p, enum mime_preview_kind kind);
/* The next piece, cut between characters. False: there is enough. */
bool mime_preview_feed(struct mime_preview *p, struct span utf8);
/* No more comes. p lends it; empty: there is nothing to show. */
struct span mime_preview_end(struct mime_preview *p);

#endif
