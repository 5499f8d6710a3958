/* fuzz_queue_text.c - queue/ID.envelope with any bytes in it, and a record of the index.
 * link: storage/local/queue_text.o storage/local/queue_text_read.o storage/local/queue_record.o storage/local/record.o storage/local/ranges.o storage common/base */
#include <stdlib.h>
#include <string.h>

#include "storage/local/queue_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What is understood is written in one way. */
static void check_text(struct span in, struct arena *memory)
{
	struct queue_letter first, second;
	struct buf once, twice;

	if (!queue_text_parse(in, memory, &first))
		return;
	must(queue_id_valid(span_of(first.head.id)) && first.head.tries <= STORE_RECIPIENTS);
	buf_init(&once, QUEUE_FILE_MAX);
	buf_init(&twice, QUEUE_FILE_MAX);
	queue_text_write(&once, &first);
	must(!once.failed && queue_text_parse(buf_span(&once), memory, &second));
	queue_text_write(&twice, &second);
	must(span_equal(buf_span(&once), buf_span(&twice)));
	for (uint32_t i = 0; i < first.head.tries; i++) {
		struct queue_record r;

		buf_reset(&once);
		queue_record_encode(&once, &first.head, &first.tries[i], first.to + first.tries[i].first);
		must(queue_record_decode(buf_span(&once), &r) == (first.tries[i].count > 0));
	}
	buf_clear(&once);
	buf_clear(&twice);
}

static void check_record(struct span in)
{
	struct queue_record r;
	struct queue_to to;

	if (!queue_record_decode(in, &r))
		return;
	for (size_t i = 0; i < r.try.count; i++) {
		queue_record_next(&r, &to);
		must(to.r.to.address.n > 0);
	}
	must(r.rest.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };
	struct arena *memory;

	if (arena_new(&memory, 256 * 1024 * 1024, ARENA_PLAIN, NULL) < 0)
		return 0;
	check_text(in, memory);
	check_record(in);
	arena_free(memory);
	return 0;
}
