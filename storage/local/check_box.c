/* check_box.c - the contract is in check_box.h. */
#include "storage/local/check_box.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "storage/local/files.h"

void box_clear(struct box *b)
{
	ranges_clear(&b->uids);
	ranges_clear(&b->changed);
	ranges_clear(&b->vanished);
	free(b->files);
	free(b->later);
}

void box_count(struct box_sums *s, const struct message *m)
{
	s->exists++;
	s->unseen += (m->r.flags & STORE_SEEN) == 0;
	s->deleted += (m->r.flags & STORE_DELETED) != 0;
	s->size += m->r.size;
	if (m->r.uid > s->uid_max)
		s->uid_max = m->r.uid;
}

/* --- records -------------------------------------------------------------------- */

int box_put(struct box *b, const struct message *m)
{
	struct key k;

	key_record(&k, b->number, b->m->id, m->r.uid);
	message_encode(local_value(b->c->s), m);
	return local_put(b->c->s, &k, buf_span(&b->c->s->value));
}

/* Size and dates as the file has them, unless they are known. */
static int put_fresh(struct box *b, const struct box_file *f, struct message *m)
{
	char path[NAMES_PATH_MAX];
	struct stat st;
	int r;

	names_message(path, b->m->account->folder, b->m->id, f->uid, f->guid);
	if (fstatat(b->c->o->store.mail_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	m->r.uid = f->uid;
	m->r.modseq = b->modseq;
	m->r.size = (uint64_t)st.st_size;
	memcpy(m->r.guid, f->guid, STORE_GUID);
	if (m->r.saved_s == 0) {
		m->r.internal_s = st.st_mtim.tv_sec;
		m->r.saved_s = st.st_ctim.tv_sec;
	}
	r = box_put(b, m);
	if (r < 0)
		return r;
	box_count(&b->now, m);
	ranges_add(&b->changed, f->uid, f->uid);
	return b->changed.failed ? -ENOMEM : 0;
}

int box_put_file(struct box *b, const struct box_file *f)
{
	struct message m = { .address = { NULL, 0 } };

	return put_fresh(b, f, &m);
}

int box_vanish(struct box *b, uint32_t uid)
{
	struct key k;
	int r;

	key_record(&k, b->number, b->m->id, uid);
	r = local_del(b->c->s, &k);
	if (r < 0)
		return r;
	ranges_add(&b->vanished, uid, uid);
	return b->vanished.failed ? -ENOMEM : 0;
}

/* --- new UIDs --------------------------------------------------------------------- */

int box_later(struct box *b, const struct box_file *f, const struct message *was)
{
	struct box_later *one;

	if (b->later_count == b->later_room) {
		size_t room = b->later_room > 0 ? b->later_room * 2 : 16;
		struct box_later *more = realloc(b->later, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		b->later = more;
		b->later_room = room;
	}
	one = &b->later[b->later_count++];
	*one = (struct box_later){ .file = *f, .known = was != NULL };
	if (was != NULL) {
		one->flags = was->r.flags;
		one->keywords = was->r.keywords;
		one->internal_s = was->r.internal_s;
		one->saved_s = was->r.saved_s;
	}
	return 0;
}

static int put_later(struct box *b, struct box_later *one, uint32_t uid)
{
	struct message m = { .address = { NULL, 0 } };
	char from[NAMES_PATH_MAX], to[NAMES_PATH_MAX];
	int at = b->c->o->store.mail_fd;

	names_message(from, b->m->account->folder, b->m->id, one->file.uid, one->file.guid);
	/* RFC 8474 5.1: other bytes, another EMAILID */
	if (one->known)
		randombytes_buf(one->file.guid, STORE_GUID);
	names_message(to, b->m->account->folder, b->m->id, uid, one->file.guid);
	if (renameat2(at, from, at, to, RENAME_NOREPLACE) < 0)
		return -errno;
	one->file.uid = uid;
	m.r.flags = one->flags;
	m.r.keywords = one->keywords;
	m.r.internal_s = one->internal_s;
	m.r.saved_s = one->saved_s;
	return put_fresh(b, &one->file, &m);
}

/* --- the end ----------------------------------------------------------------------- */

/* What changed at the new mod-sequence. */
static int put_log(struct box *b, enum log_kind kind, const struct ranges *r)
{
	struct key k;

	if (r->count == 0)
		return 0;
	key_log(&k, b->number, b->m->id, b->modseq, kind);
	log_encode(local_value(b->c->s), clock_real_ms() / 1000, r);
	b->m->head.log_count++;
	return local_put(b->c->s, &k, buf_span(&b->c->s->value));
}

static bool sums_fit(const struct box_sums *s, const struct head *h)
{
	return s->exists == h->exists && s->unseen == h->unseen && s->deleted == h->deleted && s->size == h->size;
}

static void look_at_sums(struct box *b)
{
	const struct head *h = &b->m->head;
	char path[NAMES_MAILBOX_MAX], where[CHECK_WHERE_MAX];

	names_mailbox(path, b->m->account->folder, b->m->id);
	snprintf(where, sizeof(where), "mail/%s", path);
	if (sums_fit(&b->seen, h) ||
	    !check_tell(b->c, CHECK_WRONG_COUNTS, where, "%u messages of %llu bytes, the index says %u of %llu",
			b->seen.exists, (unsigned long long)b->seen.size, h->exists, (unsigned long long)h->size))
		return;
	b->changed_head = true;
	check_mended(b->c, 0);
}

/* Is the list what the records say, up to the UID that it was made for? */
static bool list_fits(struct box *b, struct span value, uint32_t *expunges)
{
	uint64_t e, next;
	struct ranges list;
	int64_t unused;
	bool fits;

	ranges_init(&list);
	fits = value_take(&value, UINT32_MAX, &e) && value_take(&value, UINT32_MAX, &next) &&
	       log_decode(value, &unused, &list);
	*expunges = fits ? (uint32_t)e : b->m->head.expunges;
	if (fits && next > 0 && next < UINT32_MAX) {
		struct ranges missing;

		ranges_init(&missing);
		for (size_t i = 0; i < b->uids.count; i++)
			if (b->uids.at[i].first < next)
				ranges_add(&missing, b->uids.at[i].first,
					   b->uids.at[i].last < next ? b->uids.at[i].last
								     : (uint32_t)next - 1);
		fits = ranges_size(ranges_set(&missing)) == ranges_size(ranges_set(&list));
		ranges_subtract(&missing, &list);
		fits = fits && missing.count == 0;
		ranges_clear(&missing);
	}
	ranges_clear(&list);
	return fits;
}

static int look_at_list(struct box *b)
{
	char path[NAMES_MAILBOX_MAX], where[CHECK_WHERE_MAX];
	uint32_t expunges;
	struct span value;
	struct key k;
	int r;

	key_mailbox(&k, KEY_UIDS, b->number, b->m->id);
	r = kv_get(b->c->s->kv, key_span(&k), &value);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* One from before an expunge is void: nobody reads it. */
	if (list_fits(b, value, &expunges) || expunges != b->m->head.expunges)
		return 0;
	names_mailbox(path, b->m->account->folder, b->m->id);
	snprintf(where, sizeof(where), "mail/%s", path);
	if (check_tell(b->c, CHECK_UID_LIST, where, "%s", "")) {
		r = local_del(b->c->s, &k);
		check_mended(b->c, r);
	}
	return r;
}

static int give_uids(struct box *b)
{
	uint32_t next = b->m->head.uidnext > b->now.uid_max ? b->m->head.uidnext : b->now.uid_max + 1;

	for (size_t i = 0; i < b->later_count; i++) {
		int r = put_later(b, &b->later[i], next++);

		if (r < 0)
			return r;
	}
	return 0;
}

static int make_whole(struct box *b)
{
	struct head *h = &b->m->head;
	struct key k;
	int r = give_uids(b);

	if (r == 0)
		r = put_log(b, LOG_CHANGED, &b->changed);
	if (r == 0)
		r = put_log(b, LOG_VANISHED, &b->vanished);
	key_mailbox(&k, KEY_UIDS, b->number, b->m->id);
	if (r == 0)
		r = local_del(b->c->s, &k);
	if (r < 0)
		return r;
	h->exists = b->now.exists;
	h->unseen = b->now.unseen;
	h->deleted = b->now.deleted;
	h->size = b->now.size;
	h->unseen_hint = 1;
	h->expunges += b->vanished.count > 0;
	if (b->now.uid_max >= h->uidnext)
		h->uidnext = b->now.uid_max + 1;
	if (b->changed.count + b->vanished.count > 0)
		h->modseq = b->modseq;
	return check_write_state(b->c, b->m);
}

int box_end(struct box *b)
{
	int r;

	look_at_sums(b);
	r = look_at_list(b);
	if (r < 0 || b->c->o->mode != CHECK_MEND)
		return r;
	if (!b->changed_head && b->later_count == 0 && b->changed.count == 0 && b->vanished.count == 0)
		return 0;
	return make_whole(b);
}
