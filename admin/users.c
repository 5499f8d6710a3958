/* users.c - the contract is in users.h. */
#include "admin/users.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = { "yubin-net", "yubin-store", "yubin-auth" };

static int useradd(const char *name, struct error *err)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		const char *argv[] = { "useradd",      "--system",
				       "--user-group", "--no-create-home",
				       "--home-dir",   "/nonexistent",
				       "--shell",      "/usr/sbin/nologin",
				       name,           NULL };

		execvp(argv[0], (char *const *)argv);
		execv("/usr/sbin/useradd", (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return error_system(err, errno, "can't run useradd");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(err, -ENOENT,
				 "the system user %s is missing and there is no useradd: make it by hand (a "
				 "system user with a group of its own, no home, no shell)",
				 name);
	return error_set(err, -EIO, "the system user %s is missing and useradd could not make it", name);
}

int users_make(struct error *err)
{
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int rc;

		if (getpwnam(names[i]) != NULL)
			continue;
		rc = useradd(names[i], err);
		if (rc != 0)
			return rc;
		printf("Made the system user %s.\n", names[i]);
	}
	return 0;
}

int users_find(const char *name, struct users_owner *out, struct error *err)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return error_set(err, -ENOENT, "the system user %s is missing", name);
	*out = (struct users_owner){ .uid = pw->pw_uid, .gid = pw->pw_gid };
	return 0;
}
