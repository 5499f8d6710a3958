/* test_imap_interleave.c - several clients of one mailbox, at random: none is ever told what is not so.
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include <stdlib.h>

#include "storage/meta.h"

enum { CLIENTS = 4, MOST = 400, ROUNDS = 1500 };

/* PLAIN goes by sequence numbers alone; CONDSTORE is told mod-sequences too; QRESYNC is told UIDs of what went,
 * and comes back with what it has kept; UIDONLY knows no sequence numbers. */
enum mode { PLAIN, CONDSTORE, QRESYNC, UIDONLY };

/* What a client knows from what it was told, and from nothing else. */
struct client {
	struct conn *conn;
	uint32_t uid[MOST];		/* by sequence number - 1; 0: not told yet */
	int flags[MOST];		/* -1: not told yet */
	uint32_t n;
	bool may_expunge;		/* in the command in hand */
	bool idling;
	enum mode mode;
	uint64_t modseq;		/* all up to it is known; 0: nothing */
	bool asked_flags;		/* by the command in hand: then without mod-sequences */
	bool coming_back;		/* what is told is about the time away */
	uint32_t exists;		/* then: how many there are */
};

static uint32_t seed = 7;

static uint32_t pick(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 9) % below;
}

static int flags_in(const char *line)
{
	static const char *const names[] = { "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft" };
	const char *list = strstr(line, "FLAGS (");
	int flags = 0;

	if (list == NULL)
		return -1;
	for (int i = 0; i < 5; i++)
		if (strstr(list, names[i]) != NULL)
			flags |= 1 << i;
	return flags;
}

static void drop(struct client *c, uint32_t seq)
{
	memmove(c->uid + seq - 1, c->uid + seq, (c->n - seq) * sizeof(c->uid[0]));
	memmove(c->flags + seq - 1, c->flags + seq, (c->n - seq) * sizeof(c->flags[0]));
	c->n--;
}

static void take_expunge(struct client *c, uint32_t seq)
{
	assert_true(c->may_expunge && c->mode <= CONDSTORE);
	assert_true(seq >= 1 && seq <= c->n);
	drop(c, seq);
}

/* Where uid stands. One that was not told yet is one of the unknown between its neighbours, or, without
 * numbers, any of them. 0: it is none of ours. */
static uint32_t place_of(const struct client *c, uint32_t uid)
{
	uint32_t unknown = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->uid[i] == uid)
			return i + 1;
		if (c->uid[i] == 0)
			unknown = unknown == 0 ? i + 1 : unknown;
		else if (c->mode != UIDONLY && c->uid[i] > uid)
			break;
		else if (c->mode != UIDONLY)
			unknown = 0;
	}
	return unknown;
}

/* RFC 7162 3.2.10: each UID of VANISHED is one that the client counts; those of (EARLIER) need not be. */
static void take_vanished(struct client *c, const char *line)
{
	bool earlier = strstr(line, "(EARLIER)") != NULL;
	char *at = strrchr((char *)line, ' ');

	assert_true(c->mode >= QRESYNC && (earlier ? c->coming_back : c->may_expunge));
	while (*at != '\0' && *at != '\r') {
		uint32_t first = (uint32_t)strtoul(at + 1, &at, 10), last = *at == ':' ? (uint32_t)strtoul(at + 1, &at, 10) : first;

		for (uint32_t uid = first; uid <= last; uid++) {
			uint32_t seq = place_of(c, uid);

			assert_true(seq != 0 || earlier);
			if (seq != 0 && (!earlier || c->uid[seq - 1] == uid))
				drop(c, seq);
		}
	}
}

static void take_exists(struct client *c, uint32_t count)
{
	c->exists = count;
	if (c->coming_back)
		return;
	assert_true(count >= c->n && count <= MOST);
	for (; c->n < count; c->n++) {
		c->uid[c->n] = 0;
		c->flags[c->n] = -1;
	}
}

static void take_fetch(struct client *c, uint32_t seq, const char *line)
{
	const char *uid = strstr(line, "UID ");
	int flags = flags_in(line);

	assert_true(seq >= 1 && seq <= c->n);
	if (uid != NULL) {
		uint32_t number = (uint32_t)strtoul(uid + 4, NULL, 10);

		assert_true(c->uid[seq - 1] == 0 || c->uid[seq - 1] == number);
		c->uid[seq - 1] = number;
	}
	if (flags >= 0)
		c->flags[seq - 1] = flags;
}

/* By UID: among those that are known, or the first that is not. */
static void take_by_uid(struct client *c, uint32_t uid, const char *line)
{
	uint32_t seq = place_of(c, uid);
	int flags = flags_in(line);

	if (seq == 0) {		/* new since it was here; UIDs rise */
		assert_true(c->coming_back && c->n < MOST && (c->n == 0 || c->uid[c->n - 1] < uid));
		seq = ++c->n;
		c->flags[seq - 1] = -1;
	}
	c->uid[seq - 1] = uid;
	if (flags >= 0)
		c->flags[seq - 1] = flags;
}

static void take_highest(struct client *c, const char *line)
{
	const char *code = strstr(line, "[HIGHESTMODSEQ ");
	uint64_t modseq = code != NULL ? strtoull(code + 15, NULL, 10) : 0;

	assert_true(code == NULL || modseq >= c->modseq);
	if (code != NULL)
		c->modseq = modseq;
}

static void take_line(struct client *c, const char *line)
{
	char *word;
	uint32_t n;

	take_highest(c, line);
	if (strncmp(line, "* VANISHED", 10) == 0)
		take_vanished(c, line);
	if (strncmp(line, "* ", 2) != 0)
		return;
	assert_null(strstr(line, "BYE"));
	n = (uint32_t)strtoul(line + 2, &word, 10);
	if (strncmp(word, " EXPUNGE", 8) == 0)
		take_expunge(c, n);
	else if (strncmp(word, " EXISTS", 7) == 0)
		take_exists(c, n);
	else if (strncmp(word, " FETCH", 6) == 0 && c->coming_back)
		take_by_uid(c, (uint32_t)strtoul(strstr(line, "UID ") + 4, NULL, 10), line);
	else if (strncmp(word, " FETCH", 6) == 0) {
		assert_true(c->mode != UIDONLY);
		assert_true(c->mode == PLAIN || strstr(line, "FLAGS (") == NULL || strstr(line, "MODSEQ (") != NULL || c->asked_flags);
		take_fetch(c, n, line);
	} else if (strncmp(word, " UIDFETCH", 9) == 0) {
		assert_true(c->mode == UIDONLY);
		take_by_uid(c, n, line);
	}
}

static void take_output(struct client *c)
{
	struct span out = rig_output(c->conn);
	char line[500];

	while (out.n > 0) {
		struct span one = span_take_until(&out, '\n');
		size_t n = one.n < sizeof(line) - 1 ? one.n : sizeof(line) - 1;

		memcpy(line, one.p, n);
		line[n] = '\0';
		take_line(c, line);
	}
}

static void say(struct client *c, const char *text, bool may_expunge)
{
	unit_case(text, 0);
	c->may_expunge = may_expunge;
	c->asked_flags = strstr(text, "FETCH") != NULL;
	rig_send(c->conn, text);
	take_output(c);
}

static void stop_idling(struct client *c)
{
	if (c->idling)
		say(c, "DONE\r\n", true);
	c->idling = false;
}

/* A client knows what a .SILENT store does to what it knows. */
static void store_silently(struct client *c, uint32_t seq, uint32_t bit)
{
	static const char *const names[] = { "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft" };
	bool add = pick(2) == 0;
	char text[100];

	if (c->flags[seq - 1] >= 0)
		c->flags[seq - 1] = add ? c->flags[seq - 1] | 1 << bit : c->flags[seq - 1] & ~(1 << bit);
	if (c->mode == UIDONLY)
		snprintf(text, sizeof(text), "x UID STORE %u %cFLAGS.SILENT (%s)\r\n", c->uid[seq - 1], add ? '+' : '-', names[bit]);
	else
		snprintf(text, sizeof(text), "x STORE %u %cFLAGS.SILENT (%s)\r\n", seq, add ? '+' : '-', names[bit]);
	say(c, text, c->mode == UIDONLY);
}

static void begin(struct client *c)
{
	static const char *const enable[] = { NULL, "e ENABLE CONDSTORE\r\n", "e ENABLE QRESYNC\r\n", "e ENABLE UIDONLY\r\n" };

	if (enable[c->mode] != NULL)
		say(c, enable[c->mode], true);
}

static void go_away(struct client *c)
{
	if (c->n > 0)
		say(c, "x UID FETCH 1:* (FLAGS)\r\n", true);
	while (c->n > 0 && c->uid[c->n - 1] == 0)	/* what it never saw it can't keep */
		c->n--;
	rig_close(c->conn);
	c->conn = NULL;
}

/* Back with what it has kept (RFC 7162 3.2.5): only what changed is told. */
static void come_back(struct client *c, struct rig *r)
{
	char text[100];

	c->conn = rig_login(r, NULL);
	begin(c);
	snprintf(text, sizeof(text), "s SELECT INBOX (QRESYNC (1001 %llu))\r\n", (unsigned long long)c->modseq);
	c->coming_back = true;
	say(c, text, true);
	snprintf(text, sizeof(text), "x UID FETCH %u:* (FLAGS)\r\n", c->n > 0 ? c->uid[c->n - 1] + 1 : 1);
	say(c, text, true);
	c->coming_back = false;
	assert_int_equal(c->n, c->exists);
}

/* What a client without sequence numbers does. */
static void act_by_uid(struct client *c)
{
	uint32_t uid = c->n > 0 ? c->uid[pick(c->n)] : 0;
	char text[100];

	if (uid == 0) {
		say(c, "x UID FETCH 1:* (FLAGS)\r\n", true);
		return;
	}
	switch (pick(4)) {
	case 0:
		snprintf(text, sizeof(text), "x UID STORE %u:* +FLAGS (\\Deleted)\r\n", uid);
		break;
	case 1:
		snprintf(text, sizeof(text), "x UID EXPUNGE 1:%u\r\n", uid);
		break;
	case 2:
		snprintf(text, sizeof(text), "x UID MOVE %u Trash\r\n", uid);
		break;
	default:
		snprintf(text, sizeof(text), "x UID FETCH %u (BODY[TEXT])\r\n", uid);
	}
	say(c, text, true);
}

static void act(struct client *c, struct rig *r)
{
	uint32_t seq = c->n > 0 ? 1 + pick(c->n) : 0;
	char text[100];

	if (c->conn == NULL) {
		if (pick(4) == 0)
			come_back(c, r);
		return;
	}
	if (pick(4) != 0)
		stop_idling(c);
	if (c->idling)
		return;
	if (c->mode == QRESYNC && c->modseq != 0 && pick(20) == 0) {
		go_away(c);
		return;
	}
	if (c->mode == UIDONLY && (seq == 0 || c->uid[seq - 1] == 0 || pick(3) == 0)) {
		act_by_uid(c);
		return;
	}
	switch (pick(seq > 0 ? (c->mode == UIDONLY ? 5 : 12) : 3)) {
	case 0:
		for (uint32_t k = pick(4); k > 0; k--)
			fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", "a: b\r\n\r\nc\r\n", pick(32));
		return;
	case 1:
		say(c, "x NOOP\r\n", true);
		return;
	case 2:
		say(c, "x IDLE\r\n", true);
		c->idling = true;
		return;
	case 3:
	case 4:
		store_silently(c, seq, pick(5));
		return;
	case 5:
		snprintf(text, sizeof(text), "x STORE %u:* +FLAGS (\\Deleted)\r\n", seq);
		say(c, text, false);
		return;
	case 6:
		say(c, "x EXPUNGE\r\n", true);
		return;
	case 7:
		snprintf(text, sizeof(text), "x UID FETCH %u:* (FLAGS)\r\n", seq);
		say(c, text, true);
		return;
	case 8:
		say(c, "x SEARCH DELETED\r\n", false);
		return;
	case 9:
		snprintf(text, sizeof(text), "x FETCH %u (UID BODY[TEXT])\r\n", seq);
		say(c, text, false);
		return;
	case 10:
		snprintf(text, sizeof(text), "x MOVE %u Trash\r\n", seq);
		say(c, text, true);
		return;
	default:
		say(c, "x FETCH 1:* (UID FLAGS)\r\n", false);
	}
}

/* Without numbers there is no order: UIDs that were told late may stand anywhere. */
static void order(struct client *c)
{
	for (uint32_t i = 1; i < c->n; i++)
		for (uint32_t k = i; k > 0 && c->uid[k - 1] > c->uid[k]; k--) {
			uint32_t uid = c->uid[k];
			int flags = c->flags[k];

			c->uid[k] = c->uid[k - 1];
			c->flags[k] = c->flags[k - 1];
			c->uid[k - 1] = uid;
			c->flags[k - 1] = flags;
		}
}

/* A fresh look at the truth must show what the client has put together. */
static void compare(struct client *c, struct rig *r)
{
	struct client truth = { .conn = rig_login(r, NULL) };

	if (c->conn == NULL)
		come_back(c, r);
	stop_idling(c);
	say(c, "x NOOP\r\n", true);
	if (c->mode == UIDONLY && c->n > 0) {
		say(c, "x UID FETCH 1:* (FLAGS)\r\n", true);
		order(c);
	}
	say(&truth, "x EXAMINE INBOX\r\n", true);
	if (truth.n > 0)
		say(&truth, "x FETCH 1:* (UID FLAGS)\r\n", true);
	assert_int_equal(c->n, truth.n);
	for (uint32_t i = 0; i < c->n; i++) {
		assert_true(c->uid[i] == 0 || c->uid[i] == truth.uid[i]);
		assert_true(c->flags[i] < 0 || c->flags[i] == truth.flags[i]);
	}
	rig_close(truth.conn);
}

static void run(uint32_t start, const struct fake_options *o)
{
	struct rig *r = rig_new(o);
	struct client clients[CLIENTS];

	seed = start;
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ .conn = rig_login(r, NULL), .mode = (enum mode)i };
		begin(&clients[i]);
		say(&clients[i], "s SELECT INBOX\r\n", true);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct client *c = &clients[pick(CLIENTS)];

		act(c, r);
		for (size_t i = 0; i < CLIENTS; i++)
			if (clients[i].conn != NULL)
				take_output(&clients[i]);
		if (round % 50 == 49)
			compare(c, r);
	}
	rig_free(r);
}

static void test_random(void **state)
{
	const struct fake_options whole = { .meta_header = store_meta_header };
	const struct fake_options pages = { .meta_header = store_meta_header, .page_records = 3, .page_ranges = 2 };

	(void)state;
	for (uint32_t start = 1; start <= 6; start++) {
		run(start, &whole);
		run(start + 100, &pages);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap interleaving");
}
