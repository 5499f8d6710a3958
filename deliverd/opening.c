/* opening.c - the contract is in opening.h. */
#include "deliverd/opening.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "deliverd/memory.h"
#include "deliverd/sts.h"
#include "deliverd/tlsrpt.h"

enum {
	LEAD_MS = 250,		/* the next address gets its chance (RFC 8305 5) */
	NONCE = 24
};

/* Why a host can't be used. */
struct trouble {
	enum queue_fate fate;
	char status[QUEUE_STATUS_MAX];
	char words[QUEUE_WORDS_MAX];
	char host[sizeof(((struct connection *)0)->host)];
};

struct opening {
	struct connection *c;
	bool tried[WAY_HOSTS];
	size_t at;			/* the host that is being tried */
	struct way *search;
	uint64_t remembered;		/* the question to memory.h */
	struct address addresses[WAY_ADDRESSES];
	size_t address_count;
	struct tls_tlsa *tlsa;
	size_t tlsa_count;
	bool tlsa_there;
	char base[DNS_NAME_MAX];
	struct memory_host known;
	struct word_plan plan;
	unsigned version;		/* offered alone; 0: all */
	bool lowered, clear;		/* a lower one was tried; it is tried without STARTTLS */
	struct trouble trouble;		/* with the last host */
	bool later;			/* some host may do another time */
	uint8_t nonce[NONCE];
};

static void next_host(struct opening *o);
static void connect_host(struct opening *o);

static struct destination_host *host_of(struct opening *o)
{
	return &o->c->destination->hosts[o->at];
}

/* --- what is wrong ---------------------------------------------------------- */

static void trouble(struct opening *o, enum queue_fate fate, const char *status, const char *words)
{
	struct trouble *t = &o->trouble;

	t->fate = fate;
	o->later |= fate != QUEUE_FAILED;
	snprintf(t->status, sizeof(t->status), "%s", status);
	if (fate == QUEUE_DEFERRED && t->status[0] == '5')
		t->status[0] = '4';
	snprintf(t->words, sizeof(t->words), "%s", words);
	memcpy(t->host, o->c->host, sizeof(t->host));
	if (fate == QUEUE_DEFERRED)
		host_of(o)->bad_until_ms = clock_mono_ms() + DESTINATION_BAD_MS;
}

static bool counted(const struct opening *o)
{
	const struct destination *dest = o->c->destination;

	return o->c->d->tlsrpt != NULL && dest->kind != DESTINATION_TLS_OPTIONAL && dest->word != WORD_OFF;
}

/* RFC 8460 4.1: how TLS went, for the daily report. */
static void report_tls(struct opening *o, const char *cause, const char *reason)
{
	const struct connection *c = o->c;
	const struct destination *dest = c->destination;
	bool sts = dest->sts != NULL && dest->sts->mode != STS_NONE;
	struct tlsrpt_session s = {
		.domain = dest->domain,
		.policy = o->tlsa_count > 0 ? TLSRPT_TLSA : sts || dest->sts_cause != NULL ? TLSRPT_STS : TLSRPT_NO_POLICY,
		.sts = dest->sts,
		.tlsa = o->tlsa,
		.tlsa_count = o->tlsa_count,
		.host = host_of(o)->host.name,
		.helo = c->engine != NULL ? smtp_client_offers(c->engine)->hostname : "",
		.address = c->remote != NULL ? remote_address(c->remote) : "",
		.own_address = c->remote != NULL ? remote_local(c->remote) : "",
		.cause = cause,
		.reason = reason,
	};

	if (counted(o))
		tlsrpt_session(c->d->tlsrpt, &s);
}

static void log_tls(const struct connection *c, const char *text)
{
	if (c->id != 0)
		log_info("DCID %llu %s", (unsigned long long)c->id, text);
	else
		log_info("%s host=%s", text, c->host);
}

/* What the plan forbids, for a cause of the catalogue. */
static void refuse(struct opening *o, const char *cause, enum word_then then, const char *said)
{
	char text[LOG_LINE_MAX];

	tls_outbound_cause_text(cause, said, text, sizeof(text));
	log_tls(o->c, text);
	report_tls(o, cause, "");
	if (o->c->destination->sts != NULL && o->c->d->sts != NULL)
		sts_doubt(o->c->d->sts, o->c->destination->domain);
	if (then == WORD_BOUNCE)
		trouble(o, QUEUE_FAILED, strcmp(cause, "peer-no-requiretls") == 0 ? "5.7.30" : "5.7.10", text);
	else
		trouble(o, QUEUE_DEFERRED, "4.7.0", text);
}

/* --- which host -------------------------------------------------------------- */

void opening_free(struct opening *o)
{
	if (o == NULL)
		return;
	way_cancel(o->search);
	if (o->remembered != 0)
		memory_cancel(o->c->d->memory, o->remembered);
	free(o->tlsa);
	free(o);
}

/* Those that failed a moment ago last. */
static bool find_host(struct opening *o)
{
	const struct destination *dest = o->c->destination;
	uint64_t now = clock_mono_ms();

	for (int bad = 0; bad < 2; bad++)
		for (size_t i = 0; i < dest->host_count; i++)
			if (!o->tried[i] && (dest->hosts[i].bad_until_ms > now) == (bad == 1)) {
				o->at = i;
				o->tried[i] = true;
				return true;
			}
	return false;
}

/* No host is left. */
static void give_up(struct opening *o)
{
	struct connection *c = o->c;
	struct trouble *t = &o->trouble;

	if (t->status[0] == '\0')
		trouble(o, QUEUE_DEFERRED, "4.4.0", "no host is known");
	if (o->later)
		t->fate = QUEUE_DEFERRED;
	if (t->fate == QUEUE_DEFERRED)
		t->status[0] = '4';
	destination_no_connection(c->destination, c, t->fate, span_of(t->status), span_of(t->words), span_of(t->host));
}

static void forget_host(struct opening *o)
{
	free(o->tlsa);
	o->tlsa = NULL;
	o->tlsa_count = o->address_count = 0;
	o->tlsa_there = o->lowered = o->clear = false;
	o->version = 0;
	o->base[0] = '\0';
	o->known = (struct memory_host){ 0 };
}

static void decide(struct opening *o)
{
	const struct destination *dest = o->c->destination;
	const struct way_host *h = &host_of(o)->host;
	bool sts = dest->sts != NULL;
	struct word_facts f = {
		.word = dest->word,
		.tlsa = o->tlsa_there,
		.tlsa_usable = o->tlsa_count > 0,
		.sts_enforce = sts && dest->sts->mode == STS_ENFORCE,
		.sts_testing = sts && dest->sts->mode == STS_TESTING,
		.sts_listed = sts && sts_policy_lists(dest->sts, h->name),
		.mx_secure = h->secure,
		.had_tls = o->known.had_tls,
		.auth = dest->route != NULL && dest->route->has_auth,
		.require_tls = dest->kind == DESTINATION_REQUIRE_TLS,
		.tls_optional = dest->kind == DESTINATION_TLS_OPTIONAL,
	};

	word_plan(&f, &o->plan);
	o->version = o->known.version;
	if (!o->plan.skip) {
		connect_host(o);
		return;
	}
	refuse(o, o->plan.skip_cause, o->plan.skipped, NULL);
	next_host(o);
}

static void got_memory(void *arg, const struct memory_host *h)
{
	struct opening *o = arg;

	o->remembered = 0;
	o->known = *h;
	decide(o);
}

/* RFC 5321 5.1: the host is us; those that are no better are not tried either. */
static void leave_out_worse(struct opening *o)
{
	const struct destination *dest = o->c->destination;

	for (size_t i = 0; i < dest->host_count; i++)
		o->tried[i] |= dest->hosts[i].host.preference >= host_of(o)->host.preference;
}

static bool take_answer(struct opening *o, const struct way_host_answer *a)
{
	bool route = o->c->destination->hosts_given;

	if (a->self) {
		if (!route)
			leave_out_worse(o);
		if (o->trouble.status[0] == '\0')	/* else what was wrong with the better ones is told */
			trouble(o, QUEUE_FAILED, "5.4.6", "mail for this domain comes back to this server, which does not take it");
	} else if (a->status == DNS_NO_NAME || a->status == DNS_NO_DATA) {
		trouble(o, route ? QUEUE_DEFERRED : QUEUE_FAILED, "5.4.4", a->words);
	} else if (a->status != DNS_OK || a->count == 0) {
		trouble(o, QUEUE_DEFERRED, a->status == DNS_BOGUS ? "4.7.0" : "4.4.3", a->words);
	} else if (a->tlsa_failed) {
		refuse(o, "dane-lookup-failed", WORD_DEFER, a->words);
	} else {
		o->address_count = a->count < WAY_ADDRESSES ? a->count : WAY_ADDRESSES;
		memcpy(o->addresses, a->addresses, o->address_count * sizeof(*o->addresses));
		o->tlsa_there = a->tlsa_there;
		if (a->tlsa_count > 0)
			o->tlsa = tls_tlsa_copy(a->tlsa, a->tlsa_count);
		if (a->tlsa_count > 0 && o->tlsa == NULL) {
			trouble(o, QUEUE_DEFERRED, "4.3.0", "no memory");
			return false;
		}
		o->tlsa_count = a->tlsa_count;
		snprintf(o->base, sizeof(o->base), "%s", a->tlsa_base != NULL ? a->tlsa_base : "");
		return true;
	}
	return false;
}

static void got_host(void *arg, const struct way_host_answer *a)
{
	struct opening *o = arg;
	struct deliverd *d = o->c->d;
	const struct way_host *h = &host_of(o)->host;

	o->search = NULL;
	if (!take_answer(o, a)) {
		next_host(o);
		return;
	}
	if (d->memory != NULL && o->c->destination->word != WORD_OFF)
		o->remembered = memory_ask(d->memory, h->name, h->port, got_memory, o);
	if (o->remembered == 0)
		decide(o);
}

/* Looks for the addresses of the host at o->at. */
static bool ask_host(struct opening *o)
{
	struct connection *c = o->c;
	const struct way_host *h = &host_of(o)->host;

	connection_reset(c);
	forget_host(o);
	snprintf(c->host, sizeof(c->host), "%s:%u", h->name, h->port);
	o->search = way_host_find(c->d->dns, &c->conf->self, h, got_host, o);
	return o->search != NULL;
}

static void next_host(struct opening *o)
{
	connection_reset(o->c);
	while (find_host(o)) {
		if (ask_host(o))
			return;
		trouble(o, QUEUE_DEFERRED, "4.3.0", "no memory for a question to DNS");
	}
	give_up(o);
}

bool opening_begin(struct connection *c)
{
	struct opening *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return false;
	o->c = c;
	c->opening = o;
	return find_host(o) && ask_host(o);
}

/* --- the connection ----------------------------------------------------------- */

static void connect_host(struct opening *o)
{
	struct connection *c = o->c;
	const struct way_host *h = &host_of(o)->host;
	const char *names[] = { h->name, c->destination->domain };
	struct tls_outbound_dane dane = { o->tlsa, o->tlsa_count, o->base, names, 2 };
	bool strict = o->plan.check == WORD_CHECK_NAME;
	struct remote_options ro = {
		.addresses = o->addresses,
		.count = o->address_count,
		.lead_ms = LEAD_MS,
		.connect_ms = c->conf->connect_ms,
		.handshake_ms = c->conf->handshake_ms,
		.write_ms = c->conf->write_ms,
		.bind4 = c->conf->bind4.host[0] != '\0' ? &c->conf->bind4 : NULL,
		.bind6 = c->conf->bind6.host[0] != '\0' ? &c->conf->bind6 : NULL,
		.tls_host = h->name,
		.dane = o->plan.check == WORD_CHECK_DANE ? &dane : NULL,
		.tls_version = o->version,
		.implicit = c->route != NULL && c->route->route.implicit,
	};
	struct error err;

	connection_reset(c);
	c->start_tls = o->plan.start_tls && !o->clear && !ro.implicit;
	ro.tls = conf_tls(c->conf, c->route, strict ? TLS_OUTBOUND_REQUIRE : TLS_OUTBOUND_NOTE, &err);
	if (ro.tls != NULL && remote_new(&c->remote, c->d->loop, &ro, &connection_protocol, c, &err) == 0)
		return;
	c->remote = NULL;
	trouble(o, QUEUE_DEFERRED, "4.3.0", err.words);
	next_host(o);
}

static void put_credentials(struct opening *o, struct client_config *config)
{
	const struct conf_route *r = o->c->route;

	if (r == NULL || !r->has_auth)
		return;
	randombytes_buf(o->nonce, sizeof(o->nonce));
	config->nonce = (struct span){ o->nonce, sizeof(o->nonce) };
	config->user = r->auth.user;
	config->password = r->auth.password;
	config->mechanisms = r->auth.external ? "EXTERNAL" : "SCRAM-SHA-256,PLAIN,LOGIN";
	config->auth_in_clear = r->word == WORD_OFF || r->word == WORD_MAY || r->word == WORD_TRY;
}

void opening_connected(struct opening *o)
{
	struct connection *c = o->c;
	const struct way_host *h = &host_of(o)->host;
	const char *address = remote_address(c->remote), *v6 = strchr(address, ':');
	struct client_config config = {
		.hostname = c->conf->hostname,
		.lmtp = c->route != NULL && c->route->route.lmtp,
		.tls = c->route != NULL && c->route->route.implicit,
		.start_tls = c->start_tls,
		.times = c->conf->times,
	};
	struct error err;

	c->id = worker_id(c->d->worker);
	snprintf(c->host, sizeof(c->host), "%s[%s]:%u", h->name, address, h->port);
	log_info("DCID %llu connected host=%s peer=%s%s%s:%u", (unsigned long long)c->id, h->name,
		 v6 != NULL ? "[" : "", address, v6 != NULL ? "]" : "", h->port);
	put_credentials(o, &config);
	if (smtp_client_new(&c->engine, &config, clock_mono_ms(), &err) == 0)
		return;
	c->engine = NULL;
	trouble(o, QUEUE_DEFERRED, "4.3.0", err.words);
	next_host(o);
}

void opening_secured(struct opening *o)
{
	struct connection *c = o->c;
	const struct tls_session *s = remote_tls(c->remote);
	const struct way_host *h = &host_of(o)->host;
	char text[LOG_LINE_MAX];

	tls_outbound_success_text(s, text, sizeof(text));
	log_tls(c, text);
	snprintf(c->tls, sizeof(c->tls), "%s", tls_session_facts(s)->protocol);
	report_tls(o, NULL, "");
	if (c->d->memory != NULL)
		memory_tls(c->d->memory, h->name, h->port, o->version);
}

/* The connection says QUIT, and goes; another goes on. */
static void part(struct opening *o)
{
	struct connection *fresh = connection_replace(o->c);

	if (fresh != NULL)
		o->c = fresh;
}

void opening_ready(struct opening *o)
{
	struct connection *c = o->c;
	const struct client_offers *offers = smtp_client_offers(c->engine);

	if (!c->secured && !o->clear && o->plan.not_offered != WORD_CLEAR)
		refuse(o, "peer-no-starttls", o->plan.not_offered, NULL);
	else if (o->plan.ask_require_tls && !offers->require_tls)
		refuse(o, "peer-no-requiretls", WORD_BOUNCE, NULL);
	else if (c->d->up >= c->d->conf->max_deliveries) {	/* it took long, and the others came before it */
		connection_quit(c);
		return;
	} else {
		if (!c->secured && c->start_tls)
			report_tls(o, "peer-no-starttls", "");
		host_of(o)->bad_until_ms = 0;
		c->at = o->at;
		connection_up(c);
		return;
	}
	part(o);
	next_host(o);
}

/* STARTTLS is refused, and this mail may go in clear. */
static bool may_stay_clear(const struct opening *o, const struct client_reply *reply)
{
	return reply->step == CLIENT_AT_START_TLS && reply->code != 0 && o->plan.not_offered == WORD_CLEAR && !o->clear;
}

void opening_unusable(struct opening *o, const struct client_reply *reply)
{
	struct connection *c = o->c;
	bool again = may_stay_clear(o, reply);

	if (reply->step == CLIENT_AT_START_TLS && reply->code != 0 && !again)
		refuse(o, "peer-refuses-starttls", o->plan.not_offered == WORD_BOUNCE ? WORD_BOUNCE : WORD_DEFER, reply->words);
	else
		trouble(o, QUEUE_DEFERRED, reply->status, reply->words);
	if (again)
		report_tls(o, "peer-refuses-starttls", reply->words);
	log_info("DCID %llu refused host=%s reason=\"%s\"", (unsigned long long)c->id, c->host, reply->words);
	part(o);
	o->clear = again;
	if (again)
		connect_host(o);
	else
		next_host(o);
}

/* --- TLS fails ------------------------------------------------------------------ */

/* Once more, with the next lower version alone. */
static bool lower(struct opening *o)
{
	struct connection *c = o->c;
	bool strict = o->plan.check == WORD_CHECK_NAME;
	struct tls_context *tls = conf_tls(c->conf, c->route, strict ? TLS_OUTBOUND_REQUIRE : TLS_OUTBOUND_NOTE, NULL);
	unsigned version = tls != NULL && !o->lowered ? tls_outbound_lower(tls, o->version) : 0;

	if (version == 0)
		return false;
	o->lowered = true;
	o->version = version;
	log_info("DCID %llu TLS once more with a lower version alone host=%s", (unsigned long long)c->id, c->host);
	connect_host(o);
	return true;
}

static void tls_failed(struct opening *o, enum remote_end why, const char *words)
{
	struct connection *c = o->c;
	const struct tls_session *s = remote_tls(c->remote);
	enum tls_cut cut = why == REMOTE_TLS_DROPPED ? TLS_CUT_EOF : TLS_CUT_NO;
	bool verified = s == NULL || tls_outbound_peer_trouble(s)[0] == '\0';
	enum word_then then = o->plan.check >= WORD_CHECK_NAME && !verified ? o->plan.unverified : o->plan.failed;

	log_tls(c, words);
	if (why == REMOTE_TLS_DROPPED && lower(o))
		return;
	report_tls(o, s != NULL ? tls_outbound_cause(s, cut) : "", words);
	if (c->destination->sts != NULL && c->d->sts != NULL)
		sts_doubt(c->d->sts, c->destination->domain);
	if (then == WORD_CLEAR && !o->clear && c->start_tls) {
		o->clear = true;
		connect_host(o);
		return;
	}
	if (then == WORD_BOUNCE)
		trouble(o, QUEUE_FAILED, "5.7.5", words);
	else
		trouble(o, QUEUE_DEFERRED, "4.7.5", words);
	next_host(o);
}

void opening_ended(struct opening *o, enum remote_end why, const char *words)
{
	if (why == REMOTE_TLS_FAILED || why == REMOTE_TLS_DROPPED) {
		tls_failed(o, why, words);
		return;
	}
	trouble(o, QUEUE_DEFERRED, why == REMOTE_NO_CONNECTION ? "4.4.1" : "4.4.2", words);
	if (o->c->id != 0)
		log_info("DCID %llu ended host=%s reason=\"%s\"", (unsigned long long)o->c->id, o->c->host, words);
	next_host(o);
}
