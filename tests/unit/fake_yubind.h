/*
 * fake_yubind.h - a whole yubind in a process of its own, in the site of fake_site.h; its
 * daemons are those of fake_daemon.h.
 *
 * A test that uses it is run as the daemons too: see fake_yubind_main.
 */
#ifndef TESTS_FAKE_YUBIND_H
#define TESTS_FAKE_YUBIND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "admin/site.h"

struct server {
	pid_t pid;
	int report;
	struct site site;
};

/* Starts it; the exit code of the start, its words in err. */
int server_start(struct server *v, struct error *err);
void server_must_start(struct server *v);
/* Waits for its end; the exit code. */
int server_wait(struct server *v);
void server_stop(struct server *v);

/* Gives an order, whose exit code must be want, and its text (the caller's). */
char *order(struct server *v, const char *words, int want);
void order_plain(struct server *v, const char *words, int want);
/* Gives the order from another process, whose exit code is the order's. */
pid_t order_beside(struct server *v, const char *words);

/* What `status --json` has under key for the daemon "imapd[2]", as text, in out; "" without. */
void status_value(struct server *v, const char *label, const char *key, char *out, size_t size);
/* The same as a number; -1: none. */
int status_number(struct server *v, const char *label, const char *key);
bool is_ready(struct server *v, const char *label);

/* How often words stand in the log; fails where they do not at all. */
unsigned count_logged(const char *words);
void assert_logged(const char *words);
/* Waits until they do; 10 s at most. */
void wait_logged(const char *words);

/* For a test's main: true if the process is to be a daemon; its exit code then in *code. */
bool fake_yubind_main(int argc, char **argv, int *code);

#endif
