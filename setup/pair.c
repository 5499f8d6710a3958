/* pair.c - the contract is in pair.h. */
#include "setup/pair.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/tls/trial.h"
#include "setup/inside.h"
#include "setup/material.h"
#include "setup/place.h"

/* --- which certificate ----------------------------------------------------- */

struct search {
	const char *key;		/* a PrivateKey */
	const char *certificate;	/* the first that it stands beside */
};

static void find_partner(void *arg, const struct config_scope *scope, enum config_key key, size_t at, const char *name)
{
	struct search *f = arg;

	if (key == CONFIG_PRIVATE_KEY && f->certificate == NULL && strcmp(name, f->key) == 0)
		f->certificate = config_item(scope, CONFIG_CERTIFICATE, at);
}

size_t pair_certificate(const struct setup *s, size_t i)
{
	struct search f = { .key = s->files[i]->name };

	if (s->files[i]->key != CONFIG_PRIVATE_KEY)
		return i;
	for (enum daemon d = 0; d < DAEMON_COUNT && f.certificate == NULL; d++)
		confs_walk_files(s->confs, d, find_partner, &f);
	for (size_t k = 0; f.certificate != NULL && k < s->file_count; k++)
		if (strcmp(s->files[k]->name, f.certificate) == 0)
			return k;
	return i;
}

/* --- at a port ------------------------------------------------------------- */

/* A context of this pair alone, and a handshake with it. */
static int serve_alone(const struct place *p, const struct tls_material *all, size_t i, struct error *why)
{
	struct tls_material one = *all;
	struct tls_context *context = NULL;
	struct tls_policy policy;
	int rc;

	one.pairs = &all->pairs[i];
	one.pair_count = 1;
	rc = tls_policy_read(&policy, p->scope, NULL, NULL, why);
	if (rc == 0)
		rc = tls_context_new(&context, &policy, &one, NULL, NULL, why);
	if (rc == 0 && (tls_trial_versions(context) & tls_policy_versions(&policy)) == 0)
		rc = error_set(why, -EPROTO, "%s: a trial handshake fails with every version", one.pairs->certificate_name);
	tls_context_drop(context);
	return rc;
}

/* The same port of another setup. */
static int serve_alone_in(const struct setup *s, const struct place *like, const char *certificate,
			  struct error *why)
{
	struct place p = { .s = s, .daemon = like->daemon };
	struct setup_material m;
	int rc;

	place_go(&p, like->index);
	rc = setup_material(&m, s, p.daemon, p.index, why);
	for (size_t i = 0; rc == 0 && i < m.tls.pair_count; i++)
		if (strcmp(m.pairs[i].certificate_name, certificate) == 0)
			rc = serve_alone(&p, &m.tls, i, why);
	return rc;
}

static bool has_tls(const struct place *p, size_t i)
{
	return setup_tls(p->s, p->daemon, i);
}

/* One that the port's level has left out before may be left out again. */
static bool is_good_at(const struct place *p, const struct setup *then, const char *certificate,
		       struct error *why)
{
	struct error before;

	return !has_tls(p, p->index) || place_again(p, has_tls) ||
	       serve_alone_in(p->s, p, certificate, why) == 0 ||
	       serve_alone_in(then, p, certificate, &before) != 0;
}

static bool is_good_at_all(const struct setup *now, const struct setup *then, const char *certificate,
			   struct error *why)
{
	struct place p = { .s = now };

	for (p.daemon = 0; p.daemon < DAEMON_COUNT; p.daemon++)
		for (size_t i = 0; i < config_listen_count(setup_of(now, p.daemon)->config); i++) {
			place_go(&p, i);
			if (!is_good_at(&p, then, certificate, why))
				return false;
		}
	return true;
}

/* --- by itself ------------------------------------------------------------- */

static bool has_good_dates(const struct named *n, struct error *why)
{
	int64_t now_s = clock_real_ms() / 1000;
	struct tls_paper paper;

	if (!tls_paper_first(buf_span(&n->text), &paper))
		return true; /* what is in it the context tells */
	if (paper.ends_s < now_s)
		error_set(why, -EINVAL, "%s: expired on %s", n->name, paper.ends);
	else if (paper.begins_s > now_s)
		error_set(why, -EINVAL, "%s: is not valid yet", n->name);
	return paper.ends_s >= now_s && paper.begins_s <= now_s;
}

static bool has_good_names(const struct named *now, const struct named *then, const char *hostname,
			   struct error *why)
{
	if (!tls_paper_covers(buf_span(&then->text), hostname) || tls_paper_covers(buf_span(&now->text), hostname))
		return true;
	error_set(why, -EINVAL, "%s: is not for %s (Hostname), and the one in force is", now->name, hostname);
	return false;
}

bool pair_is_good(const struct setup *now, const struct setup *then, size_t i, struct error *why)
{
	size_t k = pair_certificate(now, i);
	const struct named *certificate = now->files[k];

	if (certificate->key != CONFIG_CERTIFICATE)
		return true;
	if (!is_good_at_all(now, then, certificate->name, why))
		return false;
	return k != i || (has_good_dates(certificate, why) &&
			  has_good_names(certificate, then->files[i],
					 config_text(setup_site(now), CONFIG_HOSTNAME), why));
}
