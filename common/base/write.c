/* write.c - the contract is in write.h. */
#include "common/base/write.h"

#include <errno.h>
#include <unistd.h>

int write_whole(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			span_take(&s, (size_t)n);
	}
	return 0;
}
