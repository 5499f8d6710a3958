/*
 * request.h - requests that wait for their answer, by number.
 *
 * Shape   request_add gives a number, request_take finds it again, once. A number
 *         is never used twice in a process.
 * Limits  max requests open at a time.
 */
#ifndef IPC_REQUEST_H
#define IPC_REQUEST_H

#include "common/base/error.h"
#include "common/base/span.h"

struct requests; /* opaque */

int requests_new(struct requests **out, size_t max, struct error *err);
void requests_free(struct requests *r);

/* Keeps value (not NULL) under a new number. 0: there are max already, or no memory. */
uint64_t request_add(struct requests *r, void *value);

/* Gives what was kept and forgets it; NULL for a number that is not open. */
void *request_take(struct requests *r, uint64_t number);

/* Lends it. */
void *request_peek(const struct requests *r, uint64_t number);

/* Walks the open ones in no order; start with *at = 0. As table_next. */
bool request_next(const struct requests *r, size_t *at, uint64_t *number, void **value);

size_t requests_count(const struct requests *r);

#endif
