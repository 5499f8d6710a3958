/* sts.c - the contract is in sts.h: a domain goes from its note to its record to its policy.
 * A note is "ID FETCHED EXPIRES" (seconds since 1970), a line end, and the policy's text. */
#include "deliverd/sts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/table.h"
#include "deliverd/asks.h"

enum {
	TEXTS_MAX = 4 << 20,	/* bytes of policies in memory */
	LOOK_LEAST_S = 60,	/* how long an answer stands, by the record's TTL */
	LOOK_MOST_S = 3600,
	AGAIN_S = 300,		/* after a policy could not be had (RFC 8461 3.3), and between doubts */
	RECORDS = 32,		/* TXT records that are looked at */
	WORDS = 160
};

enum step {
	STEP_NONE,		/* nothing is under way that an answer waits for */
	STEP_NOTE,
	STEP_RECORD,
	STEP_POLICY
};

struct domain {
	struct domain *newer, *older;	/* by use */
	struct sts *sts;
	char name[DNS_NAME_MAX];
	enum step step;
	bool noted;		/* its note was asked for */
	uint64_t note_op, dns_number, https_number;	/* under way; 0: none */
	struct sts_policy *policy;	/* NULL: none, or its time is over */
	char id[STS_ID];	/* the policy's */
	char new_id[STS_ID];	/* the record's, while its policy is fetched */
	int64_t fetched_s, expires_s;
	int64_t look_s;		/* until then the answer stands */
	int64_t fetch_s;	/* not before: the last try failed */
	int64_t doubt_s;	/* not before: the next doubt */
	enum sts_trouble trouble;
	char words[WORDS];
};

struct sts {
	struct store *store;
	struct dns *dns;
	struct https *https;
	int64_t refresh_s;
	struct asks *asks;
	struct table *domains;
	struct domain *newest, *oldest;
	size_t bytes;		/* of all policies */
};

static int64_t now(void)
{
	return clock_real_ms() / 1000;
}

/* --- domains, by use ------------------------------------------------------- */

static void domain_unlink(struct sts *s, struct domain *d)
{
	*(d->newer != NULL ? &d->newer->older : &s->newest) = d->older;
	*(d->older != NULL ? &d->older->newer : &s->oldest) = d->newer;
}

static void domain_front(struct sts *s, struct domain *d)
{
	d->newer = NULL;
	d->older = s->newest;
	*(s->newest != NULL ? &s->newest->newer : &s->oldest) = d;
	s->newest = d;
}

/* Takes over p, which may be NULL. */
static void policy_set(struct domain *d, struct sts_policy *p)
{
	d->sts->bytes -= d->policy != NULL ? d->policy->text.n : 0;
	d->sts->bytes += p != NULL ? p->text.n : 0;
	sts_policy_drop(d->policy);
	d->policy = p;
}

static void domain_free(struct domain *d)
{
	struct sts *s = d->sts;

	if (d->note_op != 0)
		store_cancel(s->store, d->note_op);
	if (d->dns_number != 0)
		dns_cancel(s->dns, d->dns_number);
	if (d->https_number != 0)
		https_cancel(s->https, d->https_number);
	policy_set(d, NULL);
	domain_unlink(s, d);
	table_remove(s->domains, span_of(d->name));
	free(d);
}

static bool domain_idle(const struct domain *d)
{
	return d->step == STEP_NONE && d->https_number == 0 && !asks_wait(d->sts->asks, d);
}

/* Makes room for one more. */
static void domains_thin(struct sts *s)
{
	struct domain *d = s->oldest;

	while (d != NULL && (table_count(s->domains) >= STS_DOMAINS || s->bytes > TEXTS_MAX)) {
		struct domain *newer = d->newer;

		if (domain_idle(d))
			domain_free(d);
		d = newer;
	}
}

static struct domain *domain_get(struct sts *s, const char *name)
{
	struct domain *d = table_get(s->domains, span_of(name));

	if (d != NULL) {
		domain_unlink(s, d);
		domain_front(s, d);
		return d;
	}
	if (name[0] == '\0' || strlen(name) >= sizeof(d->name))
		return NULL;
	domains_thin(s);
	d = calloc(1, sizeof(*d));
	if (d == NULL || table_put(s->domains, span_of(name), d) < 0) {
		free(d);
		return NULL;
	}
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->sts = s;
	domain_front(s, d);
	return d;
}

/* What is known now is the answer, for so long. */
static void settle(struct domain *d, int64_t stands_s)
{
	d->step = STEP_NONE;
	d->look_s = now() + stands_s;
	asks_ready(d->sts->asks, d);
}

/* --- notes ----------------------------------------------------------------- */

static struct span note_name(const struct domain *d, char out[QUEUE_NOTE_KEY])
{
	snprintf(out, QUEUE_NOTE_KEY, "sts/%s", d->name);
	return span_of(out);
}

static void note_write(const struct domain *d)
{
	char name[QUEUE_NOTE_KEY];
	struct buf text;

	buf_init(&text, QUEUE_NOTE_MAX);
	buf_printf(&text, "%s %" PRId64 " %" PRId64 "\n", d->id, d->fetched_s, d->expires_s);
	buf_put(&text, d->policy->text);
	if (!text.failed)
		queue_note_put(d->sts->store, note_name(d, name), buf_span(&text), d->expires_s, NULL, NULL);
	buf_clear(&text);
}

/* What can't be understood counts as nothing. */
static void note_read(struct domain *d, struct span text)
{
	struct span line = span_take_until(&text, '\n'), id = span_take_until(&line, ' ');
	struct span fetched = span_take_until(&line, ' ');
	uint64_t fetched_s, expires_s;
	struct sts_policy *p;

	if (id.n == 0 || id.n >= STS_ID || !span_number(fetched, INT64_MAX, &fetched_s) ||
	    !span_number(line, INT64_MAX, &expires_s) || (int64_t)expires_s <= now() ||
	    sts_policy_read(&p, text, NULL) < 0)
		return;
	memcpy(d->id, id.p, id.n);
	d->id[id.n] = '\0';
	d->fetched_s = (int64_t)fetched_s;
	d->expires_s = (int64_t)expires_s;
	policy_set(d, p);
}

/* --- the policy (RFC 8461 3.3) --------------------------------------------- */

static void trouble_set(struct domain *d, enum sts_trouble trouble, const char *words)
{
	d->trouble = trouble;
	snprintf(d->words, sizeof(d->words), "%.*s", WORDS - 1, words);
}

static void policy_take(struct domain *d, struct sts_policy *p)
{
	policy_set(d, p);
	snprintf(d->id, sizeof(d->id), "%s", d->new_id);
	d->fetched_s = now();
	d->expires_s = d->fetched_s + p->max_age_s;
	d->fetch_s = 0;
	trouble_set(d, STS_FINE, "");
	note_write(d);
}

static void policy_missed(struct domain *d, enum sts_trouble trouble, const char *words)
{
	d->fetch_s = now() + AGAIN_S;
	trouble_set(d, trouble, words);
}

static bool is_text(const char *type)
{
	struct span rest = span_of(type);

	return span_is_nocase(span_trim(span_take_until(&rest, ';')), "text/plain");
}

static void on_policy(void *arg, const struct https_answer *a)
{
	struct domain *d = arg;
	struct sts_policy *p;
	struct error err;
	char words[WORDS];

	d->https_number = 0;
	if (a->status == 0) {
		policy_missed(d, a->certificate ? STS_WEBPKI_INVALID : STS_FETCH_ERROR, a->words);
	} else if (a->status != 200) {	/* redirects too: RFC 8461 3.3 */
		snprintf(words, sizeof(words), "the host answers %d", a->status);
		policy_missed(d, STS_FETCH_ERROR, words);
	} else if (!is_text(a->type)) {
		policy_missed(d, STS_POLICY_INVALID, "it is not text/plain");
	} else if (sts_policy_read(&p, a->body, &err) < 0) {
		policy_missed(d, STS_POLICY_INVALID, err.words);
	} else {
		policy_take(d, p);
	}
	if (d->step == STEP_POLICY)
		settle(d, LOOK_LEAST_S);
}

static bool fetch(struct domain *d)
{
	char url[DNS_NAME_MAX + 64];

	if (d->https_number != 0)
		return true;
	snprintf(url, sizeof(url), "https://mta-sts.%s/.well-known/mta-sts.txt", d->name);
	d->https_number = d->sts->https != NULL ? https_get(d->sts->https, url, on_policy, d) : 0;
	if (d->https_number == 0)
		policy_missed(d, STS_FETCH_ERROR, "there is no room for more requests");
	return d->https_number != 0;
}

/* --- the record (RFC 8461 3.1) --------------------------------------------- */

static int64_t stands(const struct dns_answer *a)
{
	if (a->ttl_s < LOOK_LEAST_S)
		return LOOK_LEAST_S;
	return a->ttl_s < LOOK_MOST_S ? (int64_t)a->ttl_s : LOOK_MOST_S;
}

static bool record_find(const struct dns_answer *a, char id[STS_ID])
{
	struct span texts[RECORDS];
	size_t count = a->status == DNS_OK ? a->count : 0;

	count = count < RECORDS ? count : RECORDS;
	for (size_t i = 0; i < count; i++)
		texts[i] = a->records[i].text;
	return sts_record_find(texts, count, id);
}

static void on_record(void *arg, const struct dns_answer *a)
{
	struct domain *d = arg;
	bool there = record_find(a, d->new_id);

	d->dns_number = 0;
	if (!there) {
		/* RFC 8461 3.3: what is in force stays so, be the record there or not. */
		if (a->status == DNS_OK || a->status == DNS_NO_DATA || a->status == DNS_NO_NAME)
			trouble_set(d, STS_FINE, "");
		settle(d, d->policy == NULL ? stands(a) : LOOK_LEAST_S);
	} else if (d->policy != NULL && strcmp(d->id, d->new_id) == 0) {
		/* Nobody waits while the same policy is fetched for a longer life. */
		if (now() - d->fetched_s >= d->sts->refresh_s && now() >= d->fetch_s)
			fetch(d);
		settle(d, stands(a));
	} else if (now() < d->fetch_s) {
		settle(d, d->fetch_s - now());
	} else if (fetch(d)) {
		d->step = STEP_POLICY;
	} else {
		settle(d, LOOK_LEAST_S);
	}
}

static void look(struct domain *d)
{
	char name[DNS_NAME_MAX];

	d->step = STEP_RECORD;
	if ((size_t)snprintf(name, sizeof(name), "_mta-sts.%s", d->name) < sizeof(name))
		d->dns_number = dns_ask(d->sts->dns, name, DNS_TXT, on_record, d);
	if (d->dns_number == 0)
		settle(d, LOOK_LEAST_S);
}

static void on_note(void *arg, enum store_status status, struct span bytes)
{
	struct domain *d = arg;

	d->note_op = 0;
	d->noted = true;
	if (status == STORE_OK)
		note_read(d, bytes);
	look(d);
}

/* --- questions ------------------------------------------------------------- */

static void answer(void *owner, void *about, asks_done done, void *arg)
{
	struct domain *d = about;
	struct sts_policy *held = sts_policy_hold(d->policy);
	struct sts_answer a = { .policy = held, .id = d->id, .trouble = d->trouble, .words = d->words };

	(void)owner;
	((sts_done)done)(arg, &a);
	sts_policy_drop(held);	/* the callback may have ended all else */
}

int sts_new(struct sts **out, uv_loop_t *loop, struct store *store, struct dns *dns, struct https *https,
	    int64_t refresh_s, struct error *err)
{
	struct sts *s = calloc(1, sizeof(*s));
	int rc = s != NULL ? table_new(&s->domains, err) : error_set(err, -ENOMEM, "no memory for MTA-STS");

	*out = NULL;
	if (rc == 0)
		rc = asks_new(&s->asks, loop, answer, s, err);
	if (rc < 0) {
		if (s != NULL)
			table_free(s->domains);
		free(s);
		return rc;
	}
	s->store = store;
	s->dns = dns;
	s->https = https;
	s->refresh_s = refresh_s;
	*out = s;
	return 0;
}

void sts_free(struct sts *s)
{
	if (s == NULL)
		return;
	while (s->newest != NULL)
		domain_free(s->newest);
	table_free(s->domains);
	asks_free(s->asks);
	free(s);
}

uint64_t sts_ask(struct sts *s, const char *domain, sts_done done, void *arg)
{
	struct domain *d = domain_get(s, domain);
	uint64_t number = d != NULL ? asks_add(s->asks, d, (asks_done)done, arg) : 0;

	if (number == 0 || d->step != STEP_NONE)
		return number;
	if (d->policy != NULL && d->expires_s <= now())
		policy_set(d, NULL);
	if (d->noted && now() < d->look_s && (d->policy != NULL || d->id[0] == '\0')) {
		asks_ready(s->asks, d);
		return number;
	}
	if (d->policy == NULL)
		d->id[0] = '\0';
	d->step = STEP_NOTE;
	if (!d->noted)
		d->note_op = queue_note_get(s->store, note_name(d, (char[QUEUE_NOTE_KEY]){ 0 }), on_note, d);
	if (d->note_op == 0)
		look(d);
	return number;
}

void sts_cancel(struct sts *s, uint64_t number)
{
	asks_cancel(s->asks, number);
}

void sts_doubt(struct sts *s, const char *domain)
{
	struct domain *d = table_get(s->domains, span_of(domain));

	if (d == NULL || now() < d->doubt_s)
		return;
	d->look_s = 0;
	d->doubt_s = now() + AGAIN_S;
}

const char *sts_cause(enum sts_trouble t)
{
	static const char *const causes[] = {
		[STS_FINE] = NULL,
		[STS_FETCH_ERROR] = "sts-fetch-failed",
		[STS_POLICY_INVALID] = "sts-policy-bad",
		[STS_WEBPKI_INVALID] = "sts-https-cert-bad",
	};

	return causes[t];
}
