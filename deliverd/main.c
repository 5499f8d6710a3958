/* main.c - deliverd's process: settings and sockets come from yubind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/tls/load.h"
#include "deliverd/connection.h"
#include "deliverd/deliverd.h"
#include "deliverd/memory.h"
#include "deliverd/reports.h"
#include "deliverd/schedule.h"
#include "deliverd/sts.h"
#include "deliverd/tlsrpt.h"
#include "storage/ipc/store_ipc.h"

enum { SERVERS = 8 };		/* that DNS is asked at */

static void deliverd_free(void *state)
{
	struct deliverd *d = state;

	if (d == NULL)
		return;
	d->over = true;
	schedule_free(d->schedule);
	while (!link_empty(&d->leaving))
		connection_free(LINK_OF(d->leaving.next, struct connection, link));
	tlsrpt_free(d->tlsrpt);
	sts_free(d->sts);
	memory_free(d->memory);
	https_free(d->https);
	dns_free(d->dns);
	conf_drop(d->conf);
	settings_drop(d->first);
	if (d->store != NULL)
		store_ipc_free(d->store);
	auth_free(d->auth);
	free(d);
}

/* --- what is made before the sandbox ----------------------------------------------- */

/* Listens on all addresses are ours at each of these. */
static void find_own_addresses(struct deliverd *d)
{
	uv_interface_address_t *all;
	int count;

	if (uv_interface_addresses(&all, &count) < 0)
		return;
	for (int i = 0; i < count && d->own_count < DELIVERD_ADDRESSES; i++) {
		struct sockaddr_storage s = { 0 };

		memcpy(&s, &all[i].address, sizeof(all[i].address));
		address_read(&d->own[d->own_count++], &s);
	}
	uv_free_interface_addresses(all, count);
}

/* Those of Resolver, else those of resolv.conf; none of both, or `root`: from the root down. */
static size_t find_servers(struct deliverd *d, char names[SERVERS][64])
{
	const struct config_scope *top = config_top(worker_config(d->worker));
	struct span resolv_conf;
	const char *text;
	size_t n = 0;

	for (size_t i = 0; (text = config_item(top, CONFIG_RESOLVER, i)) != NULL && n < SERVERS; i++) {
		if (strcmp(text, "root") == 0)
			return 0;
		if (strlen(text) < sizeof(names[0]))
			memcpy(names[n++], text, strlen(text) + 1);
	}
	if (n == 0 && worker_file(d->worker, "resolv.conf", &resolv_conf))
		n = dns_servers(resolv_conf, names, SERVERS);
	return n;
}

static int make_dns(struct deliverd *d, struct error *err)
{
	const char *anchor = config_text(config_top(worker_config(d->worker)), CONFIG_TRUST_ANCHOR);
	char names[SERVERS][64];
	const char *servers[SERVERS];
	struct dns_options o = { .servers = servers, .server_count = find_servers(d, names) };

	o.found = config_item(config_top(worker_config(d->worker)), CONFIG_RESOLVER, 0) == NULL;
	for (size_t i = 0; i < o.server_count; i++)
		servers[i] = names[i];
	if (*anchor != '\0')
		worker_file(d->worker, anchor, &o.anchors);
	return dns_new(&d->dns, d->loop, &o, err);
}

static int make_https(struct deliverd *d, struct error *err)
{
	const char *ca = config_text(config_top(worker_config(d->worker)), CONFIG_HTTPS_CA);
	struct span authorities = { NULL, 0 };

	worker_file(d->worker, *ca != '\0' ? ca : "authorities", &authorities);
	return https_new(&d->https, d->loop, d->dns, authorities, err);
}

static int make_tls_knowledge(struct deliverd *d, struct error *err)
{
	const struct config_scope *top = config_top(worker_config(d->worker));
	int r = memory_new(&d->memory, d->loop, d->store, err);

	if (r == 0)
		r = sts_new(&d->sts, d->loop, d->store, d->dns, d->https, config_number(top, CONFIG_STS_TIME) / 1000, err);
	if (r == 0 && config_bool(top, CONFIG_TLS_REPORTS))
		r = reports_new(d, err);
	return r;
}

static void store_lost(void *arg)
{
	worker_want_peer(((struct deliverd *)arg)->worker, CONTROL_ROLE_STORE);
}

static void auth_lost(void *arg)
{
	worker_want_peer(((struct deliverd *)arg)->worker, CONTROL_ROLE_AUTH);
}

static int deliverd_prepare(struct worker *w, void **state, struct error *err)
{
	struct deliverd *d = calloc(1, sizeof(*d));
	int r;

	*state = d;
	if (d == NULL)
		return error_set(err, -ENOMEM, "no memory for the daemon");
	d->worker = w;
	d->loop = worker_loop(w);
	d->first = settings_hold(worker_settings(w));
	link_init(&d->leaving);
	link_init(&d->idlers);
	link_init(&d->tells);
	find_own_addresses(d);
	r = tls_load(err);
	if (r == 0)
		r = store_ipc_new(&d->store, d->loop, err);
	if (r == 0)
		r = auth_new(&d->auth, d->loop, err);
	if (r == 0) {
		store_ipc_watch(d->store, store_lost, d);
		auth_watch(d->auth, auth_lost, d);
	}
	if (r == 0)
		r = make_dns(d, err);
	if (r == 0)
		r = make_https(d, err);
	if (r == 0)
		r = make_tls_knowledge(d, err);
	if (r == 0)
		r = schedule_new(&d->schedule, d, err);
	return r;
}

/* --- what yubind says ---------------------------------------------------------------- */

static int deliverd_settings(void *state, struct worker *w, struct error *err)
{
	struct deliverd *d = state;
	struct conf *fresh, *old = d->conf;
	int r = conf_new(&fresh, worker_settings(w), d->own, d->own_count, err);

	if (r < 0)
		return r;
	d->conf = fresh;
	if (old != NULL)
		schedule_settings(d->schedule);
	conf_drop(old);
	return 0;
}

static void deliverd_peer(void *state, enum control_role role, unsigned rights, const char *name, int fd)
{
	struct deliverd *d = state;

	(void)rights;
	(void)name;
	if (role == CONTROL_ROLE_STORE) {
		store_ipc_attach(d->store, fd);
		schedule_renew(d->schedule);
	} else {
		auth_attach(d->auth, fd);
	}
}

static void saved(void *arg)
{
	struct deliverd *d = arg;

	d->saved = true;
	schedule_stop(d->schedule);
}

/* What is in hand is finished; what waits goes back. */
static void deliverd_stop(void *state)
{
	struct deliverd *d = state;

	if (d->stopping)
		return;
	d->stopping = true;
	d->saved = d->tlsrpt == NULL;
	if (d->tlsrpt != NULL)
		tlsrpt_save(d->tlsrpt, saved, d);
	schedule_stop(d->schedule);
}

static void deliverd_drain(void *state, uint64_t idle_ms)
{
	(void)idle_ms;
	deliverd_stop(state);
}

static void deliverd_status(void *state, struct buf *out)
{
	const struct deliverd *d = state;

	buf_printf(out, "connections %zu\nconnecting %zu\ndestinations %zu\nin_hand %zu\n", d->up, d->opening,
		   schedule_destinations(d->schedule), schedule_held(d->schedule));
	buf_printf(out, "delivered %llu\ndeferred %llu\nfailed %llu\n", (unsigned long long)d->delivered,
		   (unsigned long long)d->deferred, (unsigned long long)d->failed);
}

int main(void)
{
	static const struct worker_daemon deliverd = {
		.name = "deliverd",
		.which = CONFIG_DELIVERD,
		.sandbox = SANDBOX_OUT,
		.prepare = deliverd_prepare,
		.settings = deliverd_settings,
		.peer = deliverd_peer,
		.drain = deliverd_drain,
		.stop = deliverd_stop,
		.status = deliverd_status,
		.free = deliverd_free,
	};

	return worker_main(&deliverd);
}
