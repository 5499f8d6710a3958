/*
 * link.c - names in the folders of mailboxes: made for all commits in hand together. And taken away again.
 *
 * The jobs of a group work side by side on the pool; whichever ends last writes the frame of the log (redo.h) in which
 * all that is small stands once more. What the log has not is synced, and its folder. One group is at it at a
 * time, and UIDs are taken when it begins: so groups reach the index in the order of their UIDs. A
 * commit of very many names would hold the others up; it becomes a group of its own beside the
 * next ones, without the log, and its accounts take no others meanwhile. The queue is one folder more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/queue.h"
#include "storage/local/stage.h"

struct link_group;

struct link_job {
	struct job job;
	struct link_group *group;
	struct step **steps; /* sorted by folder */
	size_t count;
	bool sync; /* the log does not have all of it */
};

struct link_group {
	struct local *s;
	struct commit_list commits;
	struct step **steps; /* all that make names */
	size_t count;
	struct link_job jobs[LOCAL_LINK_JOBS];
	struct job queue_job;
	size_t running;
	_Atomic size_t linking; /* jobs that are at their names */
	bool big;
	bool logged; /* it has its place in the log */
	int log_result;
};

static struct mailbox *step_folder(const struct step *step)
{
	return step->into.mailbox;
}

/* --- on the pool ----------------------------------------------------------- */

static struct stage *step_stage(const struct step *step)
{
	return step->commit->stage != NULL ? step->commit->stage : (struct stage *)step->m.stage;
}

/* 1: the log can't write it again. */
static int link_item(const struct local *s, const struct step *step, const struct item *item)
{
	const struct account *a = step->account;
	char from[NAMES_PATH_MAX], to[NAMES_PATH_MAX];
	const struct stage *stage = step_stage(step);
	struct files_source source;
	int r;

	names_message(to, a->folder, step_folder(step)->id, item->to, item->guid);
	if (item->from == 0 && stage_where(stage) == STAGE_HELD)
		return files_make(s->o.mail_fd, to, stage_bytes(stage), stage_date(stage), s->mail_device);
	if (item->from == 0) {
		stage_source(stage, &source);
		r = files_link_new(s->o.mail_fd, &source, to);
		return r == 0 && stage_where(stage) == STAGE_SYNCED ? 1 : r;
	}
	names_message(from, a->folder, step->mailbox->id, item->from, item->guid);
	r = files_link_old(s->o.mail_fd, from, to);
	return r < 0 ? r : 1;
}

static int sync_item(const struct link_group *g, const struct step *step, const struct item *item)
{
	char path[NAMES_PATH_MAX];

	if (g->logged || item->from > 0 || stage_where(step_stage(step)) == STAGE_SYNCED)
		return 0;
	names_message(path, step->account->folder, step_folder(step)->id, item->to, item->guid);
	return files_sync(g->s->o.mail_fd, path);
}

static void link_step(struct link_job *j, struct step *step)
{
	const struct local *s = j->group->s;

	if (step->m.meta.n > 0 && derived_write(s->o.mail_fd, step->account->folder, step->derived_at,
						step->message.r.guid, step->m.meta) < 0)
		step->message.r.meta_length = 0; /* worked out again when it is asked for */
	step->result = 0;
	for (size_t i = 0; i < step->item_count && step->result == 0; i++) {
		struct item *item = &step->items[i];
		int r = link_item(s, step, item);

		j->sync |= r > 0 || !j->group->logged;
		if (r >= 0)
			item->state = ITEM_LINKED;
		else if (r == -ENOENT && item->from > 0)
			item->state = ITEM_MISSING; /* expunged meanwhile, or lost: apply.c finds out */
		else
			step->result = r;
		if (r >= 0)
			step->result = sync_item(j->group, step, item);
	}
}

static void sync_folders(struct link_job *j)
{
	const struct local *s = j->group->s;
	char path[NAMES_MAILBOX_MAX];

	for (size_t i = 0, end; i < j->count; i = end) {
		struct mailbox *m = step_folder(j->steps[i]);
		int r;

		names_mailbox(path, m->account->folder, m->id);
		r = files_sync_folder(s->o.mail_fd, path, "/cur");
		for (end = i; end < j->count && step_folder(j->steps[end]) == m; end++)
			if (r < 0 && j->steps[end]->result == 0)
				j->steps[end]->result = r;
	}
}

static bool commit_queues(const struct commit *c)
{
	return c->queue != NULL && c->queue->letter != NULL;
}

/* --- the log ---------------------------------------------------------------- */

static size_t entry_size(const struct stage *stage, size_t names)
{
	return REDO_ENTRY_MAX + names * REDO_NAME_MAX + stage_bytes(stage).n;
}

/* Takes its place in the log, if any of it is for the log. */
static bool group_log(const struct link_group *g)
{
	size_t n = 0;

	for (const struct commit *c = g->commits.first; c != NULL; c = c->next) {
		if (c->stage != NULL && stage_where(c->stage) != STAGE_SYNCED)
			n += entry_size(c->stage, c->step_count + 1);
		for (size_t i = 0; i < c->step_count && c->stage == NULL; i++)
			if (c->steps[i].m.stage != NULL && stage_where(step_stage(&c->steps[i])) != STAGE_SYNCED)
				n += entry_size(step_stage(&c->steps[i]), 1);
	}
	return n > 0 && redo_begin(g->s->redo, n);
}

static void log_name(struct buf *frame, const struct step *step)
{
	const struct item *item = step->items;

	if (step->item_count > 0 && item->from == 0 && item->state == ITEM_LINKED)
		redo_put_message(frame, span_of(step->account->name), step_folder(step)->id, item->to, item->guid);
}

static void log_body(struct buf *frame, const struct stage *stage)
{
	redo_put_body(frame, stage_date(stage), stage_bytes(stage));
}

static void log_commit(const struct local *s, struct buf *frame, const struct commit *c)
{
	for (size_t i = 0; i < c->step_count; i++) {
		const struct step *step = &c->steps[i];
		const struct stage *stage = step_stage(step);

		if (stage == NULL || stage_where(stage) == STAGE_SYNCED)
			continue;
		log_name(frame, step);
		if (c->stage == NULL)
			log_body(frame, stage);
	}
	if (c->stage == NULL || stage_where(c->stage) == STAGE_SYNCED)
		return;
	if (commit_queues(c) && c->queue->has_mail && !s->queue_apart)
		redo_put_letter(frame, span_of(c->queue->letter->head.id));
	log_body(frame, c->stage);
}

/* Whoever ends last has all names before him. */
static void link_leave(struct link_group *g)
{
	if (atomic_fetch_sub(&g->linking, 1) > 1 || !g->logged)
		return;
	for (const struct commit *c = g->commits.first; c != NULL; c = c->next)
		if (c->status == STORE_OK)
			log_commit(g->s, redo_frame(g->s->redo), c);
	g->log_result = redo_write(g->s->redo);
}

static void link_job_run(struct job *job)
{
	struct link_job *j = (struct link_job *)job;

	for (size_t i = 0; i < j->count; i++)
		link_step(j, j->steps[i]);
	if (j->sync)
		sync_folders(j);
	link_leave(j->group);
}

static struct link_group *group_of_queue(struct job *job)
{
	return (struct link_group *)((char *)job - offsetof(struct link_group, queue_job));
}

static void queue_failed(const struct link_group *g, int r)
{
	for (struct commit *c = g->commits.first; c != NULL && r < 0; c = c->next)
		if (commit_queues(c) && c->queue->result == 0)
			c->queue->result = r;
}

static bool queue_needs_sync(const struct link_group *g)
{
	bool needs = !g->logged || g->s->queue_apart;

	for (const struct commit *c = g->commits.first; c != NULL && !needs; c = c->next)
		needs = commit_queues(c) && stage_where(c->stage) == STAGE_SYNCED;
	return needs;
}

/* The body's file too, if nothing else has. */
static int queue_sync_body(const struct link_group *g, const struct commit *c)
{
	struct files_source source;

	if (g->logged || stage_where(c->stage) == STAGE_SYNCED)
		return 0;
	stage_source(c->stage, &source);
	return fsync(source.fd) < 0 ? -errno : 0;
}

static void queue_job_run(struct job *job)
{
	struct link_group *g = group_of_queue(job);

	for (struct commit *c = g->commits.first; c != NULL; c = c->next) {
		if (!commit_queues(c))
			continue;
		c->queue->result = queue_link(g->s, c);
		if (c->queue->result >= 0)
			c->queue->result = queue_sync_body(g, c);
	}
	if (queue_needs_sync(g))
		queue_failed(g, files_sync_folder(g->s->o.queue_fd, ".", ""));
	link_leave(g);
}

/* --- a group --------------------------------------------------------------- */

/* What the log was to have is on disk nowhere. */
static void log_failed(struct commit *c, int r)
{
	for (size_t i = 0; i < c->step_count; i++) {
		const struct stage *stage = step_stage(&c->steps[i]);

		if (stage != NULL && stage_where(stage) != STAGE_SYNCED && c->steps[i].result == 0)
			c->steps[i].result = r;
	}
	if (commit_queues(c) && stage_where(c->stage) != STAGE_SYNCED && c->queue->result >= 0)
		c->queue->result = r;
}

static void group_end(struct link_group *g)
{
	struct local *s = g->s;
	struct commit *c;

	s->linking -= !g->big;
	if (g->logged)
		redo_end(s->redo, g->log_result);
	for (c = g->commits.first; c != NULL && g->log_result < 0; c = c->next)
		log_failed(c, g->log_result);
	while ((c = commit_shift(&g->commits)) != NULL) {
		for (size_t i = 0; i < c->step_count; i++) {
			struct step *step = &c->steps[i];

			if (c->links && step->result < 0)
				commit_fail_errno(c, step->result,
						  "the message can't be put into its folder");
			if (g->big)
				step->account->big = false;
			if (step->m.stage != NULL && step->result == 0)
				stage_linked((struct stage *)step->m.stage);
		}
		if (commit_queues(c) && c->queue->result == -EEXIST)
			commit_fail(c, STORE_EXISTS, "an entry of that name is in the queue");
		else if (commit_queues(c) && c->queue->result < 0)
			commit_fail_errno(c, c->queue->result, "the message can't be put into the queue");
		if (c->stage != NULL)
			stage_linked(c->stage);
		if (c->status == STORE_OK)
			flush_enter(c);
		else
			finish_commit(c);
	}
	free(g->steps);
	free(g);
	link_run(s);
}

static void group_rest(struct link_group *g)
{
	if (--g->running == 0)
		group_end(g);
}

static void link_job_done(struct job *job)
{
	group_rest(((struct link_job *)job)->group);
}

static void queue_job_done(struct job *job)
{
	group_rest(group_of_queue(job));
}

static int step_order(const void *a, const void *b)
{
	const struct mailbox *x = step_folder(*(struct step *const *)a),
			     *y = step_folder(*(struct step *const *)b);

	return (uintptr_t)x < (uintptr_t)y ? -1 : (uintptr_t)x > (uintptr_t)y;
}

/* UIDs, in the order in which they will be visible. False: the one that a message brings along is below the
 * next; none is taken then, and the commit makes no more names. */
static bool take_numbers(struct step *step)
{
	struct mailbox *m = step_folder(step);

	if (step->m.change == STORE_APPEND && step->m.uid != 0 && step->m.uid < m->uid_take) {
		commit_fail(step->commit, STORE_INVALID, "the UID %u is below the next one, %u", step->m.uid, m->uid_take);
		return false;
	}
	if (step->m.change == STORE_APPEND && step->m.uid > m->uid_take)
		m->uid_take = step->m.uid;
	for (size_t i = 0; i < step->item_count; i++)
		step->items[i].to = m->uid_take++;
	m->uid_promised -= step->into.uids;
	step->into.uids = 0;
	if (step->m.meta.n > 0)
		derived_take(step);
	return true;
}

/* Shares the folders out among a few jobs. */
static void group_start(struct link_group *g, unsigned queues)
{
	size_t per = g->count / LOCAL_LINK_JOBS + 1, at = 0;

	qsort(g->steps, g->count, sizeof(struct step *), step_order);
	for (size_t i = 0; i < LOCAL_LINK_JOBS && at < g->count; i++) {
		struct link_job *j = &g->jobs[i];
		size_t end = at + per < g->count && i + 1 < LOCAL_LINK_JOBS ? at + per : g->count;

		while (end < g->count && step_folder(g->steps[end]) == step_folder(g->steps[end - 1]))
			end++;
		j->group = g;
		j->steps = g->steps + at;
		j->count = end - at;
		at = end;
		g->running++;
	}
	g->running += queues;
	g->linking = g->running;
	g->logged = !g->big && g->running > 0 && group_log(g);
	for (size_t i = 0, n = g->running - queues; i < n; i++)
		pool_start(g->s, &g->jobs[i].job, link_job_run, link_job_done);
	if (queues > 0)
		pool_start(g->s, &g->queue_job, queue_job_run, queue_job_done);
}

static void group_begin(struct local *s, struct commit_list list, bool big)
{
	struct link_group *g = local_alloc(sizeof(*g));
	unsigned queues = 0;
	size_t n = 0;

	g->s = s;
	g->commits = list;
	g->big = big;
	for (struct commit *c = list.first; c != NULL; c = c->next) {
		n += c->step_count;
		queues |= commit_queues(c);
	}
	g->steps = local_alloc(n * sizeof(struct step *));
	for (struct commit *c = list.first; c != NULL; c = c->next)
		for (size_t i = 0; i < c->step_count; i++) {
			if (c->steps[i].item_count == 0)
				continue;
			if (c->status == STORE_OK && take_numbers(&c->steps[i]))
				g->steps[g->count++] = &c->steps[i];
			else
				c->steps[i].result = -EINVAL;
		}
	s->linking += !big;
	for (struct commit *c = list.first; c != NULL; c = c->next)
		if (c->status == STORE_OK)
			order_leave(c);
	group_start(g, queues);
	if (g->running == 0) /* all were refused */
		group_end(g);
}

/* --- who is next ----------------------------------------------------------- */

static bool commit_held_up(const struct commit *c)
{
	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].account->big)
			return true;
	return false;
}

/* Takes all that may go together off the queue; one big one alone, if it stands first. */
static struct commit_list link_gather(struct local *s, bool *big)
{
	struct commit_list all = s->to_link, take = { 0 };
	struct commit *c;

	*big = false;
	s->to_link = (struct commit_list){ 0 };
	while ((c = commit_shift(&all)) != NULL) {
		bool fits = !*big && !commit_held_up(c) && (!c->big || take.first == NULL);

		if (!fits) {
			commit_push(&s->to_link, c);
			continue;
		}
		*big = c->big;
		for (size_t i = 0; i < c->step_count && c->big; i++)
			c->steps[i].account->big = true;
		commit_push(&take, c);
	}
	return take;
}

static enum turn_more link_turn(void *arg)
{
	struct local *s = arg;

	while (s->linking == 0 && s->to_link.first != NULL) {
		bool big;
		struct commit_list take = link_gather(s, &big);

		if (take.first == NULL)
			break;
		group_begin(s, take, big);
	}
	return TURN_DONE;
}

/* Not at once: what else becomes ready in this round of the loop goes along. */
void link_run(struct local *s)
{
	if (s->linking == 0 && s->to_link.first != NULL)
		turns_add(s->turns, &s->link_turn, link_turn, s);
}

void link_enter(struct commit *c)
{
	c->phase = PHASE_LINK;
	commit_push(&c->call.s->to_link, c);
	link_run(c->call.s);
}

/* --- names that go --------------------------------------------------------- */

struct unlinking {
	struct job job;
	struct mailbox *mailbox; /* held, its account too */
	struct item *items;      /* kept; the UIDs in `to` */
	size_t count;
};

static void unlink_run(struct job *job)
{
	struct unlinking *u = (struct unlinking *)job;
	char path[NAMES_PATH_MAX];

	for (size_t i = 0; i < u->count; i++) {
		names_message(path, u->mailbox->account->folder, u->mailbox->id, u->items[i].to,
			      u->items[i].guid);
		unlinkat(job->s->o.mail_fd, path, 0);
	}
}

static void unlink_done(struct job *job)
{
	struct unlinking *u = (struct unlinking *)job;
	struct account *a = u->mailbox->account;

	u->mailbox->holds--;
	u->mailbox->unlinked = true;
	mailbox_rest(u->mailbox);
	mailbox_release(u->mailbox);
	account_release(a);
	free(u->items);
	free(u);
}

void unlink_items(struct mailbox *m, struct item *items, size_t count)
{
	struct unlinking *u;

	if (count == 0 || m->gone) {
		free(items);
		return;
	}
	u = local_alloc(sizeof(*u));
	*u = (struct unlinking){ .mailbox = m, .items = items, .count = count };
	mailbox_hold(m);
	account_keep(m->account);
	m->holds++;
	pool_start(m->account->s, &u->job, unlink_run, unlink_done);
}

void link_undo(struct step *step)
{
	size_t n = 0;

	for (size_t i = 0; i < step->item_count; i++)
		if (step->items[i].state == ITEM_LINKED)
			step->items[n++] = step->items[i];
	if (step->into.mailbox != NULL)
		unlink_items(step->into.mailbox, step->items, n);
	else
		free(step->items);
	step->items = NULL;
	step->item_count = 0;
}
