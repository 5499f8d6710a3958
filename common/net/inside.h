/*
 * inside.h - what conn.c and server.c know of each other. For common/net/ alone.
 *
 * Turns   Everything that happens to a connection is one turn: bytes that came, room in
 *         the kernel, a wake, a deadline. A turn's output is gathered in the server's
 *         `said` and goes out at its end in one write. Turns never nest.
 */
#ifndef NET_INSIDE_H
#define NET_INSIDE_H

#include <uv.h>

#include "common/net/address.h"
#include "common/net/conn.h"
#include "common/net/ports.h"
#include "common/net/stream.h"
#include "common/net/tally.h"
#include "common/tls/census.h"

#define NEVER UINT64_MAX /* of deadlines */

enum {
	FIRST = 8,         /* bytes that tell what a client takes us for (mode.h) */
	ROOM = 65536,      /* bytes of one read, and of a turn's gathered output */
	REVOKED_KEPT = 32, /* revocations that are remembered by name */
	REVOKED_NAME = 320 /* bytes */
};

/* Where a server lives: a worker, or a test. */
struct server_host {
	void *arg;
	uv_loop_t *loop;
	const char *hostname;                    /* lent for the server's life */
	struct settings *(*settings)(void *arg); /* lends those in force */
	uint64_t (*id)(void *arg);               /* the next connection id */
	void (*leave)(void *arg);                /* the last connection has ended, and no more will come */
};

/* How the handshakes of a Listen went; kept over reloads. */
struct counted {
	struct counted *next;
	struct census *census;
	char listen[80]; /* its text */
};

struct listener {
	uv_poll_t poll;
	struct server *server;
	struct listener *next;
	int fd;
	size_t index; /* of its Listen */
};

struct server {
	struct server_host host;
	const struct conn_protocol *protocol;
	const char *refusal;
	void *daemon;
	struct ports *ports; /* for connections from now on; NULL before the first settings */
	struct buf tickets;  /* the keys in force, for contexts to come */
	struct listener *listeners;
	struct conn *conns;           /* all of them */
	struct conn *ready, *turning; /* those that were woken; those whose turn it is */
	size_t count;
	uint64_t accepted, refused;
	uint64_t tls_handshakes, tls_resumed, tls_failed;
	int64_t began_s; /* since 1970 */
	struct counted *counted;
	uint64_t revocations; /* so many came; the last ones by name: */
	char revoked[REVOKED_KEPT][REVOKED_NAME];
	struct tally *by_address, *by_account;
	struct rate *came, *blamed; /* connections in a minute, refused recipients in an hour */
	uv_idle_t idle; /* runs while somebody is ready */
	uv_timer_t drain;
	uv_timer_t full_timer; /* runs while full */
	unsigned handles;       /* of ours that libuv still holds */
	int reserve;            /* a descriptor to give up when there are none left */
	uint64_t complained_ms; /* when that was last logged */
	bool full;              /* MaxConnections: not listening */
	bool draining;          /* no longer listening */
	bool ending;            /* idle sessions are told to end */
	bool left;              /* host.leave was called */
	bool freed;
	uint8_t room[ROOM], plain[ROOM]; /* what was read, and what it said */
	struct buf said;
};

enum conn_state {
	CONN_PROXY,     /* the PROXY header is waited for; there is no session yet */
	CONN_SHAKING,   /* TLS comes up */
	CONN_OPEN,      /* the session has the word */
	CONN_FLUSHING,  /* output must be with the kernel before the next step */
	CONN_LINGERING, /* all is said; the peer may take it in peace */
	CONN_GONE       /* freed as soon as the loop lets go of it */
};

enum conn_step { STEP_TLS, STEP_CLOSE, STEP_SHUT };

struct conn {
	struct server *server;
	struct conn *previous, *next;
	struct conn *ready_previous, *ready_next;
	struct ports *ports;
	const struct port *port;
	void *session;
	struct stream stream;
	struct buf left; /* what feed did not use */
	uv_poll_t poll;
	uv_timer_t timer;
	uint64_t id, began_ms;
	uint64_t armed_ms; /* when the timer fires; UINT64_MAX: it does not */
	uint64_t write_ms; /* deadline of the peer to take something */
	uint64_t shell_ms; /* deadline of handshake, half-close and lingering */
	uint64_t shake_ms; /* when the handshake must be done; shell_ms may be earlier: SilenceTime */
	uint64_t login_began; /* the server's revocations then */
	int watching;
	uint8_t handles; /* that libuv still holds */
	uint8_t state;   /* enum conn_state */
	uint8_t step;    /* enum conn_step, when flushed */
	bool ready;      /* in the server's list */
	bool blocked;    /* OutputLimit: next is not asked until all is out */
	bool ended;      /* the peer has sent all it will */
	bool told_finished, told_end;
	bool secured;
	bool judged;     /* what came first is no wrong mode */
	uint8_t first_n; /* bytes that came first, held back until they tell */
	uint8_t first[FIRST];
	bool exempt; /* from the limit by address */
	char *account;
	struct address peer;
	char local[ADDRESS_PORT_TEXT];
};

/* The same as server_new, for any host. */
int server_new_at(struct server **out, const struct server_host *host, const struct conn_protocol *p,
		  const char *refusal, void *daemon, struct error *err);

/* A connection on fd (kept) that came by a listener and was counted by address, unless
 * it is exempt. On an error it was never there. */
int conn_new(struct server *s, int fd, const struct port *port, const struct address *peer, bool exempt,
	     struct error *err);

/* The same, but that its client is told by a PROXY header, and admitted then. */
int conn_new_proxied(struct server *s, int fd, const struct port *port, const struct address *peer,
		     struct error *err);

/* accept.c: may the client come in, by the limits by address? Else it was told, and c ends. */
bool conn_admit(struct conn *c);

/* life.c: the session begins. */
void conn_begin(struct conn *c);

/* proxied.c: waits for the header; takes what came; the connection ends before there is one. */
void conn_proxy(struct conn *c);
void conn_proxy_take(struct conn *c, struct span in);
void conn_proxy_failed(struct conn *c, const char *why);

/* conn.c: bytes of the client. */
void conn_take(struct conn *c, struct span in);

/* Tells the session to end. */
void conn_end(struct conn *c, enum conn_end why);

/* Tells an idle session to end; one that is not is told when it becomes idle. */
void conn_stop(struct conn *c);

/* Ends it now, in the middle of whatever it is doing. by: who is to blame, for the log. */
void conn_cut(struct conn *c, const char *by);

/* A turn in which nothing has come; the end of each turn. */
void conn_turn(struct conn *c);
void conn_settle(struct conn *c);

/* Adds to the turn's output. False: c is gone. */
bool conn_say(struct conn *c, struct span what);

/* That was the last word. */
void conn_close_when_flushed(struct conn *c);

/* shake.c: begins the TLS handshake; it is done; it failed, an alert may wait to be sent; the
 * peer or the clock cut it off; its deadline or SilenceTime has come. */
void conn_shake(struct conn *c);
void conn_shake_up(struct conn *c);
void conn_shake_failed(struct conn *c);
void conn_shake_cut(struct conn *c, enum tls_cut cut);
void conn_shake_late(struct conn *c);
/* c ends: who used which TLS. */
void conn_shake_over(const struct conn *c);

/* The settings are others now: a client's certificate that was good when it came may be revoked, or
 * its authority gone from ClientCA; then the session ends. */
void conn_shake_again(struct conn *c);

/* shake.c: looks at what came first. True: *held (what came before, may be empty), then *in
 * may be used. False: not yet, or c was turned away. */
bool conn_first(struct conn *c, struct span *in, struct span *held);

/* Everything is said. A close now would answer unread input with a reset, which takes
 * our last words from the peer: so it gets a moment to read them and to close. */
void conn_linger(struct conn *c);

/* The session has nothing in hand, as far as it can tell. */
bool conn_is_idle(const struct conn *c);

/* accept.c: takes up listening after MaxConnections; ends it for good. */
void listen_again(struct server *s);
void listen_end(struct server *s);

/* conn.c tells: c is one of ours now; c is about to be freed. */
void server_admit(struct server *s, struct conn *c);
void server_forget(struct server *s, struct conn *c);

/* counts.c: gives each port its census, of earlier or new; frees them all. */
int server_count(struct server *s, struct ports *p, struct error *err);
void server_count_end(struct server *s);

#endif
