/*
 * account_cert.h - account cert add, list, remove: the client certificates that log an
 * account in (AUTH EXTERNAL).
 */
#ifndef ADMIN_ACCOUNT_CERT_H
#define ADMIN_ACCOUNT_CERT_H

#include "admin/account_parts.h"

int account_cert_add(const struct site *s, const struct account_line *l);
int account_cert_list(const struct site *s, const struct account_line *l);
int account_cert_remove(const struct site *s, const struct account_line *l);

#endif
