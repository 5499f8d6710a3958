/*
 * session.c - one connection: the engine's actions done with the store and authd.
 */
#include "pop3d/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/body.h"
#include "pop3d/engine.h"
#include "service/ahead.h"
#include "service/login.h"

struct session {
	struct conn *conn;
	struct service *service;
	struct pop3_server *engine;
	uint64_t number;		/* of the action in hand */
	enum pop3_action_kind kind;	/* its kind */
	uint64_t store_op;
	char account[STORE_ACCOUNT_MAX];
	struct service_login login;
	struct store_account *store;
	uint64_t inbox;			/* its id */
	int body;			/* the message that is open, or -1 */
	uint32_t body_uid;		/* the one that is being opened */
	struct ahead *ahead;		/* those behind it, or NULL */
	uint64_t offset;
	struct body_read *reading;
};

static void answer(struct session *s, enum pop3_result result)
{
	pop3_server_done(s->engine, s->number, result);
	conn_wake(s->conn);
}

/* store.h: a question that has no number is never answered. */
static void store_asked(struct session *s, uint64_t op)
{
	s->store_op = op;
	if (op == 0)
		answer(s, POP3_TRY_LATER);
}

/* --- logging in ------------------------------------------------------------ */

static void leave_account(struct session *s)
{
	store_logout(s->store);
	s->store = NULL;
}

/* A step of opening the maildrop. */
static void opening_asked(struct session *s, uint64_t op)
{
	if (op == 0)
		leave_account(s);
	store_asked(s, op);
}

static void look(struct session *s, uint32_t first);

static void page_done(void *arg, enum store_status st, const struct store_page *page)
{
	struct session *s = arg;

	s->store_op = 0;
	for (size_t i = 0; st == STORE_OK && i < page->record_count; i++)
		if (pop3_server_message(s->engine, page->records[i].uid, page->records[i].size) < 0)
			st = STORE_TRY_LATER;
	if (st != STORE_OK) {
		leave_account(s);
		answer(s, POP3_TRY_LATER);
	} else if (page->next_uid != 0) {
		look(s, page->next_uid);
	} else {
		pop3_server_uidvalidity(s->engine, page->mailbox.uidvalidity);
		s->service->done++;
		answer(s, POP3_DONE);
	}
}

static void look(struct session *s, uint32_t first)
{
	const struct store_look look = { .mailbox = s->inbox, .want = STORE_WANT_RECORDS, .first = first,
					 .last = UINT32_MAX };

	opening_asked(s, store_sync(s->store, &look, page_done, s));
}

static void found(void *arg, enum store_status st, const struct store_mailbox *m)
{
	struct session *s = arg;

	s->store_op = 0;
	if (st != STORE_OK) {
		leave_account(s);
		answer(s, POP3_TRY_LATER);
		return;
	}
	s->inbox = m->id;
	look(s, 1);
}

static void locked(void *arg, enum store_status st, const char *words)
{
	struct session *s = arg;

	(void)words;
	s->store_op = 0;
	if (st == STORE_OK) {
		opening_asked(s, store_find(s->store, span_of("INBOX"), found, s));
		return;
	}
	leave_account(s);
	answer(s, st == STORE_IN_USE ? POP3_IN_USE : POP3_TRY_LATER);
}

static void opened(void *arg, enum store_status st, struct store_account *account)
{
	struct session *s = arg;

	s->store_op = 0;
	s->store = account;
	answer(s, st == STORE_OK ? POP3_DONE : POP3_TRY_LATER);
}

static enum pop3_result from_login(enum service_login_status st)
{
	switch (st) {
	case SERVICE_LOGIN_WRONG:
		return POP3_WRONG;
	case SERVICE_LOGIN_DISABLED:
		return POP3_DISABLED;
	case SERVICE_LOGIN_SCOPE:
		return POP3_SCOPE;
	case SERVICE_LOGIN_EXPIRED:
		return POP3_EXPIRED;
	case SERVICE_LOGIN_AUTHZID:
		return POP3_AUTHZID;
	case SERVICE_LOGIN_TOO_MANY:
		return POP3_TOO_MANY;
	case SERVICE_LOGIN_GO_ON:
		return POP3_GO_ON;
	default:
		return POP3_TRY_LATER;
	}
}

static void login_done(void *arg, enum service_login_status st, const struct auth_grant *grant)
{
	struct session *s = arg;

	if (st != SERVICE_LOGIN_OK) {
		answer(s, from_login(st));
		return;
	}
	memcpy(s->account, grant->account, sizeof(s->account));
	store_asked(s, store_login(s->service->store, &grant->token, opened, s));
}

/* --- a message ------------------------------------------------------------- */

static void close_body(struct session *s)
{
	body_read_cancel(s->reading);
	s->reading = NULL;
	if (s->body >= 0)
		close(s->body);
	s->body = -1;
}

static void body_opened(void *arg, enum store_status st, int fd, uint64_t size)
{
	struct session *s = arg;

	(void)size;
	s->store_op = 0;
	s->body = fd;
	s->offset = 0;
	answer(s, st == STORE_OK ? POP3_DONE : st == STORE_NOT_FOUND ? POP3_GONE : POP3_TRY_LATER);
}

static bool take_ahead(struct session *s, uint32_t uid)
{
	struct store_opened one;

	if (!ahead_take(s->ahead, s->inbox, uid, &one))
		return false;
	body_opened(s, one.status, one.fd, one.size);
	return true;
}

static void opened_ahead(void *arg, enum store_status st, const struct store_opened *all, size_t count)
{
	struct session *s = arg;

	ahead_fill(s->ahead, all, count);
	if (!take_ahead(s, s->body_uid))
		body_opened(s, st == STORE_OK ? STORE_NOT_FOUND : st, -1, 0);
}

static void open_body(struct session *s, uint32_t uid)
{
	uint32_t count = 1;

	if (s->ahead == NULL)
		s->ahead = ahead_new();
	if (s->ahead != NULL) {
		if (take_ahead(s, uid))
			return;
		count = ahead_count(s->ahead, s->inbox, uid);
	}
	s->body_uid = uid;
	if (count == 1)
		store_asked(s, store_body(s->store, s->inbox, uid, body_opened, s));
	else
		store_asked(s, store_bodies(s->store, s->inbox,
					    &(struct store_set){ &(struct store_range){ uid, uid + count - 1 }, 1 }, opened_ahead, s));
}

static void piece_read(void *arg, int r, struct span bytes)
{
	struct session *s = arg;

	s->reading = NULL;
	s->offset += bytes.n;
	if (r == 0)
		pop3_server_bytes(s->engine, bytes);
	answer(s, r == 0 ? POP3_DONE : POP3_TRY_LATER);
}

static void do_read(struct session *s, const struct pop3_action *a)
{
	uint8_t *piece = s->service->piece;
	size_t want = a->size < sizeof(s->service->piece) ? a->size : sizeof(s->service->piece);
	ssize_t n = body_read_now(s->body, s->offset, piece, want);

	if (n != -EAGAIN) {
		piece_read(s, n < 0 ? (int)n : 0, (struct span){ piece, n > 0 ? (size_t)n : 0 });
		return;
	}
	s->reading = body_read_later(worker_loop(s->service->worker), s->body, s->offset, want, piece_read, s);
	if (s->reading == NULL)
		answer(s, POP3_TRY_LATER);
}

/* --- QUIT ------------------------------------------------------------------ */

/* The UIDs that next gives, as ranges; *count 0 if there are none. NULL: no memory. */
static struct store_range *ranges(const struct pop3_server *e,
				  uint32_t (*next)(const struct pop3_server *, size_t *), size_t *count)
{
	size_t at = 0, room = 16;
	struct store_range *list = calloc(room, sizeof(*list)), *more;

	*count = 0;
	if (list == NULL)
		return NULL;
	for (uint32_t uid = next(e, &at); uid != 0; uid = next(e, &at)) {
		if (*count > 0 && list[*count - 1].last == uid - 1) {
			list[*count - 1].last = uid;
			continue;
		}
		if (*count == room) {
			more = realloc(list, room * 2 * sizeof(*list));
			if (more == NULL) {
				free(list);
				return NULL;
			}
			list = more;
			room *= 2;
		}
		list[(*count)++] = (struct store_range){ uid, uid };
	}
	return list;
}

static void updated(void *arg, enum store_status st, const struct store_result *results, size_t count,
		    const char *words)
{
	struct session *s = arg;

	(void)results;
	(void)count;
	s->store_op = 0;
	if (st != STORE_OK)
		log_warn("ICID %llu update failed user=%s reason=\"%s\"", (unsigned long long)conn_id(s->conn),
			 s->account, words != NULL ? words : "");
	answer(s, st == STORE_OK ? POP3_DONE : POP3_TRY_LATER);
}

static void do_update(struct session *s)
{
	size_t gone_count, seen_count, n = 0;
	struct store_range *gone = ranges(s->engine, pop3_server_deleted, &gone_count);
	struct store_range *seen = ranges(s->engine, pop3_server_seen, &seen_count);
	struct store_mutation m[2];
	struct store_txid txid;

	if (gone != NULL && gone_count > 0)
		m[n++] = (struct store_mutation){ .change = STORE_EXPUNGE, .mailbox = s->inbox,
						  .uids = { gone, gone_count } };
	if (seen != NULL && seen_count > 0)
		m[n++] = (struct store_mutation){ .change = STORE_SET_FLAGS, .mailbox = s->inbox,
						  .uids = { seen, seen_count }, .how = STORE_FLAGS_ADD,
						  .flags = STORE_SEEN };
	store_txid_new(&txid);
	if (gone != NULL && seen != NULL)
		store_asked(s, store_commit(s->store, m, n, &txid, updated, s));
	else
		answer(s, POP3_TRY_LATER);
	free(gone);
	free(seen);
}

/* --- the engine's actions -------------------------------------------------- */

static void cancel(struct session *s)
{
	service_login_cancel(&s->login);
	store_cancel(s->service->store, s->store_op);
	s->store_op = 0;
	if (s->kind == POP3_READ)
		close_body(s);
	if (s->kind == POP3_OPEN)
		leave_account(s);
}

static void act(struct session *s, const struct pop3_action *a)
{
	s->number = a->number;
	if (a->number != 0)
		s->kind = a->kind;
	switch (a->kind) {
	case POP3_CANCEL:
		cancel(s);
		break;
	case POP3_AUTHENTICATE:
		service_login_begin(&s->login, s->service, s->conn, "pop3", a->credentials, login_done, s);
		break;
	case POP3_OPEN:
		opening_asked(s, store_lock(s->store, locked, s));
		break;
	case POP3_OPEN_BODY:
		open_body(s, a->uid);
		break;
	case POP3_READ:
		do_read(s, a);
		break;
	case POP3_UPDATE:
		do_update(s);
		break;
	case POP3_CLOSE_BODY:
		close_body(s);
		break;
	default:
		log_info("ICID %llu %.*s", (unsigned long long)conn_id(s->conn), (int)a->bytes.n,
			 (const char *)a->bytes.p);
	}
}

static enum conn_want session_next(void *session, struct span *out)
{
	struct session *s = session;
	struct pop3_action a;

	for (;;) {
		pop3_server_next(s->engine, &a);
		switch (a.kind) {
		case POP3_NONE:
			return CONN_WANT_INPUT;
		case POP3_REPLY:
			*out = a.bytes;
			return CONN_WANT_OUTPUT;
		case POP3_START_TLS:
			return CONN_WANT_TLS;
		case POP3_CLOSE:
			return CONN_WANT_CLOSE;
		default:
			act(s, &a);
		}
	}
}

static int session_open(void **session, struct conn *c, struct error *err)
{
	const struct config_scope *scope = conn_config(c);
	const struct pop3_config config = {
		.hostname = conn_hostname(c),
		.scram = auth_scram_hashes(((struct service *)conn_daemon(c))->auth),
		.mechanisms = config_text(scope, CONFIG_MECHANISMS),
		.clear_mechanisms = config_text(scope, CONFIG_AUTH_WITHOUT_TLS),
		.require_tls = config_require_tls(scope, CONFIG_POP3D, CONFIG_SERVICE_NONE),
		.may_start_tls = conn_may_start_tls(c),
		.tls = conn_listen(c)->mode == CONFIG_MODE_IMPLICIT,
		.line_limit = config_line_limit(scope, CONFIG_POP3D),
		.output_limit = (size_t)config_number(scope, CONFIG_OUTPUT_LIMIT),
		.error_limit = (size_t)config_number(scope, CONFIG_ERROR_LIMIT),
		.login_ms = (uint64_t)config_number(scope, CONFIG_LOGIN_TIME),
		.idle_ms = (uint64_t)config_idle_ms(scope, CONFIG_POP3D),
		.answer_ms = (uint64_t)config_number(scope, CONFIG_ANSWER_TIME),
		.commit_ms = (uint64_t)config_number(scope, CONFIG_COMMIT_TIME),
	};
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for a session");
	s->conn = c;
	s->service = conn_daemon(c);
	s->body = -1;
	r = pop3_server_new(&s->engine, &config, clock_mono_ms(), err);
	if (r < 0) {
		free(s);
		return r;
	}
	*session = s;
	return 0;
}

static void session_close(void *session)
{
	struct session *s = session;

	log_info("ICID %llu session ended user=%s retrieved=%u", (unsigned long long)conn_id(s->conn),
		 *s->account != '\0' ? s->account : "-", pop3_server_retrieved(s->engine));
	cancel(s);
	close_body(s);
	ahead_free(s->ahead);
	leave_account(s);
	pop3_server_free(s->engine);
	free(s);
}

static void session_feed(void *session, struct span *in)
{
	pop3_server_feed(((struct session *)session)->engine, in);
}

static void session_secured(void *session)
{
	struct session *s = session;

	if (conn_client_known(s->conn))
		pop3_server_certificate(s->engine);
	pop3_server_secured(s->engine);
}

static void session_tick(void *session, uint64_t now_ms)
{
	pop3_server_tick(((struct session *)session)->engine, now_ms);
}

static uint64_t session_deadline(void *session)
{
	return pop3_server_deadline(((struct session *)session)->engine);
}

static void session_end(void *session, enum conn_end why)
{
	pop3_server_end(((struct session *)session)->engine, conn_end_words(why));
}

static bool session_idle(void *session)
{
	return pop3_server_idle(((struct session *)session)->engine);
}

const struct conn_protocol pop3d_protocol = {
	.name = "pop3",
	.which = CONFIG_POP3D,
	.wrong_mode = "-ERR ",
	.refusal = "-ERR ",
	.full = "-ERR [SYS/TEMP] too many connections, try again later\r\n",
	.start_tls = "STLS",
	.open = session_open,
	.close = session_close,
	.feed = session_feed,
	.next = session_next,
	.secured = session_secured,
	.tick = session_tick,
	.deadline = session_deadline,
	.end = session_end,
	.idle = session_idle,
};
