/* test_fake_conformance.c - the store in memory keeps what storage/store.h promises.
 * link: tests/conformance/cases_queue.o tests/conformance/cases_note.o tests/conformance/cases_annotation.o tests/conformance/queued.o
 * link: tests/conformance/suite.o tests/conformance/cases_mailbox.o
 * link: tests/conformance/cases_message.o tests/conformance/cases_change.o
 * link: tests/conformance/cases_deliver.o tests/conformance/cases_access.o
 * link: tests/fake/fake_loop.o tests/fake/fake_store.o tests/fake/fake_run.o tests/fake/fake_op.o
 * link: tests/fake/fake_box.o tests/fake/fake_change.o tests/fake/fake_annotate.o tests/fake/fake_look.o tests/fake/fake_stage.o
 * link: tests/fake/fake_queue.o tests/fake/fake_lease.o tests/fake/fake_note.o
 * link: storage/store.o storage/meta.o common/base/arena.o common/base/buf.o common/base/clock.o
 * link: common/base/error.o common/base/span.o common/base/table.o common/base/utf8.o */
#include "tests/conformance/suite.h"
#include "tests/fake/fake_loop.h"
#include "tests/fake/fake_queue.h"

#include <stdlib.h>

#include "storage/meta.h"

/* What is in memory lives as long as a case: closing the store keeps it, wiping does not. */
static struct store *store;
static struct fake_loop *drive;

static void wipe(void *arg)
{
	(void)arg;
	fake_store_free(store);
	store = NULL;
}

static struct store *open_fake(void *arg, uv_loop_t *loop)
{
	struct fake_options o = { .meta_header = store_meta_header, .quota = CONFORMANCE_QUOTA };
	struct error err;

	(void)arg;
	if (store == NULL)
		assert_int_equal(fake_store_new(&store, &o, &err), 0);
	fake_loop_over(&drive, store, loop, 0);
	return store;
}

static void close_fake(void *arg, uv_loop_t *loop, struct store *s)
{
	(void)arg;
	fake_store_run(s);
	fake_queue_restart(s);
	fake_loop_leave(drive);
	uv_run(loop, UV_RUN_NOWAIT);
}

static void token(void *arg, const struct store_grant *g, struct store_token *out)
{
	(void)arg;
	fake_store_token(store, out, g->account, g->rights);
}

static void revoke_account(void *arg, struct store *s, const char *account)
{
	(void)arg;
	fake_store_revoke(s, account);
}

int main(void)
{
	const struct conformance_driver driver = { "fake",     NULL,  wipe,           open_fake,
						   close_fake, token, revoke_account, true };

	int failed = conformance_run(&driver);

	wipe(NULL);
	return failed;
}
