/*
 * queue_load.c - the start: the index's records into memory, compared with the files; and after a
 * lost index the files into records. The contract is in queue.h.
 *
 * With the index whole, a file that it does not know was never promised, or is of an entry that has
 * gone: it is removed. Without it every body is mail that waits: it was synced before it was promised.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/queue.h"
#include "storage/local/queue_text.h"

enum { LOAD_MEMORY = 64 * 1024 * 1024 };

static DIR *open_folder(const struct local *s)
{
	int fd = openat(s->o.queue_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

/* --- the index into memory ------------------------------------------------------ */

static void load_damaged(struct queue *q, const char *id)
{
	struct queue_entry *e = queue_find(q, id);

	if (e == NULL)
		e = queue_entry_add(q, id, queue_now_s(), 0);
	queue_set_aside(q, e, "its record can't be read");
}

static void load_one(struct queue *q, const char *id, uint32_t job, struct span value)
{
	struct queue_entry *e = queue_find(q, id);
	struct queue_record r;

	if (!queue_record_decode(value, &r) || (r.try.number != job) ||
	    (e != NULL && (e->slots != r.head.tries || r.try.bits & QUEUE_BIT_ASIDE))) {
		load_damaged(q, id);
		return;
	}
	if (e == NULL)
		e = queue_entry_add(q, id, r.head.created_s, r.head.tries);
	if (r.try.bits & QUEUE_BIT_ASIDE) {
		queue_set_aside(q, e, "its envelope can't be read");
		return;
	}
	queue_slot_fill(q, e, &r.try);
}

static int load_records(struct queue *q)
{
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	char id[STORE_ID_MAX];
	uint32_t job;
	int r;

	key_kind(&from, KEY_QUEUE);
	key_end(&end, &from);
	scan = kv_scan_open(q->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0)
		if (key_get_queue(key, id, &job))
			load_one(q, id, job, value);
	kv_scan_close(scan);
	return r;
}

/* --- compared with the files ------------------------------------------------------ */

enum { HAS_MAIL = 1, HAS_TEXT = 2 };

static void look_at_file(struct queue *q, int folder, const char *name, unsigned *removed)
{
	struct queue_entry *e;
	char id[STORE_ID_MAX];
	struct stat st;
	bool mail;

	if (!queue_name_parse(name, id, &mail))
		return;
	e = queue_find(q, id);
	if (e == NULL) {
		unlinkat(folder, name, 0);
		(*removed)++;
		return;
	}
	if (mail)
		e->files |= HAS_MAIL;
	/* A crash can leave an envelope that never came to the disk. */
	else if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
		e->files |= HAS_TEXT;
}

static int look_at_files(struct queue *q)
{
	unsigned removed = 0;
	struct dirent *e;
	DIR *d = open_folder(q->s);

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL)
		look_at_file(q, dirfd(d), e->d_name, &removed);
	closedir(d);
	if (removed > 0)
		log_info("store removed files of the queue that nothing knows count=%u", removed);
	return 0;
}

/* The letter as the index has it; jobs that are done are empty. */
static int letter_of(struct queue *q, const struct queue_entry *e, struct arena *memory,
		     struct queue_letter *l)
{
	l->tries = arena_array(memory, (size_t)e->slots + 1, sizeof(*l->tries));
	l->to = arena_array(memory, STORE_RECIPIENTS, sizeof(*l->to));
	if (l->tries == NULL || l->to == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < e->slots; i++) {
		struct queue_record record;
		struct span value;
		struct key k;

		l->tries[i].number = i;
		if (e->slot[i].dest == NULL)
			continue;
		key_queue(&k, span_of(queue_entry_id(e)), i);
		if (kv_get(q->s->kv, key_span(&k), &value) < 0)
			return -EIO;
		value = arena_copy(memory, value);
		if (value.p == NULL || !queue_record_decode(value, &record) ||
		    l->count + record.try.count > STORE_RECIPIENTS)
			return -EBADMSG;
		l->head = record.head;
		l->tries[i] = record.try;
		l->tries[i].first = l->count;
		for (size_t j = 0; j < record.try.count; j++)
			queue_record_next(&record, &l->to[l->count++]);
	}
	memcpy(l->head.id, queue_entry_id(e), strlen(queue_entry_id(e)) + 1);
	return 0;
}

/* Makes the envelope file again. If that fails, the index still has all. */
static void restore_text(struct queue *q, const struct queue_entry *e)
{
	struct queue_letter l = { .count = 0 };
	struct arena *memory;
	struct error err;
	struct buf text;

	if (arena_new(&memory, LOAD_MEMORY, ARENA_PLAIN, &err) < 0)
		return;
	buf_init(&text, QUEUE_FILE_MAX);
	if (letter_of(q, e, memory, &l) == 0)
		queue_text_write(&text, &l);
	if (text.n > 0 && !text.failed)
		queue_write_text(q->s, queue_entry_id(e), buf_span(&text));
	buf_clear(&text);
	arena_free(memory);
}

static int compare(struct queue *q)
{
	struct queue_entry *e = NULL;
	size_t at = 0;
	int r = look_at_files(q);

	while (r == 0 && (e = queue_entry_next(q, &at, e)) != NULL)
		if (!(e->files & HAS_MAIL))
			queue_set_aside(q, e, "its body is missing");
		else if (!(e->files & HAS_TEXT) && e->aside == NULL)
			restore_text(q, e);
	return r;
}

/* Only now, when nothing more is found out about them. */
static void let_wait(struct queue *q)
{
	struct queue_entry *e = NULL;
	size_t at = 0;

	while ((e = queue_entry_next(q, &at, e)) != NULL)
		for (size_t i = 0; i < e->slots; i++)
			if (e->slot[i].dest != NULL)
				queue_slot_rest(q, &e->slot[i]);
}

int queue_new(struct queue **out, struct local *s, struct error *err)
{
	struct queue *q = calloc(1, sizeof(*q));
	int r;

	*out = q;
	if (q == NULL)
		return error_set(err, -ENOMEM, "no memory for the queue");
	q->s = s;
	q->last_lease = (uint64_t)queue_now_s() << 32; /* not those of before a restart */
	r = queue_index_new(q, err);
	if (r < 0)
		return r;
	r = load_records(q);
	if (r == 0)
		r = compare(q);
	if (r < 0)
		return error_system(err, -r, "the queue can't be read");
	let_wait(q);
	return 0;
}

void queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	queue_index_free(q);
	free(q);
}

/* --- a lost index -------------------------------------------------------------------- */

static int put_record(struct local *s, const struct queue_letter *l, const struct queue_try *t)
{
	struct buf *value = local_value(s);
	struct key k;

	queue_record_encode(value, &l->head, t, l->to + t->first);
	key_queue(&k, span_of(l->head.id), t->number);
	return value->failed ? -ENOMEM : kv_put(s->kv, key_span(&k), buf_span(value));
}

/* Nobody knows for whom it is: it is kept, and shown to the administrator. */
static int put_unreadable(struct local *s, const char *id, const struct stat *st)
{
	struct queue_letter l = { .head = { .created_s = st->st_mtim.tv_sec,
					    .size = (uint64_t)st->st_size } };
	const struct queue_try stub = { .bits = QUEUE_BIT_ASIDE };

	memcpy(l.head.id, id, strlen(id) + 1);
	return put_record(s, &l, &stub);
}

static int put_letter(struct local *s, const struct queue_letter *l)
{
	int r = 0;

	for (uint32_t i = 0; i < l->head.tries && r == 0; i++)
		if (l->tries[i].count > 0)
			r = put_record(s, l, &l->tries[i]);
	return r;
}

int queue_rebuild_entry(struct local *s, const char *id, const struct stat *st, struct arena *memory)
{
	char name[QUEUE_NAME_MAX];
	struct queue_letter l;
	struct buf text;
	bool good;
	int r;

	buf_init(&text, QUEUE_FILE_MAX);
	queue_name_text(name, id);
	r = files_read(s->o.queue_fd, ".", name, &text);
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE) {
		buf_clear(&text);
		return r;
	}
	good = r == 0 && queue_text_parse(buf_span(&text), memory, &l) && strcmp(l.head.id, id) == 0;
	r = kv_begin(s->kv);
	if (r == 0) {
		r = good ? put_letter(s, &l) : put_unreadable(s, id, st);
		if (r == 0)
			r = kv_commit(s->kv);
		else
			kv_abort(s->kv);
	}
	buf_clear(&text);
	return r;
}

static int rebuild_files(struct local *s, DIR *d, struct arena *memory, unsigned *count)
{
	char id[STORE_ID_MAX];
	struct dirent *e;
	struct stat st;
	bool mail;
	int r = 0;

	while (r == 0 && (e = readdir(d)) != NULL) {
		if (!queue_name_parse(e->d_name, id, &mail) || !mail ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		r = queue_rebuild_entry(s, id, &st, memory);
		arena_reset(memory);
		(*count)++;
	}
	return r;
}

int queue_rebuild(struct local *s, struct error *err)
{
	struct arena *memory = NULL;
	unsigned count = 0;
	DIR *d = open_folder(s);
	int r = d != NULL ? arena_new(&memory, LOAD_MEMORY, ARENA_PLAIN, err) : -errno;

	if (r == 0)
		r = rebuild_files(s, d, memory, &count);
	arena_free(memory);
	if (d != NULL)
		closedir(d);
	if (r < 0)
		return error_system(err, -r, "the queue can't be made again from its folder");
	if (count > 0)
		log_warn("store queue is made again from its folder entries=%u", count);
	return 0;
}
