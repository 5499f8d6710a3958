/*
 * job.h - start, reload, restart: one at a time, all or nothing.
 *
 * Trying   New processes are started beside the old ones. One that fails ends the job:
 *          the new ones are killed and nothing has changed.
 * Settling All are ready: they take the places of the old, which drain (reload) or stop
 *          (restart); processes that need not be new get the settings as a frame;
 *          storaged and authd, of which there can't be two, are stopped and started.
 */
#ifndef SUPERVISOR_JOB_H
#define SUPERVISOR_JOB_H

#include "supervisor/child.h"

struct order;

/* Begins. order (may be NULL) is answered at the end; it must not go before: see
 * job_forget. The start takes its setup, which the caller has read. */
void job_start(struct supervisor *s, struct setup *setup);
void job_reload(struct supervisor *s, struct order *order);
void job_restart(struct supervisor *s, struct order *order, const bool daemons[DAEMON_COUNT]);

/* Goes on with the job in hand as far as the children's states allow. */
void job_step(struct supervisor *s);

/* A child is gone: if it was on trial, the job has failed. */
void job_lost(const struct child *c, int status);

/* The order's client has left; the job goes on without it. */
void job_forget(struct supervisor *s, const struct order *order);

/* The supervisor ends while a job is in hand. */
void job_abandon(struct supervisor *s);

#endif
