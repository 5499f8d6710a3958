/* fuzz_mbox.c - any bytes as an mbox: every message that is taken out and put in again comes out the same.
 * link: formats common/base */
#include <stdlib.h>
#include <string.h>

#include "formats/lines.h"
#include "formats/mbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the form that an mbox can hold: LF alone ends lines, the last too; none has a CR at its end. */
static void plain(struct span in, struct buf *out)
{
	while (in.n > 0) {
		struct span line = span_take_until(&in, '\n');

		while (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_put(out, line);
		buf_put_byte(out, '\n');
	}
}

static void again(struct span message)
{
	const struct mbox_words words = { .flags = 5, .uid = 3 };
	struct mbox_words found;
	struct buf want, file, got;
	struct mbox_item item;
	struct span in;

	buf_init(&want, 1 << 22);
	buf_init(&file, 1 << 23);
	buf_init(&got, 1 << 22);
	plain(message, &want);
	mbox_write(&file, buf_span(&want), 1, &words);
	in = buf_span(&file);
	if (mbox_skip(&in).n != 0 || !mbox_next(&in, &item) || !mbox_read(item.bytes, MBOX_RD, &found, &got) || in.n != 0 ||
	    !span_equal(buf_span(&got), buf_span(&want)) || found.flags != 5 || found.uid != 3)
		abort();
	buf_clear(&want);
	buf_clear(&file);
	buf_clear(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };
	struct lines l = { .bare = 0 };
	struct mbox_words words;
	struct mbox_item item;
	struct buf out;

	buf_init(&out, 1 << 22);
	mbox_skip(&in);
	while (mbox_next(&in, &item)) {
		if (item.bytes.n > 0 && (item.bytes.p < data || item.bytes.p + item.bytes.n > data + size))
			abort();
		buf_reset(&out);
		mbox_read(item.bytes, MBOX_O, &words, &out);
		buf_reset(&out);
		if (mbox_read(item.bytes, MBOX_RD, &words, &out))
			again(buf_span(&out));
		lines_put(&l, item.bytes, &out);
	}
	buf_clear(&out);
	return 0;
}
