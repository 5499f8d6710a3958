/* account_family.c - the frame around account, domain and alias: arguments, folder, words. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "admin/account_parts.h"
#include "common/base/escape.h"

/* Takes an option; false: it is none of this member's. */
static bool take_option(struct account_line *l, unsigned options, const char *word)
{
	if (strcmp(word, "--json") == 0 && (options & ACCOUNT_JSON) != 0)
		l->json = true;
	else if (strcmp(word, "--password-stdin") == 0 && (options & ACCOUNT_PASSWORD) != 0)
		l->from_stdin = true;
	else if (strcmp(word, "--generate") == 0 && (options & ACCOUNT_PASSWORD) != 0)
		l->generate = true;
	else if (strcmp(word, "--keep") == 0 && (options & ACCOUNT_FORWARD) != 0)
		l->keep = true;
	else if (strcmp(word, "--no-keep") == 0 && (options & ACCOUNT_FORWARD) != 0)
		l->no_keep = true;
	else if (strcmp(word, "--none") == 0 && (options & ACCOUNT_FORWARD) != 0)
		l->none = true;
	else
		return false;
	return true;
}

/* An option with a value behind it; false: it is none of this member's, or nothing stands behind it. */
static bool take_value(struct account_line *l, unsigned options, const char *word, const char *value)
{
	const struct {
		const char *name;
		unsigned option;
		const char **to;
	} rows[] = { { "--scope", ACCOUNT_APP, &l->scope },
		     { "--expires", ACCOUNT_APP, &l->expires },
		     { "--hash", ACCOUNT_PASSWORD, &l->hash },
		     { "--session", ACCOUNT_KICK, &l->session } };

	for (size_t i = 0; value != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((options & rows[i].option) == 0 || strcmp(word, rows[i].name) != 0)
			continue;
		*rows[i].to = value;
		return true;
	}
	return false;
}

/* How many words of argv, behind the verb, are the member's name; 0: it is not meant. */
static int name_words(const struct account_member *m, int argc, char **argv)
{
	struct span name = span_of(m->name);
	int n = 0;

	while (name.n > 0) {
		n++;
		if (n >= argc || !span_is(span_take_until(&name, ' '), argv[n]))
			return 0;
	}
	return n;
}

static int run_member(const struct site *s, const struct account_member *m, int argc, char **argv)
{
	int first = 1 + name_words(m, argc, argv);
	struct account_line l = { .verb = argv[0], .words = argv + first };
	bool options = true;

	for (int i = first; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (!options || argv[i][0] != '-')
			l.words[l.count++] = argv[i];
		else if (take_value(&l, m->options, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
			i++;
		else if (!take_option(&l, m->options, argv[i]))
			return verb_usage(l.verb, "%s %s knows no option %s", l.verb, m->name, argv[i]);
	}
	if (l.from_stdin + l.generate + (l.hash != NULL) > 1)
		return verb_usage(l.verb, "--password-stdin, --generate and --hash exclude each other");
	if (l.keep + l.no_keep + l.none > 1)
		return verb_usage(l.verb, "--keep, --no-keep and --none exclude each other");
	if (l.count < m->least)
		return verb_usage(l.verb, "%s %s needs more than that", l.verb, m->name);
	if (l.count > m->most)
		return verb_usage(l.verb, "%s %s: what is %s for?", l.verb, m->name, l.words[m->most]);
	return m->run(s, &l);
}

int account_family(const struct site *s, int argc, char **argv, const struct account_member *members,
		   size_t count)
{
	if (argc < 2)
		return verb_usage(argv[0], "what is to be done?");
	for (size_t i = 0; i < count; i++)
		if (name_words(&members[i], argc, argv) > 0)
			return run_member(s, &members[i], argc, argv);
	return verb_usage(argv[0], "there is no %s %s%s%s", argv[0], argv[1], argc > 2 ? " " : "",
			  argc > 2 ? argv[2] : "");
}

static void on_warn(void *arg, const char *words)
{
	(void)arg;
	verb_warn(words);
}

static int read_folder(struct account_folder *f, struct error *err)
{
	return accounts_read(&f->accounts, f->fd, on_warn, NULL, err);
}

int account_open(const struct site *s, struct account_folder *f, struct error *err)
{
	int code;

	f->accounts = NULL;
	f->lock = -1;
	code = site_accounts(s, &f->fd, &f->owner, err);
	return code == 0 ? read_folder(f, err) : code;
}

/* The folder itself is locked for each write (accounts.h): what is locked here is the one above it. */
int account_open_to_change(const struct site *s, struct account_folder *f, struct error *err)
{
	int code;

	f->accounts = NULL;
	f->lock = -1;
	code = site_accounts(s, &f->fd, &f->owner, err);
	if (code < 0)
		return code;
	f->lock = openat(f->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (f->lock < 0 || flock(f->lock, LOCK_EX) < 0)
		if (f->lock < 0 || errno != EINTR)
			return error_system(err, errno, "can't lock the folder above accounts");
	return read_folder(f, err);
}

void account_close(struct account_folder *f)
{
	accounts_free(f->accounts);
	if (f->fd >= 0)
		close(f->fd);
	if (f->lock >= 0)
		close(f->lock);
}

int account_find(const struct account_folder *f, const char *word, struct account *out, struct error *err)
{
	char address[ACCOUNTS_ADDRESS_MAX];
	const struct account *a;
	int code = accounts_address(word, address, err);

	if (code < 0)
		return code;
	a = accounts_find(f->accounts, address);
	if (a == NULL)
		return error_set(err, -ENOENT, "the account %s is not there", address);
	*out = *a;
	return 0;
}

int account_with_room(struct account_holder *h, const struct account_folder *f, const char *word, struct error *err)
{
	int code = account_find(f, word, &h->account, err);

	if (code < 0)
		return code;
	for (size_t i = 0; i < h->account.app_count; i++)
		h->apps[i] = h->account.apps[i];
	for (size_t i = 0; i < h->account.certificate_count; i++)
		h->certificates[i] = h->account.certificates[i];
	h->account.apps = h->apps;
	h->account.certificates = h->certificates;
	return 0;
}

int account_changed(const struct site *s, const char *format, ...)
{
	struct error err;
	va_list args;

	if (site_poke_accounts(s, &err) < 0)
		return verb_failed(&err);
	if (isatty(STDERR_FILENO)) {
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fputc('\n', stderr);
	}
	return VERB_DONE;
}

bool account_alias_names(const struct alias *alias, const char *address)
{
	char target[ACCOUNTS_ADDRESS_MAX];

	for (size_t i = 0; i < alias->target_count; i++)
		if (accounts_address(alias->targets[i], target, NULL) == 0 && strcmp(target, address) == 0)
			return true;
	return false;
}

/* Nothing stands in front of the first member of an object. */
static void put_name(struct buf *b, const char *name)
{
	if (b->n > 0 && b->p[b->n - 1] != '{')
		buf_put_byte(b, ',');
	buf_printf(b, "\"%s\":", name);
}

static void put_string(struct buf *b, const char *value)
{
	buf_put_byte(b, '"');
	escape_json(b, span_of(value));
	buf_put_byte(b, '"');
}

void account_json(struct buf *b, const char *name, const char *value)
{
	put_name(b, name);
	put_string(b, value);
}

void account_json_list(struct buf *b, const char *name, const char *const *values, size_t count)
{
	put_name(b, name);
	buf_put_byte(b, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_byte(b, ',');
		put_string(b, values[i]);
	}
	buf_put_byte(b, ']');
}
