/*
 * word.h - which TLS another server must show: one word a route, and what its owner has said.
 *
 * Pure. The table in deliverd(8) is made from these rules, and each cell of it is a test.
 *
 *     off      never STARTTLS
 *     may      STARTTLS where it is offered; but once it was begun, or the host is remembered as
 *              having had it, never in clear by itself
 *     try      may, and whether the certificate verifies is noted
 *     require  never without TLS; the certificate may be anyone's
 *     verify   never without TLS, and the certificate verifies for the host's name
 *     dane     never without TLSA records that match
 *
 * DANE and MTA-STS are obeyed under every word but off. REQUIRETLS is obeyed under every word:
 * under off such mail comes back. TLS-Required: No lifts what the recipient's domain asks for, and
 * that a certificate must verify; not that a word is "never without TLS", and nothing where
 * a password is sent.
 */
#ifndef DELIVERD_WORD_H
#define DELIVERD_WORD_H

#include <stdbool.h>

#include "common/base/span.h"

enum word { WORD_OFF, WORD_MAY, WORD_TRY, WORD_REQUIRE, WORD_VERIFY, WORD_DANE, WORD_COUNT };

const char *word_text(enum word w);
/* WORD_COUNT for none. */
enum word word_find(struct span text);

/* What is known about a host and a message before the connection. */
struct word_facts {
	enum word word;
	bool tlsa;		/* there are TLSA records; usable ones among them: */
	bool tlsa_usable;
	bool sts_enforce;	/* an MTA-STS policy in force */
	bool sts_testing;
	bool sts_listed;	/* the host is among the policy's mx */
	bool mx_secure;		/* DNSSEC proved the host's name, or nobody had to look it up (a route) */
	bool had_tls;		/* remembered */
	bool auth;		/* we log in there: no message may weaken the word */
	bool require_tls;	/* RFC 8689: the message must; not for a report (from <>), RFC 8689 5 */
	bool tls_optional;	/* RFC 8689: TLS-Required: No */
};

enum word_check {
	WORD_CHECK_NONE,	/* whatever it shows */
	WORD_CHECK_NOTE,	/* look, and say what is wrong */
	WORD_CHECK_NAME,	/* it must verify for the host's name */
	WORD_CHECK_DANE		/* the TLSA records must match */
};

enum word_then {
	WORD_CLEAR,		/* delivered all the same, in clear */
	WORD_TLS,		/* delivered all the same, over TLS */
	WORD_DEFER,
	WORD_BOUNCE		/* if no other host will do */
};

/* What follows: decided once, before the host is tried. */
struct word_plan {
	bool skip;		/* this host may not be used at all: `skipped` says what becomes of the mail,
				 * `skip_cause` why: a name for tls_outbound_cause_text */
	bool start_tls;		/* use it if it is offered */
	bool ask_require_tls;	/* the server must offer REQUIRETLS, else WORD_BOUNCE (RFC 8689 4.2.1) */
	enum word_check check;
	enum word_then skipped;
	enum word_then not_offered;	/* CLEAR on the same connection */
	enum word_then failed;	/* the handshake, or STARTTLS is refused (454: it was begun, and whoever can
				 * take the offer away can do this too); CLEAR on a new connection */
	enum word_then unverified;	/* by `check`; seen within the handshake, which then fails, but for NOTE */
	const char *skip_cause;
	const char *because;	/* "may", "dane", "mta-sts", "requiretls"...: for the log and the report */
};
void word_plan(const struct word_facts *f, struct word_plan *out);

#endif
