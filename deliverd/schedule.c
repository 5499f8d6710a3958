/* schedule.c - the contract is in schedule.h. */
#include "deliverd/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/table.h"
#include "deliverd/connection.h"
#include "deliverd/destination.h"
#include "deliverd/outcome.h"

enum { TOLD = 4096 };	/* domains of which it is remembered what storaged was told */

struct schedule {
	struct deliverd *d;
	struct table *jobs;		/* by job_key: all that are held */
	struct table *destinations;	/* by key */
	struct link resting;		/* those without work, the longest first */
	size_t resting_count;
	struct link queued;		/* those that want a connection */
	struct link again;		/* jobs whose report is tried again */
	struct link retired;		/* destinations of older settings that still work */
	size_t hands;
	ptrdiff_t crowd;
	uint64_t lease;			/* by turns, that was asked for; 0: none */
	bool ready;			/* something may be ready */
	bool failing;			/* the last lease failed: wait for the timer */
	uint64_t looked_ms;		/* when a lease was asked for in spite of a crowd */
	uv_timer_t look, retry;
	unsigned handles;		/* of the two that are still there */
	bool gone;
	uint64_t told[TOLD];		/* hash of the domain and what it is allowed */
};

static void pump(struct schedule *s);

/* --- life --------------------------------------------------------------------- */

static void on_look(uv_timer_t *t)
{
	struct schedule *s = t->data;

	if (s->d->up == 0 && s->d->opening == 0)
		conf_rest(s->d->conf);
	pump(s);
}

static void on_retry(uv_timer_t *t)
{
	struct schedule *s = t->data;
	struct link mine, *l;

	link_init(&mine);
	while ((l = link_take(&s->again)) != NULL)
		link_append(&mine, l);
	s->failing = false;
	while ((l = link_take(&mine)) != NULL)
		outcome_report(s->d, LINK_OF(l, struct job, link));
	pump(s);
}

static size_t count_hands(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur / 4 > SCHEDULE_HANDS)
		return SCHEDULE_HANDS;
	return files.rlim_cur / 4 > QUEUE_JOBS ? (size_t)files.rlim_cur / 4 : QUEUE_JOBS;
}

int schedule_new(struct schedule **out, struct deliverd *d, struct error *err)
{
	struct schedule *s = *out = calloc(1, sizeof(*s));

	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for the schedule");
	s->d = d;
	s->hands = count_hands();
	link_init(&s->resting);
	link_init(&s->queued);
	link_init(&s->again);
	link_init(&s->retired);
	uv_timer_init(d->loop, &s->look);
	uv_timer_init(d->loop, &s->retry);
	s->handles = 2;
	s->look.data = s->retry.data = s;
	if (table_new(&s->jobs, err) < 0 || table_new(&s->destinations, err) < 0)
		return -ENOMEM;
	return 0;
}

static void timer_closed(uv_handle_t *h)
{
	struct schedule *s = h->data;

	if (--s->handles == 0)
		free(s);
}

static void free_connections(struct destination *dest)
{
	while (!link_empty(&dest->connections))
		connection_free(LINK_OF(dest->connections.next, struct connection, link));
}

/* Connections first, which have jobs in hand; then jobs, which wait at destinations. */
static void free_all(struct schedule *s)
{
	struct link *l;
	size_t at = 0;
	void *value;

	while (table_next(s->destinations, &at, NULL, &value))
		free_connections(value);
	for (l = s->retired.next; l != &s->retired; l = l->next)
		free_connections(LINK_OF(l, struct destination, link));
	for (at = 0; table_next(s->jobs, &at, NULL, &value);)
		job_free(value);
	for (at = 0; table_next(s->destinations, &at, NULL, &value);)
		destination_free(value);
	while ((l = link_take(&s->retired)) != NULL)
		destination_free(LINK_OF(l, struct destination, link));
}

void schedule_free(struct schedule *s)
{
	if (s == NULL)
		return;
	queue_watch(s->d->store, NULL, NULL);
	store_cancel(s->d->store, s->lease);
	if (s->jobs != NULL && s->destinations != NULL)
		free_all(s);
	table_free(s->jobs);
	table_free(s->destinations);
	uv_close((uv_handle_t *)&s->look, timer_closed);
	uv_close((uv_handle_t *)&s->retry, timer_closed);
}

/* --- what storaged is told ------------------------------------------------------ */

static uint64_t hash(struct span domain)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < domain.n; i++)
		h = (h ^ domain.p[i]) * 1099511628211u;
	return h;
}

void schedule_domain(struct schedule *s, struct span domain, uint32_t allowed, int64_t not_before_s,
		     struct span words)
{
	uint64_t h = hash(domain), *slot = &s->told[h % TOLD];
	uint64_t now = (h & ~(uint64_t)0xffff) | (allowed & 0xffff);
	struct queue_domain q = { domain, allowed, not_before_s, words };

	if (not_before_s == 0 && *slot == now)
		return;
	*slot = not_before_s == 0 ? now : 0;
	queue_domain(s->d->store, &q);
}

static void on_hint(void *arg)
{
	struct schedule *s = arg;

	s->ready = true;
	pump(s);
}

static void tell_times(struct schedule *s)
{
	struct queue_times t = { s->d->conf->notice_s, s->d->conf->lifetime_s };

	queue_times(s->d->store, &t);
}

void schedule_renew(struct schedule *s)
{
	memset(s->told, 0, sizeof(s->told));
	if (s->d->conf != NULL)
		tell_times(s);
	queue_watch(s->d->store, on_hint, s);
	s->ready = true;
	pump(s);
}

/* --- destinations ----------------------------------------------------------------- */

static void rest_no_more(struct schedule *s, struct destination *dest)
{
	if (!dest->resting)
		return;
	link_remove(&dest->link);
	dest->resting = false;
	s->resting_count--;
}

static void forget_destination(struct schedule *s, struct destination *dest)
{
	rest_no_more(s, dest);
	link_remove(&dest->link);
	if (!dest->retired)
		table_remove(s->destinations, span_of(dest->key));
	destination_free(dest);
}

void schedule_rest(struct schedule *s, struct destination *dest)
{
	if (dest->resting || s->d->stopping)
		return;
	if (dest->retired) {
		forget_destination(s, dest);
		return;
	}
	if (dest->queued) {
		link_remove(&dest->link);
		dest->queued = false;
	}
	dest->resting = true;
	link_append(&s->resting, &dest->link);
	if (++s->resting_count > SCHEDULE_RESTING)
		forget_destination(s, LINK_OF(s->resting.next, struct destination, link));
}

static struct destination *find_destination(struct schedule *s, const struct job *j)
{
	char key[DESTINATION_KEY];
	struct conf_route *route;
	struct destination *dest;

	destination_key(s->d->conf, j, &route, key);
	dest = table_get(s->destinations, span_of(key));
	if (dest != NULL) {
		rest_no_more(s, dest);
		return dest;
	}
	dest = destination_new(s->d, key, route, j);
	if (dest != NULL && table_put(s->destinations, span_of(key), dest) < 0) {
		destination_free(dest);
		return NULL;
	}
	return dest;
}

/* Those of older settings finish what they have; new mail meets new ones. */
void schedule_settings(struct schedule *s)
{
	size_t at = 0;
	void *value;

	tell_times(s);
	while (table_next(s->destinations, &at, NULL, &value)) {
		struct destination *dest = value;

		table_remove(s->destinations, span_of(dest->key));
		rest_no_more(s, dest);
		link_remove(&dest->link);
		dest->retired = true;
		dest->queued = false;
		if (destination_idle(dest))
			destination_free(dest);
		else
			link_append(&s->retired, &dest->link);
	}
	for (struct link *l = s->retired.next, *next; l != &s->retired; l = next) {
		next = l->next;
		destination_run(LINK_OF(l, struct destination, link));
	}
	memset(s->told, 0, sizeof(s->told));
	pump(s);
}

size_t schedule_destinations(const struct schedule *s)
{
	return table_count(s->destinations);
}

/* --- jobs ---------------------------------------------------------------------------- */

size_t schedule_held(const struct schedule *s)
{
	return table_count(s->jobs);
}

/* Its sender hears what stands in the way, if that is known. */
static void leave_untried(struct schedule *s, struct job *j)
{
	struct outcome o = { .fate = QUEUE_UNTRIED };
	char key[DESTINATION_KEY];
	struct conf_route *route;
	const struct destination *dest;

	destination_key(s->d->conf, j, &route, key);
	dest = table_get(s->destinations, span_of(key));
	if (dest != NULL && dest->words != NULL) {
		o.status = span_of(dest->status);
		o.words = span_of(dest->words);
	}
	outcome_settle_all(s->d, j, &o);
}

/* It is to fail, or only its sender is to be told: nothing is tried. */
static bool untried(struct schedule *s, struct job *j)
{
	struct outcome bounce = {
		.fate = QUEUE_FAILED,
		.status = span_of("5.0.0"),
		.words = span_of("the administrator of this server sent the message back"),
	};

	if ((j->q.why & QUEUE_BOUNCE) != 0)
		outcome_settle_all(s->d, j, &bounce);
	else if (s->d->stopping || (j->q.why & ~(unsigned)QUEUE_NOTICE) == 0)
		leave_untried(s, j);
	else
		return false;
	outcome_report(s->d, j);
	return true;
}

/* Whose mailbox here has it: nothing is to be sent, the sender is told that it is there. */
static void settle_here(struct schedule *s, struct job *j)
{
	const struct outcome here = {
		.fate = QUEUE_DELIVERED,
		.status = span_of("2.1.5"),
		.words = span_of("in the mailbox on this server"),
	};

	for (size_t i = 0; i < j->count; i++)
		if (store_remote_is_here(&j->rcpts[i].to.to))
			outcome_settle(s->d, j, i, &here);
}

static void take(struct schedule *s, const struct queue_job *q)
{
	char key[JOB_KEY];
	struct job *j = table_get(s->jobs, job_key(q->envelope.id, q->job, key));
	struct destination *dest;

	if (j != NULL) {	/* storaged was restarted, and we are still at it */
		j->q.lease = q->lease;
		close(q->fd);
		return;
	}
	j = job_new(s->d, q);
	if (j == NULL || table_put(s->jobs, span_of(j->key), j) < 0) {
		log_error("no memory for a queue entry id=%s", q->envelope.id);
		job_free(j);
		return;
	}
	settle_here(s, j);
	if (untried(s, j))
		return;
	if (j->open == 0) {
		outcome_report(s->d, j);
		return;
	}
	dest = find_destination(s, j);
	if (dest != NULL)
		destination_add(dest, j);
	else
		outcome_untried(s->d, j);
}

void schedule_forget(struct schedule *s, struct job *j)
{
	table_remove(s->jobs, span_of(j->key));
	job_free(j);
	pump(s);
}

void schedule_again(struct schedule *s, struct job *j)
{
	link_append(&s->again, &j->link);
	if (!uv_is_active((uv_handle_t *)&s->retry))
		uv_timer_start(&s->retry, on_retry, SCHEDULE_AGAIN_MS, 0);
}

/* --- leases ---------------------------------------------------------------------------- */

static void leased(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	struct schedule *s = arg;

	s->lease = 0;
	if (status != STORE_OK) {
		s->failing = s->ready = true;
		uv_timer_start(&s->retry, on_retry, SCHEDULE_AGAIN_MS, 0);
		return;
	}
	for (size_t i = 0; i < count; i++)
		take(s, &jobs[i]);
	s->ready |= count == QUEUE_JOBS;	/* there may be more; else a hint comes */
	pump(s);
}

/* With a crowd only now and then. */
static bool may_lease(struct schedule *s)
{
	uint64_t now;

	if (s->d->stopping || !s->ready || s->failing || s->lease != 0 ||
	    table_count(s->jobs) + QUEUE_JOBS > s->hands)
		return false;
	if (s->crowd < SCHEDULE_CROWD)
		return true;
	now = uv_now(s->d->loop);
	if (now - s->looked_ms >= SCHEDULE_LOOK_MS) {
		s->looked_ms = now;
		return true;
	}
	if (!uv_is_active((uv_handle_t *)&s->look))
		uv_timer_start(&s->look, on_look, SCHEDULE_LOOK_MS, 0);
	return false;
}

static void pump(struct schedule *s)
{
	struct queue_want want = { { NULL, 0 }, QUEUE_JOBS };

	if (s->d->stopping && s->d->saved && table_count(s->jobs) == 0)
		worker_leave(s->d->worker);
	if (!may_lease(s))
		return;
	s->ready = false;
	s->lease = queue_lease(s->d->store, &want, leased, s);
	if (s->lease == 0) {
		s->failing = s->ready = true;
		uv_timer_start(&s->retry, on_retry, SCHEDULE_AGAIN_MS, 0);
	}
}

static void refilled(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	struct destination *dest = arg;
	struct schedule *s = dest->d->schedule;

	dest->refill = 0;
	dest->dry = status != STORE_OK || count < QUEUE_JOBS;
	for (size_t i = 0; i < count; i++)
		take(s, &jobs[i]);
	destination_run(dest);
}

bool schedule_refill(struct schedule *s, struct destination *dest, struct span domain)
{
	struct queue_want want = { domain, QUEUE_JOBS };

	if (s->d->stopping || dest->refill != 0 || table_count(s->jobs) + QUEUE_JOBS > s->hands)
		return false;
	dest->refill = queue_lease(s->d->store, &want, refilled, dest);
	return dest->refill != 0;
}

/* --- room ---------------------------------------------------------------------------------- */

bool schedule_may_open(struct schedule *s, struct destination *dest)
{
	bool full = s->d->up >= s->d->conf->max_deliveries;

	if (!full && s->d->opening < SCHEDULE_OPENINGS)
		return true;
	if (!dest->queued && !dest->retired) {
		dest->queued = true;
		link_append(&s->queued, &dest->link);
	}
	if (full && !link_empty(&s->d->idlers))	/* its end gives the one that waits longest its turn */
		connection_quit(LINK_OF(s->d->idlers.next, struct connection, idle));
	return false;
}

bool schedule_wants_room(const struct schedule *s)
{
	return s->d->up >= s->d->conf->max_deliveries && !link_empty(&s->queued);
}

void schedule_freed(struct schedule *s)
{
	struct link *l;

	if (s->d->up >= s->d->conf->max_deliveries || s->d->opening >= SCHEDULE_OPENINGS)
		return;
	l = link_take(&s->queued);
	if (l != NULL) {
		struct destination *dest = LINK_OF(l, struct destination, link);

		dest->queued = false;
		destination_run(dest);
	}
}

void schedule_crowd(struct schedule *s, ptrdiff_t more)
{
	s->crowd += more;
	if (more < 0)
		pump(s);
}

void schedule_stop(struct schedule *s)
{
	size_t at = 0;
	void *value;

	while (table_next(s->destinations, &at, NULL, &value))
		destination_give_back(value);
	for (struct link *l = s->retired.next, *next; l != &s->retired; l = next) {
		next = l->next;
		destination_give_back(LINK_OF(l, struct destination, link));
	}
	pump(s);
}
