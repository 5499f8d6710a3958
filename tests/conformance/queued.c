/* queued.c - the contract is in queued.h. */
#include "tests/conformance/queued.h"

#include <unistd.h>

#include "storage/driver.h"

void queued_needed(const struct conf *c)
{
	if (!c->driver->queue || c->s->driver->lease == NULL)
		skip();
}

/* --- putting in ------------------------------------------------------------------- */

static size_t split(const char *text, const char *sender, struct store_remote *to, size_t max)
{
	struct span in = span_of(text);
	size_t n = 0;

	while (in.n > 0 && n < max)
		to[n++] =
		    (struct store_remote){ .address = span_take_until(&in, ' '), .sender = span_of(sender) };
	return n;
}

enum store_status queued_put(struct conf *c, const struct queued_mail *m)
{
	const struct store_envelope plain = { .id = m->id };
	const struct store_recipient local = { span_of(m->local), span_of(m->local), 0 };
	struct store_delivery d = { .stage = conf_stage(c, m->text, strlen(m->text)),
				    .recipients = &local,
				    .count = m->local != NULL,
				    .envelope = m->envelope != NULL ? m->envelope : &plain };
	struct store_remote to[QUEUED_TO];
	struct conf_done done = { 0 };
	struct store_txid own;

	d.remotes = to;
	d.remote_count = split(m->remotes, m->sender, to, QUEUED_TO);
	store_txid_new(&own);
	store_deliver(c->s, &d, m->txid != NULL ? m->txid : &own, conf_done, &done);
	assert_false(done.done);
	conf_wait(c, &done.done);
	return done.status;
}

void queued_simple(struct conf *c, const char *id, const char *address)
{
	const struct queued_mail m = {
		.id = id, .sender = "s@here.example", .remotes = address, .text = "Subject: x\r\n\r\n"
	};

	assert_int_equal(queued_put(c, &m), STORE_OK);
}

/* --- leasing ----------------------------------------------------------------------- */

static struct queued_job jobs[QUEUE_JOBS];

struct lease_wait {
	bool done;
	size_t count;
	enum store_status status;
};

static void text_of(char *out, size_t size, struct span s)
{
	snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

static void copy_job(struct queued_job *to, const struct queue_job *j)
{
	ssize_t n;

	*to = (struct queued_job){ .lease = j->lease,
				   .job = j->job,
				   .why = j->why,
				   .flags = j->envelope.flags,
				   .created_s = j->created_s,
				   .size = j->size,
				   .attempts = j->attempts,
				   .flushed_ms = j->flushed_ms,
				   .count = j->count };
	text_of(to->id, sizeof(to->id), span_of(j->envelope.id));
	text_of(to->account, sizeof(to->account), j->envelope.account);
	text_of(to->envid, sizeof(to->envid), j->envelope.envid);
	text_of(to->message_id, sizeof(to->message_id), j->envelope.message_id);
	text_of(to->domain, sizeof(to->domain), j->domain);
	text_of(to->sender, sizeof(to->sender), j->sender);
	text_of(to->route, sizeof(to->route), j->route);
	for (size_t i = 0; i < j->count && i < QUEUED_TO; i++) {
		const struct store_remote *one = &j->recipients[i].to;

		to->to[i].number = j->recipients[i].number;
		to->to[i].notify = one->notify;
		text_of(to->to[i].address, sizeof(to->to[i].address), one->address);
		text_of(to->to[i].original, sizeof(to->to[i].original), one->original);
		text_of(to->to[i].orcpt, sizeof(to->to[i].orcpt), one->orcpt);
	}
	n = pread(j->fd, to->body, sizeof(to->body) - 1, 0);
	assert_true(n >= 0);
	assert_int_equal(write(j->fd, "x", 1), -1); /* read-only */
	close(j->fd);
}

static void leased(void *arg, enum store_status status, const struct queue_job *j, size_t count)
{
	struct lease_wait *w = arg;

	assert_false(w->done);
	assert_true(count <= QUEUE_JOBS);
	*w = (struct lease_wait){ true, count, status };
	for (size_t i = 0; i < count; i++) {
		assert_true(j[i].lease != 0 && j[i].count > 0);
		copy_job(&jobs[i], &j[i]);
	}
}

size_t queued_lease(struct conf *c, const char *domain, size_t max, struct queued_job **out)
{
	const struct queue_want want = { span_of(domain), max };
	struct lease_wait w = { 0 };

	queue_lease(c->s, &want, leased, &w);
	assert_false(w.done);
	conf_wait(c, &w.done);
	assert_int_equal(w.status, STORE_OK);
	*out = jobs;
	return w.count;
}

struct queued_job *queued_one(struct conf *c)
{
	struct queued_job *j;

	assert_int_equal(queued_lease(c, NULL, QUEUE_JOBS, &j), 1);
	return j;
}

void queued_none(struct conf *c)
{
	struct queued_job *j;

	assert_int_equal(queued_lease(c, NULL, QUEUE_JOBS, &j), 0);
}

/* --- reporting --------------------------------------------------------------------- */

enum store_status queued_report_full(struct conf *c, const struct queue_report *r,
				     const struct store_txid *txid)
{
	struct conf_done done = { 0 };
	struct store_txid own;

	store_txid_new(&own);
	queue_report(c->s, r, txid != NULL ? txid : &own, conf_done, &done);
	assert_false(done.done);
	conf_wait(c, &done.done);
	return done.status;
}

enum store_status queued_report(struct conf *c, const struct queued_job *j, enum queue_fate fate,
				int64_t retry_s)
{
	struct queue_outcome o[QUEUED_TO];

	for (size_t i = 0; i < j->count; i++)
		o[i] = (struct queue_outcome){ .recipient = j->to[i].number,
					       .fate = fate,
					       .status = span_of("4.4.1"),
					       .words = span_of("no answer"),
					       .host = span_of("mx.example.org[192.0.2.7]:25") };
	return queued_report_full(c,
				  &(struct queue_report){ .id = j->id,
							  .job = j->job,
							  .lease = j->lease,
							  .outcomes = o,
							  .count = j->count,
							  .retry_s = retry_s },
				  NULL);
}

void queued_domain(struct conf *c, const char *domain, uint32_t allowed, int64_t not_before_s)
{
	const struct queue_domain d = { .domain = span_of(domain),
					.allowed = allowed,
					.not_before_s = not_before_s,
					.words = span_of("told so") };

	queue_domain(c->s, &d);
}

size_t queued_inbox(struct conf *c, const char *account)
{
	struct store_account *a = conf_login(c, account);
	size_t n = conf_all(c, a, conf_mailbox(c, a, "INBOX"))->record_count;

	store_logout(a);
	return n;
}
