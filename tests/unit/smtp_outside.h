/*
 * smtp_outside.h - an SMTP engine whose outside is played: users "user" and "full" at here.test,
 * user's password "secret"; "fwd@here.test" is user's too, and everything at there.test is elsewhere; "guessed@here.test" is
 * one guess too many.
 */
#ifndef TESTS_SMTP_OUTSIDE_H
#define TESTS_SMTP_OUTSIDE_H

#include "common/base/buf.h"
#include "smtpd/engine.h"

struct outside {
	struct smtp_server *engine;
	struct buf body, notes;
	unsigned committed, abandoned, cancelled;
	enum smtp_action_kind stuck;	/* is not answered */
	size_t largest;		/* of the body's pieces */
	bool closed, tls;
	enum smtp_result commit, rate, from;
	unsigned refused;	/* of the accepted recipients, bit by bit: they have no room after all */
	/* what the committed message was */
	char remotes[2000];	/* "address notify orcpt;" */
	char authors[1000];	/* asked for, a space behind each */
	char envid[128], message_id[400], delivered[400];
	unsigned flags;
};

/* What EHLO says behind AUTH, in clear and behind TLS. */
#define EHLO_END "S: 250-LIMITS RCPTMAX=*\nS: 250-8BITMIME\nS: 250-CHUNKING\nS: 250-BINARYMIME\nS: 250-DSN\nS: 250-SMTPUTF8\nS: 250 ENHANCEDSTATUSCODES\n"
#define EHLO_END_TLS "S: 250-LIMITS RCPTMAX=*\nS: 250-8BITMIME\nS: 250-CHUNKING\nS: 250-BINARYMIME\nS: 250-DSN\nS: 250-SMTPUTF8\nS: 250-REQUIRETLS\nS: 250 ENHANCEDSTATUSCODES\n"

void outside_start(struct outside *o, const struct smtp_config *config);
void outside_stop(struct outside *o);

/* As script_engine's. */
void outside_pump(void *outside, struct buf *said);
void outside_feed(void *outside, struct span *in);

#endif
