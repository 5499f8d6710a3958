/* host.c - a server that lives in a worker (server.h's server_new). */
#include "common/net/inside.h"
#include "common/net/server.h"
#include "common/tls/load.h"

static struct settings *host_settings(void *arg)
{
	return worker_settings(arg);
}

static uint64_t host_id(void *arg)
{
	return worker_id(arg);
}

static void host_leave(void *arg)
{
	worker_leave(arg);
}

int server_new(struct server **out, struct worker *w, const struct conn_protocol *p, const char *refusal,
	       void *daemon, struct error *err)
{
	struct server_host host = { .arg = w,
				    .loop = worker_loop(w),
				    .hostname = worker_hello(w)->hostname,
				    .settings = host_settings,
				    .id = host_id,
				    .leave = host_leave };
	int code = tls_load(err);

	*out = NULL;
	if (code < 0)
		return code;
	return server_new_at(out, &host, p, refusal, daemon, err);
}
