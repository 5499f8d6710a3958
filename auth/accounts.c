/* accounts.c - the contract is in accounts.h; how the folder becomes memory. */
#include "auth/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/accounts_app.h"
#include "auth/accounts_certificate.h"
#include "auth/accounts_file.h"
#include "auth/accounts_name.h"
#include "auth/accounts_text.h"
#include "common/base/arena.h"
#include "common/base/escape.h"
#include "common/base/table.h"

enum {
	MEMORY = 1 << 30, /* bytes of all accounts together */
	TEXT = 512 << 10  /* bytes of one file: an alias with all its targets */
};

/* One thing that has a name; the three kinds share what sorting needs. */
struct item {
	const char *name;
	size_t place; /* in the file order; SIZE_MAX: not in it */
	struct account account;
	struct alias alias;
};

struct list {
	struct table *by_name;
	struct item **items;
};

struct accounts {
	struct arena *arena;
	struct list domains, accounts, aliases;
	struct table *holders; /* of certificates: from fingerprint to account */
};

/* What is needed while the folder is read. */
struct reader {
	struct accounts *a;
	struct accounts_text_warn warn;
	char file[600]; /* shown in warnings */
	struct buf text;
	const char *domain; /* whose folder is being read */
};

static int no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "no memory for the accounts");
}

/* These are nobody's fault here: half of the accounts must not pass for all of them. */
static bool is_shortage(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -ENFILE || code == -EINTR;
}

/* A new item of that name, or NULL. */
static struct item *list_add(struct accounts *a, struct list *l, const char *name)
{
	struct item *it = arena_alloc(a->arena, sizeof(*it));

	if (it == NULL)
		return NULL;
	it->place = SIZE_MAX;
	it->name = arena_text(a->arena, span_of(name));
	if (it->name == NULL || table_put(l->by_name, span_of(it->name), it) < 0)
		return NULL;
	return it;
}

static const struct item *list_find(const struct list *l, const char *name)
{
	char folded[ACCOUNTS_ADDRESS_MAX];

	if (*name == '\0' || !accounts_name_fold(folded, sizeof(folded), span_of(name)))
		return NULL;
	return table_get(l->by_name, span_of(folded));
}

static int by_place(const void *left, const void *right)
{
	const struct item *a = *(struct item *const *)left, *b = *(struct item *const *)right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->account.created_s != b->account.created_s)
		return a->account.created_s < b->account.created_s ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int by_domain(const void *left, const void *right)
{
	const char *a = (*(struct item *const *)left)->name, *b = (*(struct item *const *)right)->name;
	int order = strcmp(strrchr(a, '@'), strrchr(b, '@'));

	return order != 0 ? order : strcmp(a, b);
}

static int list_sort(struct list *l, int (*order)(const void *, const void *))
{
	size_t at = 0, n = 0;
	void *value;

	l->items = calloc(table_count(l->by_name) + 1, sizeof(l->items[0]));
	if (l->items == NULL)
		return -ENOMEM;
	while (table_next(l->by_name, &at, NULL, &value))
		l->items[n++] = value;
	qsort(l->items, n, sizeof(l->items[0]), order);
	return 0;
}

/* Reads the file into r->text and names it in warnings. */
static int read_text(struct reader *r, int at, const char *name)
{
	char shown[ACCOUNTS_FILE_MAX];

	snprintf(r->file, sizeof(r->file), "accounts/%s%s%s", r->domain != NULL ? r->domain : "",
		 r->domain != NULL ? "/" : "", escape_text(shown, sizeof(shown), span_of(name)));
	buf_reset(&r->text);
	return accounts_file_read(at, name, &r->text);
}

/* One more target. What is no address is passed over. */
static int take_target(struct reader *r, const char **targets, size_t *count, struct span value)
{
	char in[ACCOUNTS_ADDRESS_MAX], out[ACCOUNTS_ADDRESS_MAX];
	struct error why;

	if (*count == ACCOUNTS_TARGETS_MAX) {
		accounts_text_say(&r->warn, "more than %d targets", ACCOUNTS_TARGETS_MAX);
		return 0;
	}
	if (value.n >= sizeof(in) || span_find(value, 0) >= 0) {
		accounts_text_say(&r->warn, "a target is no address");
		return 0;
	}
	memcpy(in, value.p, value.n);
	in[value.n] = '\0';
	if (accounts_target(in, out, &why) < 0) {
		accounts_text_say(&r->warn, "%s", why.words);
		return 0;
	}
	targets[*count] = arena_text(r->a->arena, span_of(out));
	return targets[(*count)++] != NULL ? 0 : -ENOMEM;
}

static int take_forwards(struct reader *r, const struct accounts_text_account *text, struct account *account)
{
	const char *targets[ACCOUNTS_TARGETS_MAX], **kept;
	size_t count = 0;

	for (size_t i = 0; i < text->forward_count; i++)
		if (take_target(r, targets, &count, text->forwards[i]) < 0)
			return -ENOMEM;
	if (count == 0)
		return 0;
	kept = arena_array(r->a->arena, count, sizeof(kept[0]));
	if (kept == NULL)
		return -ENOMEM;
	memcpy(kept, targets, count * sizeof(kept[0]));
	account->forwards = kept;
	account->forward_count = count;
	account->forward_keep = text->forward_keep;
	return 0;
}

static bool keep_keys(struct accounts *a, struct account *account, const struct scram_keys keys[SCRAM_HASHES])
{
	for (size_t h = 0; h < SCRAM_HASHES; h++) {
		struct scram_keys *kept = keys[h].iterations > 0 ? arena_alloc(a->arena, sizeof(*kept)) : NULL;

		if (kept == NULL && keys[h].iterations > 0)
			return false;
		if (kept != NULL)
			*kept = keys[h];
		account->scram[h] = kept;
	}
	return true;
}

int accounts_set_keys(struct accounts *a, const char *address, const char *anew, const struct scram_keys keys[SCRAM_HASHES])
{
	const char *password;
	char folded[ACCOUNTS_ADDRESS_MAX];
	struct item *it = NULL;

	if (accounts_name_fold(folded, sizeof(folded), span_of(address)))
		it = table_get(a->accounts.by_name, span_of(folded));
	if (it == NULL)
		return -ENOENT;
	password = *anew != '\0' ? arena_text(a->arena, span_of(anew)) : it->account.password;
	if (password == NULL)
		return -ENOMEM;
	it->account.password = password;
	return keep_keys(a, &it->account, keys) ? 0 : -ENOMEM;
}

static int read_account(struct reader *r, int at, const char *name, const char *address)
{
	struct accounts_text_account text = { .enabled = false };
	struct item *it = list_add(r->a, &r->a->accounts, address);
	int code = read_text(r, at, name);

	if (is_shortage(code) || it == NULL)
		return it == NULL ? -ENOMEM : code;
	if (code == 0)
		accounts_text_account(buf_span(&r->text), &r->warn, &text);
	else
		accounts_text_say(&r->warn, "can't be read (%s): nobody can log in", strerror(-code));
	it->account = (struct account){ .address = it->name,
					.password = arena_text(r->a->arena, text.password),
					.enabled = text.enabled,
					.created_s = text.created_s,
					.quota = text.quota };
	if (it->account.password == NULL || !keep_keys(r->a, &it->account, text.scram))
		return -ENOMEM;
	it->account.app_only = text.app_only;
	code = take_forwards(r, &text, &it->account);
	if (code == 0)
		code = accounts_apps_take(r->a->arena, text.apps, text.app_count, &it->account);
	return code == 0 ? accounts_certificates_take(r->a->arena, &text, &it->account) : code;
}

/* The lines `key ADDRESS` of r->text as the alias of that name. */
static int take_alias(struct reader *r, const char *key, const char *name)
{
	const char *targets[ACCOUNTS_TARGETS_MAX], **kept;
	struct span text = buf_span(&r->text);
	struct accounts_line line;
	struct item *it;
	size_t count = 0;

	while (accounts_text_next(&text, &line)) {
		if (!span_is(line.key, key))
			accounts_text_say(&r->warn,
					  "a line that does not begin with \"%s\" means nothing here", key);
		else if (take_target(r, targets, &count, line.value) < 0)
			return -ENOMEM;
	}
	if (count == 0)
		return 0;
	kept = arena_array(r->a->arena, count, sizeof(kept[0]));
	it = list_add(r->a, &r->a->aliases, name);
	if (kept == NULL || it == NULL)
		return -ENOMEM;
	memcpy(kept, targets, count * sizeof(kept[0]));
	it->alias = (struct alias){ .address = it->name, .targets = kept, .target_count = count };
	return 0;
}

static int read_alias(struct reader *r, int at, const char *name, const char *address)
{
	int code = read_text(r, at, name);

	if (code < 0 && !is_shortage(code)) {
		accounts_text_say(&r->warn, "can't be read (%s): left out", strerror(-code));
		return 0;
	}
	return code < 0 ? code : take_alias(r, "to", address);
}

/* The address that a file in r->domain's folder is about; false: it is none. */
static bool address_of(const struct reader *r, const char *file, const char *suffix,
		       char out[ACCOUNTS_ADDRESS_MAX])
{
	char user[ACCOUNTS_FILE_MAX], whole[ACCOUNTS_FILE_MAX + ACCOUNTS_DOMAIN_MAX];

	if (!accounts_name_decode(user, span_of(file), suffix))
		return false;
	snprintf(whole, sizeof(whole), "%s@%s", user, r->domain);
	return accounts_address(whole, out, NULL) == 0 && strcmp(whole, out) == 0;
}

static int read_entry(struct reader *r, int at, const char *name)
{
	char address[ACCOUNTS_ADDRESS_MAX], shown[ACCOUNTS_FILE_MAX];

	if (strcmp(name, "domain") == 0)
		return 0;
	if (address_of(r, name, ".account", address))
		return read_account(r, at, name, address);
	if (address_of(r, name, ".alias", address))
		return read_alias(r, at, name, address);
	snprintf(r->file, sizeof(r->file), "accounts/%s/%s", r->domain,
		 escape_text(shown, sizeof(shown), span_of(name)));
	accounts_text_say(&r->warn, "is no account and no alias by its name: left out");
	return 0;
}

/* Each name in the folder at goes to take. */
static int walk(struct reader *r, int at, int (*take)(struct reader *r, int at, const char *name))
{
	struct accounts_walk *w;
	const char *name;
	int code = accounts_walk_open(&w, at);

	while (code == 0) {
		code = accounts_walk_next(w, &name);
		if (code <= 0)
			break;
		code = take(r, at, name);
	}
	accounts_walk_close(w);
	return code;
}

static int read_domain_folder(struct reader *r, int at, const char *domain)
{
	char catch_all[ACCOUNTS_ADDRESS_MAX];
	int code;

	r->domain = domain;
	code = read_text(r, at, "domain");
	if (is_shortage(code))
		return code;
	if (code == -ENOENT) {
		accounts_text_say(&r->warn, "is not there: the folder is left out");
		return 0;
	}
	if (code < 0)
		accounts_text_say(&r->warn, "can't be read (%s)", strerror(-code));
	if (list_add(r->a, &r->a->domains, domain) == NULL)
		return -ENOMEM;
	snprintf(catch_all, sizeof(catch_all), "@%s", domain);
	code = code == 0 ? take_alias(r, "catch-all", catch_all) : 0;
	return code == 0 ? walk(r, at, read_entry) : code;
}

/* Files beside the domains' folders. */
static bool is_of_the_server(const char *name)
{
	static const char *const names[] = { "order", "srs.key", "scram.key", "seen.log" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int read_domain(struct reader *r, int at, const char *name)
{
	char decoded[ACCOUNTS_FILE_MAX], domain[ACCOUNTS_DOMAIN_MAX];
	int fd, code;

	if (is_of_the_server(name))
		return 0;
	r->domain = NULL;
	snprintf(r->file, sizeof(r->file), "accounts/%s",
		 escape_text(decoded, sizeof(decoded), span_of(name)));
	if (!accounts_name_decode(decoded, span_of(name), "") || accounts_domain(decoded, domain, NULL) < 0 ||
	    strcmp(decoded, domain) != 0) {
		accounts_text_say(&r->warn, "is no domain by its name: left out");
		return 0;
	}
	fd = accounts_folder_open(at, name);
	if (fd < 0 && !is_shortage(fd)) {
		accounts_text_say(&r->warn, "can't be opened (%s): left out", strerror(-fd));
		return 0;
	}
	if (fd < 0)
		return fd;
	code = read_domain_folder(r, fd, domain);
	close(fd);
	return code;
}

/* Lines `domain NAME` and `account ADDRESS`; what they name may be gone again. */
static int read_order(struct reader *r, int at)
{
	struct accounts_line line;
	struct span text;
	size_t place = 0;
	int code;

	r->domain = NULL;
	code = read_text(r, at, "order");
	if (code < 0 && code != -ENOENT && !is_shortage(code))
		accounts_text_say(&r->warn, "can't be read (%s)", strerror(-code));
	text = buf_span(&r->text);
	while (code == 0 && accounts_text_next(&text, &line)) {
		const struct list *l = span_is(line.key, "domain") ? &r->a->domains : &r->a->accounts;
		struct item *it = line.value.n > 0 ? table_get(l->by_name, line.value) : NULL;

		if (it != NULL && it->place == SIZE_MAX)
			it->place = place++;
	}
	return is_shortage(code) ? code : 0;
}

static int accounts_new(struct accounts **out)
{
	struct accounts *a = calloc(1, sizeof(*a));

	*out = a;
	if (a == NULL || arena_new(&a->arena, MEMORY, ARENA_WIPING, NULL) < 0 ||
	    table_new(&a->domains.by_name, NULL) < 0 || table_new(&a->accounts.by_name, NULL) < 0 ||
	    table_new(&a->holders, NULL) < 0)
		return -ENOMEM;
	return table_new(&a->aliases.by_name, NULL);
}

static int accounts_sort(struct accounts *a)
{
	if (list_sort(&a->domains, by_place) < 0 || list_sort(&a->accounts, by_place) < 0)
		return -ENOMEM;
	return list_sort(&a->aliases, by_domain);
}

/* In order of adding: the first one keeps it. */
static int give_certificates(struct reader *r)
{
	struct list *l = &r->a->accounts;
	int code = 0;

	for (size_t i = 0; code == 0 && i < table_count(l->by_name); i++) {
		snprintf(r->file, sizeof(r->file), "%s", l->items[i]->name);
		code = accounts_certificates_claim(r->a->holders, r->a->arena, &l->items[i]->account, &r->warn);
	}
	return code;
}

int accounts_read(struct accounts **out, int fd, accounts_warn warn, void *arg, struct error *err)
{
	struct reader r = { .warn = { .warn = warn, .arg = arg } };
	int code = accounts_new(&r.a);

	*out = NULL;
	r.warn.file = r.file;
	buf_init(&r.text, TEXT);
	if (code == 0)
		code = walk(&r, fd, read_domain);
	if (code == 0) {
		buf_clear(&r.text);
		buf_init(&r.text, MEMORY);
		code = read_order(&r, fd);
	}
	if (code == 0)
		code = accounts_sort(r.a);
	if (code == 0)
		code = give_certificates(&r);
	if (r.text.p != NULL)
		explicit_bzero(r.text.p, r.text.cap);
	buf_clear(&r.text);
	if (code == 0) {
		*out = r.a;
		return 0;
	}
	accounts_free(r.a);
	return code == -ENOMEM ? no_memory(err)
			       : error_system(err, -code, "can't read the folder of accounts");
}

static void list_free(struct list *l)
{
	table_free(l->by_name);
	free(l->items);
}

void accounts_free(struct accounts *a)
{
	if (a == NULL)
		return;
	list_free(&a->domains);
	list_free(&a->accounts);
	list_free(&a->aliases);
	table_free(a->holders);
	arena_free(a->arena);
	free(a);
}

const struct account *accounts_find(const struct accounts *a, const char *address)
{
	const struct item *it = list_find(&a->accounts, address);

	return it != NULL ? &it->account : NULL;
}

const struct alias *accounts_find_alias(const struct accounts *a, const char *address)
{
	const struct item *it = list_find(&a->aliases, address);

	return it != NULL ? &it->alias : NULL;
}

const struct account *accounts_find_certificate(const struct accounts *a, const char *fingerprint)
{
	return *fingerprint != '\0' ? table_get(a->holders, span_of(fingerprint)) : NULL;
}

bool accounts_has_domain(const struct accounts *a, const char *domain)
{
	return list_find(&a->domains, domain) != NULL;
}

size_t accounts_count(const struct accounts *a)
{
	return table_count(a->accounts.by_name);
}

const struct account *accounts_at(const struct accounts *a, size_t i)
{
	return &a->accounts.items[i]->account;
}

size_t accounts_alias_count(const struct accounts *a)
{
	return table_count(a->aliases.by_name);
}

const struct alias *accounts_alias_at(const struct accounts *a, size_t i)
{
	return &a->aliases.items[i]->alias;
}

size_t accounts_domain_count(const struct accounts *a)
{
	return table_count(a->domains.by_name);
}

const char *accounts_domain_at(const struct accounts *a, size_t i)
{
	return a->domains.items[i]->name;
}
