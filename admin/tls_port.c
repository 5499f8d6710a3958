/* tls_port.c - the contract is in tls_port.h. */
#include "admin/tls_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* XMail's names, in yubin.conf. */
static const struct {
	enum daemon daemon;
	enum config_key explicit;
	const char *implicit; /* among Flags */
} xmail[] = {
	{ DAEMON_SMTPD, CONFIG_SMTP_TLS, "-X-" },
	{ DAEMON_POP3D, CONFIG_POP3_TLS, "-B-" },
	{ DAEMON_IMAPD, CONFIG_IMAP_TLS, "-I-" },
};

const char *tls_port_mode(const struct config_listen *l)
{
	static const char *const modes[] = { [CONFIG_MODE_PLAIN] = "plain",
					     [CONFIG_MODE_EXPLICIT] = "explicit",
					     [CONFIG_MODE_IMPLICIT] = "implicit" };

	return modes[l->mode];
}

const char *tls_port_service(const struct config_listen *l)
{
	static const char *const services[] = { [CONFIG_SERVICE_NONE] = "",
						[CONFIG_SERVICE_MX] = "mx",
						[CONFIG_SERVICE_SUBMISSION] = "submission",
						[CONFIG_SERVICE_LMTP] = "lmtp" };

	return services[l->service];
}

/* --- whether, and why not -------------------------------------------------- */

static void implicit_off(const struct tls_ports *all, struct tls_port *p)
{
	const char *flags = config_text(setup_site(all->setup), CONFIG_FLAGS);

	for (size_t i = 0; i < sizeof(xmail) / sizeof(xmail[0]); i++)
		if (xmail[i].daemon == p->daemon && strstr(flags, xmail[i].implicit) != NULL) {
			snprintf(p->off, sizeof(p->off), "the port is not opened: Flags %s in yubin.conf",
				 xmail[i].implicit);
			return;
		}
	snprintf(p->off, sizeof(p->off), "the port is not opened: EnableSSL no in %s.conf",
		 daemon_rows[p->daemon].name);
}

static void explicit_off(const struct tls_ports *all, struct tls_port *p)
{
	for (size_t i = 0; i < sizeof(xmail) / sizeof(xmail[0]); i++)
		if (xmail[i].daemon == p->daemon && !config_bool(setup_site(all->setup), xmail[i].explicit)) {
			snprintf(p->off, sizeof(p->off), "STARTTLS is not offered: %s no in yubin.conf",
				 config_rows[xmail[i].explicit].name);
			return;
		}
	snprintf(p->off, sizeof(p->off), "STARTTLS is not offered: EnableTLS no in %s.conf",
		 daemon_rows[p->daemon].name);
}

static void find_off(const struct tls_ports *all, struct tls_port *p)
{
	if (p->listen->mode == CONFIG_MODE_PLAIN)
		snprintf(p->off, sizeof(p->off), "its mode is plain");
	else if (!setup_opens(all->setup, p->daemon, p->index))
		implicit_off(all, p);
	else if (!setup_tls(all->setup, p->daemon, p->index))
		explicit_off(all, p);
	else if (config_item(p->scope, CONFIG_CERTIFICATE, 0) == NULL)
		snprintf(p->off, sizeof(p->off),
			 "STARTTLS is not offered: there is no Certificate in %s.conf",
			 daemon_rows[p->daemon].name);
}

/* --- what ------------------------------------------------------------------ */

/* All that may stand under a Listen is the same. */
static bool same_settings(const struct config_scope *a, const struct config_scope *b)
{
	for (unsigned k = 0; k < CONFIG_KEY_COUNT; k++) {
		const char *x, *y;
		size_t i = 0;

		if ((config_rows[k].flags & CONFIG_PER_LISTEN) == 0)
			continue;
		do {
			x = config_written(a, k, i);
			y = config_written(b, k, i);
			i++;
		} while (x != NULL && y != NULL && strcmp(x, y) == 0);
		if (x != NULL || y != NULL)
			return false;
	}
	return true;
}

static size_t find_like(const struct tls_ports *all, const struct tls_port *p)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct tls_port *q = &all->port[i];

		if (q == p)
			break;
		if (q->daemon == p->daemon && q->listen->mode == p->listen->mode &&
		    q->listen->service == p->listen->service && strcmp(q->off, p->off) == 0 &&
		    same_settings(q->scope, p->scope))
			return i;
	}
	return (size_t)(p - all->port);
}

static int look(const struct tls_ports *all, struct tls_port *p, struct error *err)
{
	int rc = tls_policy_read(&p->policy, p->scope, NULL, NULL, err);

	if (rc == 0)
		rc = setup_material(&p->material, all->setup, p->daemon, p->index, err);
	if (rc < 0)
		return rc;
	/* one that can't be made is shown all the same, and why: the check has said it */
	tls_context_new(&p->context, &p->policy, &p->material.tls, NULL, NULL, err);
	return tls_view_make(&p->view, &p->policy, &p->material.tls, p->context, err);
}

static int add_port(struct tls_ports *all, enum daemon d, size_t index, struct error *err)
{
	const struct config *c = setup_of(all->setup, d)->config;
	struct tls_port *p = &all->port[all->count++];

	p->daemon = d;
	p->index = index;
	p->listen = config_listen(c, index);
	p->scope = config_listen_scope(c, index);
	find_off(all, p);
	p->like = find_like(all, p);
	if (p->off[0] != '\0' || p != &all->port[p->like])
		return 0;
	return look(all, p, err);
}

static size_t count_ports(const struct setup *setup, const bool daemons[DAEMON_COUNT])
{
	size_t n = 0;

	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		if (daemons[d] && daemon_rows[d].net)
			n += config_listen_count(setup_of(setup, d)->config);
	return n;
}

int tls_ports_new(struct tls_ports **out, const struct setup *setup, const bool daemons[DAEMON_COUNT],
		  struct error *err)
{
	size_t most = count_ports(setup, daemons);
	struct tls_ports *all = calloc(1, sizeof(*all) + most * sizeof(all->port[0]));
	int rc = 0;

	*out = NULL;
	if (all == NULL)
		return error_set(err, -ENOMEM, "no memory for %zu ports", most);
	all->setup = setup;
	for (enum daemon d = 0; d < DAEMON_COUNT; d++) {
		if (!daemons[d] || !daemon_rows[d].net)
			continue;
		for (size_t i = 0; rc == 0 && i < config_listen_count(setup_of(setup, d)->config); i++)
			rc = add_port(all, d, i, err);
	}
	if (rc < 0) {
		tls_ports_free(all);
		return rc;
	}
	*out = all;
	return 0;
}

void tls_ports_free(struct tls_ports *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++) {
		tls_context_drop(p->port[i].context);
		tls_view_clear(&p->port[i].view);
	}
	free(p);
}
