/* sheet.c - the contract is in sheet.h. */
#include "admin/sheet.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 65536 };

void sheet_put(struct buf *out, unsigned indent, const char *label, struct span text)
{
	size_t from = indent + SHEET_TEXT, column = from;
	bool first = true;

	buf_printf(out, "%*s%-*s", (int)indent, "", SHEET_TEXT - 1, label);
	if (strlen(label) > SHEET_TEXT - 1)
		column = from = indent + strlen(label) + 1;
	while (text.n > 0) {
		struct span word = span_take_until(&text, ' ');

		if (word.n == 0)
			continue;
		if (!first && column + 1 + word.n > SHEET_WIDTH) {
			buf_printf(out, "\n%*s", (int)from - 1, "");
			column = from;
			first = true;
		}
		buf_put_byte(out, ' ');
		buf_put(out, word);
		column += word.n + !first;
		first = false;
	}
	buf_put_byte(out, '\n');
}

void sheet_printf(struct buf *out, unsigned indent, const char *label, const char *format, ...)
{
	char small[512];
	struct buf text;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		sheet_put(out, indent, label, span_of(small));
		return;
	}
	buf_init(&text, TEXT_MAX);
	if (n >= 0 && buf_room(&text, (size_t)n + 1) != NULL) {
		va_start(args, format);
		vsnprintf((char *)text.p, (size_t)n + 1, format, args);
		va_end(args);
		text.n = (size_t)n;
	}
	sheet_put(out, indent, label, buf_span(&text));
	buf_clear(&text);
}

const char *sheet_number(uint64_t n, char out[SHEET_NUMBER])
{
	char digits[SHEET_NUMBER];
	int count = snprintf(digits, sizeof(digits), "%" PRIu64, n), used = 0;

	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}
