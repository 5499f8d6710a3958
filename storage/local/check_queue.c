/* check_queue.c - mail that waits: its files and its records; the contract is in check_inside.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/local/check_inside.h"
#include "storage/local/files.h"
#include "storage/local/queue.h"
#include "storage/local/queue_text.h"

enum { QUEUE_MEMORY = 64 * 1024 * 1024 };

struct inquiry {
	struct check *c;
	struct table *ids; /* of the index */
	struct arena *memory;
	struct buf text;
};

static int queue_at(const struct inquiry *q)
{
	return q->c->o->store.queue_fd;
}

/* --- mending -------------------------------------------------------------------- */

static int forget(struct inquiry *q, const char *id)
{
	struct key from, end;
	struct span key, value;
	struct kv_scan *scan;
	int r;

	key_queue_entry(&from, span_of(id));
	key_end(&end, &from);
	scan = kv_scan_open(q->c->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		r = kv_begin(q->c->s->kv);
		if (r == 0) {
			r = kv_del(q->c->s->kv, key);
			if (r == 0)
				r = kv_commit(q->c->s->kv);
			else
				kv_abort(q->c->s->kv);
		}
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

static int lose(struct inquiry *q, const char *name)
{
	int r = check_lose(queue_at(q), name);

	return r == -ENOENT ? 0 : r;
}

static int lose_entry(struct inquiry *q, const char *id)
{
	char name[QUEUE_NAME_MAX];
	int r = forget(q, id);

	queue_name_mail(name, id);
	if (r == 0)
		r = lose(q, name);
	queue_name_text(name, id);
	return r == 0 ? lose(q, name) : r;
}

/* --- one entry -------------------------------------------------------------------- */

static bool envelope_good(struct inquiry *q, const char *id, const char *name)
{
	struct queue_letter l;
	bool good;

	buf_reset(&q->text);
	good = files_read(queue_at(q), ".", name, &q->text) == 0 &&
	       queue_text_parse(buf_span(&q->text), q->memory, &l) && strcmp(l.head.id, id) == 0;
	arena_reset(q->memory);
	return good;
}

static int record_damaged(struct inquiry *q, const char *id, const struct stat *mail, bool envelope)
{
	char where[QUEUE_NAME_MAX + 16];
	int r;

	snprintf(where, sizeof(where), "db: queue %s", id);
	if (!check_tell(q->c, CHECK_QUEUE_RECORD, where, "%s", envelope ? "" : "its envelope does not parse either"))
		return 0;
	r = envelope ? forget(q, id) : lose_entry(q, id);
	if (r == 0 && envelope)
		r = queue_rebuild_entry(q->c->s, id, mail, q->memory);
	arena_reset(q->memory);
	check_mended(q->c, r);
	return r;
}

static int look_at_mail(struct inquiry *q, const char *id, const struct stat *st, bool there, uint64_t size)
{
	char where[QUEUE_NAME_MAX + 16];
	int r;

	snprintf(where, sizeof(where), "queue/%s.mail", id);
	if (there && (uint64_t)st->st_size == size)
		return 1;
	if (there ? !check_tell(q->c, CHECK_QUEUE_SIZE, where, "%lld bytes, not %llu", (long long)st->st_size,
				(unsigned long long)size)
		  : !check_tell(q->c, CHECK_QUEUE_NO_MAIL, where, "%s", ""))
		return 0;
	r = lose_entry(q, id);
	check_mended(q->c, r);
	return r < 0 ? r : 0;
}

static int look_at_envelope(struct inquiry *q, const char *id, bool good, bool stub)
{
	char name[QUEUE_NAME_MAX], where[QUEUE_NAME_MAX + 16];
	struct stat st;
	bool there;
	int r;

	queue_name_text(name, id);
	snprintf(where, sizeof(where), "queue/%s", name);
	there = fstatat(queue_at(q), name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
	if (good)
		return 0;
	if (!there && !stub) { /* the start that ends a repair writes it */
		if (check_tell(q->c, CHECK_QUEUE_NO_ENVELOPE, where, "%s", ""))
			check_mended(q->c, 0);
		return 0;
	}
	if (!check_tell(q->c, CHECK_QUEUE_ENVELOPE, where, "%s", stub ? "and the index does not know it either" : ""))
		return 0;
	r = stub ? lose_entry(q, id) : lose(q, name);
	check_mended(q->c, r);
	return r;
}

static int look_at_entry(struct inquiry *q, const char *id, struct span value)
{
	char name[QUEUE_NAME_MAX];
	struct queue_record record;
	struct stat st;
	bool there, good;
	int r;

	q->c->counts.queued++;
	queue_name_mail(name, id);
	there = fstatat(queue_at(q), name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
	queue_name_text(name, id);
	good = envelope_good(q, id, name);
	if (!queue_record_decode(value, &record))
		return record_damaged(q, id, &st, good && there);
	r = look_at_mail(q, id, &st, there, record.head.size);
	return r > 0 ? look_at_envelope(q, id, good, record.try.bits & QUEUE_BIT_ASIDE) : r;
}

static int look_at_records(struct inquiry *q)
{
	char id[STORE_ID_MAX], last[STORE_ID_MAX] = "";
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	uint32_t job;
	int r;

	key_kind(&from, KEY_QUEUE);
	key_end(&end, &from);
	scan = kv_scan_open(q->c->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		struct queue_record record;

		if (!key_get_queue(key, id, &job) ||
		    (strcmp(id, last) == 0 && queue_record_decode(value, &record)))
			continue;
		memcpy(last, id, sizeof(last));
		r = table_put(q->ids, span_of(id), q) < 0 ? -ENOMEM : look_at_entry(q, id, value);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

/* --- the folder ------------------------------------------------------------------- */

static void look_at_file(struct inquiry *q, const char *name)
{
	char id[STORE_ID_MAX], where[300];
	struct stat st;
	bool mail;

	snprintf(where, sizeof(where), "queue/%s", name);
	if (name[0] == '.' || strcmp(name, "lost+found") == 0 ||
	    fstatat(queue_at(q), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!queue_name_parse(name, id, &mail)) {
		if (check_tell(q->c, CHECK_STRANGE_NAME, where, "%s", check_type(st.st_mode)))
			check_mended(q->c, lose(q, name));
	} else if (!S_ISREG(st.st_mode)) {
		if (check_tell(q->c, CHECK_WRONG_TYPE, where, "%s", check_type(st.st_mode)))
			check_mended(q->c, lose(q, name));
	} else {
		check_rights(q->c, queue_at(q), where, name, &st);
	}
}

static void look_for_record(struct inquiry *q, const char *name)
{
	char id[STORE_ID_MAX], where[300];
	bool mail;

	if (!queue_name_parse(name, id, &mail) || table_get(q->ids, span_of(id)) != NULL)
		return;
	snprintf(where, sizeof(where), "queue/%s", name);
	if (check_tell(q->c, CHECK_QUEUE_FILE, where, "%s", ""))
		check_mended(q->c, lose(q, name));
}

static int each_file(struct inquiry *q, void (*fn)(struct inquiry *q, const char *name))
{
	DIR *d = check_opendir(queue_at(q), ".");
	struct dirent *e;

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL)
		fn(q, e->d_name);
	closedir(d);
	return 0;
}

int check_queue(struct check *c)
{
	struct inquiry q = { .c = c };
	struct error err;
	int r = each_file(&q, look_at_file);

	if (r < 0 || c->s == NULL)
		return r;
	buf_init(&q.text, QUEUE_FILE_MAX);
	r = table_new(&q.ids, &err);
	if (r == 0)
		r = arena_new(&q.memory, QUEUE_MEMORY, ARENA_PLAIN, &err);
	if (r == 0)
		r = look_at_records(&q);
	if (r == 0)
		r = each_file(&q, look_for_record);
	arena_free(q.memory);
	table_free(q.ids);
	buf_clear(&q.text);
	return r;
}
