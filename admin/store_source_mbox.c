/* store_source_mbox.c - one mbox file, or a folder of them, folders within for the levels of names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_flags.h"
#include "admin/store_source_parts.h"
#include "common/base/utf7.h"
#include "common/base/utf8.h"
#include "common/config/paths.h"
#include "formats/lines.h"
#include "mime/date.h"
#include "mime/header.h"

enum { DEPTH_MAX = 32 };

/* --- which mailboxes -------------------------------------------------------------- */

/* "Sent.sbd" is Thunderbird's folder of what lies below Sent. */
static bool put_level(struct buf *name, struct span file)
{
	size_t start = name->n;

	if (file.n > 4 && span_is((struct span){ file.p + file.n - 4, 4 }, ".sbd"))
		file.n -= 4;
	if (span_find(file, '&') >= 0 && utf7_decode(file, name))
		return true;
	name->n = start;
	buf_put(name, file);
	return utf8_valid(file) && !name->failed;
}

static bool is_inbox(struct span name)
{
	return span_is_nocase(name, "inbox") || span_is(name, "mbox");
}

/* Begins as an mbox does, or is a mailbox without a message. One that may not be read is left out, and named. */
static bool is_mbox(struct source *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char start[5] = "";
	ssize_t n = fd >= 0 ? read(fd, start, 5) : -1;
	bool yes = n == 0 || (n == 5 && memcmp(start, "From ", 5) == 0);

	if (n < 0)
		source_skip_barred(s, path, errno);
	if (fd >= 0)
		close(fd);
	return yes;
}

static int walk(struct source *s, const char *path, struct span above, int depth, struct error *err);

static int add_mbox(struct source *s, const char *path, struct span as_read, struct error *err)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, STORE_NAME_MAX * 4);
	if (source_name(is_inbox(as_read) ? span_of("INBOX") : as_read, &name)) {
		buf_put_byte(&name, '\0');
		rc = name.failed ? error_set(err, -ENOMEM, "no memory") : source_add(s, path, (const char *)name.p, true, err);
	} else {
		source_skip_name(s, path);
	}
	buf_clear(&name);
	return rc;
}

static int add_entry(struct source *s, const char *path, const char *file, struct span above, int depth, struct error *err)
{
	char full[PATHS_MAX];
	struct buf name;
	struct stat st;
	int rc = 0;

	if (file[0] == '.' || (size_t)snprintf(full, sizeof(full), "%s/%s", path, file) >= sizeof(full) || lstat(full, &st) != 0)
		return 0;
	if (!S_ISDIR(st.st_mode) && !(S_ISREG(st.st_mode) && is_mbox(s, full)))
		return 0;
	buf_init(&name, STORE_NAME_MAX * 4);
	buf_put(&name, above);
	if (above.n > 0)
		buf_put_byte(&name, '/');
	if (!put_level(&name, span_of(file)))
		source_skip_name(s, full);
	else if (S_ISDIR(st.st_mode))
		rc = walk(s, full, buf_span(&name), depth + 1, err);
	else
		rc = add_mbox(s, full, buf_span(&name), err);
	buf_clear(&name);
	return rc;
}

static int walk(struct source *s, const char *path, struct span above, int depth, struct error *err)
{
	DIR *folder = depth < DEPTH_MAX ? opendir(path) : NULL;
	struct dirent *e;
	int rc = 0;

	if (folder == NULL && depth == 0)
		return error_system(err, errno, "can't read %s", path);
	if (folder == NULL) {
		source_skip_barred(s, path, depth < DEPTH_MAX ? errno : ELOOP);
		return 0;
	}
	while (rc == 0 && (e = readdir(folder)) != NULL)
		rc = add_entry(s, path, e->d_name, above, depth, err);
	closedir(folder);
	return rc;
}

int mbox_find(struct source *s, const char *path, const char *single, struct error *err)
{
	struct stat st;
	int rc;

	if (stat(path, &st) != 0)
		return error_system(err, errno, "can't read %s", path);
	if (S_ISREG(st.st_mode))
		return source_add(s, path, single != NULL ? single : "INBOX", true, err);
	rc = walk(s, path, (struct span){ NULL, 0 }, 0, err);
	if (rc == 0 && s->count == 0)
		rc = error_set(err, -ENOENT, "%s is no Maildir, and holds no mbox file", path);
	return rc;
}

/* --- the messages of one ------------------------------------------------------------ */

/* What stands before the first message, if anything does, is told with the first. */
int mbox_begin(struct source *s, size_t i, struct error *err)
{
	int fd = open(s->paths[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct mbox_words words;
	struct mbox_item item;
	struct span ahead;
	struct stat st;
	int rc = 0;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = error_system(err, fd < 0 ? errno : EINVAL, "can't read %s", s->paths[i]);
	if (rc == 0 && st.st_size > 0) {
		s->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (s->map == MAP_FAILED)
			rc = error_system(err, errno, "can't read %s", s->paths[i]);
		s->map_size = rc == 0 ? (size_t)st.st_size : 0;
	}
	if (fd >= 0)
		close(fd);
	if (rc != 0) {
		s->map = NULL;
		return rc;
	}
	s->rest = ahead = (struct span){ s->map, s->map_size };
	s->item = 0;
	s->last_uid = 0;
	s->file_s = st.st_mtime;
	s->boxes[i].bytes = s->map_size;
	s->boxes[i].uidvalidity = 0;
	mbox_skip(&ahead);
	buf_reset(&s->plain);
	if (mbox_next(&ahead, &item) && mbox_read(item.bytes, s->quoting, &words, &s->plain) && words.uidvalidity != 0) {
		s->boxes[i].uidvalidity = words.uidvalidity;
		s->boxes[i].uidnext = words.uid_last < UINT32_MAX ? words.uid_last + 1 : 0;
	}
	return 0;
}

void mbox_end(struct source *s)
{
	if (s->map != NULL)
		munmap(s->map, s->map_size);
	s->map = NULL;
	s->map_size = 0;
	s->rest = (struct span){ NULL, 0 };
}

/* The topmost Received was written by the server that took it; Date is the sender's word. */
static int64_t header_time(struct span message, int64_t otherwise_s)
{
	struct span header = { message.p, mime_header_end(message) };
	struct mime_header_field field;
	struct mime_date date;

	if (mime_header_find(header, "Received", &field)) {
		while (span_find(field.value, ';') >= 0)
			span_take_until(&field.value, ';');
		if (mime_date_parse(field.value, &date))
			return date.real_s;
	}
	if (mime_header_find(header, "Date", &field) && mime_date_parse(field.value, &date))
		return date.real_s;
	return otherwise_s;
}

static void take_words(struct source *s, const struct mbox_words *w, struct source_message *m)
{
	struct span words = w->keywords;

	m->flags = store_flags_of_mbox(w->flags);
	while (words.n > 0 && m->keyword_count < STORE_KEYWORDS) {
		struct span word = span_take_until(&words, ' ');

		if (word.n > 0)
			s->keyword_list[m->keyword_count++] = word;
	}
	m->uid = w->uid > s->last_uid ? w->uid : 0;
	if (m->uid != 0)
		s->last_uid = m->uid;
}

/* Dovecot keeps a message of its own at the top of some files: it holds nothing but the numbers. */
static bool is_internal(struct span message)
{
	struct span header = { message.p, mime_header_end(message) };
	struct mime_header_field field;

	return mime_header_find(header, "Subject", &field) &&
	       span_starts(span_trim(field.value), "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA");
}

enum source_status mbox_next_message(struct source *s, struct source_message *m, struct buf *body, struct error *err)
{
	struct span skipped = mbox_skip(&s->rest);
	struct lines lines = { .bare = 0 };
	struct mbox_words words;
	struct mbox_item item;

	if (skipped.n > 0) {
		snprintf(s->what, sizeof(s->what), "the start of the file");
		error_set(err, -EINVAL, "the file's first %zu bytes are no message: no line \"From \" stands above them", skipped.n);
		return SOURCE_BAD;
	}
	do {
		if (!mbox_next(&s->rest, &item))
			return SOURCE_END;
		s->item++;
		snprintf(s->what, sizeof(s->what), "message %zu, at byte %zu", s->item, (size_t)(item.from.p - s->map));
		buf_reset(&s->plain);
		if (!mbox_read(item.bytes, s->quoting, &words, &s->plain)) {
			error_set(err, -EFBIG, "%s: too large", s->what);
			return SOURCE_BAD;
		}
	} while (s->plain.n == 0 || (s->item == 1 && is_internal(buf_span(&s->plain))));
	lines_put(&lines, buf_span(&s->plain), body);
	m->internal_s = item.time_s != 0 ? item.time_s : header_time(buf_span(&s->plain), s->file_s);
	m->bare = 0; /* an mbox's lines end in LF: nothing was changed */
	take_words(s, &words, m);
	if (!body->failed)
		return SOURCE_OK;
	error_set(err, -EFBIG, "%s: too large", s->what);
	return SOURCE_BAD;
}
