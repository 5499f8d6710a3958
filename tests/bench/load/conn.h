/*
 * conn.h - a client's connection: blocking, plain or TLS, read by lines or by counted bytes.
 *
 * Every call returns 0 (or a line) when it went well, -1 (or NULL) when the connection is of no more use.
 */
#ifndef LOAD_CONN_H
#define LOAD_CONN_H

#include "tests/bench/load/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conn_tls {
	CONN_PLAIN,
	CONN_STARTTLS,		/* the caller asks, then calls conn_secure */
	CONN_TLS
};

struct conn {
	int fd;			/* -1: not open */
	struct tls *tls;	/* NULL: in clear */
	struct tls_ticket *ticket;	/* the last that the server gave, if it is to be kept */
	bool keep_session, resumed;
	uint64_t received;	/* bytes, by all connections that this was */
	size_t at, n;		/* of room: what came and is not used */
	size_t size;
	char *room;
};

enum conn_tls conn_tls_of(const char *word);

/* room_size: the longest line, and how much is read at a time. */
int conn_init(struct conn *c, size_t room_size);
void conn_clear(struct conn *c);

int conn_open(struct conn *c, int port, enum conn_tls tls);
int conn_secure(struct conn *c);
void conn_close(struct conn *c);

int conn_write(struct conn *c, const char *bytes, size_t n);
int conn_say(struct conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line without its end; lent until the next call. */
char *conn_line(struct conn *c);
/* Throws n bytes away, or all up to a line with a dot alone. The line before must have been read by conn_line. */
int conn_skip(struct conn *c, uint64_t n);
int conn_skip_dotted(struct conn *c);

#endif
