/* yubind_kit.c - the contract is in yubind_kit.h. */
#include "tests/unit/yubind_kit.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/ipc.h"
#include "tests/unit/unit.h"

void child_begin(struct child *c, const struct worker_daemon *d)
{
	int control[2], logs[2];

	assert_int_equal(ipc_pair(control, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, logs), 0);
	c->pid = fork();
	if (c->pid == 0) {
		close(control[0]);
		dup2(control[1], CONTROL_FD);
		exit(worker_main(d));
	}
	close(control[1]);
	c->control = control[0];
	c->log = logs[0];

	struct control_hello h = { .daemon = "imapd",
				   .worker = 2,
				   .hostname = "mail.example.org",
				   .uid = UINT32_MAX,
				   .gid = UINT32_MAX,
				   .nofile = 1000 };
	struct buf b;

	buf_init(&b, 4096);
	control_hello_write(&b, &h);
	assert_int_equal(ipc_send_now(c->control, CONTROL_HELLO, 0, buf_span(&b), &logs[1], 1, NULL), 0);
	buf_clear(&b);
	close(logs[1]);
}

void child_send_fd(struct child *c, enum control_type type, uint64_t number, struct span body, int fd)
{
	assert_int_equal(ipc_send_now(c->control, (uint16_t)type, number, body, &fd, 1, NULL), 0);
	close(fd);
}

void child_send_settings(struct child *c, uint64_t number, struct span bundle)
{
	int fd;

	assert_int_equal(bundle_to_fd(bundle, &fd, NULL), 0);
	child_send_fd(c, CONTROL_SETTINGS, number, (struct span){ NULL, 0 }, fd);
}

void child_send(struct child *c, enum control_type type, struct span body)
{
	assert_int_equal(ipc_send_now(c->control, (uint16_t)type, 0, body, NULL, 0, NULL), 0);
}

void child_send_number(struct child *c, enum control_type type, uint64_t v)
{
	struct buf b;

	buf_init(&b, 64);
	wire_put_u64(&b, v);
	assert_int_equal(ipc_send_now(c->control, (uint16_t)type, 0, buf_span(&b), NULL, 0, NULL), 0);
	buf_clear(&b);
}

void child_send_text(struct child *c, enum control_type type, uint64_t number, const char *text)
{
	struct buf b;

	buf_init(&b, 4096);
	wire_put_text(&b, text);
	assert_int_equal(ipc_send_now(c->control, (uint16_t)type, number, buf_span(&b), NULL, 0, NULL), 0);
	buf_clear(&b);
}

const char *child_expect(struct child *c, enum control_type type, uint64_t number)
{
	static char text[(64 << 10) + 1];
	int fds[IPC_FDS_MAX];
	struct ipc_message m;
	struct error err;
	uint8_t *body;

	if (ipc_receive_now(c->control, 5000, &m, &body, fds, &err) < 0)
		fail_msg("%s", err.words);
	struct wire w = { .in = m.body };

	wire_text(&w, text, sizeof(text));
	free(body);
	if (m.type != type)
		fail_msg("message %u, not %d: %s", m.type, (int)type, text);
	assert_int_equal(m.number, number);
	return text;
}

int child_end(struct child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->control);
	close(c->log);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
