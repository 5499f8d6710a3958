/* store_verify.c - the contract is in store_verify.h. */
#include "admin/store_verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/store_copy.h"
#include "admin/store_progress.h"

const struct verify_row verify_rows[VERIFY_KINDS] = {
	[VERIFY_MANIFEST_MISSING] = { "manifest-missing", "nothing says what the backup holds" },
	[VERIFY_MANIFEST_DAMAGED] = { "manifest-damaged", "the manifest is cut, or not what was written" },
	[VERIFY_FILE_MISSING] = { "file-missing", "a file that was saved is not there" },
	[VERIFY_FOLDER_MISSING] = { "folder-missing", "a folder that was saved is not there" },
	[VERIFY_WRONG_TYPE] = { "wrong-type", "a symlink, folder, device or file where another was saved" },
	[VERIFY_WRONG_SIZE] = { "wrong-size", "a file is longer or shorter than what was saved" },
	[VERIFY_WRONG_BYTES] = { "wrong-bytes", "a file has the size, but not the bytes that were saved" },
	[VERIFY_UNREADABLE] = { "unreadable", "a file can't be read" },
	[VERIFY_STRANGE_FILE] = { "strange-file", "a file or folder that was not saved; a restore does not take it" },
};

struct verify {
	const struct verify_options *o;
	struct verified counts;
	struct store_progress progress;
	struct store_progress_at at;
	uint64_t *paths; /* what the manifest names */
	size_t count, room;
};

static void tell(struct verify *v, enum verify_kind kind, const char *where, const char *words)
{
	const struct verify_found f = { .kind = kind, .where = where, .words = words };

	v->counts.damaged++;
	v->o->found(v->o->arg, &f);
}

/* --- what the manifest names ------------------------------------------------------ */

static uint64_t path_number(const char *path)
{
	uint64_t number;

	crypto_generichash((unsigned char *)&number, sizeof(number), (const unsigned char *)path, strlen(path), NULL, 0);
	return number;
}

static int number_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool keep_path(struct verify *v, const char *path)
{
	if (v->count == v->room) {
		size_t room = v->room > 0 ? v->room * 2 : 1024;
		uint64_t *more = realloc(v->paths, room * sizeof(*more));

		if (more == NULL)
			return false;
		v->paths = more;
		v->room = room;
	}
	v->paths[v->count++] = path_number(path);
	return true;
}

static void look_at_folder(struct verify *v, const struct manifest_entry *e)
{
	struct stat st;

	if (fstatat(v->o->folder, e->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		tell(v, VERIFY_FOLDER_MISSING, e->path, "");
	else if (!S_ISDIR(st.st_mode))
		tell(v, VERIFY_WRONG_TYPE, e->path, "it was a folder");
}

static void look_at_bytes(struct verify *v, const struct manifest_entry *e)
{
	uint8_t hash[MANIFEST_HASH];
	struct stat st;
	int code = store_hash(v->o->folder, e->path, hash, &st);

	if (code < 0)
		tell(v, VERIFY_UNREADABLE, e->path, strerror(-code));
	else if (memcmp(hash, e->hash, sizeof(hash)) != 0)
		tell(v, VERIFY_WRONG_BYTES, e->path, "");
	else
		v->counts.files++, v->counts.bytes += e->size;
}

static void look_at_file(struct verify *v, const struct manifest_entry *e)
{
	char words[80];
	struct stat st;

	if (fstatat(v->o->folder, e->path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		tell(v, VERIFY_FILE_MISSING, e->path, "");
	} else if (!S_ISREG(st.st_mode)) {
		tell(v, VERIFY_WRONG_TYPE, e->path, "it was a file");
	} else if ((uint64_t)st.st_size != e->size) {
		snprintf(words, sizeof(words), "%lld bytes, not %" PRIu64, (long long)st.st_size, e->size);
		tell(v, VERIFY_WRONG_SIZE, e->path, words);
	} else {
		look_at_bytes(v, e);
	}
	v->at.messages++;
	v->at.bytes += e->size;
	v->at.part = v->at.bytes + v->at.messages; /* empty files are work, too */
	store_progress_tell(&v->progress, &v->at);
}

static int look_at_entries(struct verify *v, struct manifest_reader *r, struct error *err)
{
	struct manifest_entry e;
	int code;

	while ((code = manifest_next(r, &e)) > 0) {
		if (e.folder)
			look_at_folder(v, &e);
		else
			look_at_file(v, &e);
		if (!keep_path(v, e.path))
			return error_set(err, -ENOMEM, "no memory for the names of %zu files", v->count);
	}
	return code == -EBADMSG ? error_set(err, code, "the backup's manifest has changed") : code;
}

/* --- what else is there ------------------------------------------------------------ */

static int walk(struct verify *v, int at, const char *name, const char *path, struct error *err);

static int look_at_name(struct verify *v, int at, const char *above, const char *name, struct error *err)
{
	char path[MANIFEST_PATH_MAX];
	uint64_t number;
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (above[0] == '\0' && strcmp(name, "manifest") == 0))
		return 0;
	if (snprintf(path, sizeof(path), "%s%s%s", above, above[0] != '\0' ? "/" : "", name) >= (int)sizeof(path)) {
		tell(v, VERIFY_STRANGE_FILE, above, "a path in it is too long");
		return 0;
	}
	number = path_number(path);
	if (bsearch(&number, v->paths, v->count, sizeof(number), number_order) == NULL) {
		tell(v, VERIFY_STRANGE_FILE, path, "");
		return 0;
	}
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	return walk(v, at, name, path, err);
}

static int walk(struct verify *v, int at, const char *name, const char *path, struct error *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (d == NULL) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		if (code == ENOMEM || code == EMFILE)
			return error_system(err, code, "can't open the folder %s", path);
		tell(v, VERIFY_UNREADABLE, path, strerror(code));
		return 0;
	}
	while (r == 0 && (e = readdir(d)) != NULL)
		r = look_at_name(v, fd, path, e->d_name, err);
	closedir(d);
	return r;
}

static int look_for_strange(struct verify *v, struct error *err)
{
	if (v->count > 1)
		qsort(v->paths, v->count, sizeof(*v->paths), number_order);
	return walk(v, v->o->folder, ".", "", err);
}

/* --- all --------------------------------------------------------------------------- */

/* True: there are lines to be looked at. */
static bool open_manifest(struct verify *v, struct manifest_reader *r, bool *whole)
{
	struct error why;
	int code = manifest_open(r, v->o->folder, &why);

	*whole = code == 0;
	if (code == 0)
		return true;
	tell(v, code == -EBADMSG ? VERIFY_MANIFEST_DAMAGED : VERIFY_MANIFEST_MISSING, "manifest", why.words);
	return code == -EBADMSG && manifest_open_broken(r, v->o->folder, NULL) == 0;
}

static int look(struct verify *v, bool *whole, struct error *err)
{
	struct manifest_reader r;
	int code;

	if (!open_manifest(v, &r, whole))
		return 0;
	v->at = (struct store_progress_at){ .what = "verifying", .unit = "files", .whole = r.bytes + r.files };
	store_progress_begin(&v->progress);
	code = look_at_entries(v, &r, err);
	store_progress_end(&v->progress);
	manifest_close(&r);
	return code;
}

int verify_needed(const struct verify_options *o, struct verified *out, struct error *err)
{
	struct verify v = { .o = o };
	bool whole;
	int code = look(&v, &whole, err);

	free(v.paths);
	*out = v.counts;
	return code;
}

int verify_all(const struct verify_options *o, struct verified *out, struct error *err)
{
	struct verify v = { .o = o };
	bool whole;
	int code = look(&v, &whole, err);

	if (code == 0 && whole) /* a damaged one can't tell what is strange */
		code = look_for_strange(&v, err);
	free(v.paths);
	*out = v.counts;
	return code;
}
