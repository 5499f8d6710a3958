/* cmd_copy.c - COPY (RFC 3501 6.4.7), MOVE (RFC 6851), EXPUNGE (6.4.3), UID EXPUNGE (RFC 4315 2.1). */
#include "imapd/session.h"

struct copy {
	struct imap_set set;
	struct span name;
	struct store_set uids;
	struct store_mutation m;
};

static bool is_move(const struct imap_server *e)
{
	return e->command->name[0] == 'M';
}

bool imap_parse_copy(struct imap_server *e, struct imap_parse *p)
{
	struct copy *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_set(p, &d->set) && imap_parse_space(p) && imap_parse_mailbox(p, &d->name) &&
	       imap_parse_end(p);
}

static enum imap_run commit(struct imap_server *e, imap_step step)
{
	struct copy *d = e->data;
	struct imap_action *a = imap_ask(e, IMAP_COMMIT, step);

	a->commit.mutations = &d->m;
	a->commit.count = 1;
	return IMAP_RUN_WAIT;
}

/* RFC 4315 3 */
static void put_copyuid(struct buf *out, const struct store_result *r)
{
	buf_printf(out, "OK [COPYUID %u ", r->uidvalidity);
	imap_set_write(&r->from, out);
	buf_put_byte(out, ' ');
	imap_set_write(&r->to, out);
	buf_put_text(out, "] ");
}

static enum imap_run copied(struct imap_server *e)
{
	const struct store_result *r = e->result->commit.results;
	bool any = e->result->status == STORE_OK && e->result->commit.count > 0 && r->to.count > 0;

	if (e->result->status == STORE_NOT_FOUND)
		return imap_done(e, "NO [TRYCREATE] There is no such mailbox");
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	e->dirty = true;
	if (!any)
		return imap_done(e, "OK %s completed, there was nothing", e->command->name);
	e->tell_highest = is_move(e) && (e->enabled & IMAP_QRESYNC) != 0;
	if (is_move(e)) {		/* RFC 6851 4.3: before the EXPUNGE responses */
		imap_text(e, "* ");
		put_copyuid(&e->out, r);
		imap_text(e, "Moved\r\n");
	} else {
		put_copyuid(&e->final, r);
	}
	return is_move(e) ? imap_done(e, "OK MOVE completed") : imap_done(e, "COPY completed");
}

static enum imap_run target_found(struct imap_server *e)
{
	struct copy *d = e->data;

	if (e->result->status == STORE_NOT_FOUND)
		return imap_done(e, "NO [TRYCREATE] There is no such mailbox");
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->m = (struct store_mutation){ .change = is_move(e) ? STORE_MOVE : STORE_COPY,
					.mailbox = e->sel.mailbox,
					.target = e->result->mailbox->id,
					.uids = d->uids };
	return commit(e, copied);
}

enum imap_run imap_run_copy(struct imap_server *e)
{
	struct copy *d = e->data;

	if (is_move(e) && e->sel.read_only)
		return imap_done(e, "NO [CANNOT] The mailbox was opened read-only");
	if (!imap_uids(e, &d->set, &d->uids))
		return imap_bad(e, "The set names messages that are not there");
	if (d->uids.count == 0)
		return imap_done(e, "OK %s completed, there was nothing", e->command->name);
	e->progress.goal = imap_view_among(&e->sel.view, &d->uids);
	imap_ask(e, IMAP_FIND, target_found)->name = d->name;
	return IMAP_RUN_WAIT;
}

bool imap_parse_expunge(struct imap_server *e, struct imap_parse *p)
{
	struct copy *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	if (d == NULL || (e->uid && !imap_parse_set(p, &d->set)))
		return false;
	return imap_parse_end(p);
}

static enum imap_run expunged(struct imap_server *e)
{
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	e->dirty = true;
	e->tell_highest = (e->enabled & IMAP_QRESYNC) != 0;	/* RFC 7162 3.2.7 */
	return imap_done(e, "OK EXPUNGE completed");
}

enum imap_run imap_run_expunge(struct imap_server *e)
{
	static const struct store_range all = { 1, UINT32_MAX };
	struct copy *d = e->data;

	if (e->sel.read_only)
		return imap_done(e, "NO [CANNOT] The mailbox was opened read-only");
	d->uids = (struct store_set){ &all, 1 };
	if (e->uid && !imap_uids(e, &d->set, &d->uids))
		return imap_no_memory(e);
	if (d->uids.count == 0)
		return imap_done(e, "OK EXPUNGE completed");
	d->m = (struct store_mutation){ .change = STORE_EXPUNGE,
					.mailbox = e->sel.mailbox,
					.uids = d->uids,
					.only_deleted = true };
	return commit(e, expunged);
}
