/* account_domain.c - domain add, list, remove. */
#include <string.h>
#include <unistd.h>

#include "admin/account_parts.h"
#include "admin/keyring.h"

enum { OUTPUT = 64 << 20 }; /* bytes of the longest list */

static int domain_add(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	bool made;
	int code = account_open(s, &f, &err);

	if (code == 0)
		code = accounts_domain_add(f.fd, &f.owner, l->words[0], &err);
	account_close(&f);
	if (code == 0)
		code = keyring_first(s, l->words[0], &made, &err);
	if (code < 0)
		return verb_failed(&err);
	if (isatty(STDOUT_FILENO))
		printf("What to publish in the DNS: yubin dns records %s\n", l->words[0]);
	return account_changed(s, "added %s", l->words[0]);
}

static int domain_remove(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	int code = account_open(s, &f, &err);

	if (code == 0)
		code = accounts_domain_remove(f.fd, l->words[0], &err);
	account_close(&f);
	return code < 0 ? verb_failed(&err) : account_changed(s, "removed %s", l->words[0]);
}

static bool is_in(const char *address, const char *domain)
{
	return strcmp(strrchr(address, '@') + 1, domain) == 0;
}

static size_t accounts_in(const struct accounts *all, const char *domain)
{
	size_t n = 0;

	for (size_t i = 0; i < accounts_count(all); i++)
		n += is_in(accounts_at(all, i)->address, domain);
	return n;
}

static size_t aliases_in(const struct accounts *all, const char *domain)
{
	size_t n = 0;

	for (size_t i = 0; i < accounts_alias_count(all); i++)
		n += is_in(accounts_alias_at(all, i)->address, domain);
	return n;
}

static void put_json(struct buf *b, const struct accounts *all)
{
	buf_put_byte(b, '[');
	for (size_t i = 0; i < accounts_domain_count(all); i++) {
		const char *domain = accounts_domain_at(all, i);

		buf_put_text(b, i > 0 ? ",\n{" : "\n{");
		account_json(b, "domain", domain);
		buf_printf(b, ",\"accounts\":%zu,\"aliases\":%zu}", accounts_in(all, domain),
			   aliases_in(all, domain));
	}
	buf_put_text(b, "\n]\n");
}

static void put_table(struct buf *b, const struct accounts *all)
{
	size_t width = strlen("DOMAIN");

	for (size_t i = 0; i < accounts_domain_count(all); i++) {
		size_t n = strlen(accounts_domain_at(all, i));

		width = n > width ? n : width;
	}
	if (accounts_domain_count(all) > 0)
		buf_printf(b, "%-*s  %8s  %7s\n", (int)width, "DOMAIN", "ACCOUNTS", "ALIASES");
	for (size_t i = 0; i < accounts_domain_count(all); i++) {
		const char *domain = accounts_domain_at(all, i);

		buf_printf(b, "%-*s  %8zu  %7zu\n", (int)width, domain, accounts_in(all, domain),
			   aliases_in(all, domain));
	}
}

static int domain_list(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	struct buf b;
	int code = account_open(s, &f, &err);

	buf_init(&b, OUTPUT);
	if (code == 0 && l->json)
		put_json(&b, f.accounts);
	else if (code == 0)
		put_table(&b, f.accounts);
	account_close(&f);
	return code < 0 ? verb_failed(&err) : verb_print(&b);
}

static const struct account_member members[] = {
	{ "add", 0, 1, 1, domain_add },
	{ "list", ACCOUNT_JSON, 0, 0, domain_list },
	{ "remove", 0, 1, 1, domain_remove },
};

int domain_run(const struct site *s, int argc, char **argv)
{
	return account_family(s, argc, argv, members, sizeof(members) / sizeof(members[0]));
}
