/* test_local_conformance.c - storage/local keeps what storage/store.h promises.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/suite.h"

#include <sodium.h>

static void revoke_local(void *arg, struct store *s, const char *account)
{
	(void)arg;
	local_revoke(s, account);
}

int main(void)
{
	struct folders folders;
	const struct conformance_driver driver = { .name = "local",
						   .arg = &folders,
						   .wipe = folders_driver_wipe,
						   .open = folders_driver_open,
						   .close = folders_driver_close,
						   .token = folders_driver_token,
						   .revoke = revoke_local,
						   .queue = true };
	int failed;

	if (sodium_init() < 0)
		return 1;
	folders_init(&folders);
	folders.options.quota = CONFORMANCE_QUOTA;
	failed = conformance_run(&driver);
	folders_remove(&folders);
	return failed;
}
