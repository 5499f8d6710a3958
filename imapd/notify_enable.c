/*
 * notify_enable.c - ENABLE METADATA (RFC 5464 4.1, 4.4): a client is told which annotations others have changed, of all
 * mailboxes and of the server, without NOTIFY and whatever NOTIFY asks for besides.
 *
 * The work is NOTIFY's. As long as that command was not used, the selected mailbox is told of as it is without it.
 */
#include "imapd/notify.h"

bool imap_notify_used(const struct imap_server *e)
{
	return e->notify != NULL && !e->notify->plain;
}

bool imap_notify_metadata_on(const struct imap_server *e)
{
	return e->notify != NULL && e->notify->always != 0;
}

static void clear_next(struct imap_server *e)
{
	notify_free(e->notify_next);
	e->notify_next = NULL;
}

/* What could not be looked at is not enabled. */
static enum imap_run ready(struct imap_server *e)
{
	struct imap_notify *n = e->notify_next;
	imap_step then = n->then;

	if (n->status == STORE_OK) {
		e->notify = n;
		e->notify_next = NULL;
		e->watch_wanted |= !e->watching;
		e->watching = true;
	}
	return imap_go(e, then);
}

static enum imap_run walked(struct imap_server *e)
{
	struct imap_notify *n = e->notify_next;

	if (n->status != STORE_OK)
		return ready(e);
	notify_table_clear(&n->told);
	n->told = n->seen;
	n->seen = (struct notify_table){ .n = 0 };
	return notify_notes_read(e, n, ready);
}

enum imap_run imap_notify_metadata(struct imap_server *e, imap_step then)
{
	if (e->notify != NULL) {	/* NOTIFY came first: it looks at the others, too */
		e->notify->always = NOTIFY_NOTES;
		e->hint_all = true;
		return imap_go(e, then);
	}
	e->clear = clear_next;
	if (notify_new(&e->notify_next, NULL, 0, (struct span){ NULL, 0 }) != 0)
		return imap_go(e, then);
	e->notify_next->plain = true;
	e->notify_next->always = NOTIFY_NOTES;
	e->notify_next->then = then;
	return notify_walk(e, e->notify_next, walked);
}
