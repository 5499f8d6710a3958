/* fuzz_auth_wire.c - any bytes as any message between a daemon and authd. What is taken is
 * written again and is the same.
 * link: auth common/ipc common/base */
#include <stdlib.h>
#include <string.h>

#include "auth/auth_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct buf *b, struct span body)
{
	if (b->failed || !span_equal(buf_span(b), body))
		abort();
	buf_reset(b);
}

static void try_login(struct buf *b, struct span body)
{
	struct auth_wire_login l;
	char names[AUTH_WIRE_CREDENTIAL + 1] = "";

	if (!auth_wire_get_login(body, &l))
		return;
	if (l.names.n > 0)
		memcpy(names, l.names.p, l.names.n);
	auth_wire_put_login(b, &(struct auth_attempt){ .service = l.service,
						       .peer = l.peer,
						       .authzid = l.authzid,
						       .user = l.user,
						       .password = l.password,
						       .mechanism = l.mechanism,
						       .fingerprint = l.fingerprint,
						       .names = names });
	same(b, body);
}

static void try_resolve(struct buf *b, struct span body)
{
	struct span address, sender;

	if (!auth_wire_get_resolve(body, &address, &sender))
		return;
	auth_wire_put_resolve(b, address, sender);
	same(b, body);
}

static void try_owns(struct buf *b, struct span body)
{
	char account[AUTH_ADDRESS_MAX];
	struct span address;

	if (!auth_wire_get_owns(body, account, &address))
		return;
	auth_wire_put_owns(b, account, address);
	same(b, body);
}

static void try_login_answer(struct buf *b, struct span body)
{
	enum auth_status status;
	struct auth_grant grant;

	if (!auth_wire_get_login_answer(body, &status, &grant))
		return;
	auth_wire_put_login_answer(b, status, status == AUTH_OK ? &grant : NULL);
	same(b, body);
}

static void try_resolve_answer(struct buf *b, struct span body)
{
	struct auth_resolved r;
	enum auth_status status;
	bool taken = auth_wire_get_resolve_answer(body, &status, &r);

	if (taken) {
		auth_wire_put_resolve_answer(b, status, r.count, r.remote_count);
		for (size_t i = 0; i < r.count; i++)
			auth_wire_put_target(b, r.targets[i].account, r.targets[i].quota);
		for (size_t i = 0; i < r.remote_count; i++)
			auth_wire_put_remote(b, r.remotes[i].address, r.remotes[i].sender, r.remotes[i].original);
	}
	auth_wire_resolved_clear(&r);
	if (taken)
		same(b, body);
}

static void try_rate(struct buf *b, struct span body)
{
	char account[AUTH_ADDRESS_MAX];
	uint32_t recipients;

	if (!auth_wire_get_rate(body, account, &recipients))
		return;
	auth_wire_put_rate(b, account, recipients);
	same(b, body);
}

static void try_rate_answer(struct buf *b, struct span body)
{
	char words[AUTH_WORDS_MAX];
	enum auth_status status;

	if (!auth_wire_get_rate_answer(body, &status, words))
		return;
	auth_wire_put_rate_answer(b, status, words);
	same(b, body);
}

static void try_owns_answer(struct buf *b, struct span body)
{
	enum auth_status status;

	if (!auth_wire_get_owns_answer(body, &status))
		return;
	auth_wire_put_owns_answer(b, status);
	same(b, body);
}

static void try_scram(struct buf *b, struct span body)
{
	struct auth_wire_login l;
	char names[AUTH_WIRE_CREDENTIAL + 1] = "";

	if (!auth_wire_get_scram(body, &l))
		return;
	if (l.names.n > 0)
		memcpy(names, l.names.p, l.names.n);
	auth_wire_put_scram(b,
			    &(struct auth_attempt){ .service = l.service,
						    .peer = l.peer,
						    .authzid = l.authzid,
						    .user = l.user,
						    .password = l.password,
						    .mechanism = l.mechanism,
						    .fingerprint = l.fingerprint,
						    .names = names },
			    l.bare, l.nonce);
	same(b, body);
}

static void try_scram_answer(struct buf *b, struct span body)
{
	enum auth_status status;
	struct span challenge;

	if (!auth_wire_get_scram_answer(body, &status, &challenge))
		return;
	auth_wire_put_scram_answer(b, status, challenge);
	same(b, body);
}

static void try_proof(struct buf *b, struct span body)
{
	struct span final, proof;
	uint64_t scram;

	if (!auth_wire_get_proof(body, &scram, &final, &proof))
		return;
	auth_wire_put_proof(b, scram, final, proof);
	same(b, body);
}

static void try_proof_answer(struct buf *b, struct span body)
{
	struct auth_grant grant;
	enum auth_status status;
	struct span words;

	if (!auth_wire_get_proof_answer(body, &status, &words, &grant))
		return;
	auth_wire_put_proof_answer(b, status, words, status == AUTH_OK ? &grant : NULL);
	same(b, body);
}

static void try_news(struct buf *b, struct span body)
{
	unsigned hashes;

	if (!auth_wire_get_news(body, &hashes))
		return;
	auth_wire_put_news(b, hashes);
	same(b, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct buf * b, struct span body) = {
		try_login, try_resolve, try_owns, try_login_answer, try_resolve_answer, try_owns_answer,
		try_rate,  try_rate_answer, try_scram, try_scram_answer, try_proof, try_proof_answer, try_news
	};
	struct buf b;

	if (size == 0)
		return 0;
	buf_init(&b, AUTH_WIRE_MAX);
	tries[data[0] % (sizeof(tries) / sizeof(tries[0]))](&b, (struct span){ data + 1, size - 1 });
	buf_clear(&b);
	return 0;
}
