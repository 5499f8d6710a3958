/* tlsrpt.c - the contract is in tlsrpt.h. One entry is one domain's day: counted and saved here,
 * reported in tlsrpt_send.c when the day is over, and forgotten. */
#include "deliverd/tlsrpt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/table.h"
#include "deliverd/asks.h"
#include "deliverd/tlsrpt_entry.h"

enum {
	ENTRIES = 4096,
	SAVE_S = 60,
	TICK_MOST_S = 60,
	KEPT_S = 2 * 86400	/* a note outlives its day by that */
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

static void entry_free(struct tlsrpt_entry *e)
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

static struct tlsrpt_entry *entry_make(struct tlsrpt *t, const char *key, struct tlsrpt_counts *counts)
{
	struct tlsrpt_entry *e = table_count(t->entries) < ENTRIES ? calloc(1, sizeof(*e)) : NULL;

	if (e == NULL || table_put(t->entries, span_of(key), e) < 0) {
		free(e);
		return NULL;
	}
	snprintf(e->key, sizeof(e->key), "%s", key);
	e->t = t;
	e->o = &t->o;
	e->domain = strrchr(e->key, '/') + 1;
	e->start_s = strtoll(e->key + strlen("tlsrpt/"), NULL, 10);
	e->due_s = tlsrpt_entry_time(e->start_s, t->o.day_s, e->domain);
	e->counts = counts;
	return e;
}

void tlsrpt_entry_end(struct tlsrpt_entry *e)
{
	queue_note_put(e->t->o.store, span_of(e->key), (struct span){ NULL, 0 }, 0, NULL, NULL);
	entry_free(e);
}

/* --- saving ---------------------------------------------------------------- */

static void on_saved(void *arg, enum store_status status, const char *words);

static void entry_save(struct tlsrpt_entry *e)
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
	struct tlsrpt_entry *e = arg;

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

static bool key_good(struct span key, char out[QUEUE_NOTE_KEY])
{
	struct span rest = key, start;
	uint64_t start_s;

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
	struct tlsrpt_entry *e;
	struct error err;

	if (!key_good(n->name, key))
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

/* --- the clock ------------------------------------------------------------- */

void tlsrpt_tick(struct tlsrpt *t)
{
	size_t at = 0;
	void *value;

	if (now() - t->saved_s >= SAVE_S)
		all_save(t);
	while (table_next(t->entries, &at, NULL, &value)) {
		struct tlsrpt_entry *e = value;

		/* Only this entry may go meanwhile. */
		if (e->due_s <= now() && e->dns_number == 0 && e->https_number == 0)
			tlsrpt_entry_due(e);
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
	struct tlsrpt_entry *e;

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
		tlsrpt_entry_begin(e);
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
