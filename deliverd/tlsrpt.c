/* tlsrpt.c - the contract is in tlsrpt.h. One entry is one domain's day: counted, saved, and
 * when the day is over reported and forgotten. */
#include "deliverd/tlsrpt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/table.h"
#include "deliverd/asks.h"
#include "deliverd/tlsrpt_mail.h"

enum {
	ENTRIES = 4096,
	RECORDS = 32,		/* TXT records that are looked at */
	SAVE_S = 60,
	TICK_MOST_S = 60,
	AGAIN_S = 900,		/* after a report could not be sent */
	KEPT_S = 2 * 86400,	/* a note outlives its day by that, and a day */
	REPORT_MAX = 1 << 20,	/* bytes, and of what is made of it */
	ID_MAX = 320
};

enum stage {
	COUNTING,
	UNWANTED,		/* there is no record: nothing is kept until the day is over */
	LOOKING,		/* the day is over: for its record */
	SENDING
};

struct entry {
	struct tlsrpt *t;
	char key[QUEUE_NOTE_KEY];	/* "tlsrpt/1700000000/example.org", its note's name */
	const char *domain;	/* in key */
	int64_t start_s;
	enum stage stage;
	struct tlsrpt_counts *counts;	/* NULL: UNWANTED */
	bool changed;		/* since it was saved */
	uint64_t save_op, dns_number, https_number;	/* under way; 0: none */
	int64_t due_s;		/* of the report, or of its next try */
	unsigned tries;
	struct tlsrpt_target targets[TLSRPT_TARGETS];
	size_t target, target_count;	/* the next to be sent to */
};

struct tlsrpt {
	struct tlsrpt_options o;
	uv_timer_t *timer;
	struct asks *asks;	/* who waits for all to be saved */
	struct table *entries;
	uint64_t notes_op;	/* at the start: what was saved */
	size_t saving;
	int64_t saved_s;
};

static int64_t now(void)
{
	return clock_real_ms() / 1000;
}

/* --- entries --------------------------------------------------------------- */

static void saved_check(struct tlsrpt *t)
{
	if (t->saving == 0)
		asks_ready(t->asks, t);
}

static void entry_free(struct entry *e)
{
	struct tlsrpt *t = e->t;

	if (e->save_op != 0) {
		store_cancel(t->o.store, e->save_op);
		t->saving--;
		saved_check(t);
	}
	if (e->dns_number != 0)
		dns_cancel(t->o.dns, e->dns_number);
	if (e->https_number != 0)
		https_cancel(t->o.https, e->https_number);
	table_remove(t->entries, span_of(e->key));
	tlsrpt_counts_free(e->counts);
	free(e);
}

/* The same every time: a report that is made twice has one id. */
static uint64_t domain_hash(const char *domain)
{
	uint64_t hash = 0xcbf29ce484222325U;	/* FNV-1a */

	for (; *domain != '\0'; domain++)
		hash = (hash ^ (uint8_t)*domain) * 0x100000001b3U;
	return hash;
}

/* RFC 8460 4.1: not all reports of the world at midnight. */
static int64_t due(const struct tlsrpt *t, int64_t start_s, const char *domain)
{
	int64_t day_s = t->o.day_s;

	return start_s + day_s + day_s / 24 + (int64_t)(domain_hash(domain) % (uint64_t)(day_s / 6 + 1));
}

static struct entry *entry_make(struct tlsrpt *t, const char *key, struct tlsrpt_counts *counts)
{
	struct entry *e = table_count(t->entries) < ENTRIES ? calloc(1, sizeof(*e)) : NULL;

	if (e == NULL || table_put(t->entries, span_of(key), e) < 0) {
		free(e);
		return NULL;
	}
	snprintf(e->key, sizeof(e->key), "%s", key);
	e->t = t;
	e->domain = strrchr(e->key, '/') + 1;
	e->start_s = strtoll(e->key + strlen("tlsrpt/"), NULL, 10);
	e->due_s = due(t, e->start_s, e->domain);
	e->counts = counts;
	return e;
}

/* The report was sent, or nobody wants it. */
static void entry_end(struct entry *e)
{
	queue_note_put(e->t->o.store, span_of(e->key), (struct span){ NULL, 0 }, 0, NULL, NULL);
	entry_free(e);
}

/* --- saving ---------------------------------------------------------------- */

static void on_saved(void *arg, enum store_status status, const char *words);

static void entry_save(struct entry *e)
{
	struct buf text;

	if (!e->changed || e->counts == NULL || e->save_op != 0)
		return;
	buf_init(&text, TLSRPT_NOTE);
	tlsrpt_counts_write(e->counts, &text);
	if (!text.failed && text.n > 0)
		e->save_op = queue_note_put(e->t->o.store, span_of(e->key), buf_span(&text),
					    e->start_s + e->t->o.day_s + KEPT_S, on_saved, e);
	buf_clear(&text);
	if (e->save_op == 0)
		return;
	e->changed = false;
	e->t->saving++;
}

static void on_saved(void *arg, enum store_status status, const char *words)
{
	struct entry *e = arg;

	(void)words;
	e->save_op = 0;
	e->t->saving--;
	if (status != STORE_OK)
		e->changed = true;	/* with the next ones */
	else if (asks_wait(e->t->asks, e->t))
		entry_save(e);	/* what was counted meanwhile */
	saved_check(e->t);
}

static void all_save(struct tlsrpt *t)
{
	size_t at = 0;
	void *value;

	while (table_next(t->entries, &at, NULL, &value))
		entry_save(value);
	t->saved_s = now();
}

void tlsrpt_save(struct tlsrpt *t, void (*done)(void *arg), void *arg)
{
	all_save(t);
	if (asks_add(t->asks, t, (asks_done)done, arg) == 0)
		log_warn("TLS reports: no memory to wait until counts are saved");
	saved_check(t);
}

static void saved_answer(void *owner, void *about, asks_done done, void *arg)
{
	(void)owner;
	(void)about;
	((void (*)(void *))done)(arg);
}

/* --- reading back ---------------------------------------------------------- */

static bool key_good(const struct tlsrpt *t, struct span key, char out[QUEUE_NOTE_KEY])
{
	struct span rest = key, start;
	uint64_t start_s;

	(void)t;
	if (key.n >= QUEUE_NOTE_KEY || !span_starts(key, "tlsrpt/"))
		return false;
	span_take(&rest, strlen("tlsrpt/"));
	start = span_take_until(&rest, '/');
	if (!span_number(start, INT64_MAX, &start_s) || rest.n == 0 || span_find(rest, '/') >= 0)
		return false;
	memcpy(out, key.p, key.n);
	out[key.n] = '\0';
	return true;
}

static void note_take(struct tlsrpt *t, const struct queue_note *n)
{
	struct tlsrpt_counts *counts = NULL;
	char key[QUEUE_NOTE_KEY];
	struct entry *e;
	struct error err;

	if (!key_good(t, n->name, key))
		return;
	if (tlsrpt_counts_read(&counts, n->bytes, &err) < 0) {
		log_warn("TLS reports: %s is left out: %s", key, err.words);
		return;
	}
	e = table_get(t->entries, span_of(key));
	/* A session was faster than the note: the few that it has counted give way. */
	if (e != NULL && e->counts != NULL) {
		tlsrpt_counts_free(e->counts);
		e->counts = counts;
	} else if (e != NULL || entry_make(t, key, counts) == NULL) {
		tlsrpt_counts_free(counts);
	}
}

static void on_notes(void *arg, enum store_status status, const struct queue_note *notes, size_t count, bool more)
{
	struct tlsrpt *t = arg;

	t->notes_op = 0;
	if (status != STORE_OK)
		return;
	for (size_t i = 0; i < count; i++)
		note_take(t, &notes[i]);
	if (more && count > 0)
		t->notes_op = queue_notes(t->o.store, span_of("tlsrpt/"), notes[count - 1].name, on_notes, t);
}

/* --- records --------------------------------------------------------------- */

static size_t targets_of(const struct dns_answer *a, struct tlsrpt_target *out)
{
	struct span texts[RECORDS];
	size_t count = a->count < RECORDS ? a->count : RECORDS;

	for (size_t i = 0; i < count; i++)
		texts[i] = a->records[i].text;
	return tlsrpt_record(texts, count, out);
}

static bool answered(const struct dns_answer *a)
{
	return a->status == DNS_OK || a->status == DNS_NO_DATA || a->status == DNS_NO_NAME || a->status == DNS_INVALID;
}

static uint64_t record_ask(struct entry *e, dns_done done)
{
	char name[DNS_NAME_MAX];

	if ((size_t)snprintf(name, sizeof(name), "_smtp._tls.%s", e->domain) >= sizeof(name))
		return 0;
	return dns_ask(e->t->o.dns, name, DNS_TXT, done, e);
}

/* With the first session: is all this of use? */
static void on_first_look(void *arg, const struct dns_answer *a)
{
	struct entry *e = arg;

	e->dns_number = 0;
	if (!answered(a) || (a->status == DNS_OK && targets_of(a, e->targets) > 0))
		return;
	tlsrpt_counts_free(e->counts);
	e->counts = NULL;
	e->stage = UNWANTED;
}

/* --- sending --------------------------------------------------------------- */

struct report {
	struct tlsrpt_head head;
	char id[ID_MAX];
	struct buf gzip;
};

static int report_make(const struct entry *e, struct report *r, struct error *err)
{
	struct buf json;
	int rc;

	snprintf(r->id, sizeof(r->id), "%" PRId64 ".%016" PRIx64 "@%s", e->start_s, domain_hash(e->domain), e->t->o.hostname);
	r->head = (struct tlsrpt_head){ e->t->o.hostname, e->domain, r->id, e->start_s, e->start_s + e->t->o.day_s };
	buf_init(&json, REPORT_MAX);
	buf_init(&r->gzip, REPORT_MAX);
	tlsrpt_json(e->counts, &r->head, &json);
	rc = !json.failed ? tlsrpt_gzip(buf_span(&json), &r->gzip, err) : error_set(err, -ENOMEM, "no memory for a report");
	buf_clear(&json);
	return rc;
}

static void target_mail(struct entry *e, const struct report *r, const char *to)
{
	char date[CLOCK_TEXT];
	struct buf message;

	clock_mail_text(date, now());
	buf_init(&message, 2 * REPORT_MAX);
	tlsrpt_message(&r->head, to, date, buf_span(&r->gzip), &message);
	if (!message.failed)
		e->t->o.mail(e->t->o.arg, to, buf_span(&message));
	buf_clear(&message);
}

static void target_next(struct entry *e);

/* Nothing came of it: later, or not at all. */
static void target_failed(struct entry *e, const char *words)
{
	const char *to = e->targets[e->target].to;

	if (++e->tries < TLSRPT_TRIES) {
		e->due_s = now() + (AGAIN_S < e->t->o.day_s ? AGAIN_S : e->t->o.day_s);
		return;
	}
	log_warn("TLS report about %s not sent to %s: %s", e->domain, to, words);
	e->target++;
	e->tries = 0;
	target_next(e);
}

static void on_posted(void *arg, const struct https_answer *a)
{
	struct entry *e = arg;
	char words[64];

	e->https_number = 0;
	if (a->status < 200 || a->status > 299) {	/* RFC 8460 5.4 */
		snprintf(words, sizeof(words), "the host answers %d", a->status);
		target_failed(e, a->status == 0 ? a->words : words);
		return;
	}
	log_info("TLS report sent about %s to %s", e->domain, e->targets[e->target].to);
	e->target++;
	e->tries = 0;
	target_next(e);
}

/* One after another; those by mail are done at once. */
static void target_next(struct entry *e)
{
	struct report r;
	struct error err;

	if (report_make(e, &r, &err) < 0) {
		buf_clear(&r.gzip);
		log_warn("TLS report about %s not sent: %s", e->domain, err.words);
		entry_end(e);
		return;
	}
	for (; e->target < e->target_count && !e->targets[e->target].https; e->target++)
		target_mail(e, &r, e->targets[e->target].to);
	if (e->target < e->target_count && e->t->o.https != NULL)
		e->https_number = https_post(e->t->o.https, e->targets[e->target].to, "application/tlsrpt+gzip",
					     buf_span(&r.gzip), on_posted, e);
	buf_clear(&r.gzip);
	if (e->target == e->target_count)
		entry_end(e);
	else if (e->https_number == 0)
		target_failed(e, "there is no room for more requests");
}

/* The day is over: who wants it now? */
static void on_last_look(void *arg, const struct dns_answer *a)
{
	struct entry *e = arg;

	e->dns_number = 0;
	if (!answered(a) && ++e->tries < TLSRPT_TRIES) {
		e->due_s = now() + (AGAIN_S < e->t->o.day_s ? AGAIN_S : e->t->o.day_s);
		return;
	}
	e->target_count = a->status == DNS_OK ? targets_of(a, e->targets) : 0;
	e->target = 0;
	e->tries = 0;
	e->stage = SENDING;
	target_next(e);
}

static void entry_due(struct entry *e)
{
	if (e->counts == NULL || tlsrpt_counts_total(e->counts) == 0) {
		entry_end(e);
	} else if (e->stage == SENDING) {
		target_next(e);
	} else {
		e->stage = LOOKING;
		e->dns_number = record_ask(e, on_last_look);
		if (e->dns_number == 0)
			on_last_look(e, &(struct dns_answer){ .status = DNS_FAILED, .name = "", .words = "" });
	}
}

void tlsrpt_tick(struct tlsrpt *t)
{
	size_t at = 0;
	void *value;

	if (now() - t->saved_s >= SAVE_S)
		all_save(t);
	while (table_next(t->entries, &at, NULL, &value)) {
		struct entry *e = value;

		/* Only this entry may go meanwhile. */
		if (e->due_s <= now() && e->dns_number == 0 && e->https_number == 0)
			entry_due(e);
	}
}

static void on_timer(uv_timer_t *timer)
{
	tlsrpt_tick(timer->data);
}

/* --- sessions -------------------------------------------------------------- */

void tlsrpt_session(struct tlsrpt *t, const struct tlsrpt_session *s)
{
	int64_t start_s = now() / t->o.day_s * t->o.day_s;
	char key[QUEUE_NOTE_KEY];
	struct tlsrpt_counts *counts;
	struct entry *e;

	if ((size_t)snprintf(key, sizeof(key), "tlsrpt/%" PRId64 "/%s", start_s, s->domain) >= sizeof(key) ||
	    s->domain[0] == '\0' || strchr(s->domain, '/') != NULL)
		return;
	e = table_get(t->entries, span_of(key));
	if (e == NULL) {
		if (tlsrpt_counts_new(&counts, NULL) < 0)
			return;
		e = entry_make(t, key, counts);
		if (e == NULL) {
			tlsrpt_counts_free(counts);
			return;
		}
		e->dns_number = record_ask(e, on_first_look);
	}
	if (e->counts != NULL && tlsrpt_counts_add(e->counts, s))
		e->changed = true;
}

/* --- making and freeing ---------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static int parts_make(struct tlsrpt *t, uv_loop_t *loop, struct error *err)
{
	int rc = table_new(&t->entries, err);

	if (rc == 0)
		rc = asks_new(&t->asks, loop, saved_answer, t, err);
	t->timer = rc == 0 ? calloc(1, sizeof(*t->timer)) : NULL;
	if (rc == 0 && (t->timer == NULL || uv_timer_init(loop, t->timer) != 0)) {
		free(t->timer);
		t->timer = NULL;
		rc = error_set(err, -ENOMEM, "no memory for TLS reports");
	}
	return rc;
}

int tlsrpt_new(struct tlsrpt **out, uv_loop_t *loop, const struct tlsrpt_options *o, struct error *err)
{
	struct tlsrpt *t = calloc(1, sizeof(*t));
	uint64_t tick_s = (uint64_t)(o->day_s / 20);
	int rc;

	*out = NULL;
	if (t == NULL)
		return error_set(err, -ENOMEM, "no memory for TLS reports");
	t->o = *o;
	t->saved_s = now();
	rc = parts_make(t, loop, err);
	if (rc < 0) {
		tlsrpt_free(t);
		return rc;
	}
	t->timer->data = t;
	tick_s = tick_s > TICK_MOST_S ? TICK_MOST_S : tick_s > 0 ? tick_s : 1;
	uv_timer_start(t->timer, on_timer, tick_s * 1000, tick_s * 1000);
	t->notes_op = queue_notes(o->store, span_of("tlsrpt/"), (struct span){ NULL, 0 }, on_notes, t);
	*out = t;
	return 0;
}

void tlsrpt_free(struct tlsrpt *t)
{
	size_t at = 0;
	void *value;

	if (t == NULL)
		return;
	if (t->notes_op != 0)
		store_cancel(t->o.store, t->notes_op);
	while (t->entries != NULL && table_next(t->entries, &at, NULL, &value))
		entry_free(value);
	table_free(t->entries);
	asks_free(t->asks);
	if (t->timer != NULL)
		uv_close((uv_handle_t *)t->timer, on_closed);
	free(t);
}
