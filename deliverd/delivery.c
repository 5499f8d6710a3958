/* delivery.c - the contract is in delivery.h. */
#include "deliverd/delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "deliverd/content.h"
#include "deliverd/outcome.h"
#include "deliverd/sign.h"

enum { RECIPIENTS = 1000 };		/* of one transaction, where the server says nothing */

struct delivery {
	struct connection *c;
	struct job *job;
	enum content_form form;
	size_t *index;			/* in the job, of each that is in the transaction */
	struct client_rcpt *rcpts;
	size_t count;
	size_t later;			/* that the next transaction takes */
	bool said_all;			/* the whole message is with the engine */
	bool lost;			/* another connection takes it */
	struct signing *signing;	/* while it is under way */
	bool prepared;
	struct buf head;		/* what is put in front */
	struct content *content;
};

/* --- which recipients -------------------------------------------------------- */

static size_t recipients_at_most(const struct client_offers *o)
{
	size_t n = o->rcpt_max > 0 && o->rcpt_max < RECIPIENTS ? o->rcpt_max : RECIPIENTS;	/* RFC 9422 4.2 */

	return o->rcpt_domain_max > 0 && o->rcpt_domain_max < n ? o->rcpt_domain_max : n;
}

static void take_recipient(struct delivery *v, size_t i)
{
	struct job_rcpt *r = &v->job->rcpts[i];

	r->busy = true;
	v->index[v->count] = i;
	v->rcpts[v->count++] = (struct client_rcpt){ r->to.to.address, r->to.to.orcpt, r->to.to.notify };
}

static void choose(struct delivery *v, size_t most)
{
	struct job *j = v->job;
	size_t first = job_open(j, 0);

	for (size_t i = first; i < j->count && v->count < most; i = job_open(j, i + 1))
		if (span_equal(j->rcpts[i].to.to.original, j->rcpts[first].to.to.original))
			take_recipient(v, i);
}

struct delivery *delivery_new(struct connection *c, struct job *j)
{
	size_t most = recipients_at_most(smtp_client_offers(c->engine));
	size_t room = j->open < most ? j->open : most;
	struct delivery *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->c = c;
	v->job = j;
	v->index = calloc(room, sizeof(*v->index));
	v->rcpts = calloc(room, sizeof(*v->rcpts));
	buf_init(&v->head, CONTENT_HEAD_MAX);
	if (v->index == NULL || v->rcpts == NULL) {
		delivery_free(v);
		return NULL;
	}
	choose(v, room);
	return v;
}

void delivery_free(struct delivery *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->count; i++)
		v->job->rcpts[v->index[i]].busy = false;
	signing_free(v->signing);
	content_free(v->content);
	buf_clear(&v->head);
	free(v->index);
	free(v->rcpts);
	free(v);
}

struct job *delivery_job(struct delivery *v)
{
	return v->job;
}

/* --- what became of them ------------------------------------------------------ */

static void settle(struct delivery *v, size_t i, enum queue_fate fate, const char *status, const char *words)
{
	struct connection *c = v->c;
	struct outcome o = {
		.fate = fate,
		.status = span_of(status),
		.words = span_of(words),
		.host = span_of(c->host),
		.id = c->id,
		.tls = c->tls,
		.relayed = fate == QUEUE_DELIVERED && !smtp_client_offers(c->engine)->dsn,	/* RFC 3461 5.2.2 */
	};

	outcome_settle(c->d, v->job, v->index[i], &o);
}

static void settle_rest(struct delivery *v, enum queue_fate fate, const char *status, const char *words)
{
	for (size_t i = 0; i < v->count; i++)
		if (!v->job->rcpts[v->index[i]].settled)
			settle(v, i, fate, status, words);
}

/* --- before it begins ----------------------------------------------------------- */

/* False: this server can't take it. */
static bool check(struct delivery *v)
{
	const struct client_offers *o = smtp_client_offers(v->c->engine);
	const struct job *j = v->job;
	char words[160];

	if (o->size_limit > 0 && j->q.size > o->size_limit) {	/* RFC 1870 6.1 */
		snprintf(words, sizeof(words), "the message has %llu bytes, and this server takes %llu at most",
			 (unsigned long long)j->q.size, (unsigned long long)o->size_limit);
		settle_rest(v, QUEUE_FAILED, "5.3.4", words);
		return false;
	}
	if ((j->q.envelope.flags & STORE_MAIL_UTF8) != 0 && !o->smtputf8) {	/* RFC 6531 3.5 */
		settle_rest(v, QUEUE_FAILED, "5.6.7",
			    "an address or a header of the message has letters beyond ASCII, and this server takes none (SMTPUTF8)");
		return false;
	}
	return true;
}

static void wake(void *arg)
{
	struct delivery *v = arg;
	struct connection *c = v->c;

	if (c->current == v)
		connection_body(c);
	else if (c->ready == v)
		connection_prepared(c);
}

static void put_head(struct delivery *v)
{
	struct span original = v->job->rcpts[v->index[0]].to.to.original;
	struct span signature = signing_result(v->signing);

	if (original.n > 0 && memchr(original.p, '\n', original.n) == NULL) {
		buf_put_text(&v->head, "Delivered-To: ");
		buf_put(&v->head, original);
		buf_put_text(&v->head, "\r\n");
	}
	buf_put(&v->head, signature);
}

static int open_content(struct delivery *v)
{
	struct content_source s = {
		.loop = v->c->d->loop,
		.fd = v->job->fd,
		.form = v->form,
		.head = buf_span(&v->head),
		.scratch = v->c->d->piece,
		.wake = wake,
		.arg = v,
	};

	v->content = content_new(&s);
	if (v->content != NULL && !v->head.failed) {
		v->prepared = true;
		return 1;
	}
	settle_rest(v, QUEUE_DEFERRED, "4.3.0", "no memory for the message");
	return 0;
}

/* RFC 6152 3, RFC 3030 3. What we sign goes without any binary part (RFC 6376 5.3): servers behind the next one
 * may have to encode it. What others have signed must not be changed. */
static enum content_form choose_form(const struct delivery *v)
{
	const struct client_offers *o = smtp_client_offers(v->c->engine);
	unsigned flags = v->job->q.envelope.flags;
	bool raw = smtp_client_takes_binary(v->c->engine) && !signing_is_due(v->c->conf, v->job);

	if ((flags & STORE_MAIL_BINARY) != 0)
		return raw ? CONTENT_AS_IS : CONTENT_7BIT;
	return (flags & STORE_MAIL_8BIT) != 0 && !o->eightbit ? CONTENT_7BIT : CONTENT_AS_IS;
}

static int begin_signing(struct delivery *v)
{
	if (!check(v))
		return 0;
	v->form = choose_form(v);
	v->signing = signing_new(v->c->conf, v->job, v->form, wake, v);
	if (v->signing != NULL)
		return 1;
	settle_rest(v, QUEUE_DEFERRED, "4.3.0", "no memory to sign the message");
	return 0;
}

int delivery_prepare(struct delivery *v)
{
	struct error err;
	int r = 1;

	if (v->prepared)
		return 1;
	if (v->signing == NULL)
		r = begin_signing(v);
	if (r == 1)
		r = signing_run(v->signing, v->c->d->loop, &err);
	else
		return 0;
	if (r == -EAGAIN)
		return r;
	if (r == -EINVAL) {
		settle_rest(v, QUEUE_FAILED, "5.6.3", err.words);
		return 0;
	}
	if (r < 0) {
		settle_rest(v, QUEUE_DEFERRED, "4.3.0", err.words);
		return 0;
	}
	put_head(v);
	return open_content(v);
}

bool delivery_begin(struct delivery *v)
{
	const struct job *j = v->job;
	unsigned flags = j->q.envelope.flags;
	struct client_mail mail = {
		.sender = j->q.sender,
		.size = signing_size(v->signing) + v->head.n,
		.eightbit = (flags & (STORE_MAIL_8BIT | STORE_MAIL_BINARY)) == STORE_MAIL_8BIT && v->form == CONTENT_AS_IS,
		.binary = (flags & STORE_MAIL_BINARY) != 0 && v->form == CONTENT_AS_IS,
		.utf8 = (flags & STORE_MAIL_UTF8) != 0,
		.require_tls = v->c->destination->kind == DESTINATION_REQUIRE_TLS,
		.ret = (flags & STORE_MAIL_RET_FULL) != 0 ? 'F' : (flags & STORE_MAIL_RET_HEADERS) != 0 ? 'H' : 0,
		.envid = j->q.envelope.envid,
		.rcpts = v->rcpts,
		.count = v->count,
	};
	struct error err;

	if (smtp_client_begin(v->c->engine, &mail, &err) == 0)
		return true;
	settle_rest(v, QUEUE_FAILED, "5.5.4", err.words);
	return false;
}

/* --- the engine's actions ------------------------------------------------------- */

void delivery_want_body(struct delivery *v)
{
	struct smtp_client *e = v->c->engine;
	struct span piece;
	struct error err;
	int r = content_next(v->content, &piece, &err);

	if (r == 1) {
		smtp_client_body(e, piece);
	} else if (r == 0) {
		v->said_all = true;
		smtp_client_body_end(e);
	} else if (r == -EAGAIN) {
		v->c->wants_body = true;
	} else {
		log_error("queue entry unreadable id=%s reason=\"%s\"", v->job->q.envelope.id, err.words);
		smtp_client_body_failed(e);
	}
}

/* The connection was lost before the whole message was said: another one, once, at once. */
static bool tries_again(struct delivery *v, const struct client_reply *reply)
{
	const struct connection *c = v->c;

	if (!v->lost)
		v->lost = (reply->code == 0 || reply->code == 421) && !v->said_all && !v->job->again &&
			  !c->d->stopping && (c->sent > 1 || c->destination->host_count > 1);
	v->job->again |= v->lost;
	if (v->lost && c->at < c->destination->host_count)	/* the others first */
		c->destination->hosts[c->at].bad_until_ms = clock_mono_ms() + DESTINATION_BAD_MS;
	return v->lost;
}

void delivery_rcpt_done(struct delivery *v, size_t index, const struct client_reply *reply)
{
	if (index >= v->count || v->job->rcpts[v->index[index]].settled)
		return;
	if (reply->verdict == CLIENT_OK) {
		destination_success(v->c->destination, v->job->q.domain);
		settle(v, index, QUEUE_DELIVERED, reply->status, reply->words);
	} else if (reply->verdict == CLIENT_NEVER) {
		settle(v, index, QUEUE_FAILED, reply->status, reply->words);
	} else if (reply->step == CLIENT_AT_RCPT && strcmp(reply->status, "4.5.3") == 0) {
		v->later++;	/* RFC 5321 4.5.3.1.10: too many at a time */
	} else if (!tries_again(v, reply)) {
		settle(v, index, QUEUE_DEFERRED, reply->status, reply->words);
	}
}

void delivery_over(struct delivery *v)
{
	if (v->later == v->count)
		settle_rest(v, QUEUE_DEFERRED, "4.5.3", "the server takes none of the recipients now");
	else if (!v->lost && v->later == 0)	/* all were told: nothing is left */
		settle_rest(v, QUEUE_DEFERRED, "4.3.0", "nothing was said of this recipient");
}
