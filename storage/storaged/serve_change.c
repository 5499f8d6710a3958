/* serve_change.c - bodies on their way in, commits and deliveries. */
#include <errno.h>
#include <stdlib.h>

#include "common/ipc/frame.h"
#include "storage/storaged/peer.h"

enum { PIECE = 65536 }; /* bytes that a stage takes at once */

/* --- stages --------------------------------------------------------------------- */

static struct staged *staged_find(struct peer *p, uint64_t number)
{
	return table_get(p->stages, table_number(&number));
}

/* Out of the client's table; the stage in it is the caller's. */
static struct store_stage *staged_take(struct peer *p, struct staged *s)
{
	struct store_stage *stage = s->stage;

	table_remove(p->stages, table_number(&s->number));
	free(s);
	return stage;
}

void staged_clear(struct peer *p)
{
	size_t at = 0;
	void *value;

	while (table_next(p->stages, &at, NULL, &value)) {
		struct staged *s = value;

		if (s->sealing)
			s->dropped = true;
		else
			store_stage_free(staged_take(p, s));
	}
}

static struct staged *staged_new(struct peer *p, const struct store_ask *ask, int fds[2], struct error *err)
{
	const struct dispatch_backend *b = &p->d->backend;
	struct staged *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		error_set(err, -ENOMEM, "no memory for a body on its way in");
		return NULL;
	}
	s->number = ask->stage;
	if (b->stage_file(b->arg, &s->stage, ask->size, fds, err) < 0) {
		free(s);
		return NULL;
	}
	if (table_put(p->stages, table_number(&s->number), s) == 0)
		return s;
	error_set(err, -ENOMEM, "no memory for a body on its way in");
	store_stage_free(s->stage);
	ipc_close_all(fds, 2);
	free(s);
	return NULL;
}

bool serve_stage(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct store_answer a = { .status = STORE_OK };
	int fds[2] = { -1, -1 };

	if (staged_find(r->peer, ask->stage) != NULL) {
		error_set(err, -EPROTO, "a stage with a number that is in use");
		return false;
	}
	if (table_count(r->peer->stages) >= DISPATCH_STAGES) {
		serving_status(r, STORE_TRY_LATER, "too many bodies on their way in");
		return true;
	}
	if (staged_new(r->peer, ask, fds, err) == NULL) {
		serving_status(r, STORE_TRY_LATER, err->words);
		return true;
	}
	serving_end(r, &a, fds, fds[1] >= 0 ? 2 : 1);
	return true;
}

static void on_sealed(void *arg, enum store_status status, const char *words)
{
	struct serving *r = arg;
	struct staged *s = r->staged;

	r->staged = NULL;
	s->sealing = false;
	s->sealed = status == STORE_OK;
	if (s->dropped)
		store_stage_free(staged_take(r->peer, s));
	serving_status(r, status, words);
}

bool serve_seal(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct staged *s = staged_find(r->peer, ask->stage);

	(void)err;
	if (s == NULL || s->sealing || s->sealed) {
		serving_status(r, STORE_REFUSED, "there is no such stage to seal");
		return true;
	}
	s->sealing = true;
	r->staged = s;
	r->op = r->peer->d->backend.stage_seal(s->stage, ask->size, on_sealed, r);
	return true;
}

bool serve_drop(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct staged *s = staged_find(r->peer, ask->stage);

	(void)err;
	if (s != NULL && s->sealing)
		s->dropped = true;
	else if (s != NULL)
		store_stage_free(staged_take(r->peer, s));
	serving_status(r, STORE_OK, "");
	return true;
}

/* --- bodies of a change ------------------------------------------------------------ */

static enum store_status body_inline(struct peer *p, struct span bytes, struct store_stage **out)
{
	struct error err;

	if (store_stage_new(p->d->backend.store, out, bytes.n, NULL, NULL, &err) < 0)
		return STORE_TRY_LATER;
	while (bytes.n > 0) {
		int code = store_stage_write(*out, span_take(&bytes, PIECE));

		if (code == 0)
			continue;
		store_stage_free(*out);
		*out = NULL;
		return code == -EFBIG ? STORE_LIMIT : STORE_TRY_LATER;
	}
	return STORE_OK;
}

enum store_status staged_body(struct peer *p, const struct store_ask_body *body, struct store_stage **out)
{
	struct staged *s;

	*out = NULL;
	if (body->where == STORE_ASK_NONE)
		return STORE_OK;
	if (body->where == STORE_ASK_INLINE)
		return body_inline(p, body->bytes, out);
	s = staged_find(p, body->stage);
	if (s == NULL || !s->sealed)
		return STORE_REFUSED;
	*out = staged_take(p, s);
	return STORE_OK;
}

static void on_commit(void *arg, enum store_status status, const struct store_result *results, size_t count,
		      const char *words)
{
	struct store_answer a = { .status = status, .words = words, .results = results, .count = count };
	struct serving *r = arg;
	struct login *l = r->login;

	if (--l->changing == 0)
		serve_looks(l); /* each keeps the login */
	serving_end(r, &a, NULL, 0);
}

bool serve_commit(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct peer *p = r->peer;
	struct store_mutation mutations[STORE_MUTATIONS];
	enum store_status status = STORE_OK;

	(void)err;
	for (size_t i = 0; i < ask->count; i++) {
		enum store_status one;

		mutations[i] = ask->mutations[i];
		one = staged_body(p, &ask->bodies[i], &mutations[i].stage);
		if (one != STORE_OK)
			status = one;
	}
	if (status == STORE_OK) {
		r->login->changing++;
		r->op = store_commit(r->login->account, mutations, ask->count, &ask->txid, on_commit, r);
		return true;
	}
	for (size_t i = 0; i < ask->count; i++)
		store_stage_free(mutations[i].stage);
	serving_status(r, status, "a body of the commit is not there");
	return true;
}

static void on_delivered(void *arg, enum store_status status, const char *words)
{
	serving_status(arg, status, words);
}

bool serve_deliver(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct store_delivery d = ask->delivery;
	enum store_status status = staged_body(r->peer, ask->bodies, &d.stage);

	(void)err;
	if (status != STORE_OK) {
		serving_status(r, status, "the body of the delivery is not there");
		return true;
	}
	r->op = store_deliver(r->peer->d->backend.store, &d, &ask->txid, on_delivered, r);
	return true;
}
