/* ports.c - the contract is in ports.h. */
#include "common/net/ports.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/log.h"

enum { PAIRS_MAX = 32 }; /* certificates of one port */

static void on_warning(void *arg, const char *words)
{
	const struct port *p = arg;

	log_warn("Listen %s: %s", p->listen->text, words);
}

/* XMail's names in yubin.conf switch STARTTLS as well. */
static bool xmail_allows(const struct settings *s, enum config_file which)
{
	static const struct {
		enum config_file which;
		enum config_key key;
	} rows[] = { { CONFIG_SMTPD, CONFIG_SMTP_TLS },
		     { CONFIG_POP3D, CONFIG_POP3_TLS },
		     { CONFIG_IMAPD, CONFIG_IMAP_TLS } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].which == which)
			return config_bool(config_top(s->site), rows[i].key);
	return true;
}

static bool wants_tls(const struct port *p, const struct settings *s, enum config_file which)
{
	switch (p->listen->mode) {
	case CONFIG_MODE_IMPLICIT:
		return config_bool(p->scope, CONFIG_ENABLE_SSL);
	case CONFIG_MODE_EXPLICIT:
		return config_bool(p->scope, CONFIG_ENABLE_TLS) && xmail_allows(s, which);
	case CONFIG_MODE_PLAIN:
		break;
	}
	return false;
}

/* The text of a file that a key names; a file that is not there is yubind's mistake. */
static int file_of(const struct settings *s, const char *path, struct span *text, struct error *err)
{
	*text = (struct span){ NULL, 0 };
	if (path == NULL || path[0] == '\0')
		return 0;
	if (!bundle_get(s->bundle, path, text))
		return error_set(err, -ENOENT, "%s is not among the settings", path);
	return 0;
}

static int read_pair(struct tls_pair *pair, const struct settings *s, const struct config_scope *scope,
		     size_t i, struct error *err)
{
	int code;

	pair->certificate_name = config_item(scope, CONFIG_CERTIFICATE, i);
	pair->key_name = config_item(scope, CONFIG_PRIVATE_KEY, i);
	if (pair->key_name == NULL)
		return error_set(err, -EINVAL, "Certificate %s has no PrivateKey", pair->certificate_name);
	code = file_of(s, pair->certificate_name, &pair->certificate, err);
	return code < 0 ? code : file_of(s, pair->key_name, &pair->key, err);
}

static int read_material(struct tls_material *m, struct tls_pair pairs[PAIRS_MAX], const struct settings *s,
			 const struct port *p, struct error *err)
{
	int code = file_of(s, config_text(p->scope, CONFIG_CLIENT_CA), &m->client_ca, err);

	if (code == 0)
		code = file_of(s, config_text(p->scope, CONFIG_CLIENT_CRL), &m->client_crl, err);
	while (code == 0 && config_item(p->scope, CONFIG_CERTIFICATE, m->pair_count) != NULL) {
		if (m->pair_count == PAIRS_MAX)
			return error_set(err, -EINVAL, "more than %d certificates", PAIRS_MAX);
		code = read_pair(&pairs[m->pair_count], s, p->scope, m->pair_count, err);
		m->pair_count++;
	}
	return code;
}

static int make_context(struct port *p, const struct settings *s, const char *alpn, struct span tickets,
			struct error *err)
{
	struct tls_pair pairs[PAIRS_MAX];
	struct tls_material m = { .pairs = pairs, .alpn = alpn, .listen = p->listen->text };
	struct tls_policy policy;
	int code = read_material(&m, pairs, s, p, err);

	if (code < 0)
		return code;
	if (m.pair_count == 0 && p->listen->mode == CONFIG_MODE_IMPLICIT)
		return error_set(err, -EINVAL, "an implicit port needs Certificate and PrivateKey");
	if (m.pair_count == 0) {
		on_warning(p, "no Certificate, so no STARTTLS");
		return 0;
	}
	code = tls_policy_read(&policy, p->scope, on_warning, p, err);
	if (code == 0)
		code = tls_context_new(&p->tls, &policy, &m, on_warning, p, err);
	if (code == 0 && tickets.n > 0)
		tls_context_tickets(p->tls, tickets);
	return code;
}

static int make_port(struct ports *all, size_t i, enum config_file which, const char *alpn,
		     struct span tickets, struct error *err)
{
	struct port *p = &all->port[i];

	p->listen = config_listen(all->settings->own, i);
	p->scope = config_listen_scope(all->settings->own, i);
	if (!wants_tls(p, all->settings, which))
		return 0;
	if (make_context(p, all->settings, alpn, tickets, err) < 0)
		return error_context(err, "etc/%s.conf line %u: Listen %s", config_file_name(which),
				     p->listen->line, p->listen->text);
	p->start_tls = p->tls != NULL && p->listen->mode == CONFIG_MODE_EXPLICIT;
	return 0;
}

static void read_limits(struct ports *p)
{
	const struct config_scope *top = config_top(p->settings->own);

	p->max_connections = (size_t)config_number(top, CONFIG_MAX_CONNECTIONS);
	p->per_address = (size_t)config_number(top, CONFIG_CONNECTIONS_PER_ADDRESS);
	p->per_user = (size_t)config_number(top, CONFIG_CONNECTIONS_PER_USER);
	p->output_limit = (size_t)config_number(top, CONFIG_OUTPUT_LIMIT);
	p->handshake_ms = (uint64_t)config_number(top, CONFIG_HANDSHAKE_TIME);
	p->write_ms = (uint64_t)config_number(top, CONFIG_WRITE_TIME);
}

int ports_new(struct ports **out, struct settings *s, enum config_file which, const char *alpn,
	      struct span tickets, struct error *err)
{
	size_t count = config_listen_count(s->own);
	struct ports *p = calloc(1, sizeof(*p) + count * sizeof(p->port[0]));
	int code = 0;

	*out = NULL;
	if (p == NULL)
		return error_set(err, -ENOMEM, "no memory for %zu ports", count);
	p->holders = 1;
	p->settings = settings_hold(s);
	p->count = count;
	read_limits(p);
	for (size_t i = 0; i < count && code == 0; i++)
		code = make_port(p, i, which, alpn, tickets, err);
	if (code < 0) {
		ports_drop(p);
		return code;
	}
	*out = p;
	return 0;
}

struct ports *ports_hold(struct ports *p)
{
	p->holders++;
	return p;
}

void ports_drop(struct ports *p)
{
	if (p == NULL || --p->holders > 0)
		return;
	for (size_t i = 0; i < p->count; i++)
		if (p->port[i].tls != NULL)
			tls_context_drop(p->port[i].tls);
	settings_drop(p->settings);
	free(p);
}

void ports_tickets(struct ports *p, struct span keys)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->port[i].tls != NULL)
			tls_context_tickets(p->port[i].tls, keys);
}
