/*
 * peer.h - the insides of dispatch: clients, their logins, stages and requests.
 */
#ifndef STORAGED_PEER_H
#define STORAGED_PEER_H

#include "common/base/table.h"
#include "common/ipc/ipc.h"
#include "storage/ipc/store_answer.h"
#include "storage/ipc/store_ask.h"
#include "storage/storaged/dispatch.h"

enum { PEER_NAME = 32 };

struct dispatch {
	uv_loop_t *loop;
	struct dispatch_backend backend;
	struct peer *peers;
	uv_check_t tend;  /* runs while a client is paused */
	uv_timer_t later; /* drops clients that could not be dropped at once */
	unsigned handles;
	bool closed;
	struct arena *memory;    /* of the request at hand */
	struct buf out;          /* the answer at hand */
	uint64_t taken, refused; /* requests since the start */
	bool watching;           /* the store's queue, for whoever of the clients does */
};

struct peer {
	struct peer *next, **back;
	struct dispatch *d;
	struct ipc *ipc; /* NULL: gone; stays until its requests are done */
	char name[PEER_NAME];
	unsigned rights;
	struct table *logins, *stages; /* by the client's number */
	struct table *leases;          /* of struct leased */
	bool watching;                 /* the queue */
	bool armed;                    /* has asked for a lease since the last hint */
	struct serving *first;         /* requests in hand */
	size_t open;                   /* of those, how many */
	size_t cost;                   /* bytes that their answers may have */
	bool paused;
	bool doomed; /* to be dropped on the next turn */
};

struct login {
	struct peer *peer;
	uint64_t number;
	struct store_account *account; /* NULL until the store has opened it */
	size_t open;                   /* requests of it in hand */
	size_t changing;               /* commits among them */
	struct serving *looks, **looks_end; /* that wait for those */
	bool closing;                  /* leaves with the last of them */
	char name[];                   /* of the account */
};

struct staged {
	uint64_t number;
	struct store_stage *stage;
	bool sealing, sealed;
	bool dropped; /* while it was being sealed */
};

/* A job that a client has, by "ID JOB": leases have other numbers after a restart of storaged, and a
 * report counts whichever it names. */
struct leased {
	uint64_t lease;
	size_t n;
	uint8_t key[STORE_ID_MAX + 12];
};

/* A request in hand. */
struct serving {
	struct serving *next, **back;
	struct peer *peer;
	struct login *login;   /* or NULL */
	struct staged *staged; /* SEAL */
	struct leased *leased; /* REPORT: the job's, if the client has it */
	enum store_wire_type type;
	uint64_t number;
	uint64_t op;   /* of the store's call */
	uint64_t from; /* LIST */
	struct store_look look; /* SYNC */
	struct serving *next_look;
};

/* --- dispatch.c ------------------------------------------------------------- */

/* Closes the connection at once, with a line in the log. Not from a store's callback. */
void peer_drop(struct peer *p, const char *words);
/* The same on the loop's next turn. */
void peer_doom(struct peer *p);
/* Sends the answer; fds are given away. False: the client got another one, or none. */
bool peer_answer(struct peer *p, enum store_wire_type type, uint64_t number, const struct store_answer *a,
		 int *fds, size_t fd_count);
/* Forgets the request; its login and its client may go with it. */
void serving_free(struct serving *r);
/* Answers, and forgets the request. */
void serving_end(struct serving *r, const struct store_answer *a, int *fds, size_t fd_count);
void serving_status(struct serving *r, enum store_status status, const char *words);
/* Logs out what is closing and has no request left. */
void login_release(struct login *l);

/* --- serve.c ------------------------------------------------------------------ */

/* The login's commits in hand have ended: looks behind them go on. */
void serve_looks(struct login *l);

struct serve_row {
	const char *name;
	unsigned rights; /* of enum control_right; one of them is needed */
	bool login;      /* of a login that the store has opened */
	size_t cost;     /* bytes that the answer may have, about */
	/* False: the client has broken the rules (words in *err), r is still there. */
	bool (*run)(struct serving *r, const struct store_ask *ask, struct error *err);
};

/* NULL for a type that there is not. */
const struct serve_row *serve_row(uint16_t type);

/* --- serve_change.c: stages, commits, deliveries ------------------------------- */

bool serve_stage(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_seal(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_drop(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_commit(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_deliver(struct serving *r, const struct store_ask *ask, struct error *err);
/* Frees the stages that nothing holds. */
void staged_clear(struct peer *p);
/* The stage that a body names or makes, the caller's; NULL in *out where there is none. */
enum store_status staged_body(struct peer *p, const struct store_ask_body *body, struct store_stage **out);

/* --- serve_queue.c: storage/queue.h -------------------------------------------- */

bool serve_lease(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_release(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_queue_watch(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_report(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_queue_domain(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_queue_times(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_note_get(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_note_put(struct serving *r, const struct store_ask *ask, struct error *err);
bool serve_notes(struct serving *r, const struct store_ask *ask, struct error *err);
/* Gives back all that the client has and no report in hand is about. */
void leases_clear(struct peer *p);
/* The request is not answered any more: its job is given back. */
void leased_forget(struct serving *r);
/* Nobody is left to be told. */
void queue_unwatch(struct dispatch *d);

#endif
