/*
 * login.h - one login that is under way; for login.c and scram.c alone.
 */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include "auth/authd/guesses.h"
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
	struct login_from {
		struct throttle_address address;
		char text[THROTTLE_TEXT];
		bool counts;	/* there is an address, and it is not exempt */
		bool known;	/* the account was logged in from there */
		enum hash_rank rank;
		struct throttle_address bucket;	/* that a guess was taken from */
		bool taken;			/* so */
		struct guess_pair pair;
		uint64_t password;	/* stands for it; 0: not known */
		enum guess guess;
	} from;
	bool authzid_fits;
	char account[ACCOUNTS_ADDRESS_MAX]; /* "": none that could log in so */
	const char *nobody;                 /* why not, for the log */
	char stored[HASHER_STRING];         /* the Argon2id string that the password is held against */
	struct cache_key key;
	struct span password;	/* to make keys of; its own, wiped; empty: none are missing */
	struct talk *talk;	/* SCRAM; NULL: a password, or a certificate */
	char service[AUTH_WIRE_TEXT];
	char shown_user[200], shown_peer[100], shown_service[40], shown_mechanism[40]; /* for the log */
};

/* In its peer's list; NULL: no memory. */
struct login *login_new(struct peer *p, uint64_t number, const struct auth_wire_login *asked);
/* Who it would be, for the limits: name is as it was sent, where l->account is "". */
void login_names(struct login *l, struct span name);
/* One guess of the address's; false: there is none, and it was answered. One that was right is given back, and so
 * is one that was not looked at. */
bool login_take_guess(struct login *l);
void login_was_right(struct login *l);
void login_was_not_looked_at(struct login *l);
/* The account, if its password is still what it was when the login began; or NULL. */
const struct account *login_still_there(const struct login *l);
/* What is kept of it to make keys of. */
void login_forget_password(struct login *l);

/* By a password of one program's: its scope and date are looked at. */
void login_admit_app(struct login *l, const struct account *account, const struct account_app *app);

/* These answer, at once or late; l is gone then, or will be. */
void login_admit(struct login *l, const struct account *account, const char *how);
void login_fail(struct login *l, enum auth_status status, const char *reason);

#endif
