/*
 * loop_server.h - a server on loopback in the test's own loop, in clear or with OpenSSL's TLS.
 *
 * What it does is the test's: callbacks for a new client and for bytes that came.
 */
#ifndef TESTS_LOOP_SERVER_H
#define TESTS_LOOP_SERVER_H

#include <openssl/ssl.h>
#include <uv.h>

#include "common/base/buf.h"

struct loop_client {
	uv_poll_t poll;
	struct loop_server *server;
	struct loop_client *next;
	int fd;
	SSL *ssl;	 /* NULL: in clear */
	struct buf got;	 /* what came, in clear; the test may drop from it */
	bool paused;	 /* reads nothing */
	bool ended;	 /* the peer has closed */
};

struct loop_server {
	uv_poll_t poll;
	uv_loop_t *loop;
	int fd;
	unsigned port;
	SSL_CTX *ctx; /* lent; for loop_start_tls */
	void *arg;
	void (*came)(struct loop_client *c);  /* NULL: nothing */
	void (*heard)(struct loop_client *c); /* more is in c->got, or c->ended */
	struct loop_client *clients;
	unsigned count; /* of clients so far */
};

/* Listens at address (IPv4 or IPv6), at `port` or any (0). */
void loop_server_open(struct loop_server *s, uv_loop_t *loop, const char *address, unsigned port);
/* Closes all; the loop must run once more. The clients are freed then. */
void loop_server_close(struct loop_server *s);

void loop_say(struct loop_client *c, const char *text);
void loop_say_bytes(struct loop_client *c, struct span bytes);
/* What comes from now on is TLS. */
void loop_start_tls(struct loop_client *c);
void loop_pause(struct loop_client *c);
void loop_resume(struct loop_client *c);
/* FIN; RST. */
void loop_hang_up(struct loop_client *c);
void loop_reset(struct loop_client *c);

/* A port at that address where nobody listens; and one where connections are neither taken nor refused:
 * *fds keeps it so, loop_still_close ends it. */
unsigned loop_closed_port(const char *address);
struct loop_still {
	int listener, filler[3];
};
unsigned loop_still_open(struct loop_still *s, const char *address);
void loop_still_close(struct loop_still *s);

#endif
