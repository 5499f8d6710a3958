/* stop.c - the contract is in stop.h. */
#include "supervisor/stop.h"

#include <stdio.h>

#include "common/base/log.h"
#include "supervisor/child.h"
#include "supervisor/job.h"
#include "supervisor/notify.h"
#include "supervisor/slots.h"

/* Asks those of a phase to leave; draining ones too. False: there are none. */
static bool stop_those(struct supervisor *s, bool joined)
{
	bool any = false;

	for (struct child *c = s->children; c != NULL; c = c->next) {
		if (daemon_rows[c->daemon].joined != joined)
			continue;
		any = true;
		if (c->state != CHILD_STOPPING)
			child_stop(c, slots_stop_ms(s));
	}
	return any;
}

void stop_step(struct supervisor *s)
{
	if (s->stop == STOP_NET && !stop_those(s, true))
		s->stop = STOP_SERVICES;
	if (s->stop == STOP_SERVICES && !stop_those(s, false) && s->children == NULL)
		uv_stop(&s->loop);
}

void stop_begin(struct supervisor *s)
{
	if (s->stop != STOP_NOT)
		return;
	log_info("stopping");
	notify_systemd("STOPPING=1");
	s->stop = STOP_NET;
	job_abandon(s);
	stop_step(s);
}

void stop_started(struct supervisor *s, const char *failure)
{
	if (failure == NULL) {
		supervisor_report(s, 0, "");
		notify_systemd("READY=1");
		return;
	}
	s->exit_code = 1;
	snprintf(s->failure, sizeof(s->failure), "%s", failure);
	for (struct child *c = s->children; c != NULL; c = c->next) {
		c->leaving = true;
		child_kill(c);
	}
	if (s->stop == STOP_NOT)
		s->stop = STOP_SERVICES;
	stop_step(s);
}
