/* log_source.c - the contract is in log_source.h. */
#include "admin/log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct log_source {
	FILE *in;
	pid_t journal; /* 0: a file */
	char line[LOG_SOURCE_LINE];
};

int log_source_file(const struct site *s, struct error *err)
{
	char path[PATHS_MAX];
	int fd = open(paths_file(&s->paths, PATHS_LOG, PATHS_LOG_FILE, path), O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return error_set(err, -ENOENT,
				 "there is no log yet: %s is written once the server has started", path);
	return error_system(err, errno, "can't open %s", path);
}

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

int log_source_open(struct log_source **out, const struct site *s, struct error *err)
{
	struct log_source *l = calloc(1, sizeof(*l));
	int fd;

	*out = NULL;
	if (l == NULL)
		return error_set(err, -ENOMEM, "no memory for the log");
	fd = s->paths.own ? log_source_file(s, err) : start_journal(&l->journal, err);
	if (fd >= 0) {
		l->in = fdopen(fd, "r");
		if (l->in == NULL)
			fd = error_system(err, errno, "can't read the log");
	}
	if (fd < 0) {
		log_source_close(l);
		return fd;
	}
	*out = l;
	return 0;
}

void log_source_close(struct log_source *l)
{
	if (l == NULL)
		return;
	if (l->in != NULL)
		fclose(l->in);
	if (l->journal > 0)
		waitpid(l->journal, NULL, 0);
	free(l);
}

/* What stands behind a line that was cut. */
static void skip_rest(struct log_source *l)
{
	int c;

	do
		c = getc(l->in);
	while (c != '\n' && c != EOF);
}

bool log_source_next(struct log_source *l, struct span *line)
{
	size_t n;

	if (fgets(l->line, sizeof(l->line), l->in) == NULL)
		return false;
	n = strlen(l->line);
	if (n > 0 && l->line[n - 1] == '\n')
		n--;
	else if (n + 1 == sizeof(l->line))
		skip_rest(l);
	*line = (struct span){ (const uint8_t *)l->line, n };
	return true;
}
