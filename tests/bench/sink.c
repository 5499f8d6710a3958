/*
 * sink.c - an SMTP server that throws everything away: the far side of a benchmark.
 *
 *     sink PORT COUNT     listens on 127.0.0.1; greets nobody until a line comes on stdin; prints
 *                         {"ok": COUNT, "s": SECONDS, "connections": N} once COUNT messages came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNS = 4096, ROOM = 65536, OUT = 8192 };

struct peer {
	bool open, data, greeted;
	unsigned matched; /* bytes of CRLF.CRLF that came */
	size_t n;         /* of line */
	char line[1024];
	size_t out_n;
	char out[OUT];
};

static struct peer peers[CONNS];
static long wanted, got, connections;
static bool released;
static double began;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(struct peer *p, const char *text)
{
	size_t n = strlen(text);

	if (p->out_n + n <= sizeof(p->out)) {
		memcpy(p->out + p->out_n, text, n);
		p->out_n += n;
	}
}

static bool starts(const struct peer *p, const char *word)
{
	return strncasecmp(p->line, word, strlen(word)) == 0;
}

/* False: QUIT. */
static bool command(struct peer *p)
{
	if (starts(p, "EHLO"))
		say(p, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n");
	else if (starts(p, "DATA")) {
		say(p, "354 go on\r\n");
		p->data = true;
		p->matched = 2; /* a dot may be the first line */
	} else if (starts(p, "QUIT")) {
		say(p, "221 bye\r\n");
		return false;
	} else {
		say(p, "250 ok\r\n");
	}
	return true;
}

static void message(struct peer *p)
{
	p->data = false;
	say(p, "250 ok\r\n");
	if (++got == wanted) {
		printf("{\"ok\": %ld, \"s\": %.6f, \"connections\": %ld}\n", got, now() - began, connections);
		fflush(stdout);
	}
}

static bool take(struct peer *p, const char *in, size_t n)
{
	static const char end[] = "\r\n.\r\n";

	for (size_t i = 0; i < n; i++) {
		if (p->data) {
			p->matched = in[i] == end[p->matched] ? p->matched + 1 : in[i] == '\r';
			if (p->matched == 5)
				message(p);
		} else if (in[i] == '\n') {
			p->line[p->n] = '\0';
			p->n = 0;
			if (!command(p))
				return false;
		} else if (p->n < sizeof(p->line) - 1) {
			p->line[p->n++] = in[i];
		}
	}
	return true;
}

static void greet(int fd, struct peer *p)
{
	static const char hello[] = "220 sink.test ESMTP\r\n";

	p->greeted = true;
	if (write(fd, hello, sizeof(hello) - 1) < 0)
		p->open = false;
}

static void release(void)
{
	released = true;
	began = now();
	for (int fd = 0; fd < CONNS; fd++)
		if (peers[fd].open && !peers[fd].greeted)
			greet(fd, &peers[fd]);
}

static void admit(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= CONNS) {
		close(fd);
		return;
	}
	memset(&peers[fd], 0, sizeof(peers[fd]));
	peers[fd].open = true;
	connections++;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	if (released)
		greet(fd, &peers[fd]);
}

static void serve(int fd)
{
	static char room[ROOM];
	struct peer *p = &peers[fd];
	ssize_t n = read(fd, room, sizeof(room));
	bool stay = n > 0 && take(p, room, (size_t)n);

	if (n < 0 && errno == EAGAIN)
		return;
	if (p->out_n > 0 && write(fd, p->out, p->out_n) < 0)
		stay = false;
	p->out_n = 0;
	if (!stay) {
		p->open = false;
		close(fd);
	}
}

static int listen_at(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0) {
		perror("sink");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[256], ev = { .events = EPOLLIN };
	int ep = epoll_create1(0), door;

	if (argc != 3) {
		fputs("usage: sink PORT COUNT\n", stderr);
		return 2;
	}
	door = listen_at((int)strtol(argv[1], NULL, 10));
	wanted = strtol(argv[2], NULL, 10);
	ev.data.fd = door;
	epoll_ctl(ep, EPOLL_CTL_ADD, door, &ev);
	ev.data.fd = STDIN_FILENO;
	epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &ev);
	for (;;) {
		int n = epoll_wait(ep, events, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			char c;

			if (fd == door) {
				int one;

				while ((one = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0)
					admit(ep, one);
			} else if (fd == STDIN_FILENO) {
				if (read(fd, &c, 1) <= 0)
					return 0;
				release();
			} else {
				serve(fd);
			}
		}
	}
}
