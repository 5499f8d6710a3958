/* backend.c - the contract is in backend.h. */
#include "storage/storaged/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

int backend_init(struct backend *b, struct store *local, const uint8_t key[STORE_TOKEN_KEY],
		 struct error *err)
{
	b->store = local;
	memcpy(b->key, key, STORE_TOKEN_KEY);
	b->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return b->proc_fd >= 0 ? 0 : error_system(err, errno, "can't open /proc/self/fd");
}

void backend_clear(struct backend *b)
{
	if (b->proc_fd >= 0)
		close(b->proc_fd);
	b->proc_fd = -1;
	explicit_bzero(b->key, sizeof(b->key));
}

/* The second descriptor reads what the first writes: the daemon keeps it, and can give the
 * body once more to a storaged that was restarted. */
static int stage_file(void *arg, struct store_stage **out, uint64_t max, int fds[2], struct error *err)
{
	const struct backend *b = arg;
	char name[16];
	int code = local_stage_file(b->store, out, max, &fds[0], err);

	if (code < 0)
		return code;
	snprintf(name, sizeof(name), "%d", fds[0]);
	fds[1] = openat(b->proc_fd, name, O_RDONLY | O_CLOEXEC);
	return 0;
}

static bool account_of(void *arg, const struct store_token *t, char account[STORE_ACCOUNT_MAX])
{
	const struct backend *b = arg;
	struct store_grant grant;

	if (!store_token_check(t, b->key, clock_real_ms() / 1000, &grant))
		return false;
	memcpy(account, grant.account, STORE_ACCOUNT_MAX);
	return true;
}

struct dispatch_backend backend_dispatch(struct backend *b)
{
	return (struct dispatch_backend){ .store = b->store,
					  .arg = b,
					  .stage_file = stage_file,
					  .stage_seal = local_stage_seal,
					  .account_of = account_of,
					  .queue_release = local_queue_release };
}
