/*
 * session.h - pop3d's row for the shell: one connection, from greeting to QUIT.
 */
#ifndef POP3D_SESSION_H
#define POP3D_SESSION_H

#include "common/net/conn.h"

extern const struct conn_protocol pop3d_protocol;

#endif
