/* view_papers.c - the contract is in view_papers.h. */
#include "common/tls/view_papers.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/tls/chain.h"
#include "common/tls/choice.h"
#include "common/tls/pem.h"
#include "common/tls/text.h"

enum { LINKS_MAX = sizeof(((struct tls_view_certificate *)0)->links) / sizeof(struct tls_view_link) };

/* The pairs of a port, as tls_context_new would take them. */
struct papers {
	struct tls_view_certificate *out;
	struct tls_identity *ids;	/* those that could be read, in their order... */
	size_t *place;		/* ...and where each stands in out */
	size_t count;
};

/* --- a link ---------------------------------------------------------------- */

/* Ed25519 and Ed448 have no hash of their own. */
static void hash_text(X509 *cert, char *out, size_t size)
{
	int hash = NID_undef, key = NID_undef;

	X509_get_signature_info(cert, &hash, &key, NULL, NULL);
	snprintf(out, size, "%s", OBJ_nid2sn(hash != NID_undef ? hash : key));
}

static void link_put(struct tls_view_certificate *c, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	struct tls_view_link *l = &c->links[c->link_count];

	if (c->link_count == LINKS_MAX)
		return;
	c->link_count++;
	tls_subject_text(cert, l->subject, sizeof(l->subject));
	tls_dn_text(X509_get_issuer_name(cert), l->issuer, sizeof(l->issuer));
	snprintf(l->key, sizeof(l->key), "unknown");
	if (key != NULL)
		tls_key_text(key, l->key, sizeof(l->key));
	hash_text(cert, l->hash, sizeof(l->hash));
	tls_print_text(l->fingerprint, cert);
	tls_date_text(X509_get0_notAfter(cert), l->ends, sizeof(l->ends));
	l->days_left = tls_days_left(X509_get0_notAfter(cert));
	l->fits = tls_certificate_fits(cert);
}

/* --- a pair ---------------------------------------------------------------- */

/* A pair that tls_identity_load refuses: what of it can be read all the same. */
static void broken_look(struct tls_view_certificate *c, const struct tls_pair *pair)
{
	STACK_OF(X509) *list;
	EVP_PKEY *key;

	tls_pem_certificates(&list, pair->certificate, pair->certificate_name, NULL);
	tls_pem_key(&key, pair->key, pair->key_name, NULL);
	for (int i = 0; i < sk_X509_num(list); i++)
		link_put(c, sk_X509_value(list, i));
	c->key_matches = sk_X509_num(list) > 0 && key != NULL && X509_check_private_key(sk_X509_value(list, 0), key) == 1;
	sk_X509_pop_free(list, X509_free);
	EVP_PKEY_free(key);
	ERR_clear_error();
}

static void names_put(struct tls_view_certificate *c, const struct tls_identity *id)
{
	size_t used = 0;

	for (size_t i = 0; i < id->name_count && used < sizeof(c->names); i++)
		used += (size_t)snprintf(c->names + used, sizeof(c->names) - used, "%s%s", i > 0 ? " " : "",
					 id->names[i]);
}

static void identity_look(struct tls_view_certificate *c, const struct tls_identity *id, X509_STORE *system)
{
	names_put(c, id);
	c->key_matches = true;
	c->complete = tls_chain_complete(id->leaf, id->chain, system);
	link_put(c, id->leaf);
	for (int i = 0; i < sk_X509_num(id->chain); i++)
		link_put(c, sk_X509_value(id->chain, i));
}

/* --- which of them are used ------------------------------------------------ */

static int plain_context(void *arg, SSL_CTX **out, struct error *err)
{
	(void)arg;
	*out = SSL_CTX_new(TLS_server_method());
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	SSL_CTX_set_security_level(*out, 0);
	return 0;
}

/* Puts those that the level takes in front, as they stand; returns how many they are. */
static size_t strong_first(struct papers *p, unsigned level)
{
	size_t strong = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct tls_identity id = p->ids[i];
		size_t place = p->place[i];
		char weak[240];

		if (id.fits >= level) {
			p->ids[i] = p->ids[strong];
			p->place[i] = p->place[strong];
			p->ids[strong] = id;
			p->place[strong++] = place;
			continue;
		}
		tls_identity_weakest(&id, weak, sizeof(weak));
		snprintf(p->out[place].reason, sizeof(p->out[place].reason),
			 "too weak for SecureLevel %u (%s): it fits %u at most", level, weak, id.fits);
	}
	return strong;
}

static int used_look(struct papers *p, unsigned level, struct error *err)
{
	size_t strong = strong_first(p, level);
	struct tls_choice *choice = NULL;
	int rc = strong > 0 ? tls_choice_new(&choice, p->ids, strong, plain_context, NULL, err) : 0;

	for (size_t i = 0; i < strong && rc == 0; i++) {
		struct tls_view_certificate *c = &p->out[p->place[i]];

		c->used = p->ids[i].used;
		if (!c->used)
			snprintf(c->reason, sizeof(c->reason),
				 "an earlier certificate has the same names and kind of key");
	}
	tls_choice_free(choice);
	return rc;
}

/* --- all of them ----------------------------------------------------------- */

static void pairs_read(struct papers *p, const struct tls_material *m)
{
	for (size_t i = 0; i < m->pair_count; i++) {
		const struct tls_pair *pair = &m->pairs[i];
		struct tls_view_certificate *c = &p->out[i];
		struct error err;

		c->file = pair->certificate_name;
		c->key_file = pair->key_name;
		if (tls_identity_load(&p->ids[p->count], pair, &err) < 0) {
			snprintf(c->reason, sizeof(c->reason), "%.*s", (int)sizeof(c->reason) - 1, err.words);
			broken_look(c, pair);
			continue;
		}
		p->place[p->count++] = i;
	}
}

static X509_STORE *system_store(void)
{
	X509_STORE *store = X509_STORE_new();

	if (store != NULL)
		X509_STORE_set_default_paths(store);
	return store;
}

int tls_view_papers(struct tls_view *v, const struct tls_policy *policy, const struct tls_material *m,
		    struct error *err)
{
	struct papers p = { .out = calloc(m->pair_count + 1, sizeof(*p.out)),
			    .ids = calloc(m->pair_count + 1, sizeof(*p.ids)),
			    .place = calloc(m->pair_count + 1, sizeof(*p.place)) };
	X509_STORE *system = system_store();
	int rc = 0;

	if (p.out == NULL || p.ids == NULL || p.place == NULL)
		rc = error_set(err, -ENOMEM, "no memory to look at %zu certificates", m->pair_count);
	if (rc == 0) {
		pairs_read(&p, m);
		rc = tls_identities_complete(p.ids, p.count, policy->level, err);
	}
	for (size_t i = 0; i < p.count && rc == 0; i++)
		identity_look(&p.out[p.place[i]], &p.ids[i], system);
	if (rc == 0)
		rc = used_look(&p, policy->level, err);
	for (size_t i = 0; i < p.count; i++)
		tls_identity_clear(&p.ids[i]);
	X509_STORE_free(system);
	free(p.ids);
	free(p.place);
	v->certificates = p.out;
	v->certificate_count = m->pair_count;
	return rc;
}
