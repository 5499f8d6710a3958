/*
 * tell.h - what the sender of a job, and postmaster, are told of its recipients' fate.
 *
 * When    Failures always; a delay once, at DelayNotice; success where it was asked for and the
 *         next server tells nothing more (RFC 3461 5.2.2). Never to <>, never about a report.
 * Where   A sender of ours gets it into the INBOX, one elsewhere through the queue; a sender that
 *         is nobody gets none. PostmasterCopies: postmaster too.
 * Once    It goes into the store in the same commit as the job's outcomes.
 */
#ifndef DELIVERD_TELL_H
#define DELIVERD_TELL_H

#include "deliverd/deliverd.h"
#include "deliverd/job.h"

enum { TELL_OPEN = 32 };		/* that are being written; others wait */

/* notice: as queue_report wants it, lent, its stage to be taken; NULL: nothing is told. */
typedef void (*tell_done)(void *arg, const struct store_delivery *notice);

/* All recipients of j are settled. False: there is nothing to tell, and done is not called. */
bool tell_begin(struct deliverd *d, struct job *j, tell_done done, void *arg);
/* done is not called. NULL is allowed. */
void tell_free(struct tell *t);

/* An id for a message that is made here. */
void tell_id(struct deliverd *d, char out[STORE_ID_MAX]);

#endif
