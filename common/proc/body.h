/*
 * body.h - read a message's file without ever waiting for the disk on the loop thread.
 *
 * body_read_now takes what the page cache has (preadv2 with RWF_NOWAIT); what it has not
 * is read on libuv's pool by body_read_later.
 */
#ifndef PROC_BODY_H
#define PROC_BODY_H

#include <sys/types.h>
#include <uv.h>

#include "common/base/span.h"

/* Up to n bytes at offset. >0: so many; 0: the end; -EAGAIN: it would wait; another errno. */
ssize_t body_read_now(int fd, uint64_t offset, uint8_t *p, size_t n);

struct body_read;		/* opaque; one that is under way */

/* r: 0, or a negative errno; bytes: empty at the end; lent until the callback returns. */
typedef void (*body_read_done)(void *arg, int r, struct span bytes);

/* Reads up to n bytes at offset on the pool, from a descriptor of its own (fd may be closed
 * meanwhile). NULL: no memory or descriptor. */
struct body_read *body_read_later(uv_loop_t *loop, int fd, uint64_t offset, size_t n, body_read_done done,
				  void *arg);

/* The callback is not called. NULL is allowed; not from behind the callback. */
void body_read_cancel(struct body_read *r);

#endif
