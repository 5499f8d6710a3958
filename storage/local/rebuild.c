/*
 * rebuild.c - the index is lost: it is made again from the folders and their small files;
 * the contract is in startup.h.
 *
 * What only the index knew reads as "not known": metadata is worked out again, who asks
 * what changed since an old mod-sequence gets everything.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/startup.h"
#include "storage/local/statefile.h"

enum { REBUILD_BATCH = 500 }; /* messages of one transaction */

struct found { /* a message in a folder */
	uint32_t uid;
	uint8_t guid[STORE_GUID];
};

struct finding {
	struct found *at;
	size_t count, room;
};

static DIR *open_folder(struct local *s, const char *path)
{
	int fd = openat(s->o.mail_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

/* --- which messages there are ---------------------------------------------- */

static bool finding_add(struct finding *f, const struct found *one)
{
	if (f->count == f->room) {
		size_t room = f->room > 0 ? f->room * 2 : 64;
		struct found *more = realloc(f->at, room * sizeof(*more));

		if (more == NULL)
			return false;
		f->at = more;
		f->room = room;
	}
	f->at[f->count++] = *one;
	return true;
}

static int found_order(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int list_messages(struct local *s, const char *mailbox, struct finding *f)
{
	char path[NAMES_MAILBOX_MAX + 8];
	struct dirent *e;
	struct found one;
	int r = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/cur", mailbox);
	d = open_folder(s, path);
	if (d == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (names_message_parse(e->d_name, &one.uid, one.guid) && !finding_add(f, &one))
			r = -ENOMEM;
	closedir(d);
	if (f->count > 1)
		qsort(f->at, f->count, sizeof(*f->at), found_order);
	return r;
}

static void found_move(struct local *s, const struct mailbox *m, struct found *one, uint32_t uid)
{
	char from[NAMES_PATH_MAX], to[NAMES_PATH_MAX];

	names_message(from, m->account->folder, m->id, one->uid, one->guid);
	names_message(to, m->account->folder, m->id, uid, one->guid);
	if (renameat(s->o.mail_fd, from, s->o.mail_fd, to) == 0)
		one->uid = uid;
}

/* Two files of one UID can be left by a crash that took the index along: each is kept, the second under a UID of its
 * own. So is one that waits for a UID. */
static void part_twins(struct local *s, const struct mailbox *m, struct finding *f)
{
	uint32_t next = m->head.uid_floor > 0 ? m->head.uid_floor : 1, last = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->at[i].uid >= next && f->at[i].uid < NAMES_UID_NEVER)
			next = f->at[i].uid + 1;
	for (size_t i = 0; i < f->count; i++) {
		bool own = f->at[i].uid != last && f->at[i].uid < NAMES_UID_NEVER;

		last = f->at[i].uid;
		if (!own && next < NAMES_UID_NEVER)
			found_move(s, m, &f->at[i], next++);
	}
	if (f->count > 1)
		qsort(f->at, f->count, sizeof(*f->at), found_order);
}

/* --- one mailbox ----------------------------------------------------------- */

static int put_found(struct local *s, struct mailbox *m, const struct found *one, struct flags_reader *flags)
{
	struct message message = { .r = { .uid = one->uid, .modseq = m->head.modseq } };
	struct head *h = &m->head;
	char path[NAMES_PATH_MAX];
	struct stat st;
	struct key k;

	if (one->uid >= NAMES_UID_NEVER)
		return 0; /* it could not be moved: `store check` finds it */
	names_message(path, m->account->folder, m->id, one->uid, one->guid);
	if (fstatat(s->o.mail_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	while (flags->last > 0 && flags->last < one->uid && statefile_flags_next(flags))
		;
	if (flags->first > 0 && flags->first <= one->uid && one->uid <= flags->last) {
		message.r.flags = flags->flags;
		message.r.keywords = flags->bits;
	}
	memcpy(message.r.guid, one->guid, STORE_GUID);
	message.r.size = (uint64_t)st.st_size;
	message.r.internal_s = st.st_mtim.tv_sec;
	message.r.saved_s = st.st_ctim.tv_sec;
	h->exists++;
	h->size += message.r.size;
	h->unseen += (message.r.flags & STORE_SEEN) == 0;
	h->deleted += (message.r.flags & STORE_DELETED) != 0;
	if (one->uid >= h->uidnext)
		h->uidnext = one->uid + 1;
	key_record(&k, m->account->record.number, m->id, one->uid);
	message_encode(local_value(s), &message);
	return kv_put(s->kv, key_span(&k), buf_span(&s->value));
}

static void tell_rebuilt(struct local *s, size_t messages)
{
	s->rebuilt += messages;
	if (s->o.rebuilt != NULL)
		s->o.rebuilt(s->o.rebuilt_arg, s->rebuilt);
}

static int put_all_found(struct local *s, struct mailbox *m, const struct finding *f,
			 struct flags_reader *flags)
{
	int r = 0;

	for (size_t i = 0; i < f->count && r == 0; i += REBUILD_BATCH) {
		r = kv_begin(s->kv);
		for (size_t j = i; j < f->count && j < i + REBUILD_BATCH && r == 0; j++)
			r = put_found(s, m, &f->at[j], flags);
		if (r == 0)
			r = kv_commit(s->kv);
		else
			kv_abort(s->kv);
		tell_rebuilt(s, f->count - i < REBUILD_BATCH ? f->count - i : REBUILD_BATCH);
	}
	return r;
}

/* Flags and keywords by UID, from the flags file. A damaged one is as none. */
static void read_flags(struct local *s, struct mailbox *m, const char *path, struct buf *text,
		       struct flags_reader *flags)
{
	int r = files_read(s->o.mail_fd, path, "flags", text);

	*flags = (struct flags_reader){ 0 };
	if (r == -ENOENT)
		return;
	if (r < 0 || !statefile_flags_parse(flags, buf_span(text))) {
		log_warn("store flags are lost, their file is damaged file=%s/flags", path);
		*flags = (struct flags_reader){ 0 };
		return;
	}
	for (size_t i = 0; i < flags->keyword_count; i++)
		mailbox_add_keyword(m, flags->keywords[i]);
	statefile_flags_next(flags);
}

static int fill_mailbox(struct local *s, struct mailbox *m, const char *path, struct finding *f)
{
	struct flags_reader flags;
	struct head *h = &m->head;
	struct buf text;
	int r;

	buf_init(&text, STATEFILE_MAX);
	read_flags(s, m, path, &text, &flags);
	part_twins(s, m, f);
	h->uidnext = h->uid_floor > 0 ? h->uid_floor : 1;
	h->modseq = h->modseq_floor > 0 ? h->modseq_floor : 1;
	h->log_floor = h->flags_modseq = h->modseq;
	h->unseen_hint = 1;
	r = put_all_found(s, m, f, &flags);
	if (r == 0)
		r = annotations_rebuild(m->account, m->id, path);
	h->recent_uid = h->uidnext;
	h->uid_floor = h->uidnext;
	if (r == 0)
		r = kv_begin(s->kv);
	if (r < 0)
		goto out;
	r = mailbox_put(m);
	if (r == 0 && m->keyword_count > 0)
		r = mailbox_put_keywords(m);
	if (r == 0)
		r = kv_commit(s->kv);
	else
		kv_abort(s->kv);
out:
	buf_clear(&text);
	return r;
}

/* A name that no mailbox of the account has yet. */
static void free_name(const struct account *a, uint32_t id, struct buf *name)
{
	if (name->n == 0)
		buf_printf(name, "Recovered %08x", id);
	if (mailbox_by_name(a, buf_span(name)) == NULL)
		return;
	buf_reset(name);
	buf_printf(name, "Recovered %08x", id);
}

/* What the state file says; false: there was a mailbox no more, or not yet. */
static bool read_state(struct local *s, const char *path, size_t messages, struct head *h, struct buf *name)
{
	char deleted[NAMES_MAILBOX_MAX + 16];
	struct buf text;
	int r;

	snprintf(deleted, sizeof(deleted), "%s/%s", path, files_deleted);
	buf_init(&text, STATEFILE_MAX);
	r = files_read(s->o.mail_fd, path, "state", &text);
	*h = (struct head){ 0 };
	if (r == 0 && statefile_mailbox_parse(buf_span(&text), h, name)) {
		buf_clear(&text);
		return true;
	}
	buf_clear(&text);
	buf_reset(name);
	*h = (struct head){ .uidvalidity = (uint32_t)(clock_real_ms() / 1000), .subscribed = 1 };
	if (messages == 0 || faccessat(s->o.mail_fd, deleted, F_OK, 0) == 0)
		return false;
	log_warn("store mailbox has no name any more, its state file is lost folder=%s messages=%zu", path,
		 messages);
	return true;
}

/* Two state files may name one role: that which gave it away was not written yet. The younger
 * mailbox took it. */
static int settle_role(struct account *a, uint32_t id, struct head *h)
{
	struct mailbox *other = h->role != STORE_ROLE_NONE ? mailbox_by_role(a, (enum store_role)h->role) : NULL;
	struct key k;

	if (other == NULL)
		return 0;
	if (other->id > id) {
		h->role = STORE_ROLE_NONE;
		return 0;
	}
	other->head.role = STORE_ROLE_NONE;
	key_mailbox(&k, KEY_MAILBOX, a->record.number, other->id);
	head_encode(local_value(a->s), &other->head, other->name);
	return local_put(a->s, &k, buf_span(&a->s->value));
}

int rebuild_mailbox(struct local *s, struct account *a, uint32_t id)
{
	struct finding f = { 0 };
	char path[NAMES_MAILBOX_MAX];
	struct mailbox *m = NULL;
	struct head h;
	struct buf name;
	int r;

	buf_init(&name, STORE_NAME_MAX);
	names_mailbox(path, a->folder, id);
	if (id >= a->record.next_mailbox)
		a->record.next_mailbox = id + 1;
	r = list_messages(s, path, &f);
	if (r < 0)
		goto out;
	if (!read_state(s, path, f.count, &h, &name)) {
		r = files_remove_mailbox(s->o.mail_fd, path);
		goto out;
	}
	if (h.uidvalidity > a->record.uidvalidity)
		a->record.uidvalidity = h.uidvalidity;
	free_name(a, id, &name);
	r = settle_role(a, id, &h);
	if (r < 0)
		goto out;
	m = mailbox_new(a, id, buf_span(&name));
	r = m != NULL ? mailbox_insert(m) : -ENOMEM;
	if (r < 0)
		goto out;
	m->head = h;
	r = fill_mailbox(s, m, path, &f);
out:
	mailbox_release(m);
	buf_clear(&name);
	free(f.at);
	return r;
}

/* --- one account ----------------------------------------------------------- */

/* Names that are subscribed to and not there; those that are there have it in their state. */
static int rebuild_absent(struct local *s, struct account *a, struct span rest)
{
	struct buf name;
	struct key k;
	int r = 0;

	buf_init(&name, STORE_NAME_MAX);
	while (r == 0 && statefile_absent_next(&rest, &name)) {
		if (!names_mailbox_valid(buf_span(&name)) || mailbox_by_name(a, buf_span(&name)) != NULL)
			continue;
		key_absent(&k, a->record.number, buf_span(&name));
		r = local_put(s, &k, (struct span){ NULL, 0 });
	}
	buf_clear(&name);
	return r;
}

static int rebuild_mailboxes(struct local *s, struct account *a)
{
	DIR *d = open_folder(s, a->folder);
	struct dirent *e;
	uint32_t id;
	int r = 0;

	if (d == NULL)
		return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (names_mailbox_parse(e->d_name, &id))
			r = rebuild_mailbox(s, a, id);
	closedir(d);
	return r;
}

int rebuild_account(struct local *s, const char *name)
{
	struct account *a = account_hold(s, span_of(name));
	char derived[NAMES_PATH_MAX];
	struct span rest = { NULL, 0 };
	struct buf text;
	struct key k;
	int r;

	if (a == NULL)
		return -ENOMEM;
	buf_init(&text, STATEFILE_MAX);
	a->record = (struct account_record){ .next_mailbox = 1 };
	r = files_read(s->o.mail_fd, a->folder, "account", &text);
	if (r == 0 && !statefile_account_parse(buf_span(&text), &a->record, &rest))
		log_warn("store account file is damaged file=%s/account", a->folder);
	a->record.number = s->next_account++;
	snprintf(derived, sizeof(derived), "%s/derived", a->folder);
	unlinkat(s->o.mail_fd, derived, 0); /* nothing points into it any more */
	r = rebuild_mailboxes(s, a);
	if (r == 0)
		r = rebuild_absent(s, a, rest);
	if (r == 0)
		r = annotations_rebuild(a, 0, a->folder);
	if (r == 0) {
		key_named(&k, KEY_ACCOUNT, span_of(name));
		account_encode(local_value(s), &a->record);
		r = local_put(s, &k, buf_span(&s->value));
	}
	buf_clear(&text);
	account_release(a);
	return r;
}

/* --- all ------------------------------------------------------------------- */

static int rebuild_domain(struct local *s, const char *domain, unsigned *count)
{
	char name[STORE_ACCOUNT_MAX];
	DIR *d = open_folder(s, domain);
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (names_account(name, domain, e->d_name)) {
			r = rebuild_account(s, name);
			(*count)++;
		}
	closedir(d);
	return r;
}

int rebuild_index(struct local *s, struct error *err)
{
	DIR *d = open_folder(s, ".");
	unsigned count = 0;
	struct dirent *e;
	int r = d != NULL ? 0 : -errno;

	while (r == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strcmp(e->d_name, "tmp") != 0)
			r = rebuild_domain(s, e->d_name, &count);
	if (d != NULL)
		closedir(d);
	if (r < 0)
		return error_system(err, -r, "the index can't be made from the folders");
	if (count > 0)
		log_warn("store index was lost and is made again from the folders accounts=%u", count);
	return 0;
}
