/* ports.c - the contract is in ports.h. */
#include "common/net/ports.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/log.h"

enum { PAIRS_MAX = 32, STAPLES_MAX = 32 }; /* of one port */

/* What yubind calls the fingerprints that accounts hold (setup.h). */
static const char fingerprints[] = "fingerprints";

/* What a context is made of; m points into it. */
struct papers {
	struct tls_material m;
	struct tls_pair pairs[PAIRS_MAX];
	struct span staples[STAPLES_MAX];
};

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

static int read_pairs(struct papers *p, const struct settings *s, const struct config_scope *scope,
		      struct error *err)
{
	size_t *n = &p->m.pair_count;
	int code = 0;

	for (*n = 0; code == 0 && config_item(scope, CONFIG_CERTIFICATE, *n) != NULL; ++*n) {
		if (*n == PAIRS_MAX)
			return error_set(err, -EINVAL, "more than %d certificates", PAIRS_MAX);
		code = read_pair(&p->pairs[*n], s, scope, *n, err);
	}
	if (code == 0 && *n == 0)
		return error_set(err, -EINVAL, "TLS is on, and there is no Certificate and PrivateKey");
	return code;
}

static int read_staples(struct papers *p, const struct settings *s, const struct config_scope *scope,
			struct error *err)
{
	size_t *n = &p->m.staple_count;
	const char *name;
	int code = 0;

	for (*n = 0; code == 0 && (name = config_item(scope, CONFIG_OCSP_STAPLE, *n)) != NULL; ++*n) {
		if (*n == STAPLES_MAX)
			return error_set(err, -EINVAL, "OcspStaple is there more than %d times", STAPLES_MAX);
		code = file_of(s, name, &p->staples[*n], err);
	}
	return code;
}

static int read_papers(struct papers *p, const struct settings *s, const struct port *port, const char *alpn,
		       struct error *err)
{
	const struct config_scope *scope = port->scope;
	int code = read_pairs(p, s, scope, err);

	p->m.pairs = p->pairs;
	p->m.staples = p->staples;
	p->m.alpn = alpn;
	p->m.listen = port->listen->text;
	if (code == 0)
		code = file_of(s, config_text(scope, CONFIG_CLIENT_CA), &p->m.client_ca, err);
	if (code == 0)
		code = file_of(s, config_text(scope, CONFIG_CLIENT_CRL), &p->m.client_crl, err);
	if (code == 0)
		code = read_staples(p, s, scope, err);
	/* Not there unless some port here has AllowSelfSigned. */
	if (!bundle_get(s->bundle, fingerprints, &p->m.fingerprints))
		p->m.fingerprints = (struct span){ NULL, 0 };
	return code;
}

static int make_context(struct port *p, const struct settings *s, const char *alpn, struct span tickets,
			struct error *err)
{
	struct papers papers = { 0 };
	struct tls_policy policy;
	int code = read_papers(&papers, s, p, alpn, err);

	if (code == 0)
		code = tls_policy_read(&policy, p->scope, on_warning, p, err);
	if (code == 0)
		code = tls_context_new(&p->tls, &policy, &papers.m, on_warning, p, err);
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
	if (p->listen->service == CONFIG_SERVICE_MX) {
		p->per_minute = (size_t)config_number(p->scope, CONFIG_CONNECTIONS_PER_MINUTE);
		p->refused_per_hour = (size_t)config_number(p->scope, CONFIG_REFUSED_RECIPIENTS_PER_HOUR);
	}
	if (!wants_tls(p, all->settings, which))
		return 0;
	if (make_context(p, all->settings, alpn, tickets, err) < 0)
		return error_context(err, "etc/%s.conf line %u: Listen %s", config_file_name(which),
				     p->listen->line, p->listen->text);
	p->start_tls = p->listen->mode == CONFIG_MODE_EXPLICIT;
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
	p->silence_ms = (uint64_t)config_number(top, CONFIG_SILENCE_TIME);
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
