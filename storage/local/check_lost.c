/* check_lost.c - where goes what has no place; the contract is in check_inside.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "storage/local/check_inside.h"

enum { LOST_TRIES = 10000, LOST_LOOK = 998 };

static const char lost_folder[] = ".lost";

/* The folders above path. */
static int make_above(int at, char *path)
{
	for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdirat(at, path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
		*slash = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

int check_lose(int at, const char *path)
{
	char to[CHECK_WHERE_MAX];
	int n = snprintf(to, sizeof(to) - 8, "%s/%s", lost_folder, path), r;

	if (n < 0 || (size_t)n >= sizeof(to) - 8)
		return -ENAMETOOLONG;
	r = make_above(at, to);
	for (unsigned i = 2; r == 0 && i < LOST_TRIES; i++) {
		if (renameat2(at, path, at, to, RENAME_NOREPLACE) == 0)
			return 0;
		r = errno == EEXIST ? 0 : -errno;
		snprintf(to + n, sizeof(to) - (size_t)n, ".%u", i);
	}
	return r < 0 ? r : -EEXIST;
}

/* RFC 5322 2.2: a name of printable characters, a colon; and the line ends in CRLF */
static bool first_line_fits(struct span text)
{
	ptrdiff_t colon = span_find(text, ':'), end = span_find(text, '\n');

	if (colon < 1 || end < colon + 1 || text.p[end - 1] != '\r')
		return false;
	for (ptrdiff_t i = 0; i < colon; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return false;
	return true;
}

bool check_is_message(int at, const char *path)
{
	uint8_t start[LOST_LOOK];
	int fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return false;
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? pread(fd, start, sizeof(start), 0) : -1;
	close(fd);
	return n > 0 && first_line_fits((struct span){ start, (size_t)n });
}
