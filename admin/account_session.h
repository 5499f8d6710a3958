/*
 * account_session.h - the members sessions and kick of `yubin account`: who is connected.
 */
#ifndef ADMIN_ACCOUNT_SESSION_H
#define ADMIN_ACCOUNT_SESSION_H

#include "admin/account_parts.h"

/* account sessions [ADDRESS] */
int account_sessions(const struct site *s, const struct account_line *l);
/* account kick ADDRESS [--session ID] */
int account_kick(const struct site *s, const struct account_line *l);

#endif
