/*
 * tickets.h - the keys of session tickets, shared by all workers of a site.
 *
 * yubind makes them, rotates them (a key encrypts for half of the lifetime and
 * decrypts for all of it) and sends the set whole; nothing is kept on disk.
 * Each Listen and client CA derives its own from these, so that a ticket of one
 * port opens nothing at another.
 */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include "common/base/buf.h"

enum { TLS_TICKET_KEYS = 3, TLS_TICKET_SECRET = 48 };	/* newest first; bytes of each */

struct tls_tickets {
	size_t count;
	int64_t made_s[TLS_TICKET_KEYS];	/* since 1970 */
	uint8_t secret[TLS_TICKET_KEYS][TLS_TICKET_SECRET];
};

/* Puts a fresh key in front and drops what does not fit. */
void tls_tickets_rotate(struct tls_tickets *t, int64_t now_s);
void tls_tickets_write(const struct tls_tickets *t, struct buf *out);
bool tls_tickets_read(struct tls_tickets *t, struct span in);

#endif
