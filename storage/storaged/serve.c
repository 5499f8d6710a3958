/* serve.c - each request that looks, put to the store; and the table of all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/proc/control.h"
#include "storage/storaged/peer.h"

/* --- logging in ---------------------------------------------------------------- */

static struct login *login_new(struct peer *p, uint64_t number, const char *name)
{
	size_t n = strlen(name) + 1;
	struct login *l = calloc(1, sizeof(*l) + n);

	if (l == NULL)
		return NULL;
	l->peer = p;
	l->number = number;
	memcpy(l->name, name, n);
	if (table_put(p->logins, table_number(&l->number), l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

/* A login that the client or a revocation took away meanwhile leaves with the request. */
static void on_login(void *arg, enum store_status status, struct store_account *account)
{
	struct serving *r = arg;
	struct login *l = r->login;

	l->account = account;
	if (status == STORE_OK && l->closing)
		status = STORE_REFUSED;
	if (status != STORE_OK && !l->closing) {
		table_remove(r->peer->logins, table_number(&l->number));
		l->closing = true;
	}
	serving_status(r, status, status == STORE_REFUSED ? "the token is void" : "");
}

static bool run_login(struct serving *r, const struct store_ask *ask, struct error *err)
{
	const struct dispatch_backend *b = &r->peer->d->backend;
	char name[STORE_ACCOUNT_MAX];
	struct store_token token = { .n = (uint16_t)ask->token.n };

	if (table_get(r->peer->logins, table_number(&ask->account)) != NULL) {
		error_set(err, -EPROTO, "a login with a number that is in use");
		return false;
	}
	if (ask->token.n > 0)
		memcpy(token.bytes, ask->token.p, ask->token.n);
	if (!b->account_of(b->arg, &token, name)) {
		serving_status(r, STORE_REFUSED, "the token is void");
		return true;
	}
	if (table_count(r->peer->logins) >= DISPATCH_LOGINS) {
		serving_status(r, STORE_TRY_LATER, "too many logins");
		return true;
	}
	r->login = login_new(r->peer, ask->account, name);
	if (r->login == NULL) {
		serving_status(r, STORE_TRY_LATER, "no memory");
		return true;
	}
	r->login->open++;
	r->op = store_login(b->store, &token, on_login, r);
	return true;
}

/* Its requests in hand are done first; the number is free at once. */
static bool run_logout(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)ask;
	(void)err;
	table_remove(r->peer->logins, table_number(&r->login->number));
	r->login->closing = true;
	store_watch(r->login->account, NULL, NULL);
	serving_status(r, STORE_OK, "");
	return true;
}

static void on_done(void *arg, enum store_status status, const char *words)
{
	serving_status(arg, status, words);
}

static bool run_lock(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)ask;
	(void)err;
	r->op = store_lock(r->login->account, on_done, r);
	return true;
}

/* --- watching -------------------------------------------------------------------- */

static void on_changed(void *arg, uint64_t mailbox)
{
	struct login *l = arg;
	uint8_t room[16];
	struct buf body = { .p = room, .cap = sizeof(room), .max = sizeof(room) };

	wire_put_varint(&body, mailbox);
	if (l->peer->ipc != NULL &&
	    ipc_send(l->peer->ipc, STORE_WIRE_CHANGED, l->number, buf_span(&body), NULL, 0) < 0)
		peer_doom(l->peer); /* it would wait for a change that it was not told */
}

static bool run_watch(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	store_watch(r->login->account, ask->watch ? on_changed : NULL, r->login);
	serving_status(r, STORE_OK, "");
	return true;
}

/* --- looking ---------------------------------------------------------------------- */

static void on_list(void *arg, enum store_status status, const struct store_list *list)
{
	struct serving *r = arg;
	struct store_answer a = { .status = status, .from = r->from };

	if (list != NULL)
		a.list = *list;
	serving_end(r, &a, NULL, 0);
}

static bool run_list(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->from = ask->from;
	r->op = store_list(r->login->account, (size_t)ask->from, on_list, r);
	return true;
}

static void on_find(void *arg, enum store_status status, const struct store_mailbox *m)
{
	struct store_answer a = { .status = status };

	if (m != NULL)
		a.mailbox = *m;
	serving_end(arg, &a, NULL, 0);
}

static bool run_find(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = store_find(r->login->account, ask->name, on_find, r);
	return true;
}

static void on_page(void *arg, enum store_status status, const struct store_page *page)
{
	struct store_answer a = { .status = status };

	if (page != NULL)
		a.page = *page;
	serving_end(arg, &a, NULL, 0);
}

static bool run_sync(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct login *l = r->login;

	(void)err;
	r->look = ask->look;
	if (l->changing == 0) {
		r->op = store_sync(l->account, &r->look, on_page, r);
		return true;
	}
	if (l->looks == NULL)
		l->looks_end = &l->looks;
	*l->looks_end = r;
	l->looks_end = &r->next_look;
	return true;
}

void serve_looks(struct login *l)
{
	struct serving *r = l->looks;

	l->looks = NULL;
	while (r != NULL) {
		struct serving *next = r->next_look;

		r->op = store_sync(l->account, &r->look, on_page, r);
		r = next;
	}
}

static void on_body(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct store_answer a = { .status = status, .size = size };

	serving_end(arg, &a, &fd, fd >= 0 ? 1 : 0);
}

static bool run_body(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = store_body(r->login->account, ask->mailbox, ask->uid, on_body, r);
	return true;
}

static void on_bodies(void *arg, enum store_status status, const struct store_opened *opened, size_t count)
{
	struct store_answer a = { .status = status };
	struct store_opened copy[STORE_BODIES];
	int fds[STORE_BODIES];
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		copy[i] = opened[i];
		if (opened[i].fd >= 0)
			fds[n++] = opened[i].fd;
	}
	a.opened = copy;
	a.opened_count = count;
	serving_end(arg, &a, fds, n);
}

static bool run_bodies(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = store_bodies(r->login->account, ask->mailbox, &ask->uids, on_bodies, r);
	return true;
}

static void on_annotations(void *arg, enum store_status status, const struct store_annotation *all, size_t count)
{
	struct store_answer a = { .status = status, .annotations = all, .annotation_count = count };

	serving_end(arg, &a, NULL, 0);
}

static bool run_annotations(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = store_annotations(r->login->account, ask->mailbox, on_annotations, r);
	return true;
}

static bool run_meta_file(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)ask;
	(void)err;
	r->op = store_meta_file(r->login->account, on_body, r);
	return true;
}

static bool run_meta_put(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = store_meta_put(r->login->account, ask->mailbox, ask->uid, ask->meta, on_done, r);
	return true;
}

static void on_room(void *arg, enum store_status status, struct store_set over)
{
	struct store_answer a = { .status = status == STORE_OVER_QUOTA ? STORE_OK : status, .over = over };

	serving_end(arg, &a, NULL, 0);
}

static bool run_room(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = store_room(r->peer->d->backend.store, ask->size, ask->delivery.recipients, ask->delivery.count, on_room,
			   r);
	return true;
}

/* --- the table --------------------------------------------------------------------- */

enum {
	READ = CONTROL_RIGHT_READ,
	DELIVER = CONTROL_RIGHT_DELIVER,
	QUEUE = CONTROL_RIGHT_QUEUE,
	BODIES = READ | DELIVER | QUEUE,
	LARGE = 64 * 1024 /* an answer with a page in it */
};

static const struct serve_row rows[STORE_WIRE_TYPES] = {
	/* type                   name         rights          login  cost   run */
	[STORE_WIRE_LOGIN] = { "login", READ, false, 0, run_login },
	[STORE_WIRE_LOGOUT] = { "logout", READ, true, 0, run_logout },
	[STORE_WIRE_LOCK] = { "lock", READ, true, 0, run_lock },
	[STORE_WIRE_LIST] = { "list", READ, true, LARGE, run_list },
	[STORE_WIRE_FIND] = { "find", READ, true, STORE_NAME_MAX, run_find },
	[STORE_WIRE_SYNC] = { "sync", READ, true, LARGE, run_sync },
	[STORE_WIRE_WATCH] = { "watch", READ, true, 0, run_watch },
	[STORE_WIRE_BODY] = { "body", READ, true, 0, run_body },
	[STORE_WIRE_BODIES] = { "bodies", READ, true, 16 * STORE_BODIES, run_bodies },
	[STORE_WIRE_ANNOTATIONS] = { "annotations", READ, true, STORE_ANNOTATION_BYTES, run_annotations },
	[STORE_WIRE_META_FILE] = { "meta_file", READ, true, 0, run_meta_file },
	[STORE_WIRE_META_PUT] = { "meta_put", READ, true, 0, run_meta_put },
	[STORE_WIRE_STAGE] = { "stage", BODIES, false, 0, serve_stage },
	[STORE_WIRE_SEAL] = { "seal", BODIES, false, 0, serve_seal },
	[STORE_WIRE_DROP] = { "drop", BODIES, false, 0, serve_drop },
	[STORE_WIRE_COMMIT] = { "commit", READ, true, 1024, serve_commit },
	[STORE_WIRE_DELIVER] = { "deliver", DELIVER, false, 0, serve_deliver },
	[STORE_WIRE_ROOM] = { "room", BODIES, false, 0, run_room },
	[STORE_WIRE_LEASE] = { "lease", QUEUE, false, LARGE, serve_lease },
	[STORE_WIRE_RELEASE] = { "release", QUEUE, false, 0, serve_release },
	[STORE_WIRE_QUEUE_WATCH] = { "queue_watch", QUEUE, false, 0, serve_queue_watch },
	[STORE_WIRE_REPORT] = { "report", QUEUE, false, 0, serve_report },
	[STORE_WIRE_QUEUE_DOMAIN] = { "queue_domain", QUEUE, false, 0, serve_queue_domain },
	[STORE_WIRE_QUEUE_TIMES] = { "queue_times", QUEUE, false, 0, serve_queue_times },
	[STORE_WIRE_NOTE_GET] = { "note_get", QUEUE, false, QUEUE_NOTE_MAX, serve_note_get },
	[STORE_WIRE_NOTE_PUT] = { "note_put", QUEUE, false, 0, serve_note_put },
	[STORE_WIRE_NOTES] = { "notes", QUEUE, false, LARGE, serve_notes },
};

const struct serve_row *serve_row(uint16_t type)
{
	return type > 0 && type < STORE_WIRE_TYPES ? &rows[type] : NULL;
}
