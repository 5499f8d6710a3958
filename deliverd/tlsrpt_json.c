/* tlsrpt_json.c - the counts as a report (RFC 8460 4.4). The contract is in tlsrpt_count.h. */
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/json.h"
#include "deliverd/tlsrpt_inside.h"

static void range_put(const struct tlsrpt_head *h, struct buf *out)
{
	char text[CLOCK_TEXT];

	json_open(out, "date-range", '{');
	clock_utc_text(text, h->start_s);
	json_text(out, "start-datetime", text);
	clock_utc_text(text, h->end_s - 1);
	json_text(out, "end-datetime", text);
	json_close(out, '}');
}

static void policy_put(const struct tlsrpt_one *p, const char *domain, struct buf *out)
{
	struct span rest = span_of(p->text), pattern;

	json_open(out, "policy", '{');
	json_text(out, "policy-type", tlsrpt_kind_text(p->kind));
	if (rest.n > 0) {
		json_open(out, "policy-string", '[');
		while (rest.n > 0)
			json_span(out, NULL, span_take_until(&rest, '\n'));
		json_close(out, ']');
	}
	json_text(out, "policy-domain", domain);
	if (p->kind != TLSRPT_NO_POLICY) {
		json_open(out, "mx-host", '[');
		if (p->host[0] != '\0')
			json_text(out, NULL, p->host);
		rest = span_of(p->text);
		while (p->kind == TLSRPT_STS && sts_policy_mx(&rest, &pattern))
			json_span(out, NULL, pattern);
		json_close(out, ']');
	}
	json_close(out, '}');
}

static void detail_put(const struct tlsrpt_detail *d, struct buf *out)
{
	static const char *const names[TLSRPT_FIELDS] = {
		[TLSRPT_RESULT] = "result-type",
		[TLSRPT_OWN_ADDRESS] = "sending-mta-ip",
		[TLSRPT_HOST] = "receiving-mx-hostname",
		[TLSRPT_HELO] = "receiving-mx-helo",
		[TLSRPT_ADDRESS] = "receiving-ip",
		[TLSRPT_REASON] = "failure-reason-code",
	};

	json_open(out, NULL, '{');
	for (size_t i = 0; i < TLSRPT_FIELDS; i++)
		if (d->text[i][0] != '\0')
			json_text(out, names[i], d->text[i]);
	json_number(out, "failed-session-count", (int64_t)d->count);
	json_close(out, '}');
}

static void one_put(const struct tlsrpt_one *p, const char *domain, struct buf *out)
{
	json_open(out, NULL, '{');
	policy_put(p, domain, out);
	json_open(out, "summary", '{');
	json_number(out, "total-successful-session-count", (int64_t)p->good);
	json_number(out, "total-failure-session-count", (int64_t)p->bad);
	json_close(out, '}');
	if (p->count > 0) {
		json_open(out, "failure-details", '[');
		for (size_t i = 0; i < p->count; i++)
			detail_put(&p->details[i], out);
		json_close(out, ']');
	}
	json_close(out, '}');
}

void tlsrpt_json(const struct tlsrpt_counts *c, const struct tlsrpt_head *h, struct buf *out)
{
	char contact[320];

	snprintf(contact, sizeof(contact), "postmaster@%s", h->hostname);
	json_open(out, NULL, '{');
	json_text(out, "organization-name", h->hostname);
	range_put(h, out);
	json_text(out, "contact-info", contact);
	json_text(out, "report-id", h->id);
	json_open(out, "policies", '[');
	for (size_t i = 0; i < c->count; i++)
		one_put(c->policies[i], h->domain, out);
	json_close(out, ']');
	json_close(out, '}');
	buf_put_byte(out, '\n');
}
