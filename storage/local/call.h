/*
 * call.h - a caller's request until its callback has been called.
 */
#ifndef STORAGE_LOCAL_CALL_H
#define STORAGE_LOCAL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct local;

struct call { /* first in the struct of each kind of request */
	struct local *s;
	uint64_t number;
	void *arg;         /* of the callback */
	bool forgotten;    /* store_cancel was called */
	struct call *next; /* in its bucket */
};

enum { CALL_BUCKETS = 256 };

/* size zeroed bytes that begin with a call. Ends the process without memory: so small a
 * request that can't even be refused. */
void *call_new(struct local *s, size_t size);
/* Gives it a number, which is returned. */
uint64_t call_open(struct call *c, void *arg);
/* Takes the number back. True: the callback is still wanted. */
bool call_close(struct call *c);
void call_cancel(struct local *s, uint64_t number);

#endif
