/*
 * auth.h - what daemons ask authd: may this one log in, who is this recipient, whose
 * address is that.
 *
 * Shape   As store_ipc.h: made before there is a socket, given a fresh one when authd was
 *         restarted; open questions are asked again. Each call completes exactly once, never
 *         before it returned; its number, which is never 0, may be cancelled. Only where no
 *         memory is left a call gives 0, and then nothing completes: treat it as AUTH_TRY_LATER.
 * Rights  yubind says by socket who may ask what: smtpd resolves; all may log in by password.
 * Limits  AUTH_OPEN questions open; a further one completes with AUTH_TRY_LATER.
 * EXTERNAL Goes by the certificate that the daemon has verified, so authd must believe its word: a
 *         broken daemon could say that it saw anyone's. So the socket of a daemon has that right
 *         only while VerifyClient lets its clients show one.
 * Secrets The password is kept until the answer (for a second asking), then wiped.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/span.h"
#include "storage/token.h"

struct auth;			/* opaque */

#define AUTH_EXTERNAL "EXTERNAL"	/* the one mechanism without a password */

enum {
	AUTH_WAIT_MS = 15000,
	AUTH_TARGETS = 1000,	/* accounts and remotes behind one address */
	AUTH_ADDRESS_MAX = 320,
	AUTH_SENDER_MAX = 1000,
	AUTH_WORDS_MAX = 160,	/* of a rate that is used up */
	AUTH_OPEN = 4096
};

enum auth_status {
	AUTH_OK,
	AUTH_WRONG,		/* user or password: the two are told apart nowhere */
	AUTH_DISABLED,		/* told only to who knew the password */
	AUTH_NOT_LOCAL,		/* resolve: the domain is not ours */
	AUTH_NO_USER,		/* resolve: the domain is ours, the user is not there */
	AUTH_TRY_LATER,		/* too many logins waiting, authd away */
	AUTH_REFUSED,		/* this socket may not ask that */
	AUTH_OVER_RATE,		/* rate: too much mail by this account */
	AUTH_SCOPE,		/* login: an app password that is not for this service */
	AUTH_EXPIRED,		/* login: an app password past its date */
	AUTH_AUTHZID		/* login: the password or certificate is good, but not for that authzid */
};

struct auth_attempt {		/* copied before the call returns */
	const char *service;	/* "smtp", "pop3", "imap" */
	const char *peer;	/* the client's address, "192.0.2.7" or with its port */
	struct span authzid, user, password;
	const char *mechanism;	/* "PLAIN", "EXTERNAL", "USER" ... */
	const char *fingerprint;	/* of a verified client certificate that may name an account, or "" */
	const char *names;	/* whom that certificate names: "email:a@b.c", "upn:...", "cn:...", one a
				 * line; or "". EXTERNAL goes by these two alone */
};

struct auth_grant {
	char account[STORE_ACCOUNT_MAX];	/* "user@domain" */
	struct store_token token;
};

int auth_new(struct auth **out, uv_loop_t *loop, struct error *err);
/* Keeps fd; what is open is asked there (again). */
void auth_attach(struct auth *a, int fd);
/* lost is called when the socket has ended: because authd has, or because a message on it was malformed. */
void auth_watch(struct auth *a, void (*lost)(void *arg), void *arg);
/* How long a question waits, AUTH_WAIT_MS at first. To be changed while none is open. */
void auth_wait(struct auth *a, uint64_t wait_ms);
/* Nothing is called after it; its memory goes when the loop next runs. NULL is allowed,
 * and so is a call from inside a completion. */
void auth_free(struct auth *a);

typedef void (*auth_login_done)(void *arg, enum auth_status status, const struct auth_grant *grant);
uint64_t auth_login(struct auth *a, const struct auth_attempt *attempt, auth_login_done done, void *arg);

/* SCRAM (RFC 5802): a login in two questions. attempt has no password; bare: client-first-message-bare, nonce: the
 * client's in it. On AUTH_OK the challenge is lent until the callback returns, and the number, which names the conversation, is
 * for auth_proof or auth_scram_end, whatever the account: one that is not there, or has no keys, is told by nothing. */
typedef void (*auth_scram_done)(void *arg, enum auth_status status, struct span challenge);
uint64_t auth_scram(struct auth *a, const struct auth_attempt *attempt, struct span bare, struct span nonce,
		    auth_scram_done done, void *arg);
/* final: client-final-message-without-proof. words: server-final-message, for the client to hear before it is
 * told the status; may be empty. An authd that was restarted since knows of no conversation: AUTH_TRY_LATER. */
typedef void (*auth_proof_done)(void *arg, enum auth_status status, struct span words, const struct auth_grant *grant);
uint64_t auth_proof(struct auth *a, uint64_t scram, struct span final, struct span proof, auth_proof_done done,
		    void *arg);
/* Nobody will prove anything. 0 is allowed. */
void auth_scram_end(struct auth *a, uint64_t scram);
/* For which hashes there are keys to offer SCRAM with: bits 1 << enum scram_hash; none before authd was heard. */
unsigned auth_scram_hashes(const struct auth *a);

/* Who gets mail for address ("user+detail@domain", quoted or not, or "postmaster" alone):
 * accounts, aliases and forwards followed, catch-all, postmaster; each account and each remote
 * once. An SRS address of ours leads to whom it was made from, if its hash and date are good. On AUTH_OK there is
 * at least one of either; both are lent until the callback returns. sender: the envelope's, ""
 * for <>: what the remotes' senders are made from. */
struct auth_target {
	char account[STORE_ACCOUNT_MAX];
	uint64_t quota;		/* as storage/token.h has it, never UNTOLD */
};
/* Where mail for one of ours goes on: */
struct auth_remote {
	char address[STORE_ACCOUNT_MAX];	/* on another server */
	char sender[AUTH_SENDER_MAX];	/* MAIL FROM for it: rewritten by SRS, or as it was; "" is <> */
	char original[STORE_ACCOUNT_MAX];	/* the alias or account of ours that led there */
};
struct auth_resolved {
	const struct auth_target *targets;
	size_t count;
	const struct auth_remote *remotes;
	size_t remote_count;
};
typedef void (*auth_resolve_done)(void *arg, enum auth_status status, const struct auth_resolved *r);
uint64_t auth_resolve(struct auth *a, struct span address, struct span sender, auth_resolve_done done, void *arg);

/* May the account send as address? Its own, its details, and aliases (a catch-all too) that
 * lead to it: AUTH_OK. Any other answer is a no: AUTH_NOT_LOCAL, AUTH_NO_USER; but
 * AUTH_TRY_LATER is none. */
typedef void (*auth_owns_done)(void *arg, enum auth_status status);
uint64_t auth_owns(struct auth *a, const char *account, struct span address, auth_owns_done done, void *arg);

/* May the account send one more message, to so many recipients? Counts them if so: AUTH_OK.
 * Over its rate by hour or day: AUTH_OVER_RATE, and words say which and until when ("" for any other
 * status). */
typedef void (*auth_rate_done)(void *arg, enum auth_status status, const char *words);
uint64_t auth_rate(struct auth *a, const char *account, unsigned recipients, auth_rate_done done, void *arg);

/* Forgets the question; its callback is not called. A number that is not open is allowed. */
void auth_cancel(struct auth *a, uint64_t number);

#endif
