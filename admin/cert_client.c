/* cert_client.c - cert client ADDRESS [--out FILE] [--days N] [--old] */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/account_parts.h"
#include "admin/cert_parts.h"
#include "admin/file.h"
#include "admin/secret.h"
#include "common/base/ascii.h"

enum {
	NUMBERS = 1000, /* certificates of one address */
	NAME_SIZE = 3 * ACCOUNTS_ADDRESS_MAX + 16,
	COMMON_NAME_MAX = 64 /* bytes, RFC 5280 A.1 */
};

/* What is made for one client. */
struct client {
	char address[ACCOUNTS_ADDRESS_MAX];
	char name[NAME_SIZE]; /* of its files, without an ending */
	char passphrase[SECRET_MAX];
	struct buf chain, key, bundle;
};

/* An address as a name of files: all but the plainest bytes as %XX. */
static void name_of(const char *address, char out[NAME_SIZE])
{
	size_t n = 0;

	for (; *address != '\0' && n + 4 < NAME_SIZE; address++) {
		uint8_t c = (uint8_t)*address;

		if (ascii_alnum(c) || (strchr("-_+@", c) != NULL) || (c == '.' && n > 0))
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, 4, "%%%02X", c);
	}
	out[n] = '\0';
}

static const char *client_path(const struct site *s, const struct client *c, const char *ending,
			       char out[PATHS_MAX])
{
	char name[NAME_SIZE + 32];

	snprintf(name, sizeof(name), CERT_CLIENTS "/%s%s", c->name, ending);
	return paths_file(&s->paths, PATHS_TLS, name, out);
}

static bool is_free(const struct site *s, const struct client *c)
{
	static const char *const endings[] = { ".pem", ".key", ".p12" };
	char path[PATHS_MAX];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (access(client_path(s, c, endings[i], path), F_OK) == 0)
			return false;
	return true;
}

/* ADDRESS, ADDRESS-2 ...: each of a person's devices has a certificate of its own, to be revoked
 * alone. */
static int find_name(const struct site *s, struct client *c, struct error *err)
{
	size_t n;

	name_of(c->address, c->name);
	n = strlen(c->name);
	for (unsigned i = 2; i <= NUMBERS; i++) {
		if (is_free(s, c))
			return 0;
		snprintf(c->name + n, sizeof(c->name) - n, "-%u", i);
	}
	return error_set(err, -EEXIST, "%s has %d certificates already", c->address, NUMBERS);
}

static int make_folder(const struct site *s, struct error *err)
{
	char path[PATHS_MAX];

	paths_file(&s->paths, PATHS_TLS, CERT_CLIENTS, path);
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return error_system(err, errno, "can't make the folder %s", path);
}

static int make_papers(const struct site *s, struct client *c, const struct cert_line *l, struct error *err)
{
	const char *common_name = strlen(c->address) <= COMMON_NAME_MAX ? c->address : "";
	struct buf ca, key;
	int rc = cert_read_ca(s, &ca, &key, err);

	if (rc == 0)
		rc = tls_issue_client(buf_span(&ca), buf_span(&key), common_name, c->address,
				      l->days > 0 ? l->days : TLS_ISSUE_DAYS, &c->chain, &c->key, err);
	buf_clear(&ca);
	buf_wipe(&key);
	if (rc < 0)
		return rc;
	if (sodium_init() < 0)
		return error_set(err, -EIO, "libsodium can't be used");
	secret_make(c->passphrase);
	return tls_issue_bundle(buf_span(&c->chain), buf_span(&c->key), l->bundle, c->passphrase, c->address,
				&c->bundle, err);
}

/* All three files, or none. */
static int write_files(const struct site *s, const struct client *c, const char *out, struct error *err)
{
	char certificate[PATHS_MAX], key[PATHS_MAX];
	int rc;

	client_path(s, c, ".pem", certificate);
	client_path(s, c, ".key", key);
	rc = file_make(key, buf_span(&c->key), 0600, err);
	if (rc < 0)
		return rc;
	rc = file_make(certificate, buf_span(&c->chain), 0644, err);
	if (rc < 0)
		goto key;
	rc = file_make(out, buf_span(&c->bundle), 0600, err);
	if (rc == 0)
		return 0;
	unlink(certificate);
key:
	unlink(key);
	return rc;
}

/* Whoever has no account logs in nowhere with it. */
static void warn_no_account(const struct site *s, const char *address)
{
	struct account_folder f;
	struct error err;
	char words[ACCOUNTS_ADDRESS_MAX + 100];

	if (account_open(s, &f, &err) == 0 && accounts_find(f.accounts, address) == NULL) {
		snprintf(words, sizeof(words),
			 "there is no account %s yet: until then this certificate logs nobody in", address);
		verb_warn(words);
	}
	account_close(&f);
}

/* The passphrase alone on stdout, everything else on stderr. */
static int say_done(const struct site *s, const struct client *c, const char *out)
{
	char path[PATHS_MAX];
	struct buf b;

	warn_no_account(s, c->address);
	fprintf(stderr, "Made %s and .key, and for import into the client: %s; its passphrase is:\n",
		client_path(s, c, ".pem", path), out);
	buf_init(&b, SECRET_MAX + 1);
	buf_printf(&b, "%s\n", c->passphrase);
	return verb_print(&b);
}

static int make_client(const struct site *s, struct client *c, const struct cert_line *l, struct error *err)
{
	char path[PATHS_MAX];
	const char *out = l->out;
	int rc = accounts_address(l->word, c->address, err);

	if (rc == 0)
		rc = make_papers(s, c, l, err);
	if (rc == 0)
		rc = make_folder(s, err);
	if (rc == 0)
		rc = find_name(s, c, err);
	if (rc < 0)
		return rc;
	if (out == NULL)
		out = client_path(s, c, ".p12", path);
	rc = write_files(s, c, out, err);
	return rc == 0 ? say_done(s, c, out) : rc;
}

int cert_client(const struct site *s, int argc, char **argv)
{
	struct client c = { .address = "" };
	struct cert_line l;
	struct error err;
	int rc;

	if (!cert_line_read(&l, argc, argv, CERT_WORD | CERT_OUT | CERT_DAYS | CERT_OLD))
		return VERB_USAGE;
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	buf_init(&c.chain, CERT_PEM_MAX);
	buf_init(&c.key, CERT_PEM_MAX);
	buf_init(&c.bundle, CERT_PEM_MAX);
	rc = make_client(s, &c, &l, &err);
	buf_clear(&c.chain);
	buf_wipe(&c.key);
	buf_wipe(&c.bundle);
	sodium_memzero(c.passphrase, sizeof(c.passphrase));
	return rc < 0 ? verb_failed(&err) : rc;
}
