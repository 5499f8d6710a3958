/*
 * schedule.h - which jobs are leased and when, and where they go.
 *
 * Turns   Jobs are leased by turns as long as there are hands (SCHEDULE_HANDS) and no crowd: SCHEDULE_CROWD
 *         jobs that wait at destinations which are up, or for a free connection. With a crowd one lease
 *         each SCHEDULE_LOOK_MS looks for others, so that a destination that is slow holds up none.
 * Own     A destination asks for more of its own domain by itself, while it is up.
 * Dead    Connections that are being made are counted apart (SCHEDULE_OPENINGS): dead destinations
 *         take no place of a live one.
 * Again   A job that is leased again while it is held (storaged was restarted) is known by its id
 *         and number: only its lease changes.
 * Cost    No work grows with the number of destinations or of jobs.
 */
#ifndef DELIVERD_SCHEDULE_H
#define DELIVERD_SCHEDULE_H

#include "deliverd/deliverd.h"
#include "deliverd/job.h"

enum {
	SCHEDULE_HANDS = 4096,		/* jobs held; each has a descriptor: a quarter of them at most */
	SCHEDULE_CROWD = 128,
	SCHEDULE_LOOK_MS = 100,
	SCHEDULE_OPENINGS = 2000,
	SCHEDULE_RESTING = 1024,	/* destinations without work that are remembered */
	SCHEDULE_AGAIN_MS = 1000	/* a call that failed is tried again */
};

int schedule_new(struct schedule **out, struct deliverd *d, struct error *err);
/* Everything that is held is forgotten. NULL is allowed. */
void schedule_free(struct schedule *s);

/* New settings: what begins from now on goes by them. */
void schedule_settings(struct schedule *s);
/* storaged is another one: it knows nothing of what it was told. */
void schedule_renew(struct schedule *s);
/* No more leases; jobs that wait are given back. worker_leave follows when nothing is held. */
void schedule_stop(struct schedule *s);

/* More jobs of that domain, for a destination that is up; it must stay until they came. False: not now. */
bool schedule_refill(struct schedule *s, struct destination *dest, struct span domain);

/* May a connection be begun? If not, the destination has its turn later. */
bool schedule_may_open(struct schedule *s, struct destination *dest);
/* All places are taken, and others wait for one: who has no work leaves. */
bool schedule_wants_room(const struct schedule *s);
/* A connection is over, or could not be made: others may have their turn. */
void schedule_freed(struct schedule *s);
/* The jobs that dest has waiting crowd, or don't: by so many more, or fewer. */
void schedule_crowd(struct schedule *s, ptrdiff_t more);
/* It has no work and no connection: it is remembered for a while. */
void schedule_rest(struct schedule *s, struct destination *dest);

/* How a domain is to be treated; told to storaged only if it is news. */
void schedule_domain(struct schedule *s, struct span domain, uint32_t allowed, int64_t not_before_s,
		     struct span words);

/* storaged could not take the job's report: outcome_report is called again in SCHEDULE_AGAIN_MS. */
void schedule_again(struct schedule *s, struct job *j);
/* The job's report is on disk, or it is gone: it is freed. */
void schedule_forget(struct schedule *s, struct job *j);

size_t schedule_held(const struct schedule *s);
size_t schedule_destinations(const struct schedule *s);

#endif
