/*
 * login.h - a session logs in: the credentials go to authd, the account to the connection.
 *
 * The one place where a login is counted (ConnectionsPerUser), held against a revocation that
 * is under way, and logged.
 */
#ifndef SERVICE_LOGIN_H
#define SERVICE_LOGIN_H

#include "sasl/sasl.h"
#include "service/service.h"

enum service_login_status {
	SERVICE_LOGIN_OK,
	SERVICE_LOGIN_WRONG,
	SERVICE_LOGIN_DISABLED,
	SERVICE_LOGIN_TOO_MANY,		/* sessions of this account */
	SERVICE_LOGIN_SCOPE,		/* an app password that is not for this protocol */
	SERVICE_LOGIN_EXPIRED,		/* an app password past its date */
	SERVICE_LOGIN_AUTHZID,		/* known who it is, but that is not who it wants to be */
	SERVICE_LOGIN_TRY_LATER,
	SERVICE_LOGIN_GO_ON		/* SCRAM: no verdict yet; what the client is to hear was told (sasl_tell) */
};

/* grant: on SERVICE_LOGIN_OK, lent until the callback returns. */
typedef void (*service_login_done)(void *arg, enum service_login_status status, const struct auth_grant *grant);

struct service_login {		/* zeros: none under way */
	struct service *service;
	struct conn *conn;
	uint64_t op;
	uint64_t scram;			/* authd's number for the conversation; 0: none */
	struct sasl *exchange;
	char mechanism[24];
	service_login_done done;
	void *arg;
};

/* Asks authd. protocol: "smtp", "pop3", "imap". done is called once, at once if nothing could be
 * asked, unless the login is cancelled. l must live until then. SCRAM begins twice, with the same l, whose
 * zeros were only for the first time; its exchange must live until done, too. */
void service_login_begin(struct service_login *l, struct service *s, struct conn *c, const char *protocol,
			 const struct sasl_credentials *credentials, service_login_done done, void *arg);
void service_login_cancel(struct service_login *l);

#endif
