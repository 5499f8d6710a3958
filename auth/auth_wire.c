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

	if (v > AUTH_REFUSED)
		w->failed = true;
	return v <= AUTH_REFUSED ? (enum auth_status)v : AUTH_TRY_LATER;
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

bool auth_wire_get_login(struct span body, struct auth_wire_login *out)
{
	struct wire w = { .in = body };

	wire_text(&w, out->service, sizeof(out->service));
	wire_text(&w, out->peer, sizeof(out->peer));
	wire_text(&w, out->mechanism, sizeof(out->mechanism));
	wire_text(&w, out->fingerprint, sizeof(out->fingerprint));
	out->names = credential(&w);
	if (span_find(out->names, 0) >= 0)
		return false;
	out->authzid = credential(&w);
	out->user = credential(&w);
	out->password = credential(&w);
	return wire_done(&w);
}

void auth_wire_put_resolve(struct buf *b, struct span address)
{
	wire_put_span(b, address);
}

bool auth_wire_get_resolve(struct span body, struct span *address)
{
	struct wire w = { .in = body };

	*address = credential(&w);
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

void auth_wire_put_login_answer(struct buf *b, enum auth_status status, const struct auth_grant *grant)
{
	wire_put_u8(b, (uint8_t)status);
	if (grant == NULL)
		return;
	wire_put_text(b, grant->account);
	wire_put_span(b, (struct span){ grant->token.bytes, grant->token.n });
}

bool auth_wire_get_login_answer(struct span body, enum auth_status *status, struct auth_grant *grant)
{
	struct wire w = { .in = body };
	struct span token;

	memset(grant, 0, sizeof(*grant));
	*status = status_of(&w);
	if (*status != AUTH_OK)
		return wire_done(&w);
	wire_text(&w, grant->account, sizeof(grant->account));
	token = wire_span(&w);
	if (token.n == 0 || token.n > sizeof(grant->token.bytes) || *grant->account == '\0')
		return false;
	memcpy(grant->token.bytes, token.p, token.n);
	grant->token.n = (uint16_t)token.n;
	return wire_done(&w);
}

void auth_wire_put_resolve_answer(struct buf *b, enum auth_status status, size_t count)
{
	wire_put_u8(b, (uint8_t)status);
	wire_put_varint(b, count);
}

void auth_wire_put_target(struct buf *b, const char *account)
{
	wire_put_text(b, account);
}

bool auth_wire_get_resolve_answer(struct span body, enum auth_status *status, struct auth_target **targets,
				  size_t *count)
{
	struct wire w = { .in = body };

	*targets = NULL;
	*status = status_of(&w);
	*count = wire_count(&w, 1);
	if (w.failed || *count > AUTH_TARGETS || (*status == AUTH_OK) != (*count > 0))
		return false;
	if (*count > 0)
		*targets = calloc(*count, sizeof(**targets));
	if (*count > 0 && *targets == NULL) {
		*status = AUTH_TRY_LATER;
		*count = 0;
		return true;
	}
	for (size_t i = 0; i < *count; i++)
		wire_text(&w, (*targets)[i].account, sizeof((*targets)[i].account));
	if (wire_done(&w))
		return true;
	free(*targets);
	*targets = NULL;
	return false;
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
