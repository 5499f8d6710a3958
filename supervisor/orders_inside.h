/*
 * orders_inside.h - what a connection and its order are; for orders.c, orders_socket.c, orders_one.c, orders_store.c.
 */
#ifndef SUPERVISOR_ORDERS_INSIDE_H
#define SUPERVISOR_ORDERS_INSIDE_H

#include "common/config/order.h"
#include "supervisor/orders.h"

enum order_wait {
	WAIT_NOTHING, /* just connected */
	WAIT_TURN,    /* a job is in hand */
	WAIT_JOB,     /* its own job */
	WAIT_AUTHD,   /* accounts: authd is being restarted */
	WAIT_APPLIED, /* accounts: authd reads the folder */
	WAIT_SETTLED, /* accounts: all others have taken the revocations */
	WAIT_STATUS,
	WAIT_STATUS_JSON,
	WAIT_TLS,
	WAIT_SESSIONS,
	WAIT_KICK,
	WAIT_WORDS, /* another question with words of its own is in hand */
	WAIT_ONE, /* a question to one process */
	WAIT_END  /* stop, restart of all */
};

struct order {
	struct order *next;
	struct supervisor *s;
	struct ipc *ipc;
	int fd; /* ipc's */
	enum order_wait wait;
	uint64_t number;   /* of the message to authd; of the question to one process */
	uint64_t asked_ms; /* when it was asked */
	char words[ORDER_WORDS_MAX];
};

struct orders {
	uv_poll_t poll;
	uv_timer_t late[CHILD_QUESTIONS]; /* children that do not answer are not waited for */
	uv_timer_t late_one;              /* the same for questions to one */
	unsigned open;                    /* handles of the loop that are not closed */
	int fd;
	int reserve; /* given up to answer one who comes when no descriptor is left */
	unsigned count;
	struct order *first;
};

/* orders.c: does what o->words say. */
void order_run(struct order *o);
/* orders_socket.c */
void order_free(struct order *o);
/* orders_one.c: o->words, put to storaged as they are; its answer ends the order. */
void order_storaged(struct order *o, char *rest);
/* orders_store.c: a socket to storaged, and a token for the account that rest names. */
void order_store_account(struct order *o, char *rest);
/* Gives up those that were not answered in time. */
void orders_one_late(uv_timer_t *t);

#endif
