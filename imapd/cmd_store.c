/* cmd_store.c - STORE (RFC 3501 6.4.6), conditional too (RFC 7162 3.1.3). */
#include "imapd/session.h"
#include "imapd/walk.h"

struct store_command {
	struct imap_set set;
	enum store_how how;
	bool silent;
	bool conditional;
	uint64_t unchanged_since;
	struct imap_flags flags;
	struct store_set uids;
	struct store_set modified;	/* changed by others behind unchanged_since */
	struct imap_walk walk;
	struct store_mutation m;
	struct store_look look;		/* goes along with it */
	uint64_t modseq;		/* of the change */
	bool again;
	bool missing;		/* a sequence number whose message went meanwhile */
	bool current;		/* all that changed in the mailbox was this command's, and is told */
};

bool imap_parse_store(struct imap_server *e, struct imap_parse *p)
{
	struct store_command *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	if (d == NULL || !imap_parse_set(p, &d->set) || !imap_parse_space(p))
		return false;
	if (imap_parse_try(p, '(')) {	/* RFC 4466 2.5 */
		d->conditional = imap_parse_try_word(p, "UNCHANGEDSINCE");
		if (!d->conditional)
			return imap_parse_fail(p, "no such modifier");
		if (!imap_parse_space(p) || !imap_parse_number(p, INT64_MAX, &d->unchanged_since) || !imap_parse_byte(p, ')') ||
		    !imap_parse_space(p))
			return false;
	}
	d->how = imap_parse_try(p, '+') ? STORE_FLAGS_ADD :
		 imap_parse_try(p, '-') ? STORE_FLAGS_REMOVE :
					  STORE_FLAGS_REPLACE;
	if (!imap_parse_try_word(p, "FLAGS"))
		return imap_parse_fail(p, "FLAGS, +FLAGS or -FLAGS is missing");
	if (imap_parse_try(p, '.')) {
		d->silent = imap_parse_try_word(p, "SILENT");
		if (!d->silent)
			return imap_parse_fail(p, "SILENT is missing behind the dot");
	}
	return imap_parse_space(p) && imap_parse_flags_open(p, &d->flags) && imap_parse_end(p);
}

/* RFC 7162 3.1.3: as the command had them, UIDs or sequence numbers. */
static void put_modified(struct imap_server *e, const struct store_set *uids)
{
	const char *comma = "";

	buf_put_text(&e->final, "OK [MODIFIED ");
	for (size_t i = 0; i < uids->count; i++) {
		uint32_t from = uids->ranges[i].first;
		struct store_range r;

		while (imap_view_next(&e->sel.view, &from, uids->ranges[i].last, &r)) {
			struct store_set one = { &r, 1 };

			if (!e->uid)
				r = (struct store_range){ imap_view_seq(&e->sel.view, r.first), imap_view_seq(&e->sel.view, r.last) };
			buf_put_text(&e->final, comma);
			imap_set_write(&one, &e->final);
			comma = ",";
		}
	}
	buf_put_text(&e->final, "] ");
}

static enum imap_run finish(struct imap_server *e)
{
	struct store_command *d = e->data;

	e->dirty |= !d->current;	/* what others did meanwhile */
	if (d->modified.count > 0) {
		put_modified(e, &d->modified);
		return imap_done(e, "Some messages were changed meanwhile");
	}
	if (d->missing && !e->uid)
		return imap_done(e, "OK [EXPUNGEISSUED] STORE completed, some messages are gone");	/* RFC 5530 3 */
	return imap_done(e, "OK STORE completed");
}

static enum imap_run tell_page(struct imap_server *e);

static enum imap_run tell_ask(struct imap_server *e)
{
	struct store_command *d = e->data;
	struct imap_action *a;
	struct store_look look;

	if (imap_out_full(e))
		return IMAP_RUN_MORE;
	if (!imap_walk_look(&d->walk, e->sel.mailbox, &look))
		return finish(e);
	a = imap_ask(e, IMAP_SYNC, tell_page);
	a->look = look;
	a->ahead = !d->again;
	return IMAP_RUN_WAIT;
}

static enum imap_run tell_page(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct store_command *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	if (page->mailbox.modseq < d->modseq && !d->again) {	/* it went ahead of the change */
		d->again = true;
		return imap_go(e, tell_ask);
	}
	imap_tell_keywords(e, page->keywords, page->keyword_count);
	for (size_t i = 0; i < page->record_count; i++) {
		uint32_t uid = page->records[i].uid;

		bool changed = !imap_set_has(&d->modified, uid);

		if (!imap_set_has(&d->uids, uid) || imap_view_seq(&e->sel.view, uid) == 0)
			continue;
		if (!d->silent || !changed)	/* RFC 7162 3.1.3: why it failed is told at once */
			imap_tell_flags(e, &page->records[i], page->keywords, page->keyword_count);
		else
			imap_tell_modseq(e, uid, page->records[i].modseq);
	}
	e->work += (unsigned)page->record_count / 2;
	imap_walk_took(&d->walk, page->next_uid);
	d->current = imap_sync_is_current(e, page);
	return imap_go(e, tell_ask);
}

/* What a result lends, for longer. */
static bool keep(struct imap_server *e, const struct store_set *from, struct store_set *to)
{
	struct store_range *r = arena_array(e->arena, from->count + 1, sizeof(*r));

	if (r == NULL)
		return false;
	for (size_t i = 0; i < from->count; i++)
		r[i] = from->ranges[i];
	*to = (struct store_set){ r, from->count };
	return true;
}

static bool tells(const struct imap_server *e)
{
	const struct store_command *d = e->data;

	return !d->silent || (e->enabled & IMAP_CONDSTORE) != 0;
}

static enum imap_run stored(struct imap_server *e)
{
	struct store_command *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	if (e->result->commit.count > 0) {
		d->modseq = e->result->commit.results->modseq;
		imap_sync_own(e, d->modseq);
		if (!keep(e, &e->result->commit.results->skipped, &d->modified))
			return imap_no_memory(e);
	}
	return tells(e) ? imap_go(e, tell_ask) : finish(e);
}

enum imap_run imap_run_store(struct imap_server *e)
{
	struct store_command *d = e->data;
	struct imap_action *a;

	if (d->conditional)
		imap_know_condstore(e);
	if (e->sel.read_only)
		return imap_done(e, "NO [CANNOT] The mailbox was opened read-only");
	if (!imap_uids(e, &d->set, &d->uids))
		return imap_bad(e, "The set names messages that are not there");
	if (d->uids.count == 0)
		return imap_done(e, "OK STORE completed, there was nothing");
	for (size_t i = 0; i < e->sel.view.gone.n; i++)
		d->missing |= imap_set_has(&d->uids, e->sel.view.gone.r[i].first);
	if (d->conditional && d->unchanged_since == 0) {	/* RFC 7162 3.1.3: it always fails */
		d->modified = d->uids;
		return finish(e);
	}
	d->m = (struct store_mutation){ .change = STORE_SET_FLAGS,
					.mailbox = e->sel.mailbox,
					.uids = d->uids,
					.how = d->how,
					.unchanged_since = d->unchanged_since,
					.flags = d->flags.flags,
					.keywords = d->flags.keywords,
					.keyword_count = d->flags.keyword_count };
	a = imap_ask(e, IMAP_COMMIT, stored);
	a->commit.mutations = &d->m;
	a->commit.count = 1;
	imap_walk_init(&d->walk, &d->uids);
	if (tells(e) && imap_walk_look(&d->walk, e->sel.mailbox, &d->look))
		a->commit.then = &d->look;
	return IMAP_RUN_WAIT;
}
