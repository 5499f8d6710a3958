/*
 * slots.h - which process serves as which worker; a dead one comes back.
 *
 * Delay   At once, then after 1, 2, 4 ... 30 seconds; a life of a minute makes it
 *         start again from the beginning.
 */
#ifndef SUPERVISOR_SLOTS_H
#define SUPERVISOR_SLOTS_H

#include "supervisor/child.h"

/* Starts what is due; called by the restart timer and after a change. */
void slots_run(struct supervisor *s);

/* The group's processes become those on trial (all of them), the former are drained
 * or stopped; how: CHILD_DRAINING or CHILD_STOPPING. */
void slots_replace(struct supervisor *s, enum daemon d, struct setup *setup, enum child_state how);

/* Starts a group's processes on trial. What fails at once is an error. */
int slots_try(struct supervisor *s, enum daemon d, struct setup *setup, struct error *err);
/* Kills those on trial. */
void slots_give_up(struct supervisor *s);

/* storaged, authd: the process is asked to leave, its successor starts when it is gone. */
void slots_cycle(struct supervisor *s, enum daemon d, struct setup *setup);

/* All slots of d have a process that is ready. */
bool slots_ready(const struct supervisor *s, enum daemon d);

/* How long a process has to finish, from the configuration. */
uint64_t slots_stop_ms(const struct supervisor *s);

#endif
