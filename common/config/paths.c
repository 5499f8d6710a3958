/* paths.c - the contract is in paths.h. */
#include "common/config/paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *own, *system;
} places[PATHS_FOLDERS] = {
	[PATHS_ETC] = { "etc", YUBIN_SYSCONFDIR "/yubin" },
	[PATHS_TLS] = { "etc/tls", YUBIN_SYSCONFDIR "/yubin/tls" },
	[PATHS_ACCOUNTS] = { "accounts", YUBIN_LOCALSTATEDIR "/lib/yubin/accounts" },
	[PATHS_MAIL] = { "mail", YUBIN_LOCALSTATEDIR "/lib/yubin/mail" },
	[PATHS_QUEUE] = { "queue", YUBIN_LOCALSTATEDIR "/lib/yubin/queue" },
	[PATHS_DB] = { "db", YUBIN_LOCALSTATEDIR "/lib/yubin/db" },
	[PATHS_RUN] = { "run", YUBIN_RUNSTATEDIR "/yubin" },
	[PATHS_LOG] = { "log", YUBIN_LOCALSTATEDIR "/log/yubin" },
};

/* "/a/b", of dir "/a" and name "b". */
static int join(char out[PATHS_MAX], const char *dir, const char *name, struct error *err)
{
	int n = snprintf(out, PATHS_MAX, "%s%s%s", dir, *dir != '\0' && *name != '\0' ? "/" : "", name);

	if (n >= 0 && n < PATHS_MAX)
		return 0;
	return error_set(err, -ENAMETOOLONG, "the path of the site is longer than %d bytes", PATHS_MAX - 1);
}

static int set_root(struct paths *p, const char *dir, struct error *err)
{
	char here[PATHS_MAX];
	size_t n;
	int rc;

	if (*dir == '\0')
		return error_set(err, -EINVAL, "-C needs the name of a folder");
	if (*dir == '/')
		rc = join(p->root, "", dir, err);
	else if (getcwd(here, sizeof(here)) == NULL)
		return error_system(err, errno,
				    "the folder that we stand in has no name; give -C a whole path");
	else
		rc = join(p->root, here, dir, err);
	for (n = strlen(p->root); rc == 0 && n > 1 && p->root[n - 1] == '/'; n--)
		p->root[n - 1] = '\0';
	return rc;
}

int paths_set(struct paths *p, const char *dir, struct error *err)
{
	int rc = 0;

	*p = (struct paths){ .own = dir != NULL };
	if (dir != NULL)
		rc = set_root(p, dir, err);
	for (unsigned i = 0; i < PATHS_FOLDERS && rc == 0; i++)
		rc = join(p->folder[i], p->root, p->own ? places[i].own : places[i].system, err);
	if (rc == 0)
		rc = join(p->ids, p->root, p->own ? "ids" : YUBIN_LOCALSTATEDIR "/lib/yubin/ids", err);
	return rc;
}

const char *paths_file(const struct paths *p, enum paths_folder folder, const char *name, char out[PATHS_MAX])
{
	snprintf(out, PATHS_MAX, "%s/%s", p->folder[folder], name);
	return out;
}
