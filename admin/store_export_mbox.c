/* store_export_mbox.c - a mailbox as one mboxrd file; those below "Lists" lie in the folder Lists.sbd, as Thunderbird has it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/store_export_parts.h"
#include "common/base/utf7.h"
#include "formats/mbox.h"

enum { LEVEL_MAX = 240, START = 4096 };

/* The file's name for a level: UTF-8; where an ampersand would be misread, modified UTF-7. */
static int level_name(struct span level, const char *behind, char out[LEVEL_MAX + 8], struct error *err)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, LEVEL_MAX);
	if (span_find(level, '&') >= 0)
		utf7_encode(level, &name);
	else
		buf_put(&name, level);
	if (name.failed || name.p[0] == '.')
		rc = error_set(err, -EINVAL, "%.*s: no file can have that name", (int)level.n, (const char *)level.p);
	else
		snprintf(out, LEVEL_MAX + 8, "%.*s%s", (int)name.n, (const char *)name.p, behind);
	buf_clear(&name);
	return rc;
}

/* Opens the folder that the mailbox's file lies in; the file's name. */
static int open_above(const struct export *e, const char *mailbox, int *fd, char file[LEVEL_MAX + 8], struct error *err)
{
	struct span rest = span_of(mailbox);
	int rc = 0;

	*fd = dup(e->fd);
	while (rc == 0 && span_find(rest, '/') >= 0) {
		char name[LEVEL_MAX + 8];
		int above = *fd;

		rc = level_name(span_take_until(&rest, '/'), ".sbd", name, err);
		if (rc == 0)
			rc = export_folder(above, name, fd, err);
		if (rc == 0)
			close(above);
	}
	return rc == 0 ? level_name(rest, "", file, err) : rc;
}

/* Whole files alone get that name: is it of the same numbers? */
static bool is_there(int folder, const char *file, const struct export_box *b)
{
	uint8_t start[START];
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, start, sizeof(start)) : -1;
	struct mbox_words words = { .uid = 0 };
	struct mbox_item item;
	struct buf message;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return n == 0 && b->count == 0;
	struct span in = { start, (size_t)n };

	buf_init(&message, 2 * START);
	if (mbox_next(&in, &item))
		mbox_read(item.bytes, MBOX_RD, &words, &message);
	buf_clear(&message);
	return words.uidvalidity == b->m.uidvalidity && words.uid_last == b->m.uidnext - 1;
}

static unsigned flags_of(const struct store_record *r)
{
	static const struct {
		uint32_t from;
		unsigned to;
	} flags[] = { { STORE_SEEN, MBOX_SEEN },   { STORE_ANSWERED, MBOX_ANSWERED }, { STORE_FLAGGED, MBOX_FLAGGED },
		      { STORE_DRAFT, MBOX_DRAFT }, { STORE_DELETED, MBOX_DELETED } };
	unsigned out = MBOX_OLD;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (r->flags & flags[i].from)
			out |= flags[i].to;
	return out;
}

static int put_message(struct export *e, const struct export_box *b, size_t i, struct export_file *file, struct buf *body,
		       struct buf *text, struct error *err)
{
	const struct store_record *r = &b->records[i];
	struct mbox_words words = { .flags = flags_of(r), .uid = r->uid };
	struct buf keywords;
	int rc;

	buf_reset(body);
	buf_reset(text);
	rc = store_client_body(e->client, b->m.id, r->uid, body, err);
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc; /* expunged meanwhile */
	if (file->bytes.n == 0 && lseek(file->fd, 0, SEEK_CUR) == 0) { /* the first one in the file */
		words.uidvalidity = b->m.uidvalidity;
		words.uid_last = b->m.uidnext - 1;
	}
	buf_init(&keywords, STORE_KEYWORDS * (STORE_KEYWORD_MAX + 1));
	for (size_t k = 0; k < b->keyword_count; k++)
		if (r->keywords >> k & 1) {
			if (keywords.n > 0)
				buf_put_byte(&keywords, ' ');
			buf_put(&keywords, b->keywords[k]);
		}
	words.keywords = buf_span(&keywords);
	mbox_write(text, buf_span(body), r->internal_s, &words);
	rc = text->failed ? error_set(err, -ENOMEM, "no memory for a message of %zu bytes", body->n) : 0;
	buf_clear(&keywords);
	export_file_put(file, buf_span(text));
	e->done += rc == 0;
	e->bytes += rc == 0 ? body->n : 0;
	return rc;
}

static int put_all(struct export *e, const struct export_box *b, struct export_file *file, struct error *err)
{
	struct buf body, text;
	int rc = 0;

	buf_init(&body, 1 << 30);
	buf_init(&text, (size_t)1 << 31);
	for (size_t i = 0; i < b->count && rc == 0; i++) {
		rc = put_message(e, b, i, file, &body, &text, err);
		export_tell(e, b->name);
	}
	buf_clear(&body);
	buf_clear(&text);
	return rc;
}

int export_mbox(struct export *e, const struct export_box *b, struct error *err)
{
	char file[LEVEL_MAX + 8], part[LEVEL_MAX + 16];
	struct export_file out;
	int folder, rc = open_above(e, b->name, &folder, file, err);

	if (rc == 0 && is_there(folder, file, b)) {
		e->there += b->count;
	} else if (rc == 0) {
		snprintf(part, sizeof(part), ".%s.part", file);
		rc = export_file_open(&out, folder, part, err);
		if (rc == 0) {
			rc = put_all(e, b, &out, err);
			if (rc == 0)
				rc = export_file_close(&out, file, INT64_MIN, err);
			else
				export_file_drop(&out);
		}
	}
	if (rc == 0 && syncfs(folder) != 0)
		rc = error_system(err, errno, "can't write %s", b->name);
	if (folder >= 0)
		close(folder);
	return rc;
}
