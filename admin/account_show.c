/* account_show.c - the contract is in account_show.h. */
#include "admin/account_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts_text.h"
#include "storage/local/names.h"

enum { OUTPUT = 256 << 20 }; /* bytes of the longest list */

static const char *created_text(const struct account *a, char room[ACCOUNTS_TIME])
{
	room[0] = '\0';
	if (a->created_s > 0)
		accounts_time_text(room, a->created_s);
	return room;
}

/* The members that list and show have in common. */
static void put_json(struct buf *b, const struct account *a)
{
	char created[ACCOUNTS_TIME];

	account_json(b, "address", a->address);
	buf_printf(b, ",\"enabled\":%s,\"password\":%s", a->enabled ? "true" : "false",
		   *a->password != '\0' ? "true" : "false");
	account_json(b, "created", created_text(a, created));
	account_json_list(b, "forwards", a->forwards, a->forward_count);
	buf_printf(b, ",\"keeps_copy\":%s", a->forward_count == 0 || a->forward_keep ? "true" : "false");
}

static int address_width(const struct accounts *a)
{
	size_t most = strlen("ADDRESS");

	for (size_t i = 0; i < accounts_count(a); i++) {
		size_t n = strlen(accounts_at(a, i)->address);

		most = n > most ? n : most;
	}
	return (int)most;
}

static const char *state_text(const struct account *a)
{
	return !a->enabled ? "disabled" : *a->password == '\0' ? "no password" : "enabled";
}

static void put_table(struct buf *b, const struct accounts *all)
{
	int width = address_width(all);

	if (accounts_count(all) > 0)
		buf_printf(b, "%-*s  %-11s  %s\n", width, "ADDRESS", "STATE", "CREATED");
	for (size_t i = 0; i < accounts_count(all); i++) {
		const struct account *a = accounts_at(all, i);
		char created[ACCOUNTS_TIME];

		buf_printf(b, "%-*s  %-11s  %s\n", width, a->address, state_text(a),
			   created_text(a, created));
	}
}

static void put_json_list(struct buf *b, const struct accounts *all)
{
	buf_put_byte(b, '[');
	for (size_t i = 0; i < accounts_count(all); i++) {
		buf_put_text(b, i > 0 ? ",\n{" : "\n{");
		put_json(b, accounts_at(all, i));
		buf_put_byte(b, '}');
	}
	buf_put_text(b, "\n]\n");
}

int account_list(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	struct buf b;
	int code = account_open(s, &f, &err);

	buf_init(&b, OUTPUT);
	if (code == 0 && l->json)
		put_json_list(&b, f.accounts);
	else if (code == 0)
		put_table(&b, f.accounts);
	account_close(&f);
	return code < 0 ? verb_failed(&err) : verb_print(&b);
}

/* All that there is to know of one account. */
struct card {
	const struct account *account;
	char mail[PATHS_MAX + NAMES_FOLDER_MAX];
	const char **aliases; /* those that name it */
	size_t alias_count;
};

static int card_fill(struct card *c, const struct site *s, const struct accounts *all, const char *word,
		     struct error *err)
{
	char address[ACCOUNTS_ADDRESS_MAX], folder[NAMES_FOLDER_MAX] = "";
	int code = accounts_address(word, address, err);

	if (code < 0)
		return code;
	c->account = accounts_find(all, address);
	if (c->account == NULL)
		return error_set(err, -ENOENT, "the account %s is not there", address);
	names_folder(folder, span_of(address));
	snprintf(c->mail, sizeof(c->mail), "%s/%s", s->paths.folder[PATHS_MAIL], folder);
	c->aliases = calloc(accounts_alias_count(all) + 1, sizeof(c->aliases[0]));
	if (c->aliases == NULL)
		return error_set(err, -ENOMEM, "no memory for the aliases");
	for (size_t i = 0; i < accounts_alias_count(all); i++)
		if (account_alias_names(accounts_alias_at(all, i), address))
			c->aliases[c->alias_count++] = accounts_alias_at(all, i)->address;
	return 0;
}

static void put_certificates(struct buf *b, const struct account *a)
{
	buf_put_text(b, ",\"certificates\":[");
	for (size_t i = 0; i < a->certificate_count; i++) {
		buf_put_text(b, i > 0 ? ",{" : "{");
		account_json(b, "fingerprint", a->certificates[i].fingerprint);
		account_json(b, "label", a->certificates[i].label);
		buf_put_byte(b, '}');
	}
	buf_put_byte(b, ']');
}

/* null: what holds for all accounts; 0: no limit */
static void put_quota(struct buf *b, const struct account *a)
{
	if (a->quota == 0)
		buf_put_text(b, ",\"quota\":null");
	else
		buf_printf(b, ",\"quota\":%llu", (unsigned long long)(a->quota == ACCOUNTS_QUOTA_NONE ? 0 : a->quota));
}

static void put_apps(struct buf *b, const struct account *a)
{
	const char *names[ACCOUNTS_APPS_MAX];
	size_t n = 0;

	for (; n < a->app_count && n < ACCOUNTS_APPS_MAX; n++)
		names[n] = a->apps[n].name;
	account_json_list(b, "apps", names, n);
	buf_printf(b, ",\"app_only\":%s", a->app_only ? "true" : "false");
}

static void card_json(struct buf *b, const struct card *c)
{
	buf_put_byte(b, '{');
	put_json(b, c->account);
	put_quota(b, c->account);
	account_json(b, "mail", c->mail);
	account_json_list(b, "aliases", c->aliases, c->alias_count);
	put_certificates(b, c->account);
	put_apps(b, c->account);
	buf_put_text(b, "}\n");
}

static void card_text(struct buf *b, const struct card *c)
{
	char created[ACCOUNTS_TIME], quota[ACCOUNT_QUOTA_TEXT];

	buf_printf(b, "address  %s\nstate    %s\ncreated  %s\nmail     %s\n", c->account->address,
		   state_text(c->account), created_text(c->account, created), c->mail);
	buf_printf(b, "quota    %s\n", account_quota_text(c->account, quota));
	for (size_t i = 0; i < c->account->forward_count; i++)
		buf_printf(b, "forward  %s\n", c->account->forwards[i]);
	if (c->account->forward_count > 0)
		buf_printf(b, "copy     %s\n", c->account->forward_keep ? "stays here" : "none");
	for (size_t i = 0; i < c->alias_count; i++)
		buf_printf(b, "alias    %s\n", c->aliases[i]);
	for (size_t i = 0; i < c->account->certificate_count; i++) {
		const struct account_certificate *one = &c->account->certificates[i];

		buf_printf(b, "cert     %s%s%s\n", one->fingerprint, *one->label != '\0' ? "  " : "", one->label);
	}
	for (size_t i = 0; i < c->account->app_count; i++)
		buf_printf(b, "app      %s\n", c->account->apps[i].name);
	if (c->account->app_only)
		buf_put_text(b, "login    by app passwords only\n");
}

int account_show(const struct site *s, const struct account_line *l)
{
	struct card c = { .aliases = NULL };
	struct account_folder f;
	struct error err;
	struct buf b;
	int code = account_open(s, &f, &err);

	buf_init(&b, OUTPUT);
	if (code == 0)
		code = card_fill(&c, s, f.accounts, l->words[0], &err);
	if (code == 0 && l->json)
		card_json(&b, &c);
	else if (code == 0)
		card_text(&b, &c);
	free(c.aliases);
	account_close(&f);
	return code < 0 ? verb_failed(&err) : verb_print(&b);
}
