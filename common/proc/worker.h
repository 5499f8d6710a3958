/*
 * worker.h - what each daemon's main() is made of.
 *
 * worker_main takes the inherited control socket, reads hello, settings, sockets
 * and peers, drops the user, enters the sandbox, starts the daemon, says READY and
 * runs the loop until yubind stops it, drains it, or dies (the control socket
 * closes: the daemon leaves within a second).
 * Order   SANDBOX_NET, SANDBOX_OUT: prepare, user dropped, sandbox. SANDBOX_FILES: user dropped,
 *         prepare, sandbox. Then settings; tickets, peers and listens as they came;
 *         start; READY.
 */
#ifndef PROC_WORKER_H
#define PROC_WORKER_H

#include <uv.h>

#include "common/config/config.h"
#include "common/proc/bundle.h"
#include "common/proc/control.h"
#include "common/proc/sandbox.h"

struct worker;   /* opaque */
struct settings; /* settings.h */

/* What a daemon is. Every function may be NULL; state is what start gave. */
struct worker_daemon {
	const char *name; /* "imapd" */
	enum config_file which;
	enum sandbox_kind sandbox;

	/* Before the sandbox: load what can't be loaded later (charsets, providers; and for
	 * storaged: open and recover the store with the user already dropped). Gives the
	 * daemon's state. */
	int (*prepare)(struct worker *w, void **state, struct error *err);
	/* In the sandbox, before READY. Listening sockets and peers were handed over already. */
	int (*start)(void *state, struct error *err);
	/* New settings: 0, or words in *err and nothing changed. Called in prepare's place
	 * too: once before start, with the first settings. */
	int (*settings)(void *state, struct worker *w, struct error *err);
	/* A listening socket for the index-th Listen; the daemon keeps it. */
	void (*listen)(void *state, size_t index, int fd);
	/* A fresh socket to storaged or authd, or a client's; the daemon keeps it. */
	void (*peer)(void *state, enum control_role role, unsigned rights, const char *name, int fd);
	/* New session ticket keys, serialised as tls/tickets.h says. */
	void (*tickets)(void *state, struct span keys);
	void (*revoke)(void *state, const char *account);
	/* Stop accepting, finish; call worker_leave when nothing is left. idle_ms: idle
	 * sessions may stay so long. Without it the process leaves at once. */
	void (*drain)(void *state, uint64_t idle_ms);
	/* The same, but idle sessions end now. */
	void (*stop)(void *state);
	/* Adds `key value` lines for `yubin status`. */
	void (*status)(void *state, struct buf *out);
	/* Answers any other CONTROL_ASK. */
	void (*ask)(void *state, const char *what, struct buf *out);
	void (*free)(void *state);
};

/* The whole life of a daemon's process; returns main's exit code. */
int worker_main(const struct worker_daemon *d);

uv_loop_t *worker_loop(struct worker *w);
unsigned worker_number(const struct worker *w);
const struct control_hello *worker_hello(const struct worker *w);
/* The folders handed in, in the order of control_hello.folders. */
int worker_folder(const struct worker *w, size_t i);

/* The settings in force: yubin.conf, the daemon's own, and the files that it names.
 * Lent until the next settings call has returned. */
const struct config *worker_site(const struct worker *w);
const struct config *worker_config(const struct worker *w);
bool worker_file(const struct worker *w, const char *path, struct span *text);
/* All of them (settings.h), for who must hold them longer than that. */
struct settings *worker_settings(struct worker *w);

/* The next connection id. */
uint64_t worker_id(struct worker *w);

/* authd: tell everybody that an account's sessions and tokens are void. */
void worker_revoke(struct worker *w, const char *account);

/* The socket to storaged or authd has ended: a fresh one comes, at once if the other is alive. */
void worker_want_peer(struct worker *w, enum control_role role);

/* In prepare, which takes long: yubind waits on, and tells the words. As often as one likes: once in three seconds it
 * is said. */
void worker_busy(struct worker *w, const char *words);

/* Ends the loop; worker_main frees the daemon and returns. */
void worker_leave(struct worker *w);

#endif
