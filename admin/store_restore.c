/* store_restore.c - store restore BACKUP: verified first, never over a running server. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/store_copy.h"
#include "admin/store_restore.h"
#include "admin/users.h"
#include "common/base/clock.h"
#include "storage/local/files.h"
#include "storage/local/statefile.h"

enum {
	STATE_MAX = 64 * 1024,
	UID_JUMP = 1000 * 1000,           /* more than were given since the backup */
	MODSEQ_JUMP = 1000 * 1000 * 1000
};

/* --- parts ------------------------------------------------------------------------ */

int restore_each(const struct restore *r, int (*fn)(void *arg, const struct manifest_entry *e, struct error *err),
		 void *arg, struct error *err)
{
	struct manifest_reader reader;
	struct manifest_entry e;
	int code = manifest_open(&reader, r->from, err);

	if (code < 0)
		return code;
	while ((code = manifest_next(&reader, &e)) > 0 && (code = fn(arg, &e, err)) == 0)
		;
	manifest_close(&reader);
	return code == -EBADMSG ? error_set(err, code, "the backup's manifest has changed") : code;
}

int restore_entry(const struct restore *r, const struct manifest_entry *e, int at, const char *to, struct error *err)
{
	uint8_t hash[MANIFEST_HASH];
	struct stat st;
	int code;

	if (e->folder) {
		if (mkdirat(at, to, e->mode) < 0)
			return error_system(err, errno, "can't make %s", to);
		return 0;
	}
	code = store_copy(r->from, e->path, at, to, hash, &st);
	if (code == 0 && memcmp(hash, e->hash, sizeof(hash)) != 0)
		return error_set(err, -EBADMSG, "%s has changed in the backup", e->path);
	if (code == 0 && fchmodat(at, to, e->mode, 0) < 0) /* what carried it may have lost it */
		code = -errno;
	return code == 0 ? 0 : error_system(err, -code, "%s can't be restored", e->path);
}

static uint32_t jump_uid(uint32_t floor)
{
	return floor < UINT32_MAX - 2 * UID_JUMP ? floor + UID_JUMP : floor;
}

int restore_state(int at, const char *folder, const char *name, struct error *err)
{
	struct head h = { 0 };
	struct buf text, old;
	int code;

	buf_init(&text, STATE_MAX);
	buf_init(&old, STORE_NAME_MAX);
	code = files_read(at, folder, "state", &text);
	/* One that does not parse stays: a start calls the mailbox Recovered. */
	if (code == 0 && statefile_mailbox_parse(buf_span(&text), &h, &old)) {
		h.uid_floor = jump_uid(h.uid_floor);
		h.modseq_floor += MODSEQ_JUMP;
		if (name != NULL) {
			h.role = STORE_ROLE_NONE;
			h.uidvalidity = (uint32_t)(clock_real_ms() / 1000);
		}
		buf_reset(&text);
		statefile_mailbox(&text, &h, name != NULL ? span_of(name) : buf_span(&old));
		code = text.failed ? -ENOMEM : files_replace(at, folder, "state", buf_span(&text));
	}
	buf_clear(&text);
	buf_clear(&old);
	return code == 0 || code == -ENOENT ? 0 : error_system(err, -code, "%s/state can't be written", folder);
}

/* --- is it whole? ------------------------------------------------------------------- */

struct verify {
	const struct restore *r;
	uint64_t files, bytes, bad;
};

static int verify_one(void *arg, const struct manifest_entry *e, struct error *err)
{
	struct verify *v = arg;
	uint8_t hash[MANIFEST_HASH];
	struct stat st;
	int code;

	(void)err;
	if (e->folder)
		return 0;
	v->files++;
	v->bytes += e->size;
	code = store_hash(v->r->from, e->path, hash, &st);
	if (code == 0 && (uint64_t)st.st_size == e->size && memcmp(hash, e->hash, sizeof(hash)) == 0)
		return 0;
	fprintf(stderr, "yubin: damaged in the backup: %s: %s\n", e->path,
		code < 0 ? strerror(-code) : "it is not what was saved");
	v->bad++;
	return 0;
}

static int verify(struct verify *v, struct error *err)
{
	int code = restore_each(v->r, verify_one, v, err);

	if (code == 0 && v->bad > 0)
		code = error_set(err, -EBADMSG, "%" PRIu64 " of %" PRIu64 " files are damaged; nothing was restored",
				 v->bad, v->files);
	return code;
}

/* --- a whole site ------------------------------------------------------------------- */

static const struct part {
	const char *name;
	enum paths_folder folder;
	const char *user;
} parts[] = {
	{ "etc", PATHS_ETC, NULL },
	{ "accounts", PATHS_ACCOUNTS, "yubin-auth" },
	{ "queue", PATHS_QUEUE, "yubin-store" },
	{ "mail", PATHS_MAIL, "yubin-store" },
	{ "db", PATHS_DB, "yubin-store" }, /* empty: the first start makes it from the others */
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

struct whole {
	const struct restore *r;
	const struct site *s;
	struct users_owner owner[PARTS];
};

static const char *beside(const struct whole *w, unsigned i, const char *end, char out[PATHS_MAX + 16])
{
	snprintf(out, PATHS_MAX + 16, "%s%s", w->s->paths.folder[parts[i].folder], end);
	return out;
}

static int owners(struct whole *w, struct error *err)
{
	int code = w->s->root ? users_make(err) : 0;

	for (unsigned i = 0; i < PARTS && code == 0 && w->s->root; i++)
		if (parts[i].user != NULL)
			code = users_find(parts[i].user, &w->owner[i], err);
	return code;
}

static int whole_entry(void *arg, const struct manifest_entry *e, struct error *err)
{
	struct whole *w = arg;
	struct span rest = span_of(e->path), first = span_take_until(&rest, '/');
	char to[PATHS_MAX + 16 + MANIFEST_PATH_MAX], base[PATHS_MAX + 16];
	unsigned i = 0;
	int code;

	while (i < PARTS && !span_is(first, parts[i].name))
		i++;
	if (i == PARTS)
		return strcmp(e->path, "ids") == 0
			       ? 0 /* a higher one may be in use: the server counts on by itself */
			       : error_set(err, -EBADMSG, "the backup holds what is no part of a site: %s", e->path);
	snprintf(to, sizeof(to), "%s%s%s", beside(w, i, ".restoring", base), rest.n > 0 ? "/" : "",
		 rest.n > 0 ? (const char *)rest.p : "");
	code = restore_entry(w->r, e, AT_FDCWD, to, err);
	if (code == 0 && w->s->root && lchown(to, w->owner[i].uid, w->owner[i].gid) < 0)
		code = error_system(err, errno, "can't give %s away", to);
	if (code == 0 && !e->folder && span_is(first, "mail") && strlen(to) > 6 && strcmp(to + strlen(to) - 6, "/state") == 0) {
		char *slash = to + strlen(to) - 6;

		*slash = '\0';
		code = restore_state(AT_FDCWD, to, NULL, err);
		*slash = '/';
		if (code == 0 && w->s->root && lchown(to, w->owner[i].uid, w->owner[i].gid) < 0)
			code = error_system(err, errno, "can't give %s away", to);
	}
	return code;
}

/* Nothing may be in the way, before anything is done. */
static int way_is_free(const struct whole *w, struct error *err)
{
	static const char *const ends[] = { ".restoring", ".before" };
	char path[PATHS_MAX + 16];

	for (unsigned i = 0; i < PARTS; i++)
		for (unsigned j = 0; j < 2; j++)
			if (access(beside(w, i, ends[j], path), F_OK) == 0)
				return error_set(err, -EEXIST,
						 "%s is of an earlier restore: move it away first", path);
	return 0;
}

static int make_folders(const struct whole *w, struct error *err)
{
	static const enum paths_folder others[] = { PATHS_RUN, PATHS_LOG };
	char path[PATHS_MAX + 16];

	if (w->s->paths.own && mkdir(w->s->paths.root, 0755) < 0 && errno != EEXIST)
		return error_system(err, errno, "can't make %s", w->s->paths.root);
	for (unsigned i = 0; i < 2; i++)
		if (mkdir(w->s->paths.folder[others[i]], 0755) < 0 && errno != EEXIST)
			return error_system(err, errno, "can't make %s", w->s->paths.folder[others[i]]);
	beside(w, PARTS - 1, ".restoring", path);
	if (mkdir(path, 0700) < 0)
		return error_system(err, errno, "can't make %s", path);
	if (w->s->root && lchown(path, w->owner[PARTS - 1].uid, w->owner[PARTS - 1].gid) < 0)
		return error_system(err, errno, "can't give %s away", path);
	return 0;
}

/* All is there and on the disk: now it gets its names. */
static int swap(const struct whole *w, struct error *err)
{
	char fresh[PATHS_MAX + 16], before[PATHS_MAX + 16];

	sync();
	for (unsigned i = 0; i < PARTS; i++) {
		const char *path = w->s->paths.folder[parts[i].folder];

		beside(w, i, ".restoring", fresh);
		beside(w, i, ".before", before);
		if (rename(path, before) < 0 && errno != ENOENT)
			return error_system(err, errno, "can't rename %s to %s", path, before);
		if (rename(fresh, path) < 0)
			return error_system(err, errno, "can't rename %s to %s", fresh, path);
	}
	sync();
	return 0;
}

static int restore_whole(const struct restore *r, const struct site *s, struct error *err)
{
	struct whole w = { .r = r, .s = s };
	int code = way_is_free(&w, err);

	if (code == 0)
		code = owners(&w, err);
	if (code == 0)
		code = make_folders(&w, err);
	if (code == 0)
		code = restore_each(r, whole_entry, &w, err);
	return code == 0 ? swap(&w, err) : code;
}

/* --- the command --------------------------------------------------------------------- */

static int run(const struct restore *r, const struct site *s, bool dry)
{
	struct verify v = { .r = r };
	struct error err;
	int code;

	if (site_running(s, NULL))
		return verb_failed((error_set(&err, -EBUSY, "the server runs; stop it first: yubin stop"), &err));
	code = verify(&v, &err);
	if (code == 0 && !dry)
		code = r->account != NULL ? restore_account(r, s, &err) : restore_whole(r, s, &err);
	if (code < 0)
		return verb_failed(&err);
	printf("%s: %" PRIu64 " files, %" PRIu64 " bytes, all of them what was saved%s\n", r->path, v.files, v.bytes,
	       dry ? "." : "; restored.");
	if (!dry && r->account == NULL)
		puts("What was there before has .before behind its names. yubin start makes the index.");
	return VERB_DONE;
}

int store_restore_run(const struct site *s, int argc, char **argv)
{
	struct restore r = { .from = -1 };
	const char *to = NULL;
	struct site other;
	struct error err;
	bool dry = false;

	for (int i = 2; i < argc; i++) {
		const char **value = strcmp(argv[i], "--account") == 0   ? &r.account
				     : strcmp(argv[i], "--mailbox") == 0 ? &r.mailbox
				     : strcmp(argv[i], "--to") == 0      ? &to
									 : NULL;

		if (strcmp(argv[i], "--dry-run") == 0)
			dry = true;
		else if (value != NULL && i + 1 < argc)
			*value = argv[++i];
		else if (argv[i][0] != '-' && r.path == NULL)
			r.path = argv[i];
		else
			return verb_usage(argv[0], "store restore does not take %s", argv[i]);
	}
	if (r.path == NULL || (r.mailbox != NULL && r.account == NULL))
		return verb_usage(argv[0], "store restore needs a backup, and --mailbox an --account");
	if (to != NULL && site_open(&other, to, &err) != 0)
		return verb_failed(&err);
	r.from = open(r.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.from < 0)
		return verb_failed((error_system(&err, errno, "can't open %s", r.path), &err));
	return run(&r, to != NULL ? &other : s, dry);
}
