/* auth_folder.c - the contract is in auth_folder.h. */
#include "tests/unit/auth_folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const struct accounts_owner keep = { (uid_t)-1, (gid_t)-1 };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

void auth_folder_make(struct auth_folder *f)
{
	snprintf(f->path, sizeof(f->path), "%s", "/tmp/yubin-auth-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

void auth_folder_remove(struct auth_folder *f)
{
	close(f->fd);
	nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void auth_folder_domain(struct auth_folder *f, const char *domain)
{
	assert_int_equal(accounts_domain_add(f->fd, &keep, domain, NULL), 0);
}

static void put(struct auth_folder *f, const struct account *a)
{
	if (accounts_put(f->fd, &keep, a, NULL) < 0)
		assert_int_equal(accounts_add(f->fd, &keep, a, NULL), 0);
}

void auth_folder_account(struct auth_folder *f, const char *address, const char *password)
{
	char hash[crypto_pwhash_STRBYTES] = "";

	if (password != NULL)
		assert_int_equal(crypto_pwhash_str(hash, password, strlen(password),
						   crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN),
				 0);
	put(f, &(struct account){
		   .address = address, .password = hash, .enabled = true, .created_s = 1795261278 });
}

static void put_state(struct auth_folder *f, const char *address, bool enabled)
{
	struct accounts *a;
	struct account changed;

	assert_int_equal(accounts_read(&a, f->fd, NULL, NULL, NULL), 0);
	changed = *accounts_find(a, address);
	changed.enabled = enabled;
	put(f, &changed);
	accounts_free(a);
}

void auth_folder_certificate(struct auth_folder *f, const char *address, const char *fingerprint)
{
	const struct account_certificate one = { fingerprint, "" };
	struct accounts *a;
	struct account changed;

	assert_int_equal(accounts_read(&a, f->fd, NULL, NULL, NULL), 0);
	changed = *accounts_find(a, address);
	changed.certificates = &one;
	changed.certificate_count = 1;
	put(f, &changed);
	accounts_free(a);
}

void auth_folder_disable(struct auth_folder *f, const char *address)
{
	put_state(f, address, false);
}

void auth_folder_enable(struct auth_folder *f, const char *address)
{
	put_state(f, address, true);
}

/* Cuts text, which is changed. */
static size_t cut(const char *list[1000], char *text)
{
	size_t n = 0;

	for (char *one; n < 1000 && (one = strsep(&text, " ")) != NULL;)
		list[n++] = one;
	return n;
}

void auth_folder_forward(struct auth_folder *f, const char *address, const char *targets, bool keep_copy)
{
	const char *list[1000];
	struct accounts *a;
	struct account changed;
	char text[4000];

	snprintf(text, sizeof(text), "%s", targets);
	assert_int_equal(accounts_read(&a, f->fd, NULL, NULL, NULL), 0);
	changed = *accounts_find(a, address);
	changed.forwards = list;
	changed.forward_count = cut(list, text);
	changed.forward_keep = keep_copy;
	put(f, &changed);
	accounts_free(a);
}

void auth_folder_alias(struct auth_folder *f, const char *address, const char *targets)
{
	const char *list[1000];
	char text[40000];
	size_t n;

	snprintf(text, sizeof(text), "%s", targets);
	n = cut(list, text);
	assert_int_equal(accounts_alias_put(
			     f->fd, &keep,
			     &(struct alias){ .address = address, .targets = list, .target_count = n }, NULL),
			 0);
}
