/* queue_text.c - the queue for a person: a list that is printed as it comes, and one entry in full. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/queue_parts.h"
#include "admin/sheet.h"
#include "common/base/escape.h"
#include "common/base/table.h"

enum { TEXT_MAX = 32 << 20, DOMAINS_MAX = 1000, SHOWN_MAX = 50 };

struct held_off { /* a destination */
	size_t recipients;
	int64_t until_s;
	char words[300];
	char name[QUEUE_DOMAIN_MAX];
};

struct queue_text {
	int64_t now_s;
	size_t entries, recipients, held, aside;
	struct table *by_name; /* of held_off, in domains */
	struct held_off *domains;
	size_t domain_count, domains_left_out;
	struct buf out;
	bool broken; /* stdout */
};

int queue_text_new(struct queue_text **out, int64_t now_s, struct error *err)
{
	struct queue_text *t = calloc(1, sizeof(*t));

	*out = t;
	if (t == NULL)
		return error_set(err, -ENOMEM, "no memory for the list");
	t->now_s = now_s;
	t->domains = calloc(DOMAINS_MAX, sizeof(*t->domains));
	buf_init(&t->out, TEXT_MAX);
	if (t->domains != NULL && table_new(&t->by_name, err) == 0)
		return 0;
	queue_text_free(t);
	*out = NULL;
	return error_set(err, -ENOMEM, "no memory for the list");
}

void queue_text_free(struct queue_text *t)
{
	if (t == NULL)
		return;
	table_free(t->by_name);
	free(t->domains);
	buf_clear(&t->out);
	free(t);
}

static const char *count_of(size_t n, const char *thing, char out[64])
{
	char digits[SHEET_NUMBER];

	snprintf(out, 64, "%s %s%s", sheet_number(n, digits), thing, n == 1 ? "" : "s");
	return out;
}

static void put_escaped(struct buf *b, struct span s)
{
	char shown[QUEUE_WORDS];

	buf_put_text(b, escape_text(shown, sizeof(shown), s));
}

static void put_sender(struct buf *b, const struct queue_shown *e)
{
	struct span sender = e->count > 0 ? e->recipients[0].to.sender : (struct span){ NULL, 0 };

	if (sender.n > 0)
		put_escaped(b, sender);
	else
		buf_put_text(b, e->count > 0 ? "<>" : "-");
}

/* ": mx.example.org[192.0.2.7]:25: 451 4.7.1 later" */
static void put_answer(struct buf *b, const struct queue_shown_recipient *r)
{
	if (r->host.n == 0 && r->words.n == 0)
		return;
	buf_put_text(b, ": ");
	put_escaped(b, r->host);
	buf_put_text(b, r->host.n > 0 && r->words.n > 0 ? ": " : "");
	put_escaped(b, r->words);
}

/* --- the list ------------------------------------------------------------------ */

static void note_domain(struct queue_text *t, const struct queue_shown_recipient *r)
{
	struct held_off *d;

	if (r->domain_until_s <= t->now_s || r->domain.n == 0 || r->domain.n >= QUEUE_DOMAIN_MAX)
		return;
	d = table_get(t->by_name, r->domain);
	if (d == NULL && t->domain_count == DOMAINS_MAX) {
		t->domains_left_out++;
		return;
	}
	if (d == NULL) {
		d = &t->domains[t->domain_count];
		memcpy(d->name, r->domain.p, r->domain.n);
		d->until_s = r->domain_until_s;
		escape_text(d->words, sizeof(d->words), r->domain_words);
		if (table_put(t->by_name, r->domain, d) == 0)
			t->domain_count++;
	}
	d->recipients++;
}

static void put_recipient(struct queue_text *t, const struct queue_shown_recipient *r)
{
	char times[64];

	buf_put_text(&t->out, "    ");
	put_escaped(&t->out, r->to.address);
	buf_put_text(&t->out, "  ");
	queue_words_state(&t->out, r, t->now_s);
	if (r->route.n > 0) {
		buf_put_text(&t->out, " by ");
		put_escaped(&t->out, r->route);
	}
	if (r->attempts > 0)
		buf_printf(&t->out, ", tried %s", count_of(r->attempts, "time", times));
	put_answer(&t->out, r);
	buf_put_byte(&t->out, '\n');
}

static void flush_out(struct queue_text *t)
{
	if (t->out.failed || fwrite(t->out.p, 1, t->out.n, stdout) != t->out.n)
		t->broken = true;
	buf_reset(&t->out);
}

void queue_text_entry(void *text, const struct queue_shown *e)
{
	struct queue_text *t = text;
	char age[32], size[32];

	if (t->entries++ == 0)
		buf_printf(&t->out, "%-18s %5s %6s  %s\n", "ID", "AGE", "SIZE", "SENDER");
	t->aside += e->aside != NULL;
	buf_printf(&t->out, "%-18s %5s %6s  ", e->envelope.id,
		   e->created_s > 0 ? queue_words_time(t->now_s - e->created_s, age) : "-",
		   queue_words_size(e->size, size));
	put_sender(&t->out, e);
	buf_put_byte(&t->out, '\n');
	if (e->aside != NULL)
		buf_printf(&t->out, "    set aside: %s\n", e->aside);
	for (size_t i = 0; i < e->count; i++) {
		t->recipients++;
		t->held += e->recipients[i].state == QUEUE_HELD;
		note_domain(t, &e->recipients[i]);
		put_recipient(t, &e->recipients[i]);
	}
	flush_out(t);
}

static int by_recipients(const void *a, const void *b)
{
	const struct held_off *x = a, *y = b;

	return (y->recipients > x->recipients) - (y->recipients < x->recipients);
}

static void put_domains(struct queue_text *t)
{
	char count[64], time[32];

	if (t->domain_count == 0)
		return;
	qsort(t->domains, t->domain_count, sizeof(t->domains[0]), by_recipients);
	buf_put_text(&t->out, "\nHeld off, for nothing gets through:\n");
	for (size_t i = 0; i < t->domain_count && i < SHOWN_MAX; i++) {
		const struct held_off *d = &t->domains[i];

		buf_printf(&t->out, "    ");
		put_escaped(&t->out, span_of(d->name));
		buf_printf(&t->out, "  %s, another %s%s%s\n", count_of(d->recipients, "recipient", count),
			   queue_words_time(d->until_s - t->now_s, time), d->words[0] != '\0' ? ": " : "",
			   d->words);
	}
	if (t->domain_count > SHOWN_MAX || t->domains_left_out > 0)
		buf_put_text(&t->out, "    and others\n");
}

bool queue_text_end(struct queue_text *t)
{
	char entries[64], recipients[64];

	if (t->entries == 0) {
		buf_put_text(&t->out, "Nothing waits.\n");
	} else {
		buf_printf(&t->out, "\n%s, %s", count_of(t->entries, "message", entries),
			   count_of(t->recipients, "recipient", recipients));
		if (t->held > 0)
			buf_printf(&t->out, ", %s held", count_of(t->held, "recipient", recipients));
		if (t->aside > 0)
			buf_printf(&t->out, ", %s set aside", count_of(t->aside, "message", entries));
		buf_put_byte(&t->out, '\n');
	}
	put_domains(t);
	flush_out(t);
	return !t->broken && fflush(stdout) == 0;
}

/* --- one entry ------------------------------------------------------------------- */

static void put_text(struct buf *b, unsigned indent, const char *label, struct span s)
{
	char shown[QUEUE_WORDS];

	if (s.n > 0)
		sheet_put(b, indent, label, span_of(escape_text(shown, sizeof(shown), s)));
}

/* "2026-11-21 20:41:18, 12m ago" */
static void put_time(struct buf *b, unsigned indent, const char *label, int64_t real_s, int64_t now_s)
{
	char date[64], distance[32];
	time_t when = (time_t)real_s;
	struct tm tm;

	if (real_s <= 0 || localtime_r(&when, &tm) == NULL)
		return;
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	if (real_s <= now_s)
		sheet_printf(b, indent, label, "%s, %s ago", date,
			     queue_words_time(now_s - real_s, distance));
	else
		sheet_printf(b, indent, label, "%s, in %s", date, queue_words_time(real_s - now_s, distance));
}

static void put_bits(struct buf *b, unsigned indent, const char *label, unsigned bits,
		     const char *(*word)(unsigned i))
{
	struct buf words;

	buf_init(&words, 256);
	for (unsigned i = 0; word(i) != NULL; i++)
		if ((bits & 1u << i) != 0)
			buf_printf(&words, "%s%s", words.n > 0 ? " " : "", word(i));
	if (words.n > 0)
		sheet_put(b, indent, label, buf_span(&words));
	buf_clear(&words);
}

static void show_recipient(struct buf *b, const struct queue_shown_recipient *r, int64_t now_s)
{
	char address[QUEUE_WORDS];
	struct buf state;

	buf_printf(b, "to %s\n", escape_text(address, sizeof(address), r->to.address));
	buf_init(&state, QUEUE_WORDS);
	queue_words_state(&state, r, now_s);
	sheet_put(b, 4, "state", buf_span(&state));
	buf_clear(&state);
	put_text(b, 4, "sender", r->to.sender);
	put_text(b, 4, "given as", r->to.original);
	if (r->state == QUEUE_WAITING)
		put_time(b, 4, "next try", r->next_s, now_s);
	sheet_printf(b, 4, "tried", "%u times", (unsigned)r->attempts);
	put_time(b, 4, "last try", r->tried_s, now_s);
	put_text(b, 4, "host", r->host);
	put_text(b, 4, "status", r->status);
	put_text(b, 4, "answer", r->words);
	put_text(b, 4, "route", r->route);
	put_time(b, 4, "held off", r->domain_until_s, now_s);
	put_text(b, 4, "because", r->domain_until_s > now_s ? r->domain_words : (struct span){ NULL, 0 });
	put_bits(b, 4, "reports", r->to.notify, queue_words_notify);
	if (r->noticed)
		sheet_put(b, 4, "delay", span_of("the sender was told"));
}

void queue_text_show(struct buf *b, const struct queue_shown *e, int64_t now_s)
{
	char size[32];

	sheet_printf(b, 0, "message", "%s", e->envelope.id);
	put_text(b, 0, "set aside", span_of(e->aside));
	put_time(b, 0, "accepted", e->created_s, now_s);
	sheet_printf(b, 0, "size", "%s", queue_words_size(e->size, size));
	put_text(b, 0, "account", e->envelope.account);
	put_text(b, 0, "message-id", e->envelope.message_id);
	put_text(b, 0, "envid", e->envelope.envid);
	put_bits(b, 0, "flags", e->envelope.flags, queue_words_flag);
	for (size_t i = 0; i < e->count; i++)
		show_recipient(b, &e->recipients[i], now_s);
}
