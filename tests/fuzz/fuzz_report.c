/* fuzz_report.c - a report of anything: its lines are whole, and its parts where they belong.
 * link: deliverd mime common/base */
#include <stdlib.h>
#include <string.h>

#include "deliverd/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* CRLF and nothing else ends a line, none is over 998 bytes; how many are text's. */
static size_t count_lines(struct span in, const char *text)
{
	size_t found = 0;

	while (in.n > 0) {
		struct span line = span_take_until(&in, '\n');

		check(line.n > 0 && line.n <= 999 && line.p[line.n - 1] == '\r' && span_find(line, '\r') == (ptrdiff_t)line.n - 1);
		line.n--;
		found += span_is(line, text);
	}
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size }, header;
	struct report_recipient to = { .kind = REPORT_FAILURE };
	struct store_envelope about = { .id = "Q1" };
	struct report r = { .hostname = "h.test", .id = "R1", .about = &about, .recipients = &to, .count = 1 };
	struct buf out;

	if (size < 2)
		return 0;
	about.flags = *span_take(&in, 1).p;
	to.kind = *span_take(&in, 1).p % 3;
	r.whole = (about.flags & 1) != 0;
	to.relayed = (about.flags & 8) != 0;
	r.to = span_take_until(&in, 0);
	to.address = span_take_until(&in, 0);
	to.original = span_take_until(&in, 0);
	to.orcpt = span_take_until(&in, 0);
	to.status = span_take_until(&in, 0);
	to.words = span_take_until(&in, 0);
	to.host = span_take_until(&in, 0);
	about.envid = span_take_until(&in, 0);
	header = in;
	if (r.to.n > 320 || to.address.n > 320 || to.original.n > 320 || to.words.n > 511 || to.status.n > 15 || to.host.n > 300)
		return 0;
	buf_init(&out, 1 << 20);
	report_begin(&r, header, &out);
	check(!out.failed && count_lines(buf_span(&out), "--=_R1.report") == 3);
	report_end(&r, &out);
	check(!out.failed && count_lines(buf_span(&out), "--=_R1.report--") == 1);
	buf_clear(&out);
	return 0;
}
