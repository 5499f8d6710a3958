/*
 * notify.c - the jobs of NOTIFY: commands without a tag, that run when no other does, or while IDLE waits.
 *
 * There are three: news of the selected mailbox; FETCH of what came into it; and a look at the others, one or all.
 */
#include "imapd/notify.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LOOK_AGAIN = 5,		/* walks that a change of the names has made worthless */
	RETRY_MS = 1000,	/* after a look that failed */
	FRESH_RANGES = 100,	/* more of them are fetched as one, with what lies between */
	OWN_BYTES = 64 * 1024,
	TAG_MAX = 256 * 1024
};

/* --- what was asked for ------------------------------------------------------ */

static int copy_group(struct imap_notify *n, struct notify_group *to, const struct notify_group *from)
{
	*to = *from;
	to->names = arena_array(n->memory, from->count + 1, sizeof(*to->names));
	if (to->names == NULL)
		return -E2BIG;
	for (size_t i = 0; i < from->count; i++) {
		to->names[i] = arena_copy(n->memory, from->names[i]);
		if (to->names[i].p == NULL)
			return -E2BIG;
	}
	return 0;
}

static int fill(struct imap_notify *n, const struct notify_group *groups, size_t count, struct span items)
{
	n->groups = arena_array(n->memory, count + 1, sizeof(*n->groups));
	n->items = arena_copy(n->memory, items);
	if (n->groups == NULL || (n->items.p == NULL && items.n > 0))
		return -E2BIG;
	for (size_t i = 0; i < count; i++) {
		int r = copy_group(n, &n->groups[i], &groups[i]);

		if (r != 0)
			return r;
	}
	n->group_n = count;
	return 0;
}

int notify_new(struct imap_notify **out, const struct notify_group *groups, size_t count, struct span items)
{
	struct imap_notify *n = calloc(1, sizeof(*n));
	int r = -ENOMEM;

	*out = NULL;
	if (n == NULL)
		return -ENOMEM;
	buf_init(&n->idle_tag, TAG_MAX);
	if (arena_new(&n->memory, NOTIFY_NAME_BYTES + NOTIFY_ITEMS, ARENA_PLAIN, NULL) == 0 &&
	    arena_new(&n->own_names, OWN_BYTES, ARENA_PLAIN, NULL) == 0 && notify_table_init(&n->told) == 0)
		r = fill(n, groups, count, items);
	if (r != 0)
		notify_free(n);
	else
		*out = n;
	return r;
}

void notify_free(struct imap_notify *n)
{
	if (n == NULL)
		return;
	notify_table_clear(&n->told);
	notify_table_clear(&n->seen);
	notify_notes_clear(&n->server);
	imap_ranges_clear(&n->fresh);
	imap_ranges_clear(&n->own_uids);
	arena_free(n->memory);
	arena_free(n->own_names);
	buf_clear(&n->idle_tag);
	free(n);
}

void imap_notify_free(struct imap_server *e)
{
	notify_free(e->notify);
	e->notify = NULL;
}

/* --- what the rest of the engine asks ---------------------------------------- */

bool imap_notify_selected(const struct imap_server *e)
{
	return !imap_notify_used(e) || e->notify->selected != 0;
}

bool imap_notify_flags(const struct imap_server *e)
{
	return !imap_notify_used(e) || e->notify->selected == 0 || (e->notify->selected & NOTIFY_FLAGS) != 0;
}

static bool is_own_uid(const struct imap_notify *n, uint32_t uid)
{
	struct store_set own = { n->own_uids.r, n->own_uids.n };

	return imap_set_has(&own, uid);
}

int imap_notify_came(struct imap_server *e, uint32_t uid)
{
	struct imap_notify *n = e->notify;

	if (n == NULL || n->items.n == 0 || is_own_uid(n, uid))
		return 0;
	return imap_ranges_add(&n->fresh, uid, uid);
}

void imap_notify_synced(struct imap_server *e)
{
	if (e->notify != NULL)
		imap_ranges_clear(&e->notify->own_uids);
}

void imap_notify_deselected(struct imap_server *e)
{
	if (e->notify == NULL)
		return;
	imap_ranges_clear(&e->notify->fresh);
	imap_ranges_clear(&e->notify->own_uids);
}

/* The store's hint. A look at the selected mailbox uses it up as well as any other. */
void imap_notify_hint(struct imap_server *e, uint64_t mailbox)
{
	bool here = e->state == IMAP_SELECTED && mailbox == e->sel.mailbox && imap_notify_selected(e);

	e->dirty |= !imap_notify_used(e) || !notify_watches(e->notify) || mailbox == 0 || here;
	if (mailbox == 0 || (e->hint_mailbox != 0 && e->hint_mailbox != mailbox))
		e->hint_all = true;
	else if (!here || imap_notify_metadata_on(e))
		e->hint_mailbox = mailbox;
}

/* The messages of the selected mailbox are told of by sync.c, those of any other by a look at it; annotations are read
 * once nothing else is to do. */
void imap_notify_saw(struct imap_server *e, const struct store_mailbox *m)
{
	struct notify_box *box = e->notify != NULL ? notify_table_by_id(&e->notify->told, m->id) : NULL;

	if (box == NULL)
		return;
	if (box->m.notes != m->notes)
		e->notify->notes_due = true;
	box->m.notes = m->notes;
	if (box->m.modseq != m->modseq && m->id != e->sel.mailbox && !imap_notify_works(e))
		imap_notify_hint(e, m->id);
}

/* --- this session's own changes: RFC 5465 5 ----------------------------------- */

static void note_own(struct imap_notify *n, const struct store_mutation *m)
{
	struct notify_own *own = &n->own[n->own_n];

	if (n->own_n == NOTIFY_OWN)
		return;
	*own = (struct notify_own){ m->change, m->mailbox, arena_copy(n->own_names, m->name) };
	if (own->name.p != NULL || m->name.n == 0)
		n->own_n++;
}

static int note_messages(struct imap_server *e, const struct store_mutation *m, const struct store_result *r)
{
	bool into = m->change == STORE_COPY || m->change == STORE_MOVE;
	uint64_t mailbox = into ? m->target : m->mailbox;
	struct notify_box *box = notify_table_by_id(&e->notify->told, mailbox);

	if (box != NULL)
		box->own_modseq = r->modseq;
	if (mailbox != e->sel.mailbox || (!into && m->change != STORE_APPEND))
		return 0;
	for (size_t i = 0; i < r->to.count; i++)
		if (imap_ranges_add(&e->notify->own_uids, r->to.ranges[i].first, r->to.ranges[i].last) != 0)
			return -ENOMEM;
	return 0;
}

void imap_notify_committed(struct imap_server *e, const struct imap_result *result)
{
	if (e->notify == NULL || result->status != STORE_OK)
		return;
	for (size_t i = 0; i < e->ask.commit.count; i++) {
		const struct store_mutation *m = &e->ask.commit.mutations[i];

		if (m->change == STORE_ANNOTATE)
			notify_notes_own(e->notify, m);
		else if (m->change >= STORE_CREATE)
			note_own(e->notify, m);
		else if (i < result->commit.count && note_messages(e, m, &result->commit.results[i]) != 0)
			imap_ranges_clear(&e->notify->own_uids);	/* it is told of them: no harm */
	}
}

/* --- a look at all mailboxes --------------------------------------------------- */

static enum imap_run walk_page(struct imap_server *e);

static enum imap_run walk_ask(struct imap_server *e)
{
	imap_ask(e, IMAP_LIST, walk_page)->from = notify_at_work(e)->from;
	return IMAP_RUN_WAIT;
}

static enum imap_run walk_end(struct imap_server *e, enum store_status status)
{
	struct imap_notify *n = notify_at_work(e);

	n->status = status;
	return imap_go(e, n->after);
}

static enum imap_run walk_begin(struct imap_server *e)
{
	struct imap_notify *n = notify_at_work(e);

	e->hint_all = false;
	e->hint_mailbox = 0;
	n->from = n->pages = 0;
	notify_table_clear(&n->seen);
	if (notify_table_init(&n->seen) != 0)
		return walk_end(e, STORE_TRY_LATER);
	return imap_go(e, walk_ask);
}

/* The pages are of several moments: a name that moved from one to another between them may be missing. */
static enum imap_run walk_whole(struct imap_server *e)
{
	struct imap_notify *n = notify_at_work(e);

	if (n->pages == 1 || !e->hint_all)
		return walk_end(e, STORE_OK);
	return n->again++ < LOOK_AGAIN ? walk_begin(e) : walk_end(e, STORE_TRY_LATER);
}

static enum imap_run walk_page(struct imap_server *e)
{
	const struct store_list *list = e->result->list;
	struct imap_notify *n = notify_at_work(e);

	if (e->result->status != STORE_OK)
		return walk_end(e, e->result->status);
	for (size_t i = 0; i < list->count; i++) {
		int r = notify_table_add(&n->seen, n, &list->mailboxes[i]);

		if (r != 0)
			return walk_end(e, r == -E2BIG ? STORE_LIMIT : STORE_TRY_LATER);
	}
	e->work += (unsigned)list->count;
	n->server_number = list->notes;
	n->pages++;
	n->from = list->next;
	return n->from != 0 ? imap_go(e, walk_ask) : walk_whole(e);
}

enum imap_run notify_walk(struct imap_server *e, struct imap_notify *n, imap_step after)
{
	n->after = after;
	n->again = 0;
	return walk_begin(e);
}

/* --- the jobs ------------------------------------------------------------------ */

static const struct imap_command news_job = { "NOTIFY", NULL, NULL, IMAP_AUTH | IMAP_SELECTED, 0, NULL };
/* RFC 5465 6.1.2 */
static const struct imap_command delayed_job = { "NOTIFY", NULL, NULL, IMAP_SELECTED, C_NO_EXPUNGE, NULL };

static enum imap_run job_done(struct imap_server *e)
{
	(void)e;
	return IMAP_RUN_DONE;
}

/* Later, with all of it: nothing of this look was told. */
static enum imap_run look_failed(struct imap_server *e)
{
	e->hint_all = true;
	e->retry_ms = e->now_ms + RETRY_MS;
	return IMAP_RUN_DONE;
}

/* RFC 5465 5.8: from here on it is as after NOTIFY NONE. */
static enum imap_run overflow(struct imap_server *e)
{
	struct imap_notify *n = e->notify;

	imap_text(e, "* OK [NOTIFICATIONOVERFLOW] Too much to watch: nothing is told from here on\r\n");
	n->group_n = 0;
	n->selected = n->always = 0;
	n->items.n = 0;
	n->notes_due = false;
	notify_table_clear(&n->told);
	notify_table_clear(&n->seen);
	notify_notes_clear(&n->server);
	return IMAP_RUN_DONE;
}

static enum imap_run notes_read(struct imap_server *e)
{
	if (e->notify->status == STORE_LIMIT)
		return overflow(e);
	return e->notify->status == STORE_OK ? IMAP_RUN_DONE : look_failed(e);
}

static enum imap_run look_notes(struct imap_server *e)
{
	return notify_notes_read(e, e->notify, notes_read);
}

static enum imap_run tell_all(struct imap_server *e)
{
	struct imap_notify *n = e->notify;

	if (!notify_tell(e, n))
		return IMAP_RUN_MORE;
	notify_notes_keep(&n->told, &n->seen);
	notify_table_clear(&n->told);
	n->told = n->seen;
	n->seen = (struct notify_table){ .n = 0 };
	n->own_n = 0;
	arena_reset(n->own_names);
	return imap_go(e, look_notes);
}

static enum imap_run walked(struct imap_server *e)
{
	struct imap_notify *n = e->notify;

	if (n->status == STORE_LIMIT)
		return overflow(e);
	if (n->status != STORE_OK)
		return look_failed(e);
	n->at_told = n->at_seen = 0;
	n->root_old = n->root_new = (struct span){ NULL, 0 };
	return imap_go(e, tell_all);
}

static enum imap_run look_all(struct imap_server *e)
{
	return notify_walk(e, e->notify, walked);
}

/* One mailbox, of which a page tells all that is wanted. Where it is not in the table nobody asked for it. */
static enum imap_run one_there(struct imap_server *e)
{
	const struct imap_result *r = e->result;
	struct notify_box *box, seen;

	if (r->status == STORE_NOT_FOUND) {
		e->hint_all = true;
		return IMAP_RUN_DONE;
	}
	if (r->status != STORE_OK)
		return look_failed(e);
	box = notify_table_by_id(&e->notify->told, r->page->mailbox.id);
	if (box == NULL)
		return IMAP_RUN_DONE;
	seen = *box;
	seen.m = r->page->mailbox;
	seen.m.name = box->m.name;	/* another name is told by a look at all */
	seen.m.subscribed = box->m.subscribed;
	notify_tell_status(e, box, &seen);
	*box = seen;
	return imap_go(e, look_notes);
}

static enum imap_run look_one(struct imap_server *e)
{
	imap_ask(e, IMAP_SYNC, one_there)->look = (struct store_look){
		.mailbox = e->hint_mailbox, .want = STORE_WANT_RANGES, .first = 1, .last = 1
	};
	e->hint_mailbox = 0;
	return IMAP_RUN_WAIT;
}

static enum imap_run sync_selected(struct imap_server *e)
{
	return imap_sync_run(e, job_done);
}

/* RFC 5465 5.2: UID FETCH of what came, as the client would have it sent itself. */
static enum imap_run fetch_fresh(struct imap_server *e)
{
	struct imap_notify *n = e->notify;
	struct store_set set = { n->fresh.r, n->fresh.n };
	struct store_range whole = { set.ranges[0].first, imap_set_last(&set) };
	struct imap_parse p = { .arena = e->arena, .utf8 = imap_knows_utf8(e) };
	struct buf text;
	bool right;

	if (n->fresh.n > FRESH_RANGES)
		set = (struct store_set){ &whole, 1 };
	buf_init(&text, 32 * FRESH_RANGES + NOTIFY_ITEMS);
	imap_set_write(&set, &text);
	buf_put_byte(&text, ' ');
	buf_put(&text, n->items);
	p.in = arena_copy(e->arena, buf_span(&text));
	right = !text.failed && p.in.p != NULL;
	buf_clear(&text);
	imap_ranges_clear(&n->fresh);
	e->uid = true;
	return right && imap_parse_fetch(e, &p) ? imap_run_fetch(e) : IMAP_RUN_DONE;
}

/* --- when they run -------------------------------------------------------------- */

static imap_step next_job(const struct imap_server *e)
{
	const struct imap_notify *n = e->notify;

	if (n == NULL || e->retry_ms != 0)
		return NULL;
	if (e->state == IMAP_SELECTED && n->selected != 0 && e->dirty)
		return sync_selected;
	if (e->state == IMAP_SELECTED && n->fresh.n > 0)
		return fetch_fresh;
	if (!notify_watches(n))
		return NULL;
	if (e->hint_all || e->hint_mailbox != 0)
		return e->hint_all ? look_all : look_one;
	return n->notes_due ? look_notes : NULL;
}

bool imap_notify_due(const struct imap_server *e)
{
	return next_job(e) != NULL;
}

static bool may_begin(const struct imap_server *e)
{
	if (e->closing || e->start_tls || e->compress || e->waiting != 0)
		return false;
	return e->command == NULL || (e->idling && e->input == IMAP_INPUT_LINE && !e->sync.begun);
}

/* RFC 5465 4: IDLE is told what anybody is told. It is put aside for so long. */
static bool put_idle_aside(struct imap_server *e)
{
	struct imap_notify *n = e->notify;

	n->idle = e->command;
	n->idle_step = e->step;
	buf_reset(&n->idle_tag);
	buf_put(&n->idle_tag, e->tag);
	return !n->idle_tag.failed;
}

static void take_idle_up(struct imap_server *e)
{
	struct imap_notify *n = e->notify;

	if (n->idle == NULL)
		return;
	e->command = n->idle;
	e->step = n->idle_step;
	e->tag = arena_copy(e->arena, buf_span(&n->idle_tag));
	e->input = IMAP_INPUT_LINE;
	n->idle = NULL;
	if (e->tag.p == NULL)
		imap_break(e);
}

bool imap_notify_begin(struct imap_server *e)
{
	imap_step job = may_begin(e) ? next_job(e) : NULL;

	if (job == NULL)
		return false;
	if (e->command != NULL && !put_idle_aside(e)) {
		imap_break(e);
		return false;
	}
	e->notify->working = true;
	e->uid = false;
	e->command = e->notify->delayed && !e->idling ? &delayed_job : &news_job;
	e->step = job;
	e->input = IMAP_INPUT_COMMAND;
	e->sync = (struct imap_sync){ .first = 0 };
	e->sel.own_modseq = e->sel.modseq;
	e->progress = (struct imap_progress){ .next_ms = UINT64_MAX };
	return true;
}

bool imap_notify_works(const struct imap_server *e)
{
	return e->notify != NULL && e->notify->working;
}

void imap_notify_over(struct imap_server *e)
{
	e->notify->working = false;
	take_idle_up(e);
}
