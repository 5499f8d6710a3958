/* program.c - the contract is in program.h. */
#include "admin/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool try_folder(char out[PATHS_MAX], const char *folder, const char *below)
{
	int n = snprintf(out, PATHS_MAX, "%s%s/yubind", folder, below);

	return n > 0 && n < PATHS_MAX && access(out, X_OK) == 0;
}

/* The folder of this program. */
static bool own_folder(char out[PATHS_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATHS_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash != NULL)
		*slash = '\0';
	return slash != NULL;
}

int program_find(char out[PATHS_MAX], struct error *err)
{
	const char *named = getenv("YUBIN_PROGRAMS");
	char own[PATHS_MAX];

	if (named != NULL && *named != '\0') {
		if (try_folder(out, named, ""))
			return 0;
		return error_system(err, errno, "$YUBIN_PROGRAMS: %s", out);
	}
	if (own_folder(own) && (try_folder(out, own, "/build") || try_folder(out, own, "")))
		return 0;
	if (try_folder(out, YUBIN_LIBEXECDIR, ""))
		return 0;
	return error_set(
	    err, -ENOENT,
	    "can't find the program yubind, neither in %s/build nor in %s; is it built (make) or "
	    "installed?",
	    own, YUBIN_LIBEXECDIR);
}

int program_become(const struct site *s, const char *const *extra, struct error *err)
{
	const char *argv[PROGRAM_EXTRA + 4];
	char path[PATHS_MAX];
	unsigned n = 0;
	int rc = program_find(path, err);

	if (rc != 0)
		return rc;
	argv[n++] = "yubind";
	if (s->paths.own) {
		argv[n++] = "-C";
		argv[n++] = s->paths.root;
	}
	for (; *extra != NULL; extra++) {
		if (n == PROGRAM_EXTRA + 3)
			return error_set(err, -E2BIG, "too many arguments");
		argv[n++] = *extra;
	}
	argv[n] = NULL;
	execv(path, (char *const *)argv);
	return error_system(err, errno, "can't start %s", path);
}

int program_run(const struct site *s, const char *const *extra, struct error *err)
{
	char path[PATHS_MAX];
	int status = 0, rc = program_find(path, err);
	pid_t pid;

	if (rc != 0)
		return rc;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		program_become(s, extra, err);
		fprintf(stderr, "yubin: %s\n", err->words);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return error_system(err, errno, "can't run %s", path);
	if (WIFSIGNALED(status))
		return error_set(err, -EIO, "%s died of signal %d", path, WTERMSIG(status));
	return WEXITSTATUS(status);
}
