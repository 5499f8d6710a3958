/*
 * account.h - yubin account, domain and alias: what is changed in accounts/, whether the
 * server runs or not. A server that runs is told, and the verb returns when the change holds.
 */
#ifndef ADMIN_ACCOUNT_H
#define ADMIN_ACCOUNT_H

#include "admin/verb.h"

#define ACCOUNT_USAGE                                             \
	"account add ADDRESS [--password-stdin | --generate]\n"   \
	"account passwd ADDRESS [--password-stdin | --generate]\n" \
	"account list [--json]\n"                                 \
	"account show ADDRESS [--json]\n"                         \
	"account disable|enable|remove ADDRESS\n"
#define DOMAIN_USAGE             \
	"domain add DOMAIN\n"    \
	"domain list [--json]\n" \
	"domain remove DOMAIN\n"
#define ALIAS_USAGE                       \
	"alias add ADDRESS TARGET...\n"   \
	"alias add @DOMAIN TARGET...\n"   \
	"alias list [--json]\n"           \
	"alias remove ADDRESS\n"

int account_run(const struct site *s, int argc, char **argv);
int domain_run(const struct site *s, int argc, char **argv);
int alias_run(const struct site *s, int argc, char **argv);

#endif
