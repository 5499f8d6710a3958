/* renew.c - the contract is in renew.h. */
#include "setup/renew.h"

#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "setup/inside.h"
#include "setup/pair.h"

struct renewal {
	const struct setup *old;
	const struct paths *paths;
	struct report *r;
	struct named *fresh[SETUP_FILES];	/* NULL: as it was */
};

/* --- words ----------------------------------------------------------------- */

static void tell_count(const struct named *n, const char *what, struct report *r)
{
	report_note(r, "%s renewed file=%s count=%zu", what, n->name, tls_papers(buf_span(&n->text), NULL, NULL));
}

static void tell_certificate(const struct named *n, const struct named *old, struct report *r)
{
	char lost[400];
	struct tls_paper paper;

	if (!tls_paper_first(buf_span(&n->text), &paper))
		return;
	report_note(r, "certificate renewed file=%s subject=\"%s\" ends=%s fingerprint=%s", n->name, paper.subject,
		    paper.ends, paper.fingerprint);
	tls_paper_lost(buf_span(&old->text), buf_span(&n->text), lost, sizeof(lost));
	if (*lost != '\0')
		report_warn(r, "certificate lost names file=%s names=\"%s\" the one before was for them too", n->name, lost);
}

static void tell_taken(const struct renewal *g, size_t i)
{
	const struct named *n = g->fresh[i];
	size_t certificate;

	switch (n->key) {
	case CONFIG_CERTIFICATE:
		tell_certificate(n, g->old->files[i], g->r);
		break;
	case CONFIG_PRIVATE_KEY:
		certificate = pair_certificate(g->old, i);
		if (certificate == i || g->fresh[certificate] == NULL) /* else its certificate's line is enough */
			report_note(g->r, "private key renewed file=%s", n->name);
		break;
	case CONFIG_CLIENT_CA:
		tell_count(n, "client authorities", g->r);
		break;
	case CONFIG_CLIENT_CRL:
		tell_count(n, "revocation lists", g->r);
		break;
	case CONFIG_OCSP_STAPLE:
		report_note(g->r, "OCSP response renewed file=%s", n->name);
		break;
	default:
		report_note(g->r, n->kind == NAMED_SIGNING ? "signing keys renewed file=%s" : "file renewed file=%s", n->name);
		break;
	}
}

static void tell_refused(const struct renewal *g, size_t i, const char *reason)
{
	struct tls_paper paper = { .ends = "" };
	const struct named *old = g->old->files[pair_certificate(g->old, i)];
	char shown[600];
	bool dated = (old->key == CONFIG_CERTIFICATE || old->key == CONFIG_CLIENT_CA || old->key == CONFIG_CLIENT_CRL) &&
		     tls_paper_first(buf_span(&old->text), &paper);

	escape_text(shown, sizeof(shown), span_of(reason));
	report_warn(g->r, "renewal refused file=%s reason=\"%s\" the old one stays in force%s%s", g->old->files[i]->name,
		    shown, dated ? " until " : "", paper.ends);
}

/* --- reading --------------------------------------------------------------- */

/* What reads as it did before is no news. */
static void read_fresh(struct renewal *g, size_t i)
{
	const struct named *old = g->old->files[i];
	struct named *n;
	struct error err;
	int rc = named_again(&n, old, g->paths, g->r, &err);

	if (rc != 0)
		tell_refused(g, i, err.words);
	else if (!span_equal(buf_span(&old->text), buf_span(&n->text)))
		g->fresh[i] = named_hold(n);
	named_drop(n);
}

/* --- trying ---------------------------------------------------------------- */

/* base with those fresh files that belong to unit (SIZE_MAX: all); NULL: no memory. */
static struct setup *with_fresh(const struct renewal *g, const struct setup *base, size_t unit)
{
	struct setup *s = setup_copy(base);

	for (size_t i = 0; s != NULL && i < s->file_count; i++) {
		if (g->fresh[i] == NULL || (unit != SIZE_MAX && pair_certificate(g->old, i) != unit))
			continue;
		named_drop(s->files[i]);
		s->files[i] = named_hold(g->fresh[i]);
	}
	return s;
}

static bool is_good(const struct setup *now, const struct setup *then, struct error *why)
{
	struct report quiet = { .sink = NULL };

	for (size_t i = 0; i < now->file_count; i++)
		if (now->files[i] != then->files[i] && !pair_is_good(now, then, i, why))
			return false;
	setup_check_tls(now, &quiet);
	if (quiet.errors > 0)
		error_set(why, -1, "%s", quiet.first);
	return quiet.errors == 0;
}

static void tell_unit(const struct renewal *g, size_t unit)
{
	for (size_t i = 0; i < g->old->file_count; i++)
		if (g->fresh[i] != NULL && (unit == SIZE_MAX || pair_certificate(g->old, i) == unit))
			tell_taken(g, i);
}

/* True, and *base is the better one, if the unit's files can be taken on top of it. */
static bool take_unit(const struct renewal *g, struct setup **base, size_t unit, struct error *why)
{
	struct setup *s = with_fresh(g, *base, unit);

	if (s == NULL) {
		error_set(why, -1, "no memory");
		return false;
	}
	if (!is_good(s, *base, why)) {
		setup_drop(s);
		return false;
	}
	setup_drop(*base);
	*base = s;
	tell_unit(g, unit);
	return true;
}

static void take_one_by_one(const struct renewal *g, struct setup **base)
{
	bool done[SETUP_FILES] = { false };
	struct error why;

	for (size_t i = 0; i < g->old->file_count; i++) {
		size_t unit = pair_certificate(g->old, i);

		if (g->fresh[i] == NULL || done[unit])
			continue;
		done[unit] = true;
		if (!take_unit(g, base, unit, &why))
			tell_refused(g, i, why.words);
	}
}

static size_t count_fresh(const struct renewal *g)
{
	size_t count = 0;

	for (size_t i = 0; i < g->old->file_count; i++)
		count += g->fresh[i] != NULL;
	return count;
}

void setup_renew(struct setup **out, const struct setup *s, const bool which[SETUP_FILES],
		 const struct paths *paths, struct report *r)
{
	struct renewal g = { .old = s, .paths = paths, .r = r };
	struct setup *base = NULL;
	struct error why;

	*out = NULL;
	for (size_t i = 0; i < s->file_count; i++)
		if (which[i])
			read_fresh(&g, i);
	if (count_fresh(&g) > 0)
		base = setup_copy(s);
	/* All at once first: a CRL may need the authority that came with it. */
	if (base != NULL && !take_unit(&g, &base, SIZE_MAX, &why))
		take_one_by_one(&g, &base);
	for (size_t i = 0; base != NULL && i < s->file_count; i++)
		if (base->files[i] != s->files[i])
			*out = base;
	if (*out == NULL)
		setup_drop(base);
	for (size_t i = 0; i < s->file_count; i++)
		named_drop(g.fresh[i]);
}

void setup_renew_fingerprints(struct setup **out, const struct setup *s, const struct paths *paths,
			      struct report *r)
{
	struct setup *copy = setup_self_signed(s) ? setup_copy(s) : NULL;
	struct error err;

	*out = NULL;
	if (copy == NULL)
		return;
	buf_reset(&copy->fingerprints);
	if (holders_read(paths, &copy->fingerprints, &err) != 0)
		report_warn(r, "fingerprints of accounts not read, the old ones stay in force reason=%s", err.words);
	else if (!span_equal(buf_span(&s->fingerprints), buf_span(&copy->fingerprints)))
		*out = copy;
	if (*out == NULL)
		setup_drop(copy);
}
