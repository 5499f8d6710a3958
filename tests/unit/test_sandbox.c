/* test_sandbox.c - what a daemon can't do any more, tried from inside; and what it still can.
 * link: common/proc common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "common/proc/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER 1
#else
#define SANITIZER 0
#endif

static char folder[] = "/tmp/yubin-sandbox-XXXXXX";
static int folder_fd, handed_fd, pair[2];

enum { KILLED = 1000 }; /* in place of an errno: the call ended the process */

static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int try_open(void)
{
	return outcome(open("/etc/passwd", O_RDONLY));
}

static int try_openat(void)
{
	return outcome(openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY));
}

static int try_stat(void)
{
	struct stat st;

	return outcome(stat("/etc/passwd", &st));
}

static int try_socket(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_unix_socket(void)
{
	return outcome(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_connect(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(25) };

	return outcome(connect(pair[0], (struct sockaddr *)&a, sizeof(a)));
}

/* Nobody listens there: refused is as good as connected. */
static int try_connect_out(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), code = outcome(connect(fd, (struct sockaddr *)&a, sizeof(a)));

	close(fd);
	return code == ECONNREFUSED ? 0 : code;
}

static int bind_to(int type, unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type, 0), code;

	a.sin_port = htons((uint16_t)port);
	code = outcome(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	close(fd);
	return code;
}

static int try_bind_udp(void)
{
	return bind_to(SOCK_DGRAM, 0);
}

static int try_bind_tcp(void)
{
	return bind_to(SOCK_STREAM, 0);
}

static int try_bind_tcp_port(void)
{
	return bind_to(SOCK_STREAM, 2525);
}

static int try_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), code = outcome(listen(fd, 1));

	close(fd);
	return code;
}

static int try_raw_socket(void)
{
	return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int try_netlink(void)
{
	return outcome(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int try_exec(void)
{
	char *argv[] = { NULL };

	return outcome(execve("/bin/true", argv, argv));
}

static int try_fork(void)
{
	pid_t p = fork();

	if (p == 0)
		_exit(0);
	return outcome(p);
}

static int try_ptrace(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int try_signal(void)
{
	return outcome(kill(getppid(), 0));
}

static int try_run_pages(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? errno
		   : 0;
}

static int try_root_again(void)
{
	return outcome(setuid(0));
}

static int try_owner_signal(void)
{
	return outcome(fcntl(pair[0], F_SETOWN, getppid()));
}

static int try_pread(void)
{
	char text[6] = "";
	ssize_t n = pread(handed_fd, text, 5, 0);

	return n == 5 && strcmp(text, "hello") == 0 ? 0 : -1;
}

static int try_fstat(void)
{
	struct stat st;

	return fstat(handed_fd, &st) == 0 && st.st_size == 5 ? 0 : errno;
}

static int try_pair(void)
{
	char c = 0;

	if (write(pair[0], "x", 1) != 1 || recv(pair[1], &c, 1, 0) != 1)
		return errno;
	return c == 'x' ? 0 : -1;
}

static void count_work(uv_work_t *w)
{
	*(int *)w->data += 1;
}

static int try_pool(void)
{
	uv_loop_t loop;
	uv_work_t work;
	int done = 0;

	work.data = &done;
	if (uv_loop_init(&loop) < 0 || uv_queue_work(&loop, &work, count_work, NULL) < 0)
		return errno;
	uv_run(&loop, UV_RUN_DEFAULT);
	return done == 1 ? 0 : -1;
}

static int try_large_memory(void)
{
	char *p = malloc(64 << 20);

	if (p == NULL)
		return ENOMEM;
	p[0] = p[(64 << 20) - 1] = 1;
	p = realloc(p, 96 << 20);
	free(p);
	return p != NULL ? 0 : ENOMEM;
}

/* A store's day: make, write, sync, rename, link by descriptor, lease, remove. */
static int try_store(void)
{
	char link_from[64];
	int fd = openat(folder_fd, "one", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), unnamed;

	if (fd < 0 || write(fd, "mail", 4) != 4 || fsync(fd) < 0)
		return errno;
	if (mkdirat(folder_fd, "cur", 0700) < 0 || renameat(folder_fd, "one", folder_fd, "cur/two") < 0 ||
	    fsync(folder_fd) < 0)
		return errno;
	unnamed = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (unnamed < 0 || write(unnamed, "body", 4) != 4)
		return errno;
	snprintf(link_from, sizeof(link_from), "/proc/self/fd/%d", unnamed);
	if (linkat(AT_FDCWD, link_from, folder_fd, "cur/three", AT_SYMLINK_FOLLOW) < 0)
		return errno;
	if (linkat(folder_fd, "cur/three", folder_fd, "four", 0) < 0)
		return errno;
	close(unnamed);
	unnamed = open(link_from, O_RDONLY | O_CLOEXEC);
	close(fd);
	fd = openat(folder_fd, "cur/three", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0 || fcntl(fd, F_SETLEASE, F_UNLCK) < 0)
		return errno;
	if (unlinkat(folder_fd, "cur/two", 0) < 0 || unlinkat(folder_fd, "cur/three", 0) < 0 ||
	    unlinkat(folder_fd, "four", 0) < 0 || unlinkat(folder_fd, "cur", AT_REMOVEDIR) < 0)
		return errno;
	return 0;
}

/* Opening again what is open already, as the store does with a staged body. */
static int try_reopen(void)
{
	int fd = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), again;
	char path[64];

	if (fd < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	return outcome(again);
}

static int try_parent(void)
{
	return outcome(openat(folder_fd, "../", O_RDONLY | O_DIRECTORY));
}

static int try_write_outside(void)
{
	return outcome(open("/tmp/yubin-sandbox-outside", O_CREAT | O_WRONLY, 0600));
}

static int try_truncate_outside(void)
{
	return outcome(truncate("/etc/passwd", 0));
}

static int try_device(void)
{
	return outcome(mknodat(folder_fd, "null", S_IFCHR | 0600, 0x103));
}

static const struct {
	const char *why;
	enum sandbox_kind kind;
	int (*attempt)(void);
	int want; /* errno, 0, or KILLED */
} cases[] = {
	{ "net: open", SANDBOX_NET, try_open, EPERM },
	{ "net: openat of the root itself", SANDBOX_NET, try_openat, EPERM },
	{ "net: stat by path", SANDBOX_NET, try_stat, EPERM },
	{ "net: a new socket", SANDBOX_NET, try_socket, EPERM },
	{ "net: a new local socket", SANDBOX_NET, try_unix_socket, EPERM },
	{ "net: connect", SANDBOX_NET, try_connect, EPERM },
	{ "net: exec", SANDBOX_NET, try_exec, KILLED },
	{ "net: fork", SANDBOX_NET, try_fork, EPERM },
	{ "net: ptrace", SANDBOX_NET, try_ptrace, KILLED },
	{ "net: a signal to another process", SANDBOX_NET, try_signal, EPERM },
	{ "net: a signal by descriptor", SANDBOX_NET, try_owner_signal, EPERM },
	{ "net: pages that run", SANDBOX_NET, try_run_pages, EPERM },
	{ "net: root again", SANDBOX_NET, try_root_again, KILLED },
	{ "net: pread on a handed descriptor", SANDBOX_NET, try_pread, 0 },
	{ "net: fstat on it", SANDBOX_NET, try_fstat, 0 },
	{ "net: a handed socket", SANDBOX_NET, try_pair, 0 },
	{ "net: the thread pool", SANDBOX_NET, try_pool, 0 },
	{ "net: memory", SANDBOX_NET, try_large_memory, 0 },
	{ "out: open", SANDBOX_OUT, try_open, EPERM },
	{ "out: stat by path", SANDBOX_OUT, try_stat, EPERM },
	{ "out: connect", SANDBOX_OUT, try_connect_out, 0 },
	{ "out: bind UDP to any port", SANDBOX_OUT, try_bind_udp, 0 },
	{ "out: bind TCP to any port", SANDBOX_OUT, try_bind_tcp, 0 },
	{ "out: bind TCP to a port", SANDBOX_OUT, try_bind_tcp_port, EACCES },
	{ "out: listen", SANDBOX_OUT, try_listen, EPERM },
	{ "out: a raw socket", SANDBOX_OUT, try_raw_socket, EPERM },
	{ "out: the kernel's own sockets", SANDBOX_OUT, try_netlink, EPERM },
	{ "out: a new local socket", SANDBOX_OUT, try_unix_socket, EPERM },
	{ "out: fork", SANDBOX_OUT, try_fork, EPERM },
	{ "out: exec", SANDBOX_OUT, try_exec, KILLED },
	{ "out: the thread pool", SANDBOX_OUT, try_pool, 0 },
	{ "files: all that a store does", SANDBOX_FILES, try_store, 0 },
	{ "files: a descriptor opened again", SANDBOX_FILES, try_reopen, 0 },
	{ "files: the thread pool", SANDBOX_FILES, try_pool, 0 },
	{ "files: open outside", SANDBOX_FILES, try_open, EACCES },
	{ "files: the folder above", SANDBOX_FILES, try_parent, EACCES },
	{ "files: write outside", SANDBOX_FILES, try_write_outside, EACCES },
	{ "files: truncate outside", SANDBOX_FILES, try_truncate_outside, EACCES },
	{ "files: a device", SANDBOX_FILES, try_device, EPERM },
	{ "files: a new socket", SANDBOX_FILES, try_socket, EPERM },
	{ "files: exec", SANDBOX_FILES, try_exec, KILLED },
	{ "files: fork", SANDBOX_FILES, try_fork, EPERM },
};

/* Runs in a child. Its exit code: 0 as wanted, 1 not, 2 no sandbox. */
static int inside(size_t i, unsigned user)
{
	struct sandbox s = {
		.kind = cases[i].kind, .folders = &folder_fd, .folder_count = 1, .uid = user, .gid = user
	};
	struct error err;
	char text[200];
	int got;

	if (sandbox_enter(&s, text, sizeof(text), &err) < 0) {
		fprintf(stderr, "%s\n", err.words);
		return 2;
	}
	got = cases[i].attempt();
	if (got != cases[i].want)
		fprintf(stderr, "%s: %d, not %d (%s)\n", cases[i].why, got, cases[i].want, text);
	return got != cases[i].want;
}

static void check_case(size_t i, unsigned user)
{
	int status;
	pid_t p = fork();

	unit_case(cases[i].why, i);
	if (p == 0)
		_exit(inside(i, user));
	assert_int_equal(waitpid(p, &status, 0), p);
	if (cases[i].want == KILLED) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void check_all(unsigned user)
{
	if (SANITIZER)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(i, user);
}

static void test_as_we_are(void **state)
{
	(void)state;
	check_all(UINT_MAX);
}

static void test_user_dropped(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	check_all(65534);
}

static void test_words(void **state)
{
	struct sandbox s = { .kind = SANDBOX_NET, .uid = UINT_MAX, .gid = UINT_MAX };
	int status;
	pid_t p;

	(void)state;
	p = fork();
	if (p == 0) {
		char text[200];

		if (sandbox_enter(&s, text, sizeof(text), NULL) < 0)
			_exit(2);
		_exit(strstr(text, "user=") == NULL || strstr(text, "seccomp=") == NULL ||
		      strstr(text, "landlock=") == NULL);
	}
	assert_int_equal(waitpid(p, &status, 0), p);
	assert_int_equal(status, 0);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0777), 0);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	handed_fd = memfd_create("handed", MFD_CLOEXEC);
	assert_int_equal(write(handed_fd, "hello", 5), 5);
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

static int teardown(void **state)
{
	(void)state;
	close(folder_fd);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_we_are),
					    cmocka_unit_test(test_user_dropped),
					    cmocka_unit_test(test_words) };

	return cmocka_run_group_tests_name("sandbox", tests, setup, teardown);
}
