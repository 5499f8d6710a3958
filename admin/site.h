/*
 * site.h - the site that a yubin command works on: its folders, who owns them, and the
 * server that may be running in it.
 */
#ifndef ADMIN_SITE_H
#define ADMIN_SITE_H

#include <stdbool.h>

#include "auth/accounts.h"
#include "common/base/error.h"
#include "common/config/paths.h"

struct site {
	struct paths paths;
	bool root;		/* we may give files to other users */
};

/* dir: the argument of -C, or NULL. Touches nothing. */
int site_open(struct site *s, const char *dir, struct error *err);

/* etc/yubin.conf is there. -ENOENT with words that name `yubin init`. */
int site_must_exist(const struct site *s, struct error *err);

/* The folder accounts/, the caller's descriptor, and who its files must belong to
 * (that is who the folder belongs to). */
int site_accounts(const struct site *s, int *fd, struct accounts_owner *owner, struct error *err);

/* Tells a running server that accounts/ was changed; returns when the change is in
 * force: caches dropped, sessions of changed accounts ended. 0 also if no server runs. */
int site_poke_accounts(const struct site *s, struct error *err);

/* Sends an order (order.h) to the running server and waits for its end. Words for the
 * person go to stderr as they come; *out, if not NULL, is the last text, malloc'd and
 * the caller's. Returns the order's exit code (0 or more; over 0: the last text is in
 * *err), -ESRCH if no server runs, or another negative errno with words. */
int site_order(const struct site *s, const char *words, char **out, struct error *err);

/* The same for an order whose answer brings a descriptor along: the caller's, in *given; -1: none came. */
int site_order_fd(const struct site *s, const char *words, char **out, int *given, struct error *err);

/* The answers that come over fd, each within wait_ms; as site_order. */
int site_answer(int fd, int wait_ms, char **out, struct error *err);

/* A server runs: somebody holds the lock of run/yubind.pid. *pid may be NULL. */
bool site_running(const struct site *s, int *pid);

#endif
