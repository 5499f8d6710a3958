/* test_local_conformance.c - storage/local keeps what storage/store.h promises.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/suite.h"

#include <sodium.h>

static struct store *open_local(void *arg, uv_loop_t *loop)
{
	return folders_open(arg, loop);
}

static void wipe_local(void *arg)
{
	folders_wipe(arg);
}

static void close_local(void *arg, uv_loop_t *loop, struct store *s)
{
	(void)arg;
	folders_close(loop, s);
}

static void token_local(void *arg, const struct store_grant *g, struct store_token *out)
{
	struct folders *f = arg;

	store_token_make(out, f->options.key, g);
}

static void revoke_local(void *arg, struct store *s, const char *account)
{
	(void)arg;
	local_revoke(s, account);
}

int main(void)
{
	struct folders folders;
	const struct conformance_driver driver = { "local",     &folders,    wipe_local,   open_local,
						   close_local, token_local, revoke_local, true };
	int failed;

	if (sodium_init() < 0)
		return 1;
	folders_init(&folders);
	folders.options.quota = CONFORMANCE_QUOTA;
	failed = conformance_run(&driver);
	folders_remove(&folders);
	return failed;
}
