/* fuzz_trace.c - a log that somebody has written what they liked into: it is told, or passed over.
 * link: admin/trace_line.o admin/trace_book.o admin/trace_text.o admin/trace_json.o common/base */
#include <stdlib.h>

#include "admin/trace_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_book *b;
	struct error err;
	struct buf out;

	if (size > 8192)
		return 0;
	if (trace_book_new(&b, "a@x", 0, &err) < 0)
		abort();
	for (enum trace_pass pass = TRACE_FIND; pass <= TRACE_MEET; pass++)
		for (struct span in = { data, size }; in.n > 0;)
			trace_book_take(b, pass, span_take_until(&in, '\n'));
	buf_init(&out, 1 << 20);
	trace_text_write(&out, b, TRACE_QUEUE_ASKED);
	buf_reset(&out);
	trace_json_write(&out, b, TRACE_QUEUE_AWAY);
	buf_clear(&out);
	trace_book_free(b);
	return 0;
}
