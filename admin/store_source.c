/* store_source.c - the contract is in store_source.h. */
#include "admin/store_source_parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/config/paths.h"
#include "mime/charset.h"

/* RFC 9051 5.1, RFC 5198 2: a Mac's folders have letters and their accents apart. */
bool source_name(struct span name, struct buf *out)
{
	size_t start = out->n;
	bool good = mime_compose(name, out), inbox = span_starts_nocase(name, "INBOX") && (name.n == 5 || name.p[5] == '/');

	for (size_t i = start; good && inbox && i < start + 5; i++)
		out->p[i] = ascii_upper(out->p[i]);
	return good;
}

int source_add(struct source *s, const char *path, const char *name, bool subscribed, struct error *err)
{
	struct source_box *boxes = reallocarray(s->boxes, s->count + 1, sizeof(*boxes));
	char **paths = NULL;
	char *own_path = strdup(path), *own_name = strdup(name);

	if (boxes != NULL)
		s->boxes = boxes;
	paths = boxes != NULL ? reallocarray(s->paths, s->count + 1, sizeof(*paths)) : NULL;
	if (paths != NULL)
		s->paths = paths;
	if (paths == NULL || own_path == NULL || own_name == NULL || s->count == SOURCE_BOXES) {
		free(own_path);
		free(own_name);
		return error_set(err, -ENOMEM, "no memory for so many mailboxes");
	}
	s->paths[s->count] = own_path;
	s->boxes[s->count++] = (struct source_box){ .name = own_name, .subscribed = subscribed };
	return 0;
}

static void skip(struct source *s, const char *path, const char *words)
{
	char plain[PATHS_MAX];

	fprintf(stderr, "yubin: skipped: %s: %s\n", escape_text(plain, sizeof(plain), span_of(path)), words);
	s->skipped++;
}

void source_skip_name(struct source *s, const char *path)
{
	skip(s, path, "no mailbox can have that name");
}

void source_skip_barred(struct source *s, const char *path, int error)
{
	struct error err;

	error_system(&err, error, "can't be read");
	skip(s, path, err.words);
}

static bool is_folder(const char *path, const char *below)
{
	char full[PATHS_MAX];
	struct stat st;

	return (size_t)snprintf(full, sizeof(full), "%s/%s", path, below) < sizeof(full) && stat(full, &st) == 0 &&
	       S_ISDIR(st.st_mode);
}

static uint64_t count_files(const char *path, const char *sub)
{
	char full[PATHS_MAX];
	uint64_t n = 0;
	struct dirent *e;
	DIR *folder = NULL;

	if ((size_t)snprintf(full, sizeof(full), "%s/%s", path, sub) < sizeof(full))
		folder = opendir(full);
	while (folder != NULL && (e = readdir(folder)) != NULL)
		n += e->d_name[0] != '.';
	if (folder != NULL)
		closedir(folder);
	return n;
}

/* What is to be read, for those who wait. */
static void measure(struct source *s)
{
	struct stat st;

	for (size_t i = 0; i < s->count; i++) {
		if (source_is_maildir(s))
			s->boxes[i].units = count_files(s->paths[i], "cur") + count_files(s->paths[i], "new");
		else if (stat(s->paths[i], &st) == 0)
			s->boxes[i].units = (uint64_t)st.st_size;
		s->whole += s->boxes[i].units;
	}
}

static int find(struct source *s, const char *path, const char *single, struct error *err)
{
	bool maildir = is_folder(path, "cur");

	if (s->format == SOURCE_AUTO)
		s->format = maildir ? SOURCE_MAILDIR : SOURCE_MBOX;
	s->quoting = s->format == SOURCE_MBOXO ? MBOX_O : MBOX_RD;
	if (s->format == SOURCE_MAILDIR && !maildir)
		return error_set(err, -EINVAL, "%s is no Maildir: there is no folder cur in it", path);
	return s->format == SOURCE_MAILDIR ? maildir_find(s, path, err) : mbox_find(s, path, single, err);
}

/* INBOX first: whatever happens later, it is there. */
static int box_order(const void *a, const void *b, void *arg)
{
	const struct source *s = arg;
	const char *x = s->boxes[*(const size_t *)a].name, *y = s->boxes[*(const size_t *)b].name;
	int inbox = (strcmp(y, "INBOX") == 0) - (strcmp(x, "INBOX") == 0);

	if (inbox == 0)
		inbox = strcmp(x, y);
	return inbox != 0 ? inbox : strcmp(s->paths[*(const size_t *)a], s->paths[*(const size_t *)b]);
}

static int sort(struct source *s, struct error *err)
{
	size_t *order = calloc(s->count + 1, sizeof(*order));
	struct source_box *boxes = calloc(s->count + 1, sizeof(*boxes));
	char **paths = calloc(s->count + 1, sizeof(*paths));
	bool good = order != NULL && boxes != NULL && paths != NULL;

	for (size_t i = 0; good && i < s->count; i++)
		order[i] = i;
	if (good)
		qsort_r(order, s->count, sizeof(*order), box_order, s);
	for (size_t i = 0; good && i < s->count; i++) {
		boxes[i] = s->boxes[order[i]];
		paths[i] = s->paths[order[i]];
	}
	free(order);
	if (!good) {
		free(boxes);
		free(paths);
		return error_set(err, -ENOMEM, "no memory for so many mailboxes");
	}
	free(s->boxes);
	free(s->paths);
	s->boxes = boxes;
	s->paths = paths;
	return 0;
}

int source_open(struct source **out, const char *path, enum source_format format, const char *single, struct error *err)
{
	struct source *s = calloc(1, sizeof(*s));
	struct stat st;
	int rc;

	*out = NULL;
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory");
	s->format = format;
	s->fd = -1;
	buf_init(&s->keywords, 1 << 20);
	buf_init(&s->plain, SOURCE_BODY_MAX);
	rc = stat(path, &st) == 0 ? find(s, path, single, err) : error_system(err, errno, "can't read %s", path);
	if (rc == 0)
		rc = sort(s, err);
	if (rc == 0)
		measure(s);
	if (rc == 0)
		*out = s;
	else
		source_free(s);
	return rc;
}

static void source_end(struct source *s)
{
	maildir_end(s);
	mbox_end(s);
}

void source_free(struct source *s)
{
	if (s == NULL)
		return;
	source_end(s);
	for (size_t i = 0; i < s->count; i++) {
		free((char *)s->boxes[i].name);
		free(s->paths[i]);
	}
	free(s->boxes);
	free(s->paths);
	buf_clear(&s->keywords);
	buf_clear(&s->plain);
	free(s);
}

bool source_is_maildir(const struct source *s)
{
	return s->format == SOURCE_MAILDIR;
}

size_t source_count(const struct source *s)
{
	return s->count;
}

const struct source_box *source_box(const struct source *s, size_t i)
{
	return &s->boxes[i];
}

size_t source_skipped(const struct source *s)
{
	return s->skipped;
}

const char *source_path(const struct source *s, size_t i)
{
	return s->paths[i];
}

uint64_t source_whole(const struct source *s)
{
	return s->whole;
}

void source_leave_out(struct source *s, size_t i)
{
	s->whole -= s->boxes[i].units;
}

uint64_t source_part(const struct source *s)
{
	return s->behind + (source_is_maildir(s) ? s->file_at : s->map_size - s->rest.n);
}

int source_begin(struct source *s, size_t i, struct error *err)
{
	int rc;

	if (s->begun != i + 1) {
		s->behind += s->units;
		s->units = s->boxes[i].units;
		s->begun = i + 1;
	}
	source_end(s);
	rc = source_is_maildir(s) ? maildir_begin(s, i, err) : mbox_begin(s, i, err);
	return rc == 0 || rc == -ENOMEM ? rc : -EINVAL;
}

enum source_status source_next(struct source *s, struct source_message *m, struct buf *body, struct error *err)
{
	*m = (struct source_message){ .what = s->what, .keywords = s->keyword_list };
	buf_reset(body);
	return source_is_maildir(s) ? maildir_next(s, m, body, err) : mbox_next_message(s, m, body, err);
}
