/*
 * shell_match.c - a search's job (search_job.h) is worked on by the pool.
 *
 * So many at once in a worker (SERVICE_SEARCHES): who sits has the bodies of its job opened, SEARCH_BODIES
 * at a time and the next ones while the pool reads and compares; then it rises and the first in line has
 * the seat. A session that ends leaves the line at once; what runs is told to stop.
 */
#include "imapd/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/seats.h"
#include "imapd/search_job.h"
#include "storage/meta.h"

enum { WINDOW = 64 * 1024 };	/* bytes of metadata that are read ahead */

struct shell_match {
	struct sitter sitter;	/* first */
	struct shell *shell;	/* NULL: nobody waits any more */
	struct search_job *job;
	uint64_t mailbox;
	uint64_t op;		/* of the store's call that is open */
	uint64_t op_until_ms;
	bool asks_bodies;	/* that is what it is */
	int meta;		/* its own descriptor of the derived file, or -1 */
	uint8_t *window;	/* of that file: what was read ahead, or one entry */
	uint64_t window_at, meta_next;	/* where the entry behind the last one would lie */
	size_t window_n;
	bool meta_used, meta_useless;	/* an entry was read; one that should be there was not */
	bool running;
	size_t asked, opened;	/* items whose bodies were asked for; to which an answer came */
	size_t shut;		/* those in front were looked at, and are closed */
	int body[SEARCH_ITEMS];	/* or -1 */
};

static void free_match(struct shell_match *m)
{
	for (size_t i = m->shut; i < m->opened; i++)
		if (m->body[i] >= 0)
			close(m->body[i]);
	if (m->meta >= 0)
		close(m->meta);
	search_job_drop(m->job);
	free(m->window);
	free(m);
}

/* --- on the pool ----------------------------------------------------------- */

/* At most n bytes of the file. */
static size_t read_at(int fd, uint64_t offset, uint8_t *to, size_t n)
{
	ssize_t r;

	do
		r = pread(fd, to, n, (off_t)offset);
	while (r < 0 && errno == EINTR);
	return r > 0 ? (size_t)r : 0;
}

/* Neighbours lie behind each other: whoever is asked for behind the last one is read ahead. */
static bool fill_window(struct shell_match *m, uint64_t offset, size_t n)
{
	bool neighbour = offset >= m->meta_next && offset - m->meta_next < WINDOW / 4;

	if (offset >= m->window_at && offset - m->window_at <= m->window_n && n <= m->window_n - (offset - m->window_at))
		return true;
	if (m->window == NULL)
		m->window = malloc(WINDOW + STORE_META_MAX);
	if (m->window == NULL)
		return false;
	m->window_at = offset;
	m->window_n = read_at(m->meta, offset, m->window, neighbour && n < WINDOW ? WINDOW : n);
	return m->window_n >= n;
}

static bool read_meta(void *arg, const struct store_record *r, struct span *out)
{
	size_t n = STORE_META_HEADER + (size_t)r->meta_length;
	struct shell_match *m = arg;
	bool ok = m->meta >= 0 && r->meta_length > 0 && r->meta_length <= STORE_META_MAX && r->meta_offset <= INT64_MAX / 2 &&
		  fill_window(m, r->meta_offset, n);

	if (ok)
		ok = store_meta_entry((struct span){ m->window + (r->meta_offset - m->window_at), n }, r, out);
	m->meta_next = r->meta_offset + n;
	m->meta_used |= ok;
	m->meta_useless |= !ok && r->meta_length > 0;
	return ok;
}

static ptrdiff_t read_body(void *arg, size_t i, uint64_t offset, uint8_t *to, size_t n)
{
	const struct shell_match *m = arg;

	return (ptrdiff_t)read_at(m->body[i], offset, to, n);
}

/* Bodies that were looked at. */
static void shut(struct shell_match *m)
{
	const struct search_job *j = m->job;

	for (; j->bodies && m->shut < j->at && m->shut < j->ready; m->shut++)
		if (m->body[m->shut] >= 0)
			close(m->body[m->shut]);
}

static void run(struct sitter *sitter)
{
	struct shell_match *m = (struct shell_match *)sitter;
	const struct search_source from = { m, read_meta, read_body };

	while (search_job_step(m->job, &from))
		shut(m);
	shut(m);
}

/* --- on the loop ----------------------------------------------------------- */

/* An entry that can't be read may lie in a newer file than the one that is open. */
static void note_meta(struct shell *s, const struct shell_match *m)
{
	if (m->meta_used)
		s->meta_fresh = false;
	if (!m->meta_useless || s->meta_fresh || s->meta < 0)
		return;
	shell_meta_close(s);
}

static void finish(struct shell_match *m)
{
	struct shell *s = m->shell;

	seats_rise(&m->sitter);
	if (s != NULL) {
		store_cancel(s->service->store, m->op);
		s->match = NULL;
		note_meta(s, m);
	}
	free_match(m);
	if (s != NULL) {
		shell_answer_status(s, STORE_OK);
		conn_wake(s->conn);
	}
}

static void start(struct shell_match *m)
{
	m->running = true;
	seats_run(&m->sitter);
}

static uint64_t answer_until(const struct shell_match *m)
{
	return clock_mono_ms() + (uint64_t)config_number(conn_config(m->shell->conn), CONFIG_ANSWER_TIME);
}

static void ask_bodies(struct shell_match *m);

/* Nothing runs: works on what is open, and asks for the next. */
static void go_on(struct shell_match *m)
{
	struct search_job *j = m->job;
	bool ready = m->opened > j->at;

	if (ready) {
		j->ready = m->opened;
		start(m);
	}
	if (m->op == 0 && m->asked < j->n)
		ask_bodies(m);
}

static void ran(struct sitter *sitter)
{
	struct shell_match *m = (struct shell_match *)sitter;
	struct search_job *j = m->job;

	m->running = false;
	if (m->shell != NULL && j->bodies && j->at < j->n)
		go_on(m);
	else
		finish(m);
}

/* Which of the items asked for it is; they go up or down, i was the last. */
static size_t item_of(const struct shell_match *m, uint32_t uid, size_t i)
{
	size_t count = m->asked - m->opened;

	for (size_t n = 0; n < count; n++, i++)
		if (m->job->items[m->opened + i % count].record->uid == uid)
			return i % count;
	return count;
}

/* What the answer does not have went meanwhile. The pool may work on the items in front of these. */
static void bodies_there(void *arg, enum store_status status, const struct store_opened *opened, size_t count)
{
	struct shell_match *m = arg;
	struct search_item *items = m->job->items + m->opened;
	int *body = m->body + m->opened;
	size_t at = 0, asked = m->asked - m->opened;

	m->op = 0;
	for (size_t i = 0; i < asked; i++) {
		items[i].status = status != STORE_OK ? status : STORE_NOT_FOUND;
		body[i] = -1;
	}
	for (size_t i = 0; i < count; i++) {
		at = item_of(m, opened[i].uid, at);
		if (at < asked && body[at] < 0) {
			body[at] = opened[i].fd;
			items[at].status = opened[i].status;
		} else if (opened[i].fd >= 0) {
			close(opened[i].fd);
		}
	}
	m->opened = m->asked;
	if (!m->running)
		go_on(m);
}

static void ask_bodies(struct shell_match *m)
{
	struct store_range ranges[SEARCH_BODIES];
	struct store_set uids = { ranges, 0 };
	const struct search_job *j = m->job;
	size_t n = 0;

	for (; n < SEARCH_BODIES && m->asked < j->n; n++, m->asked++)
		ranges[n].first = ranges[n].last = j->items[m->asked].record->uid;
	uids.count = imap_ranges_sort(ranges, n);
	m->asks_bodies = true;
	m->op = store_bodies(m->shell->account, m->mailbox, &uids, bodies_there, m);
	m->op_until_ms = answer_until(m);
	if (m->op == 0)
		bodies_there(m, STORE_TRY_LATER, NULL, 0);
}

static void use_meta(struct shell_match *m)
{
	m->meta = m->shell->meta >= 0 ? fcntl(m->shell->meta, F_DUPFD_CLOEXEC, 0) : -1;
	if (m->job->bodies)
		go_on(m);
	else
		start(m);
}

static void meta_there(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct shell_match *m = arg;

	(void)status;
	(void)size;
	m->op = 0;
	m->shell->meta = fd;
	m->shell->meta_fresh = true;
	use_meta(m);
}

static void seated(struct sitter *sitter)
{
	struct shell_match *m = (struct shell_match *)sitter;
	struct shell *s = m->shell;

	if (s->meta < 0)
		m->op = store_meta_file(s->account, meta_there, m);
	m->op_until_ms = answer_until(m);
	if (m->op == 0)
		use_meta(m);
}

void shell_match(struct shell *s, const struct imap_action *a)
{
	struct shell_match *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		shell_answer_status(s, STORE_TRY_LATER);
		return;
	}
	m->sitter = (struct sitter){ .seated = seated, .run = run, .ran = ran };
	m->shell = s;
	m->job = search_job_hold(a->match.job);
	m->mailbox = a->match.mailbox;
	m->meta = -1;
	s->match = m;
	seats_take(s->service->searches, &m->sitter);
}

uint64_t shell_match_deadline(const struct shell *s)
{
	return s->match != NULL && s->match->op != 0 ? s->match->op_until_ms : UINT64_MAX;
}

void shell_match_tick(struct shell *s)
{
	struct shell_match *m = s->match;

	if (s->now_ms < shell_match_deadline(s))
		return;
	log_warn("ICID %llu no answer in time waited_for=search user=%s", (unsigned long long)conn_id(s->conn),
		 s->user != NULL ? s->user : "-");
	store_cancel(s->service->store, m->op);
	if (m->asks_bodies)
		bodies_there(m, STORE_TRY_LATER, NULL, 0);
	else
		meta_there(m, STORE_TRY_LATER, -1, 0);
}

void shell_match_cancel(struct shell *s)
{
	struct shell_match *m = s->match;

	s->match = NULL;
	if (m == NULL)
		return;
	m->shell = NULL;
	search_job_stop(m->job);
	store_cancel(s->service->store, m->op);
	if (m->running)
		return;		/* ran frees it */
	seats_rise(&m->sitter);
	free_match(m);
}
