/*
 * account.h - yubin account, domain and alias: what is changed in accounts/, whether the
 * server runs or not. A server that runs is told, and the verb returns when the change holds.
 */
#ifndef ADMIN_ACCOUNT_H
#define ADMIN_ACCOUNT_H

#include "admin/verb.h"

int account_run(const struct site *s, int argc, char **argv);
int domain_run(const struct site *s, int argc, char **argv);
int alias_run(const struct site *s, int argc, char **argv);

#endif
