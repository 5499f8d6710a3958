/* lines.c - the contract is in lines.h. */
#include "formats/lines.h"

void lines_put(struct lines *l, struct span in, struct buf *out)
{
	while (in.n > 0) {
		ptrdiff_t at = span_find(in, '\n');
		struct span part = span_take(&in, at >= 0 ? (size_t)at : in.n);

		buf_put(out, part);
		if (part.n > 0)
			l->cr = part.p[part.n - 1] == '\r';
		if (at < 0)
			return;
		span_take(&in, 1);
		if (!l->cr)
			buf_put_byte(out, '\r');
		l->bare += !l->cr;
		buf_put_byte(out, '\n');
		l->cr = false;
	}
}
