/*
 * remote_inside.h - a remote, as remote.c (its turns) and remote_life.c (its beginning and its end) see it.
 */
#ifndef NET_REMOTE_INSIDE_H
#define NET_REMOTE_INSIDE_H

#include "common/net/race.h"
#include "common/net/remote.h"
#include "common/net/stream.h"
#include "common/net/wish.h"

#define REMOTE_NEVER UINT64_MAX

enum {
	REMOTE_ROOM = 16384,       /* bytes of one read */
	REMOTE_SAY_MAX = 64 << 10, /* bytes of a turn's output that are gathered */
	REMOTE_LEFT_MAX = 64 << 10 /* of input that waits: then the socket is not read */
};

enum remote_state {
	REMOTE_RACING,   /* no connection yet */
	REMOTE_SHAKING,  /* TLS comes up */
	REMOTE_OPEN,     /* the session has the word */
	REMOTE_FLUSHING, /* output must be with the kernel before the next step */
	REMOTE_ENDED,    /* the session was told */
	REMOTE_GONE      /* freed as soon as the loop lets go of it */
};

enum remote_step { STEP_TLS, STEP_CLOSE, STEP_SHUT };

/* Apart from the remote: made when there is a socket to watch. */
struct remote_watch {
	uv_poll_t poll;
	struct remote *remote;
};

struct remote {
	uv_timer_t timer;
	uv_idle_t idle; /* runs while a turn is due */
	struct remote_watch *watch;
	struct race *race;
	const struct remote_protocol *protocol;
	void *session;
	struct stream stream;
	struct buf said; /* this turn's output */
	struct buf left; /* what feed did not use */
	struct tls_context *tls;
	struct wish *wish; /* NULL once TLS is up */
	uint64_t handshake_ms, write_ms;
	uint64_t armed_ms; /* when the timer fires; NEVER: it does not */
	uint64_t shake_due_ms, write_due_ms;
	uint64_t shake_in_bytes; /* in_bytes when the handshake began */
	int watching;
	uint8_t handles; /* that libuv still holds */
	uint8_t state;   /* enum remote_state */
	uint8_t step;    /* enum remote_step, when flushed */
	bool implicit, blocked, peer_ended;
	struct address *addresses; /* while it races */
	struct address address;    /* the one that won; host "": none yet */
	struct address local;      /* our end */
	char peer[ADDRESS_PORT_TEXT];
};

/* Tells the session, once; the socket is closed, what TLS knows stays. */
void remote_end(struct remote *r, enum remote_end why, const char *words);

/* A connection is there, r->stream has it. */
void remote_begin(struct remote *r);

#endif
