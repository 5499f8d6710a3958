/* outward.c - the contract is in outward.h. */
#include "setup/outward.h"

#include <string.h>
#include <unistd.h>

#include "common/config/deliver.h"
#include "common/config/route.h"
#include "common/tls/outbound.h"
#include "common/tls/policy.h"
#include "setup/signing.h"

#define AUTHORITIES "authorities"
#define RESOLV_CONF "resolv.conf"
#define LISTENS     "listens"

enum { LISTENS_MAX = 16 << 10 };

/* --- reading --------------------------------------------------------------- */

/* Where systems keep the authorities that they trust, in one file. */
const char *setup_authorities(void)
{
	static const char *const places[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
					      "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem" };
	unsigned i = 0;

	while (i + 1 < sizeof(places) / sizeof(places[0]) && access(places[i], R_OK) < 0)
		i++;
	return access(places[i], R_OK) == 0 ? places[i] : places[0];
}

static const struct config_scope *outward_scope(const struct setup *s)
{
	return config_top(s->confs->daemons[DAEMON_DELIVERD].config);
}

static void take(struct setup *s, struct named *n, int rc, const struct error *err, struct report *r)
{
	if (n != NULL && s->file_count < SETUP_FILES)
		s->files[s->file_count++] = n;
	else if (n != NULL) {
		named_drop(n);
		report_error(r, "more than %d files are named", SETUP_FILES);
	}
	if (rc != 0)
		report_error(r, "%s", err->words);
}

void outward_read(struct setup *s, const struct setup_source *source, struct report *r)
{
	struct named *n;
	struct error err;
	int rc;

	if (*config_text(outward_scope(s), CONFIG_HTTPS_CA) == '\0') {
		rc = named_read_system(&n, AUTHORITIES, setup_authorities(), &err);
		if (rc == 0 && n->text.n == 0)
			report_note(r, "%s is not there (the package ca-certificates): without HttpsCA no policy of MTA-STS can be "
				       "fetched", n->path);
		take(s, n, rc, &err, r);
	}
	rc = named_read_system(&n, RESOLV_CONF, "/etc/resolv.conf", &err);
	take(s, n, rc, &err, r);
	rc = named_read_signing(&n, source->paths, r, &err);
	take(s, n, rc, &err, r);
}

bool outward_is_taken(const char *name)
{
	return strcmp(name, AUTHORITIES) == 0 || strcmp(name, RESOLV_CONF) == 0 || strcmp(name, LISTENS) == 0 ||
	       strncmp(name, "dkim", 4) == 0;
}

/* --- packing --------------------------------------------------------------- */

static void pack_listens(const struct setup *s, struct buf *bundle)
{
	const struct config *c = s->confs->daemons[DAEMON_SMTPD].config;
	struct buf lines;

	buf_init(&lines, LISTENS_MAX);
	for (size_t i = 0; i < config_listen_count(c); i++) {
		const struct config_listen *l = config_listen(c, i);

		if (l->service == CONFIG_SERVICE_MX && confs_opens(s->confs, DAEMON_SMTPD, i))
			buf_printf(&lines, strchr(l->host, ':') != NULL ? "[%s]:%u\n" : "%s:%u\n",
				   *l->host != '\0' ? l->host : "*", l->port);
	}
	bundle->failed |= lines.failed;
	bundle_put(bundle, LISTENS, buf_span(&lines));
	buf_clear(&lines);
}

void outward_pack(const struct setup *s, struct buf *bundle)
{
	for (size_t i = 0; i < s->file_count; i++) {
		const struct named *n = s->files[i];

		if (n->kind == NAMED_SYSTEM)
			bundle_put(bundle, n->name, buf_span(&n->text));
		else if (n->kind == NAMED_SIGNING)
			buf_put_secret(bundle, buf_span(&n->text));
	}
	pack_listens(s, bundle);
}

/* --- checking -------------------------------------------------------------- */

struct told {
	const struct setup *s;
	struct report *r;
};

static void warn(void *arg, const char *words)
{
	const struct told *p = arg;

	report_warn(p->r, "%s: %s", setup_name(p->s, DAEMON_DELIVERD), words);
}

/* A context takes milliseconds, and of the defaults nothing is to be said. */
static bool says_tls(const struct config_scope *top)
{
	static const enum config_key keys[] = { CONFIG_TLS_PROFILE, CONFIG_SECURE_LAY_OPTION, CONFIG_SECURE_LEVEL,
						CONFIG_TLS_VERSIONS, CONFIG_CIPHER_LIST, CONFIG_CIPHER_SUITES,
						CONFIG_GROUPS };

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (config_is_set(top, keys[i]))
			return true;
	return false;
}

/* A context with our certificate, as deliverd will make it. pair NULL: without one. */
static int try_context(struct told *p, const struct tls_pair *pair, tls_warn tell, struct error *err)
{
	const struct tls_outbound_material material = { .pair = pair };
	struct tls_context *context = NULL;
	struct tls_policy policy;
	int rc = tls_policy_read(&policy, outward_scope(p->s), tell, p, err);

	if (rc == 0)
		rc = tls_outbound_new(&context, &policy, TLS_OUTBOUND_NOTE, &material, tell, p, err);
	tls_context_drop(context);
	return rc;
}

static int try_certificate(struct told *p, const char *name, struct error *err)
{
	struct tls_pair pair = { .certificate_name = name, .key_name = name };

	if (!setup_file(p->s, name, &pair.certificate))
		return 0;
	pair.key = pair.certificate;
	return try_context(p, &pair, NULL, err);
}

static void check_routes(struct told *p, const struct config_scope *top)
{
	const char *line;

	for (size_t i = 0; (line = config_item(top, CONFIG_ROUTE, i)) != NULL; i++) {
		struct route route;
		struct error err;

		if (route_parse(&route, span_of(line), &err) != 0 ||
		    (*route.cert != '\0' && try_certificate(p, route.cert, &err) != 0))
			report_error(p->r, "%s:%u: Route %s: %s", setup_name(p->s, DAEMON_DELIVERD),
				     config_item_line(top, CONFIG_ROUTE, i), line, err.words);
	}
}

static void check_texts(struct told *p, const struct config_scope *top)
{
	enum config_key key;
	struct error err;

	if (deliver_check(top, &key, &err) != 0)
		report_error(p->r, "%s:%u: %s: %s", setup_name(p->s, DAEMON_DELIVERD), config_line(top, key),
			     config_rows[key].name, err.words);
}

void outward_check(const struct setup *s, struct report *r)
{
	struct told p = { s, r };
	struct error err;

	check_texts(&p, outward_scope(s));

	if (says_tls(outward_scope(s)) && try_context(&p, NULL, warn, &err) != 0)
		report_error(r, "%s: %s", setup_name(s, DAEMON_DELIVERD), err.words);
	else
		check_routes(&p, outward_scope(s));
}
