/*
 * prepare.c - what must be there before a commit's names are made. First what is read:
 * bodies sealed, sources of copies listed, room measured. Then what is written ahead:
 * folders marked dirty, floors raised, folders of new mailboxes.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "storage/local/inner.h"
#include "storage/local/queue.h"
#include "storage/local/stage.h"
#include "storage/local/statefile.h"
#include "storage/local/walk.h"
#include "storage/meta.h"

static struct step *step_of_after(struct after *after)
{
	return (struct step *)((char *)after - offsetof(struct step, after));
}

static bool step_takes(const struct step *step)
{
	return step->kind == STEP_STORE && (step->m.change == STORE_APPEND || step->m.change == STORE_COPY ||
					    step->m.change == STORE_MOVE);
}

static bool step_moves_inbox(const struct step *step)
{
	return step->m.change == STORE_RENAME && step->mailbox != NULL && mailbox_is_inbox(step->mailbox);
}

/* --- reading --------------------------------------------------------------- */

static bool item_add(struct step *step, const struct item *item)
{
	if (step->item_count == step->item_room) {
		size_t room = step->item_room > 0 ? step->item_room * 2 : 1;
		struct item *more = realloc(step->items, room * sizeof(*more));

		if (more == NULL)
			return false;
		step->items = more;
		step->item_room = room;
	}
	step->items[step->item_count++] = *item;
	return true;
}

/* Lists the messages that a copy takes, in turns. */
static enum turn_more collect_step(void *arg)
{
	struct step *step = arg;
	struct message message;
	struct walk walk;
	unsigned n = 0;
	int r = 1;

	walk_open(&walk, step->mailbox, step_moves_inbox(step) ? walk_all() : step->m.uids, step->collect_at);
	while (n++ < TURN_RECORDS && (r = walk_next(&walk, &message)) > 0) {
		struct item item = { .from = message.r.uid };

		memcpy(item.guid, message.r.guid, STORE_GUID);
		if (!item_add(step, &item)) {
			r = -ENOMEM;
			break;
		}
	}
	step->collect_at = walk.at;
	walk_close(&walk);
	if (r > 0)
		return TURN_AGAIN;
	if (r < 0)
		commit_fail_errno(step->commit, r, "the messages can't be listed");
	commit_go_on(step->commit);
	return TURN_DONE;
}

static void body_sealed(struct commit *c, const struct stage *stage, enum store_status status)
{
	if (status != STORE_OK)
		commit_fail(c, status, "the message can't be stored: %s", strerror(-stage_error(stage)));
	commit_go_on(c);
}

static void step_sealed(struct after *after, enum store_status status)
{
	struct step *step = step_of_after(after);

	body_sealed(step->commit, (struct stage *)step->m.stage, status);
}

static void shared_sealed(struct after *after, enum store_status status)
{
	struct commit *c = (struct commit *)((char *)after - offsetof(struct commit, body));

	body_sealed(c, c->stage, status);
}

/* A body for one message is made into its file when the name is known. */
static enum stage_place seal_wanted(const struct commit *c)
{
	if (c->call.s->redo == NULL)
		return STAGE_SYNCED;
	return c->stage == NULL || (c->step_count == 1 && c->queue == NULL) ? STAGE_HELD : STAGE_WRITTEN;
}

static void prepare_body(struct commit *c, struct stage *stage, const int64_t *date_s, struct after *after)
{
	commit_wait(c);
	if (stage_seal(stage, seal_wanted(c), date_s, after))
		commit_go_on(c);
}

static void measured(struct after *after, enum store_status status)
{
	(void)status;
	commit_go_on((struct commit *)((char *)after - offsetof(struct commit, after)));
}

static bool step_brings(const struct step *step)
{
	return step->kind == STEP_STORE && step->m.change == STORE_APPEND && step->commit->kind == COMMIT_STORE;
}

static void prepare_step(struct step *step)
{
	struct commit *c = step->commit;

	if (step->kind == STEP_META)
		return;
	if (step_brings(step)) {
		step->after.run = step_sealed;
		prepare_body(c, (struct stage *)step->m.stage, &step->m.internal_s, &step->after);
	}
	if (step->m.change == STORE_COPY || step->m.change == STORE_MOVE || step_moves_inbox(step)) {
		commit_wait(c);
		turns_add(c->call.s->turns, &step->turn, collect_step, step);
	}
}

static bool takes_mail(const struct commit *c)
{
	for (size_t i = 0; i < c->step_count; i++)
		if (step_takes(&c->steps[i]))
			return true;
	return c->queue != NULL && c->queue->letter != NULL;
}

/* Mail is refused early, before it fills the disk. */
static void check_room(struct commit *c)
{
	if (takes_mail(c) && !space_room(c->call.s->space, 0))
		commit_fail(c, STORE_TRY_LATER, "the disk is full");
}

void prepare_read(struct commit *c)
{
	c->after.run = measured;
	if (takes_mail(c)) {
		commit_wait(c);
		if (space_fresh(c->call.s->space, &c->after)) {
			check_room(c);
			commit_go_on(c);
		}
	}
	if (c->status != STORE_OK)
		return;
	c->body.run = shared_sealed;
	if (c->stage != NULL)
		prepare_body(c, c->stage, NULL, &c->body);
	for (size_t i = 0; i < c->step_count; i++)
		prepare_step(&c->steps[i]);
}

/* --- numbers and marks ----------------------------------------------------- */

static void floor_raised(struct after *after, enum store_status status)
{
	struct promise *p = (struct promise *)((char *)after - offsetof(struct promise, floor));

	if (status != STORE_OK)
		commit_fail(p->commit, status, "the mailbox's state file can't be written");
	commit_go_on(p->commit);
}

static void promise_make(struct promise *p, struct commit *c, struct mailbox *m, uint32_t uids)
{
	assert(m != NULL);
	mailbox_hold(m);
	p->mailbox = m;
	p->commit = c;
	if ((uint64_t)m->uid_take + m->uid_promised + uids > UINT32_MAX - 2 * LOCAL_UID_BLOCK) {
		commit_fail(c, STORE_LIMIT, "the mailbox has given all its UIDs"); /* RFC 9051 2.3.1.1 */
		return;
	}
	p->uids += uids;
	p->modseqs++;
	m->uid_promised += uids;
	m->modseq_promised++;
	p->floor.run = floor_raised;
	if (state_raise(m, &p->floor))
		commit_wait(c);
}

static void mailbox_marked(struct after *after, enum store_status status)
{
	struct mailbox *m = (struct mailbox *)((char *)after - offsetof(struct mailbox, mark_after));

	m->mark = status == STORE_OK ? MARK_SET : MARK_NONE;
	after_run(&m->mark_waits, status);
	account_release(m->account);
	mailbox_release(m);
}

static int mark_put(struct mailbox *m)
{
	struct local *s = m->account->s;
	struct key k;
	int r;

	key_mailbox(&k, KEY_DIRTY, m->account->record.number, m->id);
	r = local_put(s, &k, (struct span){ NULL, 0 });
	if (r < 0)
		return r;
	m->mark = MARK_ASKED;
	m->mark_after.run = mailbox_marked;
	mailbox_hold(m);
	account_keep(m->account);
	settle_later(m->account);
	flush_after(s, &m->mark_after);
	return 0;
}

static void folder_marked(struct after *after, enum store_status status)
{
	struct promise *p = (struct promise *)((char *)after - offsetof(struct promise, mark));

	if (status != STORE_OK)
		commit_fail(p->commit, status, "the mailbox can't be marked");
	commit_go_on(p->commit);
}

/* The index must say, on disk, that the folder may hold files it does not know. */
static void promise_mark(struct promise *p)
{
	struct mailbox *m = p->mailbox;
	int r = 0;

	p->held = true;
	m->holds++;
	if (m->mark == MARK_SET)
		return;
	if (m->mark == MARK_NONE)
		r = mark_put(m);
	if (r < 0) {
		commit_fail_errno(p->commit, r, "the mailbox can't be marked");
		return;
	}
	p->mark.run = folder_marked;
	commit_wait(p->commit);
	after_add(&m->mark_waits, &p->mark);
}

/* --- new mailboxes --------------------------------------------------------- */

static void make_run(struct job *job)
{
	struct step *step = (struct step *)((char *)job - offsetof(struct step, job));
	int mail_fd = job->s->o.mail_fd;
	char path[NAMES_MAILBOX_MAX];
	struct buf text;
	int r;

	buf_init(&text, STATEFILE_MAX);
	statefile_mailbox(&text, &step->fresh->head, step->fresh->name);
	names_mailbox(path, step->account->folder, step->fresh->id);
	r = text.failed ? -ENOMEM : files_make_account(mail_fd, step->account->folder);
	if (r == 0)
		r = files_make_mailbox(mail_fd, path, buf_span(&text));
	if (r == 0)
		r = files_sync_folder(mail_fd, step->account->folder, "");
	step->result = r;
	buf_clear(&text);
}

static void make_done(struct job *job)
{
	struct step *step = (struct step *)((char *)job - offsetof(struct step, job));

	if (step->result < 0)
		commit_fail_errno(step->commit, step->result, "the mailbox's folder can't be made");
	commit_go_on(step->commit);
}

static void make_marked(struct after *after, enum store_status status)
{
	struct step *step = step_of_after(after);

	(void)status;
	pool_start(step->commit->call.s, &step->job, make_run, make_done);
}

/* RFC 9051 2.3.1.1: a UIDVALIDITY never comes back, and rises */
static uint32_t next_uidvalidity(struct account *a)
{
	uint32_t now = (uint32_t)(clock_real_ms() / 1000);

	if (now > a->record.uidvalidity)
		a->record.uidvalidity = now;
	else
		a->record.uidvalidity++;
	return a->record.uidvalidity;
}

/* The folder is noted as garbage until the commit that knows the mailbox is in the index. */
static void prepare_mailbox(struct step *step)
{
	struct account *a = step->account;
	struct commit *c = step->commit;
	bool subscribed;
	struct key k;
	int r;

	if (mailbox_by_name(a, step->m.name) != NULL) {
		commit_fail(c, STORE_EXISTS, "a mailbox of that name is there");
		return;
	}
	if (a->mailbox_count >= c->call.s->o.mailbox_limit) {
		commit_fail(c, STORE_LIMIT, "the account has its %zu mailboxes", a->mailbox_count);
		return;
	}
	step->fresh = mailbox_new(a, a->record.next_mailbox, step->m.name);
	if (step->fresh == NULL) {
		commit_fail(c, STORE_TRY_LATER, "no memory");
		return;
	}
	a->record.next_mailbox++;
	absent_place(a, step->m.name, &subscribed);
	step->fresh->head = (struct head){
		.role = (uint8_t)(step->m.change == STORE_CREATE ? step->m.role : STORE_ROLE_NONE),
		.subscribed = subscribed || c->kind == COMMIT_INNER,
		.uidvalidity = next_uidvalidity(a),
		.uidnext = 1,
		.recent_uid = 1,
		.modseq = 1,
		.flags_modseq = 1,
		.unseen_hint = 1,
		.uid_floor = 1 + (uint32_t)step->item_count + LOCAL_UID_BLOCK,
		.modseq_floor = 1 + LOCAL_MODSEQ_BLOCK,
	};
	key_mailbox(&k, KEY_GARBAGE, a->record.number, step->fresh->id);
	r = local_put(c->call.s, &k, (struct span){ NULL, 0 });
	if (r < 0) {
		mailbox_release(step->fresh);
		step->fresh = NULL;
		commit_fail_errno(c, r, "the new mailbox can't be noted");
		return;
	}
	commit_wait(c);
	step->after.run = make_marked;
	flush_after(c->call.s, &step->after);
}

/* --- metadata handed back -------------------------------------------------- */

static void meta_run(struct job *job)
{
	struct step *step = (struct step *)((char *)job - offsetof(struct step, job));

	step->result = derived_write(job->s->o.mail_fd, step->account->folder, step->derived_at,
				     step->message.r.guid, step->m.meta);
}

static void meta_done(struct job *job)
{
	struct step *step = (struct step *)((char *)job - offsetof(struct step, job));

	if (step->result < 0)
		commit_fail_errno(step->commit, step->result, "the metadata can't be written");
	commit_go_on(step->commit);
}

static void prepare_meta(struct step *step)
{
	struct commit *c = step->commit;
	struct message found;
	int r = message_get(step->mailbox, step->message.r.uid, &found);

	if (r == -ENOENT) {
		commit_fail(c, STORE_NOT_FOUND, "there is no such message");
		return;
	}
	if (r < 0) {
		commit_fail_errno(c, r, "the message can't be read");
		return;
	}
	memcpy(step->message.r.guid, found.r.guid, STORE_GUID);
	derived_take(step);
	commit_wait(c);
	pool_start(c->call.s, &step->job, meta_run, meta_done);
}

/* --- all together ---------------------------------------------------------- */

static void prepare_append(struct step *step)
{
	struct commit *c = step->commit;
	struct stage *stage = c->stage != NULL ? c->stage : (struct stage *)step->m.stage;
	struct store_record *r = &step->message.r;
	struct item item = { .from = 0 };

	if (step != c->steps && c->stage != NULL) /* one file, one GUID */
		memcpy(r->guid, c->steps[0].message.r.guid, STORE_GUID);
	else
		randombytes_buf(r->guid, STORE_GUID);
	memcpy(item.guid, r->guid, STORE_GUID);
	r->size = stage_size((struct store_stage *)stage);
	r->internal_s = stage_date(stage);
	r->flags = step->m.flags;
	step->message.address = step->address;
	if (!item_add(step, &item))
		commit_fail(c, STORE_TRY_LATER, "no memory");
}

/* How many numbers: one for each message, or all up to the one that it brings along. */
static uint32_t uids_wanted(const struct step *step, const struct mailbox *target)
{
	uint64_t next = target->uid_take + target->uid_promised;

	if (step->m.change == STORE_APPEND && step->m.uid > next)
		return (uint32_t)(step->m.uid - next + 1);
	return (uint32_t)step->item_count;
}

static void sources_settled(struct after *after, enum store_status status)
{
	struct step *step = (struct step *)((char *)after - offsetof(struct step, settled));

	(void)status;
	commit_go_on(step->commit);
}

/* What gets a second name is on disk first: the log writes a file again under the name that it knows. */
static void prepare_sources(struct step *step)
{
	step->settled.run = sources_settled;
	if (redo_settle(step->commit->call.s->redo, &step->settled))
		commit_wait(step->commit);
}

static void prepare_take(struct step *step, struct mailbox *target)
{
	if (step->item_count == 0)
		return;
	if (step->items[0].from > 0)
		prepare_sources(step);
	step->commit->links = true;
	step->commit->big |= step->item_count > LOCAL_BIG;
	promise_make(&step->into, step->commit, target, uids_wanted(step, target));
	promise_mark(&step->into);
}

static void prepare_store(struct step *step)
{
	struct commit *c = step->commit;

	switch (step->m.change) {
	case STORE_APPEND:
		prepare_append(step);
		prepare_take(step, step->mailbox);
		return;
	case STORE_COPY:
		prepare_take(step, step->target);
		return;
	case STORE_MOVE:
		prepare_take(step, step->target);
		promise_make(&step->out, c, step->mailbox, 0);
		return;
	case STORE_SET_FLAGS:
	case STORE_EXPUNGE:
	case STORE_SET_UIDVALIDITY:
		promise_make(&step->out, c, step->mailbox, 0);
		return;
	case STORE_CREATE:
		prepare_mailbox(step);
		return;
	case STORE_RENAME:
		if (!step_moves_inbox(step))
			return;
		prepare_mailbox(step);
		promise_make(&step->out, c, step->mailbox, 0);
		if (step->fresh != NULL)
			prepare_take(step, step->fresh);
		return;
	default:
		return;
	}
}

void prepare_files(struct commit *c)
{
	check_room(c);
	for (size_t i = 0; i < c->step_count && c->status == STORE_OK; i++) {
		struct step *step = &c->steps[i];

		if ((step->mailbox != NULL && step->mailbox->gone) ||
		    (step->target != NULL && step->target->gone))
			commit_fail(c, STORE_NOT_FOUND, "the mailbox was deleted");
		else if (step->kind == STEP_META)
			prepare_meta(step);
		else
			prepare_store(step);
	}
	queue_prepare(c);
}
