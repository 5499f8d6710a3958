/* dns_site.c - the contract is in dns_site.h. */
#include "admin/dns_site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "common/config/route.h"
#include "setup/material.h"
#include "setup/setup.h"

/* --- addresses ------------------------------------------------------------- */

static void add_address(struct dns_site *d, const char *address)
{
	for (size_t i = 0; i < d->address_count; i++)
		if (strcmp(d->addresses[i], address) == 0)
			return;
	if (d->address_count < DNS_SITE_ADDRESSES && dns_site_is_public(address))
		snprintf(d->addresses[d->address_count++], DNS_SITE_ADDRESS_MAX, "%s", address);
}

static void add_own_addresses(struct dns_site *d)
{
	char text[NI_MAXHOST];
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0)
		return;
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		socklen_t size;

		if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		size = i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
		if (getnameinfo(i->ifa_addr, size, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
			add_address(d, text);
	}
	freeifaddrs(all);
}

/* Where mail leaves from: BindAddress; else where it comes in; else what the machine has. */
static void find_addresses(struct dns_site *d, const struct setup *s)
{
	const struct config_scope *outward = config_top(setup_of(s, DAEMON_DELIVERD)->config);
	const struct config *smtpd = setup_of(s, DAEMON_SMTPD)->config;
	const char *bound;
	bool any = false;

	for (size_t i = 0; (bound = config_item(outward, CONFIG_BIND_ADDRESS, i)) != NULL; i++)
		add_address(d, bound);
	for (size_t i = 0; i < config_listen_count(smtpd) && d->address_count == 0; i++)
		any |= config_listen(smtpd, i)->service == CONFIG_SERVICE_MX && *config_listen(smtpd, i)->host == '\0';
	for (size_t i = 0; i < config_listen_count(smtpd) && !any; i++)
		if (config_listen(smtpd, i)->service == CONFIG_SERVICE_MX)
			add_address(d, config_listen(smtpd, i)->host);
	if (d->address_count == 0)
		add_own_addresses(d);
}

/* --- ports ----------------------------------------------------------------- */

static const struct service_row {
	enum daemon daemon;
	enum config_mode mode;
	const char *name;
} service_rows[] = {
	{ DAEMON_SMTPD, CONFIG_MODE_IMPLICIT, "_submissions._tcp" }, { DAEMON_SMTPD, CONFIG_MODE_EXPLICIT, "_submission._tcp" },
	{ DAEMON_IMAPD, CONFIG_MODE_IMPLICIT, "_imaps._tcp" },	     { DAEMON_IMAPD, CONFIG_MODE_EXPLICIT, "_imap._tcp" },
	{ DAEMON_POP3D, CONFIG_MODE_IMPLICIT, "_pop3s._tcp" },	     { DAEMON_POP3D, CONFIG_MODE_EXPLICIT, "_pop3._tcp" },
};

/* The port of the first Listen that serves it. */
static void find_service(struct dns_site *d, const struct setup *s, const struct service_row *row)
{
	const struct config *c = setup_of(s, row->daemon)->config;

	for (size_t i = 0; i < config_listen_count(c); i++) {
		const struct config_listen *l = config_listen(c, i);

		if (l->mode != row->mode || !config_takes_logins(l->service) || !setup_tls(s, row->daemon, i))
			continue;
		d->services[d->service_count++] = (struct dns_site_service){ row->name, l->port };
		return;
	}
}

/* --- certificates ---------------------------------------------------------- */

static void find_papers(struct dns_site *d, const struct setup *s)
{
	const struct config *c = setup_of(s, DAEMON_SMTPD)->config;
	struct setup_material m;

	for (size_t i = 0; i < config_listen_count(c); i++) {
		if (config_listen(c, i)->service != CONFIG_SERVICE_MX || !setup_tls(s, DAEMON_SMTPD, i) ||
		    setup_material(&m, s, DAEMON_SMTPD, i, NULL) != 0)
			continue;
		for (size_t k = 0; k < m.tls.pair_count; k++)
			dns_site_papers(d, m.pairs[k].certificate);
	}
}

/* --- all of it ------------------------------------------------------------- */

static void find_smarthost(struct dns_site *d, const struct setup *s)
{
	const struct config_scope *top = config_top(setup_of(s, DAEMON_DELIVERD)->config);
	struct route route;
	const char *line;

	for (size_t i = 0; (line = config_item(top, CONFIG_ROUTE, i)) != NULL; i++)
		if (route_parse(&route, span_of(line), NULL) == 0 && route.kind == ROUTE_ALL && route.count > 0)
			snprintf(d->smarthost, sizeof(d->smarthost), "%s", route.hosts[0].name);
}

int dns_site_read(struct dns_site *d, const struct site *s, const char *domain, struct error *err)
{
	const struct setup_source source = { .paths = &s->paths, .root = s->root };
	struct report quiet = { .sink = NULL };
	struct setup *setup;
	int rc;

	*d = (struct dns_site){ .address_count = 0 };
	rc = keyring_read(&d->keys, s, domain, err);
	if (rc != 0)
		return rc;
	memcpy(d->domain, d->keys.domain, sizeof(d->domain));
	if (setup_read(&setup, &source, &quiet) != 0)
		return error_set(err, -EINVAL, "%s (yubin config check says more)", quiet.first);
	if (!dns_name(span_of(config_text(setup_site(setup), CONFIG_HOSTNAME)), d->hostname))
		rc = error_set(err, -EINVAL, "Hostname in yubin.conf is no name for the DNS");
	find_addresses(d, setup);
	for (size_t i = 0; i < sizeof(service_rows) / sizeof(service_rows[0]); i++)
		find_service(d, setup, &service_rows[i]);
	find_papers(d, setup);
	find_smarthost(d, setup);
	setup_drop(setup);
	return rc;
}
