/* cmd_thread.c - THREAD (RFC 5256 3): by subjects, or by references (references.h).
 *
 * ORDEREDSUBJECT: what is found is ordered by base subject and date, cut into threads, and the threads ordered by
 * their first dates; all in turns. */
#include <string.h>

#include "imapd/merge.h"
#include "imapd/references.h"
#include "imapd/search.h"
#include "imapd/thread.h"
#include "imapd/value.h"

enum {
	THREAD_ROWS = 64 << 20,		/* bytes of all messages found, ... */
	THREAD_TEXTS = 64 << 20,	/* ... and of their subjects */
	THREAD_STEPS = 256		/* comparisons, or messages linked, between two looks at the clock */
};

struct row {
	int64_t sent_s;
	uint32_t uid;
	uint32_t subject, subject_n;	/* in texts, folded */
};

struct thread {
	struct search search;		/* first: the search works on e->data */
	struct buf rows, texts;
	struct buf heads;		/* of each thread: where in merge.order it begins */
	struct merge merge;		/* rows by subject */
	struct merge threads;		/* heads by date */
	struct references *references;	/* NULL: ORDEREDSUBJECT */
	struct thread_forest forest;
	struct thread_writer writer;
	size_t at;
	bool by_references;
};

static void clear_thread(struct imap_server *e)
{
	struct thread *t = e->data;

	buf_clear(&t->rows);
	buf_clear(&t->texts);
	buf_clear(&t->heads);
	merge_clear(&t->merge);
	merge_clear(&t->threads);
	thread_clear(&t->forest);
	references_free(t->references);
	search_clear(e);
}

bool imap_parse_thread(struct imap_server *e, struct imap_parse *p)
{
	struct thread *t = arena_alloc(e->arena, sizeof(*t));
	struct span algorithm;
	bool ok;

	e->data = t;
	if (t == NULL)
		return imap_parse_fail(p, "the command is too large");
	thread_init(&t->forest);
	ok = imap_parse_atom(p, &algorithm) && imap_parse_space(p);
	t->by_references = ok && span_is_nocase(algorithm, "REFERENCES");
	if (ok && !t->by_references && !span_is_nocase(algorithm, "ORDEREDSUBJECT"))
		ok = imap_parse_fail(p, "no such way to make threads");
	ok = ok && search_parse_program(p, &t->search);
	if (!ok)
		clear_thread(e);	/* it never runs */
	return ok;
}

static const struct row *row_at(const struct thread *t, uint32_t i)
{
	return (const struct row *)(const void *)t->rows.p + i;
}

static bool take(struct imap_server *e)
{
	struct thread *t = e->data;
	const struct search_message *m = &t->search.m;
	struct row row = { .sent_s = imap_value_sent(m->meta, m->record), .uid = m->record->uid,
			   .subject = (uint32_t)t->texts.n };

	imap_value_subject(m->meta, m->scratch, &t->texts);
	row.subject_n = (uint32_t)t->texts.n - row.subject;
	buf_put(&t->rows, (struct span){ (const uint8_t *)&row, sizeof(row) });
	e->work += 2;
	return !t->rows.failed && !t->texts.failed;
}

static struct span field(const struct search_message *m, enum mime_field name)
{
	struct span value;

	return mime_meta_field(m->meta, name, &value) ? value : (struct span){ NULL, 0 };
}

static bool take_references(struct imap_server *e)
{
	struct thread *t = e->data;
	const struct search_message *m = &t->search.m;
	struct references_message r = { .uid = m->record->uid,
					.sent_s = imap_value_sent(m->meta, m->record),
					.id = field(m, MIME_FIELD_MESSAGE_ID),
					.references = field(m, MIME_FIELD_REFERENCES),
					.in_reply_to = field(m, MIME_FIELD_IN_REPLY_TO) };

	buf_reset(&t->texts);
	r.reply = imap_value_subject(m->meta, m->scratch, &t->texts);
	r.subject = buf_span(&t->texts);
	e->work += 4 + (unsigned)(r.references.n / 256);
	return !t->texts.failed && references_add(t->references, &r) == 0;
}

static int compare_subjects(const struct thread *t, const struct row *x, const struct row *y)
{
	size_t n = x->subject_n < y->subject_n ? x->subject_n : y->subject_n;
	int d = n > 0 ? memcmp(t->texts.p + x->subject, t->texts.p + y->subject, n) : 0;

	return d != 0 ? d : (x->subject_n > y->subject_n) - (x->subject_n < y->subject_n);
}

static int by_subject(const void *arg, uint32_t a, uint32_t b)
{
	const struct thread *t = arg;
	const struct row *x = row_at(t, a), *y = row_at(t, b);
	int d = compare_subjects(t, x, y);

	return d != 0 ? d : (x->sent_s > y->sent_s) - (x->sent_s < y->sent_s);
}

static uint32_t head_at(const struct thread *t, uint32_t i)
{
	uint32_t at;

	memcpy(&at, t->heads.p + i * sizeof(at), sizeof(at));
	return at;
}

/* Dates that are the same: the message that lies first in the mailbox. */
static int by_first_date(const void *arg, uint32_t a, uint32_t b)
{
	const struct thread *t = arg;
	const struct row *x = row_at(t, t->merge.order[head_at(t, a)]), *y = row_at(t, t->merge.order[head_at(t, b)]);

	if (x->sent_s != y->sent_s)
		return x->sent_s > y->sent_s ? 1 : -1;
	return x->uid > y->uid ? 1 : -1;
}

/* --- steps ----------------------------------------------------------------- */

static bool has_turn(struct imap_server *e, size_t at)
{
	e->work += at % 8 == 0;
	return !imap_out_full(e);
}

static enum imap_run tell(struct imap_server *e)
{
	struct thread *t = e->data;
	uint32_t uid;

	do {
		if (!has_turn(e, t->at++))
			return IMAP_RUN_MORE;
		uid = thread_writer_uid(&t->writer);
	} while (thread_write(&t->writer, e->uid ? uid : imap_view_seq(&e->sel.view, uid), &e->out));
	return search_over(e);
}

static enum imap_run tell_begin(struct imap_server *e, const struct thread_forest *f)
{
	struct thread *t = e->data;

	t->at = 0;
	thread_writer_init(&t->writer, f);
	imap_text(e, f->n > 0 ? "* THREAD " : "* THREAD");
	e->half_line = true;
	return imap_go(e, tell);
}

static enum imap_run refer(struct imap_server *e)
{
	struct thread *t = e->data;
	int r;

	while ((r = references_go(t->references, THREAD_STEPS)) == 0) {
		e->work += THREAD_STEPS / 4;
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
	}
	return r == 1 ? tell_begin(e, references_forest(t->references)) : imap_no_memory(e);
}

/* Roots in the order of threads; what follows a thread's first message hangs on it. */
static enum imap_run grow(struct imap_server *e)
{
	struct thread *t = e->data;

	for (; t->at < t->threads.n; t->at++) {
		uint32_t head = t->threads.order[t->at], from = head_at(t, head);
		uint32_t to = head + 1 < t->threads.n ? head_at(t, head + 1) : (uint32_t)t->merge.n, root = THREAD_NONE;

		if (!has_turn(e, t->at))
			return IMAP_RUN_MORE;
		e->work += (to - from) / 16;
		for (uint32_t i = from; i < to; i++) {
			uint32_t node = thread_add(&t->forest, row_at(t, t->merge.order[i])->uid);

			if (node == THREAD_NONE)
				return imap_no_memory(e);
			thread_hang(&t->forest, root, node);
			if (i == from)
				root = node;
		}
	}
	return tell_begin(e, &t->forest);
}

static enum imap_run order_threads(struct imap_server *e)
{
	struct thread *t = e->data;

	while (!merge_go(&t->threads, THREAD_STEPS)) {
		e->work += THREAD_STEPS / 16;
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
	}
	t->at = 0;
	return imap_go(e, grow);
}

static enum imap_run find_heads(struct imap_server *e)
{
	struct thread *t = e->data;

	for (; t->at < t->merge.n; t->at++) {
		uint32_t at = (uint32_t)t->at;

		if (!has_turn(e, t->at))
			return IMAP_RUN_MORE;
		if (at == 0 || compare_subjects(t, row_at(t, t->merge.order[at - 1]), row_at(t, t->merge.order[at])) != 0)
			buf_put(&t->heads, (struct span){ (const uint8_t *)&at, sizeof(at) });
	}
	if (t->heads.failed || merge_init(&t->threads, t->heads.n / sizeof(uint32_t), by_first_date, t) != 0)
		return imap_no_memory(e);
	return imap_go(e, order_threads);
}

static enum imap_run order(struct imap_server *e)
{
	struct thread *t = e->data;

	while (!merge_go(&t->merge, THREAD_STEPS)) {
		e->work += THREAD_STEPS / 8;
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
	}
	t->at = 0;
	return imap_go(e, find_heads);
}

static enum imap_run found_all(struct imap_server *e)
{
	struct thread *t = e->data;

	if (t->by_references)
		return imap_go(e, refer);
	if (merge_init(&t->merge, t->rows.n / sizeof(struct row), by_subject, t) != 0)
		return imap_no_memory(e);
	return imap_go(e, order);
}

enum imap_run imap_run_thread(struct imap_server *e)
{
	struct thread *t = e->data;

	e->clear = clear_thread;
	buf_init(&t->rows, THREAD_ROWS);
	buf_init(&t->texts, THREAD_TEXTS);
	buf_init(&t->heads, THREAD_ROWS);
	t->search.wants_meta = true;
	t->search.take = t->by_references ? take_references : take;
	if (t->by_references && references_new(&t->references) != 0)
		return imap_no_memory(e);
	t->search.finish = found_all;
	return search_start(e);
}
