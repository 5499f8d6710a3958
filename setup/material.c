/* material.c - the contract is in material.h. */
#include "setup/material.h"

#include <errno.h>

static struct span file_of(const struct setup *s, const struct config_scope *scope, enum config_key key)
{
	const char *name = config_text(scope, key);
	struct span text = { NULL, 0 };

	if (*name != '\0')
		setup_file(s, name, &text);
	return text;
}

static int find_pairs(struct setup_material *m, const struct setup *s, const struct config_scope *scope,
		      struct error *err)
{
	for (m->tls.pair_count = 0; m->tls.pair_count < SETUP_PAIRS_MAX; m->tls.pair_count++) {
		struct tls_pair *pair = &m->pairs[m->tls.pair_count];
		const char *certificate = config_item(scope, CONFIG_CERTIFICATE, m->tls.pair_count);
		const char *key = config_item(scope, CONFIG_PRIVATE_KEY, m->tls.pair_count);

		if (certificate == NULL && key == NULL)
			return 0;
		if (certificate == NULL || key == NULL)
			break;
		*pair = (struct tls_pair){ .certificate_name = certificate, .key_name = key };
		setup_file(s, certificate, &pair->certificate);
		setup_file(s, key, &pair->key);
	}
	return error_set(err, -EINVAL,
			 "Certificate and PrivateKey go in pairs, %d at most; here one of them has no partner",
			 SETUP_PAIRS_MAX);
}

static int find_staples(struct setup_material *m, const struct setup *s, const struct config_scope *scope,
			struct error *err)
{
	const char *name;

	for (size_t i = 0; (name = config_item(scope, CONFIG_OCSP_STAPLE, i)) != NULL; i++) {
		if (i == SETUP_STAPLES_MAX)
			return error_set(err, -EINVAL, "OcspStaple may be given %d times at most", SETUP_STAPLES_MAX);
		setup_file(s, name, &m->staples[i]);
		m->tls.staple_count = i + 1;
	}
	return 0;
}

int setup_material(struct setup_material *m, const struct setup *s, enum daemon d, size_t listen, struct error *err)
{
	const struct config *c = setup_of(s, d)->config;
	const struct config_scope *scope = config_listen_scope(c, listen);
	int rc;

	m->tls = (struct tls_material){
		.pairs = m->pairs,
		.staples = m->staples,
		.fingerprints = setup_fingerprints(s, d),
		.client_ca = file_of(s, scope, CONFIG_CLIENT_CA),
		.client_crl = file_of(s, scope, CONFIG_CLIENT_CRL),
		.alpn = daemon_rows[d].alpn,
		.listen = config_listen(c, listen)->text,
	};
	rc = find_pairs(m, s, scope, err);
	return rc != 0 ? rc : find_staples(m, s, scope, err);
}
