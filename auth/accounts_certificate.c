/* accounts_certificate.c - the contracts are in accounts_certificate.h and accounts.h. */
#include "auth/accounts_certificate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int accounts_certificates_take(struct arena *arena, const struct accounts_text_account *text,
			       struct account *account)
{
	size_t n = text->certificate_count;
	struct account_certificate *kept;

	if (n == 0)
		return 0;
	kept = arena_array(arena, n, sizeof(kept[0]));
	if (kept == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		kept[i].fingerprint = arena_text(arena, span_of(text->certificates[i].fingerprint));
		kept[i].label = arena_text(arena, text->certificates[i].label);
		if (kept[i].fingerprint == NULL || kept[i].label == NULL)
			return -ENOMEM;
	}
	account->certificates = kept;
	account->certificate_count = n;
	return 0;
}

int accounts_certificates_claim(struct table *holders, struct arena *arena, struct account *account,
				const struct accounts_text_warn *w)
{
	size_t n = account->certificate_count, count = 0;
	struct account_certificate *kept;

	if (n == 0)
		return 0;
	kept = arena_array(arena, n, sizeof(kept[0]));
	if (kept == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct span fingerprint = span_of(account->certificates[i].fingerprint);
		const struct account *holder = table_get(holders, fingerprint);

		if (holder != NULL) {
			accounts_text_say(w, "the certificate %.16s... is %s's: it logs nobody else in",
					  account->certificates[i].fingerprint, holder->address);
			continue;
		}
		if (table_put(holders, fingerprint, account) < 0)
			return -ENOMEM;
		kept[count++] = account->certificates[i];
	}
	account->certificates = kept;
	account->certificate_count = count;
	return 0;
}

static bool is_fit(const struct account_certificate *c)
{
	char normal[ACCOUNTS_FINGERPRINT];

	return accounts_fingerprint(span_of(c->fingerprint), normal) && strcmp(normal, c->fingerprint) == 0 &&
	       accounts_label(span_of(c->label));
}

int accounts_certificates_check(const struct account *account, struct error *err)
{
	if (account->certificate_count > ACCOUNTS_CERTIFICATES_MAX)
		return error_set(err, -EINVAL, "an account holds %d certificates at most",
				 ACCOUNTS_CERTIFICATES_MAX);
	for (size_t i = 0; i < account->certificate_count; i++)
		if (!is_fit(&account->certificates[i]))
			return error_set(err, -EINVAL, "the fingerprint or the label of a certificate is malformed");
	return 0;
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void accounts_fingerprints(const struct accounts *a, struct buf *out)
{
	size_t count = 0, n = 0;
	const char **all;

	for (size_t i = 0; i < accounts_count(a); i++)
		count += accounts_at(a, i)->certificate_count;
	all = calloc(count + 1, sizeof(all[0]));
	if (all == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < accounts_count(a); i++) {
		const struct account *account = accounts_at(a, i);

		for (size_t k = 0; account->enabled && k < account->certificate_count; k++)
			all[n++] = account->certificates[k].fingerprint;
	}
	qsort(all, n, sizeof(all[0]), by_text);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s\n", all[i]);
	free(all);
}
