/* fuzz_references.c - any lines as what messages say of each other (RFC 5256 3).
 * link: imapd mime common/base
 *
 * A line is a message: its id, its references, what it answers and its subject, apart by tabs; one that begins
 * with "!" is a reply. Then each message is told once, whatever they said. */
#include <stdlib.h>
#include <string.h>

#include "imapd/references.h"
#include "mime/msgid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* An id is not longer than what it was made of, has an @ inside, and looks the same when it is read again. */
static void try_ids(struct span in)
{
	struct buf id, again, quoted;
	size_t before = in.n;

	buf_init(&id, REFERENCES_ID);
	buf_init(&again, REFERENCES_ID);
	buf_init(&quoted, 4 * REFERENCES_ID);
	while (mime_msgid_next(&in, &id)) {
		struct span back;

		check(id.n > 2 && id.n <= before - in.n && memchr(id.p + 1, '@', id.n - 2) != NULL);
		before = in.n;
		buf_reset(&quoted);
		buf_put_text(&quoted, "<\"");
		for (size_t i = 0; i < id.n; i++) {
			if (id.p[i] == '"' || id.p[i] == '\\')
				buf_put_byte(&quoted, '\\');
			buf_put_byte(&quoted, id.p[i]);
		}
		buf_put_text(&quoted, "\">");
		back = buf_span(&quoted);
		check(mime_msgid_next(&back, &again) && again.n == id.n && memcmp(again.p, id.p, id.n) == 0);
	}
	buf_clear(&id);
	buf_clear(&again);
	buf_clear(&quoted);
}

static uint32_t add_all(struct references *r, struct span in)
{
	uint32_t uid = 0;

	while (in.n > 0 && uid < 1000) {
		struct span line = span_take_until(&in, '\n');
		struct references_message m = { .uid = ++uid, .reply = line.n > 0 && line.p[0] == '!' };

		m.sent_s = (int64_t)(line.n * 7 % 13);
		m.id = span_take_until(&line, '\t');
		m.references = span_take_until(&line, '\t');
		m.in_reply_to = span_take_until(&line, '\t');
		m.subject = line;
		check(references_add(r, &m) == 0);
	}
	return uid;
}

/* The UIDs 1 to count, once each, and as many brackets one way as the other. */
static void check_told(const struct thread_forest *f, uint32_t count)
{
	bool seen[1001] = { false };
	struct thread_writer w;
	uint32_t told = 0, uid;
	ptrdiff_t open = 0;
	struct buf out;

	buf_init(&out, 1 << 20);
	thread_writer_init(&w, f);
	do {
		uid = thread_writer_uid(&w);
		check(uid <= count && (uid == 0 || !seen[uid]));
		seen[uid] = uid != 0;
		told += uid != 0;
	} while (thread_write(&w, uid, &out));
	check(!out.failed && told == count);
	for (size_t i = 0; i < out.n; i++) {
		open += out.p[i] == '(' ? 1 : out.p[i] == ')' ? -1 : 0;
		check(open >= 0);
	}
	check(open == 0);
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span in = { data, size };
	struct references *r;
	size_t turns = 0;
	uint32_t count;
	int done;

	try_ids(in);
	check(references_new(&r) == 0);
	count = add_all(r, in);
	while ((done = references_go(r, 3)) == 0)
		check(++turns < 40 * (size + 100));
	check(done == 1);
	check_told(references_forest(r), count);
	references_free(r);
	return 0;
}
