/* conf.c - the contract is in conf.h. */
#include "deliverd/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

/* --- addresses ------------------------------------------------------------- */

static bool read_address(struct address *a, struct span text, unsigned port)
{
	unsigned char bytes[16];
	int family;

	*a = (struct address){ .port = port };
	if (text.n == 0 || text.n >= sizeof(a->host))
		return false;
	memcpy(a->host, text.p, text.n);
	family = strchr(a->host, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(family, a->host, bytes) == 1 && inet_ntop(family, bytes, a->host, sizeof(a->host)) != NULL;
}

static void add_listen(struct conf *c, const struct address *a)
{
	if (c->self.count < CONF_LISTENS)
		c->listens[c->self.count++] = *a;
}

/* "192.0.2.1:25", "[2001:db8::1]:25", "*:25". */
static void read_listen(struct conf *c, struct span line, const struct address *own, size_t own_count)
{
	size_t colon = line.n;
	struct address a;
	uint64_t port;

	while (colon > 0 && line.p[colon - 1] != ':')
		colon--;
	if (colon < 2 || !span_number((struct span){ line.p + colon, line.n - colon }, 65535, &port))
		return;
	line.n = colon - 1;
	if (line.n > 2 && line.p[0] == '[')
		line = (struct span){ line.p + 1, line.n - 2 };
	if (read_address(&a, line, (unsigned)port)) {
		add_listen(c, &a);
		return;
	}
	for (size_t i = 0; span_is(line, "*") && i < own_count; i++) {
		a = own[i];
		a.port = (unsigned)port;
		add_listen(c, &a);
	}
}

static void read_self(struct conf *c, const struct address *own, size_t own_count)
{
	struct span lines = { NULL, 0 };

	bundle_get(c->settings->bundle, "listens", &lines);
	while (lines.n > 0)
		read_listen(c, span_take_until(&lines, '\n'), own, own_count);
	c->self.hostname = c->hostname;
	c->self.listens = c->listens;
}

static int read_bind(struct conf *c, const struct config_scope *top, struct error *err)
{
	const char *text;
	int rc = 0;

	for (size_t i = 0; rc == 0 && (text = config_item(top, CONFIG_BIND_ADDRESS, i)) != NULL; i++) {
		char host[INET6_ADDRSTRLEN];
		bool v6;

		rc = deliver_bind_parse(host, &v6, span_of(text), err);
		if (rc == 0)
			memcpy((v6 ? &c->bind6 : &c->bind4)->host, host, sizeof(host));
	}
	return rc < 0 ? error_context(err, "BindAddress") : 0;
}

/* --- routes ---------------------------------------------------------------- */

/* Jobs' domains have A-labels where they can. */
static void convert_who(struct conf_route *r)
{
	char name[DNS_NAME_MAX], *at = strrchr(r->route.who, '@');
	char *domain = r->route.kind == ROUTE_SENDER && at != NULL ? at + 1 : r->route.who;

	memcpy(r->who, r->route.who, sizeof(r->who));
	if (r->route.kind == ROUTE_ALL || !dns_name(span_of(domain), name))
		return;
	snprintf(r->who, sizeof(r->who), "%.*s%s", (int)(domain - r->route.who), r->route.who, name);
	memcpy(r->route.who, r->who, sizeof(r->who));
}

static int read_file(const struct conf *c, const char *name, struct span *text, struct error *err)
{
	return bundle_get(c->settings->bundle, name, text) ? 0
							   : error_set(err, -ENOENT, "%s is not among the settings", name);
}

static int read_route(struct conf *c, struct conf_route *r, const char *text, struct error *err)
{
	struct span file;
	int rc = route_parse(&r->route, span_of(text), err);

	if (rc == 0 && r->route.auth[0] != '\0') {
		rc = read_file(c, r->route.auth, &file, err);
		if (rc == 0)
			rc = route_auth_parse(&r->auth, file, err);
		r->has_auth = rc == 0;
	}
	if (rc == 0 && r->route.cert[0] != '\0')
		rc = read_file(c, r->route.cert, &r->cert, err);
	if (rc < 0)
		return error_context(err, "Route %s", text);
	convert_who(r);
	r->word = r->route.tls[0] != '\0' ? word_find(span_of(r->route.tls)) : r->has_auth ? WORD_VERIFY : c->word;
	c->sender_routes |= r->route.kind == ROUTE_SENDER || r->route.kind == ROUTE_SENDER_DOMAIN;
	return 0;
}

static int read_routes(struct conf *c, const struct config_scope *top, struct error *err)
{
	size_t count = 0;
	int rc = 0;

	while (config_item(top, CONFIG_ROUTE, count) != NULL)
		count++;
	c->routes = calloc(count > 0 ? count : 1, sizeof(*c->routes));
	if (c->routes == NULL)
		return error_set(err, -ENOMEM, "no memory for %zu routes", count);
	while (rc == 0 && c->route_count < count) {
		rc = read_route(c, &c->routes[c->route_count], config_item(top, CONFIG_ROUTE, c->route_count), err);
		c->route_count++;
	}
	return rc;
}

struct conf_route *conf_route(const struct conf *c, struct span domain, struct span sender)
{
	struct conf_route *best = NULL;
	unsigned most = 0;

	for (size_t i = 0; i < c->route_count; i++) {
		unsigned n = route_fits(&c->routes[i].route, domain, sender);

		if (n > most) {
			most = n;
			best = &c->routes[i];
		}
	}
	return best;
}

/* --- TLS ------------------------------------------------------------------- */

static void on_warning(void *arg, const char *words)
{
	(void)arg;
	log_warn("TLS of deliveries: %s", words);
}

struct tls_context *conf_tls(struct conf *c, struct conf_route *route, enum tls_outbound_verify verify,
			     struct error *err)
{
	struct tls_context **at = route != NULL && route->cert.n > 0 ? &route->tls[verify] : &c->tls[verify];
	struct tls_pair pair = { 0 };
	struct tls_outbound_material m = { .pair = NULL };
	const char *ca = config_text(config_top(c->settings->own), CONFIG_HTTPS_CA);

	if (*at != NULL)
		return *at;
	if (at != &c->tls[verify]) {
		pair = (struct tls_pair){ route->route.cert, route->route.cert, route->cert, route->cert };
		m.pair = &pair;
	}
	bundle_get(c->settings->bundle, *ca != '\0' ? ca : "authorities", &m.authorities);
	if (tls_outbound_new(at, &c->policy, verify, &m, on_warning, NULL, err) < 0)
		*at = NULL;
	return *at;
}

/* --- the rest -------------------------------------------------------------- */

static void read_times(struct conf *c, const struct config_scope *top)
{
	uint64_t command = (uint64_t)config_number(top, CONFIG_COMMAND_TIME);

	c->times = (struct client_times){
		.greeting = (uint64_t)config_number(top, CONFIG_GREETING_TIME),
		.command = command,
		.mail = command,
		.rcpt = command,
		.data_begin = command < 120000 ? command : 120000,	/* RFC 5321 4.5.3.2.4 */
		.data_block = (uint64_t)config_number(top, CONFIG_BLOCK_TIME),
		.data_end = (uint64_t)config_number(top, CONFIG_DATA_END_TIME),
		.quit = command < 5000 ? command : 5000,
	};
	c->connect_ms = (uint64_t)config_number(top, CONFIG_CONNECT_TIME);
	c->handshake_ms = (uint64_t)config_number(top, CONFIG_HANDSHAKE_TIME);
	c->write_ms = (uint64_t)config_number(top, CONFIG_BLOCK_TIME);
	c->idle_ms = (uint64_t)config_number(top, CONFIG_CONNECTION_IDLE);
	c->lifetime_s = config_number(top, CONFIG_QUEUE_LIFETIME) / 1000;
	c->notice_s = config_number(top, CONFIG_DELAY_NOTICE) / 1000;
}

static enum conf_copies copies_find(const char *word)
{
	return strcmp(word, "all") == 0 ? CONF_COPIES_ALL :
	       strcmp(word, "failures") == 0 ? CONF_COPIES_FAILURES : CONF_COPIES_NONE;
}

static int read_all(struct conf *c, const struct address *own, size_t own_count, struct error *err)
{
	const struct config_scope *top = config_top(c->settings->own);
	int rc;

	c->hostname = config_text(config_top(c->settings->site), CONFIG_HOSTNAME);
	c->port = (uint16_t)config_number(top, CONFIG_DELIVER_PORT);
	c->word = word_find(span_of(config_text(top, CONFIG_DELIVER_TLS)));
	c->max_deliveries = (size_t)config_number(top, CONFIG_MAX_DELIVERIES);
	c->per_destination = (size_t)config_number(top, CONFIG_DESTINATION_CONNECTIONS);
	c->copies = copies_find(config_text(top, CONFIG_POSTMASTER_COPIES));
	c->report_size = (uint64_t)config_number(top, CONFIG_REPORT_SIZE);
	c->per_connection = (size_t)config_number(top, CONFIG_MESSAGES_PER_CONNECTION);
	read_times(c, top);
	read_self(c, own, own_count);
	rc = read_bind(c, top, err);
	if (rc == 0)
		rc = deliver_times_parse(c->retry_ms, &c->retry_count, span_of(config_text(top, CONFIG_RETRY_TIMES)), err);
	if (rc == 0)
		rc = read_routes(c, top, err);
	if (rc == 0)
		rc = keyring_new(&c->keys, c->settings->bundle, err);
	if (rc == 0)
		rc = tls_policy_read(&c->policy, top, on_warning, NULL, err);
	return rc;	/* that contexts can be made of it setup/outward.c has tried */
}

static void drop_contexts(struct tls_context *tls[2])
{
	for (size_t i = 0; i < 2; i++) {
		tls_context_drop(tls[i]);
		tls[i] = NULL;
	}
}

/* The authorities of the world take a megabyte. */
void conf_rest(struct conf *c)
{
	for (size_t i = 0; i < c->route_count; i++)
		drop_contexts(c->routes[i].tls);
	drop_contexts(c->tls);
}

int conf_new(struct conf **out, struct settings *s, const struct address *own, size_t own_count, struct error *err)
{
	struct conf *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for the settings");
	c->holders = 1;
	c->settings = settings_hold(s);
	rc = read_all(c, own, own_count, err);
	if (rc < 0)
		conf_drop(c);
	else
		*out = c;
	return rc;
}

struct conf *conf_hold(struct conf *c)
{
	c->holders++;
	return c;
}

void conf_drop(struct conf *c)
{
	if (c == NULL || --c->holders > 0)
		return;
	conf_rest(c);
	for (size_t i = 0; i < c->route_count; i++)
		explicit_bzero(&c->routes[i].auth, sizeof(c->routes[i].auth));
	keyring_free(c->keys);
	free(c->routes);
	settings_drop(c->settings);
	free(c);
}

int64_t conf_retry_s(const struct conf *c, uint32_t attempts, int64_t now_s)
{
	size_t i = attempts < c->retry_count ? attempts : c->retry_count - 1;

	return now_s + (c->retry_ms[i] + 999) / 1000;
}
