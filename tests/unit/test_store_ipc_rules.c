/* test_store_ipc_rules.c - storaged's dispatch and clients that do what they must not.
 * link: tests/fake storage/storaged storage/ipc storage common/ipc common/base */
#include "tests/unit/unit.h"

#include "common/ipc/ipc.h"
#include "common/proc/control.h"
#include "storage/ipc/store_ask.h"
#include "storage/ipc/store_ipc.h"
#include "tests/fake/rig.h"

/* --- rights and rules -------------------------------------------------------------- */

static void test_rights(void **state)
{
	struct store *smtpd, *imapd;
	struct store_txid txid;
	struct error err;
	struct got g;

	(void)state;
	assert_int_equal(fake_pair_client(&rig.pair, CONTROL_RIGHT_DELIVER, &smtpd, &err), 0);
	assert_int_equal(fake_pair_client(&rig.pair, CONTROL_RIGHT_READ, &imapd, &err), 0);
	assert_null(rig_login(smtpd, USER, STORE_RIGHT_READ));
	store_txid_new(&txid);
	rig_deliver(smtpd, NULL, &txid, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_INVALID);
	for (int i = 0; i < 2; i++) {
		struct store *s = i == 0 ? smtpd : imapd;
		struct store_stage *st;

		assert_int_equal(store_stage_new(s, &st, 9, NULL, NULL, &err), 0);
		assert_int_equal(store_stage_write(st, span_of("x")), 0);
		rig_deliver(s, st, &txid, &g);
		rig_wait(&g);
		assert_int_equal(g.status, i == 0 ? STORE_OK : STORE_REFUSED);
	}
	store_ipc_free(smtpd);
	store_ipc_free(imapd);
}

static void test_lock_and_revocation(void **state)
{
	struct store_account *a = rig_login(rig.pair.store, USER, STORE_RIGHT_POP);
	struct store_account *b = rig_login(rig.pair.store, USER, STORE_RIGHT_POP);
	struct got g = { 0 };

	(void)state;
	store_lock(a, rig_on_done, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	g = (struct got){ 0 };
	store_lock(b, rig_on_done, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_IN_USE);
	dispatch_revoke(rig.pair.dispatch, "ken@example.org");
	assert_int_equal(rig_find(a, "INBOX", &g), STORE_OK);
	dispatch_revoke(rig.pair.dispatch, USER);
	fake_store_revoke(rig.pair.behind, USER);
	assert_int_equal(rig_find(a, "INBOX", &g), STORE_REFUSED);
	store_logout(a);
	store_logout(b);
}

/* A client that is not one of ours: it says what it likes. */
struct raw {
	struct ipc *ipc;
	unsigned gone, answers, last;
	struct span body;
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
	assert_int_equal(dispatch_client(rig.pair.dispatch, CONTROL_RIGHT_READ, "raw", ends[0], &err), 0);
	assert_int_equal(ipc_new(&r->ipc, &rig.loop, ends[1], 8 << 20, &h, &err), 0);
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
		assert_true(fake_pair_run(&rig.pair, &r.gone));
		assert_int_equal(r.answers, 0);
		ipc_free(r.ipc);
		assert_int_equal(rig_find(rig.account, "INBOX", &g), STORE_OK); /* nobody else is disturbed */
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
			{ .type = STORE_WIRE_DELIVER,
			  .delivery = { .recipients = &(struct store_recipient){ span_of(USER), span_of(""), 0 },
					.count = 1 },
			  .bodies = &(struct store_ask_body){ .where = STORE_ASK_INLINE } },
		};

		for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
			r.answers = 0;
			raw_ask(&r, &asks[i]);
			assert_true(fake_pair_run(&rig.pair, &r.answers));
			assert_int_equal(r.status, STORE_REFUSED);
		}
	}
	ipc_free(r.ipc);
	assert_int_equal(rig_exists("INBOX"), 0);
}

/* A client that asks and does not read is not read either; then it gets all its answers. */
static void test_client_that_does_not_read(void **state)
{
	enum { ASKED = 2000 };
	struct store_look look = {
		.mailbox = rig_inbox(), .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX
	};
	struct store_ask sync = { .type = STORE_WIRE_SYNC, .account = 1, .look = look };
	struct store_token t;
	struct raw r;

	(void)state;
	for (int i = 0; i < 300; i++)
		fake_store_put(rig.pair.behind, USER, "INBOX", "x", 0);
	raw_open(&r);
	fake_store_token(rig.pair.behind, &t, USER, STORE_RIGHT_READ);
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_LOGIN, .account = 1, .token = { t.bytes, t.n } });
	assert_true(fake_pair_run(&rig.pair, &r.answers));
	ipc_pause(r.ipc);
	for (int i = 0; i < ASKED; i++)
		raw_ask(&r, &sync);
	fake_pair_settle(&rig.pair);
	assert_true(fake_store_calls(rig.pair.behind, FAKE_SYNC) < 500);
	assert_int_equal(r.gone, 0);
	ipc_resume(r.ipc);
	for (int i = 0; i < 100000 && r.answers < ASKED + 1; i++)
		uv_run(&rig.loop, UV_RUN_NOWAIT);
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
	fake_store_token(rig.pair.behind, &t, USER, STORE_RIGHT_READ);
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_LOGIN, .account = 1, .token = { t.bytes, t.n } });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_STAGE, .stage = 2, .size = 1000 });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_STAGE, .stage = 3, .size = 1000 });
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_store_stages(rig.pair.behind), 2);
	fake_loop_hold(rig.pair.drive);
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_SEAL, .stage = 2 });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_FIND, .account = 1, .name = span_of("INBOX") });
	raw_ask(&r, &(struct store_ask){ .type = STORE_WIRE_LOGIN, .account = 9, .token = { t.bytes, t.n } });
	fake_pair_settle(&rig.pair);
	ipc_free(r.ipc);
	fake_pair_settle(&rig.pair);
	fake_loop_go(rig.pair.drive);
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_store_stages(rig.pair.behind), 0);
	assert_int_equal(fake_store_accounts(rig.pair.behind), 1);
}

/* A storaged of another build: it answers every request by `body`. */
static void other_receive(void *arg, struct ipc_message *m)
{
	struct raw *r = arg;

	r->answers++;
	r->last = m->type;
	ipc_send(r->ipc, STORE_WIRE_ANSWER, m->number, r->body, NULL, 0);
}

static void other_open(struct raw *r, struct store *s, struct span body)
{
	struct ipc_handlers h = { other_receive, raw_gone, r };
	struct error err;
	int ends[2];

	*r = (struct raw){ .body = body };
	assert_int_equal(ipc_pair(ends, &err), 0);
	assert_int_equal(ipc_new(&r->ipc, &rig.loop, ends[0], 8 << 20, &h, &err), 0);
	store_ipc_attach(s, ends[1]);
}

static void test_storaged_of_another_version(void **state)
{
	static const char same[] = { 0, 0, STORE_WIRE_VERSION };
	static const struct {
		const char *why, *body;
		size_t n;
		bool strange;
	} rows[] = {
		{ "the same", same, 3, false },
		{ "from before there were versions", "\0\0", 2, true },
		{ "a later one", "\0\0\x7f" "and more", 11, true },
	};
	struct store *s;
	struct error err;
	struct raw r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_account *a;

		unit_case(rows[i].why, 0);
		assert_int_equal(store_ipc_new(&s, &rig.loop, &err), 0);
		other_open(&r, s, (struct span){ (const uint8_t *)rows[i].body, rows[i].n });
		a = rig_login(s, USER, STORE_RIGHT_READ);
		assert_true((a == NULL) == rows[i].strange);
		assert_true(store_ipc_strange(s) == rows[i].strange);
		if (a != NULL)
			store_logout(a);
		fake_pair_settle(&rig.pair);
		assert_int_equal(r.last, STORE_WIRE_LOGOUT);
		store_ipc_free(s);
		ipc_free(r.ipc);
	}
}

static void test_status_lines(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	dispatch_status(rig.pair.dispatch, &out);
	buf_put_byte(&out, 0);
	assert_non_null(strstr((char *)out.p, "clients 1\nlogins 1\n"));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rights, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_lock_and_revocation, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_malformed_costs_the_connection, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_other_peoples_numbers, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_client_that_does_not_read, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_client_that_goes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_storaged_of_another_version, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_status_lines, rig_setup, rig_teardown),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store_ipc_rules");
}
