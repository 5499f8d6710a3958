/* deliver_world.c - the contract is in deliver_world.h. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/config/route.h"
#include "common/net/remote.h"
#include "deliverd/destination.h"
#include "deliverd/connection.h"
#include "deliverd/memory.h"
#include "deliverd/schedule.h"
#include "deliverd/sign.h"
#include "deliverd/sts.h"
#include "deliverd/tlsrpt.h"
#include "tests/unit/deliver_world.h"

struct world world;

/* --- settings --------------------------------------------------------------------- */

struct conf *conf_hold(struct conf *c)
{
	return c;
}

void conf_drop(struct conf *c)
{
	(void)c;
}

struct conf_route *conf_route(const struct conf *c, struct span domain, struct span sender)
{
	(void)c;
	(void)domain;
	(void)sender;
	return NULL;
}

void conf_rest(struct conf *c)
{
	(void)c;
}

int64_t conf_retry_s(const struct conf *c, uint32_t attempts, int64_t now_s)
{
	return now_s + c->retry_ms[attempts < c->retry_count ? attempts : c->retry_count - 1] / 1000;
}

struct tls_context *conf_tls(struct conf *c, struct conf_route *route, enum tls_outbound_verify verify, struct error *err)
{
	(void)route;
	(void)verify;
	(void)err;
	return (struct tls_context *)(void *)c;
}

/* --- what is not played ------------------------------------------------------------ */

uint64_t worker_id(struct worker *w)
{
	static uint64_t id;

	(void)w;
	return ++id;
}

void worker_leave(struct worker *w)
{
	(void)w;
	world.left = true;
}

uint64_t memory_ask(struct memory *m, const char *name, unsigned port, memory_done done, void *arg)
{
	(void)m, (void)name, (void)port, (void)done, (void)arg;
	return 0;
}

void memory_cancel(struct memory *m, uint64_t number)
{
	(void)m, (void)number;
}

void memory_tls(struct memory *m, const char *name, unsigned port, unsigned version)
{
	(void)m, (void)name, (void)port, (void)version;
}

uint64_t sts_ask(struct sts *s, const char *domain, sts_done done, void *arg)
{
	(void)s, (void)domain, (void)done, (void)arg;
	return 0;
}

void sts_cancel(struct sts *s, uint64_t number)
{
	(void)s, (void)number;
}

void sts_doubt(struct sts *s, const char *domain)
{
	(void)s, (void)domain;
}

const char *sts_cause(enum sts_trouble t)
{
	(void)t;
	return NULL;
}

bool sts_policy_lists(const struct sts_policy *p, const char *host)
{
	(void)p, (void)host;
	return false;
}

void sts_policy_drop(struct sts_policy *p)
{
	(void)p;
}

struct sts_policy *sts_policy_hold(struct sts_policy *p)
{
	return p;
}

void tlsrpt_session(struct tlsrpt *t, const struct tlsrpt_session *s)
{
	(void)t, (void)s;
}

const char *tls_outbound_cause(const struct tls_session *s, enum tls_cut cut)
{
	(void)s, (void)cut;
	return "";
}

struct tls_tlsa *tls_tlsa_copy(const struct tls_tlsa *records, size_t count)
{
	(void)records;
	(void)count;
	return NULL;
}

void tls_outbound_cause_text(const char *cause, const char *said, char *out, size_t size)
{
	(void)said;
	snprintf(out, size, "TLS deferring: (0, '') %s", cause);
}

const char *tls_outbound_peer_trouble(const struct tls_session *s)
{
	(void)s;
	return "";
}

void tls_outbound_success_text(const struct tls_session *s, char *out, size_t size)
{
	(void)s;
	snprintf(out, size, "TLS success");
}

unsigned tls_outbound_lower(const struct tls_context *c, unsigned version)
{
	(void)c, (void)version;
	return 0;
}

const struct tls_facts *tls_session_facts(const struct tls_session *s)
{
	(void)s;
	return NULL;
}

struct signing {
	uint64_t size;
};

bool signing_is_due(const struct conf *conf, const struct job *j)
{
	(void)conf, (void)j;
	return false;
}

struct signing *signing_new(struct conf *conf, struct job *j, enum content_form form, void (*wake)(void *arg), void *arg)
{
	struct signing *s = calloc(1, sizeof(*s));

	(void)conf, (void)form, (void)wake, (void)arg;
	s->size = j->q.size;
	return s;
}

void signing_free(struct signing *s)
{
	free(s);
}

int signing_run(struct signing *s, uv_loop_t *loop, struct error *err)
{
	(void)s, (void)loop, (void)err;
	return 1;
}

struct span signing_result(const struct signing *s)
{
	(void)s;
	return (struct span){ NULL, 0 };
}

uint64_t signing_size(const struct signing *s)
{
	return s->size;
}

/* --- things that happen later --------------------------------------------------------- */

/* An answer that is due: of a search, or of authd. */
struct way {
	struct link link;
	way_done found;
	way_host_done host_found;
	auth_resolve_done resolved;
	void *arg;
	char name[DNS_NAME_MAX];
	unsigned port;
};

static struct link due, remotes;

static struct way *way_new(const char *name, void *arg)
{
	struct way *w = calloc(1, sizeof(*w));

	snprintf(w->name, sizeof(w->name), "%s", name);
	w->arg = arg;
	link_init(&w->link);
	link_append(&due, &w->link);
	return w;
}

struct way *way_find(struct dns *dns, const struct way_self *self, const char *domain, uint16_t port, way_done done,
		     void *arg)
{
	struct way *w = way_new(domain, arg);

	(void)dns, (void)self;
	world.searches++;
	w->found = done;
	w->port = port;
	return w;
}

struct way *way_host_find(struct dns *dns, const struct way_self *self, const struct way_host *host, way_host_done done,
			  void *arg)
{
	struct way *w = way_new(host->name, arg);

	(void)dns, (void)self;
	w->host_found = done;
	w->port = host->port;
	return w;
}

void way_cancel(struct way *w)
{
	if (w == NULL)
		return;
	link_remove(&w->link);
	free(w);
}

bool way_host_read(struct way_host *out, struct span text, uint16_t port)
{
	*out = (struct way_host){ .port = port };
	memcpy(out->name, text.p, text.n);
	return true;
}

uint64_t auth_resolve(struct auth *a, struct span address, struct span sender, auth_resolve_done done, void *arg)
{
	char name[DNS_NAME_MAX];

	(void)a, (void)sender;
	snprintf(name, sizeof(name), "%.*s", (int)address.n, (const char *)address.p);
	way_new(name, arg)->resolved = done;
	return 1;
}

void auth_cancel(struct auth *a, uint64_t number)
{
	(void)a, (void)number;
}

static void answer_resolve(const struct way *w)
{
	struct auth_target t;
	struct auth_resolved r = { .targets = &t, .count = 1 };

	snprintf(t.account, sizeof(t.account), "%s", w->name);
	w->resolved(w->arg, strstr(w->name, "@here.test") != NULL ? AUTH_OK : AUTH_NOT_LOCAL, &r);
}

static void answer_host(const struct way *w)
{
	struct address a = { .port = w->port };
	struct way_host_answer h = { .status = DNS_OK, .addresses = &a, .count = 1, .words = "", .tlsa_base = "" };

	for (unsigned i = 0; i < world.host_count; i++)
		if (strcmp(world.hosts[i].name, w->name) == 0)
			snprintf(a.host, sizeof(a.host), "127.1.%u.%u", i / 256, i % 256);
	h.self = strstr(w->name, "self") != NULL;
	w->host_found(w->arg, &h);
}

static void answer_domain(const struct way *w)
{
	struct way_host hosts[4] = { 0 };
	struct way_answer a = { .fate = WAY_NEVER, .hosts = hosts, .ttl_s = 60, .status = "5.1.2", .words = "no such domain" };

	for (unsigned i = 0; i < world.domain_count; i++) {
		const struct world_domain *d = &world.domains[i];

		if (strcmp(d->name, w->name) != 0)
			continue;
		a.fate = d->fate;
		a.status = d->status;
		a.count = d->count;
		for (unsigned k = 0; k < d->count; k++) {
			hosts[k].port = 25;
			snprintf(hosts[k].name, sizeof(hosts[k].name), "%s", world.hosts[d->hosts[k]].name);
		}
	}
	w->found(w->arg, &a);
}

static bool answer_one(void)
{
	struct link *l = link_take(&due);
	struct way *w;

	if (l == NULL)
		return false;
	w = LINK_OF(l, struct way, link);
	if (w->resolved != NULL)
		answer_resolve(w);
	else if (w->host_found != NULL)
		answer_host(w);
	else
		answer_domain(w);
	free(w);
	return true;
}

/* --- hosts ----------------------------------------------------------------------------- */

struct remote {
	struct link link;
	const struct remote_protocol *p;
	void *session;
	char address[INET6_ADDRSTRLEN];
	struct world_host *host;
	bool up, woken, over, data, gone;
	unsigned mails, held;
	struct buf in, out;	/* what came from the client; what it is to get */
};

int remote_new(struct remote **out, uv_loop_t *loop, const struct remote_options *o, const struct remote_protocol *p,
	       void *session, struct error *err)
{
	struct remote *r = *out = calloc(1, sizeof(*r));
	unsigned high, low;

	(void)loop, (void)err;
	r->p = p;
	r->session = session;
	snprintf(r->address, sizeof(r->address), "%s", o->addresses[0].host);
	assert_int_equal(sscanf(r->address, "127.1.%u.%u", &high, &low), 2);
	r->host = &world.hosts[high * 256 + low];
	r->host->connections++;
	r->woken = true;
	buf_init(&r->in, 1 << 20);
	buf_init(&r->out, 1 << 20);
	link_init(&r->link);
	link_append(&remotes, &r->link);
	return 0;
}

static void remote_down(struct remote *r)
{
	if (r->up)
		r->host->at_once--;
	r->up = false;
}

/* The one whose callback runs is freed behind it. */
static struct remote *running;

void remote_free(struct remote *r)
{
	if (r == NULL)
		return;
	remote_down(r);
	link_remove(&r->link);
	r->gone = true;
	if (r == running)
		return;
	buf_clear(&r->in);
	buf_clear(&r->out);
	free(r);
}

void remote_wake(struct remote *r)
{
	r->woken = true;
}

const char *remote_address(const struct remote *r)
{
	return r->address;
}

const char *remote_local(const struct remote *r)
{
	(void)r;
	return "127.0.0.1";
}

const struct tls_session *remote_tls(const struct remote *r)
{
	(void)r;
	return NULL;
}

static void say(struct remote *r, const char *reply)
{
	buf_put_text(&r->out, reply);
	buf_put_text(&r->out, "\r\n");
}

static void hang_up(struct remote *r)
{
	r->over = true;
}

static void answer_message(struct remote *r)
{
	const char *end = r->host->end;

	if (end != NULL && r->host->end_first > 0 && --r->host->end_first == 0)
		r->host->end = NULL;
	if (end != NULL && *end == '\0') {
		hang_up(r);
		return;
	}
	r->host->messages += end == NULL;
	say(r, end != NULL ? end : "250 2.0.0 taken");
}

static void hear_message(struct remote *r)
{
	r->data = false;
	if (r->host->holds)
		r->held++;
	else
		answer_message(r);
}

static void hear_command(struct remote *r, struct span line)
{
	if (span_starts(line, "EHLO")) {
		say(r, "250-there\r\n250-PIPELINING\r\n250 8BITMIME");
	} else if (span_starts(line, "MAIL")) {
		if (r->host->once && r->mails++ > 0)
			hang_up(r);
		else
			say(r, "250 2.1.0 ok");
	} else if (span_starts(line, "RCPT")) {
		say(r, r->host->rcpt != NULL ? r->host->rcpt : "250 2.1.5 ok");
	} else if (span_starts(line, "DATA")) {
		if (r->host->rcpt != NULL) {
			say(r, "503 5.5.1 nobody");
			return;
		}
		say(r, "354 go on");
		r->data = true;
	} else if (span_starts(line, "QUIT")) {
		say(r, "221 2.0.0 bye");
	} else {
		say(r, "250 2.0.0 ok");
	}
}

static void hear(struct remote *r)
{
	uint8_t *lf;

	/* what is said behind a message waits until that is answered */
	while (!r->over && r->held == 0 && r->in.n > 0 && (lf = memchr(r->in.p, '\n', r->in.n)) != NULL) {
		size_t n = (size_t)(lf - r->in.p) + 1;
		struct span line = { r->in.p, n - 2 };

		if (!r->data)
			hear_command(r, line);
		else if (span_is(line, "."))
			hear_message(r);
		buf_drop(&r->in, n);
	}
}

static bool connect_one(struct remote *r)
{
	if (r->host->refuses) {
		r->p->ended(r->session, REMOTE_NO_CONNECTION, "connection refused");
		return true;
	}
	r->up = true;
	if (++r->host->at_once > r->host->most)
		r->host->most = r->host->at_once;
	r->p->connected(r->session, r->address);
	if (!r->gone && !r->host->silent)
		say(r, r->host->greeting != NULL ? r->host->greeting : "220 there");
	return true;
}

/* One turn of a connection. True: something happened. */
static bool turn(struct remote *r)
{
	struct span out;

	if (r->woken && !r->up)
		return r->woken = false, connect_one(r);
	if (r->out.n > 0) {
		struct buf b = r->out;
		struct span in = buf_span(&b);

		buf_init(&r->out, 1 << 20);
		r->p->feed(r->session, &in);
		if (!r->gone && in.n > 0) {	/* it is left for later, in front of what comes */
			struct buf rest;

			buf_init(&rest, 1 << 20);
			buf_put(&rest, in);
			r->out = rest;
		}
		buf_clear(&b);
	} else if (r->over) {
		remote_down(r);
		r->p->ended(r->session, REMOTE_BROKEN, "the server hung up");
		return true;
	} else if (!r->woken) {
		return false;
	}
	r->woken = false;
	while (!r->gone) {
		enum conn_want want = r->p->next(r->session, &out);

		if (r->gone || want == CONN_WANT_INPUT)
			break;
		if (want == CONN_WANT_CLOSE) {
			remote_down(r);
			r->p->ended(r->session, REMOTE_CLOSED, "");
			break;
		}
		buf_put(&r->in, out);
	}
	if (!r->gone)
		hear(r);
	return true;
}

static bool turn_all(void)
{
	bool any = false;

	for (struct link *l = remotes.next; l != &remotes;) {
		struct remote *r = LINK_OF(l, struct remote, link);

		running = r;
		if (!turn(r)) {
			running = NULL;
			l = l->next;
			continue;
		}
		running = NULL;
		any = true;
		if (r->gone) {
			buf_clear(&r->in);
			buf_clear(&r->out);
			free(r);
		}
		l = remotes.next;	/* anything may have gone meanwhile */
	}
	return any;
}

void world_release(struct world_host *h, unsigned count)
{
	for (struct link *l = remotes.next; l != &remotes && count > 0; l = l->next) {
		struct remote *r = LINK_OF(l, struct remote, link);

		for (; r->host == h && r->held > 0 && count > 0; count--) {
			r->held--;
			answer_message(r);
			hear(r);
		}
	}
}

/* --- the world -------------------------------------------------------------------------- */

void world_run(void)
{
	bool any = true;
	unsigned reads;

	while (any) {
		any = fake_store_run(world.d.store) > 0;
		any = answer_one() || any;
		any = turn_all() || any;
		/* a memfd has no page cache to look into: bodies are read on the pool */
		reads = world.loop.active_reqs.count;
		uv_run(&world.loop, any || reads == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
		any = any || reads > 0;
	}
}

static void no_log(void *arg, const char *line)
{
	(void)arg;
	if (getenv("WORLD_LOG") != NULL)
		fprintf(stderr, "%s\n", line);
}

void world_open(void)
{
	struct deliverd *d = &world.d;
	struct conf *c = &world.conf;
	struct error err;

	log_to_function(no_log, NULL);
	memset(&world, 0, sizeof(world));
	link_init(&due);
	link_init(&remotes);
	assert_int_equal(uv_loop_init(&world.loop), 0);
	c->hostname = "mail.here.test";
	c->port = 25;
	c->word = WORD_MAY;
	c->retry_ms[0] = 300000;
	c->retry_ms[1] = 900000;
	c->retry_count = 2;
	c->lifetime_s = 86400;
	c->max_deliveries = 500;
	c->per_destination = 20;
	c->per_connection = 100;
	c->idle_ms = 60000;
	c->report_size = 65536;
	d->loop = &world.loop;
	d->conf = c;
	d->saved = true;
	link_init(&d->leaving);
	link_init(&d->idlers);
	link_init(&d->tells);
	assert_int_equal(fake_store_new(&d->store, NULL, &err), 0);
	assert_int_equal(schedule_new(&d->schedule, d, &err), 0);
	schedule_renew(d->schedule);
}

void world_close(void)
{
	world.d.over = true;
	schedule_free(world.d.schedule);
	while (!link_empty(&world.d.leaving))
		connection_free(LINK_OF(world.d.leaving.next, struct connection, link));
	while (!link_empty(&due))
		way_cancel(LINK_OF(due.next, struct way, link));
	fake_store_free(world.d.store);
	uv_run(&world.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world.loop), 0);
}

struct world_host *world_host(const char *name)
{
	struct world_host *h = &world.hosts[world.host_count];
	struct world_domain *d = &world.domains[world.domain_count - 1];

	snprintf(h->name, sizeof(h->name), "%s", name);
	d->hosts[d->count++] = world.host_count++;
	return h;
}

struct world_host *world_domain(const char *name)
{
	struct world_domain *d = &world.domains[world.domain_count++];
	char host[64];

	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(host, sizeof(host), "mx.%s", name);
	return world_host(host);
}

void world_put(const char *id, const char *recipients)
{
	fake_queue_put(world.d.store, id, "alice@here.test", recipients, "Subject: x\r\n\r\nhello\r\n", NULL);
}

const struct fake_remote *world_remote(size_t i)
{
	const struct fake_remote *r = fake_store_remote(world.d.store, i);

	assert_non_null(r);
	return r;
}
