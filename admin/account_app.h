/*
 * account_app.h - the members app of `yubin account`: passwords for one program each.
 */
#ifndef ADMIN_ACCOUNT_APP_H
#define ADMIN_ACCOUNT_APP_H

#include "admin/account_parts.h"

/* account app add ADDRESS NAME [--scope imap,pop3,smtp] [--expires DATE]: prints it, once */
int account_app_add(const struct site *s, const struct account_line *l);
/* account app list [ADDRESS] */
int account_app_list(const struct site *s, const struct account_line *l);
/* account app revoke ADDRESS NAME */
int account_app_revoke(const struct site *s, const struct account_line *l);
/* account app only ADDRESS yes|no */
int account_app_only(const struct site *s, const struct account_line *l);

#endif
