/*
 * redo_play.c - after a crash: what the logs hold is written into its files again; the contract is in redo.h.
 *
 * Into the files as they are, whatever they hold: the bytes are the message's either way, and nobody knows which of them
 * came to the disk. A crash meanwhile changes nothing, for the logs stay until all is synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/queue.h"
#include "storage/local/startup.h"

struct play {
	struct local *s;
	bool (*wanted)(const struct play *p, const struct redo_name *name);
	unsigned written;
};

/* --- which ------------------------------------------------------------------------ */

/* In doubt it does: a file too many is found by `store check`. */
static bool index_wants(const struct play *p, const struct redo_name *name)
{
	struct account_record account;
	struct span value;
	struct key k;
	int r;

	if (name->letter) {
		key_queue_entry(&k, name->id);
		return local_has(p->s, &k) != 0;
	}
	key_named(&k, KEY_ACCOUNT, name->account);
	r = kv_get(p->s->kv, key_span(&k), &value);
	if (r == 0 && account_decode(value, &account))
		r = startup_knows(p->s, account.number, name->mailbox, name->uid, name->guid);
	else if (r == 0)
		r = -EBADMSG;
	return r != 0 && r != -ENOENT;
}

/* A letter whose envelope has gone was sent (queue_load.c). */
static bool folder_wants(const struct play *p, const struct redo_name *name)
{
	char id[STORE_ID_MAX], file[QUEUE_NAME_MAX];

	if (!name->letter)
		return true;
	snprintf(id, sizeof(id), "%.*s", (int)name->id.n, (const char *)name->id.p);
	queue_name_text(file, id);
	return faccessat(p->s->o.queue_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- writing ---------------------------------------------------------------------- */

static int write_bytes(const struct local *s, int fd, const struct redo_entry *e)
{
	const struct timespec times[2] = { { .tv_sec = e->date_s }, { .tv_sec = e->date_s } };
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -ELOOP;

	if (r == 0)
		r = files_write(fd, e->body, 0);
	if (r == 0 && (ftruncate(fd, (off_t)e->body.n) < 0 || futimens(fd, times) < 0 || (!s->syncs_whole && fsync(fd) < 0)))
		r = -errno;
	return r;
}

static int write_again(const struct local *s, int at, const char *path, const struct redo_entry *e)
{
	int fd = openat(at, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600), r;

	if (fd < 0)
		return -errno;
	r = write_bytes(s, fd, e);
	close(fd);
	return r;
}

/* Something else stands there, or the folder has gone: no reason not to start. */
static bool no_file(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EISDIR || r == -ELOOP || r == -ENXIO || r == -EFBIG;
}

/* 0 too where no file can be. */
static int play_name(struct play *p, const struct redo_name *name, const struct redo_entry *e)
{
	char folder[NAMES_FOLDER_MAX], id[STORE_ID_MAX], path[NAMES_PATH_MAX];
	struct local *s = p->s;
	int at = name->letter ? s->o.queue_fd : s->o.mail_fd, r;

	if (name->letter ? !queue_id_valid(name->id) : !names_folder(folder, name->account))
		return 0;
	if (!p->wanted(p, name))
		return 0;
	if (name->letter) {
		snprintf(id, sizeof(id), "%.*s", (int)name->id.n, (const char *)name->id.p);
		queue_name_mail(path, id);
	} else {
		names_message(path, folder, name->mailbox, name->uid, name->guid);
	}
	r = write_again(s, at, path, e);
	if (r == -ENOSPC && s->space != NULL && space_release(s->space) == 0)
		r = write_again(s, at, path, e);
	p->written += r == 0;
	if (no_file(r) && r != -ENOENT)
		log_error("store a message can't be written again, no file is in its place path=%s", path);
	return no_file(r) ? 0 : r;
}

static int play_log(struct play *p, struct span log)
{
	struct span entries;
	struct redo_entry e;
	struct redo_name name;
	uint64_t number = 0;
	int r = 0;

	while (r == 0 && redo_take_frame(&log, &number, &entries))
		while (r == 0 && redo_take_entry(&entries, &e))
			while (r == 0 && redo_take_name(&e.names, &name))
				r = play_name(p, &name, &e);
	return r;
}

static int play_file(struct play *p, unsigned which)
{
	struct buf log;
	char name[16];
	int r;

	redo_log_name(name, which);
	buf_init(&log, REDO_LOG + 1); /* one more, to see its end */
	r = files_read(p->s->tmp_fd, ".", name, &log);
	if (r == 0 && log.n > 0)
		r = play_log(p, buf_span(&log));
	buf_clear(&log);
	if (!no_file(r))
		return r;
	if (r != -ENOENT)
		log_error("store mail/tmp/%s is no log of messages: it is left as it is", name);
	return 0;
}

static int play(struct play *p, struct error *err)
{
	char name[16];
	int r = play_file(p, 0);

	if (r == 0)
		r = play_file(p, 1);
	if (r == 0 && p->written > 0 && syncfs(p->s->tmp_fd) < 0)
		r = -errno;
	if (r < 0)
		return error_system(err, -r, "messages that were promised before a crash can't be written again");
	for (unsigned i = 0; i < 2; i++) {
		redo_log_name(name, i);
		unlinkat(p->s->tmp_fd, name, 0);
	}
	if (p->written > 0)
		log_info("store wrote messages of the last seconds again, after a crash count=%u", p->written);
	return 0;
}

int redo_play(struct local *s, struct error *err)
{
	struct play p = { .s = s, .wanted = index_wants };

	return play(&p, err);
}

int redo_play_all(struct local *s, struct error *err)
{
	struct play p = { .s = s, .wanted = folder_wants };

	return play(&p, err);
}
