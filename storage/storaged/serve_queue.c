/* serve_queue.c - what deliverd asks: jobs, reports, domains, notes (storage/queue.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/frame.h"
#include "storage/storaged/peer.h"

/* --- who has which job --------------------------------------------------------- */

static struct span leased_key(const struct leased *l)
{
	return (struct span){ l->key, l->n };
}

static void name_job(struct leased *l, const char *id, uint32_t job)
{
	l->n = (size_t)snprintf((char *)l->key, sizeof(l->key), "%s %" PRIu32, id, job);
}

/* Out of the client's table; NULL: it does not have the job. */
static struct leased *leased_take(struct peer *p, const char *id, uint32_t job)
{
	struct leased name;

	name_job(&name, id, job);
	return table_remove(p->leases, leased_key(&name));
}

/* The job is due again. NULL is allowed. */
static void leased_release(struct peer *p, struct leased *l)
{
	if (l == NULL)
		return;
	p->d->backend.queue_release(p->d->backend.store, l->lease);
	free(l);
}

static bool leased_keep(struct peer *p, struct leased *l)
{
	if (table_count(p->leases) >= DISPATCH_LEASES || table_put(p->leases, leased_key(l), l) < 0)
		return false;
	return true;
}

/* One that the client had under an older lease makes room. False: no memory. */
static bool leased_new(struct peer *p, const struct queue_job *job)
{
	struct leased *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return false;
	free(leased_take(p, job->envelope.id, job->job));
	l->lease = job->lease;
	name_job(l, job->envelope.id, job->job);
	if (leased_keep(p, l))
		return true;
	free(l);
	return false;
}

void leases_clear(struct peer *p)
{
	size_t at = 0;
	void *value;

	p->watching = false;
	while (table_next(p->leases, &at, NULL, &value)) {
		struct leased *l = value;

		table_remove(p->leases, leased_key(l));
		leased_release(p, l);
	}
}

void leased_forget(struct serving *r)
{
	leased_release(r->peer, r->leased);
	r->leased = NULL;
}

/* --- leases ---------------------------------------------------------------------- */

/* Bytes that the job takes in an answer, about. */
static size_t job_bytes(const struct queue_job *j)
{
	size_t bytes = 200 + j->sender.n + j->envelope.account.n + j->envelope.envid.n;

	for (size_t i = 0; i < j->count; i++)
		bytes += 40 + j->recipients[i].to.address.n + j->recipients[i].to.original.n +
			 j->recipients[i].to.orcpt.n;
	return bytes;
}

/* Those that the client gets, noted as its own: the others go back. A job without its body would
 * be tried for nothing. */
static size_t keep_jobs(struct peer *p, const struct queue_job *jobs, size_t count,
			struct queue_job kept[QUEUE_JOBS], int fds[QUEUE_JOBS])
{
	size_t n = 0, bytes = 0;

	for (size_t i = 0; i < count; i++) {
		int fd = jobs[i].fd;

		bytes += job_bytes(&jobs[i]);
		if (p->ipc != NULL && fd >= 0 && n < QUEUE_JOBS &&
		    (n == 0 || bytes <= STORE_WIRE_LEASE_BYTES) && leased_new(p, &jobs[i])) {
			kept[n] = jobs[i];
			fds[n++] = fd;
			continue;
		}
		ipc_close_all(&fd, 1);
		p->d->backend.queue_release(p->d->backend.store, jobs[i].lease);
	}
	return n;
}

static void on_lease(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	struct serving *r = arg;
	struct peer *p = r->peer;
	struct queue_job kept[QUEUE_JOBS];
	struct store_answer a = { .status = status, .jobs = kept };
	int fds[QUEUE_JOBS];

	a.job_count = keep_jobs(p, jobs, count, kept, fds);
	if (status == STORE_OK && a.job_count == 0 && count > 0)
		a.status = STORE_TRY_LATER;
	if (p->ipc != NULL && !peer_answer(p, r->type, r->number, &a, fds, a.job_count))
		for (size_t i = 0; i < a.job_count; i++)
			leased_release(p, leased_take(p, kept[i].envelope.id, kept[i].job));
	serving_free(r);
}

bool serve_lease(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->peer->armed = true;
	r->op = queue_lease(r->peer->d->backend.store, &ask->want, on_lease, r);
	return true;
}

bool serve_release(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	leased_release(r->peer, leased_take(r->peer, ask->report.id, ask->report.job));
	serving_status(r, STORE_OK, "");
	return true;
}

/* --- the watch --------------------------------------------------------------------- */

static void send_hint(struct peer *p)
{
	p->armed = false;
	if (ipc_send(p->ipc, STORE_WIRE_READY, 0, (struct span){ NULL, 0 }, NULL, 0) < 0)
		peer_doom(p); /* it would wait for ever */
}

static void on_ready(void *arg)
{
	struct dispatch *d = arg;

	for (struct peer *p = d->peers; p != NULL; p = p->next)
		if (p->ipc != NULL && p->watching && p->armed)
			send_hint(p);
}

/* Who begins to watch is told at once: something may be ready for long. */
bool serve_queue_watch(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct peer *p = r->peer;
	struct dispatch *d = p->d;

	(void)err;
	p->watching = ask->watch;
	if (ask->watch && !d->watching) {
		d->watching = true;
		queue_watch(d->backend.store, on_ready, d);
	}
	if (ask->watch)
		send_hint(p);
	serving_status(r, STORE_OK, "");
	return true;
}

void queue_unwatch(struct dispatch *d)
{
	if (d->watching)
		queue_watch(d->backend.store, NULL, NULL);
	d->watching = false;
}

/* --- reports -------------------------------------------------------------------------- */

static void on_done(void *arg, enum store_status status, const char *words)
{
	serving_status(arg, status, words);
}

/* A report that was not taken leaves the job with the client, if that is still there. */
static void on_report(void *arg, enum store_status status, const char *words)
{
	struct serving *r = arg;
	struct leased *l = r->leased;

	r->leased = NULL;
	if (status == STORE_OK || status == STORE_NOT_FOUND)
		free(l);
	else if (l != NULL && (r->peer->ipc == NULL || !leased_keep(r->peer, l)))
		leased_release(r->peer, l);
	serving_status(r, status, words);
}

bool serve_report(struct serving *r, const struct store_ask *ask, struct error *err)
{
	struct queue_report report = ask->report;
	enum store_status status;

	(void)err;
	report.notice = ask->delivery;
	status = staged_body(r->peer, ask->bodies, &report.notice.stage);
	if (status != STORE_OK) {
		serving_status(r, status, "the body of the report is not there");
		return true;
	}
	r->leased = leased_take(r->peer, report.id, report.job);
	r->op = queue_report(r->peer->d->backend.store, &report, &ask->txid, on_report, r);
	return true;
}

/* --- domains, times, notes --------------------------------------------------------------- */

bool serve_queue_domain(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	queue_domain(r->peer->d->backend.store, &ask->domain);
	serving_status(r, STORE_OK, "");
	return true;
}

bool serve_queue_times(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	queue_times(r->peer->d->backend.store, &ask->times);
	serving_status(r, STORE_OK, "");
	return true;
}

static void on_note(void *arg, enum store_status status, struct span bytes)
{
	struct store_answer a = { .status = status, .bytes = bytes };

	serving_end(arg, &a, NULL, 0);
}

bool serve_note_get(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = queue_note_get(r->peer->d->backend.store, ask->name, on_note, r);
	return true;
}

bool serve_note_put(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = queue_note_put(r->peer->d->backend.store, ask->name, ask->bytes, ask->expires_s, on_done, r);
	return true;
}

static void on_notes(void *arg, enum store_status status, const struct queue_note *notes, size_t count,
		     bool more)
{
	struct store_answer a = { .status = status, .notes = notes, .note_count = count, .more = more };

	serving_end(arg, &a, NULL, 0);
}

bool serve_notes(struct serving *r, const struct store_ask *ask, struct error *err)
{
	(void)err;
	r->op = queue_notes(r->peer->d->backend.store, ask->name, ask->bytes, on_notes, r);
	return true;
}
