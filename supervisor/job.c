/* job.c - the contract is in job.h. */
#include "supervisor/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/rest.h"
#include "supervisor/notify.h"
#include "supervisor/orders.h"
#include "supervisor/slots.h"
#include "supervisor/stop.h"
#include "supervisor/watch.h"

enum { SETTLE_MS = 15000 }; /* beyond StopTime */

enum job_kind { JOB_START, JOB_RELOAD, JOB_RESTART };
enum job_step { JOB_TRYING, JOB_SETTLING };

struct job {
	struct supervisor *s;
	enum job_kind kind;
	enum job_step step;
	struct order *order;
	struct setup *setup;
	struct sockets_of all, fresh; /* whom it is about; who gets new processes */
	uv_timer_t late;
	uint64_t number; /* of its CONTROL_SETTINGS */
	bool failed;
	char words[700]; /* why */
};

static void job_fail(struct job *j, const char *words)
{
	if (!j->failed)
		snprintf(j->words, sizeof(j->words), "%s", words);
	j->failed = true;
}

/* Words of a check go to who asked, and into the log. */
static void on_report(void *arg, enum report_kind kind, const char *words)
{
	struct job *j = arg;
	void (*const into_log)(const char *, ...) = kind == REPORT_ERROR ? log_error : log_warn;

	into_log("configuration %s", words);
	order_say(j->order, kind == REPORT_ERROR ? "error" : "warning", words);
}

static struct job *job_new(struct supervisor *s, enum job_kind kind, struct order *order)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	*j = (struct job){ .s = s, .kind = kind, .order = order };
	uv_timer_init(&s->loop, &j->late);
	j->late.data = j;
	s->job = j;
	return j;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void job_free(struct job *j)
{
	j->s->job = NULL;
	setup_drop(j->setup);
	uv_close((uv_handle_t *)&j->late, on_closed);
}

static const char *kind_name(const struct job *j)
{
	static const char *const names[] = { "start", "reload", "restart" };

	return names[j->kind];
}

static void job_finish(struct job *j)
{
	struct supervisor *s = j->s;

	if (j->failed)
		log_error("%s failed reason=%s", kind_name(j), j->words);
	else
		log_info("%s done", kind_name(j));
	if (j->kind == JOB_START)
		stop_started(s, j->failed ? j->words : NULL);
	else
		notify_systemd("READY=1");
	order_done(j->order, j->failed ? 1 : 0, j->words);
	job_free(j);
	rest_memory(); /* what reading etc/ and trying TLS took */
	watch_job_over(s);
	orders_next(s);
}

/* --- trying ---------------------------------------------------------------- */

/* Something has changed that a running process can't take in. */
static bool is_other_setup(const struct job *j, enum daemon d)
{
	struct buf before, after;
	bool differs;

	buf_init(&before, 1 << 20);
	buf_init(&after, 1 << 20);
	setup_fingerprint(j->s->groups[d].setup, d, &before);
	setup_fingerprint(j->setup, d, &after);
	differs = before.failed || after.failed || !span_equal(buf_span(&before), buf_span(&after));
	buf_clear(&before);
	buf_clear(&after);
	return differs;
}

/* The program was installed anew. */
static bool is_other_program(const struct job *j, enum daemon d)
{
	const struct program *old = &j->s->groups[d].program;
	struct program now = program_now(j->s, d);

	if (now.inode == 0 || old->inode == 0)
		return false;
	return now.inode != old->inode || now.changed_s != old->changed_s ||
	       now.changed_ns != old->changed_ns;
}

static bool is_fresh(const struct job *j, enum daemon d)
{
	return is_other_setup(j, d) || is_other_program(j, d);
}

/* Reads etc/ again and opens what is new. */
static bool job_read(struct job *j)
{
	struct report report = { .sink = on_report, .arg = j };
	struct supervisor *s = j->s;
	const struct setup_source source = { .paths = &s->paths, .flags = s->flags, .root = s->root };

	if (setup_read(&j->setup, &source, &report) == 0 &&
	    sockets_open(s->sockets, j->setup, &j->all, 0, &report) == 0)
		return true;
	job_fail(j, "nothing was changed: the server goes on as it was");
	return false;
}

/* Processes that can be there twice are tried beside the old ones. */
static void job_try(struct job *j)
{
	struct error err;
	char words[600];

	for (enum daemon d = 0; d < DAEMON_COUNT && !j->failed; d++) {
		bool beside = daemon_rows[d].net || j->kind == JOB_START;

		if (!j->fresh.daemon[d] || !beside || slots_try(j->s, d, j->setup, &err) == 0)
			continue;
		snprintf(words, sizeof(words), "%s: %s", daemon_rows[d].name, err.words);
		job_fail(j, words);
	}
	job_step(j->s);
}

void job_start(struct supervisor *s, struct setup *setup)
{
	struct job *j = job_new(s, JOB_START, NULL);

	if (j == NULL) {
		stop_started(s, "no memory");
		return;
	}
	j->setup = setup_hold(setup);
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		j->all.daemon[d] = j->fresh.daemon[d] = true;
	job_try(j);
}

static void job_change(struct supervisor *s, enum job_kind kind, struct order *order,
		       const bool daemons[DAEMON_COUNT])
{
	struct job *j = job_new(s, kind, order);

	if (j == NULL) {
		order_done(order, 1, "no memory");
		return;
	}
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		j->all.daemon[d] = daemons == NULL || daemons[d];
	notify_systemd("RELOADING=1");
	if (!job_read(j)) {
		job_finish(j);
		return;
	}
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		j->fresh.daemon[d] = kind == JOB_RESTART ? j->all.daemon[d] : is_fresh(j, d);
	job_try(j);
}

void job_reload(struct supervisor *s, struct order *order)
{
	job_change(s, JOB_RELOAD, order, NULL);
}

void job_restart(struct supervisor *s, struct order *order, const bool daemons[DAEMON_COUNT])
{
	job_change(s, JOB_RESTART, order, daemons);
}

void job_lost(const struct child *c, int status)
{
	struct job *j = c->s->job;
	char words[600];

	if (j == NULL || !c->trial || j->failed)
		return;
	if (*c->words != '\0')
		snprintf(words, sizeof(words), "%s: %s", c->label, c->words);
	else if (WIFSIGNALED(status))
		snprintf(words, sizeof(words), "%s died of signal %d (%s) before it was ready", c->label,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(words, sizeof(words), "%s ended with status %d before it was ready", c->label,
			 WEXITSTATUS(status));
	job_fail(j, words);
}

static bool all_tried(const struct supervisor *s)
{
	for (const struct child *c = s->children; c != NULL; c = c->next)
		if (c->trial && c->state != CHILD_READY)
			return false;
	return true;
}

/* --- settling -------------------------------------------------------------- */

static void on_late(uv_timer_t *t)
{
	struct job *j = t->data;

	job_fail(j, "not all daemons came back in time; `yubin status` and `yubin log` tell more");
	job_finish(j);
}

/* Processes that stay get the settings as a frame. */
static void hand_settings(struct job *j, enum daemon d)
{
	struct group *g = &j->s->groups[d];

	setup_hold(j->setup);
	setup_drop(g->setup);
	g->setup = j->setup;
	for (unsigned i = 0; i < g->workers; i++)
		if (g->slots[i].child != NULL)
			talk_settings(g->slots[i].child, j->setup, j->number);
}

static void settle_daemon(struct job *j, enum daemon d)
{
	if (!j->all.daemon[d])
		return;
	if (!j->fresh.daemon[d])
		hand_settings(j, d);
	else if (daemon_rows[d].net || j->kind == JOB_START)
		slots_replace(j->s, d, j->setup, j->kind == JOB_RELOAD ? CHILD_DRAINING : CHILD_STOPPING);
	else
		slots_cycle(j->s, d, j->setup);
}

static void job_commit(struct job *j)
{
	struct supervisor *s = j->s;

	j->step = JOB_SETTLING;
	j->number = ++s->last_number;
	sockets_commit(s->sockets, j->setup, &j->all);
	if (j->kind != JOB_RESTART) {
		setup_hold(j->setup);
		setup_drop(s->setup);
		s->setup = j->setup;
	}
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		settle_daemon(j, d);
	supervisor_time_tickets(s);
	watch_time(s);
	slots_run(s);
	uv_timer_start(&j->late, on_late, slots_stop_ms(s) + SETTLE_MS, 0);
}

static void note_refusal(struct job *j, const struct child *c)
{
	char words[600];

	snprintf(words, sizeof(words), "%s refuses the new settings and goes on with the old: %s", c->label,
		 c->words);
	job_fail(j, words);
}

/* True once nobody has to answer any more. */
static bool job_settled(struct job *j)
{
	for (const struct child *c = j->s->children; c != NULL; c = c->next)
		if (c->applying == j->number && c->state == CHILD_READY)
			return false;
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		if (j->fresh.daemon[d] && !slots_ready(j->s, d))
			return false;
	for (const struct child *c = j->s->children; c != NULL; c = c->next)
		if (c->refused == j->number)
			note_refusal(j, c);
	return true;
}

static void job_undo(struct job *j)
{
	slots_give_up(j->s);
	sockets_revert(j->s->sockets);
	job_finish(j);
}

void job_step(struct supervisor *s)
{
	struct job *j = s->job;

	if (j == NULL)
		return;
	if (j->step == JOB_TRYING && j->failed) {
		job_undo(j);
		return;
	}
	if (j->step == JOB_TRYING && all_tried(s))
		job_commit(j);
	if (j->step == JOB_SETTLING && job_settled(j))
		job_finish(j);
}

void job_forget(struct supervisor *s, const struct order *order)
{
	if (s->job != NULL && s->job->order == order)
		s->job->order = NULL;
}

void job_abandon(struct supervisor *s)
{
	if (s->job == NULL)
		return;
	job_fail(s->job, "the server is being stopped");
	if (s->job->step == JOB_TRYING)
		job_undo(s->job);
	else
		job_finish(s->job);
}
