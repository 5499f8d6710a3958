/* fuzz_store_wire.c - what is read of a request or an answer is what would be written.
 * link: storage/ipc common/ipc common/base */
#include <stdlib.h>

#include "common/ipc/ipc.h"
#include "storage/ipc/store_answer.h"
#include "storage/ipc/store_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Numbers have one spelling: a request that was read is written back byte for byte. */
static void try_ask(uint16_t type, struct span body, struct arena *memory, struct buf *out)
{
	struct store_ask ask;
	struct error err;

	if (store_ask_read(&ask, type, body, memory, &err) < 0)
		return;
	if (store_ask_write(out, &ask) != STORE_OK || !span_equal(buf_span(out), body))
		abort();
}

static void try_answer(enum store_wire_type type, struct span body, struct arena *memory, struct buf *out)
{
	struct store_answer a;

	if (!store_answer_read(&a, type, body, memory))
		return;
	if (type == STORE_WIRE_LIST && body.n > STORE_WIRE_LIST_BYTES / 16)
		return; /* may be cut to a page */
	if (type == STORE_WIRE_LOGIN)
		return; /* another version may tell more */
	store_answer_write(out, type, &a);
	if (!span_equal(buf_span(out), body))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *memory;
	struct error err;
	struct buf out;

	if (size < 1 || size > IPC_MESSAGE_MAX ||
	    arena_new(&memory, STORE_WIRE_MEMORY, ARENA_PLAIN, &err) < 0)
		return 0;
	buf_init(&out, 64 << 20);
	if (data[0] < 128)
		try_ask(data[0], (struct span){ data + 1, size - 1 }, memory, &out);
	else if (data[0] - 128 < STORE_WIRE_TYPES)
		try_answer(data[0] - 128, (struct span){ data + 1, size - 1 }, memory, &out);
	buf_clear(&out);
	arena_free(memory);
	return 0;
}
