/* dispatch.c - clients of storaged and their requests; the contract is in dispatch.h. */
#include "storage/storaged/dispatch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/ipc/frame.h"
#include "storage/storaged/peer.h"

enum {
	COST_MAX = 4 << 20,     /* bytes of answers that may still come, at most */
	QUEUE_BYTES = 32 << 20, /* of unsent answers: a client that lets it come so far is broken */
	HEAD = 64               /* bytes of an answer without anything in it */
};

static void on_later(uv_timer_t *timer);
static void on_tend(uv_check_t *check);

int dispatch_new(struct dispatch **out, uv_loop_t *loop, const struct dispatch_backend *b, struct error *err)
{
	struct dispatch *d = calloc(1, sizeof(*d));

	*out = NULL;
	if (d == NULL)
		return error_set(err, -ENOMEM, "no memory for the clients of storaged");
	if (arena_new(&d->memory, STORE_WIRE_MEMORY, ARENA_PLAIN, err) < 0) {
		free(d);
		return -ENOMEM;
	}
	d->loop = loop;
	d->backend = *b;
	buf_init(&d->out, STORE_WIRE_ANSWER_MAX);
	uv_check_init(loop, &d->tend);
	uv_unref((uv_handle_t *)&d->tend);
	uv_timer_init(loop, &d->later);
	d->tend.data = d->later.data = d;
	d->handles = 2;
	*out = d;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct dispatch *d = handle->data;

	if (--d->handles == 0)
		free(d);
}

/* --- logins ------------------------------------------------------------------- */

void login_release(struct login *l)
{
	if (!l->closing || l->open > 0)
		return;
	store_logout(l->account);
	free(l);
}

/* The client can't name it any more; requests in hand are still done. */
static void login_close(struct peer *p, struct login *l)
{
	table_remove(p->logins, table_number(&l->number));
	l->closing = true;
	if (l->account != NULL)
		store_watch(l->account, NULL, NULL);
	login_release(l);
}

static void logins_close(struct peer *p, const char *account)
{
	size_t at = 0;
	void *value;

	while (table_next(p->logins, &at, NULL, &value)) {
		struct login *l = value;

		if (account == NULL || span_is(span_of(l->name), account))
			login_close(p, l);
	}
}

void dispatch_revoke(struct dispatch *d, const char *account)
{
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		logins_close(p, account);
}

/* --- clients ------------------------------------------------------------------ */

static void peer_release(struct peer *p)
{
	if (p->ipc != NULL || p->open > 0)
		return;
	*p->back = p->next;
	if (p->next != NULL)
		p->next->back = p->back;
	table_free(p->logins);
	table_free(p->stages);
	table_free(p->leases);
	free(p);
}

static void peer_close(struct peer *p)
{
	ipc_free(p->ipc);
	p->ipc = NULL;
	logins_close(p, NULL);
	staged_clear(p);
	leases_clear(p);
	peer_release(p);
}

void peer_drop(struct peer *p, const char *words)
{
	if (p->ipc == NULL)
		return;
	log_warn("client dropped name=%s reason=\"%s\"", p->name, words);
	peer_close(p);
}

void peer_doom(struct peer *p)
{
	if (p->ipc == NULL)
		return;
	p->doomed = true;
	uv_timer_start(&p->d->later, on_later, 0, 0);
}

static void on_later(uv_timer_t *timer)
{
	struct dispatch *d = timer->data;

	for (struct peer *p = d->peers, *next; p != NULL; p = next) {
		next = p->next;
		if (p->doomed)
			peer_drop(p, "it does not take its answers");
	}
}

static void on_gone(void *arg, const struct error *why)
{
	struct peer *p = arg;

	log_debug("client gone name=%s logins=%zu reason=\"%s\"", p->name, table_count(p->logins),
		  why->words);
	peer_close(p);
}

/* --- back-pressure ------------------------------------------------------------- */

static bool too_much(const struct peer *p)
{
	return p->open >= DISPATCH_OPEN || p->cost >= COST_MAX || ipc_queued(p->ipc) >= DISPATCH_QUEUE;
}

static bool little_enough(const struct peer *p)
{
	return p->open <= DISPATCH_OPEN / 2 && p->cost <= COST_MAX / 2 &&
	       ipc_queued(p->ipc) <= DISPATCH_QUEUE / 2;
}

static void peer_throttle(struct peer *p)
{
	if (p->ipc == NULL || p->d->closed)
		return;
	if (!p->paused && too_much(p)) {
		p->paused = true;
		ipc_pause(p->ipc);
		uv_check_start(&p->d->tend, on_tend);
	} else if (p->paused && little_enough(p)) {
		p->paused = false;
		ipc_resume(p->ipc);
	}
}

/* A queue comes down when the loop has written: it is looked at behind each turn. */
static void on_tend(uv_check_t *check)
{
	struct dispatch *d = check->data;
	bool any = false;

	for (struct peer *p = d->peers; p != NULL; p = p->next) {
		peer_throttle(p);
		any |= p->paused && p->ipc != NULL;
	}
	if (!any)
		uv_check_stop(check);
}

/* --- answers -------------------------------------------------------------------- */

/* What does not fit into one message goes ahead in parts. */
static int send_long(struct peer *p, uint64_t number, struct span body, int *fds, size_t fd_count)
{
	int code = 0;

	while (code == 0 && body.n > IPC_MESSAGE_MAX)
		code = ipc_send(p->ipc, STORE_WIRE_PART, number, span_take(&body, IPC_MESSAGE_MAX), NULL, 0);
	if (code == 0)
		return ipc_send(p->ipc, STORE_WIRE_ANSWER, number, body, fds, fd_count);
	return code;
}

/* The descriptors were given away: the client gets a status instead. */
static int send_later(struct peer *p, uint64_t number)
{
	struct store_answer busy = { .status = STORE_TRY_LATER, .words = "too many files on their way" };

	buf_reset(&p->d->out);
	store_answer_write(&p->d->out, STORE_WIRE_ROOM, &busy);
	return ipc_send(p->ipc, STORE_WIRE_ANSWER, number, buf_span(&p->d->out), NULL, 0);
}

bool peer_answer(struct peer *p, enum store_wire_type type, uint64_t number, const struct store_answer *a,
		 int *fds, size_t fd_count)
{
	struct buf *out = &p->d->out;
	bool sent;
	int code;

	p->d->refused += a->status == STORE_REFUSED;
	buf_reset(out);
	store_answer_write(out, type, a);
	if (out->failed)
		code = -ENOMEM;
	else
		code = send_long(p, number, buf_span(out), fds, fd_count);
	sent = code == 0;
	if (code == -ENOBUFS && fd_count > 0)
		code = send_later(p, number);
	if (code < 0)
		peer_doom(p); /* an answer is lost: the client asks again on a fresh socket */
	if (out->cap > DISPATCH_QUEUE)
		buf_clear(out);
	return sent;
}

static struct serving *serving_new(struct peer *p, const struct ipc_message *m, size_t cost)
{
	struct serving *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->peer = p;
	r->type = m->type;
	r->number = m->number;
	r->next = p->first;
	r->back = &p->first;
	if (r->next != NULL)
		r->next->back = &r->next;
	p->first = r;
	p->open++;
	p->cost += HEAD + cost;
	return r;
}

void serving_free(struct serving *r)
{
	struct peer *p = r->peer;

	*r->back = r->next;
	if (r->next != NULL)
		r->next->back = r->back;
	p->open--;
	p->cost -= HEAD + serve_row((uint16_t)r->type)->cost;
	if (r->login != NULL) {
		r->login->open--;
		login_release(r->login);
	}
	free(r);
	peer_throttle(p);
	peer_release(p);
}

void serving_end(struct serving *r, const struct store_answer *a, int *fds, size_t fd_count)
{
	if (r->peer->ipc != NULL)
		peer_answer(r->peer, r->type, r->number, a, fds, fd_count);
	else
		ipc_close_all(fds, fd_count);
	serving_free(r);
}

void serving_status(struct serving *r, enum store_status status, const char *words)
{
	struct store_answer a = { .status = status, .words = words };

	serving_end(r, &a, NULL, 0);
}

/* --- requests -------------------------------------------------------------------- */

static void refuse(struct peer *p, const struct ipc_message *m, enum store_status status, const char *words)
{
	struct store_answer a = { .status = status, .words = words };

	peer_answer(p, STORE_WIRE_ROOM, m->number, &a, NULL, 0);
}

/* False: the client broke the rules, words in *err. */
static bool serve(struct peer *p, const struct ipc_message *m, struct error *err)
{
	const struct serve_row *row = serve_row(m->type);
	struct login *login = NULL;
	struct store_ask ask;
	struct serving *r;
	int code;

	code = store_ask_read(&ask, m->type, m->body, p->d->memory, err);
	if (code == -EPROTO)
		return false;
	p->d->taken++;
	if ((p->rights & row->rights) == 0) {
		log_warn("request without the right for it client=%s request=%s", p->name, row->name);
		refuse(p, m, STORE_REFUSED, "this client has no right to ask that");
		return true;
	}
	if (row->login)
		login = table_get(p->logins, table_number(&ask.account));
	if (row->login && (login == NULL || login->account == NULL)) {
		refuse(p, m, STORE_REFUSED, "there is no such login");
		return true;
	}
	r = code == 0 ? serving_new(p, m, row->cost) : NULL;
	if (r == NULL) {
		refuse(p, m, STORE_TRY_LATER, "no memory");
		return true;
	}
	r->login = login;
	if (login != NULL)
		login->open++;
	if (row->run(r, &ask, err))
		return true;
	serving_free(r);
	return false;
}

static void on_receive(void *arg, struct ipc_message *m)
{
	struct peer *p = arg;
	struct dispatch *d = p->d;
	struct error err = { 0 };

	if (!serve(p, m, &err))
		peer_drop(p, err.words);
	else
		peer_throttle(p);
	arena_reset(d->memory);
}

int dispatch_client(struct dispatch *d, unsigned rights, const char *name, int fd, struct error *err)
{
	struct ipc_handlers handlers = { .receive = on_receive, .gone = on_gone };
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL || table_new(&p->logins, err) < 0 || table_new(&p->stages, err) < 0 ||
	    table_new(&p->leases, err) < 0) {
		error_set(err, -ENOMEM, "no memory for a client of storaged");
		goto out;
	}
	p->d = d;
	p->rights = rights;
	snprintf(p->name, sizeof(p->name), "%s", name);
	handlers.arg = p;
	if (ipc_new(&p->ipc, d->loop, fd, QUEUE_BYTES, &handlers, err) < 0) {
		fd = -1;
		goto out;
	}
	if (d->closed)
		ipc_pause(p->ipc);
	p->next = d->peers;
	p->back = &d->peers;
	if (p->next != NULL)
		p->next->back = &p->next;
	d->peers = p;
	return 0;
out:
	ipc_close_all(&fd, 1);
	if (p != NULL) {
		table_free(p->logins);
		table_free(p->stages);
		table_free(p->leases);
	}
	free(p);
	return err->code;
}

/* --- the whole -------------------------------------------------------------------- */

void dispatch_close(struct dispatch *d)
{
	d->closed = true;
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		if (p->ipc != NULL)
			ipc_pause(p->ipc);
}

void dispatch_status(const struct dispatch *d, struct buf *out)
{
	size_t clients = 0, logins = 0, open = 0, stages = 0, leases = 0;

	for (const struct peer *p = d->peers; p != NULL; p = p->next) {
		clients += p->ipc != NULL;
		logins += table_count(p->logins);
		stages += table_count(p->stages);
		leases += table_count(p->leases);
		open += p->open;
	}
	buf_printf(out, "clients %zu\nlogins %zu\nbodies_on_their_way %zu\n", clients, logins, stages);
	buf_printf(out, "jobs_leased %zu\n", leases);
	buf_printf(out, "requests_open %zu\nrequests %llu\nrefused %llu\n", open,
		   (unsigned long long)d->taken, (unsigned long long)d->refused);
}

/* The store's answers meet nothing any more. */
static void peer_forget(struct peer *p)
{
	ipc_free(p->ipc);
	p->ipc = NULL;
	p->open++; /* keeps p until all of it is done */
	for (struct serving *r = p->first, *next; r != NULL; r = next) {
		next = r->next;
		store_cancel(p->d->backend.store, r->op);
		if (r->staged != NULL)
			r->staged->sealing = false;
		leased_forget(r);
		serving_free(r);
	}
	p->open--;
	peer_close(p);
}

void dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return;
	for (struct peer *p = d->peers, *next; p != NULL; p = next) {
		next = p->next;
		peer_forget(p);
	}
	queue_unwatch(d);
	arena_free(d->memory);
	buf_clear(&d->out);
	uv_close((uv_handle_t *)&d->tend, on_closed);
	uv_close((uv_handle_t *)&d->later, on_closed);
}
