/*
 * tls.h - the least of a TLS 1.3 client (RFC 8446): X25519, AES-128-GCM, tickets.
 *
 * A load generator shares the machine with the server that it measures. OpenSSL 3.0's client takes 2 ms of CPU for a
 * handshake, most of it to decode the certificate's key; this one takes a tenth. It proves that the server
 * has the keys of this handshake (Finished), and looks at no certificate: it is for a loopback.
 * Blocking. Calls return 0 or a count when they went well, -1 when the connection is of no more use.
 */
#ifndef LOAD_TLS_H
#define LOAD_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TLS_TICKET_MAX = 4096 };

/* What a server gave for the next connection; n 0: nothing. */
struct tls_ticket {
	uint8_t bytes[TLS_TICKET_MAX], psk[32];
	size_t n;
	uint32_t age_add;
	double came_s;
};

struct tls;

/* Once, before any connection. */
void tls_begin(void);

/* Shakes hands over fd, which stays the caller's. ticket: used if there is something in it, then filled with what
 * the server gives; it must hold as long as the connection. NULL: none. */
struct tls *tls_open(int fd, const char *server_name, struct tls_ticket *ticket);
bool tls_resumed(const struct tls *t);

/* Bytes read, 0 at the server's close_notify. */
long tls_read(struct tls *t, char *out, size_t size);
int tls_write(struct tls *t, const char *bytes, size_t n);

/* Sends close_notify. NULL is allowed. */
void tls_close(struct tls *t);

#endif
