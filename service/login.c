/* login.c - the contract is in login.h. */
#include "service/login.h"

#include <stdio.h>

#include "common/base/log.h"

static enum service_login_status refusal(enum auth_status st)
{
	switch (st) {
	case AUTH_WRONG:
		return SERVICE_LOGIN_WRONG;
	case AUTH_DISABLED:
		return SERVICE_LOGIN_DISABLED;
	case AUTH_SCOPE:
		return SERVICE_LOGIN_SCOPE;
	case AUTH_EXPIRED:
		return SERVICE_LOGIN_EXPIRED;
	case AUTH_AUTHZID:
		return SERVICE_LOGIN_AUTHZID;
	default:
		return SERVICE_LOGIN_TRY_LATER;
	}
}

static void admit(struct service_login *l, const struct auth_grant *grant)
{
	if (!conn_login(l->conn, grant->account)) {
		l->done(l->arg, SERVICE_LOGIN_TOO_MANY, NULL);
		return;
	}
	log_info("ICID %llu login user=%s mechanism=%s", (unsigned long long)conn_id(l->conn), grant->account,
		 l->mechanism);
	l->done(l->arg, SERVICE_LOGIN_OK, grant);
}

static void checked(void *arg, enum auth_status st, const struct auth_grant *grant)
{
	struct service_login *l = arg;

	l->op = 0;
	if (st == AUTH_OK)
		admit(l, grant);
	else
		l->done(l->arg, refusal(st), NULL);
}

static void asked(struct service_login *l, uint64_t op)
{
	l->op = op;
	if (op == 0)
		l->done(l->arg, SERVICE_LOGIN_TRY_LATER, NULL);
}

/* --- SCRAM ----------------------------------------------------------------- */

static void challenged(void *arg, enum auth_status st, struct span challenge)
{
	struct service_login *l = arg;

	l->op = 0;
	if (st == AUTH_OK)
		sasl_tell(l->exchange, challenge);
	else
		l->scram = 0;
	l->done(l->arg, st == AUTH_OK ? SERVICE_LOGIN_GO_ON : refusal(st), NULL);
}

static void proved(void *arg, enum auth_status st, struct span words, const struct auth_grant *grant)
{
	struct service_login *l = arg;

	sasl_tell(l->exchange, words);
	checked(l, st, grant);
}

/* RFC 5802 6: the connection that the client is bound to is this one. */
static bool is_bound_here(const struct service_login *l, const struct sasl_scram *s)
{
	uint8_t bytes[CONN_BINDING];
	size_t n = *s->binding != '\0' ? conn_binding(l->conn, s->binding, bytes) : 0;

	return *s->binding == '\0' || (n > 0 && span_equal(s->bound, (struct span){ bytes, n }));
}

static void prove(struct service_login *l, const struct sasl_scram *s)
{
	uint64_t scram = l->scram;

	l->scram = 0;
	if (is_bound_here(l, s)) {
		asked(l, auth_proof(l->service->auth, scram, s->final, s->proof, proved, l));
		return;
	}
	auth_scram_end(l->service->auth, scram);
	log_warn("ICID %llu a login is bound to another TLS connection: somebody may be in between mechanism=%s",
		 (unsigned long long)conn_id(l->conn), l->mechanism);
	sasl_tell(l->exchange, span_of("e=channel-bindings-dont-match"));
	l->done(l->arg, SERVICE_LOGIN_WRONG, NULL);
}

/* --- beginning ------------------------------------------------------------- */

void service_login_begin(struct service_login *l, struct service *s, struct conn *c, const char *protocol,
			 const struct sasl_credentials *credentials, service_login_done done, void *arg)
{
	char names[CONN_NAMES];
	const struct sasl_scram *scram = credentials->scram;
	const struct auth_attempt attempt = {
		.service = protocol,
		.peer = conn_peer(c),
		.mechanism = credentials->mechanism,
		.authzid = credentials->authzid,
		.user = credentials->user,
		.password = credentials->password,
		.fingerprint = conn_client_bound(c),
		.names = conn_client_names(c, names),
	};
	bool again = scram != NULL && scram->proof.n > 0;

	if (!again)
		service_login_cancel(l);	/* a conversation that the client gave up */
	*l = (struct service_login){ .service = s, .conn = c, .done = done, .arg = arg, .exchange = credentials->exchange,
				     .scram = again ? l->scram : 0 };
	snprintf(l->mechanism, sizeof(l->mechanism), "%s", credentials->mechanism);
	conn_login_begin(c);
	if (again) {
		prove(l, scram);
	} else if (scram != NULL) {
		l->scram = auth_scram(s->auth, &attempt, scram->bare, scram->nonce, challenged, l);
		asked(l, l->scram);
	} else {
		asked(l, auth_login(s->auth, &attempt, checked, l));
	}
}

void service_login_cancel(struct service_login *l)
{
	if (l->service != NULL) {
		auth_cancel(l->service->auth, l->op);
		auth_scram_end(l->service->auth, l->scram);
	}
	l->op = l->scram = 0;
}
