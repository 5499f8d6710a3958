/*
 * stop.h - the end of all: network daemons first, then storaged and authd, which they
 * need to finish what they have in hand.
 */
#ifndef SUPERVISOR_STOP_H
#define SUPERVISOR_STOP_H

#include "supervisor/supervisor.h"

/* Begins; the loop ends when no process is left. Again: nothing more. */
void stop_begin(struct supervisor *s);

/* Goes on as far as the children's states allow. */
void stop_step(struct supervisor *s);

/* The start has come to its end: NULL, or why it failed (then all ends at once). */
void stop_started(struct supervisor *s, const char *failure);

#endif
