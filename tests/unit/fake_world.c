/* fake_world.c - the contract is in fake_world.h. */
#include "tests/unit/fake_world.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/base/ascii.h"
#include "tests/unit/unit.h"

enum { ANSWERS = 400, RECORDS = 8 };

struct fake {
	struct lookup lookup;
	const char *text;
	struct answer {
		struct dns_answer answer;
		struct dns_record records[RECORDS];
		uint8_t bytes[RECORDS][600];
		char name[DNS_NAME_MAX];
	} answers[ANSWERS];
	size_t count;
	struct lookup_page page;
	char page_text[1000];
	struct lookup_port port;
};

static const struct {
	const char *name;
	enum dns_type type;
} types[] = { { "A", DNS_A }, { "AAAA", DNS_AAAA }, { "MX", DNS_MX }, { "TXT", DNS_TXT }, { "PTR", DNS_PTR }, { "TLSA", DNS_TLSA }, { "CNAME", DNS_CNAME },
	    { "SRV", DNS_SRV } };

static enum dns_type type_of(struct span word)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_is(word, types[i].name))
			return types[i].type;
	return 0;
}

static void put_number(struct span *in, uint8_t *out)
{
	uint64_t n = 0;

	assert_true(span_number(span_take_until(in, ' '), 65535, &n));
	*out = (uint8_t)n;
}

static void put_record(struct answer *a, enum dns_type type, struct span value)
{
	struct dns_record *r = &a->records[a->answer.count];
	uint8_t *bytes = a->bytes[a->answer.count++];
	char text[600];
	uint64_t n;

	assert_true(a->answer.count <= RECORDS && value.n < sizeof(text));
	if (type == DNS_MX) {
		assert_true(span_number(span_take_until(&value, ' '), 65535, &n));
		r->preference = (uint16_t)n;
	}
	if (type == DNS_SRV) {
		span_take_until(&value, ' ');
		span_take_until(&value, ' ');
		assert_true(span_number(span_take_until(&value, ' '), 65535, &n));
		r->port = (uint16_t)n;
	}
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	snprintf(r->name, sizeof(r->name), "%.255s", strcmp(text, ".") == 0 ? "" : text);
	if (type == DNS_A || type == DNS_AAAA)
		assert_int_equal(inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, r->address), 1);
	if (type == DNS_TXT) {
		memcpy(bytes, value.p, value.n);
		r->text = (struct span){ bytes, value.n };
	}
	if (type != DNS_TLSA)
		return;
	for (int i = 0; i < 3; i++)
		put_number(&value, bytes + i);
	for (size_t i = 0; i + 1 < value.n; i += 2)
		bytes[3 + i / 2] = (uint8_t)(ascii_hex(value.p[i]) * 16 + ascii_hex(value.p[i + 1]));
	r->text = (struct span){ bytes, 3 + value.n / 2 };
}

static void look(struct fake *f, struct answer *a, const char *name, enum dns_type type)
{
	struct span left = span_of(f->text);
	char other[DNS_NAME_MAX] = "";

	while (left.n > 0) {
		struct span line = span_take_until(&left, '\n'), own = span_take_until(&line, ' '), kind = span_take_until(&line, ' ');

		a->answer.secure |= span_is(own, "secure");
		if (!span_is_nocase(own, name))
			continue;
		if (a->answer.status == DNS_NO_NAME)
			a->answer.status = DNS_NO_DATA;
		if (span_is(kind, "FAILED"))
			a->answer.status = DNS_FAILED;
		else if (span_is(kind, "BOGUS"))
			a->answer.status = DNS_BOGUS;
		else if (span_is(kind, "CNAME"))
			snprintf(other, sizeof(other), "%.*s", (int)line.n, (const char *)line.p);
		else if (type_of(kind) == type) {
			put_record(a, type, line);
			a->answer.status = DNS_OK;
		}
	}
	if (*other == '\0')
		return;
	snprintf(a->name, sizeof(a->name), "%s", other);
	a->answer.status = DNS_NO_NAME;
	look(f, a, a->name, type);
}

static const struct dns_answer *fake_ask(struct lookup *l, const char *name, enum dns_type type)
{
	struct fake *f = (struct fake *)l;
	struct answer *a = &f->answers[f->count++];

	assert_true(f->count <= ANSWERS);
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->answer = (struct dns_answer){ .status = DNS_NO_NAME, .name = a->name, .records = a->records, .words = "so the test says" };
	look(f, a, name, type);
	return &a->answer;
}

static void fake_soon(struct lookup *l, const char *name, enum dns_type type)
{
	(void)l;
	(void)name;
	(void)type;
}

/* What stands behind "NAME KIND "; false: nothing. */
static bool find(const struct fake *f, const char *name, const char *kind, struct span *out)
{
	struct span left = span_of(f->text);

	while (left.n > 0) {
		*out = span_take_until(&left, '\n');
		if (span_is(span_take_until(out, ' '), name) && span_is(span_take_until(out, ' '), kind))
			return true;
	}
	return false;
}

static const struct lookup_page *fake_page(struct lookup *l, const char *url)
{
	struct fake *f = (struct fake *)l;
	struct span value;
	uint64_t status;

	f->page = (struct lookup_page){ .words = "connection refused" };
	if (!find(f, url, "PAGE", &value))
		return &f->page;
	assert_true(span_number(span_take_until(&value, ' '), 999, &status));
	f->page.status = (int)status;
	assert_true(value.n < sizeof(f->page_text));
	for (size_t i = 0; i < value.n; i++)
		f->page_text[i] = value.p[i] == '|' ? '\n' : (char)value.p[i];
	f->page.body = (struct span){ (const uint8_t *)f->page_text, value.n };
	return &f->page;
}

static const struct lookup_port *fake_port(struct lookup *l, const char *host, unsigned port)
{
	struct fake *f = (struct fake *)l;
	struct span value;

	assert_int_equal(port, 25);
	f->port = (struct lookup_port){ .words = "connection timed out" };
	if (find(f, host, "PORT", &value) && value.n > 0) {
		f->port.open = true;
		snprintf(f->port.greeting, sizeof(f->port.greeting), "%.*s", (int)value.n, (const char *)value.p);
	}
	return &f->port;
}

struct lookup *fake_world(const char *text)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->lookup = (struct lookup){ fake_ask, fake_soon, fake_page, fake_port, fake_world_free };
	f->text = text;
	return &f->lookup;
}

void fake_world_free(struct lookup *l)
{
	free(l);
}
