/* lex.c - the contract is in lex.h. */
#include "mime/lex.h"

struct span mime_lex_comment(struct span *in)
{
	struct span inside = { in->p + 1, 0 };
	size_t depth = 0;

	while (in->n > 0) {
		uint8_t c = span_take(in, 1).p[0];

		if (c == '\\')
			span_take(in, 1);	/* RFC 5322 3.2.1 */
		depth += c == '(';
		depth -= c == ')';
		if (depth == 0) {
			inside.n = (size_t)(in->p - inside.p) - 1;
			return inside;
		}
	}
	inside.n = (size_t)(in->p - inside.p);
	return inside;
}

void mime_lex_skip(struct span *in)
{
	while (in->n > 0) {
		if (in->p[0] == '(')
			mime_lex_comment(in);
		else if (mime_lex_is_space(in->p[0]))
			span_take(in, 1);
		else
			return;
	}
}

void mime_lex_quoted(struct span *in, struct buf *out)
{
	span_take(in, 1);
	while (in->n > 0) {
		uint8_t c = span_take(in, 1).p[0];

		if (c == '"')
			return;
		if (c == '\\' && in->n > 0)
			c = span_take(in, 1).p[0];
		if (out != NULL && c != '\r' && c != '\n')
			buf_put_byte(out, c);
	}
}
