/* fuzz_control.c - the messages between yubind and its daemons: what is read is whole, and
 * written again gives the same bytes.
 * link: common/proc common/ipc common/base */
#include <assert.h>
#include <string.h>

#include "common/proc/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct buf *b, struct span in)
{
	assert(!b->failed && span_equal(buf_span(b), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };
	struct control_hello h;
	struct control_peer p;
	struct buf b;

	buf_init(&b, 4096);
	if (control_hello_read(in, &h, NULL) == 0) {
		assert(strlen(h.daemon) > 0 && strlen(h.hostname) > 0);
		control_hello_write(&b, &h);
		check_same(&b, in);
	}
	buf_reset(&b);
	if (control_peer_read(in, &p, NULL) == 0) {
		control_peer_write(&b, &p);
		check_same(&b, in);
	}
	buf_clear(&b);
	return 0;
}
