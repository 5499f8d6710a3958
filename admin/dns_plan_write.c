/* dns_plan_write.c - the records of a plan: for people, for programs, for a name server. */
#include <string.h>

#include "admin/dns_plan.h"
#include "admin/json.h"

enum { STRING_MAX = 255 };	/* bytes of one string of a TXT record (RFC 1035 3.3) */

/* --- for people ------------------------------------------------------------ */

static void put_lines(struct buf *out, const char *text, const char *before)
{
	struct span left = span_of(text);

	while (left.n > 0) {
		struct span line = span_take_until(&left, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_printf(out, "%s%.*s\n", before, (int)line.n, (const char *)line.p);
	}
}

static void put_record(const struct dns_plan_record *r, struct buf *out)
{
	bool page = strcmp(r->type, "PAGE") == 0;

	buf_printf(out, "  %s%s  %s", r->name, strchr(r->name, '/') == NULL && strchr(r->name, ' ') == NULL ? "." : "",
		   page ? "this text:" : r->type);
	if (*r->words != '\0')
		buf_printf(out, "  (%s)", r->words);
	buf_put_text(out, "\n");
	put_lines(out, r->value, "      ");
}

void dns_plan_write(const struct dns_plan *p, const struct dns_site *d, struct buf *out)
{
	buf_printf(out, "What the DNS should say of %s. Afterwards: yubin dns check %s\n", d->domain, d->domain);
	for (size_t i = 0; i < p->count; i++) {
		enum dns_topic topic = p->records[i].topic;

		if (i == 0 || p->records[i - 1].topic != topic)
			buf_printf(out, "\n%s%s.\n", dns_topic_is_optional(topic) ? "May be: " : "", dns_topic_words(topic));
		put_record(&p->records[i], out);
	}
}

/* --- for programs ---------------------------------------------------------- */

void dns_plan_write_json(const struct dns_plan *p, struct buf *out)
{
	json_open(out, NULL, '[');
	for (size_t i = 0; i < p->count; i++) {
		const struct dns_plan_record *r = &p->records[i];

		json_open(out, NULL, '{');
		json_text(out, "topic", dns_topic_name(r->topic));
		json_text(out, "name", r->name);
		json_text(out, "type", r->type);
		json_text(out, "value", r->value);
		json_text(out, "words", r->words);
		json_bool(out, "optional", dns_topic_is_optional(r->topic));
		json_close(out, '}');
	}
	json_close(out, ']');
	buf_put_text(out, "\n");
}

/* --- for a name server ----------------------------------------------------- */

static bool is_within(const char *name, const char *domain)
{
	size_t n = strlen(name), zone = strlen(domain);

	return n >= zone && strcmp(name + n - zone, domain) == 0 && (n == zone || name[n - zone - 1] == '.');
}

/* In strings of 255 bytes at most, each in quotes. */
static void put_strings(struct buf *out, const char *text)
{
	struct span left = span_of(text);

	while (left.n > 0) {
		struct span part = span_take(&left, STRING_MAX);

		buf_put_text(out, " \"");
		for (size_t i = 0; i < part.n; i++) {
			if (part.p[i] == '"' || part.p[i] == '\\')
				buf_put_byte(out, '\\');
			buf_put_byte(out, part.p[i]);
		}
		buf_put_byte(out, '"');
	}
}

static void put_zone_record(const struct dns_plan_record *r, const struct dns_site *d, struct buf *out)
{
	if (*r->words != '\0')
		buf_printf(out, "; %s\n", r->words);
	if (strcmp(r->type, "PAGE") == 0) {
		buf_printf(out, "; %s:\n", r->name);
		put_lines(out, r->value, ";     ");
		return;
	}
	/* What belongs into another zone, or can't be known, is only told. */
	if (!is_within(r->name, d->domain) || *r->value == '\0' || r->topic == DNS_TOPIC_AUTOCONFIG)
		buf_put_text(out, "; ");
	buf_printf(out, "%s. 3600 IN %s", r->name, r->type);
	if (strcmp(r->type, "TXT") == 0)
		put_strings(out, r->value);
	else
		buf_printf(out, " %s", r->value);
	buf_put_text(out, "\n");
}

void dns_plan_write_zone(const struct dns_plan *p, const struct dns_site *d, struct buf *out)
{
	for (size_t i = 0; i < p->count; i++) {
		enum dns_topic topic = p->records[i].topic;

		if (i == 0 || p->records[i - 1].topic != topic)
			buf_printf(out, "; %s\n", dns_topic_words(topic));
		put_zone_record(&p->records[i], d, out);
	}
}
