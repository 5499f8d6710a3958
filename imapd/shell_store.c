/* shell_store.c - each action of the engine is one call of store.h or auth.h. */
#include "imapd/shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

/* --- results --------------------------------------------------------------- */

void shell_answer(struct shell *s, const struct imap_result *result)
{
	uint64_t number = s->number;

	s->number = 0;
	imap_server_done(s->engine, number, result);
}

void shell_answer_status(struct shell *s, enum store_status status)
{
	const struct imap_result result = { .status = status };

	shell_answer(s, &result);
}

void shell_asked(struct shell *s, uint64_t op)
{
	s->store_op = op;
	if (op == 0)
		shell_answer_status(s, STORE_TRY_LATER);
}

/* A result that came later: the loop asks the engine again. */
static void answer_later(struct shell *s, const struct imap_result *result)
{
	s->store_op = 0;
	shell_answer(s, result);
	conn_wake(s->conn);
}

/* --- logging in ------------------------------------------------------------ */

static void answer_login(struct shell *s, enum imap_login login)
{
	const struct imap_result result = { .login = login };

	answer_later(s, &result);
}

static void account_opened(void *arg, enum store_status status, struct store_account *account)
{
	struct shell *s = arg;

	s->account = account;
	if (status == STORE_OK)
		s->service->done++;
	answer_login(s, status == STORE_OK ? IMAP_LOGIN_OK : IMAP_LOGIN_LATER);
}

static void login_checked(void *arg, enum service_login_status status, const struct auth_grant *grant)
{
	static const enum imap_login results[] = {
		[SERVICE_LOGIN_WRONG] = IMAP_LOGIN_WRONG,
		[SERVICE_LOGIN_DISABLED] = IMAP_LOGIN_DISABLED,
		[SERVICE_LOGIN_SCOPE] = IMAP_LOGIN_SCOPE,
		[SERVICE_LOGIN_EXPIRED] = IMAP_LOGIN_EXPIRED,
		[SERVICE_LOGIN_AUTHZID] = IMAP_LOGIN_AUTHZID,
		[SERVICE_LOGIN_TOO_MANY] = IMAP_LOGIN_LIMIT,
		[SERVICE_LOGIN_TRY_LATER] = IMAP_LOGIN_LATER,
		[SERVICE_LOGIN_GO_ON] = IMAP_LOGIN_GO_ON,
	};
	struct shell *s = arg;

	if (status != SERVICE_LOGIN_OK) {
		answer_login(s, results[status]);
		return;
	}
	free(s->user);
	s->user = strdup(grant->account);
	s->store_op = store_login(s->service->store, &grant->token, account_opened, s);
	if (s->store_op == 0)
		answer_login(s, IMAP_LOGIN_LATER);
}

static void do_login(struct shell *s, const struct imap_action *a)
{
	const struct sasl_credentials credentials = { a->login.mechanism, a->login.authzid, a->login.user,
						      a->login.password, a->login.scram, a->login.exchange };

	service_login_begin(&s->login, s->service, s->conn, "imap", &credentials, login_checked, s);
}

/* --- looking --------------------------------------------------------------- */

static void found(void *arg, enum store_status status, const struct store_mailbox *m)
{
	const struct imap_result result = { .status = status, .mailbox = m };

	answer_later(arg, &result);
}

static void listed(void *arg, enum store_status status, const struct store_list *list)
{
	const struct imap_result result = { .status = status, .list = list };

	answer_later(arg, &result);
}

static void synced(void *arg, enum store_status status, const struct store_page *page)
{
	const struct imap_result result = { .status = status, .page = page, .real_s = clock_real_ms() / 1000 };

	answer_later(arg, &result);
}

static void annotated(void *arg, enum store_status status, const struct store_annotation *all, size_t count)
{
	const struct imap_result result = { .status = status, .annotations = { all, count } };

	answer_later(arg, &result);
}

static void changed(void *arg, uint64_t mailbox)
{
	struct shell *s = arg;

	imap_server_changed(s->engine, mailbox);
	conn_wake(s->conn);
}

/* --- changing -------------------------------------------------------------- */

static void committed(void *arg, enum store_status status, const struct store_result *results, size_t count,
		      const char *words)
{
	const struct imap_result result = { .status = status, .commit = { results, count } };
	struct shell *s = arg;

	if (status == STORE_TRY_LATER || status == STORE_CORRUPT || status == STORE_UNKNOWN)
		log_warn("ICID %llu change failed user=%s reason=\"%s\"", (unsigned long long)conn_id(s->conn),
			 s->user != NULL ? s->user : "-", words != NULL ? words : "");
	answer_later(s, &result);
}

static struct store_stage *take_stage(struct shell *s, size_t i)
{
	struct store_stage *st = i < s->stage_n ? s->stages[i] : NULL;

	if (st != NULL)
		s->stages[i] = NULL;
	return st;
}

static void drop_stages(struct shell *s)
{
	for (size_t i = 0; i < s->stage_n; i++)
		store_stage_free(s->stages[i]);
	free(s->stages);
	s->stages = NULL;
	s->stage_n = 0;
}

/* Appends take the stages in the order in which those were made. */
static void do_commit(struct shell *s, const struct imap_action *a)
{
	struct store_mutation m[STORE_MUTATIONS];
	struct store_txid txid;
	size_t n = a->commit.count < STORE_MUTATIONS ? a->commit.count : STORE_MUTATIONS, taken = 0;

	for (size_t i = 0; i < n; i++) {
		m[i] = a->commit.mutations[i];
		if (m[i].change != STORE_APPEND)
			continue;
		m[i].stage = take_stage(s, taken++);
		if (m[i].internal_s == IMAP_NOW)
			m[i].internal_s = clock_real_ms() / 1000;
	}
	if (taken > 0)
		drop_stages(s);
	store_txid_new(&txid);
	shell_asked(s, store_commit(s->account, m, n, &txid, committed, s));
	if (a->commit.then != NULL && s->store_op != 0)
		shell_look_behind(s, a->commit.then);
}

/* --- APPEND's messages ------------------------------------------------------ */

static void stage_ready(void *arg)
{
	struct shell *s = arg;

	if (s->number == 0)
		return;
	shell_answer_status(s, STORE_OK);
	conn_wake(s->conn);
}

static void do_stage_new(struct shell *s, uint64_t size)
{
	int r = -ENOMEM;

	if (s->stages == NULL)
		s->stages = calloc(IMAP_MUTATIONS, sizeof(struct store_stage *));
	if (s->stages != NULL && s->stage_n < IMAP_MUTATIONS)
		r = store_stage_new(s->service->store, &s->stages[s->stage_n], size, stage_ready, s, NULL);
	if (r == 0)
		s->stage_n++;
	shell_answer_status(s, r == 0 ? STORE_OK : STORE_TRY_LATER);
}

static void do_stage_write(struct shell *s, struct span bytes)
{
	struct store_stage *st = s->stage_n > 0 ? s->stages[s->stage_n - 1] : NULL;
	int r = st != NULL ? store_stage_write(st, bytes) : -EINVAL;

	if (r != 0)
		shell_answer_status(s, r == -EFBIG ? STORE_LIMIT : STORE_TRY_LATER);
	else if (store_stage_ready(st))
		shell_answer_status(s, STORE_OK);
	/* else stage_ready answers */
}

/* --- late answers ----------------------------------------------------------- */

static const char *waited_for(enum imap_kind kind)
{
	switch (kind) {
	case IMAP_LOGIN:
		return "login";
	case IMAP_COMMIT:
		return "change";
	case IMAP_META:
	case IMAP_BODY_OPEN:
	case IMAP_STAGE_WRITE:
		return "message";
	default:
		return "mailbox";
	}
}

/* A login that succeeds later is nobody's; nor does a stage that has room again find who waited for it. */
static void give_up(struct shell *s, enum imap_kind kind)
{
	log_warn("ICID %llu no answer in time waited_for=%s user=%s", (unsigned long long)conn_id(s->conn),
		 waited_for(kind), s->user != NULL ? s->user : "-");
	service_login_cancel(&s->login);
	store_cancel(s->service->store, s->store_op);
	s->store_op = s->number = 0;
	shell_look_cancel(s);
	shell_meta_cancel(s);
	if (kind == IMAP_STAGE_WRITE)
		drop_stages(s);
	if (kind != IMAP_LOGIN)
		return;
	store_logout(s->account);
	s->account = NULL;
	free(s->user);
	s->user = NULL;
}

/* --- one for each ---------------------------------------------------------- */

static void act_at_once(struct shell *s, const struct imap_action *a)
{
	switch (a->kind) {
	case IMAP_CANCEL:
		give_up(s, a->late);
		break;
	case IMAP_WATCH:
		store_watch(s->account, changed, s);
		break;
	case IMAP_META_PUT:
		store_meta_put(s->account, a->put.mailbox, a->put.uid, a->put.meta, NULL, NULL);
		break;
	case IMAP_BODY_CLOSE:
		shell_body_close(s);
		break;
	default:
		drop_stages(s);
	}
}

void shell_act(struct shell *s, const struct imap_action *a)
{
	if (a->number == 0) {
		act_at_once(s, a);
		return;
	}
	s->number = a->number;
	switch (a->kind) {
	case IMAP_LOGIN:
		do_login(s, a);
		break;
	case IMAP_LIST:
		shell_asked(s, store_list(s->account, a->from, listed, s));
		break;
	case IMAP_FIND:
		shell_asked(s, store_find(s->account, a->name, found, s));
		break;
	case IMAP_ANNOTATIONS:
		shell_asked(s, store_annotations(s->account, a->mailbox, annotated, s));
		break;
	case IMAP_SYNC:
		if (a->ahead)
			shell_look_ahead(s, &a->look);
		else
			shell_asked(s, store_sync(s->account, &a->look, synced, s));
		break;
	case IMAP_COMMIT:
		do_commit(s, a);
		break;
	case IMAP_MATCH:
		shell_match(s, a);
		break;
	case IMAP_META:
		shell_meta(s, a);
		break;
	case IMAP_BODY_OPEN:
		shell_body_open(s, a);
		break;
	case IMAP_READ:
		shell_body_read(s, a);
		break;
	case IMAP_STAGE_NEW:
		do_stage_new(s, a->size);
		break;
	case IMAP_STAGE_WRITE:
		do_stage_write(s, a->bytes);
		break;
	default:
		shell_answer_status(s, STORE_INVALID);
	}
}

void shell_clear(struct shell *s)
{
	service_login_cancel(&s->login);
	store_cancel(s->service->store, s->store_op);
	shell_look_cancel(s);
	shell_body_close(s);
	shell_body_rest(s);
	shell_match_cancel(s);
	drop_stages(s);
	shell_meta_close(s);
	store_logout(s->account);
	s->account = NULL;
}
