/* check_tls.c - the TLS of a port as its daemon will make it, made and tried before. */
#include <stdio.h>
#include <string.h>

#include "common/tls/trial.h"
#include "setup/material.h"
#include "setup/place.h"

static void warn(const struct place *p, const char *words)
{
	report_warn(p->r, "%s:%u: Listen %s: %s", setup_name(p->s, p->daemon), p->listen->line, p->listen->text,
		    words);
}

static void on_warning(void *arg, const char *words)
{
	warn(arg, words);
}

static void fail(const struct place *p, const char *words)
{
	report_error(p->r, "%s:%u: Listen %s: %s", setup_name(p->s, p->daemon), p->listen->line, p->listen->text,
		     words);
}

/* --- a handshake ----------------------------------------------------------- */

/* What mask and level promise is one thing; what OpenSSL with its build, its openssl.cnf and
 * these certificates does is another. */
static void warn_version(const struct place *p, struct tls_context *c, enum tls_version version)
{
	static const char *const names[] = { "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };
	char words[700];
	unsigned i = 0;
	struct error err;

	if (tls_trial(c, version, NULL, &err) == 0)
		return;
	while ((unsigned)TLS_1_0 << i != (unsigned)version)
		i++;
	snprintf(words, sizeof(words), "%s is not forbidden, but no client will get it (%s); see CipherList, the kinds of "
				       "certificates, and openssl.cnf", names[i], err.words);
	warn(p, words);
}

static void try_handshake(const struct place *p, struct tls_context *c, const struct tls_policy *policy)
{
	unsigned promised = tls_policy_versions(policy), failed = 0;
	struct error err = { .words = "" };

	for (unsigned v = TLS_1_0; v <= TLS_1_3; v <<= 1)
		if ((promised & v) != 0 && tls_trial(c, v, NULL, &err) != 0)
			failed |= v;
	if (failed == promised) {
		error_context(&err, "a trial handshake fails with every version");
		fail(p, err.words);
		return;
	}
	for (unsigned v = TLS_1_0; v <= TLS_1_3; v <<= 1)
		if ((failed & v) != 0)
			warn_version(p, c, v);
}

/* --- a context ------------------------------------------------------------- */

static void try_context(const struct place *p, const struct tls_material *m)
{
	struct tls_context *context = NULL;
	struct tls_policy policy;
	struct error err;

	if (tls_policy_read(&policy, p->scope, on_warning, (void *)p, &err) != 0 ||
	    tls_context_new(&context, &policy, m, on_warning, (void *)p, &err) != 0)
		fail(p, err.words);
	else
		try_handshake(p, context, &policy);
	tls_context_drop(context);
}

static void say_no_certificate(const struct place *p)
{
	if (p->listen->mode == CONFIG_MODE_IMPLICIT)
		fail(p, "it is implicit TLS, but there is no Certificate and PrivateKey: `yubin cert new` makes them, "
			"EnableSSL no turns such ports off");
	else
		fail(p, "it offers STARTTLS, but there is no Certificate and PrivateKey: `yubin cert new` makes them, "
			"EnableTLS no turns STARTTLS off");
}

static bool has_tls(const struct place *p, size_t i)
{
	return setup_tls(p->s, p->daemon, i);
}

/* The same mode too: what is said of a missing certificate names the switch for it. */
static bool has_this_mode(const struct place *p, size_t i)
{
	return has_tls(p, i) && config_listen(setup_of(p->s, p->daemon)->config, i)->mode == p->listen->mode;
}

/* --- once for all ---------------------------------------------------------- */

static bool same_key(const struct config_scope *a, const struct config_scope *b, enum config_key key)
{
	for (size_t i = 0;; i++) {
		const char *one = config_written(a, key, i), *other = config_written(b, key, i);

		if (one == NULL || other == NULL)
			return one == other;
		if (strcmp(one, other) != 0)
			return false;
	}
}

/* Everything that may stand under a Listen of any daemon, TLS among it. */
static bool same_scope(const struct config_scope *a, const struct config_scope *b)
{
	static const unsigned net = CONFIG_SMTPD | CONFIG_POP3D | CONFIG_IMAPD;

	for (unsigned k = 0; k < CONFIG_KEY_COUNT; k++)
		if ((config_rows[k].files & net) == net && (config_rows[k].flags & CONFIG_PER_LISTEN) != 0 &&
		    !same_key(a, b, k))
			return false;
	return true;
}

/* Another daemon has a port of the very same TLS, of which nothing was to be said. A context
 * and its handshakes take milliseconds, and `start` is to be quick. */
static bool is_known_good(const struct place *p)
{
	for (enum daemon d = 0; d < p->daemon; d++) {
		const struct config *c = setup_of(p->s, d)->config;

		for (size_t i = 0; i < config_listen_count(c) && !p->loud[d]; i++)
			if (setup_tls(p->s, d, i) && same_scope(p->scope, config_listen_scope(c, i)))
				return true;
	}
	return false;
}

void place_check_tls(struct place *p)
{
	unsigned before = p->r->errors + p->r->warnings;
	struct setup_material m;
	struct error err;

	if (setup_material(&m, p->s, p->daemon, p->index, &err) != 0) {
		if (!place_again(p, has_tls))
			fail(p, err.words);
	} else if (m.tls.pair_count == 0) {
		if (!place_again(p, has_this_mode))
			say_no_certificate(p);
	} else if (!place_again(p, has_tls) && !is_known_good(p)) {
		try_context(p, &m.tls);
	}
	p->loud[p->daemon] |= p->r->errors + p->r->warnings != before;
}

void setup_check_tls(const struct setup *s, struct report *r)
{
	struct place p = { .s = s, .r = r };

	for (p.daemon = 0; p.daemon < DAEMON_COUNT; p.daemon++)
		for (size_t i = 0; i < config_listen_count(setup_of(s, p.daemon)->config); i++) {
			place_go(&p, i);
			if (setup_tls(s, p.daemon, i))
				place_check_tls(&p);
		}
}
