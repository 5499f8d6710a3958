/*
 * watch.h - certificates are renewed under a running server.
 *
 * Look    Each WatchTime the files of every setup in force are looked at (stat, no reading).
 *         One that has changed, and is the same at the next look, is read, tested and handed
 *         to the running daemons (setup/renew.h); each change is tried once, and told once.
 * Dates   At the start and once a day: what ends soon, into the log.
 */
#ifndef SUPERVISOR_WATCH_H
#define SUPERVISOR_WATCH_H

#include "supervisor/supervisor.h"

int watch_open(struct supervisor *s, struct error *err);
void watch_close(struct supervisor *s);

/* WatchTime may have changed: s->setup is another. */
void watch_time(struct supervisor *s);

/* Accounts have changed: the fingerprints that they hold go to the daemons where some Listen
 * has AllowSelfSigned; at once, or (a burst of changes) a moment later. */
void watch_accounts(struct supervisor *s);
void watch_accounts_soon(struct supervisor *s);

/* A job is over, whose setup may be older than the accounts. */
void watch_job_over(struct supervisor *s);

#endif
