/* test_local_conformance.c - storage/local keeps what storage/store.h promises.
 * link: tests/conformance/cases_queue.o tests/conformance/cases_note.o tests/conformance/queued.o
 * link: tests/conformance/suite.o tests/conformance/cases_mailbox.o tests/conformance/cases_message.o
 * link: tests/conformance/cases_change.o tests/conformance/cases_deliver.o tests/conformance/cases_access.o
 * link: tests/conformance/folders.o storage/store.o storage/token.o storage/meta.o
 * link: storage/local/apply_copy.o storage/local/quota.o storage/local/apply_set.o storage/local/intent.o storage/local/long.o
 * link: storage/local/account.o storage/local/apply.o storage/local/apply_messages.o storage/local/apply_names.o
 * link: storage/local/body.o storage/local/call.o storage/local/commit.o storage/local/derived.o
 * link: storage/local/dirty.o storage/local/files.o storage/local/finish.o storage/local/flush.o
 * link: storage/local/garbage.o storage/local/kv.o storage/local/link.o storage/local/load.o
 * link: storage/local/local.o storage/local/login.o storage/local/look.o storage/local/names.o
 * link: storage/local/pool.o storage/local/prepare.o storage/local/ranges.o storage/local/rebuild.o
 * link: storage/local/record.o storage/local/request.o storage/local/result.o storage/local/settle.o
 * link: storage/local/space.o storage/local/stage.o storage/local/state.o storage/local/statefile.o
 * link: storage/local/stock.o storage/local/sync.o storage/local/turn.o storage/local/txids.o
 * link: storage/local/uids.o storage/local/walk.o
 * link: storage/local/queue_accept.o storage/local/queue_act.o storage/local/queue_admin.o
 * link: storage/local/queue_dest.o storage/local/queue_files.o storage/local/queue_heap.o
 * link: storage/local/queue_index.o storage/local/queue_lease.o storage/local/queue_load.o
 * link: storage/local/queue_note.o storage/local/queue_record.o storage/local/queue_report.o
 * link: storage/local/queue_text.o storage/local/queue_text_read.o storage/local/queue_walk.o
 * link: common/base/arena.o common/base/buf.o common/base/clock.o common/base/error.o common/base/escape.o
 * link: common/base/log.o common/base/span.o common/base/table.o common/base/utf8.o */
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
