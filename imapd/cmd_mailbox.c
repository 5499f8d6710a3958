/* cmd_mailbox.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501 6.3.3 to 6.3.7). */
#include "imapd/session.h"

struct change {
	struct span name, to;
	struct store_mutation m;
};

bool imap_parse_name(struct imap_server *e, struct imap_parse *p)
{
	struct change *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_mailbox(p, &d->name) && imap_parse_end(p);
}

bool imap_parse_rename(struct imap_server *e, struct imap_parse *p)
{
	struct change *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_mailbox(p, &d->name) && imap_parse_space(p) &&
	       imap_parse_mailbox(p, &d->to) && imap_parse_end(p);
}

static enum imap_run changed(struct imap_server *e)
{
	struct change *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	if (d->m.change == STORE_DELETE && e->state == IMAP_SELECTED && d->m.mailbox == e->sel.mailbox)
		imap_deselect(e);
	return imap_done(e, "OK %s completed", e->command->name);
}

static enum imap_run commit(struct imap_server *e)
{
	struct change *d = e->data;
	struct imap_action *a = imap_ask(e, IMAP_COMMIT, changed);

	a->commit.mutations = &d->m;
	a->commit.count = 1;
	return IMAP_RUN_WAIT;
}

/* RFC 3501 6.3.3: a separator at the end announces names below; the name is without it. */
enum imap_run imap_run_create(struct imap_server *e)
{
	struct change *d = e->data;

	if (d->name.n > 1 && d->name.p[d->name.n - 1] == '/')
		d->name.n--;
	d->m = (struct store_mutation){ .change = STORE_CREATE, .name = d->name };
	return commit(e);
}

enum imap_run imap_run_subscribe(struct imap_server *e)
{
	struct change *d = e->data;

	d->m = (struct store_mutation){ .change = STORE_SUBSCRIBE, .name = d->name };
	return commit(e);
}

enum imap_run imap_run_unsubscribe(struct imap_server *e)
{
	struct change *d = e->data;

	d->m = (struct store_mutation){ .change = STORE_UNSUBSCRIBE, .name = d->name };
	return commit(e);
}

static enum imap_run found(struct imap_server *e)
{
	struct change *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->m.mailbox = e->result->mailbox->id;
	return imap_go(e, commit);
}

enum imap_run imap_run_delete(struct imap_server *e)
{
	struct change *d = e->data;

	if (span_is(d->name, "INBOX"))
		return imap_done(e, "NO [CANNOT] INBOX can't be deleted");
	d->m.change = STORE_DELETE;
	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}

enum imap_run imap_run_rename(struct imap_server *e)
{
	struct change *d = e->data;

	d->m.change = STORE_RENAME;
	d->m.name = d->to;
	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}
