/* census.c - the contract is in census.h. */
#include "common/tls/census.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/tls/cause.h"

enum { HOUR_S = 3600, HOURS = 25, DAY_S = 24 * HOUR_S };

static const char *const versions[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };

enum { VERSIONS = sizeof(versions) / sizeof(versions[0]) };

struct hour {
	int64_t number;		/* since 1970; it lies at number % HOURS */
	uint32_t shaken[VERSIONS], resumed[VERSIONS];
};

struct client {
	int64_t at_s;
	char who[CENSUS_CLIENT_NAME];	/* "": none yet */
};

struct census {
	struct hour hours[HOURS];
	struct client clients[VERSIONS][CENSUS_CLIENTS];	/* the latest first */
	size_t causes;
	uint32_t *failures;	/* of each hour, by cause; NULL before the first */
};

int census_new(struct census **out, struct error *err)
{
	struct census *c = calloc(1, sizeof(*c));

	*out = c;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory to count handshakes");
	c->causes = tls_cause_count();
	for (size_t i = 0; i < HOURS; i++)
		c->hours[i].number = -1;
	return 0;
}

void census_free(struct census *c)
{
	if (c != NULL)
		free(c->failures);
	free(c);
}

/* The bucket of now, emptied if it still holds another day's hour. */
static struct hour *hour_of(struct census *c, int64_t now_s)
{
	int64_t number = now_s < 0 ? 0 : now_s / HOUR_S;
	size_t at = (size_t)(number % HOURS);

	if (c->hours[at].number == number)
		return &c->hours[at];
	c->hours[at] = (struct hour){ .number = number };
	if (c->failures != NULL)
		memset(&c->failures[at * c->causes], 0, c->causes * sizeof(c->failures[0]));
	return &c->hours[at];
}

/* VERSIONS for one that is none of ours. */
static size_t version_of(const char *protocol)
{
	size_t i = 0;

	while (i < VERSIONS && strcmp(versions[i], protocol) != 0)
		i++;
	return i;
}

void census_success(struct census *c, const char *protocol, bool resumed, int64_t now_s)
{
	size_t version = version_of(protocol);
	struct hour *h;

	if (version == VERSIONS)
		return;
	h = hour_of(c, now_s);
	h->shaken[version]++;
	h->resumed[version] += resumed;
}

void census_failure(struct census *c, unsigned cause, int64_t now_s)
{
	struct hour *h = hour_of(c, now_s);

	if (c->failures == NULL)
		c->failures = calloc(HOURS * c->causes, sizeof(c->failures[0]));
	if (c->failures != NULL && cause < c->causes)
		c->failures[(size_t)(h - c->hours) * c->causes + cause]++;
}

/* What stands in a line may not break it. */
static void who_write(char out[CENSUS_CLIENT_NAME], const char *who)
{
	size_t n = 0;

	for (; who[n] != '\0' && n + 1 < CENSUS_CLIENT_NAME; n++)
		out[n] = ascii_control((uint8_t)who[n]) ? '?' : who[n];
	out[n] = '\0';
}

void census_client(struct census *c, const char *protocol, const char *who, int64_t now_s)
{
	size_t version = version_of(protocol), at = 0;
	char name[CENSUS_CLIENT_NAME];
	struct client *list;

	who_write(name, who);
	if (version == VERSIONS || name[0] == '\0')
		return;
	list = c->clients[version];
	while (at + 1 < CENSUS_CLIENTS && strcmp(list[at].who, name) != 0)
		at++;
	memmove(list + 1, list, at * sizeof(list[0]));
	list[0].at_s = now_s;
	memcpy(list[0].who, name, sizeof(name));
}

/* --- writing --------------------------------------------------------------- */

static bool hour_counts(const struct hour *h, int64_t now_s)
{
	int64_t now = now_s / HOUR_S;

	return h->number > now - HOURS && h->number <= now;
}

static void handshakes_write(const struct census *c, const char *listen, int64_t now_s, struct buf *out)
{
	for (size_t v = 0; v < VERSIONS; v++) {
		unsigned long long shaken = 0, resumed = 0;

		for (size_t i = 0; i < HOURS; i++) {
			if (!hour_counts(&c->hours[i], now_s))
				continue;
			shaken += c->hours[i].shaken[v];
			resumed += c->hours[i].resumed[v];
		}
		if (shaken > 0)
			buf_printf(out, "handshakes %s %s %llu %llu\n", listen, versions[v], shaken, resumed);
	}
}

static unsigned long long failures_sum(const struct census *c, size_t cause, int64_t now_s)
{
	unsigned long long sum = 0;

	for (size_t i = 0; i < HOURS; i++)
		if (hour_counts(&c->hours[i], now_s))
			sum += c->failures[i * c->causes + cause];
	return sum;
}

/* Causes that share a name are one line, where the last of them stands. */
static void failures_write(const struct census *c, const char *listen, int64_t now_s, struct buf *out)
{
	for (size_t i = 0; i < c->causes && c->failures != NULL; i++) {
		const char *name = tls_cause_at(i)->name;
		unsigned long long sum = 0;

		if (tls_cause_find(span_of(name)) != i)
			continue;
		for (size_t j = 0; j <= i; j++)
			if (strcmp(tls_cause_at(j)->name, name) == 0)
				sum += failures_sum(c, j, now_s);
		if (sum > 0)
			buf_printf(out, "failures %s %s %llu\n", listen, name, sum);
	}
}

void census_write(const struct census *c, const char *listen, int64_t now_s, struct buf *out)
{
	handshakes_write(c, listen, now_s, out);
	failures_write(c, listen, now_s, out);
}

void census_write_clients(const struct census *c, const char *listen, int64_t now_s, struct buf *out)
{
	for (size_t v = 0; v < VERSIONS; v++)
		for (size_t i = 0; i < CENSUS_CLIENTS; i++) {
			const struct client *one = &c->clients[v][i];

			if (one->who[0] != '\0' && one->at_s <= now_s && one->at_s > now_s - DAY_S)
				buf_printf(out, "client %s %s %lld %s\n", listen, versions[v], (long long)one->at_s,
					   one->who);
		}
}

/* --- reading --------------------------------------------------------------- */

/* Takes the next word; empty where there is none, or two spaces. */
static struct span word_take(struct span *line)
{
	return span_take_until(line, ' ');
}

static bool number_take(struct span *line, uint64_t *out)
{
	return span_number(word_take(line), UINT64_MAX, out);
}

static bool plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_control(s.p[i]))
			return false;
	return s.n > 0;
}

static bool handshakes_read(struct census_line *l, struct span rest)
{
	l->kind = CENSUS_HANDSHAKES;
	return number_take(&rest, &l->count) && number_take(&rest, &l->resumed) && rest.n == 0 &&
	       l->resumed <= l->count;
}

static bool failures_read(struct census_line *l, struct span rest)
{
	l->kind = CENSUS_FAILURES;
	return number_take(&rest, &l->count) && rest.n == 0;
}

static bool client_read(struct census_line *l, struct span rest)
{
	l->kind = CENSUS_CLIENT;
	if (!number_take(&rest, &l->count))
		return false;
	l->who = rest;
	return plain(l->who) && l->who.n < CENSUS_CLIENT_NAME;
}

bool census_read(struct census_line *out, struct span line)
{
	static const struct {
		const char *word;
		bool (*read)(struct census_line *l, struct span rest);
	} kinds[] = { { "handshakes", handshakes_read }, { "failures", failures_read }, { "client", client_read } };
	struct span word = word_take(&line);

	*out = (struct census_line){ 0 };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!span_is(word, kinds[i].word))
			continue;
		out->listen = word_take(&line);
		out->name = word_take(&line);
		return plain(out->listen) && plain(out->name) && kinds[i].read(out, line);
	}
	return false;
}
