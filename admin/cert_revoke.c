/* cert_revoke.c - cert revoke FILE|FINGERPRINT|SERIAL [--reason WORD] [--days N], cert crl [--days N] */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "admin/cert_parts.h"
#include "admin/file.h"
#include "common/base/ascii.h"
#include "common/config/config.h"
#include "common/config/file.h"

enum { FINGERPRINT = 64 };

/* --- which one ------------------------------------------------------------- */

struct wanted {
	const char *fingerprint, *serial; /* one of the two; the other is NULL */
	const char *issuer;
	struct certificate found;
};

static bool is_wanted(void *arg, const struct certificate *c, const char *path)
{
	struct wanted *w = arg;
	bool yes = w->fingerprint != NULL
		       ? strcmp(c->fingerprint, w->fingerprint) == 0
		       : strcmp(c->serial, w->serial) == 0 && strcmp(c->issuer, w->issuer) == 0;

	(void)path;
	if (yes)
		w->found = *c;
	return !yes;
}

/* word as a fingerprint: 64 digits, with or without colons. */
static bool fingerprint_read(const char *word, char out[FINGERPRINT + 1])
{
	size_t n = 0;

	for (; *word != '\0'; word++) {
		uint8_t c = ascii_lower((uint8_t)*word);

		if (c == ':')
			continue;
		if (n == FINGERPRINT || strchr("0123456789abcdef", c) == NULL)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return n == FINGERPRINT;
}

/* A path as it stands, or a name of the site's own. */
static bool find_file(const struct site *s, const char *word, char path[PATHS_MAX])
{
	char below[PATHS_MAX];

	if (snprintf(path, PATHS_MAX, "%s", word) < PATHS_MAX && access(path, F_OK) == 0)
		return true;
	if (snprintf(below, sizeof(below), CERT_CLIENTS "/%s", word) >= PATHS_MAX)
		return false;
	if (access(paths_file(&s->paths, PATHS_TLS, below, path), F_OK) == 0)
		return true;
	return access(paths_file(&s->paths, PATHS_TLS, word, path), F_OK) == 0;
}

static int from_file(const char *path, const struct certificate *ca, struct certificate *out,
		     struct error *err)
{
	int rc = certificate_read(out, path, err);

	if (rc == 0 && strcmp(out->issuer, ca->subject) != 0)
		rc = error_set(err, -EINVAL,
			       "%s was issued by %s: only what the site's own authority (%s) has issued can "
			       "be revoked here",
			       path, out->issuer, ca->subject);
	else if (rc == 0 && strcmp(out->fingerprint, ca->fingerprint) == 0)
		rc = error_set(err, -EINVAL, "%s is the authority itself", path);
	return rc;
}

static int from_fingerprint(const struct site *s, const char *fingerprint, const struct certificate *ca,
			    struct certificate *out, struct error *err)
{
	struct wanted w = { .fingerprint = fingerprint };
	int rc = cert_walk(s, is_wanted, &w, err);

	if (rc < 0)
		return rc;
	if (w.found.fingerprint[0] == '\0')
		return error_set(
		    err, -ENOENT,
		    "no certificate of that fingerprint is in %s: give its file or its serial number",
		    s->paths.folder[PATHS_TLS]);
	*out = w.found;
	if (strcmp(out->issuer, ca->subject) != 0 || strcmp(out->subject, out->issuer) == 0)
		return error_set(err, -EINVAL, "%s was not issued by the site's own authority", out->subject);
	return 0;
}

/* Its file may be lost: the number is enough. */
static int from_serial(const struct site *s, const char *serial, const struct certificate *ca,
		       struct certificate *out, struct error *err)
{
	struct wanted w = { .serial = serial, .issuer = ca->subject };
	int rc = cert_walk(s, is_wanted, &w, err);

	if (rc < 0)
		return rc;
	*out = w.found;
	if (out->serial[0] != '\0')
		return 0;
	verb_warn("no certificate of that serial number is known here; it is put on the list all the same");
	snprintf(out->serial, sizeof(out->serial), "%s", serial);
	snprintf(out->subject, sizeof(out->subject), "an unknown subject");
	return 0;
}

static int find_certificate(const struct site *s, const char *word, struct certificate *out,
			    struct error *err)
{
	char path[PATHS_MAX], fingerprint[FINGERPRINT + 1], serial[TLS_REVOKE_SERIAL];
	struct certificate ca;
	int rc = certificate_read(&ca, paths_file(&s->paths, PATHS_TLS, "ca.pem", path), err);

	if (rc < 0)
		return rc;
	if (find_file(s, word, path))
		return from_file(path, &ca, out, err);
	if (fingerprint_read(word, fingerprint))
		return from_fingerprint(s, fingerprint, &ca, out, err);
	if (tls_revoke_serial(word, serial))
		return from_serial(s, serial, &ca, out, err);
	return error_set(
	    err, -ENOENT,
	    "%s is neither a file, nor the fingerprint or the serial number of a certificate; see: yubin "
	    "cert list",
	    word);
}

/* --- the list -------------------------------------------------------------- */

/* Makes the list anew; serial NULL: only that. */
static int renew(const struct site *s, const char *serial, const struct cert_line *l, struct error *err)
{
	char path[PATHS_MAX];
	struct buf ca, key, old, list;
	int rc;

	buf_init(&old, CERT_PEM_MAX);
	buf_init(&list, CERT_PEM_MAX);
	rc = cert_read_ca(s, &ca, &key, err);
	if (rc == 0) {
		rc = cert_read(s, CERT_LIST, &old, err);
		if (rc == -ENOENT)
			rc = 0; /* the first one */
	}
	if (rc == 0)
		rc = tls_revoke_make(buf_span(&ca), buf_span(&key), buf_span(&old), serial, l->reason,
				     l->days > 0 ? l->days : TLS_REVOKE_DAYS, &list, err);
	if (rc == 0)
		rc = file_replace(paths_file(&s->paths, PATHS_TLS, CERT_LIST, path), buf_span(&list), 0644,
				  err);
	buf_clear(&ca);
	buf_wipe(&key);
	buf_clear(&old);
	buf_clear(&list);
	return rc;
}

static bool scope_asks(const struct config_scope *scope)
{
	return strcmp(config_text(scope, CONFIG_CLIENT_CRL), "tls/" CERT_LIST) == 0 ||
	       strstr(config_text(scope, CONFIG_CLIENT_CRL), "/" CERT_LIST) != NULL;
}

static bool file_asks(const struct site *s, enum config_file which)
{
	char name[32], path[PATHS_MAX];
	struct config *c = NULL;
	struct buf text;
	bool asks = false;

	snprintf(name, sizeof(name), "%s.conf", config_file_name(which));
	buf_init(&text, CERT_PEM_MAX);
	if (file_read(paths_file(&s->paths, PATHS_ETC, name, path), &text, NULL, NULL) == 0 &&
	    config_parse(&c, which, buf_span(&text), path, cert_ignore, NULL) == 0) {
		asks = scope_asks(config_top(c));
		for (size_t i = 0; i < config_listen_count(c); i++)
			asks = asks || scope_asks(config_listen_scope(c, i));
	}
	config_free(c);
	buf_clear(&text);
	return asks;
}

/* A list that nobody looks at protects nobody. */
static void warn_unused(const struct site *s)
{
	static const enum config_file files[] = { CONFIG_SMTPD, CONFIG_POP3D, CONFIG_IMAPD };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (file_asks(s, files[i]))
			return;
	verb_warn("no daemon looks at the list: write ClientCRL tls/" CERT_LIST
		  " beside VerifyClient in smtpd.conf, pop3d.conf and imapd.conf");
}

static void say_list(const struct site *s)
{
	struct tls_revocations *lists = cert_revocations(s);
	struct tls_revoke_list facts;
	char path[PATHS_MAX];

	if (lists != NULL) {
		tls_revoke_at(lists, 0, &facts);
		printf("%s: number %s, %zu revoked, good until %s (%d days).\n",
		       paths_file(&s->paths, PATHS_TLS, CERT_LIST, path), facts.number, facts.count,
		       facts.ends, facts.days_left);
	}
	tls_revoke_free(lists);
	warn_unused(s);
}

int cert_revoke(const struct site *s, int argc, char **argv)
{
	struct certificate c;
	struct cert_line l;
	struct error err;
	int rc;

	if (!cert_line_read(&l, argc, argv, CERT_WORD | CERT_REASON | CERT_DAYS))
		return VERB_USAGE;
	if (site_must_exist(s, &err) != 0 || find_certificate(s, l.word, &c, &err) != 0)
		return verb_failed(&err);
	rc = renew(s, c.serial, &l, &err);
	if (rc == -EEXIST) {
		printf("%s (serial %s) was revoked already.\n", c.subject, c.serial);
		return VERB_DONE;
	}
	if (rc != 0)
		return verb_failed(&err);
	printf("Revoked %s, serial %s.\n", c.subject, c.serial);
	say_list(s);
	return VERB_DONE;
}

int cert_crl(const struct site *s, int argc, char **argv)
{
	struct cert_line l;
	struct error err;

	if (!cert_line_read(&l, argc, argv, CERT_DAYS))
		return VERB_USAGE;
	if (site_must_exist(s, &err) != 0 || renew(s, NULL, &l, &err) != 0)
		return verb_failed(&err);
	say_list(s);
	return VERB_DONE;
}
