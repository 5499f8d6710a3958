/* escape.c - the contract is in escape.h. */
#include "common/base/escape.h"

#include <stdio.h>
#include <string.h>

#include "common/base/utf8.h"

static const char *escape_one(char out[5], uint8_t c)
{
	static const char from[] = "\r\n\t\\\"", to[] = "rnt\\\"";
	const char *at = c != 0 ? strchr(from, c) : NULL;

	if (at == NULL && c >= 0x20 && c < 0x7f) {	/* by far the most */
		out[0] = (char)c;
		out[1] = '\0';
		return out;
	}
	if (at != NULL)
		snprintf(out, 5, "\\%c", to[at - from]);
	else
		snprintf(out, 5, "\\x%02x", c);
	return out;
}

const char *escape_text(char *out, size_t size, struct span s)
{
	size_t used = 0, mark = 0;	/* mark: where "..." and a NUL still fit behind */

	for (size_t i = 0; i < s.n; i++) {
		char one[5];
		size_t n = strlen(escape_one(one, s.p[i]));

		if (used + 4 <= size)
			mark = used;
		if (used + n + 1 > size) {
			memcpy(out + mark, "...", 3);
			used = mark + 3;
			break;
		}
		memcpy(out + used, one, n);
		used += n;
	}
	out[used] = '\0';
	return out;
}

void escape_json(struct buf *b, struct span s)
{
	while (s.n > 0) {
		uint32_t c;
		struct span at = s;

		if (!utf8_take(&s, &c)) {
			buf_put_text(b, "\xef\xbf\xbd");
			continue;
		}
		at.n -= s.n;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", (int)c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", (unsigned)c);
		else
			buf_put(b, at);
	}
}
