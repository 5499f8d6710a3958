/*
 * tls_change.h - what etc/ would change for the clients of the running server, port by port.
 *
 * Facts, no errors: who was there in the last 24 hours and would not get in any more.
 */
#ifndef ADMIN_TLS_CHANGE_H
#define ADMIN_TLS_CHANGE_H

#include "admin/tls_port.h"
#include "admin/tls_running.h"

/* Appends "FILE:LINE: Listen NAME: words", a line each; nothing where nothing changes. ports: all of
 * the site. */
void tls_change_write(const struct tls_ports *ports, const struct tls_running *running, struct buf *out);

#endif
