/* test_session_page.c - who is connected, in as many answers as it takes: what the daemons say (server.h), put together as
 * yubind does, and read by the command.
 * link: admin/session_page.o auth sasl common/net common/proc common/ipc common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "admin/session_page.h"
#include "common/net/inside.h"
#include "common/net/server.h"

enum { PROCESSES = 3, SESSIONS = 5000, ANSWER = 60000 };

static const char *open_mailbox(void *session)
{
	return session;
}

static const struct conn_protocol protocol = { .name = "imap", .mailbox = open_mailbox };

/* Every third connection is another's; each seventeenth has not logged in. */
static void admit(struct server *servers, struct conn *all, char (*mailboxes)[1001])
{
	static char address[] = "anna@example.org";

	for (size_t i = 0; i < SESSIONS; i++) {
		struct conn *c = &all[i];

		snprintf(mailboxes[i], sizeof(mailboxes[i]), "%0*zu", i % 50 == 0 ? 1000 : 3, i);
		*c = (struct conn){ .id = 10 + i, .state = CONN_OPEN, .server = &servers[i * i % PROCESSES], .session = mailboxes[i] };
		c->account = i % 17 == 3 ? NULL : address;
		snprintf(c->peer.host, sizeof(c->peer.host), "192.0.2.7");
		server_admit(c->server, c);
	}
}

/* As supervisor/answers.c. */
static void put_answers(struct server *servers, uint64_t before, struct buf *text)
{
	for (unsigned i = 0; i < PROCESSES; i++) {
		struct buf one;

		buf_init(&one, 2 * ANSWER);
		server_sessions(&servers[i], before, &one);
		assert_false(one.failed);
		assert_true(one.n <= ANSWER + 20);
		buf_printf(text, "daemon imapd %u\n", i + 1);
		buf_put(text, buf_span(&one));
		buf_clear(&one);
	}
}

static void test_all_of_many(void **state)
{
	struct server *servers = calloc(PROCESSES, sizeof(*servers));
	struct conn *all = calloc(SESSIONS, sizeof(*all));
	char (*mailboxes)[1001] = calloc(SESSIONS, sizeof(*mailboxes));
	struct session_page page = { .next = SESSION_PAGE_FIRST };
	static unsigned seen[SESSIONS];
	size_t pages = 0;

	(void)state;
	for (size_t i = 0; i < PROCESSES; i++)
		servers[i].protocol = &protocol;
	admit(servers, all, mailboxes);
	for (; page.next > 0 && pages < 100; pages++) {
		struct session one;
		struct error err;
		struct buf text;

		buf_init(&text, PROCESSES * 2 * ANSWER);
		put_answers(servers, page.next, &text);
		assert_int_equal(session_page_read(&page, buf_span(&text), page.next, &err), 0);
		while (session_page_next(&page, &one)) {
			uint64_t id;

			assert_true(span_number(one.id, SESSIONS + 9, &id) && id >= 10);
			seen[id - 10]++;
			unit_is(one.mailbox.p, one.mailbox.n, mailboxes[id - 10]);
			unit_is(one.worker.p, one.worker.n, (char[2]){ (char)('1' + (all[id - 10].server - servers)), '\0' });
		}
		buf_clear(&text);
	}
	assert_in_range(pages, 3, 20);
	for (size_t i = 0; i < SESSIONS; i++)
		assert_int_equal(seen[i], i % 17 != 3);
	free(mailboxes);
	free(all);
	free(servers);
}

#define LINE(id) "session " #id " imap 192.0.2.7 none 1795261278 anna@example.org -\n"

static const struct {
	const char *why, *text;
	int want;
	uint64_t next;
	const char *ids;	/* that are told */
} rows[] = {
	{ "nobody", "daemon imapd 1\nmore 0\n", 0, 0, "" },
	{ "no process", "", 0, 0, "" },
	{ "all", "daemon imapd 1\n" LINE(9) LINE(4) "more 0\n", 0, 0, "9 4 " },
	{ "more of one", "daemon imapd 1\n" LINE(9) LINE(4) "more 1\ndaemon imapd 2\n" LINE(8) LINE(3) "more 0\n", 0, 4, "9 4 8 " },
	{ "more of both", "daemon imapd 1\n" LINE(9) LINE(4) "more 1\ndaemon imapd 2\n" LINE(8) LINE(6) "more 7\n", 0, 6, "9 8 6 " },
	{ "cut by yubind", "daemon imapd 1\ncut 100\n" LINE(9), 0, 9, "9 " },
	{ "no answer", "daemon imapd 1\ndaemon pop3d 1\n" LINE(9) "more 0\n", -ENODATA, 0, "9 " },
	{ "no answer of the last", "daemon imapd 1\n" LINE(9) "more 0\ndaemon pop3d 1\n", -ENODATA, 0, "9 " },
	{ "it would go on for ever", "daemon imapd 1\nmore 5\n", -ENODATA, 0, "" },
	{ "what was told before", "daemon imapd 1\n" LINE(200) LINE(100) LINE(99) "more 0\n", 0, 0, "99 " },
	{ "broken lines", "daemon imapd 1\nsession x imap - none 1 a -\nsession 5 imap\n" LINE(2) "more 0\n", 0, 0, "2 " },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session_page page;
		struct session one;
		char ids[100] = "";
		struct error err;

		unit_case(rows[i].why, i);
		assert_int_equal(session_page_read(&page, span_of(rows[i].text), 100, &err), rows[i].want);
		assert_int_equal(page.next, rows[i].next);
		while (session_page_next(&page, &one)) {
			assert_string_equal(one.since, "2026-11-21T11:41:18Z");
			snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%.*s ", (int)one.id.n, (const char *)one.id.p);
		}
		assert_string_equal(ids, rows[i].ids);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_all_of_many) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "session_page");
}
