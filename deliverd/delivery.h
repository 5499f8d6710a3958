/*
 * delivery.h - one transaction: recipients of one job, down one connection.
 *
 * Which   Those that are open, as many as the server takes at a time, and only such as came by the
 *         same alias or account of ours: that one stands in Delivered-To.
 * Unfit   What the server can't take fails without an attempt: too large (5.3.4), SMTPUTF8 (5.6.7), 8-bit
 *         bytes that can't be converted (5.6.3).
 */
#ifndef DELIVERD_DELIVERY_H
#define DELIVERD_DELIVERY_H

#include "deliverd/connection.h"
#include "deliverd/job.h"

struct delivery;		/* opaque */

/* Takes recipients of j, which has open ones. NULL: no memory. */
struct delivery *delivery_new(struct connection *c, struct job *j);
/* Recipients that are not settled are open again. NULL is allowed. */
void delivery_free(struct delivery *d);
struct job *delivery_job(struct delivery *d);

/* 1: it may begin. 0: nothing is left of it, its recipients are settled. -EAGAIN: connection_prepared
 * will be called. */
int delivery_prepare(struct delivery *d);
/* Hands it to the engine. False: it could not; its recipients are settled. */
bool delivery_begin(struct delivery *d);

/* The engine's actions. */
void delivery_want_body(struct delivery *d);
void delivery_rcpt_done(struct delivery *d, size_t index, const struct client_reply *reply);

/* MAIL_DONE. */
void delivery_over(struct delivery *d);

#endif
