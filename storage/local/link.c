/*
 * link.c - names in the folders of mailboxes: made for all commits in hand together, each
 * folder synced once. And taken away again.
 *
 * It happens in rounds (together.h), as the sealing of bodies does. One group is at it at a
 * time, and UIDs are taken when it begins: so groups reach the index in the order of their UIDs. A
 * commit of very many names would hold the others up; it becomes a group of its own beside the
 * next ones, and its accounts take no others meanwhile. The queue is one folder more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/queue.h"
#include "storage/local/stage.h"

struct link_group;

struct link_job {
	struct together together;
	struct link_group *group;
	struct step **steps; /* sorted by folder */
	size_t count;
	bool apart; /* some names may lie in another file system than mail/tmp */
};

struct link_group {
	struct local *s;
	struct commit_list commits;
	struct step **steps; /* all that make names */
	size_t count;
	struct link_job jobs[LOCAL_LINK_JOBS];
	struct together queue_job;
	size_t running;
	bool big;
};

static struct mailbox *step_folder(const struct step *step)
{
	return step->into.mailbox;
}

/* --- on the pool ----------------------------------------------------------- */

/* 1: in whichever file system. */
static int link_item(const struct local *s, const struct step *step, const struct item *item)
{
	const struct account *a = step->account;
	char from[NAMES_PATH_MAX], to[NAMES_PATH_MAX];
	const struct stage *stage =
	    step->commit->stage != NULL ? step->commit->stage : (struct stage *)step->m.stage;
	struct files_source source;
	int r;

	names_message(to, a->folder, step_folder(step)->id, item->to, item->guid);
	if (item->from == 0) {
		stage_source(stage, &source);
		return files_link_new(s->o.mail_fd, &source, to);
	}
	names_message(from, a->folder, step->mailbox->id, item->from, item->guid);
	r = files_link_old(s->o.mail_fd, from, to);
	return r < 0 ? r : 1;
}

static void link_step(const struct local *s, struct link_job *j, struct step *step)
{
	if (step->m.meta.n > 0 && derived_write(s->o.mail_fd, step->account->folder, step->derived_at,
						step->message.r.guid, step->m.meta) < 0)
		step->message.r.meta_length = 0; /* worked out again when it is asked for */
	step->result = 0;
	for (size_t i = 0; i < step->item_count && step->result == 0; i++) {
		struct item *item = &step->items[i];
		int r = link_item(s, step, item);

		j->apart |= r > 0;
		if (r >= 0)
			item->state = ITEM_LINKED;
		else if (r == -ENOENT && item->from > 0)
			item->state = ITEM_MISSING; /* expunged meanwhile, or lost: apply.c finds out */
		else
			step->result = r;
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

static void link_job_run(struct together *t)
{
	struct link_job *j = (struct link_job *)t;

	for (size_t i = 0; i < j->count; i++)
		link_step(j->group->s, j, j->steps[i]);
	if (j->apart)
		sync_folders(j);
}

static int link_job_sync(struct together *t)
{
	struct link_job *j = (struct link_job *)t;

	if (!j->apart)
		sync_folders(j);
	return 0;
}

static bool commit_queues(const struct commit *c)
{
	return c->queue != NULL && c->queue->letter != NULL;
}

static struct link_group *group_of_queue(struct together *t)
{
	return (struct link_group *)((char *)t - offsetof(struct link_group, queue_job));
}

static void queue_failed(const struct link_group *g, int r)
{
	for (struct commit *c = g->commits.first; c != NULL && r < 0; c = c->next)
		if (commit_queues(c) && c->queue->result == 0)
			c->queue->result = r;
}

static int queue_sync(struct together *t)
{
	const struct local *s = group_of_queue(t)->s;

	return s->queue_apart ? 0 : files_sync_folder(s->o.queue_fd, ".", "");
}

static void queue_job_run(struct together *t)
{
	const struct link_group *g = group_of_queue(t);

	for (struct commit *c = g->commits.first; c != NULL; c = c->next)
		if (commit_queues(c))
			c->queue->result = queue_link(g->s, c);
	if (g->s->queue_apart)
		queue_failed(g, files_sync_folder(g->s->o.queue_fd, ".", ""));
}

/* --- a group --------------------------------------------------------------- */

static void group_end(struct link_group *g)
{
	struct local *s = g->s;
	struct commit *c;

	s->linking -= !g->big;
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

static void link_job_done(struct together *t, int result)
{
	const struct link_job *j = (struct link_job *)t;

	for (size_t i = 0; i < j->count && result < 0; i++)
		if (j->steps[i]->result == 0)
			j->steps[i]->result = result;
	group_rest(j->group);
}

static void queue_job_done(struct together *t, int result)
{
	struct link_group *g = group_of_queue(t);

	queue_failed(g, result);
	group_rest(g);
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

/* Many names are no work for a round, nor what may lie elsewhere. */
static void job_start(struct link_job *j)
{
	size_t names = 0;

	j->together.run = link_job_run;
	j->together.sync = link_job_sync;
	j->together.done = link_job_done;
	for (size_t i = 0; i < j->count; i++) {
		names += j->steps[i]->item_count;
		j->together.files += i == 0 || step_folder(j->steps[i]) != step_folder(j->steps[i - 1]);
	}
	if (names <= LOCAL_BIG)
		together_add(j->group->s, &j->together);
	else
		together_alone(j->group->s, &j->together);
}

static void queue_start(struct link_group *g)
{
	g->queue_job.files = 1;
	g->queue_job.run = queue_job_run;
	g->queue_job.sync = queue_sync;
	g->queue_job.done = queue_job_done;
	together_add(g->s, &g->queue_job);
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
	for (size_t i = 0, n = g->running - queues; i < n; i++)
		job_start(&g->jobs[i]);
	if (queues > 0)
		queue_start(g);
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
