/* cert_parts.c - the contract is in cert_parts.h. */
#include "admin/cert_parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/file.h"

/* --- the line -------------------------------------------------------------- */

static bool take_days(const char *text, unsigned *days)
{
	uint64_t n;

	if (!span_number(span_of(text), TLS_REVOKE_DAYS_MAX, &n) || n == 0)
		return false;
	*days = (unsigned)n;
	return true;
}

static bool known_reason(const char *word)
{
	for (unsigned i = 0; tls_revoke_reason(i) != NULL; i++)
		if (strcmp(tls_revoke_reason(i), word) == 0)
			return true;
	return false;
}

static void usage_reason(const char *verb)
{
	char words[200] = "";

	for (unsigned i = 0; tls_revoke_reason(i) != NULL; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", i > 0 ? ", " : "",
			 tls_revoke_reason(i));
	verb_usage(verb, "--reason needs one of: %s", words);
}

static bool take_option(struct cert_line *l, char **argv, int *i, unsigned options)
{
	const char *name = argv[*i], *value = argv[*i + 1];

	if ((options & CERT_OLD) != 0 && strcmp(name, "--old") == 0) {
		l->bundle = TLS_BUNDLE_OLD;
		return true;
	}
	++*i;
	if ((options & CERT_OUT) != 0 && strcmp(name, "--out") == 0 && value != NULL && *value != '\0') {
		l->out = value;
	} else if ((options & CERT_DAYS) != 0 && strcmp(name, "--days") == 0) {
		if (value == NULL || !take_days(value, &l->days)) {
			verb_usage(argv[0], "--days needs a number from 1 to %d", TLS_REVOKE_DAYS_MAX);
			return false;
		}
	} else if ((options & CERT_REASON) != 0 && strcmp(name, "--reason") == 0) {
		if (value == NULL || !known_reason(value)) {
			usage_reason(argv[0]);
			return false;
		}
		l->reason = value;
	} else {
		verb_usage(argv[0], "unknown option, or no value behind it: %s", name);
		return false;
	}
	return true;
}

bool cert_line_read(struct cert_line *l, int argc, char **argv, unsigned options)
{
	*l = (struct cert_line){ .reason = "unspecified" };
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] == '-') {
			if (!take_option(l, argv, &i, options))
				return false;
		} else if ((options & CERT_WORD) == 0 || l->word != NULL) {
			verb_usage(argv[0], "unknown argument %s", argv[i]);
			return false;
		} else {
			l->word = argv[i];
		}
	}
	if ((options & CERT_WORD) != 0 && l->word == NULL) {
		verb_usage(argv[0], "%s %s needs to know whose", argv[0], argv[1]);
		return false;
	}
	return true;
}

/* --- files ----------------------------------------------------------------- */

int cert_read(const struct site *s, const char *name, struct buf *out, struct error *err)
{
	char path[PATHS_MAX];

	buf_init(out, CERT_PEM_MAX);
	return file_read(paths_file(&s->paths, PATHS_TLS, name, path), out, NULL, err);
}

int cert_read_ca(const struct site *s, struct buf *ca, struct buf *key, struct error *err)
{
	int rc = cert_read(s, "ca.pem", ca, err);

	buf_init(key, CERT_PEM_MAX);
	return rc == 0 ? cert_read(s, "ca.key", key, err) : rc;
}

struct tls_revocations *cert_revocations(const struct site *s)
{
	struct tls_revocations *lists = NULL;
	char path[PATHS_MAX];
	struct error err;
	struct buf text;
	int rc = cert_read(s, CERT_LIST, &text, &err);

	if (rc == 0)
		rc = tls_revoke_read(&lists, buf_span(&text),
				     paths_file(&s->paths, PATHS_TLS, CERT_LIST, path), &err);
	if (rc != 0 && rc != -ENOENT)
		verb_warn(err.words);
	buf_clear(&text);
	return lists;
}

static int pem_only(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && strcmp(e->d_name + n - 4, ".pem") == 0 && e->d_name[0] != '.' &&
	       strcmp(e->d_name, CERT_LIST) != 0;
}

/* False: each has seen enough. */
static bool walk_one(const char *path, const struct tls_revocations *lists, cert_each each, void *arg)
{
	struct certificate c;
	struct error err;

	if (certificate_read(&c, path, &err) != 0) {
		verb_warn(err.words);
		return true;
	}
	certificate_judge(&c, lists);
	return each(arg, &c, path);
}

static int walk_folder(const struct site *s, const char *below, const struct tls_revocations *lists,
		       cert_each each, void *arg, bool *on, struct error *err)
{
	char folder[PATHS_MAX], path[PATHS_MAX + 256];
	struct dirent **entries = NULL;
	int n;

	if (*below != '\0')
		paths_file(&s->paths, PATHS_TLS, below, folder);
	else
		snprintf(folder, sizeof(folder), "%s", s->paths.folder[PATHS_TLS]);
	n = scandir(folder, &entries, pem_only, alphasort);
	if (n < 0)
		return error_system(err, errno, "can't read the folder %s", folder);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		*on = *on && walk_one(path, lists, each, arg);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int cert_walk(const struct site *s, cert_each each, void *arg, struct error *err)
{
	struct tls_revocations *lists = cert_revocations(s);
	bool on = true;
	int rc = walk_folder(s, "", lists, each, arg, &on, err);

	if (rc == 0) {
		rc = walk_folder(s, CERT_CLIENTS, lists, each, arg, &on, err);
		if (rc == -ENOENT)
			rc = 0; /* no client has one yet */
	}
	tls_revoke_free(lists);
	return rc;
}

void cert_ignore(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	(void)arg;
	(void)severity;
	(void)file;
	(void)line;
	(void)words;
}
