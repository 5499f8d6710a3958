/*
 * store_export_maildir.c - a mailbox as a folder of a Maildir++ that Dovecot takes as it is: bytes as they are here,
 * its lists beside them, so that UIDs stay.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_export_parts.h"
#include "common/base/table.h"
#include "formats/maildir.h"
#include "formats/uidlist.h"

enum { FILE_NAME = 256, LIST_MAX = 256 << 20 };

struct folder {
	struct export *e;
	const struct export_box *b;
	int fd, cur;
	struct table *files; /* name without flags -> name, of those in cur/ */
};

/* --- what an earlier export has left ------------------------------------------------- */

static int note_file(struct folder *f, const char *file, struct error *err)
{
	struct maildir_name name;
	char *copy;

	if (!maildir_name_read(span_of(file), &name) || table_get(f->files, name.unique) != NULL)
		return 0;
	copy = strdup(file);
	if (copy != NULL && table_put(f->files, name.unique, copy) == 0)
		return 0;
	free(copy);
	return error_set(err, -ENOMEM, "no memory for a list of files");
}

static int list_cur(struct folder *f, struct error *err)
{
	int fd = openat(f->cur, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = table_new(&f->files, err);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return rc != 0 ? rc : error_system(err, errno, "can't read the folder cur");
	}
	while (rc == 0 && (d = readdir(dir)) != NULL)
		rc = note_file(f, d->d_name, err);
	closedir(dir);
	return rc;
}

/* --- messages ---------------------------------------------------------------------------- */

static void put_unique(struct buf *out, const struct export_box *b, const struct store_record *r)
{
	buf_printf(out, "%lld.U%uV%u.yubin,S=%llu", (long long)(r->internal_s > 0 ? r->internal_s : 0), r->uid, b->m.uidvalidity,
		   (unsigned long long)r->size);
}

static unsigned flags_of(const struct store_record *r)
{
	static const struct {
		uint32_t from;
		unsigned to;
	} flags[] = { { STORE_DRAFT, MAILDIR_DRAFT },    { STORE_FLAGGED, MAILDIR_FLAGGED }, { STORE_ANSWERED, MAILDIR_REPLIED },
		      { STORE_SEEN, MAILDIR_SEEN },      { STORE_DELETED, MAILDIR_TRASHED } };
	unsigned out = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (r->flags & flags[i].from)
			out |= flags[i].to;
	return out;
}

/* There is a letter for 26 keywords of a mailbox. */
static uint32_t keywords_of(struct folder *f, const struct store_record *r)
{
	for (unsigned i = MAILDIR_KEYWORDS; i < STORE_KEYWORDS; i++)
		f->e->words_lost += r->keywords >> i & 1;
	return (uint32_t)(r->keywords & ((1u << MAILDIR_KEYWORDS) - 1));
}

static int write_message(struct folder *f, const struct store_record *r, const char *name, struct buf *body, struct error *err)
{
	struct export_file file;
	int rc;

	buf_reset(body);
	rc = store_client_body(f->e->client, f->b->m.id, r->uid, body, err);
	if (rc == -ENOENT)
		return 0; /* expunged meanwhile */
	if (rc == 0)
		rc = export_file_open(&file, f->fd, "tmp/yubin.part", err);
	if (rc != 0)
		return rc;
	export_file_put(&file, buf_span(body));
	rc = export_file_close(&file, name, r->internal_s, err);
	f->e->done += rc == 0;
	f->e->bytes += rc == 0 ? body->n : 0;
	return rc;
}

/* It is there, perhaps under other flags. Files are renamed when they are whole: the name is enough. */
static int keep_message(struct folder *f, const char *old, const char *name, struct error *err)
{
	f->e->there++;
	if (strcmp(old, name) != 0 && renameat(f->cur, old, f->cur, name) != 0)
		return error_system(err, errno, "can't rename %s", old);
	return 0;
}

static int one_message(struct folder *f, const struct store_record *r, struct buf *body, struct error *err)
{
	char room[FILE_NAME], path[FILE_NAME + 4];
	struct buf name;
	char *old;
	int rc;

	buf_init(&name, FILE_NAME - 1);
	put_unique(&name, f->b, r);
	old = table_remove(f->files, buf_span(&name));
	maildir_flags_write(&name, flags_of(r), keywords_of(f, r));
	snprintf(room, sizeof(room), "%.*s", (int)name.n, (const char *)name.p);
	buf_clear(&name);
	snprintf(path, sizeof(path), "cur/%s", room);
	rc = old != NULL ? keep_message(f, old, room, err) : write_message(f, r, path, body, err);
	free(old);
	return rc;
}

/* --- lists ---------------------------------------------------------------------------------- */

static int put_file(int folder, const char *name, const struct buf *text, struct error *err)
{
	struct export_file file;
	int rc = export_file_open(&file, folder, "yubin.part", err);

	if (rc != 0)
		return rc;
	export_file_put(&file, buf_span(text));
	if (text->failed)
		file.error = -ENOMEM;
	return export_file_close(&file, name, INT64_MIN, err);
}

/* The same for each export of a mailbox. */
static void guid_of(const struct folder *f, uint8_t guid[16])
{
	const uint64_t numbers[] = { f->b->m.id, f->b->m.uidvalidity };
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 16);
	crypto_generichash_update(&state, (const uint8_t *)f->e->account, strlen(f->e->account));
	crypto_generichash_update(&state, (const uint8_t *)numbers, sizeof(numbers));
	crypto_generichash_final(&state, guid, 16);
}

static int put_lists(struct folder *f, struct error *err)
{
	uint8_t guid[16];
	struct buf text, name;
	int rc;

	buf_init(&text, LIST_MAX);
	buf_init(&name, FILE_NAME);
	guid_of(f, guid);
	uidlist_write_begin(&text, f->b->m.uidvalidity, f->b->m.uidnext, guid);
	for (size_t i = 0; i < f->b->count; i++) {
		buf_reset(&name);
		put_unique(&name, f->b, &f->b->records[i]);
		uidlist_write(&text, f->b->records[i].uid, buf_span(&name));
	}
	rc = put_file(f->fd, "dovecot-uidlist", &text, err);
	buf_reset(&text);
	maildir_keywords_write(&text, f->b->keywords, f->b->keyword_count);
	if (rc == 0 && f->b->keyword_count > 0)
		rc = put_file(f->fd, "dovecot-keywords", &text, err);
	buf_clear(&text);
	buf_clear(&name);
	return rc;
}

int export_subscriptions(struct export *e, struct span lines, struct error *err)
{
	struct buf text;
	int rc;

	buf_init(&text, LIST_MAX);
	maildir_subscribed_begin(&text);
	buf_put(&text, lines);
	rc = put_file(e->fd, "subscriptions", &text, err);
	buf_clear(&text);
	return rc;
}

/* --- a mailbox -------------------------------------------------------------------------------- */

static int open_folder(struct folder *f, struct error *err)
{
	char name[FILE_NAME] = ".";
	struct buf text;
	int other = -1, rc;

	buf_init(&text, FILE_NAME - 1);
	if (strcmp(f->b->name, "INBOX") != 0) {
		maildir_folder_write(&text, span_of(f->b->name));
		snprintf(name, sizeof(name), "%.*s", (int)text.n, (const char *)text.p);
	}
	rc = text.failed ? error_set(err, -EINVAL, "%s: the name is too long for a Maildir", f->b->name) :
			   export_folder(f->e->fd, name, &f->fd, err);
	buf_clear(&text);
	if (rc == 0)
		rc = export_folder(f->fd, "new", &other, err);
	if (other >= 0)
		close(other);
	if (rc == 0)
		rc = export_folder(f->fd, "tmp", &other, err);
	if (rc == 0)
		close(other);
	if (rc == 0)
		rc = export_folder(f->fd, "cur", &f->cur, err);
	if (rc == 0 && name[1] != '\0') { /* Maildir++: it is a folder of the one above */
		other = openat(f->fd, "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (other < 0)
			return error_system(err, errno, "can't write %s/maildirfolder", name);
		close(other);
	}
	return rc;
}

static int all_messages(struct folder *f, struct error *err)
{
	struct buf body;
	int rc = 0;

	buf_init(&body, 1 << 30);
	for (size_t i = 0; i < f->b->count && rc == 0; i++) {
		rc = one_message(f, &f->b->records[i], &body, err);
		export_tell(f->e, f->b->name);
	}
	buf_clear(&body);
	return rc;
}

static void folder_clear(struct folder *f)
{
	size_t at = 0;
	void *name;

	while (f->files != NULL && table_next(f->files, &at, NULL, &name))
		free(name);
	table_free(f->files);
	if (f->cur >= 0)
		close(f->cur);
	if (f->fd >= 0)
		close(f->fd);
}

int export_maildir(struct export *e, const struct export_box *b, struct error *err)
{
	struct folder f = { .e = e, .b = b, .fd = -1, .cur = -1 };
	int rc = open_folder(&f, err);

	if (rc == 0)
		rc = list_cur(&f, err);
	if (rc == 0)
		rc = all_messages(&f, err);
	if (rc == 0)
		rc = put_lists(&f, err);
	if (rc == 0)
		e->stray += table_count(f.files);
	if (rc == 0 && syncfs(f.fd) != 0)
		rc = error_system(err, errno, "can't write %s", b->name);
	folder_clear(&f);
	return rc;
}
