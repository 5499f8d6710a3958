/*
 * sync.c - store_sync: pages of records or ranges, and what vanished.
 *
 * What changed behind a mod-sequence is read from the mailbox's log, so it costs what
 * changed and not what is there. Where the log does not reach back, or has very much to
 * tell, all records are looked at and every UID that is not there counts as vanished.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/local/inner.h"
#include "storage/local/look.h"
#include "storage/local/uids.h"
#include "storage/local/walk.h"

enum {
	SYNC_LOG = 1024,    /* entries of the log that are read for a page */
	SYNC_EXAMINE = 2048 /* records that are looked at for a page */
};

struct look_sync {
	struct look look;
	store_page_done done;
	struct store_look q;
};

struct making { /* one page */
	struct mailbox *m;
	struct store_look q;
	struct ranges candidates; /* UIDs that may have changed */
	struct ranges ranges, vanished;
	struct store_record *records;
	struct store_page page;
};

/* --- sets ------------------------------------------------------------------ */

/* Appends what of r lies in [first, last], so many ranges at most. Gives the UID at which
 * the rest begins, 0 if there is none. */
static uint32_t clip(const struct ranges *r, uint32_t first, uint32_t last, size_t most, struct ranges *out)
{
	for (size_t i = ranges_find(r, first); i < r->count && r->at[i].first <= last; i++) {
		uint32_t from = r->at[i].first > first ? r->at[i].first : first;

		if (out->count == most)
			return from;
		ranges_push(out, from, r->at[i].last < last ? r->at[i].last : last);
	}
	return 0;
}

/* --- what changed ---------------------------------------------------------- */

/* Can the log tell it all, in a page's time? Then it has been read into *changed and
 * *vanished. 1, 0, or a negative errno. */
static int read_log(struct mailbox *m, uint64_t since, struct ranges *changed, struct ranges *vanished)
{
	uint32_t number = m->account->record.number;
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	int64_t time_s;
	int r, n = 0;

	if (since < m->head.log_floor)
		return 0;
	key_log(&from, number, m->id, since + 1, LOG_CHANGED);
	key_mailbox(&end, KEY_LOG, number, m->id);
	key_end(&end, &end);
	scan = kv_scan_open(m->account->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0 && n++ < SYNC_LOG)
		if (!log_decode(value, &time_s, key_get_kind(key) == LOG_CHANGED ? changed : vanished)) {
			r = -EBADMSG;
			break;
		}
	kv_scan_close(scan);
	if (r != 0)
		return r < 0 ? r : 0;
	ranges_normalize(changed);
	ranges_normalize(vanished);
	return changed->failed || vanished->failed ? -ENOMEM : 1;
}

/* Fills candidates and vanished for a look behind q.since; the page ends before the UID
 * at which there are too many of them. -EAGAIN: m->uids is needed. */
static int find_changes(struct making *k)
{
	struct mailbox *m = k->m;
	struct ranges changed, vanished;
	uint32_t stop;
	int r;

	ranges_init(&changed);
	ranges_init(&vanished);
	r = read_log(m, k->q.since, &changed, &vanished);
	if (r == 0 && !m->uids_known)
		r = -EAGAIN;
	if (r == 0) {
		ranges_reset(&changed);
		ranges_reset(&vanished);
		ranges_push(&changed, 1, UINT32_MAX);
		if (m->head.uidnext > 1)
			ranges_complement(&m->uids, 1, m->head.uidnext - 1, &vanished);
	}
	if (r >= 0) {
		stop = clip(&vanished, k->q.first, k->q.last, STORE_PAGE_RANGES, &k->vanished);
		if (stop > 0)
			k->q.last = stop - 1;
		k->page.next_uid = stop;
		clip(&changed, k->q.first, k->q.last, SIZE_MAX, &k->candidates);
		r = k->vanished.failed || k->candidates.failed ? -ENOMEM : 0;
	}
	ranges_clear(&changed);
	ranges_clear(&vanished);
	return r;
}

/* --- pages ----------------------------------------------------------------- */

static bool page_full(const struct making *k, unsigned examined)
{
	if (k->q.want == STORE_WANT_RECORDS && k->page.record_count == STORE_PAGE_RECORDS)
		return true;
	return examined >= SYNC_EXAMINE || k->ranges.count == STORE_PAGE_RANGES;
}

/* Walks the candidates. */
static int fill_from_records(struct making *k)
{
	struct message message;
	struct walk walk;
	unsigned examined = 0;
	int r;

	if (k->candidates.count == 0)
		return 0;
	walk_open(&walk, k->m, ranges_set(&k->candidates), k->q.first);
	while ((r = walk_next(&walk, &message)) > 0) {
		if (page_full(k, examined)) {
			k->page.next_uid = message.r.uid;
			r = 0;
			break;
		}
		examined++;
		if (message.r.modseq <= k->q.since)
			continue;
		if (k->q.want == STORE_WANT_RECORDS)
			k->records[k->page.record_count++] = message.r;
		else
			ranges_add(&k->ranges, message.r.uid, message.r.uid);
	}
	walk_close(&walk);
	return r;
}

/* What vanished behind the end of the page is told on its own page. */
static void cut_vanished(struct making *k)
{
	struct ranges *v = &k->vanished;
	uint32_t end = k->page.next_uid;

	while (end > 0 && v->count > 0 && v->at[v->count - 1].first >= end)
		v->count--;
	if (end > 0 && v->count > 0 && v->at[v->count - 1].last >= end)
		v->at[v->count - 1].last = end - 1;
}

static int fill_page(struct making *k)
{
	int r = 0;

	if (k->q.since == 0 && k->q.want == STORE_WANT_RANGES) {
		k->page.next_uid = clip(&k->m->uids, k->q.first, k->q.last, STORE_PAGE_RANGES, &k->ranges);
		return k->ranges.failed ? -ENOMEM : 0;
	}
	if (k->q.since > 0)
		r = find_changes(k);
	else
		ranges_push(&k->candidates, k->q.first, k->q.last);
	if (r == 0)
		r = fill_from_records(k);
	cut_vanished(k);
	return r == 0 && k->ranges.failed ? -ENOMEM : r;
}

static void finish_page(struct making *k)
{
	struct store_page *p = &k->page;

	mailbox_show(k->m, &p->mailbox);
	p->keywords = k->m->keywords;
	p->keyword_count = k->m->keyword_count;
	p->first_unseen = k->m->head.unseen > 0 ? k->m->head.unseen_hint : 0;
	p->records = k->records;
	p->ranges = k->ranges.at;
	p->range_count = k->ranges.count;
	p->vanished = k->vanished.at;
	p->vanished_count = k->vanished.count;
}

static void making_clear(struct making *k)
{
	ranges_clear(&k->candidates);
	ranges_clear(&k->ranges);
	ranges_clear(&k->vanished);
	free(k->records);
}

/* --- the look -------------------------------------------------------------- */

/* Moves the hint to the first message without \Seen, as far as one turn takes it. True:
 * it is there. */
static int find_unseen(struct mailbox *m)
{
	struct message message;
	struct walk walk;
	int r, n = 0;

	if (m->head.unseen == 0)
		return 1;
	walk_open(&walk, m, walk_all(), m->head.unseen_hint);
	while ((r = walk_next(&walk, &message)) > 0) {
		m->head.unseen_hint = message.r.uid;
		if ((message.r.flags & STORE_SEEN) == 0 || ++n == TURN_RECORDS)
			break;
	}
	walk_close(&walk);
	if (r > 0)
		return (message.r.flags & STORE_SEEN) == 0;
	return r < 0 ? r : 1;
}

/* RFC 3501 2.3.2: \Recent is told to one session only. A crash may tell it again. */
static void claim_recent(struct mailbox *m)
{
	struct local *s = m->account->s;
	struct key k;

	if (m->head.recent_uid >= m->head.uidnext)
		return;
	m->head.recent_uid = m->head.uidnext;
	key_mailbox(&k, KEY_MAILBOX, m->account->record.number, m->id);
	head_encode(local_value(s), &m->head, m->name);
	local_put(s, &k, buf_span(&s->value));
}

static enum turn_more sync_end(struct look_sync *k, const struct store_page *page)
{
	struct look *l = &k->look;

	look_done(l, l->status == STORE_OK ? k->q.mailbox : 0);
	if (call_close(&l->call))
		k->done(l->call.arg, l->status, l->status == STORE_OK ? page : NULL);
	look_free(l);
	return TURN_DONE;
}

static enum store_status sync_status(int r)
{
	return r == -EBADMSG ? STORE_CORRUPT : STORE_TRY_LATER;
}

/* A page, or -EAGAIN where m->uids is needed first. */
static int sync_page(struct look_sync *k, struct mailbox *m)
{
	struct making making = { .m = m, .q = k->q };
	int r = 0;

	if (k->q.want == STORE_WANT_RECORDS) {
		making.records = malloc(STORE_PAGE_RECORDS * sizeof(*making.records));
		r = making.records != NULL ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = fill_page(&making);
	if (r == 0) {
		finish_page(&making);
		if (k->q.claim_recent)
			claim_recent(m);
		sync_end(k, &making.page);
	}
	making_clear(&making);
	return r;
}

static enum turn_more sync_try(struct look *l)
{
	struct look_sync *k = (struct look_sync *)l;
	struct mailbox *m = mailbox_by_id(l->account, k->q.mailbox);
	int r;

	if (l->status == STORE_OK && m == NULL)
		l->status = STORE_NOT_FOUND;
	if (l->status == STORE_OK && !look_may_see(l, m))
		l->status = STORE_REFUSED;
	if (l->status != STORE_OK)
		return sync_end(k, NULL);
	r = find_unseen(m);
	if (r == 0)
		return TURN_AGAIN;
	if (r > 0 && k->q.since == 0 && k->q.want == STORE_WANT_RANGES && !m->uids_known)
		r = -EAGAIN;
	if (r > 0)
		r = sync_page(k, m);
	if (r == -EAGAIN && !uids_ready(m, &l->after))
		return TURN_DONE;
	if (r == -EAGAIN)
		return TURN_AGAIN;
	if (r == 0)
		return TURN_DONE;
	l->status = sync_status(r);
	return sync_end(k, NULL);
}

uint64_t look_sync(struct store_account *a, const struct store_look *q, store_page_done done, void *arg)
{
	struct look_sync *k = (struct look_sync *)look_new(a, sizeof(*k), STORE_RIGHT_READ | STORE_RIGHT_POP);

	k->done = done;
	k->q = *q;
	if (k->q.first == 0)
		k->q.first = 1;
	if (k->q.last < k->q.first && k->look.status == STORE_OK)
		k->look.status = STORE_INVALID;
	return look_start(&k->look, sync_try, arg);
}
