/* outcome.c - the contract is in outcome.h. */
#include "deliverd/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "deliverd/destination.h"
#include "deliverd/schedule.h"
#include "deliverd/tell.h"

enum { ADDRESS_TEXT = 400 };

/* --- one recipient --------------------------------------------------------- */

static void log_outcome(const struct job *j, const struct job_rcpt *r, const struct outcome *o)
{
	static const char *const phrases[] = { [QUEUE_DELIVERED] = "delivered", [QUEUE_FAILED] = "failed",
					       [QUEUE_DEFERRED] = "deferred" };
	char from[ADDRESS_TEXT], to[ADDRESS_TEXT], id[32] = "", next[CLOCK_TEXT + 8] = "";

	if (o->fate == QUEUE_UNTRIED)
		return;
	if (o->id != 0)
		snprintf(id, sizeof(id), "DCID %llu ", (unsigned long long)o->id);
	if (o->fate == QUEUE_DEFERRED) {
		char time[CLOCK_TEXT];

		clock_log_text(time, j->retry_s * 1000);
		snprintf(next, sizeof(next), " next=%s", time);
	}
	log_info("%s%s id=%s from=<%s> to=<%s> host=%.*s status=%.*s tls=%s%s %s=\"%.*s\"", id, phrases[o->fate],
		 j->q.envelope.id, escape_text(from, sizeof(from), j->q.sender),
		 escape_text(to, sizeof(to), r->to.to.address), o->host.n > 0 ? (int)o->host.n : 4,
		 o->host.n > 0 ? (const char *)o->host.p : "none", (int)o->status.n, (const char *)o->status.p,
		 o->tls != NULL ? o->tls : "none", next, o->fate == QUEUE_DELIVERED ? "reply" : "reason", (int)o->words.n,
		 (const char *)o->words.p);
}

static void count(struct deliverd *d, enum queue_fate fate)
{
	if (fate == QUEUE_DELIVERED)
		d->delivered++;
	else if (fate == QUEUE_FAILED)
		d->failed++;
	else if (fate == QUEUE_DEFERRED)
		d->deferred++;
}

/* "4 days and 3 hours": not exact, for people. */
static void put_age(char *out, size_t size, int64_t seconds)
{
	if (seconds >= 2 * 86400)
		snprintf(out, size, "%lld days", (long long)(seconds / 86400));
	else if (seconds >= 2 * 3600)
		snprintf(out, size, "%lld hours", (long long)(seconds / 3600));
	else if (seconds >= 120)
		snprintf(out, size, "%lld minutes", (long long)(seconds / 60));
	else
		snprintf(out, size, "%lld seconds", (long long)seconds);
}

/* RFC 5321 4.5.4.1: what has waited too long fails now (RFC 3463 3.5: 5.4.7). */
static void expire(const struct job *j, struct outcome *o, char words[QUEUE_WORDS_MAX])
{
	char age[40];

	put_age(age, sizeof(age), deliverd_now_s() - j->q.created_s);
	snprintf(words, QUEUE_WORDS_MAX, "not delivered within %s: %.*s", age, (int)o->words.n, (const char *)o->words.p);
	o->fate = QUEUE_FAILED;
	o->status = span_of("5.4.7");
	o->words = span_of(words);
}

void outcome_settle(struct deliverd *d, struct job *j, size_t i, const struct outcome *outcome)
{
	char words[QUEUE_WORDS_MAX];
	struct outcome o = *outcome;

	if (o.fate == QUEUE_DEFERRED && (j->q.why & QUEUE_EXPIRED) != 0)
		expire(j, &o, words);
	if (o.fate == QUEUE_DEFERRED && j->retry_s == 0)
		j->retry_s = conf_retry_s(d->conf, j->q.attempts, deliverd_now_s());
	if (o.words.n >= QUEUE_WORDS_MAX)
		o.words.n = QUEUE_WORDS_MAX - 1;
	log_outcome(j, &j->rcpts[i], &o);
	count(d, o.fate);
	job_settle(j, i, o.fate, o.status, o.words, o.host);
	j->rcpts[i].relayed = o.relayed;
}

void outcome_settle_all(struct deliverd *d, struct job *j, const struct outcome *o)
{
	for (size_t i = 0; i < j->count; i++)
		if (!j->rcpts[i].settled)
			outcome_settle(d, j, i, o);
}

void outcome_untried(struct deliverd *d, struct job *j)
{
	outcome_settle_all(d, j, &(struct outcome){ .fate = QUEUE_UNTRIED });
	outcome_report(d, j);
}

/* --- the job ----------------------------------------------------------------- */

static void reported(void *arg, enum store_status status, const char *words)
{
	struct job *j = arg;
	struct deliverd *d = j->d;

	if (status == STORE_TRY_LATER || status == STORE_UNKNOWN) {
		schedule_again(d->schedule, j);
		return;
	}
	if (status == STORE_OK && j->notice != NULL)
		log_info("report sent %s", j->notice);
	if (status != STORE_OK && status != STORE_NOT_FOUND)
		log_error("queue report refused id=%s job=%u reason=\"%s\"", j->q.envelope.id, j->q.job,
			  words != NULL ? words : "");
	schedule_forget(d->schedule, j);
}

static void send_report(struct job *j, const struct store_delivery *notice)
{
	struct queue_outcome few[8], *all = j->count <= 8 ? few : calloc(j->count, sizeof(*all));
	struct queue_report r = {
		.id = j->q.envelope.id,
		.job = j->q.job,
		.lease = j->q.lease,
		.outcomes = all,
		.count = j->count,
		.retry_s = j->retry_s,
		.noticed = (j->q.why & QUEUE_NOTICE) != 0,	/* where nobody is to be told, too: it is not asked for again */
	};

	for (size_t i = 0; all != NULL && i < j->count; i++) {
		const struct job_rcpt *from = &j->rcpts[i];

		all[i] = (struct queue_outcome){ from->to.number, from->fate, from->status, from->words, from->host };
	}
	if (notice != NULL)
		r.notice = *notice;
	if (all == NULL || queue_report(j->d->store, &r, &j->txid, reported, j) == 0) {
		if (all == NULL && notice != NULL)
			store_stage_free(notice->stage);
		schedule_again(j->d->schedule, j);
	}
	if (all != few)
		free(all);
}

static void told(void *arg, const struct store_delivery *notice)
{
	send_report(arg, notice);
}

void outcome_report(struct deliverd *d, struct job *j)
{
	j->reporting = true;
	if (!tell_begin(d, j, told, j))
		send_report(j, NULL);
}
