/* tlsrpt_count.c - the contract is in tlsrpt_count.h.
 * As bytes: for each policy a line "policy KIND GOOD BAD HOST", one "string TEXT" for each of
 * its lines, and one "detail COUNT<TAB>RESULT<TAB>..." for each kind of failure. */
#include "deliverd/tlsrpt_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"

enum {
	FIELD_MAX = 255,	/* bytes of one field */
	POLICY_MAX = 4096,	/* of a policy's text */
	BYTES_MAX = 36 * 1024,	/* of the note; above it policies and failures go without particulars */
	POLICY_COST = 64,	/* bytes of a note that are not text: by policy, by line of it, by failure */
	LINE_COST = 7,
	DETAIL_COST = 24,
	HEX_SHOWN = 255		/* bytes of a TLSA record's data */
};

static const char *const kinds[] = {
	[TLSRPT_NO_POLICY] = "no-policy-found",
	[TLSRPT_TLSA] = "tlsa",
	[TLSRPT_STS] = "sts",
};

const char *tlsrpt_kind_text(enum tlsrpt_policy kind)
{
	return kinds[kind];
}

/* --- causes (RFC 8460 4.3) ------------------------------------------------- */

const char *tlsrpt_result(const char *cause)
{
	static const struct {
		const char *cause, *result;
	} table[] = {
		{ "peer-no-starttls", "starttls-not-supported" },
		{ "peer-refuses-starttls", "starttls-not-supported" },
		{ "peer-cert-other-name", "certificate-host-mismatch" },
		{ "peer-cert-expired", "certificate-expired" },
		{ "peer-cert-too-early", "certificate-not-trusted" },
		{ "peer-cert-self-signed", "certificate-not-trusted" },
		{ "peer-cert-unknown-ca", "certificate-not-trusted" },
		{ "peer-cert-weak", "certificate-not-trusted" },
		{ "peer-cert-bad", "certificate-not-trusted" },
		{ "dane-unusable", "tlsa-invalid" },
		{ "dane-lookup-failed", "dnssec-invalid" },
		{ "dane-no-records", "dane-required" },
		{ "sts-fetch-failed", "sts-policy-fetch-error" },
		{ "sts-policy-bad", "sts-policy-invalid" },
		{ "sts-https-cert-bad", "sts-webpki-invalid" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(cause, table[i].cause) == 0)
			return table[i].result;
	return "validation-failure";
}

/* --- making and freeing ---------------------------------------------------- */

int tlsrpt_counts_new(struct tlsrpt_counts **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? 0 : error_set(err, -ENOMEM, "no memory for counts of TLS sessions");
}

static void one_free(struct tlsrpt_one *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->details[i].text[0]);
	free(p->host);
	free(p->text);
	free(p);
}

void tlsrpt_counts_free(struct tlsrpt_counts *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++)
		one_free(c->policies[i]);
	free(c);
}

/* --- policies -------------------------------------------------------------- */

/* Whole lines, as many as there is room for. */
static void text_cut(struct buf *text)
{
	struct span rest = buf_span(text);
	size_t kept = 0;

	while (rest.n > 0) {
		size_t line = span_take_until(&rest, '\n').n + 1;

		if (kept + line > POLICY_MAX)
			break;
		kept += line;
	}
	text->n = kept;
}

static void tlsa_text(const struct tls_tlsa *r, struct buf *out)
{
	buf_printf(out, "%u %u %u ", r->usage, r->selector, r->matching);
	for (size_t i = 0; i < r->data.n && i < HEX_SHOWN; i++)
		buf_printf(out, "%02x", r->data.p[i]);
	buf_put_byte(out, '\n');
}

static void policy_text(const struct tlsrpt_session *s, struct buf *out)
{
	buf_init(out, STS_TEXT);
	if (s->policy == TLSRPT_STS && s->sts != NULL)
		buf_put(out, s->sts->text);
	for (size_t i = 0; s->policy == TLSRPT_TLSA && i < s->tlsa_count; i++)
		tlsa_text(&s->tlsa[i], out);
	text_cut(out);
}

static size_t text_cost(struct span text)
{
	size_t cost = text.n;

	while (text.n > 0) {
		span_take_until(&text, '\n');
		cost += LINE_COST;
	}
	return cost;
}

static struct tlsrpt_one *one_make(struct tlsrpt_counts *c, enum tlsrpt_policy kind, struct span host, struct span text)
{
	struct tlsrpt_one *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->kind = kind;
	p->host = strndup(host.n > 0 ? (const char *)host.p : "", host.n);
	p->text = strndup(text.n > 0 ? (const char *)text.p : "", text.n);
	if (p->host == NULL || p->text == NULL) {
		one_free(p);
		return NULL;
	}
	c->bytes += POLICY_COST + host.n + text_cost(text);
	c->policies[c->count++] = p;
	return p;
}

static struct tlsrpt_one *one_find(const struct tlsrpt_counts *c, enum tlsrpt_policy kind, struct span host,
				   struct span text)
{
	for (size_t i = 0; i < c->count; i++) {
		struct tlsrpt_one *p = c->policies[i];

		if (p->kind == kind && span_is(host, p->host) && span_is(text, p->text))
			return p;
	}
	return NULL;
}

static struct span field(const char *text)
{
	struct span f = span_of(text);

	f.n = f.n < FIELD_MAX ? f.n : FIELD_MAX;
	return f;
}

static struct tlsrpt_one *one_of(struct tlsrpt_counts *c, const struct tlsrpt_session *s)
{
	struct span host = s->policy == TLSRPT_TLSA ? field(s->host) : (struct span){ NULL, 0 };
	struct tlsrpt_one *p;
	struct buf text;

	policy_text(s, &text);
	p = one_find(c, s->policy, host, buf_span(&text));
	if (p == NULL && c->bytes + text_cost(buf_span(&text)) > BYTES_MAX) {
		buf_reset(&text);
		p = one_find(c, s->policy, host, buf_span(&text));
	}
	/* A domain that changes its policy all day long has only itself to blame. */
	if (p == NULL && c->count == TLSRPT_POLICIES)
		p = c->policies[TLSRPT_POLICIES - 1];
	if (p == NULL)
		p = one_make(c, s->policy, host, buf_span(&text));
	buf_clear(&text);
	return p;
}

/* --- failures -------------------------------------------------------------- */

/* Tabs and line ends are ours. */
static void field_copy(char *to, struct span from)
{
	for (size_t i = 0; i < from.n; i++)
		to[i] = ascii_control(from.p[i]) ? ' ' : (char)from.p[i];
	to[from.n] = '\0';
}

static bool detail_is(const struct tlsrpt_detail *d, const struct span fields[TLSRPT_FIELDS])
{
	for (size_t i = 0; i < TLSRPT_FIELDS; i++)
		if (!span_is(fields[i], d->text[i]))
			return false;
	return true;
}

static struct tlsrpt_detail *detail_make(struct tlsrpt_counts *c, struct tlsrpt_one *p,
					 const struct span fields[TLSRPT_FIELDS])
{
	struct tlsrpt_detail *d = &p->details[p->count];
	size_t n = 0;
	char *at;

	for (size_t i = 0; i < TLSRPT_FIELDS; i++)
		n += fields[i].n + 1;
	at = malloc(n);
	if (at == NULL)
		return NULL;
	*d = (struct tlsrpt_detail){ 0 };
	for (size_t i = 0; i < TLSRPT_FIELDS; i++) {
		d->text[i] = at;
		field_copy(at, fields[i]);
		at += fields[i].n + 1;
	}
	c->bytes += DETAIL_COST + n;
	p->count++;
	return d;
}

static struct tlsrpt_detail *detail_find(struct tlsrpt_counts *c, struct tlsrpt_one *p, struct span fields[TLSRPT_FIELDS])
{
	bool full = c->bytes > BYTES_MAX || p->count + 1 >= TLSRPT_DETAILS;

	for (size_t i = 0; i < p->count; i++)
		if (detail_is(&p->details[i], fields))
			return &p->details[i];
	if (!full)
		return detail_make(c, p, fields);
	/* What has no place of its own: by result alone, then in the last place. */
	for (size_t i = TLSRPT_RESULT + 1; i < TLSRPT_FIELDS; i++)
		fields[i] = (struct span){ NULL, 0 };
	for (size_t i = 0; i < p->count; i++)
		if (detail_is(&p->details[i], fields))
			return &p->details[i];
	return p->count < TLSRPT_DETAILS ? detail_make(c, p, fields) : &p->details[p->count - 1];
}

static bool failure_add(struct tlsrpt_counts *c, struct tlsrpt_one *p, const struct tlsrpt_session *s)
{
	char clean[TLSRPT_FIELDS][FIELD_MAX + 1];
	struct span fields[TLSRPT_FIELDS] = {
		[TLSRPT_RESULT] = field(tlsrpt_result(s->cause)),
		[TLSRPT_OWN_ADDRESS] = field(s->own_address),
		[TLSRPT_HOST] = field(s->host),
		[TLSRPT_HELO] = field(s->helo),
		[TLSRPT_ADDRESS] = field(s->address),
		[TLSRPT_REASON] = field(s->reason[0] != '\0' ? s->reason : s->cause),
	};
	struct tlsrpt_detail *d;

	for (size_t i = 0; i < TLSRPT_FIELDS; i++) {
		field_copy(clean[i], fields[i]);
		fields[i].p = (const uint8_t *)clean[i];
	}
	d = detail_find(c, p, fields);
	if (d == NULL)
		return false;
	d->count++;
	p->bad++;
	return true;
}

bool tlsrpt_counts_add(struct tlsrpt_counts *c, const struct tlsrpt_session *s)
{
	struct tlsrpt_one *p = one_of(c, s);

	if (p == NULL)
		return false;
	if (s->cause != NULL)
		return failure_add(c, p, s);
	p->good++;
	return true;
}

uint64_t tlsrpt_counts_total(const struct tlsrpt_counts *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < c->count; i++)
		total += c->policies[i]->good + c->policies[i]->bad;
	return total;
}

/* --- as bytes -------------------------------------------------------------- */

static void one_write(const struct tlsrpt_one *p, struct buf *out)
{
	struct span rest = span_of(p->text);

	buf_printf(out, "policy %s %" PRIu64 " %" PRIu64 " %s\n", kinds[p->kind], p->good, p->bad, p->host);
	while (rest.n > 0) {
		struct span line = span_take_until(&rest, '\n');

		buf_put_text(out, "string ");
		buf_put(out, line);
		buf_put_byte(out, '\n');
	}
	for (size_t i = 0; i < p->count; i++) {
		buf_printf(out, "detail %" PRIu64, p->details[i].count);
		for (size_t j = 0; j < TLSRPT_FIELDS; j++)
			buf_printf(out, "\t%s", p->details[i].text[j]);
		buf_put_byte(out, '\n');
	}
}

void tlsrpt_counts_write(const struct tlsrpt_counts *c, struct buf *out)
{
	for (size_t i = 0; i < c->count; i++)
		one_write(c->policies[i], out);
}

static bool policy_line(struct tlsrpt_counts *c, struct span line, struct span text)
{
	struct span kind = span_take_until(&line, ' '), good = span_take_until(&line, ' ');
	struct span bad = span_take_until(&line, ' ');
	struct tlsrpt_one *p;
	size_t k = 0;

	while (k < sizeof(kinds) / sizeof(kinds[0]) && !span_is(kind, kinds[k]))
		k++;
	if (k == sizeof(kinds) / sizeof(kinds[0]) || c->count == TLSRPT_POLICIES || line.n > FIELD_MAX ||
	    text.n > POLICY_MAX)
		return false;
	p = one_make(c, (enum tlsrpt_policy)k, line, text);
	return p != NULL && span_number(good, UINT32_MAX, &p->good) && span_number(bad, UINT32_MAX, &p->bad);
}

static bool detail_line(struct tlsrpt_counts *c, struct span line)
{
	struct tlsrpt_one *p = c->count > 0 ? c->policies[c->count - 1] : NULL;
	struct span number = span_take_until(&line, '\t'), fields[TLSRPT_FIELDS];
	struct tlsrpt_detail *d;

	if (p == NULL || p->count == TLSRPT_DETAILS)
		return false;
	for (size_t i = 0; i < TLSRPT_FIELDS; i++) {
		fields[i] = span_take_until(&line, i + 1 < TLSRPT_FIELDS ? '\t' : '\n');
		if (fields[i].n > FIELD_MAX || memchr(fields[i].n > 0 ? fields[i].p : (const uint8_t *)"", '\0', fields[i].n) != NULL)
			return false;
	}
	d = fields[TLSRPT_RESULT].n > 0 ? detail_make(c, p, fields) : NULL;
	return d != NULL && span_number(number, UINT32_MAX, &d->count);
}

/* The policy's lines that follow, as text. */
static void strings_take(struct span *in, struct buf *text)
{
	buf_reset(text);
	while (span_starts(*in, "string ")) {
		struct span line = span_take_until(in, '\n');

		span_take(&line, strlen("string "));
		buf_put(text, line);
		buf_put_byte(text, '\n');
	}
}

static bool all_read(struct tlsrpt_counts *c, struct span in, struct buf *text)
{
	while (in.n > 0) {
		struct span line = span_take_until(&in, '\n'), word = span_take_until(&line, ' ');
		bool good = false;

		if (span_is(word, "policy")) {
			strings_take(&in, text);
			good = !text->failed && policy_line(c, line, buf_span(text));
		} else if (span_is(word, "detail")) {
			good = detail_line(c, line);
		}
		if (!good)
			return false;
	}
	return true;
}

int tlsrpt_counts_read(struct tlsrpt_counts **out, struct span in, struct error *err)
{
	struct buf text;
	bool good = false;
	int rc = tlsrpt_counts_new(out, err);

	if (rc < 0)
		return rc;
	buf_init(&text, POLICY_MAX);
	if (in.n <= TLSRPT_NOTE && (in.n == 0 || memchr(in.p, '\0', in.n) == NULL))
		good = all_read(*out, in, &text);
	buf_clear(&text);
	if (good)
		return 0;
	tlsrpt_counts_free(*out);
	*out = NULL;
	return error_set(err, -EINVAL, "these are no counts of TLS sessions");
}
