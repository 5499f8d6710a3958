/*
 * tlsrpt.h - daily reports of how TLS went to those domains that ask for them (RFC 8460).
 *
 * Shape   Each session is counted under its policy domain, by policy and by what went wrong
 *         (tlsrpt_count.h). A domain's record (_smtp._tls) is looked up with its first
 *         session of a day: where there is none nothing is kept. After the day the record is
 *         looked up again, and a report goes to each address of it: by mail through `mail`, or
 *         by HTTPS, tried TLSRPT_TRIES times.
 * Kept    Counts are notes of storaged ("tlsrpt/START/DOMAIN"), written each minute and
 *         by tlsrpt_save, and read back when this is made. A report that was sent is forgotten;
 *         a crash between the two sends it again under the same Report-ID.
 * Never   a session that carries a report (STORE_MAIL_REPORT) first is not to be counted.
 */
#ifndef DELIVERD_TLSRPT_H
#define DELIVERD_TLSRPT_H

#include "common/https/https.h"
#include "deliverd/tlsrpt_count.h"
#include "storage/queue.h"

enum { TLSRPT_TRIES = 3 };

/* Put this message into the queue: from postmaster@hostname, STORE_MAIL_REPORT and
 * STORE_MAIL_TLS_OPTIONAL (RFC 8460 3: it goes whatever TLS comes to), DKIM-signed as
 * all others (RFC 8460 3). All is lent. */
typedef void (*tlsrpt_mail)(void *arg, const char *to, struct span message);

struct tlsrpt_options {
	const char *hostname;	/* ours; must outlive it */
	int64_t day_s;		/* TlsReportTime: 86400, and days begin at 0:00 UTC; tests shorten it */
	struct store *store;
	struct dns *dns;
	struct https *https;
	tlsrpt_mail mail;
	void *arg;
};

struct tlsrpt;			/* opaque */

int tlsrpt_new(struct tlsrpt **out, uv_loop_t *loop, const struct tlsrpt_options *o, struct error *err);
/* The loop must run once more. What was not saved is lost. NULL is allowed. */
void tlsrpt_free(struct tlsrpt *t);

/* What the timer does: saves, and sends what is due. For tests, which have no time to wait. */
void tlsrpt_tick(struct tlsrpt *t);

/* How a session with a host went. Where TLS_OPTIONAL or `off` lifted the policy: not at all. */
void tlsrpt_session(struct tlsrpt *t, const struct tlsrpt_session *s);

/* Saves what has changed; done comes when all of it is there, never before the call has returned. */
void tlsrpt_save(struct tlsrpt *t, void (*done)(void *arg), void *arg);

#endif
