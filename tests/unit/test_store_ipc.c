/* test_store_ipc.c - a daemon's store and storaged's dispatch, talking.
 * link: tests/fake/fake_pair.o tests/fake/fake_loop.o tests/fake/fake_store.o tests/fake/fake_run.o tests/fake/fake_op.o
 * link: tests/fake/fake_box.o tests/fake/fake_change.o tests/fake/fake_look.o tests/fake/fake_stage.o
 * link: storage/store.o storage/ipc/store_ipc.o storage/ipc/client_call.o storage/ipc/client_give.o
 * link: storage/ipc/client_account.o storage/ipc/client_stage.o storage/ipc/client_driver.o
 * link: storage/ipc/store_wire.o storage/ipc/store_ask.o storage/ipc/store_answer.o
 * link: storage/storaged/dispatch.o storage/storaged/serve.o storage/storaged/serve_change.o
 * link: common/ipc/ipc.o common/ipc/now.o common/ipc/frame.o common/ipc/record.o common/ipc/wire.o common/ipc/request.o
 * link: common/base/arena.o common/base/buf.o common/base/clock.o common/base/error.o common/base/escape.o
 * link: common/base/log.o common/base/span.o common/base/table.o common/base/utf8.o */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/proc/control.h"
#include "storage/ipc/client.h"
#include "tests/fake/fake_pair.h"

#define USER "mika@example.org"

static uv_loop_t loop;
static struct fake_pair pair;
static struct store_account *account;

/* What a call brought; `count` above 1 would be a call that completed twice. */
struct got {
	unsigned count;
	enum store_status status;
	struct store_account *account;
	struct store_mailbox mailbox;
	struct store_record record;
	size_t records, mailboxes;
	uint32_t next_uid, uid, uidvalidity;
	size_t next;
	uint64_t made;
	int fd;
	uint64_t size;
	char words[100];
	char order[64];
};

static void note(struct got *g, enum store_status status)
{
	g->count++;
	g->status = status;
}

static void on_login(void *arg, enum store_status status, struct store_account *a)
{
	struct got *g = arg;

	note(g, status);
	g->account = a;
}

static void on_done(void *arg, enum store_status status, const char *words)
{
	struct got *g = arg;

	note(g, status);
	snprintf(g->words, sizeof(g->words), "%s", words);
}

static void on_find(void *arg, enum store_status status, const struct store_mailbox *m)
{
	struct got *g = arg;

	note(g, status);
	assert_int_equal(m != NULL, status == STORE_OK);
	if (m != NULL)
		g->mailbox = *m;
}

static void on_list(void *arg, enum store_status status, const struct store_list *list)
{
	struct got *g = arg;

	note(g, status);
	g->mailboxes += list->count;
	g->next = list->next;
}

static void on_page(void *arg, enum store_status status, const struct store_page *page)
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

static void on_body(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct got *g = arg;

	note(g, status);
	g->fd = fd;
	g->size = size;
}

static void on_commit(void *arg, enum store_status status, const struct store_result *results, size_t count,
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

static void on_hint(void *arg, uint64_t mailbox)
{
	struct got *g = arg;

	g->count++;
	g->made = mailbox;
}

static void wait_for(const struct got *g)
{
	if (!fake_pair_run(&pair, &g->count))
		fail_msg("a call did not complete");
	assert_int_equal(g->count, 1);
}

static struct store_account *login_at(struct store *s, const char *name, uint32_t rights)
{
	struct store_token t;
	struct got g = { 0 };

	fake_store_token(pair.behind, &t, name, rights);
	assert_true(store_login(s, &t, on_login, &g) != 0);
	assert_int_equal(g.count, 0);
	wait_for(&g);
	return g.account;
}

static enum store_status find(struct store_account *a, const char *name, struct got *g)
{
	*g = (struct got){ 0 };
	store_find(a, span_of(name), on_find, g);
	assert_int_equal(g->count, 0);
	wait_for(g);
	return g->status;
}

static uint64_t inbox(void)
{
	struct got g;

	assert_int_equal(find(account, "INBOX", &g), STORE_OK);
	return g.mailbox.id;
}

static uint32_t exists(const char *name)
{
	struct got g;

	assert_int_equal(find(account, name, &g), STORE_OK);
	return g.mailbox.exists;
}

static void no_line(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static int setup_with(const struct fake_options *o)
{
	struct error err;

	log_to_function(no_line, NULL);
	uv_loop_init(&loop);
	if (fake_pair_new(&pair, &loop, o, &err) < 0)
		return -1;
	account = login_at(pair.store, USER, STORE_RIGHT_READ);
	return account != NULL ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(NULL);
}

/* Nothing may be left: no handle, no login, no stage. */
static int teardown(void **state)
{
	(void)state;
	store_logout(account);
	fake_pair_settle(&pair);
	assert_int_equal(fake_store_accounts(pair.behind), 0);
	assert_int_equal(fake_store_stages(pair.behind), 0);
	fake_pair_clear(&pair);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

/* --- each call ---------------------------------------------------------------- */

static void test_looks(void **state)
{
	struct store_look look = { .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
	struct got g = { 0 };
	char text[16] = "";

	(void)state;
	fake_store_put(pair.behind, USER, "INBOX", "hello", STORE_SEEN);
	look.mailbox = inbox();
	store_sync(account, &look, on_page, &g);
	wait_for(&g);
	assert_int_equal(g.records, 1);
	assert_int_equal(g.record.flags, STORE_SEEN);
	g = (struct got){ 0 };
	store_body(account, look.mailbox, 1, on_body, &g);
	wait_for(&g);
	assert_int_equal(g.size, 5);
	assert_int_equal(read(g.fd, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	close(g.fd);
	g = (struct got){ 0 };
	store_body(account, look.mailbox, 2, on_body, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_NOT_FOUND);
	assert_int_equal(g.fd, -1);
	g = (struct got){ 0 };
	store_meta_file(account, on_body, &g);
	wait_for(&g);
	assert_true(g.fd >= 0);
	close(g.fd);
	g = (struct got){ 0 };
	store_room(pair.store, 1000, on_done, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(find(account, "no such", &g), STORE_NOT_FOUND);
}

static void test_list_in_pages(void **state)
{
	struct got g = { 0 };

	(void)state;
	do {
		g.count = 0;
		store_list(account, g.next, on_list, &g);
		wait_for(&g);
	} while (g.next != 0);
	assert_int_equal(g.mailboxes, 6);
}

static struct store_stage *stage_of(size_t size, uint8_t fill)
{
	struct store_stage *st;
	struct error err;
	uint8_t *piece = malloc(65536);

	memset(piece, fill, 65536);
	assert_int_equal(store_stage_new(pair.store, &st, UINT64_MAX, NULL, NULL, &err), 0);
	while (size > 0) {
		size_t n = size < 65536 ? size : 65536;

		while (!store_stage_ready(st))
			uv_run(&loop, UV_RUN_NOWAIT);
		assert_int_equal(store_stage_write(st, (struct span){ piece, n }), 0);
		size -= n;
	}
	free(piece);
	return st;
}

static void append(struct store_stage *st, struct got *g)
{
	struct store_mutation m = { .change = STORE_APPEND, .mailbox = inbox(), .stage = st, .internal_s = 5 };
	struct store_txid txid;

	*g = (struct got){ 0 };
	store_txid_new(&txid);
	store_commit(account, &m, 1, &txid, on_commit, g);
}

/* The body is size bytes, all of them `fill`. */
static void check_body(uint32_t uid, uint32_t size, uint8_t fill)
{
	uint8_t *bytes = malloc(size + 1);
	struct got g = { 0 };

	store_body(account, inbox(), uid, on_body, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(g.size, size);
	assert_int_equal(pread(g.fd, bytes, size, 0), size);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != fill)
			fail_msg("byte %zu of %u is wrong", i, size);
	close(g.fd);
	free(bytes);
}

/* Sizes around the point where a body goes to a file. */
static void test_appends(void **state)
{
	static const size_t sizes[] = { 0, 1, STORE_IPC_INLINE, STORE_IPC_INLINE + 1, 65536, 200000, 3000000 };
	struct got g;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unit_case("append of so many bytes", sizes[i]);
		append(stage_of(sizes[i], (uint8_t)('a' + i)), &g);
		wait_for(&g);
		assert_int_equal(g.status, STORE_OK);
		assert_int_equal(g.uid, i + 1);
		check_body(g.uid, (uint32_t)sizes[i], (uint8_t)('a' + i));
	}
	fake_pair_settle(&pair);
	assert_int_equal(fake_store_stages(pair.behind), 0);
}

static void test_stage_of_its_own(void **state)
{
	struct store_stage *st;
	struct error err;
	struct got g;

	(void)state;
	store_stage_free(stage_of(10, 'x'));
	store_stage_free(stage_of(300000, 'x'));
	assert_int_equal(store_stage_new(pair.store, &st, 10, NULL, NULL, &err), 0);
	assert_int_equal(store_stage_write(st, span_of("0123456789")), 0);
	assert_int_equal(store_stage_write(st, span_of("x")), -EFBIG);
	append(st, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_LIMIT);
	assert_int_equal(exists("INBOX"), 0);
}

static void on_ready(void *arg)
{
	++*(unsigned *)arg;
}

/* A writer that is faster than the disk is told to wait, and to go on. */
static void test_back_pressure(void **state)
{
	static uint8_t piece[65536];
	struct store_stage *st;
	unsigned ready = 0, waits = 0;
	struct error err;

	(void)state;
	assert_int_equal(store_stage_new(pair.store, &st, UINT64_MAX, on_ready, &ready, &err), 0);
	for (int i = 0; i < 40;) {
		if (store_stage_ready(st)) {
			assert_int_equal(store_stage_write(st, (struct span){ piece, sizeof(piece) }), 0);
			i++;
			continue;
		}
		waits++;
		assert_int_equal(store_stage_write(st, span_of("x")), -EAGAIN);
		ready = 0;
		assert_true(fake_pair_run(&pair, &ready));
		assert_int_equal(ready, 1);
	}
	assert_true(waits > 0);
	store_stage_free(st);
}

static void deliver(struct store *s, struct store_stage *st, const struct store_txid *txid, struct got *g)
{
	struct store_recipient to[2] = { { span_of(USER), span_of("mika+a@example.org") },
					 { span_of("ken@example.org"), span_of("ken@example.org") } };

	*g = (struct got){ 0 };
	store_deliver(s, st, span_of("meta"), to, 2, txid, on_done, g);
}

static void test_deliveries(void **state)
{
	struct store_txid txid;
	struct got g;

	(void)state;
	for (int i = 0; i < 2; i++) {
		store_txid_new(&txid);
		deliver(pair.store, stage_of(i == 0 ? 100 : 100000, 'd'), &txid, &g);
		wait_for(&g);
		assert_int_equal(g.status, STORE_OK);
	}
	assert_int_equal(exists("INBOX"), 2);
	assert_string_equal(fake_store_address(pair.behind, USER, "INBOX", 1), "mika+a@example.org");
	check_body(2, 100000, 'd');
	fake_store_fail(pair.behind, FAKE_DELIVER, STORE_TRY_LATER, 1);
	deliver(pair.store, stage_of(100, 'd'), &txid, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_TRY_LATER);
	assert_true(g.words[0] != '\0');
}

static void test_mutations(void **state)
{
	struct store_mutation m[2] = { { .change = STORE_CREATE, .name = span_of("x") },
				       { .change = STORE_CREATE, .name = span_of("x/y") } };
	struct store_txid txid;
	struct got g = { 0 };

	(void)state;
	store_txid_new(&txid);
	store_commit(account, m, 2, &txid, on_commit, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(exists("x/y"), 0);
	g = (struct got){ 0 };
	m[0].name = span_of("new");
	store_txid_new(&txid);
	store_commit(account, m, 2, &txid, on_commit, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_EXISTS);
	assert_int_equal(find(account, "new", &g), STORE_NOT_FOUND);
	g = (struct got){ 0 };
	m[0].change = 99;
	store_commit(account, m, 2, &txid, on_commit, &g);
	assert_int_equal(g.count, 0);
	wait_for(&g);
	assert_int_equal(g.status, STORE_INVALID);
}

/* Many small bodies in one commit: what is too much for a message goes through files. */
static void test_many_appends_in_one_commit(void **state)
{
	struct store_mutation m[STORE_MUTATIONS];
	uint64_t mailbox = inbox();
	struct store_txid txid;
	struct got g = { 0 };

	(void)state;
	for (size_t i = 0; i < STORE_MUTATIONS; i++)
		m[i] = (struct store_mutation){ .change = STORE_APPEND, .mailbox = mailbox,
						.stage = stage_of(40000, (uint8_t)i) };
	store_txid_new(&txid);
	store_commit(account, m, STORE_MUTATIONS, &txid, on_commit, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(exists("INBOX"), STORE_MUTATIONS);
	check_body(64, 40000, 63);
}

/* --- many at once ---------------------------------------------------------------- */

enum { MANY = 3000 };
static unsigned many_done;
static uint32_t many_last;

static void on_one_of_many(void *arg, enum store_status status, const struct store_result *results, size_t count,
			   const char *words)
{
	(void)arg;
	(void)words;
	assert_int_equal(status, STORE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(results[0].to.ranges[0].first, ++many_last);	/* in the order of the calls */
	many_done += many_last == MANY;
}

static void start_many(void)
{
	uint64_t mailbox = inbox();

	many_done = many_last = 0;
	for (int i = 0; i < MANY; i++) {
		struct store_mutation m = { .change = STORE_APPEND, .mailbox = mailbox, .stage = stage_of(10, 'm') };
		struct store_txid txid;

		store_txid_new(&txid);
		store_commit(account, &m, 1, &txid, on_one_of_many, NULL);
	}
}

static void test_more_than_the_window(void **state)
{
	(void)state;
	start_many();
	assert_true(fake_pair_run(&pair, &many_done));
	assert_int_equal(many_last, MANY);
}

/* A change behind a large body waits for it, though it could be sent earlier. */
static void test_order_of_changes(void **state)
{
	struct store_range first = { 1, 1 };
	struct store_mutation flag = { .change = STORE_SET_FLAGS, .flags = STORE_FLAGGED, .how = STORE_FLAGS_ADD,
				       .uids = { &first, 1 } };
	struct store_look look = { .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
	struct store_txid txid;
	struct got a, b = { 0 }, c = { 0 };

	(void)state;
	flag.mailbox = look.mailbox = inbox();
	append(stage_of(500000, 'b'), &a);
	store_txid_new(&txid);
	store_commit(account, &flag, 1, &txid, on_commit, &b);
	store_sync(account, &look, on_page, &c);
	wait_for(&c);
	assert_int_equal(a.count + b.count, 2);
	assert_int_equal(c.record.flags, STORE_FLAGGED);
}

static void test_cancel_and_logout(void **state)
{
	struct store_account *other = login_at(pair.store, USER, STORE_RIGHT_READ);
	struct got g = { 0 }, kept = { 0 };
	struct store_mutation m = { .change = STORE_CREATE, .name = span_of("made") };
	struct store_txid txid;

	(void)state;
	store_cancel(pair.store, store_find(account, span_of("INBOX"), on_find, &g));
	store_find(account, span_of("INBOX"), on_find, &kept);
	wait_for(&kept);
	assert_int_equal(g.count, 0);
	store_txid_new(&txid);
	store_commit(other, &m, 1, &txid, on_commit, &g);
	store_logout(other);		/* the work is done, nobody is told */
	fake_pair_settle(&pair);
	assert_int_equal(g.count, 0);
	assert_int_equal(exists("made"), 0);
	assert_int_equal(fake_store_accounts(pair.behind), 1);
}

/* A login that nobody waits for any more leaves nothing behind. */
static void test_cancelled_login(void **state)
{
	struct store_token t;
	struct got g = { 0 };

	(void)state;
	fake_store_token(pair.behind, &t, USER, STORE_RIGHT_READ);
	store_cancel(pair.store, store_login(pair.store, &t, on_login, &g));
	fake_pair_settle(&pair);
	assert_int_equal(g.count, 0);
	assert_int_equal(fake_store_accounts(pair.behind), 1);
}

static void test_hints(void **state)
{
	struct got hint = { 0 }, g;

	(void)state;
	store_watch(account, on_hint, &hint);
	fake_pair_settle(&pair);
	fake_store_put(pair.behind, USER, "INBOX", "x", 0);
	fake_store_put(pair.behind, USER, "INBOX", "x", 0);
	wait_for(&hint);
	fake_pair_settle(&pair);
	assert_int_equal(hint.count, 1);
	assert_true(hint.made == inbox());	/* the look arms it again */
	hint.count = 0;
	fake_store_put(pair.behind, USER, "Junk", "x", 0);
	wait_for(&hint);
	store_watch(account, NULL, NULL);
	find(account, "INBOX", &g);
	fake_store_put(pair.behind, USER, "INBOX", "x", 0);
	fake_pair_settle(&pair);
	assert_int_equal(hint.count, 1);
}

/* --- rights and rules -------------------------------------------------------------- */

static void test_rights(void **state)
{
	struct store *smtpd, *imapd;
	struct store_txid txid;
	struct error err;
	struct got g;

	(void)state;
	assert_int_equal(fake_pair_client(&pair, CONTROL_RIGHT_DELIVER, &smtpd, &err), 0);
	assert_int_equal(fake_pair_client(&pair, CONTROL_RIGHT_READ, &imapd, &err), 0);
	assert_null(login_at(smtpd, USER, STORE_RIGHT_READ));
	store_txid_new(&txid);
	deliver(smtpd, NULL, &txid, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_INVALID);
	for (int i = 0; i < 2; i++) {
		struct store *s = i == 0 ? smtpd : imapd;
		struct store_stage *st;

		assert_int_equal(store_stage_new(s, &st, 9, NULL, NULL, &err), 0);
		assert_int_equal(store_stage_write(st, span_of("x")), 0);
		deliver(s, st, &txid, &g);
		wait_for(&g);
		assert_int_equal(g.status, i == 0 ? STORE_OK : STORE_REFUSED);
	}
	store_ipc_free(smtpd);
	store_ipc_free(imapd);
}

static void test_lock_and_revocation(void **state)
{
	struct store_account *a = login_at(pair.store, USER, STORE_RIGHT_POP);
	struct store_account *b = login_at(pair.store, USER, STORE_RIGHT_POP);
	struct got g = { 0 };

	(void)state;
	store_lock(a, on_done, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_OK);
	g = (struct got){ 0 };
	store_lock(b, on_done, &g);
	wait_for(&g);
	assert_int_equal(g.status, STORE_IN_USE);
	dispatch_revoke(pair.dispatch, "ken@example.org");
	assert_int_equal(find(a, "INBOX", &g), STORE_OK);
	dispatch_revoke(pair.dispatch, USER);
	fake_store_revoke(pair.behind, USER);
	assert_int_equal(find(a, "INBOX", &g), STORE_REFUSED);
	store_logout(a);
	store_logout(b);
}

/* A client that is not one of ours: it says what it likes. */
struct raw {
	struct ipc *ipc;
	unsigned gone, answers;
	enum store_status status;
};

static void raw_receive(void *arg, struct ipc_message *m)
{
	struct raw *r = arg;

	if (m->type == STORE_WIRE_ANSWER)
		r->status = m->body.p[0];
	r->answers++;
}

static void raw_gone(void *arg, const struct error *why)
{
	(void)why;
	((struct raw *)arg)->gone++;
}

static void raw_open(struct raw *r)
{
	struct ipc_handlers h = { raw_receive, raw_gone, r };
	struct error err;
	int ends[2];

	*r = (struct raw){ 0 };
	assert_int_equal(ipc_pair(ends, &err), 0);
	assert_int_equal(dispatch_client(pair.dispatch, CONTROL_RIGHT_READ, "raw", ends[0], &err), 0);
	assert_int_equal(ipc_new(&r->ipc, &loop, ends[1], 8 << 20, &h, &err), 0);
}

static void raw_ask(struct raw *r, const struct store_ask *ask)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(store_ask_write(&b, ask), STORE_OK);
	assert_int_equal(ipc_send(r->ipc, (uint16_t)ask->type, 1, buf_span(&b), NULL, 0), 0);
	buf_clear(&b);
}

static void test_malformed_costs_the_connection(void **state)
{
	static const struct {
		const char *why, *body;
		uint16_t type;
	} rows[] = {
		{ "a type that there is not", "", 999 },
		{ "an answer as a request", "\0\0", STORE_WIRE_ANSWER },
		{ "too short", "", STORE_WIRE_FIND },
		{ "a length past the end", "\1\377\377\3", STORE_WIRE_FIND },
	};
	struct got g;
	struct raw r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		raw_open(&r);
		ipc_send(r.ipc, rows[i].type, 1, span_of(rows[i].body), NULL, 0);
		assert_true(fake_pair_run(&pair, &r.gone));
		assert_int_equal(r.answers, 0);
		ipc_free(r.ipc);
		assert_int_equal(find(account, "INBOX", &g), STORE_OK);	/* nobody else is disturbed */
	}
}

/* Logins and stages are a client's own, whatever numbers it tries. */
static void test_other_peoples_numbers(void **state)
{
	struct raw r;

	(void)state;
	raw_open(&r);
	for (uint64_t number = 0; number < 20; number++) {
		struct store_ask asks[] = {
			{ .type = STORE_WIRE_FIND, .account = number, .name = span_of("INBOX") },
			{ .type = STORE_WIRE_LOGOUT, .account = number },
			{ .type = STORE_WIRE_SEAL, .stage = number },
			{ .type = STORE_WIRE_DELIVER, .recipients = &(struct store_recipient){ span_of(USER), span_of("") },
			  .count = 1, .bodies = &(struct store_ask_body){ .where = STORE_ASK_INLINE } },
		};

		for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
			r.answers = 0;
			raw_ask(&r, &asks[i]);
			assert_true(fake_pair_run(&pair, &r.answers));
			assert_int_equal(r.status, STORE_REFUSED);
		}
	}
	ipc_free(r.ipc);
	assert_int_equal(exists("INBOX"), 0);
}

/* A client that asks and does not read is not read either; then it gets all its answers. */
static void test_client_that_does_not_read(void **state)
{
	enum { ASKED = 2000 };
	struct store_look look = { .mailbox = inbox(), .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
	struct store_ask sync = { .type = STORE_WIRE_SYNC, .account = 1, .look = look };
	struct store_token t;
	struct raw r;

	(void)state;
	for (int i = 0; i < 300; i++)
		fake_store_put(pair.behind, USER, "INBOX", "x", 0);
	raw_open(&r);
	fake_store_token(pair.behind, &t, USER, STORE_RIGHT_READ);
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_LOGIN, .account = 1, .token = { t.bytes, t.n } });
	assert_true(fake_pair_run(&pair, &r.answers));
	ipc_pause(r.ipc);
	for (int i = 0; i < ASKED; i++)
		raw_ask(&r, &sync);
	fake_pair_settle(&pair);
	assert_true(fake_store_calls(pair.behind, FAKE_SYNC) < 500);
	assert_int_equal(r.gone, 0);
	ipc_resume(r.ipc);
	for (int i = 0; i < 100000 && r.answers < ASKED + 1; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(r.answers, ASKED + 1);
	ipc_free(r.ipc);
}

/* A client that goes in the middle of everything leaves nothing behind. */
static void test_client_that_goes(void **state)
{
	struct store_token t;
	struct raw r;

	(void)state;
	raw_open(&r);
	fake_store_token(pair.behind, &t, USER, STORE_RIGHT_READ);
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_LOGIN, .account = 1, .token = { t.bytes, t.n } });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_STAGE, .stage = 2, .size = 1000 });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_STAGE, .stage = 3, .size = 1000 });
	fake_pair_settle(&pair);
	assert_int_equal(fake_store_stages(pair.behind), 2);
	fake_loop_hold(pair.drive);
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_SEAL, .stage = 2 });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_FIND, .account = 1, .name = span_of("INBOX") });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_LOGIN, .account = 9, .token = { t.bytes, t.n } });
	fake_pair_settle(&pair);
	ipc_free(r.ipc);
	fake_pair_settle(&pair);
	fake_loop_go(pair.drive);
	fake_pair_settle(&pair);
	assert_int_equal(fake_store_stages(pair.behind), 0);
	assert_int_equal(fake_store_accounts(pair.behind), 1);
}

static void test_status_lines(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	dispatch_status(pair.dispatch, &out);
	buf_put_byte(&out, 0);
	assert_non_null(strstr((char *)out.p, "clients 1\nlogins 1\n"));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_looks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_in_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_appends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stage_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_pressure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deliveries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mutations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_appends_in_one_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_the_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order_of_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_and_logout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancelled_login, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hints, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_and_revocation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed_costs_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_peoples_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_that_does_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_that_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status_lines, setup, teardown),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store_ipc");
}
