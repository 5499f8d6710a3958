/*
 * client.h - the insides of the ipc driver; only storage/ipc includes it.
 *
 * Calls     Each call is a message kept until it is answered. Those of an account stand in
 *           the account's own queue, in order, while it is not logged in or the first of them
 *           waits for its staged bodies; then in the client's, until the window lets
 *           them go. When the socket is lost all go back to where they began.
 * Own calls What the driver asks for itself (logging in again, stages) is about one
 *           connection and forgotten with it.
 */
#ifndef STORAGE_IPC_CLIENT_H
#define STORAGE_IPC_CLIENT_H

#include <uv.h>

#include "common/base/table.h"
#include "common/ipc/ipc.h"
#include "common/ipc/request.h"
#include "storage/driver.h"
#include "storage/ipc/store_answer.h"
#include "storage/ipc/store_ask.h"
#include "storage/ipc/store_ipc.h"

enum {
	CLIENT_WINDOW = 256, /* calls sent and not answered */
	CLIENT_WINDOW_BYTES = 2 << 20,
	CLIENT_WINDOW_FILES = IPC_FDS_FLIGHT, /* descriptors in their answers: storaged can send as many, and queue as many */
	CLIENT_QUEUE_BYTES = 8 << 20, /* of the socket's own queue: more than a window */
	CLIENT_FILES = 128, /* bodies of calls that go from memory to files; more wait. STORE_MUTATIONS or more */
	CLIENT_RETRY_MS = 1000        /* between two tries to log in again */
};

struct call;
struct client;
struct client_stage;

typedef void (*call_own)(struct call *call, const struct store_answer *a, struct ipc_message *m);

union call_done {
	store_done plain;
	store_login_done login;
	store_list_done list;
	store_find_done find;
	store_page_done page;
	store_body_done body;
	store_bodies_done bodies;
	store_commit_done commit;
	store_room_done room;
	store_annotations_done annotations;
	queue_lease_done lease;
	queue_note_done note;
	queue_notes_done notes;
	call_own own;
};

enum call_state {
	CALL_HELD,    /* in its account's queue, or until its bodies are sealed */
	CALL_WAITING, /* in the client's queue */
	CALL_SENT,
	CALL_FAILING /* completes on the loop's next turn */
};

struct call {
	struct call *next;          /* in its queue */
	struct call *older, *newer; /* of all that are open, by number */
	struct client *client;
	struct client_account *account; /* or NULL */
	uint64_t number;
	enum store_wire_type type;
	enum call_state state;
	enum store_status failure; /* CALL_FAILING */
	bool own;
	bool tried;           /* sent at least once: a change may have happened */
	union call_done done; /* plain NULL: nobody waits */
	void *arg;
	struct client_stage *stages; /* to be sealed before it is sent */
	struct buf body;
	size_t files;     /* descriptors that its answer may bring */
	struct buf parts; /* of its answer, so far */
};

struct call_queue {
	struct call *first, *last;
};

enum account_state {
	ACCOUNT_NEW, /* its store_login is not answered */
	ACCOUNT_OUT, /* not logged in on this socket */
	ACCOUNT_ENTERING,
	ACCOUNT_IN,
	ACCOUNT_VOID /* storaged refuses it: so does every call */
};

struct client_account {
	struct store_account base;
	struct client_account *next, **back;
	struct client *client;
	uint64_t number;
	size_t open; /* calls of it */
	struct call_queue held;
	store_changed changed;
	void *arg;
	enum account_state state;
	bool known; /* the storaged of this socket has the login */
	bool locked;
	bool closing; /* logged out; leaves with its last call */
	uint16_t token_n;
	uint8_t token[];
};

struct client {
	struct store base;
	uv_loop_t *loop;
	struct ipc *ipc; /* NULL: without storaged */
	void (*lost)(void *arg); /* NULL: nobody wants to know */
	void *lost_arg;
	bool strange; /* the storaged of this socket has another STORE_WIRE_VERSION */
	struct requests *open;
	struct call *oldest, *newest;
	struct call_queue waiting, failing;
	struct call_queue leases; /* go when no report waits: it may be of a job that would come again */
	size_t sent, sent_bytes, sent_files;
	struct client_account *accounts;
	struct table *account_by_number;
	struct client_stage *stages;
	struct client_stage *lined, **lined_end; /* in a line for a file */
	size_t files;                            /* given to those from there */
	queue_ready ready; /* NULL: the queue is not watched */
	void *ready_arg;
	bool ready_armed;         /* a lease was asked for since it was called */
	bool has_times;           /* the queue's, for the next storaged */
	struct queue_times times; /* that deliverd told last */
	uint64_t last_name;   /* number of a login or a stage */
	uint64_t last_failed; /* numbers of calls that found no memory, from the top down */
	uv_timer_t wait;      /* without storaged for too long */
	uint64_t wait_ms;     /* STORE_IPC_WAIT_MS, but in a test */
	uv_timer_t soon;      /* what fails does so on the next turn */
	uv_timer_t retry;
	unsigned handles;     /* of those, not closed yet */
	bool away_long;       /* the wait is over: calls fail at once */
	bool closed;          /* by store_ipc_free; goes with the last account, stage and call */
	struct arena *memory; /* of the answer at hand */
};

extern const struct store_driver client_driver;

static inline struct client *client_of(struct store *s)
{
	return (struct client *)s;
}

/* --- store_ipc.c ------------------------------------------------------------ */

/* Frees c once it is closed and nothing refers to it. */
void client_release(struct client *c);

/* --- client_call.c: calls, from their making to their end -------------------- */

/* A call with its body written; if that can't be, it is failing already. NULL, and a
 * line in the log, only if there is no memory for the struct. */
struct call *client_call_new(struct client *c, struct client_account *a, const struct store_ask *ask,
			     void *arg);
/* The driver's own; sent without regard to the account's queue. -ENOMEM if it can't be. */
int client_call_own_new(struct client *c, struct client_account *a, const struct store_ask *ask,
			call_own done, void *arg);
/* Puts a call where it belongs, and sends what can be sent. Gives its number. */
uint64_t client_call_go(struct call *call);
/* Completes it with status on the loop's next turn. Must be in no queue. */
void client_call_fail(struct call *call, enum store_status status);
/* The same for one that may stand in a queue. */
void client_call_fail_held(struct call *call, enum store_status status);
/* All bodies of the call are sealed, or one more is. */
void client_call_stages_changed(struct call *call);
void client_call_answer(struct client *c, struct ipc_message *m);
void client_call_part(struct client *c, struct ipc_message *m);
/* Sends from the queue while the window allows. */
void client_calls_pump(struct client *c);
/* The socket is gone: own calls are forgotten, the others go back to their queues. */
void client_calls_recall(struct client *c);
/* The wait is over: every call that is not failing yet does. */
void client_calls_give_up(struct client *c);
void client_calls_complete_failing(struct client *c);
/* Forgets all of them. */
void client_calls_clear(struct client *c);
/* What each kind of callback is told; gives its fd away to the callback. (client_give.c) */
void client_call_give(struct call *call, const struct store_answer *a, struct ipc_message *m);

void client_queue_add(struct call_queue *q, struct call *call);
struct call *client_queue_take(struct call_queue *q);

/* --- client_change.c: calls with bodies --------------------------------------- */

uint64_t client_change_commit(struct store_account *a, const struct store_mutation *mutations, size_t count,
			      const struct store_txid *txid, store_commit_done done, void *arg);
uint64_t client_change_deliver(struct store *s, const struct store_delivery *d, const struct store_txid *txid,
			       store_done done, void *arg);
uint64_t client_change_report(struct store *s, const struct queue_report *r, const struct store_txid *txid,
			      store_done done, void *arg);

/* --- client_queue.c: the other calls of queue.h --------------------------------- */

uint64_t client_queue_lease(struct store *s, const struct queue_want *want, queue_lease_done done, void *arg);
void client_queue_watch(struct store *s, queue_ready ready, void *arg);
void client_queue_domain(struct store *s, const struct queue_domain *d);
void client_queue_times(struct store *s, const struct queue_times *t);
uint64_t client_queue_note_get(struct store *s, struct span name, queue_note_done done, void *arg);
uint64_t client_queue_note_put(struct store *s, struct span name, struct span bytes, int64_t expires_s,
			       store_done done, void *arg);
uint64_t client_queue_notes(struct store *s, struct span prefix, struct span after, queue_notes_done done,
			    void *arg);
/* There is a socket: what a storaged that was restarted has to know, before anything is leased. */
void client_queue_renew(struct client *c);
/* STORE_WIRE_READY */
void client_queue_hint(struct client *c);
/* The answer to a lease; jobs that nobody wants are given back. */
void client_queue_give(struct call *call, const struct store_answer *a, struct ipc_message *m);

/* --- client_account.c --------------------------------------------------------- */

struct client_account *client_account_new(struct client *c, const struct store_token *t);
/* Logs out and frees it. */
void client_account_leave(struct client_account *a);
/* Moves what can be sent out of its queue; logs it in again if something waits for that. */
void client_account_push(struct client_account *a);
/* The socket is gone. */
void client_account_recall(struct client_account *a);
uint64_t client_account_login(struct store *s, const struct store_token *t, store_login_done done, void *arg);
void client_account_logout(struct store_account *base);
void client_account_watch(struct store_account *base, store_changed changed, void *arg);

/* --- client_stage.c ----------------------------------------------------------- */

int client_stage_new(struct store *s, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
		     struct error *err);
int client_stage_write(struct store_stage *base, struct span in);
bool client_stage_is_ready(const struct store_stage *base);
uint64_t client_stage_size(const struct store_stage *base);
void client_stage_free(struct store_stage *base);
/* How the body goes along: inline if it is in memory and at most room bytes, else in a staged file. */
struct store_ask_body client_stage_body(struct client_stage *st, size_t room);
/* The call takes it: what client_stage_body gave as inline is freed, the rest is sealed for it. */
void client_stage_take(struct client_stage *st, struct call *call, enum store_ask_where where);
/* STORE_OK, or why the body can't be stored. */
enum store_status client_stage_status(const struct client_stage *st);
bool client_stages_sealed(const struct call *call);
/* Frees those of a call that has completed. */
void client_stages_drop(struct call *call);
void client_stages_recall(struct client *c);
/* There is a socket again, or the wait for one is over. */
void client_stages_step(struct client *c);

#endif
