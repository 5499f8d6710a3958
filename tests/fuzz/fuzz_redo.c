/* fuzz_redo.c - a log of bodies: whatever stands in the file, and whatever stands in a frame that is whole.
 * link: storage/local/redo_frame.o storage/local/record.o storage/local/ranges.o storage common/base */
#include <stdlib.h>

#include "storage/local/redo_frame.h"

static void walk(struct span log)
{
	struct redo_entry e;
	struct redo_name name;
	struct span entries;
	uint64_t number = 0;
	size_t before = log.n;

	while (redo_take_frame(&log, &number, &entries)) {
		if (log.n >= before)
			abort();
		before = log.n;
		while (redo_take_entry(&entries, &e))
			while (redo_take_name(&e.names, &name))
				;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf frame;

	walk((struct span){ data, n });
	buf_init(&frame, REDO_LOG);
	redo_frame_begin(&frame);
	buf_put(&frame, (struct span){ data, n });
	redo_frame_end(&frame, 1);
	if (!frame.failed)
		walk(buf_span(&frame));
	buf_clear(&frame);
	return 0;
}
