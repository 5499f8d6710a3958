/* tls_show.c - the contract is in tls_show.h. */
#include "admin/tls_show.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

enum { DAY_S = 86400 };

bool tls_show_restart_needed(const struct tls_show *w)
{
	const char *one;

	for (size_t i = 0; w->running != NULL && (one = tls_running_openssl(w->running, i)) != NULL; i++)
		if (strcmp(one, w->openssl.running) != 0)
			return true;
	return false;
}

enum tls_show_served tls_show_served(const struct tls_view_certificate *c, const struct tls_tally *t)
{
	if (t->processes == 0 || c->link_count == 0)
		return TLS_SHOW_UNKNOWN;
	switch (tls_tally_serves(t, c->links[0].fingerprint)) {
	case TLS_TALLY_ALL:
		return TLS_SHOW_SERVED;
	case TLS_TALLY_SOME:
		return TLS_SHOW_PARTLY;
	case TLS_TALLY_NONE:
		break;
	}
	return TLS_SHOW_OTHER;
}

bool tls_show_repeated(size_t number)
{
	const struct tls_cause *c = tls_cause_at(number);

	for (size_t i = 0; i < number; i++) {
		const struct tls_cause *d = tls_cause_at(i);

		if (strcmp(c->name, d->name) == 0 && strcmp(c->who, d->who) == 0 &&
		    strcmp(c->words, d->words) == 0 && strcmp(c->advice, d->advice) == 0)
			return true;
	}
	return false;
}

const struct tls_cause *tls_show_cause(struct span name, size_t i)
{
	for (size_t number = tls_cause_find(name); number < tls_cause_count(); number++)
		if (span_is(name, tls_cause_at(number)->name) && !tls_show_repeated(number) && i-- == 0)
			return tls_cause_at(number);
	return NULL;
}

int tls_show_days(int64_t ends_s)
{
	int64_t left = ends_s - clock_real_ms() / 1000;

	if (left >= (int64_t)INT_MAX * DAY_S)
		return INT_MAX;
	return left < 0 ? (int)((left - DAY_S + 1) / DAY_S) : (int)(left / DAY_S);
}

/* --- words ----------------------------------------------------------------- */

static void say_takes(const struct tls_port *p, char *out, size_t size)
{
	unsigned versions = 0;

	for (size_t i = 0; i < TLS_VIEW_VERSIONS; i++)
		versions |= p->view.versions[i].served ? (unsigned)p->view.versions[i].bit : 0;
	tls_versions_range_text(versions, out, size);
}

static void say_level(const struct tls_port *p, char *out, size_t size)
{
	snprintf(out, size, "%u", p->policy.level);
}

static void say_conf(const struct tls_port *p, char *out, size_t size)
{
	snprintf(out, size, "%s.conf", daemon_rows[p->daemon].name);
}

static void say_alpn(const struct tls_port *p, char *out, size_t size)
{
	snprintf(out, size, "%s", daemon_rows[p->daemon].alpn != NULL ? daemon_rows[p->daemon].alpn : "ours");
}

/* What differs by connection, and is no longer known where connections are counted. */
static const struct blank {
	const char *name;
	void (*say)(const struct tls_port *p, char *out, size_t size);
	const char *instead;
} blanks[] = {
	{ "takes", say_takes, NULL },
	{ "level", say_level, NULL },
	{ "conf", say_conf, NULL },
	{ "alpn", say_alpn, NULL },
	{ "offer", NULL, "other versions" },
	{ "groups", NULL, "other groups" },
	{ "sni", NULL, "the name that it asked for" },
	{ "ended", NULL, "the day that the log names" },
};

static void say_blank(const struct tls_port *p, struct span name, char *out, size_t size)
{
	snprintf(out, size, "the log tells");
	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		if (!span_is(name, blanks[i].name))
			continue;
		if (blanks[i].say != NULL)
			blanks[i].say(p, out, size);
		else
			snprintf(out, size, "%s", blanks[i].instead);
	}
}

const char *tls_show_words(const struct tls_port *p, const char *words, char *out, size_t size)
{
	struct span in = span_of(words);
	size_t used = 0;

	*out = '\0';
	while (in.n > 0 && used < size) {
		ptrdiff_t brace = span_find(in, '{');
		struct span text = span_take(&in, brace < 0 ? in.n : (size_t)brace);
		char blank[100] = "";

		if (in.n > 0) {
			span_take(&in, 1);
			say_blank(p, span_take_until(&in, '}'), blank, sizeof(blank));
		}
		used += (size_t)snprintf(out + used, size - used, "%.*s%s", (int)text.n, (const char *)text.p,
					 blank);
	}
	return out;
}
