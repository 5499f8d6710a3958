/*
 * check_mailbox.c - a mailbox's messages: its folder and the index's records, both in the order of
 * their UIDs, side by side; the contract is in check_inside.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/local/check_box.h"

/* --- the folder --------------------------------------------------------------- */

static int file_order(const void *a, const void *b)
{
	const struct box_file *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return memcmp(x->guid, y->guid, STORE_GUID);
}

static int add_file(struct box *b, const struct box_file *one)
{
	if (b->count == b->room) {
		size_t room = b->room > 0 ? b->room * 2 : 64;
		struct box_file *more = realloc(b->files, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		b->files = more;
		b->room = room;
	}
	b->files[b->count++] = *one;
	return 0;
}

static int list_files(struct box *b)
{
	char folder[NAMES_MAILBOX_MAX], path[NAMES_MAILBOX_MAX + 8];
	struct box_file one = { 0 };
	struct dirent *e;
	struct stat st;
	int r = 0;
	DIR *d;

	names_mailbox(folder, b->m->account->folder, b->m->id);
	snprintf(path, sizeof(path), "%s/cur", folder);
	d = check_opendir(b->c->o->store.mail_fd, path);
	if (d == NULL)
		return errno == ENOMEM || errno == EMFILE ? -errno : 0;
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (!names_message_parse(e->d_name, &one.uid, one.guid) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		one.size = (uint64_t)st.st_size;
		b->c->counts.bytes += one.size;
		check_step(b->c);
		r = add_file(b, &one);
	}
	closedir(d);
	if (b->count > 1)
		qsort(b->files, b->count, sizeof(*b->files), file_order);
	return r;
}

/* --- one message ---------------------------------------------------------------- */

static const char *where_of(struct box *b, uint32_t uid, const uint8_t guid[STORE_GUID])
{
	char path[NAMES_PATH_MAX];

	names_message(path, b->m->account->folder, b->m->id, uid, guid);
	snprintf(b->where, sizeof(b->where), "mail/%s", path);
	return b->where;
}

static bool tell_file(struct box *b, enum check_kind kind, const struct box_file *f)
{
	return check_tell(b->c, kind, where_of(b, f->uid, f->guid), "%s", "");
}

/* A file that no record is about. */
static int file_alone(struct box *b, const struct box_file *f)
{
	bool never_given = f->uid >= b->m->head.uid_floor;
	int r;

	if (b->dirty && b->c->keys_lost == 0) {
		if (tell_file(b, CHECK_UNPROMISED, f))
			check_mended(b->c, check_lose(b->c->o->store.mail_fd, b->where + strlen("mail/")));
		return 0;
	}
	if (!tell_file(b, CHECK_FILE_WITHOUT_RECORD, f))
		return 0;
	r = never_given ? box_later(b, f, NULL) : box_put_file(b, f);
	check_mended(b->c, r);
	return r == -ENOMEM ? r : 0;
}

/* The one under this UID is another. */
static int file_second(struct box *b, const struct box_file *f, enum check_kind kind, const struct message *was)
{
	int r;

	if (!tell_file(b, kind, f))
		return 0;
	r = box_later(b, f, was);
	check_mended(b->c, r);
	return r;
}

static int record_alone(struct box *b, const struct message *m)
{
	int r;

	if (!check_tell(b->c, CHECK_RECORD_WITHOUT_FILE, where_of(b, m->r.uid, m->r.guid), "%s", ""))
		return 0;
	r = box_vanish(b, m->r.uid);
	check_mended(b->c, r);
	return r;
}

static int look_at_derived(struct box *b, struct message *m)
{
	int r;

	buf_reset(&b->c->text);
	if (m->r.meta_length == 0 || store_meta_read(b->c->derived, &m->r, &b->c->text) ||
	    !check_tell(b->c, CHECK_DERIVED, where_of(b, m->r.uid, m->r.guid), "%s", ""))
		return 0;
	m->r.meta_length = 0;
	m->r.meta_offset = 0;
	r = box_put(b, m);
	check_mended(b->c, r);
	return r;
}

/* A message that is what it should be, but for what stands about it. */
static int look_at_message(struct box *b, struct message *m)
{
	if (m->r.uid >= b->m->head.uidnext &&
	    check_tell(b->c, CHECK_ABOVE_UIDNEXT, where_of(b, m->r.uid, m->r.guid), "UIDNEXT %u",
		       b->m->head.uidnext)) {
		b->changed_head = true;
		check_mended(b->c, 0);
	}
	box_count(&b->now, m);
	return look_at_derived(b, m);
}

/* Record and file of one UID. */
static int look_at_pair(struct box *b, struct message *m, const struct box_file *f)
{
	char path[NAMES_PATH_MAX];
	bool same = memcmp(m->r.guid, f->guid, STORE_GUID) == 0;
	int r;

	if (same && m->r.size == f->size && m->r.uid < NAMES_UID_NEVER)
		return look_at_message(b, m);
	snprintf(path, sizeof(path), "%s", where_of(b, f->uid, f->guid));
	if (!check_tell(b->c, same ? CHECK_WRONG_SIZE : CHECK_WRONG_GUID, path, "%llu bytes, the index says %llu",
			(unsigned long long)f->size, (unsigned long long)m->r.size))
		return 0;
	r = box_vanish(b, m->r.uid);
	if (r == 0)
		r = box_later(b, f, same ? m : NULL);
	check_mended(b->c, r);
	return r;
}

/* --- side by side ---------------------------------------------------------------- */

/* Files of UIDs below `uid` have no record. */
static int files_below(struct box *b, uint64_t uid)
{
	int r = 0;

	for (; b->at < b->count && b->files[b->at].uid < uid && r == 0; b->at++) {
		const struct box_file *f = &b->files[b->at];

		r = b->at > 0 && f[-1].uid == f->uid ? file_second(b, f, CHECK_TWO_FILES, NULL)
						      : file_alone(b, f);
	}
	return r;
}

/* Those of this UID: *main is the one that the record is about, or the first, or NULL. */
static int files_at(struct box *b, const struct message *m, const struct box_file **main)
{
	size_t from = b->at, best = from;
	int r = 0;

	*main = NULL;
	for (; b->at < b->count && b->files[b->at].uid == m->r.uid; b->at++)
		if (memcmp(b->files[b->at].guid, m->r.guid, STORE_GUID) == 0)
			best = b->at;
	if (b->at > from)
		*main = &b->files[best];
	for (size_t i = from; i < b->at && r == 0; i++)
		if (i != best)
			r = file_second(b, &b->files[i], CHECK_TWO_FILES, NULL);
	return r;
}

static int look_at_record(struct box *b, uint32_t uid, struct span value)
{
	const struct box_file *f;
	struct message m;
	int r;

	if (!message_decode(value, uid, &m))
		return 0; /* told already */
	r = files_below(b, uid);
	if (r < 0)
		return r;
	if (b->dirty && uid >= b->m->head.uidnext) { /* a copy that is not finished: a start sees to it */
		while (b->at < b->count && b->files[b->at].uid == uid)
			b->at++;
		return 0;
	}
	box_count(&b->seen, &m);
	ranges_add(&b->uids, uid, uid);
	if (uid > b->now.uid_max && uid < b->m->head.uid_floor)
		b->now.uid_max = uid;
	r = files_at(b, &m, &f);
	if (r < 0)
		return r;
	return f != NULL ? look_at_pair(b, &m, f) : record_alone(b, &m);
}

static int look_at_records(struct box *b)
{
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	int r;

	key_mailbox(&from, KEY_RECORD, b->number, b->m->id);
	key_end(&end, &from);
	scan = kv_scan_open(b->c->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		r = look_at_record(b, key_get_uid(key), value);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r == 0 ? files_below(b, UINT64_MAX) : r;
}

int check_mailbox(struct check *c, struct mailbox *m)
{
	struct box b = { .c = c, .m = m, .number = m->account->record.number, .dirty = m->mark == MARK_SET };
	int r;

	ranges_init(&b.uids);
	ranges_init(&b.changed);
	ranges_init(&b.vanished);
	b.modseq = m->head.modseq + 1;
	r = list_files(&b);
	if (r == 0)
		r = look_at_records(&b);
	if (r == 0)
		r = box_end(&b);
	box_clear(&b);
	return r;
}
