/* fake_dns.c - the contract is in fake_dns.h. */
#include "tests/unit/fake_dns.h"

#include <stdlib.h>

#include "tests/unit/dns_kit.h"
#include "tests/unit/unit.h"

enum { OPEN = 64, LINES = 64 };

struct question {
	char name[DNS_NAME_MAX];
	enum dns_type type;
	dns_done done;
	void *arg;
	uint64_t number; /* 0: none */
};

struct dns {
	const char *const *lines;
	struct question open[OPEN];
	uint64_t last;
	unsigned refuse_from;
	char asked[2000];
};

struct dns *fake_dns_new(const char *const *lines)
{
	struct dns *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->lines = lines;
	d->refuse_from = UINT32_MAX;
	return d;
}

uint64_t dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done done, void *arg)
{
	size_t n = strlen(d->asked), i = 0;

	if (d->last + 1 >= d->refuse_from)
		return 0;
	while (i < OPEN && d->open[i].number != 0)
		i++;
	assert_true(i < OPEN);
	d->open[i] = (struct question){ .type = type, .done = done, .arg = arg, .number = ++d->last };
	if (*name != '\0')
		snprintf(d->asked + n, sizeof(d->asked) - n, "%s %s, ", name, dns_kit_type(type));
	if (!dns_name(span_of(name), d->open[i].name))
		d->open[i].name[0] = '\0';
	return d->last;
}

void dns_cancel(struct dns *d, uint64_t number)
{
	for (size_t i = 0; i < OPEN; i++)
		if (number != 0 && d->open[i].number == number)
			d->open[i].number = 0;
}

/* The lines of a name, of a type or CNAME; those behind its CNAMEs too. */
struct found {
	const char *lines[LINES + 1];
	size_t count;
	bool there, secure, failed, bogus;
};

static void look(const struct dns *d, const char *name, enum dns_type type, struct found *f)
{
	char alias[DNS_NAME_MAX] = "";
	bool known = false, secure = false;

	for (size_t i = 0; d->lines[i] != NULL; i++) {
		struct span line = span_of(d->lines[i] + 1), owner = span_take_until(&line, ' '), what = line;

		if (!span_is(owner, name))
			continue;
		known = true;
		secure |= d->lines[i][0] == '+';
		what = span_take_until(&line, ' ');
		if (span_is(line, "FAILED") || span_is(line, "BOGUS")) {
			f->failed |= span_is(what, dns_kit_type(type)) && span_is(line, "FAILED");
			f->bogus |= span_is(what, dns_kit_type(type)) && span_is(line, "BOGUS");
		} else if (span_is(what, "CNAME") && type != DNS_CNAME) {
			f->lines[f->count++] = d->lines[i] + 1;
			snprintf(alias, sizeof(alias), "%.*s", (int)line.n, (const char *)line.p);
		} else if (span_is(what, dns_kit_type(type))) {
			f->lines[f->count++] = d->lines[i] + 1;
		}
	}
	f->secure &= secure;
	f->there = known;
	if (*alias != '\0')
		look(d, alias, type, f);
}

static void answer(struct dns *d, const struct question *q)
{
	struct dns_answer a = { .status = DNS_INVALID, .name = q->name, .words = "no name" };
	struct found f = { .secure = true };
	static uint8_t packet[DNS_KIT_PACKET];
	struct buf memory;

	buf_init(&memory, 256 << 10);
	if (q->name[0] != '\0') {
		look(d, q->name, q->type, &f);
		if (!f.failed && !f.bogus) {
			size_t n = dns_kit_packet(packet, q->name, q->type, f.there ? 0 : 3, f.lines);

			assert_int_equal(dns_parse((struct span){ packet, n }, q->type, q->name, &memory, &a),
					 0);
			a.secure = f.secure;
		} else {
			a.status = f.bogus ? DNS_BOGUS : DNS_FAILED;
			a.words = f.bogus ? "it is forged" : "nobody answers";
		}
	}
	q->done(q->arg, &a);
	buf_clear(&memory);
}

void fake_dns_run(struct dns *d)
{
	for (bool any = true; any;) {
		any = false;
		for (size_t i = 0; i < OPEN; i++) {
			struct question q = d->open[i];

			if (q.number == 0)
				continue;
			d->open[i].number = 0;
			any = true;
			answer(d, &q);
		}
	}
}

const char *fake_dns_asked(const struct dns *d)
{
	return d->asked;
}

void fake_dns_refuse(struct dns *d, unsigned n)
{
	d->refuse_from = n;
}

size_t fake_dns_open(const struct dns *d)
{
	size_t n = 0;

	for (size_t i = 0; i < OPEN; i++)
		n += d->open[i].number != 0;
	return n;
}

void fake_dns_free(struct dns *d)
{
	free(d);
}
