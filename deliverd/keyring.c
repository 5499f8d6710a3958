/* keyring.c - the contract is in keyring.h. */
#include "deliverd/keyring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/table.h"

struct ring {
	char domain[DKIM_NAME_MAX];
	struct dkim_key *keys[DKIM_KEYS];
	size_t count;
};

struct keyring {
	struct table *rings;
};

static bool fold(struct span domain, char out[DKIM_NAME_MAX])
{
	if (domain.n == 0 || domain.n >= DKIM_NAME_MAX)
		return false;
	for (size_t i = 0; i < domain.n; i++)
		out[i] = (char)ascii_lower(domain.p[i]);
	out[domain.n] = '\0';
	return true;
}

static int add_key(struct ring *r, const struct bundle *b, const struct dkim_entry *e, struct error *err)
{
	char name[DKIM_NAME_MAX + DKIM_SELECTOR_MAX + 16];
	struct span pem;
	int rc;

	snprintf(name, sizeof(name), "dkim/%s/%.63s.pem", r->domain, e->selector);
	if (!bundle_get(b, name, &pem))
		return error_set(err, -ENOENT, "%s is not among the settings", name);
	rc = dkim_key_read(&r->keys[r->count], pem, r->domain, e->selector, err);
	if (rc == 0)
		r->count++;
	return rc == 0 ? 0 : error_context(err, "%s", name);
}

static int fill_ring(struct ring *r, const struct bundle *b, struct error *err)
{
	struct dkim_entry entries[DKIM_KEYS];
	char name[DKIM_NAME_MAX + 16];
	struct span text;
	size_t count;
	int rc;

	snprintf(name, sizeof(name), "dkim/%s/keys", r->domain);
	if (!bundle_get(b, name, &text))
		return error_set(err, -ENOENT, "%s is not among the settings", name);
	rc = dkim_keys_read(text, entries, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (entries[i].state == DKIM_ACTIVE)
			rc = add_key(r, b, &entries[i], err);
	return rc;
}

static int add_ring(struct keyring *k, const struct bundle *b, struct span domain, struct error *err)
{
	struct ring *r = calloc(1, sizeof(*r));
	char folded[DKIM_NAME_MAX];
	int rc;

	if (r == NULL || !fold(domain, folded) || table_put(k->rings, span_of(folded), r) < 0) {
		free(r);
		return error_set(err, -ENOMEM, "no memory for the keys of a domain");
	}
	memcpy(r->domain, domain.p, domain.n);
	rc = fill_ring(r, b, err);
	return rc;
}

int keyring_new(struct keyring **out, const struct bundle *b, struct error *err)
{
	struct keyring *k = *out = calloc(1, sizeof(*k));
	struct span domains = { NULL, 0 };
	int rc = k != NULL ? table_new(&k->rings, err) : error_set(err, -ENOMEM, "no memory for keys");

	if (rc == 0)
		bundle_get(b, "dkim", &domains);
	while (rc == 0 && domains.n > 0) {
		struct span domain = span_trim(span_take_until(&domains, '\n'));

		if (domain.n > 0)
			rc = add_ring(k, b, domain, err);
	}
	if (rc != 0) {
		keyring_free(k);
		*out = NULL;
	}
	return rc;
}

void keyring_free(struct keyring *k)
{
	size_t at = 0;
	void *value;

	if (k == NULL)
		return;
	while (k->rings != NULL && table_next(k->rings, &at, NULL, &value)) {
		struct ring *r = value;

		for (size_t i = 0; i < r->count; i++)
			dkim_key_free(r->keys[i]);
		free(r);
	}
	table_free(k->rings);
	free(k);
}

bool keyring_empty(const struct keyring *k)
{
	return table_count(k->rings) == 0;
}

size_t keyring_find(const struct keyring *k, struct span domain, const struct dkim_key **out)
{
	char folded[DKIM_NAME_MAX];
	const struct ring *r = fold(domain, folded) ? table_get(k->rings, span_of(folded)) : NULL;

	for (size_t i = 0; r != NULL && i < r->count; i++)
		out[i] = r->keys[i];
	return r != NULL ? r->count : 0;
}
