/* fuzz_imap_session.c - any bytes into the engine, with a store that answers out of its head.
 * link: imapd storage sasl mime common/base */
#include <stdlib.h>
#include <string.h>

#include "imapd/search_job.h"
#include "imapd/server.h"

static const char body[] = "From: a@b\r\nSubject: =?utf-8?q?=C3=BC?=\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
			   "--x\r\n\r\nhello\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext\r\n--x--\r\n";

enum { FOREVER = 1000000000 };	/* milliseconds */

struct world {
	struct imap_server *e;
	uint32_t seed, next_uid;
	uint64_t modseq;
	unsigned steps;
	uint64_t now_ms;
	bool closed, watching, late, impatient;
};

static void need(bool b)
{
	if (!b)
		abort();
}

static uint32_t pick(struct world *w, uint32_t below)
{
	w->seed = w->seed * 1664525 + 1013904223;
	return (w->seed >> 10) % below;
}

static void fill_mailbox(struct world *w, struct store_mailbox *m)
{
	*m = (struct store_mailbox){ .id = 1, .name = span_of("INBOX"), .role = STORE_ROLE_INBOX, .subscribed = true,
				     .uidvalidity = 7, .uidnext = w->next_uid, .modseq = w->modseq,
				     .exists = w->next_uid - 1, .recent_uid = w->next_uid / 2 + 1, .notes = pick(w, 3) };
}

static void answer_sync(struct world *w, const struct imap_action *a)
{
	struct store_record records[20];
	struct store_range range = { a->look.first, w->next_uid - 1 }, vanished = { 1 + pick(w, w->next_uid), w->next_uid };
	struct span keywords[] = { span_of("$a"), span_of("b") };
	struct store_page page = { .records = records, .keywords = keywords, .keyword_count = 1 + pick(w, 2), .first_unseen = 1 };
	struct imap_result r = { .status = STORE_OK, .page = &page };

	if (pick(w, 3) == 0)
		w->modseq++;
	if (pick(w, 3) == 0)
		w->next_uid++;
	fill_mailbox(w, &page.mailbox);
	for (uint32_t uid = a->look.first; uid < w->next_uid && uid <= a->look.last; uid++) {
		if (pick(w, 10) == 0)
			continue;
		if (page.record_count == 20) {
			page.next_uid = uid;
			break;
		}
		records[page.record_count++] = (struct store_record){ .uid = uid, .flags = pick(w, 32), .keywords = pick(w, 4),
								      .modseq = w->modseq, .size = sizeof(body) - 1,
								      .internal_s = 1000000, .meta_length = pick(w, 2) };
	}
	page.ranges = &range;
	page.range_count = range.first <= range.last;
	page.vanished = &vanished;
	page.vanished_count = a->look.since > 0 && pick(w, 3) == 0;
	imap_server_done(w->e, a->number, &r);
}

static void answer_commit(struct world *w, const struct imap_action *a)
{
	struct store_range from = { 1, 2 }, to = { 5, 6 };
	struct store_result result = { .uidvalidity = 7, .from = { &from, 1 }, .to = { &to, pick(w, 2) }, .modseq = ++w->modseq };
	struct imap_result r = { .status = STORE_OK, .commit = { &result, 1 } };

	for (size_t i = 0; i < a->commit.count; i++) {
		const struct store_set *s = &a->commit.mutations[i].uids;

		for (size_t k = 1; k < s->count; k++)
			need(s->ranges[k].first > s->ranges[k - 1].last && s->ranges[k].first > 0);
	}
	imap_server_done(w->e, a->number, &r);
}

static void answer_list(struct world *w, const struct imap_action *a)
{
	struct store_mailbox m[3];
	struct store_list list = { .mailboxes = m, .count = 3, .notes = pick(w, 3) };
	struct imap_result r = { .status = STORE_OK, .list = &list };

	for (int i = 0; i < 3; i++)
		fill_mailbox(w, &m[i]);
	m[1].name = span_of("a/b c/d");
	m[2].name = span_of("a b");
	m[2].id = pick(w, 2);
	imap_server_done(w->e, a->number, &r);
}

static void answer_annotations(struct world *w, const struct imap_action *a)
{
	const struct store_annotation all[] = { { span_of("/private/(a"), span_of(body + pick(w, 3)) },
						{ span_of("/private/b"), span_of("") }, { span_of("/shared/c"), span_of("x") } };
	size_t from = pick(w, 4);
	struct imap_result r = { .status = STORE_OK, .annotations = { all + from, pick(w, (uint32_t)(4 - from)) } };

	imap_server_done(w->e, a->number, &r);
}

static bool no_meta(void *arg, const struct store_record *r, struct span *out)
{
	(void)arg;
	(void)r;
	(void)out;
	return false;
}

static ptrdiff_t read_body(void *arg, size_t i, uint64_t offset, uint8_t *to, size_t n)
{
	struct world *w = arg;

	(void)i;
	need(offset < sizeof(body) - 1 && n > 0);
	n = 1 + pick(w, (uint32_t)(sizeof(body) - 1 - offset));
	memcpy(to, body + offset, n);
	return pick(w, 50) == 0 ? -5 : (ptrdiff_t)n;
}

static void answer_match(struct world *w, const struct imap_action *a)
{
	const struct search_source from = { w, no_meta, read_body };
	struct imap_result r = { .status = STORE_OK };

	for (size_t i = 0; i < a->match.job->n; i++)
		a->match.job->items[i].status = pick(w, 20) == 0 ? STORE_NOT_FOUND : STORE_OK;
	while (search_job_step(a->match.job, &from))
		;
	imap_server_done(w->e, a->number, &r);
}

static void answer(struct world *w, const struct imap_action *a)
{
	struct store_mailbox m;
	struct imap_result r = { .status = STORE_OK };

	if (pick(w, 16) == 0) {
		r.status = (enum store_status)(1 + pick(w, 10));
		if (a->kind == IMAP_LOGIN)
			r.login = IMAP_LOGIN_WRONG;
		imap_server_done(w->e, a->number, &r);
		return;
	}
	switch (a->kind) {
	case IMAP_SYNC:
		answer_sync(w, a);
		return;
	case IMAP_COMMIT:
		answer_commit(w, a);
		return;
	case IMAP_MATCH:
		answer_match(w, a);
		return;
	case IMAP_LIST:
		answer_list(w, a);
		return;
	case IMAP_ANNOTATIONS:
		answer_annotations(w, a);
		return;
	case IMAP_FIND:
		fill_mailbox(w, &m);
		r.mailbox = &m;
		break;
	case IMAP_META:
		r.status = STORE_NOT_FOUND;
		break;
	case IMAP_READ:
		need(a->read.offset < sizeof(body) - 1 && a->read.length > 0);
		r.bytes = (struct span){ (const uint8_t *)body + a->read.offset, sizeof(body) - 1 - a->read.offset };
		if (r.bytes.n > a->read.length)
			r.bytes.n = a->read.length;
		r.bytes.n = 1 + pick(w, (uint32_t)r.bytes.n);
		break;
	case IMAP_LOGIN:
		r.login = IMAP_LOGIN_OK;
		break;
	default:
		break;
	}
	imap_server_done(w->e, a->number, &r);
}

/* A late answer: a word about what takes long (RFC 9585), or the engine waits no longer and the answer, which may
 * look at nothing of the action any more, meets nothing. */
static void answer_late(struct world *w, const struct imap_action *a)
{
	bool takes_its_time = a->kind == IMAP_READ || a->kind == IMAP_MATCH;
	bool given_up = !takes_its_time && (w->impatient || a->kind == IMAP_COMMIT);
	const struct imap_result strange = { .status = STORE_OK };

	imap_server_tick(w->e, w->now_ms += IMAP_PROGRESS_MS);
	if (given_up)
		imap_server_done(w->e, a->number, &strange);
	else
		answer(w, a);
}

static void drain(struct world *w)
{
	struct imap_action a;

	while (!w->closed) {
		enum imap_kind kind = imap_server_next(w->e, &a);

		need(++w->steps < 2000000);
		if (kind == IMAP_REPLY)
			need(a.bytes.n > 0 && a.bytes.n <= IMAP_REPLY_MAX);
		if (kind == IMAP_WATCH)
			w->watching = true;
		if (kind == IMAP_CLOSE)
			w->closed = true;
		if (kind == IMAP_START_TLS) {
			imap_server_certificate(w->e);
			imap_server_secured(w->e);
		}
		if (kind == IMAP_WANT_INPUT)
			return;
		if (a.number == 0 || kind == IMAP_REPLY || kind == IMAP_YIELD)
			continue;
		if (w->late)
			answer_late(w, &a);
		else
			answer(w, &a);
		w->late = false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct imap_settings settings = { .line_limit = 4096, .message_limit = 4096, .error_limit = 200,
						       .login_ms = FOREVER, .idle_ms = FOREVER, .commit_ms = IMAP_PROGRESS_MS,
						       .answer_ms = size > 1 && data[1] % 2 == 0 ? IMAP_PROGRESS_MS : FOREVER, .hostname = "h",
						       .mechanisms = "PLAIN,LOGIN,EXTERNAL", .without_tls = "PLAIN,LOGIN",
						       .may_start_tls = true };
	struct world w = { .next_uid = 6, .modseq = 3, .impatient = settings.answer_ms < FOREVER };
	struct span all = { data, size }, login = span_of("l LOGIN a b\r\ns SELECT INBOX\r\n");

	if (size < 3 || size > 8192 || imap_server_new(&w.e, &settings, 0, NULL) != 0)
		return 0;
	w.seed = (uint32_t)(data[0] | data[1] << 8);
	span_take(&all, 2);
	if (pick(&w, 8) != 0)
		all.p = data + 2;
	drain(&w);
	for (int k = 0; k < 2; k++) {
		struct span rest = k == 0 ? login : all;

		if (k == 0 && data[0] % 8 == 0)
			continue;
		while (rest.n > 0 && !w.closed) {
			size_t n = 1 + pick(&w, 200);
			struct span in = { rest.p, n < rest.n ? n : rest.n };
			size_t before = in.n;

			imap_server_feed(w.e, &in);
			span_take(&rest, before - in.n);
			if (pick(&w, 9) == 0 && w.watching)
				imap_server_changed(w.e, pick(&w, 3));
			if (pick(&w, 5) == 0)
				w.late = true;
			drain(&w);
		}
	}
	imap_server_tick(w.e, 2 * FOREVER);
	drain(&w);
	imap_server_free(w.e);
	return 0;
}
