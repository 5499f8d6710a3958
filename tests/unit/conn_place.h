/*
 * conn_place.h - a server in this process and clients of it, with an echo in a protocol's place.
 */
#ifndef TESTS_CONN_PLACE_H
#define TESTS_CONN_PLACE_H

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "common/base/line.h"
#include "common/net/inside.h"

/* --- the protocol: lines are echoed, some are commands --- */

struct echo {
	struct conn *c;
	struct line_reader *lines;
	struct buf out;
	size_t big;          /* bytes of BIG still to be said */
	size_t given;        /* all that next gave */
	bool waiting;        /* WAIT: until the test says so */
	enum conn_want then; /* behind the output */
	uint64_t deadline_ms;
	unsigned fed;
};

extern struct echo *newest; /* the session that was opened last */
extern unsigned open_sessions;
extern uint64_t deadline_after_ms; /* of sessions to come; 0: none */

/* --- the place: a loop, settings, listening sockets --- */

struct place {
	uv_loop_t loop;
	struct settings *settings;
	struct server *server;
	struct sockaddr_in6 at[3]; /* plain, explicit, implicit */
	uint64_t last_id;
	bool left;
};

enum { LOG_TEXT = 65536 };
extern char log_text[LOG_TEXT]; /* since place_open */

/* A certificate of its own, a client's context. */
int place_setup(void **state);
int place_teardown(void **state);

/* One more file for settings made from now on (lent). */
void place_file(const char *name, struct span text);
void place_no_files(void);

/* site: yubin.conf; limits: the beginning of imapd.conf. */
struct settings *make_settings(const char *site, const char *limits);
void place_open(struct place *p, const char *site, const char *limits);
/* Nothing may be left: no session, no handle. */
void place_close(struct place *p);

void turn(struct place *p, unsigned times);
/* Turns the loop for so long in real time. */
void turn_for(struct place *p, uint64_t ms);
/* Turns it until no session is left, five seconds at most, and gives the time it took. */
uint64_t turn_until_over(struct place *p);

/* --- a client --- */

struct client {
	struct place *p;
	int fd;
	SSL *ssl;
	bool eof;
	char got[65536];
	size_t n;
};

extern SSL_CTX *client_context;

void client_open(struct client *c, struct place *p, size_t port);
void client_tls(struct client *c);
/* The same with an SSL that the test has made in c->ssl. */
void client_shake(struct client *c);
void client_close(struct client *c);
void say_bytes(struct client *c, const char *text, size_t n);
void client_say(struct client *c, const char *text);
/* What recv gives: bytes, 0 at the end, -1. */
ssize_t client_read(struct client *c, char *to, size_t room);
/* Turns the loop until `text` is all that came since the last time. */
void client_hears(struct client *c, const char *text);
void client_hears_end(struct client *c);

#endif
