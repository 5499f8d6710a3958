/* rate.c - the contract is in rate.h. */
#include "auth/authd/rate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/table.h"

static const struct {
	uint64_t length_ms;
	const char *name;
} windows[RATE_WINDOWS] = {
	[RATE_HOUR] = { 3600 * 1000, "an hour" },
	[RATE_DAY] = { 24 * 3600 * 1000, "a day" },
};

/* One account's windows. */
struct sent {
	struct {
		uint64_t ends_ms; /* 0: none has begun */
		uint64_t messages, recipients;
	} in[RATE_WINDOWS];
};

struct rate {
	struct table *accounts;
	uint64_t swept_ms;
};

int rate_new(struct rate **out, struct error *err)
{
	struct rate *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL || table_new(&r->accounts, err) < 0) {
		free(r);
		return error_set(err, -ENOMEM, "no memory for the accounts that send");
	}
	*out = r;
	return 0;
}

void rate_free(struct rate *r)
{
	size_t at = 0;
	void *value;

	if (r == NULL)
		return;
	while (table_next(r->accounts, &at, NULL, &value))
		free(value);
	table_free(r->accounts);
	free(r);
}

/* Once an hour: forgets accounts whose day is over. */
static void sweep(struct rate *r, uint64_t now_ms)
{
	struct span key;
	size_t at = 0;
	void *value;

	if (now_ms - r->swept_ms < windows[RATE_HOUR].length_ms)
		return;
	r->swept_ms = now_ms;
	while (table_next(r->accounts, &at, &key, &value)) {
		if (((struct sent *)value)->in[RATE_DAY].ends_ms > now_ms)
			continue;
		table_remove(r->accounts, key);
		free(value);
	}
}

static struct sent *sent_of(struct rate *r, const char *account)
{
	struct sent *s = table_get(r->accounts, span_of(account));

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s != NULL && table_put(r->accounts, span_of(account), s) < 0) {
		free(s);
		s = NULL;
	}
	return s;
}

/* The later end stands. */
static void note_over(struct rate_over *over, enum rate_window w, const char *what, uint64_t limit, uint64_t ends_ms)
{
	if (over->what == NULL || (over->ends_ms != 0 && (ends_ms == 0 || ends_ms > over->ends_ms)))
		*over = (struct rate_over){ w, what, limit, ends_ms };
}

static bool is_over(uint64_t limit, uint64_t had, uint64_t more)
{
	return limit > 0 && (more > limit || had > limit - more);
}

static void look(struct rate_over *over, const struct rate_limits *limits, const struct sent *s, enum rate_window w,
		 uint64_t recipients)
{
	if (is_over(limits->messages[w], s->in[w].messages, 1))
		note_over(over, w, "messages", limits->messages[w], s->in[w].ends_ms);
	if (is_over(limits->recipients[w], s->in[w].recipients, recipients))
		note_over(over, w, "recipients", limits->recipients[w],
			  recipients > limits->recipients[w] ? 0 : s->in[w].ends_ms);
}

enum rate_status rate_take(struct rate *r, const struct rate_limits *limits, const char *account,
			   uint64_t recipients, uint64_t now_ms, struct rate_over *over)
{
	struct sent *s;

	sweep(r, now_ms);
	s = sent_of(r, account);
	if (s == NULL)
		return RATE_NO_MEMORY;
	*over = (struct rate_over){ .what = NULL };
	for (int w = 0; w < RATE_WINDOWS; w++) {
		if (s->in[w].ends_ms <= now_ms) {
			s->in[w].messages = s->in[w].recipients = 0;
			s->in[w].ends_ms = now_ms + windows[w].length_ms;
		}
		look(over, limits, s, (enum rate_window)w, recipients);
	}
	if (over->what != NULL)
		return RATE_OVER;
	for (int w = 0; w < RATE_WINDOWS; w++) {
		s->in[w].messages++;
		s->in[w].recipients += recipients;
	}
	return RATE_OK;
}

void rate_words(char *out, size_t size, const struct rate_over *over, int64_t real_s)
{
	time_t t = (time_t)real_s;
	char when[32] = "";
	struct tm tm;

	if (over->ends_ms == 0) {
		snprintf(out, size, "%llu %s %s are this account's limit, and this message alone has more",
			 (unsigned long long)over->limit, over->what, windows[over->window].name);
		return;
	}
	if (gmtime_r(&t, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
	snprintf(out, size, "%llu %s %s are this account's limit; again from %s", (unsigned long long)over->limit,
		 over->what, windows[over->window].name, when);
}
