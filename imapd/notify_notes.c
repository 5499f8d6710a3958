/*
 * notify_notes.c - annotations of mailboxes and of the server: which of them changed (RFC 5465 5.6, 5.7).
 *
 * The store gives a number that is another one after each change. Where it is, the entries are read and compared with
 * what the client knows: of each the name, and a hash of the value. What the session sets itself it knows at once.
 */
#include <errno.h>

#include "imapd/notify.h"

enum {
	HASH_BYTES = 8,
	NAMES_OF_A_LINE = 16
};

/* --- what is known -------------------------------------------------------------- */

struct note {
	uint8_t hash[HASH_BYTES];
	struct span entry;
};

/* FNV-1a: who makes two values collide hides them from himself. */
static struct note note_of(struct span entry, struct span value)
{
	struct note note = { .entry = entry };
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < value.n; i++)
		hash = (hash ^ value.p[i]) * 0x100000001b3;
	memcpy(note.hash, &hash, HASH_BYTES);
	return note;
}

static size_t note_size(struct span entry)
{
	return HASH_BYTES + 1 + entry.n;
}

static void note_put(struct buf *known, const struct note *note)
{
	buf_put(known, (struct span){ note->hash, HASH_BYTES });
	buf_put_byte(known, (uint8_t)note->entry.n);	/* STORE_ENTRY_MAX */
	buf_put(known, note->entry);
}

static bool note_next(struct span *rest, struct note *note)
{
	if (rest->n == 0)
		return false;
	memcpy(note->hash, span_take(rest, HASH_BYTES).p, HASH_BYTES);
	note->entry = span_take(rest, span_take(rest, 1).p[0]);
	return true;
}

void notify_notes_clear(struct notify_notes *notes)
{
	buf_clear(&notes->known);
	*notes = (struct notify_notes){ .number = 0 };
}

void notify_notes_keep(struct notify_table *told, struct notify_table *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		struct notify_box *box = &seen->boxes[i], *before = notify_table_find(told, box->m.name);

		if (before == NULL || before->m.id != box->m.id)
			before = notify_table_by_id(told, box->m.id);
		if (before == NULL || box->m.id == 0)
			continue;
		box->notes = before->notes;
		seen->note_bytes += box->notes.known.n;
		before->notes = (struct notify_notes){ .number = 0 };
	}
}

/* --- whose ---------------------------------------------------------------------- */

/* The server, or one of the mailboxes. */
struct target {
	struct notify_notes *notes;
	uint64_t number;	/* as the store says it now */
	uint64_t mailbox;	/* 0: the server */
	struct span name;
	size_t *bytes;		/* of all that are kept with it */
};

static struct target server_target(struct imap_notify *n)
{
	return (struct target){ .notes = &n->server, .number = n->server_number, .bytes = &n->server_bytes };
}

static struct target box_target(struct imap_notify *n, struct notify_box *box)
{
	return (struct target){ .notes = &box->notes, .number = box->m.notes, .mailbox = box->m.id,
				.name = box->m.name, .bytes = &n->told.note_bytes };
}

static bool wants_server(const struct imap_notify *n)
{
	for (size_t i = 0; i < n->group_n; i++)
		if ((n->groups[i].events & NOTIFY_SERVER_NOTES) != 0)
			return true;
	return n->always != 0;
}

/* The i-th that is watched, the server first. False: nobody asked for its annotations. */
static bool target_at(struct imap_notify *n, size_t i, struct target *t)
{
	struct notify_box *box = i > 0 ? &n->told.boxes[i - 1] : NULL;

	*t = box == NULL ? server_target(n) : box_target(n, box);
	return box == NULL ? wants_server(n) : box->m.id != 0 && (box->events & NOTIFY_MAILBOX_NOTES) != 0;
}

/* --- this session's own ----------------------------------------------------------- */

/* Takes over `fresh`, into which all was put that is to be known. */
static int replace(const struct target *t, struct buf *fresh)
{
	if (fresh->failed) {
		buf_clear(fresh);
		return -ENOMEM;
	}
	*t->bytes += fresh->n - t->notes->known.n;
	buf_clear(&t->notes->known);
	t->notes->known = *fresh;
	return 0;
}

static bool find_target(struct imap_notify *n, uint64_t mailbox, struct target *t)
{
	for (size_t i = 0; i <= n->told.n; i++)
		if (target_at(n, i, t) && t->mailbox == mailbox)
			return true;
	return false;
}

/* All that is known, with that change. What has no room is told like anybody's. */
void notify_notes_own(struct imap_notify *n, const struct store_mutation *m)
{
	struct note own = note_of(m->name, m->meta), one;
	bool due = !m->no_value;
	struct target t;
	struct span rest;
	struct buf fresh;

	if (!find_target(n, m->mailbox, &t) || *t.bytes + note_size(m->name) > NOTIFY_NOTE_BYTES)
		return;
	buf_init(&fresh, NOTIFY_NOTE_BYTES);
	rest = buf_span(&t.notes->known);
	while (note_next(&rest, &one)) {
		int order = notify_compare(one.entry, own.entry);

		if (order >= 0 && due)
			note_put(&fresh, &own);
		due = due && order < 0;
		if (order != 0)
			note_put(&fresh, &one);
	}
	if (due)
		note_put(&fresh, &own);
	replace(&t, &fresh);
}

/* --- telling ---------------------------------------------------------------------- */

struct telling {
	struct imap_server *e;
	struct span name;
	size_t count;
};

/* RFC 5464 4.4.2: names alone. */
static void tell_entry(struct telling *w, struct span entry)
{
	struct imap_server *e = w->e;

	if (w->count > 0 && w->count % NAMES_OF_A_LINE == 0)
		imap_text(e, "\r\n");
	if (w->count++ % NAMES_OF_A_LINE == 0) {
		imap_text(e, "* METADATA ");
		imap_tell_mailbox(e, w->name);
	}
	imap_text(e, " ");
	imap_put_astring(&e->out, entry);
}

/* Both are in the order of names. */
static void tell_changed(struct imap_server *e, struct span name, struct span known, struct span now)
{
	struct telling w = { e, name, 0 };
	struct note a, b;
	bool has_a = note_next(&known, &a), has_b = note_next(&now, &b);

	while (has_a || has_b) {
		int order = !has_a ? 1 : !has_b ? -1 : notify_compare(a.entry, b.entry);

		if (order != 0 || memcmp(a.hash, b.hash, HASH_BYTES) != 0)
			tell_entry(&w, order <= 0 ? a.entry : b.entry);
		has_a = order <= 0 ? note_next(&known, &a) : has_a;
		has_b = order >= 0 ? note_next(&now, &b) : has_b;
	}
	if (w.count > 0)
		imap_text(e, "\r\n");
}

/* --- reading ---------------------------------------------------------------------- */

/* 0; -ENOMEM; -E2BIG. While NOTIFY SET runs nothing is told. */
static int take(struct imap_server *e, const struct target *t, const struct imap_result *r)
{
	size_t n = 0;
	struct buf now;

	for (size_t i = 0; i < r->annotations.count; i++)
		n += note_size(r->annotations.all[i].entry);
	if (*t->bytes - t->notes->known.n + n > NOTIFY_NOTE_BYTES)
		return -E2BIG;
	buf_init(&now, NOTIFY_NOTE_BYTES);
	for (size_t i = 0; i < r->annotations.count; i++) {
		struct note note = note_of(r->annotations.all[i].entry, r->annotations.all[i].value);

		note_put(&now, &note);
	}
	if (e->notify_next == NULL && !now.failed)
		tell_changed(e, t->name, buf_span(&t->notes->known), buf_span(&now));
	return replace(t, &now);
}

static enum imap_run read_next(struct imap_server *e);

static enum imap_run read_end(struct imap_server *e, enum store_status status)
{
	struct imap_notify *n = notify_at_work(e);

	n->status = status;
	return imap_go(e, n->after);
}

static enum imap_run was_read(struct imap_server *e)
{
	struct imap_notify *n = notify_at_work(e);
	enum store_status status = e->result->status;
	struct target t;
	int r = 0;

	target_at(n, n->at_notes, &t);
	if (status == STORE_OK)
		r = take(e, &t, e->result);
	else if (status == STORE_NOT_FOUND)	/* a look at all will say that it went */
		e->hint_all = true;
	else
		return read_end(e, status);
	if (r != 0)
		return read_end(e, r == -E2BIG ? STORE_LIMIT : STORE_TRY_LATER);
	t.notes->number = t.number;
	n->at_notes++;
	return imap_go(e, read_next);
}

static enum imap_run read_next(struct imap_server *e)
{
	struct imap_notify *n = notify_at_work(e);
	struct target t;

	for (; n->at_notes <= n->told.n; n->at_notes++) {
		if (!target_at(n, n->at_notes, &t) || t.number == t.notes->number)
			continue;
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		imap_ask(e, IMAP_ANNOTATIONS, was_read)->mailbox = t.mailbox;
		return IMAP_RUN_WAIT;
	}
	return read_end(e, STORE_OK);
}

enum imap_run notify_notes_read(struct imap_server *e, struct imap_notify *n, imap_step after)
{
	n->after = after;
	n->at_notes = 0;
	n->notes_due = false;
	return imap_go(e, read_next);
}
