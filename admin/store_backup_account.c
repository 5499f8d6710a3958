/*
 * store_backup_account.c - an account's messages, while they may be moved; the contract is in store_backup.h.
 *
 * A message keeps its GUID wherever it is moved to, and is moved within its account only. So: all names of the
 * account are listed, again while a mailbox changed meanwhile; then each is taken. One that has gone by then is
 * looked for under its GUID in a new list; if it is not there either, it was expunged.
 * Memory  24 bytes a message of the largest account, for each list of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_backup.h"
#include "storage/local/names.h"

enum {
	LISTS = 5,   /* of an account that keeps changing, put together */
	ROUNDS = 200 /* through what has gone */
};

struct name {
	uint8_t guid[STORE_GUID];
	uint32_t mailbox, uid;
};

struct names {
	struct name *at;
	size_t count, room;
};

struct taking {
	struct backup *b;
	int account;
	const char *path;
	struct names gone; /* only guid counts; sorted */
	bool sure;         /* the list is what was there at one time */
	uint32_t made;     /* the last mailbox whose folder the backup has; 0: none */
};

static int name_order(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int c = memcmp(x->guid, y->guid, STORE_GUID);

	if (c != 0)
		return c;
	if (x->mailbox != y->mailbox)
		return x->mailbox < y->mailbox ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int guid_order(const void *a, const void *b)
{
	return memcmp(((const struct name *)a)->guid, ((const struct name *)b)->guid, STORE_GUID);
}

/* As they came, which is about how they lie on the disk. */
static int uid_order(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->mailbox != y->mailbox)
		return x->mailbox < y->mailbox ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int names_add(struct names *n, const struct name *one)
{
	if (n->count == n->room) {
		size_t room = n->room > 0 ? n->room * 2 : 256;
		struct name *more = realloc(n->at, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		n->at = more;
		n->room = room;
	}
	n->at[n->count++] = *one;
	return 0;
}

static void names_sort(struct names *n)
{
	size_t kept = 0;

	if (n->count > 1)
		qsort(n->at, n->count, sizeof(*n->at), name_order);
	for (size_t i = 0; i < n->count; i++)
		if (i == 0 || name_order(&n->at[i], &n->at[kept - 1]) != 0)
			n->at[kept++] = n->at[i];
	n->count = kept;
}

/* --- the list -------------------------------------------------------------------- */

static DIR *open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

static int list_mailbox(struct taking *t, uint32_t id, DIR *d, struct names *out, struct error *err)
{
	struct name one = { .mailbox = id };
	char path[MANIFEST_PATH_MAX];
	struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		int r = 0;

		if (names_message_parse(e->d_name, &one.uid, one.guid)) {
			r = names_add(out, &one);
		} else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
			   snprintf(path, sizeof(path), "%s/%08x/cur/%s", t->path, id, e->d_name) <
				   (int)sizeof(path)) {
			r = backup_file(t->b, dirfd(d), e->d_name, path, err);
			r = r < 0 ? r : 0;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* Lists all mailboxes, or with out NULL only looks when they changed. What it saw of that goes to stamp. */
static int list(struct taking *t, struct names *out, uint8_t stamp[MANIFEST_HASH], struct error *err)
{
	DIR *d = open_folder(t->account, "."), *cur;
	crypto_generichash_state state;
	struct dirent *e;
	struct stat st;
	char path[32];
	uint32_t id;
	int r = 0;

	if (d == NULL)
		return error_system(err, errno, "can't look at %s", t->path);
	crypto_generichash_init(&state, NULL, 0, MANIFEST_HASH);
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (!names_mailbox_parse(e->d_name, &id))
			continue;
		snprintf(path, sizeof(path), "%08x/cur", id);
		cur = open_folder(t->account, path);
		if (cur == NULL)
			continue;
		if (fstat(dirfd(cur), &st) == 0)
			crypto_generichash_update(&state, (const uint8_t *)&st.st_mtim, sizeof(st.st_mtim));
		crypto_generichash_update(&state, (const uint8_t *)&id, sizeof(id));
		if (out != NULL)
			r = list_mailbox(t, id, cur, out, err);
		closedir(cur);
	}
	closedir(d);
	crypto_generichash_final(&state, stamp, MANIFEST_HASH);
	return r == -ENOMEM ? error_set(err, r, "no memory for the messages of %s", t->path) : r;
}

/* All that was there at one time; of an account that never rests, what several lists saw. */
static int list_surely(struct taking *t, struct names *out, struct error *err)
{
	uint8_t before[MANIFEST_HASH], after[MANIFEST_HASH];
	int r = 0;

	out->count = 0;
	for (int i = 0; i < LISTS && r == 0; i++) {
		r = list(t, out, before, err);
		if (r == 0)
			r = list(t, NULL, after, err);
		t->sure = memcmp(before, after, sizeof(before)) == 0;
		if (t->sure)
			break;
	}
	return r;
}

/* --- taking ------------------------------------------------------------------------ */

/* Of a mailbox that was made meanwhile. */
static int make_folder(const struct taking *t, uint32_t mailbox, struct error *err)
{
	char folder[MANIFEST_PATH_MAX], name[16];

	snprintf(folder, sizeof(folder), "%s/%08x", t->path, mailbox);
	if (faccessat(t->b->to, folder, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	snprintf(name, sizeof(name), "%08x", mailbox);
	return backup_folder(t->b, t->account, name, folder, err);
}

static int take(struct taking *t, const struct name *n, struct error *err)
{
	char path[MANIFEST_PATH_MAX + NAMES_PATH_MAX], name[NAMES_PATH_MAX];
	int r = t->made == n->mailbox ? 0 : make_folder(t, n->mailbox, err);

	if (r < 0)
		return r;
	t->made = n->mailbox;
	names_message(name, "", n->mailbox, n->uid, n->guid); /* "/ID/cur/UID.GUID" */
	snprintf(path, sizeof(path), "%s%s", t->path, name);
	return backup_file(t->b, t->account, name + 1, path, err);
}

enum { UID_NOT_TAKEN = 0 };

/* What could not be taken loses its UID. */
static int take_each(struct taking *t, struct names *all, bool first, struct error *err)
{
	int r = 0;

	if (all->count > 1)
		qsort(all->at, all->count, sizeof(*all->at), uid_order);
	for (size_t i = 0; i < all->count && r >= 0; i++) {
		struct name *one = &all->at[i];

		if (!first && bsearch(one, t->gone.at, t->gone.count, sizeof(*one), guid_order) == NULL)
			continue;
		r = take(t, one, err);
		if (r == 0)
			one->uid = UID_NOT_TAKEN;
	}
	return r < 0 ? r : 0;
}

/* Messages of which no name could be taken. */
static int list_gone(const struct names *all, struct names *gone)
{
	int r = 0;

	for (size_t i = 0; i < all->count && r == 0;) {
		const struct name *one = &all->at[i];
		bool there = false;

		for (; i < all->count && guid_order(one, &all->at[i]) == 0; i++)
			there |= all->at[i].uid != UID_NOT_TAKEN;
		if (!there)
			r = names_add(gone, one);
	}
	return r;
}

/* Takes those that are looked for, or all; what could not be taken is looked for next. */
static int take_all(struct taking *t, struct names *all, bool first, struct error *err)
{
	struct names gone = { .count = 0 };
	int r = take_each(t, all, first, err);

	names_sort(all);
	if (r == 0 && list_gone(all, &gone) < 0)
		r = error_set(err, -ENOMEM, "no memory for the messages of %s", t->path);
	/* One that no list shows was expunged, but only if the list is sure. */
	for (size_t i = 0; i < t->gone.count && !t->sure && r >= 0; i++)
		if (bsearch(&t->gone.at[i], all->at, all->count, sizeof(*all->at), guid_order) == NULL &&
		    names_add(&gone, &t->gone.at[i]) < 0)
			r = error_set(err, -ENOMEM, "no memory for the messages of %s", t->path);
	if (gone.count > 1)
		qsort(gone.at, gone.count, sizeof(*gone.at), guid_order);
	free(t->gone.at);
	t->gone = gone;
	return r < 0 ? r : 0;
}

int backup_account(struct backup *b, int account, const char *path, struct error *err)
{
	struct taking t = { .b = b, .account = account, .path = path };
	struct names all = { .count = 0 };
	int r = 0;

	for (int i = 0; i < ROUNDS && r == 0 && (i == 0 || t.gone.count > 0); i++) {
		r = list_surely(&t, &all, err);
		if (r == 0)
			r = take_all(&t, &all, i == 0, err);
	}
	free(all.at);
	free(t.gone.at);
	return r;
}
