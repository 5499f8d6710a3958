/* notify_tell.c - two tables, and what a client is told of the difference (RFC 5465 5). */
#include "imapd/notify.h"
#include "imapd/role.h"

/* --- messages: STATUS ------------------------------------------------------- */

static void tell_items(struct imap_server *e, const struct notify_box *box, unsigned wanted)
{
	const struct imap_status status = { .wanted = wanted, .m = box->m };

	imap_status_tell(e, &status);
}

void notify_tell_begin(struct imap_server *e, const struct notify_box *box)
{
	unsigned wanted = 0;

	if (box->m.id == 0 || box->m.id == e->sel.mailbox)
		return;
	if ((box->events & NOTIFY_MESSAGES) != 0)
		wanted = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT | IMAP_STATUS_UIDVALIDITY;
	if ((box->events & NOTIFY_FLAGS) != 0)
		wanted |= IMAP_STATUS_HIGHESTMODSEQ | IMAP_STATUS_UNSEEN;
	if (wanted != 0)
		tell_items(e, box, wanted);
}

/* RFC 5465 5.1 to 5.3 */
static unsigned status_items(const struct imap_server *e, const struct notify_box *told, const struct notify_box *seen)
{
	const struct store_mailbox *a = &told->m, *b = &seen->m;
	bool condstore = (e->enabled & IMAP_CONDSTORE) != 0;
	unsigned wanted = 0;

	if ((seen->events & NOTIFY_MESSAGES) == 0)
		return 0;
	if (a->exists != b->exists || a->uidnext != b->uidnext || a->uidvalidity != b->uidvalidity)
		wanted = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT | IMAP_STATUS_UIDVALIDITY;
	if ((seen->events & NOTIFY_FLAGS) != 0) {
		if (a->unseen != b->unseen)
			wanted |= IMAP_STATUS_UNSEEN;
		if (condstore && a->modseq != b->modseq)
			wanted |= IMAP_STATUS_UIDVALIDITY;
	}
	return wanted != 0 && condstore ? wanted | IMAP_STATUS_HIGHESTMODSEQ : wanted;
}

/* RFC 5465 3.1: of the selected mailbox other words tell. */
void notify_tell_status(struct imap_server *e, const struct notify_box *told, const struct notify_box *seen)
{
	unsigned wanted;

	if (seen->m.id == 0 || seen->m.id == e->sel.mailbox)
		return;
	if (told->own_modseq != 0 && told->own_modseq == seen->m.modseq)
		return;
	wanted = status_items(e, told, seen);
	if (wanted != 0)
		tell_items(e, seen, wanted);
}

/* --- names: LIST ------------------------------------------------------------ */

/* RFC 5465 5.4: old: its name before, empty if it had none. */
static void tell_list(struct imap_server *e, const struct notify_box *box, struct span old)
{
	const char *role = imap_role_word(box->m.role);

	imap_text(e, box->m.id == 0 ? "* LIST (\\NonExistent " : "* LIST (");
	imap_text(e, box->child ? "\\HasChildren" : "\\HasNoChildren");
	if (role != NULL && box->m.id != 0)
		buf_printf(&e->out, " %s", role);
	if (box->m.subscribed)
		imap_text(e, " \\Subscribed");
	imap_text(e, ") \"/\" ");
	imap_tell_mailbox(e, box->m.name);
	if (old.n > 0) {
		imap_text(e, " (\"OLDNAME\" (");
		imap_tell_mailbox(e, old);
		imap_text(e, "))");
	}
	imap_text(e, "\r\n");
	e->work++;
}

static bool is_own_name(const struct imap_notify *n, enum store_change change, struct span name)
{
	for (size_t i = 0; i < n->own_n; i++)
		if (n->own[i].change == change && span_equal(n->own[i].name, name))
			return true;
	return false;
}

static bool is_own_id(const struct imap_notify *n, enum store_change change, uint64_t mailbox)
{
	for (size_t i = 0; i < n->own_n; i++)
		if (n->own[i].change == change && n->own[i].mailbox == mailbox)
			return true;
	return false;
}

/* RFC 5465 5.4: what lies right above a mailbox that came or went has changed too, be it there or not. */
static void parent_changed(struct imap_server *e, struct imap_notify *n, struct span name)
{
	struct notify_box none = { .m = { .name = notify_parent(name) } }, *above;

	if (none.m.name.n == 0)
		return;
	above = notify_table_find(&n->seen, none.m.name);
	if (above != NULL)
		above->parent_due = notify_table_find(&n->told, none.m.name) != NULL;	/* else it is told as made itself */
	else if ((notify_events(n, &none.m) & NOTIFY_NAME) != 0)
		tell_list(e, &none, (struct span){ NULL, 0 });
}

static const struct notify_box *by_id(struct notify_table *t, const struct notify_box *box)
{
	return notify_table_by_id(t, box->m.id);
}

static void subscription(struct imap_server *e, struct imap_notify *n, const struct notify_box *told,
			 const struct notify_box *seen)
{
	bool own = is_own_name(n, seen->m.subscribed ? STORE_SUBSCRIBE : STORE_UNSUBSCRIBE, seen->m.name);

	if (((told->events | seen->events) & NOTIFY_SUBSCRIPTION) != 0 && told->m.subscribed != seen->m.subscribed && !own)
		tell_list(e, seen, (struct span){ NULL, 0 });
}

/* RFC 5465 5.4: what lies below a mailbox goes with it, without a word. */
static bool went_along(const struct imap_notify *n, struct span old, struct span new)
{
	size_t o = n->root_old.n, w = n->root_new.n;

	if (o == 0 || old.n <= o || new.n <= w || old.n - o != new.n - w || new.p[w] != '/')
		return false;
	return span_equal((struct span){ old.p, o }, n->root_old) && span_equal((struct span){ new.p, w }, n->root_new) &&
	       span_equal((struct span){ old.p + o, old.n - o }, (struct span){ new.p + w, new.n - w });
}

static void renamed(struct imap_server *e, struct imap_notify *n, const struct notify_box *told,
		    const struct notify_box *seen)
{
	if (!went_along(n, told->m.name, seen->m.name)) {
		n->root_old = told->m.name;
		n->root_new = seen->m.name;
		if (((told->events | seen->events) & NOTIFY_NAME) != 0 && !is_own_id(n, STORE_RENAME, seen->m.id))
			tell_list(e, seen, told->m.name);
	}
	notify_tell_status(e, told, seen);
}

/* The inbox that is renamed stays, and a mailbox of the new name is made (RFC 5465 5.4). */
static void made(struct imap_server *e, struct imap_notify *n, const struct notify_box *seen)
{
	static const struct notify_box none = { .m = { .uidnext = 1 } };
	struct notify_box empty = none;
	bool own = is_own_name(n, STORE_CREATE, seen->m.name) || is_own_name(n, STORE_RENAME, seen->m.name);

	if (seen->m.id == 0) {
		subscription(e, n, &none, seen);
		return;
	}
	if (!own && (seen->events & NOTIFY_NAME) != 0)
		tell_list(e, seen, (struct span){ NULL, 0 });
	if (!own)
		parent_changed(e, n, seen->m.name);
	empty.m.uidvalidity = seen->m.uidvalidity;
	empty.m.modseq = seen->m.modseq;
	notify_tell_status(e, &empty, seen);
}

/* left: what is there under its name now, NULL: nothing. */
static void went(struct imap_server *e, struct imap_notify *n, const struct notify_box *told,
		 const struct notify_box *left)
{
	struct notify_box gone = { .m = { .name = told->m.name, .subscribed = left != NULL && left->m.subscribed },
				   .child = left != NULL && left->child };

	if (told->m.id == 0) {
		if (left == NULL)
			subscription(e, n, told, &gone);
		return;
	}
	if (is_own_id(n, STORE_DELETE, told->m.id))
		return;
	if ((told->events & NOTIFY_NAME) != 0 && (left == NULL || left->m.id == 0))
		tell_list(e, &gone, (struct span){ NULL, 0 });
	parent_changed(e, n, told->m.name);
}

static void came(struct imap_server *e, struct imap_notify *n, const struct notify_box *seen)
{
	const struct notify_box *before = by_id(&n->told, seen);

	if (before != NULL)
		renamed(e, n, before, seen);
	else
		made(e, n, seen);
}

static void compare(struct imap_server *e, struct imap_notify *n, const struct notify_box *told,
		    const struct notify_box *seen)
{
	if (told->m.id == seen->m.id) {
		subscription(e, n, told, seen);
		notify_tell_status(e, told, seen);
		return;
	}
	if (by_id(&n->seen, told) == NULL)
		went(e, n, told, seen);
	if (seen->m.id != 0)
		came(e, n, seen);
}

bool notify_tell(struct imap_server *e, struct imap_notify *n)
{
	struct notify_table *told = &n->told, *seen = &n->seen;

	while (n->at_told < told->n || n->at_seen < seen->n) {
		const struct notify_box *a = n->at_told < told->n ? &told->boxes[n->at_told] : NULL;
		const struct notify_box *b = n->at_seen < seen->n ? &seen->boxes[n->at_seen] : NULL;
		int d = a == NULL ? 1 : b == NULL ? -1 : notify_compare(a->m.name, b->m.name);

		if (imap_out_full(e))
			return false;
		n->at_told += d <= 0;
		n->at_seen += d >= 0;
		if (d == 0)
			compare(e, n, a, b);
		else if (d > 0)
			came(e, n, b);
		else if (by_id(seen, a) == NULL)
			went(e, n, a, NULL);
	}
	for (size_t i = 0; i < seen->n; i++)
		if (seen->boxes[i].parent_due && (seen->boxes[i].events & NOTIFY_NAME) != 0)
			tell_list(e, &seen->boxes[i], (struct span){ NULL, 0 });
	return true;
}
