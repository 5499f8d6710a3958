/* way.c - the questions to DNS, one behind the other; the contract is in way.h, the rules in way_rules.h. */
#include "deliverd/way.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliverd/way_rules.h"

struct way {
	struct dns *dns;
	const struct way_self *self;
	uint64_t questions[2]; /* open; 0: none */
	bool delivering;       /* its callback has the word: it frees itself */
	way_done done;
	way_host_done host_done;
	void *arg;
	char domain[DNS_NAME_MAX];
	uint16_t port;
	struct way_host host; /* a literal domain's, or the one that is looked for */

	/* A host: what has come so far. */
	struct dns_answer a, aaaa; /* without their records, which are: */
	struct dns_record *records[2];
	bool have[2];
	char expanded[DNS_NAME_MAX]; /* behind its CNAMEs */
	char failed[WAY_WORDS];      /* why a question for addresses did */
	char words[2 * DNS_NAME_MAX + WAY_WORDS];
	char base[DNS_NAME_MAX]; /* of the TLSA question that is open */
	struct address addresses[WAY_ADDRESSES];
	struct tls_tlsa tlsa[WAY_TLSA];
	struct way_host_answer answer;
};

static void way_free(struct way *w)
{
	free(w->records[0]);
	free(w->records[1]);
	free(w);
}

void way_cancel(struct way *w)
{
	if (w == NULL || w->delivering)
		return;
	dns_cancel(w->dns, w->questions[0]);
	dns_cancel(w->dns, w->questions[1]);
	way_free(w);
}

static struct way *way_new(struct dns *dns, const struct way_self *self, void *arg)
{
	struct way *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->dns = dns;
	w->self = self;
	w->arg = arg;
	return w;
}

/* A question whose answer needs no server: for what is known already, but must not be said yet. */
static bool ask_nothing(struct way *w, dns_done done)
{
	w->questions[0] = dns_ask(w->dns, "", DNS_A, done, w);
	return w->questions[0] != 0;
}

/* --- a domain's hosts --------------------------------------------------------------- */

static void deliver_hosts(struct way *w, const struct way_choice *c, bool secure, uint32_t ttl_s)
{
	struct way_answer a = { .fate = c->fate,
				.hosts = c->hosts,
				.count = c->fate == WAY_FOUND ? c->count : 0,
				.mx = c->mx,
				.secure = secure,
				.ttl_s = ttl_s,
				.status = c->status,
				.words = c->words };

	w->delivering = true;
	w->done(w->arg, &a);
	way_free(w);
}

static void on_mx(void *arg, const struct dns_answer *a)
{
	struct way *w = arg;
	struct way_choice c;

	w->questions[0] = 0;
	way_choose(a, w->self, w->domain, w->port, randombytes_uniform, &c);
	deliver_hosts(w, &c, a->secure, a->ttl_s);
}

static void on_literal(void *arg, const struct dns_answer *a)
{
	struct way *w = arg;
	struct way_choice c = { .fate = WAY_FOUND, .hosts = { w->host }, .count = 1, .status = "" };

	(void)a;
	w->questions[0] = 0;
	if (!w->host.literal) {
		c.fate = WAY_NEVER;
		c.status = "5.1.2";
		snprintf(c.words, sizeof(c.words), "%s is no address in brackets", w->domain);
	}
	deliver_hosts(w, &c, true, UINT32_MAX);
}

struct way *way_find(struct dns *dns, const struct way_self *self, const char *domain, uint16_t port,
		     way_done done, void *arg)
{
	struct way *w = way_new(dns, self, arg);
	bool asked;

	if (w == NULL)
		return NULL;
	w->done = done;
	w->port = port;
	snprintf(w->domain, sizeof(w->domain), "%s", domain);
	if (domain[0] == '[') {
		way_literal(domain, port, &w->host);
		asked = ask_nothing(w, on_literal);
	} else {
		w->questions[0] = dns_ask(dns, domain, DNS_MX, on_mx, w);
		asked = w->questions[0] != 0;
	}
	if (asked)
		return w;
	way_free(w);
	return NULL;
}

/* --- a host's addresses and TLSA records ---------------------------------------------- */

static void deliver_host(struct way *w)
{
	w->answer.addresses = w->addresses;
	w->answer.tlsa = w->tlsa;
	if (w->answer.tlsa_base == NULL)
		w->answer.tlsa_base = "";
	if (w->answer.words == NULL)
		w->answer.words = "";
	w->delivering = true;
	w->host_done(w->arg, &w->answer);
	way_free(w);
}

static void ask_tlsa(struct way *w, const char *base);

static bool is_later(enum dns_status s)
{
	return s == DNS_FAILED || s == DNS_BOGUS;
}

/* RFC 7672 2.1.2: what fails is not what is not there: the host must wait, or others would only need to
 * hold the answer back. */
static void tlsa_failed(struct way *w, const char *why)
{
	w->answer.tlsa_failed = true;
	snprintf(w->words, sizeof(w->words), "the TLSA records of %s are not known now: %s", w->host.name,
		 why);
	w->answer.words = w->words;
}

static void on_tlsa(void *arg, const struct dns_answer *a)
{
	struct way *w = arg;

	w->questions[0] = 0;
	if (is_later(a->status)) {
		tlsa_failed(w, a->words);
	} else if (a->status == DNS_OK && a->secure) {
		w->answer.tlsa_there = true;
		w->answer.tlsa_count = way_usable(a, w->tlsa);
		w->answer.tlsa_base = w->base;
	} else if (strcmp(w->base, w->host.name) != 0) {
		ask_tlsa(w, w->host.name); /* RFC 7672 2.2.3: then the name before its CNAMEs */
		return;
	}
	deliver_host(w);
}

/* RFC 7672 2.2.3: at the port that we connect to. */
static void ask_tlsa(struct way *w, const char *base)
{
	char name[DNS_NAME_MAX + 20];

	memmove(w->base, base, strlen(base) + 1);
	snprintf(name, sizeof(name), "_%u._tcp.%s", w->host.port, w->base);
	w->questions[0] = dns_ask(w->dns, name, DNS_TLSA, on_tlsa, w);
	if (w->questions[0] != 0)
		return;
	tlsa_failed(w, "no memory");
	deliver_host(w);
}

/* The end of its CNAMEs is not proved. If the first of them is, the host's own zone may have TLSA
 * records of its own (RFC 7672 2.2.2). */
static void on_cname(void *arg, const struct dns_answer *a)
{
	struct way *w = arg;

	w->questions[0] = 0;
	if (is_later(a->status))
		tlsa_failed(w, a->words);
	else if (a->status == DNS_OK && a->secure) {
		ask_tlsa(w, w->host.name);
		return;
	}
	deliver_host(w);
}

static void ask_cname(struct way *w)
{
	w->questions[0] = dns_ask(w->dns, w->host.name, DNS_CNAME, on_cname, w);
	if (w->questions[0] != 0)
		return;
	tlsa_failed(w, "no memory");
	deliver_host(w);
}

/* Both proved; or the one that is there, where the other failed. */
static bool is_proved(const struct way *w)
{
	return (w->a.secure || is_later(w->a.status)) && (w->aaaa.secure || is_later(w->aaaa.status));
}

static const char *why_none(const struct way *w)
{
	if (is_later(w->answer.status))
		return w->failed;
	return w->answer.status == DNS_NO_NAME ? "the name does not exist" : "neither IPv4 nor IPv6";
}

static void judge_addresses(struct way *w)
{
	struct way_host_answer *out = &w->answer;
	bool found;

	out->status = way_status(&w->a, &w->aaaa);
	out->count = way_addresses(&w->a, &w->aaaa, w->host.port, w->addresses);
	if (out->status == DNS_OK && out->count == 0)
		out->status = DNS_NO_DATA; /* nothing but 0.0.0.0 */
	if (out->status == DNS_INVALID)
		out->status = DNS_NO_NAME;
	found = out->status == DNS_OK;
	out->secure = found && is_proved(w);
	out->self = found && way_is_self(w->self, w->addresses, out->count);
	if (!found)
		snprintf(w->words, sizeof(w->words), "%s has no address: %s", w->host.name, why_none(w));
	out->words = found ? "" : w->words;
}

static void have_addresses(struct way *w)
{
	bool dane;

	judge_addresses(w);
	dane = w->answer.status == DNS_OK && !w->answer.self && w->host.secure;
	if (dane && w->answer.secure)
		ask_tlsa(w, w->expanded);
	else if (dane && strcmp(w->expanded, w->host.name) != 0)
		ask_cname(w);
	else
		deliver_host(w);
}

/* Keeps of an answer what is needed when both are there. */
static void take(struct way *w, int which, const struct dns_answer *a)
{
	struct dns_answer *own = which == 0 ? &w->a : &w->aaaa;
	size_t count = a->count < WAY_ADDRESSES ? a->count : WAY_ADDRESSES;

	w->questions[which] = 0;
	w->have[which] = true;
	*own = (struct dns_answer){ .status = a->status, .secure = a->secure, .words = "", .name = "" };
	if (is_later(a->status))
		snprintf(w->failed, sizeof(w->failed), "%s", a->words);
	if (a->status == DNS_OK) {
		snprintf(w->expanded, sizeof(w->expanded), "%s", a->name);
		w->records[which] = malloc(count * sizeof(*w->records[which]));
		if (w->records[which] == NULL) {
			own->status = DNS_FAILED;
			snprintf(w->failed, sizeof(w->failed), "no memory");
		} else {
			memcpy(w->records[which], a->records, count * sizeof(*w->records[which]));
			own->records = w->records[which];
			own->count = count;
		}
	}
	if (w->have[0] && w->have[1])
		have_addresses(w);
}

static void on_a(void *arg, const struct dns_answer *a)
{
	take(arg, 0, a);
}

static void on_aaaa(void *arg, const struct dns_answer *a)
{
	take(arg, 1, a);
}

static void on_known(void *arg, const struct dns_answer *a)
{
	struct way *w = arg;

	(void)a;
	w->questions[0] = 0;
	w->answer.status = DNS_OK;
	w->answer.secure = true;
	w->answer.count = 1;
	w->addresses[0].port = w->host.port;
	snprintf(w->addresses[0].host, sizeof(w->addresses[0].host), "%.45s", w->host.name);
	w->answer.self = way_is_self(w->self, w->addresses, 1);
	deliver_host(w);
}

static bool ask_addresses(struct way *w)
{
	w->questions[1] = dns_ask(w->dns, w->host.name, DNS_AAAA, on_aaaa, w);
	w->questions[0] = w->questions[1] != 0 ? dns_ask(w->dns, w->host.name, DNS_A, on_a, w) : 0;
	return w->questions[0] != 0;
}

struct way *way_host_find(struct dns *dns, const struct way_self *self, const struct way_host *host,
			  way_host_done done, void *arg)
{
	struct way *w = way_new(dns, self, arg);

	if (w == NULL)
		return NULL;
	w->host_done = done;
	w->host = *host;
	snprintf(w->expanded, sizeof(w->expanded), "%s", host->name);
	if (host->literal ? ask_nothing(w, on_known) : ask_addresses(w))
		return w;
	way_cancel(w);
	return NULL;
}
