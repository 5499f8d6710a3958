/* store_source_maildir.c - a Maildir and its folders (Maildir++, or Dovecot's LAYOUT=fs), Dovecot's lists beside them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_flags.h"
#include "admin/store_source_parts.h"
#include "common/base/table.h"
#include "common/config/paths.h"
#include "formats/lines.h"
#include "formats/uidlist.h"

enum { DEPTH_MAX = 32 };

/* Appends a whole file; 0, -ENOENT, or another errno. */
static int read_file(int folder, const char *name, struct buf *out, struct stat *st)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		rc = -EINVAL;
	while (rc == 0 && n > 0) {
		uint8_t *room = buf_room(out, 64 * 1024);

		n = room != NULL ? read(fd, room, 64 * 1024) : 0;
		out->n += n > 0 ? (size_t)n : 0;
		rc = n < 0 ? -errno : room == NULL ? -EFBIG : 0;
	}
	close(fd);
	return rc;
}

/* Somebody has it, and we may not read it: without it the mail would come in, but not as it was. */
static bool is_barred(int rc)
{
	return rc == -EACCES || rc == -EPERM || rc == -EIO;
}

/* --- which mailboxes ------------------------------------------------------------ */

struct subscribed {
	struct table *names;
	bool all; /* there is no such file */
};

/* Dovecot's, or Courier's, which has "INBOX." in front of all. */
static int read_subscribed(struct subscribed *sub, int fd, struct error *err)
{
	struct buf text, line, name;
	unsigned version = 0;
	struct stat st;
	struct span in;
	bool courier;
	int rc;

	buf_init(&text, 16 << 20);
	buf_init(&line, STORE_NAME_MAX * 4);
	buf_init(&name, STORE_NAME_MAX * 4);
	rc = read_file(fd, "subscriptions", &text, &st);
	courier = rc != 0;
	if (courier && !is_barred(rc))
		rc = read_file(fd, "courierimapsubscribed", &text, &st);
	sub->all = rc != 0;
	rc = is_barred(rc) ? error_system(err, -rc, "can't read the Maildir's list of subscriptions") : table_new(&sub->names, err);
	in = sub->all ? (struct span){ NULL, 0 } : buf_span(&text);
	while (rc == 0 && maildir_subscribed_next(&in, &version, &line)) {
		struct span as_read = buf_span(&line);

		if (courier && span_starts(as_read, "INBOX/"))
			span_take(&as_read, strlen("INBOX/"));
		if (source_name(as_read, &name) && name.n <= 320) /* the longest key; a longer name is not subscribed to */
			table_put(sub->names, buf_span(&name), sub);
		buf_reset(&line);
		buf_reset(&name);
	}
	buf_clear(&text);
	buf_clear(&line);
	buf_clear(&name);
	return rc;
}

static bool is_subscribed(const struct subscribed *sub, struct span name)
{
	return sub->all || (name.n <= 320 && table_get(sub->names, name) != NULL);
}

enum folder_kind { FOLDER_PLAIN, FOLDER_MAILBOX, FOLDER_BARRED };

/* The Maildir itself and what it lies in are no mailboxes. One that may not be looked into is named. */
static enum folder_kind judge_folder(struct source *s, int fd, const char *path, const char *folder)
{
	char cur[PATHS_MAX], full[PATHS_MAX];
	struct stat st;
	int rc;

	if (strcmp(folder, ".") == 0 || strcmp(folder, "..") == 0 ||
	    (size_t)snprintf(cur, sizeof(cur), "%s/cur", folder) >= sizeof(cur))
		return FOLDER_PLAIN;
	rc = fstatat(fd, cur, &st, 0) == 0 ? 0 : -errno;
	if (rc == 0)
		return S_ISDIR(st.st_mode) ? FOLDER_MAILBOX : FOLDER_PLAIN;
	if (!is_barred(rc))
		return FOLDER_PLAIN;
	snprintf(full, sizeof(full), "%s/%s", path, folder);
	source_skip_barred(s, full, -rc);
	return FOLDER_BARRED;
}

static int add_mailbox(struct source *s, const char *path, struct span as_read, const struct subscribed *sub, struct error *err)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, STORE_NAME_MAX * 4);
	if (source_name(as_read, &name)) {
		bool wanted = is_subscribed(sub, buf_span(&name));

		buf_put_byte(&name, '\0');
		rc = name.failed ? error_set(err, -ENOMEM, "no memory") : source_add(s, path, (const char *)name.p, wanted, err);
	} else {
		source_skip_name(s, path);
	}
	buf_clear(&name);
	return rc;
}

/* Maildir++ */
static int add_folder(struct source *s, const char *path, const char *folder, const struct subscribed *sub, struct error *err)
{
	char full[PATHS_MAX];
	struct buf name;
	int rc = 0;

	buf_init(&name, STORE_NAME_MAX * 4);
	if ((size_t)snprintf(full, sizeof(full), "%s/%s", path, folder) < sizeof(full) && maildir_folder_read(span_of(folder), &name))
		rc = add_mailbox(s, full, buf_span(&name), sub, err);
	else
		source_skip_name(s, full);
	buf_clear(&name);
	return rc;
}

static int walk_levels(struct source *s, const char *path, struct span above, int depth, const struct subscribed *sub,
		       struct error *err);

/* A folder in a folder is a level, and a mailbox if it has messages of its own. */
static int add_level(struct source *s, int fd, const char *path, const char *folder, struct span above, int depth,
		     const struct subscribed *sub, struct error *err)
{
	enum folder_kind kind;
	char full[PATHS_MAX];
	struct buf name;
	struct stat st;
	int rc = 0;

	if (fstatat(fd, folder, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode) ||
	    (size_t)snprintf(full, sizeof(full), "%s/%s", path, folder) >= sizeof(full))
		return 0;
	kind = judge_folder(s, fd, path, folder);
	if (kind == FOLDER_BARRED)
		return 0;
	buf_init(&name, STORE_NAME_MAX * 4);
	buf_put(&name, above);
	if (!maildir_level_read(span_of(folder), &name)) {
		if (kind == FOLDER_MAILBOX)
			source_skip_name(s, full);
	} else {
		if (kind == FOLDER_MAILBOX)
			rc = add_mailbox(s, full, buf_span(&name), sub, err);
		if (rc == 0)
			rc = walk_levels(s, full, buf_span(&name), depth + 1, sub, err);
	}
	buf_clear(&name);
	return rc;
}

static bool is_inside(const char *folder)
{
	return folder[0] == '.' || strcmp(folder, "cur") == 0 || strcmp(folder, "new") == 0 || strcmp(folder, "tmp") == 0;
}

/* LAYOUT=fs. */
static int walk_levels(struct source *s, const char *path, struct span above, int depth, const struct subscribed *sub,
		       struct error *err)
{
	DIR *folders = depth < DEPTH_MAX ? opendir(path) : NULL;
	struct dirent *e;
	int rc = 0;

	if (folders == NULL)
		source_skip_barred(s, path, depth < DEPTH_MAX ? errno : ELOOP);
	while (rc == 0 && folders != NULL && (e = readdir(folders)) != NULL)
		if (!is_inside(e->d_name))
			rc = add_level(s, dirfd(folders), path, e->d_name, above, depth, sub, err);
	if (folders != NULL)
		closedir(folders);
	return rc;
}

int maildir_find(struct source *s, const char *path, struct error *err)
{
	struct subscribed sub = { NULL, false };
	DIR *folders = opendir(path);
	struct dirent *e;
	int rc;

	if (folders == NULL)
		return error_system(err, errno, "can't read %s", path);
	rc = read_subscribed(&sub, dirfd(folders), err);
	if (rc == 0)
		rc = source_add(s, path, "INBOX", true, err);
	while (rc == 0 && (e = readdir(folders)) != NULL)
		if (e->d_name[0] == '.' && judge_folder(s, dirfd(folders), path, e->d_name) == FOLDER_MAILBOX)
			rc = add_folder(s, path, e->d_name, &sub, err);
	if (rc == 0)
		rc = walk_levels(s, path, (struct span){ NULL, 0 }, 0, &sub, err);
	table_free(sub.names);
	closedir(folders);
	return rc;
}

/* --- the messages of one ----------------------------------------------------------- */

static int add_file(struct source *s, const char *sub, const char *file, struct error *err)
{
	struct source_file *files = s->files;
	struct maildir_name name;
	char *path;

	if (!maildir_name_read(span_of(file), &name))
		return 0;
	if ((s->file_count & (s->file_count - 1)) == 0)
		files = reallocarray(s->files, s->file_count > 0 ? s->file_count * 2 : 1, sizeof(*files));
	if (files != NULL)
		s->files = files;
	if (files == NULL || asprintf(&path, "%s/%s", sub, file) < 0)
		return error_set(err, -ENOMEM, "no memory for so many messages");
	s->files[s->file_count++] = (struct source_file){ .name = path, .time_s = name.time_s };
	return 0;
}

static int list_files(struct source *s, const char *sub, struct error *err)
{
	int fd = openat(s->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (folder == NULL) {
		rc = errno == ENOENT ? 0 : error_system(err, errno, "can't read the folder %s", sub);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	do {
		errno = 0;
		e = readdir(folder);
		if (e != NULL)
			rc = add_file(s, sub, e->d_name, err);
		else if (errno != 0)
			rc = error_system(err, errno, "can't read the folder %s", sub);
	} while (rc == 0 && e != NULL);
	closedir(folder);
	return rc;
}

/* What the list calls the file: its name without folder and flags. */
static struct span unique_of(const struct source_file *f)
{
	struct maildir_name name;

	maildir_name_read(span_of(f->name + 4), &name);
	return name.unique;
}

/* Courier's has the form of Dovecot's first version. 1 or 0: there is one or not; or a negative errno. */
static int read_uidlist(const struct source *s, struct buf *text, struct uidlist *list, struct error *err)
{
	static const char *const files[] = { "dovecot-uidlist", "courierimapuiddb" };
	struct stat st;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int rc;

		buf_reset(text);
		rc = read_file(s->fd, files[i], text, &st);
		if (is_barred(rc))
			return error_system(err, -rc, "can't read %s", files[i]);
		if (rc == 0 && uidlist_begin(list, buf_span(text)))
			return 1;
	}
	return 0;
}

/* Gives files the UIDs that such a list has for them. */
static int read_uids(struct source *s, struct source_box *box, struct error *err)
{
	struct uidlist list;
	struct table *files = NULL;
	struct buf text;
	struct span file;
	uint32_t uid;
	int rc;

	buf_init(&text, SOURCE_LIST_MAX);
	box->uidvalidity = 0;
	rc = read_uidlist(s, &text, &list, err);
	if (rc <= 0) {
		buf_clear(&text);
		return rc;
	}
	box->uidvalidity = list.uidvalidity;
	box->uidnext = list.uidnext;
	rc = table_new(&files, err);
	for (size_t i = 0; rc == 0 && i < s->file_count; i++)
		if (unique_of(&s->files[i]).n <= 320)
			rc = table_put(files, unique_of(&s->files[i]), &s->files[i]);
	while (rc == 0 && uidlist_next(&list, &uid, &file)) {
		struct source_file *f = file.n <= 320 ? table_get(files, file) : NULL;

		if (f != NULL)
			f->uid = uid;
		if (uid >= box->uidnext)
			box->uidnext = uid + 1;
	}
	table_free(files);
	buf_clear(&text);
	return rc;
}

/* By UID; those without one behind them, as they came. */
static int file_order(const void *a, const void *b)
{
	const struct source_file *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid - 1 < y->uid - 1 ? -1 : 1; /* 0 is the last */
	if (x->time_s != y->time_s)
		return x->time_s < y->time_s ? -1 : 1;
	return strcmp(x->name + 4, y->name + 4);
}

int maildir_begin(struct source *s, size_t i, struct error *err)
{
	struct stat st;
	int rc;

	s->fd = open(s->paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return error_system(err, errno, "can't read %s", s->paths[i]);
	rc = list_files(s, "cur", err);
	if (rc == 0)
		rc = list_files(s, "new", err);
	if (rc == 0)
		rc = read_uids(s, &s->boxes[i], err);
	if (rc != 0)
		return rc;
	buf_reset(&s->keywords);
	rc = read_file(s->fd, "dovecot-keywords", &s->keywords, &st); /* without it letters have no words */
	if (is_barred(rc))
		return error_system(err, -rc, "can't read dovecot-keywords");
	maildir_keywords_read(buf_span(&s->keywords), s->words);
	if (s->file_count > 0)
		qsort(s->files, s->file_count, sizeof(*s->files), file_order);
	s->boxes[i].messages = s->file_count;
	return 0;
}

void maildir_end(struct source *s)
{
	for (size_t i = 0; i < s->file_count; i++)
		free(s->files[i].name);
	free(s->files);
	s->files = NULL;
	s->file_count = s->file_at = 0;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void read_flags(struct source *s, const struct maildir_name *name, struct source_message *m)
{
	bool forwarded = false;

	m->flags = store_flags_of_maildir(name->flags);
	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++)
		if ((name->keywords & (uint32_t)1 << i) && s->words[i].n > 0) {
			forwarded |= span_is_nocase(s->words[i], "$Forwarded");
			s->keyword_list[m->keyword_count++] = s->words[i];
		}
	if ((name->flags & MAILDIR_PASSED) && !forwarded)
		s->keyword_list[m->keyword_count++] = span_of("$Forwarded");
}

enum source_status maildir_next(struct source *s, struct source_message *m, struct buf *body, struct error *err)
{
	const struct source_file *f;
	struct lines lines = { .bare = 0 };
	struct maildir_name name;
	struct stat st;
	int rc;

	if (s->file_at == s->file_count)
		return SOURCE_END;
	f = &s->files[s->file_at++];
	snprintf(s->what, sizeof(s->what), "%s", f->name);
	buf_reset(&s->plain);
	rc = read_file(s->fd, f->name, &s->plain, &st);
	if (rc != 0) {
		error_system(err, -rc, "%s", f->name);
		return SOURCE_BAD;
	}
	lines_put(&lines, buf_span(&s->plain), body);
	maildir_name_read(span_of(f->name + 4), &name);
	m->uid = f->uid;
	m->internal_s = st.st_mtime;
	m->bare = lines.bare;
	read_flags(s, &name, m);
	if (!body->failed)
		return SOURCE_OK;
	error_set(err, -EFBIG, "%s: too large", f->name);
	return SOURCE_BAD;
}
