/* site.c - the contract is in site.h. */
#include "admin/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/config/order.h"
#include "common/ipc/ipc.h"
#include "common/ipc/wire.h"

enum { ANSWER_MS = 15 * 60 * 1000 }; /* StopTime may be 10 minutes */

int site_open(struct site *s, const char *dir, struct error *err)
{
	s->root = geteuid() == 0;
	return paths_set(&s->paths, dir, err);
}

int site_must_exist(const struct site *s, struct error *err)
{
	char path[PATHS_MAX];

	if (access(paths_file(&s->paths, PATHS_ETC, "yubin.conf", path), F_OK) == 0)
		return 0;
	if (errno != ENOENT && errno != ENOTDIR)
		return error_system(err, errno, "can't look at %s", path);
	return error_set(err, -ENOENT,
			 "there is no site here: %s is missing; make one with: yubin%s%s init --hostname "
			 "mail.example.org --domain example.org",
			 path, s->paths.own ? " -C " : "", s->paths.root);
}

int site_accounts(const struct site *s, int *fd, struct accounts_owner *owner, struct error *err)
{
	const char *path = s->paths.folder[PATHS_ACCOUNTS];
	struct stat st;
	int rc = site_must_exist(s, err);

	*fd = -1;
	if (rc != 0)
		return rc;
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st) < 0) {
		rc = error_system(err, errno, "can't open the folder %s", path);
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		return rc;
	}
	owner->uid = s->root ? st.st_uid : (uid_t)-1;
	owner->gid = s->root ? st.st_gid : (gid_t)-1;
	return 0;
}

bool site_running(const struct site *s, int *pid)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATHS_MAX], text[32];
	ssize_t n = -1;
	bool yes;
	int fd = open(paths_file(&s->paths, PATHS_RUN, PATHS_PID, path), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	yes = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	if (yes && pid != NULL) {
		n = pread(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		*pid = (int)strtol(text, NULL, 10);
	}
	close(fd);
	return yes;
}

/* The socket in run/, by the folder's descriptor: sun_path is shorter than paths may be. */
static int site_connect(const struct site *s, struct error *err)
{
	int folder = open(s->paths.folder[PATHS_RUN], O_PATH | O_DIRECTORY | O_CLOEXEC), fd, code = ENOENT;
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (folder >= 0 && fd >= 0) {
		snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", folder, PATHS_SOCKET);
		code = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : errno;
	}
	if (folder >= 0)
		close(folder);
	if (code == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	if (code == EACCES || code == EPERM)
		return error_set(err, -code,
				 "only root, and the user that started the server, may give it orders");
	if (site_running(s, NULL))
		return error_set(err, -EAGAIN, "the server is just starting or stopping; try again");
	return error_set(err, -ESRCH, "the server does not run");
}

static void show_words(struct wire *w)
{
	char kind[16];
	struct span words;

	wire_text(w, kind, sizeof(kind));
	words = wire_span(w);
	if (wire_done(w))
		fprintf(stderr, "yubin: %s: %.*s\n", kind, (int)words.n, (const char *)words.p);
}

/* The last message: the exit code, and its text in *out or *err. */
static int take_done(struct wire *w, char **out, struct error *err)
{
	int code = wire_u8(w);
	struct span text = wire_span(w);

	if (!wire_done(w))
		return error_set(err, -EPROTO,
				 "the server's answer makes no sense; is it of another version?");
	if (code != 0)
		error_set(err, -EIO, "%.*s", (int)text.n, (const char *)text.p);
	if (out != NULL)
		*out = strndup((const char *)text.p, text.n);
	return code;
}

/* The first descriptor is the caller's, if it wants one. */
static void take_fds(const struct ipc_message *m, const int *fds, int *given)
{
	for (size_t i = 0; i < m->fd_count; i++)
		if (given != NULL && *given < 0)
			*given = fds[i];
		else
			close(fds[i]);
}

static int take_answer(int fd, int wait_ms, char **out, int *given, struct error *err)
{
	for (;;) {
		int fds[IPC_FDS_MAX], rc;
		struct ipc_message m;
		uint8_t *body;

		rc = ipc_receive_now(fd, wait_ms, &m, &body, fds, err);
		if (rc != 0)
			return rc;
		take_fds(&m, fds, given);
		struct wire w = { .in = m.body };

		if (m.type == ORDER_SAY)
			show_words(&w);
		else
			rc = take_done(&w, out, err);
		free(body);
		if (m.type != ORDER_SAY)
			return rc;
	}
}

int site_answer(int fd, int wait_ms, char **out, struct error *err)
{
	return take_answer(fd, wait_ms, out, NULL, err);
}

int site_order(const struct site *s, const char *words, char **out, struct error *err)
{
	int given = -1, rc = site_order_fd(s, words, out, &given, err);

	if (given >= 0)
		close(given);
	return rc;
}

int site_order_fd(const struct site *s, const char *words, char **out, int *given, struct error *err)
{
	struct buf body;
	int fd, rc;

	*given = -1;
	if (out != NULL)
		*out = NULL;
	fd = site_connect(s, err);
	if (fd < 0)
		return fd;
	buf_init(&body, ORDER_WORDS_MAX);
	wire_put_text(&body, words);
	if (body.failed)
		rc = error_set(err, -E2BIG, "the order is too long");
	else
		rc = ipc_send_now(fd, ORDER_ASK, 0, buf_span(&body), NULL, 0, err);
	if (rc == 0)
		rc = take_answer(fd, ANSWER_MS, out, given, err);
	buf_clear(&body);
	close(fd);
	return rc;
}

int site_poke_accounts(const struct site *s, struct error *err)
{
	int rc = site_order(s, "accounts", NULL, err);

	if (rc == -ESRCH || rc == -EAGAIN || rc == -EPIPE)
		return 0; /* it reads the folder when it starts; or it has just ended */
	if (rc > 0)
		rc = -EIO;
	if (rc != 0)
		error_context(err, "the change is made, but the running server could not be told");
	return rc;
}
