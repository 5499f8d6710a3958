/* cmd_notify.c - the command NOTIFY (RFC 5465 3.1, 8). */
#include <errno.h>

#include "imapd/fetch.h"
#include "imapd/notify.h"

struct notify {
	bool set, status;
	bool strange;			/* an event that is not known here */
	bool much;			/* more than is kept of one client */
	struct notify_group *groups;
	size_t count, names;
	bool has_selected, delayed;
	unsigned selected;
	struct span items;
};

static const struct {
	const char *name;
	unsigned bit;
} events[] = {
	{ "MessageNew", NOTIFY_NEW },
	{ "MessageExpunge", NOTIFY_EXPUNGE },
	{ "FlagChange", NOTIFY_FLAGS },
	{ "MailboxName", NOTIFY_NAME },
	{ "SubscriptionChange", NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", NOTIFY_MAILBOX_NOTES },
	{ "ServerMetadataChange", NOTIFY_SERVER_NOTES },
};

enum { EVENTS = sizeof(events) / sizeof(events[0]) };

/* --- parsing ---------------------------------------------------------------- */

/* RFC 5465 8: "(" fetch-att *(SP fetch-att) ")", kept as it was written. */
static bool parse_items(struct imap_parse *p, struct notify *d)
{
	struct fetch *scratch = arena_alloc(p->arena, sizeof(*scratch));
	struct span before = p->in;

	if (scratch == NULL)
		return imap_parse_fail(p, "the command is too large");
	if (!fetch_parse_items(p, scratch))
		return false;
	d->items = (struct span){ before.p, before.n - p->in.n };
	d->much |= d->items.n > NOTIFY_ITEMS;
	return true;
}

static bool parse_event(struct imap_parse *p, struct notify *d, bool *items, unsigned *bits)
{
	struct span word;
	unsigned bit = 0;

	if (!imap_parse_atom(p, &word))
		return false;
	for (size_t i = 0; i < EVENTS; i++)
		if (span_is_nocase(word, events[i].name))
			bit = events[i].bit;
	d->strange |= bit == 0;
	*bits |= bit;
	if (bit != NOTIFY_NEW || !span_starts(p->in, " ("))
		return true;
	*items = true;
	return imap_parse_space(p) && parse_items(p, d);
}

/* RFC 5465 5: who wants one of the two wants both, and who wants flags wants them too. */
static bool check_events(struct imap_parse *p, unsigned bits)
{
	unsigned both = bits & (NOTIFY_NEW | NOTIFY_EXPUNGE);

	if (both == NOTIFY_NEW || both == NOTIFY_EXPUNGE)
		return imap_parse_fail(p, "MessageNew and MessageExpunge go together");
	if (both == 0 && (bits & NOTIFY_FLAGS) != 0)
		return imap_parse_fail(p, "FlagChange needs MessageNew and MessageExpunge");
	return true;
}

static bool parse_events(struct imap_parse *p, struct notify *d, bool *items, unsigned *bits)
{
	*bits = 0;
	*items = false;
	if (imap_parse_try_word(p, "NONE"))
		return true;
	if (!imap_parse_byte(p, '('))
		return false;
	do {
		if (!parse_event(p, d, items, bits))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')') && (d->strange || check_events(p, *bits));
}

/* RFC 5465 6.1 */
static bool parse_selected(struct imap_parse *p, struct notify *d)
{
	bool items;

	if (d->has_selected)
		return imap_parse_fail(p, "SELECTED and SELECTED-DELAYED: one of them, once");
	d->has_selected = true;
	if (!imap_parse_space(p) || !parse_events(p, d, &items, &d->selected))
		return false;
	if ((d->selected & ~(unsigned)NOTIFY_MESSAGES) != 0)
		return imap_parse_fail(p, "SELECTED has events of messages alone");
	return true;
}

static bool add_name(struct imap_parse *p, struct notify *d, struct notify_group *g)
{
	struct span name;

	if (!imap_parse_mailbox(p, &name))
		return false;
	if (d->names == NOTIFY_NAMES) {
		d->much = true;
		return true;
	}
	d->names++;
	g->names[g->count++] = name;
	return true;
}

/* one-or-more-mailbox; RFC 5465 6.6: wildcards are letters like any others */
static bool parse_names(struct imap_parse *p, struct notify *d, struct notify_group *g)
{
	g->names = arena_array(p->arena, NOTIFY_NAMES - d->names + 1, sizeof(*g->names));
	if (g->names == NULL)
		return imap_parse_fail(p, "the command is too large");
	if (!imap_parse_try(p, '('))
		return add_name(p, d, g);
	do {
		if (!add_name(p, d, g))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

static bool parse_whose(struct imap_parse *p, struct notify *d, struct notify_group *g, struct span word)
{
	static const char *const words[] = { [NOTIFY_INBOXES] = "inboxes", [NOTIFY_PERSONAL] = "personal",
					     [NOTIFY_SUBSCRIBED] = "subscribed", [NOTIFY_SUBTREE] = "subtree",
					     [NOTIFY_THESE] = "mailboxes" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!span_is_nocase(word, words[i]))
			continue;
		g->whose = (enum notify_whose)i;
		return i < NOTIFY_SUBTREE || (imap_parse_space(p) && parse_names(p, d, g));
	}
	return imap_parse_fail(p, "no such mailboxes");
}

static bool parse_other(struct imap_parse *p, struct notify *d, struct span word)
{
	struct notify_group spare = { .count = 0 }, *g = d->count < NOTIFY_GROUPS ? &d->groups[d->count] : &spare;
	bool items;

	if (!parse_whose(p, d, g, word) || !imap_parse_space(p) || !parse_events(p, d, &items, &g->events))
		return false;
	if (items)
		return imap_parse_fail(p, "MessageNew has FETCH items with SELECTED alone");
	d->much |= g == &spare;
	d->count += g != &spare && g->events != 0;
	return true;
}

static bool parse_group(struct imap_parse *p, struct notify *d)
{
	struct span word;

	if (!imap_parse_byte(p, '(') || !imap_parse_atom(p, &word))
		return false;
	d->delayed |= span_is_nocase(word, "SELECTED-DELAYED");
	if (span_is_nocase(word, "SELECTED") || span_is_nocase(word, "SELECTED-DELAYED")) {
		if (!parse_selected(p, d))
			return false;
	} else if (!parse_other(p, d, word)) {
		return false;
	}
	return imap_parse_byte(p, ')');
}

bool imap_parse_notify(struct imap_server *e, struct imap_parse *p)
{
	struct notify *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	if (d != NULL)
		d->groups = arena_array(e->arena, NOTIFY_GROUPS, sizeof(*d->groups));
	if (d == NULL || d->groups == NULL)
		return imap_parse_fail(p, "the command is too large");
	if (imap_parse_try_word(p, "NONE"))
		return imap_parse_end(p);
	if (!imap_parse_try_word(p, "SET"))
		return imap_parse_fail(p, "SET or NONE");
	d->set = true;
	if (!imap_parse_space(p))
		return false;
	d->status = imap_parse_try_word(p, "STATUS");
	if (d->status && !imap_parse_space(p))
		return false;
	do {
		if (!parse_group(p, d))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_end(p);
}

/* --- the command ------------------------------------------------------------ */

static enum imap_run much(struct imap_server *e)
{
	return imap_done(e, "NO [NOTIFICATIONOVERFLOW] A session can watch %d mailboxes, and not so much of them",
			 NOTIFY_MAILBOXES);
}

/* RFC 5465 3.1 */
static enum imap_run strange(struct imap_server *e)
{
	buf_put_text(&e->final, "NO [BADEVENT (");
	for (size_t i = 0; i < EVENTS; i++) {
		buf_put_text(&e->final, i > 0 ? " " : "");
		buf_put_text(&e->final, events[i].name);
	}
	return imap_done(e, ")] There are no other events");
}

/* RFC 5465 3.1: it takes the place of what was asked for before, as a whole. */
static enum imap_run in_force(struct imap_server *e)
{
	imap_notify_free(e);
	e->notify = e->notify_next;
	e->notify_next = NULL;
	e->retry_ms = 0;
	return imap_done(e, "OK NOTIFY completed");
}

static enum imap_run tell_begin(struct imap_server *e)
{
	struct imap_notify *n = e->notify_next;

	for (; n->at_told < n->told.n; n->at_told++, e->work++) {
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		notify_tell_begin(e, &n->told.boxes[n->at_told]);
	}
	return imap_go(e, in_force);
}

/* What there is at the begin is no news. */
static enum imap_run notes_read(struct imap_server *e)
{
	const struct notify *d = e->data;

	if (e->notify_next->status == STORE_LIMIT)
		return much(e);
	if (e->notify_next->status != STORE_OK)
		return imap_no(e, e->notify_next->status);
	return imap_go(e, d->status ? tell_begin : in_force);
}

static enum imap_run walked(struct imap_server *e)
{
	struct imap_notify *n = e->notify_next;

	if (n->status == STORE_LIMIT)
		return much(e);
	if (n->status != STORE_OK)
		return imap_no(e, n->status);
	notify_table_clear(&n->told);
	n->told = n->seen;
	n->seen = (struct notify_table){ .n = 0 };
	n->at_told = 0;
	return notify_notes_read(e, n, notes_read);
}

static void clear_notify(struct imap_server *e)
{
	notify_free(e->notify_next);
	e->notify_next = NULL;
}

enum imap_run imap_run_notify(struct imap_server *e)
{
	struct notify *d = e->data;
	int r;

	if (d->strange)
		return strange(e);
	if (d->much)
		return much(e);
	e->clear = clear_notify;
	r = notify_new(&e->notify_next, d->groups, d->count, d->items);
	if (r != 0)
		return r == -E2BIG ? much(e) : imap_no_memory(e);
	e->notify_next->selected = d->selected;
	e->notify_next->delayed = d->delayed;
	e->notify_next->always = (e->enabled & IMAP_METADATA) != 0 ? NOTIFY_NOTES : 0;
	e->watch_wanted |= d->set && !e->watching;
	e->watching |= d->set;
	return notify_watches(e->notify_next) ? notify_walk(e, e->notify_next, walked) : imap_go(e, in_force);
}
