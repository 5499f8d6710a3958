/*
 * orders.h - the socket run/yubind.sock and what comes over it (common/config/order.h).
 *
 * Answers What children have said is cut where it does not fit: an order never fails of it.
 * Limits  ORDERS_MAX connections at a time; root and the user that we run as may connect.
 */
#ifndef SUPERVISOR_ORDERS_H
#define SUPERVISOR_ORDERS_H

#include "supervisor/child.h"

enum {
	ORDERS_MAX = 32,
	ORDERS_TEXT_MAX = 768 << 10	/* bytes of an answer */
};

struct order;			/* opaque; one connection */

int orders_open(struct supervisor *s, struct error *err);
/* Answers those that wait for the end with DONE, and closes all. */
void orders_close(struct supervisor *s);

/* Words for the person behind an order: "warning", "etc/imapd.conf:3: ...". order may be
 * NULL in both. */
void order_say(struct order *o, const char *kind, const char *words);
void order_done(struct order *o, unsigned code, const char *text);

/* The job is over: the next order that waits for one has its turn. */
void orders_next(struct supervisor *s);

/* Events of the children. What a dead authd was told is told to the next one. */
void orders_authd_gone(struct supervisor *s);
void orders_authd_ready(struct supervisor *s);
void orders_applied(struct supervisor *s, const struct child *c, uint64_t number, const char *words);
void orders_answered(struct supervisor *s);
/* An answer to a question that was put to one process (orders_one.c). */
void orders_one_answered(const struct child *c, uint64_t number, struct span text);

/* status.c: the whole state, for a person or as JSON, from what the children have answered. */
void status_write(const struct supervisor *s, struct buf *out);
void status_write_json(const struct supervisor *s, struct buf *out);

/* answers.c: what all network daemons have said to "tls" (order.h). */
void answers_write_tls(const struct supervisor *s, struct buf *out);
void answers_write_sessions(const struct supervisor *s, struct buf *out);
void answers_write_kicked(const struct supervisor *s, struct buf *out);

#endif
