/* store_restore_parts.c - entries of a backup, copied; and how far a restore is; the contract is in store_restore.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_copy.h"
#include "admin/store_restore.h"
#include "common/base/clock.h"
#include "storage/local/files.h"
#include "storage/local/statefile.h"

enum {
	STATE_MAX = 64 * 1024,
	PLAN_MAX = 4 * 1024,
	UID_JUMP = 1000 * 1000, /* more than were given since the backup */
	MODSEQ_JUMP = 1000 * 1000 * 1000
};

static const char plan_name[] = "plan";

int restore_each(struct restore *r, int (*fn)(void *arg, const struct manifest_entry *e, struct error *err),
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
	return code == -EBADMSG && err->code != code ? error_set(err, code, "the backup's manifest has changed") : code;
}

/* --- one entry ------------------------------------------------------------------- */

static int make_folder(int at, const char *to, mode_t mode)
{
	struct stat st;

	if (mkdirat(at, to, mode) == 0)
		return 0;
	if (errno != EEXIST || fstatat(at, to, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* It may be there, and right, from a restore that broke off. */
static int copy_file(const struct restore *r, const struct manifest_entry *e, int at, const char *to,
		     uint8_t hash[MANIFEST_HASH])
{
	struct stat st;
	int code = store_copy(r->from, e->path, at, to, hash, &st);

	if (code != -EEXIST)
		return code;
	if (store_hash(at, to, hash, &st) == 0 && memcmp(hash, e->hash, MANIFEST_HASH) == 0)
		return 0;
	if (unlinkat(at, to, 0) < 0)
		return -errno;
	return store_copy(r->from, e->path, at, to, hash, &st);
}

/* Mode and date, which what carried the backup may have lost. */
static int set_outside(const struct manifest_entry *e, int at, const char *to)
{
	const struct timespec date = { .tv_sec = e->mtime_s };
	struct stat st;

	if (fstatat(at, to, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if ((st.st_mode & 07777) != e->mode && fchmodat(at, to, e->mode, 0) < 0)
		return -errno;
	if (st.st_mtim.tv_sec != e->mtime_s &&
	    utimensat(at, to, (struct timespec[]){ date, date }, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

int restore_entry(struct restore *r, const struct manifest_entry *e, int at, const char *to, struct error *err)
{
	uint8_t hash[MANIFEST_HASH];
	int code;

	if (e->folder) {
		code = make_folder(at, to, e->mode);
		return code == 0 ? 0 : error_system(err, -code, "can't make %s", to);
	}
	code = copy_file(r, e, at, to, hash);
	if (code == 0 && memcmp(hash, e->hash, sizeof(hash)) != 0) {
		unlinkat(at, to, 0);
		return error_set(err, -EBADMSG, "%s has changed in the backup", e->path);
	}
	if (code == 0)
		code = set_outside(e, at, to);
	if (code < 0)
		return error_system(err, -code, "%s can't be restored", e->path);
	r->at.messages++;
	r->at.bytes += e->size;
	r->at.part = r->at.bytes + r->at.messages;
	store_progress_tell(&r->progress, &r->at);
	return 0;
}

/* --- state files -------------------------------------------------------------------- */

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

/* --- how far it is --------------------------------------------------------------------- */

static void put_plan(struct buf *text, const struct restore *r, enum restore_phase phase, const char *about)
{
	buf_printf(text, "yubin restore 1\n%s\n%s\n%s\n", phase == RESTORE_PLACES ? "places" : "copies", r->sum, about);
}

static int open_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

int restore_plan_put(const struct restore *r, const char *folder, enum restore_phase phase, const char *about,
		     struct error *err)
{
	int fd = open_folder(folder), code = fd;
	struct buf text;

	buf_init(&text, PLAN_MAX);
	put_plan(&text, r, phase, about);
	if (fd >= 0) {
		code = text.failed ? -ENAMETOOLONG : files_replace(fd, ".", plan_name, buf_span(&text));
		close(fd);
	}
	buf_clear(&text);
	return code == 0 ? 0 : error_system(err, -code, "%s/%s can't be written", folder, plan_name);
}

static int read_plan(const char *folder, struct buf *text)
{
	int fd = open_folder(folder), code = fd;

	if (fd >= 0) {
		code = files_read(fd, ".", plan_name, text);
		close(fd);
	}
	return code;
}

int restore_plan_get(const struct restore *r, const char *folder, enum restore_phase *phase, const char *about,
		     struct error *err)
{
	struct buf text, want;
	int code;

	*phase = RESTORE_NONE;
	buf_init(&text, PLAN_MAX);
	buf_init(&want, PLAN_MAX);
	code = read_plan(folder, &text);
	for (enum restore_phase p = RESTORE_COPIES; code == 0 && p <= RESTORE_PLACES; p++) {
		buf_reset(&want);
		put_plan(&want, r, p, about);
		if (span_equal(buf_span(&text), buf_span(&want)))
			*phase = p;
	}
	buf_clear(&text);
	buf_clear(&want);
	if (code == -ENOENT)
		return 0;
	if (code < 0)
		return error_system(err, -code, "can't read %s/%s", folder, plan_name);
	return *phase != RESTORE_NONE
		       ? 0
		       : error_set(err, -EEXIST,
				   "%s is of another restore, which broke off: run that one again, or move it away first",
				   folder);
}

int restore_plan_end(const char *folder, struct error *err)
{
	int fd = open_folder(folder), code = fd < 0 ? fd : unlinkat(fd, plan_name, 0) == 0 ? 0 : -errno;

	if (fd >= 0)
		close(fd);
	return code == 0 || code == -ENOENT ? 0 : error_system(err, -code, "can't remove %s/%s", folder, plan_name);
}
