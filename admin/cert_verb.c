/* cert_verb.c - cert new [NAME...] | list [--json] | client | revoke | crl, ca show [--json] */
#include <errno.h>
#include <string.h>

#include "admin/cert_parts.h"
#include "admin/file.h"
#include "admin/verbs.h"
#include "common/config/config.h"
#include "common/config/file.h"

enum { PEM_MAX = CERT_PEM_MAX, NAMES_MAX = 64, LIST_MAX = 4 << 20, HOST_MAX = 256 };

/* --- new ------------------------------------------------------------------- */

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
	buf_wipe(&key);
	return rc;
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
	if (rc == 0 && config_parse(&c, CONFIG_YUBIN, buf_span(&text), path, cert_ignore, NULL) != 0)
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

	rc = cert_read_ca(s, &ca, &key, err);
	if (rc == 0)
		rc = issue(s, "server", TLS_KEY_P256, &ca, &key, names, count, err);
	if (rc == 0)
		rc = issue(s, "server-rsa", TLS_KEY_RSA2048, &ca, &key, names, count, err);
	buf_clear(&ca);
	buf_wipe(&key);
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
		printf("The running server takes them by itself (WatchTime in yubin.conf), or at: yubin "
		       "reload\n");
	return VERB_DONE;
}

/* --- list, show ------------------------------------------------------------ */

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

struct listing {
	struct buf out;
	bool json, more;
};

static bool list_one(void *arg, const struct certificate *c, const char *path)
{
	struct listing *l = arg;

	if (l->json && l->more)
		buf_put_text(&l->out, ",\n");
	if (l->json)
		certificate_write_json(c, path, &l->out);
	else
		certificate_write(c, path, &l->out);
	l->more = true;
	return true;
}

/* client-crl.pem, for a person. */
static void list_revocations(const struct site *s, struct buf *out)
{
	struct tls_revocations *lists = cert_revocations(s);
	struct tls_revoke_list facts;
	char path[PATHS_MAX];

	for (size_t i = 0; lists != NULL && i < tls_revoke_count(lists); i++) {
		tls_revoke_at(lists, i, &facts);
		buf_printf(
		    out,
		    "%s\n  issuer       %s\n  number       %s\n  revoked      %zu\n  valid        to %s "
		    "(%d days left)\n",
		    paths_file(&s->paths, PATHS_TLS, CERT_LIST, path), facts.issuer, facts.number,
		    facts.count, facts.ends, facts.days_left);
	}
	tls_revoke_free(lists);
}

static int cert_list(const struct site *s, int argc, char **argv)
{
	int json = read_json(argc, argv);
	struct listing l = { .json = json > 0 };
	struct error err;

	if (json < 0)
		return VERB_USAGE;
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	buf_init(&l.out, LIST_MAX);
	buf_put_text(&l.out, l.json ? "[" : "");
	if (cert_walk(s, list_one, &l, &err) != 0) {
		buf_clear(&l.out);
		return verb_failed(&err);
	}
	if (!l.json)
		list_revocations(s, &l.out);
	buf_put_text(&l.out, l.json ? "]\n" : "");
	return verb_print(&l.out);
}

static const struct {
	const char *name;
	verb_run run;
} members[] = {
	{ "new", cert_new },       { "list", cert_list }, { "client", cert_client },
	{ "revoke", cert_revoke }, { "crl", cert_crl },
};

int cert_run(const struct site *s, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(argv[1], members[i].name) == 0)
			return members[i].run(s, argc, argv);
	return verb_usage(argv[0], "cert needs new, list, client, revoke or crl");
}

int ca_run(const struct site *s, int argc, char **argv)
{
	struct certificate c;
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
	paths_file(&s->paths, PATHS_TLS, "ca.pem", path);
	if (certificate_read(&c, path, &err) != 0)
		return verb_failed(&err);
	buf_init(&out, LIST_MAX);
	if (json > 0) {
		certificate_write_json(&c, path, &out);
		buf_put_byte(&out, '\n');
	} else {
		certificate_write(&c, path, &out);
	}
	return verb_print(&out);
}
