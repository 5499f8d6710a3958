/* named.c - the contract is in named.h. */
#include "setup/named.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/config/file.h"
#include "common/config/route.h"
#include "common/tls/paper.h"
#include "setup/setup.h"
#include "setup/signing.h"

enum { STAMP_MAX = 1 << 20 };

static bool may_be_folder(enum config_key key)
{
	return key == CONFIG_CLIENT_CA || key == CONFIG_CLIENT_CRL;
}

static bool is_folder(const struct named *n)
{
	struct stat st;

	return may_be_folder(n->key) && stat(n->path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --- a folder's members ---------------------------------------------------- */

static int is_member(const struct dirent *e)
{
	static const char *const ends[] = { ".pem", ".crt", ".crl" };
	const char *dot = strrchr(e->d_name, '.');

	if (dot == NULL || e->d_name[0] == '.')
		return 0;
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(dot, ends[i]) == 0)
			return 1;
	return 0;
}

/* By bytes: the same order in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Calls each with the path of every member; its first error ends the walk. */
typedef int (*each_member)(void *arg, const char *path, struct error *err);

static int walk_folder(const char *folder, each_member each, void *arg, struct error *err)
{
	struct dirent **found = NULL;
	int count = scandir(folder, &found, is_member, by_name), rc = 0;

	if (count < 0)
		return error_system(err, errno, "can't read the folder %s", folder);
	for (int i = 0; i < count; i++) {
		char path[PATHS_MAX];
		int n = snprintf(path, sizeof(path), "%s/%s", folder, found[i]->d_name);

		if (rc == 0 && n > 0 && (size_t)n < sizeof(path))
			rc = each(arg, path, err);
		free(found[i]);
	}
	free(found);
	return rc;
}

/* --- stamps ---------------------------------------------------------------- */

static int put_stamp(void *arg, const char *path, struct error *err)
{
	struct stat st;

	(void)err;
	if (stat(path, &st) < 0)
		return 0;
	buf_printf(arg, "%s %ju %ju %jd %jd.%09ld %jd.%09ld\n", path, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
		   (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
		   st.st_ctim.tv_nsec);
	return 0;
}

bool named_is_fixed(const struct named *n)
{
	return n->kind == NAMED_SYSTEM || n->key == CONFIG_HTTPS_CA || n->key == CONFIG_TRUST_ANCHOR;
}

static void put_stamps(const struct named *n, struct buf *stamp)
{
	if (n->kind == NAMED_SIGNING)
		signing_look(n->path, stamp);
	else if (is_folder(n))
		walk_folder(n->path, put_stamp, stamp, NULL);
	else
		put_stamp(stamp, n->path, NULL);
}

void named_look(const struct named *n, struct buf *stamp)
{
	if (named_is_fixed(n))
		buf_put(stamp, buf_span(&n->stamp));
	else
		put_stamps(n, stamp);
}

/* --- reading --------------------------------------------------------------- */

static void warn_open_secret(const struct named *n, const struct stat *st, struct report *r)
{
	if ((st->st_mode & 077) != 0)
		report_warn(r, "%s: other users may read this %s (mode %03o); chmod 600 it", n->path,
			    n->key == CONFIG_PRIVATE_KEY ? "private key" : "secret", (unsigned)st->st_mode & 0777);
}

struct folder_reading {
	struct named *n;
	struct report *r;
};

static int read_member(void *arg, const char *path, struct error *err)
{
	struct folder_reading *g = arg;
	struct buf one;
	int rc;

	buf_init(&one, SETUP_FILE_MAX);
	rc = file_read(path, &one, NULL, err);
	if (rc == 0 && memmem(one.p, one.n, "-----BEGIN ", 11) == NULL) {
		report_warn(g->r, "%s: is not PEM (DER?) and was left out; `openssl x509 -inform DER` or `openssl crl "
				  "-inform DER` makes PEM of it", path);
	} else if (rc == 0) {
		buf_put(&g->n->text, buf_span(&one));
		buf_put_byte(&g->n->text, '\n');
	}
	buf_clear(&one);
	if (rc == 0 && g->n->text.failed)
		rc = error_set(err, -EFBIG, "the files in %s are larger than %d bytes together", g->n->path,
			       NAMED_FOLDER_MAX);
	return rc;
}

static int read_folder(struct named *n, struct report *r, struct error *err)
{
	struct folder_reading g = { n, r };
	int rc = walk_folder(n->path, read_member, &g, err);

	if (rc == 0 && n->text.n == 0)
		rc = error_set(err, -ENOENT, "the folder %s has no PEM file (*.pem, *.crt, *.crl) in it", n->path);
	return rc;
}

/* word stands in line, spaces or tabs around it. */
static bool has_word(struct span line, const char *word)
{
	size_t start = 0;

	for (size_t i = 0; i <= line.n; i++) {
		if (i < line.n && line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			continue;
		if (span_is_nocase((struct span){ line.p + start, i - start }, word))
			return true;
		start = i + 1;
	}
	return false;
}

/* A line that DNSSEC can start from. */
static bool holds_anchor(struct span text)
{
	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n');

		if (!span_starts(span_trim(line), ";") && (has_word(line, "DS") || has_word(line, "DNSKEY")))
			return true;
	}
	return false;
}

/* A Route's file is a certificate with its key, or who we are and our password. */
static int check_route(const struct named *n, struct error *err)
{
	struct route_auth auth;
	int rc = 0;

	if (tls_papers(buf_span(&n->text), NULL, NULL) == 0) {
		rc = route_auth_parse(&auth, buf_span(&n->text), err);
		explicit_bzero(&auth, sizeof(auth));
	} else if (memmem(n->text.p, n->text.n, "PRIVATE KEY-----", 16) == NULL) {
		rc = error_set(err, -EINVAL, "there is a certificate in it, but no private key");
	}
	return rc == 0 ? 0 : error_context(err, "%s", n->path);
}

static int check_text(const struct named *n, struct error *err)
{
	if (n->key == CONFIG_ROUTE)
		return check_route(n, err);
	if (n->key == CONFIG_HTTPS_CA && tls_papers(buf_span(&n->text), NULL, NULL) == 0)
		return error_set(err, -EINVAL, "%s: there is no certificate (PEM) in it", n->path);
	if (n->key == CONFIG_TRUST_ANCHOR && !holds_anchor(buf_span(&n->text)))
		return error_set(err, -EINVAL, "%s: there is no DS or DNSKEY line in it", n->path);
	return 0;
}

static int read_text(struct named *n, struct report *r, struct error *err)
{
	struct stat st;
	int rc;

	if (is_folder(n))
		return read_folder(n, r, err);
	rc = file_read(n->path, &n->text, &st, err);
	if (rc == 0 && (n->key == CONFIG_PRIVATE_KEY || n->key == CONFIG_ROUTE))
		warn_open_secret(n, &st, r);
	return rc == 0 ? check_text(n, err) : rc;
}

/* One without its text. */
static int named_new(struct named **out, enum named_kind kind, enum config_key key, const char *name,
		     struct error *err)
{
	struct named *n = calloc(1, sizeof(*n));

	*out = NULL;
	if (n == NULL || (n->name = strdup(name)) == NULL) {
		free(n);
		return error_set(err, -ENOMEM, "no memory for %s", name);
	}
	n->holders = 1;
	n->kind = kind;
	n->key = key;
	buf_init(&n->text, kind == NAMED_SIGNING ? SIGNING_MAX : may_be_folder(key) ? NAMED_FOLDER_MAX : SETUP_FILE_MAX);
	buf_init(&n->stamp, STAMP_MAX);
	*out = n;
	return 0;
}

int named_read(struct named **out, const struct paths *paths, enum config_key key, const char *name, struct report *r,
	       struct error *err)
{
	int rc = named_new(out, NAMED_WRITTEN, key, name, err);

	if (rc != 0)
		return rc;
	if (*name == '/')
		snprintf((*out)->path, sizeof((*out)->path), "%s", name);
	else
		paths_file(paths, PATHS_ETC, name, (*out)->path);
	put_stamps(*out, &(*out)->stamp);
	return read_text(*out, r, err);
}

int named_read_system(struct named **out, const char *name, const char *path, struct error *err)
{
	int rc = named_new(out, NAMED_SYSTEM, CONFIG_KEY_COUNT, name, err);

	if (rc != 0)
		return rc;
	snprintf((*out)->path, sizeof((*out)->path), "%s", path);
	put_stamps(*out, &(*out)->stamp);
	if (file_read(path, &(*out)->text, NULL, NULL) != 0)
		buf_reset(&(*out)->text);
	return 0;
}

int named_read_signing(struct named **out, const struct paths *paths, struct report *r, struct error *err)
{
	int rc = named_new(out, NAMED_SIGNING, CONFIG_KEY_COUNT, "dkim", err);

	if (rc != 0)
		return rc;
	paths_file(paths, PATHS_ETC, "dkim", (*out)->path);
	put_stamps(*out, &(*out)->stamp);
	return signing_read((*out)->path, &(*out)->text, r, err);
}

int named_again(struct named **out, const struct named *old, const struct paths *paths, struct report *r,
		struct error *err)
{
	switch (old->kind) {
	case NAMED_SYSTEM:
		return named_read_system(out, old->name, old->path, err);
	case NAMED_SIGNING:
		return named_read_signing(out, paths, r, err);
	case NAMED_WRITTEN:
		break;
	}
	return named_read(out, paths, old->key, old->name, r, err);
}

struct named *named_hold(struct named *n)
{
	n->holders++;
	return n;
}

void named_drop(struct named *n)
{
	if (n == NULL || --n->holders > 0)
		return;
	buf_wipe(&n->text);
	buf_clear(&n->stamp);
	free(n->name);
	free(n);
}
