/* fuzz_queue_order.c - questions about the queue, and answers, by who says what they like.
 * link: admin/queue_reader.o storage/local/queue_order.o storage/local/queue_order_lines.o storage/local/queue_record.o storage/local/record.o storage/local/ranges.o storage common/base */
#include <stdlib.h>

#include "admin/queue_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_entry(void *arg, const struct queue_shown *e)
{
	struct buf *out = arg;

	buf_reset(out);
	queue_order_put_entry(out, e);
	for (size_t i = 0; i < e->count; i++)
		queue_order_put_recipient(out, &e->recipients[i]);
}

/* What was understood is understood once more, and is the same. */
static void try_question(struct span in, struct arena *memory)
{
	struct queue_order o, again;
	struct buf first, second;

	if (!queue_order_read(&o, in, memory))
		return;
	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	queue_order_write(&first, &o);
	if (!queue_order_read(&again, buf_span(&first), memory))
		abort();
	queue_order_write(&second, &again);
	if (!span_equal(buf_span(&first), buf_span(&second)))
		abort();
	buf_clear(&first);
	buf_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct queue_acted done = { 0, 0 };
	struct queue_order o = { .what = QUEUE_ORDER_LIST };
	struct queue_reader *r;
	struct arena *memory;
	struct error err;
	struct buf out;

	if (size > 8192)
		return 0;
	buf_init(&out, 1 << 20);
	if (arena_new(&memory, 1 << 20, ARENA_PLAIN, &err) < 0 || queue_reader_new(&r, on_entry, &out, &err) < 0)
		abort();
	try_question((struct span){ data, size }, memory);
	queue_reader_take(r, (struct span){ data, size }, &o, &done, &err);
	queue_reader_free(r);
	arena_free(memory);
	buf_clear(&out);
	return 0;
}
