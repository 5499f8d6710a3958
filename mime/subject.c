/* subject.c - the contract is in subject.h. */
#include "mime/subject.h"

/* RFC 5256 2.1 (1): tabs and line ends are spaces, and one space is as good as many. */
static void even_out(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		uint8_t c = b->p[i];

		if (c == '\t' || c == '\r' || c == '\n')
			c = ' ';
		if (c != ' ' || n == 0 || b->p[n - 1] != ' ')
			b->p[n++] = c;
	}
	b->n = n;
}

static void skip_space(struct span *s)
{
	while (s->n > 0 && s->p[0] == ' ')
		span_take(s, 1);
}

static bool skip_word(struct span *s, const char *word, size_t n)
{
	if (!span_starts_nocase(*s, word))
		return false;
	span_take(s, n);
	return true;
}

/* subj-blob: "[" anything but brackets "]" and space behind it. */
static bool skip_blob(struct span *s)
{
	size_t n = 1;

	if (s->n == 0 || s->p[0] != '[')
		return false;
	while (n < s->n && s->p[n] != '[' && s->p[n] != ']')
		n++;
	if (n == s->n || s->p[n] != ']')
		return false;
	span_take(s, n + 1);
	skip_space(s);
	return true;
}

/* subj-refwd: "re", "fw" or "fwd", perhaps a blob, ":". */
static bool skip_refwd(struct span *s)
{
	struct span in = *s;

	if (!skip_word(&in, "re", 2) && !skip_word(&in, "fwd", 3) && !skip_word(&in, "fw", 2))
		return false;
	skip_space(&in);
	skip_blob(&in);
	if (in.n == 0 || in.p[0] != ':')
		return false;
	span_take(&in, 1);
	*s = in;
	return true;
}

/* (2) */
static void cut_trailers(struct span *s, bool *reply)
{
	for (;;) {
		if (s->n > 0 && s->p[s->n - 1] == ' ') {
			s->n--;
		} else if (s->n >= 5 && span_is_nocase((struct span){ s->p + s->n - 5, 5 }, "(fwd)")) {
			s->n -= 5;
			*reply = true;
		} else {
			return;
		}
	}
}

/* (3) to (5). Blobs without "re:" behind them go all at once, but for the last if it is all that is
 * left: so each is looked at once. */
static void cut_leaders(struct span *s, bool *reply)
{
	for (;;) {
		struct span in, last;

		skip_space(s);
		in = last = *s;
		for (struct span at = in; skip_blob(&in); at = in)
			last = at;
		if (!skip_refwd(&in)) {
			*s = in.n > 0 ? in : last;
			return;
		}
		*reply = true;
		*s = in;
	}
}

struct span mime_subject_base(struct buf *subject, bool *reply)
{
	struct span s;

	even_out(subject);
	s = buf_span(subject);
	*reply = false;
	for (;;) {
		cut_trailers(&s, reply);
		cut_leaders(&s, reply);
		if (s.n < 6 || !span_starts_nocase(s, "[fwd:") || s.p[s.n - 1] != ']')
			return s;
		span_take(&s, 5);	/* (6) */
		s.n--;
		*reply = true;
	}
}
