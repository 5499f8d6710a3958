/* cert_verb.c - cert new [NAME...] | list [--json], ca show [--json] */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/certificate.h"
#include "admin/file.h"
#include "admin/verbs.h"
#include "common/base/escape.h"
#include "common/config/config.h"
#include "common/config/file.h"
#include "common/tls/issue.h"

enum { PEM_MAX = 1 << 20, NAMES_MAX = 64, LIST_MAX = 4 << 20, HOST_MAX = 256 };

/* --- new ------------------------------------------------------------------- */

static int read_tls(const struct site *s, const char *name, struct buf *out, struct error *err)
{
	char path[PATHS_MAX];

	buf_init(out, PEM_MAX);
	return file_read(paths_file(&s->paths, PATHS_TLS, name, path), out, NULL, err);
}

static void wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_clear(b);
}

/* The key first: a server that reloads in between finds the old pair or none that fits,
 * and then keeps what it has. */
static int replace_pair(const struct site *s, const char *name, const struct buf *chain,
			const struct buf *key, struct error *err)
{
	char file[64], path[PATHS_MAX];
	int rc;

	snprintf(file, sizeof(file), "%s.key", name);
	rc = file_replace(paths_file(&s->paths, PATHS_TLS, file, path), buf_span(key), 0600, err);
	snprintf(file, sizeof(file), "%s.pem", name);
	if (rc == 0)
		rc = file_replace(paths_file(&s->paths, PATHS_TLS, file, path), buf_span(chain), 0644, err);
	return rc;
}

static int issue(const struct site *s, const char *file, enum tls_key_kind kind, const struct buf *ca,
		 const struct buf *ca_key, const char *const *names, size_t count, struct error *err)
{
	struct buf chain, key;
	int rc;

	buf_init(&chain, PEM_MAX);
	buf_init(&key, PEM_MAX);
	rc = tls_issue_server(buf_span(ca), buf_span(ca_key), kind, names, count, &chain, &key, err);
	if (rc == 0)
		rc = replace_pair(s, file, &chain, &key, err);
	buf_clear(&chain);
	wipe(&key);
	return rc;
}

static void ignore(void *arg, enum config_severity severity, const char *file, unsigned line,
		   const char *words)
{
	(void)arg;
	(void)severity;
	(void)file;
	(void)line;
	(void)words;
}

/* Hostname out of yubin.conf. */
static int read_hostname(const struct site *s, char out[HOST_MAX], struct error *err)
{
	struct config *c = NULL;
	char path[PATHS_MAX];
	struct buf text;
	int rc;

	buf_init(&text, PEM_MAX);
	rc = file_read(paths_file(&s->paths, PATHS_ETC, "yubin.conf", path), &text, NULL, err);
	if (rc == 0 && config_parse(&c, CONFIG_YUBIN, buf_span(&text), path, ignore, NULL) != 0)
		rc = error_set(err, -EINVAL, "%s has errors; see `yubin config check`", path);
	if (rc == 0)
		snprintf(out, HOST_MAX, "%s", config_text(config_top(c), CONFIG_HOSTNAME));
	config_free(c);
	buf_clear(&text);
	return rc;
}

static int issue_both(const struct site *s, const char *const *names, size_t count, struct error *err)
{
	struct buf ca, key;
	int rc;

	rc = read_tls(s, "ca.pem", &ca, err);
	buf_init(&key, PEM_MAX);
	if (rc == 0)
		rc = read_tls(s, "ca.key", &key, err);
	if (rc == 0)
		rc = issue(s, "server", TLS_KEY_P256, &ca, &key, names, count, err);
	if (rc == 0)
		rc = issue(s, "server-rsa", TLS_KEY_RSA2048, &ca, &key, names, count, err);
	buf_clear(&ca);
	wipe(&key);
	return rc;
}

static int cert_new(const struct site *s, int argc, char **argv)
{
	const char *names[NAMES_MAX] = { NULL, "localhost", "127.0.0.1", "::1" };
	char hostname[HOST_MAX];
	size_t count = 4;
	struct error err;

	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	if (argc > 2 + NAMES_MAX)
		return verb_usage(argv[0], "at most %d names", NAMES_MAX);
	if (argc > 2) {
		for (count = 0; count + 2 < (size_t)argc; count++) {
			names[count] = argv[count + 2];
			if (*names[count] == '-' || *names[count] == '\0')
				return verb_usage(argv[0], "%s is no name", names[count]);
		}
	} else if (read_hostname(s, hostname, &err) != 0) {
		return verb_failed(&err);
	} else {
		names[0] = hostname;
	}
	if (issue_both(s, names, count, &err) != 0)
		return verb_failed(&err);
	printf("Made server.pem and server-rsa.pem, with their keys, for:");
	for (size_t i = 0; i < count; i++)
		printf(" %s", names[i]);
	printf("\n");
	if (site_running(s, NULL))
		printf("The running server takes them at: yubin reload\n");
	return VERB_DONE;
}

/* --- list, show ------------------------------------------------------------ */

static int pem_only(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && strcmp(e->d_name + n - 4, ".pem") == 0 && e->d_name[0] != '.';
}

/* One file; what can't be read is said and left out. Returns whether it was put. */
static bool put_file(const char *path, bool json, bool first, struct buf *out)
{
	struct certificate c;
	struct error err;

	if (certificate_read(&c, path, &err) != 0) {
		verb_warn(err.words);
		return false;
	}
	if (json && !first)
		buf_put_text(out, ",\n");
	if (json)
		certificate_write_json(&c, path, out);
	else
		certificate_write(&c, path, out);
	return true;
}

/* "--json" or nothing behind `CERT list`. -1: usage was said. */
static int read_json(int argc, char **argv)
{
	if (argc == 2)
		return 0;
	if (argc == 3 && strcmp(argv[2], "--json") == 0)
		return 1;
	verb_usage(argv[0], "unknown argument %s", argv[2]);
	return -1;
}

static int cert_list(const struct site *s, int argc, char **argv)
{
	const char *folder = s->paths.folder[PATHS_TLS];
	int json = read_json(argc, argv), n;
	struct dirent **entries = NULL;
	char path[PATHS_MAX];
	bool first = true;
	struct error err;
	struct buf out;

	if (json < 0)
		return VERB_USAGE;
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	n = scandir(folder, &entries, pem_only, alphasort);
	if (n < 0) {
		error_system(&err, errno, "can't read the folder %s", folder);
		return verb_failed(&err);
	}
	buf_init(&out, LIST_MAX);
	buf_put_text(&out, json ? "[" : "");
	for (int i = 0; i < n; i++) {
		if (put_file(paths_file(&s->paths, PATHS_TLS, entries[i]->d_name, path), json > 0, first,
			     &out))
			first = false;
		free(entries[i]);
	}
	free(entries);
	buf_put_text(&out, json ? "]\n" : "");
	return verb_print(&out);
}

int cert_run(const struct site *s, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "new") == 0)
		return cert_new(s, argc, argv);
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return cert_list(s, argc, argv);
	return verb_usage(argv[0], "cert needs new or list");
}

int ca_run(const struct site *s, int argc, char **argv)
{
	char path[PATHS_MAX];
	struct error err;
	struct buf out;
	int json;

	if (argc < 2 || strcmp(argv[1], "show") != 0)
		return verb_usage(argv[0], "ca needs show");
	json = read_json(argc, argv);
	if (json < 0)
		return VERB_USAGE;
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	buf_init(&out, LIST_MAX);
	if (!put_file(paths_file(&s->paths, PATHS_TLS, "ca.pem", path), json > 0, true, &out)) {
		buf_clear(&out);
		return VERB_FAILED;
	}
	if (json)
		buf_put_byte(&out, '\n');
	return verb_print(&out);
}
