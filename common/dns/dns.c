/* dns.c - questions and their answers; the contract is in dns.h.
 *
 * A question is asked (libunbound owes its callback), ready (its answer waits for the loop's next
 * turn), or both, when its time is up. It is freed when it is neither. */
#include "common/dns/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/base/table.h"
#include "common/dns/context.h"

enum {
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	SERVERS = 8,
	SERVER_MAX = 80,
	ANCHORS_MAX = 1 << 20,
	WORDS = 300,
	MEMORY = DNS_RECORDS * sizeof(struct dns_record) + (128 << 10)
};

struct question {
	struct dns *dns;
	struct question *previous, *next; /* in one of the two lists */
	struct list *list;
	uint64_t number, deadline_ms;
	dns_done done; /* NULL: nobody waits any more */
	void *arg;
	uint8_t *packet; /* NULL: none came */
	size_t size;
	enum dns_type type;
	enum dns_status status; /* where there is no packet */
	bool asked, secure;
	bool again;		/* to be asked by another plan */
	enum context_plan plan;	/* by which it was asked */
	char name[DNS_NAME_MAX];
	char words[WORDS];
};

struct list {
	struct question *first, *last;
	size_t count;
};

struct dns {
	struct events events;
	struct ub_ctx *contexts[CONTEXT_PLANS];
	enum context_plan plan;	/* in force */
	bool may_change;	/* options.found; then they are kept: */
	char servers[SERVERS][SERVER_MAX];
	const char *server[SERVERS];
	struct buf anchors;
	struct dns_options options;
	bool worked;		/* the plan has given an answer */
	struct table *numbers; /* those that somebody waits for */
	struct list asked;     /* in the order of their deadlines; those that nobody waits for apart: */
	struct list forgotten;
	struct list ready;
	uv_timer_t timer; /* of the first in asked */
	uv_idle_t idle;   /* runs while there is one ready */
	uv_timer_t rest;  /* runs while there are contexts */
	uint64_t last_ms; /* of the last question */
	uint64_t last_number;
	size_t count;     /* of questions, forgotten ones too */
	unsigned handles; /* that libuv still holds */
	bool freed;
};

/* --- lists ------------------------------------------------------------------ */

static void leave(struct question *q)
{
	struct list *l = q->list;

	if (l == NULL)
		return;
	*(q->previous != NULL ? &q->previous->next : &l->first) = q->next;
	*(q->next != NULL ? &q->next->previous : &l->last) = q->previous;
	q->previous = q->next = NULL;
	q->list = NULL;
	l->count--;
}

static void join(struct question *q, struct list *l)
{
	leave(q);
	q->list = l;
	q->previous = l->last;
	*(l->last != NULL ? &l->last->next : &l->first) = q;
	l->last = q;
	l->count++;
}

/* The list is not empty. */
static struct question *take_first(struct list *l)
{
	struct question *q = l->first;

	l->first = q->next;
	*(q->next != NULL ? &q->next->previous : &l->last) = NULL;
	q->next = NULL;
	q->list = NULL;
	l->count--;
	return q;
}

static void question_free(struct question *q)
{
	leave(q);
	q->dns->count--;
	free(q->packet);
	free(q);
}

/* Nobody waits any more: it stays for as long as libunbound knows it. */
static void forget(struct question *q)
{
	table_remove(q->dns->numbers, table_number(&q->number));
	q->done = NULL;
	if (q->asked)
		join(q, &q->dns->forgotten);
	else
		question_free(q);
}

/* --- the answer ------------------------------------------------------------- */

static const char *words_of(const struct question *q, enum dns_status status)
{
	switch (status) {
	case DNS_OK:
		return "";
	case DNS_NO_DATA:
		return "the name has no such record";
	case DNS_NO_NAME:
		return "the name does not exist";
	case DNS_BOGUS:
		return "DNSSEC: the answer is forged or badly signed";
	case DNS_INVALID:
		return "this is no name";
	case DNS_FAILED:
		break;
	}
	return q->asked ? "no name server answered in time" : "the name servers could not answer";
}

static void read_packet(const struct question *q, struct buf *memory, struct dns_answer *out)
{
	int code = dns_parse((struct span){ q->packet, q->size }, q->type, q->name, memory, out);

	if (code == 0)
		return;
	*out =
	    (struct dns_answer){ .status = DNS_FAILED, .name = q->name, .words = "the answer can't be read" };
	if (code == -ENOMEM)
		out->words = "no memory for the answer";
}

/* The callback may cancel, ask, or free all of it: the question is gone before. */
static void deliver(struct question *q)
{
	struct question mine = *q;
	struct dns_answer a = { .status = mine.status, .name = mine.name, .words = mine.words };
	struct buf memory;

	q->packet = NULL;
	forget(q);
	buf_init(&memory, MEMORY);
	if (mine.packet != NULL)
		read_packet(&mine, &memory, &a);
	free(mine.packet);
	a.secure = mine.secure && a.status != DNS_FAILED;
	if (*a.words == '\0')
		a.words = words_of(&mine, a.status);
	mine.done(mine.arg, &a);
	buf_clear(&memory);
}

static void ask(struct question *q);

static void answer(struct question *q)
{
	if (q->again)
		ask(q);
	else
		deliver(q);
}

/* As many as were ready when the turn began. */
static void on_idle(uv_idle_t *idle)
{
	struct dns *d = idle->data;

	for (size_t n = d->ready.count; n > 0 && !d->freed && d->ready.count > 0; n--)
		answer(take_first(&d->ready));
	if (!d->freed && d->ready.count == 0)
		uv_idle_stop(idle);
}

static void make_ready(struct question *q)
{
	join(q, &q->dns->ready);
	uv_idle_start(&q->dns->idle, on_idle);
}

/* --- time ------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void arm(struct dns *d)
{
	uint64_t now_ms = clock_mono_ms(), due_ms;

	if (d->asked.first == NULL || uv_is_active((const uv_handle_t *)&d->timer))
		return;
	due_ms = d->asked.first->deadline_ms;
	uv_timer_start(&d->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 1, 0);
}

/* --- questions -------------------------------------------------------------- */

static void take_packet(struct question *q, const void *packet, int size)
{
	q->packet = malloc((size_t)size);
	if (q->packet == NULL)
		return;
	memcpy(q->packet, packet, (size_t)size);
	q->size = (size_t)size;
}

static bool keeps_back(const char *why)
{
	return why != NULL && strstr(why, "no DNSKEY") != NULL && strstr(why, "for trust anchor . ") != NULL;
}

/* "validation failure <mx.example. A IN>: why": the name is known. */
static void take_forged(struct question *q, const char *why)
{
	const char *words = why != NULL ? strstr(why, ">: ") : NULL;
	char text[WORDS / 2];

	escape_text(text, sizeof(text), span_of(words != NULL ? words + 3 : why));
	q->status = DNS_BOGUS;
	snprintf(q->words, sizeof(q->words), "DNSSEC: %s", text);
	if (!keeps_back(why))
		return;
	/* Nothing is forged, but nothing can be proved either. */
	q->status = DNS_FAILED;
	snprintf(q->words, sizeof(q->words),
		 "the resolver keeps DNSSEC back, set Resolver to one that hands it on, or to root: %s",
		 text);
}

/* --- contexts --------------------------------------------------------------- */

static void contexts_free(struct dns *d)
{
	for (unsigned i = 0; i < CONTEXT_PLANS; i++) {
		if (d->contexts[i] != NULL)
			ub_ctx_delete(d->contexts[i]);
		d->contexts[i] = NULL;
	}
}

/* --- another plan ----------------------------------------------------------- */

/* False: it can't be. */
static bool change_plan(struct dns *d)
{
	enum context_plan next = d->plan + 1;
	struct error err;

	if (context_new(&d->contexts[next], &d->events, &d->options, next, &err) < 0) {
		log_error("resolver can't be made anew reason=\"%s\"", err.words);
		d->may_change = false;
		return false;
	}
	d->plan = next;
	d->worked = false;
	if (next == CONTEXT_ROOT)
		log_warn("resolver keeps DNSSEC back, the root's servers are asked instead; see Resolver");
	else
		log_warn("resolver keeps DNSSEC back, and the root's servers do not answer: names are believed "
			 "without proof, DANE is not used; see Resolver");
	return true;
}

/* The plan in force does not work on this network. */
static bool plan_failed(const struct dns *d, int rcode, const char *why)
{
	if (d->worked || d->plan == CONTEXT_BELIEVE)
		return false;
	return keeps_back(why) || (d->plan == CONTEXT_ROOT && rcode != 0 && rcode != RCODE_NXDOMAIN);
}

static void on_timer(uv_timer_t *timer)
{
	struct dns *d = timer->data;
	uint64_t now_ms = clock_mono_ms();

	while (d->asked.first != NULL && d->asked.first->deadline_ms <= now_ms) {
		if (d->may_change && d->asked.first->plan == d->plan && plan_failed(d, RCODE_SERVFAIL, NULL))
			change_plan(d); /* for those to come */
		make_ready(d->asked.first);
	}
	arm(d);
}

/* True: the question goes to somebody else. */
static bool goes_on(struct question *q, int rcode, const char *why)
{
	struct dns *d = q->dns;

	if (!d->may_change)
		return false;
	if (q->plan == d->plan) {
		d->worked |= why == NULL && (rcode == 0 || rcode == RCODE_NXDOMAIN);
		if (!plan_failed(d, rcode, why) || !change_plan(d))
			return false;
	} else if (!keeps_back(why) && (rcode == 0 || rcode == RCODE_NXDOMAIN)) {
		return false;
	}
	q->again = true;
	return true;
}

static void on_answer(void *arg, int rcode, void *packet, int size, int security, char *why, int limited)
{
	struct question *q = arg;

	(void)limited;
	if (q->dns->freed)
		return;
	q->asked = false;
	if (q->list == &q->dns->forgotten) {
		question_free(q);
		return;
	}
	if (q->list != &q->dns->asked) /* its time was up */
		return;
	q->secure = security == 2;
	if (goes_on(q, rcode, security == 1 ? why : NULL))
		q->secure = false;
	else if (security == 1)
		take_forged(q, why);
	else if (rcode == 0 && packet != NULL && size > 0)
		take_packet(q, packet, size);
	else if (rcode == RCODE_NXDOMAIN)
		q->status = DNS_NO_NAME;
	make_ready(q);
}

/* Contexts take megabytes: who asks nothing for a while has none. */
static void on_rest(uv_timer_t *timer)
{
	struct dns *d = timer->data;

	if (d->count > 0 || clock_mono_ms() - d->last_ms < DNS_REST_MS)
		return;
	contexts_free(d);
	uv_timer_stop(&d->rest);
}

/* The context of the plan in force, made if there is none. NULL: it can't be. */
static struct ub_ctx *context_of(struct dns *d)
{
	struct error err;

	d->last_ms = clock_mono_ms();
	if (d->contexts[d->plan] != NULL)
		return d->contexts[d->plan];
	if (context_new(&d->contexts[d->plan], &d->events, &d->options, d->plan, &err) < 0) {
		log_error("resolver can't be made anew reason=\"%s\"", err.words);
		return NULL;
	}
	uv_timer_start(&d->rest, on_rest, DNS_REST_MS, DNS_REST_MS / 4);
	return d->contexts[d->plan];
}

static void ask(struct question *q)
{
	struct dns *d = q->dns;
	struct ub_ctx *c = context_of(d);

	q->again = false;
	q->asked = true;
	q->plan = d->plan;
	q->deadline_ms = clock_mono_ms() + DNS_WAIT_MS;
	join(q, &d->asked);
	if (c == NULL || ub_resolve_event(c, q->name, (int)q->type, 1, q, on_answer, NULL) != 0) {
		q->asked = false;
		make_ready(q);
	}
	arm(d);
}

static int question_new(struct question **out, struct dns *d, const char *name, enum dns_type type)
{
	struct question *q = d->count < DNS_OPEN ? calloc(1, sizeof(*q)) : NULL;

	*out = q;
	if (q == NULL)
		return -ENOMEM;
	*q = (struct question){ .dns = d, .number = d->last_number + 1, .type = type, .status = DNS_FAILED };
	if (table_put(d->numbers, table_number(&q->number), q) < 0) {
		free(q);
		return -ENOMEM;
	}
	d->last_number++;
	d->count++;
	if (!dns_name(span_of(name), q->name))
		q->status = DNS_INVALID;
	return 0;
}

uint64_t dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done done, void *arg)
{
	struct question *q;
	uint64_t number;

	if (question_new(&q, d, name, type) < 0)
		return 0;
	number = q->number;
	q->done = done;
	q->arg = arg;
	if (q->status == DNS_INVALID)
		make_ready(q);
	else
		ask(q);
	return number;
}

void dns_cancel(struct dns *d, uint64_t number)
{
	struct question *q = number != 0 ? table_get(d->numbers, table_number(&number)) : NULL;

	if (q != NULL)
		forget(q);
}

/* --- the resolver ----------------------------------------------------------- */

/* Another plan may need them later. */
static void options_keep(struct dns *d, const struct dns_options *o)
{
	buf_put(&d->anchors, o->anchors);
	d->options.anchors = buf_span(&d->anchors);
	d->options.servers = d->server;
	for (size_t i = 0; i < o->server_count && i < SERVERS; i++) {
		snprintf(d->servers[i], SERVER_MAX, "%s", o->servers[i]);
		d->server[i] = d->servers[i];
		d->options.server_count++;
	}
	d->may_change = o->found && o->server_count > 0 && !d->anchors.failed;
}

int dns_new(struct dns **out, uv_loop_t *loop, const struct dns_options *o, struct error *err)
{
	struct dns *d = calloc(1, sizeof(*d));
	int code;

	*out = NULL;
	if (d == NULL)
		return error_set(err, -ENOMEM, "no memory for a resolver");
	events_init(&d->events, loop);
	code = table_new(&d->numbers, err);
	if (code == 0 && (o->anchors.n > 0 || !o->found))	/* what nobody chose is good */
		code = context_new(&d->contexts[CONTEXT_CHOSEN], &d->events, o, CONTEXT_CHOSEN, err);
	if (code < 0) {
		table_free(d->numbers);
		free(d);
		return code;
	}
	buf_init(&d->anchors, ANCHORS_MAX);
	options_keep(d, o);
	uv_timer_init(loop, &d->timer);
	uv_idle_init(loop, &d->idle);
	uv_timer_init(loop, &d->rest);
	d->timer.data = d->idle.data = d->rest.data = d;
	uv_unref((uv_handle_t *)&d->rest);
	d->handles = 3;
	contexts_free(d);	/* it can be made: that was all */
	*out = d;
	return 0;
}

static void list_free(struct list *l)
{
	while (l->first != NULL)
		question_free(take_first(l));
}

static void on_closed(uv_handle_t *h)
{
	struct dns *d = h->data;

	if (--d->handles == 0)
		free(d);
}

void dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	d->freed = true;
	contexts_free(d);
	buf_clear(&d->anchors);
	list_free(&d->asked);
	list_free(&d->forgotten);
	list_free(&d->ready);
	table_free(d->numbers);
	uv_close((uv_handle_t *)&d->timer, on_closed);
	uv_close((uv_handle_t *)&d->idle, on_closed);
	uv_close((uv_handle_t *)&d->rest, on_closed);
}
