/* store_client.c - the contract is in store_client.h. */
#include "admin/store_client_inside.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/ipc/store_ipc.h"

enum { PIECE = 64 * 1024 }; /* of a body, at a time */

/* --- calls and their ends ---------------------------------------------------- */

static const struct {
	int error;
	const char *words;
} meanings[] = {
	[STORE_NOT_FOUND] = { -ENOENT, "there is no such mailbox or message" },
	[STORE_EXISTS] = { -EEXIST, "it is there already" },
	[STORE_OVER_QUOTA] = { -EDQUOT, "the account is over its quota" },
	[STORE_TRY_LATER] = { -EAGAIN, "the store can't do it now" },
	[STORE_CORRUPT] = { -EIO, "the data on disk are damaged; see `yubin log`" },
	[STORE_UNKNOWN] = { -EIO, "storaged was restarted; it may have been done or not" },
	[STORE_REFUSED] = { -EACCES, "the store refuses it" },
	[STORE_INVALID] = { -EINVAL, "the store can't take it" },
	[STORE_IN_USE] = { -EBUSY, "somebody else has it" },
	[STORE_LIMIT] = { -E2BIG, "it is too large, or too many" },
};

void store_client_end(struct store_client *c, enum store_status status, const char *words)
{
	c->done = true;
	c->status = status;
	snprintf(c->words, sizeof(c->words), "%s", words != NULL ? words : "");
}

int store_client_tell(enum store_status status, const char *words, struct error *err)
{
	if (status == STORE_OK)
		return 0;
	return error_set(err, meanings[status].error, "%s%s%s", meanings[status].words, words[0] != '\0' ? ": " : "", words);
}

bool store_client_turn(struct store_client *c)
{
	if (!c->lost)
		uv_run(&c->loop, UV_RUN_ONCE);
	return !c->lost;
}

int store_client_gone(struct error *err)
{
	return error_set(err, -EAGAIN, "storaged has gone: see `yubin log`");
}

int store_client_wait(struct store_client *c, struct error *err)
{
	while (!c->done && store_client_turn(c))
		;
	if (!c->done)
		return store_client_gone(err);
	c->done = false;
	return store_client_tell(c->status, c->words, err);
}

/* --- opening ------------------------------------------------------------------- */

static void on_login(void *arg, enum store_status status, struct store_account *account)
{
	struct store_client *c = arg;

	c->account = account;
	store_client_end(c, status, "");
}

static int login(struct store_client *c, struct error *err)
{
	int rc;

	store_login(c->store, &c->token, on_login, c);
	rc = store_client_wait(c, err);
	if (c->lost)
		rc = error_set(err, -EAGAIN, "storaged went before it answered: see `yubin log`, and do yubin restart if it is of another version");
	else if (rc != 0 && store_ipc_strange(c->store))
		rc = error_set(err, -EPROTO, "the running server is of another version than this yubin: do yubin restart, then this again");
	return rc;
}

/* After a change that was not made: the login makes none any more (storage/store.h). */
static int login_again(struct store_client *c, int failed)
{
	struct store_account *old = c->account;

	if (login(c, NULL) == 0)
		store_logout(old);
	else
		c->account = old; /* all that follows is refused, and told */
	return failed;
}

/* Nobody gives this command another socket: it ends at once, and says so. */
static void on_lost(void *arg)
{
	((struct store_client *)arg)->lost = true;
}

static int open_with(struct store_client *c, int fd, struct error *err)
{
	int rc = uv_loop_init(&c->loop);

	c->looping = rc == 0;
	if (rc != 0)
		return error_set(err, -ENOMEM, "no memory");
	rc = store_ipc_new(&c->store, &c->loop, err);
	if (rc != 0)
		return rc;
	store_ipc_watch(c->store, on_lost, c);
	store_ipc_attach(c->store, dup(fd));
	return login(c, err);
}

static int token_read(struct store_token *token, const char *hex, struct error *err)
{
	size_t n;

	if (hex == NULL || sodium_hex2bin(token->bytes, sizeof(token->bytes), hex, strlen(hex), NULL, &n, NULL) != 0)
		return error_set(err, -EPROTO, "the server's answer makes no sense; is it of another version?");
	token->n = (uint16_t)n;
	return 0;
}

/* From the running server; -ESRCH: there is none. */
static int ask_server(const struct site *s, const char *account, struct store_token *token, int *fd, struct error *err)
{
	char order[64 + STORE_ACCOUNT_MAX], *hex = NULL;
	int rc;

	snprintf(order, sizeof(order), "store-account %s", account);
	rc = site_order_fd(s, order, &hex, fd, err);
	if (rc > 0)
		rc = -EAGAIN;
	if (rc == 0)
		rc = token_read(token, *fd >= 0 ? hex : NULL, err);
	if (hex != NULL)
		sodium_memzero(hex, strlen(hex));
	free(hex);
	return rc;
}

int store_client_open(struct store_client **out, const struct site *s, const char *account, struct error *err)
{
	struct store_client *c = calloc(1, sizeof(*c));
	int fd = -1, rc;

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory");
	rc = ask_server(s, account, &c->token, &fd, err);
	if (rc == -ESRCH) {
		fputs("yubin: no server runs: this command opens the store itself, and the server can start when it is done\n",
		      stderr);
		rc = store_serve_start(&c->serve, s, account, &fd, &c->token, err);
	}
	if (rc == 0)
		rc = open_with(c, fd, err);
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		*out = c;
	else
		store_client_close(c);
	return rc;
}

void store_client_close(struct store_client *c)
{
	if (c == NULL)
		return;
	store_client_land(c, NULL);
	store_logout(c->account);
	if (c->store != NULL)
		store_ipc_free(c->store);
	if (c->looping) {
		uv_run(&c->loop, UV_RUN_DEFAULT);
		uv_loop_close(&c->loop);
	}
	store_serve_end(&c->serve);
	sodium_memzero(&c->token, sizeof(c->token));
	free(c);
}

/* --- looking ----------------------------------------------------------------------- */

static void on_list(void *arg, enum store_status status, const struct store_list *list)
{
	struct store_client *c = arg;
	store_client_mailbox each = *(store_client_mailbox *)c->out;

	for (size_t i = 0; status == STORE_OK && i < list->count && c->stopped == 0; i++)
		c->stopped = each(c->arg, &list->mailboxes[i]);
	c->next = status == STORE_OK ? list->next : 0;
	store_client_end(c, status, "");
}

int store_client_list(struct store_client *c, store_client_mailbox each, void *arg, struct error *err)
{
	int rc;

	c->out = &each;
	c->arg = arg;
	c->next = 0;
	c->stopped = 0;
	do {
		store_list(c->account, c->next, on_list, c);
		rc = store_client_wait(c, err);
	} while (rc == 0 && c->next != 0 && c->stopped == 0);
	return rc != 0 ? rc : c->stopped;
}

static void on_page(void *arg, enum store_status status, const struct store_page *page)
{
	struct store_client *c = arg;
	store_client_page each = *(store_client_page *)c->out;

	c->next_uid = status == STORE_OK ? page->next_uid : 0;
	if (status == STORE_OK)
		c->stopped = each(c->arg, page);
	store_client_end(c, status, "");
}

int store_client_records(struct store_client *c, uint64_t mailbox, store_client_page each, void *arg, struct error *err)
{
	struct store_look look = { .mailbox = mailbox, .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
	int rc;

	c->out = &each;
	c->arg = arg;
	c->stopped = 0;
	do {
		store_sync(c->account, &look, on_page, c);
		rc = store_client_wait(c, err);
		look.first = c->next_uid;
	} while (rc == 0 && c->next_uid != 0 && c->stopped == 0);
	return rc != 0 ? rc : c->stopped;
}

static void on_find(void *arg, enum store_status status, const struct store_mailbox *m)
{
	struct store_client *c = arg;

	if (status == STORE_OK)
		*(struct store_mailbox *)c->out = *m;
	store_client_end(c, status, "");
}

int store_client_find(struct store_client *c, struct span name, struct store_mailbox *m, struct error *err)
{
	int rc;

	c->out = m;
	store_find(c->account, name, on_find, c);
	rc = store_client_wait(c, err);
	m->name = (struct span){ NULL, 0 };
	return rc == 0 && m->id == 0 ? -ENOENT : rc;
}

/* --- changing -------------------------------------------------------------------------- */

static void on_ready(void *arg)
{
	((struct store_client *)arg)->ready = true;
}

int store_client_stage(struct store_client *c, struct span body, struct store_stage **out, struct error *err)
{
	int rc = store_stage_new(c->store, out, body.n, on_ready, c, err);

	while (rc == 0 && body.n > 0) {
		struct span rest = body, piece = span_take(&rest, PIECE);

		while (!store_stage_ready(*out) && !c->ready && store_client_turn(c))
			;
		c->ready = false;
		rc = c->lost ? -EPIPE : store_stage_write(*out, piece);
		if (rc == 0)
			body = rest;
		else if (rc == -EAGAIN)
			rc = 0;
	}
	if (rc == 0)
		return 0;
	store_stage_free(*out);
	*out = NULL;
	return c->lost ? store_client_gone(err) : error_set(err, rc, "the message can't be stored: %s", strerror(-rc));
}

static void on_commit(void *arg, enum store_status status, const struct store_result *results, size_t count, const char *words)
{
	struct store_client *c = arg;

	if (status == STORE_OK && c->out != NULL && count > 0)
		*(uint64_t *)c->out = results[count - 1].mailbox;
	store_client_end(c, status, words);
}

int store_client_commit(struct store_client *c, const struct store_mutation *m, size_t count, uint64_t *id,
			struct error *err)
{
	struct store_txid txid;
	int rc;

	store_txid_new(&txid);
	c->out = id;
	store_commit(c->account, m, count, &txid, on_commit, c);
	rc = store_client_wait(c, err);
	return rc == 0 ? 0 : login_again(c, rc);
}

static void on_landed(void *arg, enum store_status status, const struct store_result *results, size_t count, const char *words)
{
	struct flight *f = arg;
	struct store_client *c = f->client;

	(void)results;
	(void)count;
	c->flying--;
	if (status == STORE_OK) {
		f->done->messages += f->what.messages;
		f->done->bytes += f->what.bytes;
	} else if (c->fell == STORE_OK) {
		c->fell = status;
		snprintf(c->fell_words, sizeof(c->fell_words), "%s", words);
	}
	f->client = NULL;
}

static struct flight *free_flight(struct store_client *c)
{
	struct flight *f = c->flights;

	while (f->client != NULL) /* fewer are flying than there are */
		f++;
	return f;
}

int store_client_send(struct store_client *c, const struct store_mutation *m, size_t count,
		      const struct store_client_tally *what, struct store_client_tally *done, struct error *err)
{
	struct store_txid txid;
	struct flight *f;

	while (c->flying == STORE_CLIENT_FLIGHT && c->fell == STORE_OK && store_client_turn(c))
		;
	if (c->lost || c->fell != STORE_OK) {
		for (size_t i = 0; i < count; i++)
			store_stage_free(m[i].stage);
		return store_client_land(c, err);
	}
	f = free_flight(c);
	*f = (struct flight){ c, *what, done };
	store_txid_new(&txid);
	c->flying++;
	store_commit(c->account, m, count, &txid, on_landed, f);
	return 0;
}

int store_client_land(struct store_client *c, struct error *err)
{
	enum store_status fell;

	while (c->flying > 0 && store_client_turn(c))
		;
	if (c->lost)
		return store_client_gone(err);
	fell = c->fell;
	c->fell = STORE_OK;
	return fell == STORE_OK ? 0 : login_again(c, store_client_tell(fell, c->fell_words, err));
}
