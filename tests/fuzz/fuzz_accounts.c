/* fuzz_accounts.c - a file of accounts/ with any bytes in it, and any name.
 * link: auth sasl common/base */
#include <stdlib.h>
#include <string.h>

#include "auth/accounts.h"
#include "auth/accounts_name.h"
#include "auth/accounts_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What decodes is spelt in one way and holds nothing that leaves a folder. */
static void check_name(struct span in)
{
	char name[ACCOUNTS_FILE_MAX], file[ACCOUNTS_FILE_MAX];

	if (accounts_name_decode(name, in, ".alias")) {
		must(accounts_name_encode(file, span_of(name), ".alias") && span_is(in, file));
		must(strchr(file, '/') == NULL && file[0] != '.');
	}
	if (span_find(in, 0) < 0 && accounts_name_encode(file, in, "")) {
		must(accounts_name_decode(name, span_of(file), "") && span_is(in, name));
		must(strchr(file, '/') == NULL && file[0] != '.' && strcmp(file, "order") != 0 &&
		     strcmp(file, "srs.key") != 0);
	}
}

static void check_address(const char *in)
{
	char once[ACCOUNTS_ADDRESS_MAX], twice[ACCOUNTS_ADDRESS_MAX];
	struct error err;

	if (accounts_address(in, once, &err) == 0)
		must(accounts_address(once, twice, &err) == 0 && strcmp(once, twice) == 0);
	if (accounts_target(in, once, &err) == 0)
		must(accounts_target(once, twice, &err) == 0 && strcmp(once, twice) == 0);
	accounts_alias_name(in, once, &err);
}

/* What is understood can be written and is understood again. */
static void check_account(struct span in)
{
	struct accounts_text_warn silent = { .file = "x" };
	struct accounts_text_account first, second;
	struct account_certificate certificates[ACCOUNTS_CERTIFICATES_MAX];
	char labels[ACCOUNTS_CERTIFICATES_MAX][ACCOUNTS_LABEL_MAX] = { "" }, password[256] = "";
	struct account a = { .password = password, .certificates = certificates };
	char *forwards[ACCOUNTS_FORWARDS_MAX];
	struct buf b;
	bool whole;

	accounts_text_account(in, &silent, &first);
	must(first.password.n < sizeof(password));
	if (first.password.n > 0)
		memcpy(password, first.password.p, first.password.n);
	for (; a.certificate_count < first.certificate_count; a.certificate_count++) {
		const struct accounts_text_certificate *c = &first.certificates[a.certificate_count];
		char *label = labels[a.certificate_count];

		must(accounts_label(c->label));
		if (c->label.n > 0)
			memcpy(label, c->label.p, c->label.n);
		certificates[a.certificate_count] = (struct account_certificate){ c->fingerprint, label };
	}
	for (size_t i = 0; i < first.forward_count; i++) {
		forwards[i] = malloc(first.forwards[i].n + 1);
		must(forwards[i] != NULL);
		memcpy(forwards[i], first.forwards[i].n > 0 ? first.forwards[i].p : (const uint8_t *)"", first.forwards[i].n);
		forwards[i][first.forwards[i].n] = '\0';
		a.forward_count += strlen(forwards[i]) == first.forwards[i].n;
	}
	whole = a.forward_count == first.forward_count;	/* no NUL among them, which put_account never writes */
	a.forwards = (const char *const *)forwards;
	a.forward_keep = first.forward_keep;
	a.forward_count = whole ? a.forward_count : 0;
	a.enabled = first.enabled;
	a.created_s = first.created_s;
	buf_init(&b, 1 << 20);
	accounts_text_put_account(&b, &a);
	accounts_text_account(buf_span(&b), &silent, &second);
	must(span_equal(first.password, second.password) && first.enabled == second.enabled);
	must(first.created_s == second.created_s && first.certificate_count == second.certificate_count);
	for (size_t i = 0; i < first.certificate_count; i++) {
		must(strcmp(first.certificates[i].fingerprint, second.certificates[i].fingerprint) == 0);
		must(span_equal(first.certificates[i].label, second.certificates[i].label));
	}
	must(!whole || first.forward_count == second.forward_count);
	must(!whole || first.forward_count == 0 || first.forward_keep == second.forward_keep);
	for (size_t i = 0; i < first.forward_count; i++) {
		must(!whole || span_equal(first.forwards[i], second.forwards[i]));
		free(forwards[i]);
	}
	buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_name(in);
	check_address(text);
	check_account(in);
	free(text);
	return 0;
}
