/* cmd_thread.c - THREAD by subjects (RFC 5256 3, ORDEREDSUBJECT).
 *
 * What is found is ordered by base subject and date, cut into threads, and the threads ordered by
 * their first dates; all in turns. */
#include <string.h>

#include "imapd/merge.h"
#include "imapd/search.h"
#include "imapd/thread.h"
#include "imapd/value.h"

enum {
	THREAD_ROWS = 64 << 20,		/* bytes of all messages found, ... */
	THREAD_TEXTS = 64 << 20,	/* ... and of their subjects */
	THREAD_STEPS = 256		/* comparisons between two looks at the clock */
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
	struct thread_forest forest;
	struct thread_writer writer;
	size_t at;
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
	if (ok && !span_is_nocase(algorithm, "ORDEREDSUBJECT"))
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
	t->at = 0;
	thread_writer_init(&t->writer, &t->forest);
	imap_text(e, t->merge.n > 0 ? "* THREAD " : "* THREAD");
	e->half_line = true;
	return imap_go(e, tell);
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
	t->search.take = take;
	t->search.finish = found_all;
	return search_start(e);
}
