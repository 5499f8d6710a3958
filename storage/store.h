/*
 * store.h - the store: mailboxes, messages, delivery. One asynchronous interface.
 *
 * Drivers storage/local (Maildir-like files + Berkeley DB, inside storaged) and
 *         storage/ipc (what the daemons use). One conformance suite runs on each.
 * Calls   All on the loop thread. Each call that takes a callback completes exactly
 *         once, never before the call has returned, and gives an op number (never 0);
 *         store_cancel forgets the callback, not the work.
 * Results A caller sees no lock and no conflict, only enum store_status. What a call
 *         lends to its callback holds until the callback returns. What a caller hands
 *         in (spans, arrays) is copied before the call returns.
 * Promise STORE_OK for a commit or a delivery means: on disk, file and folder, indexed,
 *         visible. No look tells what is not yet flushed.
 * Numbers UIDs are given in the order in which messages become visible, never twice.
 *         A mod-sequence is by mailbox, over 0, and rises with every change there.
 * Names   Mailbox names are UTF-8, '/' between levels, "INBOX" in capitals for the inbox;
 *         1 to 255 bytes a level, 1000 in all, no control characters, no empty, "."
 *         or ".." level. They never become file names.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include "common/base/error.h"
#include "common/base/span.h"
#include "storage/token.h"

struct store;			/* a driver's, opaque to callers */
struct store_account;		/* one login; opaque */
struct store_stage;		/* a body on its way in; opaque */

enum store_status {
	STORE_OK,
	STORE_NOT_FOUND,	/* no such mailbox, message or account */
	STORE_EXISTS,		/* a mailbox of that name is there */
	STORE_OVER_QUOTA,
	STORE_TRY_LATER,	/* full disk, no memory, storaged away: 4xx, NO [UNAVAILABLE], -ERR [SYS/TEMP] */
	STORE_CORRUPT,		/* the data on disk are damaged; the log has the words */
	STORE_UNKNOWN,		/* it may have happened or not (a restart hit it, and the resend too) */
	STORE_REFUSED,		/* no right, or a token that is void */
	STORE_INVALID,		/* a name or an argument that can't be */
	STORE_IN_USE,		/* store_lock: somebody else has it; a role: another mailbox has it */
	STORE_LIMIT		/* too many mailboxes or keywords; message too large */
};

enum store_flag {		/* RFC 9051 2.3.2; \Recent is no stored flag */
	STORE_SEEN = 1,
	STORE_ANSWERED = 2,
	STORE_FLAGGED = 4,
	STORE_DELETED = 8,
	STORE_DRAFT = 16,
	STORE_FLAGS_ALL = 31
};

enum store_role {		/* RFC 6154 */
	STORE_ROLE_NONE,
	STORE_ROLE_INBOX,
	STORE_ROLE_SENT,
	STORE_ROLE_DRAFTS,
	STORE_ROLE_TRASH,
	STORE_ROLE_JUNK,
	STORE_ROLE_ARCHIVE
};

enum {
	STORE_NAME_MAX = 1000,		/* bytes of a mailbox name */
	STORE_KEYWORDS = 64,		/* keywords of a mailbox */
	STORE_KEYWORD_MAX = 128,	/* bytes of one */
	STORE_GUID = 16,		/* bytes */
	STORE_PAGE_RECORDS = 512,	/* records of one page at most */
	STORE_PAGE_RANGES = 4096,	/* ranges of one page at most */
	STORE_SET_RANGES = 60000,	/* ranges in a set handed in */
	STORE_MUTATIONS = 128,		/* of one commit */
	STORE_RECIPIENTS = 1000,	/* of one delivery; more: several deliveries */
	STORE_BODIES = 64,		/* messages of one store_bodies */
	STORE_META_MAX = 256 * 1024,	/* bytes of derived metadata of one message */
	STORE_ANNOTATIONS = 64,		/* entries of one mailbox, or of the account */
	STORE_ANNOTATION_BYTES = 64 * 1024,	/* of their names and values together */
	STORE_ENTRY_MAX = 255,		/* bytes of an entry's name */
	STORE_VALUE_MAX = 16 * 1024	/* bytes of its value */
};

struct store_range {
	uint32_t first, last;	/* UIDs, both included, first <= last, first > 0 */
};

struct store_set {		/* ascending, disjoint */
	const struct store_range *ranges;
	size_t count;
};

struct store_record {
	uint32_t uid;
	uint32_t flags;		/* enum store_flag */
	uint64_t keywords;	/* bit n: the n-th keyword of the header */
	uint64_t modseq;
	uint8_t guid[STORE_GUID];
	uint64_t size;		/* bytes of the body file, CRLF */
	int64_t internal_s;	/* INTERNALDATE, since 1970 */
	int64_t saved_s;	/* when it came into this mailbox (RFC 8514) */
	uint64_t meta_offset;	/* in the account's derived file; for storage/meta.h */
	uint32_t meta_length;	/* 0: none yet */
};

/* What a mailbox is, apart from its messages. Spans are lent with it. */
struct store_mailbox {
	uint64_t id;		/* 0: subscribed to, but not there */
	struct span name;
	enum store_role role;
	bool subscribed;
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;	/* the highest */
	uint32_t exists, unseen, deleted;
	uint64_t size;		/* bytes of all messages */
	uint32_t recent_uid;	/* the lowest UID that no session has claimed (RFC 3501 2.3.2 \Recent) */
	uint64_t notes;		/* another one whenever an annotation changed, and maybe at other times; 0: there is none */
};

/* --- logging in ------------------------------------------------------------ */

/* Exactly one of a call's kinds of callback fits it; words are for the log. */
typedef void (*store_login_done)(void *arg, enum store_status status, struct store_account *account);
typedef void (*store_done)(void *arg, enum store_status status, const char *words);

/* Opens the account that the token names; gives it on STORE_OK. The first login
 * of an account makes INBOX, Sent, Drafts, Trash, Junk and Archive, subscribed. */
uint64_t store_login(struct store *s, const struct store_token *t, store_login_done done, void *arg);
/* Ends watching and locks too. NULL is allowed. */
void store_logout(struct store_account *a);

/* The POP3 maildrop lock (RFC 1939 4): one session of an account has it, until
 * store_logout. STORE_IN_USE if another has. */
uint64_t store_lock(struct store_account *a, store_done done, void *arg);

/* --- looking --------------------------------------------------------------- */

/* What the account holds and may hold (RFC 9208). A limit of 0: none. APPEND and COPY beyond a
 * limit are STORE_OVER_QUOTA; MOVE adds nothing. A copy of very many messages is refused if the
 * account is full when it begins, else it is done. The last that was told of an account's quota, by a
 * token or with a recipient, holds for it. */
struct store_quota {
	uint64_t bytes, bytes_limit;	/* of the messages */
	uint64_t messages, messages_limit;
	uint64_t mailboxes, mailboxes_limit;
};

/* All mailboxes, in pages: from the i-th on; `next` 0 at the end. Sorted by name. */
struct store_list {
	const struct store_mailbox *mailboxes;
	size_t count;
	size_t next;
	struct store_quota quota;	/* in each page */
	uint64_t notes;			/* in each page: as a mailbox's, of the account's annotations */
};
typedef void (*store_list_done)(void *arg, enum store_status status, const struct store_list *list);
uint64_t store_list(struct store_account *a, size_t from, store_list_done done, void *arg);

/* One mailbox by name. */
typedef void (*store_find_done)(void *arg, enum store_status status, const struct store_mailbox *m);
uint64_t store_find(struct store_account *a, struct span name, store_find_done done, void *arg);

enum store_want {
	STORE_WANT_RANGES,	/* which UIDs; page.ranges */
	STORE_WANT_RECORDS	/* everything; page.records */
};

struct store_look {
	uint64_t mailbox;
	enum store_want want;
	uint64_t since;		/* only what changed behind this mod-sequence; 0: all */
	uint32_t first, last;	/* UIDs looked at; UINT32_MAX: to the end */
	bool claim_recent;	/* messages behind recent_uid count as seen by this session */
};

struct store_page {
	struct store_mailbox mailbox;	/* as it was when the page was made */
	const struct span *keywords;	/* the mailbox's, in the order of the bits */
	size_t keyword_count;
	uint32_t first_unseen;		/* the lowest UID without \Seen, 0: none */
	const struct store_record *records;	/* ascending; STORE_WANT_RECORDS */
	size_t record_count;
	const struct store_range *ranges;	/* ascending; STORE_WANT_RANGES */
	size_t range_count;
	const struct store_range *vanished;	/* since > 0: UIDs below next_uid that went behind it */
	size_t vanished_count;
	uint32_t next_uid;	/* 0: that was all; else look again with first = next_uid */
};

/* A caller pages by first = next_uid with the same since, and afterwards looks for
 * what changed behind the first page's mailbox.modseq. STORE_NOT_FOUND: the mailbox
 * was deleted. If it is no longer known what vanished behind `since`, every UID of the
 * range that is not there counts as vanished. */
typedef void (*store_page_done)(void *arg, enum store_status status, const struct store_page *page);
uint64_t store_sync(struct store_account *a, const struct store_look *look, store_page_done done, void *arg);

/* A hint that something in the account changed, or may have: look again. Level-triggered:
 * called at most once until the next store_sync, store_list or store_find of the account.
 * mailbox: which one; 0: the list of mailboxes, or several. NULL ends it. */
typedef void (*store_changed)(void *arg, uint64_t mailbox);
void store_watch(struct store_account *a, store_changed changed, void *arg);

/* Annotations (RFC 5464): entries "/private/..." and "/shared/...", in lower case, of a mailbox, which they follow
 * wherever it is renamed to and go with, or of the account (mailbox 0). All of them, by name. */
struct store_annotation {
	struct span entry, value;
};
typedef void (*store_annotations_done)(void *arg, enum store_status status, const struct store_annotation *all,
				       size_t count);
uint64_t store_annotations(struct store_account *a, uint64_t mailbox, store_annotations_done done, void *arg);
/* Is that an entry's name, as it is kept? */
bool store_entry_valid(struct span entry);

/* A message's bytes: a read-only descriptor, the callback's to keep (-1 on failure). */
typedef void (*store_body_done)(void *arg, enum store_status status, int fd, uint64_t size);
uint64_t store_body(struct store_account *a, uint64_t mailbox, uint32_t uid, store_body_done done, void *arg);

/* Several at once: those of uids (STORE_BODIES numbers at most) that are there, ascending; each
 * descriptor is the callback's to keep, -1 where its status is not STORE_OK. */
struct store_opened {
	uint32_t uid;
	enum store_status status;
	int fd;
	uint64_t size;
};
typedef void (*store_bodies_done)(void *arg, enum store_status status, const struct store_opened *opened, size_t count);
uint64_t store_bodies(struct store_account *a, uint64_t mailbox, const struct store_set *uids, store_bodies_done done,
		      void *arg);
/* Ascending, disjoint, and not too many. */
static inline bool store_bodies_valid(const struct store_set *uids)
{
	uint64_t total = 0, last = 0;

	for (size_t i = 0; i < uids->count && total <= STORE_BODIES; i++) {
		if (uids->ranges[i].first <= last || uids->ranges[i].last < uids->ranges[i].first)
			return false;
		last = uids->ranges[i].last;
		total += last - uids->ranges[i].first + 1;
	}
	return total <= STORE_BODIES;
}

/* The account's derived file, read-only, the callback's to keep: for storage/meta.h. */
uint64_t store_meta_file(struct store_account *a, store_body_done done, void *arg);

/* Hands back what a daemon worked out for a message that had no metadata. A hint:
 * done may be NULL. */
uint64_t store_meta_put(struct store_account *a, uint64_t mailbox, uint32_t uid, struct span meta,
			store_done done, void *arg);

/* --- bodies on their way in ------------------------------------------------ */

/* Called when a stage that was not ready is. */
typedef void (*store_ready)(void *arg);

/* A body of at most max bytes. Gives it in *out; no file is made before it is needed. */
int store_stage_new(struct store *s, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
		    struct error *err);
/* Takes all of in (64 kB at most a call). 0; -EFBIG over max; -EAGAIN if it was not
 * ready; another errno: the body can't be stored, and store_deliver will say so. */
int store_stage_write(struct store_stage *st, struct span in);
/* May more be written now? If not, `ready` will be called. */
bool store_stage_ready(const struct store_stage *st);
uint64_t store_stage_size(const struct store_stage *st);
/* Throws it away. NULL is allowed. Not after a commit or delivery took it. */
void store_stage_free(struct store_stage *st);

/* --- changing -------------------------------------------------------------- */

enum store_change {
	STORE_APPEND,		/* stage, meta, internal_s, flags, keywords -> mailbox */
	STORE_SET_FLAGS,	/* uids of mailbox, how, flags, keywords, unchanged_since */
	STORE_EXPUNGE,		/* uids of mailbox that are there and, if only_deleted, \Deleted */
	STORE_COPY,		/* uids of mailbox -> target */
	STORE_MOVE,
	STORE_CREATE,		/* name, role: taken from an empty mailbox that has it; STORE_IN_USE: one with messages has it */
	STORE_DELETE,		/* mailbox, with its messages; children stay */
	STORE_RENAME,		/* mailbox -> name; children move along; INBOX: its messages move (RFC 9051 6.3.6) */
	STORE_SUBSCRIBE,	/* name, whether it is there or not */
	STORE_UNSUBSCRIBE,
	STORE_SET_UIDVALIDITY,	/* mailbox, which is empty (else STORE_EXISTS); needs STORE_RIGHT_NUMBERS */
	STORE_ANNOTATE		/* entry `name` of mailbox (0: the account) is `meta`, or goes; STORE_LIMIT: too many */
};

enum store_how { STORE_FLAGS_REPLACE, STORE_FLAGS_ADD, STORE_FLAGS_REMOVE };

struct store_mutation {
	enum store_change change;
	uint64_t mailbox, target;
	struct span name;
	enum store_role role;
	struct store_set uids;
	bool only_deleted;
	enum store_how how;
	uint32_t flags;
	const struct span *keywords;	/* names; new ones are added to the mailbox's */
	size_t keyword_count;
	uint64_t unchanged_since;	/* SET_FLAGS: messages changed behind it are left alone; 0: all */
	struct store_stage *stage;	/* APPEND: taken, whatever comes of it */
	struct span meta;		/* APPEND: derived metadata, may be empty; ANNOTATE: the value */
	bool no_value;			/* ANNOTATE: the entry goes, if it is there */
	int64_t internal_s;
	/* Numbers that messages bring along from elsewhere need STORE_RIGHT_NUMBERS. */
	uint32_t uid;		/* APPEND: the one it is to have, STORE_INVALID if that is below the next; 0: the next */
	uint32_t uidvalidity;	/* SET_UIDVALIDITY */
};

struct store_result {		/* of one mutation */
	uint64_t mailbox;	/* CREATE: the new id */
	uint32_t uidvalidity;	/* APPEND, COPY, MOVE: of the target */
	struct store_set from;	/* COPY, MOVE: UIDs taken, ... */
	struct store_set to;	/* ... and given, one for one in order; APPEND: the UID */
	struct store_set skipped;	/* SET_FLAGS: changed behind unchanged_since */
	uint64_t modseq;	/* of the changed messages */
};

/* txid: chosen by the caller at random, 16 bytes; the same one again within 10 minutes
 * gives the first one's result and changes nothing. */
struct store_txid {
	uint8_t bytes[16];
};
void store_txid_new(struct store_txid *t);

typedef void (*store_commit_done)(void *arg, enum store_status status, const struct store_result *results,
				  size_t count, const char *words);
/* All or nothing. UIDs that are not there are passed over. Under a login with STORE_RIGHT_NUMBERS several that are
 * open at once are made in the order of the calls; one that fails may (driver local: does) make all that follow it
 * under that login fail, with STORE_TRY_LATER: the caller logs in again. */
uint64_t store_commit(struct store_account *a, const struct store_mutation *mutations, size_t count,
		      const struct store_txid *txid, store_commit_done done, void *arg);

/* --- delivery -------------------------------------------------------------- */

struct store_recipient {
	struct span account;	/* "user@domain", as auth_resolve gave it */
	struct span address;	/* the envelope recipient, kept with the record */
	uint64_t quota;		/* as auth_resolve gave it; UNTOLD: it gets the message in any case */
};

enum store_notify {		/* RFC 3461 4.1 */
	STORE_NOTIFY_SUCCESS = 1,
	STORE_NOTIFY_FAILURE = 2,
	STORE_NOTIFY_DELAY = 4,
	STORE_NOTIFY_NEVER = 8
};

struct store_remote {		/* a recipient on another server: waits in the queue */
	struct span address;	/* RCPT TO: "user@domain", a literal in brackets, UTF-8 */
	struct span sender;	/* MAIL FROM for this one; empty: <> */
	struct span original;	/* an alias or account of ours that led there; empty: none */
	struct span orcpt;	/* ORCPT as it was given, "rfc822;..."; empty: none (RFC 3461 4.2) */
	unsigned notify;	/* bits of enum store_notify; 0: not given */
};

/* The address is ours and its mailbox has the message by the same delivery: nothing is to be sent, but the
 * sender told, who asked for that (RFC 3461 4.1 SUCCESS). original is then the address itself. */
static inline bool store_remote_is_here(const struct store_remote *r)
{
	return r->original.n > 0 && span_equal(r->original, r->address);
}

enum store_envelope_flag {
	STORE_MAIL_8BIT = 1,		/* some byte of the body is over 127 */
	STORE_MAIL_UTF8 = 2,		/* SMTPUTF8: a header or an address needs it (RFC 6531) */
	STORE_MAIL_REQUIRE_TLS = 4,	/* REQUIRETLS (RFC 8689 2) */
	STORE_MAIL_TLS_OPTIONAL = 8,	/* TLS-Required: No (RFC 8689 5) */
	STORE_MAIL_RET_FULL = 16,	/* RFC 3461 4.3 */
	STORE_MAIL_RET_HEADERS = 32,
	STORE_MAIL_REPORT = 64,		/* we made it: a report, for which none is ever made */
	STORE_MAIL_BINARY = 128,	/* BODY=BINARYMIME: NUL, lone CR and LF, lines of any length (RFC 3030 3) */
	STORE_MAIL_FLAGS = 255		/* all of them */
};

enum { STORE_ID_MAX = 32 };	/* bytes of a message's id and its NUL: letters and digits */

struct store_envelope {
	const char *id;		/* names the entry in the queue; unique in the site */
	struct span account;	/* who submitted it; empty: it came from another server, or from us */
	struct span envid;	/* ENVID as it was given, xtext; empty: none (RFC 3461 4.4) */
	struct span message_id;	/* of the header, for `yubin trace`; may be empty */
	unsigned flags;		/* enum store_envelope_flag */
};

/* One message and all who get it. */
struct store_delivery {
	struct store_stage *stage;	/* taken, whatever comes of it */
	struct span meta;		/* derived metadata, may be empty */
	const struct store_recipient *recipients;
	size_t count;
	const struct store_envelope *envelope;	/* NULL if there are no remotes */
	const struct store_remote *remotes;
	size_t remote_count;	/* with count: STORE_RECIPIENTS at most, at least one */
};

/* Puts the body into the INBOX of each recipient and into the queue for the remotes: all or
 * none, in one commit; an account with several addresses gets one copy. Needs no login: the
 * socket's right is enough. STORE_OVER_QUOTA: none of the recipients has room for it, and there is no
 * remote. Where one has, all get it: there is but one answer, and who is over the limit by it is the last time. */
uint64_t store_deliver(struct store *s, const struct store_delivery *d, const struct store_txid *txid,
		       store_done done, void *arg);

/* Would a message of so many bytes (0: not known) be taken now, for these recipients (STORE_RECIPIENTS at most;
 * none: for anybody)? STORE_OK, TRY_LATER; OVER_QUOTA: those at the places `over`, from 1 on, have no room. */
typedef void (*store_room_done)(void *arg, enum store_status status, struct store_set over);
uint64_t store_room(struct store *s, uint64_t size, const struct store_recipient *recipients, size_t count,
		    store_room_done done, void *arg);

/* Forgets the callback of a call that has not completed; 0 and unknown numbers are allowed. */
void store_cancel(struct store *s, uint64_t op);
struct store *store_of(struct store_account *a);

#endif
