/* test_ipc.c - messages arrive whole, in order, with their descriptors; a bad frame costs its sender.
 * link: common/ipc common/base */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc/frame.h"

/* One end under test, and what came to it. */
struct end {
	uv_loop_t *loop;
	struct ipc *ipc;
	unsigned received, gone;
	uint64_t last_number;
	size_t last_size, fds;
	int keep; /* a descriptor that was kept */
	bool free_in_receive, free_in_gone, echo;
	struct error why;
};

static void on_receive(void *arg, struct ipc_message *m)
{
	struct end *e = arg;

	e->received++;
	e->last_number = m->number;
	e->last_size = m->body.n;
	e->fds += m->fd_count;
	for (size_t i = 0; i < m->body.n; i++)
		assert_int_equal(m->body.p[i], (uint8_t)(i * 7 + m->number));
	if (m->type == 9) {
		e->keep = m->fds[0];
		m->fds[0] = -1;
	}
	if (e->echo)
		assert_int_equal(ipc_send(e->ipc, m->type, m->number, m->body, NULL, 0), 0);
	if (e->free_in_receive)
		ipc_free(e->ipc);
}

static void on_gone(void *arg, const struct error *why)
{
	struct end *e = arg;

	e->gone++;
	e->why = *why;
	if (e->free_in_gone)
		ipc_free(e->ipc);
}

static void end_open(struct end *e, uv_loop_t *loop, int fd, size_t queue_max)
{
	struct ipc_handlers h = { on_receive, on_gone, e };
	struct error err;

	*e = (struct end){ .loop = loop, .keep = -1 };
	assert_int_equal(ipc_new(&e->ipc, loop, fd, queue_max, &h, &err), 0);
}

/* Turns the loop until nothing happens any more. */
static void settle(uv_loop_t *loop)
{
	for (int i = 0; i < 200; i++)
		uv_run(loop, UV_RUN_NOWAIT);
}

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static uint8_t pattern[IPC_MESSAGE_MAX + 1];

static struct span body_for(uint64_t number, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pattern[i] = (uint8_t)(i * 7 + number);
	return (struct span){ pattern, n };
}

static int open_null(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

struct fixture {
	uv_loop_t loop;
	int ends[2];
	int descriptors;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	uv_loop_init(&f->loop);
	f->descriptors = open_descriptors();
	assert_int_equal(ipc_pair(f->ends, NULL), 0);
	*state = f;
	return 0;
}

/* What a test has freed leaves no handle and no descriptor behind. */
static int teardown(void **state)
{
	struct fixture *f = *state;

	settle(&f->loop);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	free(f);
	return 0;
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0,
					1,
					IPC_FRAME_BODY - 1,
					IPC_FRAME_BODY,
					IPC_FRAME_BODY + 1,
					2 * IPC_FRAME_BODY,
					2 * IPC_FRAME_BODY + 5,
					IPC_MESSAGE_MAX };
	struct fixture *f = *state;
	struct end a, b;

	end_open(&a, &f->loop, f->ends[0], 4 << 20);
	end_open(&b, &f->loop, f->ends[1], 4 << 20);
	b.echo = true;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unit_case("a message of this size", sizes[i]);
		assert_int_equal(ipc_send(a.ipc, 5, 1000 + i, body_for(1000 + i, sizes[i]), NULL, 0), 0);
		settle(&f->loop);
		assert_int_equal(a.received, i + 1);
		assert_int_equal(a.last_number, 1000 + i);
		assert_int_equal(a.last_size, sizes[i]);
	}
	assert_int_equal(ipc_send(a.ipc, 5, 1, body_for(1, IPC_MESSAGE_MAX + 1), NULL, 0), -EMSGSIZE);
	ipc_free(a.ipc);
	settle(&f->loop);
	assert_int_equal(b.gone, 1);
	ipc_free(b.ipc);
}

/* The queue takes what the socket does not, up to its end; nothing is lost or out of order. */
static void test_queue(void **state)
{
	struct fixture *f = *state;
	struct end a, b;
	unsigned sent = 0;

	end_open(&a, &f->loop, f->ends[0], 300000);
	end_open(&b, &f->loop, f->ends[1], 300000);
	while (ipc_send(a.ipc, 1, sent, body_for(sent, 1000), NULL, 0) == 0) {
		sent++;
		assert_true(ipc_queued(a.ipc) <= 300000);
	}
	assert_int_equal(ipc_send(a.ipc, 1, sent, body_for(sent, 1000), NULL, 0), -ENOBUFS);
	assert_true(ipc_queued(a.ipc) > 298000);
	assert_int_equal(b.received, 0);
	settle(&f->loop);
	assert_int_equal(b.received, sent);
	assert_int_equal(b.last_number, sent - 1);
	assert_int_equal(ipc_queued(a.ipc), 0);
	ipc_free(a.ipc);
	ipc_free(b.ipc);
}

static void test_descriptors(void **state)
{
	struct fixture *f = *state;
	struct end a, b;
	int before = open_descriptors(), pipes[2], fds[3];
	char c;

	end_open(&a, &f->loop, f->ends[0], 1000);
	end_open(&b, &f->loop, f->ends[1], 1000);
	assert_int_equal(pipe(pipes), 0);
	fds[0] = pipes[0];
	fds[1] = open_null();
	fds[2] = open_null();
	assert_int_equal(ipc_send(a.ipc, 9, 3, body_for(3, 70000), fds, 3), -ENOBUFS); /* over queue_max */
	assert_int_equal(open_descriptors(), before + 1);                              /* kept, and closed */
	fds[0] = dup(pipes[1]);
	fds[1] = open_null();
	assert_int_equal(ipc_send(a.ipc, 9, 3, body_for(3, 10), fds, 2), 0);
	close(pipes[1]);
	settle(&f->loop);
	assert_int_equal(b.fds, 2);
	assert_true(fcntl(b.keep, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(open_descriptors(), before + 1);
	close(b.keep);
	assert_int_equal(read(b.keep, &c, 1), -1);
	ipc_free(a.ipc);
	ipc_free(b.ipc);
	settle(&f->loop);
	assert_int_equal(open_descriptors(), before - 2);
}

/* 256 in flight and as many in the queue, then no more; all arrive once the receiver takes them. */
static void test_flight(void **state)
{
	struct fixture *f = *state;
	struct end a, b;
	int before = open_descriptors(), sent = 0, code = 0;

	end_open(&a, &f->loop, f->ends[0], 1 << 20);
	end_open(&b, &f->loop, f->ends[1], 1 << 20);
	while (code == 0 && sent < 100) {
		int fds[IPC_FDS_MAX];

		for (int i = 0; i < IPC_FDS_MAX; i++)
			fds[i] = open_null();
		code = ipc_send(a.ipc, 1, 0, (struct span){ NULL, 0 }, fds, IPC_FDS_MAX);
		sent += code == 0;
	}
	assert_int_equal(code, -ENOBUFS);
	assert_int_equal(sent, 2 * IPC_FDS_FLIGHT / IPC_FDS_MAX);
	assert_int_equal(open_descriptors(),
			 before + IPC_FDS_FLIGHT); /* in the queue; those in flight are closed */
	settle(&f->loop);
	assert_int_equal(b.fds, 2 * IPC_FDS_FLIGHT);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(ipc_queued_files(a.ipc), 0);
	for (int i = 0; i < 1000; i++) {
		int fd = open_null();

		assert_int_equal(ipc_send(a.ipc, 1, 0, (struct span){ NULL, 0 }, &fd, 1), 0);
		if (i % 50 == 0)
			settle(&f->loop);
	}
	settle(&f->loop);
	assert_int_equal(b.fds, 2 * IPC_FDS_FLIGHT + 1000);
	ipc_free(a.ipc);
	ipc_free(b.ipc);
}

/* A receiver that holds back input until its own queue is empty must not wait for credit for ever. */
static void test_paused_sender_is_not_starved(void **state)
{
	struct fixture *f = *state;
	struct end a, b;

	end_open(&a, &f->loop, f->ends[0], 1 << 20);
	end_open(&b, &f->loop, f->ends[1], 1 << 20);
	for (int i = 0; i < 300; i++) {
		int fd = open_null();

		assert_int_equal(ipc_send(a.ipc, 1, 0, (struct span){ NULL, 0 }, &fd, 1), 0);
	}
	assert_true(ipc_queued(a.ipc) > 0);
	ipc_pause(a.ipc);
	settle(&f->loop);
	assert_int_equal(ipc_queued(a.ipc), 0);
	assert_int_equal(b.fds, 300);
	ipc_free(a.ipc);
	ipc_free(b.ipc);
}

static const struct {
	const char *why;
	uint16_t type, flags;
	uint32_t length;
	size_t body; /* bytes that follow the head */
	const char *words;
} bad[] = {
	{ "an unknown flag", 1, 4, 0, 0, "unknown flags" },
	{ "a length over the record's", 1, 0, 9, 8, "announces" },
	{ "a length under the record's", 1, 0, 7, 8, "announces" },
	{ "a length of 2^32 - 1", 1, 0, UINT32_MAX, 8, "announces" },
	{ "a frame with more to follow, not full", 1, IPC_FLAG_MORE, 8, 8, "not full" },
	{ "a record over the limit", 1, 0, IPC_FRAME_BODY + 1, IPC_FRAME_BODY + 1, "is over" },
	{ "a credit with a body", 0, IPC_FLAG_CREDIT, 1, 1, "credit" },
	{ "a credit with a type", 1, IPC_FLAG_CREDIT, 0, 0, "credit" },
};

static void send_raw(int fd, uint16_t type, uint16_t flags, uint32_t length, size_t body)
{
	static uint8_t record[IPC_FRAME_HEAD + IPC_FRAME_BODY + 1];
	struct ipc_frame head = { .type = type, .flags = flags, .body.n = length };

	ipc_frame_write(record, &head);
	assert_int_equal(send(fd, record, IPC_FRAME_HEAD + body, 0), IPC_FRAME_HEAD + body);
}

static void test_bad_frames(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct end b;
		int pair[2];

		unit_case(bad[i].why, i);
		assert_int_equal(ipc_pair(pair, NULL), 0);
		end_open(&b, &f->loop, pair[1], 1000);
		send_raw(pair[0], bad[i].type, bad[i].flags, bad[i].length, bad[i].body);
		settle(&f->loop);
		assert_int_equal(b.gone, 1);
		assert_non_null(strstr(b.why.words, bad[i].words));
		assert_int_equal(b.received, 0);
		assert_int_equal(ipc_send(b.ipc, 1, 1, body_for(1, 1), NULL, 0), -EPIPE);
		ipc_free(b.ipc);
		close(pair[0]);
	}
	close(f->ends[0]);
	close(f->ends[1]);
}

static void test_short_head(void **state)
{
	struct fixture *f = *state;
	struct end b;

	end_open(&b, &f->loop, f->ends[1], 1000);
	assert_int_equal(send(f->ends[0], "abc", 3, 0), 3);
	settle(&f->loop);
	assert_int_equal(b.gone, 1);
	assert_non_null(strstr(b.why.words, "shorter than its head"));
	ipc_free(b.ipc);
	close(f->ends[0]);
}

/* Frames of two messages mixed; a message over the limit: each ends the connection. */
static void test_bad_sequences(void **state)
{
	struct fixture *f = *state;
	struct end b;
	int pair[2];

	end_open(&b, &f->loop, f->ends[1], 1000);
	send_raw(f->ends[0], 1, IPC_FLAG_MORE, IPC_FRAME_BODY, IPC_FRAME_BODY);
	send_raw(f->ends[0], 2, 0, 8, 8);
	settle(&f->loop);
	assert_non_null(strstr(b.why.words, "another message"));
	ipc_free(b.ipc);
	close(f->ends[0]);

	assert_int_equal(ipc_pair(pair, NULL), 0);
	end_open(&b, &f->loop, pair[1], 1000);
	for (int i = 0; i < 17 && b.gone == 0; i++) {
		send_raw(pair[0], 1, IPC_FLAG_MORE, IPC_FRAME_BODY, IPC_FRAME_BODY);
		settle(&f->loop);
	}
	assert_non_null(strstr(b.why.words, "a message is over"));
	ipc_free(b.ipc);
	close(pair[0]);
}

/* More descriptors than a message may have are never taken. */
static void test_too_many_descriptors(void **state)
{
	struct fixture *f = *state;
	int before = open_descriptors(), fds[IPC_FDS_MAX + 1];
	uint8_t head[IPC_FRAME_HEAD], room[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec part = { head, sizeof(head) };
	struct msghdr msg = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	struct end b;

	for (int i = 0; i <= IPC_FDS_MAX; i++)
		fds[i] = STDERR_FILENO;
	ipc_frame_write(head, &(struct ipc_frame){ .type = 1 });
	*h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS,
			       .cmsg_len = CMSG_LEN(sizeof(fds)) };
	memcpy(CMSG_DATA(h), fds, sizeof(fds));
	end_open(&b, &f->loop, f->ends[1], 1000);
	assert_int_equal(sendmsg(f->ends[0], &msg, 0), IPC_FRAME_HEAD);
	settle(&f->loop);
	assert_int_equal(b.gone, 1);
	assert_non_null(strstr(b.why.words, "descriptors were lost"));
	assert_int_equal(open_descriptors(), before);
	ipc_free(b.ipc);
	close(f->ends[0]);
}

static void test_free_inside(void **state)
{
	struct fixture *f = *state;
	struct end a, b;

	end_open(&a, &f->loop, f->ends[0], 1 << 20);
	end_open(&b, &f->loop, f->ends[1], 1 << 20);
	b.free_in_receive = true;
	a.free_in_gone = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ipc_send(a.ipc, 1, 1, body_for(1, 100000), NULL, 0), 0);
	settle(&f->loop);
	assert_int_equal(b.received, 1);
	assert_int_equal(b.gone, 0);
	assert_int_equal(a.gone, 1);
	assert_string_equal(a.why.words, "the other end closed the connection");
}

static void test_pause(void **state)
{
	struct fixture *f = *state;
	struct end a, b;

	end_open(&a, &f->loop, f->ends[0], 1 << 20);
	end_open(&b, &f->loop, f->ends[1], 1 << 20);
	ipc_pause(b.ipc);
	assert_int_equal(ipc_send(a.ipc, 1, 1, body_for(1, 10), NULL, 0), 0);
	settle(&f->loop);
	assert_int_equal(b.received, 0);
	ipc_resume(b.ipc);
	settle(&f->loop);
	assert_int_equal(b.received, 1);
	ipc_free(a.ipc);
	ipc_free(b.ipc);
}

/* What was said before the end is heard, even if the end left something unread. */
static void test_last_words(void **state)
{
	struct fixture *f = *state;
	struct end a, b;

	end_open(&a, &f->loop, f->ends[0], 1 << 20);
	end_open(&b, &f->loop, f->ends[1], 1 << 20);
	assert_int_equal(ipc_send(a.ipc, 1, 1, body_for(1, 10), NULL, 0), 0);
	assert_int_equal(ipc_send(b.ipc, 1, 7, body_for(7, 10), NULL, 0), 0);
	ipc_free(b.ipc);
	assert_int_equal(ipc_send(a.ipc, 1, 2, body_for(2, 10), NULL, 0), -EPIPE);
	settle(&f->loop);
	assert_int_equal(a.received, 1);
	assert_int_equal(a.last_number, 7);
	assert_int_equal(a.gone, 1);
	ipc_free(a.ipc);
}

static void test_now(void **state)
{
	struct fixture *f = *state;
	int fds[IPC_FDS_MAX], before, pair[2] = { open_null(), open_null() };
	struct ipc_message m;
	struct error err;
	struct end a;
	uint8_t *body;

	before = open_descriptors();
	assert_int_equal(ipc_receive_now(f->ends[1], 10, &m, &body, fds, &err), -ETIMEDOUT);
	assert_null(body);
	end_open(&a, &f->loop, f->ends[0], 1 << 20);
	assert_int_equal(ipc_send(a.ipc, 4, 8, body_for(8, 200000), pair, 2), 0);
	assert_int_equal(ipc_receive_now(f->ends[1], 1000, &m, &body, fds, &err), 0);
	assert_int_equal(m.type, 4);
	assert_int_equal(m.fd_count, 2);
	assert_int_equal(m.body.n, 200000);
	assert_memory_equal(m.body.p, pattern, m.body.n);
	ipc_close_all(m.fds, m.fd_count);
	free(body);
	assert_int_equal(ipc_send_now(f->ends[1], 6, 9, body_for(9, 150000), NULL, 0, &err), 0);
	settle(&f->loop);
	assert_int_equal(a.received, 1);
	assert_int_equal(a.last_size, 150000);
	ipc_free(a.ipc);
	assert_int_equal(ipc_receive_now(f->ends[1], 1000, &m, &body, fds, &err), -EPIPE);
	close(f->ends[1]);
	assert_int_equal(open_descriptors(), before - 4);
}

int main(void)
{
#define IPC_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		IPC_TEST(test_sizes),
		IPC_TEST(test_queue),
		IPC_TEST(test_descriptors),
		IPC_TEST(test_flight),
		IPC_TEST(test_paused_sender_is_not_starved),
		IPC_TEST(test_bad_frames),
		IPC_TEST(test_short_head),
		IPC_TEST(test_bad_sequences),
		IPC_TEST(test_too_many_descriptors),
		IPC_TEST(test_free_inside),
		IPC_TEST(test_pause),
		IPC_TEST(test_last_words),
		IPC_TEST(test_now),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "ipc");
}
