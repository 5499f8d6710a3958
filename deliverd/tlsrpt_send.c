/* tlsrpt_send.c - the contract is in tlsrpt_entry.h: who wants a report, and how it gets there. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "deliverd/tlsrpt_entry.h"

enum {
	RECORDS = 32,		/* TXT records that are looked at */
	AGAIN_S = 900,		/* after a report could not be sent */
	REPORT_MAX = 1 << 20,	/* bytes, and of what is made of it */
	ID_MAX = 320
};

static int64_t now(void)
{
	return clock_real_ms() / 1000;
}

/* --- records --------------------------------------------------------------- */

static size_t targets_of(const struct dns_answer *a, struct tlsrpt_target *out)
{
	struct span texts[RECORDS];
	size_t count = a->count < RECORDS ? a->count : RECORDS;

	for (size_t i = 0; i < count; i++)
		texts[i] = a->records[i].text;
	return tlsrpt_record(texts, count, out);
}

static bool answered(const struct dns_answer *a)
{
	return a->status == DNS_OK || a->status == DNS_NO_DATA || a->status == DNS_NO_NAME || a->status == DNS_INVALID;
}

static uint64_t record_ask(struct tlsrpt_entry *e, dns_done done)
{
	char name[DNS_NAME_MAX];

	if ((size_t)snprintf(name, sizeof(name), "_smtp._tls.%s", e->domain) >= sizeof(name))
		return 0;
	return dns_ask(e->o->dns, name, DNS_TXT, done, e);
}

/* With the first session: is all this of use? */
static void on_first_look(void *arg, const struct dns_answer *a)
{
	struct tlsrpt_entry *e = arg;

	e->dns_number = 0;
	if (!answered(a) || (a->status == DNS_OK && targets_of(a, e->targets) > 0))
		return;
	tlsrpt_counts_free(e->counts);
	e->counts = NULL;
	e->stage = TLSRPT_UNWANTED;
}

void tlsrpt_entry_begin(struct tlsrpt_entry *e)
{
	e->dns_number = record_ask(e, on_first_look);
}

/* --- sending --------------------------------------------------------------- */

/* The same every time: a report that is made twice has one id. */
static uint64_t domain_hash(const char *domain)
{
	uint64_t hash = 0xcbf29ce484222325U;	/* FNV-1a */

	for (; *domain != '\0'; domain++)
		hash = (hash ^ (uint8_t)*domain) * 0x100000001b3U;
	return hash;
}

/* RFC 8460 4.1: not all reports of the world at midnight. */
int64_t tlsrpt_entry_time(int64_t start_s, int64_t day_s, const char *domain)
{
	return start_s + day_s + day_s / 24 + (int64_t)(domain_hash(domain) % (uint64_t)(day_s / 6 + 1));
}

struct report {
	struct tlsrpt_head head;
	char id[ID_MAX];
	struct buf gzip;
};

static int report_make(const struct tlsrpt_entry *e, struct report *r, struct error *err)
{
	struct buf json;
	int rc;

	snprintf(r->id, sizeof(r->id), "%" PRId64 ".%016" PRIx64 "@%s", e->start_s, domain_hash(e->domain), e->o->hostname);
	r->head = (struct tlsrpt_head){ e->o->hostname, e->domain, r->id, e->start_s, e->start_s + e->o->day_s };
	buf_init(&json, REPORT_MAX);
	buf_init(&r->gzip, REPORT_MAX);
	tlsrpt_json(e->counts, &r->head, &json);
	rc = !json.failed ? tlsrpt_gzip(buf_span(&json), &r->gzip, err) : error_set(err, -ENOMEM, "no memory for a report");
	buf_clear(&json);
	return rc;
}

static void target_mail(struct tlsrpt_entry *e, const struct report *r, const char *to)
{
	char date[CLOCK_TEXT];
	struct buf message;

	clock_mail_text(date, now());
	buf_init(&message, 2 * REPORT_MAX);
	tlsrpt_message(&r->head, to, date, buf_span(&r->gzip), &message);
	if (!message.failed)
		e->o->mail(e->o->arg, to, buf_span(&message));
	buf_clear(&message);
}

static void target_next(struct tlsrpt_entry *e);

/* Nothing came of it: later, or not at all. */
static void target_failed(struct tlsrpt_entry *e, const char *words)
{
	const char *to = e->targets[e->target].to;

	if (++e->tries < TLSRPT_TRIES) {
		e->due_s = now() + (AGAIN_S < e->o->day_s ? AGAIN_S : e->o->day_s);
		return;
	}
	log_warn("TLS report about %s not sent to %s: %s", e->domain, to, words);
	e->target++;
	e->tries = 0;
	target_next(e);
}

static void on_posted(void *arg, const struct https_answer *a)
{
	struct tlsrpt_entry *e = arg;
	char words[64];

	e->https_number = 0;
	if (a->status < 200 || a->status > 299) {	/* RFC 8460 5.4 */
		snprintf(words, sizeof(words), "the host answers %d", a->status);
		target_failed(e, a->status == 0 ? a->words : words);
		return;
	}
	log_info("TLS report sent about %s to %s", e->domain, e->targets[e->target].to);
	e->target++;
	e->tries = 0;
	target_next(e);
}

/* One after another; those by mail are done at once. */
static void target_next(struct tlsrpt_entry *e)
{
	struct report r;
	struct error err;

	if (report_make(e, &r, &err) < 0) {
		buf_clear(&r.gzip);
		log_warn("TLS report about %s not sent: %s", e->domain, err.words);
		tlsrpt_entry_end(e);
		return;
	}
	for (; e->target < e->target_count && !e->targets[e->target].https; e->target++)
		target_mail(e, &r, e->targets[e->target].to);
	if (e->target < e->target_count && e->o->https != NULL)
		e->https_number = https_post(e->o->https, e->targets[e->target].to, "application/tlsrpt+gzip",
					     buf_span(&r.gzip), on_posted, e);
	buf_clear(&r.gzip);
	if (e->target == e->target_count)
		tlsrpt_entry_end(e);
	else if (e->https_number == 0)
		target_failed(e, "there is no room for more requests");
}

/* The day is over: who wants it now? */
static void on_last_look(void *arg, const struct dns_answer *a)
{
	struct tlsrpt_entry *e = arg;

	e->dns_number = 0;
	if (!answered(a) && ++e->tries < TLSRPT_TRIES) {
		e->due_s = now() + (AGAIN_S < e->o->day_s ? AGAIN_S : e->o->day_s);
		return;
	}
	e->target_count = a->status == DNS_OK ? targets_of(a, e->targets) : 0;
	e->target = 0;
	e->tries = 0;
	e->stage = TLSRPT_SENDING;
	target_next(e);
}

void tlsrpt_entry_due(struct tlsrpt_entry *e)
{
	if (e->counts == NULL || tlsrpt_counts_total(e->counts) == 0) {
		tlsrpt_entry_end(e);
	} else if (e->stage == TLSRPT_SENDING) {
		target_next(e);
	} else {
		e->stage = TLSRPT_LOOKING;
		e->dns_number = record_ask(e, on_last_look);
		if (e->dns_number == 0)
			on_last_look(e, &(struct dns_answer){ .status = DNS_FAILED, .name = "", .words = "" });
	}
}
