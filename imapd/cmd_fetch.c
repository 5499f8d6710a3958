/*
 * cmd_fetch.c - FETCH (RFC 3501 6.4.5, 7.4.2): page by page, message by message.
 *
 * For a page: look, set \Seen for those that are read (one commit), tell each. For a
 * message: its metadata and its body are fetched before the first byte of its response,
 * so that one that went meanwhile is left out and not half told.
 */
#include "imapd/fetch.h"

#include <stdlib.h>

#include "common/base/clock.h"

static void clear_fetch(struct imap_server *e)
{
	struct fetch *f = e->data;

	free(f->page.records);
	free(f->seen);
	buf_clear(&f->header);
	buf_clear(&f->picked);
	buf_clear(&f->binary.decoded);
	fetch_preview_clear(&f->preview);
}

bool fetch_is_whole(const struct fetch_item *i)
{
	return i->path_n == 0 && i->section == MIME_SECTION_BODY;
}

bool imap_parse_fetch(struct imap_server *e, struct imap_parse *p)
{
	struct fetch *f = arena_alloc(e->arena, sizeof(*f));

	e->data = f;
	if (f == NULL || !imap_parse_set(p, &f->set) || !imap_parse_space(p) || !fetch_parse_items(p, f))
		return false;
	if (imap_parse_try(p, ' ') && !fetch_parse_modifiers(p, f))
		return false;
	if (f->vanished && (!e->uid || (e->enabled & IMAP_QRESYNC) == 0))	/* RFC 7162 3.2.6 */
		return imap_parse_fail(p, "VANISHED is for UID FETCH, once QRESYNC is enabled");
	if (f->part.first != 0 && !e->uid)	/* RFC 9394 3.3 */
		return imap_parse_fail(p, "PARTIAL is for UID FETCH");
	return imap_parse_end(p);
}

/* --- one message ----------------------------------------------------------- */

static void put_flags(struct imap_server *e, const struct store_record *r)
{
	struct fetch *f = e->data;
	struct imap_flag_words w = { r->flags, r->keywords, f->page.keywords, f->page.keyword_count,
				     imap_shows_recent(e, r->uid) };

	imap_text(e, "FLAGS ");
	imap_put_flags(&e->out, &w);
}

static void put_date(struct imap_server *e, const char *name, int64_t real_s)
{
	char text[CLOCK_TEXT];

	clock_imap_text(text, real_s);
	buf_printf(&e->out, "%s \"%s\"", name, text);
}

static void put_item(struct imap_server *e, const struct store_record *r, enum fetch_kind kind)
{
	const struct mime_meta *m = e->derive != NULL ? &e->derive->meta : NULL;

	switch (kind) {
	case FETCH_FLAGS:
		put_flags(e, r);
		break;
	case FETCH_UID:
		imap_text(e, "UID ");
		imap_put_number(&e->out, r->uid);
		break;
	case FETCH_INTERNALDATE:
		put_date(e, "INTERNALDATE", r->internal_s);
		break;
	case FETCH_SIZE:
		imap_text(e, "RFC822.SIZE ");
		imap_put_number(&e->out, r->size);
		break;
	case FETCH_ENVELOPE:
		imap_text(e, "ENVELOPE ");
		mime_meta_envelope(m, &e->out);
		break;
	case FETCH_BODYSTRUCTURE:
		imap_text(e, "BODYSTRUCTURE ");
		mime_meta_bodystructure(m, &e->out);
		break;
	case FETCH_BODY:
		imap_text(e, "BODY ");
		mime_meta_body(m, &e->out);
		break;
	case FETCH_MODSEQ:
		buf_printf(&e->out, "MODSEQ (%llu)", (unsigned long long)r->modseq);
		break;
	case FETCH_EMAILID:
		imap_text(e, "EMAILID (");
		imap_put_email_id(&e->out, r->guid);
		imap_text(e, ")");
		break;
	case FETCH_THREADID:
		imap_text(e, "THREADID NIL");
		break;
	case FETCH_SAVEDATE:
		put_date(e, "SAVEDATE", r->saved_s);
		break;
	case FETCH_PREVIEW:
		fetch_preview_put(e);
		break;
	case FETCH_SECTION:
		break;
	}
}

static void put_plain_items(struct imap_server *e, const struct store_record *r)
{
	struct fetch *f = e->data;
	bool uid = e->uid && (e->enabled & IMAP_UIDONLY) == 0, modseq;
	bool flags = f->at < STORE_PAGE_RECORDS && f->seen_changed[f->at];
	const char *space = "";

	uid |= flags && (e->enabled & (IMAP_REV2 | IMAP_UIDONLY)) == IMAP_REV2;	/* RFC 9051 7.5.2: not asked for */
	/* RFC 7162 3.1.4.1: CHANGEDSINCE asks for it; with flags it stands anyhow. */
	modseq = (e->enabled & IMAP_CONDSTORE) != 0 && (flags || f->since > 0);
	imap_tell_message(e, r->uid);
	for (size_t i = 0; i < f->n; i++) {
		enum fetch_kind kind = f->items[i].kind;

		if (kind == FETCH_SECTION)
			continue;
		uid &= kind != FETCH_UID;
		flags &= kind != FETCH_FLAGS;
		modseq &= kind != FETCH_MODSEQ;
		imap_text(e, space);
		space = " ";
		put_item(e, r, kind);
	}
	if (uid) {	/* RFC 3501 6.4.8: a UID command tells UIDs */
		imap_text(e, space);
		space = " ";
		put_item(e, r, FETCH_UID);
	}
	if (flags) {
		imap_text(e, space);
		space = " ";
		put_item(e, r, FETCH_FLAGS);
	}
	if (modseq) {
		imap_text(e, space);
		space = " ";
		put_item(e, r, FETCH_MODSEQ);
	}
	if (f->needs_body && *space == '\0')
		put_item(e, r, FETCH_UID);	/* every section follows a space */
}

static void place_sections(struct imap_server *e, const struct store_record *r)
{
	struct fetch *f = e->data;

	for (size_t k = 0; k < f->n; k++) {
		struct fetch_item *i = &f->items[k];

		if (i->kind != FETCH_SECTION)
			continue;
		i->there = true;
		i->offset = 0;
		i->length = r->size;
		if (!fetch_is_whole(i))
			i->there = mime_meta_section(&e->derive->meta, i->path, i->path_n, i->section, &i->offset,
						     &i->length) &&
				   i->offset <= r->size && i->length <= r->size - i->offset;
		if (i->decode != FETCH_AS_IT_IS)
			fetch_binary_place(e->derive != NULL ? &e->derive->meta : NULL, i);
	}
}

static enum imap_run tell(struct imap_server *e)
{
	struct fetch *f = e->data;
	const struct store_record *r = &f->page.records[f->at];

	e->progress.done = ++f->told;
	put_plain_items(e, r);
	e->work += f->needs_meta ? 4 : 1;
	if (f->needs_body) {
		place_sections(e, r);
		f->item = 0;
		e->half = true;
		return imap_go(e, fetch_sections);
	}
	imap_text(e, ")\r\n");
	f->at++;
	return imap_go(e, fetch_next);
}

static enum imap_run skip(struct imap_server *e, enum store_status status)
{
	struct fetch *f = e->data;

	if (status != STORE_NOT_FOUND)
		return imap_no(e, status);
	f->at++;
	return imap_go(e, fetch_next);
}

static enum imap_run body_there(struct imap_server *e)
{
	return e->body_status == STORE_OK ? tell(e) : skip(e, e->body_status);
}

static enum imap_run all_but_sections(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (f->needs_body)
		return imap_body_run(e, f->page.records[f->at].uid, body_there);
	return tell(e);
}

static enum imap_run meta_there(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (e->derive->status != STORE_OK)
		return skip(e, e->derive->status);
	e->derive->meta.rev2 = (e->enabled & IMAP_REV2) != 0;
	if (fetch_preview_due(e, &f->page.records[f->at]))
		return fetch_preview(e, all_but_sections);
	return all_but_sections(e);
}

/* --- pages ----------------------------------------------------------------- */

static enum imap_run finish(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (f->unknown_encoding)
		return imap_done(e, "NO [UNKNOWN-CTE] A part's transfer encoding is not known; all else was told");
	if (f->told < imap_view_among(&e->sel.view, &f->uids) && !e->uid && f->since == 0) {
		e->dirty = true;
		return imap_done(e, "OK [EXPUNGEISSUED] FETCH completed, some messages are gone");	/* RFC 5530 3 */
	}
	return imap_done(e, "OK FETCH completed");
}

static enum imap_run page_there(struct imap_server *e);

static enum imap_run look(struct imap_server *e)
{
	struct fetch *f = e->data;
	struct imap_action *a;
	struct store_look l;

	if (!imap_walk_look(&f->walk, e->sel.mailbox, &l))
		return finish(e);
	l.since = f->since;
	a = imap_ask(e, IMAP_SYNC, page_there);
	a->look = l;
	a->ahead = f->since == 0;
	return IMAP_RUN_WAIT;
}

static enum imap_derive_want wanted_meta(const struct fetch *f)
{
	return f->needs_tree || f->needs_body || f->preview.wanted ? IMAP_DERIVE_ALL : IMAP_DERIVE_ENVELOPE;
}

enum imap_run fetch_next(struct imap_server *e)
{
	struct fetch *f = e->data;

	while (f->at < f->page.count) {
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		f->preview.done = false;
		if (f->needs_meta || fetch_preview_due(e, &f->page.records[f->at]))
			return imap_derive_run(e, &f->page.records[f->at], wanted_meta(f), meta_there);
		if (f->needs_body)
			return imap_body_run(e, f->page.records[f->at].uid, body_there);
		tell(e);
	}
	return imap_go(e, look);
}

static enum imap_run seen_done(struct imap_server *e)
{
	struct fetch *f = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	for (size_t i = 0; i < f->page.count; i++)
		if (f->seen_changed[i]) {
			f->page.records[i].flags |= STORE_SEEN;
			if (e->result->commit.count > 0)
				f->page.records[i].modseq = e->result->commit.results->modseq;
		}
	if (e->result->commit.count > 0)
		imap_sync_own(e, e->result->commit.results->modseq);
	return imap_go(e, fetch_next);
}

/* RFC 3501 6.4.5: BODY[...] sets \Seen. One commit for the page. */
static enum imap_run mark_seen(struct imap_server *e)
{
	struct fetch *f = e->data;
	struct imap_action *a;
	size_t n = 0;

	for (size_t i = 0; i < f->page.count && i < STORE_PAGE_RECORDS; i++) {
		f->seen_changed[i] = (f->page.records[i].flags & STORE_SEEN) == 0;
		if (f->seen_changed[i])
			f->seen[n++] = (struct store_range){ f->page.records[i].uid, f->page.records[i].uid };
	}
	if (n == 0)
		return imap_go(e, fetch_next);
	f->m = (struct store_mutation){ .change = STORE_SET_FLAGS,
					.mailbox = e->sel.mailbox,
					.uids = { f->seen, imap_ranges_sort(f->seen, n) },
					.how = STORE_FLAGS_ADD,
					.flags = STORE_SEEN };
	a = imap_ask(e, IMAP_COMMIT, seen_done);
	a->commit.mutations = &f->m;
	a->commit.count = 1;
	return IMAP_RUN_WAIT;
}

static enum imap_run page_there(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct fetch *f = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	if (imap_page_copy(e, page, &f->uids, &f->page) != 0)
		return imap_no_memory(e);
	if (f->vanished) {
		struct store_set gone = { page->vanished, page->vanished_count };

		imap_tell_earlier(e, &gone, &f->uids);
	}
	imap_walk_took(&f->walk, page->next_uid);
	if (page->keyword_count > e->sel.keywords_told)
		imap_tell_keywords(e, page->keywords, page->keyword_count);
	f->at = 0;
	return imap_go(e, f->sees ? mark_seen : fetch_next);
}

/* How many messages of the view lie in r; *before: how many in front of it. */
static uint32_t messages_in(const struct imap_view *v, struct store_range r, uint32_t *before)
{
	*before = imap_view_below(v, r.first - 1);
	return imap_view_below(v, r.last) - *before;
}

/* RFC 9394 3.3: of the messages in uids those whose place, counted from one end, is in the part. */
static bool narrow(struct imap_server *e, struct fetch *f)
{
	uint64_t low = f->part.first < f->part.last ? f->part.first : f->part.last;
	uint64_t high = f->part.first < f->part.last ? f->part.last : f->part.first;
	struct store_range *r = arena_array(e->arena, f->uids.count + 1, sizeof(*r));
	uint64_t at = 0, total = 0;
	uint32_t before;
	size_t n = 0;

	if (r == NULL)
		return false;
	for (size_t i = 0; i < f->uids.count; i++)
		total += messages_in(&e->sel.view, f->uids.ranges[i], &before);
	if (f->from_end) {
		uint64_t end = low <= total ? total - low + 1 : 0;

		low = high <= total ? total - high + 1 : 1;
		high = end;
	}
	for (size_t i = 0; i < f->uids.count; i++) {
		uint32_t count = messages_in(&e->sel.view, f->uids.ranges[i], &before);
		uint64_t from = low > at + 1 ? low : at + 1, to = high < at + count ? high : at + count;

		if (from <= to)
			r[n++] = (struct store_range){ imap_view_uid(&e->sel.view, before + (uint32_t)(from - at)),
						       imap_view_uid(&e->sel.view, before + (uint32_t)(to - at)) };
		at += count;
	}
	f->uids = (struct store_set){ r, n };
	return true;
}

enum imap_run imap_run_fetch(struct imap_server *e)
{
	struct fetch *f = e->data;

	e->clear = clear_fetch;
	buf_init(&f->header, FETCH_HEADER_MAX);
	buf_init(&f->picked, FETCH_HEADER_MAX);
	buf_init(&f->preview.words, FETCH_WORDS_MAX);
	buf_init(&f->binary.decoded, IMAP_READ_PIECE + 2 * MIME_DECODE_SLACK);
	f->sees &= !e->sel.read_only;
	if (f->knows_condstore)
		imap_know_condstore(e);
	if (!imap_uids(e, &f->set, &f->uids))
		return imap_bad(e, "FETCH: the set names messages that are not there");
	if (f->part.first != 0 && !narrow(e, f))
		return imap_no_memory(e);
	if (f->sees) {
		f->seen = calloc(STORE_PAGE_RECORDS, sizeof(*f->seen));
		if (f->seen == NULL)
			return imap_no_memory(e);
	}
	e->progress.goal = imap_view_among(&e->sel.view, &f->uids);
	imap_walk_init(&f->walk, &f->uids);
	return imap_go(e, look);
}
