/*
 * fake_pair.h - a daemon's store and storaged's dispatch in one process, over a socket pair.
 *
 * Any store can stand behind dispatch; fake_pair_new puts a fake one there. A "restart" throws
 * dispatch away with all that is in hand, and attaches the daemon's store to a new one on
 * the same store: what storaged would have on disk is still there.
 */
#ifndef FAKE_PAIR_H
#define FAKE_PAIR_H

#include <uv.h>

#include "storage/storaged/dispatch.h"
#include "tests/fake/fake_loop.h"

struct fake_pair {
	uv_loop_t *loop;
	struct fake_loop *drive; /* NULL: the store behind is the caller's */
	struct store *behind;
	struct dispatch_backend backend;
	struct dispatch *dispatch;
	struct store *store; /* what the daemon sees */
	unsigned rights;
};

/* A fake store behind it. o may be NULL. */
int fake_pair_new(struct fake_pair *p, uv_loop_t *loop, const struct fake_options *o, struct error *err);
/* The backend's store behind it, which stays the caller's. */
int fake_pair_over(struct fake_pair *p, uv_loop_t *loop, const struct dispatch_backend *backend,
		   struct error *err);
void fake_pair_clear(struct fake_pair *p);

/* storaged is killed, with all requests in hand; and a new one comes up. */
void fake_pair_stop(struct fake_pair *p);
int fake_pair_start(struct fake_pair *p, struct error *err);
/* A fresh socket to the dispatch that is there. */
int fake_pair_attach(struct fake_pair *p, struct error *err);

/* A client of the dispatch of its own: another daemon. */
int fake_pair_client(struct fake_pair *p, unsigned rights, struct store **out, struct error *err);

/* Runs the loop until *flag is not 0; false after five seconds. */
bool fake_pair_run(struct fake_pair *p, const unsigned *flag);
/* Lets everything that can happen at once happen. */
void fake_pair_settle(struct fake_pair *p);

#endif
