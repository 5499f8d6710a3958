/*
 * account.h - an account that is in use, in memory: its mailboxes, by name and by id,
 * their counters, who is logged in.
 *
 * An account is read from the index when somebody asks for it and dropped when nobody
 * holds it and nothing of it waits to be written. What stands here is what was applied
 * to the index; `unflushed` says that some of it is not on disk yet, and then no look is
 * answered.
 */
#ifndef STORAGE_LOCAL_ACCOUNT_H
#define STORAGE_LOCAL_ACCOUNT_H

#include "storage/driver.h"
#include "storage/local/names.h"
#include "storage/local/ranges.h"
#include "storage/local/record.h"
#include "storage/local/turn.h"

struct local;
struct account;
struct commit;

enum mark { MARK_NONE, MARK_ASKED, MARK_SET };

struct mailbox {
	struct account *account;
	uint32_t id;
	unsigned refs;    /* the account, commits, jobs */
	bool gone;        /* deleted, or never made */
	bool garbage;     /* its folder is to be removed */
	struct span name; /* malloc'ed */
	struct head head;
	struct span *keywords; /* malloc'ed, each too */
	size_t keyword_count;

	/* numbers that are promised to commits in hand */
	uint32_t uid_take; /* the next UID; uidnext follows when it is visible */
	uint64_t uid_promised, modseq_promised;
	struct after_list floor_waits;
	bool saving, save_again; /* the state file is being written */

	/* its folder */
	enum mark mark; /* does the index say that it is dirty? */
	struct after mark_after;
	struct after_list mark_waits;
	unsigned holds; /* work in hand that links or unlinks there */
	bool unlinked;  /* names are gone that the folder's sync has not covered */

	/* which UIDs there are; read when first needed */
	struct ranges uids;
	bool uids_known, uids_reading;
	uint32_t uids_read_to;                       /* the reader has seen all below it */
	uint32_t uids_kept_next, uids_kept_expunges; /* what the index has of them is true for */
	struct after_list uids_waits;
	struct turn uids_turn;

	uint64_t notes; /* of its annotations now, see annotations_changed */
	bool state_stale, flags_stale, notes_stale; /* the files lag behind */
};

enum account_state { ACCOUNT_NEW, ACCOUNT_LOADING, ACCOUNT_READY };

struct login {
	struct store_account base;
	struct account *account;
	uint32_t rights;
	int64_t made_ms;
	bool ended;            /* revoked: every call is refused */
	store_changed changed; /* NULL: not watching */
	void *changed_arg;
	bool told;                /* and nothing was looked at since */
	bool pending;             /* something happened that was not told */
	uint64_t pending_mailbox; /* 0: several, or the list */
	struct turn turn;
	struct login *next;
	uint64_t ordered;    /* changes that it has put into the row */
	uint64_t fallen;     /* the first of them that was not made, and none behind it is; 0: none */
};

struct account {
	struct local *s;
	char name[STORE_ACCOUNT_MAX];
	char folder[NAMES_FOLDER_MAX];
	struct account_record record;
	enum account_state state;
	bool loaded;   /* all that the index has of it */
	unsigned refs; /* logins, calls, commits, jobs, the list of stale ones */
	int64_t revoked_ms;
	struct after_list ready_waits;
	struct after made; /* the first mailboxes were, or not */
	struct turn load_turn;
	struct key load_at; /* where the loader goes on */

	struct mailbox **by_name, **by_id;
	size_t mailbox_count, mailbox_room;
	struct span *absent; /* names subscribed to that are not there, sorted */
	size_t absent_count, absent_room;

	struct login *logins, *locker;
	struct commit *row_first, *row_last; /* order.c */
	bool big;                 /* a commit of very many names has it to itself */
	struct commit *longer;    /* one that is being applied in slices, so has this one */
	unsigned unflushed;       /* commits applied and not on disk */
	struct after_list parked; /* looks that wait for that */

	uint64_t quota;        /* bytes, or enum of token.h, as it was told last */
	uint64_t derived_take; /* where the next entry of the derived file goes */

	uint64_t notes; /* of its annotations now, see annotations_changed */

	/* what waits to be written to the small files (settle.c) */
	bool stale, account_stale, notes_stale;
	uint64_t first_change_ms, last_change_ms;
	struct account *stale_next, *stale_before;
	struct settling *settling;
};

/* --- accounts -------------------------------------------------------------- */

/* Gives a hold on the account, in whatever state. NULL: no account name, or no memory. */
struct account *account_hold(struct local *s, struct span name);
void account_keep(struct account *a);
void account_release(struct account *a);
/* Whoever holds it: for local_free. */
void account_free(struct account *a);
/* Forgets mailboxes and absent names. */
void account_empty(struct account *a);
/* Calls `after` when the account is loaded, and made if it was not there; never before
 * this has returned. */
void account_when_ready(struct account *a, struct after *after);
/* The one that is in memory, or NULL. */
struct account *account_known(struct local *s, struct span name);
/* Puts its record into the index, in the open transaction. */
int account_put(struct account *a);

/* quota.c: what it holds now, and its limits. */
void account_quota(const struct account *a, struct store_quota *out);
/* Its limit of bytes, as authd says. */
void account_tell_quota(struct account *a, uint64_t quota);
/* Is there any limit for what it holds? */
bool account_is_limited(const struct account *a);
/* So much more may come in. */
bool account_has_room(const struct account *a, uint64_t bytes, uint64_t messages);

/* --- mailboxes ------------------------------------------------------------- */

/* Gives one, not yet among the account's. NULL: no memory. */
struct mailbox *mailbox_new(struct account *a, uint32_t id, struct span name);
void mailbox_hold(struct mailbox *m);
void mailbox_release(struct mailbox *m);
struct mailbox *mailbox_by_id(const struct account *a, uint64_t id);
struct mailbox *mailbox_by_name(const struct account *a, struct span name);
/* Not for STORE_ROLE_NONE. */
struct mailbox *mailbox_by_role(const struct account *a, enum store_role role);
/* The place of the first that is called `name` or sorts behind it. */
size_t mailbox_place(const struct account *a, struct span name);
/* Puts it among the account's, which holds it from then on. -ENOMEM. */
int mailbox_insert(struct mailbox *m);
void mailbox_remove(struct mailbox *m);
/* Keeps a copy of the name. -ENOMEM. */
int mailbox_rename(struct mailbox *m, struct span name);
/* Puts head and name into the index, in the open transaction. */
int mailbox_put(const struct mailbox *m);
int mailbox_put_keywords(const struct mailbox *m);
bool mailbox_is_inbox(const struct mailbox *m);
/* What callers see of it; spans lent until the next turn. */
void mailbox_show(const struct mailbox *m, struct store_mailbox *out);

/* The bit of a keyword, without regard to case, or -1. */
int mailbox_keyword(const struct mailbox *m, struct span word);
/* -ENOMEM. There must be room for one more. */
int mailbox_add_keyword(struct mailbox *m, struct span word);
void mailbox_cut_keywords(struct mailbox *m, size_t count);

/* --- absent names ---------------------------------------------------------- */

/* The place of name among those that are absent, or where it would stand. */
size_t absent_place(const struct account *a, struct span name, bool *there);
int absent_add(struct account *a, struct span name);
void absent_remove(struct account *a, struct span name);

/* Bytewise, as lists are sorted. */
int name_order(struct span a, struct span b);

#endif
