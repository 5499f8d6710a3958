/* signing.c - the contract is in signing.h. */
#include "setup/signing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/config/file.h"
#include "common/config/paths.h"
#include "common/proc/bundle.h"
#include "dkim/keys.h"

enum { LIST_MAX = 16 << 10, KEY_MAX = 16 << 10 };	/* bytes of keys, of a key */

struct reading {
	const char *folder;
	struct buf *out;
	struct buf domains;
	struct report *r;
};

/* --- a walk ---------------------------------------------------------------- */

static int is_name(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Calls each with the path and the name of everything in folder; its first error ends the walk. */
typedef int (*each_entry)(void *arg, const char *path, const char *name, struct error *err);

static int walk(const char *folder, each_entry each, void *arg, struct error *err)
{
	struct dirent **found = NULL;
	int count = scandir(folder, &found, is_name, by_name), rc = 0;

	if (count < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "can't read the folder %s", folder);
	for (int i = 0; i < count; i++) {
		char path[PATHS_MAX];
		int n = snprintf(path, sizeof(path), "%s/%s", folder, found[i]->d_name);

		if (rc == 0 && n > 0 && (size_t)n < sizeof(path))
			rc = each(arg, path, found[i]->d_name, err);
		free(found[i]);
	}
	free(found);
	return rc;
}

/* --- stamps ---------------------------------------------------------------- */

static int look_file(void *arg, const char *path, const char *name, struct error *err)
{
	struct stat st;

	(void)name;
	(void)err;
	if (stat(path, &st) == 0)
		buf_printf(arg, "%s %ju %jd %jd.%09ld\n", path, (uintmax_t)st.st_ino, (intmax_t)st.st_size,
			   (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return 0;
}

static int look_domain(void *arg, const char *path, const char *name, struct error *err)
{
	struct stat st;

	(void)name;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? walk(path, look_file, arg, err) : 0;
}

void signing_look(const char *folder, struct buf *stamp)
{
	walk(folder, look_domain, stamp, NULL);
}

/* --- reading --------------------------------------------------------------- */

static int check_key(struct span pem, const char *domain, const struct dkim_entry *e, struct error *err)
{
	struct dkim_key *key;
	int rc = dkim_key_read(&key, pem, domain, e->selector, err);

	if (rc == 0 && dkim_key_algorithm(key) != e->algorithm)
		rc = error_set(err, -EINVAL, "the key is of another kind than the list says");
	dkim_key_free(key);
	return rc;
}

static int read_key(struct reading *g, const char *domain, const struct dkim_entry *e, struct error *err)
{
	char name[PATHS_MAX], path[PATHS_MAX];
	struct stat st;
	struct buf pem;
	int rc;

	if ((size_t)snprintf(name, sizeof(name), "dkim/%s/%s.pem", domain, e->selector) >= sizeof(name) ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s/%s.pem", g->folder, domain, e->selector) >= sizeof(path))
		return error_set(err, -ENAMETOOLONG, "the path of the key %s is too long", e->selector);
	buf_init(&pem, KEY_MAX);
	rc = file_read(path, &pem, &st, err);
	if (rc == 0 && (st.st_mode & 077) != 0)
		report_warn(g->r, "%s: other users may read this private key (mode %03o); chmod 600 it", path,
			    (unsigned)st.st_mode & 0777);
	if (rc == 0 && check_key(buf_span(&pem), domain, e, err) != 0)
		rc = error_context(err, "%s", path);
	if (rc == 0)
		bundle_put(g->out, name, buf_span(&pem));
	buf_wipe(&pem);
	return rc;
}

static int read_keys(struct reading *g, const char *domain, struct span list, struct error *err)
{
	struct dkim_entry entries[DKIM_KEYS];
	bool active = false;
	char name[PATHS_MAX];
	size_t count;
	int rc = dkim_keys_read(list, entries, &count, err);

	if (rc != 0)
		return error_context(err, "%s/%s/keys", g->folder, domain);
	for (size_t i = 0; i < count && rc == 0; i++)
		if (entries[i].state == DKIM_ACTIVE) {
			rc = read_key(g, domain, &entries[i], err);
			active = true;
		}
	snprintf(name, sizeof(name), "dkim/%s/keys", domain);
	bundle_put(g->out, name, list);
	if (active)
		buf_printf(&g->domains, "%s\n", domain);
	return rc;
}

static int read_domain(void *arg, const char *path, const char *name, struct error *err)
{
	struct reading *g = arg;
	char file[PATHS_MAX];
	struct stat st;
	struct buf list;
	int rc;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if ((size_t)snprintf(file, sizeof(file), "%s/keys", path) >= sizeof(file))
		return error_set(err, -ENAMETOOLONG, "the path %s/keys is too long", path);
	buf_init(&list, LIST_MAX);
	rc = file_read(file, &list, NULL, err);
	if (rc == -ENOENT) {
		report_warn(g->r, "%s is not there: mail from %s is not signed (`yubin dkim new %s`)", file, name, name);
		rc = 0;
	} else if (rc == 0) {
		rc = read_keys(g, name, buf_span(&list), err);
	}
	buf_clear(&list);
	return rc;
}

int signing_read(const char *folder, struct buf *out, struct report *r, struct error *err)
{
	struct reading g = { .folder = folder, .out = out, .r = r };
	int rc;

	buf_init(&g.domains, SIGNING_MAX);
	rc = walk(folder, read_domain, &g, err);
	bundle_put(out, "dkim", buf_span(&g.domains));
	if (rc == 0 && (out->failed || g.domains.failed))
		rc = error_set(err, -EFBIG, "the keys in %s are more than %d bytes", folder, SIGNING_MAX);
	buf_clear(&g.domains);
	return rc;
}
