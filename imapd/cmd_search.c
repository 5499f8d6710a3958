/*
 * cmd_search.c - SEARCH (RFC 3501 6.4.4): page by page; numbers go out as they are found.
 */
#include "imapd/search.h"

#include <stdlib.h>

static enum imap_run look(struct imap_server *e);
static enum imap_run tell_page(struct imap_server *e);

void search_clear(struct imap_server *e)
{
	struct search *s = e->data;

	if (s->saving)
		imap_ranges_clear(&e->sel.saved);	/* RFC 5182 2.1: after NO nothing is saved */
	search_job_drop(s->job);
	s->job = NULL;
	free(s->page.records);
	imap_ranges_clear(&s->found.uids);
	buf_clear(&s->found.modseqs);
	buf_clear(&s->scratch);
}

bool imap_parse_search(struct imap_server *e, struct imap_parse *p)
{
	struct search *s = arena_alloc(e->arena, sizeof(*s));
	bool ok;

	e->data = s;
	if (s == NULL)
		return imap_parse_fail(p, "the command is too large");
	ok = search_parse(p, s);
	if (ok && s->charset.n > 0 && (e->enabled & IMAP_UTF8) != 0)	/* RFC 6855 3 */
		ok = imap_parse_fail(p, "no CHARSET goes with UTF8=ACCEPT, all is UTF-8");
	if (!ok)
		search_clear(e);	/* it never runs */
	return ok;
}

static struct store_set copy_set(struct arena *a, const struct imap_ranges *from)
{
	struct span bytes = arena_copy(a, (struct span){ (const uint8_t *)from->r, from->n * sizeof(*from->r) });

	return (struct store_set){ (const struct store_range *)(const void *)bytes.p, bytes.p != NULL ? from->n : 0 };
}

/* Which UIDs a key's set means. Numbers that are not there match nothing. */
static bool place_set(struct imap_server *e, struct search_job *j, struct search_key *k)
{
	const struct imap_view *v = &e->sel.view;
	uint32_t count = imap_view_count(v);
	struct store_range *r;
	size_t kept = 0;

	if (k->numbers.saved) {
		k->uids = copy_set(j->arena, &e->sel.saved);
		return k->uids.count == e->sel.saved.n;
	}
	if (!imap_set_resolve(&k->numbers, k->op == SEARCH_UIDS ? imap_view_last_uid(v) : count, j->arena, &k->uids))
		return false;
	if (k->op == SEARCH_UIDS)
		return true;
	r = (struct store_range *)k->uids.ranges;
	for (size_t i = 0; i < k->uids.count && r[i].first <= count; i++)
		r[kept++] = (struct store_range){ imap_view_uid(v, r[i].first),
						  imap_view_uid(v, r[i].last < count ? r[i].last : count) };
	k->uids.count = kept;
	return true;
}

static bool place_sets(struct imap_server *e)
{
	static const struct store_range all = { 1, UINT32_MAX };
	struct search *s = e->data;

	s->uids = (struct store_set){ &all, 1 };
	for (struct search_key *k = s->job->all; k != NULL; k = k->listed)
		if ((k->op == SEARCH_NUMBERS || k->op == SEARCH_UIDS) && !place_set(e, s->job, k))
			return false;
	/* a set that all must be in: nothing else need be looked at */
	for (const struct search_key *k = s->job->root->first; k != NULL; k = k->next)
		if (k->op == SEARCH_NUMBERS || k->op == SEARCH_UIDS)
			s->uids = k->uids;
	return true;
}

enum imap_run search_over(struct imap_server *e)
{
	struct search *s = e->data;

	return imap_done(e, "OK %s%s completed", s->missing ? "[EXPUNGEISSUED] " : "", e->command->name);
}

/* Not before there is something to tell: other words may go out until then. */
static void begin_line(struct imap_server *e)
{
	if (!e->half_line)
		imap_text(e, "* SEARCH");
	e->half_line = true;
}

/* The numbers are out already. RFC 7162 3.1.6: the highest mod-sequence of what was found. */
enum imap_run search_classic_end(struct imap_server *e)
{
	struct search *s = e->data;

	begin_line(e);
	if (s->modseq && s->found.count > 0)
		buf_printf(&e->out, " (MODSEQ %llu)", (unsigned long long)s->found.highest);
	return search_over(e);
}

/* --- what a page has ------------------------------------------------------- */

static void settle(struct imap_server *e)
{
	struct search *s = e->data;
	const struct store_record *r = &s->page.records[s->at++];

	s->m.record = r;
	if (s->take != NULL)
		s->lost |= !s->take(e);
	s->m.meta = NULL;
	if (s->take == NULL && s->give.extended) {
		s->lost |= !search_take(s, r);
		s->enough = s->job->first;
		return;
	}
	s->found.count++;
	if (r->modseq > s->found.highest)
		s->found.highest = r->modseq;
	if (s->take != NULL)
		return;
	begin_line(e);
	imap_text(e, " ");
	imap_put_number(&e->out, e->uid ? r->uid : imap_view_seq(&e->sel.view, r->uid));
}

static enum imap_run meta_there(struct imap_server *e)
{
	struct search *s = e->data;

	s->missing |= e->derive->status == STORE_NOT_FOUND;
	s->m.meta = &e->derive->meta;
	e->work += 4;
	if (e->derive->status == STORE_OK)
		settle(e);
	else
		s->at++;
	return imap_go(e, tell_page);
}

static enum imap_run tell_page(struct imap_server *e)
{
	struct search *s = e->data;

	while (s->at < s->page.count && !s->enough) {
		if (s->lost)
			return imap_no_memory(e);
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		e->work += s->at % 8 == 0;
		if (s->answers[s->at] != SEARCH_YES)
			s->at++;
		else if (s->wants_meta)
			return imap_derive_run(e, &s->page.records[s->at], IMAP_DERIVE_ALL, meta_there);
		else
			settle(e);
	}
	e->progress.done += s->page.count;
	return imap_go(e, look);
}

/* --- pages ----------------------------------------------------------------- */

static void turn_round(struct imap_page *p)
{
	for (size_t i = 0; i < p->count / 2; i++) {
		struct store_record r = p->records[i];

		p->records[i] = p->records[p->count - 1 - i];
		p->records[p->count - 1 - i] = r;
	}
}

static enum imap_run page_there(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct search *s = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	if (s->backward && page->next_uid != 0 && page->next_uid <= s->back.last) {
		/* its end comes first */
		s->below = imap_view_below(&e->sel.view, page->next_uid - 1) + 1;
		s->back.first = page->next_uid;
		imap_ask(e, IMAP_SYNC, page_there)->look = s->back;
		return IMAP_RUN_WAIT;
	}
	if (imap_page_copy(e, page, &s->uids, &s->page) != 0)
		return imap_no_memory(e);
	if (s->backward)
		turn_round(&s->page);
	else
		imap_walk_took(&s->walk, page->next_uid);
	s->job->now_s = e->result->real_s;
	return search_page_run(e, tell_page);
}

static bool next_look(struct imap_server *e, struct store_look *l)
{
	struct search *s = e->data;

	if (!imap_walk_look(&s->walk, e->sel.mailbox, l) || l->first >= e->sel.view.next_uid)
		return false;
	if (l->last >= e->sel.view.next_uid)
		l->last = e->sel.view.next_uid - 1;
	return true;
}

/* The last messages that were not looked at. */
static bool next_look_back(struct imap_server *e, struct store_look *l)
{
	const struct imap_view *v = &e->sel.view;
	struct search *s = e->data;
	uint32_t last = s->below - 1;

	if (last == 0)
		return false;
	s->below = last > STORE_PAGE_RECORDS ? last - STORE_PAGE_RECORDS + 1 : 1;
	s->back = (struct store_look){ .mailbox = e->sel.mailbox, .want = STORE_WANT_RECORDS,
				       .first = imap_view_uid(v, s->below), .last = imap_view_uid(v, last) };
	*l = s->back;
	return true;
}

static enum imap_run look(struct imap_server *e)
{
	struct search *s = e->data;
	struct imap_action *a;
	struct store_look l;

	if (s->enough && s->both && !s->backward) {
		s->backward = true;
		s->enough = false;
	}
	if (s->enough || !(s->backward ? next_look_back(e, &l) : next_look(e, &l)))
		return s->lost ? imap_no_memory(e) : s->finish != NULL ? s->finish(e) : s->give.extended ? search_tell(e) : search_classic_end(e);
	a = imap_ask(e, IMAP_SYNC, page_there);
	a->look = l;
	a->ahead = !s->job->first;
	return IMAP_RUN_WAIT;
}

static enum imap_run start(struct imap_server *e, struct search *s)
{
	unsigned ends = s->give.want & ~(unsigned)SEARCH_WANT_SAVE;

	if (!place_sets(e))
		return imap_no_memory(e);
	buf_init(&s->scratch, 8 << 20);
	buf_init(&s->found.modseqs, 8 << 20);
	/* MIN and MAX alone: the first hit from that end is enough */
	s->job->first = s->finish == NULL && s->give.extended && ends != 0 && (ends & ~(unsigned)(SEARCH_WANT_MIN | SEARCH_WANT_MAX)) == 0;
	s->backward = s->job->first && ends == SEARCH_WANT_MAX;
	s->both = s->job->first && ends == (SEARCH_WANT_MIN | SEARCH_WANT_MAX);
	s->below = imap_view_count(&e->sel.view) + 1;
	s->m.scratch = &s->scratch;
	imap_walk_init(&s->walk, &s->uids);
	e->progress.goal = imap_view_count(&e->sel.view);
	return imap_go(e, look);
}

enum imap_run search_start(struct imap_server *e)
{
	struct search *s = e->data;

	if (s->numbers && (e->enabled & IMAP_UIDONLY) != 0)
		return imap_bad(e, "[UIDREQUIRED] Sequence numbers were given up with UIDONLY");	/* RFC 9586 3.2 */
	s->saving = (s->give.want & SEARCH_WANT_SAVE) != 0;
	if (s->modseq)
		imap_know_condstore(e);
	if (s->unknown_charset)
		return imap_done(e, "NO [BADCHARSET (UTF-8 US-ASCII)] That charset is not known here");
	if (s->long_text)
		return imap_done(e, "NO [LIMIT] A text to look for is too long");
	return start(e, s);
}

enum imap_run imap_run_search(struct imap_server *e)
{
	struct search *s = e->data;

	e->clear = search_clear;
	if ((e->enabled & IMAP_REV2) != 0 && !s->give.extended)
		s->give = (struct search_return){ .extended = true, .want = SEARCH_WANT_ALL };	/* RFC 9051 6.4.4 */
	return search_start(e);
}
