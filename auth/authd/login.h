/*
 * login.h - one login that is under way; for login.c and scram.c alone.
 */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include "auth/authd/scram.h"
#include "auth/authd/state.h"

struct login {
	struct login *next, *before; /* of its peer */
	struct peer *peer;
	uint64_t number;
	uint64_t began_ms;
	struct hash_job *job; /* NULL: none is under way */
	uv_timer_t timer;     /* while the answer is held back */
	bool held;
	enum auth_status status; /* that is held back */
	bool counts;             /* by address: a guess was taken */
	bool authzid_fits;
	struct throttle_address address;
	char account[ACCOUNTS_ADDRESS_MAX]; /* "": none that could log in so */
	char stored[HASHER_STRING];         /* the Argon2id string that the password is held against */
	struct cache_key key;
	struct span password;	/* to make keys of; its own, wiped; empty: none are missing */
	struct talk *talk;	/* SCRAM; NULL: a password, or a certificate */
	char service[AUTH_WIRE_TEXT];
	char shown_user[200], shown_peer[100], shown_service[40], shown_mechanism[40]; /* for the log */
};

/* In its peer's list; NULL: no memory. */
struct login *login_new(struct peer *p, uint64_t number, const struct auth_wire_login *asked);
/* One guess of the address's; false: none is left. One that was none is given back. */
bool login_take_guess(struct login *l, const char *peer);
void login_give_back(struct login *l);
/* The account, if its password is still what it was when the login began; or NULL. */
const struct account *login_still_there(const struct login *l);
/* What is kept of it to make keys of. */
void login_forget_password(struct login *l);

/* These answer, at once or late; l is gone then, or will be. */
void login_admit(struct login *l, const struct account *account, const char *how);
void login_fail(struct login *l, enum auth_status status, const char *reason);
void login_throttled(struct login *l);

#endif
