/* rig.c - the contract is in rig.h. */
#include "tests/fake/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"

struct rig rig;

static void note(struct got *g, enum store_status status)
{
	g->count++;
	g->status = status;
}

void rig_on_login(void *arg, enum store_status status, struct store_account *a)
{
	struct got *g = arg;

	note(g, status);
	g->account = a;
}

void rig_on_done(void *arg, enum store_status status, const char *words)
{
	struct got *g = arg;

	note(g, status);
	snprintf(g->words, sizeof(g->words), "%s", words);
}

void rig_on_find(void *arg, enum store_status status, const struct store_mailbox *m)
{
	struct got *g = arg;

	note(g, status);
	assert_int_equal(m != NULL, status == STORE_OK);
	if (m != NULL)
		g->mailbox = *m;
}

void rig_on_list(void *arg, enum store_status status, const struct store_list *list)
{
	struct got *g = arg;

	note(g, status);
	g->mailboxes += list->count;
	g->next = list->next;
}

void rig_on_page(void *arg, enum store_status status, const struct store_page *page)
{
	struct got *g = arg;

	note(g, status);
	if (page == NULL)
		return;
	g->mailbox = page->mailbox;
	g->records = page->record_count;
	g->next_uid = page->next_uid;
	if (page->record_count > 0)
		g->record = page->records[0];
}

void rig_on_room(void *arg, enum store_status status, struct store_set over)
{
	(void)over;
	note(arg, status);
}

void rig_on_body(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct got *g = arg;

	note(g, status);
	g->fd = fd;
	g->size = size;
}

void rig_on_commit(void *arg, enum store_status status, const struct store_result *results, size_t count,
		   const char *words)
{
	struct got *g = arg;

	note(g, status);
	snprintf(g->words, sizeof(g->words), "%s", words);
	if (count > 0) {
		g->made = results[0].mailbox;
		g->uidvalidity = results[0].uidvalidity;
		g->uid = results[0].to.count > 0 ? results[0].to.ranges[0].first : 0;
	}
}

void rig_on_hint(void *arg, uint64_t mailbox)
{
	struct got *g = arg;

	g->count++;
	g->made = mailbox;
}

void rig_wait(const struct got *g)
{
	if (!fake_pair_run(&rig.pair, &g->count))
		fail_msg("a call did not complete");
	assert_int_equal(g->count, 1);
}

struct store_account *rig_login(struct store *s, const char *name, uint32_t rights)
{
	struct store_token t;
	struct got g = { 0 };

	fake_store_token(rig.pair.behind, &t, name, rights);
	assert_true(store_login(s, &t, rig_on_login, &g) != 0);
	assert_int_equal(g.count, 0);
	rig_wait(&g);
	return g.account;
}

enum store_status rig_find(struct store_account *a, const char *name, struct got *g)
{
	*g = (struct got){ 0 };
	store_find(a, span_of(name), rig_on_find, g);
	assert_int_equal(g->count, 0);
	rig_wait(g);
	return g->status;
}

uint64_t rig_inbox(void)
{
	struct got g;

	assert_int_equal(rig_find(rig.account, "INBOX", &g), STORE_OK);
	return g.mailbox.id;
}

uint32_t rig_exists(const char *name)
{
	struct got g;

	assert_int_equal(rig_find(rig.account, name, &g), STORE_OK);
	return g.mailbox.exists;
}

void rig_wait_stages(void)
{
	for (int i = 0; i < 5000 && fake_store_stages(rig.pair.behind) > 0; i++) {
		uv_run(&rig.loop, UV_RUN_NOWAIT);
		uv_sleep(1);
	}
	assert_int_equal(fake_store_stages(rig.pair.behind), 0);
}

static void no_line(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int rig_setup_with(const struct fake_options *o)
{
	struct error err;

	log_to_function(no_line, NULL);
	uv_loop_init(&rig.loop);
	if (fake_pair_new(&rig.pair, &rig.loop, o, &err) < 0)
		return -1;
	rig.account = rig_login(rig.pair.store, USER, STORE_RIGHT_READ);
	return rig.account != NULL ? 0 : -1;
}

int rig_setup(void **state)
{
	(void)state;
	return rig_setup_with(NULL);
}

/* Nothing may be left: no handle, no login, no stage. */
int rig_teardown(void **state)
{
	(void)state;
	store_logout(rig.account);
	fake_pair_settle(&rig.pair);
	rig_wait_stages();
	assert_int_equal(fake_store_accounts(rig.pair.behind), 0);
	fake_pair_clear(&rig.pair);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	return uv_loop_close(&rig.loop);
}

struct store_stage *rig_stage(size_t size, uint8_t fill)
{
	struct store_stage *st;
	struct error err;
	uint8_t *piece = malloc(65536);

	memset(piece, fill, 65536);
	assert_int_equal(store_stage_new(rig.pair.store, &st, UINT64_MAX, NULL, NULL, &err), 0);
	while (size > 0) {
		size_t n = size < 65536 ? size : 65536;

		while (!store_stage_ready(st))
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		assert_int_equal(store_stage_write(st, (struct span){ piece, n }), 0);
		size -= n;
	}
	free(piece);
	return st;
}

void rig_append(struct store_stage *st, struct got *g)
{
	struct store_mutation m = {
		.change = STORE_APPEND, .mailbox = rig_inbox(), .stage = st, .internal_s = 5
	};
	struct store_txid txid;

	*g = (struct got){ 0 };
	store_txid_new(&txid);
	store_commit(rig.account, &m, 1, &txid, rig_on_commit, g);
}

/* The body is size bytes, all of them `fill`. */
void rig_check_body(uint32_t uid, uint32_t size, uint8_t fill)
{
	uint8_t *bytes = malloc(size + 1);
	struct got g = { 0 };

	store_body(rig.account, rig_inbox(), uid, rig_on_body, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(g.size, size);
	assert_int_equal(pread(g.fd, bytes, size, 0), size);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != fill)
			fail_msg("byte %zu of %u is wrong", i, size);
	close(g.fd);
	free(bytes);
}

void rig_deliver(struct store *s, struct store_stage *st, const struct store_txid *txid, struct got *g)
{
	struct store_recipient to[2] = { { span_of(USER), span_of("mika+a@example.org"), 0 },
					 { span_of("ken@example.org"), span_of("ken@example.org"), 0 } };

	const struct store_delivery d = { .stage = st, .meta = span_of("meta"), .recipients = to, .count = 2 };

	*g = (struct got){ 0 };
	store_deliver(s, &d, txid, rig_on_done, g);
}
