/*
 * server.h - IMAP4rev1 and IMAP4rev2 for one connection: bytes in, actions out.
 *
 * Pure: no socket, clock, file, thread, log or global. The shell (shell.c) gives it
 * bytes and results; the engine says what is wanted next.
 * Shape   feed and next in turns. Commands run one after another: what is pipelined
 *         behind one that is not finished stays with the shell.
 * Actions Those with a number are answered once by imap_server_done; at most one is
 *         open. An action lends its memory until the next call of next (of done, for
 *         one that is answered). A late or strange number meets nothing.
 * Memory  Under 2 kB between commands, beside the view (12 bytes for each run of UIDs).
 *         A command: IMAP_ARENA for arguments, one page of records, IMAP_OUT_MARK and
 *         one item of output.
 * Source  RFC 3501; RFC 9051 for who enables it; and the extensions that cmd_any.c lists.
 */
#ifndef IMAPD_SERVER_H
#define IMAPD_SERVER_H

#include "common/base/error.h"
#include "common/base/span.h"
#include "storage/store.h"

struct imap_server;		/* opaque; session.h */
struct search_job;		/* search_job.h */

enum {
	IMAP_ARENA = 4 << 20,		/* arguments of one command: literals and line are far below */
	IMAP_OUT_MARK = 32 * 1024,	/* unsent output at which commands pause */
	IMAP_REPLY_MAX = 64 * 1024,	/* bytes of one IMAP_REPLY */
	IMAP_READ_PIECE = 32 * 1024,	/* bytes of one IMAP_READ */
	IMAP_LITERALS = 128 * 1024,	/* bytes of all literals of one command, APPEND's message apart */
	IMAP_MUTATIONS = 64,	/* of one IMAP_COMMIT (STORE_MUTATIONS at most); messages of one APPEND */
	IMAP_ENDED_MS = 1000,		/* that a search goes on for a client that sends nothing more */
	IMAP_PROGRESS_MS = 10000,	/* between two words about a command that takes long (RFC 9585 4) */
	IMAP_SHY_LIMIT = 8 * 1024	/* line, and literals, of who has not logged in */
};

/* The settings of one session. Texts are lent for its life. */
struct imap_settings {
	size_t line_limit;
	uint64_t message_limit;
	unsigned error_limit;
	uint64_t login_ms, idle_ms;
	uint64_t answer_ms, commit_ms;	/* how long an action may be open, and COMMIT: then it counts as STORE_TRY_LATER, and as UNKNOWN */
	const char *hostname;
	unsigned scram;			/* as sasl_offer's */
	const char *mechanisms;		/* "PLAIN,LOGIN,EXTERNAL": offered, in this order */
	const char *without_tls;	/* those that may be used without TLS */
	bool secure;			/* TLS is up from the first byte */
	bool require_tls;		/* no credentials before it */
	bool may_start_tls;
};

/* internal_s of an append without a date: the shell puts the time in. */
#define IMAP_NOW INT64_MIN

enum imap_kind {
	IMAP_WANT_INPUT,	/* nothing to do until input, a result or the deadline */
	IMAP_YIELD,		/* there is more to do; let others have the loop first */
	IMAP_REPLY,		/* bytes */
	IMAP_START_TLS,		/* once all output is sent; then imap_server_secured */
	IMAP_COMPRESS,		/* from here on both ways are compressed (RFC 4978); no answer */
	IMAP_CLOSE,		/* once all output is sent */
	/* without an answer */
	IMAP_CANCEL,		/* `late` is not waited for any more: its answer must not come */
	IMAP_WATCH,		/* store_watch from here on: imap_server_changed */
	IMAP_META_PUT,		/* store_meta_put: put */
	IMAP_BODY_CLOSE,	/* the body that IMAP_BODY_OPEN opened */
	IMAP_STAGE_DROP,	/* throw all stages away */
	/* answered by imap_server_done */
	IMAP_LOGIN,		/* auth_login, then store_login */
	IMAP_LIST,		/* store_list: from */
	IMAP_FIND,		/* store_find: name */
	IMAP_ANNOTATIONS,	/* store_annotations: mailbox */
	IMAP_SYNC,		/* store_sync: look */
	IMAP_COMMIT,		/* store_commit; appends take the stages in their order */
	IMAP_META,		/* the metadata of a record; STORE_NOT_FOUND: none */
	IMAP_BODY_OPEN,		/* store_body; one is open at a time */
	IMAP_MATCH,		/* works on job (search_job.h), away from the loop; bodies opened if it wants them */
	IMAP_READ,		/* at most length bytes at offset of the open body */
	IMAP_STAGE_NEW,		/* store_stage_new: size; IMAP_MUTATIONS of them at most */
	IMAP_STAGE_WRITE	/* bytes, into the last of them; done when more may come */
};

struct imap_action {
	enum imap_kind kind;
	uint64_t number;	/* 0: without an answer */
	bool ahead;		/* IMAP_SYNC: it was told with the commit; and the same will be asked from the page's next_uid on */
	union {
		struct span bytes;
		enum imap_kind late;
		struct {
			const char *mechanism;
			struct span authzid, user, password;
			const struct sasl_scram *scram;	/* NULL: not SCRAM */
			struct sasl *exchange;
		} login;
		size_t from;
		struct span name;
		uint64_t mailbox;
		struct store_look look;
		struct {
			const struct store_mutation *mutations;
			size_t count;
			const struct store_look *then;	/* will be asked for next, ahead; or NULL */
		} commit;
		const struct store_record *record;
		struct {
			uint64_t mailbox;
			struct search_job *job;
		} match;
		struct {
			uint64_t mailbox;
			uint32_t uid;
		} body;
		struct {
			uint64_t mailbox;
			uint32_t uid;
			struct span meta;
		} put;
		struct {
			uint64_t offset;
			size_t length;
		} read;
		uint64_t size;
	};
};

enum imap_login {
	IMAP_LOGIN_OK,
	IMAP_LOGIN_WRONG,	/* RFC 5530 AUTHENTICATIONFAILED */
	IMAP_LOGIN_DISABLED,
	IMAP_LOGIN_SCOPE,	/* an app password for something else */
	IMAP_LOGIN_EXPIRED,	/* an app password past its date */
	IMAP_LOGIN_AUTHZID,	/* may not act for the authzid */
	IMAP_LOGIN_LIMIT,	/* too many sessions of that account */
	IMAP_LOGIN_LATER,
	IMAP_LOGIN_GO_ON	/* no verdict yet, but a challenge (sasl_tell) */
};

struct imap_result {		/* lent for the call */
	enum store_status status;
	int64_t real_s;			/* the time of day */
	union {
		enum imap_login login;
		const struct store_mailbox *mailbox;	/* FIND */
		const struct store_list *list;
		const struct store_page *page;		/* SYNC */
		struct {
			const struct store_result *results;
			size_t count;
		} commit;
		struct {
			const struct store_annotation *all;
			size_t count;
		} annotations;
		struct span bytes;			/* META, READ */
		uint64_t size;				/* BODY_OPEN */
	};
};

/* Gives the caller a session. settings is copied. -ENOMEM. */
int imap_server_new(struct imap_server **out, const struct imap_settings *settings, uint64_t now_ms,
		    struct error *err);
/* NULL is allowed. What is open elsewhere is the shell's to cancel. */
void imap_server_free(struct imap_server *e);

/* Uses what it can and moves *in on. Leaves bytes while a command runs. */
void imap_server_feed(struct imap_server *e, struct span *in);
enum imap_kind imap_server_next(struct imap_server *e, struct imap_action *action);
void imap_server_done(struct imap_server *e, uint64_t number, const struct imap_result *result);

/* The client's certificate may name an account: EXTERNAL is offered. Before _secured. */
void imap_server_certificate(struct imap_server *e);
/* TLS is up. Where it is from the first byte this comes before the first _next, which greets. */
void imap_server_secured(struct imap_server *e);
/* The hint of store_watch: which mailbox; 0: the list of them, or several. */
void imap_server_changed(struct imap_server *e, uint64_t mailbox);
/* Says * BYE with these words and closes, unless a reply is half out: then it closes. */
void imap_server_end(struct imap_server *e, const char *words);

/* The client sends nothing more, and has not said LOGOUT: it may still read. What is short is answered; a search
 * that takes longer ends the session, for most likely nobody is there. */
void imap_server_ended(struct imap_server *e);

/* Brings the time; monotonic. A deadline that has passed ends the session. */
void imap_server_tick(struct imap_server *e, uint64_t now_ms);
uint64_t imap_server_deadline(const struct imap_server *e);
/* No command is in hand (IDLE counts as none), or it is the client that has to go on with it: an answer in AUTHENTICATE, or,
 * behind imap_server_ended, a message. */
bool imap_server_idle(const struct imap_server *e);
/* The selected mailbox's name when it was selected, in UTF-8; "": none. Lent until the engine is called again. */
const char *imap_server_mailbox(const struct imap_server *e);

#endif
