/*
 * verbs.h - the verbs that are about the server and its configuration; accounts are account.h's.
 */
#ifndef ADMIN_VERBS_H
#define ADMIN_VERBS_H

#include "admin/verb.h"

int init_run(const struct site *s, int argc, char **argv);
int start_run(const struct site *s, int argc, char **argv);
int stop_run(const struct site *s, int argc, char **argv);
int restart_run(const struct site *s, int argc, char **argv);
int reload_run(const struct site *s, int argc, char **argv);
int status_run(const struct site *s, int argc, char **argv);
int config_run(const struct site *s, int argc, char **argv);
int log_run(const struct site *s, int argc, char **argv);
int store_run(const struct site *s, int argc, char **argv);
int queue_run(const struct site *s, int argc, char **argv);
int trace_run(const struct site *s, int argc, char **argv);
int cert_run(const struct site *s, int argc, char **argv);
int ca_run(const struct site *s, int argc, char **argv);
int tls_run(const struct site *s, int argc, char **argv);
int dkim_run(const struct site *s, int argc, char **argv);
int dns_run(const struct site *s, int argc, char **argv);

/* tls_verb.c: on stdout, what etc/ would change for the clients of the running server; says nothing
 * where none runs. etc/ has been checked. */
void tls_say_changes(const struct site *s);

#endif
