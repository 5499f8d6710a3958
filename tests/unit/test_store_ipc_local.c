/* test_store_ipc_local.c - the ipc driver over storaged's dispatch over the local store keeps what
 * storage/store.h promises. Whole rooms are linked: it is no test of one module.
 * link: tests/conformance tests/fake storage/storaged storage/local storage/ipc storage common/ipc common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/suite.h"
#include "tests/fake/fake_pair.h"

#include <sodium.h>

#include "storage/ipc/client.h"
#include "storage/storaged/backend.h"

static struct folders folders;
static struct backend backend;
static struct fake_pair pair;

static void wipe(void *arg)
{
	(void)arg;
	folders_wipe(&folders);
}

static struct store *open_pair(void *arg, uv_loop_t *loop)
{
	struct store *local = folders_open(&folders, loop);
	struct dispatch_backend d;
	struct error err;

	(void)arg;
	assert_int_equal(backend_init(&backend, local, folders.options.key, &err), 0);
	d = backend_dispatch(&backend);
	assert_int_equal(fake_pair_over(&pair, loop, &d, &err), 0);
	return pair.store;
}

/* Not every case logs out; a login goes with the last of its calls. */
static void close_pair(void *arg, uv_loop_t *loop, struct store *s)
{
	struct client *c = (struct client *)s;

	(void)arg;
	for (struct client_account *a = c->accounts, *next; a != NULL; a = next) {
		next = a->next;
		store_logout(&a->base);
	}
	while (c->oldest != NULL)
		uv_run(loop, UV_RUN_ONCE);
	fake_pair_clear(&pair);
	folders_close(loop, backend.store);
	backend_clear(&backend);
}

static void token(void *arg, const struct store_grant *g, struct store_token *out)
{
	(void)arg;
	store_token_make(out, folders.options.key, g);
}

static void revoke_both(void *arg, struct store *s, const char *account)
{
	(void)arg;
	(void)s;
	dispatch_revoke(pair.dispatch, account);
	local_revoke(backend.store, account);
}

int main(void)
{
	const struct conformance_driver driver = { "ipc",      NULL,  wipe,        open_pair,
						   close_pair, token, revoke_both, true };
	int failed;

	if (sodium_init() < 0)
		return 1;
	folders_init(&folders);
	folders.options.quota = CONFORMANCE_QUOTA;
	failed = conformance_run(&driver);
	folders_remove(&folders);
	return failed;
}
