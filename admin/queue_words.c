/* queue_words.c - what an entry's states, times and sizes are called. */
#include <inttypes.h>
#include <stdio.h>

#include "admin/queue_parts.h"
#include "common/base/escape.h"

const char *queue_words_time(int64_t s, char out[32])
{
	if (s < 0)
		s = 0;
	if (s < 120)
		snprintf(out, 32, "%" PRId64 "s", s);
	else if (s < 7200)
		snprintf(out, 32, "%" PRId64 "m", s / 60);
	else if (s < 2 * 86400)
		snprintf(out, 32, "%" PRId64 "h", s / 3600);
	else
		snprintf(out, 32, "%" PRId64 "d", s / 86400);
	return out;
}

const char *queue_words_size(uint64_t bytes, char out[32])
{
	static const char units[] = "kMGT";
	size_t unit = 0;
	uint64_t tenths = bytes * 10 / 1024;

	if (bytes < 1024) {
		snprintf(out, 32, "%" PRIu64, bytes);
		return out;
	}
	while (tenths >= 10240 && units[unit + 1] != '\0') {
		tenths /= 1024;
		unit++;
	}
	if (tenths < 100)
		snprintf(out, 32, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10, units[unit]);
	else
		snprintf(out, 32, "%" PRIu64 "%c", tenths / 10, units[unit]);
	return out;
}

const char *queue_words_state_name(enum queue_state state)
{
	switch (state) {
	case QUEUE_WAITING:
		return "waiting";
	case QUEUE_LEASED:
		return "trying";
	case QUEUE_HELD:
		return "held";
	case QUEUE_ASIDE:
		return "aside";
	}
	return "unknown";
}

static void put_waiting(struct buf *b, const struct queue_shown_recipient *r, int64_t now_s)
{
	char time[32], shown[QUEUE_WORDS];

	if (r->next_s > now_s && r->next_s >= r->domain_until_s)
		buf_printf(b, "next try in %s", queue_words_time(r->next_s - now_s, time));
	else if (r->domain_until_s > now_s)
		buf_printf(b, "%s is held off for %s", escape_text(shown, sizeof(shown), r->domain),
			   queue_words_time(r->domain_until_s - now_s, time));
	else
		buf_put_text(b, "due now");
}

void queue_words_state(struct buf *b, const struct queue_shown_recipient *r, int64_t now_s)
{
	if (r->bounce && r->state != QUEUE_ASIDE)
		buf_put_text(b, "goes back to the sender");
	else if (r->state == QUEUE_WAITING)
		put_waiting(b, r, now_s);
	else if (r->state == QUEUE_LEASED)
		buf_put_text(b, "is being tried");
	else if (r->state == QUEUE_HELD)
		buf_put_text(b, "held");
	else
		buf_put_text(b, "set aside");
}

const char *queue_words_flag(unsigned i)
{
	static const char *const names[] = { "8BITMIME", "SMTPUTF8", "REQUIRETLS", "TLS-Required:No",
					     "RET=FULL", "RET=HDRS", "report", "BINARYMIME" };

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}

const char *queue_words_notify(unsigned i)
{
	static const char *const names[] = { "success", "failure", "delay", "never" };

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}
