/*
 * verb.h - what a load is: connections that each do the same, at the same time.
 *
 * Each worker is a thread with one connection. `prepare` runs before the clock starts, `run` after all are prepared.
 */
#ifndef LOAD_VERB_H
#define LOAD_VERB_H

#include "tests/bench/load/conn.h"

enum { WORKER_WHY = 300 };

struct worker {
	unsigned number, dice;
	long rounds;		/* key m: how often each connection does it */
	struct conn c;
	double *took_s;		/* of each round */
	long done, ok, failed, resumed;
	char why[WORKER_WHY];	/* the last failure */
	char *message;		/* SMTP, APPEND */
	size_t message_n;
};

struct verb {
	const char *name;
	int (*prepare)(struct worker *w);	/* may be NULL */
	void (*run)(struct worker *w);
};

extern const struct verb verb_smtp, verb_login, verb_tls, verb_imap, verb_append, verb_fill, verb_idle, verb_pop3;

/* These are not loads of many connections: they print their own result. */
int visible_main(void);
int maildir_main(void);

double verb_now_s(void);
/* A round is over that began at began_s. */
void worker_note(struct worker *w, double began_s, int r);
void worker_why(struct worker *w, const char *why);
/* Whose mailbox: key user, or one of `users` with the prefix uprefix; the worker's own, or any. */
const char *worker_user(struct worker *w, char *out, size_t n);
const char *worker_any_user(struct worker *w, char *out, size_t n);
/* Puts the running number for %d and a random one up to key max for %r. */
void worker_expand(struct worker *w, const char *pattern, long number, char *out, size_t n);

/* Protocols' own steps, used by several verbs. */
int imap_login(struct worker *w, const char *user);
int imap_wait(struct worker *w, const char *tag);	/* until its OK */
int imap_wait_more(struct worker *w);			/* until "+" */
int pop3_login(struct worker *w, const char *user);
int smtp_open(struct worker *w, const char *user);
int smtp_send(struct worker *w, const char *recipient);
void smtp_message(struct worker *w);

#endif
