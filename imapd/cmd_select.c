/* cmd_select.c - SELECT, EXAMINE (RFC 3501 6.3.1, 6.3.2), CLOSE (6.4.2), UNSELECT (RFC 3691). */
#include "imapd/session.h"

struct select {
	struct span name;
	bool read_only;
	struct store_mailbox mailbox;	/* as the first page told; its name is not kept */
	uint32_t first_unseen;
	uint32_t next;			/* UID of the next page */
	bool begun;
};

bool imap_parse_select(struct imap_server *e, struct imap_parse *p)
{
	struct select *d = arena_alloc(e->arena, sizeof(*d));

	if (d == NULL || !imap_parse_mailbox(p, &d->name))
		return false;
	d->read_only = span_is(span_of(e->command->name), "EXAMINE");
	e->data = d;
	return imap_parse_end(p);
}

static enum imap_run select_page(struct imap_server *e);

static enum imap_run select_ask(struct imap_server *e)
{
	struct select *d = e->data;
	struct imap_action *a = imap_ask(e, IMAP_SYNC, select_page);

	a->look = (struct store_look){ .mailbox = d->mailbox.id,
				       .want = STORE_WANT_RANGES,
				       .first = d->next,
				       .last = UINT32_MAX,
				       .claim_recent = !d->read_only && !d->begun };
	return IMAP_RUN_WAIT;
}

/* RFC 3501 7.1: PERMANENTFLAGS, with \* while new keywords can be made. */
static void put_permanent(struct imap_server *e, const struct store_page *page)
{
	struct span words[STORE_KEYWORDS];
	struct imap_flag_words w = { STORE_FLAGS_ALL, UINT64_MAX, words, page->keyword_count, false };

	if (w.keyword_count > STORE_KEYWORDS)
		w.keyword_count = STORE_KEYWORDS;
	for (size_t i = 0; i < w.keyword_count; i++)
		words[i] = page->keywords[i];
	if (w.keyword_count < STORE_KEYWORDS)
		words[w.keyword_count++] = span_of("\\*");
	imap_put_flags(&e->out, &w);
}

static void first_page(struct imap_server *e, const struct store_page *page)
{
	struct select *d = e->data;
	struct imap_flag_words w = { STORE_FLAGS_ALL, UINT64_MAX, page->keywords, page->keyword_count, false };

	d->begun = true;
	d->mailbox = page->mailbox;
	d->mailbox.name = (struct span){ NULL, 0 };
	d->first_unseen = page->first_unseen;
	e->sel.keywords_told = page->keyword_count;
	imap_text(e, "* FLAGS ");
	imap_put_flags(&e->out, &w);
	imap_text(e, "\r\n* OK [PERMANENTFLAGS ");
	if (d->read_only)
		imap_text(e, "()");
	else
		put_permanent(e, page);
	imap_text(e, "] Flags that stay\r\n");
}

static int take_ranges(struct imap_server *e, const struct store_page *page)
{
	struct select *d = e->data;

	for (size_t i = 0; i < page->range_count; i++) {
		uint32_t last = page->ranges[i].last;

		if (last >= d->mailbox.uidnext)		/* came between two pages: news for the next look */
			last = d->mailbox.uidnext - 1;
		if (page->ranges[i].first <= last && imap_view_append(&e->sel.view, page->ranges[i].first, last) != 0)
			return -1;
	}
	return 0;
}

static enum imap_run selected(struct imap_server *e)
{
	struct select *d = e->data;
	struct imap_view *v = &e->sel.view;
	uint32_t unseen = d->first_unseen > 0 ? imap_view_seq(v, d->first_unseen) : 0;

	if (v->next_uid < d->mailbox.uidnext)
		v->next_uid = d->mailbox.uidnext;
	if (imap_view_mark_recent(v, d->mailbox.recent_uid, d->mailbox.uidnext - 1) != 0)
		return imap_no_memory(e);
	e->sel.mailbox = d->mailbox.id;
	e->sel.uidvalidity = d->mailbox.uidvalidity;
	e->sel.read_only = d->read_only;
	e->sel.modseq = e->sel.own_modseq = d->mailbox.modseq;
	e->state = IMAP_SELECTED;
	e->looked = true;	/* just now */
	imap_tell_counts(e);
	if (unseen > 0)
		buf_printf(&e->out, "* OK [UNSEEN %u] The first that was not read\r\n", unseen);
	buf_printf(&e->out, "* OK [UIDVALIDITY %u] UIDs are valid\r\n* OK [UIDNEXT %u] The next UID\r\n",
		   d->mailbox.uidvalidity, d->mailbox.uidnext);
	return imap_done(e, d->read_only ? "OK [READ-ONLY] EXAMINE completed" : "OK [READ-WRITE] SELECT completed");
}

static enum imap_run select_page(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct select *d = e->data;

	if (e->result->status != STORE_OK) {
		imap_deselect(e);
		return imap_no(e, e->result->status);
	}
	if (!d->begun)
		first_page(e, page);
	e->dirty |= page->mailbox.modseq > d->mailbox.modseq;	/* between two pages */
	if (take_ranges(e, page) != 0) {
		imap_deselect(e);
		return imap_no_memory(e);
	}
	e->work += (unsigned)page->range_count / 16;
	if (page->next_uid != 0) {
		d->next = page->next_uid;
		return imap_go(e, select_ask);
	}
	return imap_go(e, selected);
}

static enum imap_run select_found(struct imap_server *e)
{
	struct select *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->mailbox.id = e->result->mailbox->id;
	d->next = 1;
	e->dirty = false;	/* a hint from here on is news */
	return imap_go(e, select_ask);
}

enum imap_run imap_run_select(struct imap_server *e)
{
	struct select *d = e->data;

	imap_deselect(e);	/* RFC 3501 6.3.1: even if the new one can't be selected */
	e->watch_wanted = !e->watching;
	e->watching = true;
	imap_ask(e, IMAP_FIND, select_found)->name = d->name;
	return IMAP_RUN_WAIT;
}

static enum imap_run closed(struct imap_server *e)
{
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	imap_deselect(e);
	return imap_done(e, "OK CLOSE completed");
}

enum imap_run imap_run_close(struct imap_server *e)
{
	static const struct store_range all = { 1, UINT32_MAX };
	struct store_mutation *m = arena_alloc(e->arena, sizeof(*m));
	struct imap_action *a;

	if (e->sel.read_only) {
		imap_deselect(e);
		return imap_done(e, "OK CLOSE completed");
	}
	if (m == NULL)
		return imap_no_memory(e);
	*m = (struct store_mutation){ .change = STORE_EXPUNGE,
				      .mailbox = e->sel.mailbox,
				      .uids = { &all, 1 },
				      .only_deleted = true };
	a = imap_ask(e, IMAP_COMMIT, closed);
	a->commit.mutations = m;
	a->commit.count = 1;
	return IMAP_RUN_WAIT;
}

enum imap_run imap_run_unselect(struct imap_server *e)
{
	imap_deselect(e);
	return imap_done(e, "OK UNSELECT completed");
}
