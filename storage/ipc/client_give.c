/* client_give.c - an answer, told to whoever made the call. */
#include <stddef.h>

#include "storage/ipc/client.h"

static void give_login(struct call *call, const struct store_answer *a)
{
	struct client_account *account = call->account;

	account->known |= a->status == STORE_OK;
	account->state = a->status == STORE_OK ? ACCOUNT_IN : ACCOUNT_VOID;
	if (a->status != STORE_OK || call->done.login == NULL) {
		client_account_leave(account);
		account = NULL;
	}
	if (call->done.login != NULL)
		call->done.login(call->arg, a->status, account != NULL ? &account->base : NULL);
}

/* The one descriptor of the answer becomes the callback's. */
static void give_body(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	enum store_status status = a->status;
	int fd = -1;

	if (status == STORE_OK && m->fd_count == 1) {
		fd = m->fds[0];
		m->fds[0] = -1;
	} else if (status == STORE_OK) {
		status = STORE_TRY_LATER;
	}
	call->done.body(call->arg, status, fd, fd >= 0 ? a->size : 0);
}

/* A descriptor for each that is whole, in their order; else none of them is of use. */
static void give_bodies(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	size_t n = 0;

	if (call->done.bodies == NULL)
		return;		/* the message's descriptors are closed with it */
	for (size_t i = 0; i < a->opened_count; i++)
		n += a->opened[i].status == STORE_OK;
	if (a->status != STORE_OK || n != m->fd_count) {
		call->done.bodies(call->arg, a->status != STORE_OK ? a->status : STORE_TRY_LATER, NULL, 0);
		return;
	}
	n = 0;
	for (size_t i = 0; i < a->opened_count; i++) {
		if (a->opened[i].status != STORE_OK)
			continue;
		a->opened[i].fd = m->fds[n];
		m->fds[n++] = -1;
	}
	call->done.bodies(call->arg, STORE_OK, a->opened, a->opened_count);
}

static void give_lock(struct call *call, const struct store_answer *a)
{
	if (a->status == STORE_OK)
		call->account->locked = true;
	if (call->done.plain != NULL)
		call->done.plain(call->arg, a->status, a->words);
}

void client_call_give(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	bool ok = a->status == STORE_OK;

	if (call->type == STORE_WIRE_LOGIN)
		give_login(call, a);
	else if (call->type == STORE_WIRE_LOCK)
		give_lock(call, a);
	else if (call->type == STORE_WIRE_LEASE)
		client_queue_give(call, a, m);
	else if (call->done.plain == NULL)
		return;
	else if (call->type == STORE_WIRE_LIST)
		call->done.list(call->arg, a->status, ok ? &a->list : NULL);
	else if (call->type == STORE_WIRE_FIND)
		call->done.find(call->arg, a->status, ok ? &a->mailbox : NULL);
	else if (call->type == STORE_WIRE_SYNC)
		call->done.page(call->arg, a->status, ok ? &a->page : NULL);
	else if (call->type == STORE_WIRE_BODY || call->type == STORE_WIRE_META_FILE)
		give_body(call, a, m);
	else if (call->type == STORE_WIRE_BODIES)
		give_bodies(call, a, m);
	else if (call->type == STORE_WIRE_COMMIT)
		call->done.commit(call->arg, a->status, ok ? a->results : NULL, ok ? a->count : 0, a->words);
	else if (call->type == STORE_WIRE_ANNOTATIONS)
		call->done.annotations(call->arg, a->status, a->annotations, a->annotation_count);
	else if (call->type == STORE_WIRE_ROOM)
		call->done.room(call->arg, ok && a->over.count > 0 ? STORE_OVER_QUOTA : a->status, a->over);
	else if (call->type == STORE_WIRE_NOTE_GET)
		call->done.note(call->arg, a->status, a->bytes);
	else if (call->type == STORE_WIRE_NOTES)
		call->done.notes(call->arg, a->status, a->notes, a->note_count, a->more);
	else
		call->done.plain(call->arg, a->status, a->words);
}
