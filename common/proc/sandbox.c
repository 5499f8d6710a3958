/* sandbox.c - the contract is in sandbox.h. */
#include "common/proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/proc/calls.h"
#include "common/proc/landlock.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZER true
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANDBOX_SANITIZER true
#endif
#ifndef SANDBOX_SANITIZER
#define SANDBOX_SANITIZER false
#endif

/* Adds " key=value" to the words for `yubin status`. */
static void say(char *text, unsigned size, const char *key, const char *value)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s=%s", used > 0 ? " " : "", key, value);
}

/* A folder that no longer has a name: nothing can be made in it. -1: nowhere. */
static int open_empty_folder(void)
{
	char places[][24] = { "/run/yubin-XXXXXX", "/tmp/yubin-XXXXXX", "/dev/shm/yubin-XXXXXX" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd;

		if (mkdtemp(places[i]) == NULL)
			continue;
		fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		rmdir(places[i]);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int enter_empty_root(char *text, unsigned size, struct error *err)
{
	int fd, code = 0;

	if (geteuid() != 0) {
		say(text, size, "chroot", "no(not-root)");
		return 0;
	}
	fd = open_empty_folder();
	if (fd < 0)
		return error_system(err, errno, "can't make an empty folder in /run, /tmp or /dev/shm");
	if (fchdir(fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		code = error_system(err, errno, "can't change the root to an empty folder");
	close(fd);
	if (code == 0)
		say(text, size, "chroot", "on");
	return code;
}

/* Groups before the user: afterwards it is too late. */
static int drop_user(const struct sandbox *s, struct error *err)
{
	if (s->uid == UINT_MAX)
		return 0;
	if (setgroups(0, NULL) < 0 && geteuid() == 0)
		return error_system(err, errno, "can't drop the groups");
	if (s->gid != UINT_MAX && setresgid(s->gid, s->gid, s->gid) < 0)
		return error_system(err, errno, "can't become group %u", s->gid);
	if (setresuid(s->uid, s->uid, s->uid) < 0)
		return error_system(err, errno, "can't become user %u", s->uid);
	if (s->uid != 0 && setuid(0) == 0)
		return error_set(err, -EPERM, "user %u can become root again", s->uid);
	return 0;
}

/* The name is looked up before the files are gone. */
static void say_user(const struct sandbox *s, char *text, unsigned size)
{
	unsigned uid = s->uid != UINT_MAX ? s->uid : geteuid();
	struct passwd *p = getpwuid(uid);
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	text[0] = '\0';
	say(text, size, "user", p != NULL ? p->pw_name : number);
}

int sandbox_drop(const struct sandbox *s, char *text, unsigned size, struct error *err)
{
	int code = 0;

	say_user(s, text, size);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_system(err, errno, "can't give up new privileges");
	if (s->kind != SANDBOX_FILES && !SANDBOX_SANITIZER)
		code = enter_empty_root(text, size, err);
	if (code == 0)
		code = drop_user(s, err);
	if (code < 0)
		return code;
	if (prctl(PR_SET_DUMPABLE, SANDBOX_SANITIZER ? 1 : 0, 0, 0, 0) < 0)
		return error_system(err, errno, "can't forbid memory dumps");
	return 0;
}

int sandbox_lock(const struct sandbox *s, char *text, unsigned size, struct error *err)
{
	unsigned folders = s->kind == SANDBOX_FILES ? s->folder_count : 0;
	char version[16];
	int abi, code;

	if (SANDBOX_SANITIZER) {
		say(text, size, "landlock", "no");
		say(text, size, "seccomp", "no(sanitizer-build)");
		return 0;
	}
	abi = landlock_enter(s->folders, folders, s->kind == SANDBOX_OUT ? LANDLOCK_TCP_CONNECT : LANDLOCK_TCP_NEVER,
			     err);
	if (abi < 0)
		return abi;
	code = calls_enter(s->kind, err);
	if (code < 0)
		return code;
	snprintf(version, sizeof(version), "%d", abi);
	say(text, size, "landlock", abi > 0 ? version : "no(kernel)");
	say(text, size, "seccomp", "on");
	return 0;
}

int sandbox_enter(const struct sandbox *s, char *text, unsigned size, struct error *err)
{
	int code = sandbox_drop(s, text, size, err);

	return code < 0 ? code : sandbox_lock(s, text, size, err);
}
