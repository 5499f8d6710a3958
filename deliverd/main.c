/* main.c - deliverd's process: settings and sockets come from yubind. */
#include <errno.h>
#include <stdlib.h>

#include "deliverd/deliverd.h"
#include "storage/ipc/store_ipc.h"

static void deliverd_free(void *state)
{
	struct deliverd *d = state;

	if (d == NULL)
		return;
	if (d->store != NULL)
		store_ipc_free(d->store);
	auth_free(d->auth);
	free(d);
}

static int deliverd_prepare(struct worker *w, void **state, struct error *err)
{
	struct deliverd *d = calloc(1, sizeof(*d));
	int r;

	*state = d;
	if (d == NULL)
		return error_set(err, -ENOMEM, "no memory for the daemon");
	d->worker = w;
	r = store_ipc_new(&d->store, worker_loop(w), err);
	if (r == 0)
		r = auth_new(&d->auth, worker_loop(w), err);
	return r;
}

static void deliverd_peer(void *state, enum control_role role, unsigned rights, const char *name, int fd)
{
	struct deliverd *d = state;

	(void)rights;
	(void)name;
	if (role == CONTROL_ROLE_STORE)
		store_ipc_attach(d->store, fd);
	else
		auth_attach(d->auth, fd);
}

int main(void)
{
	static const struct worker_daemon deliverd = {
		.name = "deliverd",
		.which = CONFIG_DELIVERD,
		.sandbox = SANDBOX_OUT,
		.prepare = deliverd_prepare,
		.peer = deliverd_peer,
		.free = deliverd_free,
	};

	return worker_main(&deliverd);
}
