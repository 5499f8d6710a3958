/* auth.c - the contract is in auth.h; the messages are auth_wire.h's. */
#include "auth/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_wire.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/ipc/request.h"

enum {
	QUEUE = 16 << 20, /* bytes that may wait for authd: AUTH_OPEN ordinary questions */
	OPEN_MAX = 100000 /* open ones and those that only wait for their refusal */
};

union auth_done {
	auth_login_done login;
	auth_resolve_done resolve;
	auth_owns_done owns;
	auth_rate_done rate;
	auth_scram_done scram;
	auth_proof_done proof;
};

/* What came of one; of the rest of it only what its kind has. */
struct answer {
	enum auth_status status;
	const struct auth_grant *grant; /* NULL: none */
	struct auth_resolved resolved;
	const char *words;
	struct span told;		/* SCRAM: for the client */
};

/* An open question, in the list of its client: the first one is due first. */
struct question {
	struct question *next, *before;
	uint64_t number;
	uint64_t due_ms; /* of uv_now */
	enum auth_wire_type type;
	bool refused; /* not asked: completes with AUTH_TRY_LATER at the next turn */
	union auth_done done;
	void *arg;
	struct span body; /* lies behind this; wiped with it */
};

struct auth {
	uv_timer_t timer;
	uv_loop_t *loop;
	struct ipc *ipc; /* NULL while authd is away */
	void (*lost)(void *arg); /* NULL: nobody wants to know */
	void *lost_arg;
	struct requests *open;
	struct question *first, *last;
	uint64_t wait_ms;
	unsigned scram_hashes;
	bool freed;
};

static void on_timer(uv_timer_t *timer);

int auth_new(struct auth **out, uv_loop_t *loop, struct error *err)
{
	struct auth *a = calloc(1, sizeof(*a));

	*out = NULL;
	if (a == NULL)
		return error_set(err, -ENOMEM, "no memory for the way to authd");
	if (requests_new(&a->open, OPEN_MAX, err) < 0) {
		free(a);
		return -ENOMEM;
	}
	a->loop = loop;
	a->wait_ms = AUTH_WAIT_MS;
	uv_timer_init(loop, &a->timer);
	a->timer.data = a;
	*out = a;
	return 0;
}

static void question_free(struct question *q)
{
	explicit_bzero(q, sizeof(*q) + q->body.n);
	free(q);
}

/* Takes q off the list. */
static void unlink_question(struct auth *a, struct question *q)
{
	*(q->before != NULL ? &q->before->next : &a->first) = q->next;
	*(q->next != NULL ? &q->next->before : &a->last) = q->before;
}

static void link_last(struct auth *a, struct question *q)
{
	q->before = a->last;
	*(a->last != NULL ? &a->last->next : &a->first) = q;
	a->last = q;
}

static void link_first(struct auth *a, struct question *q)
{
	q->next = a->first;
	*(a->first != NULL ? &a->first->before : &a->last) = q;
	a->first = q;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void auth_free(struct auth *a)
{
	if (a == NULL || a->freed)
		return;
	a->freed = true;
	while (a->first != NULL) {
		struct question *q = a->first;

		unlink_question(a, q);
		question_free(q);
	}
	ipc_free(a->ipc);
	requests_free(a->open);
	uv_close((uv_handle_t *)&a->timer, on_closed);
}

/* For the first question's end; the others are due later. */
static void set_timer(struct auth *a)
{
	uint64_t now = uv_now(a->loop);

	if (a->first == NULL)
		uv_timer_stop(&a->timer);
	else
		uv_timer_start(&a->timer, on_timer, a->first->due_ms > now ? a->first->due_ms - now : 0, 0);
}

/* Calls back and frees q, which is off the list and the table. */
static void complete(struct question *q, const struct answer *got)
{
	struct question was = *q;

	question_free(q);
	if (was.type == AUTH_WIRE_LOGIN)
		was.done.login(was.arg, got->status, got->grant);
	else if (was.type == AUTH_WIRE_RESOLVE)
		was.done.resolve(was.arg, got->status, &got->resolved);
	else if (was.type == AUTH_WIRE_OWNS)
		was.done.owns(was.arg, got->status);
	else if (was.type == AUTH_WIRE_RATE)
		was.done.rate(was.arg, got->status, got->words);
	else if (was.type == AUTH_WIRE_SCRAM)
		was.done.scram(was.arg, got->status, got->told);
	else
		was.done.proof(was.arg, got->status, got->told, got->grant);
}

static void on_timer(uv_timer_t *timer)
{
	const struct answer none = { .status = AUTH_TRY_LATER, .words = "" };
	struct auth *a = timer->data;
	uint64_t now = uv_now(a->loop);
	size_t late = 0;

	while (!a->freed && a->first != NULL && a->first->due_ms <= now) {
		struct question *q = a->first;

		late += !q->refused;
		unlink_question(a, q);
		request_take(a->open, q->number);
		complete(q, &none);
	}
	if (late > 0)
		log_warn("authd gives no answer questions=%zu after_ms=%llu", late,
			 (unsigned long long)a->wait_ms);
	if (!a->freed)
		set_timer(a);
}

/* Moves q to those that are refused at the next turn of the loop. */
static void refuse(struct auth *a, struct question *q)
{
	unlink_question(a, q);
	q->next = q->before = NULL;
	q->refused = true;
	q->due_ms = 0;
	link_first(a, q);
	set_timer(a);
}

/* Without a connection q waits for one. */
static void send_question(struct auth *a, struct question *q)
{
	int code;

	if (a->ipc == NULL || q->refused)
		return;
	code = ipc_send(a->ipc, (uint16_t)q->type, q->number, q->body, NULL, 0);
	if (code < 0 && code != -EPIPE)
		refuse(a, q);
}

/* Makes the question from b, which is wiped; its number, or 0. */
static uint64_t ask(struct auth *a, enum auth_wire_type type, struct buf *b, union auth_done done, void *arg)
{
	struct question *q = calloc(1, sizeof(*q) + b->n);
	uint64_t number = q != NULL ? request_add(a->open, q) : 0;

	if (number > 0) {
		q->number = number;
		q->type = type;
		q->done = done;
		q->arg = arg;
		q->due_ms = uv_now(a->loop) + a->wait_ms;
		q->body = (struct span){ (uint8_t *)(q + 1), b->n };
		if (b->n > 0)
			memcpy(q + 1, b->p, b->n);
		link_last(a, q);
		if (a->first == q)
			set_timer(a);
		if (b->failed || requests_count(a->open) > AUTH_OPEN)
			refuse(a, q);
		else
			send_question(a, q);
	} else {
		free(q);
	}
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_clear(b);
	return number;
}

static bool too_long(struct span s)
{
	return s.n > AUTH_WIRE_CREDENTIAL;
}

static bool too_long_attempt(const struct auth_attempt *t)
{
	return too_long(t->authzid) || too_long(t->user) || too_long(t->password) || too_long(span_of(t->names));
}

uint64_t auth_scram(struct auth *a, const struct auth_attempt *attempt, struct span bare, struct span nonce,
		    auth_scram_done done, void *arg)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_scram(&b, attempt, bare, nonce);
	b.failed |= too_long_attempt(attempt) || too_long(bare) || too_long(nonce);
	return ask(a, AUTH_WIRE_SCRAM, &b, (union auth_done){ .scram = done }, arg);
}

uint64_t auth_proof(struct auth *a, uint64_t scram, struct span final, struct span proof, auth_proof_done done,
		    void *arg)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_proof(&b, scram, final, proof);
	b.failed |= too_long(final) || too_long(proof);
	return ask(a, AUTH_WIRE_PROOF, &b, (union auth_done){ .proof = done }, arg);
}

void auth_scram_end(struct auth *a, uint64_t scram)
{
	if (scram != 0 && a->ipc != NULL)
		ipc_send(a->ipc, AUTH_WIRE_CANCEL, scram, (struct span){ NULL, 0 }, NULL, 0);
}

unsigned auth_scram_hashes(const struct auth *a)
{
	return a->scram_hashes;
}

uint64_t auth_login(struct auth *a, const struct auth_attempt *attempt, auth_login_done done, void *arg)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_MAX);
	if (too_long_attempt(attempt))
		b.failed = true;
	/* Room for all at once: a buffer that moves leaves a copy of the password behind. */
	else if (buf_room(&b, 5 * AUTH_WIRE_TEXT + strlen(attempt->names) + attempt->authzid.n +
				  attempt->user.n + attempt->password.n) != NULL)
		auth_wire_put_login(&b, attempt);
	return ask(a, AUTH_WIRE_LOGIN, &b, (union auth_done){ .login = done }, arg);
}

uint64_t auth_resolve(struct auth *a, struct span address, struct span sender, auth_resolve_done done, void *arg)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_CREDENTIAL);
	auth_wire_put_resolve(&b, address, sender);
	return ask(a, AUTH_WIRE_RESOLVE, &b, (union auth_done){ .resolve = done }, arg);
}

uint64_t auth_owns(struct auth *a, const char *account, struct span address, auth_owns_done done, void *arg)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_CREDENTIAL);
	auth_wire_put_owns(&b, account, address);
	return ask(a, AUTH_WIRE_OWNS, &b, (union auth_done){ .owns = done }, arg);
}

uint64_t auth_rate(struct auth *a, const char *account, unsigned recipients, auth_rate_done done, void *arg)
{
	struct buf b;

	buf_init(&b, AUTH_WIRE_CREDENTIAL);
	auth_wire_put_rate(&b, account, recipients);
	return ask(a, AUTH_WIRE_RATE, &b, (union auth_done){ .rate = done }, arg);
}

void auth_cancel(struct auth *a, uint64_t number)
{
	struct question *q = request_take(a->open, number);

	if (q == NULL)
		return;
	unlink_question(a, q);
	question_free(q);
	if (a->ipc != NULL)
		ipc_send(a->ipc, AUTH_WIRE_CANCEL, number, (struct span){ NULL, 0 }, NULL, 0);
	set_timer(a);
}

static void drop(struct auth *a, const char *why)
{
	char shown[200];

	log_info("authd went away reason=\"%s\"", escape_text(shown, sizeof(shown), span_of(why)));
	ipc_free(a->ipc);
	a->ipc = NULL;
	if (a->lost != NULL)
		a->lost(a->lost_arg);
}

void auth_watch(struct auth *a, void (*lost)(void *arg), void *arg)
{
	a->lost = lost;
	a->lost_arg = arg;
}

static void on_gone(void *arg, const struct error *why)
{
	drop(arg, why->words);
}

/* The answer's body, read by the kind of question that it belongs to. False: malformed. */
static bool read_answer(const struct question *q, struct span body, struct answer *got, struct auth_grant *grant,
			char words[AUTH_WORDS_MAX])
{
	switch (q->type) {
	case AUTH_WIRE_LOGIN:
		if (!auth_wire_get_login_answer(body, &got->status, grant))
			return false;
		got->grant = got->status == AUTH_OK ? grant : NULL;
		return true;
	case AUTH_WIRE_RESOLVE:
		return auth_wire_get_resolve_answer(body, &got->status, &got->resolved);
	case AUTH_WIRE_OWNS:
		return auth_wire_get_owns_answer(body, &got->status);
	case AUTH_WIRE_SCRAM:
		return auth_wire_get_scram_answer(body, &got->status, &got->told);
	case AUTH_WIRE_PROOF:
		if (!auth_wire_get_proof_answer(body, &got->status, &got->told, grant))
			return false;
		got->grant = got->status == AUTH_OK ? grant : NULL;
		return true;
	default:
		return auth_wire_get_rate_answer(body, &got->status, words);
	}
}

/* False: malformed. */
static bool take_answer(struct auth *a, struct question *q, struct span body)
{
	char words[AUTH_WORDS_MAX] = "";
	struct auth_grant grant;
	struct answer got = { .words = words };
	bool ok = read_answer(q, body, &got, &grant, words);

	if (ok) {
		request_take(a->open, q->number);
		unlink_question(a, q);
		set_timer(a);
		complete(q, &got);
	}
	auth_wire_resolved_clear(&got.resolved);
	return ok;
}

static void on_message(void *arg, struct ipc_message *m)
{
	struct auth *a = arg;
	struct question *q = request_peek(a->open, m->number);

	if (m->type == AUTH_WIRE_NEWS) {
		if (!auth_wire_get_news(m->body, &a->scram_hashes))
			drop(a, "malformed news");
		return;
	}
	if (q == NULL)
		return; /* cancelled, or too late */
	if (m->type != q->type + (AUTH_WIRE_LOGIN_ANSWER - AUTH_WIRE_LOGIN) || !take_answer(a, q, m->body))
		drop(a, "a malformed answer");
}

void auth_wait(struct auth *a, uint64_t wait_ms)
{
	a->wait_ms = wait_ms;
}

void auth_attach(struct auth *a, int fd)
{
	const struct ipc_handlers h = { .receive = on_message, .gone = on_gone, .arg = a };
	struct question *q, *next;
	struct error err;

	ipc_free(a->ipc);
	if (ipc_new(&a->ipc, a->loop, fd, QUEUE, &h, &err) < 0) {
		log_error("no way to authd reason=\"%s\"", err.words);
		return;
	}
	for (q = a->first; q != NULL; q = next) {
		next = q->next;
		send_question(a, q);
	}
}
