/* watch.c - the contract is in watch.h. */
#include "supervisor/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/rest.h"
#include "setup/dates.h"
#include "setup/renew.h"
#include "supervisor/child.h"

enum {
	ACCOUNTS_MS = 200,	/* a change seldom comes alone */
	DAY_MS = 86400 * 1000,
	SETUPS_MAX = 16,	/* in force at a time: generations that drain */
	STAMP_MAX = 1 << 20,
	SAID_MAX = 64 << 10,
	LOOKS = 2,		/* in a row that agree: nobody writes it any more */
	TIMERS = 3
};

/* A file that is not as it is in force. */
struct seen {
	struct seen *next;
	char *name;
	struct buf stamp;	/* at the last look */
	unsigned looks;		/* in a row that it was so */
	bool tried;		/* with that stamp */
	bool met;		/* in this look */
};

struct watch {
	struct supervisor *s;
	uv_timer_t look, day, accounts;
	struct seen *seen;
	bool accounts_again;	/* once the job in hand is over */
	struct buf said;	/* lines of this renewal: setups of two generations say the same */
	unsigned open;		/* timers that are not closed */
};

/* --- the setups in force --------------------------------------------------- */

struct setups {
	struct setup *of[SETUPS_MAX];
	size_t count;
};

static void setups_add(struct setups *all, struct setup *one)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->of[i] == one)
			return;
	if (one != NULL && all->count < SETUPS_MAX)
		all->of[all->count++] = one;
}

static bool takes_settings(const struct child *c)
{
	return !c->trial && !c->ended && c->state != CHILD_STOPPING;
}

/* The newest first. Each is held. */
static void setups_gather(const struct supervisor *s, struct setups *all)
{
	all->count = 0;
	setups_add(all, s->setup);
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		setups_add(all, s->groups[d].setup);
	for (const struct child *c = s->children; c != NULL; c = c->next)
		if (takes_settings(c))
			setups_add(all, c->setup);
	for (size_t i = 0; i < all->count; i++)
		setup_hold(all->of[i]);
}

static void setups_drop(struct setups *all)
{
	for (size_t i = 0; i < all->count; i++)
		setup_drop(all->of[i]);
}

static void change(struct setup **place, struct setup *old, struct setup *fresh)
{
	if (*place != old)
		return;
	*place = setup_hold(fresh);
	setup_drop(old);
}

/* Whoever has old gets fresh; daemons without files have nothing to be told. */
static void hand_out(struct supervisor *s, struct setup *old, struct setup *fresh)
{
	uint64_t number = ++s->last_number;

	change(&s->setup, old, fresh);
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		change(&s->groups[d].setup, old, fresh);
	for (struct child *c = s->children; c != NULL; c = c->next) {
		if (c->setup != old || !takes_settings(c))
			continue;
		if (daemon_rows[c->daemon].joined)
			talk_settings(c, fresh, number);
		else
			change(&c->setup, old, fresh);
	}
}

/* --- words ----------------------------------------------------------------- */

static void on_report(void *arg, enum report_kind kind, const char *words)
{
	struct watch *w = arg;

	if (w->said.n > 0 && memmem(w->said.p, w->said.n, words, strlen(words)) != NULL)
		return;
	buf_put_text(&w->said, words);
	if (kind == REPORT_NOTE)
		log_info("%s", words);
	else
		log_warn("%s", words);
}

/* --- looking --------------------------------------------------------------- */

/* What is known of a file by that name; NULL: nothing, and no memory for it. */
static struct seen *seen_find(struct watch *w, const char *name)
{
	struct seen *f = w->seen;

	while (f != NULL && strcmp(f->name, name) != 0)
		f = f->next;
	if (f != NULL)
		return f;
	f = calloc(1, sizeof(*f));
	if (f == NULL || (f->name = strdup(name)) == NULL) {
		free(f);
		return NULL;
	}
	buf_init(&f->stamp, STAMP_MAX);
	f->next = w->seen;
	w->seen = f;
	return f;
}

static void seen_free(struct seen *f)
{
	buf_clear(&f->stamp);
	free(f->name);
	free(f);
}

/* Those that are in force again, or that nobody names any more. */
static void seen_forget(struct watch *w)
{
	for (struct seen **at = &w->seen, *f; (f = *at) != NULL;) {
		if (f->met) {
			f->met = false;
			at = &f->next;
			continue;
		}
		*at = f->next;
		seen_free(f);
	}
}

static void seen_meet(struct watch *w, const char *name, struct span now)
{
	struct seen *f = seen_find(w, name);

	if (f == NULL || f->met)
		return;
	f->met = true;
	if (f->looks > 0 && span_equal(buf_span(&f->stamp), now)) {
		f->looks += f->looks < LOOKS;
		return;
	}
	buf_reset(&f->stamp);
	buf_put(&f->stamp, now);
	f->looks = 1;
	f->tried = false;
}

/* What differs from setup, by its files. */
static void look_at(struct watch *w, const struct setup *setup, bool differs[SETUP_FILES])
{
	struct buf now;

	buf_init(&now, STAMP_MAX);
	for (size_t i = 0; i < setup_file_count(setup); i++) {
		buf_reset(&now);
		setup_file_look(setup, i, &now);
		differs[i] = !span_equal(buf_span(&now), setup_file_stamp(setup, i));
		if (differs[i])
			seen_meet(w, setup_file_name(setup, i), buf_span(&now));
	}
	buf_clear(&now);
}

/* Takes out of differs what is still changing. True if something is left that was not tried. */
static bool is_due(struct watch *w, const struct setup *setup, bool differs[SETUP_FILES])
{
	bool due = false;

	for (size_t i = 0; i < setup_file_count(setup); i++) {
		const struct seen *f = differs[i] ? seen_find(w, setup_file_name(setup, i)) : NULL;

		differs[i] = f != NULL && f->looks == LOOKS;
		due |= differs[i] && !f->tried;
	}
	return due;
}

static void renew(struct watch *w, struct setup *old, const bool which[SETUP_FILES])
{
	struct report report = { .sink = on_report, .arg = w };
	struct setup *fresh;

	setup_renew(&fresh, old, which, &w->s->paths, &report);
	if (fresh != NULL)
		hand_out(w->s, old, fresh);
	setup_drop(fresh);
}

static void look(struct watch *w)
{
	bool differs[SETUPS_MAX][SETUP_FILES] = { { false } };
	struct setups all;

	setups_gather(w->s, &all);
	for (size_t i = 0; i < all.count; i++)
		look_at(w, all.of[i], differs[i]);
	for (size_t i = 0; i < all.count; i++)
		if (is_due(w, all.of[i], differs[i]))
			renew(w, all.of[i], differs[i]);
	setups_drop(&all);
	for (struct seen *f = w->seen; f != NULL; f = f->next)
		f->tried |= f->looks == LOOKS;
	seen_forget(w);
	buf_reset(&w->said);
}

/* A job reads the files itself; what it has left is met at the next look. */
static bool is_busy(const struct supervisor *s)
{
	return s->job != NULL || s->stop != STOP_NOT;
}

static void on_look(uv_timer_t *t)
{
	struct watch *w = t->data;

	if (!is_busy(w->s))
		look(w);
}

void watch_time(struct supervisor *s)
{
	uint64_t ms = (uint64_t)config_number(setup_site(s->setup), CONFIG_WATCH_TIME);

	if (ms == 0)
		uv_timer_stop(&s->watch->look);
	else if (uv_timer_get_repeat(&s->watch->look) != ms || uv_is_active((uv_handle_t *)&s->watch->look) == 0)
		uv_timer_start(&s->watch->look, on_look, ms, ms);
}

/* --- accounts -------------------------------------------------------------- */

void watch_accounts(struct supervisor *s)
{
	struct report report = { .sink = on_report, .arg = s->watch };
	struct setups all;

	s->watch->accounts_again = s->job != NULL;
	uv_timer_stop(&s->watch->accounts);
	setups_gather(s, &all);
	for (size_t i = 0; i < all.count; i++) {
		struct setup *fresh;

		setup_renew_fingerprints(&fresh, all.of[i], &s->paths, &report);
		if (fresh != NULL) {
			report_note(&report, "fingerprints of accounts renewed");
			hand_out(s, all.of[i], fresh);
		}
		setup_drop(fresh);
	}
	setups_drop(&all);
	buf_reset(&s->watch->said);
}

static void on_accounts(uv_timer_t *t)
{
	struct watch *w = t->data;

	if (w->s->stop == STOP_NOT)
		watch_accounts(w->s);
}

void watch_accounts_soon(struct supervisor *s)
{
	if (setup_self_signed(s->setup))
		uv_timer_start(&s->watch->accounts, on_accounts, ACCOUNTS_MS, 0);
}

void watch_job_over(struct supervisor *s)
{
	if (s->watch->accounts_again && s->stop == STOP_NOT)
		watch_accounts(s);
}

/* --- dates ----------------------------------------------------------------- */

static void tell_date(void *arg, const struct dates_news *n)
{
	const char *what = n->paper->kind == TLS_PAPER_CRL ? "revocation list" : "certificate";

	(void)arg;
	if (n->days_left < 0)
		log_warn("%s has ended file=%s subject=\"%s\" ends=%s", what, n->file, n->paper->subject, n->paper->ends);
	else
		log_warn("%s ends soon file=%s subject=\"%s\" ends=%s days=%d", what, n->file, n->paper->subject,
			 n->paper->ends, n->days_left);
}

static void on_day(uv_timer_t *t)
{
	struct watch *w = t->data;

	setup_dates(w->s->setup, clock_real_ms() / 1000, tell_date, NULL);
	rest_memory();
}

/* --- its life -------------------------------------------------------------- */

int watch_open(struct supervisor *s, struct error *err)
{
	struct watch *w = calloc(1, sizeof(*w));
	uv_timer_t *timers[TIMERS];

	if (w == NULL)
		return error_set(err, -ENOMEM, "no memory");
	timers[0] = &w->look;
	timers[1] = &w->day;
	timers[2] = &w->accounts;
	w->s = s;
	buf_init(&w->said, SAID_MAX);
	for (unsigned i = 0; i < TIMERS; i++) {
		uv_timer_init(&s->loop, timers[i]);
		timers[i]->data = w;
	}
	w->open = TIMERS;
	s->watch = w;
	uv_timer_start(&w->day, on_day, 0, DAY_MS);
	watch_time(s);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;

	if (--w->open > 0)
		return;
	seen_forget(w); /* nothing was met: all of it */
	buf_clear(&w->said);
	free(w);
}

void watch_close(struct supervisor *s)
{
	struct watch *w = s->watch;

	if (w == NULL)
		return;
	s->watch = NULL;
	uv_close((uv_handle_t *)&w->look, on_closed);
	uv_close((uv_handle_t *)&w->day, on_closed);
	uv_close((uv_handle_t *)&w->accounts, on_closed);
}
