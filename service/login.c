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
	default:
		return SERVICE_LOGIN_TRY_LATER;
	}
}

static void checked(void *arg, enum auth_status st, const struct auth_grant *grant)
{
	struct service_login *l = arg;

	l->op = 0;
	if (st != AUTH_OK) {
		l->done(l->arg, refusal(st), NULL);
	} else if (!conn_login(l->conn, grant->account)) {
		l->done(l->arg, SERVICE_LOGIN_TOO_MANY, NULL);
	} else {
		log_info("ICID %llu login user=%s mechanism=%s", (unsigned long long)conn_id(l->conn), grant->account,
			 l->mechanism);
		l->done(l->arg, SERVICE_LOGIN_OK, grant);
	}
}

void service_login_begin(struct service_login *l, struct service *s, struct conn *c, const char *protocol,
			 const struct sasl_credentials *credentials, service_login_done done, void *arg)
{
	char names[CONN_NAMES];
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

	*l = (struct service_login){ .service = s, .conn = c, .done = done, .arg = arg };
	snprintf(l->mechanism, sizeof(l->mechanism), "%s", credentials->mechanism);
	conn_login_begin(c);
	l->op = auth_login(s->auth, &attempt, checked, l);
	if (l->op == 0)
		done(arg, SERVICE_LOGIN_TRY_LATER, NULL);
}

void service_login_cancel(struct service_login *l)
{
	if (l->service != NULL)
		auth_cancel(l->service->auth, l->op);
	l->op = 0;
}
