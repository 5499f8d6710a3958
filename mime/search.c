/* search.c - the contract is in search.h. */
#include "mime/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/buf.h"
#include "mime/charset.h"

enum {
	SLICE = 512,		/* bytes that are folded at once */
	FOLDED = 64 * SLICE	/* what they become at most, as mime_fold promises */
};

struct mime_search {
	size_t n;		/* bytes of the needle */
	size_t matched;		/* of them, up to the last byte seen */
	uint8_t *needle;
	uint32_t *border;	/* border[i]: longest proper prefix of needle that ends at i */
	struct buf folded;
};

static void set_borders(struct mime_search *s)
{
	size_t k = 0;

	for (size_t i = 1; i < s->n; i++) {
		while (k > 0 && s->needle[i] != s->needle[k])
			k = s->border[k - 1];
		k += s->needle[i] == s->needle[k];
		s->border[i] = (uint32_t)k;
	}
}

/* The needle, folded, becomes s's. */
static int set_needle(struct mime_search *s, struct span needle, struct error *err)
{
	mime_fold(needle, &s->folded);
	if (s->folded.failed)
		return error_set(err, -E2BIG, "the text to search for is longer than %d bytes",
				 MIME_SEARCH_NEEDLE);
	s->n = s->folded.n;
	s->needle = malloc(s->n + 1);
	s->border = calloc(s->n + 1, sizeof(*s->border));
	if (s->needle == NULL || s->border == NULL)
		return error_set(err, -ENOMEM, "no memory for a search");
	if (s->n > 0)
		memcpy(s->needle, s->folded.p, s->n);
	set_borders(s);
	buf_clear(&s->folded);
	buf_init(&s->folded, FOLDED);
	return 0;
}

int mime_search_new(struct mime_search **out, struct span needle, struct error *err)
{
	int code;

	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for a search");
	buf_init(&(*out)->folded, MIME_SEARCH_NEEDLE);
	code = set_needle(*out, needle, err);
	if (code < 0) {
		mime_search_free(*out);
		*out = NULL;
	}
	return code;
}

void mime_search_free(struct mime_search *s)
{
	if (s == NULL)
		return;
	buf_clear(&s->folded);
	free(s->needle);
	free(s->border);
	free(s);
}

void mime_search_reset(struct mime_search *s)
{
	s->matched = 0;
}

/* Goes on over folded bytes, until the needle is found. */
static void match(struct mime_search *s, struct span in)
{
	for (size_t i = 0; i < in.n && s->matched < s->n; i++) {
		while (s->matched > 0 && in.p[i] != s->needle[s->matched])
			s->matched = s->border[s->matched - 1];
		s->matched += in.p[i] == s->needle[s->matched];
	}
}

/* At most SLICE bytes that do not end inside a character. */
static struct span take_slice(struct span *in)
{
	size_t n = in->n < SLICE ? in->n : SLICE;

	for (size_t back = 0; n < in->n && back < 3 && (in->p[n] & 0xc0) == 0x80; back++)
		n--;
	return span_take(in, n);
}

static size_t find_from(struct span in, size_t from, uint8_t c)
{
	const uint8_t *found = memchr(in.p + from, c, in.n - from);

	return found != NULL ? (size_t)(found - in.p) : in.n;
}

/* ASCII needs no folded copy. While nothing matches, memchr looks for the needle's first byte, in
 * either case; each of both positions only moves on, so that the run is passed twice at most. */
static void match_ascii(struct mime_search *s, struct span in)
{
	uint8_t first = s->needle[0], small = ascii_lower(first);
	size_t upper = 0, lower = 0;

	for (size_t i = 0; i < in.n && s->matched < s->n; i++) {
		uint8_t c;

		if (s->matched == 0) {
			if (upper <= i)
				upper = find_from(in, i, first);
			if (lower <= i)
				lower = small != first ? find_from(in, i, small) : in.n;
			i = upper < lower ? upper : lower;
			if (i == in.n)
				return;
		}
		c = ascii_upper(in.p[i]);
		while (s->matched > 0 && c != s->needle[s->matched])
			s->matched = s->border[s->matched - 1];
		s->matched += c == s->needle[s->matched];
	}
}

bool mime_search_feed(struct mime_search *s, struct span utf8)
{
	while (utf8.n > 0 && s->matched < s->n) {
		size_t plain = ascii_run(utf8.p, utf8.n);

		if (plain > 0) {
			match_ascii(s, span_take(&utf8, plain));
			continue;
		}
		buf_reset(&s->folded);
		mime_fold(take_slice(&utf8), &s->folded);
		match(s, buf_span(&s->folded));
	}
	return s->matched == s->n;
}
