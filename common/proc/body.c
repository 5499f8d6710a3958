/* body.c - the contract is in body.h. */
#include "common/proc/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

struct body_read {
	uv_work_t work;
	int fd;			/* its own */
	uint64_t offset;
	size_t n;
	ssize_t r;
	body_read_done done;	/* NULL: cancelled */
	void *arg;
	uint8_t bytes[];
};

ssize_t body_read_now(int fd, uint64_t offset, uint8_t *p, size_t n)
{
	struct iovec v = { p, n };
	ssize_t r = preadv2(fd, &v, 1, (off_t)offset, RWF_NOWAIT);

	if (r < 0)
		return errno == EOPNOTSUPP ? -EAGAIN : -errno;
	return r;
}

static void on_pool(uv_work_t *work)
{
	struct body_read *r = (struct body_read *)work;

	do
		r->r = pread(r->fd, r->bytes, r->n, (off_t)r->offset);
	while (r->r < 0 && errno == EINTR);
	if (r->r < 0)
		r->r = -errno;
}

static void on_loop(uv_work_t *work, int status)
{
	struct body_read *r = (struct body_read *)work;

	(void)status;
	if (r->done != NULL)
		r->done(r->arg, r->r < 0 ? (int)r->r : 0, (struct span){ r->bytes, r->r > 0 ? (size_t)r->r : 0 });
	close(r->fd);
	free(r);
}

struct body_read *body_read_later(uv_loop_t *loop, int fd, uint64_t offset, size_t n, body_read_done done,
				  void *arg)
{
	struct body_read *r = malloc(sizeof(*r) + n);

	if (r == NULL)
		return NULL;
	*r = (struct body_read){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .offset = offset, .n = n, .done = done,
				 .arg = arg };
	if (r->fd < 0 || uv_queue_work(loop, &r->work, on_pool, on_loop) != 0) {
		if (r->fd >= 0)
			close(r->fd);
		free(r);
		return NULL;
	}
	return r;
}

void body_read_cancel(struct body_read *r)
{
	if (r != NULL)
		r->done = NULL;
}
