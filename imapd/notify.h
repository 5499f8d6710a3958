/*
 * notify.h - NOTIFY (RFC 5465): what a client asked to be told of, and what it was told last.
 *
 * Shape   The store says that something changed, and at best in which mailbox. Then that mailbox, or all of them, are
 *         looked at and compared with the table of what the client knows: what differs is told, once, however many
 *         changes it was. The look is a job, a command without a tag (server.c runs it between two commands and in IDLE).
 * Memory  NOTIFY_MAILBOXES rows and NOTIFY_NAME_BYTES of names for each of two tables while a look lasts, one at rest;
 *         NOTIFY_NOTE_BYTES of annotations' names and hashes, for the mailboxes and for the server.
 *         What does not fit is refused: NOTIFICATIONOVERFLOW.
 */
#ifndef IMAPD_NOTIFY_H
#define IMAPD_NOTIFY_H

#include "imapd/session.h"

enum {
	NOTIFY_GROUPS = 64,		/* of one command */
	NOTIFY_NAMES = 1000,		/* that they name */
	NOTIFY_MAILBOXES = 1000,	/* watched by one session */
	NOTIFY_NAME_BYTES = 128 * 1024,
	NOTIFY_NOTE_BYTES = 128 * 1024,
	NOTIFY_ITEMS = 4096,		/* bytes of what FETCH tells of a new message */
	NOTIFY_OWN = 128		/* changes of this session until the next look */
};

enum notify_event {
	NOTIFY_NEW = 1,
	NOTIFY_EXPUNGE = 2,
	NOTIFY_FLAGS = 4,
	NOTIFY_MESSAGES = 7,
	NOTIFY_NAME = 8,
	NOTIFY_SUBSCRIPTION = 16,
	NOTIFY_MAILBOX_NOTES = 32,	/* annotations, of RFC 5464 */
	NOTIFY_SERVER_NOTES = 64,	/* of no mailbox, whatever mailboxes the group names */
	NOTIFY_NOTES = 96
};

enum notify_whose { NOTIFY_INBOXES, NOTIFY_PERSONAL, NOTIFY_SUBSCRIBED, NOTIFY_SUBTREE, NOTIFY_THESE };

struct notify_group {
	enum notify_whose whose;
	unsigned events;		/* enum notify_event; 0: NONE */
	struct span *names;		/* SUBTREE, THESE */
	size_t count;
};

/* The annotations of a mailbox, or of the server, as the client knows them. */
struct notify_notes {
	uint64_t number;	/* the store's when they were read; 0: there were none */
	struct buf known;	/* by name, of each: a hash of the value, the length of the name, the name */
};

/* What the client knows of a mailbox. */
struct notify_box {
	struct store_mailbox m;		/* id 0: subscribed to, but not there; the name is of the table */
	unsigned events;
	bool child;			/* a mailbox lies below it */
	bool parent_due;		/* what lies right below it was made or deleted */
	uint64_t own_modseq;		/* this session made that one */
	struct notify_notes notes;
};

struct notify_table {		/* by name */
	struct notify_box *boxes;
	size_t n, cap;
	size_t note_bytes;	/* of all that is known */
	struct arena *names;
};

/* This session's, of which it need not be told. */
struct notify_own {
	enum store_change change;
	uint64_t mailbox;
	struct span name;
};

struct imap_notify {
	struct arena *memory;		/* groups, items */
	struct notify_group *groups;
	size_t group_n;
	unsigned always;		/* NOTIFY_NOTES of all mailboxes, since ENABLE METADATA; or 0 */
	bool plain;			/* by ENABLE METADATA alone: NOTIFY was never used */
	imap_step then;			/* while that is being enabled */
	unsigned selected;		/* enum notify_event */
	bool delayed;			/* SELECTED-DELAYED */
	struct span items;		/* "(UID FLAGS)" of new messages; empty: none */
	struct notify_table told, seen;	/* seen: in the making */
	struct imap_ranges fresh;	/* UIDs to be fetched */
	struct imap_ranges own_uids;	/* this session put them into the selected mailbox */
	struct arena *own_names;
	struct notify_own own[NOTIFY_OWN];
	size_t own_n;
	struct notify_notes server;
	size_t server_bytes;
	uint64_t server_number;		/* the store's, as it said last */
	bool notes_due;			/* of a mailbox in told they have changed */
	/* the look in hand */
	bool working;
	size_t from, pages, again;
	size_t at_told, at_seen, at_notes;
	struct span root_old, root_new;	/* the last that was renamed */
	enum store_status status;
	imap_step after;
	/* IDLE, while a job runs */
	const struct imap_command *idle;
	imap_step idle_step;
	struct buf idle_tag;
};

/* Of any mailbox but the selected one. */
static inline bool notify_watches(const struct imap_notify *n)
{
	return n->group_n > 0 || n->always != 0;
}

/* Gives a copy of those groups and items; names and items may be lent. -ENOMEM; -E2BIG: too much. */
int notify_new(struct imap_notify **out, const struct notify_group *groups, size_t count, struct span items);
/* NULL is allowed. */
void notify_free(struct imap_notify *n);

/* --- notify_table.c --------------------------------------------------------- */
int notify_table_init(struct notify_table *t);
void notify_table_clear(struct notify_table *t);
/* The events that are wanted of that mailbox. */
unsigned notify_events(const struct imap_notify *n, const struct store_mailbox *m);
/* Takes in the next mailbox of a list if it is watched. -ENOMEM; -E2BIG: the table is full. */
int notify_table_add(struct notify_table *t, const struct imap_notify *n, const struct store_mailbox *m);
struct notify_box *notify_table_find(struct notify_table *t, struct span name);
struct notify_box *notify_table_by_id(struct notify_table *t, uint64_t id);
/* "a" of "a/b"; empty: it is at the top. */
struct span notify_parent(struct span name);
int notify_compare(struct span a, struct span b);

/* --- notify.c --------------------------------------------------------------- */
/* The one that is filled: while NOTIFY SET runs that is not the one in force. */
static inline struct imap_notify *notify_at_work(const struct imap_server *e)
{
	return e->notify_next != NULL ? e->notify_next : e->notify;
}
/* Lists all mailboxes into n->seen, and goes on with `after` with n->status: STORE_LIMIT if they are too many. */
enum imap_run notify_walk(struct imap_server *e, struct imap_notify *n, imap_step after);

/* --- notify_notes.c --------------------------------------------------------- */
void notify_notes_clear(struct notify_notes *notes);
/* What was known of the mailboxes that are still there goes over into the new table. */
void notify_notes_keep(struct notify_table *told, struct notify_table *seen);
/* This session has set or removed one. */
void notify_notes_own(struct imap_notify *n, const struct store_mutation *m);
/* Reads what has changed of the server and of the mailboxes in n->told, tells it, unless n is not in force yet, and goes
 * on with `after` with n->status: STORE_LIMIT if it is too much. */
enum imap_run notify_notes_read(struct imap_server *e, struct imap_notify *n, imap_step after);

/* --- notify_tell.c ---------------------------------------------------------- */
/* RFC 5465 3.1: what the STATUS at the begin says. */
void notify_tell_begin(struct imap_server *e, const struct notify_box *box);
/* What differs between the two, of its messages. */
void notify_tell_status(struct imap_server *e, const struct notify_box *told, const struct notify_box *seen);
/* Tells what differs between the tables; true once that is all. */
bool notify_tell(struct imap_server *e, struct imap_notify *n);

#endif
