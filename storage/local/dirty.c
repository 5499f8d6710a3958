/* dirty.c - after a crash; the contract is in startup.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/startup.h"

static DIR *folder_open(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

static bool entry_plain(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

int startup_clean_tmp(struct local *s, struct error *err)
{
	DIR *d = folder_open(s->tmp_fd, ".");
	struct dirent *e;

	if (d == NULL)
		return error_system(err, errno, "the folder mail/tmp can't be read");
	while ((e = readdir(d)) != NULL)
		if (entry_plain(e) && !redo_is_log(e->d_name))
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return 0;
}

/* --- accounts that have something to do ------------------------------------ */

int accounts_walk(struct local *s, enum key_kind kind,
		  int (*fn)(struct local *s, const char *folder, uint32_t account))
{
	char folder[NAMES_FOLDER_MAX];
	struct account_record a;
	struct key from, end;
	struct span key, value;
	struct kv_scan *scan;
	int r;

	key_kind(&from, kind);
	r = local_has(s, &from);
	if (r <= 0)
		return r;
	key_kind(&from, KEY_ACCOUNT);
	key_end(&end, &from);
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		span_take(&key, 1);
		if (account_decode(value, &a) && names_folder(folder, key))
			r = fn(s, folder, a.number);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

/* --- one mailbox ----------------------------------------------------------- */

int startup_knows(struct local *s, uint32_t account, uint32_t mailbox, uint32_t uid, const uint8_t guid[STORE_GUID])
{
	struct message message;
	struct span value;
	struct key k;
	int r;

	key_record(&k, account, mailbox, uid);
	r = kv_get(s->kv, key_span(&k), &value);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return message_decode(value, uid, &message) ? memcmp(message.r.guid, guid, STORE_GUID) == 0 : -EBADMSG;
}

static int index_knows(struct local *s, uint32_t account, uint32_t mailbox, const char *name)
{
	uint8_t guid[STORE_GUID];
	uint32_t uid;

	return names_message_parse(name, &uid, guid) ? startup_knows(s, account, mailbox, uid, guid) : 0;
}

static int remove_unknown(struct local *s, const char *folder, uint32_t account, uint32_t mailbox)
{
	char mailbox_path[NAMES_MAILBOX_MAX], path[NAMES_MAILBOX_MAX + 8];
	struct dirent *e;
	unsigned n = 0;
	int known = 0;
	DIR *d;

	names_mailbox(mailbox_path, folder, mailbox);
	snprintf(path, sizeof(path), "%s/cur", mailbox_path);
	d = folder_open(s->o.mail_fd, path);
	if (d == NULL)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d)) != NULL && (known >= 0 || known == -EBADMSG)) {
		known = entry_plain(e) ? local_index(s, index_knows(s, account, mailbox, e->d_name)) : 1;
		if (known == 0) { /* for sure: what is behind a damaged record stays */
			unlinkat(dirfd(d), e->d_name, 0);
			n++;
		}
	}
	fsync(dirfd(d));
	closedir(d);
	if (n > 0)
		log_info("store removed files that were never promised mailbox=%08x count=%u", mailbox, n);
	return known < 0 && known != -EBADMSG ? known : 0;
}

/* Numbers that were taken and not promised are not given again: they start at the floor. */
static int jump_to_floors(struct local *s, uint32_t account, uint32_t mailbox)
{
	struct span value, name;
	struct head h;
	struct buf out;
	struct key k;
	int r;

	key_mailbox(&k, KEY_MAILBOX, account, mailbox);
	r = kv_get(s->kv, key_span(&k), &value);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!head_decode(value, &h, &name))
		return -EBADMSG;
	h.uidnext = h.uid_floor;
	h.modseq = h.modseq_floor;
	buf_init(&out, 4096);
	head_encode(&out, &h, name);
	r = out.failed ? -ENOMEM : local_put(s, &k, buf_span(&out));
	buf_clear(&out);
	return r;
}

/* Copies of a COPY that did not come to its end lie behind UIDNEXT. */
static int forget_unseen(struct local *s, uint32_t account, uint32_t mailbox)
{
	struct span key, value, name;
	struct key from, end, k;
	struct kv_scan *scan;
	struct head h;
	int r;

	key_mailbox(&k, KEY_MAILBOX, account, mailbox);
	r = kv_get(s->kv, key_span(&k), &value);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!head_decode(value, &h, &name))
		return -EBADMSG;
	key_record(&from, account, mailbox, h.uidnext);
	key_mailbox(&end, KEY_RECORD, account, mailbox);
	key_end(&end, &end);
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		key_record(&k, account, mailbox, key_get_uid(key));
		r = local_del(s, &k);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

static int dirty_account(struct local *s, const char *folder, uint32_t account)
{
	struct key from, end, k;
	struct span key, value;
	struct kv_scan *scan;
	int r;

	key_account(&from, KEY_DIRTY, account);
	key_end(&end, &from);
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		uint32_t mailbox = key_get_mailbox(key);

		r = forget_unseen(s, account, mailbox);
		if (r == 0)
			r = remove_unknown(s, folder, account, mailbox);
		if (r == 0)
			r = jump_to_floors(s, account, mailbox);
		key_mailbox(&k, KEY_DIRTY, account, mailbox);
		if (r == 0)
			r = local_del(s, &k);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

int dirty_sweep(struct local *s, struct error *err)
{
	int r = accounts_walk(s, KEY_DIRTY, dirty_account);

	return r < 0 ? error_system(err, -r, "the folders that a crash left dirty can't be looked through")
		     : 0;
}
