/*
 * account_show.h - account list and account show.
 */
#ifndef ADMIN_ACCOUNT_SHOW_H
#define ADMIN_ACCOUNT_SHOW_H

#include "admin/account_parts.h"

int account_list(const struct site *s, const struct account_line *l);
int account_show(const struct site *s, const struct account_line *l);

#endif
