/* local_socket.c - the contract is in local_socket.h. */
#include "supervisor/local_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "setup/socket_rights.h"
#include "supervisor/sockets.h"

static void address_of(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(a->sun_path, path, strnlen(path, sizeof(a->sun_path) - 1));
}

/* False: it is none, or somebody answers. */
static bool is_left_over(const struct sockaddr_un *a)
{
	struct stat st;
	int fd, code;

	if (lstat(a->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	code = connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? errno : 0;
	close(fd);
	return code == ECONNREFUSED;
}

int local_socket_allow(const char *path, const struct config_scope *scope, struct error *err)
{
	unsigned mode, gid;
	int rc = setup_socket_rights(scope, &mode, &gid, err);

	if (rc < 0)
		return rc;
	if (gid != UINT32_MAX && lchown(path, (uid_t)-1, gid) < 0)
		return error_system(err, errno, "can't give %s to its group", path);
	if (chmod(path, mode) < 0)
		return error_system(err, errno, "can't set the mode of %s", path);
	return 0;
}

static int bind_at(int fd, const struct sockaddr_un *a, const struct config_scope *scope, struct error *err)
{
	mode_t mask = umask(0777);	/* nobody comes in before the rights are right */
	int code = bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? errno : 0;

	umask(mask);
	if (code != 0)
		return error_system(err, code, "can't make the socket %s", a->sun_path);
	code = local_socket_allow(a->sun_path, scope, err);
	if (code == 0 && listen(fd, SOCKETS_BACKLOG) < 0)
		code = error_system(err, errno, "can't listen at %s", a->sun_path);
	if (code < 0)
		unlink(a->sun_path);
	return code;
}

int local_socket_open(const char *path, const struct config_scope *scope, struct error *err)
{
	struct sockaddr_un a;
	int fd, code;

	address_of(&a, path);
	if (is_left_over(&a))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_system(err, errno, "no socket");
	code = bind_at(fd, &a, scope, err);
	if (code == 0)
		return fd;
	close(fd);
	return code;
}

void local_socket_remove(const char *path)
{
	unlink(path);
}
