/* init.c - init --hostname H --domain D [--port-base N]: a site where there was none. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/conf.h"
#include "admin/file.h"
#include "admin/keyring.h"
#include "admin/users.h"
#include "admin/verbs.h"
#include "common/base/ascii.h"
#include "common/tls/issue.h"

enum { FILES_MAX = 16, BASE_MAX = 65535 - 995, HOSTNAME_MAX = 253 };

struct init {
	const struct site *site;
	struct conf_plan plan;
	char hostname[HOSTNAME_MAX + 1];
	char domain[ACCOUNTS_DOMAIN_MAX];
	char made[FILES_MAX][PATHS_MAX]; /* taken back if init fails */
	unsigned made_count;
	bool keys_made;
};

/* --- arguments ------------------------------------------------------------- */

static bool read_hostname(struct init *w, const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > HOSTNAME_MAX || text[0] == '-' || text[0] == '.' || text[n - 1] == '.')
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && !ascii_alnum((uint8_t)text[i]) && text[i] != '-' && text[i] != '.')
			return false;
		w->hostname[i] = (char)ascii_lower((uint8_t)text[i]);
	}
	w->plan.hostname = w->hostname;
	return strstr(text, "..") == NULL;
}

static bool read_base(struct init *w, const char *text)
{
	uint64_t n;

	if (!span_number(span_of(text), BASE_MAX, &n))
		return false;
	w->plan.port_base = (int)n;
	return true;
}

/* VERB_DONE, or what verb_usage has returned. */
static int read_arguments(struct init *w, int argc, char **argv)
{
	static const struct option known[] = { { "hostname", required_argument, NULL, 'h' },
					       { "domain", required_argument, NULL, 'd' },
					       { "port-base", required_argument, NULL, 'p' },
					       { NULL, 0, NULL, 0 } };
	struct error err;
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (c == 'h' && !read_hostname(w, optarg))
			return verb_usage(argv[0], "--hostname needs a name like mail.example.org, not %s",
					  optarg);
		if (c == 'd' && accounts_domain(optarg, w->domain, &err) != 0)
			return verb_usage(argv[0], "--domain: %s", err.words);
		if (c == 'p' && !read_base(w, optarg))
			return verb_usage(argv[0], "--port-base needs a number from 0 to %d, not %s",
					  BASE_MAX, optarg);
		if (c == '?')
			return verb_usage(argv[0], "unknown option or no value: %s", argv[optind - 1]);
	}
	if (optind < argc)
		return verb_usage(argv[0], "unknown argument %s", argv[optind]);
	if (*w->hostname == '\0' || *w->domain == '\0')
		return verb_usage(argv[0], "init needs --hostname and --domain");
	return VERB_DONE;
}

/* --- nothing may be there -------------------------------------------------- */

static const char *const tls_files[] = { "ca.pem",     "ca.key",         "server.pem",
					 "server.key", "server-rsa.pem", "server-rsa.key" };
enum { TLS_FILES = sizeof(tls_files) / sizeof(tls_files[0]) };

static const char *conf_path(const struct init *w, enum config_file which, char path[PATHS_MAX])
{
	char name[32];

	snprintf(name, sizeof(name), "%s.conf", config_file_name(which));
	return paths_file(&w->site->paths, PATHS_ETC, name, path);
}

static int check_empty(const struct init *w, struct error *err)
{
	char path[PATHS_MAX];

	for (unsigned i = 0; conf_file(i) != 0; i++)
		if (access(conf_path(w, conf_file(i), path), F_OK) == 0)
			return error_set(err, -EEXIST, "there is a site already (%s); nothing was touched",
					 path);
	for (unsigned i = 0; i < TLS_FILES; i++)
		if (access(paths_file(&w->site->paths, PATHS_TLS, tls_files[i], path), F_OK) == 0)
			return error_set(err, -EEXIST, "%s is there already; nothing was touched", path);
	return 0;
}

/* --- folders --------------------------------------------------------------- */

/* Makes path and what is missing above it. */
static int make_folders(const char *path, mode_t mode, struct error *err)
{
	char part[PATHS_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return error_system(err, errno, "can't make the folder %s", part);
		*slash = '/';
	}
	if (mkdir(path, mode) == 0 && chmod(path, mode) < 0)
		return error_system(err, errno, "can't set the mode of %s", path);
	if (access(path, F_OK) < 0)
		return error_system(err, errno, "can't make the folder %s", path);
	return 0;
}

/* user NULL: ours. */
static int make_folder(const struct init *w, enum paths_folder which, mode_t mode, const char *user,
		       struct error *err)
{
	const char *path = w->site->paths.folder[which];
	struct users_owner owner;
	int rc = make_folders(path, mode, err);

	if (rc != 0 || user == NULL || !w->site->root)
		return rc;
	rc = users_find(user, &owner, err);
	if (rc == 0 && chown(path, owner.uid, owner.gid) < 0)
		rc = error_system(err, errno, "can't give %s to %s", path, user);
	return rc;
}

static int make_all_folders(const struct init *w, struct error *err)
{
	static const struct {
		enum paths_folder which;
		mode_t mode;
		const char *user;
	} rows[] = {
		{ PATHS_ETC, 0755, NULL },
		{ PATHS_TLS, 0755, NULL },
		{ PATHS_ACCOUNTS, 0700, "yubin-auth" },
		{ PATHS_MAIL, 0700, "yubin-store" },
		{ PATHS_QUEUE, 0700, "yubin-store" },
		{ PATHS_DB, 0700, "yubin-store" },
		{ PATHS_RUN, 0755, NULL },
		{ PATHS_LOG, 0755, NULL },
	};
	int rc = 0;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = make_folder(w, rows[i].which, rows[i].mode, rows[i].user, err);
	return rc;
}

/* --- files ----------------------------------------------------------------- */

static int make_file(struct init *w, const char *path, const struct buf *text, mode_t mode, struct error *err)
{
	int rc = text->failed ? error_set(err, -ENOMEM, "no memory for %s", path)
			      : file_make(path, buf_span(text), mode, err);

	if (rc == 0 && w->made_count < FILES_MAX)
		snprintf(w->made[w->made_count++], PATHS_MAX, "%s", path);
	return rc;
}

static int make_tls_pair(struct init *w, const char *name, const struct buf *certificate,
			 const struct buf *key, struct error *err)
{
	char file[64], path[PATHS_MAX];
	int rc;

	snprintf(file, sizeof(file), "%s.key", name);
	rc = make_file(w, paths_file(&w->site->paths, PATHS_TLS, file, path), key, 0600, err);
	snprintf(file, sizeof(file), "%s.pem", name);
	if (rc == 0)
		rc = make_file(w, paths_file(&w->site->paths, PATHS_TLS, file, path), certificate, 0644, err);
	return rc;
}

static int make_server(struct init *w, const char *name, enum tls_key_kind kind, const struct buf *ca,
		       const struct buf *ca_key, struct error *err)
{
	const char *names[] = { w->hostname, "localhost", "127.0.0.1", "::1" };
	bool local = strcmp(w->hostname, "localhost") == 0;
	struct buf chain, key;
	int rc;

	buf_init(&chain, 64 << 10);
	buf_init(&key, 64 << 10);
	rc = tls_issue_server(buf_span(ca), buf_span(ca_key), kind, names + local, 4 - (size_t)local, &chain,
			      &key, err);
	if (rc == 0)
		rc = make_tls_pair(w, name, &chain, &key, err);
	if (key.p != NULL)
		explicit_bzero(key.p, key.cap);
	buf_clear(&chain);
	buf_clear(&key);
	return rc;
}

static int make_tls(struct init *w, struct error *err)
{
	char name[HOSTNAME_MAX + 32];
	struct buf ca, key;
	int rc;

	buf_init(&ca, 64 << 10);
	buf_init(&key, 64 << 10);
	snprintf(name, sizeof(name), "Yubin CA of %.40s", w->hostname);
	rc = tls_issue_ca(name, &ca, &key, err);
	if (rc == 0)
		rc = make_tls_pair(w, "ca", &ca, &key, err);
	if (rc == 0)
		rc = make_server(w, "server", TLS_KEY_P256, &ca, &key, err);
	if (rc == 0)
		rc = make_server(w, "server-rsa", TLS_KEY_RSA2048, &ca, &key, err);
	if (key.p != NULL)
		explicit_bzero(key.p, key.cap);
	buf_clear(&ca);
	buf_clear(&key);
	return rc;
}

/* yubin.conf last: it is what makes a folder a site. */
static int make_confs(struct init *w, struct error *err)
{
	unsigned count = 0;
	int rc = 0;

	while (conf_file(count) != 0)
		count++;
	for (unsigned i = count; i > 0 && rc == 0; i--) {
		enum config_file which = conf_file(i - 1);
		char path[PATHS_MAX];
		struct buf text;

		buf_init(&text, 1 << 20);
		conf_write(&w->plan, which, &text);
		rc = make_file(w, conf_path(w, which, path), &text, 0644, err);
		buf_clear(&text);
	}
	return rc;
}

static int make_domain(const struct init *w, struct error *err)
{
	const char *path = w->site->paths.folder[PATHS_ACCOUNTS];
	struct accounts_owner owner = { (uid_t)-1, (gid_t)-1 };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = error_system(err, errno, "can't open %s", path);
	} else {
		if (w->site->root)
			owner = (struct accounts_owner){ st.st_uid, st.st_gid };
		rc = accounts_domain_add(fd, &owner, w->domain, err);
		if (rc == -EEXIST)
			rc = 0; /* accounts of an earlier site are kept */
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- all of it ------------------------------------------------------------- */

static int make_site(struct init *w, struct error *err)
{
	int rc = check_empty(w, err);

	if (rc == 0 && w->site->root)
		rc = users_make(err);
	if (rc == 0)
		rc = make_all_folders(w, err);
	if (rc == 0)
		rc = make_tls(w, err);
	if (rc == 0)
		rc = make_domain(w, err);
	if (rc == 0)
		rc = keyring_first(w->site, w->domain, &w->keys_made, err);
	if (rc == 0)
		rc = make_confs(w, err);
	if (rc != 0)
		while (w->made_count > 0)
			unlink(w->made[--w->made_count]);
	return rc;
}

static void say_made(const struct init *w)
{
	const struct paths *p = &w->site->paths;

	printf("Made a site for %s, with the domain %s.\n"
	       "  configuration  %s\n"
	       "  its own CA     %s/ca.pem (give it to mail programs, or put a public CA's certificate in "
	       "its place)\n"
	       "Next: yubin%s%s account add somebody@%s, then yubin%s%s start; for mail with other servers: yubin%s%s dns "
	       "records %s\n",
	       w->hostname, w->domain, p->folder[PATHS_ETC], p->folder[PATHS_TLS], p->own ? " -C " : "",
	       p->root, w->domain, p->own ? " -C " : "", p->root, p->own ? " -C " : "", p->root, w->domain);
	if (!w->site->root)
		printf("Not made by root: all daemons will run as this one user.\n");
}

int init_run(const struct site *s, int argc, char **argv)
{
	struct init *w = calloc(1, sizeof(*w));
	struct error err;
	int rc;

	if (w == NULL) {
		error_set(&err, -ENOMEM, "no memory");
		return verb_failed(&err);
	}
	w->site = s;
	w->plan.port_base = -1;
	rc = read_arguments(w, argc, argv);
	if (rc == VERB_DONE && make_site(w, &err) != 0)
		rc = verb_failed(&err);
	else if (rc == VERB_DONE)
		say_made(w);
	free(w);
	return rc;
}
