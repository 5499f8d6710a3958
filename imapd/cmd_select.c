/* cmd_select.c - SELECT, EXAMINE (RFC 3501 6.3.1, 6.3.2; RFC 9051 6.3.2, 6.3.3), CLOSE (6.4.2), UNSELECT (RFC 3691).
 *
 * With QRESYNC a second walk goes behind the mod-sequence that the client knows: what went since, and
 * the flags of what changed (RFC 7162 3.2.5). */
#include <stdlib.h>
#include <string.h>

#include "imapd/role.h"
#include "imapd/session.h"

struct select {
	struct span name;
	bool read_only;
	bool condstore, resync;		/* RFC 7162 3.1.8, 3.2.5 */
	uint64_t known_uidvalidity, known_modseq;
	struct imap_set known;		/* UIDs that the client has; none named: all */
	struct store_set known_uids;
	struct store_mailbox mailbox;	/* as the first page told; its name is not kept */
	uint32_t first_unseen;
	uint32_t next;			/* UID of the next page */
	bool begun;
};

/* "$" is no UID that a client knows: none is saved yet. */
static bool parse_known(struct imap_parse *p, struct imap_set *set)
{
	return imap_parse_set(p, set) && (!set->saved || imap_parse_fail(p, "QRESYNC: $ is no set of UIDs"));
}

/* RFC 7162 3.2.5.2: pairs of numbers and UIDs that the client believes in. What the mod-sequence does
 * not tell of what went comes from the store; they are not needed. */
static bool parse_matches(struct imap_parse *p)
{
	struct imap_set numbers, uids;

	return imap_parse_byte(p, '(') && parse_known(p, &numbers) && imap_parse_space(p) && parse_known(p, &uids) &&
	       imap_parse_byte(p, ')');
}

/* RFC 7162 3.2.5: (uidvalidity modseq [known-uids [matches]]) */
static bool parse_resync(struct imap_server *e, struct imap_parse *p, struct select *d)
{
	if ((e->enabled & IMAP_QRESYNC) == 0)
		return imap_parse_fail(p, "QRESYNC must be enabled first");
	d->resync = true;
	if (!imap_parse_space(p) || !imap_parse_byte(p, '(') || !imap_parse_nz_number(p, UINT32_MAX, &d->known_uidvalidity) ||
	    !imap_parse_space(p) || !imap_parse_number(p, INT64_MAX, &d->known_modseq))
		return false;
	if (d->known_modseq == 0)
		return imap_parse_fail(p, "QRESYNC: 0 is no mod-sequence");
	if (imap_parse_try(p, ' ') && p->in.n > 0 && p->in.p[0] != '(' &&
	    (!parse_known(p, &d->known) || (imap_parse_try(p, ' ') && !parse_matches(p))))
		return false;
	if (p->in.n > 0 && p->in.p[0] == '(' && !parse_matches(p))
		return false;
	return imap_parse_byte(p, ')');
}

/* RFC 4466 2.4 */
static bool parse_parameters(struct imap_server *e, struct imap_parse *p, struct select *d)
{
	if (!imap_parse_byte(p, '('))
		return false;
	do {
		if (imap_parse_try_word(p, "CONDSTORE"))
			d->condstore = true;
		else if (!imap_parse_try_word(p, "QRESYNC"))
			return imap_parse_fail(p, "no such parameter");
		else if (!parse_resync(e, p, d))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

bool imap_parse_select(struct imap_server *e, struct imap_parse *p)
{
	struct select *d = arena_alloc(e->arena, sizeof(*d));

	if (d == NULL || !imap_parse_mailbox(p, &d->name))
		return false;
	d->read_only = span_is(span_of(e->command->name), "EXAMINE");
	e->data = d;
	if (imap_parse_try(p, ' ') && !parse_parameters(e, p, d))
		return false;
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

static enum imap_run finish(struct imap_server *e)
{
	const struct select *d = e->data;

	return imap_done(e, d->read_only ? "OK [READ-ONLY] EXAMINE completed" : "OK [READ-WRITE] SELECT completed");
}

/* --- what changed behind the client's mod-sequence ---------------------------- */

static enum imap_run resync_page(struct imap_server *e);

static enum imap_run resync_ask(struct imap_server *e)
{
	struct select *d = e->data;
	struct imap_action *a;

	if (imap_out_full(e))
		return IMAP_RUN_MORE;
	a = imap_ask(e, IMAP_SYNC, resync_page);
	a->look = (struct store_look){ .mailbox = d->mailbox.id,
				       .want = STORE_WANT_RECORDS,
				       .since = d->known_modseq,
				       .first = d->next,
				       .last = d->mailbox.uidnext - 1 };
	return IMAP_RUN_WAIT;
}

static enum imap_run resync_page(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct select *d = e->data;
	struct store_set gone;

	if (e->result->status != STORE_OK) {
		imap_deselect(e);
		return imap_no(e, e->result->status);
	}
	gone = (struct store_set){ page->vanished, page->vanished_count };
	imap_tell_earlier(e, &gone, d->known.n > 0 ? &d->known_uids : NULL);
	for (size_t i = 0; i < page->record_count; i++) {
		const struct store_record *r = &page->records[i];

		if (imap_view_seq(&e->sel.view, r->uid) != 0 && (d->known.n == 0 || imap_set_has(&d->known_uids, r->uid)))
			imap_tell_flags(e, r, page->keywords, page->keyword_count);
	}
	e->work += (unsigned)page->record_count / 2;
	if (page->next_uid == 0)
		return finish(e);
	d->next = page->next_uid;
	return imap_go(e, resync_ask);
}

/* RFC 7162 3.2.5.1: under another UIDVALIDITY nothing that the client has means anything. */
static enum imap_run resync(struct imap_server *e)
{
	struct select *d = e->data;

	if (d->known_uidvalidity != d->mailbox.uidvalidity || d->known_modseq >= d->mailbox.modseq || d->mailbox.uidnext <= 1)
		return finish(e);
	if (d->known.n > 0 && !imap_set_resolve(&d->known, d->mailbox.uidnext - 1, e->arena, &d->known_uids))
		return imap_no_memory(e);
	d->next = 1;
	return imap_go(e, resync_ask);
}

/* --- the mailbox as it is ------------------------------------------------------ */

/* RFC 9051 6.3.2: LIST, and so what the name is that was given */
static void tell_name(struct imap_server *e)
{
	const struct select *d = e->data;
	const char *role = imap_role_word(d->mailbox.role);

	if ((e->enabled & IMAP_REV2) == 0)
		return;
	buf_printf(&e->out, "* LIST (%s%s%s) \"/\" ", role != NULL ? role : "", role != NULL && d->mailbox.subscribed ? " " : "",
		   d->mailbox.subscribed ? "\\Subscribed" : "");
	imap_tell_mailbox(e, d->name);
	imap_text(e, "\r\n");
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
	free(e->sel.name);
	e->sel.name = calloc(1, d->name.n + 1);
	if (e->sel.name == NULL)
		return imap_no_memory(e);
	memcpy(e->sel.name, d->name.p, d->name.n);
	e->sel.mailbox = d->mailbox.id;
	e->sel.uidvalidity = d->mailbox.uidvalidity;
	e->sel.read_only = d->read_only;
	e->sel.modseq = e->sel.own_modseq = d->mailbox.modseq;
	e->state = IMAP_SELECTED;
	e->looked = true;	/* just now */
	imap_tell_counts(e);
	tell_name(e);
	if (unseen > 0 && (e->enabled & IMAP_REV2) == 0)
		buf_printf(&e->out, "* OK [UNSEEN %u] The first that was not read\r\n", unseen);
	buf_printf(&e->out, "* OK [UIDVALIDITY %u] UIDs are valid\r\n* OK [UIDNEXT %u] The next UID\r\n",
		   d->mailbox.uidvalidity, d->mailbox.uidnext);
	buf_printf(&e->out, "* OK [HIGHESTMODSEQ %llu] The highest\r\n", (unsigned long long)d->mailbox.modseq);	/* RFC 7162 3.1.2.1 */
	imap_text(e, "* OK [MAILBOXID (");	/* RFC 8474 4.2 */
	imap_put_mailbox_id(&e->out, d->mailbox.id);
	imap_text(e, ")] The same under another name\r\n");
	return d->resync ? imap_go(e, resync) : finish(e);
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

	if (d->condstore || d->resync)
		e->enabled |= IMAP_CONDSTORE;
	/* RFC 7162 3.2.11: what is told from here on is about the new one */
	if (e->state == IMAP_SELECTED && (e->enabled & (IMAP_QRESYNC | IMAP_REV2)) != 0)
		imap_text(e, "* OK [CLOSED] The old one is closed\r\n");
	imap_deselect(e);	/* RFC 3501 6.3.1: even if the new one can't be selected */
	e->watch_wanted = !e->watching;
	e->watching = true;
	imap_ask(e, IMAP_FIND, select_found)->name = d->name;
	return IMAP_RUN_WAIT;
}

/* One that somebody else has deleted is closed as well. */
static enum imap_run closed(struct imap_server *e)
{
	if (e->result->status != STORE_OK && e->result->status != STORE_NOT_FOUND)
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
