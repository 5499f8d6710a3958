/*
 * conf.h - deliverd.conf made ready to use: one generation of settings.
 *
 * A reload makes a new one; connections and destinations keep that which they began with.
 */
#ifndef DELIVERD_CONF_H
#define DELIVERD_CONF_H

#include "common/config/deliver.h"
#include "common/config/route.h"
#include "common/net/address.h"
#include "common/proc/settings.h"
#include "common/tls/outbound.h"
#include "deliverd/engine.h"
#include "deliverd/keyring.h"
#include "deliverd/word.h"
#include "deliverd/way.h"

enum { CONF_LISTENS = 256 };	/* addresses and ports that are ours */

enum conf_copies { CONF_COPIES_NONE, CONF_COPIES_FAILURES, CONF_COPIES_ALL };

struct conf_route {
	struct route route;
	char who[ROUTE_WHO_MAX];	/* as route.who, domains as A-labels */
	enum word word;
	struct route_auth auth;
	bool has_auth;
	struct span cert;	/* PEM; empty: none */
	struct tls_context *tls[2];	/* by enum tls_outbound_verify; made when they are first needed */
};

struct conf {
	unsigned holders;
	struct settings *settings;
	const char *hostname;
	uint16_t port;
	enum word word;
	struct conf_route *routes;
	size_t route_count;
	bool sender_routes;	/* some routes go by sender: then no domain is one destination */
	int64_t retry_ms[DELIVER_TIMES];
	size_t retry_count;
	int64_t lifetime_s, notice_s;
	size_t max_deliveries, per_destination, per_connection;
	struct client_times times;
	uint64_t connect_ms, handshake_ms, write_ms, idle_ms;
	struct address bind4, bind6;	/* host "": none */
	enum conf_copies copies;
	uint64_t report_size;
	struct address listens[CONF_LISTENS];
	struct way_self self;
	struct keyring *keys;	/* DKIM */
	struct tls_policy policy;
	struct tls_context *tls[2];
};

/* Makes one from s, which it holds. own: the addresses of this machine, for Listens on all of them. */
int conf_new(struct conf **out, struct settings *s, const struct address *own, size_t own_count, struct error *err);
struct conf *conf_hold(struct conf *c);
/* NULL is allowed. */
void conf_drop(struct conf *c);

/* The route that fits best; NULL: none. sender without <>. */
struct conf_route *conf_route(const struct conf *c, struct span domain, struct span sender);

/* Lends the context; route: its certificate goes along, NULL: none. NULL: it can't be made. */
struct tls_context *conf_tls(struct conf *c, struct conf_route *route, enum tls_outbound_verify verify,
			     struct error *err);

/* Gives the contexts' memory back, which is most of what it has: the next conf_tls makes them again. */
void conf_rest(struct conf *c);

/* When a job is tried again that was tried so often before. */
int64_t conf_retry_s(const struct conf *c, uint32_t attempts, int64_t now_s);

#endif
