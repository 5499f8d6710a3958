/*
 * sync.c - what changed in the selected mailbox, told when it may be told.
 *
 * One look behind the mod-sequence that the client knows: FETCH for flags, EXPUNGE for
 * what vanished (only where sequence numbers may move), then EXISTS and RECENT.
 */
#include <stdlib.h>
#include <string.h>

#include "imapd/session.h"

enum { RETRY_MS = 1000 };	/* IDLE: after a look that failed */

static enum imap_run sync_page(struct imap_server *e);

bool imap_may_expunge(const struct imap_server *e)
{
	return e->command == NULL || (e->command->flags & C_NO_EXPUNGE) == 0 || e->uid;
}

static enum imap_run sync_end(struct imap_server *e)
{
	e->sync.begun = false;
	e->step = e->sync.after;
	return e->input == IMAP_INPUT_LINE ? IMAP_RUN_WAIT : IMAP_RUN_MORE;
}

static struct store_look sync_look(const struct imap_server *e, uint32_t first)
{
	return (struct store_look){ .mailbox = e->sel.mailbox,
				    .want = STORE_WANT_RECORDS,
				    .since = e->sel.modseq,
				    .first = first,
				    .last = UINT32_MAX,
				    .claim_recent = !e->sel.read_only };
}

static enum imap_run sync_ask(struct imap_server *e)
{
	struct imap_action *a = imap_ask(e, IMAP_SYNC, sync_page);

	a->look = sync_look(e, e->sync.first);
	a->ahead = e->behind;
	return IMAP_RUN_WAIT;
}

const struct store_look *imap_sync_behind(struct imap_server *e)
{
	struct store_look *look = arena_alloc(e->arena, sizeof(*look));

	e->behind = look != NULL;
	if (look != NULL)
		*look = sync_look(e, 1);
	return look;
}

enum imap_run imap_sync_run(struct imap_server *e, imap_step after)
{
	e->sync = (struct imap_sync){ .first = 1, .begun = true, .after = after };
	e->dirty = false;
	if (e->state != IMAP_SELECTED)
		return sync_end(e);
	sync_ask(e);
	return IMAP_RUN_WAIT;
}

/* A run of changes that are this session's alone: the next mod-sequence behind the last. */
void imap_sync_own(struct imap_server *e, uint64_t modseq)
{
	if (modseq == e->sel.own_modseq + 1)
		e->sel.own_modseq = modseq;
	e->dirty = true;
}

bool imap_sync_is_current(struct imap_server *e, const struct store_page *page)
{
	if (page->mailbox.modseq != e->sel.own_modseq)
		return false;
	e->sel.modseq = e->sel.own_modseq;
	e->dirty = false;
	return true;
}

void imap_tell_keywords(struct imap_server *e, const struct span *keywords, size_t count)
{
	struct imap_flag_words w = { STORE_FLAGS_ALL, UINT64_MAX, keywords, count, false };

	if (count == e->sel.keywords_told)
		return;
	e->sel.keywords_told = count;
	imap_text(e, "* FLAGS ");
	imap_put_flags(&e->out, &w);
	imap_text(e, "\r\n");
	if (count < STORE_KEYWORDS || e->sel.read_only)
		return;
	imap_text(e, "* OK [PERMANENTFLAGS ");	/* RFC 9051 7.1: no more can be made */
	imap_put_flags(&e->out, &w);
	imap_text(e, "] The mailbox takes no more keywords\r\n");
}

void imap_tell_counts(struct imap_server *e)
{
	struct imap_view *v = &e->sel.view;

	v->told_exists = imap_view_count(v);
	v->told_recent = imap_view_recent(v);
	buf_printf(&e->out, "* %u EXISTS\r\n", v->told_exists);
	if ((e->enabled & IMAP_REV2) == 0)
		buf_printf(&e->out, "* %u RECENT\r\n", v->told_recent);
}

bool imap_shows_recent(const struct imap_server *e, uint32_t uid)
{
	return (e->enabled & IMAP_REV2) == 0 && imap_view_is_recent(&e->sel.view, uid);
}

void imap_tell_message(struct imap_server *e, uint32_t uid)
{
	bool uid_only = (e->enabled & IMAP_UIDONLY) != 0;

	imap_text(e, "* ");
	imap_put_number(&e->out, uid_only ? uid : imap_view_seq(&e->sel.view, uid));
	imap_text(e, uid_only ? " UIDFETCH (" : " FETCH (");	/* RFC 9586 3.3 */
}

/* "UID 7", but where that number stands in front already. */
static void put_uid(struct imap_server *e, uint32_t uid)
{
	if ((e->enabled & IMAP_UIDONLY) != 0)
		return;
	imap_text(e, "UID ");
	imap_put_number(&e->out, uid);
	imap_text(e, " ");
}

void imap_tell_flags(struct imap_server *e, const struct store_record *r, const struct span *keywords, size_t count)
{
	struct imap_flag_words w = { r->flags, r->keywords, keywords, count,
				     imap_shows_recent(e, r->uid) };

	imap_tell_message(e, r->uid);
	put_uid(e, r->uid);
	imap_text(e, "FLAGS ");
	imap_put_flags(&e->out, &w);
	if ((e->enabled & IMAP_CONDSTORE) != 0)
		buf_printf(&e->out, " MODSEQ (%llu)", (unsigned long long)r->modseq);
	imap_text(e, ")\r\n");
}

void imap_tell_modseq(struct imap_server *e, uint32_t uid, uint64_t modseq)
{
	imap_tell_message(e, uid);
	put_uid(e, uid);
	buf_printf(&e->out, "MODSEQ (%llu))\r\n", (unsigned long long)modseq);
}

void imap_know_condstore(struct imap_server *e)
{
	if ((e->enabled & IMAP_CONDSTORE) != 0)
		return;
	e->enabled |= IMAP_CONDSTORE;
	if (e->state == IMAP_SELECTED)
		buf_printf(&e->out, "* OK [HIGHESTMODSEQ %llu] The highest\r\n", (unsigned long long)e->sel.modseq);
}

/* --- what went ------------------------------------------------------------- */

enum { VANISHED_RANGES = 100 };	/* in one line */

static bool tells_vanished(const struct imap_server *e)
{
	return (e->enabled & (IMAP_QRESYNC | IMAP_UIDONLY)) != 0;
}

/* A list in lines of a bearable length. */
struct vanished {
	struct imap_server *e;
	const char *begin;	/* "* VANISHED " */
	size_t n;		/* ranges in the line that is open */
};

static void vanished_put(struct vanished *v, uint32_t first, uint32_t last)
{
	struct store_range r = { first, last };
	struct store_set one = { &r, 1 };

	imap_text(v->e, v->n == 0 ? v->begin : ",");
	imap_set_write(&one, &v->e->out);
	if (++v->n == VANISHED_RANGES) {
		imap_text(v->e, "\r\n");
		v->n = 0;
	}
}

static void vanished_end(struct vanished *v)
{
	if (v->n > 0)
		imap_text(v->e, "\r\n");
}

void imap_tell_earlier(struct imap_server *e, const struct store_set *gone, const struct store_set *known)
{
	struct vanished v = { e, "* VANISHED (EARLIER) ", 0 };
	size_t k = 0;

	for (size_t i = 0; i < gone->count; i++) {
		const struct store_range *g = &gone->ranges[i];

		if (known == NULL) {
			vanished_put(&v, g->first, g->last);
			continue;
		}
		while (k < known->count && known->ranges[k].last < g->first)
			k++;
		for (size_t j = k; j < known->count && known->ranges[j].first <= g->last; j++) {
			const struct store_range *w = &known->ranges[j];

			vanished_put(&v, w->first > g->first ? w->first : g->first, w->last < g->last ? w->last : g->last);
		}
	}
	vanished_end(&v);
}

/* RFC 7162 3.2.10: UIDs, in lines that need no pause: a range costs a few bytes. */
static void tell_vanished(struct imap_server *e)
{
	const struct imap_ranges *gone = &e->sel.view.gone;
	struct vanished v = { e, "* VANISHED ", 0 };

	for (size_t i = 0; i < gone->n; i++) {
		uint32_t from = gone->r[i].first;
		struct store_range r;

		while (imap_view_next(&e->sel.view, &from, gone->r[i].last, &r))	/* each one counts with the client */
			vanished_put(&v, r.first, r.last);
	}
	vanished_end(&v);
	e->work += (unsigned)gone->n;
}

/* RFC 3501 7.4.1: EXPUNGE, from the highest number down, so that each is right when it
 * is told. Only then does the view change. */
static enum imap_run sync_tell(struct imap_server *e)
{
	struct imap_view *v = &e->sel.view;
	struct imap_sync *s = &e->sync;

	if (s->gone_at > 0 && tells_vanished(e)) {
		tell_vanished(e);
		s->gone_at = 0;
	}
	while (s->gone_at > 0) {
		const struct store_range *r = &v->gone.r[s->gone_at - 1];
		uint32_t low = imap_view_below(v, r->first - 1);

		if (s->gone_seq == 0)
			s->gone_seq = imap_view_below(v, r->last);
		for (; s->gone_seq > low && !imap_out_full(e); s->gone_seq--, e->work++) {
			imap_text(e, "* ");
			imap_put_number(&e->out, s->gone_seq);
			imap_text(e, " EXPUNGE\r\n");
		}
		if (s->gone_seq > low)
			return IMAP_RUN_MORE;
		s->gone_seq = 0;
		s->gone_at--;
	}
	if (imap_may_expunge(e) && v->gone.n > 0) {
		if (imap_view_expunge(v) != 0)
			return imap_break(e);
		v->told_exists = imap_view_count(v);
		s->news |= (e->enabled & IMAP_REV2) == 0 && imap_view_recent(v) != v->told_recent;
	}
	if (s->news)
		imap_tell_counts(e);
	imap_notify_synced(e);
	return sync_end(e);
}

static int take_new(struct imap_server *e, const struct store_record *r)
{
	struct imap_view *v = &e->sel.view;

	e->sync.news = true;
	if (r->uid >= e->sync.recent_uid && imap_view_mark_recent(v, r->uid, r->uid) != 0)
		return -1;
	if (imap_notify_came(e, r->uid) != 0)
		return -1;
	return imap_view_append(v, r->uid, r->uid);
}

static int take_page(struct imap_server *e, const struct store_page *page)
{
	struct imap_view *v = &e->sel.view;

	if (page->keyword_count > e->sel.keywords_told)
		imap_tell_keywords(e, page->keywords, page->keyword_count);
	for (size_t i = 0; i < page->vanished_count; i++)
		if (imap_view_gone(v, page->vanished[i].first, page->vanished[i].last) != 0)
			return -1;
	for (size_t i = 0; i < page->record_count; i++) {
		const struct store_record *r = &page->records[i];

		if (r->uid >= v->next_uid) {
			if (take_new(e, r) != 0)
				return -1;
		} else if (r->modseq > e->sel.own_modseq && imap_view_seq(v, r->uid) != 0 && imap_notify_flags(e)) {
			imap_tell_flags(e, r, page->keywords, page->keyword_count);
		}
	}
	e->work += (unsigned)page->record_count / 2;
	return 0;
}

/* The look failed: what is told stays true, and the next command looks again. */
static enum imap_run sync_failed(struct imap_server *e)
{
	if (e->result->status == STORE_NOT_FOUND) {
		imap_bye(e, "The selected mailbox was deleted");
		return IMAP_RUN_DONE;
	}
	if (e->result->status == STORE_REFUSED) {
		imap_bye(e, "The account may no longer be used");
		return IMAP_RUN_DONE;
	}
	e->dirty = true;
	e->retry_ms = e->now_ms + RETRY_MS;
	return sync_end(e);
}

static enum imap_run sync_page(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct imap_sync *s = &e->sync;

	if (e->result->status != STORE_OK)
		return sync_failed(e);
	if (e->behind) {
		e->behind = false;
		if (page->mailbox.modseq < e->behind_modseq)	/* it went ahead of the change */
			return imap_go(e, sync_ask);
	}
	if (s->first == 1) {
		s->modseq = page->mailbox.modseq;
		s->recent_uid = page->mailbox.recent_uid;
	}
	e->dirty |= page->mailbox.modseq > s->modseq;	/* between two pages */
	if (take_page(e, page) != 0)
		return imap_break(e);
	if (page->next_uid != 0) {
		s->first = page->next_uid;
		return imap_go(e, sync_ask);
	}
	e->sel.modseq = s->modseq;
	if (e->sel.own_modseq < s->modseq)
		e->sel.own_modseq = s->modseq;
	s->gone_at = imap_may_expunge(e) ? e->sel.view.gone.n : 0;
	return imap_go(e, sync_tell);
}

void imap_deselect(struct imap_server *e)
{
	imap_view_clear(&e->sel.view);
	imap_ranges_clear(&e->sel.saved);
	free(e->sel.name);
	e->sel = (struct imap_selected){ .mailbox = 0 };
	imap_view_init(&e->sel.view);
	if (e->state == IMAP_SELECTED)
		e->state = IMAP_AUTH;
	e->dirty = false;
	e->retry_ms = 0;
	imap_notify_deselected(e);
}

/* RFC 3501 9: sequence numbers must be there, but "1:*" is nothing where nothing is; UIDs
 * that are not there are passed over. */
bool imap_uids(struct imap_server *e, const struct imap_set *set, struct store_set *uids)
{
	const struct imap_view *v = &e->sel.view;
	uint32_t count = imap_view_count(v);
	struct store_range *r;
	size_t kept = 0;

	if (set->saved) {	/* RFC 5182 2.1; what went meanwhile is passed over */
		*uids = (struct store_set){ e->sel.saved.r, e->sel.saved.n };
		return true;
	}
	if (!imap_set_resolve(set, e->uid ? imap_view_last_uid(v) : count, e->arena, uids))
		return false;
	r = (struct store_range *)uids->ranges;
	if (!e->uid && imap_set_last(uids) > count)
		return false;
	for (size_t i = 0; i < uids->count; i++) {
		if (!e->uid)
			r[i] = (struct store_range){ imap_view_uid(v, r[i].first), imap_view_uid(v, r[i].last) };
		else if (r[i].last >= v->next_uid)
			r[i].last = v->next_uid - 1;
		if (r[i].first <= r[i].last)
			r[kept++] = r[i];
	}
	uids->count = kept;
	return true;
}

int imap_page_copy(struct imap_server *e, const struct store_page *from, const struct store_set *uids,
		   struct imap_page *to)
{
	to->count = 0;
	if (from->record_count > STORE_PAGE_RECORDS)
		return -1;
	if (from->record_count > 0) {
		struct store_record *r = realloc(to->records, from->record_count * sizeof(*r));

		if (r == NULL)
			return -1;
		to->records = r;
	}
	for (size_t i = 0; i < from->record_count; i++)
		if (imap_set_has(uids, from->records[i].uid) && imap_view_seq(&e->sel.view, from->records[i].uid) != 0)
			to->records[to->count++] = from->records[i];
	if (from->keyword_count == to->keyword_count)
		return 0;
	to->keywords = arena_array(e->arena, from->keyword_count, sizeof(*to->keywords));
	for (size_t i = 0; to->keywords != NULL && i < from->keyword_count; i++) {
		to->keywords[i] = arena_copy(e->arena, from->keywords[i]);
		if (to->keywords[i].p == NULL)
			return -1;
	}
	to->keyword_count = from->keyword_count;
	return to->keywords != NULL ? 0 : -1;
}

bool imap_knows_utf8(const struct imap_server *e)
{
	return (e->enabled & (IMAP_UTF8 | IMAP_REV2)) != 0;
}

void imap_tell_mailbox(struct imap_server *e, struct span name)
{
	if (imap_knows_utf8(e))
		imap_put_quoted(&e->out, name);
	else
		imap_put_mailbox(&e->out, name);
}
