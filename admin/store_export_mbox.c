/* store_export_mbox.c - a mailbox as one mboxrd file; those below "Lists" lie in the folder Lists.sbd, as Thunderbird has it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_export_parts.h"
#include "admin/store_flags.h"
#include "common/base/utf7.h"
#include "formats/mbox.h"

enum { LEVEL_MAX = 240, STOPPED = 1 };

#define TEXT_MAX ((size_t)1 << 31) /* bytes of a message, quoted */

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

/* The first message has the mailbox's numbers too. */
static struct mbox_words words_of(const struct mbox_item *item, struct buf *scratch)
{
	const uint8_t *end = memmem(item->bytes.p, item->bytes.n, "\n\n", 2);
	struct span header = { item->bytes.p, end != NULL ? (size_t)(end - item->bytes.p) + 1 : item->bytes.n };
	struct mbox_words words = { .uid = 0 };

	buf_reset(scratch);
	if (!mbox_read(header, MBOX_RD, &words, scratch))
		words.uid = 0;
	return words;
}

/* Is it of the same numbers, and has it every message? One that was damaged when the file was written is not in it,
 * nor what somebody has cut off; what was expunged since may be. */
static bool has_all(struct span file, const struct export_box *b, struct buf *scratch)
{
	struct mbox_item item;
	size_t at = 0;
	bool first = true;

	for (; mbox_next(&file, &item); first = false) {
		struct mbox_words words = words_of(&item, scratch);

		if (first && (words.uidvalidity != b->m.uidvalidity || words.uid_last != b->m.uidnext - 1))
			return false;
		if (at < b->count && b->records[at].uid < words.uid)
			return false;
		at += at < b->count && b->records[at].uid == words.uid;
	}
	return at == b->count;
}

static bool is_there(int folder, const char *file, const struct export_box *b)
{
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	void *map = MAP_FAILED;
	struct stat st = { .st_size = -1 };
	struct buf scratch;
	bool yes;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	yes = st.st_size == 0 && b->count == 0;
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return yes;
	buf_init(&scratch, TEXT_MAX);
	yes = has_all((struct span){ map, (size_t)st.st_size }, b, &scratch);
	buf_clear(&scratch);
	munmap(map, (size_t)st.st_size);
	return yes;
}

struct writing {
	struct export *e;
	const struct export_box *b;
	struct export_file file;
	struct buf text, keywords; /* of a message */
	bool begun;
};

/* With spaces between them. */
static struct span keywords_of(struct writing *w, const struct store_record *r)
{
	buf_reset(&w->keywords);
	for (size_t k = 0; k < w->b->keyword_count; k++)
		if (r->keywords >> k & 1) {
			if (w->keywords.n > 0)
				buf_put_byte(&w->keywords, ' ');
			buf_put(&w->keywords, w->b->keywords[k]);
		}
	return buf_span(&w->keywords);
}

/* A file that can't be written is done with at once; its close says why. */
static int put_message(void *arg, const struct store_record *r, struct span body, struct error *err)
{
	struct writing *w = arg;
	struct mbox_words words = { .flags = MBOX_OLD | store_flags_to_mbox(r->flags), .uid = r->uid, .keywords = keywords_of(w, r) };

	if (!w->begun) { /* the first one in the file */
		words.uidvalidity = w->b->m.uidvalidity;
		words.uid_last = w->b->m.uidnext - 1;
	}
	w->begun = true;
	buf_reset(&w->text);
	mbox_write(&w->text, body, r->internal_s, &words);
	if (w->text.failed)
		return error_set(err, -ENOMEM, "no memory for a message of %zu bytes", body.n);
	export_file_put(&w->file, buf_span(&w->text));
	if (w->file.error != 0)
		return STOPPED;
	w->e->done++;
	w->e->bytes += body.n;
	export_tell(w->e, w->b->name);
	return 0;
}

static void bad_message(void *arg, const struct store_record *r, const struct error *why)
{
	struct writing *w = arg;

	export_bad(w->e, w->b, r, why);
}

static int put_all(struct writing *w, struct error *err)
{
	const struct store_record **all = calloc(w->b->count + 1, sizeof(*all));
	const struct store_client_reader reader = { .mailbox = w->b->m.id, .records = all, .count = w->b->count,
						    .one = put_message, .bad = bad_message, .arg = w };
	int rc = all != NULL ? 0 : error_set(err, -ENOMEM, "no memory for a list of messages");

	for (size_t i = 0; i < w->b->count && rc == 0; i++)
		all[i] = &w->b->records[i];
	buf_init(&w->text, TEXT_MAX);
	buf_init(&w->keywords, STORE_KEYWORDS * (STORE_KEYWORD_MAX + 1));
	if (rc == 0)
		rc = store_client_read(w->e->client, &reader, err);
	buf_clear(&w->text);
	buf_clear(&w->keywords);
	free(all);
	return rc;
}

static int write_file(struct export *e, const struct export_box *b, int folder, const char *file, struct error *err)
{
	const uint64_t done = e->done, bytes = e->bytes;
	struct writing w = { .e = e, .b = b };
	char part[LEVEL_MAX + 16];
	int rc;

	snprintf(part, sizeof(part), ".%s.part", file);
	rc = export_file_open(&w.file, folder, part, err);
	if (rc != 0)
		return rc;
	rc = put_all(&w, err);
	if (rc < 0) {
		export_file_drop(&w.file);
	} else {
		export_file_sync(&w.file);
		rc = export_file_close(&w.file, file, INT64_MIN, err);
	}
	if (rc < 0) { /* the whole file, or nothing */
		e->done = done;
		e->bytes = bytes;
	}
	return rc;
}

int export_mbox(struct export *e, const struct export_box *b, struct error *err)
{
	char file[LEVEL_MAX + 8];
	int folder, rc = open_above(e, b->name, &folder, file, err);

	if (rc == 0 && is_there(folder, file, b))
		e->there += b->count;
	else if (rc == 0)
		rc = write_file(e, b, folder, file, err);
	if (folder >= 0)
		close(folder);
	return rc;
}
