/* slots.c - the contract is in slots.h. */
#include "supervisor/slots.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "supervisor/job.h"
#include "supervisor/orders.h"

enum { LONG_LIFE_MS = 60000, DELAY_FIRST_MS = 100, DELAY_MAX_MS = 30000 };

uint64_t slots_stop_ms(const struct supervisor *s)
{
	return (uint64_t)config_number(setup_site(s->setup), CONFIG_STOP_TIME);
}

/* --- coming back ----------------------------------------------------------- */

/* 0, 0.1 s, 0.2 s, 0.4 s ...: clients wait while storaged is away, and a few crashes in a row
 * must not cost them seconds; one that can't live is soon at the longest pause. */
static uint64_t delay_ms(unsigned deaths)
{
	uint64_t ms;

	if (deaths == 0)
		return 0;
	ms = deaths > 10 ? DELAY_MAX_MS : (uint64_t)DELAY_FIRST_MS << (deaths - 1);
	return ms < DELAY_MAX_MS ? ms : DELAY_MAX_MS;
}

static void slot_fail(struct slot *slot, uint64_t lived_ms)
{
	if (lived_ms >= LONG_LIFE_MS)
		slot->deaths = 0;
	slot->restarts++;
	slot->due_ms = clock_mono_ms() + delay_ms(slot->deaths++);
}

static void slot_start(struct supervisor *s, enum daemon d, unsigned i)
{
	struct group *g = &s->groups[d];
	struct slot *slot = &g->slots[i];
	struct error err;

	slot->due_ms = 0;
	if (child_start(&slot->child, s, d, i + 1, g->setup, &err) == 0)
		return;
	log_error("can't start a daemon daemon=%s reason=%s", daemon_rows[d].name, err.words);
	slot_fail(slot, 0);
}

static void on_restart(uv_timer_t *t)
{
	slots_run(t->data);
}

void slots_run(struct supervisor *s)
{
	uint64_t now_ms = clock_mono_ms(), next_ms = UINT64_MAX;

	if (s->stop != STOP_NOT)
		return;
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		for (unsigned i = 0; i < s->groups[d].workers; i++) {
			struct slot *slot = &s->groups[d].slots[i];

			if (slot->due_ms != 0 && slot->due_ms <= now_ms)
				slot_start(s, d, i);
			if (slot->due_ms != 0 && slot->due_ms < next_ms)
				next_ms = slot->due_ms;
		}
	if (next_ms != UINT64_MAX)
		uv_timer_start(&s->restart_timer, on_restart, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

/* --- an end ---------------------------------------------------------------- */

static void log_end(const struct child *c, int status)
{
	unsigned long long lived_ms = clock_mono_ms() - c->started_ms;

	if (c->leaving && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_info("daemon left daemon=%s pid=%d", c->label, (int)c->pid);
	else if (WIFSIGNALED(status))
		log_error("daemon died daemon=%s pid=%d signal=%d (%s) lived_ms=%llu", c->label, (int)c->pid,
			  WTERMSIG(status), strsignal(WTERMSIG(status)), lived_ms);
	else
		log_error("daemon died daemon=%s pid=%d status=%d lived_ms=%llu", c->label, (int)c->pid,
			  WEXITSTATUS(status), lived_ms);
}

static struct slot *slot_of(struct child *c)
{
	struct group *g = &c->s->groups[c->daemon];

	for (unsigned i = 0; i < DAEMON_WORKERS; i++)
		if (g->slots[i].child == c)
			return &g->slots[i];
	return NULL;
}

void slots_gone(struct child *c, int status)
{
	struct slot *slot = slot_of(c);

	log_end(c, status);
	job_lost(c, status);
	if (c->daemon == DAEMON_AUTHD)
		orders_authd_gone(c->s);
	if (slot == NULL)
		return;
	slot->child = NULL;
	if (c->s->stop != STOP_NOT)
		return;
	if (c->state == CHILD_STOPPING)
		slot->due_ms = clock_mono_ms(); /* slots_cycle asked for it */
	else
		slot_fail(slot, clock_mono_ms() - c->started_ms);
}

/* --- generations ----------------------------------------------------------- */

int slots_try(struct supervisor *s, enum daemon d, struct setup *setup, struct error *err)
{
	for (unsigned i = 0; i < setup_of(setup, d)->workers; i++) {
		struct child *c;
		int rc = child_start(&c, s, d, i + 1, setup, err);

		if (rc != 0)
			return rc;
		c->trial = true;
	}
	return 0;
}

void slots_give_up(struct supervisor *s)
{
	for (struct child *c = s->children; c != NULL; c = c->next)
		if (c->trial) {
			c->leaving = true;
			c->state = CHILD_STOPPING;
			child_kill(c);
		}
}

/* Two generations at most: who drains already has had its time. */
static void retire(struct supervisor *s, enum daemon d, enum child_state how)
{
	uint64_t drain_ms = (uint64_t)config_number(setup_site(s->setup), CONFIG_DRAIN_TIME);

	for (struct child *c = s->children; c != NULL; c = c->next) {
		if (c->daemon != d || c->trial || c->ended || c->state == CHILD_STOPPING)
			continue;
		if (how == CHILD_STOPPING || c->state == CHILD_DRAINING)
			child_stop(c, slots_stop_ms(s));
		else
			child_drain(c, drain_ms);
	}
}

static void set_setup(struct group *g, struct setup *setup)
{
	setup_hold(setup);
	setup_drop(g->setup);
	g->setup = setup;
}

void slots_replace(struct supervisor *s, enum daemon d, struct setup *setup, enum child_state how)
{
	struct group *g = &s->groups[d];

	retire(s, d, how);
	set_setup(g, setup);
	g->workers = setup_of(setup, d)->workers;
	for (unsigned i = 0; i < DAEMON_WORKERS; i++) {
		g->slots[i].child = NULL;
		g->slots[i].due_ms = 0;
	}
	for (struct child *c = s->children; c != NULL; c = c->next)
		if (c->daemon == d && c->trial) {
			c->trial = false;
			g->slots[c->worker - 1].child = c;
		}
}

void slots_cycle(struct supervisor *s, enum daemon d, struct setup *setup)
{
	struct slot *slot = &s->groups[d].slots[0];

	set_setup(&s->groups[d], setup);
	if (slot->child != NULL)
		child_stop(slot->child, slots_stop_ms(s));
	else
		slot->due_ms = clock_mono_ms();
}

bool slots_ready(const struct supervisor *s, enum daemon d)
{
	const struct group *g = &s->groups[d];

	for (unsigned i = 0; i < g->workers; i++)
		if (g->slots[i].child == NULL || g->slots[i].child->state != CHILD_READY)
			return false;
	return true;
}
