/* account_alias.c - alias add, list, remove. */
#include <stdio.h>

#include "admin/account_parts.h"

enum { OUTPUT = 256 << 20 }; /* bytes of the longest list */

static int alias_add(const struct site *s, const struct account_line *l)
{
	struct alias alias = { .address = l->words[0],
			       .targets = (const char *const *)l->words + 1,
			       .target_count = (size_t)l->count - 1 };
	struct account_folder f;
	struct error err;
	size_t elsewhere = 0;
	int code = account_open(s, &f, &err);

	if (code == 0)
		code = accounts_alias_add(f.fd, &f.owner, &alias, &err);
	for (size_t i = 0; code == 0 && i < alias.target_count; i++)
		account_warn_of_target(f.accounts, alias.targets[i]);
	if (code == 0)
		elsewhere = account_elsewhere(f.accounts, alias.targets, alias.target_count);
	account_close(&f);
	if (code < 0)
		return verb_failed(&err);
	if (elsewhere == 0)
		return account_changed(s, "added %s", alias.address);
	return account_changed(s, "added %s: mail to it goes on to %zu address%s on other servers", alias.address,
			       elsewhere, elsewhere > 1 ? "es" : "");
}

static int alias_remove(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	int code = account_open(s, &f, &err);

	if (code == 0)
		code = accounts_alias_remove(f.fd, l->words[0], &err);
	account_close(&f);
	return code < 0 ? verb_failed(&err) : account_changed(s, "removed %s", l->words[0]);
}

/* What a list has a line for. */
struct entry {
	const char *name;
	const char *const *targets;
	size_t count;
	bool built_in; /* postmaster, who is there without being made (RFC 5321 4.5.1) */
};

typedef void (*put_entry)(struct buf *b, const struct entry *e);

static void each_entry(struct buf *b, const struct accounts *all, put_entry put)
{
	for (size_t i = 0; i < accounts_alias_count(all); i++) {
		const struct alias *a = accounts_alias_at(all, i);

		put(b, &(struct entry){ a->address, a->targets, a->target_count, false });
	}
	for (size_t i = 0; i < accounts_domain_count(all) && accounts_count(all) > 0; i++) {
		char name[ACCOUNTS_ADDRESS_MAX];
		const char *first = accounts_at(all, 0)->address;

		snprintf(name, sizeof(name), "postmaster@%s", accounts_domain_at(all, i));
		if (accounts_find(all, name) == NULL && accounts_find_alias(all, name) == NULL)
			put(b, &(struct entry){ name, &first, 1, true });
	}
}

static void put_json(struct buf *b, const struct entry *e)
{
	buf_put_text(b, b->n > 1 ? ",\n{" : "\n{");
	account_json(b, "alias", e->name);
	account_json_list(b, "targets", e->targets, e->count);
	buf_printf(b, ",\"built_in\":%s}", e->built_in ? "true" : "false");
}

static void put_text(struct buf *b, const struct entry *e)
{
	buf_put_text(b, e->name);
	for (size_t i = 0; i < e->count; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : " -> ", e->targets[i]);
	buf_put_text(b, e->built_in ? "  (built in)\n" : "\n");
}

static int alias_list(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	struct buf b;
	int code = account_open(s, &f, &err);

	buf_init(&b, OUTPUT);
	if (l->json)
		buf_put_byte(&b, '[');
	if (code == 0)
		each_entry(&b, f.accounts, l->json ? put_json : put_text);
	if (l->json)
		buf_put_text(&b, "\n]\n");
	account_close(&f);
	if (code == 0)
		return verb_print(&b);
	buf_clear(&b);
	return verb_failed(&err);
}

static const struct account_member members[] = {
	{ "add", 0, 2, 1 + ACCOUNTS_TARGETS_MAX, alias_add },
	{ "list", ACCOUNT_JSON, 0, 0, alias_list },
	{ "remove", 0, 1, 1, alias_remove },
};

int alias_run(const struct site *s, int argc, char **argv)
{
	return account_family(s, argc, argv, members, sizeof(members) / sizeof(members[0]));
}
