/*
 * cmd_search.c - SEARCH (RFC 3501 6.4.4): page by page; numbers go out as they are found.
 */
#include "imapd/search.h"

#include <stdlib.h>

static enum imap_run search_next(struct imap_server *e);

void search_clear(struct imap_server *e)
{
	struct search *s = e->data;

	if (s->saving)
		imap_ranges_clear(&e->sel.saved);	/* RFC 5182 2.1: after NO nothing is saved */
	for (struct search_key *k = s->all; k != NULL; k = k->listed)
		mime_search_free(k->needle);
	mime_text_free(s->text);
	free(s->page.records);
	imap_ranges_clear(&s->found.uids);
	buf_clear(&s->found.modseqs);
	buf_clear(&s->scratch);
	buf_clear(&s->header);
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

/* Which UIDs a key's set means. Numbers that are not there match nothing. */
static bool place_set(struct imap_server *e, struct search_key *k)
{
	const struct imap_view *v = &e->sel.view;
	uint32_t count = imap_view_count(v);
	struct store_range *r;
	size_t kept = 0;

	if (k->numbers.saved) {
		k->uids = (struct store_set){ e->sel.saved.r, e->sel.saved.n };
		return true;
	}
	if (!imap_set_resolve(&k->numbers, k->op == SEARCH_UIDS ? imap_view_last_uid(v) : count, e->arena, &k->uids))
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
	for (struct search_key *k = s->all; k != NULL; k = k->listed)
		if ((k->op == SEARCH_NUMBERS || k->op == SEARCH_UIDS) && !place_set(e, k))
			return false;
	/* a set that all must be in: nothing else need be looked at */
	for (const struct search_key *k = s->root->first; k != NULL; k = k->next)
		if (k->op == SEARCH_NUMBERS || k->op == SEARCH_UIDS)
			s->uids = k->uids;
	return true;
}

static enum imap_run page_there(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct search *s = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	if (imap_page_copy(e, page, &s->uids, &s->page) != 0)
		return imap_no_memory(e);
	imap_walk_took(&s->walk, page->next_uid);
	s->m.now_s = e->result->real_s;
	search_page(s);
	s->at = 0;
	e->work += (unsigned)page->record_count / 16;
	return imap_go(e, search_next);
}

enum imap_run search_over(struct imap_server *e)
{
	struct search *s = e->data;

	return imap_done(e, "OK %s%s completed", s->missing ? "[EXPUNGEISSUED] " : "", e->command->name);
}

/* The numbers are out already. RFC 7162 3.1.6: the highest mod-sequence of what was found. */
enum imap_run search_classic_end(struct imap_server *e)
{
	struct search *s = e->data;

	if (s->modseq && s->found.count > 0)
		buf_printf(&e->out, " (MODSEQ %llu)", (unsigned long long)s->found.highest);
	return search_over(e);
}

static enum imap_run look(struct imap_server *e)
{
	struct search *s = e->data;
	struct store_look l;

	if (s->enough || !imap_walk_look(&s->walk, e->sel.mailbox, &l) || l.first >= e->sel.view.next_uid)
		return s->lost ? imap_no_memory(e) : s->finish != NULL ? s->finish(e) : s->give.extended ? search_tell(e) : search_classic_end(e);
	if (l.last >= e->sel.view.next_uid)
		l.last = e->sel.view.next_uid - 1;
	imap_ask(e, IMAP_SYNC, page_there)->look = l;
	return IMAP_RUN_WAIT;
}

static void settle(struct imap_server *e, enum search_answer a)
{
	struct search *s = e->data;
	const struct store_record *r = &s->page.records[s->at++];

	if (a == SEARCH_YES && s->take != NULL)
		s->lost |= !s->take(e);
	if (s->m.read)
		search_forget(s);
	s->m.meta = NULL;
	s->m.read = false;
	if (a != SEARCH_YES)
		return;
	if (s->take == NULL && s->give.extended) {
		s->lost |= !search_take(s, r);
		s->enough = (s->give.want & ~(unsigned)SEARCH_WANT_SAVE) == SEARCH_WANT_MIN;
		return;
	}
	s->found.count++;
	if (r->modseq > s->found.highest)
		s->found.highest = r->modseq;
	if (s->take != NULL)
		return;
	imap_text(e, " ");
	imap_put_number(&e->out, e->uid ? r->uid : imap_view_seq(&e->sel.view, r->uid));
}

enum imap_run search_scanned(struct imap_server *e)
{
	struct search *s = e->data;

	settle(e, search_answer(s->root, &s->m));
	return imap_go(e, search_next);
}

static enum imap_run meta_there(struct imap_server *e)
{
	struct search *s = e->data;
	enum search_answer a;

	if (e->derive->status != STORE_OK) {
		s->missing |= e->derive->status == STORE_NOT_FOUND;
		settle(e, SEARCH_NO);
		return imap_go(e, search_next);
	}
	s->m.meta = &e->derive->meta;
	e->work += 4;
	a = search_answer(s->root, &s->m);
	if (a == SEARCH_OPEN)
		return search_scan(e);
	settle(e, a);
	return imap_go(e, search_next);
}

static enum imap_run search_next(struct imap_server *e)
{
	struct search *s = e->data;

	while (s->at < s->page.count && !s->enough) {
		enum search_answer a;

		if (s->lost)
			return imap_no_memory(e);
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		s->m.record = &s->page.records[s->at];
		e->work += (unsigned)(s->keys / 32) + (s->at % 8 == 0);
		a = search_answer(s->root, &s->m);
		if (a == SEARCH_OPEN || (a == SEARCH_YES && s->wants_meta))
			return imap_derive_run(e, s->m.record, meta_there);
		settle(e, a);
	}
	return imap_go(e, look);
}

static enum imap_run start(struct imap_server *e, struct search *s)
{
	if (!place_sets(e))
		return imap_no_memory(e);
	buf_init(&s->scratch, 8 << 20);
	buf_init(&s->header, SEARCH_HEADER_MAX);
	buf_init(&s->found.modseqs, 8 << 20);
	s->m.view = &e->sel.view;
	s->m.scratch = &s->scratch;
	imap_walk_init(&s->walk, &s->uids);
	if (s->finish == NULL && !s->give.extended) {
		e->half_line = true;
		imap_text(e, "* SEARCH");
	}
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
