/* destination.c - the contract is in destination.h; how its hosts are found is in destination_way.c. */
#include "deliverd/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "deliverd/connection.h"
#include "deliverd/outcome.h"
#include "deliverd/schedule.h"

/* --- life --------------------------------------------------------------------- */

static enum destination_kind kind_of(const struct job *j)
{
	unsigned flags = j->q.envelope.flags;

	if ((flags & STORE_MAIL_REQUIRE_TLS) != 0 && j->q.sender.n > 0)	/* RFC 8689 5: not for a report */
		return DESTINATION_REQUIRE_TLS;
	return (flags & STORE_MAIL_TLS_OPTIONAL) != 0 ? DESTINATION_TLS_OPTIONAL : DESTINATION_PLAIN;
}

void destination_key(const struct conf *c, const struct job *j, struct conf_route **route, char out[DESTINATION_KEY])
{
	unsigned kind = (unsigned)kind_of(j);

	*route = NULL;
	if (j->q.route.n > 0) {
		snprintf(out, DESTINATION_KEY, "%u@%.*s", kind, (int)j->q.route.n, (const char *)j->q.route.p);
		return;
	}
	*route = conf_route(c, j->q.domain, j->q.sender);
	if (*route != NULL && (*route)->route.count > 0)
		snprintf(out, DESTINATION_KEY, "%u#%td", kind, *route - c->routes);
	else	/* a route to the domain's own hosts may say another word for TLS */
		snprintf(out, DESTINATION_KEY, "%u:%td:%.*s", kind, *route != NULL ? *route - c->routes : -1,
			 (int)j->q.domain.n, (const char *)j->q.domain.p);
}

static bool add_host(struct destination *dest, const struct route_host *h)
{
	struct destination_host *at = &dest->hosts[dest->host_count];

	if (!way_host_read(&at->host, span_of(h->name), h->port))
		return false;
	dest->host_count++;
	return true;
}

/* The hosts of a route need no search. */
static bool take_hosts(struct destination *dest, const struct job *j)
{
	struct route_host one;
	const struct route_host *hosts = &one;
	size_t count = 1;

	if (j->q.route.n > 0) {
		if (route_host_parse(&one, j->q.route, NULL) < 0)
			count = 0;
	} else if (dest->route != NULL && dest->route->route.count > 0) {
		hosts = dest->route->route.hosts;
		count = dest->route->route.count;
	} else {
		return true;
	}
	dest->hosts_given = true;
	dest->hosts = calloc(count > 0 ? count : 1, sizeof(*dest->hosts));
	for (size_t i = 0; dest->hosts != NULL && i < count; i++)
		add_host(dest, &hosts[i]);
	return dest->hosts != NULL;
}

struct destination *destination_new(struct deliverd *d, const char *key, struct conf_route *route, const struct job *j)
{
	struct destination *dest = calloc(1, sizeof(*dest));

	if (dest == NULL)
		return NULL;
	dest->d = d;
	dest->conf = conf_hold(d->conf);
	dest->route = route;
	dest->kind = kind_of(j);
	dest->word = route != NULL ? route->word : d->conf->word;
	dest->whole = dest->kind == DESTINATION_PLAIN && j->q.route.n == 0 && !d->conf->sender_routes;
	dest->window = 1;
	snprintf(dest->key, sizeof(dest->key), "%s", key);
	link_init(&dest->link);
	link_init(&dest->waiting);
	link_init(&dest->connections);
	dest->domain = strndup((const char *)j->q.domain.p, j->q.domain.n);
	if (dest->domain == NULL || !take_hosts(dest, j)) {
		destination_free(dest);
		return NULL;
	}
	return dest;
}

void destination_free(struct destination *dest)
{
	destination_forget_way(dest);
	free(dest->hosts);
	free(dest->domain);
	free(dest->status);
	free(dest->words);
	conf_drop(dest->conf);
	free(dest);
}

bool destination_idle(const struct destination *dest)
{
	return dest->waiting_count == 0 && dest->connection_count == 0 && dest->refill == 0 && !destination_looks(dest);
}

/* --- jobs that wait -------------------------------------------------------------- */

/* Those of a destination that is up, or wants a connection, wait for room; those of one that is
 * not there yet wait for it alone. */
static void recount(struct destination *dest, ptrdiff_t more)
{
	bool crowded = dest->up > 0 || dest->queued;
	ptrdiff_t before = dest->crowded ? (ptrdiff_t)dest->waiting_count : 0;

	dest->waiting_count += (size_t)more;
	dest->crowded = crowded;
	before = (crowded ? (ptrdiff_t)dest->waiting_count : 0) - before;
	if (before != 0)
		schedule_crowd(dest->d->schedule, before);
}

/* It is due although its destination is held off: an administrator has flushed the queue since it
 * failed, or its own time has come. What was on its way when the destination failed is no such. */
static bool lifts(const struct destination *dest, const struct job *j)
{
	uint64_t failed_ms = clock_mono_ms() - dest->failed_ms;	/* ago */

	if ((j->q.why & QUEUE_DUE) == 0)
		return false;
	if (j->q.flushed_ms > 0 && j->q.flushed_ms <= failed_ms + 1)
		return true;
	return (dest->whole || j->q.attempts > 0) && failed_ms >= DESTINATION_SETTLE_MS;
}

void destination_add(struct destination *dest, struct job *j)
{
	j->destination = dest;
	link_append(&dest->waiting, &j->link);
	dest->dry = false;
	if (dest->until_s > 0 && lifts(dest, j))
		dest->until_s = 0;
	recount(dest, 1);
	destination_run(dest);
}

void destination_return(struct destination *dest, struct job *j)
{
	j->destination = dest;
	link_insert(&dest->waiting, &j->link);
	recount(dest, 1);
}

static struct job *take_waiting(struct destination *dest)
{
	struct link *l = link_take(&dest->waiting);

	if (l == NULL)
		return NULL;
	recount(dest, -1);
	return LINK_OF(l, struct job, link);
}

struct job *destination_take(struct destination *dest)
{
	struct job *j = take_waiting(dest);

	if (j != NULL && dest->waiting_count < DESTINATION_LOW && !dest->dry && !dest->retired)
		schedule_refill(dest->d->schedule, dest, j->q.domain);
	return j;
}

static void settle_waiting(struct destination *dest, const struct outcome *o)
{
	struct job *j;

	while ((j = take_waiting(dest)) != NULL) {
		if (o->fate == QUEUE_DEFERRED)
			j->retry_s = dest->until_s;
		outcome_settle_all(dest->d, j, o);
		outcome_report(dest->d, j);
	}
}

void destination_give_back(struct destination *dest)
{
	settle_waiting(dest, &(struct outcome){ .fate = QUEUE_UNTRIED });
	for (struct link *l = dest->connections.next, *next; l != &dest->connections; l = next) {
		struct connection *c = LINK_OF(l, struct connection, link);

		next = l->next;
		if (connection_idle(c))
			connection_quit(c);
	}
}

/* --- failure and success ------------------------------------------------------------ */

static uint32_t most_attempts(const struct destination *dest)
{
	uint32_t most = 0;

	for (struct link *l = dest->waiting.next; l != &dest->waiting; l = l->next) {
		const struct job *j = LINK_OF(l, struct job, link);

		if (j->q.attempts > most)
			most = j->q.attempts;
	}
	return most;
}

static void keep_text(char **at, struct span text)
{
	free(*at);
	*at = strndup((const char *)text.p, text.n);
}

/* The domains of what waits are held off, each once where they stand together. */
static void hold_off(struct destination *dest)
{
	struct span last = { NULL, 0 };

	for (struct link *l = dest->waiting.next; dest->whole && l != &dest->waiting; l = l->next) {
		struct span domain = LINK_OF(l, struct job, link)->q.domain;

		if (!span_equal(domain, last))
			schedule_domain(dest->d->schedule, domain, 1, dest->until_s, span_of(dest->words));
		last = domain;
	}
}

static struct outcome last_failure(const struct destination *dest, struct span host)
{
	return (struct outcome){
		.fate = QUEUE_DEFERRED,
		.status = span_of(dest->status != NULL ? dest->status : "4.4.0"),
		.words = span_of(dest->words != NULL ? dest->words : "the destination is held off"),
		.host = host,
	};
}

static void log_held_off(const struct destination *dest)
{
	char time[CLOCK_TEXT];

	clock_log_text(time, dest->until_s * 1000);
	log_info("destination held off domain=%s next=%s failures=%u reason=\"%s\"", dest->domain, time, dest->failures,
		 dest->words != NULL ? dest->words : "");
}

void destination_fail(struct destination *dest, struct span status, struct span words, struct span host)
{
	uint32_t attempts = most_attempts(dest);
	struct outcome o;

	dest->window = 1;
	dest->until_s = conf_retry_s(dest->conf, dest->failures > attempts ? dest->failures : attempts, deliverd_now_s());
	dest->failures++;
	dest->failed_ms = clock_mono_ms();
	keep_text(&dest->status, status);
	keep_text(&dest->words, words);
	o = last_failure(dest, host);
	log_held_off(dest);
	hold_off(dest);
	settle_waiting(dest, &o);
}

void destination_refuse(struct destination *dest, struct span status, struct span words, struct span host)
{
	struct outcome o = { .fate = QUEUE_FAILED, .status = status, .words = words, .host = host };

	settle_waiting(dest, &o);
}

void destination_success(struct destination *dest, struct span domain)
{
	bool grown;

	if (dest->failures > 0)
		log_info("destination up again domain=%s", dest->domain);
	dest->failures = 0;
	dest->until_s = 0;
	grown = dest->window < dest->conf->per_destination;
	dest->window += grown;
	if (dest->whole)
		schedule_domain(dest->d->schedule, domain, (uint32_t)dest->window, 0, (struct span){ NULL, 0 });
	if (grown && dest->waiting_count > 0)
		destination_run(dest);
}

/* --- connections -------------------------------------------------------------------- */

static struct connection *find_idle(struct destination *dest)
{
	for (struct link *l = dest->connections.next; l != &dest->connections; l = l->next) {
		struct connection *c = LINK_OF(l, struct connection, link);

		if (connection_idle(c))
			return c;
	}
	return NULL;
}

static void hand_out(struct destination *dest)
{
	struct connection *c;
	size_t before = dest->waiting_count + 1;

	/* as long as it helps: one that has had its share takes none */
	while (dest->waiting_count > 0 && dest->waiting_count < before && (c = find_idle(dest)) != NULL) {
		before = dest->waiting_count;
		connection_work(c);
	}
}

static bool wants_connection(const struct destination *dest)
{
	return dest->waiting_count > dest->opening && dest->connection_count < dest->window &&
	       (dest->up == 0 || uv_now(dest->d->loop) >= dest->shy_until_ms);
}

static void open_connections(struct destination *dest)
{
	while (wants_connection(dest) && schedule_may_open(dest->d->schedule, dest))
		if (connection_open(dest) == NULL) {
			if (dest->connection_count == 0)
				destination_fail(dest, span_of("4.3.0"),
						 span_of(dest->host_count > 0 ? "no memory for a connection"
									      : "the route has no host that can be used"),
						 (struct span){ NULL, 0 });
			break;
		}
}

static void run_once(struct destination *dest)
{
	if (dest->waiting_count > 0 && dest->until_s > deliverd_now_s()) {
		struct outcome o = last_failure(dest, (struct span){ NULL, 0 });

		hold_off(dest);
		settle_waiting(dest, &o);
	}
	if (dest->waiting_count > 0 && !destination_look(dest))
		return;
	if (dest->waiting_count > 0)
		hand_out(dest);
	if (dest->waiting_count > 0)
		open_connections(dest);
}

/* What it does may call it again. */
void destination_run(struct destination *dest)
{
	dest->run_again = true;
	if (dest->running)
		return;
	dest->running = true;
	while (dest->run_again) {
		dest->run_again = false;
		run_once(dest);
	}
	dest->running = false;
	recount(dest, 0);
	if (destination_idle(dest))
		schedule_rest(dest->d->schedule, dest);
}

void destination_up(struct destination *dest, struct connection *c)
{
	(void)c;
	dest->until_s = 0;
	recount(dest, 0);
}

void destination_no_connection(struct destination *dest, struct connection *c, enum queue_fate fate,
			       struct span status, struct span words, struct span host)
{
	if (dest->connection_count > 1) {	/* others are up, or may come up */
		dest->shy_until_ms = uv_now(dest->d->loop) + DESTINATION_SHY_MS;
		if (dest->up > 0)
			dest->window = dest->up;
	} else if (fate == QUEUE_FAILED) {
		destination_refuse(dest, status, words, host);
	} else {
		destination_fail(dest, status, words, host);
	}
	connection_end(c);
	schedule_freed(dest->d->schedule);
	destination_run(dest);
}

void destination_gone(struct destination *dest, struct connection *c)
{
	(void)c;
	recount(dest, 0);
	schedule_freed(dest->d->schedule);
	destination_run(dest);
}
