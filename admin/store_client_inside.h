/* store_client_inside.h - what a client is, for store_client.c and store_client_body.c. */
#ifndef ADMIN_STORE_CLIENT_INSIDE_H
#define ADMIN_STORE_CLIENT_INSIDE_H

#include <uv.h>

#include "admin/store_client.h"
#include "admin/store_serve.h"

/* A commit that nobody waits for. */
struct flight {
	struct store_client *client; /* NULL: the place is free */
	struct store_client_tally what, *done;
};

struct store_client {
	uv_loop_t loop;
	bool looping;
	bool lost; /* storaged has gone: nothing is answered any more */
	struct store *store;
	struct store_account *account;
	struct store_token token;
	struct store_serve serve; /* while no server runs */

	/* the call in hand */
	bool done;
	bool ready; /* of a stage */
	enum store_status status;
	char words[300];
	int stopped; /* what a caller's function has returned */
	void *out;   /* where the answer goes */
	void *arg;
	size_t next;
	uint32_t next_uid;
	int fd;
	uint64_t size;

	/* commits that nobody waits for */
	unsigned flying;
	struct flight flights[STORE_CLIENT_FLIGHT];
	enum store_status fell; /* why the first that failed did */
	char fell_words[300];
};

/* Its answer has come. */
void store_client_end(struct store_client *c, enum store_status status, const char *words);
/* Runs the loop once; false: storaged has gone. */
bool store_client_turn(struct store_client *c);
/* -EAGAIN, with words that say so. */
int store_client_gone(struct error *err);
/* Runs the loop until the call in hand has ended; as store_client.h says of errors. */
int store_client_wait(struct store_client *c, struct error *err);
int store_client_tell(enum store_status status, const char *words, struct error *err);

#endif
