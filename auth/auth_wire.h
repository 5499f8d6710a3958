/*
 * auth_wire.h - the messages between a daemon and authd, written and read.
 *
 * Shape   A question has a number; its answer has the same. A reader returns false for a
 *         body that is cut, too long, or has bytes left: that ends the connection.
 * Memory  What a reader gives lends from the body, but what it copies into arrays.
 */
#ifndef AUTH_AUTH_WIRE_H
#define AUTH_AUTH_WIRE_H

#include "auth/auth.h"
#include "common/base/buf.h"

enum auth_wire_type {
	AUTH_WIRE_LOGIN = 1,		/* texts service, peer, mechanism, fingerprint; spans names, authzid,
					 * user, password */
	AUTH_WIRE_RESOLVE,		/* spans address, sender */
	AUTH_WIRE_OWNS,			/* text account, span address */
	AUTH_WIRE_CANCEL,		/* nothing: the question of that number needs no answer */
	AUTH_WIRE_RATE,			/* text account, u32 recipients */
	AUTH_WIRE_SCRAM,		/* as AUTH_WIRE_LOGIN, spans bare, nonce */
	AUTH_WIRE_PROOF,		/* u64 number of AUTH_WIRE_SCRAM, spans final, proof */
	AUTH_WIRE_NEWS = 32,		/* from authd, unasked: u8 hashes to offer SCRAM with */
	AUTH_WIRE_LOGIN_ANSWER = 64,	/* u8 status; if OK: text account, span token */
	AUTH_WIRE_RESOLVE_ANSWER,	/* u8 status, counts of targets and remotes, text and varint quota each target, texts
					 * address, sender, original each remote */
	AUTH_WIRE_OWNS_ANSWER,		/* u8 status */
	AUTH_WIRE_RATE_ANSWER = AUTH_WIRE_RATE + AUTH_WIRE_LOGIN_ANSWER - AUTH_WIRE_LOGIN,	/* u8 status, text words */
	AUTH_WIRE_SCRAM_ANSWER,		/* u8 status, span challenge */
	AUTH_WIRE_PROOF_ANSWER		/* span words, as AUTH_WIRE_LOGIN_ANSWER */
};

enum {
	AUTH_WIRE_TEXT = 128,		/* bytes of service, peer, mechanism and fingerprint, NUL too */
	AUTH_WIRE_CREDENTIAL = 16384,	/* bytes of names, authzid, user or password */
	AUTH_WIRE_MAX = 1 << 20	/* bytes of any body: AUTH_TARGETS remotes fit */
};

struct auth_wire_login {
	char service[AUTH_WIRE_TEXT], peer[AUTH_WIRE_TEXT], mechanism[AUTH_WIRE_TEXT],
		fingerprint[AUTH_WIRE_TEXT];
	struct span names, authzid, user, password;	/* lent */
	struct span bare, nonce;			/* of SCRAM; lent */
};

void auth_wire_put_login(struct buf *b, const struct auth_attempt *a);
bool auth_wire_get_login(struct span body, struct auth_wire_login *out);

/* SCRAM: the same with two more. */
void auth_wire_put_scram(struct buf *b, const struct auth_attempt *a, struct span bare, struct span nonce);
bool auth_wire_get_scram(struct span body, struct auth_wire_login *out);
void auth_wire_put_scram_answer(struct buf *b, enum auth_status status, struct span challenge);
bool auth_wire_get_scram_answer(struct span body, enum auth_status *status, struct span *challenge);
void auth_wire_put_proof(struct buf *b, uint64_t scram, struct span final, struct span proof);
bool auth_wire_get_proof(struct span body, uint64_t *scram, struct span *final, struct span *proof);
void auth_wire_put_proof_answer(struct buf *b, enum auth_status status, struct span words, const struct auth_grant *grant);
/* Its words alone: auth_wire_put_login_answer goes on. */
void auth_wire_put_proof_answer_words(struct buf *b, struct span words);
bool auth_wire_get_proof_answer(struct span body, enum auth_status *status, struct span *words, struct auth_grant *grant);
void auth_wire_put_news(struct buf *b, unsigned hashes);
bool auth_wire_get_news(struct span body, unsigned *hashes);

void auth_wire_put_resolve(struct buf *b, struct span address, struct span sender);
bool auth_wire_get_resolve(struct span body, struct span *address, struct span *sender);

void auth_wire_put_owns(struct buf *b, const char *account, struct span address);
bool auth_wire_get_owns(struct span body, char account[AUTH_ADDRESS_MAX], struct span *address);

void auth_wire_put_rate(struct buf *b, const char *account, uint32_t recipients);
bool auth_wire_get_rate(struct span body, char account[AUTH_ADDRESS_MAX], uint32_t *recipients);

/* grant: NULL unless status is AUTH_OK. */
void auth_wire_put_login_answer(struct buf *b, enum auth_status status, const struct auth_grant *grant);
bool auth_wire_get_login_answer(struct span body, enum auth_status *status, struct auth_grant *grant);

/* A resolve answer is begun with its counts, then has that many targets, then remotes. Its reader gives
 * arrays of the caller's, to be cleared in any case; *status is AUTH_TRY_LATER if there is no memory. */
void auth_wire_put_resolve_answer(struct buf *b, enum auth_status status, size_t count, size_t remote_count);
void auth_wire_put_target(struct buf *b, const char *account, uint64_t quota);
void auth_wire_put_remote(struct buf *b, const char *address, const char *sender, const char *original);
bool auth_wire_get_resolve_answer(struct span body, enum auth_status *status, struct auth_resolved *out);
void auth_wire_resolved_clear(struct auth_resolved *r);

void auth_wire_put_owns_answer(struct buf *b, enum auth_status status);
bool auth_wire_get_owns_answer(struct span body, enum auth_status *status);

void auth_wire_put_rate_answer(struct buf *b, enum auth_status status, const char *words);
bool auth_wire_get_rate_answer(struct span body, enum auth_status *status, char words[AUTH_WORDS_MAX]);

#endif
