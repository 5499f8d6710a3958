/* auth_wire.c - the contract is in auth_wire.h. */
#include "auth/auth_wire.h"

#include <stdlib.h>
#include <string.h>

#include "common/ipc/wire.h"

static struct span credential(struct wire *w)
{
	struct span s = wire_span(w);

	if (s.n > AUTH_WIRE_CREDENTIAL)
		w->failed = true;
	return s;
}

static enum auth_status status_of(struct wire *w)
{
	uint8_t v = wire_u8(w);

	if (v > AUTH_AUTHZID)
		w->failed = true;
	return v <= AUTH_AUTHZID ? (enum auth_status)v : AUTH_TRY_LATER;
}

void auth_wire_put_login(struct buf *b, const struct auth_attempt *a)
{
	wire_put_text(b, a->service);
	wire_put_text(b, a->peer);
	wire_put_text(b, a->mechanism);
	wire_put_text(b, a->fingerprint);
	wire_put_text(b, a->names);
	wire_put_span(b, a->authzid);
	wire_put_span(b, a->user);
	wire_put_span(b, a->password);
}

static void get_attempt(struct wire *w, struct auth_wire_login *out)
{
	wire_text(w, out->service, sizeof(out->service));
	wire_text(w, out->peer, sizeof(out->peer));
	wire_text(w, out->mechanism, sizeof(out->mechanism));
	wire_text(w, out->fingerprint, sizeof(out->fingerprint));
	out->names = credential(w);
	w->failed |= span_find(out->names, 0) >= 0;
	out->authzid = credential(w);
	out->user = credential(w);
	out->password = credential(w);
	out->bare = out->nonce = (struct span){ NULL, 0 };
}

bool auth_wire_get_login(struct span body, struct auth_wire_login *out)
{
	struct wire w = { .in = body };

	get_attempt(&w, out);
	return wire_done(&w);
}

void auth_wire_put_scram(struct buf *b, const struct auth_attempt *a, struct span bare, struct span nonce)
{
	auth_wire_put_login(b, a);
	wire_put_span(b, bare);
	wire_put_span(b, nonce);
}

bool auth_wire_get_scram(struct span body, struct auth_wire_login *out)
{
	struct wire w = { .in = body };

	get_attempt(&w, out);
	out->bare = credential(&w);
	out->nonce = credential(&w);
	return wire_done(&w);
}

void auth_wire_put_scram_answer(struct buf *b, enum auth_status status, struct span challenge)
{
	wire_put_u8(b, (uint8_t)status);
	wire_put_span(b, challenge);
}

bool auth_wire_get_scram_answer(struct span body, enum auth_status *status, struct span *challenge)
{
	struct wire w = { .in = body };

	*status = status_of(&w);
	*challenge = credential(&w);
	return wire_done(&w) && (*status == AUTH_OK) == (challenge->n > 0);
}

void auth_wire_put_proof(struct buf *b, uint64_t scram, struct span final, struct span proof)
{
	wire_put_u64(b, scram);
	wire_put_span(b, final);
	wire_put_span(b, proof);
}

bool auth_wire_get_proof(struct span body, uint64_t *scram, struct span *final, struct span *proof)
{
	struct wire w = { .in = body };

	*scram = wire_u64(&w);
	*final = credential(&w);
	*proof = credential(&w);
	return wire_done(&w);
}

void auth_wire_put_news(struct buf *b, unsigned hashes)
{
	wire_put_u8(b, (uint8_t)hashes);
}

bool auth_wire_get_news(struct span body, unsigned *hashes)
{
	struct wire w = { .in = body };

	*hashes = wire_u8(&w);
	return wire_done(&w);
}

void auth_wire_put_resolve(struct buf *b, struct span address, struct span sender)
{
	wire_put_span(b, address);
	wire_put_span(b, sender);
}

bool auth_wire_get_resolve(struct span body, struct span *address, struct span *sender)
{
	struct wire w = { .in = body };

	*address = credential(&w);
	*sender = credential(&w);
	return wire_done(&w);
}

void auth_wire_put_owns(struct buf *b, const char *account, struct span address)
{
	wire_put_text(b, account);
	wire_put_span(b, address);
}

bool auth_wire_get_owns(struct span body, char account[AUTH_ADDRESS_MAX], struct span *address)
{
	struct wire w = { .in = body };

	wire_text(&w, account, AUTH_ADDRESS_MAX);
	*address = credential(&w);
	return wire_done(&w);
}

void auth_wire_put_rate(struct buf *b, const char *account, uint32_t recipients)
{
	wire_put_text(b, account);
	wire_put_u32(b, recipients);
}

bool auth_wire_get_rate(struct span body, char account[AUTH_ADDRESS_MAX], uint32_t *recipients)
{
	struct wire w = { .in = body };

	wire_text(&w, account, AUTH_ADDRESS_MAX);
	*recipients = wire_u32(&w);
	return wire_done(&w);
}

void auth_wire_put_login_answer(struct buf *b, enum auth_status status, const struct auth_grant *grant)
{
	wire_put_u8(b, (uint8_t)status);
	if (grant == NULL)
		return;
	wire_put_text(b, grant->account);
	wire_put_span(b, (struct span){ grant->token.bytes, grant->token.n });
}

/* What of w is left. */
static bool get_verdict(struct wire *w, enum auth_status *status, struct auth_grant *grant)
{
	struct span token;

	memset(grant, 0, sizeof(*grant));
	*status = status_of(w);
	if (*status != AUTH_OK)
		return wire_done(w);
	wire_text(w, grant->account, sizeof(grant->account));
	token = wire_span(w);
	if (token.n == 0 || token.n > sizeof(grant->token.bytes) || *grant->account == '\0')
		return false;
	memcpy(grant->token.bytes, token.p, token.n);
	grant->token.n = (uint16_t)token.n;
	return wire_done(w);
}

bool auth_wire_get_login_answer(struct span body, enum auth_status *status, struct auth_grant *grant)
{
	struct wire w = { .in = body };

	return get_verdict(&w, status, grant);
}

void auth_wire_put_proof_answer_words(struct buf *b, struct span words)
{
	wire_put_span(b, words);
}

void auth_wire_put_proof_answer(struct buf *b, enum auth_status status, struct span words, const struct auth_grant *grant)
{
	auth_wire_put_proof_answer_words(b, words);
	auth_wire_put_login_answer(b, status, grant);
}

bool auth_wire_get_proof_answer(struct span body, enum auth_status *status, struct span *words, struct auth_grant *grant)
{
	struct wire w = { .in = body };

	*words = credential(&w);
	return get_verdict(&w, status, grant);
}

void auth_wire_put_resolve_answer(struct buf *b, enum auth_status status, size_t count, size_t remote_count)
{
	wire_put_u8(b, (uint8_t)status);
	wire_put_varint(b, count);
	wire_put_varint(b, remote_count);
}

void auth_wire_put_target(struct buf *b, const char *account, uint64_t quota)
{
	wire_put_text(b, account);
	wire_put_varint(b, quota);
}

void auth_wire_put_remote(struct buf *b, const char *address, const char *sender, const char *original)
{
	wire_put_text(b, address);
	wire_put_text(b, sender);
	wire_put_text(b, original);
}

void auth_wire_resolved_clear(struct auth_resolved *r)
{
	free((void *)r->targets);
	free((void *)r->remotes);
	*r = (struct auth_resolved){ .targets = NULL };
}

static void get_targets(struct wire *w, struct auth_target *targets, size_t count)
{
	for (size_t i = 0; i < count && !w->failed; i++) {
		wire_text(w, targets[i].account, sizeof(targets[i].account));
		targets[i].quota = wire_varint(w);
		w->failed |= targets[i].quota == STORE_QUOTA_UNTOLD;
	}
}

static void get_remotes(struct wire *w, struct auth_remote *remotes, size_t count)
{
	for (size_t i = 0; i < count && !w->failed; i++) {
		wire_text(w, remotes[i].address, sizeof(remotes[i].address));
		wire_text(w, remotes[i].sender, sizeof(remotes[i].sender));
		wire_text(w, remotes[i].original, sizeof(remotes[i].original));
		w->failed |= *remotes[i].address == '\0';
	}
}

bool auth_wire_get_resolve_answer(struct span body, enum auth_status *status, struct auth_resolved *out)
{
	struct wire w = { .in = body };
	struct auth_target *targets;
	struct auth_remote *remotes;
	size_t count, remote_count;

	*out = (struct auth_resolved){ .targets = NULL };
	*status = status_of(&w);
	count = wire_count(&w, 2);
	remote_count = wire_count(&w, 3);
	if (w.failed || count > AUTH_TARGETS || remote_count > AUTH_TARGETS - count ||
	    (*status == AUTH_OK) != (count + remote_count > 0))
		return false;
	if (*status != AUTH_OK)
		return wire_done(&w);
	targets = calloc(count + 1, sizeof(*targets));
	remotes = calloc(remote_count + 1, sizeof(*remotes));
	*out = (struct auth_resolved){ targets, count, remotes, remote_count };
	if (targets == NULL || remotes == NULL) {
		auth_wire_resolved_clear(out);
		*status = AUTH_TRY_LATER;
		return true;
	}
	get_targets(&w, targets, count);
	get_remotes(&w, remotes, remote_count);
	return wire_done(&w);
}

void auth_wire_put_owns_answer(struct buf *b, enum auth_status status)
{
	wire_put_u8(b, (uint8_t)status);
}

bool auth_wire_get_owns_answer(struct span body, enum auth_status *status)
{
	struct wire w = { .in = body };

	*status = status_of(&w);
	return wire_done(&w);
}

void auth_wire_put_rate_answer(struct buf *b, enum auth_status status, const char *words)
{
	wire_put_u8(b, (uint8_t)status);
	wire_put_text(b, words);
}

bool auth_wire_get_rate_answer(struct span body, enum auth_status *status, char words[AUTH_WORDS_MAX])
{
	struct wire w = { .in = body };

	*status = status_of(&w);
	wire_text(&w, words, AUTH_WORDS_MAX);
	return wire_done(&w);
}
