/* keyring.c - the contract is in keyring.h. */
#include "admin/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin/file.h"
#include "common/base/clock.h"
#include "common/config/file.h"

enum { LIST_MAX = 16 << 10, KEY_MAX = 16 << 10, TRIES = 100 };

static const char letters[] = { [DKIM_RSA_SHA256] = 'r', [DKIM_ED25519_SHA256] = 'e' };

/* --- reading --------------------------------------------------------------- */

static int join(char out[PATHS_MAX], const char *folder, const char *name, const char *end, struct error *err)
{
	int n = snprintf(out, PATHS_MAX, "%s/%s%s", folder, name, end);

	return n >= 0 && n < PATHS_MAX ? 0 : error_set(err, -ENAMETOOLONG, "the path %s/%s%s is too long", folder, name, end);
}

int keyring_read(struct keyring *k, const struct site *s, const char *domain, struct error *err)
{
	char path[PATHS_MAX];
	struct buf list;
	int rc;

	k->count = 0;
	if (!dns_name(span_of(domain), k->domain) || *k->domain == '\0' || strchr(k->domain, '/') != NULL)
		return error_set(err, -EINVAL, "%s is no domain", domain);
	paths_file(&s->paths, PATHS_ETC, "dkim", path);
	rc = join(k->folder, path, k->domain, "", err);
	if (rc == 0)
		rc = join(path, k->folder, "keys", "", err);
	if (rc != 0)
		return rc;
	buf_init(&list, LIST_MAX);
	rc = file_read(path, &list, NULL, err);
	if (rc == 0)
		rc = dkim_keys_read(buf_span(&list), k->entries, &k->count, err);
	if (rc == -EINVAL)
		error_context(err, "%s", path);
	buf_clear(&list);
	return rc == -ENOENT ? 0 : rc;
}

bool keyring_has(const struct keyring *k, enum dkim_state state)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->entries[i].state == state)
			return true;
	return false;
}

/* --- making ---------------------------------------------------------------- */

static int make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return error_system(err, errno, "can't make the folder %s", path);
}

static bool is_taken(const struct keyring *k, const char *selector)
{
	char path[PATHS_MAX];

	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->entries[i].selector, selector) == 0)
			return true;
	return join(path, k->folder, selector, ".pem", NULL) != 0 || access(path, F_OK) == 0;
}

/* "y20261122", and what makes it new: "", "b", "c" ... */
static int make_stem(const struct keyring *k, int64_t now_s, char stem[32], struct error *err)
{
	time_t now = (time_t)now_s;
	struct tm tm = { 0 };

	gmtime_r(&now, &tm);
	for (int i = 0; i < TRIES; i++) {
		char both[2][40];
		size_t n = strftime(stem, 32, "y%Y%m%d", &tm);

		if (i > 0)
			snprintf(stem + n, 32 - n, "-%d", i + 1);
		for (int a = DKIM_RSA_SHA256; a <= DKIM_ED25519_SHA256; a++)
			snprintf(both[a], sizeof(both[a]), "%s%c", stem, letters[a]);
		if (!is_taken(k, both[0]) && !is_taken(k, both[1]))
			return 0;
	}
	return error_set(err, -EEXIST, "too many keys were made today");
}

static int make_one(struct keyring *k, const char *stem, enum dkim_algorithm algorithm, enum dkim_state state,
		    int64_t now_s, struct error *err)
{
	struct dkim_entry *e = &k->entries[k->count];
	char path[PATHS_MAX];
	struct buf pem;
	int rc;

	*e = (struct dkim_entry){ .algorithm = algorithm, .state = state, .created_s = now_s };
	snprintf(e->selector, sizeof(e->selector), "%s%c", stem, letters[algorithm]);
	buf_init(&pem, KEY_MAX);
	rc = join(path, k->folder, e->selector, ".pem", err);
	if (rc == 0)
		rc = dkim_key_make(algorithm, &pem, err);
	if (rc == 0)
		rc = file_make(path, buf_span(&pem), 0600, err);
	if (rc == 0)
		k->count++;
	buf_wipe(&pem);
	return rc;
}

int keyring_make(struct keyring *k, enum dkim_state state, int64_t now_s, struct error *err)
{
	char stem[32];
	int rc;

	if (k->count + 2 > DKIM_KEYS)
		return error_set(err, -E2BIG, "%s has %zu keys already", k->domain, k->count);
	rc = make_folder(k->folder, err);
	if (rc == 0)
		rc = make_stem(k, now_s, stem, err);
	if (rc == 0)
		rc = make_one(k, stem, DKIM_RSA_SHA256, state, now_s, err);
	if (rc == 0)
		rc = make_one(k, stem, DKIM_ED25519_SHA256, state, now_s, err);
	return rc;
}

int keyring_write(const struct keyring *k, struct error *err)
{
	char path[PATHS_MAX];
	struct buf list;
	int rc;

	buf_init(&list, LIST_MAX);
	buf_put_text(&list, "# SELECTOR rsa|ed25519 active|next|old CREATED; `yubin dkim` writes it\n");
	dkim_keys_write(k->entries, k->count, &list);
	rc = join(path, k->folder, "keys", "", err);
	if (rc == 0)
		rc = list.failed ? error_set(err, -ENOMEM, "no memory for %s", path) : file_replace(path, buf_span(&list), 0644, err);
	buf_clear(&list);
	return rc;
}

void keyring_drop(struct keyring *k, size_t i)
{
	k->count--;
	memmove(&k->entries[i], &k->entries[i + 1], (k->count - i) * sizeof(k->entries[0]));
}

void keyring_sweep(const struct keyring *k)
{
	DIR *folder = opendir(k->folder);
	struct dirent *e;

	while (folder != NULL && (e = readdir(folder)) != NULL) {
		char *dot = strrchr(e->d_name, '.');
		bool named = dot == NULL || strcmp(dot, ".pem") != 0;

		for (size_t i = 0; i < k->count && !named; i++)
			named = strncmp(e->d_name, k->entries[i].selector, (size_t)(dot - e->d_name)) == 0 &&
				k->entries[i].selector[dot - e->d_name] == '\0';
		if (!named)
			unlinkat(dirfd(folder), e->d_name, 0);
	}
	if (folder != NULL)
		closedir(folder);
}

/* --- publishing ------------------------------------------------------------ */

void keyring_name(const struct keyring *k, size_t i, char out[KEYRING_NAME_MAX])
{
	snprintf(out, KEYRING_NAME_MAX, "%s._domainkey.%s", k->entries[i].selector, k->domain);
}

int keyring_record(const struct keyring *k, size_t i, struct buf *out, struct error *err)
{
	struct dkim_key *key = NULL;
	char path[PATHS_MAX];
	struct buf pem;
	int rc;

	buf_init(&pem, KEY_MAX);
	rc = join(path, k->folder, k->entries[i].selector, ".pem", err);
	if (rc == 0)
		rc = file_read(path, &pem, NULL, err);
	if (rc == 0 && (rc = dkim_key_read(&key, buf_span(&pem), k->domain, k->entries[i].selector, err)) != 0)
		error_context(err, "%s", path);
	if (rc == 0)
		dkim_key_record(key, out);
	dkim_key_free(key);
	buf_wipe(&pem);
	return rc;
}

/* --- all of them ----------------------------------------------------------- */

int keyring_lock(const struct site *s, struct error *err)
{
	char path[PATHS_MAX];
	int fd, rc;

	paths_file(&s->paths, PATHS_ETC, "dkim", path);
	rc = make_folder(path, err);
	if (rc != 0)
		return rc;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	rc = error_system(err, errno, "can't lock %s", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int keyring_first(const struct site *s, const char *domain, bool *made, struct error *err)
{
	struct keyring k;
	int lock = keyring_lock(s, err), rc;

	*made = false;
	if (lock < 0)
		return lock;
	rc = keyring_read(&k, s, domain, err);
	if (rc == 0 && k.count == 0) {
		rc = keyring_make(&k, DKIM_ACTIVE, clock_real_ms() / 1000, err);
		if (rc == 0)
			rc = keyring_write(&k, err);
		*made = rc == 0;
	}
	close(lock);
	return rc;
}

static int is_domain(const struct dirent *e)
{
	return e->d_name[0] != '.' && strchr(e->d_name, '.') != NULL;
}

int keyring_walk(const struct site *s, keyring_each each, void *arg, struct error *err)
{
	struct dirent **found = NULL;
	char path[PATHS_MAX];
	int count = scandir(paths_file(&s->paths, PATHS_ETC, "dkim", path), &found, is_domain, alphasort), rc = 0;

	if (count < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "can't read the folder %s", path);
	for (int i = 0; i < count; i++) {
		struct keyring k;

		if (rc == 0)
			rc = keyring_read(&k, s, found[i]->d_name, err);
		if (rc == 0 && k.count > 0)
			rc = each(arg, &k, err);
		free(found[i]);
	}
	free(found);
	return rc;
}
