/*
 * deliverd.h - the process that takes waiting mail to other servers, as its own files see it.
 *
 *   main.c      what every daemon's process has: settings, sockets to storaged and authd
 *   engine.h    the SMTP client, pure
 *   way.h       which hosts take mail for a domain · word.h  which TLS they must show
 */
#ifndef DELIVERD_DELIVERD_H
#define DELIVERD_DELIVERD_H

#include "auth/auth.h"
#include "common/proc/settings.h"
#include "common/proc/worker.h"
#include "storage/queue.h"

struct deliverd {
	struct worker *worker;
	struct store *store;
	struct auth *auth;
};

#endif
