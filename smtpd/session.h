/*
 * session.h - smtpd's row for the shell: one connection, from greeting to QUIT.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "common/net/conn.h"

extern const struct conn_protocol smtpd_protocol;

#endif
