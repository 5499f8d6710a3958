/*
 * session.h - the inside of the engine: what server.c and the commands share.
 *
 * A command is a table row (commands.c), a parse function that fills `data` from the
 * arena, and steps. A step returns MORE (call `step` again), WAIT (an action or a line is
 * awaited; its arrival calls `step`) or DONE (the tagged reply is in `final`). A step that
 * finds output above its mark returns MORE: it is called again once that is sent.
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "imapd/format.h"
#include "imapd/parse.h"
#include "imapd/read.h"
#include "imapd/server.h"
#include "imapd/view.h"
#include "mime/meta.h"
#include "mime/parse.h"
#include "sasl/exchange.h"

enum imap_state {		/* RFC 3501 3 */
	IMAP_NOT_AUTH = 1,
	IMAP_AUTH = 2,
	IMAP_SELECTED = 4
};

/* What this client understands: by ENABLE, or by a command that only such a client sends. */
enum imap_enabled {
	IMAP_CONDSTORE = 1,	/* RFC 7162 3.1: MODSEQ stands in every FETCH response about flags */
	IMAP_QRESYNC = 2,	/* RFC 7162 3.2.3: VANISHED instead of EXPUNGE */
	IMAP_UTF8 = 4,		/* names and quoted strings are UTF-8 */
	IMAP_REV2 = 8,		/* RFC 9051 */
	IMAP_METADATA = 32,	/* RFC 5464 4.1: others' changes are told */
	IMAP_UIDONLY = 16	/* RFC 9586 3: no sequence numbers, either way */
};

enum imap_input {
	IMAP_INPUT_COMMAND,
	IMAP_INPUT_LINE,	/* an answer to "+" */
	IMAP_INPUT_STREAM	/* the message of APPEND */
};

enum imap_run { IMAP_RUN_MORE, IMAP_RUN_WAIT, IMAP_RUN_DONE };

typedef enum imap_run (*imap_step)(struct imap_server *e);

enum imap_command_flag {
	C_UID = 1,		/* has a UID form */
	C_NO_EXPUNGE = 2,	/* no EXPUNGE may be told while it runs, the UID form apart (RFC 3501 7.4.1) */
	C_LOOK = 4,		/* looks for news in any case */
	C_SECRET = 8,		/* not before TLS, unless AuthWithoutTLS names it */
	C_STREAM = 16,		/* its last literal is not kept in memory */
	C_NUMBERS = 32,		/* without UID it takes or tells sequence numbers */
	C_TELLS = 64		/* what it looks for it tells, whatever NOTIFY says */
};

struct imap_command {
	const char *name;
	bool (*parse)(struct imap_server *e, struct imap_parse *p);
	imap_step run;
	unsigned states;	/* enum imap_state */
	unsigned flags;
	const char *rfc;
};

/* One page of records with the mailbox's keywords, on the heap. */
struct imap_page {
	struct store_record *records;
	size_t count;
	struct span *keywords;	/* of the arena */
	size_t keyword_count;
};

struct imap_selected {
	uint64_t mailbox;
	char *name;		/* as it was when it was selected */
	uint32_t uidvalidity;
	bool read_only;
	uint64_t modseq;	/* told up to here */
	uint64_t own_modseq;	/* changes behind modseq up to this one are this session's */
	size_t keywords_told;
	struct imap_view view;
	struct imap_ranges saved;	/* UIDs that "$" means; some may be gone (RFC 5182) */
};

struct imap_sync {
	uint32_t first;		/* of the next page */
	uint64_t modseq;
	uint32_t recent_uid;
	size_t gone_at;		/* ranges of view.gone that are not told yet */
	uint32_t gone_seq;	/* inside the last of them: the next to tell, 0: not begun */
	bool begun, news;
	imap_step after;
};

/* How far the command in hand has come (RFC 9585): told every IMAP_PROGRESS_MS. */
struct imap_progress {
	uint64_t done, goal;	/* messages; goal 0: nobody knows */
	uint64_t next_ms;
	bool due;
};

/* The metadata of one message: from the derived file, else from its body. */
enum imap_derive_want {
	IMAP_DERIVE_ALL,
	IMAP_DERIVE_ENVELOPE	/* meta is for mime_meta_envelope alone */
};

struct imap_derive {
	const struct store_record *record;
	enum imap_derive_want want;
	enum store_status status;	/* STORE_OK: meta is filled */
	struct mime_meta meta;
	struct buf blob;		/* what meta looks at */
	struct mime_parser *parser;
	uint64_t at;			/* bytes that the parser has seen */
	imap_step after;
};

enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1,
	IMAP_STATUS_RECENT = 2,
	IMAP_STATUS_UIDNEXT = 4,
	IMAP_STATUS_UIDVALIDITY = 8,
	IMAP_STATUS_UNSEEN = 16,
	IMAP_STATUS_DELETED = 32,
	IMAP_STATUS_SIZE = 64,			/* RFC 8438 */
	IMAP_STATUS_HIGHESTMODSEQ = 128,	/* RFC 7162 3.1.7 */
	IMAP_STATUS_MAILBOXID = 256,		/* RFC 8474 4.3 */
	IMAP_STATUS_DELETED_STORAGE = 512,	/* RFC 9208 4.1.4 */
	IMAP_STATUS_APPENDLIMIT = 1024		/* RFC 7889 3.1 */
};

/* One STATUS response (cmd_status.c), of STATUS or of LIST. */
struct imap_status {
	unsigned wanted;		/* enum imap_status_item */
	struct store_mailbox m;
	enum store_status status;	/* STORE_OK: it was told */
	uint64_t recent, deleted_bytes;
	uint32_t next;
	imap_step after;
};

struct imap_server {
	struct imap_settings set;
	enum imap_state state;
	enum imap_input input;
	bool secure, certificate, greeted, closing, start_tls, broken;
	bool compress, compressed;	/* wanted once the reply is out; on */
	unsigned enabled;		/* enum imap_enabled */
	unsigned errors;
	struct imap_reader *reader;
	struct buf out;			/* being written */
	struct buf lent;		/* given by a REPLY */
	size_t lent_at, lent_n;

	/* the command in hand; command NULL: none */
	const struct imap_command *command;
	struct arena *arena;
	struct span tag;
	bool uid;
	void *data;
	void (*clear)(struct imap_server *e);	/* frees what data has outside the arena */
	imap_step step;			/* NULL: waits for input */
	struct span line;		/* in a step that a line has called */
	struct buf final;
	bool tell_highest;		/* the tagged OK has HIGHESTMODSEQ, as it is once all is told */
	bool looked;
	bool half;			/* a response with a literal is half out: nothing else may be said */
	bool half_line;			/* a line is half out: CRLF ends it */
	unsigned work;			/* done in this turn, in microseconds or so */
	struct imap_progress progress;

	/* actions */
	struct imap_action ask;
	bool asked;			/* ask was not given yet */
	uint64_t last_number, waiting;
	uint64_t open_until_ms;		/* of the one that was given; UINT64_MAX: it may take its time */
	enum imap_kind late;		/* to be cancelled; IMAP_WANT_INPUT: nothing */
	const struct imap_result *result;
	bool watch_wanted, watching, body_open, body_close, stage_open, stage_drop;
	struct buf put;			/* IMAP_META_PUT */
	uint32_t put_uid;
	bool put_wanted;
	struct imap_derive *derive;	/* of the arena, NULL until it is needed */
	struct imap_status *status;	/* the one in hand */
	uint32_t body_uid;		/* whose body is open */
	enum store_status body_status;
	imap_step body_after;

	struct imap_selected sel;
	struct imap_sync sync;
	bool dirty;			/* something may have changed */
	bool behind;			/* a look went along with the commit, */
	uint64_t behind_modseq;		/* and must show this */
	bool idling;
	struct imap_notify *notify;	/* NULL: neither NOTIFY nor ENABLE METADATA was ever used */
	struct imap_notify *notify_next;	/* while that command runs */
	bool hint_all;			/* what NOTIFY has not looked at yet: all mailboxes, */
	uint64_t hint_mailbox;		/* or this one */

	uint64_t now_ms, heard_ms, born_ms, retry_ms;
	uint64_t ended_ms;		/* when a search ends; 0: the client is there */
};

/* --- server.c -------------------------------------------------------------- */

/* Asks for an action, to be filled by the caller; its result calls step. Returns it with
 * kind and number set. */
struct imap_action *imap_ask(struct imap_server *e, enum imap_kind kind, imap_step step);
/* Waits for a line; it calls step with e->line. */
enum imap_run imap_wait_line(struct imap_server *e, imap_step step);
enum imap_run imap_go(struct imap_server *e, imap_step step);

/* The tagged reply, "OK ..." and so on; news of the mailbox go out before it. */
enum imap_run imap_done(struct imap_server *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* BAD, counted against ErrorLimit. */
enum imap_run imap_bad(struct imap_server *e, const char *words);
/* For what is refused as often as it is tried: a wrong password. */
void imap_count_error(struct imap_server *e);
/* NO with the code and words for a status. what: "The mailbox" or so, of NOT_FOUND. */
enum imap_run imap_no(struct imap_server *e, enum store_status status);
enum imap_run imap_no_memory(struct imap_server *e);

static inline void imap_text(struct imap_server *e, const char *text)
{
	buf_put_text(&e->out, text);
}
bool imap_out_full(const struct imap_server *e);
/* Closes the body when the shell is asked next. */
void imap_body_done(struct imap_server *e);
/* The connection ends without a word: what was promised can't be sent. */
enum imap_run imap_break(struct imap_server *e);
void imap_bye(struct imap_server *e, const char *words);

/* --- commands.c ------------------------------------------------------------ */

/* A whole command, or (true) one up to the literal that is announced. */
void imap_command_begin(struct imap_server *e, struct span text);
void imap_command_literal(struct imap_server *e, struct span text);
/* What could not be read as a command. */
void imap_command_bad(struct imap_server *e, struct span text, const char *words);
/* Behind a line that was refused comes a literal without sync: its bytes are no commands. */
void imap_skip_announced(struct imap_server *e);
const struct imap_command *imap_command_at(size_t i);	/* NULL behind the last */

/* --- sync.c: what changed in the selected mailbox -------------------------- */
/* EXPUNGE may be told by the command in hand. */
bool imap_may_expunge(const struct imap_server *e);
enum imap_run imap_sync_run(struct imap_server *e, imap_step after);
/* A commit of this session gave that mod-sequence: its own changes are no news. */
void imap_sync_own(struct imap_server *e, uint64_t modseq);
/* The look that imap_sync_run will ask for: it goes along with a commit. Lent as long as the command runs, or NULL. */
const struct store_look *imap_sync_behind(struct imap_server *e);
/* A page of a look whose changes are told in any case: was all that changed since the client was told this session's own?
 * Then there is nothing to look for when the command ends. */
bool imap_sync_is_current(struct imap_server *e, const struct store_page *page);
void imap_tell_keywords(struct imap_server *e, const struct span *keywords, size_t count);
void imap_tell_counts(struct imap_server *e);
/* \Recent is shown for that message: RFC 9051 knows it no more. */
bool imap_shows_recent(const struct imap_server *e, uint32_t uid);
/* "* 7 FETCH (", or what stands for it without sequence numbers. */
void imap_tell_message(struct imap_server *e, uint32_t uid);
void imap_tell_flags(struct imap_server *e, const struct store_record *r, const struct span *keywords, size_t count);
/* The same without the flags, which the client knows (RFC 7162 3.1.3). */
void imap_tell_modseq(struct imap_server *e, uint32_t uid, uint64_t modseq);
/* "* VANISHED (EARLIER) 4:9": those of the ranges that are in known (NULL: all). */
void imap_tell_earlier(struct imap_server *e, const struct store_set *gone, const struct store_set *known);
/* Sent by a client that knows CONDSTORE: it is told mod-sequences from here on (RFC 7162 3.1). */
void imap_know_condstore(struct imap_server *e);
void imap_deselect(struct imap_server *e);
/* RFC 6855 3, RFC 9051 5.1: names go as UTF-8, both ways; else as modified UTF-7. */
bool imap_knows_utf8(const struct imap_server *e);
void imap_tell_mailbox(struct imap_server *e, struct span name);
/* The UIDs that a command's set means, in the view. False: a sequence number that is not
 * there (BAD), or no memory. */
bool imap_uids(struct imap_server *e, const struct imap_set *set, struct store_set *uids);
/* Copies of a page's records that are in uids. */
int imap_page_copy(struct imap_server *e, const struct store_page *from, const struct store_set *uids,
		   struct imap_page *to);

/* --- progress.c ------------------------------------------------------------ */
/* A command works, and the client waits for it. */
bool imap_is_busy(const struct imap_server *e);
/* The time has come on. */
void imap_progress_tick(struct imap_server *e);
/* Says how far it has come, if that is due and no line is half out. */
void imap_progress_tell(struct imap_server *e);

/* --- late.c: whoever should have answered is stuck, or has too much to do --- */
/* The action that is given now may be open until then. */
uint64_t imap_late_after(const struct imap_server *e);
/* UINT64_MAX: nothing is waited for, or without end. */
uint64_t imap_late_deadline(const struct imap_server *e);
/* The time has come on: an answer that is late by now counts as given, and meets nothing. */
void imap_late_tick(struct imap_server *e);

/* --- derive.c -------------------------------------------------------------- */

/* Goes on with `after` once e->derive has the record's metadata, or a status that is not
 * STORE_OK (NOT_FOUND: the message went). record must stay. */
enum imap_run imap_derive_run(struct imap_server *e, const struct store_record *record, enum imap_derive_want want,
			      imap_step after);
void imap_derive_clear(struct imap_server *e);
/* Goes on with `after` once the message's body is open; e->body_status. */
enum imap_run imap_body_run(struct imap_server *e, uint32_t uid, imap_step after);
enum imap_run imap_body_read(struct imap_server *e, uint64_t offset, uint64_t length, imap_step step);

/* --- cmd_status.c ---------------------------------------------------------- */
/* "(" items ")" */
bool imap_status_parse(struct imap_parse *p, unsigned *wanted);
/* Asking for some of them tells what the client understands. */
void imap_status_knows(struct imap_server *e, unsigned wanted);
/* Tells the STATUS of s->m, which the caller has filled beside s->wanted, and goes on with
 * `after`. s must stay until then. */
enum imap_run imap_status_run(struct imap_server *e, struct imap_status *s, imap_step after);
/* The same at once, for items that s->m has. */
void imap_status_tell(struct imap_server *e, const struct imap_status *s);

/* --- notify.c: what may be told when (RFC 5465) ----------------------------- */
void imap_notify_free(struct imap_server *e);
bool imap_notify_used(const struct imap_server *e);
/* RFC 5464 4.1: tells of annotations from now on, if that can be (imap_notify_metadata_on), and goes on with `then`. */
enum imap_run imap_notify_metadata(struct imap_server *e, imap_step then);
bool imap_notify_metadata_on(const struct imap_server *e);
/* Are changes of the selected mailbox told at all; those of flags? */
bool imap_notify_selected(const struct imap_server *e);
bool imap_notify_flags(const struct imap_server *e);
/* A message came into the selected mailbox, and its EXISTS is due. -ENOMEM. */
int imap_notify_came(struct imap_server *e, uint32_t uid);
void imap_notify_synced(struct imap_server *e);
void imap_notify_deselected(struct imap_server *e);
void imap_notify_hint(struct imap_server *e, uint64_t mailbox);
/* A look at a mailbox was answered, and has used up the hint. */
void imap_notify_saw(struct imap_server *e, const struct store_mailbox *m);
/* The answer to e->ask, which is a commit. */
void imap_notify_committed(struct imap_server *e, const struct imap_result *result);
/* There is something to tell, and nothing forbids it. */
bool imap_notify_due(const struct imap_server *e);
/* Begins a job if one is due and nothing else runs. */
bool imap_notify_begin(struct imap_server *e);
bool imap_notify_works(const struct imap_server *e);
void imap_notify_over(struct imap_server *e);

/* --- commands -------------------------------------------------------------- */
bool imap_parse_nothing(struct imap_server *e, struct imap_parse *p);
void imap_put_capabilities(struct imap_server *e, struct buf *out);
struct sasl_offer imap_offer(const struct imap_server *e);
bool imap_may_login(const struct imap_server *e);	/* the command LOGIN */
/* cmd_append.c: text is the command up to the message. */
void imap_append_begin(struct imap_server *e, struct imap_parse *p);
void imap_append_bytes(struct imap_server *e, struct span *in);

#define IMAP_COMMAND(name)                                                        \
	bool imap_parse_##name(struct imap_server *e, struct imap_parse *p);      \
	enum imap_run imap_run_##name(struct imap_server *e);
IMAP_COMMAND(authenticate)
IMAP_COMMAND(login)
IMAP_COMMAND(id)
IMAP_COMMAND(enable)
IMAP_COMMAND(select)

bool imap_parse_compress(struct imap_server *e, struct imap_parse *p);
bool imap_parse_name(struct imap_server *e, struct imap_parse *p);
bool imap_parse_create(struct imap_server *e, struct imap_parse *p);
bool imap_parse_rename(struct imap_server *e, struct imap_parse *p);
enum imap_run imap_run_rename(struct imap_server *e);
IMAP_COMMAND(list)
IMAP_COMMAND(getmetadata)
IMAP_COMMAND(setmetadata)
IMAP_COMMAND(getquota)
IMAP_COMMAND(getquotaroot)
IMAP_COMMAND(setquota)
IMAP_COMMAND(status)
IMAP_COMMAND(notify)
IMAP_COMMAND(append)
IMAP_COMMAND(search)
IMAP_COMMAND(sort)
IMAP_COMMAND(thread)
IMAP_COMMAND(fetch)
IMAP_COMMAND(store)
IMAP_COMMAND(copy)
IMAP_COMMAND(expunge)
#undef IMAP_COMMAND
enum imap_run imap_run_capability(struct imap_server *e);
enum imap_run imap_run_noop(struct imap_server *e);
enum imap_run imap_run_logout(struct imap_server *e);
enum imap_run imap_run_starttls(struct imap_server *e);
enum imap_run imap_run_compress(struct imap_server *e);
enum imap_run imap_run_namespace(struct imap_server *e);
enum imap_run imap_run_close(struct imap_server *e);
enum imap_run imap_run_unselect(struct imap_server *e);
enum imap_run imap_run_idle(struct imap_server *e);
enum imap_run imap_run_create(struct imap_server *e);
enum imap_run imap_run_delete(struct imap_server *e);
enum imap_run imap_run_subscribe(struct imap_server *e);
enum imap_run imap_run_unsubscribe(struct imap_server *e);

#endif
