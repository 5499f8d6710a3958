/* store_answer_queue.c - jobs and notes in an answer. */
#include "storage/ipc/store_answer_parts.h"
#include "storage/ipc/store_mail.h"

enum {
	WHY_ALL = QUEUE_DUE | QUEUE_NOTICE | QUEUE_EXPIRED | QUEUE_BOUNCE,
	LEAST_NOTE = 2 /* bytes that one takes at least */
};

/* --- jobs -------------------------------------------------------------------- */

/* The sender of all recipients is the job's. */
static void put_job(struct buf *b, const struct queue_job *j)
{
	struct span last = j->sender;

	wire_put_varint(b, j->lease);
	wire_put_varint(b, j->job);
	wire_put_varint(b, j->why);
	store_mail_put_envelope(b, &j->envelope);
	store_wire_put_signed(b, j->created_s);
	wire_put_varint(b, j->size);
	wire_put_varint(b, j->attempts);
	wire_put_varint(b, j->flushed_ms);
	wire_put_span(b, j->domain);
	wire_put_span(b, j->sender);
	wire_put_span(b, j->route);
	wire_put_varint(b, j->count);
	for (size_t i = 0; i < j->count; i++) {
		struct store_remote to = j->recipients[i].to;

		to.sender = j->sender;
		wire_put_varint(b, j->recipients[i].number);
		store_mail_put_remote(b, &to, &last);
	}
}

void store_answer_put_lease(struct buf *b, const struct store_answer *a)
{
	wire_put_varint(b, a->job_count);
	for (size_t i = 0; i < a->job_count; i++)
		put_job(b, &a->jobs[i]);
}

static void get_recipients(struct wire *w, struct queue_job *j, struct arena *memory)
{
	size_t count = (size_t)store_wire_upto(w, STORE_RECIPIENTS);
	struct queue_recipient *recipients = store_wire_array(w, memory, count, sizeof(*recipients));
	struct span last = j->sender;

	if (count == 0)
		store_wire_fail(w);
	for (size_t i = 0; i < count && !w->failed; i++) {
		recipients[i].number = (uint32_t)store_wire_upto(w, UINT32_MAX);
		store_mail_remote(w, &recipients[i].to, &last);
		if (!span_equal(last, j->sender))
			store_wire_fail(w);
	}
	j->recipients = recipients;
	j->count = w->failed ? 0 : count;
}

static void get_job(struct wire *w, struct queue_job *j, struct arena *memory)
{
	j->fd = -1;
	j->lease = wire_varint(w);
	j->job = (uint32_t)store_wire_upto(w, UINT32_MAX);
	j->why = (unsigned)store_wire_upto(w, WHY_ALL);
	store_mail_envelope(w, &j->envelope, memory);
	j->created_s = store_wire_signed(w);
	j->size = wire_varint(w);
	j->attempts = (uint32_t)store_wire_upto(w, UINT32_MAX);
	j->flushed_ms = wire_varint(w);
	j->domain = store_wire_line(w, QUEUE_DOMAIN_MAX - 1);
	j->sender = store_wire_line(w, STORE_WIRE_ADDRESS_MAX);
	j->route = store_wire_line(w, QUEUE_DOMAIN_MAX);
	get_recipients(w, j, memory);
	if (j->lease == 0)
		store_wire_fail(w);
}

void store_answer_get_lease(struct wire *w, struct store_answer *a, struct arena *memory)
{
	size_t count = (size_t)store_wire_upto(w, QUEUE_JOBS);
	struct queue_job *jobs = store_wire_array(w, memory, count, sizeof(*jobs));

	for (size_t i = 0; i < count && !w->failed; i++)
		get_job(w, &jobs[i], memory);
	a->jobs = jobs;
	a->job_count = w->failed ? 0 : count;
}

/* --- notes --------------------------------------------------------------------- */

void store_answer_put_note(struct buf *b, const struct store_answer *a)
{
	wire_put_span(b, a->bytes);
}

void store_answer_get_note(struct wire *w, struct store_answer *a, struct arena *memory)
{
	(void)memory;
	a->bytes = store_wire_bytes(w, QUEUE_NOTE_MAX);
}

/* As many as a page may have: what is left is asked for behind them. */
void store_answer_put_notes(struct buf *b, const struct store_answer *a)
{
	size_t count = a->note_count < STORE_WIRE_NOTE_PAGE ? a->note_count : STORE_WIRE_NOTE_PAGE;

	wire_put_varint(b, count);
	for (size_t i = 0; i < count; i++) {
		wire_put_span(b, a->notes[i].name);
		wire_put_span(b, a->notes[i].bytes);
	}
	wire_put_u8(b, a->more || count < a->note_count);
}

void store_answer_get_notes(struct wire *w, struct store_answer *a, struct arena *memory)
{
	size_t count = wire_count(w, LEAST_NOTE);
	struct queue_note *notes;

	if (count > STORE_WIRE_NOTE_PAGE)
		store_wire_fail(w);
	if (w->failed)
		return;
	notes = store_wire_array(w, memory, count, sizeof(*notes));
	for (size_t i = 0; i < count && !w->failed; i++) {
		notes[i].name = store_wire_bytes(w, QUEUE_NOTE_KEY);
		notes[i].bytes = store_wire_bytes(w, QUEUE_NOTE_MAX);
	}
	a->notes = notes;
	a->note_count = w->failed ? 0 : count;
	a->more = store_wire_bool(w);
}
