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
#include "admin/store_flags.h"
#include "common/base/table.h"
#include "formats/maildir.h"
#include "formats/uidlist.h"

enum { FILE_NAME = 256, LIST_MAX = 256 << 20 };

struct folder {
	struct export *e;
	const struct export_box *b;
	int fd, cur;
	struct table *files; /* name without flags -> name, of those in cur/ */
	struct buf name;     /* of a file, being made */
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

/* "cur/UNIQUE:2,FLAGS" into f->name. There is a letter for 26 keywords of a mailbox. */
static const char *name_of(struct folder *f, const struct store_record *r)
{
	buf_reset(&f->name);
	buf_put_text(&f->name, "cur/");
	put_unique(&f->name, f->b, r);
	maildir_flags_write(&f->name, store_flags_to_maildir(r->flags), (uint32_t)r->keywords & ((1u << MAILDIR_KEYWORDS) - 1));
	buf_put_byte(&f->name, '\0');
	return (const char *)f->name.p;
}

static int write_message(void *arg, const struct store_record *r, struct span body, struct error *err)
{
	struct folder *f = arg;
	struct export_file file;
	int rc = export_file_open(&file, f->fd, "tmp/yubin.part", err);

	if (rc != 0)
		return rc;
	export_file_write(&file, body);
	rc = export_file_close(&file, name_of(f, r), r->internal_s, err);
	f->e->done += rc == 0;
	f->e->bytes += rc == 0 ? body.n : 0;
	export_tell(f->e, f->b->name);
	return rc;
}

static void bad_message(void *arg, const struct store_record *r, const struct error *why)
{
	struct folder *f = arg;

	export_bad(f->e, f->b, r, why);
}

/* Files are renamed when they are whole; after a power cut they may be shorter all the same. */
static bool is_whole(const struct folder *f, const char *old, const struct store_record *r)
{
	struct stat st;

	return fstatat(f->cur, old, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == r->size;
}

/* 1: it is there, perhaps under other flags until now; 0: it is not; or a negative errno. */
static int keep_message(struct folder *f, const struct store_record *r, struct error *err)
{
	const char *name = name_of(f, r);
	struct maildir_name parts;
	char *old;
	int rc = 0;

	maildir_name_read(span_of(name + 4), &parts);
	old = table_remove(f->files, parts.unique);
	if (old == NULL)
		return 0;
	if (!is_whole(f, old, r))
		unlinkat(f->cur, old, 0);
	else if (strcmp(old, name + 4) != 0 && renameat(f->cur, old, f->fd, name) != 0)
		rc = error_system(err, errno, "can't rename %s", old);
	else
		rc = 1;
	f->e->there += rc == 1;
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

static void count_lost(struct folder *f, const struct store_record *r)
{
	f->e->words_lost += (uint64_t)__builtin_popcountll(r->keywords >> MAILDIR_KEYWORDS);
}

static int all_messages(struct folder *f, struct error *err)
{
	const struct store_record **missing = calloc(f->b->count + 1, sizeof(*missing));
	struct store_client_reader reader = { .mailbox = f->b->m.id, .records = missing, .one = write_message, .bad = bad_message, .arg = f };
	int rc = missing != NULL ? 0 : error_set(err, -ENOMEM, "no memory for a list of messages");

	for (size_t i = 0; i < f->b->count && rc == 0; i++) {
		const struct store_record *r = &f->b->records[i];

		count_lost(f, r);
		rc = keep_message(f, r, err);
		if (rc == 0)
			missing[reader.count++] = r;
		rc = rc < 0 ? rc : 0;
		export_tell(f->e, f->b->name);
	}
	if (rc == 0)
		rc = store_client_read(f->e->client, &reader, err);
	free(missing);
	return rc;
}

static void folder_clear(struct folder *f)
{
	size_t at = 0;
	void *name;

	while (f->files != NULL && table_next(f->files, &at, NULL, &name))
		free(name);
	table_free(f->files);
	buf_clear(&f->name);
	if (f->cur >= 0)
		close(f->cur);
	if (f->fd >= 0)
		close(f->fd);
}

int export_maildir(struct export *e, const struct export_box *b, struct error *err)
{
	struct folder f = { .e = e, .b = b, .fd = -1, .cur = -1 };
	int rc = open_folder(&f, err);

	buf_init(&f.name, FILE_NAME);
	if (rc == 0)
		rc = list_cur(&f, err);
	if (rc == 0)
		rc = all_messages(&f, err);
	if (rc == 0)
		rc = put_lists(&f, err);
	if (rc == 0)
		e->stray += table_count(f.files);
	folder_clear(&f);
	return rc;
}
