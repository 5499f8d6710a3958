/* log_source.c - the contract is in log_source.h. zlib reads what is not compressed as it is. */
#include "admin/log_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

struct log_source {
	gzFile in;	/* the one that is read; NULL: none */
	pid_t journal;	/* 0: files */
	int folder;	/* -1: none */
	struct dirent **files;	/* oldest first, the one that is written to last */
	int count, at;
	char line[LOG_SOURCE_LINE];
};

static int no_log(const struct site *s, struct error *err)
{
	char path[PATHS_MAX];

	return error_set(err, -ENOENT, "there is no log yet: %s is written once the server has started",
			 paths_file(&s->paths, PATHS_LOG, PATHS_LOG_FILE, path));
}

int log_source_file(const struct site *s, struct error *err)
{
	char path[PATHS_MAX];
	int fd = open(paths_file(&s->paths, PATHS_LOG, PATHS_LOG_FILE, path), O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? no_log(s, err) : error_system(err, errno, "can't open %s", path);
}

/* --- the journal --------------------------------------------------------------------- */

void log_source_journal(const char *argv[LOG_SOURCE_JOURNAL])
{
	static const char *const words[LOG_SOURCE_JOURNAL] = { "journalctl", "-t",  "yubin",
							       "-o",         "cat", "--no-pager" };

	memcpy(argv, words, sizeof(words));
}

/* The child that shows the journal, and the end that it writes to. */
static int start_journal(pid_t *pid, struct error *err)
{
	const char *argv[LOG_SOURCE_JOURNAL + 1] = { NULL };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_system(err, errno, "no pipe for the journal");
	log_source_journal(argv);
	*pid = fork();
	if (*pid == 0) {
		if (dup2(ends[1], STDOUT_FILENO) >= 0)
			execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(ends[1]);
	if (*pid > 0)
		return ends[0];
	close(ends[0]);
	return error_system(err, errno, "can't start journalctl");
}

/* --- files ---------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n > k && strcmp(name + n - k, end) == 0;
}

/* What logrotate makes of the log: .1, .2.gz, -20261121.gz. */
static int is_log(const struct dirent *e)
{
	size_t n = strlen(PATHS_LOG_FILE);

	if (strncmp(e->d_name, PATHS_LOG_FILE, n) != 0 || (e->d_name[n] != '\0' && e->d_name[n] != '.' && e->d_name[n] != '-'))
		return 0;
	return !ends_in(e->d_name, ".xz") && !ends_in(e->d_name, ".zst") && !ends_in(e->d_name, ".bz2");
}

struct aged {
	struct dirent *entry;
	struct timespec written;
};

static int compare_aged(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	if (x->written.tv_sec != y->written.tv_sec)
		return x->written.tv_sec < y->written.tv_sec ? -1 : 1;
	return x->written.tv_nsec < y->written.tv_nsec ? -1 : x->written.tv_nsec > y->written.tv_nsec;
}

/* By the time of the last line; the log itself is last however old that is. */
static int sort_files(struct log_source *l, struct error *err)
{
	struct aged *files = calloc((size_t)l->count + 1, sizeof(*files));

	if (files == NULL)
		return error_set(err, -ENOMEM, "no memory for the log");
	for (int i = 0; i < l->count; i++) {
		struct stat st = { .st_mtime = 0 };

		fstatat(l->folder, l->files[i]->d_name, &st, 0);
		files[i] = (struct aged){ l->files[i], st.st_mtim };
		if (strcmp(l->files[i]->d_name, PATHS_LOG_FILE) == 0)
			files[i].written.tv_sec = INT64_MAX;
	}
	qsort(files, (size_t)l->count, sizeof(*files), compare_aged);
	for (int i = 0; i < l->count; i++)
		l->files[i] = files[i].entry;
	free(files);
	return 0;
}

static int find_files(struct log_source *l, const struct site *s, struct error *err)
{
	int count;

	l->folder = open(s->paths.folder[PATHS_LOG], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	count = l->folder >= 0 ? scandirat(l->folder, ".", &l->files, is_log, NULL) : -1;
	if (count < 0)
		return error_system(err, errno, "can't look into %s", s->paths.folder[PATHS_LOG]);
	l->count = count;
	return count > 0 ? sort_files(l, err) : no_log(s, err);
}

/* --- reading -------------------------------------------------------------------------- */

static bool begin_reading(struct log_source *l, int fd)
{
	l->in = fd >= 0 ? gzdopen(fd, "r") : NULL;
	if (l->in == NULL && fd >= 0)
		close(fd);
	return l->in != NULL;
}

int log_source_open(struct log_source **out, const struct site *s, struct error *err)
{
	struct log_source *l = calloc(1, sizeof(*l));
	int rc;

	*out = NULL;
	if (l == NULL)
		return error_set(err, -ENOMEM, "no memory for the log");
	l->folder = -1;
	rc = s->paths.own ? find_files(l, s, err) : start_journal(&l->journal, err);
	if (rc >= 0 && !s->paths.own)
		rc = begin_reading(l, rc) ? 0 : error_set(err, -ENOMEM, "no memory for the log");
	if (rc < 0) {
		log_source_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void log_source_close(struct log_source *l)
{
	if (l == NULL)
		return;
	if (l->in != NULL)
		gzclose(l->in);
	if (l->journal > 0)
		waitpid(l->journal, NULL, 0);
	for (int i = 0; i < l->count; i++)
		free(l->files[i]);
	free(l->files);
	if (l->folder >= 0)
		close(l->folder);
	free(l);
}

/* Goes on with the next file that can be read. */
static bool next_file(struct log_source *l)
{
	if (l->in != NULL)
		gzclose(l->in);
	l->in = NULL;
	while (l->in == NULL && l->at < l->count)
		begin_reading(l, openat(l->folder, l->files[l->at++]->d_name, O_RDONLY | O_CLOEXEC));
	return l->in != NULL;
}

/* What stands behind a line that was cut. */
static void skip_rest(struct log_source *l)
{
	int c;

	do
		c = gzgetc(l->in);
	while (c != '\n' && c != -1);
}

bool log_source_next(struct log_source *l, struct span *line)
{
	size_t n;

	while (l->in == NULL || gzgets(l->in, l->line, sizeof(l->line)) == NULL)
		if (!next_file(l))
			return false;
	n = strlen(l->line);
	if (n > 0 && l->line[n - 1] == '\n')
		n--;
	else if (n + 1 == sizeof(l->line))
		skip_rest(l);
	*line = (struct span){ (const uint8_t *)l->line, n };
	return true;
}
